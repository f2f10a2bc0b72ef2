"""A body learnt without labels: taggers and classifiers start from it, with a head of their own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from basetag.alphabet import DNA
from basetag.corpus import CLASSIFY, NEXT_TOKEN, TAG, Corpus
from basetag.errors import ConfigError, InputError
from basetag.network_tagger import NetworkTagger, build_network
from basetag.segments import Segments
from basetag.tagger_file import read_tagger, write_tagger
from basetag.training.initial_weights import start_from

BODY = {"cell": "gru", "hidden": 4, "layers": 2, "bidirectional": False, "pooling": None}
CPU = torch.device("cpu")


def corpus_of(task, states="ACGT"):
    labels = np.array([0, 1, 1, 0, 0, 1, 1, 0, 1, 1], dtype=np.uint8)
    return Corpus(
        alphabet=DNA, states=tuple(states), state_names={state: state for state in states},
        names=["one"], starts=np.array([0]), lengths=np.array([10]),
        tokens=DNA.encode("ACCAACCAGG"), labels=labels, task=task,
    )  # fmt: skip


def network_of(architecture, states="ACGT", seed=1):
    network = build_network(DNA, states, architecture)
    network.initialise(torch.Generator().manual_seed(seed))
    return network


@pytest.fixture
def body(tmp_path):
    """The file of a network that tells the next letter."""
    zero, ten = np.array([0]), np.array([10])
    tagger = NetworkTagger.trained(
        network_of(BODY), corpus_of(NEXT_TOKEN), Segments(zero, zero, ten, zero), "gru", BODY, CPU
    )
    tagger.save(tmp_path / "tagger.safetensors")
    return tmp_path / "tagger.safetensors"


def started(path, task, states="ACGT", frozen=(), **change):
    architecture = BODY | change
    network = network_of(architecture, states, seed=2)
    start_from(network, path, corpus_of(task, states), architecture, frozen)
    return network.state_dict(), network_of(architecture, states, seed=2).state_dict()


def test_the_file_says_what_it_was_trained_for(body):
    assert read_tagger(body)[1]["task"] == NEXT_TOKEN


@pytest.mark.parametrize("states", ["HL", "ACGT"])
def test_a_tagger_takes_the_body_and_never_the_head_of_letters(body, states):
    learnt = network_of(BODY).state_dict()
    found, own = started(body, TAG, states)
    for name, value in found.items():
        assert torch.equal(value, (own if name.startswith("head.") else learnt)[name]), name


def test_the_same_task_goes_on_with_the_head(body):
    learnt = network_of(BODY).state_dict()
    found, _ = started(body, NEXT_TOKEN)
    assert all(torch.equal(value, learnt[name]) for name, value in found.items())


@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
def test_a_classifier_takes_the_body_and_pools_anew(body, pooling):
    learnt = network_of(BODY).state_dict()
    found, own = started(body, CLASSIFY, pooling=pooling)
    for name, value in found.items():
        new = name.startswith(("head.", "pooling."))
        assert torch.equal(value, (own if new else learnt)[name]), name


def test_a_new_head_cannot_be_frozen_and_is_told_to_be_of_another_task(body):
    words = "was trained for task: next_token, and this tagger is for task: tag: unless"
    with pytest.raises(ConfigError, match=words):
        started(body, TAG, frozen=["head"])
    started(body, TAG, frozen=["layers"])


def test_a_body_of_one_direction_fits_into_no_network_of_two(body):
    with pytest.raises(InputError) as error:
        started(body, TAG, "HL", bidirectional=True)
    assert "it has bidirectional: false" in str(error.value)
    assert "give that one bidirectional: false" in str(error.value)


def test_a_file_without_a_task_is_a_taggers(body, tmp_path):
    tensors, card = read_tagger(body)
    del card["task"]
    write_tagger(tmp_path / "old.safetensors", tensors, card)
    learnt = network_of(BODY).state_dict()
    found, _ = started(tmp_path / "old.safetensors", TAG)
    assert torch.equal(found["head.weight"], learnt["head.weight"])
