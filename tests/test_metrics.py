"""Measures against scikit-learn and scipy, and against each way of getting them wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn import metrics as oracle

from basetag.judgement.metrics import (
    FLOOR,
    Scores,
    accuracy,
    balanced_accuracy,
    calibration_error,
    floored,
    macro_f1,
    matthews_correlation,
    ratio_figures,
)


def a_case(seed, n_states=3, bases=600, segments=12):
    """Random labels and posteriors that know something of them, in segments of unequal length."""
    rng = np.random.default_rng(seed)
    segment = np.sort(rng.integers(segments, size=bases))
    labels = rng.integers(n_states, size=bases).astype(np.uint8)
    evidence = rng.gamma(0.6, size=(bases, n_states)) + 0.5 * np.eye(n_states)[labels]
    exact = evidence / evidence.sum(axis=1, keepdims=True)
    noisy = exact + rng.gamma(0.6, size=exact.shape)
    posterior = noisy / noisy.sum(axis=1, keepdims=True)
    prior = rng.dirichlet(np.full(n_states, 5.0))
    return segment, labels, posterior.astype(np.float32), exact.astype(np.float32), prior


def scored(segment, labels, posterior, exact, prior, chunk=10**9):
    scores = Scores(int(segment.max()) + 1, prior, ["exact"])
    for first in range(0, len(labels), chunk):
        here = slice(first, first + chunk)
        called = posterior[here].argmax(axis=1).astype(np.uint8)
        scores.add(segment[here], labels[here], called, posterior[here], {"exact": exact[here]})
    return scores


@pytest.mark.parametrize("n_states", [2, 3, 7])
def test_measures_agree_with_scikit_learn(n_states):
    segment, labels, posterior, exact, prior = a_case(1, n_states)
    scores = scored(segment, labels, posterior, exact, prior)
    p = floored(posterior)
    called = p.argmax(axis=1)
    confusion = scores.confusion
    assert np.array_equal(confusion, oracle.confusion_matrix(labels, called))
    assert accuracy(confusion) == pytest.approx(oracle.accuracy_score(labels, called))
    assert balanced_accuracy(confusion) == pytest.approx(
        oracle.balanced_accuracy_score(labels, called)
    )
    assert macro_f1(confusion) == pytest.approx(oracle.f1_score(labels, called, average="macro"))
    assert matthews_correlation(confusion) == pytest.approx(
        oracle.matthews_corrcoef(labels, called)
    )
    assert scores.cross_entropy.sum() / len(labels) == pytest.approx(
        oracle.log_loss(labels, p), rel=1e-12
    )
    assert scores.brier.sum() / len(labels) == pytest.approx(
        oracle.brier_score_loss(labels, p, labels=range(n_states), scale_by_half=False), rel=1e-12
    )
    assert scores.correct.sum() == np.trace(confusion)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_measures_of_absent_states_are_those_of_scikit_learn(pairs):
    labels, called = np.array(pairs).T
    confusion = oracle.confusion_matrix(labels, called, labels=range(4)).astype(np.int64)
    assert balanced_accuracy(confusion) == pytest.approx(
        oracle.balanced_accuracy_score(labels, called)
    )
    assert macro_f1(confusion) == pytest.approx(oracle.f1_score(labels, called, average="macro"))
    assert matthews_correlation(confusion) == pytest.approx(
        oracle.matthews_corrcoef(labels, called)
    )


def test_measures_of_a_confusion_matrix_worked_by_hand():
    confusion = np.array([[90, 10], [30, 70]])
    assert accuracy(confusion) == 0.8
    assert balanced_accuracy(confusion) == 0.8
    assert macro_f1(confusion) == pytest.approx((180 / 220 + 140 / 180) / 2)
    assert matthews_correlation(confusion) == pytest.approx(
        (90 * 70 - 10 * 30) / math.sqrt(120 * 80 * 100 * 100)
    )


def test_calling_one_state_alone_has_no_correlation():
    assert matthews_correlation(np.array([[60, 0], [40, 0]])) == 0


def test_a_billion_bases_do_not_overflow_the_correlation():
    confusion = np.array([[9, 1], [3, 7]])
    assert matthews_correlation(confusion * 10**9) == pytest.approx(matthews_correlation(confusion))


def test_divergence_agrees_with_scipy():
    segment, labels, posterior, exact, prior = a_case(2)
    reference = scored(segment, labels, posterior, exact, prior).references["exact"]
    p, q = floored(posterior), floored(exact)
    assert reference.kl.sum() == pytest.approx(entropy(q, p, axis=1).sum(), rel=1e-12)
    assert reference.kl_prior.sum() == pytest.approx(
        entropy(q, floored(prior)[None], axis=1).sum(), rel=1e-6
    )
    assert reference.cross_entropy.sum() / len(labels) == pytest.approx(oracle.log_loss(labels, q))
    assert reference.correct.sum() == np.count_nonzero(q.argmax(axis=1) == labels)


def test_the_exact_posterior_diverges_from_itself_by_exactly_nothing():
    segment, labels, _, exact, prior = a_case(3)
    assert scored(segment, labels, exact, exact, prior).references["exact"].kl.sum() == 0


def test_the_prior_diverges_by_exactly_what_can_be_attained():
    segment, labels, _, exact, prior = a_case(4)
    posterior = np.tile(prior.astype(np.float32), (len(labels), 1))
    reference = scored(segment, labels, posterior, exact, prior).references["exact"]
    assert np.array_equal(reference.kl, reference.kl_prior)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 5), st.sampled_from([0.0, 1e-9, 0.01, 1.0]))
def test_no_tagger_attains_more_than_all(seed, n_states, noise):
    segment, labels, _, exact, prior = a_case(seed, n_states, bases=50)
    disturbed = exact + noise * np.random.default_rng(seed).random(exact.shape)
    posterior = (disturbed / disturbed.sum(axis=1, keepdims=True)).astype(np.float32)
    reference = scored(segment, labels, posterior, exact, prior).references["exact"]
    assert 1 - reference.kl.sum() / reference.kl_prior.sum() <= 1
    assert np.all(reference.kl >= 0)


def test_a_certain_mistake_costs_the_floor_and_no_more():
    scores = Scores(1, np.array([0.5, 0.5]))
    called = np.array([0], np.uint8)
    scores.add(np.array([0]), np.array([1], np.uint8), called, np.array([[1.0, 0.0]]), {})
    assert scores.cross_entropy[0] == pytest.approx(-math.log(FLOOR / (1 + FLOOR)))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 700), st.integers(0, 100))
def test_no_figure_depends_on_the_chunks(chunk, seed):
    case = a_case(seed)
    whole, parts = scored(*case), scored(*case, chunk=chunk)
    assert np.array_equal(whole.confusion, parts.confusion)
    assert np.array_equal(whole.bases, parts.bases)
    assert np.array_equal(whole.bin_counts, parts.bin_counts)
    np.testing.assert_allclose(parts.cross_entropy, whole.cross_entropy, rtol=1e-12)
    np.testing.assert_allclose(parts.brier, whole.brier, rtol=1e-12)
    np.testing.assert_allclose(
        parts.references["exact"].kl, whole.references["exact"].kl, rtol=1e-12
    )


def test_sums_belong_to_their_segments():
    segment, labels, posterior, exact, prior = a_case(5)
    scores = scored(segment, labels, posterior, exact, prior)
    for index in range(12):
        inside = segment == index
        alone = scored(segment[inside] * 0, labels[inside], posterior[inside], exact[inside], prior)
        assert scores.bases[index] == inside.sum()
        assert scores.cross_entropy[index] == pytest.approx(alone.cross_entropy[0])
        assert scores.references["exact"].kl[index] == pytest.approx(
            alone.references["exact"].kl[0]
        )


def test_confidence_falls_into_its_bin():
    scores = Scores(1, np.array([0.5, 0.5]))
    posterior = np.array([[0.55, 0.45], [0.05, 0.95], [1.0, 0.0], [0.42, 0.58]])
    called = posterior.argmax(axis=1).astype(np.uint8)
    scores.add(np.zeros(4, int), np.array([0, 1, 1, 0], np.uint8), called, posterior, {})
    assert scores.bin_counts.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert scores.bin_correct.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert scores.bin_confidence[5] == pytest.approx(0.55 + 0.58)
    expected = (abs(1 - 1.13) + abs(1 - 1.95)) / 4
    found = calibration_error(scores.bin_counts, scores.bin_confidence, scores.bin_correct)
    assert found == pytest.approx(expected, abs=1e-6)


def test_equal_posteriors_call_the_first_state():
    scores = Scores(1, np.full(3, 1 / 3))
    called = np.array([0], np.uint8)
    scores.add(np.array([0]), np.array([2], np.uint8), called, np.full((1, 3), 1 / 3), {})
    assert scores.confusion.tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]


# The judgement is tested by breaking it: each mistake moves the measure that should see it.


def blocks(seed=0, bases=20_000):
    """Two states in segments of about 40 bases, and a posterior that knows them well."""
    rng = np.random.default_rng(seed)
    labels = (np.cumsum(rng.random(bases) < 1 / 40) % 2).astype(np.uint8)
    right = np.clip(rng.normal(0.85, 0.08, bases), 0.01, 0.99)
    posterior = np.stack([np.where(labels == 0, right, 1 - right)] * 2, axis=1)
    posterior[:, 1] = 1 - posterior[:, 0]
    return labels, posterior


def ce_and_accuracy(labels, posterior, exact=None):
    exact = posterior if exact is None else exact
    scores = scored(np.zeros(len(labels), int), labels, posterior, exact, np.array([0.5, 0.5]))
    kl = scores.references["exact"].kl.sum() / len(labels)
    return scores.cross_entropy.sum() / len(labels), accuracy(scores.confusion), kl


def test_a_shift_by_one_base_is_seen():
    labels, posterior = blocks()
    ce, matches, _ = ce_and_accuracy(labels, posterior)
    shifted_ce, shifted_matches, kl = ce_and_accuracy(
        labels, np.roll(posterior, 1, axis=0), posterior
    )
    assert shifted_ce > ce + 0.02
    assert shifted_matches < matches - 0.02
    assert kl > 0.02


def test_swapped_states_are_seen():
    labels, posterior = blocks()
    _, matches, _ = ce_and_accuracy(labels, posterior)
    swapped_ce, swapped_matches, kl = ce_and_accuracy(labels, posterior[:, ::-1], posterior)
    assert swapped_matches == pytest.approx(1 - matches)
    assert swapped_ce > math.log(2)
    assert kl > 0.5


def test_a_reversed_record_is_seen():
    labels, posterior = blocks()
    reversed_ce, matches, kl = ce_and_accuracy(labels, posterior[::-1], posterior)
    assert matches < 0.6
    assert reversed_ce > math.log(2)
    assert kl > 0.3


# Intervals.


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


@pytest.mark.parametrize(("units", "skewed"), [(10, False), (20, False), (20, True)])
def test_intervals_cover_the_truth_about_as_often_as_they_say(units, skewed):
    rng = np.random.default_rng(3)
    covered = 0
    for repeat in range(300):
        bases = rng.integers(500, 1500, units).astype(float)
        rate = rng.gamma(4, 1 / 4, units) if skewed else rng.normal(1, 0.3, units)
        figure = ratio_figures({"x": (bases * rate, bases)}, seed=repeat, draws=400)["x"]
        covered += figure.low <= 1 <= figure.high
    assert 0.91 <= covered / 300 <= 0.985


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
