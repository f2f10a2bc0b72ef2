"""From sums over units to figures with intervals.

What is a ratio of sums goes one way, what is another function of them the other; both draw the same
units (`intervals`). Figures are plain JSON: value, low, high.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from basetag.judgement.confusion_measures import (
    balanced_accuracy,
    confusion_sums,
    macro_f1,
    matthews_correlation,
)
from basetag.judgement.intervals import Figure, SmoothMeasure, ratio_figures, smooth_figures
from basetag.judgement.metrics import Floats, Reliability
from basetag.judgement.segment_measures import TOLERANCES
from basetag.judgement.unit_sums import UnitSums

#: Below this many nats a base there is nothing to attain, and `attained` stays empty.
LEAST_ATTAINABLE = 1e-3
_MEGABASE = 1e6

JsonFigure = dict[str, float | None]
Ratio = tuple[Floats, Floats]

_SHARE, _CORRELATION = (0.0, 1.0), (-1.0, 1.0)
_NOT_NEGATIVE = (0.0, math.inf)
# What other figures can be, by the first word of their name; any number where it is not told.
_BOUNDS = {
    "ece": _SHARE,
    "brier": (0.0, 2.0),
    "cross": _NOT_NEGATIVE,
    "kl": _NOT_NEGATIVE,
    "unattained": _NOT_NEGATIVE,
    "rate": _NOT_NEGATIVE,
}


def plain(figure: Figure | None) -> JsonFigure | None:
    """Return a figure as plain JSON."""
    if figure is None:
        return None
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def headline_figures(
    sums: UnitSums,
    excess: Mapping[str, Floats],
    reliability: Mapping[str, Reliability],
    further: Mapping[str, Floats],
    *,
    seed: int,
) -> dict[str, JsonFigure | None]:
    """Return the figures of all bases.

    Parameters
    ----------
    sums : UnitSums
    excess : mapping of str to ndarray of float64, (units,)
        Cross-entropy above that of each exact posterior, by its name.
    reliability : mapping of str to Reliability
        Tables over the same units; each gives the calibration error of its name.
    further : mapping of str to ndarray of float64, (units,)
        Sums whose mean over the bases is the figure of their name.
    seed : int
        Seed of the draws.

    Returns
    -------
    dict of str to figure or None
        `accuracy`, `cross_entropy`, `brier`, `balanced_accuracy`, `macro_f1`, `mcc`; of each exact
        posterior `kl_`, `excess_` and `attained_` with its name; and those of the arguments. None
        where a figure is not defined.
    """
    bases = sums.bases
    ratios: dict[str, Ratio] = {
        "accuracy": (sums.correct, bases),
        "cross_entropy": (sums.cross_entropy, bases),
        "brier": (sums.brier, bases),
    }
    ratios |= {name: (own, bases) for name, own in further.items()}
    identities = []
    for name, own in excess.items():
        kl, kl_prior = getattr(sums, f"kl_{name}"), getattr(sums, f"kl_{name}_prior")
        against = {f"kl_{name}": (kl, bases), f"excess_{name}": (own, bases)}
        if kl_prior.sum() >= LEAST_ATTAINABLE * bases.sum():
            against[f"unattained_{name}"] = kl, kl_prior
        ratios |= against
        # A posterior is the exact one, or the prior, on every unit only where it is so by identity.
        identities += list(against)
    rows = confusion_sums(sums.confusion)
    smooth = {
        "balanced_accuracy": SmoothMeasure(rows, balanced_accuracy, _SHARE),
        "macro_f1": SmoothMeasure(rows, macro_f1, _SHARE),
        "mcc": SmoothMeasure(rows, matthews_correlation, _CORRELATION),
    }
    smooth |= {
        name: SmoothMeasure(_calibration_rows(table, bases), calibration_error)
        for name, table in reliability.items()
    }
    figures: dict[str, Figure | None] = {}
    figures |= ratio_figures(ratios, seed=seed, identities=identities, bounds={"accuracy": _SHARE})
    figures |= smooth_figures(smooth, seed=seed)
    # No correlation with what never varies.
    figures["mcc"] = figures["mcc"] or Figure(0.0)
    found = {}
    for name, figure in figures.items():
        figure = _bounded(name, figure)
        if name.startswith("unattained_") and figure is not None:
            name, figure = name.removeprefix("un"), figure.one_minus()
        found[name] = plain(figure)
    return found


def class_figures(sums: UnitSums, *, seed: int) -> list[dict[str, JsonFigure | None]]:
    """Return precision, recall and F1 of each state; None where a state has no such bases."""
    matches = np.diagonal(sums.confusion, axis1=1, axis2=2)
    true, called = sums.confusion.sum(axis=2), sums.confusion.sum(axis=1)
    found = []
    for state in range(matches.shape[1]):
        own = matches[:, state], true[:, state], called[:, state]
        found.append(_overlap_figures(*own, seed=seed))
    return found


def segment_figures(sums: UnitSums, *, seed: int) -> dict[str, Any]:
    """Return the figures of segments and boundaries.

    Returns
    -------
    dict
        `precision`, `recall` and `f1` of segments; `per_mb`, segments of `true` and `called` for
        each megabase that is scored; `boundary_f1`, a figure for each of `TOLERANCES`.
    """
    true, called, matched = (
        own.sum(axis=1) for own in (sums.segments_true, sums.segments_called, sums.segments_matched)
    )
    rates = ratio_figures(
        {"true": (true, sums.bases / _MEGABASE), "called": (called, sums.bases / _MEGABASE)}
        if sums.bases.any()
        else {},
        seed=seed,
    )
    boundaries = sums.boundaries_true, sums.boundaries_called
    boundary_f1 = [
        _overlap_figures(sums.boundaries_matched[:, t], *boundaries, seed=seed)["f1"]
        for t in range(len(TOLERANCES))
    ]
    return {
        **_overlap_figures(matched, true, called, seed=seed),
        "per_mb": {name: plain(_bounded("rate", rates.get(name))) for name in ("true", "called")},
        "boundary_f1": boundary_f1,
    }


def calibration_error(sums: Floats) -> tuple[Floats, Floats]:
    """Expected calibration error (Guo et al. 2017, ICML 70:1321), and its derivatives.

    Parameters
    ----------
    sums : ndarray of float64, (n, bins + 1)
        Matches less posteriors of each bin of confidence, and the number of bases.
    """
    gaps, bases = sums[:, :-1], sums[:, -1:]
    values = np.abs(gaps).sum(axis=1, keepdims=True) / bases
    return values[:, 0], np.concatenate([np.sign(gaps) / bases, -values / bases], axis=1)


def _calibration_rows(table: Reliability, bases: Floats) -> Floats:
    return np.concatenate([table.correct - table.confidence, bases[:, None]], axis=1)


def _overlap_figures(
    matched: Floats, true: Floats, called: Floats, *, seed: int
) -> dict[str, JsonFigure | None]:
    """Return precision, recall and F1 of matched things, each of (units,)."""
    ratios = {
        "precision": (matched, called),
        "recall": (matched, true),
        "f1": (2 * matched, true + called),
    }
    defined = {name: ratio for name, ratio in ratios.items() if ratio[1].any()}
    figures = ratio_figures(defined, seed=seed, bounds=dict.fromkeys(defined, _SHARE))
    return {name: plain(figures.get(name)) for name in ratios}


def _bounded(name: str, figure: Figure | None) -> Figure | None:
    within = _BOUNDS.get(name, _BOUNDS.get(name.partition("_")[0]))
    return figure if figure is None or within is None else figure.within(*within)
