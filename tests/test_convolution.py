"""Convolutions in front of the recurrence, by hand and against numpy."""

import numpy as np
import pytest
import torch

from basetag.alphabet import DNA
from basetag.networks.activations import Activations
from basetag.networks.convolution import Convolution
from basetag.networks.embedding import Embedding


def run(convolution, values):
    """Return what the kernels see of (bases, inputs) values, zeros beyond their ends."""
    left, right = convolution.reach
    padded = torch.nn.functional.pad(values, (0, 0, left, right))
    return convolution(Activations.of_bases(padded[:, None])).dense()[:, 0].detach()


def cpg_finder(causal):
    """Return a kernel that is 1 where a base is the C of CpG, or, causal, its G."""
    convolution = Convolution(4, [2], 1, causal=causal)
    (kernel,) = convolution.kernels
    kernel.weight.data.zero_()
    kernel.weight.data[0, 1, 0] = 1.0
    kernel.weight.data[0, 2, 1] = 1.0
    kernel.bias.data.fill_(-1.0)
    return convolution


def one_hot(sequence):
    tokens = torch.from_numpy(DNA.encode(sequence)).long()[:, None]
    return Embedding(DNA)(tokens).dense()[:, 0]


def test_a_hand_set_kernel_finds_cpg():
    found = run(cpg_finder(causal=False), one_hot("ACGTCCGG"))[:, 0]
    assert found.tolist() == [0, 1, 0, 0, 0, 1, 0, 0]


def test_a_causal_kernel_ends_at_its_base():
    found = run(cpg_finder(causal=True), one_hot("ACGTCCGG"))[:, 0]
    assert found.tolist() == [0, 0, 1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("causal", [False, True])
def test_parallel_widths_are_numpys_correlations_side_by_side(causal):
    convolution = Convolution(3, [1, 4, 7], 2, causal=causal)
    convolution.initialise(torch.Generator().manual_seed(1))
    for kernel in convolution.kernels:
        kernel.bias.data.uniform_(-1, 1, generator=torch.Generator().manual_seed(2))
    values = torch.randn(20, 3, generator=torch.Generator().manual_seed(3))
    columns = []
    for kernel in convolution.kernels:
        width = kernel.weight.shape[2]
        left = width - 1 if causal else (width - 1) // 2
        padded = np.pad(values.numpy(), ((left, width - 1 - left), (0, 0)))
        for weight, bias in zip(kernel.weight.detach(), kernel.bias.detach(), strict=True):
            seen = sum(np.correlate(padded[:, i], weight[i].numpy(), "valid") for i in range(3))
            columns.append(np.maximum(seen + bias.numpy(), 0))
    np.testing.assert_allclose(run(convolution, values), np.stack(columns, axis=1), atol=1e-5)
