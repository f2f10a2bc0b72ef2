"""A semi-Markov chain fitted to labels: how long their runs last, and what follows on what.

For data whose labels nobody simulated. How long runs of a state last is estimated by the curve of
Kaplan and Meier (1958, J Am Stat Assoc 53:457), because the ends of records and unlabelled
stretches cut runs off, and long ones the more often; beyond the longest run it goes on
geometrically through its last point (Brown, Hollander and Korwar 1974, in Reliability and
Biometry, 327). A run whose beginning is not seen is met in its middle and says nothing of a whole
one's length. Which state follows on which is counted. Nothing else is kept of the labels: not what
lies two runs back, nor what the bases are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED
from basetag.judgement.path_kernels import find_runs
from basetag.judgement.path_law import PathLaw, Survival
from basetag.segments import Segments

# Bases looked at in one call.
_AT_ONCE = 1 << 20

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def fit_semi_markov(
    labels: NDArray[np.uint8], segments: Segments, n_states: int, stretches: int
) -> PathLaw | None:
    """Fit the law of the labels' paths.

    Parameters
    ----------
    labels : ndarray of uint8, (bases of the corpus,)
        True states. May be memory-mapped.
    segments : Segments
        What to fit to: the training split. Those that follow each other are joined.
    n_states : int
        Number of labels, K.
    stretches : int
        How many stretches the law is wanted for.

    Returns
    -------
    PathLaw or None
        Each label has one state. The first one of a stretch has the label's frequency, and is met
        at a random base of its run. None where no base has a label.

    Notes
    -----
    Memory does not grow with the bases: of all runs, only how many there are of each length is
    kept, and N bases have at most sqrt(2 N) different ones.
    """
    runs, counts = count_runs(labels, segments)
    if not counts.size:
        return None
    state, length, begun, behind = runs.T
    bases = np.bincount(state, weights=length * counts, minlength=n_states)
    jump = np.zeros((n_states, n_states))
    ended = behind != UNLABELLED
    np.add.at(jump, (state[ended], behind[ended]), counts[ended])
    laws = []
    for own in range(n_states):
        mine = state == own
        seen = mine & (begun == 1)
        # Where no run is seen to begin, those that are cut off in front are all that there is.
        kept = seen if seen.any() else mine
        laws.append(kaplan_meier(length[kept], counts[kept], ended[kept]))
    return PathLaw(
        "semi_markov",
        np.arange(n_states, dtype=np.uint8),
        (bases / bases.sum())[None],
        np.zeros(stretches, dtype=np.int64),
        jump,
        laws,
    )


def kaplan_meier(lengths: Counts, counts: Counts, ended: NDArray[np.bool_]) -> Survival:
    """Return the survival curve of runs, of which some are cut off.

    A run that is cut off behind n bases is known to have n or more: whether it ended there is not.

    Parameters
    ----------
    lengths : ndarray of int64, (kinds,)
        Bases of the runs.
    counts : ndarray of int64, (kinds,)
        How many runs there are of each kind.
    ended : ndarray of bool, (kinds,)
        Whether they end there, or are cut off.

    Returns
    -------
    Survival
        Of runs that never end where none was seen to.
    """
    if not ended.any():
        return Survival.geometric(1.0)
    at, which = np.unique(lengths[ended], return_inverse=True)
    deaths = np.bincount(which, weights=counts[ended])
    known = np.where(ended, lengths, lengths - 1)  # lengths at whose end it was watched
    order = np.argsort(known, kind="stable")
    watched = np.concatenate([[0], np.cumsum(counts[order])])
    at_risk = watched[-1] - watched[np.searchsorted(known[order], at)]
    survival = np.cumprod(1 - deaths / at_risk)
    last = int(known.max())
    return Survival(at, survival, last, float(survival[-1] ** (1 / last)))


def count_runs(labels: NDArray[np.uint8], segments: Segments) -> tuple[Counts, Counts]:
    """Find the runs of labels and count those that are alike.

    Parameters
    ----------
    labels, segments
        As for `fit_semi_markov`.

    Returns
    -------
    runs : ndarray of int64, (kinds, 4)
        Label; bases; 1 where the first base is known to be that, else 0; the label behind, or
        `UNLABELLED` where the run is cut off.
    counts : ndarray of int64, (kinds,)
        How many runs are so.
    """
    stretches = segments.joined()
    pieces = stretches.cut(_AT_ONCE)
    # Within a record, a piece that is none of the stretches' first goes on with the one before.
    continues = ~np.isin(pieces.offset, stretches.offset)
    held = np.array([UNLABELLED, 0, 0], dtype=np.int64)
    kinds, counts = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    first = 0
    for batch in (*pieces.batches(_AT_ONCE), None):
        if batch is None:  # ends the last run
            own, flags = np.zeros(0, dtype=np.uint8), np.zeros(1, dtype=np.bool_)
            offsets = np.zeros(2, dtype=np.int64)
        else:
            own = batch.gathered(labels)
            flags = continues[first : first + batch.offset.size]
            offsets = np.concatenate([[0], np.cumsum(batch.lengths)])
            first += batch.offset.size
        found = np.empty(own.size + flags.size, dtype=np.int64)
        found = found[: find_runs(own, offsets, flags, held, found)]
        weights = np.concatenate([counts, np.ones(found.size, dtype=np.int64)])
        kinds, which = np.unique(np.concatenate([kinds, found]), return_inverse=True)
        counts = np.bincount(which, weights=weights).astype(np.int64)
    label, begun, behind = kinds & 255, kinds >> 16 & 1, kinds >> 8 & 255
    return np.stack([label, kinds >> 17, begun, behind], axis=1), counts
