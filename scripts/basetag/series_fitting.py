"""Fitting the baselines of numeric series on the training split, their errors on validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from basetag.baseline import Tensors
from basetag.baseline_data import Fitted, FittingData
from basetag.label_statistics import target_scale
from basetag.segments import Segments
from basetag.series_taggers import (
    AutoregressionTagger,
    LastTagger,
    SeriesTagger,
    Values,
    fitted_autoregression,
)

#: The error counts as at least this share of the targets' deviation: nothing is certain.
_LEAST_ERROR = 1e-6


def fit_last(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    """Fit the last known number: the mean where none is known."""
    mean, deviation = target_scale(data.corpus, data.split["train"])
    tensors = _with_error(data, {"mean": np.array(mean)}, LastTagger, deviation)
    return Fitted(tensors, "the next number is the last known one", 0)


def fit_autoregression(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    """Fit regressions of every order up to that asked for."""
    order = parameters["order"]
    _, deviation = target_scale(data.corpus, data.split["train"])
    training = data.split["train"]
    values, targets = _of(data, training)
    found = fitted_autoregression(values, targets, training.lengths, order)
    tensors = _with_error(data, {"coefficients": found}, AutoregressionTagger, deviation)
    numbers = "number" if order == 1 else f"{order} numbers"
    return Fitted(
        tensors,
        f"linear regression on the last {numbers}",
        order + 1,
        {"order": order},
    )


def fit_wave(data: FittingData, parameters: Mapping[str, Any]) -> Fitted:
    """Take the model that simulates, as it is."""
    return Fitted(
        {"noise": np.array(float(parameters["wave"]["noise"]))},
        "exact distribution of the next number under the simulating model, given those so far",
        0,
        {"wave": dict(parameters["wave"])},
    )


def _of(data: FittingData, segments: Segments) -> tuple[Values, Values]:
    """Return the numbers of segments and those behind them, (places,) each."""
    features, targets = segments.gathered_features(data.corpus), data.corpus.targets
    assert features is not None and targets is not None  # noqa: S101, PT018 - a series has both
    return np.asarray(features, dtype=np.float32)[:, 0], segments.gathered(targets)


def _with_error(
    data: FittingData,
    tensors: Tensors,
    kind: Callable[[dict[str, Any], Tensors], SeriesTagger],
    deviation: float,
) -> Tensors:
    """Return a tagger's arrays with `error`, its root mean squared error on validation.

    Where no number of that is known, the training targets' deviation.
    """
    card = {"alphabet": data.corpus.alphabet.name, "states": data.corpus.states}
    validation = data.split["validation"]
    values, targets = _of(data, validation)
    errors = kind(card, tensors).told(values, validation.lengths) - targets
    errors = errors[~np.isnan(errors)]
    error = float(np.sqrt((errors**2).mean())) if errors.size else deviation
    return tensors | {"error": np.array(max(error, _LEAST_ERROR * deviation))}
