"""Recurrences compiled for the CPU: RNN, GRU and LSTM over many sequences, forward and backward.

torch's own GRU and RNN walk through a sequence by small operations whose start costs more than
their work, and none of its cells reads letters from a table. Here one compiled loop takes a step
of all sequences at once: a BLAS product per gate, then one pass over the numbers that no branch
and no call interrupts, so that the compiler vectorises it. Every sequence is computed from its
own numbers alone.

Arrays are laid out time first, and gates before time, so that what one step touches lies together:
inputs (gates, entries, hidden), hidden states (length + 1, rows, hidden), kept gates (gates,
length, rows, hidden). Rows are ordered from the longest on; `active` says how many have a base at
a step, so padding costs nothing. The hidden state before the first base read lies in the slot
before it, seen in the direction of reading.

Kernels take float32 alone. tanh is a quotient of polynomials, right to 3e-7.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",  # a check for division by zero would keep loops from vectorising
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}
_compiled = numba.njit(**_OPTIONS)
# All that kernels share goes into each of them. Left as functions, two kernels' copies, optimised
# each in its place, would bear one name, and which one runs, with which last bits, would depend on
# the order in which they were loaded.
_inlined = numba.njit(forceinline=True, **_OPTIONS)

_HALF = np.float32(0.5)
_ONE = np.float32(1)
#: Beyond, tanh is 1 in float32.
_SATURATED = np.float32(7.99881172)
#: Rows for which a call of BLAS costs more than it saves.
_FEW_ROWS = 2


@_inlined
def _tanh(x):
    """Return tanh by the rational approximation that Eigen uses (ptanh), right to a few ulp."""
    x = -_SATURATED if x < -_SATURATED else x
    x = _SATURATED if x > _SATURATED else x
    square = x * x
    p = np.float32(-2.76076847742355e-16)
    p = p * square + np.float32(2.00018790482477e-13)
    p = p * square + np.float32(-8.60467152213735e-11)
    p = p * square + np.float32(5.12229709037114e-08)
    p = p * square + np.float32(1.48572235717979e-05)
    p = p * square + np.float32(6.37261928875436e-04)
    p = p * square + np.float32(4.89352455891786e-03)
    q = np.float32(1.19825839466702e-06)
    q = q * square + np.float32(1.18534705686654e-04)
    q = q * square + np.float32(2.26843463243900e-03)
    q = q * square + np.float32(4.89352518554385e-03)
    return x * p / q


@_inlined
def _sigmoid(x):
    return _HALF + _HALF * _tanh(_HALF * x)


@_inlined
def _send(hidden, before, weights, gates, slot, first, n):
    """Write to each gate what the hidden states in the slot `before` send to it."""
    if n - first > _FEW_ROWS:
        for gate in range(weights.shape[0]):
            np.dot(hidden[before, first:n], weights[gate], gates[gate, slot, first:n])
        return
    # No views here: counting who holds one costs as much as the sums.
    units = weights.shape[2]
    for gate in range(weights.shape[0]):
        for row in range(first, n):
            for i in range(units):
                gates[gate, slot, row, i] = np.float32(0)
            k = 0
            # Four terms at a time: the sums are loaded and stored a fourth as often.
            while k + 4 <= units:
                a0, a1 = hidden[before, row, k], hidden[before, row, k + 1]
                a2, a3 = hidden[before, row, k + 2], hidden[before, row, k + 3]
                for i in range(units):
                    gates[gate, slot, row, i] += (
                        a0 * weights[gate, k, i] + a1 * weights[gate, k + 1, i]
                    ) + (a2 * weights[gate, k + 2, i] + a3 * weights[gate, k + 3, i])
                k += 4
            while k < units:
                a0 = hidden[before, row, k]
                for i in range(units):
                    gates[gate, slot, row, i] += a0 * weights[gate, k, i]
                k += 1


@_inlined
def _send_back(gate, base, weights, out, first, n):
    """Write to `out` what the gradients of a gate send to the state before."""
    if n > first:
        np.dot(gate[base, first:n], weights, out[: n - first])


@_inlined
def _add(out, other):
    for i in range(out.size):
        out[i] += other[i]


@_inlined
def _add_inputs(inputs, entries, base, gates, slot, first, n, count):
    """Add to the first `count` gates their inputs."""
    for row in range(first, n):
        entry = entries[base, row]
        for gate in range(count):
            for i in range(inputs.shape[2]):
                gates[gate, slot, row, i] += inputs[gate, entry, i]


@_compiled
def sum_by_entry(values, entries, out):
    """Add each base's row of `values`, (gates, bases, hidden), to that of its entry in `out`.

    `entries` is (bases,), `out` (gates, entries, hidden).
    """
    for gate in range(values.shape[0]):
        for base in range(entries.size):
            entry = entries[base]
            for i in range(out.shape[2]):
                out[gate, entry, i] += values[gate, base, i]


@_inlined
def _part(values, slot, first, last):
    """Return rows of one slot, one behind the other: a single loop runs through them."""
    return values[slot, first:last].ravel()


@_inlined
def _clear(values, slot, first, last):
    values[slot, first:last] = np.float32(0)


@_inlined
def _step(s, length, leftward):
    """Return the base of step `s`, and the slots of the hidden state before and after it."""
    base = length - 1 - s if leftward else s
    return (base, base + 1, base) if leftward else (base, base, base + 1)


@_compiled
def rnn_forward(inputs, entries, weights, active, leftward, hidden, first, last):
    """Read all bases with h = tanh(input + W h).

    Parameters
    ----------
    inputs : ndarray of float32, (1, entries, hidden)
        What each entry of a table, or each base, sends to the cell; biases included.
    entries : ndarray of int, (length, rows)
        Which of `inputs` is that of a base.
    weights : ndarray of float32, (1, hidden, hidden)
        Transposed: from unit, to unit.
    active : ndarray of int64, (length,)
        Rows that have a base there, these being the first ones.
    leftward : bool
        Whether the bases are read from the last to the first.
    hidden : ndarray of float32, (length + 1, rows, hidden)
        Written, but for the slot in which the reading starts: that holds the state at the start,
        which must be zero where rows differ in length.
    first, last : int
        The rows to read, the last not included.
    """
    length = entries.shape[0]
    gates = hidden.reshape((1, *hidden.shape))  # the one gate is the state
    for s in range(length):
        base, before, after = _step(s, length, leftward)
        n = min(max(active[base], first), last)
        _send(hidden, before, weights, gates, after, first, n)
        _add_inputs(inputs, entries, base, gates, after, first, n, 1)
        flat = _part(hidden, after, first, n)
        for at in range(flat.size):
            flat[at] = _tanh(flat[at])
        _clear(hidden, after, n, last)


@_compiled
def rnn_backward(weights, active, leftward, hidden, d_hidden, gates, first, last):
    """Write the gradient of each base's input to `gates`, (1, length, rows, hidden).

    `weights`, (1, hidden, hidden), go to unit, from unit; `d_hidden`, (length, rows, hidden), is
    the gradient of the hidden state after each base. See `rnn_forward`.
    """
    length = gates.shape[1]
    dh = np.zeros((last - first, weights.shape[2]), np.float32)
    for s in range(length - 1, -1, -1):
        base, _, after = _step(s, length, leftward)
        n = min(max(active[base], first), last)
        _rnn_gradient(
            _part(gates[0], base, first, n),
            _part(hidden, after, first, n),
            _part(d_hidden, base, first, n),
            dh[: n - first].ravel(),
        )
        _clear(gates[0], base, n, last)
        _send_back(gates[0], base, weights[0], dh, first, n)


@_inlined
def _rnn_gradient(out, h, d_hidden, dh):
    for at in range(h.size):
        out[at] = (d_hidden[at] + dh[at]) * (_ONE - h[at] * h[at])


@_compiled
def lstm_forward(inputs, entries, weights, active, leftward, hidden, cells, gates, first, last):
    """Read all bases with an LSTM; gates are in torch's order: input, forget, cell, output.

    Parameters
    ----------
    inputs, entries, weights, active, leftward, hidden, first, last
        See `rnn_forward`, with 4 gates.
    cells : ndarray of float32, (length + 1, rows, hidden) or (2, rows, hidden)
        As `hidden`; with two slots, both hold the state at the start, and the last one written is
        slot length % 2.
    gates : ndarray of float32, (4, length, rows, hidden) or (4, 1, rows, hidden)
        Written; kept for `lstm_backward` where there is a slot for each base.
    """
    length = entries.shape[0]
    kept = gates.shape[1] == length
    for s in range(length):
        base, before, after = _step(s, length, leftward)
        slot = base if kept else 0
        cell_before, cell_after = (before, after) if kept else (s % 2, (s + 1) % 2)
        n = min(max(active[base], first), last)
        _send(hidden, before, weights, gates, slot, first, n)
        _add_inputs(inputs, entries, base, gates, slot, first, n, 4)
        _lstm_cell(
            _part(gates[0], slot, first, n),
            _part(gates[1], slot, first, n),
            _part(gates[2], slot, first, n),
            _part(gates[3], slot, first, n),
            _part(cells, cell_before, first, n),
            _part(cells, cell_after, first, n),
            _part(hidden, after, first, n),
        )
        _clear(hidden, after, n, last)
        if kept:
            _clear(cells, cell_after, n, last)


@_inlined
def _lstm_cell(i, f, g, o, cell_before, cell, hidden):
    for at in range(hidden.size):
        opened = _sigmoid(i[at])
        kept = _sigmoid(f[at])
        new = _tanh(g[at])
        shown = _sigmoid(o[at])
        value = kept * cell_before[at] + opened * new
        i[at] = opened
        f[at] = kept
        g[at] = new
        o[at] = shown
        cell[at] = value
        hidden[at] = shown * _tanh(value)


@_compiled
def lstm_backward(weights, active, leftward, cells, d_hidden, gates, first, last):
    """Turn the kept `gates` into the gradients of what went into them.

    See `rnn_backward`; `cells` and `gates` are as `lstm_forward` leaves them, with a slot for
    each base.
    """
    length = gates.shape[1]
    dh = np.zeros((last - first, weights.shape[2]), np.float32)
    dc = np.zeros_like(dh)
    sent = np.empty_like(dh)
    for s in range(length - 1, -1, -1):
        base, before, after = _step(s, length, leftward)
        n = min(max(active[base], first), last)
        back = dh[: n - first]
        _lstm_gradient(
            _part(gates[0], base, first, n),
            _part(gates[1], base, first, n),
            _part(gates[2], base, first, n),
            _part(gates[3], base, first, n),
            _part(cells, before, first, n),
            _part(cells, after, first, n),
            _part(d_hidden, base, first, n),
            back.ravel(),
            dc[: n - first].ravel(),
        )
        _send_back(gates[0], base, weights[0], dh, first, n)
        for gate in range(1, 4):
            _send_back(gates[gate], base, weights[gate], sent, first, n)
            _add(back.ravel(), sent[: n - first].ravel())
        for gate in range(4):
            _clear(gates[gate], base, n, last)


@_inlined
def _lstm_gradient(i, f, g, o, cell_before, cell, d_hidden, dh, dc):
    for at in range(d_hidden.size):
        opened = i[at]
        kept = f[at]
        new = g[at]
        shown = o[at]
        d = d_hidden[at] + dh[at]
        seen = _tanh(cell[at])
        d_cell = dc[at] + d * shown * (_ONE - seen * seen)
        i[at] = d_cell * new * opened * (_ONE - opened)
        f[at] = d_cell * cell_before[at] * kept * (_ONE - kept)
        g[at] = d_cell * opened * (_ONE - new * new)
        o[at] = d * seen * shown * (_ONE - shown)
        dc[at] = d_cell * kept


@_compiled
def gru_forward(inputs, entries, weights, bias, active, leftward, hidden, gates, first, last):
    """Read all bases with a GRU; gates are in torch's order: reset, update, new.

    Parameters
    ----------
    inputs, entries, weights, active, leftward, hidden, first, last
        See `rnn_forward`, with 3 gates.
    bias : ndarray of float32, (hidden,)
        Added to what the state sends to the new gate, before the reset gate weighs it.
    gates : ndarray of float32, (4, length, rows, hidden) or (4, 1, rows, hidden)
        Written: reset, update, what the state sends to the new gate, new. Kept for `gru_backward`
        where there is a slot for each base.
    """
    length = entries.shape[0]
    kept = gates.shape[1] == length
    for s in range(length):
        base, before, after = _step(s, length, leftward)
        slot = base if kept else 0
        n = min(max(active[base], first), last)
        _send(hidden, before, weights, gates, slot, first, n)
        _add_inputs(inputs, entries, base, gates, slot, first, n, 2)
        for row in range(first, n):
            entry = entries[base, row]
            for i in range(bias.size):
                gates[2, slot, row, i] += bias[i]
                gates[3, slot, row, i] = inputs[2, entry, i]
        _gru_cell(
            _part(gates[0], slot, first, n),
            _part(gates[1], slot, first, n),
            _part(gates[2], slot, first, n),
            _part(gates[3], slot, first, n),
            _part(hidden, before, first, n),
            _part(hidden, after, first, n),
        )
        _clear(hidden, after, n, last)


@_inlined
def _gru_cell(r, z, sent, new, before, after):
    for at in range(after.size):
        reset = _sigmoid(r[at])
        update = _sigmoid(z[at])
        value = _tanh(new[at] + reset * sent[at])
        r[at] = reset
        z[at] = update
        new[at] = value
        after[at] = value + update * (before[at] - value)


@_compiled
def gru_backward(weights, active, leftward, hidden, d_hidden, gates, first, last):
    """Turn the kept `gates` into the gradients of what went into them.

    See `rnn_backward`; `gates` are as `gru_forward` leaves them, with a slot for each base. The
    last but one becomes the gradient of what the state sent to the new gate, the last that of
    the new gate's input.
    """
    length = gates.shape[1]
    dh = np.zeros((last - first, weights.shape[2]), np.float32)
    sent = np.empty_like(dh)
    for s in range(length - 1, -1, -1):
        base, before, _ = _step(s, length, leftward)
        n = min(max(active[base], first), last)
        back = dh[: n - first].ravel()
        _gru_gradient(
            _part(gates[0], base, first, n),
            _part(gates[1], base, first, n),
            _part(gates[2], base, first, n),
            _part(gates[3], base, first, n),
            _part(hidden, before, first, n),
            _part(d_hidden, base, first, n),
            back,
        )
        for gate in range(3):
            _send_back(gates[gate], base, weights[gate], sent, first, n)
            _add(back, sent[: n - first].ravel())
        for gate in range(4):
            _clear(gates[gate], base, n, last)


@_inlined
def _gru_gradient(r, z, sent, new, before, d_hidden, dh):
    for at in range(d_hidden.size):
        reset = r[at]
        update = z[at]
        value = new[at]
        d = d_hidden[at] + dh[at]
        d_new = d * (_ONE - update) * (_ONE - value * value)
        r[at] = d_new * sent[at] * reset * (_ONE - reset)
        z[at] = d * (before[at] - value) * update * (_ONE - update)
        sent[at] = d_new * reset
        new[at] = d_new
        dh[at] = d * update
