"""A tagger from its file, for plain strings: what a script or a notebook uses."""

import json
import struct

import numpy as np
import pytest
import torch

from basetag.alphabet import DNA
from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.network_tagger import NetworkTagger, build_network
from basetag.splits import Segments
from basetag.taggers import load_tagger

ARCHITECTURE = {"cell": "lstm", "hidden": 4, "layers": 2, "bidirectional": True}


@pytest.fixture
def path(tmp_path):
    tokens = DNA.encode("ACGTACGTGG")
    labels = np.array([0, 1, 1, 0, 0, 1, 1, 0, 1, 1], dtype=np.uint8)
    corpus = Corpus(
        alphabet=DNA, states=("L", "H"), state_names={"L": "GC-poor", "H": "GC-rich"},
        names=["one"], starts=np.array([0]), lengths=np.array([10]), tokens=tokens, labels=labels,
    )  # fmt: skip
    zero, ten = np.array([0]), np.array([10])
    network = build_network(DNA, 2, ARCHITECTURE)
    network.initialise(torch.Generator().manual_seed(1))
    tagger = NetworkTagger.trained(
        network,
        corpus,
        Segments(zero, zero, ten, zero),
        "bilstm",
        ARCHITECTURE,
        torch.device("cpu"),
    )
    tagger.save(tmp_path / "tagger.safetensors")
    return tmp_path / "tagger.safetensors"


def test_a_saved_network_predicts_what_it_predicted_before(path):
    loaded = load_tagger(path)
    network = build_network(DNA, 2, ARCHITECTURE)
    network.initialise(torch.Generator().manual_seed(1))
    expected = torch.softmax(
        network(torch.from_numpy(DNA.encode("ACGNR"))[None], np.array([5])), -1
    )
    (prediction,) = loaded.predict(["acgnr"])
    np.testing.assert_allclose(prediction.probabilities, expected[0].detach(), atol=1e-6)


def test_predicted_states_are_the_letters_of_the_most_probable(path):
    loaded = load_tagger(path)
    assert loaded.states == ("L", "H")
    predictions = loaded.predict(["ACGT", "", "GGGGGGG"])
    assert [len(prediction.states) for prediction in predictions] == [4, 0, 7]
    for prediction in predictions:
        letters = "".join("LH"[row.argmax()] for row in prediction.probabilities)
        assert prediction.states == letters
    assert loaded.predict([]) == []


def test_a_letter_outside_the_alphabet_is_refused_with_its_place(path):
    with pytest.raises(InputError, match=r"'sequence 2', position 3: '!' is no letter"):
        load_tagger(path).predict(["ACGT", "AC!T"])


def test_the_file_carries_one_metadata_key_of_sorted_json(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    metadata = json.loads(data[8 : 8 + size])["__metadata__"]
    assert list(metadata) == ["basetag"]
    card = json.loads(metadata["basetag"])
    assert metadata["basetag"] == json.dumps(card, sort_keys=True, separators=(",", ":"))
    assert card["description"] == "LSTM of 4 units, two directions, 2 layers"
    # Two layers of two directions: 4 gates x 4 units x (inputs + 4 recurrent + 2 biases).
    assert card["parameters"] == 2 * 16 * (4 + 4 + 2) + 2 * 16 * (8 + 4 + 2) + 2 * 8 + 2
    assert card["training"]["prior"] == [0.4, 0.6]
