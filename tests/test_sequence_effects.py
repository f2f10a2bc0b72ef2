"""In-silico mutagenesis against taggers whose answer is known on paper."""

import numpy as np
import pytest

from basetag.alphabet import DNA
from basetag.sequence_effects import log_odds, mutagenesis


class WeightMatrix:
    """Two classes; the log-odds of the first are the sum of a matrix's entries. Keeps a count."""

    def __init__(self, matrix):
        self.matrix, self.most = np.asarray(matrix), 0
        self.card = {"alphabet": "dna", "states": ["Y", "N"]}

    def posterior(self, tokens, lengths, threads=1, positions=None, out=None, features=None):
        self.most = max(self.most, tokens.size)
        found = []
        for part in np.split(tokens, np.cumsum(lengths)[:-1]):
            sums = (self.matrix[np.arange(part.size)] @ DNA.mixture[part].T).trace()
            p = 1 / (1 + np.exp(-np.array([sums, -sums])))
            found.append(np.tile(p, (part.size, 1)))
        return np.concatenate(found).astype(np.float32)


def test_log_odds_are_those_of_each_class_against_all_others():
    p = np.array([[0.5, 0.25, 0.25], [0.2, 0.3, 0.5]], dtype=np.float32)
    expected = np.log(p / (1 - p.astype(np.float64)))
    np.testing.assert_allclose(log_odds(p), expected, atol=1e-6)


def test_log_odds_keep_what_a_difference_from_one_would_lose():
    p = np.array([1.0, 1e-12], dtype=np.float32)
    np.testing.assert_allclose(log_odds(p), [12 * np.log(10), -12 * np.log(10)], rtol=1e-6)
    assert np.isfinite(log_odds(np.array([1.0, 0.0], dtype=np.float32))).all()


@pytest.mark.parametrize("at_once", [1, 30, 47, 10**6])
def test_a_weight_matrix_comes_back_as_its_differences(at_once):
    rng = np.random.default_rng(1)
    matrix, tokens = rng.normal(size=(12, 4)), rng.integers(4, size=12).astype(np.uint8)
    tagger = WeightMatrix(matrix)
    found = mutagenesis(tagger, tokens, at_once=at_once)
    assert found.dtype == np.float32
    assert found.shape == (12, 4, 2)
    expected = matrix - matrix[np.arange(12), tokens][:, None]
    np.testing.assert_allclose(found[..., 0], expected, atol=1e-4)
    np.testing.assert_allclose(found[..., 1], -expected, atol=1e-4)
    assert not found[np.arange(12), tokens].any()  # to the last bit
    assert tagger.most <= max(at_once, 12)
    beginning = mutagenesis(tagger, tokens, shown=5, at_once=at_once)
    np.testing.assert_array_equal(beginning, found[:5])


def test_of_an_ambiguous_code_every_letter_is_a_substitution():
    matrix = np.arange(12.0).reshape(3, 4) / 10
    tokens = np.array([0, DNA.unknown, 1], dtype=np.uint8)
    found = mutagenesis(WeightMatrix(matrix), tokens)
    np.testing.assert_allclose(found[1, :, 0], matrix[1] - matrix[1].mean(), atol=1e-5)
    assert not found[0, 0].any()
    assert found[1].any(axis=1).all()


def test_a_sequence_without_bases_has_no_effects():
    assert mutagenesis(WeightMatrix(np.zeros((1, 4))), np.empty(0, np.uint8)).shape == (0, 4, 2)
