"""What a network is made of: parts, their numbers, and what a base costs, counted by hand."""

import pytest

from basetag.alphabet import DNA
from basetag.networks.tagger_network import TaggerNetwork


def network(**architecture):
    return TaggerNetwork(DNA, 3, **architecture)


def costs(parts):
    return [(part.name, part.parameters, part.operations) for part in parts]


@pytest.mark.parametrize(
    ("cell", "gates", "recurrent"), [("rnn", 1, 1), ("gru", 3, 1), ("lstm", 4, 1), ("mingru", 2, 0)]
)
def test_a_base_costs_the_products_with_the_gates_matrices(cell, gates, recurrent):
    # 4 letters in, 5 units out, and 5 recurrent numbers where the cell has them.
    operations = gates * 5 * (4 + 5 * recurrent)
    parameters = operations + gates * 5 * (1 + recurrent)  # and the biases
    assert costs(network(cell=cell, hidden=5).parts()) == [
        ("embedding", 0, 0), ("recurrence", parameters, operations), ("head", 5 * 3 + 3, 5 * 3),
    ]  # fmt: skip
    both = costs(network(cell=cell, hidden=5, bidirectional=True).parts())
    assert both[1:] == [("recurrence", 2 * parameters, 2 * operations), ("head", 33, 30)]


def test_every_part_of_a_deep_network_is_counted():
    parts = network(
        cell="gru", hidden=2, layers=2, bidirectional=True, residual=True, normalised=True,
        embedding={"k": 3, "dimensions": 4}, convolution={"widths": [3, 5], "channels": 2},
    ).parts()  # fmt: skip
    assert costs(parts) == [
        ("embedding", 4**3 * 4, 0),  # looked up
        ("convolution", 2 * 4 * (3 + 5) + 2 * 2, 2 * 4 * (3 + 5)),
        ("layer 1", 2 * 6 * (4 + 2 + 2), 2 * 6 * (4 + 2)),
        ("layer 2", 2 * 6 * (4 + 2 + 2) + 2 * 4, 2 * 6 * (4 + 2)),  # and its norm of 4 numbers
        ("norm", 2 * 4, 0),
        ("head", 4 * 3 + 3, 4 * 3),
    ]
    assert [part.description for part in parts] == [
        "a vector of 4 numbers for each of 64 words of 3 letters",
        "2 kernels of each of the widths 3 and 5, cut off at 0",
        "GRU of 2 units in each direction",
        "GRU of 2 units in each direction, reads its input normalised, adds its input to what it "
        "says",
        "what the last layer hands on, normalised to mean 0 and variance 1",
        "softmax over 3 labels, each base for itself",
    ]


def test_a_chain_costs_a_step_of_the_messages_in_both_directions():
    (*_, head) = network(cell="rnn", hidden=5, head={"label_of": [0, 1, 2, 2]}).parts()
    assert head.operations == 5 * 4 + 2 * 4 * 4
    assert head.parameters == 5 * 4 + 4 + 4 * 4 + 2 * 4
    assert head.description == (
        "linear-chain CRF over 4 hidden states, 3 labels, all bases together"
    )


@pytest.mark.parametrize("head", [None, {"label_of": [0, 1, 2]}])
@pytest.mark.parametrize("convolution", [None, {"widths": [3], "channels": 2}])
@pytest.mark.parametrize("cell", ["none", "lstm", "mingru"])
def test_each_parameter_belongs_to_one_part(cell, convolution, head):
    whole = network(
        cell=cell, hidden=4, layers=2, residual=True, normalised=True,
        embedding={"k": 1, "dimensions": 4}, convolution=convolution, head=head,
    )  # fmt: skip
    assert sum(part.parameters for part in whole.parts()) == sum(
        parameter.numel() for parameter in whole.parameters()
    )


def test_what_looks_left_alone_has_nothing_that_looks_right():
    assert network(cell="gru").looks_left_alone
    assert network(cell="gru", embedding={"k": 4, "dimensions": 2}).looks_left_alone
    assert not network(cell="gru", bidirectional=True).looks_left_alone
    # A chain's later bases tell of the earlier ones.
    assert not network(cell="gru", head={"label_of": [0, 1, 2]}).looks_left_alone
    wide = {"widths": [3], "channels": 2}
    assert not network(cell="none", bidirectional=True, convolution=wide).looks_left_alone
