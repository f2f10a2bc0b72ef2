"""Generation: drawn letters follow the network's probabilities, which are those of the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import yaml
from scipy.stats import chi2, chisquare

from basetag.alphabet import DNA, Alphabet
from basetag.config import load_config
from basetag.errors import ConfigError
from basetag.generated_letters import compare_letters, stretches
from basetag.generation import LetterReader, draw_letters, generate
from basetag.inference import Predictor
from basetag.network_tagger import build_network
from tests.conftest import REPOSITORY

CPU = torch.device("cpu")
NETWORKS = {
    "rnn": {"cell": "rnn", "hidden": 5},
    "gru": {"cell": "gru", "hidden": 5, "layers": 2},
    "lstm": {"cell": "lstm", "hidden": 5, "layers": 3, "residual": True, "normalised": True},
    "mingru": {"cell": "mingru", "hidden": 5, "layers": 2},
    "words": {"cell": "gru", "hidden": 5, "embedding": {"k": 3, "dimensions": 4}},
    "kernels": {
        "cell": "lstm",
        "hidden": 5,
        "embedding": {"k": 2, "dimensions": 3},
        "convolution": {"widths": [2, 5], "channels": 3},
    },
    "no cell": {"cell": "none", "convolution": {"widths": [4], "channels": 6}},
}
CHAIN = np.array(
    [[0.1, 0.2, 0.3, 0.4], [0.4, 0.1, 0.3, 0.2], [0.25, 0.25, 0.4, 0.1], [0.7, 0.1, 0.1, 0.1]]
)


def network_of(architecture, seed=1):
    network = build_network(DNA, "ACGT", architecture)
    network.initialise(torch.Generator().manual_seed(seed))
    return network


def chain_network():
    """A network without recurrence whose next letter is that of the Markov chain `CHAIN`."""
    network = network_of({"cell": "none"})
    network.head.weight.data = torch.from_numpy(np.log(CHAIN).T.copy()).float()
    network.head.bias.data.zero_()
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_told_letter_by_letter_is_what_is_told_of_the_whole(name):
    network = network_of(NETWORKS[name])
    rng = np.random.default_rng(1)
    rows, length = 3, 60
    tokens = rng.integers(0, 4, (length, rows)).astype(np.uint8)
    whole = Predictor(network, CPU).posterior(tokens.T.ravel(), np.full(rows, length))
    whole = whole.reshape(rows, length, 4)
    reader = LetterReader(network, rows)
    for start, end in ((0, 1), (1, 2), (2, 20), (20, 21), (21, 60)):
        found = reader.read(tokens[start:end])
        assert found == pytest.approx(whole[:, end - 1], abs=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_without_temperature_each_letter_is_the_likeliest_behind_the_whole(name):
    network = network_of(NETWORKS[name])
    prompts = np.array([[0, 1, 2], [3, 3, 0]], dtype=np.uint8)
    found = generate(network, prompts, 40, 0, np.random.default_rng(1))
    assert np.array_equal(found[:, :3], prompts)
    told = Predictor(network, CPU).posterior(found.ravel(), np.full(2, 40)).reshape(2, 40, 4)
    assert np.array_equal(told.argmax(axis=2)[:, 2:-1], found[:, 3:])


def test_letters_of_a_chain_follow_each_other_as_in_the_chain():
    prompts = np.repeat(np.arange(4, dtype=np.uint8), 50)[:, None]
    found = generate(chain_network(), prompts, 200, 1.0, np.random.default_rng(2))
    pairs = np.zeros((4, 4))
    np.add.at(pairs, (found[:, :-1].ravel(), found[:, 1:].ravel()), 1)
    expected = pairs.sum(axis=1, keepdims=True) * CHAIN
    statistic = ((pairs - expected) ** 2 / expected).sum()
    assert chi2.sf(statistic, 12) > 0.001
    assert statistic > 1  # not closer than chance lets it be


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_letters_are_drawn_by_powers_of_their_probabilities(temperature):
    p = np.array([0.5, 0.3, 0.2, 0.0])
    drawn = draw_letters(np.tile(p, (50_000, 1)), temperature, np.random.default_rng(3))
    counts = np.bincount(drawn, minlength=4)
    assert counts[3] == 0
    expected = p[:3] ** (1 / temperature)
    assert chisquare(counts[:3], 50_000 * expected / expected.sum()).pvalue > 0.001


def test_temperatures_at_the_limits():
    p = np.tile([0.2, 0.4, 0.4, 1e-30], (1000, 1)).astype(np.float32)
    rng = np.random.default_rng(4)
    assert set(draw_letters(p, 0, rng)) == {1}
    assert set(draw_letters(p, 1e-3, rng)) == {1, 2}
    hot = np.bincount(draw_letters(np.tile(p, (50, 1)), 100, rng), minlength=4)
    assert hot.min() > 0.4 * hot.max()  # even what is all but impossible


def test_the_same_seed_gives_the_same_letters_and_another_one_others():
    network = network_of(NETWORKS["gru"])
    prompts = np.zeros((4, 1), dtype=np.uint8)
    first, again, other = (
        generate(network, prompts, 100, 1.0, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len({row.tobytes() for row in first}) == 4


@pytest.mark.parametrize(
    "architecture",
    [
        {"cell": "gru", "bidirectional": True},
        {"cell": "gru", "head": "crf"},
        {"cell": "gru", "pooling": "last"},
    ],
)
def test_a_network_that_sees_more_than_the_past_generates_nothing(architecture):
    with pytest.raises(ConfigError, match="from left to right"):
        LetterReader(network_of(architecture), 1)


@pytest.mark.parametrize(("given", "length"), [(0, 5), (6, 5)])
def test_a_prompt_has_a_letter_and_no_more_than_the_sequence(given, length):
    prompts = np.zeros((1, given), dtype=np.uint8)
    with pytest.raises(ConfigError, match=f"cannot begin with {given}"):
        generate(chain_network(), prompts, length, 1.0, np.random.default_rng(1))


def random_letters(rng, p, length=100_000):
    return [rng.choice(4, length, p=p).astype(np.uint8)]


def test_frequencies_of_the_same_source_differ_by_about_their_errors():
    rng = np.random.default_rng(5)
    z = []
    for _ in range(30):
        sides = [random_letters(rng, [0.3, 0.2, 0.2, 0.3], 20_000) for _ in range(2)]
        found = compare_letters(*(stretches(own, 20_000) for own in sides), DNA)
        z += [row["z"] for row in found["letters"]] + [found["gc"]["z"]]
    assert 0.7 < np.std(z) < 1.1
    assert max(map(abs, z)) < 4


def test_other_frequencies_are_told_apart():
    rng = np.random.default_rng(6)
    sides = random_letters(rng, [0.3, 0.2, 0.2, 0.3]), random_letters(rng, [0.29, 0.21, 0.2, 0.3])
    found = compare_letters(*(stretches(own, 100_000) for own in sides), DNA)
    assert abs(found["gc"]["z"]) > 4
    assert found["largest_z"] >= abs(found["gc"]["z"])
    row = next(row for row in found["pairs"] if row["word"] == "CA")
    assert row["training"] == pytest.approx(0.21 * 0.29, abs=0.005)
    error = np.sqrt(0.06 * 0.94 / 100_000)
    assert row["generated_error"] == pytest.approx(error, rel=0.35)


def test_a_word_that_never_came_up_in_a_few_letters_is_no_surprise():
    rng = np.random.default_rng(7)
    training = random_letters(rng, [0.3, 0.2, 0.2, 0.3])
    generated = [np.tile(np.array([0, 1, 0, 2, 3, 1], dtype=np.uint8), 10)]  # no GG in 60 letters
    found = compare_letters(stretches(generated, 60), stretches(training, 100_000), DNA)
    row = next(row for row in found["pairs"] if row["word"] == "GG")
    assert row["generated"] == 0
    # By the binomial distribution at the share of both sides.
    assert row["z"] == pytest.approx(-0.04 / np.sqrt(0.04 * 0.96 / 57), rel=0.1)


def test_frequencies_count_plain_letters_of_any_alphabet():
    alphabet = Alphabet.named("xyz")
    tokens = alphabet.encode("xy?yx")
    found = compare_letters([tokens], [tokens], alphabet)
    assert found["gc"] is None
    assert [row["generated"] for row in found["letters"]] == [0.5, 0.5, 0.0]
    assert {row["word"]: row["generated"] for row in found["pairs"]}["yx"] == 0.5
    assert found["largest_z"] is None  # of one stretch nobody knows an error


def checked(folder, generate, **config):
    config = {
        "datasets": {
            "letters": {
                "task": "next_token",
                "simulate": {"hmm": "toy", "records": 40, "length": 100},
            },
            "labels": {"simulate": {"hmm": "toy", "records": 40, "length": 100}},
        },
        "taggers": {
            "gru": {"cell": "gru"},
            "both": {"cell": "gru", "bidirectional": True},
            "markov": {"baseline": "markov"},
        },
        "seeds": [3, 4],
        "generate": {"new": {"dataset": "letters", "tagger": "gru"} | generate},
    }
    (folder / "c.yaml").write_text(yaml.safe_dump(config))
    return load_config(config, [folder / "c.yaml"], REPOSITORY)


def test_what_is_generated_depends_on_its_network_and_its_own_keys(tmp_path):
    settings = checked(tmp_path, {"prompt": "ACgu"}).generate_settings("new")
    assert settings == {
        "dataset": "letters", "tagger": "gru", "seed": 3, "records": 100, "length": 1000,
        "temperature": 1.0, "prompt": "ACgu", "draws_seed": 1, "window": 1000, "rows": 256,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dataset": "lettres"}, "letters"),
        ({"tagger": "grue"}, "gru"),
        ({"dataset": "labels"}, "do not tell the next letter"),
        ({"tagger": "markov"}, "sequences are drawn from networks"),
        ({"tagger": "both"}, "cannot be made for the dataset 'letters'"),
        ({"seed": 5}, "its seeds are 3, 4"),
        ({"prompt": "ACNT"}, "'N' is no plain letter"),
        ({"prompt": "ACT", "length": 2}, "the prompt has 3 letters"),
        ({"temperature": -1}, "temperature"),
    ],
)
def test_what_cannot_be_generated_is_told(wrong, words, tmp_path):
    with pytest.raises(ConfigError) as error:
        checked(tmp_path, wrong)
    assert words in str(error.value)
    assert "generate.new" in str(error.value)


@pytest.mark.parametrize(("alphabet", "known"), [("protein", True), ("MKT", False)])
def test_a_prompt_may_be_in_lower_case_where_case_says_nothing(alphabet, known, tmp_path):
    (tmp_path / "p.fa").write_text(">a\nMKT\n")
    config = {
        "datasets": {"p": {"task": "next_token", "fasta": "p.fa", "alphabet": alphabet}},
        "taggers": {"gru": {"cell": "gru"}},
        "generate": {"new": {"dataset": "p", "tagger": "gru", "prompt": "mkt"}},
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    if known:
        assert load_config(config, [tmp_path / "c.yaml"], REPOSITORY).model.generate
    else:
        with pytest.raises(ConfigError, match="'m' is no plain letter"):
            load_config(config, [tmp_path / "c.yaml"], REPOSITORY)
