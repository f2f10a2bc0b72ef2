"""The compiled loops of exact inference: one call runs over a range of sequences.

What they compute and who may call them say `basetag.exact_inference` and `basetag.viterbi`.
Vectors are float64 and are multiplied by a power of two when their largest entry gets small: that
rounds nothing, costs a comparison, and keeps products of two vectors clear of the ends of float64.
A kernel returns the index of the first base that the model cannot emit, or -1.

Arrays, with K states: `first` (tokens, K) is start x P(token | state); `step` (tokens, K, K) is
P(next state | state) x P(token | next state); `offsets` (sequences + 1,) says where each sequence
begins; sequences `begin` to `end` (not included) are done. `label` (K,) is the column of `out` to
which a state's posterior is added; where it is empty, each state has the column of its own number.
"""

# No annotations: the types are those of numba's, inferred where a kernel is called.
# mypy: disable-error-code="no-untyped-def"

import math

import numba
import numpy as np

_LOW = 2.0**-64
_FACTOR = 2.0**64
_LOG_FACTOR = 64 * math.log(2)
#: Probabilities written with six digits, or rounded to float32, may pass 1 by a little.
HIGHEST_PROBABILITY = 1.0001

_compiled = numba.njit(cache=True, nogil=True)


@numba.njit(inline="always")
def _add_by_label(values, label, sums):
    sums[:] = 0.0
    for j in range(values.size):
        sums[label[j]] += values[j]


@_compiled
def forward(first, step, label, tokens, offsets, begin, end, totals, out):
    """Write log P of each sequence to `totals`, and filtered posteriors to `out` if it has rows."""
    K = step.shape[1]
    a = np.empty(K)
    following = np.empty(K)
    sums = np.empty(out.shape[1])
    for s in range(begin, end):
        n_scaled = 0
        total = 1.0
        for t in range(offsets[s], offsets[s + 1]):
            x = tokens[t]
            largest = 0.0
            for j in range(K):
                value = 0.0
                if t == offsets[s]:
                    value = first[x, j]
                else:
                    for i in range(K):
                        value += a[i] * step[x, i, j]
                following[j] = value
                largest = max(largest, value)
            if largest == 0.0:
                return t
            while largest < _LOW:
                largest *= _FACTOR
                n_scaled += 1
                for j in range(K):
                    following[j] *= _FACTOR
            a, following = following, a
            total = 0.0
            for j in range(K):
                total += a[j]
            if out.shape[0] > 0:
                if label.size == 0:
                    for j in range(K):
                        out[t, j] = a[j] / total
                else:
                    _add_by_label(a, label, sums)
                    for j in range(sums.size):
                        out[t, j] = sums[j] / total
        totals[s] = math.log(total) - n_scaled * _LOG_FACTOR
    return -1


@_compiled
def forward_backward(first, step, label, tokens, offsets, begin, end, block, out):
    """Write smoothed posteriors to `out`, holding forward vectors of `block` bases."""
    K = step.shape[1]
    a = np.empty((block, K))
    b = np.empty(K)
    previous = np.empty(K)
    both = np.empty(K)
    sums = np.empty(out.shape[1])
    for s in range(begin, end):
        start, stop = offsets[s], offsets[s + 1]
        if start == stop:
            continue
        n_blocks = (stop - start + block - 1) // block
        checkpoints = np.empty((n_blocks, K))
        for j in range(K):
            checkpoints[0, j] = first[tokens[start], j]
            b[j] = 1.0
        # Forward through all blocks but the last, then backward through all of them.
        for phase in range(2 * n_blocks - 1):
            k = phase if phase < n_blocks else 2 * n_blocks - 2 - phase
            left = start + k * block
            right = min(stop, left + block)
            for r in range(right - left):
                x = tokens[left + r]
                largest = 0.0
                for j in range(K):
                    value = 0.0
                    if r == 0:
                        value = checkpoints[k, j]
                    else:
                        for i in range(K):
                            value += a[r - 1, i] * step[x, i, j]
                    a[r, j] = value
                    largest = max(largest, value)
                if largest == 0.0:
                    return left + r
                while largest < _LOW:
                    largest *= _FACTOR
                    for j in range(K):
                        a[r, j] *= _FACTOR
            if phase < n_blocks - 1:
                x = tokens[right]
                for j in range(K):
                    value = 0.0
                    for i in range(K):
                        value += a[block - 1, i] * step[x, i, j]
                    checkpoints[k + 1, j] = value
                continue
            for r in range(right - left - 1, -1, -1):
                x = tokens[left + r]
                total = 0.0
                for j in range(K):
                    both[j] = a[r, j] * b[j]
                    total += both[j]
                if label.size == 0:
                    for j in range(K):
                        out[left + r, j] = both[j] / total
                else:
                    _add_by_label(both, label, sums)
                    for j in range(sums.size):
                        out[left + r, j] = sums[j] / total
                largest = 0.0
                for i in range(K):
                    value = 0.0
                    for j in range(K):
                        value += step[x, i, j] * b[j]
                    previous[i] = value
                    largest = max(largest, value)
                # A first base may have no way in but the start: then 0, and not used.
                while 0.0 < largest < _LOW:
                    largest *= _FACTOR
                    for i in range(K):
                        previous[i] *= _FACTOR
                b, previous = previous, b
    return -1


@_compiled
def forward_backward_two(first, step, tokens, offsets, begin, end, block, out):
    """Do `forward_backward` for two states, each a label: in registers, three times as fast."""
    a = np.empty((block, 2))
    for s in range(begin, end):
        start, stop = offsets[s], offsets[s + 1]
        if start == stop:
            continue
        n_blocks = (stop - start + block - 1) // block
        checkpoints = np.empty((n_blocks, 2))
        checkpoints[0, 0] = first[tokens[start], 0]
        checkpoints[0, 1] = first[tokens[start], 1]
        b0 = 1.0
        b1 = 1.0
        for phase in range(2 * n_blocks - 1):
            k = phase if phase < n_blocks else 2 * n_blocks - 2 - phase
            left = start + k * block
            right = min(stop, left + block)
            a0 = checkpoints[k, 0]
            a1 = checkpoints[k, 1]
            for r in range(right - left):
                if r > 0:
                    m = step[tokens[left + r]]
                    a0, a1 = a0 * m[0, 0] + a1 * m[1, 0], a0 * m[0, 1] + a1 * m[1, 1]
                if a0 < _LOW and a1 < _LOW:
                    if a0 == 0.0 and a1 == 0.0:
                        return left + r
                    while a0 < _LOW and a1 < _LOW:
                        a0 *= _FACTOR
                        a1 *= _FACTOR
                a[r, 0] = a0
                a[r, 1] = a1
            if phase < n_blocks - 1:
                m = step[tokens[right]]
                checkpoints[k + 1, 0] = a0 * m[0, 0] + a1 * m[1, 0]
                checkpoints[k + 1, 1] = a0 * m[0, 1] + a1 * m[1, 1]
                continue
            for r in range(right - left - 1, -1, -1):
                m = step[tokens[left + r]]
                p0 = a[r, 0] * b0
                p1 = a[r, 1] * b1
                norm = 1.0 / (p0 + p1)
                out[left + r, 0] = p0 * norm
                out[left + r, 1] = p1 * norm
                b0, b1 = m[0, 0] * b0 + m[0, 1] * b1, m[1, 0] * b0 + m[1, 1] * b1
                while b0 < _LOW and b1 < _LOW and b0 + b1 > 0.0:
                    b0 *= _FACTOR
                    b1 *= _FACTOR
    return -1


@_compiled
def most_probable_path(
    start, transition, rows, weights, floor, tokens, offsets, begin, end, block, out
):
    """Write the Viterbi path to `out`, holding back-pointers of `block` bases.

    `start` (sequences, K) has the probabilities of each sequence's first state.
    The likelihood of base t is ``max(rows[tokens[t]], floor) * weights``, or that of row t itself
    where `tokens` is empty. Of equally probable states the first is taken. A base whose row is no
    probability counts as one that cannot be emitted.
    """
    K = transition.shape[0]
    pointers = np.empty((block, K), dtype=np.uint8)
    delta = np.empty(K)
    following = np.empty(K)
    for s in range(begin, end):
        first, stop = offsets[s], offsets[s + 1]
        if first == stop:
            continue
        n_blocks = (stop - first + block - 1) // block
        checkpoints = np.empty((n_blocks, K))  # of the base before each block
        state = 0
        for phase in range(2 * n_blocks - 1):
            k = phase if phase < n_blocks else 2 * n_blocks - 2 - phase
            left = first + k * block
            right = min(stop, left + block)
            if k > 0:
                for j in range(K):
                    delta[j] = checkpoints[k, j]
            for t in range(left, right):
                row = np.int64(tokens[t]) if tokens.size > 0 else t
                largest = 0.0
                for j in range(K):
                    best = start[s, j]
                    pointer = 0
                    if t > first:
                        best = delta[0] * transition[0, j]
                        for i in range(1, K):
                            value = delta[i] * transition[i, j]
                            if value > best:
                                best = value
                                pointer = i
                    likelihood = rows[row, j]
                    if not 0.0 <= likelihood <= HIGHEST_PROBABILITY:
                        return t
                    value = best * max(likelihood, floor) * weights[j]
                    following[j] = value
                    pointers[t - left, j] = pointer
                    largest = max(largest, value)
                if largest == 0.0:
                    return t
                while largest < _LOW:
                    largest *= _FACTOR
                    for j in range(K):
                        following[j] *= _FACTOR
                delta, following = following, delta
            if phase < n_blocks - 1:
                for j in range(K):
                    checkpoints[k + 1, j] = delta[j]
                continue
            if right == stop:
                state = 0
                for j in range(1, K):
                    if delta[j] > delta[state]:
                        state = j
            for t in range(right - 1, left - 1, -1):
                out[t] = state
                state = pointers[t - left, state]
    return -1


@_compiled
def path_log_probability(log_first, log_step, tokens, path, offsets, totals):
    """Write log P(sequence and path) of each sequence to `totals`."""
    for s in range(offsets.size - 1):
        total = 0.0
        for t in range(offsets[s], offsets[s + 1]):
            if t == offsets[s]:
                total += log_first[tokens[t], path[t]]
            else:
                total += log_step[tokens[t], path[t - 1], path[t]]
        totals[s] = total
    return -1
