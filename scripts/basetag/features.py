"""Further numbers for each base of a corpus: written from users' files, and read back in part.

`features.npy` lies beside the tokens, a row for each base and a column for each feature, NaN where
nobody gave a number; `features.json` names the columns. Neither is ever in memory as a whole, nor
are the columns that somebody chooses of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError, nearest
from basetag.feature_text import Intervals, Places, read_bedgraph, read_table, table_columns
from basetag.files import written_whole

FEATURES, FEATURE_NAMES = "features.npy", "features.json"

Kind = Literal["bedgraph", "table"]

_NUMBERS_AT_ONCE = 1 << 20
#: Long intervals are cut into pieces of so many bases.
_PIECE = 1 << 14


@dataclass(frozen=True)
class FeatureColumns:
    """Some columns of an array of features; nothing is copied before it becomes an array.

    Parameters
    ----------
    values : ndarray of float32, (bases, all columns)
        Usually memory-mapped.
    columns : ndarray of int64, (features,)
        Which are meant, in what order.
    """

    values: NDArray[np.float32]
    columns: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int]:
        """Bases and features."""
        return len(self.values), self.columns.size

    def __getitem__(self, bases: slice) -> FeatureColumns:
        return FeatureColumns(self.values[bases], self.columns)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.values[:, self.columns], dtype=dtype)


#: (bases, features), float32.
BaseFeatures = NDArray[np.float32] | FeatureColumns


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
            if kind == "table":
                for start, rows in read_table(path, places):
                    own[start : start + len(rows)] = rows
            else:
                for intervals in read_bedgraph(path, places):
                    _fill(own[:, 0], intervals, places, path)
            for name, n in zip(columns, _known(own), strict=True):
                if not n:
                    raise InputError(
                        f"of the feature {name!r} no base has a number",
                        file=path, advice="remove it, or add its numbers",
                    )  # fmt: skip
                known[name] = n
        values.flush()
        names_place.write_text(json.dumps({"features": names}, indent=1) + "\n", encoding="utf-8")
    return known


def open_features(folder: str | os.PathLike[str], bases: int) -> tuple[
    NDArray[np.float32], tuple[str, ...]
]:  # fmt: skip
    """Return the features of a corpus of `bases` bases, memory-mapped, and their names.

    Raises
    ------
    InputError
        Where they are missing, or those of another corpus.
    """
    folder = Path(folder)
    try:
        names = tuple(json.loads((folder / FEATURE_NAMES).read_text(encoding="utf-8"))["features"])
        values = np.asarray(np.load(folder / FEATURES, mmap_mode="r"))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"has no complete features ({error})", file=folder, advice="encode them again"
        ) from error
    if values.shape != (bases, len(names)) or values.dtype != np.float32:
        raise InputError(
            f"{FEATURES} holds {values.dtype} of the shape {values.shape}; {bases} bases have"
            f" {len(names)} features",
            file=folder,
            advice="encode them again",
        )
    return values, names


def chosen_features(
    chosen: Sequence[str], names: Sequence[str], folder: str | os.PathLike[str]
) -> tuple[str, ...]:
    """Return the features that are meant by `chosen`: a feature's own name, or that of a table.

    Raises
    ------
    InputError
        For a name that none of `names` is, or begins with.
    """
    found: list[str] = []
    for name in chosen:
        own = [name] if name in names else [full for full in names if full.startswith(f"{name}.")]
        if not own:
            like = nearest(name, names)
            raise InputError(
                f"has no feature {name!r}",
                file=os.fspath(folder),
                advice=f"did you mean {like!r}?" if like else f"it has {', '.join(names)}",
            )
        found += own
    return tuple(found)


def _columns(name: str, kind: Kind, path: str | os.PathLike[str]) -> list[str]:
    return [f"{name}.{column}" for column in table_columns(path)] if kind == "table" else [name]


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
