"""Intervals of figures that follow from sums over units: the bootstrap-t, beside Student's t.

The units are what is independent in a test split: records, or long blocks (`units`). A figure is a
ratio of sums over them, or a smooth function of several sums that does not change when all of them
grow by one factor (a balanced accuracy, a correlation). Its standard error is the linearised one
(the infinitesimal jackknife; Davison and Hinkley 1997, Bootstrap Methods and their Application,
2.7.2), and units are drawn with replacement to see how far the figure is off in standard errors
(the bootstrap-t: Efron and Tibshirani 1993, An Introduction to the Bootstrap, 12.5). That follows a
skewed distribution but is a little short where units are few and symmetric; Student's t is right
there and short where they are skewed. So an interval reaches as far to each side as the farther of
the two. A figure between two bounds is taken to the scale of log odds, on which its spread hardly
changes with its size and it has no bounds (Tibshirani 1988, Biometrika 75:433); there the
bootstrap-t needs no help. Where a bound is reached in some of the draws (units without a mistake
among few that have one), they say too little of it, and the interval is that of a binomial share of
as many units as have its standard error (Korn and Graubard 1998, Survey Methodology 24:193). Of
units that are right or wrong as wholes, as records that are classified, that is the exact one
(Clopper and Pearson 1934), which is always taken. How often all these hold the truth:
`benchmarks/interval_coverage.md`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, expit, logit, stdtrit

from basetag.judgement.figure_places import FEWEST_UNITS
from basetag.judgement.interval_kernels import resampled_sums, squared_influence

#: Resamples of an interval.
DRAWS = 1000
# A standard error below this share of its figure is rounding.
_NO_SPREAD = 1e-12
_TAILS = (0.025, 0.975)
# The standard error of a draw counts as at least this share of that of all units; up to 0.3 it
# changes no coverage of `benchmarks/interval_coverage.md` by more than half a percent.
_LEAST_ERROR = 0.2
# So large a share of draws may reach a bound before they say too little.
_REACHED = 0.002

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval; `low` and `high` are None where none can be given."""

    value: float
    low: float | None = None
    high: float | None = None

    def within(self, least: float, most: float) -> Figure:
        """Return the figure with an interval cut to what the measure can be."""
        if self.low is None or self.high is None:
            return self
        return Figure(self.value, max(self.low, least), min(self.high, most))

    def one_minus(self) -> Figure:
        """Return 1 less the figure, its interval turned round."""
        if self.low is None or self.high is None:
            return Figure(1 - self.value)
        return Figure(1 - self.value, 1 - self.high, 1 - self.low)


@dataclass(frozen=True)
class SmoothMeasure:
    """A figure that is a smooth function of sums over units.

    Parameters
    ----------
    rows : ndarray of float64, (units, sums)
        What each unit adds to each sum.
    function : callable
        From sums, (n, sums), to the n figures and their derivatives by the sums, (n, sums); a
        figure is NaN where it is not defined. It must not change when all sums grow by one factor.
    bounds : (float, float), optional
        Between which it lies, never to be reached by luck alone; without them any number can be.
    """

    rows: Floats
    function: Callable[[Floats], tuple[Floats, Floats]]
    bounds: tuple[float, float] | None = None


@functools.lru_cache(maxsize=2)
def drawn_weights(n_units: int, *, seed: int, draws: int = DRAWS) -> NDArray[np.uint16]:
    """Draw units with replacement: how often each draw holds each unit, (draws, units)."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(n_units, size=(draws, n_units))
    drawn += np.arange(draws)[:, None] * n_units
    weights = np.bincount(drawn.ravel(), minlength=draws * n_units).astype(np.uint16)
    weights.setflags(write=False)  # all who ask for the same draws get the same array
    return weights.reshape(draws, n_units)


def ratio_figures(
    ratios: Mapping[str, tuple[Floats, Floats]],
    *,
    seed: int,
    draws: int = DRAWS,
    identities: Container[str] = (),
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> dict[str, Figure]:
    """Return ratios of sums over units, with their intervals.

    All ratios share their draws.

    Parameters
    ----------
    ratios : mapping of str to (ndarray, ndarray), each (units,)
        Numerator and denominator of each unit; the figure is sum / sum.
    seed : int
        Seed of the draws.
    draws : int
        Number of resamples.
    identities : container of str
        Ratios that units share by identity alone, such as the divergence of a posterior from
        itself: those of no spread are exact, and get an interval of no width.
    bounds : mapping of str to (float, float), optional
        Between which a ratio lies, as for `SmoothMeasure`; others can be any number.

    Returns
    -------
    dict of str to Figure
        Without an interval where fewer than `FEWEST_UNITS` units have a denominator; nor, but
        for `identities`, where all units have the same ratio: that is luck (twelve units without
        a mistake), and says nothing of how the next would differ. A share of units that are each
        0 or 1 of 1 has one even then.
    """
    figures = {}
    rows: list[Floats] = []
    spread = {}
    n_units = 0
    for name, (numerator, denominator) in ratios.items():
        n_units = len(denominator)
        value = float(numerator.sum() / denominator.sum())
        figures[name] = Figure(value)
        n_counting = int(np.count_nonzero(denominator))
        if n_counting < FEWEST_UNITS:
            continue
        if (bounds or {}).get(name) == (0, 1) and _are_single(numerator, denominator):
            figures[name] = Figure(value, *_binomial_ends(value, n_counting))
        else:
            residual = numerator - value * denominator
            parts = [residual**2, residual * denominator, denominator**2]
            squares, products, base_squares = (np.asarray(part.sum()) for part in parts)
            base = np.asarray(denominator.sum())
            error = float(_ratio_error(base, squares, products, base_squares, np.zeros(())))
            if error > _NO_SPREAD * abs(value) or name in identities:
                spread[name] = error, n_counting
                rows += [denominator, residual, *parts]
    if not rows:
        return figures
    sums = resampled_sums(drawn_weights(n_units, seed=seed, draws=draws), np.stack(rows, axis=1))
    for index, (name, (error, n_counting)) in enumerate(spread.items()):
        base, residual, squares, products, base_squares = sums[:, 5 * index : 5 * index + 5].T
        valid = base > 0
        shift = residual[valid] / base[valid]  # of the draw's ratio from the ratio
        errors = _ratio_error(
            base[valid], squares[valid], products[valid], base_squares[valid], shift
        )
        value, within = figures[name].value, (bounds or {}).get(name)
        if within is None:
            figures[name] = _with_interval(value, error, shift, errors, n_counting)
        else:
            figures[name] = _with_bounded_interval(value, error, (value + shift, errors), within)
    return figures


def smooth_figures(
    measures: Mapping[str, SmoothMeasure], *, seed: int, draws: int = DRAWS
) -> dict[str, Figure | None]:
    """Return smooth functions of sums over units, with their intervals.

    Parameters
    ----------
    measures : mapping of str to SmoothMeasure
        All over the same units.
    seed, draws : int
        As for `ratio_figures`; the draws are the same.

    Returns
    -------
    dict of str to Figure or None
        None where a measure is not defined; without an interval where `ratio_figures` has none.
    """
    figures: dict[str, Figure | None] = {}
    for name, measure in measures.items():
        value, gradient = (part[0] for part in measure.function(measure.rows.sum(axis=0)[None]))
        figures[name] = None if math.isnan(value) else Figure(float(value))
        counting = int(np.count_nonzero(measure.rows.any(axis=1)))
        if math.isnan(value) or counting < FEWEST_UNITS:
            continue
        influence = (measure.rows * gradient).sum(axis=1)
        error = math.sqrt(float((influence**2).sum()))
        if not error > _NO_SPREAD * abs(value):
            continue
        weights = drawn_weights(len(measure.rows), seed=seed, draws=draws)
        values, gradients = measure.function(resampled_sums(weights, measure.rows))
        defined = np.isfinite(values)
        if 2 * np.count_nonzero(defined) < draws:
            continue
        errors = np.sqrt(squared_influence(weights[defined], measure.rows, gradients[defined]))
        drawn = values[defined], errors
        if measure.bounds is None:
            figures[name] = _with_interval(float(value), error, drawn[0] - value, errors, counting)
        else:
            figures[name] = _with_bounded_interval(float(value), error, drawn, measure.bounds)
    return figures


def drawn_figure(
    value: float,
    error: float,
    drawn: tuple[Floats, Floats],
    units: int,
    bounds: tuple[float, float],
) -> Figure:
    """Return a figure between bounds with its interval, by draws that somebody else has made.

    For what is no function of sums, such as a measure of ranks.

    Parameters
    ----------
    value, error : float
        The figure and its standard error.
    drawn : (ndarray of float64, ndarray of float64), (draws,) each
        The same of each draw of `drawn_weights`; NaN where it is not defined.
    units : int
        Units that count.
    bounds : (float, float)
        As for `SmoothMeasure`.
    """
    defined = np.isfinite(drawn[0]) & np.isfinite(drawn[1])
    enough = units >= FEWEST_UNITS and 2 * np.count_nonzero(defined) >= defined.size
    if not (enough and error > _NO_SPREAD * abs(value)):
        return Figure(value)
    return _with_bounded_interval(value, error, (drawn[0][defined], drawn[1][defined]), bounds)


def _with_interval(
    value: float, error: float, shift: Floats, errors: Floats, n_units: int
) -> Figure:
    """Return a figure with its interval.

    Parameters
    ----------
    value, error : float
        The figure and its standard error.
    shift, errors : ndarray of float64, (draws,)
        How far the figure of each draw is above it, and that figure's own standard error.
    n_units : int
        Units that count.
    """
    low, high = _studentised(error, shift, errors)
    # The error above is that of n units, not of n - 1; in the bootstrap-t it cancels.
    students = float(stdtrit(n_units - 1, _TAILS[1])) * math.sqrt(n_units / (n_units - 1))
    return Figure(
        value,
        float(value - max(high, students) * error),
        float(value - min(low, -students) * error),
    )


def _with_bounded_interval(
    value: float, error: float, drawn: tuple[Floats, Floats], bounds: tuple[float, float]
) -> Figure:
    """Return a figure between bounds with its interval, from figures and errors of the draws."""
    least, width = bounds[0], bounds[1] - bounds[0]
    share, shares, errors = (value - least) / width, (drawn[0] - least) / width, drawn[1] / width
    inside = (shares > _NO_SPREAD) & (shares < 1 - _NO_SPREAD)  # but for rounding
    if not 0 < share < 1:
        return Figure(value)
    if np.mean(~inside) > _REACHED:
        ends = _binomial_ends(share, share * (1 - share) / (error / width) ** 2)
    else:
        shares, errors = shares[inside], errors[inside]
        odds_error = error / width / (share * (1 - share))
        odds_errors = errors / (shares * (1 - shares))
        low, high = _studentised(odds_error, logit(shares) - logit(share), odds_errors)
        begin, end = expit(logit(share) - np.array([high, low]) * odds_error).tolist()
        ends = begin, end
    return Figure(value, least + width * ends[0], least + width * ends[1])


def _are_single(numerator: Floats, denominator: Floats) -> bool:
    """Whether each unit counts 1 or not at all, and 0 or 1 of it."""
    counts, shares = np.unique(denominator), np.unique(numerator)
    return bool(np.isin(counts, (0, 1)).all() and np.isin(shares, (0, 1)).all())


def _binomial_ends(share: float, n: float) -> tuple[float, float]:
    """Return the ends of the exact interval of a share of `n` independent trials."""
    hits, misses = n * share, n * (1 - share)
    low = float(betaincinv(hits, misses + 1, _TAILS[0])) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, misses, _TAILS[1])) if misses > 0 else 1.0
    return low, high


def _studentised(error: float, shift: Floats, errors: Floats) -> tuple[float, float]:
    """Return between what most draws are off the figure, in their own standard errors."""
    # A draw of equal units has no spread of its own and takes that of all of them; where few units
    # have a mistake at all, draws of next to no spread would make the interval endless.
    errors = np.where(errors > 1e-9 * error, np.maximum(errors, _LEAST_ERROR * error), error)
    scaled = np.divide(shift, errors, out=np.zeros_like(shift), where=errors > 0)
    low, high = np.quantile(scaled, _TAILS)
    return float(low), float(high)


def _ratio_error(
    base: Floats, squares: Floats, products: Floats, base_squares: Floats, shift: Floats
) -> Floats:
    """Linearised standard error of a ratio `shift` above the one that left the residuals."""
    variance = squares - 2 * shift * products + shift**2 * base_squares
    return np.asarray(np.sqrt(np.maximum(variance, 0)) / base)
