"""A network with its card: its file, both strands, and a start from another's weights."""

import json
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import DNA, Alphabet
from basetag.corpus import Corpus
from basetag.errors import ConfigError, InputError
from basetag.network_tagger import NetworkTagger, build_network, load_network
from basetag.segments import Segments
from basetag.tagger_file import write_tagger
from basetag.taggers import LoadedTagger, load_tagger
from basetag.training.initial_weights import start_from

ARCHITECTURE = {"cell": "lstm", "hidden": 4, "layers": 2, "bidirectional": True}
PROTEIN = Alphabet.named("ACDEFGHIKLMNPQRSTVWY")
CPU = torch.device("cpu")


def corpus_of(alphabet=DNA, states="LH"):
    labels = np.array([0, 1, 1, 0, 0, 1, 1, 0, 1, 1], dtype=np.uint8)
    return Corpus(
        alphabet=alphabet, states=tuple(states), state_names={state: state for state in states},
        names=["one"], starts=np.array([0]), lengths=np.array([10]),
        tokens=alphabet.encode("ACCAACCAGG"), labels=labels,
    )  # fmt: skip


def network_of(architecture=ARCHITECTURE, alphabet=DNA, states="LH", seed=1):
    network = build_network(alphabet, states, architecture)
    network.initialise(torch.Generator().manual_seed(seed))
    return network


def tagger_of(architecture=ARCHITECTURE, alphabet=DNA, states="LH", **options):
    zero, ten = np.array([0]), np.array([10])
    return NetworkTagger.trained(
        network_of(architecture, alphabet, states), corpus_of(alphabet, states),
        Segments(zero, zero, ten, zero), "bilstm", architecture, CPU, **options,
    )  # fmt: skip


@pytest.fixture
def path(tmp_path):
    """The file of a trained network."""
    tagger_of().save(tmp_path / "tagger.safetensors")
    return tmp_path / "tagger.safetensors"


def card_of(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    metadata = json.loads(data[8 : 8 + size])["__metadata__"]
    assert list(metadata) == ["basetag"]
    return metadata["basetag"]


def test_a_saved_network_predicts_what_it_predicted_before(path):
    tokens = DNA.encode("ACGNR")
    expected = torch.softmax(network_of()(torch.from_numpy(tokens)[:, None], np.array([5])), -1)
    found = load_network(path, CPU).posterior(tokens, np.array([5]))
    np.testing.assert_allclose(found, expected[:, 0].detach(), atol=1e-6)


def test_the_file_carries_one_metadata_key_of_sorted_json(path):
    text = card_of(path)
    card = json.loads(text)
    assert text == json.dumps(card, sort_keys=True, separators=(",", ":"))
    assert card["description"] == "LSTM of 4 units, two directions, 2 layers"
    # Two layers of two directions: 4 gates x 4 units x (inputs + 4 recurrent + 2 biases).
    assert card["parameters"] == 2 * 16 * (4 + 4 + 2) + 2 * 16 * (8 + 4 + 2) + 2 * 8 + 2
    assert card["training"]["prior"] == [0.4, 0.6]
    assert [part["name"] for part in card["parts"]] == ["embedding", "layer 1", "layer 2", "head"]
    assert sum(part["parameters"] for part in card["parts"]) == card["parameters"]
    # The same products, 4 gates x 4 units x inputs, and 8 x 2 scores.
    assert card["operations_per_base"] == 2 * 16 * (4 + 4) + 2 * 16 * (8 + 4) + 16


@pytest.mark.parametrize("both_strands", [False, True])
def test_the_card_says_whether_both_strands_are_averaged(tmp_path, both_strands):
    tagger_of(both_strands=both_strands).save(tmp_path / "tagger.safetensors")
    card = json.loads(card_of(tmp_path / "tagger.safetensors"))
    assert card["both_strands"] is both_strands
    # A base is then read twice.
    one = sum(part["operations"] for part in card["parts"])
    assert card["operations_per_base"] == one * (2 if both_strands else 1)


def probabilities(loaded, sequence):
    (prediction,) = loaded.predict([sequence])
    return prediction.probabilities


def reverse_complement(sequence):
    return DNA.decode(DNA.complement[DNA.encode(sequence)][::-1])


AVERAGING = [
    LoadedTagger(tagger_of(ARCHITECTURE | {"cell": cell, "layers": layers}, both_strands=True))
    for cell in ("rnn", "gru", "lstm")
    for layers in (1, 2)
]


@settings(deadline=None)
@given(st.text(DNA.symbols, min_size=1, max_size=80), st.sampled_from(AVERAGING))
def test_both_strands_are_tagged_as_mirror_images(sequence, loaded):
    mirrored = probabilities(loaded, reverse_complement(sequence))[::-1]
    np.testing.assert_allclose(probabilities(loaded, sequence), mirrored, atol=1e-6, rtol=0)


def test_a_tagger_trained_for_both_strands_predicts_their_mean_wherever_it_is_loaded(tmp_path):
    tagger_of(both_strands=True).save(tmp_path / "both.safetensors")
    one = load_tagger(tmp_path / "both.safetensors", both_strands=False)
    forward = probabilities(one, "ACGGTTNAC")
    mirrored = probabilities(one, reverse_complement("ACGGTTNAC"))[::-1]
    assert np.abs(forward - mirrored).max() > 0.01  # else a mean would say nothing
    found = probabilities(load_tagger(tmp_path / "both.safetensors"), "ACGGTTNAC")
    np.testing.assert_allclose(found, (forward + mirrored) / 2, atol=1e-6, rtol=0)


def test_a_plain_tagger_averages_both_strands_where_it_is_asked_to(path, tmp_path):
    tagger_of(both_strands=True).save(tmp_path / "both.safetensors")
    expected = probabilities(load_tagger(tmp_path / "both.safetensors"), "ACGGTTNAC")
    asked = probabilities(load_tagger(path, both_strands=True), "ACGGTTNAC")
    assert np.array_equal(asked, expected)


def test_an_alphabet_without_a_second_strand_has_none_to_average(tmp_path):
    tagger_of(alphabet=PROTEIN).save(tmp_path / "tagger.safetensors")
    assert load_tagger(tmp_path / "tagger.safetensors").predict(["MKV"])
    with pytest.raises(ConfigError, match=r"^both strands are asked for, and sequences of 'ACDEF.*"
                       r"' have only one; leave both_strands away$"):  # fmt: skip
        load_tagger(tmp_path / "tagger.safetensors", both_strands=True)


def started(path, frozen=(), architecture=ARCHITECTURE, alphabet=DNA, states="LH"):
    """Return a network of other random weights that starts from the file."""
    network = network_of(architecture, alphabet, states, seed=2)
    start_from(network, path, corpus_of(alphabet, states), architecture, frozen)
    return network


def test_a_network_of_the_same_states_starts_with_all_weights(path):
    trained = network_of().state_dict()
    for name, value in started(path).state_dict().items():
        assert torch.equal(value, trained[name]), name


@pytest.mark.parametrize("states", ["HL", "LX", "LHX"])
def test_a_network_of_other_states_starts_with_all_weights_but_the_heads(path, states):
    trained, own = network_of().state_dict(), network_of(states=states, seed=2).state_dict()
    for name, value in started(path, states=states).state_dict().items():
        assert torch.equal(value, (own if name.startswith("head.") else trained)[name]), name


def test_a_network_with_another_head_starts_with_all_weights_but_its(path):
    architecture = ARCHITECTURE | {"head": "crf"}
    trained, own = network_of().state_dict(), network_of(architecture, seed=2).state_dict()
    for name, value in started(path, architecture=architecture).state_dict().items():
        assert torch.equal(value, (own if name.startswith("head.") else trained)[name]), name
    with pytest.raises(ConfigError, match="has head: softmax, and this tagger head: crf: unless"):
        started(path, ["head"], architecture)


@pytest.mark.parametrize(("before", "after"), [(None, "attention"), ("mean", "attention")])
def test_a_network_that_pools_otherwise_starts_with_all_weights_below(tmp_path, before, after):
    """So one that was trained on bases can go on with whole records."""
    theirs, ours = (ARCHITECTURE | {"pooling": pooling} for pooling in (before, after))
    tagger_of(theirs).save(tmp_path / "tagger.safetensors")
    trained, own = network_of(theirs).state_dict(), network_of(ours, seed=2).state_dict()
    found = started(tmp_path / "tagger.safetensors", architecture=ours).state_dict()
    assert any(name.startswith("pooling.") for name in found)
    for name, value in found.items():
        new = name.startswith(("head.", "pooling."))
        assert torch.equal(value, (own if new else trained)[name]), name


def test_a_network_that_pools_alike_keeps_its_attention_where_the_states_are_others(tmp_path):
    architecture = ARCHITECTURE | {"pooling": "attention"}
    tagger_of(architecture).save(tmp_path / "tagger.safetensors")
    trained = network_of(architecture).state_dict()
    found = started(tmp_path / "tagger.safetensors", (), architecture, states="LX").state_dict()
    for name, value in found.items():
        if not name.startswith("head."):
            assert torch.equal(value, trained[name]), name


@pytest.mark.parametrize(
    ("frozen", "beginnings"),
    [
        ((), ()),
        (("layers",), ("layers.",)),
        (("head",), ("head.",)),
        (("layers.1",), ("layers.1.",)),
        (("layers.0.leftward", "head"), ("layers.0.leftward.", "head.")),
        (("head.bias",), ("head.bias",)),
    ],
)
def test_what_lies_below_a_frozen_name_stays_and_all_else_learns(tmp_path, frozen, beginnings):
    architecture = ARCHITECTURE | {"layers": 11, "hidden": 1}
    tagger_of(architecture).save(tmp_path / "tagger.safetensors")
    network = started(tmp_path / "tagger.safetensors", frozen, architecture)
    for name, parameter in network.named_parameters():
        assert parameter.requires_grad != name.startswith(beginnings), name
    loss = network(torch.zeros(5, 1, dtype=torch.uint8), np.array([5])).square().sum()
    loss.backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is None) == name.startswith(beginnings), name


@pytest.mark.parametrize(
    ("frozen", "told"),
    [
        (
            ["layer.0"],
            "frozen: the network has no layer 'layer.0'; it has layers, layers.0, layers.1, head; "
            "did you mean layers.0?",
        ),
        (
            ["layers.0", "embedding"],
            "frozen: the network has no layer 'embedding'; it has layers, layers.0, layers.1, head",
        ),
        (
            ["head", "layers"],
            "frozen: with head, layers nothing is left to train; take out what shall learn, such "
            "as the head",
        ),
    ],
)
def test_frozen_names_that_cannot_be_used_are_one_line(path, frozen, told):
    with pytest.raises(ConfigError) as caught:
        started(path, frozen)
    assert str(caught.value) == told


@pytest.mark.parametrize("frozen", ["head", "head.weight"])
def test_a_head_that_is_new_cannot_be_frozen(path, frozen):
    with pytest.raises(ConfigError) as caught:
        started(path, [frozen], states="LX")
    assert str(caught.value) == (
        f"frozen: the head is new, because the states of {path} (L, H) are not those of the dataset"
        " (L, X): unless it is trained, its weights are random numbers; take the head out of frozen"
    )


@pytest.mark.parametrize(
    ("change", "found", "wanted"),
    [
        ({"hidden": 5}, "hidden: 4", "hidden: 5"),
        ({"layers": 1}, "layers: 2", "layers: 1"),
        ({"cell": "gru"}, "cell: lstm", "cell: gru"),
        ({"bidirectional": False}, "bidirectional: true", "bidirectional: false"),
        (
            {"convolution": {"widths": [3], "channels": 2}},
            "convolution: null",
            "convolution: {channels: 2, widths: [3]}",
        ),
    ],
)
def test_a_network_of_another_architecture_is_one_line_with_both(path, change, found, wanted):
    with pytest.raises(InputError) as caught:
        started(path, architecture=ARCHITECTURE | change)
    assert str(caught.value) == (
        f"{path}: cannot start from 'bilstm': it has {found}, and the tagger that would start from"
        f" it {wanted}; give that one {found}, or name another in init_from"
    )


def test_a_network_of_another_alphabet_is_one_line_with_both(path):
    with pytest.raises(InputError) as caught:
        started(path, alphabet=PROTEIN)
    assert str(caught.value) == (
        f"{path}: cannot start from 'bilstm': it reads 'dna', and the dataset is written in"
        " 'ACDEFGHIKLMNPQRSTVWY'; in init_from name a tagger of the dataset's alphabet"
    )


def test_a_baseline_is_one_line_that_asks_for_a_network(tmp_path):
    card = tagger_of().card | {"kind": "constant", "name": "majority"}
    path = tmp_path / "tagger.safetensors"
    write_tagger(path, {"probabilities": np.array([0.4, 0.6])}, card)
    with pytest.raises(InputError) as caught:
        started(path)
    assert str(caught.value) == (
        f"{path}: cannot start from 'majority': it is a baseline and has no network's weights; in"
        " init_from name the tagger.safetensors of a network"
    )
