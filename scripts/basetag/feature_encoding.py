"""A corpus' features, encoded from users' files into one array, (bases, features).

Written through a map of the file, so that memory holds a block of a source at a time, whatever the
order of its lines.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError
from basetag.feature_text import Intervals, read_bedgraph, read_table, table_columns
from basetag.features import FEATURE_NAMES, FEATURES
from basetag.files import written_whole
from basetag.places import Places
from basetag.pssm_text import PSSM_COLUMNS, read_pssm

Kind = Literal["bedgraph", "table", "pssm"]

_NUMBERS_AT_ONCE = 1 << 20
#: Long intervals are cut into pieces of so many bases.
_PIECE = 1 << 14


def write_features(
    folder: str | os.PathLike[str],
    places: Places,
    sources: Iterable[tuple[str, Kind, str | os.PathLike[str]]],
) -> dict[str, int]:
    """Write the features of a corpus, whole or not at all, in memory that does not grow with them.

    Parameters
    ----------
    folder : path-like
        That of the corpus.
    places : Places
        Its records.
    sources : iterable of (str, str, path-like)
        Name, kind and file of each feature or table of features.

    Returns
    -------
    dict of str to int
        How many bases have a number, by feature.

    Raises
    ------
    InputError
        What is wrong in a file, where intervals overlap, and for a feature without any number.
    """
    folder = Path(folder)
    read = [(name, kind, Path(path), _columns(name, kind, path)) for name, kind, path in sources]
    names = [column for *_, columns in read for column in columns]
    bases = int(places.lengths.sum())
    known = dict.fromkeys(names, 0)
    with written_whole(folder / FEATURES, folder / FEATURE_NAMES) as (place, names_place):
        _write_missing(place, (bases, len(names)))
        values = np.load(place, mmap_mode="r+")
        first = 0
        for _, kind, path, columns in read:
            own = values[:, first : first + len(columns)]
            first += len(columns)
            if kind != "bedgraph":
                read_rows = read_table if kind == "table" else read_pssm
                for start, rows in read_rows(path, places):
                    own[start : start + len(rows)] = rows
            else:
                for intervals in read_bedgraph(path, places):
                    _fill(own[:, 0], intervals, places, path)
            for name, n in zip(columns, _known(own), strict=True):
                if not n and kind != "pssm":
                    raise InputError(
                        f"of the feature {name!r} no base has a number",
                        file=path, advice="remove it, or add its numbers",
                    )  # fmt: skip
                known[name] = n
        values.flush()
        names_place.write_text(json.dumps({"features": names}, indent=1) + "\n", encoding="utf-8")
    return known


def _columns(name: str, kind: Kind, path: str | os.PathLike[str]) -> list[str]:
    if kind == "bedgraph":
        return [name]
    return [
        f"{name}.{column}" for column in (table_columns(path) if kind == "table" else PSSM_COLUMNS)
    ]


def _write_missing(path: Path, shape: tuple[int, int]) -> None:
    """Write an array of NaN, all bytes of it.

    A map of a file with holes would end the process where the disk is full.
    """
    bases, columns = shape
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": shape}
        )
        left = bases * columns
        nothing = np.full(min(left, _NUMBERS_AT_ONCE), np.nan, dtype="<f4")
        while left:
            file.write(nothing[:left].data)
            left -= min(left, nothing.size)


def _fill(column: NDArray[np.float32], intervals: Intervals, places: Places, path: Path) -> None:
    """Write the intervals' numbers into a column, (bases,), NaN where nothing was written yet."""
    order = np.argsort(intervals.starts, kind="stable")
    starts, ends = intervals.starts[order], intervals.ends[order]
    clash = np.flatnonzero(starts[1:] < np.maximum.accumulate(ends)[:-1])
    if clash.size:
        # Of the first two in the record, the one that comes later in the file.
        pair = order[clash[0] : clash[0] + 2]
        _refuse_overlap(int(pair.max()), intervals, places, path)
    counts = -(-(ends - starts) // _PIECE)
    which = np.repeat(np.arange(counts.size), counts)
    number = np.arange(which.size) - (np.cumsum(counts) - counts)[which]
    begin = starts[which] + number * _PIECE
    lengths = np.minimum(begin + _PIECE, ends[which]) - begin
    group = np.cumsum(lengths) // _NUMBERS_AT_ONCE
    borders = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), which.size]
    for first, last in pairwise(borders):
        own = slice(first, last)
        skipped = np.cumsum(lengths[own]) - lengths[own]
        bases = np.repeat(begin[own] - skipped, lengths[own]) + np.arange(lengths[own].sum())
        taken = ~np.isnan(column[bases])
        if taken.any():
            piece = np.searchsorted(skipped, int(taken.argmax()), side="right") - 1
            _refuse_overlap(int(order[which[own][piece]]), intervals, places, path)
        column[bases] = np.repeat(intervals.values[order][which[own]], lengths[own])


def _refuse_overlap(at: int, intervals: Intervals, places: Places, path: Path) -> None:
    # Records without bases begin where the next one does, and have no intervals.
    record = int(np.searchsorted(places.starts, intervals.starts[at], side="right")) - 1
    start, end = (int(v[at] - places.starts[record]) for v in (intervals.starts, intervals.ends))
    raise InputError(
        f"the interval from {start} to {end} overlaps one that stands above it",
        file=path,
        line=int(intervals.lines[at]),
        record=places.names[record],
        advice="a base has one number: remove one of the two",
    )


def _known(values: NDArray[np.float32]) -> list[int]:
    """Return how many numbers stand in each column of `values`."""
    step = max(1, _NUMBERS_AT_ONCE // values.shape[1])
    counts = np.zeros(values.shape[1], dtype=np.int64)
    for start in range(0, len(values), step):
        counts += (~np.isnan(values[start : start + step])).sum(axis=0)
    return [int(n) for n in counts]
