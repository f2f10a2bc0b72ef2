"""The compiled loop that reads segments and boundaries of labels and calls, base by base.

What it serves says `basetag.judgement.segment_measures`. It goes on from chunk to chunk: all that
it remembers lies in `now` and in the queues, whatever the number of bases.

Positions are counted over all bases given; between two stretches (labelled bases of one segment of
the split without a gap) `FARTHEST` + 1 are left out, so that nothing in one is near anything in the
other. A boundary's pair is the state before it times the number of states, plus that behind it.

Arrays, with K states, P = K * K pairs and T tolerances. Free boundaries, for each tolerance and
pair: `places` and `place_units` (T, P, slots), rings whose length is a power of two, and `queues`
(T, P, 3), where the ring begins, how many it holds, and of which side they are. True boundaries
that wait for the next called one: `waiting` (P, slots), rings, and `waits` (P, 3), where each
begins, how many it holds, and the last called boundary. What is found: `runs` (2, units, K) of
truth and calls; `matched` (units, K); `lengths` (2, K, powers of two); `boundaries` (2, units);
`paired` (T, units); `by_distance` (FARTHEST + 2,), the last for those without a called one.
"""

# No annotations: the types are those of numba's, inferred where a kernel is called.
# mypy: disable-error-code="no-untyped-def"

import numba

#: Distances between boundaries are told up to this many bases.
FARTHEST = 1000
UNLABELLED = 255

#: What `now` holds: the position of the next base, the segment of the last one, and whether it was
#: labelled; state, start and unit of the current run of labels and of that of calls; the longest
#: run that either would match by what it has in common with one that ended, and that one's unit.
N_NOW = 12
_POSITION, _SEGMENT, _LABELLED = 0, 1, 2
_TRUE, _TRUE_START, _TRUE_UNIT = 3, 4, 5
_CALLED, _CALLED_START, _CALLED_UNIT = 6, 7, 8
_TRUE_MATCHES, _CALLED_MATCHES, _MATCHED_UNIT = 9, 10, 11

_TRUTH, _CALLS = 0, 1
_BEGIN, _SIZE, _SIDE, _LAST = 0, 1, 2, 2

_compiled = numba.njit(cache=True, error_model="numpy", nogil=True)


@_compiled
def scan(labels, calls, segment, unit, now, queued, waited, found):
    """Read bases that follow those read before.

    Parameters
    ----------
    labels, calls : uint8 (bases,)
    segment, unit : int64 (bases,)
        Segment of the split and unit of each.
    now : int64 (N_NOW,)
    queued : tuple of arrays
        `tolerances` (T,), `places`, `place_units`, `queues`.
    waited : tuple of arrays
        `waiting`, `waits`, `by_distance`.
    found : tuple of arrays
        `runs`, `matched`, `lengths`, `boundaries`, `paired`.
    """
    tolerances, places, place_units, queues = queued
    waiting, waits, by_distance = waited
    runs, matched, lengths, boundaries, paired = found
    n_states = runs.shape[2]
    for i in range(labels.size):
        label, call = labels[i], calls[i]
        if now[_LABELLED] and (label == UNLABELLED or segment[i] != now[_SEGMENT]):
            _end_runs(now, True, True, runs, matched, lengths)
            now[_LABELLED] = 0
        now[_SEGMENT] = segment[i]
        if label == UNLABELLED:
            continue
        if not now[_LABELLED]:
            now[_LABELLED] = 1
            now[_POSITION] += FARTHEST + 1
            _begin_true(now, label, unit[i])
            _begin_called(now, call, unit[i])
        elif label != now[_TRUE] or call != now[_CALLED]:
            position = now[_POSITION]
            true_ends, call_ends = label != now[_TRUE], call != now[_CALLED]
            _end_runs(now, true_ends, call_ends, runs, matched, lengths)
            if call_ends:
                pair = now[_CALLED] * n_states + call
                boundaries[_CALLS, unit[i]] += 1
                _meet_called(position, pair, waiting, waits, by_distance)
                _pair_up(
                    position, pair, unit[i], _CALLS, tolerances, places, place_units, queues, paired
                )
                _begin_called(now, call, unit[i])
            if true_ends:
                pair = now[_TRUE] * n_states + label
                boundaries[_TRUTH, unit[i]] += 1
                _meet_true(position, pair, waiting, waits, by_distance)
                _pair_up(
                    position, pair, unit[i], _TRUTH, tolerances, places, place_units, queues, paired
                )
                _begin_true(now, label, unit[i])
        now[_POSITION] += 1


@_compiled
def end(now, waited, found):
    """End the current runs, and count the true boundaries that still wait for a called one."""
    if now[_LABELLED]:
        _end_runs(now, True, True, found[0], found[1], found[2])
        now[_LABELLED] = 0
    waiting, waits, by_distance = waited
    for pair in range(waits.shape[0]):
        while waits[pair, _SIZE]:
            _count_first(pair, FARTHEST + 1, waiting, waits, by_distance)


@numba.njit(inline="always")
def _begin_true(now, state, unit):
    now[_TRUE], now[_TRUE_START], now[_TRUE_UNIT] = state, now[_POSITION], unit
    now[_TRUE_MATCHES] = 0


@numba.njit(inline="always")
def _begin_called(now, state, unit):
    now[_CALLED], now[_CALLED_START], now[_CALLED_UNIT] = state, now[_POSITION], unit
    now[_CALLED_MATCHES] = 0


@_compiled
def _end_runs(now, true_ends, call_ends, runs, matched, lengths):
    """Count the runs that end before the current position, and the matches that this decides.

    With `common` bases, runs of T and C bases have an IoU of common / (T + C - common): at least
    1/2 where 3 common - T >= C, and where 3 common - C >= T.
    """
    position = now[_POSITION]
    n_true, n_called = position - now[_TRUE_START], position - now[_CALLED_START]
    if now[_TRUE] == now[_CALLED]:
        common = min(n_true, n_called)
        if call_ends:
            now[_TRUE_MATCHES] = max(now[_TRUE_MATCHES], 3 * common - n_called)
        elif 3 * common - n_true > now[_CALLED_MATCHES]:
            now[_CALLED_MATCHES] = 3 * common - n_true
            now[_MATCHED_UNIT] = now[_TRUE_UNIT]
    if true_ends:
        runs[_TRUTH, now[_TRUE_UNIT], now[_TRUE]] += 1
        lengths[_TRUTH, now[_TRUE], _power_of_two(n_true)] += 1
        if now[_TRUE_MATCHES] >= n_true:
            matched[now[_TRUE_UNIT], now[_TRUE]] += 1
    if call_ends:
        runs[_CALLS, now[_CALLED_UNIT], now[_CALLED]] += 1
        lengths[_CALLS, now[_CALLED], _power_of_two(n_called)] += 1
        if now[_CALLED_MATCHES] >= n_called:
            matched[now[_MATCHED_UNIT], now[_CALLED]] += 1


@numba.njit(inline="always")
def _power_of_two(length):
    """Return the highest power of two that a length reaches."""
    power = 0
    while length > 1:
        length >>= 1
        power += 1
    return power


@_compiled
def _pair_up(position, pair, unit, side, tolerances, places, place_units, queues, paired):
    """Pair a boundary with the first free one of the other side within each tolerance.

    On a line, with one reach for all, the first with the first makes as many pairs as can be
    (Glover 1967, Naval Research Logistics Quarterly 14:313).
    """
    mask = places.shape[2] - 1
    for t in range(tolerances.size):
        first, size = queues[t, pair, _BEGIN], queues[t, pair, _SIZE]
        while size and position - places[t, pair, first] > tolerances[t]:
            first = (first + 1) & mask
            size -= 1
        if size and queues[t, pair, _SIDE] != side:
            paired[t, unit if side == _TRUTH else place_units[t, pair, first]] += 1
            first = (first + 1) & mask
            size -= 1
        else:
            last = (first + size) & mask
            places[t, pair, last], place_units[t, pair, last] = position, unit
            queues[t, pair, _SIDE] = side
            size += 1
        queues[t, pair, _BEGIN], queues[t, pair, _SIZE] = first, size


@_compiled
def _meet_called(position, pair, waiting, waits, by_distance):
    """Count the distances of the true boundaries that waited for this called one."""
    while waits[pair, _SIZE]:
        ahead = position - waiting[pair, waits[pair, _BEGIN]]
        _count_first(pair, ahead, waiting, waits, by_distance)
    waits[pair, _LAST] = position


@_compiled
def _meet_true(position, pair, waiting, waits, by_distance):
    """Let a true boundary wait for the next called one, which could be nearer than the last."""
    if waits[pair, _LAST] == position:
        by_distance[0] += 1
        return
    while waits[pair, _SIZE] and position - waiting[pair, waits[pair, _BEGIN]] > FARTHEST:
        _count_first(pair, FARTHEST + 1, waiting, waits, by_distance)
    mask = waiting.shape[1] - 1
    waiting[pair, (waits[pair, _BEGIN] + waits[pair, _SIZE]) & mask] = position
    waits[pair, _SIZE] += 1


@_compiled
def _count_first(pair, ahead, waiting, waits, by_distance):
    """Count the first waiting boundary: the nearest called one lies `ahead`, or behind it."""
    place = waiting[pair, waits[pair, _BEGIN]]
    by_distance[min(ahead, place - waits[pair, _LAST], FARTHEST + 1)] += 1
    waits[pair, _BEGIN] = (waits[pair, _BEGIN] + 1) & (waiting.shape[1] - 1)
    waits[pair, _SIZE] -= 1
