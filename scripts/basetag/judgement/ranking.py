"""How well posteriors rank the bases: AUROC and AUPRC of each state against the rest.

Both follow from a histogram of the posteriors of the bases that have the state, and of those that
do not, so that memory does not grow with the bases. Its bins are as fine near 0 and near 1 as a
floored posterior is: 1,024 to each halving of the smaller of p and 1 - p. What is stored has fewer,
neighbours put together; the figures are those of the stored ones, and bases of one bin are tied. So
posteriors that differ by less than about a thousandth of themselves are not ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from basetag.judgement.figure_places import FEWEST_UNITS
from basetag.judgement.intervals import Figure

# A float32 from which 13 bits are dropped has 1,024 values between a power of two and the next;
# those of 2**-20, which is below the floor of a posterior, and of one half.
_DROPPED = 13
_LEAST = (127 - 20) << (23 - _DROPPED)
_HALF = (127 - 1) << (23 - _DROPPED)
#: Bins of p up to one half; those above are the same of 1 - p.
_HALF_BINS = _HALF - _LEAST + 1
_BINS = 2 * _HALF_BINS
# Fine bins to one of those of which the spread is told.
_COARSE = 8
_COARSE_BINS = -(-_BINS // _COARSE)
#: Parts of the split that are left out in turn, to tell the spread.
_GROUPS = 20
#: Stored bins of all states, and of one at most.
_STORED = 10_000
_MOST_STORED = 2000

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """The histograms of one state and what follows from them.

    Parameters
    ----------
    others, own : ndarray of int64, (bins,)
        Bases without and with the state, by their posterior of it, ascending.
    auroc, auprc : Figure or None
        None where no base, or every base, has the state.
    """

    others: Counts
    own: Counts
    auroc: Figure | None
    auprc: Figure | None


class ScoreHistograms:
    """Histograms of the posteriors of each state, over all bases and over parts of the split.

    Parameters
    ----------
    n_states, n_units : int
        Number of states and of units.
    """

    def __init__(self, n_states: int, n_units: int) -> None:
        # Of two states the posteriors of one are 1 less those of the other.
        self._states = range(1, 2) if n_states == 2 else range(n_states)
        self._n_units = n_units
        self._n_groups = min(_GROUPS, n_units)
        shape = len(self._states), 2
        self._fine: Counts = np.zeros((*shape, _BINS), dtype=np.int64)
        self._coarse: Counts = np.zeros((self._n_groups, *shape, _COARSE_BINS), dtype=np.int64)

    def add(
        self, posterior: Floats, labels: NDArray[np.uint8], unit: NDArray[np.integer[Any]]
    ) -> None:
        """Add bases.

        Parameters
        ----------
        posterior : ndarray of float64, (states, bases)
            Floored.
        labels : ndarray of uint8, (bases,)
            True states.
        unit : ndarray of int, (bases,)
            The unit of each base, ascending.
        """
        # The first base of each part of the split in these.
        starts = np.arange(self._n_groups + 1) * self._n_units / self._n_groups
        bounds = np.searchsorted(unit, np.ceil(starts))
        for index, state in enumerate(self._states):
            bins = _bins(posterior[state])
            bins += (labels == state) * np.int64(_BINS)
            for group in np.flatnonzero(np.diff(bounds)):
                here = bins[bounds[group] : bounds[group + 1]]
                counts = np.bincount(here, minlength=2 * _BINS).reshape(2, _BINS)
                self._fine[index] += counts
                self._coarse[group, index] += np.add.reduceat(
                    counts, np.arange(0, _BINS, _COARSE), axis=1
                )

    def rankings(self) -> tuple[list[Ranking], Figure | None, Figure | None]:
        """Return the ranking of each state, and the means of AUROC and AUPRC over the states.

        Intervals are those of the jackknife over parts of the split (Efron and Tibshirani 1993, An
        Introduction to the Bootstrap, 11.5), taken on the scale of log odds.
        """
        n_states = 2 if len(self._states) == 1 else len(self._states)
        stored = min(_MOST_STORED, _STORED // n_states)
        fine, coarse = self._fine, self._coarse
        if n_states == 2:
            # What one state has at p the other has at 1 - p, and its own are the other's others.
            fine = np.concatenate([fine[:, ::-1, ::-1], fine])
            coarse = np.concatenate([coarse[:, :, ::-1, ::-1], coarse], axis=1)
        left = coarse.sum(axis=0) - coarse  # (groups, states, 2, bins)
        found = []
        for state in range(n_states):
            others, own = merged(fine[state, 0], fine[state, 1], stored)
            values = auroc(others, own), auprc(others, own)
            left_out = [
                np.array([measure(*part) for part in left[:, state]]) for measure in (auroc, auprc)
            ]
            found.append((others, own, values, left_out))
        figures = [
            [_jackknife(values[m], left_out[m]) for m in range(2)]
            for _, _, values, left_out in found
        ]
        rankings = [
            Ranking(others, own, *own_figures)
            for (others, own, _, _), own_figures in zip(found, figures, strict=True)
        ]
        ranked = [part for part in found if not np.isnan(part[2][0])]
        if not ranked:
            return rankings, None, None
        means = [
            _jackknife(
                float(np.mean([values[m] for _, _, values, _ in ranked])),
                np.mean([left_out[m] for _, _, _, left_out in ranked], axis=0),
            )
            for m in range(2)
        ]
        return rankings, means[0], means[1]


def auroc(others: Counts, own: Counts) -> float:
    """Return the area under the ROC curve: P(a base with the state scores above one without it).

    Parameters
    ----------
    others, own : ndarray of int64, (bins,)
        Bases without and with the state, by ascending score; those of one bin are tied and count
        half (Hanley and McNeil 1982, Radiology 143:29).

    Returns
    -------
    float
        NaN where either has none.
    """
    n_others, n_own = int(others.sum()), int(own.sum())
    if not n_others or not n_own:
        return float("nan")
    below = np.cumsum(others) - others / 2
    return float((own / n_own * (below / n_others)).sum())


def auprc(others: Counts, own: Counts) -> float:
    """Return the average precision: the mean over bases with the state of the precision there.

    Each step of recall counts by the precision at its end, without interpolation, as that of
    scikit-learn does; between points of the curve a straight line would flatter (Davis and
    Goadrich 2006, ICML 233). Parameters and result as for `auroc`.
    """
    n_own = int(own.sum())
    if not n_own or not others.any():
        return float("nan")
    above = np.cumsum(own[::-1])[::-1]
    called = np.cumsum((own + others)[::-1])[::-1]
    precision = above / np.maximum(called, 1)
    return float((own / n_own * precision).sum())


def merged(others: Counts, own: Counts, most: int) -> tuple[Counts, Counts]:
    """Put neighbouring bins together, to `most` bins or little more.

    No bin gets more than about 2 / `most` of the bases with the state, or of those without it,
    but one that has them from the start. Empty bins go.
    """
    filled = np.flatnonzero(others + own)
    others, own = others[filled], own[filled]
    if filled.size <= most:
        return others, own
    shares = [counts / max(1, int(counts.sum())) for counts in (others, own)]
    # Where either sum passes another step, a new bin begins.
    steps = [np.floor((np.cumsum(share) - share / 2) * (most / 2)) for share in shares]
    changes = (np.diff(steps[0]) > 0) | (np.diff(steps[1]) > 0)
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    return np.add.reduceat(others, starts), np.add.reduceat(own, starts)


def histogram_json(rankings: Sequence[Ranking], states: Sequence[str]) -> dict[str, Any]:
    """Return the histograms as plain JSON: for each state `own` and `others`, counts as text."""
    return {
        state: {
            "own": " ".join(map(str, ranking.own.tolist())),
            "others": " ".join(map(str, ranking.others.tolist())),
        }
        for state, ranking in zip(states, rankings, strict=True)
    }


def _bins(posterior: Floats) -> NDArray[np.int64]:
    """Return the fine bin of each posterior, (bases,)."""
    smaller = np.minimum(posterior, 1 - posterior).astype(np.float32)
    bins = (smaller.view(np.int32) >> _DROPPED).astype(np.int64) - _LEAST
    return np.where(posterior > 0.5, _BINS - 1 - bins, bins)


def _jackknife(value: float, left_out: Floats) -> Figure | None:
    """Return a share with its interval, from its values with one part left out at a time."""
    if np.isnan(value):
        return None
    n = left_out.size
    if n < FEWEST_UNITS or not np.isfinite(left_out).all() or not 0 < value < 1:
        return Figure(value)
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    if not error > 0:
        return Figure(value)
    odds = value / (1 - value)
    factor = np.exp(stdtrit(n - 1, 0.975) * error / (value * (1 - value)))
    low, high = odds / factor, odds * factor
    return Figure(value, float(low / (1 + low)), float(high / (1 + high)))
