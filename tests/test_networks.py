"""The network against the formulas of its cells, written out in numpy."""

import numpy as np
import pytest
import torch

from basetag.alphabet import DNA
from basetag.networks.activations import active_rows
from basetag.networks.tagger_network import TaggerNetwork


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def hidden_states(cell, weights, features):
    """Run the textbook recurrence over `features`, (length, inputs), in float64."""
    w_in, w_rec, b_in, b_rec = (weights[k].double().numpy() for k in weights)
    hidden = w_rec.shape[1]
    h, c = np.zeros(hidden), np.zeros(hidden)
    states = []
    for x in features:
        a, r = w_in @ x + b_in, w_rec @ h + b_rec
        if cell == "rnn":  # Elman (1990)
            h = np.tanh(a + r)
        elif cell == "gru":  # Cho et al. (2014), the reset gate on the recurrent product
            (ar, az, an), (rr, rz, rn) = np.split(a, 3), np.split(r, 3)
            update = sigmoid(az + rz)
            h = (1 - update) * np.tanh(an + sigmoid(ar + rr) * rn) + update * h
        else:  # Gers et al. (2000)
            i, f, g, o = np.split(a + r, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states)


def weights_of(module):
    return {
        name: getattr(module, name).detach()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }


def make(cell="lstm", hidden=3, layers=1, bidirectional=True, n_states=2, seed=1):
    network = TaggerNetwork(
        DNA, n_states, cell=cell, hidden=hidden, layers=layers, bidirectional=bidirectional
    )
    network.initialise(torch.Generator().manual_seed(seed))
    for parameter in network.parameters():  # biases too, or they would go untested
        parameter.data += 0.1 * torch.randn(
            parameter.shape, generator=torch.Generator().manual_seed(seed)
        )
    return network.eval()


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("layers", [1, 2])
def test_two_directional_logits_are_those_of_the_textbook_recurrence(cell, layers):
    network = make(cell, layers=layers)
    tokens = np.array([0, 3, 1, 2, 14, 4, 0], dtype=np.uint8)
    features = DNA.mixture[tokens]
    for layer in network.layers:
        rightward = hidden_states(cell, weights_of(layer.rightward), features)
        leftward = hidden_states(cell, weights_of(layer.leftward), features[::-1])[::-1]
        features = np.concatenate([rightward, leftward], axis=1)
    expected = features @ network.head.weight.detach().double().numpy().T
    expected += network.head.bias.detach().double().numpy()
    with torch.no_grad():
        found = network(torch.from_numpy(tokens)[:, None], np.array([tokens.size]))[:, 0]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_a_plain_rnn_with_hand_set_weights_counts_cytosines_through_tanh():
    network = TaggerNetwork(DNA, 2, cell="rnn", hidden=1)
    for parameter in network.parameters():
        parameter.data.zero_()
    network.layers[0].rightward.weight_ih.data[0, 1] = 1.0
    network.layers[0].rightward.weight_hh.data[0, 0] = 1.0
    network.head.weight.data[1, 0] = 2.0
    logits = network(torch.from_numpy(DNA.encode("CAC"))[:, None], np.array([3]))[:, 0, 1]
    first = np.tanh(1)
    expected = 2 * np.array([first, np.tanh(first), np.tanh(1 + np.tanh(first))])
    np.testing.assert_allclose(logits.detach().numpy(), expected, rtol=1e-6)


def test_padding_reaches_no_base():
    network = make()
    tokens = torch.tensor([[0, 1, 2, 3, 1, 0], [3, 2, 1, 0, 2, 2]])
    padded = network(tokens.T, np.array([6, 4]))
    alone = network(tokens[1:, :4].T, np.array([4]))
    torch.testing.assert_close(padded[:4, 1], alone[:, 0])


def test_a_one_directional_network_is_causal():
    network = make("gru", bidirectional=False, layers=2)
    tokens = torch.tensor([[0, 1, 2, 3, 1, 0, 2]])
    changed = tokens.clone()
    changed[0, 4] = 3
    before, after = (network(t.T, np.array([7]))[:, 0] for t in (tokens, changed))
    assert torch.equal(before[:4], after[:4])
    assert not torch.equal(before[4:], after[4:])


def test_an_ambiguous_code_enters_as_the_mixture_of_its_bases():
    network = make()
    embedded = network.front(torch.from_numpy(DNA.encode("RN"))[:, None]).dense()[:, 0]
    expected = torch.tensor([[0.5, 0, 0.5, 0], [0.25, 0.25, 0.25, 0.25]])
    torch.testing.assert_close(embedded, expected)


def test_the_rows_that_have_a_base_are_counted_place_by_place():
    assert active_rows(np.array([4, 2, 2, 1])).tolist() == [4, 3, 1, 1]
    with pytest.raises(ValueError, match="from the longest on"):
        active_rows(np.array([2, 4]))


def test_initial_weights_follow_from_the_seed_alone():
    torch.manual_seed(1)
    first = TaggerNetwork(DNA, 2, cell="gru", hidden=4)
    first.initialise(torch.Generator().manual_seed(7))
    torch.manual_seed(2)
    second = TaggerNetwork(DNA, 2, cell="gru", hidden=4)
    second.initialise(torch.Generator().manual_seed(7))
    other = TaggerNetwork(DNA, 2, cell="gru", hidden=4)
    other.initialise(torch.Generator().manual_seed(8))
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])
    assert not torch.equal(first.head.weight, other.head.weight)


def test_recurrent_matrices_start_orthogonal_gate_by_gate():
    network = TaggerNetwork(DNA, 2, cell="lstm", hidden=5)
    network.initialise(torch.Generator().manual_seed(1))
    for gate in network.layers[0].rightward.weight_hh.split(5):
        torch.testing.assert_close(gate @ gate.T, torch.eye(5), atol=1e-5, rtol=0)
