"""Where the bases of each record lie, for who reads files that speak of records and positions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Places:
    """Where the bases of each record lie.

    Parameters
    ----------
    names : sequence of str
        Name of each record.
    starts, lengths : ndarray of int64, (records,)
        Where its bases begin among those of all records, and how many there are.
    dropped : collection of str
        Names of records that are none any more, of which lines are passed over.
    letters_of : callable, optional
        The letters of a record, by its index; None where nobody holds them.
    """

    names: Sequence[str]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    dropped: Collection[str] = ()
    letters_of: Callable[[int], str] | None = None
