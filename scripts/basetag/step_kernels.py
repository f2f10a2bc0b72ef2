"""The compiled loop over what bases are told of their states: see `basetag.steps`.

`told` (bases,) are numbers; `bears` (numbers, K), which of K states each number may stand for;
`allowed` (K, K), which state (row) may be followed by which (column).
"""

# No annotations: the types are those of numba's, inferred where a kernel is called.
# mypy: disable-error-code="no-untyped-def"

import numba
import numpy as np

_compiled = numba.njit(cache=True, error_model="numpy", nogil=True)


@_compiled
def allow_what_is_needed(told, bears, allowed, reached):
    """Add to `allowed` the steps without which no path of states would bear all that is told.

    `reached`, (K,), are the states that paths up to the base before reach, all False where there is
    none; at the end those of the last base. Where a path can go no further, every state that is
    reached may be followed by every one that the next base may be in.
    """
    K = allowed.shape[0]
    following = np.empty(K, dtype=np.bool_)
    for t in range(told.size):
        borne = bears[told[t]]
        if not reached.any():
            reached[:] = borne
            continue
        following[:] = False
        for i in range(K):
            if reached[i]:
                for j in range(K):
                    following[j] |= allowed[i, j] and borne[j]
        if not following.any():
            for i in range(K):
                if reached[i]:
                    for j in range(K):
                        allowed[i, j] |= borne[j]
            following[:] = borne
        reached[:] = following
