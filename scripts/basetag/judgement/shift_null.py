"""The null of circular shifts: the same calls and the same labels, laid against each other anew.

Within each stretch the calls are turned by some number of bases, what falls off at the end coming
in at the front. Both strings keep their segments, their frequencies and their autocorrelation, and
all that is lost is which base belongs to which: so long segments that fall together by luck are
counted as luck (Cabrera et al. 2012, G3 2:1067; what it asks of a genome: Bickel et al. 2010, Ann
Appl Stat 4:1660). All shifts of a stretch come from one cross-correlation by FFT. Each stretch
draws its own, and the sum over stretches is the statistic.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from basetag.corpus import UNLABELLED
from basetag.judgement.null_figures import NullDistribution
from basetag.segments import Segments

#: Longest stretch that is shifted as a whole, in bases; a longer one is cut, and each piece draws
#: its own shift.
LONGEST = 1 << 24

# Numbers held at a time in each array: 8 MB in double precision. A long stretch takes what it is.
_AT_ONCE = 1 << 20

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def shift_null(
    labels: NDArray[np.uint8],
    calls: NDArray[np.uint8],
    segments: Segments,
    n_states: int,
    pairs: int,
    rng: np.random.Generator,
) -> NullDistribution:
    """Shift calls against labels within stretches and count the matches of all together.

    A shift is drawn from all of a stretch's, that by 0 bases among them: so under the null the
    observed matches are one more draw. One stretch alone is treated no otherwise. Its shifts could
    all be looked at; but neighbouring ones hardly differ, and a p-value of one in all shifts would
    claim more than the stretch can tell.

    Parameters
    ----------
    labels : ndarray of uint8, (bases of the corpus,)
        True states, or `UNLABELLED`, which matches nothing. May be memory-mapped.
    calls : ndarray of uint8, (bases of `segments`,)
        Called states, in the order of `segments`.
    segments : Segments
        The stretches; those that follow each other in their record are joined, and those longer
        than `LONGEST` cut.
    n_states : int
        Number of states, K.
    pairs : int
        Draws, m.
    rng : numpy.random.Generator
        Source of the shifts.

    Returns
    -------
    NullDistribution
        `mean` and `sd` are those over all shifts, not those of the draws. A stretch counts as
        `effective_shifts` different outcomes, all stretches as their product.

    Notes
    -----
    A stretch is no circle. Where its last label differs from its first, the shifts by some bases
    have a change of label more than the stretch has, and labels and calls have theirs at the same
    place when nothing is shifted: more than chance would lay there. In long stretches that is
    lost among all changes. Where stretches are shorter than about three segments, the test would
    reject 8 to 10 % of unrelated labels at 5 % (`benchmarks/calibration.md`); `seam_share` tells of
    it.

    Memory is that of a few arrays of 2^20 numbers, or of twice the longest stretch.
    """
    stretches = segments.joined().cut(LONGEST)
    lengths = stretches.lengths
    begins = np.cumsum(lengths) - lengths
    rows_of = Segments(stretches.record, stretches.start, stretches.end, begins)
    draws = np.zeros(pairs, dtype=np.int64)
    mean, variance, distinct = (np.zeros(lengths.size) for _ in range(3))
    changes = np.zeros((2, 2), dtype=np.int64)  # of labels and calls: at seams, and all
    for length in np.unique(lengths):
        alike = np.flatnonzero(lengths == length)
        at_once = max(1, _AT_ONCE // int(length))
        for first in range(0, alike.size, at_once):
            part = alike[first : first + at_once]
            shape = part.size, int(length)
            true = stretches.chosen(part).gathered(labels).reshape(shape)
            called = rows_of.chosen(part).gathered(calls).reshape(shape)
            changes += [_changes(true), _changes(called)]
            matches = matches_at_all_shifts(true, called, n_states)
            mean[part] = matches.mean(axis=1)
            variance[part] = ((matches - mean[part, None]) ** 2).mean(axis=1)
            distinct[part] = effective_shifts(matches)
            draws += _drawn_shifts(matches, pairs, rng)
    return NullDistribution(
        draws,
        float(mean.sum()),
        math.sqrt(float(variance.sum())),
        log10_effective_shifts=float(np.log10(distinct).sum()),
        seam_share=float(np.sqrt(np.prod(changes[:, 0] / np.maximum(changes[:, 1], 1)))),
    )


def matches_at_all_shifts(
    labels: NDArray[np.uint8], calls: NDArray[np.uint8], n_states: int
) -> Counts:
    """Count the matches of labels with calls that are turned by 0, 1, ... bases to the right.

    The sum over states of the circular cross-correlation of their indicators.

    Parameters
    ----------
    labels, calls : ndarray of uint8, (rows, length)
        True and called states; what is above `n_states` matches nothing.
    n_states : int
        Number of states, K.

    Returns
    -------
    ndarray of int64, (rows, length)
        Column s: bases t with ``labels[t] == calls[t - s]``, the latter taken circularly.
    """
    length = labels.shape[1]
    size = _transform_length(length)
    spectrum: NDArray[np.complex128] | None = None
    for state in range(n_states):
        true, called = labels == state, calls == state
        if true.any() and called.any():
            product = rfft(called.astype(np.float64), size)
            np.conj(product, out=product)
            product *= rfft(true.astype(np.float64), size)
            spectrum = product if spectrum is None else np.add(spectrum, product, out=spectrum)
    if spectrum is None:
        return np.zeros(labels.shape, dtype=np.int64)
    matches: Counts = np.rint(_folded(spectrum, size, length)).astype(np.int64)
    return matches


def effective_shifts(matches: Counts) -> Floats:
    """Return how many of the shifts of each stretch count as different.

    The number of shifts by their integral time scale, 1 + 2 x the sum of the autocorrelation of
    the matches along the shifts up to its first value that is not positive (Sokal 1997, in
    Functional Integration; Geyer 1992, Stat Sci 7:473).

    Parameters
    ----------
    matches : ndarray of int64, (rows, length)
        As `matches_at_all_shifts` gives them.

    Returns
    -------
    ndarray of float64, (rows,)
        From 1, where all shifts match alike, to `length`.
    """
    rows, length = matches.shape
    size = _transform_length(length)
    spectrum = rfft(matches - matches.mean(axis=1, keepdims=True), size)
    correlation = _folded((spectrum * spectrum.conj()).real, size, length)
    moves = matches.min(axis=1) < matches.max(axis=1)
    shifts = np.ones(rows)
    # A circle is as far around to the left as to the right.
    correlation = correlation[moves, : length // 2 + 1]
    # Some value is not positive, since those of a circle sum to 0.
    positive = np.argmax(correlation <= 0, axis=1)
    kept = np.arange(positive.max(initial=0)) < positive[:, None]
    sums = np.where(kept, correlation[:, : kept.shape[1]], 0)[:, 1:].sum(axis=1)
    shifts[moves] = np.clip(length / (1 + 2 * sums / correlation[:, 0]), 1, length)
    return shifts


def _transform_length(length: int) -> int:
    """Return `length` where its transform is fast, else at least twice of it, for zeros behind."""
    fast = int(next_fast_len(length, real=True))
    return length if fast == length else int(next_fast_len(2 * length, real=True))


def _folded(spectrum: NDArray[np.inexact], size: int, length: int) -> Floats:
    """Return the circular correlation over `length` bases from the spectrum of one over `size`."""
    correlation: Floats = irfft(spectrum, size, overwrite_x=True)
    if size == length:
        return correlation
    # Shifts to the left stand at the end, and a circle has them on the right.
    folded = correlation[:, :length]
    folded += correlation[:, size - length :]
    return folded


def _changes(states: NDArray[np.uint8]) -> list[int]:
    """Count the changes of state from the ends of rows to their beginnings, and all of them.

    Unlabelled bases are passed over: a seam is one, also where a base without a label lies in it.
    """
    known = states != UNLABELLED
    counts = np.count_nonzero(known, axis=1)
    states, counts = states[known], counts[counts > 0]
    if not states.size:
        return [0, 0]
    ends = np.cumsum(counts)
    begins = ends - counts
    seams = int(np.count_nonzero(states[begins] != states[ends - 1]))
    differ = states[1:] != states[:-1]
    between_rows = int(np.count_nonzero(differ[begins[1:] - 1]))
    return [seams, int(np.count_nonzero(differ)) - between_rows + seams]


def _drawn_shifts(matches: Counts, pairs: int, rng: np.random.Generator) -> Counts:
    """Draw a shift of each row `pairs` times and sum the matches over rows, (pairs,)."""
    rows, length = matches.shape
    sums = np.zeros(pairs, dtype=np.int64)
    at_once = max(1, _AT_ONCE // pairs)
    for first in range(0, rows, at_once):
        part = matches[first : first + at_once]
        shifts = rng.integers(length, size=(len(part), pairs))
        sums += np.take_along_axis(part, shifts, axis=1).sum(axis=0)
    return sums
