"""Chance: simulated pairs of random strings and the exact binomial beside them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chisquare

from basetag.judgement.chance import binomial_log10_tail, chance_test, simulate_matches


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
    simulated = simulate_matches(1000, 500, 2, np.random.default_rng(1))
    test = chance_test(305, simulated)
    assert test.at_least_observed == 0
    assert test.p == 1 / 1001
    assert test.p_text == "< 1/1000"


def test_ties_count_as_chance():
    test = chance_test(5, np.array([4, 5, 5, 6]))
    assert test.at_least_observed == 3
    assert test.p == 4 / 5
    assert test.p_text == "0.8"


def test_p_is_never_above_one():
    assert chance_test(0, np.array([1, 2, 3])).p == 1
