"""Segments and boundaries: how well a tagger's runs of one state are those of the truth.

A segment is a run of equal labels, or of equal calls, within one segment of the split; where bases
are unlabelled both end, and only calls of labelled bases count. A called segment matches a true one
of the same state whose bases are at least half of the bases of either (IoU >= 1/2). Runs of one
state have another state between them, so that no segment can match two.

A boundary is what lies between two segments, and is of the pair of their states. It counts as found
within a tolerance where a called boundary of the same pair is no farther away, each called one
being used once and as many as possible in all.

Bases stream through in chunks; memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.judgement.segment_kernels import FARTHEST, N_NOW, end, scan

#: Within how many bases a boundary counts as found.
TOLERANCES = (0, 10, 50, 100)
#: Bounds of the shown distances between boundaries, in bases.
DISTANCE_EDGES = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, FARTHEST)
# Powers of two that the length of a segment can reach.
_LENGTH_BINS = 48

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class SegmentCounts:
    """Counts of segments and boundaries, by the unit in which each begins.

    Parameters
    ----------
    true, called, matched : ndarray of int64, (units, states)
        Segments of the labels, of the calls, and those of the labels that a called one matches.
    boundaries_true, boundaries_called : ndarray of int64, (units,)
    boundaries_matched : ndarray of int64, (units, tolerances)
        Boundaries found within each of `TOLERANCES`, by the unit of the true one.
    lengths : ndarray of int64, (2, states, powers)
        Segments of truth and calls whose length is at least 2**i and below 2**(i + 1).
    distances : ndarray of int64, (FARTHEST + 2,)
        True boundaries by their distance to the nearest called one of the same pair, in bases; the
        last are those that have none within `FARTHEST`.
    """

    true: Counts
    called: Counts
    matched: Counts
    boundaries_true: Counts
    boundaries_called: Counts
    boundaries_matched: Counts
    lengths: Counts
    distances: Counts


class SegmentScan:
    """Counts segments and boundaries of labels and calls that are given chunk by chunk.

    Parameters
    ----------
    n_units, n_states : int
        Number of units and of states.
    """

    def __init__(self, n_units: int, n_states: int) -> None:
        n_pairs, n_tolerances = n_states**2, len(TOLERANCES)
        free = n_tolerances, n_pairs, _ring(max(TOLERANCES) + 1)
        waits = np.zeros((n_pairs, 3), dtype=np.int64)
        waits[:, -1] = -(1 << 60)  # no called boundary yet
        self._now = np.zeros(N_NOW, dtype=np.int64)
        self._queued = (
            np.array(TOLERANCES, dtype=np.int64),
            np.zeros(free, dtype=np.int64),
            np.zeros(free, dtype=np.int64),
            np.zeros((n_tolerances, n_pairs, 3), dtype=np.int64),
        )
        self._waited = (
            np.zeros((n_pairs, _ring(FARTHEST + 1)), dtype=np.int64),
            waits,
            np.zeros(FARTHEST + 2, dtype=np.int64),
        )
        self._found = (
            np.zeros((2, n_units, n_states), dtype=np.int64),
            np.zeros((n_units, n_states), dtype=np.int64),
            np.zeros((2, n_states, _LENGTH_BINS), dtype=np.int64),
            np.zeros((2, n_units), dtype=np.int64),
            np.zeros((n_tolerances, n_units), dtype=np.int64),
        )

    def add(
        self,
        labels: NDArray[np.uint8],
        calls: NDArray[np.uint8],
        segment: NDArray[np.int64],
        unit: NDArray[np.int64],
    ) -> None:
        """Add bases that follow those added before.

        Parameters
        ----------
        labels, calls : ndarray of uint8, (bases,)
            True states, 255 where there is none, and called ones.
        segment, unit : ndarray of int64, (bases,)
            Segment of the split and unit of each base.
        """
        scan(labels, calls, segment, unit, self._now, self._queued, self._waited, self._found)

    def counts(self) -> SegmentCounts:
        """Return the counts; nothing can be added any more."""
        end(self._now, self._waited, self._found)
        runs, matched, lengths, boundaries, paired = self._found
        return SegmentCounts(
            true=runs[0],
            called=runs[1],
            matched=matched,
            boundaries_true=boundaries[0],
            boundaries_called=boundaries[1],
            boundaries_matched=paired.T.copy(),
            lengths=lengths,
            distances=self._waited[-1],
        )


def _ring(slots: int) -> int:
    """Return the power of two that holds so many slots."""
    return 1 << (slots - 1).bit_length()


def length_table(counts: SegmentCounts, states: Sequence[str]) -> dict[str, Any]:
    """Return how many segments have which length, as plain JSON.

    `edges` in bases, (bins + 1,); `true` and `called`, for each state the counts (bins,) of lengths
    from one edge to below the next.
    """
    filled = np.flatnonzero(counts.lengths.any(axis=(0, 1)))
    last = int(filled[-1]) + 1 if filled.size else 0
    of_side = [
        {state: own[:last].tolist() for state, own in zip(states, side, strict=True)}
        for side in counts.lengths
    ]
    edges = [2**power for power in range(last + 1)]
    return {"edges": edges, "true": of_side[0], "called": of_side[1]}


def distance_table(counts: SegmentCounts) -> dict[str, Any]:
    """Return how far true boundaries are from the nearest called one, as plain JSON.

    `edges` in bases, (bins + 1,); `counts` (bins,) of distances from one edge to below the next,
    the last edge included; `farther`, those with no called boundary of the same pair up to there.
    """
    edges = [*DISTANCE_EDGES[:-1], FARTHEST + 1]
    sums = np.add.reduceat(counts.distances, edges)
    return {
        "edges": list(DISTANCE_EDGES),
        "counts": sums[:-1].tolist(),
        "farther": int(sums[-1]),
    }
