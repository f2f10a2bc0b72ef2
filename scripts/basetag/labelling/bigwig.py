"""bigWig files cut by a threshold: where numbers reach it, where not, and where there are none.

A record is read in chunks, and holds as much memory however long it is. That there is no number is
told apart from a small one: where nothing was measured, nobody knows.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from basetag.errors import InputError
from basetag.intervals import Runs

#: Labels of the runs that `runs_above` yields.
BELOW, ABOVE, MISSING = 0, 1, 255

_CHUNK = 1 << 20
# The first four bytes in either order: Kent et al. (2010), Bioinformatics 26, 2204.
_KINDS = {
    b"\x26\xfc\x8f\x88": ("bigWig", "<"),
    b"\x88\x8f\xfc\x26": ("bigWig", ">"),
    b"\xeb\xf2\x89\x87": ("bigBed", "<"),
    b"\x87\x89\xf2\xeb": ("bigBed", ">"),
}
# Of the same header, where the names of records, the data and its index begin.
_HEADER_BYTES, _OFFSETS_AT = 64, 8


def bigwig_records(path: str | os.PathLike[str]) -> dict[str, int]:
    """Return the length of each record of a bigWig file, by its name.

    Raises
    ------
    InputError
        For a file that is missing or no bigWig.
    """
    with _opened(Path(path)) as file:
        return dict(file.chroms())


def runs_above(
    path: str | os.PathLike[str],
    record: str,
    length: int,
    threshold: float,
    *,
    chunk: int = _CHUNK,
) -> Iterator[Runs]:
    """Yield the runs of a record whose numbers reach a threshold, and those between.

    Parameters
    ----------
    path : path-like
    record : str
        Its name in the file. One that the file does not have is missing as a whole: a bigWig
        names the records alone that have numbers.
    length : int
        Of the record, in bases.
    threshold : float
        Numbers equal to it reach it. It is rounded to single precision, as all numbers in a
        bigWig are: 0.7 reaches 0.7.
    chunk : int
        Bases read at once. The runs do not depend on it; those of all chunks are ascending,
        maximal, and cover the record.

    Yields
    ------
    Runs
        With labels `BELOW`, `ABOVE` and `MISSING`.

    Raises
    ------
    InputError
        For a file that is missing or no bigWig, or whose record has another length.
    """
    path = Path(path)
    limit = np.float32(threshold)
    with _opened(path) as file:
        stated = file.chroms(record)
        if stated is not None and stated != length:
            raise InputError(
                f"has {stated} bases here, and {length} in the sequences",
                file=path, record=record, advice="are both of one assembly?",
            )  # fmt: skip
        held: Runs | None = None  # a run that may go on in the next chunk
        for start in range(0, length, chunk):
            end = min(start + chunk, length)
            path_of_labels = np.full(end - start, MISSING, dtype=np.uint8)
            if stated is not None:
                values = _values(file, record, start, end, path)
                path_of_labels[values >= limit] = ABOVE
                path_of_labels[values < limit] = BELOW
            runs = Runs.of_path(path_of_labels, offset=start)
            if held is not None:
                runs = _together(held, runs)
            last = len(runs.starts) - 1
            if last:
                yield _part(runs, slice(0, last))
            held = _part(runs, slice(last, None))
        if held is not None:
            yield held


def _together(one: Runs, others: Runs) -> Runs:
    """Return runs and those of the next chunk as the runs of both."""
    return Runs(
        np.append(one.starts, others.starts),
        np.append(one.ends, others.ends),
        np.append(one.labels, others.labels),
    ).joined()


def _part(runs: Runs, part: slice) -> Runs:
    return Runs(runs.starts[part], runs.ends[part], runs.labels[part])


def _values(file: Any, record: str, start: int, end: int, path: Path) -> Any:
    """Return the numbers of a stretch as float32, NaN where there is none."""
    try:
        return file.values(record, start, end, numpy=True)
    except RuntimeError as error:
        raise InputError(
            "the numbers of this stretch cannot be read",
            file=path, record=record, position=start + 1, advice="copy or download it again",
        ) from error  # fmt: skip


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyBigWig

    advice = "give a bigWig; a bedGraph becomes one by bedGraphToBigWig"
    try:
        # The library would write to stderr by itself about a file that is none of its own.
        with path.open("rb") as raw:
            header = raw.read(_HEADER_BYTES)
            size = raw.seek(0, os.SEEK_END)
        kind, order = _KINDS.get(header[:4], (None, ""))
        if kind != "bigWig":
            found = f"is {kind} and no bigWig" if kind else "is no bigWig file"
            raise InputError(found, file=path, advice=advice)
        # The library ends the process where a file is cut within its header.
        if len(header) < _HEADER_BYTES:
            raise _damaged(path)
        if max(struct.unpack_from(f"{order}3Q", header, _OFFSETS_AT)) >= size:
            raise _damaged(path)
        file = pyBigWig.open(str(path))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", file=path) from error
    except RuntimeError as error:
        raise _damaged(path) from error
    with file:
        yield file


def _damaged(path: Path) -> InputError:
    return InputError("is damaged or incomplete", file=path, advice="copy or download it again")
