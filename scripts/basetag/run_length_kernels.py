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
probabilities. `groups` are `label` (K,); `members` (K,), the states in the order of their labels;
`bounds` (L + 1,), where those of each label begin there; `width` (L,), the least lengths less 1;
`at` (K + 1,), where the window of each state begins in `window` and `entered`. `evidence` is what
the bases score by: `rows`, `weights`, `floor` and `tokens`. `offsets` (sequences + 1,) says where
each sequence begins; sequences `begin` to `end` (not included) are done.
"""

# No annotations: the types are those of numba's, inferred where a kernel is called.
# mypy: disable-error-code="no-untyped-def"

import math

import numba
import numpy as np

from basetag.hmm_kernels import HIGHEST_PROBABILITY

_JUMP = 128  # in a pointer: the run began `width` bases before, in the state of the other bits
_NEVER = -np.inf
_AT_ONCE = 256  # bases scored by one call: each counts references to all arrays

_compiled = numba.njit(cache=True, nogil=True)


@_compiled
def path_of_long_runs(start, step, groups, evidence, offsets, begin, end, block, rebase, out):
    """Write the labels of the best path to `out`, holding pointers of `block` bases.

    The score of base t is row ``tokens[t]`` of `rows`; where `tokens` is empty, it is the logarithm
    of ``max(rows[t], floor) * weights``. Every `rebase` bases scores are counted anew from about 0,
    so that they keep their digits. Returns -1; or, where it ends early, twice the number of a base
    whose row is no probability, or 1 + twice that of the first base of a sequence without a path.
    """
    K = step.shape[0]
    label, _, _, width, at = groups
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
                start[s], step, groups, evidence, first, left, right, rebase,
                (best, run, window, entered), stays, enters,
            )  # fmt: skip
            if failed >= 0:
                return 2 * failed
            if phase < n_blocks - 1:
                continue
            if phase == n_blocks - 1:
                t, state, is_entry = _last_run(
                    step, groups, evidence, first, stop, (best, run, window, entered)
                )
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
    start, step, groups, evidence, first, left, right, rebase, held, stays, enters
):  # fmt: skip
    """Go on from base `left` to `right` (not included); return a base that is no probability."""
    K = step.shape[0]
    label, members, bounds, width, at = groups
    best, run, window, entered = held
    scores = np.empty((_AT_ONCE, K))
    enter = np.empty(K)
    following = np.empty(K)
    grown = np.empty((K, K))
    slot = np.zeros(width.size, dtype=np.int64)
    for g in range(width.size):
        if width[g] > 0:
            slot[g] = (left - first) % width[g]
    for part in range(left, right, _AT_ONCE):
        part_end = min(right, part + _AT_ONCE)
        failed = _score(evidence, part, part_end, scores)
        if failed >= 0:
            return failed
        for t in range(part, part_end):
            score = t - part
            if t == first:
                for j in range(K):
                    best[j] = start[j] + scores[score, j]
                    stays[0, j] = 0
                for g in range(width.size):
                    slot[g] = 1 if width[g] > 1 else 0
                continue
            if (t - first) % rebase == 0:
                _count_anew(best, window)
            for j in range(K):
                value = _NEVER
                pointer = 0
                for i in range(K):
                    if label[i] != label[j] and best[i] + step[i, j] > value:
                        value = best[i] + step[i, j]
                        pointer = i
                enter[j] = value + scores[score, j]
                enters[t - left, j] = pointer
            for g in range(width.size):
                low, high = bounds[g], bounds[g + 1]
                wide = width[g]
                here = slot[g]
                if wide > 0 and here == 0:
                    _close(step, groups, evidence, g, t - wide, t, window, entered)
                for x in range(low, high if wide > 0 else low):
                    i = members[x]
                    for y in range(low, high):
                        k = members[y]
                        value = step[i, k]
                        if here > 0:
                            value = _NEVER
                            for z in range(low, high):
                                way = run[i, members[z]] + step[members[z], k]
                                value = way if way > value else value
                        grown[i, k] = value + scores[score, k]
                for y in range(low, high):
                    k = members[y]
                    value = _NEVER
                    pointer = k
                    for x in range(low, high):
                        i = members[x]
                        if best[i] + step[i, k] > value:
                            value = best[i] + step[i, k]
                            pointer = i
                    value += scores[score, k]
                    if wide == 0 and enter[k] > value:
                        value = enter[k]
                        pointer = _JUMP + k
                    for x in range(low, high if wide > 0 else low):
                        i = members[x]
                        run[i, k] = grown[i, k]
                        if window[at[i] + here] + run[i, k] > value:
                            value = window[at[i] + here] + run[i, k]
                            pointer = _JUMP + entered[at[i] + here]
                    following[k] = value
                    stays[t - left, k] = pointer
                if wide > 0:
                    for y in range(low, high):
                        k = members[y]
                        window[at[k] + here] = enter[k]
                        entered[at[k] + here] = k
                    slot[g] = here + 1 if here + 1 < wide else 0
            for j in range(K):
                best[j] = following[j]
    return -1


@_compiled
def _score(evidence, left, right, scores):
    """Write the scores of bases, less the largest of each; return a base that has none."""
    rows, weights, floor, tokens = evidence
    K = scores.shape[1]
    for t in range(left, right):
        if tokens.size > 0:
            for j in range(K):
                scores[t - left, j] = rows[np.int64(tokens[t]), j]
            continue
        largest = 0.0
        for j in range(K):
            likelihood = rows[t, j]
            if not 0.0 <= likelihood <= HIGHEST_PROBABILITY:
                return t
            value = max(likelihood, floor) * weights[j]
            scores[t - left, j] = value
            largest = max(largest, value)
        if largest == 0.0:
            return t
        for j in range(K):
            value = scores[t - left, j]
            if value == largest:
                scores[t - left, j] = 0.0  # as its logarithm is; of two states, this spares one
            else:
                scores[t - left, j] = math.log(value / largest) if value > 0.0 else _NEVER
    return -1


@_compiled
def _close(step, groups, evidence, g, left, right, window, entered):
    """Extend the runs of a group that began at bases `left` to `right` to the last of these."""
    K = step.shape[0]
    _, members, bounds, _, at = groups
    low, high = bounds[g], bounds[g + 1]
    scores = np.empty((_AT_ONCE, K))
    values = np.empty(K)
    states = np.empty(K, dtype=np.uint8)
    rest = np.full((K, K), _NEVER)  # product M of the bases behind
    for j in range(K):
        rest[j, j] = 0.0
    before = np.empty((K, K))
    for part_end in range(right, left, -_AT_ONCE):
        part = max(left, part_end - _AT_ONCE)
        _score(evidence, part, part_end, scores)
        for t in range(part_end - 1, part - 1, -1):
            slot = t - left
            if high - low == 1:
                k = members[low]
                window[at[k] + slot] += rest[k, k]
                rest[k, k] += step[k, k] + scores[t - part, k]
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
                    way = _NEVER
                    for z in range(low, high):
                        j = members[z]
                        through = step[i, j] + scores[t - part, j] + rest[j, k]
                        way = through if through > way else way
                    before[i, k] = way
            for y in range(low, high):
                k = members[y]
                window[at[k] + slot] = values[k]
                entered[at[k] + slot] = states[k]
                for x in range(low, high):
                    rest[members[x], k] = before[members[x], k]


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
def _last_run(step, groups, evidence, first, stop, held):
    """Return where the best path is followed from, its state there, and whether a run begins there.

    That is the last base where the last run is long enough, else the first base of that run, which
    the sequence's end cuts off; -1 where there is no path.
    """
    _, members, bounds, width, at = groups
    best, run, window, entered = held
    t = -1
    state = 0
    is_entry = False
    largest = _NEVER
    for j in range(best.size):
        if best[j] > largest:
            largest = best[j]
            t = stop - 1
            state = j
    for g in range(width.size):
        if width[g] == 0:
            continue
        low, high = bounds[g], bounds[g + 1]
        last = (stop - 1 - first) % width[g]
        _close(step, groups, evidence, g, stop - 1 - last, stop, window, entered)
        for back in range(min(width[g], stop - 1 - first)):
            slot = last - back if back <= last else last - back + width[g]
            for x in range(low, high):
                i = members[x]
                for y in range(low, high):
                    k = members[y]
                    way = run[i, k]
                    if back <= last:
                        way = 0.0 if i == k else _NEVER
                    if window[at[i] + slot] + way > largest:
                        largest = window[at[i] + slot] + way
                        t = stop - 1 - back
                        state = int(entered[at[i] + slot])
                        is_entry = True
    return t, state, is_entry
