"""Intervals: they hold the truth as often as they say, and are withheld where they cannot."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.interval_coverage import (
    Population,
    block_cases,
    classified_cases,
    coverage,
    difference_cases,
    ratio_cases,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binomtest, bootstrap, t

from basetag.judgement.intervals import (
    Figure,
    SmoothMeasure,
    drawn_weights,
    ratio_figures,
    smooth_figures,
)

UNITS = (10, 20, 100)
SYMMETRIC, SKEWED = ("normal", "uniform"), ("gamma, shape 4", "exponential")


def test_the_figure_of_a_ratio_is_the_ratio_of_the_sums():
    rng = np.random.default_rng(1)
    numerator, denominator = rng.random(30), rng.random(30)
    figure = ratio_figures({"x": (numerator, denominator)}, seed=1)["x"]
    assert figure.value == pytest.approx(numerator.sum() / denominator.sum())
    assert figure.low < figure.value < figure.high


def test_nine_segments_carry_no_interval_and_ten_do():
    numerator = np.arange(10.0)
    nine = ratio_figures({"x": (numerator[:9], np.ones(9))}, seed=1)["x"]
    assert (nine.value, nine.low, nine.high) == (4.0, None, None)
    assert ratio_figures({"x": (numerator, np.ones(10))}, seed=1)["x"].low is not None


@pytest.mark.parametrize(("n", "right"), [(10, 10), (20, 19), (32, 31), (40, 0), (537, 401)])
def test_records_that_are_right_or_wrong_have_the_exact_interval_of_a_binomial_share(n, right):
    rows = (np.arange(n + 3) < right).astype(float), (np.arange(n + 3) < n).astype(float)
    figure = ratio_figures({"x": rows}, seed=1, bounds={"x": (0, 1)})["x"]
    ends = binomtest(right, n).proportion_ci(0.95, "exact")
    assert (figure.value, figure.low, figure.high) == pytest.approx((right / n, *ends), abs=1e-12)


@pytest.mark.parametrize("share", [0.8, 0.95, 0.98])
def test_measures_of_few_records_hold_the_truth_where_few_are_wrong(share):
    """Draws without any mistake are many there, and say too little of how many there could be."""
    for n in (20, 50):
        found = list(classified_cases(n, share, 200))
        for name in ("balanced accuracy", "macro F1", "MCC"):
            held, _, _ = coverage(case[name] for case in found if case[name][0] is not None)
            assert held > 0.9, (name, n)


def test_a_share_of_records_with_few_mistakes_reaches_as_far_as_that_of_as_many_trials():
    """Korn & Graubard: a binomial share of as many trials as have the standard error."""
    right, bases = np.full(30, 20.0), np.full(30, 20.0)
    right[:2] = 17, 19
    figure = ratio_figures({"x": (right, bases)}, seed=1, bounds={"x": (0, 1)})["x"]
    share = right.sum() / bases.sum()
    error = np.sqrt(np.square(right / 20 - share).sum()) / 30
    n = share * (1 - share) / error**2
    ends = beta.ppf((0.025, 0.975), [n * share, n * share + 1], [n - n * share + 1, n - n * share])
    assert (figure.low, figure.high) == pytest.approx(tuple(ends), rel=1e-6)


@pytest.mark.parametrize("share", [1.0, 0.9, 0.0])
def test_segments_that_are_alike_by_luck_carry_no_interval(share):
    bases = np.random.default_rng(1).integers(500, 1500, 12).astype(float)
    figure = ratio_figures({"x": (share * bases, bases)}, seed=1)["x"]
    assert (figure.value, figure.low, figure.high) == (pytest.approx(share), None, None)


def test_segments_that_are_alike_by_identity_have_an_interval_of_no_width():
    rows = (np.full(20, 0.25), np.ones(20))
    figures = ratio_figures({"x": rows, "y": rows}, seed=1, identities=["x"])
    assert vars(figures["x"]) == {"value": 0.25, "low": 0.25, "high": 0.25}
    assert figures["y"].low is None


def test_an_interval_of_many_equal_units_is_that_of_the_normal_law():
    rng = np.random.default_rng(7)
    values = rng.normal(3, 1, 400)
    figure = ratio_figures({"x": (values, np.ones(400))}, seed=1, draws=4000)["x"]
    half = 1.96 * values.std() / 20
    assert figure.low == pytest.approx(values.mean() - half, abs=0.12 * half)
    assert figure.high == pytest.approx(values.mean() + half, abs=0.12 * half)


def test_the_interval_of_skewed_units_is_longer_on_the_side_of_the_tail():
    values = np.random.default_rng(4).lognormal(0, 1, 40)
    for sign in (1, -1):
        figure = ratio_figures({"x": (sign * values, np.ones(40))}, seed=1)["x"]
        above, below = figure.high - figure.value, figure.value - figure.low
        assert (above > 1.2 * below) if sign > 0 else (below > 1.2 * above)


def test_the_same_seed_gives_the_same_interval_whatever_stands_beside_it():
    rng = np.random.default_rng(2)
    x = (rng.random(40), np.ones(40))
    y = (rng.random(40), rng.random(40) + 1)
    alone = ratio_figures({"x": x}, seed=5)["x"]
    assert ratio_figures({"y": y, "x": x}, seed=5)["x"] == alone
    assert ratio_figures({"x": x}, seed=6)["x"] != alone


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_an_interval_of_symmetric_units_holds_its_figure(seed):
    rng = np.random.default_rng(seed)
    numerator, denominator = rng.normal(size=60), rng.random(60) + 0.1
    figure = ratio_figures({"x": (numerator, denominator)}, seed=seed, draws=200)["x"]
    assert figure.low <= figure.value <= figure.high


@pytest.mark.parametrize("n", [10, 25, 200])
def test_an_interval_reaches_at_least_as_far_as_students(n):
    values = np.random.default_rng(n).normal(1, 0.3, n)
    figure = ratio_figures({"x": (values, np.ones(n))}, seed=1)["x"]
    half = t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    assert figure.low <= values.mean() - half + 1e-12
    assert figure.high >= values.mean() + half - 1e-12
    assert figure.high - figure.low < 2.6 * half


def test_intervals_of_many_units_are_those_of_scipy():
    rng = np.random.default_rng(11)
    numerator, denominator = rng.gamma(2, size=300), rng.uniform(1, 3, 300)
    oracle = bootstrap(
        (numerator, denominator), lambda a, b, axis: a.sum(axis) / b.sum(axis),
        paired=True, method="BCa", rng=rng, n_resamples=4000,
    ).confidence_interval  # fmt: skip
    figure = ratio_figures({"x": (numerator, denominator)}, seed=1, draws=4000)["x"]
    rows = np.stack([numerator, denominator], axis=1)
    smooth = smooth_figures({"x": SmoothMeasure(rows, ratio)}, seed=1, draws=4000)["x"]
    bounded = smooth_figures({"x": SmoothMeasure(rows, ratio, (0, 9))}, seed=1, draws=4000)["x"]
    width = oracle.high - oracle.low
    for found in (figure, smooth, bounded):
        assert found.low == pytest.approx(oracle.low, abs=0.06 * width)
        assert found.high == pytest.approx(oracle.high, abs=0.06 * width)


def ratio(sums):
    value = sums[:, 0] / sums[:, 1]
    return value, np.stack([1 / sums[:, 1], -value / sums[:, 1]], axis=1)


def test_a_ratio_is_the_same_either_way():
    rng = np.random.default_rng(12)
    rows = rng.gamma(2, size=(30, 2))
    one = ratio_figures({"x": (rows[:, 0], rows[:, 1])}, seed=3)["x"]
    other = smooth_figures({"x": SmoothMeasure(rows, ratio)}, seed=3)["x"]
    assert vars(one) == pytest.approx(vars(other))
    bounds = {"x": (0.0, 5.0)}
    one = ratio_figures({"x": (rows[:, 0], rows[:, 1])}, seed=3, bounds=bounds)["x"]
    other = smooth_figures({"x": SmoothMeasure(rows, ratio, (0.0, 5.0))}, seed=3)["x"]
    assert vars(one) == pytest.approx(vars(other))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(10, 60), st.floats(0.02, 0.98))
def test_the_interval_of_a_share_stays_between_0_and_1(seed, n, share):
    rng = np.random.default_rng(seed)
    bases = rng.integers(1, 50, n)
    right = rng.binomial(bases, share)
    found = {"x": (right.astype(float), bases.astype(float))}
    figure = ratio_figures(found, seed=1, draws=200, bounds={"x": (0.0, 1.0)})["x"]
    if figure.low is not None:
        assert 0 <= figure.low < figure.high <= 1


def test_two_mistakes_in_ninety_units_give_no_endless_interval():
    mistakes = np.zeros(90)
    mistakes[[7, 50]] = 1.0, -1.5
    figure = ratio_figures({"x": (mistakes, np.full(90, 13.0))}, seed=1)["x"]
    assert -0.05 < figure.low < figure.value < figure.high < 0.05


def test_what_is_not_defined_has_no_figure_and_what_never_varies_no_interval():
    rows = np.tile([2.0, 4.0], (20, 1))
    assert smooth_figures({"x": SmoothMeasure(rows, ratio)}, seed=1)["x"] == Figure(0.5)

    def never(sums):
        return np.full(len(sums), np.nan), np.zeros_like(sums)

    assert smooth_figures({"x": SmoothMeasure(rows, never)}, seed=1)["x"] is None
    few = SmoothMeasure(np.random.default_rng(1).random((9, 2)), ratio)
    assert smooth_figures({"x": few}, seed=1)["x"].low is None


def test_each_draw_holds_as_many_units_as_there_are():
    weights = drawn_weights(37, seed=4, draws=50)
    assert weights.shape == (50, 37)
    assert (weights.sum(axis=1) == 37).all()


# Coverage: of 500 repeats, 92 to 98 % of the intervals hold the truth.


@pytest.mark.parametrize("law", SYMMETRIC + SKEWED)
@pytest.mark.parametrize("n", UNITS)
def test_intervals_of_ratios_hold_the_truth_as_often_as_they_say(n, law):
    held, above, below = coverage(ratio_cases(law, n, 500))
    assert 0.92 <= held <= 0.98
    assert max(above, below) < 0.06


@pytest.mark.parametrize("law", ["normal", "exponential"])
@pytest.mark.parametrize("n", UNITS)
def test_intervals_of_paired_differences_hold_the_truth_as_often_as_they_say(n, law):
    assert 0.92 <= coverage(difference_cases(law, n, 500))[0] <= 0.98


@pytest.mark.parametrize("skewed", [False, True])
def test_intervals_of_all_measures_hold_the_truth_as_often_as_they_say(skewed):
    population = Population(skewed=skewed)
    for n in UNITS:
        cases = list(population.cases(n, 500, rankings=False))
        for name in cases[0]:
            held = coverage(case[name] for case in cases)[0]
            assert 0.92 <= held <= 0.98, (name, n, held)


def test_intervals_of_rankings_hold_the_truth_as_often_as_they_say():
    population = Population(skewed=False)
    cases = list(population.cases(20, 500))
    for name in ("AUROC", "AUPRC"):
        assert 0.92 <= coverage(case[name] for case in cases)[0] <= 0.98


def test_blocks_of_one_record_are_units_enough():
    cases = list(block_cases(50_000, 200))
    for name in cases[0]:
        assert 0.91 <= coverage(case[name] for case in cases)[0] <= 0.99
