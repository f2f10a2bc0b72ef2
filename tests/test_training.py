"""The training loop: it learns, it is repeatable, and its parts are what they say."""

import math
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from basetag.alphabet import DNA
from basetag.checkpoints import CheckpointFolder
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import ConfigError, InputError
from basetag.networks import TaggerNetwork
from basetag.splits import Segments
from basetag.training import (
    mean_cross_entropy,
    one_cycle,
    split_cross_entropy,
    spread_pieces,
    train,
)

CPU = torch.device("cpu")
SETTINGS = {
    "bases": 240_000, "batch": 8, "window": 100, "learning_rate": 0.02, "weight_decay": 0.0,
    "clip": 1.0, "warmup": 0.1, "mask": 0.01, "validations": 4, "validation_bases": 2000,
}  # fmt: skip


def corpus_of(tokens, labels):
    """One record; the label of a base is whether the base before it was a G."""
    return Corpus(
        alphabet=DNA, states=("N", "Y"), state_names={"N": "no", "Y": "yes"}, names=["one"],
        starts=np.array([0]), lengths=np.array([tokens.size]), tokens=tokens, labels=labels,
    )  # fmt: skip


def stretch(start, end):
    start, end = np.array([start]), np.array([end])
    return Segments(record=np.zeros(1, dtype=np.int64), start=start, end=end, offset=start)


@pytest.fixture(scope="module")
def corpus():
    tokens = np.random.default_rng(1).integers(4, size=12_000).astype(np.uint8)
    labels = np.concatenate([[0], tokens[:-1] == 2]).astype(np.uint8)
    return corpus_of(tokens, labels)


def trained(corpus, seed=1, **changes):
    network = TaggerNetwork(DNA, 2, cell="gru", hidden=6)
    network.initialise(torch.Generator().manual_seed(seed))
    settings = SETTINGS | changes
    with tempfile.TemporaryDirectory() as folder:
        run = train(
            network, corpus, stretch(0, 8000), stretch(8000, 10_000), settings, seed=seed,
            device=CPU, checkpoints=CheckpointFolder(Path(folder), "run"),
        )  # fmt: skip
    return network, run.history


def test_a_rule_that_needs_one_base_of_memory_is_learnt(corpus):
    network, rows = trained(corpus)
    loss = split_cross_entropy(network, corpus, stretch(10_000, 12_000), CPU)
    prior = np.bincount(corpus.labels) / corpus.labels.size
    assert -(prior * np.log(prior)).sum() > 0.5  # what label frequencies alone reach
    assert loss < 0.05
    assert rows[-1].bases == pytest.approx(240_000, rel=0.05)
    assert len(rows) == 4
    assert rows[-1].validation_loss < 0.05


def test_the_weights_with_the_lowest_validation_loss_are_kept(corpus):
    network, rows = trained(corpus, learning_rate=1.0, clip=100.0)
    kept = split_cross_entropy(network, corpus, stretch(8000, 10_000), CPU)
    assert kept == pytest.approx(min(row.validation_loss for row in rows), abs=1e-9)


def test_equal_seeds_give_equal_bits_and_others_do_not(corpus):
    torch.manual_seed(1)
    first, _ = trained(corpus, bases=4000)
    torch.manual_seed(2)  # nothing is drawn from the global generator
    again, _ = trained(corpus, bases=4000)
    other, _ = trained(corpus, seed=2, bases=4000)
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    assert not torch.equal(first.head.weight, other.head.weight)


def test_unlabelled_bases_pull_no_weight(corpus):
    """Labels that are wrong, but not given, change nothing of what is learnt."""
    labels = corpus.labels.copy()
    labels[1::2] = UNLABELLED
    hidden = corpus_of(corpus.tokens, labels)
    network, _ = trained(hidden)
    assert split_cross_entropy(network, corpus, stretch(10_000, 12_000), CPU) < 0.1


def test_cross_entropy_is_the_mean_over_labelled_bases():
    logits = torch.log(torch.tensor([[[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]]))
    labels = torch.tensor([[0, 1, UNLABELLED]], dtype=torch.uint8)
    expected = -(math.log(0.9) + math.log(0.8)) / 2
    assert float(mean_cross_entropy(logits, labels)) == pytest.approx(expected, abs=1e-6)
    nothing = torch.full((1, 3), UNLABELLED, dtype=torch.uint8)
    assert float(mean_cross_entropy(logits, nothing)) == 0


def test_one_cycle_rises_to_its_peak_and_falls_again():
    rates = [one_cycle(step, 1000, 0.01, 0.1) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01 / 25)
    assert rates[100] == pytest.approx(0.01)
    assert rates[550] == pytest.approx((0.01 + 1e-6) / 2)  # half way down a cosine
    assert rates[-1] < 1e-5
    assert max(rates) == rates[100]
    assert all(a <= b for a, b in pairwise(rates[:101]))
    assert all(a >= b for a, b in pairwise(rates[100:]))


def test_a_training_whose_loss_is_never_a_number_is_told_with_advice(corpus):
    with pytest.raises(ConfigError, match=r"never a number; lower training\.learning_rate or"):
        trained(corpus, bases=8000, learning_rate=math.inf, validations=1)


def test_validation_looks_at_labelled_pieces_from_all_over_the_split():
    labels = np.zeros(200_000, dtype=np.uint8)
    labels[:50_000] = UNLABELLED
    pieces = spread_pieces(stretch(0, 200_000), labels, 60_000)
    assert pieces.bases == 60_000
    assert pieces.start[0] == 50_000
    assert pieces.end[-1] == 200_000
    assert spread_pieces(stretch(0, 200_000), labels, 10**9).bases == 150_000


def test_a_validation_split_without_labels_is_refused():
    labels = np.full(1000, UNLABELLED, dtype=np.uint8)
    with pytest.raises(InputError, match="no base of the validation split has a label"):
        spread_pieces(stretch(0, 1000), labels, 500)
