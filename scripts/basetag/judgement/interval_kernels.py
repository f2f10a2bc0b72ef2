"""The compiled loops of the bootstrap: sums over units drawn with replacement.

What they serve says `basetag.judgement.intervals`. `weights` (draws, units) says how often each
draw holds each unit, `rows` (units, sums) what each unit adds. Sums are taken in the order of the
units, so that their last bits depend on nothing else.
"""

# No annotations: the types are those of numba's, inferred where a kernel is called.
# mypy: disable-error-code="no-untyped-def"

import numba
import numpy as np

_compiled = numba.njit(cache=True, error_model="numpy", nogil=True)


@_compiled
def resampled_sums(weights, rows):
    """Return the sums of each draw, (draws, sums)."""
    n_draws, n_units = weights.shape
    n_sums = rows.shape[1]
    sums = np.zeros((n_draws, n_sums))
    for draw in range(n_draws):
        for unit in range(n_units):
            weight = weights[draw, unit]
            if weight:
                for k in range(n_sums):
                    sums[draw, k] += weight * rows[unit, k]
    return sums


@_compiled
def squared_influence(weights, rows, gradient):
    """Return, for each draw, the sum over its units of the square of ``gradient[draw] @ rows``."""
    n_draws, n_units = weights.shape
    n_sums = rows.shape[1]
    total = np.zeros(n_draws)
    for draw in range(n_draws):
        for unit in range(n_units):
            weight = weights[draw, unit]
            if weight:
                influence = 0.0
                for k in range(n_sums):
                    influence += gradient[draw, k] * rows[unit, k]
                total[draw] += weight * influence * influence
    return total
