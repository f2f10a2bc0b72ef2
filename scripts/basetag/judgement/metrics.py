"""The sums that a tagger's measures follow from, for each unit of the test split.

Every measure is a sum over bases or a function of counts, so posteriors of any length stream
through `Scores` in chunks. Sums are kept for each unit, because units, not bases, are what an
interval may resample; what they are says `units`. The figures that follow from the sums are put
together in `figures`.

Here and everywhere a posterior is floored at `FLOOR` and renormalised before it is scored, the
exact one too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Least probability of a state, so that no single base can cost more than 13.8 nats.
FLOOR = 1e-6
#: Equal-width bins of confidence from 0 to 1, of the reliability table and the ECE.
N_BINS = 10

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def floored(probabilities: NDArray[np.floating[Any]], axis: int = -1) -> Floats:
    """Return `probabilities` floored at `FLOOR` and renormalised along `axis`, in float64."""
    raised: Floats = np.maximum(probabilities, FLOOR, dtype=np.float64)
    raised /= raised.sum(axis=axis, keepdims=True)
    return raised


def scaled_posterior(log_posterior: Floats, temperature: float) -> Floats:
    """Return posteriors at a temperature, softmax(log p / T) over the states, floored.

    Parameters
    ----------
    log_posterior : ndarray of float64, (states, bases)
        Of floored posteriors.
    temperature : float
        T; 1 changes nothing.

    Returns
    -------
    ndarray of float64, (states, bases)
    """
    # No logarithm is below that of the floor, so that at 1/20 the least is e**-276: no underflow.
    scaled = np.exp(log_posterior * (1 / temperature))
    scaled /= scaled.sum(axis=0)
    return floored(scaled, axis=0)


class Reliability:
    """Likeliest states by their posterior, for each unit: how sure of them, and how often right.

    Parameters
    ----------
    n_units : int
        Number of units.

    Attributes
    ----------
    counts, correct : ndarray of int64, (units, N_BINS)
        Bases whose likeliest state has a posterior in the bin, and those where it is the label.
    confidence : ndarray of float64, (units, N_BINS)
        Sum of these posteriors.
    """

    def __init__(self, n_units: int) -> None:
        self.counts: Counts = np.zeros((n_units, N_BINS), dtype=np.int64)
        self.confidence: Floats = np.zeros((n_units, N_BINS))
        self.correct: Counts = np.zeros((n_units, N_BINS), dtype=np.int64)

    def add(
        self, here: slice, unit: NDArray[np.int64], confidence: Floats, right: NDArray[np.bool_]
    ) -> None:
        """Add bases: `unit` (bases,) is that of each within `here`, `right` whether it is so."""
        shape = here.stop - here.start, N_BINS
        bins = np.minimum((confidence * N_BINS).astype(np.intp), N_BINS - 1)
        bins += unit * N_BINS
        size = shape[0] * N_BINS
        self.counts[here] += np.bincount(bins, minlength=size).reshape(shape)
        self.confidence[here] += np.bincount(bins, confidence, minlength=size).reshape(shape)
        self.correct[here] += np.bincount(bins[right], minlength=size).reshape(shape)

    def chosen(self, which: NDArray[np.bool_]) -> Reliability:
        """Return the table of the units that a mask picks."""
        table = Reliability(0)
        table.counts, table.correct = self.counts[which], self.correct[which]
        table.confidence = self.confidence[which]
        return table

    @property
    def calibration_error(self) -> float:
        """The expected calibration error of all units (Guo et al. 2017, ICML 70:1321)."""
        gaps = np.abs(self.correct.sum(axis=0) - self.confidence.sum(axis=0))
        return float(gaps.sum() / self.counts.sum())

    def table(self) -> dict[str, list[Any]]:
        """Return the sums over all units as plain JSON, `confidence` and `accuracy` as means."""
        counts = self.counts.sum(axis=0)
        means = [
            [float(total / n) if n else None for total, n in zip(sums, counts, strict=True)]
            for sums in (self.confidence.sum(axis=0), self.correct.sum(axis=0))
        ]
        return {
            "edges": [edge / N_BINS for edge in range(N_BINS + 1)],
            "counts": counts.tolist(),
            "confidence": means[0],
            "accuracy": means[1],
        }


class Reference:
    """Sums that compare a tagger with an exact posterior.

    Parameters
    ----------
    n_units : int
        Number of units.

    Attributes
    ----------
    correct, cross_entropy, brier : ndarray of float64, (units,)
        Matches of the reference's likeliest states with the labels; its own scores.
    kl, kl_prior : ndarray of float64, (units,)
        KL(reference || tagger) and KL(reference || prior), nats.
    reliability : Reliability
        The reference's own.
    """

    def __init__(self, n_units: int) -> None:
        self.correct: Floats = np.zeros(n_units)
        self.cross_entropy: Floats = np.zeros(n_units)
        self.brier: Floats = np.zeros(n_units)
        self.kl: Floats = np.zeros(n_units)
        self.kl_prior: Floats = np.zeros(n_units)
        self.reliability = Reliability(n_units)


class Scores:
    """Running sums over the scored bases of one tagger.

    Parameters
    ----------
    n_units : int
        Number of units of the split.
    prior : ndarray of float64, (states,)
        Label frequencies of the training split.
    references : sequence of str
        Names of the exact posteriors that `add` will be given beside the tagger's.
    temperature : float, optional
        At which the tagger's posteriors are scored once more.

    Attributes
    ----------
    bases : ndarray of int64, (units,)
        Scored bases.
    correct, cross_entropy, brier : ndarray of float64, (units,)
        Matches; nats; squared distance of the posterior from the label, summed over states and
        so between 0 and 2 a base (Brier 1950).
    confusion : ndarray of int64, (units, states, states)
        True states in rows, called ones in columns.
    sure : ndarray of float64, (units, 2)
        Sum of the called states' probabilities over the matches, and over the mismatches.
    reliability : Reliability
    references : dict of str to Reference
    scaled_cross_entropy : ndarray of float64, (units,)
    scaled_reliability : Reliability
        The same of the posteriors at the temperature.
    """

    def __init__(
        self,
        n_units: int,
        prior: Floats,
        references: Sequence[str] = (),
        temperature: float | None = None,
    ) -> None:
        n_states = len(prior)
        # In single precision, as a tagger that gives the prior holds it: so it attains 0 exactly.
        self._log_prior = np.log(floored(prior.astype(np.float32)))[:, None]  # (states, 1)
        self._temperature = temperature
        self.bases: Counts = np.zeros(n_units, dtype=np.int64)
        self.correct: Floats = np.zeros(n_units)
        self.cross_entropy: Floats = np.zeros(n_units)
        self.brier: Floats = np.zeros(n_units)
        self.confusion: Counts = np.zeros((n_units, n_states, n_states), dtype=np.int64)
        self.sure: Floats = np.zeros((n_units, 2))
        self.reliability = Reliability(n_units)
        self.references = {name: Reference(n_units) for name in references}
        self.scaled_cross_entropy: Floats = np.zeros(n_units)
        self.scaled_reliability = Reliability(n_units)

    def add(
        self,
        unit: NDArray[np.integer[Any]],
        labels: NDArray[np.uint8],
        calls: NDArray[np.uint8],
        posterior: NDArray[np.floating[Any]],
        references: Mapping[str, NDArray[np.floating[Any]]],
    ) -> Floats:
        """Add labelled bases, and return their floored posterior, (states, bases).

        Parameters
        ----------
        unit : ndarray of int, (bases,)
            The unit of each base, in ascending order.
        labels : ndarray of uint8, (bases,)
            True states; no base is unlabelled.
        calls : ndarray of uint8, (bases,)
            The states that the tagger calls.
        posterior : ndarray, (bases, states)
            The tagger's.
        references : mapping of str to ndarray, (bases, states)
            The exact posteriors, under the names given at the start.
        """
        # States first: sums over two or three states are then sums of long rows.
        p = floored(np.ascontiguousarray(posterior.T), axis=0)  # (states, bases)
        if labels.size == 0:
            return p
        n_states = len(p)
        first = int(unit[0])
        here = slice(first, int(unit[-1]) + 1)
        own = (unit - first).astype(np.intp)
        n_here = here.stop - first

        def per_unit(values: NDArray[Any]) -> Floats:
            return np.bincount(own, values, minlength=n_here).astype(np.float64)

        log_p = np.log(p)
        of_label = labels.astype(np.intp) * labels.size + np.arange(labels.size)
        at_label = p.ravel()[of_label]
        self.bases[here] += np.bincount(own, minlength=n_here)
        match = calls == labels
        self.correct[here] += per_unit(match)
        of_call = p.ravel()[calls.astype(np.intp) * labels.size + np.arange(labels.size)]
        self.sure[here] += np.stack([per_unit(of_call * match), per_unit(of_call * ~match)], axis=1)
        self.cross_entropy[here] -= per_unit(log_p.ravel()[of_label])
        self.brier[here] += per_unit((p * p).sum(axis=0) - 2 * at_label + 1)
        pair = (own * n_states + labels) * n_states + calls
        self.confusion[here] += np.bincount(pair, minlength=n_here * n_states**2).reshape(
            n_here, n_states, n_states
        )
        likeliest, confidence = _likeliest(p)
        right = likeliest == labels
        self.reliability.add(here, own, confidence, right)
        if self._temperature is not None:
            scaled = scaled_posterior(log_p, self._temperature)
            self.scaled_cross_entropy[here] -= per_unit(np.log(scaled.ravel()[of_label]))
            self.scaled_reliability.add(here, own, scaled.max(axis=0), right)
        for name, sums in self.references.items():
            q = floored(np.ascontiguousarray(references[name].T), axis=0)
            log_q = np.log(q)
            likeliest, confidence = _likeliest(q)
            right = likeliest == labels
            sums.correct[here] += per_unit(right)
            sums.reliability.add(here, own, confidence, right)
            sums.cross_entropy[here] -= per_unit(log_q.ravel()[of_label])
            sums.brier[here] += per_unit((q * q).sum(axis=0) - 2 * q.ravel()[of_label] + 1)
            # KL is never negative; rounding can leave -1e-17.
            sums.kl[here] += per_unit(np.maximum((q * (log_q - log_p)).sum(axis=0), 0))
            to_prior = np.maximum((q * (log_q - self._log_prior)).sum(axis=0), 0)
            sums.kl_prior[here] += per_unit(to_prior)
        return p


def _likeliest(posterior: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the likeliest state, the first of equals, and its posterior; of (states, bases)."""
    best = posterior[0].copy()
    states = np.zeros(posterior.shape[1], dtype=np.intp)
    for state in range(1, len(posterior)):
        states[posterior[state] > best] = state
        np.maximum(best, posterior[state], out=best)
    return states, best
