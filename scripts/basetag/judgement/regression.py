"""How near told numbers come to the true ones: correlations, errors, and what is left over.

Of records that have a number each, or of the steps of series. Pearson's correlation, the
coefficient of determination and the root of the mean squared error are smooth functions of sums
over records, and have the intervals of these (`intervals`). Spearman's is Pearson's of the ranks;
every draw of records is ranked anew, and its standard error is the infinitesimal jackknife's, which
knows that ranks move (`rank_kernels`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError
from basetag.judgement.figures import plain
from basetag.judgement.intervals import (
    SmoothMeasure,
    drawn_figure,
    drawn_weights,
    ratio_figures,
    smooth_figures,
)
from basetag.judgement.prediction_files import AnyPath
from basetag.judgement.rank_kernels import rank_correlations

#: Up to so many records are kept as points for the report; of more, their counts on a grid.
MOST_POINTS = 1000
#: Cells of the grid to a side.
GRID = 40
#: Shares of the records below which residuals are told.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# A sum of squares below this share of that around 0 is rounding.
_NO_SPREAD = 1e-12

Floats = NDArray[np.float64]


def read_predictions(path: AnyPath, records: int) -> NDArray[np.float32]:
    """Read the numbers that a tagger tells, (records,), of series (places,).

    Raises
    ------
    InputError
        Where the file does not hold so many finite numbers.
    """
    try:
        told = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"cannot be read as numbers ({error})", file=Path(path)) from None
    if told.shape != (records,) or told.dtype != np.float32 or not np.isfinite(told).all():
        raise InputError(
            f"holds {told.dtype} of the shape {told.shape}, and the test split has {records} "
            "records with a finite number each",
            file=Path(path),
            advice="predict again",
        )
    return np.asarray(told)


def regression_section(
    targets: NDArray[np.float32],
    told: NDArray[np.float32],
    unit: NDArray[np.int64],
    *,
    threshold: float | None,
    error: float | None,
    seed: int,
) -> dict[str, Any]:
    """Return the section `regression` of metrics.json.

    Parameters
    ----------
    targets, told : ndarray of float32, (records,)
        True numbers, and those that the tagger tells.
    unit : ndarray of int64, (records,)
        The unit of each, ascending from 0.
    threshold : float or None
        What parts the two classes; None where they are not those of the numbers themselves.
    error : float or None
        What a network took for its root mean squared error, from the validation split.
    seed : int
        Seed of the draws.

    Returns
    -------
    dict
        `pearson`, `spearman`, `r2`, `rmse`, `mae`: figures, None where there is none (no
        correlation with what never varies); `threshold`; `validation_rmse`, what is given as
        `error`; `sums`, from which the figures follow, Spearman's apart, with `centre` taken from
        both numbers; `residuals`, `mean` and `quantiles` of told less true; `points`, pairs of true
        and told, or, of more than `MOST_POINTS` records, `grid`: `low` and `high` of both axes and
        `counts`, rows by the true number and columns by the told one.
    """
    true, own = targets.astype(np.float64), told.astype(np.float64)
    residuals = own - true
    centre = float(true.mean())
    a, b = true - centre, own - centre
    ones = np.ones_like(a)
    columns = [ones, a, b, a * a, b * b, a * b, np.abs(residuals), residuals**2]
    n_units = int(unit[-1]) + 1
    by_unit = [np.bincount(unit, column, minlength=n_units) for column in columns]
    rows = np.stack(by_unit, axis=1).astype(np.float64)  # (units, sums)
    figures = smooth_figures(
        {
            "pearson": SmoothMeasure(rows[:, :6], correlation, (-1.0, 1.0)),
            "r2": SmoothMeasure(rows[:, [0, 1, 3, 7]], determination),
            "rmse": SmoothMeasure(rows[:, [0, 7]], root_mean_square),
        },
        seed=seed,
    )
    r2, rmse = figures["r2"], figures["rmse"]
    mae = ratio_figures({"mae": (rows[:, 6], rows[:, 0])}, seed=seed)["mae"]
    names = ("records", "true", "told", "true_squared", "told_squared", "product", "absolute_error")
    sums = dict(zip((*names, "squared_error"), rows.sum(axis=0).tolist(), strict=True))
    return {
        "pearson": plain(figures["pearson"]),
        "spearman": plain(_spearman(true, own, unit, seed=seed)),
        "r2": plain(r2 and r2.within(-np.inf, 1.0)),
        "rmse": plain(rmse and rmse.within(0.0, np.inf)),
        "mae": plain(mae.within(0.0, np.inf)),
        "threshold": threshold,
        "validation_rmse": error,
        "sums": sums | {"records": a.size, "centre": centre},
        "residuals": {
            "mean": float(residuals.mean()),
            "quantiles": {
                f"{share:g}": float(value)
                for share, value in zip(QUANTILES, np.quantile(residuals, QUANTILES), strict=True)
            },
        },
        **_scatter(true, own),
    }


def number_sums(
    targets: NDArray[np.float32],
    told: NDArray[np.float32],
    unit: NDArray[np.int64],
    scored: NDArray[np.bool_],
) -> dict[str, Floats]:
    """Return `numbers` and `squared_error` of the units that have a scored base; see `UnitSums`.

    Parameters
    ----------
    targets, told, unit
        As for `regression_section`.
    scored : ndarray of bool, (units,)
    """
    errors = (told.astype(np.float64) - targets.astype(np.float64)) ** 2
    columns = {"numbers": np.ones_like(errors), "squared_error": errors}
    return {
        name: np.bincount(unit, column, minlength=scored.size)[scored].astype(np.float64)
        for name, column in columns.items()
    }


def correlation(sums: Floats) -> tuple[Floats, Floats]:
    """Pearson's correlation, and its derivatives.

    Parameters
    ----------
    sums : ndarray of float64, (n, 6)
        Of 1, x, y, x², y² and xy.
    """
    n, a, b, aa, bb, ab = sums.T
    square_a, square_b = aa - a**2 / n, bb - b**2 / n
    varies = (square_a > _NO_SPREAD * aa) & (square_b > _NO_SPREAD * bb)
    square_a, square_b = np.where(varies, square_a, np.nan), np.where(varies, square_b, np.nan)
    scale = 1 / np.sqrt(square_a * square_b)
    value = np.clip((ab - a * b / n) * scale, -1.0, 1.0)
    by_a, by_b = value / (2 * square_a), value / (2 * square_b)
    gradient = [
        scale * a * b / n**2 - by_a * a**2 / n**2 - by_b * b**2 / n**2,
        -scale * b / n + by_a * 2 * a / n,
        -scale * a / n + by_b * 2 * b / n,
        -by_a,
        -by_b,
        scale,
    ]
    return value, np.stack(gradient, axis=1)


def determination(sums: Floats) -> tuple[Floats, Floats]:
    """Coefficient of determination, 1 less the share of the squares that is left; derivatives.

    Parameters
    ----------
    sums : ndarray of float64, (n, 4)
        Of 1, the true number, its square, and the squared error.
    """
    n, a, aa, error = sums.T
    square = aa - a**2 / n
    square = np.where(square > _NO_SPREAD * aa, square, np.nan)
    left = error / square
    by_square = left / square
    gradient = [by_square * a**2 / n**2, -2 * by_square * a / n, by_square, -1 / square]
    return 1 - left, np.stack(gradient, axis=1)


def root_mean_square(sums: Floats) -> tuple[Floats, Floats]:
    """Root of a mean of squares, and its derivatives.

    Parameters
    ----------
    sums : ndarray of float64, (n, 2)
        Of 1 and the squares.
    """
    n, squares = sums.T
    value = np.sqrt(squares / n)
    half = np.divide(0.5, value, out=np.zeros_like(value), where=value > 0)
    return value, np.stack([-half * squares / n**2, half / n], axis=1)


def _spearman(true: Floats, told: Floats, unit: NDArray[np.int64], *, seed: int) -> Any:
    """Return Spearman's rank correlation with its interval; None where one of both never varies."""
    places = [np.unique(values, return_inverse=True)[1].astype(np.int64) for values in (true, told)]
    sizes = [int(place.max()) + 1 for place in places]
    n_units = int(unit[-1]) + 1
    if min(sizes) < 2:
        return None
    (value,), (error,) = rank_correlations(
        np.ones((1, n_units), dtype=np.uint16), unit, *places, *sizes
    )
    weights = drawn_weights(n_units, seed=seed)
    drawn = rank_correlations(weights, unit, *places, *sizes)
    return drawn_figure(float(value), float(error), drawn, n_units, (-1.0, 1.0))


def _scatter(true: Floats, told: Floats) -> dict[str, Any]:
    """Return `points` or `grid`, and None for the other."""
    if true.size <= MOST_POINTS:
        points = [[float(f"{x:.6g}"), float(f"{y:.6g}")] for x, y in zip(true, told, strict=True)]
        return {"points": points, "grid": None}
    low, high = float(min(true.min(), told.min())), float(max(true.max(), told.max()))
    if low == high:
        low, high = low - 0.5, high + 0.5
    counts, _, _ = np.histogram2d(true, told, bins=GRID, range=[(low, high)] * 2)
    return {
        "points": None,
        "grid": {"low": low, "high": high, "counts": counts.astype(np.int64).tolist()},
    }
