"""The recurrence of minGRU compiled for the CPU, forward and backward.

A step blends what was with a candidate, h ← h + z (n - h), unit by unit and without a product of
matrices, so the loops run as fast as memory hands them the numbers. What the backward needs it
computes anew from what was read: to keep it would cost more than to compute it.

Between two bases the state is held in double. A unit that remembers a hundred thousand bases takes
in a hundred-thousandth of each, which a state of single precision rounds away: sums then stand
still, 1e-3 from where they belong. Gradients are carried in double for the same reason.

Arrays are laid out as in `recurrence_kernels`: time first, rows from the longest on, the state
before the first base read in the slot before it, seen in the direction of reading. Numbers read
and written are float32, states that are carried float64. Nothing is imported from there, since
numba's cache, which looks at a kernel's own file alone, would not see a change.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

#: Rows whose gradients are summed together. Not the rows of a thread, or the sums would depend on
#: the number of threads.
ROWS_OF_A_SUM = 8

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",  # a check for division by zero would keep loops from vectorising
    # No more than this: approximate reciprocals are taken in a vectorised loop but not in its
    # last few turns, and what a unit gets would depend on where it lies.
    "fastmath": {"contract", "nsz"},
}
_compiled = numba.njit(**_OPTIONS)
_inlined = numba.njit(forceinline=True, **_OPTIONS)  # the reason stands in `recurrence_kernels`

_ONE = np.float32(1)
#: Beyond, exp leaves the normal numbers of float32.
_FARTHEST = np.float32(87)
_EXPONENT_OF_ONE = np.int32(127)
_MANTISSA_BITS = np.int32(23)


@_compiled
def read_bases(inputs, active, leftward, state, hidden, first, last):
    """Read all bases, each with inputs of its own.

    Parameters
    ----------
    inputs : ndarray of float32, (2, length, rows, hidden)
        What goes into the sigmoid of z, and the candidates n; biases included.
    active : ndarray of int64, (length,)
        Rows that have a base there, these being the first ones.
    leftward : bool
        Whether the bases are read from the last to the first.
    state : ndarray of float64, (rows, hidden)
        At the start; left as it is at the end.
    hidden : ndarray of float32, (length + 1, rows, hidden)
        Written, but for the slot in which the reading starts.
    first, last : int
        The rows to read, the last not included.
    """
    length = active.size
    for s in range(length):
        base, _, after = _step(s, length, leftward)
        n = min(max(active[base], first), last)
        _blend(
            inputs[0, base, first:n].ravel(),
            inputs[1, base, first:n].ravel(),
            state[first:n].ravel(),
            hidden[after, first:n].ravel(),
        )
        hidden[after, n:last] = np.float32(0)


@_inlined
def _blend(z, candidates, state, hidden):
    for at in range(hidden.size):
        opened = np.float64(_sigmoid(z[at]))
        value = state[at] + opened * (np.float64(candidates[at]) - state[at])
        state[at] = value
        hidden[at] = np.float32(value)


@_compiled
def read_bases_backward(inputs, active, leftward, hidden, d_hidden, d_inputs, first, last):
    """Write the gradients of `inputs` to `d_inputs`, (2, length, rows, hidden).

    `d_hidden`, (length, rows, hidden), is the gradient of the hidden state after each base. See
    `read_bases`.
    """
    length = active.size
    carried = np.zeros((last - first, hidden.shape[2]), np.float64)
    for s in range(length - 1, -1, -1):
        base, before, _ = _step(s, length, leftward)
        n = min(max(active[base], first), last)
        _blend_backward(
            inputs[0, base, first:n].ravel(),
            inputs[1, base, first:n].ravel(),
            hidden[before, first:n].ravel(),
            d_hidden[base, first:n].ravel(),
            carried[: n - first].ravel(),
            d_inputs[0, base, first:n].ravel(),
            d_inputs[1, base, first:n].ravel(),
        )
        d_inputs[:, base, n:last] = np.float32(0)


@_inlined
def _blend_backward(z, candidates, before, d_hidden, carried, d_z, d_candidates):
    for at in range(d_hidden.size):
        opened = _sigmoid(z[at])
        d = np.float64(d_hidden[at]) + carried[at]
        d_candidate = np.float32(d) * opened
        d_z[at] = d_candidate * (candidates[at] - before[at]) * (_ONE - opened)
        d_candidates[at] = d_candidate
        carried[at] = d - np.float64(opened) * d


@_compiled
def read_table(opened, entries, active, leftward, state, hidden, first, last):
    """Read all bases, each with the inputs of an entry of a table.

    Parameters
    ----------
    opened : ndarray of float32, (2, entries, hidden)
        z, the sigmoid taken, and the candidates n.
    entries : ndarray of int32, (length, rows)
        Which entry is that of a base.
    active, leftward, state, hidden, first, last
        See `read_bases`.
    """
    length = active.size
    for s in range(length):
        base, _, after = _step(s, length, leftward)
        n = min(max(active[base], first), last)
        for row in range(first, n):
            entry = entries[base, row]
            for i in range(opened.shape[2]):
                value = state[row, i]
                z = np.float64(opened[0, entry, i])
                value += z * (np.float64(opened[1, entry, i]) - value)
                state[row, i] = value
                hidden[after, row, i] = np.float32(value)
        hidden[after, n:last] = np.float32(0)


@_compiled
def read_table_backward(opened, entries, active, leftward, hidden, d_hidden, d_opened, first, last):
    """Add the gradients of `opened` to `d_opened`, (sums, 2, entries, hidden).

    Each of the sums is that of `ROWS_OF_A_SUM` rows; `first` and `last` count sums. For the others
    see `read_table` and `read_bases_backward`.
    """
    length = active.size
    units = opened.shape[2]
    carried = np.zeros((ROWS_OF_A_SUM, units), np.float64)
    for part in range(first, last):
        from_row = part * ROWS_OF_A_SUM
        carried[:] = 0.0
        for s in range(length - 1, -1, -1):
            base, before, _ = _step(s, length, leftward)
            for row in range(from_row, min(active[base], from_row + ROWS_OF_A_SUM)):
                entry = entries[base, row]
                for i in range(units):
                    z = opened[0, entry, i]
                    d = np.float64(d_hidden[base, row, i]) + carried[row - from_row, i]
                    single = np.float32(d)
                    change = opened[1, entry, i] - hidden[before, row, i]
                    d_opened[part, 0, entry, i] += single * change
                    d_opened[part, 1, entry, i] += single * z
                    carried[row - from_row, i] = d - np.float64(z) * d


@_inlined
def _sigmoid(x):
    """Return 1 / (1 + exp(-x)), right to 2e-7 of itself, however small it is.

    By exp of the Cephes library (Moshier 1992, expf.c). A quotient for tanh is no help here: it is
    right to 1e-7 of 1, and a unit that remembers a million bases has a z of 1e-6.
    """
    x = -_FARTHEST if x < -_FARTHEST else x
    x = _FARTHEST if x > _FARTHEST else x
    whole = np.float32(math.floor(np.float32(0.5) - x * np.float32(1.44269504088896341)))
    # What is not a number goes on as such by `rest`; an integer it has none.
    whole = whole if whole > np.float32(-126) else np.float32(-126)
    rest = -x - whole * np.float32(0.693359375)
    rest = rest - whole * np.float32(-2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * rest + np.float32(1.3981999507e-3)
    p = p * rest + np.float32(8.3334519073e-3)
    p = p * rest + np.float32(4.1665795894e-2)
    p = p * rest + np.float32(1.6666665459e-1)
    p = p * rest + np.float32(5.0000001201e-1)
    p = p * (rest * rest) + rest + _ONE
    power = np.int32((np.int32(whole) + _EXPONENT_OF_ONE) << _MANTISSA_BITS).view(np.float32)
    return _ONE / (_ONE + p * power)


@_inlined
def _step(s, length, leftward):
    """Return the base of step `s`, and the slots of the hidden state before and after it."""
    base = length - 1 - s if leftward else s
    return (base, base + 1, base) if leftward else (base, base, base + 1)
