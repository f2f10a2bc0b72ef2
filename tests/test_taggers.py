"""A tagger from its file, for plain strings: what a script or a notebook uses."""

import numpy as np
import pytest

from basetag.alphabet import DNA
from basetag.baselines import ConstantTagger
from basetag.errors import ConfigError, InputError
from basetag.tagger_file import write_tagger
from basetag.taggers import load_tagger
from tests.test_network_tagger import tagger_of


@pytest.fixture
def path(tmp_path):
    tagger_of().save(tmp_path / "tagger.safetensors")
    return tmp_path / "tagger.safetensors"


@pytest.fixture
def baseline(tmp_path):
    card = tagger_of().card
    card |= {"kind": "constant", "name": "majority", "architecture": {"baseline": "majority"}}
    path = tmp_path / "majority.safetensors"
    write_tagger(path, {"probabilities": np.array([0.4, 0.6])}, card)
    return path


def test_predicted_states_are_the_letters_of_the_most_probable(path):
    loaded = load_tagger(path)
    assert loaded.states == ("L", "H")
    predictions = loaded.predict(["ACGT", "", "GGGGGGG"])
    assert [len(prediction.states) for prediction in predictions] == [4, 0, 7]
    for prediction in predictions:
        letters = "".join("LH"[row.argmax()] for row in prediction.probabilities)
        assert prediction.states == letters
    assert loaded.predict([]) == []


def test_a_sequence_is_read_in_any_case(path):
    lower, upper = load_tagger(path).predict(["acgnr", "ACGNR"])
    assert np.array_equal(lower.probabilities, upper.probabilities)


def test_a_letter_outside_the_alphabet_is_refused_with_its_place(path):
    with pytest.raises(InputError, match=r"'sequence 2', position 3: '!' is no letter"):
        load_tagger(path).predict(["ACGT", "AC!T"])


def test_how_much_memory_there_is_changes_no_prediction(path):
    sequence = "ACGTTGCANNR" * 200
    (plain,) = load_tagger(path).predict([sequence])
    (bounded,) = load_tagger(path, memory=2**16).predict([sequence])
    np.testing.assert_allclose(bounded.probabilities, plain.probabilities, atol=1e-6)


def test_a_baseline_comes_through_the_same_door(baseline):
    loaded = load_tagger(baseline)
    assert isinstance(loaded.tagger, ConstantTagger)
    assert [prediction.states for prediction in loaded.predict(["ACG", "N"])] == ["HHH", "H"]


def test_a_baseline_averages_no_strands(baseline):
    assert load_tagger(baseline, both_strands=False)
    with pytest.raises(ConfigError, match=r"^both strands are asked for, and 'majority' is a base"):
        load_tagger(baseline, both_strands=True)


def test_states_are_called_by_the_decoding_that_is_asked_for(path):
    sequence = "".join(np.random.default_rng(1).choice(list("ACGT"), 2000))
    (by_base,) = load_tagger(path).predict([sequence])
    (whole,) = load_tagger(path, decoding="viterbi").predict([sequence])
    (longer,) = load_tagger(
        path, decoding={"method": "viterbi", "minimum_length": {"H": 40, "L": 10}}
    ).predict([sequence])
    assert np.array_equal(by_base.probabilities, longer.probabilities)
    tagger = load_tagger(path).tagger
    tokens = DNA.encode(sequence)
    lengths = np.array([tokens.size])
    for prediction, least in ((whole, [1, 1]), (longer, [10, 40])):
        called = tagger.most_probable_path(tokens, lengths, by_base.probabilities, np.array(least))
        assert prediction.states == "".join("LH"[state] for state in called)


@pytest.mark.parametrize(
    ("decoding", "words"),
    [
        ("viterby", "'viterby', expected one of argmax, viterbi; did you mean viterbi"),
        ({"method": "viterbi", "minimum": 5}, "'minimum'; did you mean minimum_length"),
        ({"method": "viterbi", "minimum_length": 0}, "found the minimum_length 0; expected 1 to"),
        ({"method": "viterbi", "minimum_length": {"X": 5}}, "no state 'X'; its states are L, H"),
        ({"method": "argmax", "minimum_length": 5}, "argmax calls each base alone"),
    ],
)
def test_a_decoding_that_cannot_be_is_refused_in_one_line(path, decoding, words):
    with pytest.raises(ConfigError, match=rf"^decoding: .*{words}"):
        load_tagger(path, decoding=decoding)
