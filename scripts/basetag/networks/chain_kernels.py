"""Messages along a chain of states compiled for the CPU, over many sequences at once.

What they compute and who may call them says `basetag.networks.chain`. Vectors are float64, whatever
the scores are: in a chain that seldom leaves a state, what float32 rounds away at each base adds up
over thousands of them. They are multiplied by powers of two, which rounds nothing, so that the
largest entry lies in [1/2, 1); so a chunk computes what the whole record does, to the last bit.
Every sequence is computed from its own numbers alone, in an order that hangs on nothing else.

Two states have loops of their own, which the compiler vectorises over the rows of a place; with
more states it vectorises over the states.

All of this stands in one file, since numba compiles afresh when a kernel's own file has changed and
not when one that it takes its helpers from has.

Arrays are time first: scores of bases (length, rows, K). `transition` is (K, K), from-to in the
direction of reading, no longer as logarithms. Rows are ordered from the longest on; `active` says
how many have a base at each place. Rows `first` to `last` (not included) are done.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",  # a check for division by zero would keep loops from vectorising
    # No "reassoc": `_exponential` rounds by adding and subtracting a large number.
    "fastmath": {"contract", "nsz"},
}
_compiled = numba.njit(**_OPTIONS)
# Why nothing that kernels share may stay a function: see `recurrence_kernels`.
_inlined = numba.njit(forceinline=True, **_OPTIONS)

#: What is possible counts at least this much beside the likeliest, so that no product of three
#: such numbers becomes 0: a zero always says "forbidden", and never "too small to be told".
FLOOR = 1e-100
LOG_FLOOR = math.log(FLOOR)

_LOG2_E = math.log2(math.e)
#: ln 2 in two parts, the first short enough for exact products with an exponent (fdlibm).
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
#: 1.5 x 2**52: a sum with it has its integer part in the lowest bits.
_ROUNDER = 6755399441055744.0
_INFINITY = math.inf
#: Places that `marginals` does of one row before the next, so that a core's cache keeps the counts.
_PLACES = 64
_AT_ONCE = 4


@_inlined
def _exponential(x):
    """Return exp(x) for x <= 0, at least `FLOOR` but for exp(-inf) = 0; right to 2 ulp."""
    y = LOG_FLOOR if x < LOG_FLOOR else x
    shifted = y * _LOG2_E + _ROUNDER
    n = shifted - _ROUNDER
    r = (y - n * _LN2_HIGH) - n * _LN2_LOW
    # Taylor's series: |r| is at most ln 2 / 2, where what is left out is under 1e-17.
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    power = np.float64(shifted).view(np.int64) << 52
    value = np.int64(np.float64(p).view(np.int64) + power).view(np.float64)
    if x == -_INFINITY:
        return 0.0
    return p if p != p else value  # not a number: the bits above would hide it


@_inlined
def _floored(x, floor):
    y = floor if x < floor else x
    return y if x != 0.0 else 0.0


@_inlined
def _larger(x, y):
    return x if x > y else y


@_inlined
def _exponent(x):
    """Return e + 1022 of a positive x in [2**(e - 1), 2**e)."""
    return np.float64(x).view(np.int64) >> 52


@_inlined
def _to_one(exponent):
    """Return the power of two that brings a number of this exponent into [1/2, 1)."""
    return np.int64((2045 - exponent) << 52).view(np.float64)


@_inlined
def _finite(top):
    """Return what scores are measured from: their largest, or 0 where all are -inf."""
    return top if top > -_INFINITY else 0.0


@_inlined
def _limited(count, first, last):
    return min(max(count, first), last)


@_inlined
def _weigh(emissions, t, row, weights):
    """Write exp(score) of a base beside that of its largest score, and return the latter."""
    K = weights.size
    # Four at a time: one maximum would wait for the other.
    m0 = m1 = m2 = m3 = -_INFINITY
    k = 0
    while k + 4 <= K:
        m0 = _larger(np.float64(emissions[t, row, k]), m0)
        m1 = _larger(np.float64(emissions[t, row, k + 1]), m1)
        m2 = _larger(np.float64(emissions[t, row, k + 2]), m2)
        m3 = _larger(np.float64(emissions[t, row, k + 3]), m3)
        k += 4
    while k < K:
        m0 = _larger(np.float64(emissions[t, row, k]), m0)
        k += 1
    top = _finite(_larger(_larger(m0, m1), _larger(m2, m3)))
    for k in range(K):
        weights[k] = _exponential(np.float64(emissions[t, row, k]) - top)
    return top


@_inlined
def _take(values, t, first, n, column0, column1):
    """Take the two columns of a place apart: only loops that read these are vectorised well."""
    for r in range(n - first):
        column0[r] = values[t, first + r, 0]
        column1[r] = values[t, first + r, 1]


@_inlined
def _step(vector, transition, out):
    """Write vector x transition to `out`."""
    K = out.size
    for j in range(K):
        out[j] = 0.0
    i = 0
    # Four terms at a time: the sums are loaded and stored a fourth as often.
    while i + 4 <= K:
        a0, a1, a2, a3 = vector[i], vector[i + 1], vector[i + 2], vector[i + 3]
        for j in range(K):
            out[j] += (a0 * transition[i, j] + a1 * transition[i + 1, j]) + (
                a2 * transition[i + 2, j] + a3 * transition[i + 3, j]
            )
        i += 4
    while i < K:
        a0 = vector[i]
        for j in range(K):
            out[j] += a0 * transition[i, j]
        i += 1


@_inlined
def _step_of_maximum(vector, transition, out):
    """Write the largest product of each column to `out`."""
    K = out.size
    for j in range(K):
        out[j] = vector[0] * transition[0, j]
    for i in range(1, K):
        a = vector[i]
        for j in range(K):
            out[j] = _larger(a * transition[i, j], out[j])


@_inlined
def _largest_exponent(vector):
    # Of numbers that are not negative the bits are in their order, and a maximum of integers
    # is one that the compiler vectorises.
    largest = np.int64(0)
    for k in range(vector.size):
        largest = max(largest, np.float64(vector[k]).view(np.int64))
    return largest >> 52


@_compiled
def messages(
    emissions, transition, vectors, log_scale, active, leftward, maximum, smallest, out, first, last
):
    """Send messages through all bases.

    Parameters
    ----------
    emissions : ndarray of float32 or float64, (length, rows, K)
    transition : ndarray of float64, (K, K)
    vectors : ndarray of float64, (rows, K)
        Message to the first base read; replaced by that to the last one.
    log_scale : ndarray of float64, (rows,)
        Written: logarithm of what the messages to the last base read are to be multiplied by.
    active : ndarray of int64, (length,)
    leftward, maximum : bool
        Whether from the last base to the first; whether by the largest product, not the sum.
    smallest : float
        What a message above 0 is at least, in `out`.
    out : ndarray of float32 or float64, (length, rows, K) or (0, rows, K)
        Messages to all bases, 0 in the padding; none are kept where there is no room.
    first, last : int
    """
    length, _, K = emissions.shape
    kept = out.shape[0] > 0
    a, b, weights = np.empty(K), np.empty(K), np.empty(K)
    power = np.zeros(last - first, np.int64)
    log_scale[first:last] = 0.0
    for s in range(length):
        t = length - 1 - s if leftward else s
        n = _limited(active[t], first, last)
        if kept:
            for row in range(first, n):
                for k in range(K):
                    out[t, row, k] = _floored(vectors[row, k], smallest)
            out[t, n:last] = 0.0
        if s == length - 1:
            break
        n = n if leftward else _limited(active[t + 1], first, last)
        for row in range(first, n):
            log_scale[row] += _weigh(emissions, t, row, weights)
            for k in range(K):
                a[k] = vectors[row, k] * weights[k]
            if maximum:
                _step_of_maximum(a, transition, b)
            else:
                _step(a, transition, b)
            exponent = _largest_exponent(b)
            factor = _to_one(exponent)
            power[row - first] += exponent - 1022
            for k in range(K):
                vectors[row, k] = _floored(b[k] * factor, FLOOR)
    for row in range(first, last):
        log_scale[row] += power[row - first] * math.log(2.0)


@_compiled
def messages_of_two(
    emissions, transition, vectors, log_scale, active, leftward, maximum, smallest, out, first, last
):
    """Do `messages` for two states."""
    length = emissions.shape[0]
    kept = out.shape[0] > 0
    t00, t01, t10, t11 = transition[0, 0], transition[0, 1], transition[1, 0], transition[1, 1]
    v0, v1 = vectors[first:last, 0].copy(), vectors[first:last, 1].copy()
    e0, e1 = np.empty(last - first), np.empty(last - first)
    power, scale = np.zeros(last - first, np.int64), np.zeros(last - first)
    for s in range(length):
        t = length - 1 - s if leftward else s
        n = _limited(active[t], first, last)
        if kept:
            for r in range(n - first):
                out[t, first + r, 0] = _floored(v0[r], smallest)
                out[t, first + r, 1] = _floored(v1[r], smallest)
            out[t, n:last] = 0.0
        if s == length - 1:
            break
        n = n if leftward else _limited(active[t + 1], first, last)
        _take(emissions, t, first, n, e0, e1)
        for r in range(n - first):
            top = _finite(_larger(e0[r], e1[r]))
            a0 = v0[r] * _exponential(e0[r] - top)
            a1 = v1[r] * _exponential(e1[r] - top)
            x0, y0, x1, y1 = a0 * t00, a1 * t10, a0 * t01, a1 * t11
            b0 = _larger(x0, y0) if maximum else x0 + y0
            b1 = _larger(x1, y1) if maximum else x1 + y1
            exponent = _exponent(_larger(b0, b1))
            factor = _to_one(exponent)
            power[r] += exponent - 1022
            scale[r] += top
            v0[r] = _floored(b0 * factor, FLOOR)
            v1[r] = _floored(b1 * factor, FLOOR)
    for r in range(last - first):
        vectors[first + r, 0] = v0[r]
        vectors[first + r, 1] = v1[r]
        log_scale[first + r] = scale[r] + power[r] * math.log(2.0)


@_compiled
def marginals(emissions, transition, rightward, vectors, active, out, counts, first, last):
    """Walk leftward, and write what every base and all steps between them expect.

    Parameters
    ----------
    emissions, active, first, last
        See `messages`.
    transition : ndarray of float64, (K, K)
        From-to, leftward: the transposed of that in reading order.
    rightward : ndarray of float64, (length, rows, K)
        What `messages` wrote.
    vectors : ndarray of float64, (rows, K)
        Leftward message to each row's last base; overwritten.
    out : ndarray of float32 or float64, (length, rows, K)
        Written: P(state of a base); 0 in the padding and in a row without an allowed path.
    counts : ndarray of float64, (rows, K, K)
        Written: expected number of steps from-to in each row, each divided by its transition.
    """
    length, _, K = emissions.shape
    a, b, weights = np.empty(K), np.empty(K), np.empty(K)
    shares, behind = np.empty((_AT_ONCE, K)), np.empty((_AT_ONCE, K))
    right = np.zeros((last - first, K))  # weight x message of the base to the right
    counts[first:last] = 0.0
    for begin in range((length - 1) // _PLACES * _PLACES, -1, -_PLACES):
        for row in range(first, last):
            held = 0
            for t in range(min(begin + _PLACES, length) - 1, begin - 1, -1):
                if active[t] <= row:
                    out[t, row] = 0.0
                    continue
                _weigh(emissions, t, row, weights)
                total = 0.0
                for k in range(K):
                    a[k] = rightward[t, row, k] * weights[k]
                    b[k] = a[k] * vectors[row, k]
                    total += b[k]
                inverse = 1.0 / total if total != 0.0 else 0.0
                for k in range(K):
                    out[t, row, k] = b[k] * inverse
                    shares[held, k] = a[k] * inverse
                    behind[held, k] = right[row - first, k]
                    a[k] = weights[k] * vectors[row, k]
                held += 1
                if held == _AT_ONCE or t == begin:
                    shares[held:] = 0.0
                    behind[held:] = 0.0
                    _count(shares, behind, counts, row)
                    held = 0
                _step(a, transition, b)
                factor = _to_one(_largest_exponent(b))
                for k in range(K):
                    vectors[row, k] = _floored(b[k] * factor, FLOOR)
                    right[row - first, k] = a[k] * factor


@_inlined
def _count(shares, behind, counts, row):
    """Add the outer products of `_AT_ONCE` bases: so the sums are loaded and stored once."""
    K = shares.shape[1]
    for i in range(K):
        s0, s1, s2, s3 = shares[0, i], shares[1, i], shares[2, i], shares[3, i]
        for j in range(K):
            counts[row, i, j] += (s0 * behind[0, j] + s1 * behind[1, j]) + (
                s2 * behind[2, j] + s3 * behind[3, j]
            )


@_compiled
def marginals_of_two(emissions, transition, rightward, vectors, active, out, counts, first, last):
    """Do `marginals` for two states."""
    t00, t01, t10, t11 = transition[0, 0], transition[0, 1], transition[1, 0], transition[1, 1]
    v0, v1 = vectors[first:last, 0].copy(), vectors[first:last, 1].copy()
    e0, e1 = np.empty(last - first), np.empty(last - first)
    a0, a1 = np.empty(last - first), np.empty(last - first)
    behind0, behind1 = np.zeros(last - first), np.zeros(last - first)
    c00, c01 = np.zeros(last - first), np.zeros(last - first)
    c10, c11 = np.zeros(last - first), np.zeros(last - first)
    for t in range(emissions.shape[0] - 1, -1, -1):
        n = _limited(active[t], first, last)
        out[t, n:last] = 0.0
        _take(emissions, t, first, n, e0, e1)
        _take(rightward, t, first, n, a0, a1)
        for r in range(n - first):
            top = _finite(_larger(e0[r], e1[r]))
            w0, w1 = _exponential(e0[r] - top), _exponential(e1[r] - top)
            f0, f1 = a0[r] * w0, a1[r] * w1
            p0, p1 = f0 * v0[r], f1 * v1[r]
            total = p0 + p1
            inverse = 1.0 / total if total != 0.0 else 0.0
            a0[r], a1[r] = p0 * inverse, p1 * inverse
            f0 *= inverse
            f1 *= inverse
            c00[r] += f0 * behind0[r]
            c01[r] += f0 * behind1[r]
            c10[r] += f1 * behind0[r]
            c11[r] += f1 * behind1[r]
            b0, b1 = w0 * v0[r], w1 * v1[r]
            x0 = b0 * t00 + b1 * t10
            x1 = b0 * t01 + b1 * t11
            factor = _to_one(_exponent(_larger(x0, x1)))
            v0[r] = _floored(x0 * factor, FLOOR)
            v1[r] = _floored(x1 * factor, FLOOR)
            behind0[r], behind1[r] = b0 * factor, b1 * factor
        for r in range(n - first):
            out[t, first + r, 0] = a0[r]
            out[t, first + r, 1] = a1[r]
    for r in range(last - first):
        counts[first + r, 0, 0] = c00[r]
        counts[first + r, 0, 1] = c01[r]
        counts[first + r, 1, 0] = c10[r]
        counts[first + r, 1, 1] = c11[r]


@_compiled
def posterior(emissions, rightward, leftward, out, first, last):
    """Write the normalised products of scores' weights and messages, all (length, rows, K)."""
    length, _, K = emissions.shape
    weights = np.empty(K)
    for t in range(length):
        for row in range(first, last):
            if K == 2:
                e0, e1 = np.float64(emissions[t, row, 0]), np.float64(emissions[t, row, 1])
                top = _finite(_larger(e0, e1))
                p0 = rightward[t, row, 0] * _exponential(e0 - top) * leftward[t, row, 0]
                p1 = rightward[t, row, 1] * _exponential(e1 - top) * leftward[t, row, 1]
                inverse = 1.0 / (p0 + p1) if p0 + p1 != 0.0 else 0.0
                out[t, row, 0] = p0 * inverse
                out[t, row, 1] = p1 * inverse
                continue
            _weigh(emissions, t, row, weights)
            total = 0.0
            for k in range(K):
                weights[k] *= np.float64(rightward[t, row, k]) * np.float64(leftward[t, row, k])
                total += weights[k]
            inverse = 1.0 / total if total != 0.0 else 0.0
            for k in range(K):
                out[t, row, k] = weights[k] * inverse


@_compiled
def trace(emissions, transition, opening, messages, active, leftward, out, first, last):
    """Follow the most probable path from base to base.

    Parameters
    ----------
    emissions, active, first, last
        See `messages`.
    transition : ndarray of float64, (K, K)
        The state of the base traced before, that of the next.
    opening : ndarray of float64, (rows, K)
        What each state weighs at the first base traced, apart from its message and score.
    messages : ndarray of float32 or float64, (length, rows, K)
        Those of the other direction, by the largest product.
    leftward : bool
        Whether the path is traced from the last base to the first.
    out : ndarray of uint8, (length, rows)
        Written; 0 in the padding. Of equally probable states the first is taken.
    """
    length, _, K = emissions.shape
    weights = np.empty(K)
    for s in range(length):
        t = length - 1 - s if leftward else s
        before = t + 1 if leftward else t - 1
        n = _limited(active[t], first, last)
        traced = _limited(active[before], first, n) if s > 0 else first
        out[t, first:last] = 0
        for row in range(first, n):
            _weigh(emissions, t, row, weights)
            best = -1.0
            for k in range(K):
                value = messages[t, row, k] * weights[k]
                if row < traced:
                    value *= transition[out[before, row], k]
                else:
                    value *= opening[row, k]
                if value > best:
                    best = value
                    out[t, row] = k
