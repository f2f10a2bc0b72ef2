"""A sine of random phase with normal noise: its simulation, and the best that can be told of it.

A series is x(t) = amplitude * sin(2 pi t / period + phase) + noise, the phase uniform and the noise
independent. With period, amplitude and noise known, what is known of the phase after the numbers up
to t is a distribution on a circle, of the form exp(a cos + b sin + c cos 2 + d sin 2) (the
generalised von Mises distribution: Gatto and Jammalamadaka 2007, Statistical Methodology 4:341),
whose coefficients are running sums. It is held on a grid, on which sums of smooth functions of a
circle are exact to all digits. The next number is then a mixture of normals, one for each phase.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from basetag.files import written_whole
from basetag.series import last_known

Floats = NDArray[np.float64]

#: Phases of a grid to one deviation of what is known of the phase.
_PHASES_TO_A_DEVIATION = 2
_FEWEST_PHASES = 64
#: Places times phases that are held at once.
_AT_ONCE = 1 << 21


class Told(NamedTuple):
    """What the model says of the next number of each place.

    Parameters
    ----------
    mean : ndarray of float64, (places,)
        Expectation of the next number: what has the least squared error.
    rises : ndarray of float64, (places,)
        Probability that it is not below the last known one; 1/2 where none is known.
    """

    mean: Floats
    rises: Floats


@dataclass(frozen=True)
class WaveModel:
    """A sine of random phase with noise.

    Parameters
    ----------
    period : float
        In time steps, above 2.
    amplitude, noise : float
        Height of a peak and standard deviation of the noise, both above 0.
    """

    period: float
    amplitude: float
    noise: float

    def sample(self, length: int, rng: np.random.Generator) -> Floats:
        """Draw a series, (length,)."""
        phase = rng.uniform(0.0, 2 * np.pi)
        clean = self.amplitude * np.sin(2 * np.pi * np.arange(length) / self.period + phase)
        noisy: Floats = clean + rng.normal(0.0, self.noise, length)
        return noisy

    def tell(self, values: NDArray[np.float32], lengths: NDArray[np.int64]) -> Told:
        """Return what is known of the next number of each place from those up to it.

        Parameters
        ----------
        values : ndarray of float32, (places,)
            Series, one behind the other; NaN where a number is missing.
        lengths : ndarray of int64, (series,)
        """
        mean, rises = np.zeros(values.size), np.full(values.size, 0.5)
        last = last_known(values, lengths).astype(np.float64)
        own = values.astype(np.float64)
        for end, length in zip(np.cumsum(lengths).tolist(), lengths.tolist(), strict=True):
            here = slice(end - length, end)
            self._tell_one(own[here], last[here], mean[here], rises[here])
        return Told(mean, rises)

    def _tell_one(self, values: Floats, last: Floats, mean: Floats, rises: Floats) -> None:
        """Fill `mean` and `rises`, (length,), of one series."""
        turn = 2 * np.pi * np.arange(values.size + 1) / self.period  # of phase 0
        known = ~np.isnan(values)
        of_noise = self.amplitude / self.noise**2
        first = np.where(known, np.nan_to_num(values), 0.0) * of_noise
        # sin² is (1 - cos of twice the angle) / 2.
        second = np.where(known, self.amplitude * of_noise / 4, 0.0)
        sums = [
            np.cumsum(part)
            for part in (
                first * np.sin(turn[:-1]), first * np.cos(turn[:-1]),
                second * np.cos(2 * turn[:-1]), -second * np.sin(2 * turn[:-1]),
            )
        ]  # fmt: skip
        n_phases = self._phases(int(known.sum()))
        phase = 2 * np.pi * np.arange(n_phases) / n_phases
        shapes = np.stack([np.cos(phase), np.sin(phase), np.cos(2 * phase), np.sin(2 * phase)])
        step = max(1, _AT_ONCE // n_phases)
        for start in range(0, values.size, step):
            here = slice(start, min(start + step, values.size))
            log_weight = np.stack([part[here] for part in sums], axis=1) @ shapes
            weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
            weight /= weight.sum(axis=1, keepdims=True)  # (places, phases)
            ahead = turn[1:][here]
            told = self.amplitude * np.sin(ahead[:, None] + phase)
            mean[here] = (weight * told).sum(axis=1)
            above = (weight * ndtr((told - last[here][:, None]) / self.noise)).sum(axis=1)
            rises[here] = np.where(np.isnan(last[here]), 0.5, above)

    def _phases(self, n: int) -> int:
        """Return the phases of a grid on which what is known after n numbers is smooth."""
        deviation = self.noise / self.amplitude * np.sqrt(2 / max(1, n))
        wanted = max(_FEWEST_PHASES, 2 * np.pi * _PHASES_TO_A_DEVIATION / deviation)
        return 1 << int(np.ceil(np.log2(wanted)))


def simulate_waves(settings: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Draw series and write them as a table with the columns record and value.

    Parameters
    ----------
    settings : mapping
        `Config.wave_settings`: `wave`, `records`, `length`, `seed`.
    path : path-like
        The target, written whole or not at all.
    """
    model = WaveModel(**settings["wave"])
    with written_whole(Path(path)) as (place,), place.open("w", encoding="utf-8") as file:
        file.write("record\tvalue\n")
        for record in range(settings["records"]):
            rng = np.random.default_rng(
                np.random.SeedSequence(settings["seed"], spawn_key=(record,))
            )
            values = model.sample(settings["length"], rng).astype(np.float32)
            file.writelines(f"wave{record + 1}\t{value!s}\n" for value in values)
