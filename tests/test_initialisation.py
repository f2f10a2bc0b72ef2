"""What weights are drawn from."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from basetag.networks.initialisation import chrono_bias, draw_glorot


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("longest", [3, 100, 100_000])
def test_chrono_biases_are_logarithms_of_a_uniform_draw(longest):
    bias = chrono_bias(longest, 20_000, generator())
    drawn = np.exp(bias.double().numpy())
    assert bias.dtype == torch.float32
    assert bias.min() >= 0
    assert bias.max() <= math.log(longest - 1) + 1e-6
    uniform = stats.uniform(loc=1, scale=longest - 2)
    assert stats.kstest(drawn, uniform.cdf).pvalue > 1e-3


def test_a_unit_remembers_as_many_bases_as_were_drawn():
    """What a gate keeps of a state at each base is 1 - 1 / T for a memory of T."""
    bias = chrono_bias(1000, 5, generator()).double()
    memory = 1 / (1 - torch.sigmoid(bias))
    torch.testing.assert_close(memory, 1 + bias.exp())


def test_the_generator_alone_decides():
    assert torch.equal(chrono_bias(50, 9, generator(3)), chrono_bias(50, 9, generator(3)))
    assert not torch.equal(chrono_bias(50, 9, generator(3)), chrono_bias(50, 9, generator(4)))


@pytest.mark.parametrize("longest", [-1, 2])
def test_a_memory_that_leaves_nothing_to_draw_is_refused(longest):
    with pytest.raises(ValueError, match="3 is the least"):
        chrono_bias(longest, 4, generator())


def test_glorot_weights_are_uniform_up_to_their_bound():
    weight = torch.empty(100, 50)
    draw_glorot(weight, generator())
    bound = math.sqrt(6 / 150)
    uniform = stats.uniform(loc=-bound, scale=2 * bound)
    assert stats.kstest(weight.flatten().numpy(), uniform.cdf).pvalue > 1e-3
