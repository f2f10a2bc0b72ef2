"""What `basetag.hmm_fitting` promises: frequencies by hand, and EM that finds what was hidden."""

import itertools
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basetag import hmm_fitting
from basetag.alphabet import DNA
from basetag.errors import InputError
from basetag.exact_inference import log_likelihood, smoothed_posterior
from basetag.hmm import HMM
from basetag.hmm_fitting import fit_counts, fit_em, match_states
from basetag.simulation import sample_emissions, sample_paths
from basetag.viterbi import viterbi_path

UNLABELLED = 255
STATES = ("H", "L")
TRUTH = HMM(
    DNA,
    STATES,
    np.array([0.5, 0.5]),
    np.array([[0.98, 0.02], [0.03, 0.97]]),
    np.array([[0.1, 0.4, 0.4, 0.1], [0.4, 0.1, 0.1, 0.4]]),
)


def labels_of(text):
    return np.array([{"H": 0, "L": 1}.get(letter, UNLABELLED) for letter in text], dtype=np.uint8)


def sample(records, length, seed):
    rng = np.random.default_rng(seed)
    lengths = np.full(records, length)
    path = sample_paths(TRUTH, lengths, rng)
    return sample_emissions(TRUTH, path, rng), path, lengths


def fit(sequence, labels, lengths, pseudocount=0.0):
    return fit_counts(
        DNA.encode(sequence), labels_of(labels), np.array(lengths), DNA, STATES, pseudocount
    )


def test_counts_by_hand():
    # sequences ACGT|GG|C: starts H, L, H; H->H 1, H->L 2, L->L 1; then L->H 1 in the second
    hmm = fit("ACGTGGCA", "HHLLLHHL", [4, 2, 2])
    np.testing.assert_allclose(hmm.start, [2 / 3, 1 / 3])
    np.testing.assert_allclose(hmm.transition, [[1 / 3, 2 / 3], [1 / 2, 1 / 2]])
    # H emits A C | G | C, L emits G T | G | A
    np.testing.assert_allclose(hmm.emission, [[1 / 4, 1 / 2, 1 / 4, 0], [1 / 4, 0, 1 / 2, 1 / 4]])


def test_ambiguous_letters_and_unlabelled_bases_count_for_nothing_and_break_transitions():
    # H at N gives transitions but no emission; . gives neither, and no start.
    hmm = fit("ANCRGTA", "HHL.LHL", [3, 4])
    np.testing.assert_allclose(hmm.start, [1, 0])
    np.testing.assert_allclose(hmm.transition, [[1 / 3, 2 / 3], [1, 0]])
    np.testing.assert_allclose(hmm.emission, [[1 / 2, 0, 0, 1 / 2], [1 / 3, 1 / 3, 1 / 3, 0]])


def test_a_pseudocount_is_added_to_every_count():
    hmm = fit("AC", "HL", [2], pseudocount=1.0)
    np.testing.assert_allclose(hmm.start, [2 / 3, 1 / 3])
    np.testing.assert_allclose(hmm.transition, [[1 / 3, 2 / 3], [1 / 2, 1 / 2]])
    np.testing.assert_allclose(hmm.emission[0], [2 / 5, 1 / 5, 1 / 5, 1 / 5])


@pytest.mark.parametrize(
    ("sequence", "labels", "message"),
    [
        ("ACG", "HHH", "no label is seen before another label: L; label more"),
        ("AAN", "HHL", "no label is seen before another label: L"),
        ("AANA", "HHLH", "no label is seen on an unambiguous letter: L"),
        ("ACGT", ".HLH", "no label is seen at the start of a sequence"),
    ],
)
def test_a_state_that_is_never_seen_needs_a_pseudocount(sequence, labels, message):
    with pytest.raises(InputError, match=message):
        fit(sequence, labels, [len(sequence)])
    fit(sequence, labels, [len(sequence)], pseudocount=0.5)


@given(
    st.lists(st.lists(st.sampled_from([0, 1, 2, UNLABELLED]), max_size=7), max_size=6),
    st.integers(1, 9),
)
def test_counts_do_not_depend_on_how_many_bases_are_counted_at_once(sequences, chunk):
    labels = np.array([label for sequence in sequences for label in sequence], dtype=np.uint8)
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    tokens = np.arange(labels.size, dtype=np.uint8) % DNA.n_tokens
    expected = np.ones((3, 3))
    start, emission = np.ones(3), np.ones((3, 4))
    for sequence in sequences:
        for before, after in itertools.pairwise(sequence):
            if before < 3 and after < 3:
                expected[before, after] += 1
        if sequence and sequence[0] < 3:
            start[sequence[0]] += 1
    for label, token in zip(labels, tokens, strict=True):
        if label < 3 and token < 4:
            emission[label, token] += 1
    whole = hmm_fitting._CHUNK_BASES
    try:
        hmm_fitting._CHUNK_BASES = chunk
        hmm = fit_counts(tokens, labels, lengths, DNA, ("a", "b", "c"), 1.0)
    finally:
        hmm_fitting._CHUNK_BASES = whole
    np.testing.assert_allclose(hmm.transition, expected / expected.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(hmm.start, start / start.sum())
    np.testing.assert_allclose(hmm.emission, emission / emission.sum(axis=1, keepdims=True))


def test_counting_enough_labels_finds_the_model():
    tokens, path, lengths = sample(200, 2000, seed=1)
    hmm = fit_counts(tokens, path, lengths, DNA, STATES, 0.0)
    np.testing.assert_allclose(hmm.transition, TRUTH.transition, atol=2e-3)
    np.testing.assert_allclose(hmm.emission, TRUTH.emission, atol=5e-3)


EM = {"seed": 1, "restarts": 2, "iterations": 40, "tolerance": 1e-6}


def test_em_finds_the_model_without_labels():
    tokens, path, lengths = sample(40, 1500, seed=2)
    hmm = fit_em(tokens, lengths, DNA, STATES, **EM)
    # Never below the truth by much, since EM climbs the likelihood of these very bases.
    gained = log_likelihood(hmm, tokens, lengths) - log_likelihood(TRUTH, tokens, lengths)
    assert gained.sum() > -1
    order = match_states(viterbi_path(hmm, tokens, lengths), path, 2)
    hmm = hmm.permuted(order)
    np.testing.assert_allclose(hmm.emission, TRUTH.emission, atol=0.02)
    np.testing.assert_allclose(hmm.transition, TRUTH.transition, atol=0.01)
    assert np.mean(viterbi_path(hmm, tokens, lengths) == path) > 0.9


def test_the_best_of_several_starts_is_kept():
    tokens, _, lengths = sample(10, 500, seed=3)
    gains = []
    for seed in range(4):
        likelihood = [
            log_likelihood(
                fit_em(
                    tokens, lengths, DNA, STATES, seed=seed, restarts=n, iterations=4, tolerance=0.0
                ),
                tokens,
                lengths,
            ).sum()
            for n in (1, 5)
        ]
        gains.append(likelihood[1] - likelihood[0])
    assert min(gains) >= 0
    assert max(gains) > 0


def test_em_is_the_same_from_the_same_seed_and_not_from_another():
    tokens, _, lengths = sample(10, 500, seed=3)
    options = EM | {"iterations": 5}
    one = fit_em(tokens, lengths, DNA, STATES, **options)
    again = fit_em(tokens, lengths, DNA, STATES, **options)
    np.testing.assert_array_equal(one.transition, again.transition)
    np.testing.assert_array_equal(one.emission, again.emission)
    other = fit_em(tokens, lengths, DNA, STATES, **(options | {"seed": 2}))
    assert np.abs(one.emission - other.emission).max() > 0


def test_ambiguous_letters_cut_what_em_sees_in_two():
    tokens, _, _ = sample(1, 400, seed=4)
    cut = np.insert(tokens, [150, 150, 300], DNA.unknown)
    found = fit_em(cut, np.array([cut.size]), DNA, STATES, **EM)
    expected = fit_em(tokens, np.array([150, 150, 100]), DNA, STATES, **EM)
    np.testing.assert_array_equal(found.transition, expected.transition)


def test_em_says_whether_it_converged(caplog):
    tokens, _, lengths = sample(2, 500, seed=5)
    with caplog.at_level(logging.INFO, logger="basetag.hmm_fitting"):
        fit_em(tokens, lengths, DNA, STATES, **(EM | {"iterations": 2, "tolerance": 0.0}))
        fit_em(tokens, lengths, DNA, STATES, **(EM | {"tolerance": 1.0}))
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 4
    assert all("(stopped before it converged)" in message for message in messages[:2])
    assert all("(converged)" in message for message in messages[2:])


def test_a_letter_that_em_never_saw_can_be_predicted():
    tokens, _, lengths = sample(4, 300, seed=6)
    tokens[tokens == 3] = 0
    found = fit_em(tokens, lengths, DNA, STATES, **EM)
    np.testing.assert_allclose(found.emission[:, 3], 1e-6, rtol=1e-5)
    for rows in (found.emission, found.transition):
        np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-15)
    posterior = smoothed_posterior(found, DNA.encode("ACTTTG"), np.array([6]))
    np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-6)


def test_em_without_a_plain_letter_says_so():
    with pytest.raises(InputError, match="all are ambiguous"):
        fit_em(DNA.encode("NNN"), np.array([3]), DNA, STATES, **EM)


def test_states_go_with_the_labels_that_they_match_most_in_all():
    calls = np.repeat([2, 0, 1, 1, 0], [50, 40, 30, 5, 7]).astype(np.uint8)
    labels = np.repeat([0, 1, 2, 0, UNLABELLED], [50, 40, 30, 5, 7]).astype(np.uint8)
    np.testing.assert_array_equal(match_states(calls, labels, 3), [2, 0, 1])


def test_matching_is_best_in_all_and_not_label_by_label():
    # Both labels are called 0 most often; giving 0 to label 1 costs 1 match, to label 0 costs 8.
    calls = np.repeat([0, 1, 0, 1], [10, 9, 10, 2]).astype(np.uint8)
    labels = np.repeat([0, 0, 1, 1], [10, 9, 10, 2]).astype(np.uint8)
    np.testing.assert_array_equal(match_states(calls, labels, 2), [1, 0])
