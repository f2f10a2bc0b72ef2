"""The corpus: a dataset's letters and labels as memory-mapped integers, and its record table.

All records' bases lie one behind the other in `tokens.npy`; `labels.npy`, where there are labels,
is aligned with it; `records.tsv` says where each record begins. A corpus knows nothing of splits,
and nothing of it is ever held in memory as a whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.corpus_files import (
    DESCRIPTION,
    LABELS,
    RECORDS,
    TOKENS,
    CorpusCounts,
    Encoded,
    encode_letters,
    finish_corpus,
    growing_array,
    read_records,
    state_table,
)
from basetag.errors import InputError
from basetag.features import FeatureColumns, chosen_features, open_features
from basetag.files import written_whole
from basetag.left_out import letters_to_tokens
from basetag.letters import UNLABELLED
from basetag.substates import Substates, mirror_of, open_substates

__all__ = [
    "LABELS",
    "TOKENS",
    "UNLABELLED",
    "Corpus",
    "CorpusCounts",
    "Substates",
    "write_corpus",
    "write_tokens",
]


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


def write_corpus(
    folder: str | os.PathLike[str],
    sequences: str | os.PathLike[str],
    alphabet: Alphabet,
    *,
    labels: str | os.PathLike[str] | None = None,
    states: Mapping[str, str] | None = None,
    leave_out: Collection[str] = (),
) -> CorpusCounts:
    """Encode a FASTA file, and a FASTA file of its bases' states, into a corpus.

    One pass over each file, in memory that does not grow with them (but for the names). Written
    whole or not at all: tokens.npy, records.tsv, corpus.json, and labels.npy where there are
    labels.

    Parameters
    ----------
    folder : path-like
        Where the corpus shall lie.
    sequences : path-like
        FASTA of the bases; what `fasta.encode_fasta` reads.
    alphabet : Alphabet
        Of the bases.
    labels : path-like, optional
        FASTA of the same records, in the same order, with one state letter for each base, or
        `.` or `-` for a base without a label.
    states : mapping of str to str, optional
        State letters with their meanings, in the order of the labels 0, 1, ... Needed with
        `labels`.
    leave_out : collection of str
        Kinds of bases that get no label: see `left_out`.

    Returns
    -------
    CorpusCounts

    Raises
    ------
    InputError
        What is wrong in either file, and where the two do not agree: names, lengths.
    """
    folder, sequences = Path(folder), Path(sequences)
    states = dict(states or {})
    leave_out = () if labels is None else leave_out
    names = [TOKENS, RECORDS, DESCRIPTION] + ([LABELS] if labels is not None else [])
    with written_whole(*(folder / name for name in names)) as places:
        place = dict(zip(names, places, strict=True))
        encoded = encode_letters(sequences, letters_to_tokens(alphabet, leave_out), place[TOKENS])
        if not encoded.bases:
            raise InputError(f"all of its {len(encoded.names)} records are empty", file=sequences)
        label_counts = None
        if labels is not None:
            found = encode_letters(labels, state_table(tuple(states)), place[LABELS])
            _check_same_records(sequences, labels, encoded, found)
            label_counts = found.counts
        return finish_corpus(place, alphabet, states, encoded, label_counts, leave_out=leave_out)


def write_tokens(
    folder: str | os.PathLike[str],
    alphabet: Alphabet,
    records: Iterable[tuple[str, NDArray[np.uint8]]],
) -> None:
    """Write a corpus without labels from tokens, one record in memory at a time.

    Parameters
    ----------
    folder : path-like
        Where the corpus shall lie; written whole or not at all.
    alphabet : Alphabet
    records : iterable of (str, ndarray of uint8, (bases,))
        Name and tokens of each record.
    """
    folder = Path(folder)
    names: list[str] = []
    lengths: list[int] = []
    token_counts = np.zeros(256, dtype=np.int64)
    files = (TOKENS, RECORDS, DESCRIPTION)
    with written_whole(*(folder / name for name in files)) as places:
        with growing_array(places[0]) as file:
            for name, tokens in records:
                names.append(name)
                lengths.append(tokens.size)
                file.write(tokens.tobytes())
                token_counts += np.bincount(tokens, minlength=256)
        encoded = Encoded(names, lengths, token_counts)
        finish_corpus(dict(zip(files, places, strict=True)), alphabet, {}, encoded, None)


def _check_same_records(
    sequences: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    expected: Encoded,
    found: Encoded,
) -> None:
    """Raise an error at the first record in which bases and labels do not agree."""
    if (expected.names, expected.lengths) == (found.names, found.lengths):
        return
    for number, (base_name, label_name) in enumerate(zip_longest(expected.names, found.names), 1):
        if base_name != label_name:
            was = f"is {label_name!r}" if label_name is not None else "is missing"
            should = f"is {base_name!r}" if base_name is not None else "is missing"
            raise InputError(
                f"record number {number} {was} here and {should} in {sequences}",
                file=Path(labels),
                advice="labels need the same records in the same order",
            )
    for name, base_length, label_length in zip(
        expected.names, expected.lengths, found.lengths, strict=True
    ):
        if base_length != label_length:
            raise InputError(
                f"has {label_length} labels for the {base_length} bases in {sequences}",
                file=Path(labels),
                record=name,
                advice="every base needs one label ('.' where there is none)",
            )
