"""Numbers for bases in text files: bedGraph (intervals) and tables (a row per base).

Files are read block by block, plain or compressed. Every number is checked and put in its place
among the bases of all records, which lie one behind the other; where it is kept is no business of
this module.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError, nearest
from basetag.places import Places
from basetag.text_lines import blocks_of_lines, decoded

#: Words of a table for a number that nobody knows.
MISSING = (b"", b"NA")

_TAB, _UNDERSCORE, _NAN = b"\t", b"_", b"nan"
_BEDGRAPH_LINE = "a line of bedGraph is record, start, end and a number"
_HEADERS = (b"#", b"track ", b"browser ")
_MOST_NAMES = 10_000  # among which a name like a wrong one is looked for


@dataclass(frozen=True)
class Intervals:
    """Some lines of a bedGraph file.

    Attributes
    ----------
    starts, ends : ndarray of int64, (intervals,)
        Among the bases of all records, half-open.
    values : ndarray of float32, (intervals,)
    lines : ndarray of int64, (intervals,)
        Their numbers, from 1.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    values: NDArray[np.float32]
    lines: NDArray[np.int64]


def read_bedgraph(path: str | os.PathLike[str], places: Places) -> Iterator[Intervals]:
    """Yield the intervals of a bedGraph file in the order of its lines, some thousands at once.

    Raises
    ------
    InputError
        At a line that is none of bedGraph, of an unknown record, or whose interval is reversed
        or lies beyond its record. Whether intervals overlap is not looked at.
    """
    path = Path(path)
    index_of = {name.encode(): index for index, name in enumerate(places.names)}
    dropped = {name.encode() for name in places.dropped}
    for first, block in blocks_of_lines(path):
        kept = [at for at, line in enumerate(block) if not _is_header(line)]
        if dropped:
            kept = [at for at in kept if block[at].split(None, 1)[0] not in dropped]
        if not kept:
            continue
        lines = [first + at for at in kept]
        rows = [block[at].split() for at in kept]
        if set(map(len, rows)) != {4}:
            at = next(at for at, fields in enumerate(rows) if len(fields) != 4)
            raise InputError(
                f"found {_counted(len(rows[at]), 'column')}",
                file=path, line=lines[at], advice=_BEDGRAPH_LINE,
            )  # fmt: skip
        names, *texts = zip(*rows, strict=True)
        record = _records(names, index_of, path, lines)
        starts, ends = (_whole_numbers(column, path, lines) for column in texts[:2])
        values = _finite_numbers(texts[2], (), path, lines)
        _check_intervals(starts, ends, places, record, path, lines)
        begins = places.starts[record]
        yield Intervals(begins + starts, begins + ends, values, np.array(lines, dtype=np.int64))


def table_columns(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the names of a table's columns of numbers.

    Raises
    ------
    InputError
        Where the first line is no header.
    """
    path = Path(path)
    advice = "the first line is the word record and a name for each column, parted by tabs"
    header = next((block[0] for _, block in blocks_of_lines(path)), b"")
    text = decoded(header, path, 1)
    record, *columns = text.split("\t")
    if record != "record" or not columns:
        raise InputError(f"found {text[:60]!r}", file=path, line=1, advice=advice)
    for index, name in enumerate(columns):
        if not name.strip():
            raise InputError(
                f"column {index + 2} has no name", file=path, line=1, advice="give it one"
            )
        if name in columns[:index]:
            raise InputError(
                f"two columns bear the name {name!r}", file=path, line=1, advice="rename one"
            )
    return tuple(columns)


def read_table(
    path: str | os.PathLike[str], places: Places
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the rows of a table, some thousands at once, and the base at which they begin.

    Yields
    ------
    start : int
        Among the bases of all records.
    values : ndarray of float32, (bases, columns)
        NaN where a number is missing.

    Raises
    ------
    InputError
        At a row that cannot be read, of an unknown record, or too many for it; where a record has
        too few, or its rows are not together.
    """
    path = Path(path)
    columns = table_columns(path)
    index_of = {name.encode(): index for index, name in enumerate(places.names)}
    dropped = {name.encode() for name in places.dropped}
    found = np.zeros(len(places.names), dtype=np.int64)
    current = -1
    for first, block in blocks_of_lines(path):
        kept = [at for at, line in enumerate(block, start=first) if line and at > 1]
        if dropped:
            kept = [at for at in kept if block[at - first].partition(_TAB)[0] not in dropped]
        if not kept:
            continue
        rows = [block[at - first] for at in kept]
        if {line.count(_TAB) for line in rows} != {len(columns)}:
            at = next(at for at, line in enumerate(rows) if line.count(_TAB) != len(columns))
            raise InputError(
                f"found {_counted(rows[at].count(_TAB) + 1, 'column')}, and the header has"
                f" {len(columns) + 1}",
                file=path, line=kept[at], advice="columns are parted by tabs",
            )  # fmt: skip
        fields = _TAB.join(rows).split(_TAB)
        names, *texts = (fields[column :: len(columns) + 1] for column in range(len(columns) + 1))
        record = _records(names, index_of, path, kept)
        values = np.stack(
            [_finite_numbers(column, MISSING, path, kept) for column in texts], axis=1
        )  # (rows, columns)
        borders = [0, *(np.flatnonzero(np.diff(record)) + 1).tolist(), len(rows)]
        for begin, end in pairwise(borders):
            own = int(record[begin])
            if own != current:
                _check_complete(current, found, places, path, kept[begin])
                if found[own]:
                    raise InputError(
                        "its rows are not together",
                        file=path, line=kept[begin], record=places.names[own],
                        advice="put all rows of a record behind each other",
                    )  # fmt: skip
                current = own
            room = int(places.lengths[own] - found[own])
            if end - begin > room:
                raise InputError(
                    f"this is one row more than it has bases ({places.lengths[own]})",
                    file=path, line=kept[begin + room], record=places.names[own],
                    advice="every base has one row",
                )  # fmt: skip
            yield int(places.starts[own] + found[own]), values[begin:end]
            found[own] += end - begin
    _check_complete(current, found, places, path, None)
    short = np.flatnonzero(found < places.lengths)
    if short.size:
        _check_complete(int(short[0]), found, places, path, None)


def _check_complete(
    record: int, found: NDArray[np.int64], places: Places, path: Path, line: int | None
) -> None:
    """Refuse a record (-1 for none) whose rows are at an end before its bases are."""
    if record < 0 or found[record] == places.lengths[record]:
        return
    raise InputError(
        f"has {_counted(int(found[record]), 'row')} for its {places.lengths[record]} bases",
        file=path, line=line, record=places.names[record],
        advice="every base has one row; NA where there is no number",
    )  # fmt: skip


def _is_header(line: bytes) -> bool:
    return not line.strip() or line.startswith(_HEADERS)


def _records(
    names: Sequence[bytes], index_of: dict[bytes, int], path: Path, lines: Sequence[int]
) -> NDArray[np.int64]:
    """Return the index of the record on each line."""
    try:
        return np.array([index_of[name] for name in names], dtype=np.int64)
    except KeyError:
        at = next(at for at, name in enumerate(names) if name not in index_of)
    name = decoded(names[at], path, lines[at])
    known = [known.decode() for known in list(index_of)[:_MOST_NAMES]]
    like = nearest(name, known)
    raise InputError(
        f"the sequences have no record {name!r}",
        file=path, line=lines[at],
        advice=f"did you mean {like!r}?" if like else f"the first of them is {known[0]!r}",
    )  # fmt: skip


def _whole_numbers(texts: Sequence[bytes], path: Path, lines: Sequence[int]) -> NDArray[np.int64]:
    """Return the whole numbers of a column; the first text that is none is an error."""
    try:
        if _UNDERSCORE in b"".join(texts):  # Python's own reading of numbers lets it pass
            raise ValueError
        return np.array(list(map(int, texts)), dtype=np.int64)
    except (ValueError, OverflowError):
        at = next(at for at, text in enumerate(texts) if not _is_whole(text))
    raise _wrong_number(texts[at], "no whole number", path, lines[at])


def _finite_numbers(
    texts: Sequence[bytes], missing: Sequence[bytes], path: Path, lines: Sequence[int]
) -> NDArray[np.float32]:
    """Return the same of finite numbers; NaN for the words that mean a missing one."""
    absent = sum(texts.count(word) for word in missing)
    known = [_NAN if text in missing else text for text in texts] if absent else texts
    try:
        with np.errstate(over="ignore"):  # what single precision cannot hold becomes infinite
            values = np.array(list(map(float, known)), dtype=np.float64).astype(np.float32)
        if _UNDERSCORE in b"".join(texts) or np.isfinite(values).sum() + absent != len(texts):
            raise ValueError
        return values
    except ValueError:
        at = next(at for at, text in enumerate(texts) if not (text in missing or _is_finite(text)))
    what = "neither a finite number nor NA" if missing else "no finite number"
    raise _wrong_number(texts[at], what, path, lines[at])


def _is_whole(text: bytes) -> bool:
    try:
        return _UNDERSCORE not in text and abs(int(text)) < 2**63
    except ValueError:
        return False


def _is_finite(text: bytes) -> bool:
    try:
        with np.errstate(over="ignore"):
            return _UNDERSCORE not in text and bool(np.isfinite(np.float32(float(text))))
    except ValueError:
        return False


def _wrong_number(text: bytes, what: str, path: Path, line: int) -> InputError:
    return InputError(
        f"{decoded(text, path, line)!r} is {what}", file=path, line=line, advice="correct it"
    )


def _check_intervals(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    places: Places,
    record: NDArray[np.int64],
    path: Path,
    lines: Sequence[int],
) -> None:
    lengths = places.lengths[record]
    wrong = (starts < 0) | (starts >= ends) | (ends > lengths)
    if not wrong.any():
        return
    at = int(wrong.argmax())
    start, end, length = int(starts[at]), int(ends[at]), int(lengths[at])
    counting = "bedGraph counts bases from 0, and its end is the base behind the last"
    if start < 0:
        found = f"the start {start} lies before the record"
    elif start >= end:
        found = f"the interval from {start} to {end} is {'empty' if start == end else 'reversed'}"
    else:
        found = f"the interval from {start} to {end} reaches beyond the record's {length} bases"
    raise InputError(
        found, file=path, line=lines[at], record=places.names[int(record[at])], advice=counting
    )


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
