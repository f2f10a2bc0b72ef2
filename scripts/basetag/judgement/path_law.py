"""The law of paths of labels that are drawn run by run.

A path is a run of one state, then a run of another, and so on: a semi-Markov chain. How long a run
lasts is told, for each state, by a survival curve up to some length and by a geometric tail beyond;
a Markov chain is the case of a tail alone. What is drawn from such a law lies in `path_null`, how
one is fitted to labels in `semi_markov`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from basetag.hmm import HMM
from basetag.simulation import column_thresholds

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Survival:
    """How long runs of one state last: P(run > n) for each n.

    Parameters
    ----------
    lengths : ndarray of int64, (steps,)
        Lengths at which runs end, ascending.
    survival : ndarray of float64, (steps,)
        P(run > length) of each.
    last : int
        Longest length that the curve speaks of, not below the last of `lengths`.
    stay : float
        Beyond it, the probability with which a run goes on from base to base; 1 where it never
        ends.
    """

    lengths: Counts
    survival: Floats
    last: int
    stay: float

    @classmethod
    def geometric(cls, stay: float) -> Survival:
        """Return the law of a state of a Markov chain that stays with the probability `stay`."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0), 0, stay)

    @property
    def beyond(self) -> float:
        """P(run > `last`)."""
        return float(self.survival[-1]) if self.survival.size else 1.0

    @property
    def mean(self) -> float:
        """Mean length of a run, in bases; infinite where runs never end."""
        steps = self._steps()
        return float(steps[1] @ steps[2]) + self._tail_mean()

    def table(self) -> tuple[Counts, Counts, Floats]:
        """Return the lengths up to `last` as intervals: `low`, `high` and cumulative probability.

        A run of an interval lasts more than `low` and at most `high` bases, each with equal
        probability.
        """
        return self.lengths - 1, self.lengths, 1 - self.survival

    def residual_table(self) -> tuple[Counts, Counts, Floats]:
        """Return the same of what is left of a run, a random base of which is looked at.

        That base included: its n bases have the probability P(run >= n) / mean, as a run is met
        the more often the longer it is, at any of its bases (Cox 1962, Renewal Theory, 5.2).
        """
        low, width, above = self._steps()
        mean = self.mean
        if math.isinf(mean):
            return low[:0], low[:0], np.zeros(0)
        cumulative = np.cumsum(width * above) / mean
        if self._tail_mean() == 0 and cumulative.size:
            cumulative[-1] = 1.0
        return low, low + width, cumulative

    def _steps(self) -> tuple[Counts, Counts, Floats]:
        """Return where each step of the curve up to `last` begins, its width and its height."""
        cuts = np.concatenate([[0], self.lengths, [self.last]])
        width = np.diff(cuts)
        height = np.concatenate([[1.0], self.survival])
        kept = width > 0
        return cuts[:-1][kept], width[kept], height[kept]

    def _tail_mean(self) -> float:
        """Mean number of bases beyond `last`."""
        if self.beyond == 0:
            return 0.0
        return math.inf if self.stay >= 1 else self.beyond / (1 - self.stay)


@dataclass(frozen=True)
class RunTables:
    """What the compiled loops draw lengths of runs from: two tables for each state.

    Parameters
    ----------
    bounds : ndarray of int64, (tables + 1,)
        Where the intervals of each table begin among all.
    low, high : ndarray of int64, (intervals,)
        As in `Survival.table`.
    cumulative : ndarray of float64, (intervals,)
        Probability of the interval or one before it.
    guide : ndarray of int64, (intervals,)
        Cell c of the n of a table: the first interval that a number of at least c / n can draw,
        so that few have to be looked at (Chen and Asau 1974, Management Sci 21:291).
    last : ndarray of int64, (tables,)
        Longest length in the intervals.
    scale : ndarray of float64, (tables,)
        -1 / log(stay) of the tail.
    """

    bounds: Counts
    low: Counts
    high: Counts
    cumulative: Floats
    guide: Counts
    last: Counts
    scale: Floats

    @classmethod
    def of(cls, states: Sequence[Survival]) -> RunTables:
        """Return the tables of what is left at a random base of a run, and then of whole runs."""
        tables = [state.residual_table() for state in states]
        tables += [state.table() for state in states]
        guides = [
            np.searchsorted(
                cumulative, np.arange(cumulative.size) / max(1, cumulative.size), side="right"
            )
            for _, _, cumulative in tables
        ]
        low, high, cumulative = zip(*tables, strict=True)
        return cls(
            np.cumsum([0, *(guide.size for guide in guides)], dtype=np.int64),
            np.concatenate(low),
            np.concatenate(high),
            np.concatenate(cumulative),
            np.concatenate(guides).astype(np.int64),
            np.array([state.last for state in states] * 2, dtype=np.int64),
            np.array([_scale(state.stay) for state in states] * 2),
        )

    def arrays(self) -> tuple[Counts, Counts, Counts, Floats, Counts, Counts, Floats]:
        """Return all arrays, in the order in which the loops take them."""
        return (
            self.bounds, self.low, self.high, self.cumulative, self.guide, self.last, self.scale,
        )  # fmt: skip


@dataclass(frozen=True)
class PathLaw:
    """A law of paths of labels.

    Parameters
    ----------
    source : str
        What it is: `hmm` or `semi_markov`.
    label : ndarray of uint8, (states,)
        The label that each state bears.
    start : ndarray of float64, (starts, states)
        Probability of each state at the first base of a stretch; a stretch has one of the rows.
    start_of : ndarray of int64, (stretches,)
        Which one.
    jump : ndarray of float64, (states, states)
        Weight of the state of the next run (columns) given that of this one (rows).
    runs : sequence of Survival, (states,)
        How long runs last. The first of a stretch is met at a random base of it.
    """

    source: str
    label: NDArray[np.uint8]
    start: Floats
    start_of: Counts
    jump: Floats
    runs: Sequence[Survival]

    @classmethod
    def of_hmm(cls, hmm: HMM, positions: Counts) -> PathLaw:
        """Return the law of the labels of an HMM.

        Parameters
        ----------
        hmm : HMM
        positions : ndarray of int64, (stretches,)
            Where each stretch begins in its record, from 0.
        """
        places, start_of = np.unique(positions, return_inverse=True)
        stay = np.diag(hmm.transition)
        jump = hmm.transition - np.diag(stay)
        # Rows sum to 1 within rounding; what leaves is exact.
        stay = 1 - jump.sum(axis=1) / hmm.transition.sum(axis=1)
        return cls(
            "hmm",
            hmm.label_of_state,
            np.stack([hmm.started_at(int(place)).start for place in places]),
            start_of.astype(np.int64),
            jump,
            [Survival.geometric(max(0.0, float(value))) for value in stay],
        )

    def runs_per_base(self) -> float:
        """Return about how many runs a base has, from the mean lengths and the starts."""
        means = np.array([state.mean for state in self.runs])
        return float((self.start.mean(axis=0) / means).sum())

    def start_thresholds(self) -> Floats:
        """Return `start` as `column_thresholds`."""
        return column_thresholds(self.start)

    def jump_thresholds(self) -> Floats:
        """Return `jump` as `column_thresholds`."""
        return column_thresholds(self.jump)


def _scale(stay: float) -> float:
    """Return -1 / log(stay): 0 for a tail of one base, infinite for one that never ends."""
    if stay <= 0:
        return 0.0
    return math.inf if stay >= 1 else -1 / math.log(stay)
