"""Taggers of numeric series that are no networks: the last number, a regression, the exact model.

Each tells the next number of every place, and how likely it is not to fall: by a normal
distribution around what is told, as wide as the errors on the validation split; by the model itself
where that is known.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from basetag.baseline import Baseline, Lengths, Posterior, Sequences, Tokens
from basetag.errors import InputError
from basetag.features import BaseFeatures
from basetag.series import known_run, last_known
from basetag.tagger_file import Kind
from basetag.wave_model import WaveModel

Values = NDArray[np.float32]
Numbers = NDArray[np.float64]


def rising(told: Numbers, last: NDArray[np.floating[Any]], error: float) -> Posterior:
    """Return P(the next number is not below the last one, or is), (places, 2), float32.

    Parameters
    ----------
    told : ndarray of float64, (places,)
        The mean of what is known of the next number.
    last : ndarray, (places,)
        The last known number; NaN where there is none, so that both are as likely.
    error : float
        Its deviation, above 0.
    """
    above = np.nan_to_num((told - last) / error)
    return np.stack([ndtr(above), ndtr(-above)], axis=1).astype(np.float32)


class SeriesTagger(Baseline):
    """A tagger that tells the next number of each place of a series."""

    of_kind: ClassVar[Kind] = "rule"

    def told(self, values: Values, lengths: Lengths) -> Numbers:
        """Return the next number of each place, (places,), from those up to it."""
        raise NotImplementedError

    @property
    def tells_values(self) -> bool:
        """That it tells the number behind each place."""
        return True

    def next_values(
        self,
        tokens: Tokens,
        lengths: Lengths,
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> tuple[Values, Posterior]:
        """Return the number and the probabilities of each place: see `TellsValues`."""
        values = self._values(features)
        told = self.told(values, lengths)
        error = float(self.tensors["error"])
        return told.astype(np.float32), rising(told, last_known(values, lengths), error)

    def _fill(self, given: Sequences, threads: int, out: Posterior) -> None:
        """Write P(the series rises or falls) of each place, (places, 2): see `Baseline`."""
        out[:] = self.next_values(given.tokens, given.lengths, threads, given.features)[1]

    def _values(self, features: BaseFeatures | None) -> Values:
        """Return the numbers of the places, (places,)."""
        if features is None:
            raise InputError(
                f"{self.card['name']!r} reads the numbers of a series, and was given none",
                advice="give them as features, (places, 1)",
            )
        return np.asarray(features, dtype=np.float32)[:, 0]


class LastTagger(SeriesTagger):
    """The next number is the last known one; the training split's mean where none is known."""

    def told(self, values: Values, lengths: Lengths) -> Numbers:
        """Return the last known number of each place: see `SeriesTagger`."""
        last = last_known(values, lengths).astype(np.float64)
        return np.where(np.isnan(last), float(self.tensors["mean"]), last)


class AutoregressionTagger(SeriesTagger):
    """The next number by those before it, as many as are known without a gap, up to the order."""

    def told(self, values: Values, lengths: Lengths) -> Numbers:
        """Return the next number of each place by the highest order that fits it."""
        coefficients = self.tensors["coefficients"]
        run = known_run(values, lengths, len(coefficients) - 1)
        told = np.empty(values.size)
        for order, row in enumerate(coefficients):
            places = np.flatnonzero(run == order)
            told[places] = lagged(values, places, order) @ row[: order + 1]
        return told


class WaveTagger(SeriesTagger):
    """The exact distribution of the next number under the model that simulates."""

    of_kind = "hmm"  # like those, exact inference of what is hidden: here the phase

    def next_values(
        self,
        tokens: Tokens,
        lengths: Lengths,
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> tuple[Values, Posterior]:
        """Return the number and the probabilities of each place: see `TellsValues`."""
        model = WaveModel(**self.card["architecture"]["wave"])
        told = model.tell(self._values(features), lengths)
        posterior = np.stack([told.rises, 1 - told.rises], axis=1).astype(np.float32)
        return told.mean.astype(np.float32), posterior


def lagged(values: Values | Numbers, places: NDArray[np.int64], order: int) -> Numbers:
    """Return 1 and the numbers from each place back, the latest first, (places, order + 1)."""
    rows = np.ones((places.size, order + 1))
    for lag in range(order):
        rows[:, lag + 1] = values[places - lag]
    return rows


def fitted_autoregression(values: Values, targets: Values, lengths: Lengths, order: int) -> Numbers:
    """Return the coefficients of every order up to `order`, (order + 1, order + 1).

    Row k is of order k: first the constant, then that of the latest number; 0 behind. Each is
    fitted by least squares at all places that have so many numbers; where these are too few, or
    one follows from others, it is the shortest of the best (`numpy.linalg.lstsq`). All numbers are
    fitted less their mean: where they lie far from 0, the constant would be lost in rounding.

    Parameters
    ----------
    values, targets : ndarray of float32, (places,)
        Series one behind the other, and the number behind each place, NaN where there is none.
    lengths : ndarray of int64, (series,)
    order : int
    """
    run = known_run(values, lengths, order)
    own_values = values.astype(np.float64)
    known = own_values[~np.isnan(own_values)]
    centre = float(known.mean()) if known.size else 0.0
    coefficients = np.zeros((order + 1, order + 1))
    for own in range(order + 1):
        places = np.flatnonzero((run >= own) & ~np.isnan(targets))
        if places.size <= own and own:
            coefficients[own] = coefficients[own - 1]  # nothing to fit it on
            continue
        rows = lagged(own_values - centre, places, own)
        found = np.linalg.lstsq(rows, targets[places].astype(np.float64) - centre, rcond=None)[0]
        found[0] += centre * (1 - found[1:].sum())
        coefficients[own, : own + 1] = found
    return coefficients
