"""Posteriors and calls as they lie on disk: mapped, and held against the split that they are of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.segments import Segments

AnyPath = str | os.PathLike[str]


def open_posterior(path: AnyPath, corpus: Corpus, segments: Segments) -> NDArray[np.float32]:
    """Map a file of posteriors, (bases, states), and hold its shape against the split's."""
    shape = int(segments.bases), len(corpus.states)
    return open_array(path, "posteriors", np.dtype(np.float32), shape)


def open_calls(path: AnyPath, corpus: Corpus, segments: Segments) -> NDArray[np.uint8]:
    """Map a file of called states, (bases,), and hold it against the split and the states."""
    calls = open_array(path, "calls", np.dtype(np.uint8), (int(segments.bases),))
    largest = int(calls.max(initial=0))
    if largest >= len(corpus.states):
        raise InputError(
            f"calls the state {largest}, and the last of the dataset is {len(corpus.states) - 1}",
            file=Path(path),
            advice="predict again",
        )
    return calls


def open_array(
    path: AnyPath, kind: str, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> NDArray[Any]:
    """Map an array of predictions, and hold its type and shape against what they should be."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"cannot be read as an array ({error})", file=Path(path)) from None
    if array.shape != shape or array.dtype != dtype:
        raise InputError(
            f"holds {array.dtype} of the shape {array.shape}; {kind} of this split are "
            f"{dtype} of the shape {shape}",
            file=Path(path),
            advice="predict again with the same split",
        )
    return np.asarray(array)


def check_rows(
    posterior: NDArray[np.float32],
    path: AnyPath,
    corpus: Corpus,
    bases: NDArray[np.int64],
) -> None:
    """Raise an error at the first row that is no probability distribution."""
    by_state = np.ascontiguousarray(posterior.T)  # sums of long rows, not of two numbers
    good = (np.abs(by_state.sum(axis=0) - 1) < 1e-3) & (by_state.min(axis=0) >= 0)
    if not good.all():
        row = int(np.argmin(good))
        record = int(np.searchsorted(corpus.starts, bases[row], side="right")) - 1
        raise InputError(
            f"the posterior {posterior[row].tolist()} is no probability distribution",
            file=Path(path),
            record=corpus.names[record],
            position=int(bases[row] - corpus.starts[record]) + 1,
        )


def row_chunks(
    segments: Segments, bases_at_once: int
) -> Iterator[tuple[slice, NDArray[np.int64], NDArray[np.int64]]]:
    """Yield rows of the split's posteriors, and segment and place in the corpus of each row."""
    ends = np.cumsum(segments.lengths)
    total = int(ends[-1]) if len(ends) else 0
    for first in range(0, total, bases_at_once):
        rows = slice(first, min(first + bases_at_once, total))
        touched = np.arange(
            np.searchsorted(ends, first, side="right"),
            np.searchsorted(ends, rows.stop, side="left") + 1,
        )
        begins = ends[touched] - segments.lengths[touched]
        inside = np.minimum(ends[touched], rows.stop) - np.maximum(begins, first)
        shift = np.repeat(segments.offset[touched] - begins, inside)
        yield rows, np.repeat(touched, inside), np.arange(first, rows.stop) + shift
