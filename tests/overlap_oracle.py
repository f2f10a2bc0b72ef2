"""The segment overlap of Zemla et al. 1999, by sets of positions and all pairs: slow and plain."""

from itertools import groupby

import numpy as np


def runs(path, mask):
    """Return the runs of equal values of a path, as (value, set of positions)."""
    found = []
    for (value, known), places in groupby(range(len(path)), lambda i: (path[i], bool(mask[i]))):
        if known:
            found.append((value, set(places)))
    return found


def terms(labels, calls, n_states, unlabelled=255):
    """Return, of each state, what is above the line of SOV, what is below, and its bases."""
    labels, calls = list(map(int, labels)), list(map(int, calls))
    known = [label != unlabelled for label in labels]
    above, below = np.zeros(n_states), np.zeros(n_states)
    called = runs(calls, known)
    for state, true in runs(labels, known):
        pairs = [own for other, own in called if other == state and own & true]
        for own in pairs:
            common, union = len(own & true), len(own | true)
            delta = min(union - common, common, len(true) // 2, len(own) // 2)
            above[state] += (common + delta) / union * len(true)
        below[state] += len(true) * max(len(pairs), 1)
    bases = [labels.count(state) for state in range(n_states)]
    return above, below, np.array(bases)


def overlap_of_records(labels, calls, records, n_states):
    """Return sums and bases of all states, then of all together, over records."""
    sums, weights = np.zeros(n_states + 1), np.zeros(n_states + 1, dtype=int)
    for record in np.unique(records):
        here = records == record
        above, below, bases = terms(labels[here], calls[here], n_states)
        for state in range(n_states):
            if below[state]:
                sums[state] += above[state] / below[state] * bases[state]
        if below.any():
            sums[-1] += above.sum() / below.sum() * bases.sum()
        weights += [*bases, bases.sum()]
    return sums, weights


def section(labels, calls, records, states):
    """Return the part `overlap` of metrics.json, without intervals."""
    sums, weights = overlap_of_records(labels, calls, records, len(states))
    parts = [
        {
            "sov": {"value": float(total / n), "low": None, "high": None} if n else None,
            "sum": float(total),
            "bases": int(n),
        }
        for total, n in zip(sums, weights, strict=True)
    ]
    return {**parts[-1], "classes": dict(zip(states, parts, strict=False))}
