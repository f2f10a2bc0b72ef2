"""The compiled loops of the null of fresh paths: runs drawn and counted, and runs found.

What they compute and who may call them say `basetag.judgement.path_null` and
`basetag.judgement.semi_markov`. A drawn run costs the same whatever its length: its matches are
the difference of two running counts of the calls. Nothing is imported, since numba's cache, which
looks at a kernel's own file alone, would not see a change.

Lengths of runs are drawn from the arrays of `basetag.judgement.path_law.RunTables`, in their order.
"""

# No annotations: the types are those of numba's, inferred where a kernel is called.
# mypy: disable-error-code="no-untyped-def"

import numba
import numpy as np

_UNLABELLED = 255
_FOREVER = 1 << 62

_compiled = numba.njit(cache=True, error_model="numpy", nogil=True)
_inlined = numba.njit(inline="always")


@_compiled
def count_matches(
    labels, calls, offsets, starts, start, jump, label,
    bounds, low, high, cumulative, guide, last, scale, rng, state, left, totals,
):  # fmt: skip
    """Draw paths over pieces of sequence and add their matches with the calls to `totals`.

    Parameters
    ----------
    labels, calls : ndarray of uint8, (bases,)
        Of all pieces. Where no true label is known, nothing matches.
    offsets : ndarray of int64, (pieces + 1,)
        Where each piece begins, and where the last one ends.
    starts : ndarray of int64, (pieces,)
        Row of `start` for the first state of a piece; -1 where it goes on with the one before.
    start, jump : ndarray of float64, (starts, states) and (states, states)
        Thresholds of the first state, and of the next one given a run's.
    label : ndarray of uint8, (states,)
        The label that each state bears.
    bounds, low, high, cumulative, guide, last, scale : ndarray
        `RunTables` of the lengths of a stretch's first run, and behind them of all other runs: two
        for each state.
    rng : numpy.random.Generator
        Used piece by piece, in each draw by draw.
    state, left : ndarray of int64, (draws,)
        Of the run that goes on behind the pieces: its state, and the bases that are left of it.
    totals : ndarray of int64, (draws,)
        To be added to.
    """
    K = label.size
    n_labels = 0
    for s in range(K):
        n_labels = max(n_labels, label[s] + 1)
    longest = 0
    for piece in range(offsets.size - 1):
        longest = max(longest, offsets[piece + 1] - offsets[piece])
    # Calls of each label before each base; of one base side by side, since a run's end is the
    # next one's beginning.
    before = np.zeros((longest + 1, n_labels), dtype=np.int32)
    # The state of the next run where there is one possibility alone: nothing need be drawn.
    only = np.full(K, -1)
    for s in range(K):
        k = 0
        while jump[s, k] <= 0:
            k += 1
        if jump[s, k] == np.inf:
            only[s] = k
    for piece in range(offsets.size - 1):
        begin = offsets[piece]
        length = offsets[piece + 1] - begin
        for t in range(length):
            for k in range(n_labels):
                before[t + 1, k] = before[t, k]
            if labels[begin + t] != _UNLABELLED and calls[begin + t] < n_labels:
                before[t + 1, calls[begin + t]] += 1
        for draw in range(totals.size):
            # The table to draw from; none while a run that was drawn before goes on.
            row = -1
            s = state[draw]
            run = left[draw]
            if starts[piece] >= 0:
                s = _column(start, starts[piece], rng.random())
                row = s
            t = 0
            total = 0
            while True:
                # Not a function: its call would count references to all these arrays, which takes
                # ten times as long as what is done here.
                if row >= 0:
                    run = 0
                    first = bounds[row]
                    cells = bounds[row + 1] - first
                    if cells > 0:
                        u = rng.random()
                        if u < cumulative[first + cells - 1]:
                            at = first + guide[first + np.int64(u * cells)]
                            while cumulative[at] <= u:
                                at += 1
                            run = high[at]
                            if run - low[at] > 1:
                                run = low[at] + 1 + np.int64(rng.random() * (run - low[at]))
                    if run == 0:
                        beyond = rng.standard_exponential() * scale[row]
                        run = _FOREVER
                        if beyond < _FOREVER:
                            run = last[row] + 1 + np.int64(beyond)
                if run > length - t:
                    break
                total -= before[t, label[s]]
                t += run
                total += before[t, label[s]]
                s = only[s] if only[s] >= 0 else _column(jump, s, rng.random())
                row = K + s
            totals[draw] += total + before[length, label[s]] - before[t, label[s]]
            state[draw] = s
            left[draw] = run - (length - t)


@_compiled
def find_runs(labels, offsets, continues, held, found):
    """Write the runs of labels in pieces of sequence to `found`; return how many there are.

    Parameters
    ----------
    labels : ndarray of uint8, (bases,)
        Of all pieces.
    offsets : ndarray of int64, (pieces + 1,)
        Where each piece begins, and where the last one ends.
    continues : ndarray of bool, (pieces,)
        Whether a piece goes on with the one before it.
    held : ndarray of int64, (3,)
        The run that goes on behind the pieces: its label, its bases so far, and 1 where its first
        base is known to be that. To be brought up to date; `labels` may be empty to end it.
    found : ndarray of int64, (runs,)
        In one number: the label; times 2^8 the label behind it, or `_UNLABELLED` where the run is
        cut off by the end of a stretch or by unlabelled bases; times 2^16 whether the first base is
        known to be that; times 2^17 the bases. Has room for a run of each base and of each piece.
    """
    n = 0
    for piece in range(offsets.size - 1):
        if not continues[piece]:
            n = _closed(held, _UNLABELLED, found, n)
        for t in range(offsets[piece], offsets[piece + 1]):
            here = np.int64(labels[t])
            if here == held[0]:
                held[1] += 1
                continue
            known = held[0] != _UNLABELLED and here != _UNLABELLED
            n = _closed(held, here, found, n)
            held[0] = here
            held[1] = 1
            held[2] = 1 if known else 0
    return n


@_compiled
def _closed(held, behind, found, n):
    """Write the run that is held, if one is, and hold none; return the number of runs."""
    if held[0] != _UNLABELLED:
        found[n] = held[0] + (behind << 8) + (held[2] << 16) + (held[1] << 17)
        n += 1
    held[0] = _UNLABELLED
    held[1] = 0
    held[2] = 0
    return n


@_inlined
def _column(thresholds, row, u):
    """Return the column of `row` that the uniform number `u` draws."""
    column = 0
    for index in range(thresholds.shape[1] - 1):
        column += u >= thresholds[row, index]
    return column
