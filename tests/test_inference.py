"""Predictions do not depend on how the records are cut, batched or padded."""

import numpy as np
import pytest
import torch

from basetag import inference
from basetag.alphabet import DNA
from basetag.inference import PADDED_SHARE, network_posterior
from basetag.networks import CELLS, TaggerNetwork

#: Largest difference in posterior that the order of sums may make, in the network's precision.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-7}
CPU = torch.device("cpu")


def make(cell, bidirectional, layers, gain=1.0, dtype=torch.float32):
    network = TaggerNetwork(DNA, 3, cell=cell, hidden=6, layers=layers, bidirectional=bidirectional)
    network.initialise(torch.Generator().manual_seed(3))
    for parameter in network.parameters():
        parameter.data *= gain
    return network.to(dtype).eval()


# In double precision with recurrent matrices that amplify, so that a state lost at a seam shows
# anywhere; in single precision as networks are.
@pytest.mark.parametrize(("gain", "dtype"), [(1.5, torch.float64), (1.0, torch.float32)])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_posteriors_do_not_depend_on_chunk_or_batch(cell, bidirectional, layers, gain, dtype):
    network = make(cell, bidirectional, layers, gain, dtype)
    generator = np.random.default_rng(4)
    lengths = np.array([1, 700, 0, 64, 65, 331, 2, 700, 128, 1_500, 63], dtype=np.int64)
    tokens = generator.integers(DNA.n_tokens, size=lengths.sum()).astype(np.uint8)

    starts = np.cumsum(lengths) - lengths
    whole = np.concatenate(
        [
            torch.softmax(
                network(
                    torch.from_numpy(tokens[start : start + length])[None], torch.tensor([length])
                ),
                dim=-1,
            )[0].detach()
            for start, length in zip(starts, lengths, strict=True)
            if length
        ]
    )
    for chunk, batch_bases in [(64, 10_000), (1, 300), (7, 50), (333, 1), (10_000, 10_000)]:
        found = network_posterior(
            network, tokens, lengths, device=CPU, chunk=chunk, batch_bases=batch_bases
        )
        assert np.abs(found - whole).max() <= TOLERANCE[dtype], (chunk, batch_bases)


def computed_bases(network, lengths, **options):
    """Count the bases, padding included, that reach a cell of the network."""
    counted = []
    hooks = [
        cell.register_forward_hook(
            lambda _, inputs, __: counted.append(inputs[0].shape[:2].numel())
        )
        for layer in network.recurrent_layers()
        for cell in layer.directions()
    ]
    tokens = np.zeros(sum(lengths), dtype=np.uint8)
    network_posterior(network, tokens, np.array(lengths), device=CPU, **options)
    for hook in hooks:
        hook.remove()
    return sum(counted)


@pytest.mark.parametrize(
    "lengths",
    [
        [20_000] + [200] * 100,
        [1] * 50 + [20_000] + [199] * 50,
        [201, 399, 400, 401, 9_999, 10_000],
        list(range(1, 300)),
        [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    ],
)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_records_together_cost_what_they_cost_alone(lengths, bidirectional, layers):
    network = make("rnn", bidirectional, layers)
    together = computed_bases(network, lengths, chunk=200)
    alone = sum(computed_bases(network, [length], chunk=200) for length in lengths)
    assert together <= PADDED_SHARE * alone


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_long_record_is_never_held_as_a_whole(layers):
    network = make("lstm", True, layers)
    widest = []
    for layer in network.recurrent_layers():
        layer.rightward.register_forward_hook(lambda _, inputs, __: widest.append(inputs[0].shape))
    out = np.empty((10_000, 3), dtype=np.float32)
    tokens = np.zeros(10_000, dtype=np.uint8)
    found = network_posterior(network, tokens, np.array([10_000]), device=CPU, out=out, chunk=100)
    assert found is out
    assert max(rows * bases for rows, bases, _ in widest) <= 100


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_a_record_of_many_chunks_reads_in_wider_ones(cell, layers, monkeypatch):
    network = make(cell, True, layers)
    tokens = np.random.default_rng(2).integers(4, size=1_100).astype(np.uint8)
    lengths = np.array([900, 200])
    whole = network_posterior(network, tokens, lengths, device=CPU, chunk=1_000)
    monkeypatch.setattr(inference, "MOST_CHUNKS", 4)
    found = network_posterior(network, tokens, lengths, device=CPU, chunk=10)
    assert np.abs(found - whole).max() <= TOLERANCE[torch.float32]


def test_every_posterior_is_a_distribution():
    network = make("lstm", True, 1)
    tokens = np.random.default_rng(1).integers(4, size=500).astype(np.uint8)
    posterior = network_posterior(network, tokens, np.array([500]), device=CPU, chunk=100)
    np.testing.assert_allclose(posterior.sum(axis=1), 1, atol=1e-6)


def test_no_records_give_no_rows():
    network = make("gru", True, 1)
    empty = np.empty(0, dtype=np.uint8)
    assert network_posterior(network, empty, np.array([0, 0]), device=CPU).shape == (0, 3)
