"""Networks that label whole records learn a rule of which we know the answer: a start codon."""

import itertools
from unittest import mock

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED, Corpus
from basetag.inference import Predictor
from basetag.networks.tagger_network import TaggerNetwork
from basetag.segments import Segments
from basetag.training import loop
from basetag.training.checkpoints import CheckpointFolder
from basetag.training.loop import train
from basetag.training.loss import SharedBatch
from tests.two_processes import assert_loss_curves_agree, write_losses

CPU = torch.device("cpu")
LENGTH, TRAINING, VALIDATION, TEST = 50, 800, 100, 400
SETTINGS = {
    "bases": 12 * TRAINING * LENGTH, "batch": 32, "window": LENGTH, "learning_rate": 0.02,
    "weight_decay": 0.0, "clip": 1.0, "warmup": 0.1, "mask": 0.0, "validations": 4,
    "validation_bases": 10**6, "schedule": "one_cycle", "patience": None, "class_weights": None,
    "reverse_complement": False, "epochs": None, "labels": None,
}  # fmt: skip
LEARNERS = {
    "gru-max": {"cell": "gru", "hidden": 12, "pooling": "max"},
    "bilstm-last": {"cell": "lstm", "hidden": 12, "bidirectional": True, "pooling": "last"},
}


def corpus_of(seed=1):
    """Records of which one half begins with ATG; the last base of each has the record's label."""
    rng = np.random.default_rng(seed)
    records = TRAINING + VALIDATION + TEST
    tokens = rng.integers(4, size=(records, LENGTH)).astype(np.uint8)
    begins = rng.random(records) < 0.5
    tokens[begins, :3] = DNA.encode("ATG")
    true = (tokens[:, :3] == DNA.encode("ATG")).all(axis=1)
    labels = np.full((records, LENGTH), UNLABELLED, dtype=np.uint8)
    labels[:, -1] = true
    return Corpus(
        alphabet=DNA, states=("N", "S"), state_names={"N": "no start", "S": "start"},
        names=[f"r{index}" for index in range(records)],
        starts=np.arange(records) * LENGTH, lengths=np.full(records, LENGTH),
        tokens=tokens.ravel(), labels=labels.ravel(),
    )  # fmt: skip


def records_of(corpus, first, count):
    record = np.arange(first, first + count)
    zeros = np.zeros_like(record)
    return Segments(record, zeros, corpus.lengths[record], corpus.starts[record])


def network_of(learner):
    network = TaggerNetwork(DNA, 2, **LEARNERS[learner])
    network.initialise(torch.Generator().manual_seed(1))
    return network


def trained(corpus, learner, folder, fabric=None, **changes):
    network = network_of(learner)
    run = train(
        fabric or Fabric(accelerator="cpu", devices=1), network, corpus,
        records_of(corpus, 0, TRAINING), records_of(corpus, TRAINING, VALIDATION),
        SETTINGS | changes, seed=1, checkpoints=CheckpointFolder(folder, "run"),
    )  # fmt: skip
    return network, run


@pytest.fixture(scope="module")
def corpus():
    return corpus_of()


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_start_codon_is_learnt_from_one_label_a_record(learner, corpus, tmp_path):
    network, run = trained(corpus, learner, tmp_path)
    test = records_of(corpus, TRAINING + VALIDATION, TEST)
    posterior = Predictor(network, CPU).posterior(test.gathered(corpus.tokens), test.lengths)
    labels = test.gathered(corpus.labels)
    scored = labels != UNLABELLED
    assert scored.sum() == TEST
    assert (posterior[scored].argmax(axis=1) == labels[scored]).mean() >= 0.99
    # The loss is that of a record, and validation's the mean over the same labels.
    own = posterior[scored, labels[scored]]
    assert -np.log(own).mean() < 0.05
    assert run.history[-1].validation_loss < 0.05
    assert run.history[-1].train_loss < run.history[0].train_loss


class CutError(Exception):
    pass


def test_a_training_that_was_cut_off_goes_on_to_the_same_bits(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    short = {"bases": 20 * 32 * LENGTH}
    for learner in LEARNERS:
        network, run = trained(corpus, learner, tmp_path / f"{learner}-whole", **short)
        whole, taken = SharedBatch.backward, itertools.count()

        def backward(self, windows, whole=whole, taken=taken):
            if next(taken) == 11:
                raise CutError
            return whole(self, windows)

        with mock.patch.object(SharedBatch, "backward", backward), pytest.raises(CutError):
            trained(corpus, learner, tmp_path / f"{learner}-cut", **short)
        again, resumed = trained(corpus, learner, tmp_path / f"{learner}-cut", **short)
        assert resumed.history == run.history
        for name, value in network.state_dict().items():
            assert torch.equal(again.state_dict()[name], value), name


def train_in(fabric, folder):
    """Train, in each process, and write the losses in the first."""
    torch.set_num_threads(1)
    weighted = {"bases": 30 * 7 * LENGTH, "batch": 7, "class_weights": "balanced"}
    write_losses(
        fabric, folder, *trained(corpus_of(), "gru-max", folder / "checkpoints", fabric, **weighted)
    )


def test_two_processes_follow_the_loss_curve_of_one(tmp_path):
    """They share seven records as four and three, and the weights of the classes."""
    assert_loss_curves_agree(train_in, tmp_path, validations=4)


def test_windows_that_are_turned_keep_the_labels_of_their_records(corpus, tmp_path):
    """The label then stands at the first base; how much G and C there is, both strands agree on."""
    tokens = corpus.tokens.reshape(-1, LENGTH)
    strong = np.isin(tokens, DNA.encode("CG")).mean(axis=1) > 0.5
    labels = np.full(tokens.shape, UNLABELLED, dtype=np.uint8)
    labels[:, -1] = strong
    other = Corpus(
        corpus.alphabet, corpus.states, corpus.state_names, corpus.names, corpus.starts,
        corpus.lengths, corpus.tokens, labels.ravel(),
    )  # fmt: skip
    _, run = trained(other, "gru-max", tmp_path, reverse_complement=True)
    assert run.history[-1].validation_loss < 0.35  # of log 2
