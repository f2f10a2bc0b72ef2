"""The files of a corpus, piece by piece: arrays of bytes that grow, the record table, the rest.

What the pieces mean together, and how a corpus is read, says `basetag.corpus`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.fasta import LetterTable, encode_fasta

TOKENS, LABELS, RECORDS, DESCRIPTION = "tokens.npy", "labels.npy", "records.tsv", "corpus.json"
SUBSTATES = "substates.npy"


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


def encode_letters(
    path: str | os.PathLike[str], table: LetterTable, target: Path
) -> tuple[list[str], list[int], NDArray[np.int64]]:
    """Encode a FASTA file into a .npy file; return names, lengths and counts of the values."""
    names: list[str] = []
    lengths: list[int] = []
    counts = np.zeros(256, dtype=np.int64)
    order = np.unique(np.frombuffer(table.values, dtype=np.uint8))
    with growing_array(target) as file:
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
def growing_array(path: Path) -> Iterator[IO[bytes]]:
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


def write_description(
    path: Path,
    alphabet: Alphabet,
    states: Mapping[str, str],
    labelled: bool,
    counts: CorpusCounts,
    *,
    mirror: Sequence[int] | None = None,
    substates: Mapping[str, Any] | None = None,
) -> None:
    """Write corpus.json; without `mirror` and `substates` (names, label_of, mirror) it has none."""
    about: dict[str, Any] = {
        "alphabet": alphabet.name,
        "states": list(states),
        "state_names": dict(states),
        "labelled": labelled,
        "bases": counts.bases,
        "records": counts.records,
        "counts": counts.symbols,
        "label_counts": counts.labels,
    }
    if mirror is not None:
        about["mirror"] = list(mirror)
    if substates is not None:
        about["substates"] = dict(substates)
    path.write_text(json.dumps(about, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def named_counts(symbols: Mapping[int, str], counts: NDArray[np.int64]) -> dict[str, int]:
    """Return the counts above 0, (256,), by what the values are called."""
    return {symbol: int(counts[value]) for value, symbol in symbols.items() if counts[value]}


def write_records(path: Path, names: list[str], lengths: list[int]) -> None:
    """Write records.tsv: name, first base and length of each record."""
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
