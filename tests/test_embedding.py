"""Letters and words as vectors: hand-set tables, ambiguous letters, ends of records."""

import itertools

import numpy as np
import pytest
import torch

from basetag.alphabet import DNA
from basetag.networks.embedding import Embedding


def vectors(embedding, sequence, **given):
    """Return the vectors of a sequence's bases, (bases, width)."""
    tokens = torch.from_numpy(DNA.encode(sequence)).long()
    left, right = embedding.reach
    tokens = torch.nn.functional.pad(tokens, (left, right), value=embedding.outside)
    return embedding(tokens[:, None]).dense()[:, 0]


def numbered(k, causal=False):
    """Return an embedding that gives the words, in alphabetical order, the numbers 0, 1, ..."""
    embedding = Embedding(DNA, k, 1, causal=causal)
    embedding.weight.data = torch.arange(4.0**k)[:, None]
    return embedding


def number_of(word):
    return sum(4**place * "ACGT".index(letter) for place, letter in enumerate(word[::-1]))


def mean_number(word):
    """Return the mean over all words that `word` may be, every code being any letter."""
    choices = [letter if letter in "ACGT" else "ACGT" for letter in word]
    return np.mean([number_of(whole) for whole in itertools.product(*choices)])


def test_letters_as_they_are_are_one_hot_and_codes_mixtures():
    expected = [[1, 0, 0, 0], [0, 0, 0, 1], [0.5, 0, 0.5, 0], [0.25, 0.25, 0.25, 0.25]]
    np.testing.assert_array_equal(vectors(Embedding(DNA), "ATRN"), expected)


def test_a_learned_letter_has_its_vector_and_a_code_the_mean_of_its_letters():
    embedding = Embedding(DNA, dimensions=2)
    embedding.weight.data = torch.tensor([[1.0, 10], [2, 20], [4, 40], [8, 80]])
    expected = [[1, 10], [8, 80], [2.5, 25], [3.75, 37.5]]
    np.testing.assert_allclose(vectors(embedding, "ATRN").detach(), expected)


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_a_word_lies_around_its_base(k):
    sequence = "GATTACAGGC"
    before, behind = (k - 1) // 2, k // 2
    padded = "N" * before + sequence + "N" * behind
    expected = [mean_number(padded[at : at + k]) for at in range(len(sequence))]
    np.testing.assert_allclose(vectors(numbered(k), sequence)[:, 0].detach(), expected, rtol=1e-6)


def test_a_causal_word_ends_at_its_base():
    padded = "NN" + "GATTACA"
    expected = [mean_number(padded[at : at + 3]) for at in range(7)]
    found = vectors(numbered(3, causal=True), "GATTACA")[:, 0].detach()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("k", [2, 3, 8])
def test_a_word_with_an_ambiguous_letter_is_the_mean_of_all_that_it_may_be(k):
    sequence = "ACNGTRTTANNCA"
    padded = "N" * ((k - 1) // 2) + sequence + "N" * (k // 2)
    expected = [mean_number(padded[at : at + k]) for at in range(len(sequence))]
    found = vectors(numbered(k), sequence)[:, 0].detach()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("dimensions", [None, 3])
@pytest.mark.parametrize("k", [1, 3])
def test_outside_is_zero_whatever_was_learned(k, dimensions):
    embedding = Embedding(DNA, k, dimensions or (3 if k > 1 else None))
    if embedding.weight is not None:
        embedding.weight.data.fill_(1.0)
    tokens = torch.full((k, 1), embedding.outside)
    assert not embedding(tokens).dense().any()


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_gradient_reaches_every_word_that_a_code_may_be(k):
    embedding = Embedding(DNA, k, 2).double()
    embedding.initialise(torch.Generator().manual_seed(1))
    tokens = torch.from_numpy(DNA.encode("ACGNNTRAC")).long()[:, None]

    def run(weight):
        return torch.func.functional_call(embedding, {"weight": weight}, tokens).dense()

    assert torch.autograd.gradcheck(run, embedding.weight)


def test_a_long_table_is_read_as_a_short_one():
    """Where fewer bases are read than there are words, they are gathered first."""
    embedding = Embedding(DNA, 3, 5)
    embedding.initialise(torch.Generator().manual_seed(1))
    tokens = torch.randint(4, (300, 1), generator=torch.Generator().manual_seed(2))
    whole = embedding(tokens)
    assert not whole.of_each_base
    part = embedding(tokens[:40])
    assert part.of_each_base
    torch.testing.assert_close(part.dense(), whole.dense()[:38], rtol=0, atol=0)


def test_changed_weights_are_seen_at_the_next_prediction():
    embedding = Embedding(DNA, 3, 2).eval()
    tokens = torch.randint(4, (300, 1), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        for value in (1.0, 2.0):
            embedding.weight.data.fill_(value)
            embedding.eval()
            for _ in range(2):
                assert (embedding(tokens).dense() == value).all()
