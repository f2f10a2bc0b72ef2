"""How near told numbers come: SciPy and scikit-learn, the jackknife, and intervals that hold."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from basetag.errors import InputError
from basetag.judgement.rank_kernels import rank_correlations
from basetag.judgement.regression import (
    MOST_POINTS,
    correlation,
    determination,
    read_predictions,
    regression_section,
    root_mean_square,
)
from basetag.report.measure_identities import check_regression

FIGURES = ("pearson", "spearman", "r2", "rmse", "mae")


def section_of(true, told, unit=None, seed=1):
    unit = np.arange(len(true)) if unit is None else unit
    arrays = np.asarray(true, dtype=np.float32), np.asarray(told, dtype=np.float32)
    return regression_section(*arrays, unit, threshold=0.5, error=0.25, seed=seed)


def values_of(section):
    return {name: None if section[name] is None else section[name]["value"] for name in FIGURES}


def theirs(true, told):
    true, told = (np.asarray(v, dtype=np.float32).astype(np.float64) for v in (true, told))
    return {
        "pearson": pearsonr(true, told)[0],
        "spearman": spearmanr(true, told)[0],
        "r2": r2_score(true, told),
        "rmse": mean_squared_error(true, told) ** 0.5,
        "mae": mean_absolute_error(true, told),
    }


def numbers_of(n, seed, noise=1.0, digits=1):
    """Numbers with ties, far from 0, and what is told of them."""
    rng = np.random.default_rng(seed)
    true = rng.normal(50, 2, n).round(digits)
    return true, (true + rng.normal(0, noise, n)).round(digits)


def hold(name, stored, recomputed):
    assert stored == pytest.approx(recomputed, rel=1e-9, abs=1e-9), name


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 60), st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 3.0]))
def test_the_figures_are_those_of_scipy_and_scikit_learn(n, seed, noise):
    true, told = numbers_of(n, seed, noise)
    if len(set(true)) < 2 or len(set(told)) < 2:
        return
    section = section_of(true, told)
    for name, value in theirs(true, told).items():
        assert section[name]["value"] == pytest.approx(value, abs=1e-6), name
    check_regression(section, n, hold)
    json.dumps(section, allow_nan=False)


def test_what_never_varies_has_no_correlation():
    true, told = numbers_of(30, 1)
    section = section_of(true, np.full(30, 50.1))
    assert values_of(section)["pearson"] is None
    assert values_of(section)["spearman"] is None
    assert section["r2"]["value"] == pytest.approx(r2_score(true, np.full(30, 50.1)), abs=1e-5)
    same = section_of(np.full(30, 50.1), told)
    assert [same[name] for name in ("pearson", "spearman", "r2")] == [None] * 3
    for own in (section, same):
        check_regression(own, 30, hold)


@pytest.mark.parametrize(
    ("function", "columns"), [(correlation, 6), (determination, 4), (root_mean_square, 2)]
)
def test_derivatives_are_those_of_finite_differences(function, columns):
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.3, 1, 40), rng.normal(-0.2, 2, 40)
    by = {
        6: [np.ones(40), a, b, a * a, b * b, a * b],
        4: [np.ones(40), a, a * a, (a - b) ** 2],
        2: [np.ones(40), (a - b) ** 2],
    }
    sums = np.array([[column.sum() for column in by[columns]]])
    _, (gradient,) = function(sums)
    for index in range(columns):
        step = np.zeros((1, columns))
        step[0, index] = 1e-5 * abs(sums[0, index])
        rise = (function(sums + step)[0] - function(sums - step)[0]) / (2 * step[0, index])
        assert gradient[index] == pytest.approx(float(rise[0]), rel=1e-5, abs=1e-9)
    assert float(gradient @ sums[0]) == pytest.approx(0, abs=1e-9)  # no change with the size


def ranks_of(*numbers):
    places = [np.unique(v, return_inverse=True)[1].astype(np.int64) for v in numbers]
    return *places, *(int(place.max()) + 1 for place in places)


def test_rank_correlations_of_draws_are_scipys_of_the_drawn_records():
    true, told = numbers_of(50, 4)
    unit = np.repeat(np.arange(25), 2)
    weights = np.random.default_rng(5).multinomial(25, np.full(25, 1 / 25), 20).astype(np.uint16)
    values, errors = rank_correlations(weights, unit, *ranks_of(true, told))
    for draw, value in zip(weights, values, strict=True):
        drawn = np.repeat(np.arange(50), draw[unit])
        assert value == pytest.approx(spearmanr(true[drawn], told[drawn])[0], abs=1e-12)
    assert (errors > 0).all()


def test_the_error_of_a_rank_correlation_is_that_of_the_jackknife():
    for noise in (0.7, 3.0, 100.0):
        true, told = numbers_of(400, 6, noise, digits=2)
        n = true.size
        one = np.ones((1, n), dtype=np.uint16)
        _, (error,) = rank_correlations(one, np.arange(n), *ranks_of(true, told))
        left = np.array([spearmanr(np.delete(true, i), np.delete(told, i))[0] for i in range(n)])
        jackknife = np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())
        assert error == pytest.approx(jackknife, rel=0.02)


def test_intervals_hold_the_truth_nineteen_times_of_twenty():
    """Of two normal numbers: Pearson's r is the correlation, Spearman's 6/pi asin(r/2)."""
    r, n, trials = 0.7, 60, 120
    rng = np.random.default_rng(7)
    truth = {
        "pearson": r,
        "spearman": 6 / np.pi * np.arcsin(r / 2),
        "r2": 1 - (1 + 1 - 2 * r),
        "rmse": (2 - 2 * r) ** 0.5,
        "mae": (2 - 2 * r) ** 0.5 * (2 / np.pi) ** 0.5,
    }
    held = dict.fromkeys(truth, 0)
    for trial in range(trials):
        true = rng.normal(size=n)
        told = r * true + (1 - r**2) ** 0.5 * rng.normal(size=n)
        section = section_of(true, told, seed=trial)
        for name, value in truth.items():
            held[name] += section[name]["low"] <= value <= section[name]["high"]
    for name, count in held.items():
        # Within three standard errors of 95 %, and half a percent for so few records.
        assert abs(count / trials - 0.95) < 0.005 + 3 * (0.95 * 0.05 / trials) ** 0.5, name


def test_the_same_seed_gives_the_same_interval_and_few_records_none():
    true, told = numbers_of(40, 8)
    assert section_of(true, told) == section_of(true, told)
    assert section_of(true, told)["spearman"] != section_of(true, told, seed=2)["spearman"]
    few = section_of(true[:9], told[:9])
    assert {few[name]["low"] for name in FIGURES} == {None}
    grouped = section_of(true, told, unit=np.arange(40) // 2)
    assert values_of(grouped) == pytest.approx(values_of(section_of(true, told)))
    assert grouped["pearson"]["low"] != section_of(true, told)["pearson"]["low"]


def test_few_records_are_points_and_many_are_counted_on_a_grid():
    true, told = numbers_of(MOST_POINTS, 9, digits=3)
    few = section_of(true, told)
    assert few["grid"] is None
    np.testing.assert_allclose(few["points"], np.stack([true, told], axis=1), rtol=1e-5)
    true, told = numbers_of(MOST_POINTS + 1, 9, digits=3)
    many = section_of(true, told)
    assert many["points"] is None
    assert np.sum(many["grid"]["counts"]) == MOST_POINTS + 1
    quantiles = np.quantile(np.float32(told) - np.float32(true), [0.05, 0.25, 0.5, 0.75, 0.95])
    assert list(many["residuals"]["quantiles"].values()) == pytest.approx(quantiles, abs=1e-5)


@pytest.mark.parametrize(
    "values",
    [np.zeros(3, np.float32), np.zeros(4), np.array([0, 1, np.nan, 1], np.float32)],
)
def test_a_file_that_holds_other_numbers_is_refused(values, tmp_path):
    np.save(tmp_path / "p.npy", values)
    with pytest.raises(InputError, match="4 records with a finite number each"):
        read_predictions(tmp_path / "p.npy", 4)


def test_a_figure_that_its_sums_do_not_give_is_found():
    section = section_of(*numbers_of(30, 1))
    section["r2"]["value"] += 0.01
    with pytest.raises(AssertionError, match="r2 of the numbers"):
        check_regression(section, 30, hold)
