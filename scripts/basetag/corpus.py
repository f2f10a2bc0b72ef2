"""The corpus: a dataset's letters and labels as memory-mapped integers, and its record table.

All records' bases lie one behind the other in `tokens.npy`; `labels.npy`, where there are labels,
is aligned with it; `records.tsv` says where each record begins. A corpus knows nothing of splits,
and nothing of it is ever held in memory as a whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.errors import InputError
from basetag.fasta import LetterTable, encode_fasta
from basetag.features import FeatureColumns, chosen_features, open_features
from basetag.files import written_whole
from basetag.substates import Substates, mirror_of, open_substates

#: Label of a base that belongs to no state: never a class, never scored.
UNLABELLED = 255

TOKENS, LABELS, RECORDS, DESCRIPTION = "tokens.npy", "labels.npy", "records.tsv", "corpus.json"

_UNLABELLED_LETTERS = ".-"


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


@dataclass(frozen=True)
class CorpusCounts:
    """What `write_corpus` found, for the log.

    Parameters
    ----------
    records, empty_records, bases : int
        How many there are.
    symbols : dict of str to int
        Letters and ambiguous codes that occur, with their counts.
    labels : dict of str to int
        State letters with their counts; `.` is unlabelled. Empty without labels.
    """

    records: int
    empty_records: int
    bases: int
    symbols: dict[str, int]
    labels: dict[str, int]


def write_corpus(
    folder: str | os.PathLike[str],
    sequences: str | os.PathLike[str],
    alphabet: Alphabet,
    *,
    labels: str | os.PathLike[str] | None = None,
    states: Mapping[str, str] | None = None,
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

    Returns
    -------
    CorpusCounts

    Raises
    ------
    InputError
        What is wrong in either file, and where the two do not agree: names, lengths.
    """
    folder = Path(folder)
    states = dict(states or {})
    names = [TOKENS, RECORDS, DESCRIPTION] + ([LABELS] if labels is not None else [])
    with written_whole(*(folder / name for name in names)) as places:
        place = dict(zip(names, places, strict=True))
        table = LetterTable.of_alphabet(alphabet)
        records, lengths, token_counts = _encode(sequences, table, place[TOKENS])
        if not sum(lengths):
            raise InputError(f"all of its {len(records)} records are empty", file=Path(sequences))
        label_counts = np.zeros(256, dtype=np.int64)
        if labels is not None:
            label_table = _state_table(tuple(states))
            found = _encode(labels, label_table, place[LABELS])
            _check_same_records(sequences, labels, (records, lengths), found[:2])
            label_counts = found[2]
        counts = CorpusCounts(
            records=len(records),
            empty_records=lengths.count(0),
            bases=sum(lengths),
            symbols=_named_counts(dict(enumerate(alphabet.symbols)), token_counts),
            labels=_named_counts({**dict(enumerate(states)), UNLABELLED: "."}, label_counts),
        )
        _write_records(place[RECORDS], records, lengths)
        _write_description(place[DESCRIPTION], alphabet, states, labels is not None, counts)
    return counts


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
    with written_whole(*(folder / name for name in (TOKENS, RECORDS, DESCRIPTION))) as places:
        with _growing_array(places[0]) as file:
            for name, tokens in records:
                names.append(name)
                lengths.append(tokens.size)
                file.write(tokens.tobytes())
                token_counts += np.bincount(tokens, minlength=256)
        counts = CorpusCounts(
            records=len(names),
            empty_records=lengths.count(0),
            bases=sum(lengths),
            symbols=_named_counts(dict(enumerate(alphabet.symbols)), token_counts),
            labels={},
        )
        _write_records(places[1], names, lengths)
        _write_description(places[2], alphabet, {}, False, counts)


def _write_description(
    path: Path,
    alphabet: Alphabet,
    states: Mapping[str, str],
    labelled: bool,
    counts: CorpusCounts,
) -> None:
    about = {
        "alphabet": alphabet.name,
        "states": list(states),
        "state_names": dict(states),
        "labelled": labelled,
        "bases": counts.bases,
        "records": counts.records,
        "counts": counts.symbols,
        "label_counts": counts.labels,
    }
    path.write_text(json.dumps(about, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def _encode(
    path: str | os.PathLike[str], table: LetterTable, target: Path
) -> tuple[list[str], list[int], NDArray[np.int64]]:
    """Encode a FASTA file into a .npy file; return names, lengths and counts of the values."""
    names: list[str] = []
    lengths: list[int] = []
    counts = np.zeros(256, dtype=np.int64)
    order = np.unique(np.frombuffer(table.values, dtype=np.uint8))
    with _growing_array(target) as file:
        for block in encode_fasta(path, table):
            if block.continued:
                lengths[-1] += block.continued
            names += block.names
            lengths += block.lengths
            file.write(block.values)
            _count(np.frombuffer(block.values, dtype=np.uint8), order, counts)
    return names, lengths, counts


def _count(values: NDArray[np.uint8], order: NDArray[np.uint8], counts: NDArray[np.int64]) -> None:
    """Add the number of times that each value occurs to `counts`, (256,).

    Comparing is far faster than counting all bins, and the plain letters, which come first in
    `order`, are mostly all that there is.
    """
    left = values.size
    for value in order:
        if not left:
            return
        n = int(np.count_nonzero(values == value))
        counts[value] += n
        left -= n


@contextmanager
def _growing_array(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file whose bytes become a uint8 .npy array, (bytes,), when the block ends."""
    with path.open("wb") as file:

        def write_header(n_values: int) -> int:
            # numpy pads headers so that the first axis can grow in place.
            np.lib.format.write_array_header_1_0(
                file, {"descr": "|u1", "fortran_order": False, "shape": (n_values,)}
            )
            return file.tell()

        start = write_header(0)
        yield file
        n_values = file.tell() - start
        file.seek(0)
        if write_header(n_values) != start:
            raise RuntimeError("numpy gave headers of two lengths")


def _state_table(states: tuple[str, ...]) -> LetterTable:
    """Return the table from state letters to labels."""
    wrong = UNLABELLED - 1
    values = np.full(256, wrong, dtype=np.uint8)
    for letter in _UNLABELLED_LETTERS:
        values[ord(letter)] = UNLABELLED
    for label, letter in enumerate(states):
        values[ord(letter)] = label
    letters = ", ".join(states)
    return LetterTable(values.tobytes(), wrong, "the states", f"{letters} and . for unlabelled")


def _check_same_records(
    sequences: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    expected: tuple[list[str], list[int]],
    found: tuple[list[str], list[int]],
) -> None:
    """Raise an error at the first record in which bases and labels do not agree."""
    if expected == found:
        return
    for number, (base_name, label_name) in enumerate(zip_longest(expected[0], found[0]), 1):
        if base_name != label_name:
            was = f"is {label_name!r}" if label_name is not None else "is missing"
            should = f"is {base_name!r}" if base_name is not None else "is missing"
            raise InputError(
                f"record number {number} {was} here and {should} in {sequences}",
                file=Path(labels),
                advice="labels need the same records in the same order",
            )
    for name, base_length, label_length in zip(expected[0], expected[1], found[1], strict=True):
        if base_length != label_length:
            raise InputError(
                f"has {label_length} labels for the {base_length} bases in {sequences}",
                file=Path(labels),
                record=name,
                advice="every base needs one label ('.' where there is none)",
            )


def _named_counts(symbols: Mapping[int, str], counts: NDArray[np.int64]) -> dict[str, int]:
    return {symbol: int(counts[value]) for value, symbol in symbols.items() if counts[value]}


def _write_records(path: Path, names: list[str], lengths: list[int]) -> None:
    start = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("record\tstart\tlength\n")
        for name, length in zip(names, lengths, strict=True):
            file.write(f"{name}\t{start}\t{length}\n")
            start += length


def _read_records(path: Path) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    rows = [line.split("\t") for line in lines[1:] if line]
    starts = np.array([row[1] for row in rows], dtype=np.int64)
    lengths = np.array([row[2] for row in rows], dtype=np.int64)
    return [row[0] for row in rows], starts, lengths
