"""Posteriors as the compressed blocks of which a bigWig file is made.

The format is that of Kent et al. (2010, Bioinformatics 26:2204). A value is rounded to three
digits, and a run of equal values is one item; where values differ from base to base a block holds
them alone. Beside the values come summaries of 64 bases, of 256, and so on, from which a browser
draws what is too long to be drawn base by base.

Sums are whole numbers, and blocks end where packs of records do: so the blocks of several jobs
are, one behind the other, those of one.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.tracks.segments import CalledPack

#: Digits behind the point of a posterior, and what 1 is in units of the last one.
DIGITS = 3
ONE = 10**DIGITS
#: Items of a block, at most, be they runs, single values or summaries.
BLOCK_ITEMS = 2048
#: Bases of a summary.
REDUCTIONS = tuple(64 * 4**level for level in range(7))

#: Where a block lies, from base `start` of one record to base `end` of another, and its bytes.
LEAF = np.dtype(
    [("record", "<u4"), ("start", "<u4"), ("last", "<u4"), ("end", "<u4"), ("size", "<u4")]
)
_HEADER = np.dtype(
    [
        ("record", "<u4"), ("start", "<u4"), ("end", "<u4"), ("step", "<u4"), ("span", "<u4"),
        ("type", "u1"), ("reserved", "u1"), ("count", "<u2"),
    ]
)  # fmt: skip
_RUN = np.dtype([("start", "<u4"), ("end", "<u4"), ("value", "<f4")])
_SUMMARY = np.dtype(
    [
        ("record", "<u4"), ("start", "<u4"), ("end", "<u4"), ("bases", "<u4"), ("least", "<f4"),
        ("most", "<f4"), ("sum", "<f4"), ("squares", "<f4"),
    ]
)  # fmt: skip
_RUNS, _SINGLE_VALUES = 1, 3
#: Bytes of the longest block before it is compressed.
LONGEST_BLOCK = BLOCK_ITEMS * _SUMMARY.itemsize
# Values change from base to base where a network doubts: more effort saves little there.
_EFFORT = 4
# Of a long record, so many bases at a time; what a summary of most bases divides.
_BASES_AT_ONCE = 4 * REDUCTIONS[-1]


def reductions_of(longest_record: int) -> tuple[int, ...]:
    """Return the bases of a genome's summaries: at most an eighth of its longest record."""
    return tuple(reduction for reduction in REDUCTIONS if 8 * reduction <= longest_record)


@dataclass(frozen=True)
class Totals:
    """What the header of a bigWig says of all its values; sums in units of the last digit.

    Parameters
    ----------
    bases, least, most, sum, squares : int
        Number of values, the smallest and largest one, their sum, and that of their squares.
    """

    bases: int = 0
    least: int = ONE
    most: int = 0
    sum: int = 0
    squares: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.bases + other.bases,
            min(self.least, other.least),
            max(self.most, other.most),
            self.sum + other.sum,
            self.squares + other.squares,
        )


class PosteriorBlocks:
    """Writes the blocks of every state's posterior into a folder, pack by pack.

    Parameters
    ----------
    folder : Path
        An empty one. It gets, for state 0, `0.values` and their leaves `0.values.npy`, the same of
        each size of summary, such as `0.64`, and `totals.npy` of all states.
    n_states : int
    lengths : ndarray of int64, (records,)
        Of all records of the genome.
    """

    def __init__(self, folder: Path, n_states: int, lengths: NDArray[np.int64]) -> None:
        self._folder = folder
        self._reductions = reductions = reductions_of(int(lengths.max(initial=0)))
        # A bigWig numbers its records without a gap, and knows none that have no bases.
        self._numbers = np.cumsum(lengths > 0) - 1
        self._stack = ExitStack()
        self._values = [self._file(f"{label}.values") for label in range(n_states)]
        self._summaries = [
            [self._file(f"{label}.{reduction}") for reduction in reductions]
            for label in range(n_states)
        ]
        self._totals = [Totals()] * n_states

    def _file(self, name: str) -> _BlockFile:
        return self._stack.enter_context(_BlockFile(self._folder / name))

    def __enter__(self) -> PosteriorBlocks:
        return self

    def __exit__(self, *error: object) -> None:
        rows = [(t.bases, t.least, t.most, t.sum, t.squares) for t in self._totals]
        np.save(self._folder / "totals.npy", np.array(rows, dtype=np.int64))
        self._stack.close()

    def add(self, called: CalledPack) -> None:
        """Write the posteriors of a pack."""
        for here, pieces in _pieces_of(called, self._numbers):
            posterior = called.posterior[here]
            for label, (values, summaries) in enumerate(
                zip(self._values, self._summaries, strict=True)
            ):
                rounded = np.rint(posterior[:, label].astype(np.float64) * ONE).astype(np.uint16)
                _write_values(values, rounded, pieces)
                self._totals[label] += _write_summaries(
                    summaries, self._reductions, rounded, pieces
                )


@dataclass(frozen=True)
class _Pieces:
    """Stretches of records that lie one behind the other, none empty; each field (pieces,).

    `records` are numbers of the bigWig's records, `begins` says where in the array each one begins,
    `lengths` how many bases it has, `starts` where in its record it begins.
    """

    records: NDArray[np.int64]
    begins: NDArray[np.int64]
    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]


def _pieces_of(called: CalledPack, numbers: NDArray[np.int64]) -> Iterator[tuple[slice, _Pieces]]:
    """Yield a pack's records: many as a whole, a single one a stretch at a time."""
    own, bases = numbers[called.pack.first : called.pack.end], called.pack.bases
    if called.lengths.size > 1:
        some = np.flatnonzero(called.lengths)
        lengths = called.lengths[some]
        begins = np.cumsum(lengths) - lengths
        if bases:
            yield slice(0, bases), _Pieces(own[some], begins, lengths, np.zeros_like(begins))
        return
    for start in range(0, bases, _BASES_AT_ONCE):
        here = slice(start, min(start + _BASES_AT_ONCE, bases))
        columns = (own, [0], [here.stop - start], [start])
        yield here, _Pieces(*(np.array(column, dtype=np.int64) for column in columns))


class _BlockFile:
    """Compressed blocks, one behind the other, and where each one lies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        # A gigabase has half a million blocks of each state.
        self._leaves = array("I")

    def __enter__(self) -> _BlockFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        leaves = np.frombuffer(self._leaves.tobytes(), dtype=LEAF)
        np.save(self._path.with_name(f"{self._path.name}.npy"), leaves)

    def write(self, content: bytes, first: tuple[int, int], last: tuple[int, int]) -> None:
        """Write a block from base `first[1]` of record `first[0]` to the end `last`."""
        block = zlib.compress(content, _EFFORT)
        self._file.write(block)
        self._leaves.extend((*first, *last, len(block)))


def _write_values(file: _BlockFile, values: NDArray[np.uint16], pieces: _Pieces) -> None:
    begins = np.empty(values.size, dtype=bool)
    begins[0] = True
    np.not_equal(values[1:], values[:-1], out=begins[1:])
    begins[pieces.begins] = True
    first = np.flatnonzero(begins)
    piece = np.searchsorted(pieces.begins, first, side="right") - 1
    runs = np.empty(first.size, dtype=_RUN)
    runs["start"] = first + (pieces.starts - pieces.begins)[piece]
    runs["end"] = runs["start"] + np.diff(first, append=values.size)
    runs["value"] = values[first] / ONE
    cuts = np.searchsorted(first, np.append(pieces.begins, values.size)).tolist()
    columns = (pieces.records, pieces.begins, pieces.lengths, pieces.starts)
    for number, (record, begin, length, start) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        own = runs[cuts[number] : cuts[number + 1]]
        if own.size * _RUN.itemsize <= length * 4:
            for at in range(0, own.size, BLOCK_ITEMS):
                part = own[at : at + BLOCK_ITEMS]
                _write_block(file, _RUNS, record, int(part["start"][0]), int(part["end"][-1]), part)
        else:
            for at in range(0, length, BLOCK_ITEMS):
                single = (values[begin + at : begin + min(at + BLOCK_ITEMS, length)] / ONE).astype(
                    "<f4"
                )
                place = start + at
                _write_block(file, _SINGLE_VALUES, record, place, place + single.size, single)


def _write_block(
    file: _BlockFile, kind: int, record: int, start: int, end: int, items: NDArray[Any]
) -> None:
    apart = 1 if kind == _SINGLE_VALUES else 0
    header = np.array((record, start, end, apart, apart, kind, 0, items.size), dtype=_HEADER)
    file.write(header.tobytes() + items.tobytes(), (record, start), (record, end))


def _write_summaries(
    files: list[_BlockFile],
    reductions: tuple[int, ...],
    values: NDArray[np.uint16],
    pieces: _Pieces,
) -> Totals:
    """Write the summaries of all sizes, each made of those of the next smaller one."""
    squares = np.square(values, dtype=np.int64)
    columns: list[NDArray[Any]] = [values, values, values, squares]  # least, most, sum, squares
    totals = Totals(
        values.size, int(values.min()), int(values.max()), int(values.sum(dtype=np.int64)),
        int(squares.sum()),
    )  # fmt: skip
    begins, counts, width = pieces.begins, pieces.lengths, 1
    for file, reduction in zip(files, reductions, strict=True):
        step = reduction // width
        fewer = -(-counts // step)
        number = _within(fewer)
        first = np.repeat(begins, fewer) + step * number
        columns = [
            np.minimum.reduceat(columns[0], first),
            np.maximum.reduceat(columns[1], first),
            np.add.reduceat(columns[2], first, dtype=np.int64),
            np.add.reduceat(columns[3], first),
        ]
        begins, counts, width = np.cumsum(fewer) - fewer, fewer, reduction
        summaries = np.empty(first.size, dtype=_SUMMARY)
        summaries["record"] = np.repeat(pieces.records, fewer)
        summaries["start"] = np.repeat(pieces.starts, fewer) + reduction * number
        ends = np.repeat(pieces.starts + pieces.lengths, fewer)
        summaries["end"] = np.minimum(summaries["start"] + np.int64(reduction), ends)
        summaries["bases"] = summaries["end"] - summaries["start"]
        for name, column in zip(("least", "most", "sum"), columns[:3], strict=True):
            summaries[name] = column / ONE
        summaries["squares"] = columns[3] / ONE**2
        for at in range(0, summaries.size, BLOCK_ITEMS):
            part = summaries[at : at + BLOCK_ITEMS]
            ends_of = (
                (int(part[i]["record"]), int(part[i][name]))
                for i, name in ((0, "start"), (-1, "end"))
            )
            file.write(part.tobytes(), *ends_of)
    return totals


def _within(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0, 1, … of each group, one behind the other, of so many members each."""
    numbers: NDArray[np.int64] = np.arange(counts.sum()) - np.repeat(
        np.cumsum(counts) - counts, counts
    )
    return numbers
