"""The units of the intervals: stretches of the test split that are taken as independent.

A unit is a record (a segment of the split), or, where there are many, a group of neighbouring ones.
Where there are few, records are cut into blocks, each of at least ten correlation lengths of the
labels, so that what is in one says next to nothing of the others (Künsch 1989, Annals of Statistics
17:1217). For the same reason segments of one record that are shorter than that are put together.
All of that follows from the true labels alone, so that all taggers have the same units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from basetag.corpus import UNLABELLED
from basetag.segments import Segments

#: Fewer records than this are cut into blocks.
FEWEST_RECORDS = 50
#: More records than this are put into groups: the intervals gain nothing from them, and memory and
#: time are bounded.
MOST_UNITS = 1000
#: Blocks are cut at least so long, in correlation lengths.
BLOCK_CORRELATION_LENGTHS = 10
#: Blocks are not cut shorter than it takes to have about so many.
_MOST_BLOCKS = 200

# The correlation length of two states is measured on so many bases and pieces.
_MOST_BASES = 1 << 20
_MOST_PIECES = 2000
# Bases looked at together.
_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class Units:
    """Units of a split.

    Parameters
    ----------
    pieces : Segments
        The split, cut where a unit ends within a segment, in its order.
    segment : ndarray of int64, (pieces,)
        Of which segment of the split each piece is.
    unit : ndarray of int64, (pieces,)
        Of which unit it is, ascending from 0; a piece without a label is of the unit before it, or
        of the first.
    count : int
        Number of units; each has a label, unless there is none at all.
    kind : str
        `record`: segments of the split; `group`: neighbouring ones together; `block`: parts of
        them.
    n_records : int
        Segments of the split that have a label.
    correlation_length : float
        Of the labels, in bases; see `correlation_length`.
    """

    pieces: Segments
    segment: NDArray[np.int64]
    unit: NDArray[np.int64]
    count: int
    kind: Literal["record", "group", "block"]
    n_records: int
    correlation_length: float


def choose_units(
    segments: Segments, labels: NDArray[np.uint8], n_states: int, least_length: float = 1.0
) -> Units:
    """Choose the units of a split.

    Parameters
    ----------
    segments : Segments
        The test split.
    labels : ndarray of uint8, (bases,)
        Of the corpus.
    n_states : int
        Number of states.
    least_length : float
        Correlation length of something else that is judged, in bases; the longer one counts.
    """
    length = max(least_length, correlation_length(segments, labels, n_states))
    labelled = _labelled_bases(segments, labels)
    every = np.arange(labelled.size)
    n_records = int(np.count_nonzero(labelled))
    together = _together(segments, labelled, BLOCK_CORRELATION_LENGTHS * length)
    own = _numbered(every, labelled)
    if together.max(initial=0) >= MOST_UNITS:
        middle = np.cumsum(labelled) - labelled / 2
        group = _numbered((middle * (MOST_UNITS / labelled.sum())).astype(np.int64), labelled)
        return Units(segments, every, group, int(group[-1]) + 1, "group", n_records, length)
    longest = max(int(segments.lengths.max(initial=1)), 1)
    if n_records < FEWEST_RECORDS:
        wanted = max(BLOCK_CORRELATION_LENGTHS * length, int(labelled.sum()) / _MOST_BLOCKS)
        if 2 * wanted <= longest:
            pieces, segment = _cut_evenly(segments, wanted)
            here = _numbered(np.arange(segment.size), _labelled_bases(pieces, labels))
            return Units(pieces, segment, here, int(here[-1]) + 1, "block", n_records, length)
    if together.max(initial=0) < own.max(initial=0):
        return Units(segments, every, together, int(together[-1]) + 1, "group", n_records, length)
    return Units(segments, every, own, int(own.max(initial=-1)) + 1, "record", n_records, length)


def correlation_length(segments: Segments, labels: NDArray[np.uint8], n_states: int) -> float:
    """Return over how many bases labels are alike: as many count as one that is independent.

    The integrated autocorrelation time, 1 + 2 sum r(k), of the indicators of the states, the sum
    taken up to the first lag k at which r is not positive (Geyer 1992, Statistical Science 7:473,
    has the reason to stop). A chain of two states of mean length d each has d - 1.

    Parameters
    ----------
    segments : Segments
        Where to look; of many bases, pieces spread over them.
    labels : ndarray of uint8, (bases,)
        Of the corpus; unlabelled bases are left out.
    n_states : int
        Number of states.

    Returns
    -------
    float
        At least 1, in bases; 1 where all labels are the same.
    """
    # With many states each needs a transform of its own.
    most_bases = _MOST_BASES * 2 // max(2, n_states)
    pieces = segments.cut(most_bases)
    pieces = pieces.chosen(pieces.lengths > 0)
    n_pieces = len(pieces.offset)
    if not n_pieces:
        return 1.0
    count = max(1, min(_MOST_PIECES, int(n_pieces * min(1.0, most_bases / pieces.bases))))
    pieces = pieces.chosen(np.linspace(0, n_pieces - 1, count).astype(np.int64))
    counts = np.bincount(pieces.gathered(labels), minlength=256)[:n_states]
    if np.count_nonzero(counts) < 2:
        return 1.0
    frequencies = counts / counts.sum()
    longest = int(pieces.lengths.max())
    products = np.zeros(longest)  # of deviations from the frequencies, at each lag
    pairs = np.zeros(longest)
    for at, size in zip(pieces.offset.tolist(), pieces.lengths.tolist(), strict=True):
        own = labels[at : at + size]
        known = (own != UNLABELLED).astype(np.float64)
        pairs[:size] += autocorrelation(known) if not known.all() else np.arange(size, 0, -1)
        # The last state's indicator follows from the others'; of two, one tells it all.
        for state in range(n_states if n_states > 2 else 1):
            products[:size] += autocorrelation((own == state) - frequencies[state] * known)
    mean = np.divide(products, pairs, out=np.zeros(longest), where=pairs > 0.5)
    ends = np.flatnonzero(mean <= 0)
    reach = int(ends[0]) if ends.size else longest
    return max(1.0, float(1 + 2 * mean[1:reach].sum() / mean[0]))


def _labelled_bases(segments: Segments, labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how many bases of each segment have a label, (segments,)."""
    counts = np.zeros(len(segments.offset), dtype=np.int64)
    of = np.repeat(np.arange(counts.size), -(-segments.lengths // _AT_ONCE))
    pieces = segments.cut(_AT_ONCE)
    places = zip(of.tolist(), pieces.offset.tolist(), pieces.lengths.tolist(), strict=True)
    for segment, at, size in places:
        counts[segment] += np.count_nonzero(labels[at : at + size] != UNLABELLED)
    return counts


def _numbered(unit: NDArray[np.int64], labelled: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ascending units numbered anew, so that each has a label; both are (pieces,)."""
    begins = np.zeros(unit.size, dtype=np.bool_)
    with_labels = np.flatnonzero(labelled)
    begins[with_labels[1:]] = np.diff(unit[with_labels]) > 0
    return np.cumsum(begins)


def _together(segments: Segments, labelled: NDArray[np.int64], least: float) -> NDArray[np.int64]:
    """Return groups of segments of one record, of about `least` labelled bases or more each.

    A record's segments are shared out evenly; a record that has fewer bases is one group.
    """
    of = np.cumsum(np.diff(segments.record, prepend=-1) != 0) - 1
    totals = np.bincount(of, labelled)
    before = np.cumsum(labelled) - labelled
    middle = before - (np.cumsum(totals) - totals)[of] + labelled / 2
    counts = np.maximum(1, totals / least).astype(np.int64)
    number = np.minimum(middle * counts[of] / np.maximum(totals[of], 1), counts[of] - 1)
    first = np.cumsum(counts) - counts
    return _numbered(first[of] + number.astype(np.int64), labelled)


def autocorrelation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of products of values at each lag from 0, (values,)."""
    size = next_fast_len(2 * values.size, real=True)
    spectrum = rfft(values, size)
    sums: NDArray[np.float64] = irfft(np.abs(spectrum) ** 2, size)[: values.size]
    return sums


def _cut_evenly(segments: Segments, least: float) -> tuple[Segments, NDArray[np.int64]]:
    """Cut each segment into as many equal pieces of at least `least` bases as it holds.

    Returns
    -------
    pieces : Segments
    segment : ndarray of int64, (pieces,)
        Of which segment each is.
    """
    counts = np.maximum(1, (segments.lengths / least).astype(np.int64))
    segment = np.repeat(np.arange(counts.size), counts)
    number = np.arange(segment.size) - (np.cumsum(counts) - counts)[segment]
    lengths, parts = segments.lengths[segment], counts[segment]
    begin, end = lengths * number // parts, lengths * (number + 1) // parts
    start = segments.start[segment]
    offset = segments.offset[segment] + begin
    return Segments(segments.record[segment], start + begin, start + end, offset), segment
