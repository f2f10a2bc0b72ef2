"""Rules around each base, against plain loops that do the same letter by letter."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag import window_rules
from basetag.alphabet import DNA, Alphabet
from basetag.window_rules import GCShare, KmerContexts, best_calls, smoothed_frequencies

SEQUENCES = st.lists(st.text("ACGTACGTACGTNRS", max_size=12), min_size=1, max_size=5)


def tokens_of(sequences):
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    return DNA.encode("".join(sequences)), lengths


def of_all_bases(rule, sequences):
    tokens, lengths = tokens_of(sequences)
    found = [values for _, values in rule.of_bases(tokens, lengths)]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def word(sequence, i, reach):
    """The longest word of plain letters around base i, and how far it reaches to either side."""
    left = right = 0
    while left < reach and i - left > 0 and sequence[i - left - 1] in "ACGT":
        left += 1
    while right < reach and i + right + 1 < len(sequence) and sequence[i + right + 1] in "ACGT":
        right += 1
    return sequence[i - left : i + right + 1], left, right


def bases(sequences):
    return [(sequence, i) for sequence in sequences for i in range(len(sequence))]


@settings(max_examples=100, deadline=None)
@given(SEQUENCES, st.sampled_from([1, 3, 5]))
def test_bases_share_a_context_exactly_when_they_share_the_word_around_them(sequences, k):
    contexts = of_all_bases(KmerContexts(DNA, k), sequences)
    words = [
        word(sequence, i, k // 2) if sequence[i] in "ACGT" else sequence[i]
        for sequence, i in bases(sequences)
    ]
    number_of = {}
    for name, number in zip(words, contexts.tolist(), strict=True):
        assert number_of.setdefault(name, number) == number
    assert len(set(number_of.values())) == len(number_of)


@settings(max_examples=100, deadline=None)
@given(SEQUENCES, SEQUENCES, st.sampled_from([1, 3, 5]), st.integers(0, 9))
def test_a_context_counts_all_training_bases_with_that_word_around_them(training, test, k, seed):
    rule, reach = KmerContexts(DNA, k), k // 2
    labels = np.random.default_rng(seed).integers(2, size=sum(map(len, training)))
    counts = np.zeros((rule.size, 2), dtype=np.int64)
    np.add.at(counts, (of_all_bases(rule, training), labels), 1)
    table = rule.accumulate(counts)
    trained = [
        (sequence[i], *word(sequence, i, reach), i, sequence, label)
        for (sequence, i), label in zip(bases(training), labels.tolist(), strict=True)
        if sequence[i] in "ACGT"
    ]
    for (sequence, i), context in zip(bases(test), of_all_bases(rule, test), strict=True):
        expected = [0, 0]
        if sequence[i] in "ACGT":
            around, left, right = word(sequence, i, reach)
            for *_, most_left, most_right, j, other, label in trained:
                same = other[j - left : j + right + 1] == around
                expected[label] += most_left >= left and most_right >= right and same
        else:
            letters = DNA.codes[sequence[i]]
            for base, *_, label in trained:
                expected[label] += base in letters
        assert table[context].tolist() == expected


@settings(max_examples=100, deadline=None)
@given(SEQUENCES, st.sampled_from([1, 3, 7]))
def test_the_gc_share_is_that_of_the_mixture_in_the_window(sequences, window):
    share = {"N": Fraction(1, 2), "R": Fraction(1, 2), "S": 1, "G": 1, "C": 1, "A": 0, "T": 0}
    expected = []
    for sequence, i in bases(sequences):
        around = sequence[max(0, i - window // 2) : i + window // 2 + 1]
        fraction = Fraction(sum(share[letter] for letter in around), len(around))
        expected.append(int(fraction * window + Fraction(1, 2)))
    assert of_all_bases(GCShare(DNA, window), sequences).tolist() == expected


def test_a_code_of_three_letters_is_counted_in_thirds():
    # B is C, G or T, V is A, C or G: two thirds each; D and H are one third each.
    shares = of_all_bases(GCShare(DNA, 3), ["BVA", "DHA", "BBC"])
    assert shares.tolist() == [2, 1, 1, 1, 1, 1, 2, 2, 3]
    assert of_all_bases(GCShare(DNA, 5), ["BVDHC"])[2] == 3


def test_a_wide_window_is_divided_into_a_thousand_steps():
    share = GCShare(DNA, 100_001)
    assert share.steps == 1000
    assert set(of_all_bases(share, ["G" * 300 + "A" * 700])) == {300}


@pytest.mark.parametrize("rule", [KmerContexts(DNA, 5), GCShare(DNA, 9)])
def test_no_number_depends_on_the_blocks(rule, monkeypatch):
    rng = np.random.default_rng(1)
    sequences = ["".join(rng.choice(list("ACGTN"), n)) for n in (0, 1, 40, 7, 0, 90)]
    whole = of_all_bases(rule, sequences)
    for size in (1, 2, 3, 10):
        monkeypatch.setattr(window_rules, "_BASES_AT_ONCE", size)
        assert of_all_bases(rule, sequences).tolist() == whole.tolist()


def test_contexts_of_another_alphabet_are_numbered_too():
    rule = KmerContexts(Alphabet.of_letters("xyz"), 3)
    tokens = rule.alphabet.encode("xyzxyz?x")
    (_, contexts), *rest = rule.of_bases(tokens, np.array([8]))
    assert not rest
    assert contexts[1] == contexts[4]
    assert len(set(contexts.tolist())) == 7
    assert contexts.max() == contexts[6] == rule.size - 1


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 3).flatmap(
        lambda k: st.lists(
            st.lists(st.integers(0, 9), min_size=k, max_size=k), min_size=1, max_size=6
        )
    )
)
def test_no_other_stretches_match_more_labels(rows):
    histogram = np.array(rows)
    n_values, n_states = histogram.shape

    def matches(calls):
        return histogram[np.arange(n_values), list(calls)].sum()

    best = max(
        matches(calls)
        for calls in product(range(n_states), repeat=n_values)
        if np.count_nonzero(np.diff(calls)) < n_states
    )
    found = best_calls(histogram)
    assert matches(found) == best
    assert np.count_nonzero(np.diff(found.astype(int))) < n_states


def test_smoothed_frequencies_are_those_of_laplace():
    found = smoothed_frequencies(np.array([[0, 0], [1, 0], [2, 7]]))
    assert found.tolist() == [[1 / 2, 1 / 2], [2 / 3, 1 / 3], [3 / 11, 8 / 11]]
