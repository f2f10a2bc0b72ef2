"""Many sequences, one behind the other in one array: their places, and their share of the threads.

What the functions of exact inference and of decoding have in common. The loops themselves are
compiled, and each runs over a range of sequences.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def offsets_of(lengths: NDArray[np.int64], n_bases: int) -> NDArray[np.int64]:
    """Return where each sequence begins, and where the last one ends: int64, (sequences + 1,).

    Raises
    ------
    ValueError
        For lengths that are negative or do not sum to `n_bases`.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    if np.any(np.diff(offsets) < 0) or offsets[-1] != n_bases:
        raise ValueError(f"the lengths sum to {offsets[-1]}, but there are {n_bases} bases")
    return offsets


def place_of(base: int, offsets: NDArray[np.int64]) -> tuple[int, int]:
    """Return the sequence of `base`, and its position there; both from 0."""
    sequence = int(np.searchsorted(offsets, base, side="right")) - 1
    return sequence, base - int(offsets[sequence])


def shared_out(kernel: Callable[[int, int], int], offsets: NDArray[np.int64], threads: int) -> int:
    """Run `kernel` on ranges of sequences of about equal bases; return the first failure.

    That is the lowest number, -1 apart, that it returns on any of them; -1 where there is none.
    """
    shares = np.searchsorted(offsets, np.linspace(0, offsets[-1], max(1, threads) + 1))
    shares[0], shares[-1] = 0, offsets.size - 1
    ranges = [(int(begin), int(end)) for begin, end in itertools.pairwise(shares) if begin < end]
    if len(ranges) <= 1:
        results = [kernel(begin, end) for begin, end in ranges]
    else:
        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(kernel, *zip(*ranges, strict=True)))
    return min((result for result in results if result >= 0), default=-1)


def read_only(array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Return a view of one kind for every caller, so that one compiled form serves them all."""
    view = np.ascontiguousarray(array, dtype=dtype).view(np.ndarray)
    view = view.view()
    view.flags.writeable = False
    return view
