"""Pooling by attention: numbers worked out on paper, and what must not matter."""

import math

import numpy as np
import pytest
import torch

from basetag.networks.attention import AttentionPooling
from basetag.networks.tagger_network import active_rows

LENGTHS = np.array([6, 4, 4, 1])


def make(width=3, units=4, seed=1):
    pooling = AttentionPooling(width, units)
    pooling.initialise(torch.Generator().manual_seed(seed))
    return pooling


def states(lengths=LENGTHS, width=3):
    generator = torch.Generator().manual_seed(2)
    return torch.randn(int(lengths[0]), lengths.size, width, generator=generator)


def test_three_bases_are_weighed_as_by_hand():
    """tanh(h) is 0, 1/2, 0; twice log 3 times that, so weights are 1, 3, 1 of 5."""
    pooling = AttentionPooling(2, 1)
    pooling.projection.weight.data[:] = torch.tensor([[1.0, 0.0]])
    pooling.projection.bias.data.fill_(-1.0)
    pooling.score.weight.data.fill_(2 * math.log(3))
    half = 1 + math.log(3) / 2  # tanh(log(3) / 2) = 1/2
    hidden = torch.tensor([[[1.0, 10.0]], [[half, 0.0]], [[1.0, 5.0]]])
    pooled, weights = pooling(hidden, np.ones(3, dtype=np.int64))
    assert weights[:, 0].tolist() == pytest.approx([0.2, 0.6, 0.2], abs=1e-6)
    assert pooled[0].tolist() == pytest.approx([0.4 + 0.6 * half, 3.0], abs=1e-5)


def test_weights_sum_to_one_and_are_zero_in_the_padding():
    _, weights = make()(states(), active_rows(LENGTHS))
    torch.testing.assert_close(weights.sum(0), torch.ones(LENGTHS.size))
    assert (weights[:, 0] > 0).all()
    for row, length in enumerate(LENGTHS):
        assert not weights[length:, row].any()


def test_what_stands_in_the_padding_reaches_nothing():
    found = []
    for filler in (0.0, 1e6):
        pooling, hidden = make(), states()
        for row, length in enumerate(LENGTHS):
            hidden[length:, row] = filler
        pooled, weights = pooling(hidden.requires_grad_(), active_rows(LENGTHS))
        pooled.square().sum().backward()
        for row, length in enumerate(LENGTHS):
            assert not hidden.grad[length:, row].any()
        found.append([pooled, weights, hidden.grad, *(p.grad for p in pooling.parameters())])
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def test_a_row_is_pooled_as_it_is_alone():
    pooling, hidden = make(), states()
    together, _ = pooling(hidden, active_rows(LENGTHS))
    for row, length in enumerate(LENGTHS):
        alone, _ = pooling(hidden[:length, row : row + 1], np.ones(length, dtype=np.int64))
        torch.testing.assert_close(together[row : row + 1], alone)


def test_the_order_of_bases_does_not_matter():
    pooling, hidden = make(), states(np.full(3, 20))
    order = torch.randperm(20, generator=torch.Generator().manual_seed(3))
    pooled, weights = pooling(hidden, np.full(20, 3))
    again, moved = pooling(hidden[order], np.full(20, 3))
    torch.testing.assert_close(again, pooled)
    torch.testing.assert_close(moved, weights[order])


def test_scores_beyond_the_range_of_exp_are_weighed():
    pooling, hidden = make(), states()
    pooling.score.weight.data *= 1e4
    pooled, weights = pooling(hidden, active_rows(LENGTHS))
    assert pooled.isfinite().all()
    torch.testing.assert_close(weights.sum(0), torch.ones(LENGTHS.size))


def test_the_gradient_is_that_of_finite_differences():
    pooling, hidden = make().double(), states().double().requires_grad_()

    def run(hidden, *_):
        return pooling(hidden, active_rows(LENGTHS))

    assert torch.autograd.gradcheck(run, (hidden, *pooling.parameters()))


def test_a_row_without_a_base_is_refused():
    with pytest.raises(ValueError, match="1 of 4 rows"):
        make()(states(), np.full(6, 3))


def test_weights_are_drawn_from_the_generator_and_the_bias_is_zero():
    first, second, other = make(seed=1), make(seed=1), make(seed=2)
    assert not first.projection.bias.any()
    for name in ("projection", "score"):
        weight = getattr(first, name).weight
        assert torch.equal(weight, getattr(second, name).weight)
        assert not torch.equal(weight, getattr(other, name).weight)
        assert float(weight.detach().abs().max()) <= math.sqrt(6 / sum(weight.shape))
