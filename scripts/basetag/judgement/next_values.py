"""What is judged of numeric series alone: how long they stay alike, and errors beside the noise.

Figures of numbers are those of `regression`, at each time step with a known number behind it.
Errors of neighbouring steps can be alike, so the units of their intervals are as long as the
series' own numbers ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.judgement.units import Units, autocorrelation
from basetag.segments import Segments

#: Steps of the stretch that the report draws.
STRETCH = 150


def series_values(corpus: Corpus, segments: Segments) -> NDArray[np.float32]:
    """Return the numbers of the segments of a corpus of series, (places,), in order."""
    features = segments.gathered_features(corpus)
    assert features is not None  # noqa: S101 - a series has its numbers
    return np.asarray(features, dtype=np.float32)[:, 0]


def value_correlation_length(values: NDArray[np.float32], lengths: NDArray[np.int64]) -> float:
    """Return over how many steps numbers are alike: as many count as one that is independent.

    The integrated autocorrelation time, 1 + 2 sum r(k), the sum taken up to the first lag k at
    which r is not positive, as `units.correlation_length` of labels; of a sine about a third of its
    period, so that ten such lengths are several periods.

    Parameters
    ----------
    values : ndarray of float32, (places,)
        Series, one behind the other; NaN where a number is missing.
    lengths : ndarray of int64, (series,)

    Returns
    -------
    float
        At least 1, in steps; 1 where all numbers are the same.
    """
    known = ~np.isnan(values)
    if not known.any():
        return 1.0
    own = values.astype(np.float64)
    deviations = np.where(known, own - own[known].mean(), 0.0)
    longest = int(lengths.max(initial=1))
    products, pairs = np.zeros(longest), np.zeros(longest)
    for end, size in zip(np.cumsum(lengths).tolist(), lengths.tolist(), strict=True):
        here = slice(end - size, end)
        products[:size] += autocorrelation(deviations[here])
        pairs[:size] += autocorrelation(known[here].astype(np.float64))
    mean = np.divide(products, pairs, out=np.zeros(longest), where=pairs > 0.5)
    if mean[0] <= 0:
        return 1.0
    ends = np.flatnonzero(mean <= 0)
    reach = int(ends[0]) if ends.size else longest
    return max(1.0, float(1 + 2 * mean[1:reach].sum() / mean[0]))


def places_with_numbers(
    corpus: Corpus, segments: Segments, units: Units
) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.int64]]:
    """Return which places have a number to be told, these numbers, and the unit of each.

    Returns
    -------
    known : ndarray of bool, (places,)
        In the order of the split.
    targets : ndarray of float32, (known places,)
    unit : ndarray of int64, (known places,)
    """
    assert corpus.targets is not None  # noqa: S101 - a series has them
    targets = segments.gathered(corpus.targets)
    known = ~np.isnan(targets)
    return known, targets[known], np.repeat(units.unit, units.pieces.lengths)[known]


def next_value_section(
    corpus: Corpus,
    segments: Segments,
    told: NDArray[np.float32],
    rmse: Mapping[str, Any] | None,
    *,
    noise: float | None,
    correlation_length: float,
) -> dict[str, Any]:
    """Return the section `next_value` of metrics.json.

    Parameters
    ----------
    corpus, segments
        A corpus of series, and its test split.
    told : ndarray of float32, (places,)
        What the tagger tells at each place.
    rmse : figure or None
        The root of its mean squared error.
    noise : float or None
        Deviation of the noise, where the series are simulated.
    correlation_length : float
        Of the numbers, in steps.

    Returns
    -------
    dict
        `noise`; `to_noise`, the error in terms of it, a figure; `correlation_length`; `stretch`:
        the first `STRETCH` steps of the longest series of the split, with `record`, `start` (of the
        first step, from 0), `true` (the numbers, None where missing) and `told` (what was told of
        each by those before it, None of the first).
    """
    longest = int(segments.lengths.argmax())
    first = int(segments.lengths[:longest].sum())
    size = min(STRETCH, int(segments.lengths[longest]))
    chosen = segments.chosen(np.array([longest]))
    true = series_values(corpus, chosen)[:size]
    of_next = told[first : first + size]
    to_noise = None
    if noise is not None and rmse is not None:
        to_noise = {end: None if own is None else own / noise for end, own in rmse.items()}
    return {
        "noise": noise,
        "to_noise": to_noise,
        "correlation_length": correlation_length,
        "stretch": {
            "record": corpus.names[int(chosen.record[0])],
            "start": int(chosen.start[0]),
            "true": [None if np.isnan(v) else float(f"{v:.5g}") for v in true],
            "told": [None, *(float(f"{v:.5g}") for v in of_next[:-1])],
        },
    }
