"""The compiled loops of the most probable path whose runs have a least length.

What they compute and who may call them says `basetag.viterbi`. Each label has one state or several,
its group; a run of a label is a stretch of states of its group. With M(t) the matrix of the best
ways of a group from base t - 1 to t (sums in place of products, the largest in place of sums, so
that a product of such matrices is the best way through several bases), a run of the label that
begins at base t with the scores E(t) has, `width` bases on, when it is long enough to be left,

    E(t) M(t + 1) ... M(t + width)

Such products over a window that slides along the sequence are made of two: every `width` bases a
block of them ends, whose products from each of its bases to its end are then taken backwards, once;
that of the block in which the window ends grows base by base. So a base costs the same whatever the
least length, and scores are added up within two blocks at most, which loses no digits.

Arrays, with K states and L labels: `start` (sequences, K) and `step` (K, K) are logarithms of
probabilities; `label` (K,); `members` (K,) has the states in the order of their labels, and
`bounds` (L + 1,) where those of each label begin there; `width` (L,) is the least length less 1;
`at` (K + 1,) says where the window of each state begins in `window` and `entered`. `offsets`
(sequences + 1,) says where each sequence begins; sequences `begin` to `end` (not included) are done.
"""

# No annotations: the types are those of numba's, inferred where a kernel is called.
# mypy: disable-error-code="no-untyped-def"

import math

import numba
import numpy as np

from basetag.hmm_kernels import HIGHEST_PROBABILITY

_JUMP = 128  # in a pointer: the run began `width` bases before, in the state of the other bits
_NEVER = -np.inf

_compiled = numba.njit(cache=True, nogil=True)


@_compiled
def path_of_long_runs(
    start,
    step,
    label,
    members,
    bounds,
    width,
    at,
    rows,
    weights,
    floor,
    tokens,
    offsets,
    begin,
    end,
    block,
    rebase,
    out,
):
    """Write the labels of the best path to `out`, holding pointers of `block` bases.

    The score of base t is row ``tokens[t]`` of `rows`; where `tokens` is empty, it is the logarithm
    of ``max(rows[t], floor) * weights``. Every `rebase` bases the scores are counted anew from about
    0, so that they keep their digits. Returns -1; or, where it ends early, twice the number of a
    base whose row is no probability, or 1 + twice that of the first base of a sequence that has no
    path.
    """
    K = step.shape[0]
    best = np.empty(K)  # of the paths whose last run is long enough
    run = np.empty((K, K))  # products M of the block in which the window ends
    window = np.empty(at[K])
    entered = np.empty(at[K], dtype=np.uint8)
    longest = 0
    for s in range(begin, end):
        longest = max(longest, offsets[s + 1] - offsets[s])
    stays = np.empty((min(block, longest), K), dtype=np.uint8)
    enters = np.empty((min(block, longest), K), dtype=np.uint8)
    for s in range(begin, end):
        first, stop = offsets[s], offsets[s + 1]
        if first == stop:
            continue
        n_blocks = (stop - first + block - 1) // block
        saved_best = np.empty((n_blocks - 1, K))
        saved_run = np.empty((n_blocks - 1, K, K))
        saved_window = np.empty((n_blocks - 1, at[K]))
        saved_entered = np.empty((n_blocks - 1, at[K]), dtype=np.uint8)
        t = 0
        state = 0
        is_entry = False
        for phase in range(2 * n_blocks - 1):
            k = phase if phase < n_blocks else 2 * n_blocks - 2 - phase
            left = first + k * block
            right = min(stop, left + block)
            if phase >= n_blocks and t < left:
                continue  # one run covers the block
            if k == 0:
                for j in range(K):
                    for slot in range(min(at[j + 1] - at[j], stop - first)):
                        window[at[j] + slot] = _NEVER
            elif phase < n_blocks:
                saved_best[k - 1] = best
                saved_run[k - 1] = run
                saved_window[k - 1] = window
                saved_entered[k - 1] = entered
            else:
                best[:] = saved_best[k - 1]
                run[:] = saved_run[k - 1]
                window[:] = saved_window[k - 1]
                entered[:] = saved_entered[k - 1]
            failed = _advance(
                start[s], step, label, members, bounds, width, at, rows, weights, floor, tokens,
                first, left, right, rebase, best, run, window, entered, stays, enters,
            )  # fmt: skip
            if failed >= 0:
                return 2 * failed
            if phase < n_blocks - 1:
                continue
            if phase == n_blocks - 1:
                t, state, is_entry = _last_run(
                    step, members, bounds, width, at, rows, weights, floor, tokens,
                    first, stop, best, run, window, entered,
                )  # fmt: skip
                if t < 0:
                    return 2 * first + 1
                for base in range(t + 1, stop):
                    out[base] = label[state]
            while t >= left:
                out[t] = label[state]
                if is_entry:
                    state = enters[t - left, state]
                    t -= 1
                    is_entry = False
                    continue
                pointer = stays[t - left, state]
                if pointer < _JUMP:
                    state = pointer
                    t -= 1
                    continue
                begun = t - width[label[state]]
                for base in range(begun, t):
                    out[base] = label[state]
                state = pointer - _JUMP
                t = begun
                is_entry = True
    return -1


@_compiled
def _advance(
    start,
    step,
    label,
    members,
    bounds,
    width,
    at,
    rows,
    weights,
    floor,
    tokens,
    first,
    left,
    right,
    rebase,
    best,
    run,
    window,
    entered,
    stays,
    enters,
):
    """Go on from base `left` to `right` (not included); return a base that is no probability."""
    K = step.shape[0]
    L = width.size
    score = np.empty(K)
    enter = np.empty(K)
    following = np.empty(K)
    grown = np.empty((K, K))
    slot = np.zeros(L, dtype=np.int64)
    for g in range(L):
        if width[g] > 0:
            slot[g] = (left - first) % width[g]
    for t in range(left, right):
        if not _score(rows, weights, floor, tokens, t, score):
            return t
        if t == first:
            for j in range(K):
                best[j] = start[j] + score[j]
                stays[0, j] = 0
            for g in range(L):
                slot[g] = 1 if width[g] > 1 else 0
            continue
        if (t - first) % rebase == 0:
            _count_anew(best, window)
        for g in range(L):
            if width[g] > 0 and slot[g] == 0 and not _is_done_before(width, g):
                _close(
                    step, members, bounds, width, at, rows, weights, floor, tokens, t, width[g],
                    window, entered,
                )  # fmt: skip
        for j in range(K):
            value = _NEVER
            pointer = 0
            for i in range(K):
                if label[i] != label[j] and best[i] + step[i, j] > value:
                    value = best[i] + step[i, j]
                    pointer = i
            enter[j] = value + score[j]
            enters[t - left, j] = pointer
        for g in range(L):
            low, high = bounds[g], bounds[g + 1]
            here = slot[g]
            if width[g] > 0:
                _grow(step, members, low, high, score, here == 0, run, grown)
            for y in range(low, high):
                k = members[y]
                value = _NEVER
                pointer = k
                for x in range(low, high):
                    i = members[x]
                    if best[i] + step[i, k] > value:
                        value = best[i] + step[i, k]
                        pointer = i
                value += score[k]
                if width[g] == 0:
                    if enter[k] > value:
                        value = enter[k]
                        pointer = _JUMP + k
                else:
                    for x in range(low, high):
                        i = members[x]
                        if window[at[i] + here] + run[i, k] > value:
                            value = window[at[i] + here] + run[i, k]
                            pointer = _JUMP + entered[at[i] + here]
                following[k] = value
                stays[t - left, k] = pointer
            if width[g] > 0:
                for y in range(low, high):
                    k = members[y]
                    window[at[k] + here] = enter[k]
                    entered[at[k] + here] = k
                slot[g] = here + 1 if here + 1 < width[g] else 0
        for j in range(K):
            best[j] = following[j]
    return -1


@_compiled
def _score(rows, weights, floor, tokens, t, score):
    """Set the scores of base t, those of rows less the largest; return whether it has any."""
    if tokens.size > 0:
        for j in range(score.size):
            score[j] = rows[np.int64(tokens[t]), j]
        return True
    largest = 0.0
    for j in range(score.size):
        likelihood = rows[t, j]
        if not 0.0 <= likelihood <= HIGHEST_PROBABILITY:
            return False
        score[j] = max(likelihood, floor) * weights[j]
        largest = max(largest, score[j])
    if largest == 0.0:
        return False
    for j in range(score.size):
        if score[j] == largest:
            score[j] = 0.0  # as its logarithm is; of two states, this spares one
        else:
            score[j] = math.log(score[j] / largest) if score[j] > 0.0 else _NEVER
    return True


@_compiled
def _grow(step, members, low, high, score, is_first, run, grown):
    """Multiply a group's product of its block by that of one more base."""
    if high - low == 1:
        k = members[low]
        run[k, k] = (0.0 if is_first else run[k, k]) + step[k, k] + score[k]
        return
    for x in range(low, high):
        i = members[x]
        for y in range(low, high):
            k = members[y]
            value = _NEVER
            if is_first:
                value = step[i, k]
            else:
                for z in range(low, high):
                    j = members[z]
                    value = max(value, run[i, j] + step[j, k])
            grown[i, k] = value + score[k]
    for x in range(low, high):
        for y in range(low, high):
            run[members[x], members[y]] = grown[members[x], members[y]]


@_compiled
def _is_done_before(width, g):
    """Whether a lower label has the same width, so that their blocks end together."""
    for lower in range(g):
        if width[lower] == width[g]:
            return True
    return False


@_compiled
def _close(
    step, members, bounds, width, at, rows, weights, floor, tokens, t, wide, window, entered
):
    """Extend the runs that began in the `wide` bases before t to the last of these."""
    K = step.shape[0]
    score = np.empty(K)
    rest = _identity(K)
    before = np.empty((K, K))
    values = np.empty(K)
    states = np.empty(K, dtype=np.uint8)
    for slot in range(wide - 1, -1, -1):
        _score(rows, weights, floor, tokens, t - wide + slot, score)
        for g in range(width.size):
            if width[g] != wide:
                continue
            low, high = bounds[g], bounds[g + 1]
            if high - low == 1:
                k = members[low]
                window[at[k] + slot] += rest[k, k]
                rest[k, k] += step[k, k] + score[k]
                continue
            for y in range(low, high):
                k = members[y]
                values[k] = _NEVER
                states[k] = k
                for x in range(low, high):
                    i = members[x]
                    if window[at[i] + slot] + rest[i, k] > values[k]:
                        values[k] = window[at[i] + slot] + rest[i, k]
                        states[k] = i
            for y in range(low, high):
                k = members[y]
                window[at[k] + slot] = values[k]
                entered[at[k] + slot] = states[k]
            _prepend(step, members, low, high, score, rest, before)


@_compiled
def _identity(K):
    matrix = np.full((K, K), _NEVER)
    for j in range(K):
        matrix[j, j] = 0.0
    return matrix


@_compiled
def _prepend(step, members, low, high, score, rest, before):
    """Multiply a group's product from the left by that of the base with `score`."""
    for x in range(low, high):
        i = members[x]
        for y in range(low, high):
            k = members[y]
            value = _NEVER
            for z in range(low, high):
                j = members[z]
                value = max(value, step[i, j] + score[j] + rest[j, k])
            before[i, k] = value
    for x in range(low, high):
        for y in range(low, high):
            rest[members[x], members[y]] = before[members[x], members[y]]


@_compiled
def _count_anew(best, window):
    """Take a whole number near the best score from all scores."""
    largest = _NEVER
    for j in range(best.size):
        largest = max(largest, best[j])
    if largest == _NEVER:
        return
    whole = math.floor(largest)
    for j in range(best.size):
        best[j] -= whole
    for place in range(window.size):
        window[place] -= whole


@_compiled
def _last_run(
    step, members, bounds, width, at, rows, weights, floor, tokens, first, stop, best, run,
    window, entered,
):  # fmt: skip
    """Return where the best path is followed from, its state there, and whether a run begins there.

    That is the last base where the last run is long enough, else the first base of that run, which
    the sequence's end cuts off; -1 where there is no path.
    """
    K = best.size
    t = -1
    state = 0
    is_entry = False
    largest = _NEVER
    for j in range(K):
        if best[j] > largest:
            largest = best[j]
            t = stop - 1
            state = j
    score = np.empty(K)
    before = np.empty((K, K))
    for g in range(width.size):
        if width[g] == 0:
            continue
        low, high = bounds[g], bounds[g + 1]
        last = (stop - 1 - first) % width[g]
        rest = _identity(K)
        for back in range(min(width[g], stop - 1 - first)):
            slot = last - back if back <= last else last - back + width[g]
            for x in range(low, high):
                i = members[x]
                for y in range(low, high):
                    k = members[y]
                    way = rest[i, k] if back <= last else run[i, k]
                    if window[at[i] + slot] + way > largest:
                        largest = window[at[i] + slot] + way
                        t = stop - 1 - back
                        state = np.int64(entered[at[i] + slot])
                        is_entry = True
            if back <= last:
                _score(rows, weights, floor, tokens, stop - 1 - back, score)
                _prepend(step, members, low, high, score, rest, before)
    return t, state, is_entry
