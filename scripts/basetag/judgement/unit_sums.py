"""What each unit of the test split adds to a tagger's figures: units.npz.

From these sums intervals are resampled, and two taggers compared unit by unit.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError
from basetag.files import written_whole

AnyPath = str | os.PathLike[str]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class UnitSums:
    """Sums of each unit that has a scored base, all float64.

    Parameters
    ----------
    bases, correct, cross_entropy, brier : ndarray, (units,)
        Scored bases, matches, nats, and squared distances of the posterior from the label.
    confusion : ndarray, (units, states, states)
        True states in rows, called ones in columns.
    segments_true, segments_called, segments_matched : ndarray, (units, states)
        Segments that begin in the unit; see `segment_measures`.
    boundaries_true, boundaries_called : ndarray, (units,)
    boundaries_matched : ndarray, (units, tolerances)
        Boundaries in the unit.
    kl_exact, kl_exact_prior, kl_filtered, kl_filtered_prior : ndarray, (units,), or None
        Divergence of the tagger, and of the prior, from the exact posteriors, nats.
    numbers, squared_error : ndarray, (units,), or None
        Of what tells numbers: how many of them there are, and squares of told less true.
    """

    bases: Floats
    correct: Floats
    cross_entropy: Floats
    brier: Floats
    confusion: Floats
    segments_true: Floats
    segments_called: Floats
    segments_matched: Floats
    boundaries_true: Floats
    boundaries_called: Floats
    boundaries_matched: Floats
    kl_exact: Floats | None = None
    kl_exact_prior: Floats | None = None
    kl_filtered: Floats | None = None
    kl_filtered_prior: Floats | None = None
    numbers: Floats | None = None
    squared_error: Floats | None = None

    def write(self, path: AnyPath) -> None:
        """Write the sums, whole or not at all."""
        arrays: dict[str, Any] = {
            name: array for name, array in vars(self).items() if array is not None
        }
        with written_whole(path) as (place,):
            np.savez_compressed(place, allow_pickle=False, **arrays)

    @classmethod
    def read(cls, path: AnyPath) -> UnitSums:
        """Read the sums of a units.npz.

        Raises
        ------
        InputError
            Where the file does not hold them.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(**{name: arrays[name] for name in arrays.files})
        except (OSError, ValueError, TypeError, EOFError) as error:
            raise InputError(
                f"cannot be read as sums of units ({error})",
                file=Path(path),
                advice="delete it and run again",
            ) from None


def mean_over(sums: Sequence[UnitSums]) -> UnitSums:
    """Return the mean of sums over the same units, such as those of a network's seeds."""
    if len(sums) == 1:
        return sums[0]
    parts = {field.name: [getattr(own, field.name) for own in sums] for field in fields(UnitSums)}
    means: dict[str, Any] = {
        name: None if any(array is None for array in arrays) else np.mean(arrays, axis=0)
        for name, arrays in parts.items()
    }
    return UnitSums(**means)
