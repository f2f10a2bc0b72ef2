"""The corpus: a dataset's letters and labels as memory-mapped integers, and its record table.

All records' bases lie one behind the other in `tokens.npy`; `labels.npy`, where there are labels,
is aligned with it; `records.tsv` says where each record begins. A corpus knows nothing of splits,
and nothing of it is ever held in memory as a whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.errors import InputError
from basetag.features import FeatureColumns, chosen_features, open_features

#: Label of a base that belongs to no state: never a class, never scored.
UNLABELLED = 255

TOKENS, LABELS, RECORDS, DESCRIPTION = "tokens.npy", "labels.npy", "records.tsv", "corpus.json"


@dataclass(frozen=True)
class Corpus:
    """An encoded dataset.

    Parameters
    ----------
    alphabet : Alphabet
        What the tokens mean.
    states : tuple of str
        Letter of each state, in the order of the labels; empty without labels.
    state_names : dict of str to str
        Letter to meaning.
    names : list of str
        Name of each record.
    starts, lengths : ndarray of int64, (records,)
        Where each record's bases begin in the corpus, and how many there are (0 is possible).
    tokens : ndarray of uint8, (bases,)
        Memory-mapped.
    labels : ndarray of uint8, (bases,), or None
        Memory-mapped; index of the state, or `UNLABELLED`. None where nobody gave labels.
    features : FeatureColumns of float32, (bases, features), or None
        Memory-mapped; NaN where a number is missing. None where nobody asked for them.
    feature_names : tuple of str
        Those that were asked for, by column.
    """

    alphabet: Alphabet
    states: tuple[str, ...]
    state_names: dict[str, str]
    names: list[str]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    tokens: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None
    features: FeatureColumns | None = None
    feature_names: tuple[str, ...] = ()

    @classmethod
    def open(cls, folder: str | os.PathLike[str], features: Sequence[str] = ()) -> Corpus:
        """Open the corpus that `write_corpus` made in `folder`.

        Parameters
        ----------
        folder : path-like
        features : sequence of str
            Those of its features that are to be read, by their names or by that of their table.
            Others, and those that an earlier config left there, are not looked at.

        Raises
        ------
        InputError
            Where a file is missing, or the files do not belong together, or there is no such
            feature.
        """
        folder = Path(folder)
        try:
            about = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
            # A plain array over the map: slicing a memmap costs ten times as much.
            tokens = np.asarray(np.load(folder / TOKENS, mmap_mode="r"))
            labels = (
                np.asarray(np.load(folder / LABELS, mmap_mode="r")) if about["labelled"] else None
            )
            names, starts, lengths = _read_records(folder / RECORDS)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"is no complete corpus ({error})", file=folder, advice="encode it again"
            ) from error
        bases = int(lengths.sum())
        if tokens.shape != (bases,) or (labels is not None and labels.shape != (bases,)):
            raise InputError(
                f"{RECORDS} speaks of {bases} bases, {TOKENS} holds {tokens.size}",
                file=folder,
                advice="encode it again",
            )
        read: FeatureColumns | None = None
        read_names: tuple[str, ...] = ()
        if features:
            values, known = open_features(folder, bases)
            read_names = chosen_features(features, known, folder)
            read = FeatureColumns(values, np.array([known.index(name) for name in read_names]))
        return cls(
            alphabet=Alphabet.named(about["alphabet"]),
            states=tuple(about["states"]),
            state_names=about["state_names"],
            names=names,
            starts=starts,
            lengths=lengths,
            tokens=tokens,
            labels=labels,
            features=read,
            feature_names=read_names,
        )

    @property
    def known_labels(self) -> NDArray[np.uint8]:
        """The labels of a corpus that must have some.

        Raises
        ------
        InputError
            Where nobody gave labels.
        """
        if self.labels is None:
            raise InputError(
                "the corpus has no labels", advice="give `labels:` with the dataset in the config"
            )
        return self.labels


def _read_records(path: Path) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    rows = [line.split("\t") for line in lines[1:] if line]
    starts = np.array([row[1] for row in rows], dtype=np.int64)
    lengths = np.array([row[2] for row in rows], dtype=np.int64)
    return [row[0] for row in rows], starts, lengths
