"""Predictions do not depend on how the records are cut, batched or padded."""

import types

import numpy as np
import pytest
import torch

from basetag import chunks, inference
from basetag.alphabet import DNA
from basetag.architecture import CELLS
from basetag.chunks import PADDED_SHARE
from basetag.inference import Predictor
from basetag.networks import recurrence
from basetag.networks.activations import Activations
from basetag.networks.tagger_network import TaggerNetwork

#: Largest difference in posterior that the order of sums may make, in the network's precision.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-7}
CPU = torch.device("cpu")


def make(cell, bidirectional, layers, gain=1.0, dtype=torch.float32, **parts):
    network = TaggerNetwork(
        DNA, 3, cell=cell, hidden=6, layers=layers, bidirectional=bidirectional, **parts
    )
    network.initialise(torch.Generator().manual_seed(3))
    for parameter in network.parameters():
        parameter.data *= gain
    return network.to(dtype).eval()


def predict(network, tokens, lengths, out=None, **options):
    return Predictor(network, CPU, **options).posterior(tokens, np.asarray(lengths), out)


def whole_records(network, tokens, lengths):
    """Each record on its own, uncut."""
    starts = np.cumsum(lengths) - lengths
    parts = [
        torch.softmax(
            network(torch.from_numpy(tokens[start : start + length])[:, None], np.array([length])),
            dim=-1,
        )[:, 0].detach()
        for start, length in zip(starts, lengths, strict=True)
        if length
    ]
    return np.concatenate(parts)


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

    whole = whole_records(network, tokens, lengths)
    for rows, bases in [(1, 64), (11, 700), (3, 50), (2, 700), (4, 10**6), (11, 10**6)]:
        found = predict(network, tokens, lengths, rows=rows, bases=bases)
        assert np.abs(found - whole).max() <= TOLERANCE[dtype], (rows, bases)


FRONTS = {
    "words": {"embedding": {"k": 6, "dimensions": 3}},
    "kernels": {"convolution": {"widths": [3, 8, 31], "channels": 4}},
    "both": {
        "embedding": {"k": 4, "dimensions": 3},
        "convolution": {"widths": [2, 9], "channels": 4},
    },
}


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["none", "gru"])
def test_a_front_end_sees_over_the_seams(front, bidirectional, cell):
    parts = FRONTS[front] | ({"residual": True, "normalised": True} if cell == "gru" else {})
    network = make(cell, bidirectional, 3, dtype=torch.float64, **parts)
    lengths = np.array([1, 200, 0, 64, 65, 31, 2, 200, 128, 500, 63], dtype=np.int64)
    tokens = np.random.default_rng(4).integers(DNA.n_tokens, size=lengths.sum()).astype(np.uint8)
    for complement in (None, DNA.complement):
        whole = whole_records(network, tokens, lengths)
        if complement is not None:
            parts = np.split(tokens, np.cumsum(lengths)[:-1])
            turned = np.concatenate([complement[part][::-1] for part in parts])
            other = np.split(whole_records(network, turned, lengths), np.cumsum(lengths)[:-1])
            whole = (whole + np.concatenate([part[::-1] for part in other])) / 2
        for rows, bases in [(1, 16), (3, 50), (11, 700), (11, 10**6)]:
            found = predict(network, tokens, lengths, rows=rows, bases=bases, complement=complement)
            assert np.abs(found - whole).max() <= TOLERANCE[torch.float64], (rows, bases)


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("cell", ["none", "gru"])
def test_a_one_directional_network_looks_left_alone(front, cell):
    network = make(cell, False, 1, **FRONTS[front])
    tokens = np.random.default_rng(4).integers(4, size=90).astype(np.uint8)
    changed = tokens.copy()
    changed[50:] = 3 - changed[50:]
    before, after = predict(network, tokens, [90]), predict(network, changed, [90])
    assert np.array_equal(before[:50], after[:50])
    assert np.abs(before[50:] - after[50:]).max() > 1e-3


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_both_strands_are_the_mean_of_a_record_and_its_reverse_complement(cell, layers):
    network = make(cell, True, layers)
    lengths = np.array([40, 0, 130, 1])
    tokens = np.random.default_rng(4).integers(DNA.n_tokens, size=lengths.sum()).astype(np.uint8)
    turned = [DNA.complement[part][::-1] for part in np.split(tokens, np.cumsum(lengths)[:-1])]
    other = np.split(
        whole_records(network, np.concatenate(turned), lengths), np.cumsum(lengths)[:-1]
    )
    mirrored = np.concatenate([part[::-1] for part in other])
    expected = (whole_records(network, tokens, lengths) + mirrored) / 2
    for rows, bases in [(1, 50), (4, 10**6)]:
        found = predict(network, tokens, lengths, rows=rows, bases=bases, complement=DNA.complement)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def computed_bases(network, lengths, monkeypatch, **options):
    """Count the bases, padding included, that reach a cell of the network."""
    counted = []

    def counting(original, cells):
        def run(*arguments, **named):
            features = next(value for value in arguments if isinstance(value, Activations))
            counted.append(cells * features.entries.numel())
            return original(*arguments, **named)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(recurrence, "read", counting(recurrence.read, 1))
        patch.setattr(recurrence, "read_both", counting(recurrence.read_both, 2))
        predict(network, np.zeros(sum(lengths), dtype=np.uint8), lengths, **options)
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
def test_records_together_cost_what_they_cost_cut_alone(
    lengths, bidirectional, layers, monkeypatch
):
    network = make("rnn", bidirectional, layers)
    together = computed_bases(network, lengths, monkeypatch, rows=16, bases=3200)
    # A record that is cut, and read in two directions, is read more than once in some of them.
    again = (layers + 2) / 2 if bidirectional else 1
    cells = layers * (2 if bidirectional else 1)
    assert together <= PADDED_SHARE * again * cells * sum(lengths)
    alone = sum(computed_bases(network, [length], monkeypatch, bases=10**6) for length in lengths)
    assert alone == cells * sum(lengths)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_long_record_is_never_held_as_a_whole(layers, monkeypatch):
    network = make("lstm", True, layers)
    widest = []
    read = recurrence.read

    def watched(cell, features, *rest, **named):
        widest.append(features.entries.numel())
        return read(cell, features, *rest, **named)

    monkeypatch.setattr(recurrence, "read", watched)
    out = np.empty((10_000, 3), dtype=np.float32)
    found = predict(network, np.zeros(10_000, dtype=np.uint8), [10_000], out, bases=100)
    assert found is out
    assert max(widest) == 100


def test_the_states_at_the_seams_are_copies():
    """Views would keep what a layer said of every base."""
    network = make("gru", True, 1)
    features = network.front(torch.zeros(50, 2))
    for cell in network.layers[0].directions():
        _, (state,) = cell.read(features, np.full(50, 2))
        assert state.untyped_storage().nbytes() == state.nbytes


def test_records_are_rather_fewer_than_cut():
    lengths = np.full(64, 1000)
    assert chunks.side_by_side(lengths, 64, 64_000, 10**6) == 64
    assert chunks.side_by_side(lengths, 64, 20_000, 10**6) == 20
    assert chunks.side_by_side(lengths, 64, 7_999, 10**6) == 64  # cut: too few would fit


def test_seams_beyond_the_bound_make_batches_of_fewer_records():
    lengths = np.full(64, 10_000)
    assert chunks.side_by_side(lengths, 64, 64_000, 10**6) == 64
    assert chunks.side_by_side(lengths, 64, 64_000, 200) == 38  # 5 seams in each
    assert chunks.side_by_side(lengths, 64, 64_000, 1) == 6  # uncut, none


def test_too_little_memory_makes_chunks_smaller_and_changes_nothing(monkeypatch):
    network = make("lstm", True, 2)
    lengths = np.array([900, 900, 30, 20])
    tokens = np.random.default_rng(2).integers(4, size=lengths.sum()).astype(np.uint8)
    gathered = chunks.Batch.gathered

    def exhausted(self, chunk, *around):
        if chunk.lengths.sum() > 200:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return gathered(self, chunk, *around)

    whole = whole_records(network, tokens, lengths)
    monkeypatch.setattr(chunks.Batch, "gathered", exhausted)
    predictor = Predictor(network, CPU, rows=4, bases=10**5)
    found = predictor.posterior(tokens, lengths)
    np.testing.assert_allclose(found, whole, atol=1e-5)


def test_a_job_with_more_memory_than_most_gets_the_same_chunks():
    """On a cluster a job is given more than on a laptop, and must not round in another order."""
    network, most = make("gru", False, 1), inference.MOST_MEMORY
    sizes = [Predictor(network, CPU, memory=n)._bases for n in (most // 4, most, 4 * most)]
    assert sizes[0] < sizes[1] == sizes[2]


def test_an_error_that_is_no_lack_of_memory_is_told(monkeypatch):
    def broken(self, *chunk):
        raise RuntimeError("expected scalar type Float")

    monkeypatch.setattr(chunks.Batch, "gathered", broken)
    with pytest.raises(RuntimeError, match="scalar type"):
        predict(make("rnn", False, 1), np.zeros(5, dtype=np.uint8), [5])


def test_the_fastest_number_of_records_side_by_side_is_measured(monkeypatch):
    predictor = Predictor(make("lstm", True, 1), CPU, bases=5000)
    # 64 rows of 78 bases in 4 s, 128 rows of 39 in 2 s, 256 rows of 19 no faster.
    times = iter(np.cumsum([0, 4, 0, 4, 0, 4, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2]))
    clock = types.SimpleNamespace(perf_counter=lambda: float(next(times)))
    monkeypatch.setattr(inference, "time", clock)
    with torch.inference_mode():
        assert predictor._fastest_rows() == 128


def test_the_clock_chooses_nothing_on_the_cpu(monkeypatch):
    """Last bits of a posterior depend on how many rows there are."""
    assert not Predictor(make("gru", True, 1), CPU)._measuring_pays(10**9, 10**6)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2**30, 2**31))
    card = Predictor(make("gru", True, 1), torch.device("cuda"))
    # Half of what the card has free, a quarter of the process's share elsewhere.
    assert card._bases // Predictor(make("gru", True, 1), CPU, memory=2**28)._bases == 8
    assert card._measuring_pays(10**9, 10**6)
    assert not card._measuring_pays(10**9, 1)
    assert not card._measuring_pays(1000, 10)


def test_every_posterior_is_a_distribution():
    network = make("lstm", True, 1)
    tokens = np.random.default_rng(1).integers(4, size=500).astype(np.uint8)
    posterior = predict(network, tokens, [500], bases=100)
    np.testing.assert_allclose(posterior.sum(axis=1), 1, atol=1e-6)


def test_no_records_give_no_rows():
    network = make("gru", True, 1)
    assert predict(network, np.empty(0, dtype=np.uint8), [0, 0]).shape == (0, 3)
