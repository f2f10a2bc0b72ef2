"""From intervals of states to a label for each base: what overlaps, what wins, what is left.

A record is cut at every border of an interval; between two borders all bases are alike, but for
their position in a codon. So overlaps are settled once for each such stretch, and memory holds the
annotation of one record and a chunk of its bases, however long it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from basetag.labelling.state_rules import StateRules
from basetag.letters import UNLABELLED

#: Frame of an interval without codons, and of a stretch where several frames meet.
NO_FRAME = 255

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Intervals:
    """Intervals of states along a record, in any order.

    Parameters
    ----------
    starts, ends : ndarray of int64, (intervals,)
        0-based, half-open, within the record.
    labels : ndarray of uint8, (intervals,)
        State of each; `UNLABELLED` where a feature gives none.
    frames : ndarray of uint8, (intervals,)
        Where codons begin: see `codon_positions`; `NO_FRAME` where nobody knows. In a start or a
        stop codon that is told apart, 3 times its index in `state_rules.CODONS` more.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    labels: NDArray[np.uint8]
    frames: NDArray[np.uint8]


@dataclass(frozen=True)
class Stretches:
    """A record, cut where anything changes.

    Parameters
    ----------
    borders : ndarray of int64, (stretches + 1,)
        From 0 to the record's length, ascending.
    labels : ndarray of uint8, (stretches,)
        `UNLABELLED` where nothing gives a label, and where states overlap and none wins.
    frames : ndarray of uint8, (stretches,)
        Of coding states; `NO_FRAME` elsewhere, and where reading frames overlap, or codons of
        several kinds.
    undecided : ndarray of bool, (stretches,)
        Where states overlap and none wins.
    """

    borders: NDArray[np.int64]
    labels: NDArray[np.uint8]
    frames: NDArray[np.uint8]
    undecided: NDArray[np.bool_]

    @classmethod
    def of_intervals(cls, intervals: Intervals, length: int, rules: StateRules) -> Stretches:
        """Return the stretches of a record of `length` bases.

        Where intervals of several states overlap, the one of the lowest rank wins; of several
        with that rank none does. The order of the intervals does not count.
        """
        points = np.concatenate([[0, length], intervals.starts, intervals.ends])
        borders = np.unique(points).astype(np.int64)
        n = len(borders) - 1
        first = np.searchsorted(borders, intervals.starts)
        last = np.searchsorted(borders, intervals.ends)
        nothing = len(rules.priority) + 1  # a rank behind all others
        ranks = np.full(n, nothing, dtype=np.int64)
        labels = np.full(n, rules.background_label, dtype=np.uint8)
        frames = np.full(n, NO_FRAME, dtype=np.uint8)
        undecided = np.zeros(n, dtype=np.bool_)
        for label in np.unique(intervals.labels).tolist():
            chosen = intervals.labels == label
            covered = _covered(first[chosen], last[chosen], n)
            if label == UNLABELLED:  # the last: it keeps the background away, and no state
                labels[covered & (ranks == nothing)] = label
                continue
            rank = int(rules.ranks[label])
            better = covered & (rank < ranks)
            undecided |= covered & (rank == ranks)
            undecided[better] = False
            ranks[better] = rank
            labels[better] = label
            frames[better] = NO_FRAME
            if label in rules.codon_strands:
                own = _frames(first, last, np.where(chosen, intervals.frames, NO_FRAME), n)
                frames[better] = own[better]
        labels[undecided] = UNLABELLED
        frames[undecided] = NO_FRAME
        return cls(borders, labels, frames, undecided)

    def chunks(self, rules: StateRules) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        """Yield the labels and the substates of the bases, some of them at once, (bases,)."""
        signs = np.zeros(256, dtype=np.int64)
        for label, strand in rules.codon_strands.items():
            signs[label] = 1 if strand == "+" else -1
        for start, own, counts in pieces(self.borders):
            labels = np.repeat(self.labels[own], counts)
            substates = rules.first_substates[labels]
            if rules.coding:
                sign = np.repeat(signs[self.labels[own]], counts)
                frame = np.repeat(self.frames[own], counts)
                coding = np.flatnonzero(sign)
                position = sign[coding] * (start + coding) + frame[coding]
                substates[coding] += (position % 3 + frame[coding] // 3 * 3).astype(np.uint8)
                substates[coding[frame[coding] == NO_FRAME]] = UNLABELLED
            yield labels, substates


def pieces(
    borders: NDArray[np.int64], size: int | None = None
) -> Iterator[tuple[int, slice, NDArray[np.int64]]]:
    """Cut stretches so that at most `size` bases come at once.

    Parameters
    ----------
    borders : ndarray of int64, (stretches + 1,)
        Ascending.
    size : int, optional
        In bases.

    Yields
    ------
    start : int
        The first of these bases.
    own : slice
        The stretches that have some of them.
    counts : ndarray of int64
        How many each of those has.
    """
    size = size or _CHUNK
    for start in range(int(borders[0]), int(borders[-1]), size):
        end = min(start + size, int(borders[-1]))
        first = int(np.searchsorted(borders, start, side="right")) - 1
        last = int(np.searchsorted(borders, end))
        inner = np.clip(borders[first : last + 1], start, end)
        yield start, slice(first, last), np.diff(inner)


def _covered(first: NDArray[np.intp], last: NDArray[np.intp], n: int) -> NDArray[np.bool_]:
    """Return which of `n` stretches lie in an interval that begins and ends at these, (n,)."""
    changes = np.bincount(first, minlength=n + 1) - np.bincount(last, minlength=n + 1)
    covered: NDArray[np.bool_] = np.cumsum(changes)[:n] > 0
    return covered


def _frames(
    first: NDArray[np.intp], last: NDArray[np.intp], frames: NDArray[np.uint8], n: int
) -> NDArray[np.uint8]:
    """Return the one frame of the intervals over each stretch; `NO_FRAME` where there is none."""
    found = np.full(n, NO_FRAME, dtype=np.uint8)
    several = np.zeros(n, dtype=np.bool_)
    for frame in np.unique(frames[frames != NO_FRAME]).tolist():
        own = frames == frame
        covered = _covered(first[own], last[own], n)
        several |= covered & (found != NO_FRAME)
        found[covered] = frame
    found[several] = NO_FRAME
    return found
