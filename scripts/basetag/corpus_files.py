"""The files of a corpus, piece by piece: arrays of bytes that grow, the record table, the rest.

What the pieces mean together, and how a corpus is read, says `basetag.corpus`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.duplicates import Dropped, find_duplicates, keep_records
from basetag.errors import InputError
from basetag.fasta import LetterTable, encode_fasta
from basetag.left_out import leave_out_bases, without_case
from basetag.letters import UNLABELLED

TOKENS, LABELS, RECORDS, DESCRIPTION = "tokens.npy", "labels.npy", "records.tsv", "corpus.json"
SUBSTATES = "substates.npy"
TARGETS, TARGET_TABLE = "targets.npy", "targets.tsv"
WORDS, VOCABULARY = "words.npy", "vocabulary.tsv"

#: In a file of states, letters of bases without a label.
UNLABELLED_LETTERS = ".-"


@dataclass(frozen=True)
class Encoded:
    """What the letters of records became.

    Parameters
    ----------
    names : list of str
        Of the records.
    lengths : list of int
        Their letters.
    counts : ndarray of int64, (256,)
        How often each value occurs.
    """

    names: list[str]
    lengths: list[int]
    counts: NDArray[np.int64]

    @property
    def bases(self) -> int:
        """Letters of all records."""
        return sum(self.lengths)


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
    left_out : dict of str to int
        Bases without a label because of their letters, by the reason.
    dropped : Dropped, optional
        Records that were taken out as copies; None where nobody asked for it.
    """

    records: int
    empty_records: int
    bases: int
    symbols: dict[str, int]
    labels: dict[str, int]
    left_out: dict[str, int] = field(default_factory=dict)
    dropped: Dropped | None = None


def encode_letters(path: str | os.PathLike[str], table: LetterTable, target: Path) -> Encoded:
    """Encode a FASTA file into a .npy file."""
    names: list[str] = []
    lengths: list[int] = []
    counts = np.zeros(256, dtype=np.int64)
    order = values_of(table)
    with growing_array(target) as file:
        for block in encode_fasta(path, table):
            if block.continued:
                lengths[-1] += block.continued
            names += block.names
            lengths += block.lengths
            file.write(block.values)
            count_values(np.frombuffer(block.values, dtype=np.uint8), order, counts)
    return Encoded(names, lengths, counts)


def encode_records(
    records: Iterable[tuple[str, bytes]], table: LetterTable, path: Path, target: Path
) -> Encoded:
    """Encode records, one in memory at a time, into a .npy file."""
    names: list[str] = []
    lengths: list[int] = []
    counts = np.zeros(256, dtype=np.int64)
    order = values_of(table)
    with growing_array(target) as file:
        for name, text in records:
            values = text.translate(table.values)
            at = values.find(table.wrong)
            if at >= 0:
                raise InputError(
                    f"{chr(text[at])!r} is no letter of {table.called}",
                    file=path,
                    record=name,
                    position=at + 1,
                    advice=table.advice(chr(text[at])),
                )
            names.append(name)
            lengths.append(len(values))
            file.write(values)
            count_values(np.frombuffer(values, dtype=np.uint8), order, counts)
    return Encoded(names, lengths, counts)


def all_empty(n_records: int, path: str | os.PathLike[str]) -> InputError:
    """Return the error for a file whose records have no letters."""
    found = f"all of its {n_records} records are" if n_records > 1 else "its one record is"
    return InputError(f"{found} empty", file=Path(path), advice="is it the right file?")


def values_of(table: LetterTable) -> NDArray[np.uint8]:
    """Return the values that letters can become, in the order in which to count them."""
    return np.unique(np.frombuffer(table.values, dtype=np.uint8))


def count_values(
    values: NDArray[np.uint8], order: NDArray[np.uint8], counts: NDArray[np.int64]
) -> None:
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
def growing_array(path: Path, kind: str = "|u1") -> Iterator[IO[bytes]]:
    """Yield a file whose bytes become a .npy array, (values,), when the block ends: of uint8."""
    with path.open("wb") as file:

        def write_header(n_values: int) -> int:
            # numpy pads headers so that the first axis can grow in place.
            np.lib.format.write_array_header_1_0(
                file, {"descr": kind, "fortran_order": False, "shape": (n_values,)}
            )
            return file.tell()

        start = write_header(0)
        yield file
        n_values = (file.tell() - start) // np.dtype(kind).itemsize
        file.seek(0)
        if write_header(n_values) != start:
            raise RuntimeError("numpy gave headers of two lengths")


def finish_corpus(
    place: Mapping[str, Path],
    alphabet: Alphabet,
    states: Mapping[str, str],
    encoded: Encoded,
    label_counts: NDArray[np.int64] | None,
    *,
    leave_out: Collection[str] = (),
    mirror: Sequence[int] | None = None,
    substates: Mapping[str, Any] | None = None,
    task: str | None = None,
    threshold: float | None = None,
    digest: str | None = None,
    drop_duplicates: bool = False,
) -> CorpusCounts:
    """Take out what is to be left out, and write what goes beside tokens and labels.

    Parameters
    ----------
    place : mapping of str to Path
        Where each file of the corpus is being written, by its name.
    alphabet : Alphabet
    states : mapping of str to str
        Letters and meanings, in the order of the labels.
    encoded : Encoded
        The bases.
    label_counts : ndarray of int64, (256,), or None
        How often each label was written; None where there are none.
    leave_out : collection of str
        See `left_out`.
    mirror, substates, task, threshold, digest
        As corpus.json has them; without a task, labels are those of bases.
    drop_duplicates : bool
        Whether records go whose sequence an earlier one has; see `duplicates`.
    """
    dropped: Dropped | None = None
    if drop_duplicates and label_counts is not None:
        encoded, label_counts, dropped = _without_duplicates(place, encoded, label_counts)
    token_counts = encoded.counts
    left_out: dict[str, int] = {}
    if label_counts is not None and leave_out:
        labels = [place[name] for name in (LABELS, SUBSTATES) if name in place]
        taken, left_out = leave_out_bases(place[TOKENS], labels, alphabet, leave_out)
        label_counts = label_counts - taken
        label_counts[UNLABELLED] += taken.sum()
        token_counts = without_case(token_counts)
    meanings = {**dict(enumerate(states)), UNLABELLED: "."}
    counts = CorpusCounts(
        records=len(encoded.names),
        empty_records=encoded.lengths.count(0),
        bases=encoded.bases,
        symbols=alphabet.named_counts(token_counts),
        labels={} if label_counts is None else _named_counts(meanings, label_counts),
        left_out=left_out,
        dropped=dropped,
    )
    _write_records(place[RECORDS], encoded.names, encoded.lengths)
    labelled = label_counts is not None
    further: dict[str, Any] = {"mirror": mirror, "substates": substates, "task": task}
    further |= {"threshold": threshold, "digest": digest}
    further["duplicates"] = None if dropped is None else dropped.names
    _write_description(place[DESCRIPTION], alphabet, states, labelled, counts, further)
    return counts


def _without_duplicates(
    place: Mapping[str, Path], encoded: Encoded, label_counts: NDArray[np.int64]
) -> tuple[Encoded, NDArray[np.int64], Dropped]:
    """Take copies out of all arrays; return what is left, and what went."""
    arrays = [np.load(place[name], mmap_mode="r") for name in (TOKENS, LABELS)]
    dropped = find_duplicates(arrays[0], arrays[1], encoded.names, encoded.lengths)
    del arrays
    if not dropped.names:
        return encoded, label_counts, dropped
    gone = {
        name: keep_records(place[name], encoded.lengths, dropped.kept)
        for name in (TOKENS, LABELS, SUBSTATES)
        if name in place
    }
    left = Encoded(
        [encoded.names[record] for record in dropped.kept],
        [encoded.lengths[record] for record in dropped.kept],
        encoded.counts - gone[TOKENS],
    )
    return left, label_counts - gone[LABELS], dropped


def _write_description(
    path: Path,
    alphabet: Alphabet,
    states: Mapping[str, str],
    labelled: bool,
    counts: CorpusCounts,
    further: Mapping[str, Any],
) -> None:
    about: dict[str, Any] = {
        **alphabet.description,
        "states": list(states),
        "state_names": dict(states),
        "labelled": labelled,
        "bases": counts.bases,
        "records": counts.records,
        "counts": counts.symbols,
        "label_counts": counts.labels,
    }
    about |= {name: value for name, value in further.items() if value is not None}
    path.write_text(json.dumps(about, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def _named_counts(symbols: Mapping[int, str], counts: NDArray[np.int64]) -> dict[str, int]:
    return {symbol: int(counts[value]) for value, symbol in symbols.items() if counts[value]}


def _write_records(path: Path, names: list[str], lengths: list[int]) -> None:
    start = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("record\tstart\tlength\n")
        for name, length in zip(names, lengths, strict=True):
            file.write(f"{name}\t{start}\t{length}\n")
            start += length


def read_records(path: Path) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Return names, starts and lengths, both (records,), of records.tsv."""
    lines = path.read_text(encoding="utf-8").split("\n")
    rows = [line.split("\t") for line in lines[1:] if line]
    starts = np.array([row[1] for row in rows], dtype=np.int64)
    lengths = np.array([row[2] for row in rows], dtype=np.int64)
    return [row[0] for row in rows], starts, lengths


def state_table(states: tuple[str, ...]) -> LetterTable:
    """Return the table from state letters to labels."""
    wrong = UNLABELLED - 1
    values = np.full(256, wrong, dtype=np.uint8)
    for letter in UNLABELLED_LETTERS:
        values[ord(letter)] = UNLABELLED
    for label, letter in enumerate(states):
        values[ord(letter)] = label
    letters = ", ".join(states)
    return LetterTable(values.tobytes(), wrong, "the states", f"{letters} and . for unlabelled")
