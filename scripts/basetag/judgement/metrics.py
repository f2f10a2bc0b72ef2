"""Measures of a tagger: sums per segment, and the figures and intervals that follow from them.

Every measure is a sum over bases or a function of counts, so posteriors of any length stream
through `Scores` in chunks. Sums are kept for each segment of the split, because segments, not
bases, are the independent units that an interval may resample. What a figure is compared with
(chance, the exact posterior's own figures) is put together in `evaluation`.

Here and everywhere a posterior is floored at `FLOOR` and renormalised before it is scored, the
exact one too.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Least probability of a state, so that no single base can cost more than 13.8 nats.
FLOOR = 1e-6
#: Equal-width bins of confidence from 0 to 1, of the reliability table and the ECE.
N_BINS = 10
#: Fewer segments than this carry no interval.
FEWEST_UNITS = 10
# A standard error below this share of its figure is rounding.
_NO_SPREAD = 1e-12

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def floored(probabilities: NDArray[np.floating[Any]], axis: int = -1) -> Floats:
    """Return `probabilities` floored at `FLOOR` and renormalised along `axis`, in float64."""
    raised: Floats = np.maximum(probabilities, FLOOR, dtype=np.float64)
    raised /= raised.sum(axis=axis, keepdims=True)
    return raised


@dataclass(frozen=True)
class Reference:
    """Sums per segment that compare a tagger with an exact posterior, each (segments,).

    Parameters
    ----------
    correct, cross_entropy : ndarray of float64
        Matches of the reference's likeliest states with the labels, and its own cross-entropy.
    kl, kl_prior : ndarray of float64
        KL(reference || tagger) and KL(reference || prior), nats.
    """

    correct: Floats
    cross_entropy: Floats
    kl: Floats
    kl_prior: Floats


class Scores:
    """Running sums over the scored bases of one tagger.

    Parameters
    ----------
    n_segments : int
        Number of segments of the split.
    prior : ndarray of float64, (states,)
        Label frequencies of the training split.
    references : sequence of str
        Names of the exact posteriors that `add` will be given beside the tagger's.

    Attributes
    ----------
    bases : ndarray of int64, (segments,)
        Scored bases.
    correct, cross_entropy, brier : ndarray of float64, (segments,)
        Matches; nats; squared distance of the posterior from the label, summed over states and
        so between 0 and 2 a base (Brier 1950).
    confusion : ndarray of int64, (states, states)
        True states in rows, called ones in columns.
    references : dict of str to Reference
    bin_counts, bin_confidence, bin_correct : ndarray, (N_BINS,)
        Likeliest states by their posterior: their number, the sum of their posteriors, the matches.
    """

    def __init__(self, n_segments: int, prior: Floats, references: Sequence[str] = ()) -> None:
        n_states = len(prior)
        # In single precision, as a tagger that gives the prior holds it: so it attains 0 exactly.
        self._log_prior = np.log(floored(prior.astype(np.float32)))[:, None]  # (states, 1)
        self.bases: Counts = np.zeros(n_segments, dtype=np.int64)
        self.correct: Floats = np.zeros(n_segments)
        self.cross_entropy: Floats = np.zeros(n_segments)
        self.brier: Floats = np.zeros(n_segments)
        self.confusion: Counts = np.zeros((n_states, n_states), dtype=np.int64)
        self.references = {
            name: Reference(*(np.zeros(n_segments) for _ in range(4))) for name in references
        }
        self.bin_counts: Counts = np.zeros(N_BINS, dtype=np.int64)
        self.bin_confidence: Floats = np.zeros(N_BINS)
        self.bin_correct: Counts = np.zeros(N_BINS, dtype=np.int64)

    def add(
        self,
        segment: NDArray[np.integer[Any]],
        labels: NDArray[np.uint8],
        calls: NDArray[np.uint8],
        posterior: NDArray[np.floating[Any]],
        references: Mapping[str, NDArray[np.floating[Any]]],
    ) -> None:
        """Add labelled bases.

        Parameters
        ----------
        segment : ndarray of int, (bases,)
            The segment of each base, in ascending order.
        labels : ndarray of uint8, (bases,)
            True states; no base is unlabelled.
        calls : ndarray of uint8, (bases,)
            The states that the tagger calls.
        posterior : ndarray, (bases, states)
            The tagger's.
        references : mapping of str to ndarray, (bases, states)
            The exact posteriors, under the names given at the start.
        """
        if labels.size == 0:
            return
        n_states = len(self.confusion)
        first = int(segment[0])
        here = slice(first, int(segment[-1]) + 1)
        unit = segment - first

        def per_segment(values: NDArray[Any]) -> Floats:
            return np.bincount(unit, values, minlength=here.stop - first).astype(np.float64)

        # States first: sums over two or three states are then sums of long rows.
        p = floored(np.ascontiguousarray(posterior.T), axis=0)  # (states, bases)
        log_p = np.log(p)
        matches = calls == labels
        of_label = labels.astype(np.intp) * labels.size + np.arange(labels.size)
        self.bases[here] += np.bincount(unit, minlength=here.stop - first)
        self.correct[here] += per_segment(matches)
        self.cross_entropy[here] -= per_segment(log_p.ravel()[of_label])
        self.brier[here] += per_segment((p * p).sum(axis=0) - 2 * p.ravel()[of_label] + 1)
        pair = labels.astype(np.intp) * n_states + calls
        self.confusion += np.bincount(pair, minlength=n_states**2).reshape(n_states, n_states)
        likeliest, confidence = _likeliest(p)
        certain = likeliest == labels
        bins = np.minimum((confidence * N_BINS).astype(np.intp), N_BINS - 1)
        self.bin_counts += np.bincount(bins, minlength=N_BINS)
        self.bin_confidence += np.bincount(bins, weights=confidence, minlength=N_BINS)
        self.bin_correct += np.bincount(bins[certain], minlength=N_BINS)
        for name, sums in self.references.items():
            q = floored(np.ascontiguousarray(references[name].T), axis=0)
            log_q = np.log(q)
            sums.correct[here] += per_segment(_likeliest(q)[0] == labels)
            sums.cross_entropy[here] -= per_segment(log_q.ravel()[of_label])
            # KL is never negative; rounding can leave -1e-17.
            sums.kl[here] += per_segment(np.maximum((q * (log_q - log_p)).sum(axis=0), 0))
            to_prior = np.maximum((q * (log_q - self._log_prior)).sum(axis=0), 0)
            sums.kl_prior[here] += per_segment(to_prior)


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval; `low` and `high` are None where none can be given."""

    value: float
    low: float | None
    high: float | None


def ratio_figures(
    ratios: Mapping[str, tuple[Floats, Floats]],
    *,
    seed: int,
    draws: int = 1000,
    identities: Container[str] = (),
) -> dict[str, Figure]:
    """Estimate ratios of sums over segments, with bootstrap-t intervals over the segments.

    All ratios share their draws. A plain percentile interval is too short for few units; the
    studentised one (Efron and Tibshirani 1993, An Introduction to the Bootstrap, 12.5) is not,
    and follows a skewed distribution. The standard error is the linearised one of a ratio.

    Parameters
    ----------
    ratios : mapping of str to (ndarray, ndarray), each (segments,)
        Numerator and denominator of each segment; the figure is sum / sum.
    seed : int
        Seed of the draws.
    draws : int
        Number of resamples.
    identities : container of str
        Ratios that segments share by identity alone, such as the divergence of a posterior from
        itself: those of no spread are exact, and get an interval of no width.

    Returns
    -------
    dict of str to Figure
        Without an interval where fewer than `FEWEST_UNITS` segments have a denominator; nor, but
        for `identities`, where all segments have the same ratio: that is luck (twelve segments
        without a mistake), and says nothing of how the next would differ.
    """
    figures = {}
    rows: list[Floats] = []
    spread = {}
    for name, (numerator, denominator) in ratios.items():
        value = float(numerator.sum() / denominator.sum())
        figures[name] = Figure(value, None, None)
        if np.count_nonzero(denominator) >= FEWEST_UNITS:
            residual = numerator - value * denominator
            parts = [residual**2, residual * denominator, denominator**2]
            totals = [float(part.sum()) for part in (denominator, *parts)]
            error = _standard_error(totals[0], totals[1], totals[2], totals[3], 0.0)
            if error > _NO_SPREAD * abs(value) or name in identities:
                spread[name] = error
                rows += [denominator, residual, *parts]
    if not rows:
        return figures
    sums = _resampled_sums(np.stack(rows), np.random.default_rng(seed), draws)
    for index, (name, error) in enumerate(spread.items()):
        base, residual, squares, products, base_squares = sums[:, 5 * index : 5 * index + 5].T
        valid = base > 0
        shift = residual[valid] / base[valid]  # of the draw's ratio from the ratio
        errors = _standard_error(
            base[valid], squares[valid], products[valid], base_squares[valid], shift
        )
        # A draw of equal segments has no spread of its own: it takes that of all of them.
        errors = np.where(errors > 1e-9 * error, errors, error)
        scaled = np.divide(shift, errors, out=np.zeros_like(shift), where=errors > 0)
        low, high = np.quantile(scaled, [0.025, 0.975])
        value = figures[name].value
        figures[name] = Figure(value, float(value - high * error), float(value - low * error))
    return figures


def accuracy(confusion: Counts) -> float:
    """Share of the bases whose call is their label."""
    return float(np.trace(confusion) / confusion.sum())


def balanced_accuracy(confusion: Counts) -> float:
    """Mean recall of the states that occur among the labels."""
    true = confusion.sum(axis=1)
    present = true > 0
    return float(np.mean(np.diag(confusion)[present] / true[present]))


def macro_f1(confusion: Counts) -> float:
    """Mean F1 of the states that occur among labels or calls."""
    total = confusion.sum(axis=0) + confusion.sum(axis=1)
    present = total > 0
    return float(np.mean(2 * np.diag(confusion)[present] / total[present]))


def matthews_correlation(confusion: Counts) -> float:
    """Matthews correlation for any number of states (Gorodkin 2004); 0 where it is undefined."""
    counts = confusion.astype(np.float64)
    true, called, total = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    covariance = np.trace(counts) * total - true @ called
    spread = (total**2 - true @ true) * (total**2 - called @ called)
    return float(covariance / np.sqrt(spread)) if spread > 0 else 0.0


def calibration_error(counts: Counts, confidence: Floats, correct: Counts) -> float:
    """Expected calibration error from the sums of each bin of confidence (Guo et al. 2017)."""
    return float(np.abs(correct - confidence).sum() / counts.sum())


def _likeliest(posterior: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the likeliest state, the first of equals, and its posterior; of (states, bases)."""
    best = posterior[0].copy()
    states = np.zeros(posterior.shape[1], dtype=np.intp)
    for state in range(1, len(posterior)):
        states[posterior[state] > best] = state
        np.maximum(best, posterior[state], out=best)
    return states, best


def _standard_error(
    base: Any, squares: Any, products: Any, base_squares: Any, shift: Any
) -> NDArray[np.float64]:
    """Linearised standard error of a ratio `shift` above the one that left the residuals."""
    variance = squares - 2 * shift * products + shift**2 * base_squares
    return np.asarray(np.sqrt(np.maximum(variance, 0)) / base)


def _resampled_sums(rows: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Sum each row over segments drawn with replacement: (rows, segments) to (draws, rows)."""
    n = rows.shape[1]
    at_once = max(1, (1 << 20) // n)
    sums = np.empty((draws, len(rows)))
    for first in range(0, draws, at_once):
        last = min(first + at_once, draws)
        drawn = rng.integers(n, size=(last - first, n))
        drawn += np.arange(last - first)[:, None] * n
        weights = np.bincount(drawn.ravel(), minlength=(last - first) * n).astype(np.float64)
        # Not a matrix product: its last bits may depend on the number of threads.
        sums[first:last] = np.einsum("dn,rn->dr", weights.reshape(-1, n), rows)
    return sums
