"""The compiled loop that sums the segment overlap (SOV'99) of labels and calls, base by base.

What it serves says `basetag.judgement.segment_overlap`. It goes on from chunk to chunk, and what it
remembers of an open run does not grow with the runs that it meets.

Of a pair of runs that overlap in one state, t bases of the truth and c of the calls with v in
common, (v + d) / (t + c - v) * t is added, d = min(t + c - 2 v, v, t // 2, c // 2). A pair is
known in full when its longer end is. Until then:

- a called run within an open true one adds c + min(t - c, c // 2). All of these are summed with
  c // 2; only the longest can have t - c below that, as two such would be longer than the true run
  together;
- a true run within an open called one adds (t + min(c - t, t // 2)) * t / c, and likewise;
- of the one run that began before the open one and ended within it, length and overlap are kept.
"""

# No annotations: the types are those of numba's, inferred where a kernel is called.
# mypy: disable-error-code="no-untyped-def"

import numba

UNLABELLED = 255

#: What `now` holds: the position of the next base, the segment of the last one (-1 for none),
#: whether it was labelled; and of the segment the unit. Then of the open true run and of the open
#: called one: state, start; length and overlap of the one that began before it; sum over those
#: within it, and the longest of them. Last, how many pairs the true run has.
N_NOW = 17
_POSITION, _SEGMENT, _LABELLED, _UNIT = 0, 1, 2, 3
_TRUE, _CALLED = 4, 10
_STATE, _START, _BEFORE, _COMMON, _WITHIN, _LONGEST = 0, 1, 2, 3, 4, 5
_PAIRS = 16

_compiled = numba.njit(cache=True, error_model="numpy", nogil=True)


@_compiled
def scan(labels, calls, segment, unit, now, sums, sizes, residues, found, weights):
    """Read bases that follow those read before.

    Parameters
    ----------
    labels, calls : uint8 (bases,)
    segment, unit : int64 (bases,)
        Segment of the split and unit of each.
    now : int64 (N_NOW,)
    sums : float64 (K,)
        What pairs of the current segment add, by state.
    sizes, residues : int64 (K,)
        Bases of its true runs, once for each pair or once without any; and its labelled bases.
    found : float64 (units, K + 1)
        Overlap of each segment times its labelled bases, by state and, last, of all.
    weights : int64 (units, K + 1)
        These bases.
    """
    for i in range(labels.size):
        label, call = labels[i], calls[i]
        changes = segment[i] != now[_SEGMENT]
        if now[_LABELLED] and (label == UNLABELLED or changes):
            _end_runs(now, True, True, sums, sizes)
            now[_LABELLED] = 0
        if changes:
            _end_segment(now, sums, sizes, residues, found, weights)
            now[_SEGMENT] = segment[i]
            now[_UNIT] = -1
        if label == UNLABELLED:
            continue
        if now[_UNIT] < 0:
            now[_UNIT] = unit[i]
        if not now[_LABELLED]:
            now[_LABELLED] = 1
            _begin(now, _TRUE, label)
            _begin(now, _CALLED, call)
        else:
            true_ends, call_ends = label != now[_TRUE + _STATE], call != now[_CALLED + _STATE]
            if true_ends or call_ends:
                _end_runs(now, true_ends, call_ends, sums, sizes)
                if true_ends:
                    _begin(now, _TRUE, label)
                if call_ends:
                    _begin(now, _CALLED, call)
        residues[label] += 1
        now[_POSITION] += 1


@_compiled
def end(now, sums, sizes, residues, found, weights):
    """End the current runs and the current segment."""
    if now[_LABELLED]:
        _end_runs(now, True, True, sums, sizes)
        now[_LABELLED] = 0
    _end_segment(now, sums, sizes, residues, found, weights)


@numba.njit(inline="always")
def _begin(now, side, state):
    now[side + _STATE], now[side + _START] = state, now[_POSITION]
    now[side + _BEFORE] = now[side + _COMMON] = now[side + _WITHIN] = now[side + _LONGEST] = 0
    if side == _TRUE:
        now[_PAIRS] = 0


@numba.njit(inline="always")
def _share(true, called, common):
    """Return what a pair of runs adds, but for the length of the true one."""
    union = true + called - common
    allowed = min(min(union - common, common), min(true // 2, called // 2))
    return (common + allowed) / union


@_compiled
def _end_runs(now, true_ends, call_ends, sums, sizes):
    """Add what is known where runs end before the current position."""
    position = now[_POSITION]
    start, other = now[_TRUE + _START], now[_CALLED + _START]
    true, called = position - start, position - other
    common = position - max(start, other)
    state = now[_TRUE + _STATE]
    if state == now[_CALLED + _STATE]:
        now[_PAIRS] += 1
        if true_ends and call_ends:
            sums[state] += _share(true, called, common) * true
        elif true_ends and common == true:
            now[_CALLED + _WITHIN] += (true + true // 2) * true
            now[_CALLED + _LONGEST] = max(now[_CALLED + _LONGEST], true)
        elif true_ends:
            now[_CALLED + _BEFORE], now[_CALLED + _COMMON] = true, common
        elif common == called:
            now[_TRUE + _WITHIN] += called + called // 2
            now[_TRUE + _LONGEST] = max(now[_TRUE + _LONGEST], called)
        else:
            now[_TRUE + _BEFORE], now[_TRUE + _COMMON] = called, common
    if true_ends:
        longest = now[_TRUE + _LONGEST]
        within = now[_TRUE + _WITHIN] - longest // 2 + min(true - longest, longest // 2)
        sums[state] += within
        if now[_TRUE + _BEFORE]:
            sums[state] += _share(true, now[_TRUE + _BEFORE], now[_TRUE + _COMMON]) * true
        sizes[state] += max(now[_PAIRS], 1) * true
    if call_ends:
        state, before = now[_CALLED + _STATE], now[_CALLED + _BEFORE]
        longest = now[_CALLED + _LONGEST]
        less = longest // 2 - min(called - longest, longest // 2)
        sums[state] += (now[_CALLED + _WITHIN] - less * longest) / called
        if before:
            sums[state] += _share(before, called, now[_CALLED + _COMMON]) * before


@_compiled
def _end_segment(now, sums, sizes, residues, found, weights):
    """Put the overlap of a segment to its unit, weighted by its bases."""
    unit, n_states = now[_UNIT], sums.size
    if now[_SEGMENT] < 0 or unit < 0:
        return
    total, size, bases = 0.0, 0, 0
    for state in range(n_states):
        total += sums[state]
        size += sizes[state]
        bases += residues[state]
        if sizes[state]:
            found[unit, state] += sums[state] / sizes[state] * residues[state]
            weights[unit, state] += residues[state]
        sums[state], sizes[state], residues[state] = 0.0, 0, 0
    found[unit, n_states] += total / size * bases
    weights[unit, n_states] += bases
