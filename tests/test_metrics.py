"""Sums against scikit-learn and scipy, and against each way of getting them wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import entropy
from sklearn import metrics as oracle

from basetag.judgement.metrics import FLOOR, Scores, floored, scaled_posterior


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
def test_sums_agree_with_scikit_learn(n_states):
    segment, labels, posterior, exact, prior = a_case(1, n_states)
    scores = scored(segment, labels, posterior, exact, prior)
    p = floored(posterior)
    called = p.argmax(axis=1)
    assert np.array_equal(scores.confusion.sum(axis=0), oracle.confusion_matrix(labels, called))
    assert scores.cross_entropy.sum() / len(labels) == pytest.approx(
        oracle.log_loss(labels, p), rel=1e-12
    )
    assert scores.brier.sum() / len(labels) == pytest.approx(
        oracle.brier_score_loss(labels, p, labels=range(n_states), scale_by_half=False), rel=1e-12
    )
    assert scores.correct.sum() / len(labels) == pytest.approx(
        oracle.accuracy_score(labels, called)
    )


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
    assert reference.brier.sum() / len(labels) == pytest.approx(
        oracle.brier_score_loss(labels, q, labels=range(3), scale_by_half=False)
    )


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
    assert np.array_equal(whole.reliability.counts, parts.reliability.counts)
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
        assert np.array_equal(scores.confusion[index], alone.confusion[0])
        assert np.array_equal(scores.reliability.counts[index], alone.reliability.counts[0])
        assert scores.cross_entropy[index] == pytest.approx(alone.cross_entropy[0])
        assert scores.references["exact"].kl[index] == pytest.approx(
            alone.references["exact"].kl[0]
        )


def test_confidence_falls_into_its_bin():
    scores = Scores(1, np.array([0.5, 0.5]))
    posterior = np.array([[0.55, 0.45], [0.05, 0.95], [1.0, 0.0], [0.42, 0.58]])
    called = posterior.argmax(axis=1).astype(np.uint8)
    scores.add(np.zeros(4, int), np.array([0, 1, 1, 0], np.uint8), called, posterior, {})
    table = scores.reliability.table()
    assert table["counts"] == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert table["accuracy"][5] == table["accuracy"][9] == 0.5
    assert table["accuracy"][0] is table["confidence"][0] is None
    assert table["confidence"][5] == pytest.approx((0.55 + 0.58) / 2)
    expected = (abs(1 - 1.13) + abs(1 - 1.95)) / 4
    assert scores.reliability.calibration_error == pytest.approx(expected, abs=1e-6)


def test_the_table_of_some_units_is_that_of_their_bases():
    segment, labels, posterior, exact, prior = a_case(7)
    whole = scored(segment, labels, posterior, exact, prior)
    inside = segment < 5
    part = scored(
        segment[inside], labels[inside], posterior[inside], exact[inside], prior
    ).reliability
    chosen = whole.reliability.chosen(np.arange(12) < 5)
    assert chosen.table() == part.table()
    assert chosen.calibration_error == part.calibration_error


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_posteriors_at_a_temperature_are_the_softmax_of_their_logarithms(temperature):
    segment, labels, posterior, _, prior = a_case(6)
    scores = Scores(12, prior, temperature=temperature)
    called = posterior.argmax(axis=1).astype(np.uint8)
    scores.add(segment, labels, called, posterior, {})
    expected = floored(softmax(np.log(floored(posterior)) / temperature, axis=1))
    assert np.allclose(scaled_posterior(np.log(floored(posterior)).T, temperature).T, expected)
    assert scores.scaled_cross_entropy.sum() / len(labels) == pytest.approx(
        oracle.log_loss(labels, expected)
    )
    right = (expected.argmax(axis=1) == labels).sum()
    assert scores.scaled_reliability.correct.sum() == right


def test_equal_posteriors_call_the_first_state():
    scores = Scores(1, np.full(3, 1 / 3))
    called = np.array([0], np.uint8)
    scores.add(np.array([0]), np.array([2], np.uint8), called, np.full((1, 3), 1 / 3), {})
    assert scores.confusion[0].tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]


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
    return scores.cross_entropy.sum() / len(labels), scores.correct.sum() / len(labels), kl


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
