"""The dinucleotide-preserving shuffle: what it keeps, and that every order is equally likely."""

from collections import Counter
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from basetag.alphabet import DNA, Alphabet
from basetag.euler_shuffle import euler_shuffle


def shuffled(text, seed=1, alphabet=DNA):
    rng = np.random.default_rng(seed)
    return alphabet.decode(euler_shuffle(alphabet.encode(text), alphabet.n_letters, rng))


def pairs(text):
    return Counter(pairwise(text))


def same_pairs(text):
    """Every order of the letters with the same pairs and ends, by trying all."""
    orders = {"".join(order) for order in permutations(text)}
    return sorted(
        other
        for other in orders
        if pairs(other) == pairs(text) and (other[0], other[-1]) == (text[0], text[-1])
    )


@settings(max_examples=300, deadline=None)
@given(st.text("ACGTN", max_size=200), st.integers(0, 2**32 - 1))
def test_pairs_ends_and_ambiguous_letters_stay(text, seed):
    other = shuffled(text, seed)
    assert pairs(other) == pairs(text)
    assert other[:1] + other[-1:] == text[:1] + text[-1:]
    assert [i for i, letter in enumerate(other) if letter == "N"] == [
        i for i, letter in enumerate(text) if letter == "N"
    ]


@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(2, 26))
def test_pairs_stay_whatever_the_alphabet(data, n_letters):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:n_letters]
    text = data.draw(st.text(letters, max_size=300))
    other = shuffled(text, data.draw(st.integers(0, 1000)), Alphabet.of_letters(letters))
    assert pairs(other) == pairs(text)
    assert other[:1] + other[-1:] == text[:1] + text[-1:]


@pytest.mark.parametrize(
    "text",
    [
        "ACAGACGTC",  # ends on another letter than it begins with
        "ACGACATGA",  # ends on its first letter
        "AACCACGGA",  # with letters that follow themselves
        "ACTGCTAGCA",
        "AAAACCCCAG",  # few ways out of long runs
    ],
)
def test_every_order_with_the_same_pairs_is_equally_likely(text):
    possible = same_pairs(text)
    assert len(possible) > 3
    rng = np.random.default_rng(5)
    tokens, draws = DNA.encode(text), 2000 * len(possible)
    found = Counter(DNA.decode(euler_shuffle(tokens, 4, rng)) for _ in range(draws))
    assert sorted(found) == possible
    assert chisquare([found[order] for order in possible]).pvalue > 1e-3


def test_stretches_between_ambiguous_letters_are_shuffled_each_by_itself():
    """Both halves alone have two orders, so all four occur, and no fifth."""
    found = {shuffled(f"{'ACAGA'}NN{'CTCGC'}", seed) for seed in range(200)}
    assert found == {
        f"{left}NN{right}" for left in ("ACAGA", "AGACA") for right in ("CTCGC", "CGCTC")
    }


@pytest.mark.parametrize("text", ["", "A", "AC", "ACA", "AAC", "N", "NN", "ANC", "A" * 50, "ACGT"])
def test_what_has_one_order_alone_keeps_it(text):
    assert {shuffled(text, seed) for seed in range(20)} == {text}


def test_long_runs_of_one_letter_are_no_trouble():
    """Drawing trees until one fits would take 10,000 ** 3 trials here."""
    text = "".join(letter * 10_000 for letter in "ACGTA")
    other = shuffled(text)
    assert pairs(other) == pairs(text)
    assert other != text


def test_a_sequence_is_not_changed_in_place_and_a_seed_gives_one_order():
    tokens = np.random.default_rng(1).integers(0, 4, 1000).astype(np.uint8)
    before = tokens.copy()
    orders = [euler_shuffle(tokens, 4, np.random.default_rng(7)) for _ in range(2)]
    np.testing.assert_array_equal(tokens, before)
    np.testing.assert_array_equal(*orders)
    assert (orders[0] != tokens).mean() > 0.5
