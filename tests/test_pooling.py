"""Networks that sum up a record: each pooling by a plain loop, and what must not matter."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import DNA
from basetag.architecture import CELLS, POOLINGS, describe
from basetag.corpus import UNLABELLED
from basetag.errors import ConfigError
from basetag.inference import Predictor
from basetag.judgement.evaluation import ceiling_of
from basetag.network_tagger import NetworkTagger, build_network
from basetag.networks.heads import PooledHead
from basetag.networks.pooling import pooling_named
from basetag.networks.tagger_network import TaggerNetwork
from tests.test_context import corpus_of, whole

CPU = torch.device("cpu")
#: Largest difference that the order of sums may make, in the network's precision.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-7}
#: As in the tests of prediction: some longer than a chunk, some of one base.
LENGTHS = np.array([1, 200, 0, 64, 65, 31, 2, 200, 128, 500, 63], dtype=np.int64)


def pooling_of(name, width=4, bidirectional=True, seed=1):
    pooling = pooling_named(name, width, bidirectional=bidirectional)
    pooling.initialise(torch.Generator().manual_seed(seed))
    return pooling.double()


def states_of(lengths, width=4, seed=2):
    generator = torch.Generator().manual_seed(seed)
    shape = int(lengths[0]), len(lengths), width
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def by_a_loop(name, pooling, states):
    """Return what is pooled of one row, (length, width), number by number."""
    rows = states.detach().tolist()
    length, width = len(rows), len(rows[0])
    columns = [[row[unit] for row in rows] for unit in range(width)]
    if name == "last":
        return rows[-1][: width // 2] + rows[0][width // 2 :]
    if name == "mean":
        return [sum(column) / length for column in columns]
    if name == "max":
        return [max(column) for column in columns]
    attention = pooling.attention
    weights = attention.projection.weight.tolist()
    scores = [
        sum(
            v * np.tanh(b + sum(w * h for w, h in zip(line, row, strict=True)))
            for v, line, b in zip(
                attention.score.weight[0].tolist(), weights, attention.projection.bias.tolist(),
                strict=True,
            )
        )
        for row in rows
    ]  # fmt: skip
    shares = [np.exp(score) for score in scores]
    return [
        sum(share * value for share, value in zip(shares, column, strict=True)) / sum(shares)
        for column in columns
    ]


lengths_of_rows = st.lists(st.integers(1, 9), min_size=1, max_size=5).map(
    lambda lengths: np.array(sorted(lengths, reverse=True), dtype=np.int64)
)


@pytest.mark.parametrize("name", POOLINGS)
@given(lengths=lengths_of_rows, filler=st.sampled_from([0.0, 1e30, torch.inf, torch.nan]))
@settings(max_examples=25, deadline=None)
def test_each_pooling_is_its_plain_loop_and_sees_no_padding(name, lengths, filler):
    pooling, hidden = pooling_of(name), states_of(lengths)
    for row, length in enumerate(lengths):
        hidden[length:, row] = filler
    hidden.requires_grad_()
    pooled = pooling(hidden, lengths)
    for row, length in enumerate(lengths):
        expected = by_a_loop(name, pooling, hidden[:length, row])
        assert pooled[row].tolist() == pytest.approx(expected, abs=1e-12)
    pooled.square().sum().backward()
    for row, length in enumerate(lengths):
        assert not hidden.grad[length:, row].any()
    for parameter in pooling.parameters():
        assert parameter.grad.isfinite().all()


@pytest.mark.parametrize("name", POOLINGS)
@given(lengths=lengths_of_rows, cuts=st.sets(st.integers(1, 8), max_size=4), leftward=st.booleans())
@settings(max_examples=25, deadline=None)
def test_summaries_of_chunks_merge_into_that_of_the_whole(name, lengths, cuts, leftward):
    pooling, hidden = pooling_of(name), states_of(lengths)
    longest = int(lengths[0])
    borders = sorted({0, *(cut for cut in cuts if cut < longest), *lengths.tolist()})
    parts = []
    for first, last in itertools.pairwise(borders):
        rows = int((lengths > first).sum())
        parts.append(pooling.summary(hidden[first:last, :rows], first, lengths[:rows]))
    summary = pooling.of_chunks(parts[::-1] if leftward else parts)
    found = pooling.pooled(summary, lengths)
    torch.testing.assert_close(found, pooling(hidden, lengths), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", POOLINGS)
def test_gradients_are_those_of_finite_differences(name):
    lengths = np.array([5, 3, 1])
    pooling, hidden = pooling_of(name), states_of(lengths).requires_grad_()

    def run(hidden, *_):
        return pooling(hidden, lengths)

    assert torch.autograd.gradcheck(run, (hidden, *pooling.parameters()))


def test_attention_is_that_of_the_module_also_where_scores_are_huge():
    lengths = np.array([7, 7, 2])
    pooling, hidden = pooling_of("attention"), states_of(lengths)
    active = (lengths[None] > np.arange(7)[:, None]).sum(1)
    for factor in (1.0, 1e5):
        pooling.attention.score.weight.data *= factor
        expected, weights = pooling.attention(hidden, active)
        torch.testing.assert_close(pooling(hidden, lengths), expected)
        summary = pooling.summary(hidden, 0, lengths)
        torch.testing.assert_close(pooling.weights(hidden, summary)[:, 0], weights[:, 0])


@pytest.mark.parametrize("name", POOLINGS)
def test_a_row_without_a_base_is_refused(name):
    with pytest.raises(ValueError, match="1 of 3 rows have no base"):
        pooling_of(name)(torch.zeros(4, 3, 4), np.array([4, 2, 0]))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_last_states_are_h_n_of_torch(cell, bidirectional, layers):
    network = TaggerNetwork(
        DNA, 2, cell=cell, hidden=5, layers=layers, bidirectional=bidirectional, pooling="last"
    )
    network.initialise(torch.Generator().manual_seed(1))
    theirs = getattr(torch.nn, cell.upper())(4, 5, layers, bidirectional=bidirectional)
    for depth, layer in enumerate(network.recurrent_layers()):
        for direction, ours in zip(("", "_reverse"), layer.directions(), strict=False):
            for name, value in ours.named_parameters():
                getattr(theirs, f"{name}_l{depth}{direction}").data.copy_(value.data)
    lengths = np.array([9, 6, 6, 1])
    tokens = torch.randint(4, (9, 4), generator=torch.Generator().manual_seed(2)).to(torch.uint8)
    letters = torch.nn.functional.one_hot(tokens.long(), 4).float()
    packed = torch.nn.utils.rnn.pack_padded_sequence(letters, torch.from_numpy(lengths))
    _, h_n = theirs(packed)
    h_n = h_n[0] if cell == "lstm" else h_n
    top = h_n.view(layers, -1, 4, 5)[-1]
    expected = network.head(torch.cat(list(top), dim=-1))
    torch.testing.assert_close(network(tokens, lengths), expected, rtol=1e-5, atol=1e-5)


def network_of(pooling, cell="gru", bidirectional=True, layers=1, dtype=torch.float64, **parts):
    network = TaggerNetwork(
        DNA, 3, cell=cell, hidden=6, layers=layers, bidirectional=bidirectional, pooling=pooling,
        **parts,
    )  # fmt: skip
    network.initialise(torch.Generator().manual_seed(3))
    for parameter in network.parameters():
        parameter.data *= 1.5 if dtype == torch.float64 else 1.0
    return network.to(dtype).eval()


def tokens_of(lengths=LENGTHS, seed=4):
    rng = np.random.default_rng(seed)
    return rng.integers(DNA.n_tokens, size=lengths.sum()).astype(np.uint8)


def alone(network, tokens, lengths):
    """Return the probabilities of each record that has bases, read alone, in the network's own."""
    found = []
    for part in np.split(tokens, np.cumsum(lengths)[:-1]):
        if part.size:
            scores = network(torch.from_numpy(part)[:, None], np.array([part.size]))
            found.append(torch.softmax(scores, -1)[0].detach().numpy())
    return np.array(found)


def at_each_base(of_records, lengths):
    return np.repeat(of_records, lengths[lengths > 0], axis=0)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_batch_gives_each_row_what_it_gives_it_alone(pooling):
    """Padding and neighbours change nothing: rows of one batch by the forward pass of training."""
    network = network_of(pooling)
    lengths = np.array([30, 12, 12, 1])
    rng = np.random.default_rng(1)
    tokens = rng.integers(4, size=(30, 4)).astype(np.uint8)
    first = network(torch.from_numpy(tokens), lengths)
    for row, length in enumerate(lengths):
        own = network(torch.from_numpy(tokens[:length, [row]]), lengths[[row]])
        torch.testing.assert_close(first[[row]], own, rtol=1e-9, atol=1e-9)
        tokens[length:, row] = rng.integers(4, size=30 - length)
    assert torch.equal(network(torch.from_numpy(tokens), lengths), first)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_probabilities_do_not_depend_on_chunk_or_batch(cell, bidirectional, layers, pooling, dtype):
    network = network_of(pooling, cell, bidirectional, layers, dtype)
    tokens = tokens_of()
    expected = at_each_base(alone(network, tokens, LENGTHS), LENGTHS)
    for rows, bases in [(1, 16), (3, 50), (11, 700), (11, 10**6)]:
        predictor = Predictor(network, CPU, rows=rows, bases=bases)
        found = predictor.posterior(tokens, LENGTHS)
        assert np.abs(found - expected).max() <= TOLERANCE[dtype], (rows, bases)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_both_strands_are_the_mean_of_a_record_and_its_reverse_complement(pooling):
    front = {"convolution": {"widths": [3, 8], "channels": 4}, "residual": True, "normalised": True}
    network = network_of(pooling, layers=3, **front)
    tokens = tokens_of()
    parts = np.split(tokens, np.cumsum(LENGTHS)[:-1])
    turned = np.concatenate([DNA.complement[part][::-1] for part in parts])
    mirror = [1, 0, 2]
    both = (alone(network, tokens, LENGTHS) + alone(network, turned, LENGTHS)[:, mirror]) / 2
    for rows, bases in [(1, 16), (11, 700), (11, 10**6)]:
        predictor = Predictor(
            network, CPU, rows=rows, bases=bases, complement=DNA.complement, mirror=mirror
        )
        found = predictor.posterior(tokens, LENGTHS)
        assert np.abs(found - at_each_base(both, LENGTHS)).max() <= 1e-7


@pytest.mark.parametrize("strands", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_attention_is_that_of_whole_records_however_they_are_cut(bidirectional, strands):
    network = network_of("attention", bidirectional=bidirectional, layers=2)
    tokens = tokens_of()
    complement = DNA.complement if strands == 2 else None

    def weights(part):
        (layer, *_) = network.recurrent_layers()
        hidden = Predictor(network, CPU).hidden(part, np.array([part.size]), np.array([part.size]))
        assert layer.outputs == hidden.shape[1]
        own = torch.from_numpy(hidden).double()[:, None]
        _, found = network.pooling.attention(own, np.ones(part.size, dtype=np.int64))
        return found[:, 0].detach().numpy()

    expected = []
    for part in np.split(tokens, np.cumsum(LENGTHS)[:-1]):
        own = weights(part) if part.size else np.empty(0)
        if strands == 2 and part.size:
            own = (own + weights(DNA.complement[part][::-1].copy())[::-1]) / 2
        expected.append(own)
    for rows, bases in [(1, 16), (3, 50), (11, 10**6)]:
        found = Predictor(
            network, CPU, rows=rows, bases=bases, complement=complement
        ).attention(tokens, LENGTHS)  # fmt: skip
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-6)
        sums = np.add.reduceat(found, (np.cumsum(LENGTHS) - LENGTHS)[LENGTHS > 0])
        np.testing.assert_allclose(sums, 1, atol=1e-5)


# ---- The loss


def test_the_loss_is_that_of_the_records_own_labels_wherever_they_stand():
    head = PooledHead(4, 3)
    scores = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    told = torch.full((6, 5), UNLABELLED, dtype=torch.uint8)
    for row, (place, label) in enumerate([(5, 2), (0, 0), (3, 1), (5, 0)]):
        told[place, row] = label  # the fifth has none
    weights = torch.tensor([0.5, 2.0, 3.0])
    found = head.loss(scores, told, np.full(6, 5), weights)
    expected = torch.nn.functional.cross_entropy(
        scores[:4], torch.tensor([2, 0, 1, 0]), weight=weights, reduction="sum"
    )
    torch.testing.assert_close(found, expected)
    told[:] = UNLABELLED
    assert float(head.loss(scores, told, np.full(6, 5), weights)) == 0


# ---- What a network says of itself


@pytest.mark.parametrize(
    ("pooling", "parameters", "operations", "words"),
    [
        ("last", 0, 0, "the state of each direction at the base that it reads last"),
        ("mean", 0, 0, "the mean of each unit over all bases"),
        ("max", 0, 0, "the largest of each unit over all bases"),
        ("attention", 100 + 10 + 10, 100 + 10 + 10,
         "the mean over all bases, weighed by attention of 10 units"),
    ],
)  # fmt: skip
def test_the_parts_have_the_pooling_and_a_head_once_a_record(
    pooling, parameters, operations, words
):
    network = TaggerNetwork(DNA, 3, cell="gru", hidden=5, bidirectional=True, pooling=pooling)
    *_, part, head = network.parts()
    assert part == ("pooling", words, parameters, operations)
    assert head == ("head", "softmax over 3 labels, once for each record", 33, 0)
    total = sum(part.parameters for part in network.parts())
    assert total == sum(parameter.numel() for parameter in network.parameters())
    assert not TaggerNetwork(DNA, 3, cell="gru", pooling=pooling).looks_left_alone


def architecture_of(pooling, **parts):
    return {
        "cell": "gru", "hidden": 4, "layers": 1, "bidirectional": False, "pooling": pooling, **parts
    }  # fmt: skip


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_network_is_written_and_read_with_its_pooling(pooling, tmp_path):
    architecture = architecture_of(pooling)
    assert describe(architecture).endswith(f"one direction, {POOLINGS[pooling]}")
    network = build_network(DNA, "HL", architecture)
    network.initialise(torch.Generator().manual_seed(3))
    corpus = corpus_of()
    tagger = NetworkTagger.trained(network, corpus, whole(corpus), "n", architecture, CPU)
    again = NetworkTagger.from_tensors(tagger.tensors(), tagger.card, CPU)
    tokens, lengths = corpus.tokens[:300], np.array([100, 200])
    posterior = tagger.posterior(tokens, lengths)
    assert np.array_equal(again.posterior(tokens, lengths), posterior)
    assert again.labels_records
    for row in (slice(0, 100), slice(100, 300)):
        assert (posterior[row] == posterior[row][0]).all()
    weights = again.attention(tokens, lengths)
    assert (weights is None) == (pooling != "attention")
    assert ceiling_of(tagger.card) == "exact"  # whatever the direction
    with pytest.raises(ConfigError, match="labels whole sequences, which have no path of states"):
        tagger.most_probable_path(tokens, lengths, posterior, np.ones(2, dtype=np.int64))


def test_without_pooling_one_direction_is_held_against_the_filtered_posterior():
    card = {"kind": "network", "architecture": architecture_of(None)}
    assert ceiling_of(card) == "filtered"


def test_pooling_and_states_of_bases_are_refused():
    for parts in ({"head": {"label_of": [0, 1]}}, {"label_of": [0, 1, 1]}):
        with pytest.raises(ValueError, match="what is pooled has labels"):
            TaggerNetwork(DNA, 2, cell="gru", pooling="max", **parts)
