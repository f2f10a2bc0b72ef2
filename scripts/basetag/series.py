"""Numbers in the order of time: of each place the last known one, and the one behind it.

A series is a number for each time step, NaN where nobody knows it. Series lie one behind the other,
and nothing of one is seen in the next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: What the number of each place is called among the features.
VALUE = "value"
#: Labels of places behind which the series does not fall, and of those behind which it does.
RISES, FALLS = 0, 1

Floats = NDArray[np.float32]


def last_known(values: Floats, lengths: NDArray[np.int64]) -> Floats:
    """Return the last known number up to each place, its own counted in, (places,).

    Parameters
    ----------
    values : ndarray of float32, (places,)
        Series, one behind the other; NaN where a number is missing.
    lengths : ndarray of int64, (series,)

    Returns
    -------
    ndarray of float32, (places,)
        NaN where none is known so far.
    """
    kept = ~np.isnan(values)
    kept[_firsts(lengths)] = True
    places = np.maximum.accumulate(np.where(kept, np.arange(values.size), 0))
    return values[places] if values.size else values


def next_values(values: Floats, lengths: NDArray[np.int64]) -> Floats:
    """Return what is to be told at each place, the number behind it, (places,).

    Parameters are those of `last_known`.

    Returns
    -------
    ndarray of float32, (places,)
        NaN at the end of a series, where the next number is missing, and where none is known so
        far.
    """
    behind = np.full_like(values, np.nan)
    behind[:-1] = values[1:]
    behind[np.cumsum(lengths)[lengths > 0] - 1] = np.nan
    behind[np.isnan(last_known(values, lengths))] = np.nan
    return behind


def known_run(values: Floats, lengths: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return how many places up to each one have a number without a gap, (places,), up to `most`.

    Parameters are those of `last_known`.
    """
    index = np.arange(values.size)
    # The place from which on all are known: behind the last gap, or the first of the series.
    begins = np.where(np.isnan(values), index + 1, 0)
    firsts = _firsts(lengths)
    begins[firsts] = np.maximum(begins[firsts], firsts)
    return np.minimum(index + 1 - np.maximum.accumulate(begins), most)


def _firsts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first place of each series that has one."""
    firsts: NDArray[np.int64] = (np.cumsum(lengths) - lengths)[lengths > 0]
    return firsts
