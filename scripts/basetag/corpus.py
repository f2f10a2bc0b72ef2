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
from basetag.corpus_files import DESCRIPTION, LABELS, RECORDS, TOKENS, read_records
from basetag.errors import InputError
from basetag.features import FeatureColumns, chosen_features, open_features
from basetag.letters import UNLABELLED
from basetag.substates import Substates, mirror_of, open_substates

__all__ = ["UNLABELLED", "Corpus"]


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
    mirror : tuple of int
        The label that each one becomes on the other strand; itself where nobody says otherwise.
    substates : Substates, or None
        Finer states than the labels; None where nobody gave them.
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
    mirror: tuple[int, ...] = ()
    substates: Substates | None = None

    def __post_init__(self) -> None:
        if not self.mirror:
            object.__setattr__(self, "mirror", tuple(range(len(self.states))))

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
            names, starts, lengths = read_records(folder / RECORDS)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"is no complete corpus ({error})", file=folder, advice="encode it again"
            ) from error
        bases = int(lengths.sum())
        for name, values in ((TOKENS, tokens), (LABELS, labels)):
            if values is not None and values.shape != (bases,):
                raise InputError(
                    f"{RECORDS} speaks of {bases} bases, {name} holds {values.size}",
                    file=folder,
                    advice="encode it again",
                )
        mirror = mirror_of(about, folder)
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
            mirror=mirror,
            substates=open_substates(about, mirror, folder, bases),
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
