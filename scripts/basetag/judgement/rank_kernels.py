"""The compiled loop of rank correlations of records that are drawn with replacement.

What it serves says `basetag.judgement.regression`. A draw's ranks are its own: with other records
in it, the same number has another place.
"""

# No annotations: the types are those of numba's, inferred where a kernel is called.
# mypy: disable-error-code="no-untyped-def"

import numba
import numpy as np

_compiled = numba.njit(cache=True, error_model="numpy", nogil=True)


@_compiled
def rank_correlations(weights, unit, x, y, n_x, n_y):
    """Return the rank correlation of each draw and its standard error, (draws,) each.

    The correlation is that of mid-ranks, ties counting half; the error is the infinitesimal
    jackknife's over the units, which knows that ranks move with the records.

    Parameters
    ----------
    weights : ndarray of uint, (draws, units)
        How often each draw holds each unit.
    unit : ndarray of int64, (records,)
    x, y : ndarray of int64, (records,)
        Place of each record's number among the different ones, ascending from 0.
    n_x, n_y : int
        How many different ones there are.

    Returns
    -------
    values, errors : ndarray of float64, (draws,)
        NaN where a draw has one number only.
    """
    n_draws, n_units = weights.shape
    n = x.size
    values = np.full(n_draws, np.nan)
    errors = np.full(n_draws, np.nan)
    of_x = np.empty(n_x)  # mid-ranks over the number of records, less one half
    of_y = np.empty(n_y)
    # Sums over all numbers above one, its own counting half: of the other's ranks, of its own.
    above_x = np.empty(n_x)
    above_y = np.empty(n_y)
    own_x = np.empty(n_x)
    own_y = np.empty(n_y)
    influence = np.empty(n_units)
    for draw in range(n_draws):
        of_x[:] = 0.0
        of_y[:] = 0.0
        total = 0.0
        for i in range(n):
            weight = weights[draw, unit[i]]
            of_x[x[i]] += weight
            of_y[y[i]] += weight
            total += weight
        for level, own in ((of_x, own_x), (of_y, own_y)):
            below = 0.0
            for k in range(level.size):
                count = level[k]
                level[k] = (below + 0.5 * count) / total - 0.5
                own[k] = count / total * level[k]
                below += count
        above_x[:] = 0.0
        above_y[:] = 0.0
        both = 0.0
        square_x = 0.0
        square_y = 0.0
        for i in range(n):
            weight = weights[draw, unit[i]] / total
            if weight:
                rank_x = of_x[x[i]]
                rank_y = of_y[y[i]]
                both += weight * rank_x * rank_y
                square_x += weight * rank_x * rank_x
                square_y += weight * rank_y * rank_y
                above_x[x[i]] += weight * rank_y
                above_y[y[i]] += weight * rank_x
        if not (square_x > 1e-12 and square_y > 1e-12):
            continue
        for sums in (above_x, above_y, own_x, own_y):
            higher = 0.0
            for k in range(sums.size - 1, -1, -1):
                here = sums[k]
                sums[k] = higher + 0.5 * here
                higher += here
        scale = np.sqrt(square_x * square_y)
        value = both / scale
        influence[:] = 0.0
        for i in range(n):
            if weights[draw, unit[i]]:
                rank_x = of_x[x[i]]
                rank_y = of_y[y[i]]
                of_both = rank_x * rank_y + above_x[x[i]] + above_y[y[i]] - 3 * both
                of_squares = (rank_x * rank_x + 2 * own_x[x[i]]) / square_x - 3
                of_squares += (rank_y * rank_y + 2 * own_y[y[i]]) / square_y - 3
                influence[unit[i]] += of_both / scale - 0.5 * value * of_squares
        squared = 0.0
        for u in range(n_units):
            squared += weights[draw, u] * influence[u] * influence[u]
        values[draw] = value
        errors[draw] = np.sqrt(squared) / total
    return values, errors
