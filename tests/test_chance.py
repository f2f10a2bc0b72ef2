"""Chance, base by base: simulated strings, the exact binomial, and the figures of any null."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chisquare
from sklearn.metrics import cohen_kappa_score

from basetag.judgement.chance import (
    binomial_log10_tail,
    frequency_null,
    match_probability,
    simulate_matches,
    uniform_null,
)
from basetag.judgement.null_figures import NullDistribution


def exact_tail(matches: int, length: int, probability: Fraction) -> Fraction:
    """P(X >= matches) by whole numbers alone."""
    p, q = probability, 1 - probability
    return sum(
        (math.comb(length, x) * p**x * q ** (length - x) for x in range(matches, length + 1)),
        start=Fraction(0),
    )


def log10_of(fraction: Fraction) -> float:
    return math.log10(fraction.numerator) - math.log10(fraction.denominator)


def test_305_matches_of_500_have_the_published_exact_tail():
    assert 10 ** binomial_log10_tail(305, 500, 0.5) == pytest.approx(4.95e-7, rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n + 1), st.just(n))),
    st.integers(2, 9),
)
def test_the_binomial_tail_equals_that_of_whole_numbers(counts, n_states):
    matches, length = counts
    exact = exact_tail(matches, length, Fraction(1, n_states))
    found = binomial_log10_tail(matches, length, 1 / n_states)
    if exact == 0:
        assert found == -math.inf
    else:
        assert found == pytest.approx(log10_of(exact), rel=1e-10, abs=1e-11)


def test_the_binomial_tail_does_not_underflow():
    exact = log10_of(exact_tail(4900, 5000, Fraction(1, 2)))
    assert exact < -1000
    assert binomial_log10_tail(4900, 5000, 0.5) == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize(
    ("matches", "length"),
    [(n, 1_000_000) for n in (1, 400_000, 499_000, 500_000, 500_001, 500_400, 505_000, 512_000)]
    + [(500_005_000, 10**9), (500_100_000, 10**9), (499_990_000, 10**9)],
)
def test_the_binomial_tail_of_many_bases_agrees_with_scipy(matches, length):
    expected = binom.logsf(matches - 1, length, 0.5) / math.log(10)
    found = binomial_log10_tail(matches, length, 0.5)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_a_certain_match_has_no_binomial_test():
    with pytest.raises(ValueError, match="strictly between"):
        binomial_log10_tail(1, 2, 1.0)


@pytest.mark.parametrize("n_states", [2, 3, 4, 5, 7, 8, 20])
def test_simulated_matches_follow_the_binomial(n_states):
    pairs, length = 20_000, 130
    matches = simulate_matches(pairs, length, n_states, np.random.default_rng(1))
    law = binom(length, 1 / n_states)
    low, high = int(law.ppf(0.001)), int(law.ppf(0.999))
    values = np.arange(low, high + 1)
    observed = np.bincount(np.clip(matches, low, high), minlength=high + 1)[low:]
    expected = law.pmf(values)
    expected[0], expected[-1] = law.cdf(low), law.sf(high - 1)
    assert chisquare(observed, expected * pairs).pvalue > 1e-4


@pytest.mark.parametrize("n_states", [2, 3, 6])
@pytest.mark.parametrize("length", [1, 63, 64, 65, 100_003])
def test_strings_of_any_length_have_exactly_that_length(n_states, length):
    matches = simulate_matches(300, length, n_states, np.random.default_rng(2))
    assert matches.min() >= 0
    assert matches.max() <= length
    standard_error = math.sqrt(length * (n_states - 1)) / n_states / math.sqrt(300)
    assert abs(matches.mean() - length / n_states) < 4.5 * standard_error


def test_strings_longer_than_one_batch_of_words_are_drawn_to_their_end():
    length = 30_000_000
    for n_states in (2, 3):
        matches = simulate_matches(2, length, n_states, np.random.default_rng(3))
        spread = math.sqrt(length * (n_states - 1)) / n_states
        assert np.all(abs(matches - length / n_states) < 5 * spread)


def test_empty_strings_match_nowhere():
    assert simulate_matches(3, 0, 2, np.random.default_rng(1)).tolist() == [0, 0, 0]


def test_one_state_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        simulate_matches(3, 10, 1, np.random.default_rng(1))


def test_the_same_seed_draws_the_same_pairs():
    first, second = (simulate_matches(50, 77, 3, np.random.default_rng(9)) for _ in range(2))
    assert first.tolist() == second.tolist()


def test_305_matches_of_500_are_beyond_a_thousand_pairs():
    null = uniform_null(500, 2, 1000, np.random.default_rng(1))
    tail = binomial_log10_tail(305, 500, 0.5)
    figures = null.figures(305, 500, tail)
    assert figures["at_least_observed"] == 0
    assert figures["p"] == 1 / 1001
    assert figures["p_text"] == "< 1/1000"
    assert 10 ** figures["binomial_log10_p"] == pytest.approx(4.95e-7, rel=1e-3)
    assert figures["z"] == pytest.approx(55 / math.sqrt(125))
    assert figures["effect"] == pytest.approx(55 / 250)
    assert figures["effective_sample_size"] == pytest.approx(500)


# Labels with the frequencies of the truth and of the calls.


@settings(max_examples=80, deadline=None)
@given(
    st.integers(2, 5).flatmap(
        lambda k: st.tuples(
            st.lists(st.integers(0, k - 1), min_size=2, max_size=60),
            st.lists(st.integers(0, k - 1), min_size=2, max_size=60),
            st.just(k),
        )
    )
)
def test_the_effect_against_frequencies_is_cohens_kappa(strings):
    true, called, n_states = strings
    n = min(len(true), len(called))
    true, called = np.array(true[:n]), np.array(called[:n])
    confusion = np.bincount(true * n_states + called, minlength=n_states**2)
    confusion = confusion.reshape(n_states, n_states)
    null = frequency_null(confusion, 5, np.random.default_rng(1))
    figures = null.figures(int((true == called).sum()), n)
    if match_probability(confusion) == 1:
        assert figures["constant"]
        assert figures["p"] is figures["effect"] is figures["z"] is None
    else:
        kappa = cohen_kappa_score(true, called, labels=range(n_states))
        assert figures["effect"] == pytest.approx(kappa, abs=1e-12)


def test_labels_with_frequencies_match_by_the_binomial():
    confusion = np.array([[50, 10, 0], [20, 15, 5], [0, 0, 30]])
    f, g = confusion.sum(axis=1) / 130, confusion.sum(axis=0) / 130
    law = binom(130, f @ g)
    null = frequency_null(confusion, 20_000, np.random.default_rng(4))
    assert match_probability(confusion) == pytest.approx(f @ g)
    assert (null.mean, null.sd) == pytest.approx((law.mean(), law.std()))
    low, high = int(law.ppf(0.001)), int(law.ppf(0.999))
    observed = np.bincount(np.clip(null.draws, low, high), minlength=high + 1)[low:]
    expected = law.pmf(np.arange(low, high + 1))
    expected[0], expected[-1] = law.cdf(low), law.sf(high - 1)
    assert chisquare(observed, expected * 20_000).pvalue > 1e-4
    tail = binomial_log10_tail(95, 130, match_probability(confusion))
    assert tail == pytest.approx(law.logsf(94) / math.log(10), rel=1e-9)


# The figures of any null.


def null_of(draws, **given):
    draws = np.array(draws)
    return NullDistribution(draws, float(draws.mean()), float(draws.std()), **given)


def test_ties_count_as_chance():
    figures = null_of([4, 5, 5, 6]).figures(5, 10)
    assert figures["at_least_observed"] == 3
    assert figures["p"] == 4 / 5
    assert figures["p_text"] == "0.8"


def test_p_is_never_above_one():
    assert null_of([1, 2, 3]).figures(0, 10)["p"] == 1


def test_p_is_not_below_what_the_different_outcomes_allow():
    draws = np.arange(1000)
    few = null_of(draws, log10_effective_shifts=math.log10(25)).figures(2000, 3000)
    assert few["p"] == few["smallest_p"] == pytest.approx(1 / 25)
    assert few["p_text"] == "0.04"
    many = null_of(draws, log10_effective_shifts=6000.0).figures(2000, 3000)
    assert many["p"] == many["smallest_p"] == 1 / 1001
    assert many["p_text"] == "< 1/1000"


def test_under_twenty_different_outcomes_nothing_is_tested():
    figures = null_of([1, 2, 3], log10_effective_shifts=math.log10(19.9)).figures(9, 10)
    assert figures["too_short"]
    assert figures["p"] is figures["p_text"] is None
    assert not null_of([1, 2, 3], log10_effective_shifts=math.log10(20.1)).too_short


def test_what_cannot_vary_is_not_tested_and_not_called_short():
    figures = null_of([7, 7, 7], log10_effective_shifts=0.0).figures(7, 10)
    assert figures["constant"]
    assert not figures["too_short"]
    assert figures["p"] is figures["z"] is figures["effective_sample_size"] is None
    assert figures["counts"] == [3]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50))
def test_the_histogram_holds_every_draw_in_at_most_forty_equal_bins(draws):
    figures = null_of(draws).figures(0, 10**9)
    assert sum(figures["counts"]) == len(draws)
    assert len(figures["counts"]) <= 40
    assert len(set(np.diff(figures["edges"]))) == 1
    assert figures["edges"][0] == min(draws)
    assert figures["edges"][-1] > max(draws)
