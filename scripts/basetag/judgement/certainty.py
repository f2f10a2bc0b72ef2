"""Are mismatches less certain? The probability of called states where they are right and wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from basetag.judgement.figures import plain
from basetag.judgement.intervals import Figure, SmoothMeasure, ratio_figures, smooth_figures
from basetag.judgement.metrics import Floats

_SHARE = (0.0, 1.0)


def certainty_figures(
    sure: Floats, correct: Floats, bases: Floats, *, seed: int
) -> dict[str, Any] | None:
    """Return the mean probability of the called state on matches and on mismatches.

    Parameters
    ----------
    sure : ndarray of float64, (units, 2)
        Sum of the called states' probabilities over the matches, and over the mismatches.
    correct, bases : ndarray of float64, (units,)
        Matches, and scored bases.
    seed : int
        Seed of the draws of the intervals.

    Returns
    -------
    dict or None
        `on_matches`, `on_mismatches` and their `difference`, each with value, low and high, and
        `sums`, what they follow from; None where every call matches, or none does.
    """
    counts = np.stack([correct, bases - correct], axis=1).astype(np.float64)
    if not counts.sum(axis=0).all():
        return None
    names = "on_matches", "on_mismatches"
    ratios = {name: (sure[:, i], counts[:, i]) for i, name in enumerate(names)}
    figures = ratio_figures(ratios, seed=seed, bounds=dict.fromkeys(names, _SHARE))
    rows = np.concatenate([sure, counts], axis=1)
    measures = {"difference": SmoothMeasure(rows, certainty_difference)}
    difference = smooth_figures(measures, seed=seed)["difference"]
    if difference is not None:
        # Of what is always as sure only rounding is left, which is no spread.
        varies = any(figure.low is not None for figure in figures.values())
        difference = difference.within(-1.0, 1.0) if varies else Figure(difference.value)
    return {
        **{name: plain(figure.within(*_SHARE)) for name, figure in figures.items()},
        "difference": plain(difference),
        "sums": dict(zip(("matches", "mismatches"), sure.sum(axis=0).tolist(), strict=True)),
    }


def certainty_difference(sums: Floats) -> tuple[Floats, Floats]:
    """Mean on matches less mean on mismatches, and its derivatives.

    Parameters
    ----------
    sums : ndarray of float64, (n, 4)
        Probabilities on matches and on mismatches, matches, mismatches.

    Returns
    -------
    values : ndarray of float64, (n,)
        NaN where there are no matches, or no mismatches.
    derivatives : ndarray of float64, (n, 4)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums[:, :2] / sums[:, 2:]
        per_base = np.array([1.0, -1.0]) / sums[:, 2:]
        values = np.where((sums[:, 2:] > 0).all(axis=1), means[:, 0] - means[:, 1], np.nan)
        return values, np.concatenate([per_base, -means * per_base], axis=1)
