"""Runs of one state along a record, as they lie in an array of states or in a BED file.

What a state means is the caller's business; so is who called it.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError, nearest
from basetag.letters import one_word


@dataclass(frozen=True)
class Runs:
    """Stretches of one state in a record.

    Parameters
    ----------
    starts, ends : ndarray of int64, (runs,)
        0-based, half-open, ascending.
    labels : ndarray of uint8, (runs,)
        State of each.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    labels: NDArray[np.uint8]

    @classmethod
    def of_path(cls, path: NDArray[np.uint8], *, offset: int = 0) -> Runs:
        """Return the runs of a path.

        Parameters
        ----------
        path : ndarray of uint8, (bases,)
            State of each base.
        offset : int
            Position of the first base in its record.
        """
        borders = np.flatnonzero(path[1:] != path[:-1]) + 1
        starts = np.concatenate([np.zeros(min(len(path), 1), dtype=np.int64), borders])
        ends = np.append(starts[1:], np.full(min(len(path), 1), len(path), dtype=np.int64))
        return cls(starts + offset, ends + offset, path[starts])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bases in each run, (runs,)."""
        return self.ends - self.starts

    def joined(self) -> Runs:
        """Return the runs with those that touch and have one state made one."""
        if not len(self.starts):
            return self
        touch = (self.starts[1:] == self.ends[:-1]) & (self.labels[1:] == self.labels[:-1])
        first = np.flatnonzero(np.append(True, ~touch))
        last = np.append(first[1:], len(self.starts)) - 1
        return Runs(self.starts[first], self.ends[last], self.labels[first])

    def label_at(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the state at each of `positions`, -1 outside all runs, (positions,)."""
        run = np.searchsorted(self.starts, positions, side="right") - 1
        inside = (run >= 0) & (positions < self.ends[run])
        return np.where(inside, self.labels[run].astype(np.int64), -1)


def read_bed(
    path: str | os.PathLike[str], state_names: Sequence[str]
) -> Iterator[tuple[str, Runs]]:
    """Yield the records of a BED file, plain or compressed, whose names are those of states.

    One record is in memory at a time. Touching runs of one state become one.

    Raises
    ------
    InputError
        For a line that cannot be read, a name that no state has, and for runs that overlap or are
        not sorted, or a record in two places.
    """
    path = Path(path)
    label_of_name = {one_word(name): label for label, name in enumerate(state_names)}
    seen: set[str] = set()
    rows: list[tuple[int, int, int]] = []
    open_record = None
    for number, line in _lines(path):
        fields = line.split("\t")
        if fields == [""] or _is_header(fields):
            continue
        try:
            record, start, end, name = fields[0], int(fields[1]), int(fields[2]), fields[3]
        except (IndexError, ValueError) as error:
            raise InputError(
                "is no line of a BED file with names",
                file=path,
                line=number,
                advice="expected record, start, end and name, parted by tabs",
            ) from error
        if name not in label_of_name:
            like = nearest(name, label_of_name)
            raise InputError(
                f"{name!r} is none of the states {', '.join(label_of_name)}",
                file=path,
                line=number,
                advice=f"did you mean {like!r}?" if like else None,
            )
        if record != open_record:
            if open_record is not None:
                yield open_record, _runs_of(rows)
            rows, open_record = [], record
        if not (rows[-1][1] if rows else 0) <= start < end or (not rows and record in seen):
            raise InputError(
                f"{start} to {end} overlaps what stands before it, or is not sorted",
                file=path,
                line=number,
                record=record,
            )
        seen.add(record)
        rows.append((start, end, label_of_name[name]))
    if open_record is not None:
        yield open_record, _runs_of(rows)


def check_names(names: Iterable[str], path: str | os.PathLike[str] | None = None) -> None:
    """Refuse names of records that BED cannot hold.

    Parameters
    ----------
    names : iterable of str
    path : path-like, optional
        Where they stand, for the error.

    Raises
    ------
    InputError
        For a record whose lines every reader would take for comments.
    """
    for name in names:
        if name.startswith("#"):
            raise InputError(
                "a name that begins with # is a comment to every reader of BED",
                file=None if path is None else Path(path),
                record=name,
                advice="rename the record in the FASTA file",
            )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file, plain or compressed, and their numbers from 1."""
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if compressed else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield number, line.decode("utf-8").rstrip("\r\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as BED ({error})", file=path) from error


def _runs_of(rows: Sequence[tuple[int, int, int]]) -> Runs:
    table = np.array(rows, dtype=np.int64)
    return Runs(table[:, 0], table[:, 1], table[:, 2].astype(np.uint8)).joined()


def _is_header(fields: list[str]) -> bool:
    """Whether a line is a comment or, without columns, one for a browser; not `track1`'s row."""
    return fields[0].startswith("#") or (
        len(fields) < 3 and fields[0].split(" ")[0] in ("track", "browser")
    )
