"""What `basetag.hmm` promises: the numbers that follow from a model at once."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basetag.alphabet import DNA, Alphabet
from basetag.hmm import HMM, stationary_distribution

TOY = {
    "alphabet": "dna",
    "states": ["H", "L"],
    "start": [0.5, 0.5],
    "transition": [[0.5, 0.5], [0.4, 0.6]],
    "emission": [[0.2, 0.3, 0.3, 0.2], [0.3, 0.2, 0.2, 0.3]],
}
#: The first and the last state bear one label, which is reported second.
GROUPED = {
    "alphabet": "dna",
    "states": ["I", "O", "I"],
    "labels": ["O", "I"],
    "start": [0.2, 0.8, 0.0],
    "transition": [[0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [0.0, 0.25, 0.75]],
    "emission": [[1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0.5, 0.5, 0]],
}


def test_the_toy_model_is_stationary_at_four_to_five():
    # pi_H x .5 = pi_L x .4, so that L, the majority, has 5/9 of the bases.
    np.testing.assert_allclose(HMM.from_settings(TOY).stationary(), [4 / 9, 5 / 9], rtol=1e-15)


def test_a_stationary_start_is_worked_out():
    hmm = HMM.from_settings(TOY | {"start": "stationary"})
    np.testing.assert_allclose(hmm.start, [4 / 9, 5 / 9], rtol=1e-15)


def test_settings_make_the_same_model_again_through_json():
    hmm = HMM.from_settings(TOY | {"start": "stationary"})
    again = HMM.from_settings(json.loads(json.dumps(hmm.settings())))
    for name in ("start", "transition", "emission"):
        np.testing.assert_array_equal(getattr(again, name), getattr(hmm, name))
    assert again.states == ("H", "L")
    assert again.alphabet == DNA


def test_without_labels_each_state_is_its_own():
    hmm = HMM.from_settings(TOY)
    assert hmm.labels == hmm.states == ("H", "L")
    assert not hmm.is_grouped
    assert hmm.label_of_state.tolist() == [0, 1]
    assert "labels" not in hmm.settings()


def test_labels_of_several_states_come_back_from_settings_and_stay_with_their_states():
    hmm = HMM.from_settings(GROUPED)
    assert hmm.settings() == GROUPED
    for model in (hmm, hmm.started_at(3), HMM.from_settings(json.loads(json.dumps(GROUPED)))):
        assert model.is_grouped
        assert (model.n_states, model.n_labels) == (3, 2)
        assert model.label_of_state.tolist() == [1, 0, 1]


def test_labels_in_another_order_than_the_states_are_a_grouping():
    hmm = HMM.from_settings(TOY | {"labels": ["L", "H"]})
    assert hmm.is_grouped
    assert hmm.label_of_state.tolist() == [1, 0]


@pytest.mark.parametrize("labels", [["I"], ["I", "O", "X"], ["I", "O", "O"]])
def test_labels_that_are_not_those_of_the_states_are_refused(labels):
    with pytest.raises(ValueError, match="the states bear I, O, and the labels are"):
        HMM.from_settings(GROUPED | {"labels": labels})


def test_letters_of_its_own_come_back_from_settings():
    hmm = HMM(Alphabet.of_letters("01"), ("a", "b"), np.array([1, 0]), np.eye(2)[::-1], np.eye(2))
    assert HMM.from_settings(hmm.settings()).alphabet == hmm.alphabet


def test_an_ambiguous_code_weighs_the_sum_of_its_letters():
    likelihood = HMM.from_settings(TOY).token_likelihood
    assert likelihood.shape == (DNA.n_tokens, 2)
    for code, expected in {"A": [0.2, 0.3], "S": [0.6, 0.4], "V": [0.8, 0.7]}.items():
        token = DNA.encode(code)[0]
        np.testing.assert_allclose(likelihood[token], expected, rtol=1e-12)


def test_unknown_is_exactly_no_evidence_however_the_emissions_were_rounded():
    emission = np.array([[0.333333, 0.333333, 0.333333, 0], [0.25, 0.25, 0.25, 0.25]])
    hmm = HMM(DNA, ("a", "b"), np.array([0.5, 0.5]), np.full((2, 2), 0.5), emission)
    np.testing.assert_array_equal(hmm.token_likelihood[DNA.unknown], [1.0, 1.0])


def test_permuting_moves_the_numbers_and_leaves_the_letters():
    hmm = HMM.from_settings(TOY)
    swapped = hmm.permuted([1, 0])
    assert swapped.states == ("H", "L")
    np.testing.assert_array_equal(swapped.transition, [[0.6, 0.4], [0.5, 0.5]])
    np.testing.assert_array_equal(swapped.emission[0], hmm.emission[1])
    np.testing.assert_array_equal(swapped.permuted([1, 0]).transition, hmm.transition)


def test_a_permutation_of_three_states_is_that_of_rows_and_columns():
    rng = np.random.default_rng(1)
    transition = rng.dirichlet(np.ones(3), 3)
    hmm = HMM(DNA, ("a", "b", "c"), np.ones(3) / 3, transition, rng.dirichlet(np.ones(4), 3))
    order = [2, 0, 1]
    found = hmm.permuted(order).transition
    for i in range(3):
        for j in range(3):
            assert found[i, j] == transition[order[i], order[j]]


@given(st.integers(2, 8), st.integers(0, 1000))
def test_the_stationary_distribution_is_the_eigenvector_of_one(n, seed):
    transition = np.random.default_rng(seed).dirichlet(np.full(n, 0.5), n) * 0.99 + 0.01 / n
    values, vectors = np.linalg.eig(transition.T)
    vector = vectors[:, np.argmax(values.real)].real
    np.testing.assert_allclose(
        stationary_distribution(transition), vector / vector.sum(), rtol=1e-9, atol=1e-12
    )


def test_the_stationary_distribution_keeps_its_precision_where_switches_are_rare():
    transition = np.array([[1 - 1e-12, 1e-12], [3e-12, 1 - 3e-12]])
    np.testing.assert_allclose(stationary_distribution(transition), [0.75, 0.25], rtol=1e-12)


def test_a_chain_in_two_parts_has_no_single_stationary_distribution():
    with pytest.raises(ValueError, match="no single stationary distribution"):
        stationary_distribution(np.eye(2))


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("start", [0.5, 0.6], "start has a row that is no probability distribution"),
        ("start", [1.5, -0.5], "start has a row"),
        ("start", [np.nan, 1.0], "start has a row"),
        ("transition", [[1.0, 0.0]], r"transition has the shape \(1, 2\), not \(2, 2\)"),
        ("emission", [[0.5, 0.5], [0.5, 0.5]], r"emission has the shape \(2, 2\), not \(2, 4\)"),
    ],
)
def test_arrays_that_are_no_model_are_refused(name, rows, message):
    with pytest.raises(ValueError, match=message):
        HMM.from_settings(TOY | {name: rows})
