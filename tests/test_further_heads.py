"""Heads beside the main one: what they add to the loss, what they learn, how they are judged."""

import dataclasses
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)
from torch.nn.functional import cross_entropy

from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.further_labels import FurtherLabels
from basetag.further_prediction import predict_further
from basetag.inference import Predictor
from basetag.judgement.figure_places import found_of_head, head_columns
from basetag.judgement.heads import JudgedHead, judge_head
from basetag.network_tagger import NetworkTagger, load_network
from basetag.networks.tagger_network import TaggerNetwork
from basetag.report.head_identities import check_head
from basetag.segments import Segments
from basetag.taggers import load_tagger
from basetag.training import loop
from basetag.training.checkpoints import CheckpointFolder
from basetag.training.further_heads import check_further_labels, still_heads
from basetag.training.initial_weights import start_from
from basetag.training.loop import train
from basetag.training.loss import SharedBatch
from basetag.training.windows import WindowReader
from tests.test_training import SETTINGS

CPU = torch.device("cpu")
FABRIC = Fabric(accelerator="cpu", devices=1)
ARCHITECTURE = {"cell": "gru", "hidden": 6, "layers": 1, "bidirectional": False, "features": ()}


def stretch(start, end):
    start, end = np.array([start]), np.array([end])
    return Segments(record=np.zeros(1, dtype=np.int64), start=start, end=end, offset=start)


@pytest.fixture(scope="module")
def corpus():
    """Labels say whether the base before was a G; those of a head, whether a base is A or C."""
    tokens = np.random.default_rng(1).integers(4, size=8000).astype(np.uint8)
    labels = np.concatenate([[0], tokens[:-1] == 2]).astype(np.uint8)
    kind = (tokens < 2).astype(np.uint8)
    kind[::10] = UNLABELLED
    of_four = tokens[::-1].copy()  # nobody can know these
    return Corpus(
        alphabet=DNA, states=("N", "Y"), state_names={"N": "no", "Y": "yes"}, names=["one"],
        starts=np.array([0]), lengths=np.array([tokens.size]), tokens=tokens, labels=labels,
        further=(
            FurtherLabels("kind", ("r", "a"), {"r": "rest", "a": "A or C"}, kind),
            FurtherLabels("which", tuple("wxyz"), dict(zip("wxyz", "wxyz", strict=True)), of_four),
        ),
    )  # fmt: skip


def network_of(further, *, head=None, **more):
    crf = {"label_of": [0, 1]} if head == "crf" else None
    network = TaggerNetwork(DNA, 2, cell="gru", hidden=6, head=crf, further=further, **more)
    network.initialise(torch.Generator().manual_seed(1))
    return network


BOTH = {"kind": (2, 0.5), "which": (4, 2.0)}


def windows_of(corpus, complement=None):
    reader = WindowReader(
        corpus.tokens, corpus.labels, DNA.unknown, CPU, complement=complement,
        mirror=corpus.mirror, further=[own.labels for own in corpus.further],
    )  # fmt: skip
    starts, lengths = np.array([10, 700, 1000]), np.array([40, 60, 25])
    return reader.read(starts, lengths, 0.0, np.random.default_rng(2))


def gradient_of(network):
    return {name: value.grad.clone() for name, value in network.named_parameters()}


@pytest.mark.parametrize("parts", [1, 2])
def test_the_gradient_is_that_of_the_weighted_sum_of_means_by_hand(corpus, parts):
    network, windows = network_of(BOTH), windows_of(corpus)
    batch = SharedBatch(FABRIC, network, np.array([0.3, 2.0]))
    batch.parts = parts
    told = batch.backward(windows)
    found = gradient_of(network)
    network.zero_grad()
    main, *others = network.scores_of_all(windows.tokens.T, windows.lengths)
    weight = torch.tensor([0.3, 2.0])

    def mean(scores, labels, **how):
        return cross_entropy(
            scores.flatten(0, 1), labels.T.flatten().long(), ignore_index=UNLABELLED, **how
        )

    of_main = mean(main, windows.labels, weight=weight)
    of_further = [mean(s, w) for s, w in zip(others, windows.further, strict=True)]
    (of_main + 0.5 * of_further[0] + 2.0 * of_further[1]).backward()
    assert told.item() == pytest.approx(of_main.item(), rel=1e-5)
    for name, expected in gradient_of(network).items():
        torch.testing.assert_close(found[name], expected, rtol=1e-4, atol=1e-6)


def test_a_batch_without_a_label_of_a_head_teaches_it_nothing(corpus):
    network, windows = network_of(BOTH), windows_of(corpus)
    none = torch.full_like(windows.further[0], UNLABELLED)
    SharedBatch(FABRIC, network, None).backward(
        dataclasses.replace(windows, further=(none, windows.further[1]))
    )
    assert not network.further_head("kind").weight.grad.any()
    assert network.further_head("which").weight.grad.any()


def test_on_the_other_strand_a_bases_further_label_is_its_own(corpus):
    windows = windows_of(corpus, DNA.complement)
    letters = windows.tokens.numpy()
    kind = windows.further[0].numpy()
    turned = 0
    for row, length in enumerate(windows.lengths):
        own, labels = letters[row, :length], kind[row, :length]
        known = labels != UNLABELLED
        forward = (own < 2)[known] == labels[known]
        # A complement swaps A with T and C with G.
        backward = (own >= 2)[known] == labels[known]
        assert forward.all() or backward.all()
        turned += backward.all()
        assert (kind[row, length:] == UNLABELLED).all()
    assert 0 < turned < 3


def trained(corpus, further, folder=None, head=None, seed=1, **changes):
    network = network_of(further, head=head)
    still_heads(network)
    own = tuple(labels for labels in corpus.further if labels.name in further)
    with tempfile.TemporaryDirectory() as scratch:
        run = train(
            FABRIC, network, dataclasses.replace(corpus, further=own), stretch(0, 5000),
            stretch(5000, 6000), SETTINGS | {"bases": 120_000} | changes, seed=seed,
            checkpoints=CheckpointFolder(Path(folder or scratch), "run"),
        )  # fmt: skip
    return network, run


@pytest.fixture(scope="module")
def joint(corpus):
    return trained(corpus, {"kind": (2, 1.0)})


@pytest.mark.parametrize("head", [None, "crf"])
def test_both_labels_are_learnt_by_one_body(corpus, head):
    network, _ = trained(corpus, {"kind": (2, 1.0)}, head=head)
    tokens, length = corpus.tokens[6000:], np.array([2000])
    predictor = Predictor(network, CPU)
    main = predictor.posterior(tokens, length).argmax(axis=1)
    kind = predictor.further_posterior("kind", tokens, length)
    assert (main == corpus.labels[6000:])[1:].mean() > 0.99
    assert (kind.argmax(axis=1) == (tokens < 2)).mean() > 0.99
    np.testing.assert_allclose(kind.sum(axis=1), 1, rtol=1e-5)


def test_a_head_that_counts_nothing_leaves_the_rest_to_the_last_bit(corpus):
    alone, run = trained(corpus, {}, bases=20_000)
    beside, other = trained(corpus, {"which": (4, 0.0)}, bases=20_000)
    assert other.history == run.history
    weights = beside.state_dict()
    for name, value in alone.state_dict().items():
        assert torch.equal(weights.pop(name), value)
    assert set(weights) == {"further.of_which.weight", "further.of_which.bias"}
    counted, _ = trained(corpus, {"which": (4, 1.0)}, bases=20_000)
    assert not torch.equal(counted.state_dict()["head.weight"], alone.state_dict()["head.weight"])


class CutError(Exception):
    """Raised in the place of a crash."""


def test_a_resumed_training_ends_in_the_bits_of_an_undisturbed_one(corpus, tmp_path, monkeypatch):
    undisturbed, run = trained(corpus, BOTH, bases=20_000)
    write = CheckpointFolder.write

    def write_and_crash(self, checkpoint):
        write(self, checkpoint)
        if checkpoint.step == 9:
            raise CutError

    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(CheckpointFolder, "write", write_and_crash)
    with pytest.raises(CutError):
        trained(corpus, BOTH, tmp_path, bases=20_000)
    monkeypatch.setattr(CheckpointFolder, "write", write)
    resumed, again = trained(corpus, BOTH, tmp_path, bases=20_000)
    assert again.history == run.history
    for name, value in undisturbed.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value)


@pytest.mark.parametrize("both_strands", [False, True])
def test_posteriors_of_a_head_do_not_depend_on_chunks(corpus, both_strands):
    network = network_of(BOTH, bidirectional=True, layers=2, convolution={"widths": [3],
                         "channels": 4})  # fmt: skip
    tokens, lengths = corpus.tokens[:5000], np.array([4200, 0, 500, 300])
    how = {"complement": DNA.complement} if both_strands else {}
    whole = Predictor(network, CPU, **how).further_posterior("which", tokens, lengths)
    cut = Predictor(network, CPU, bases=300, rows=2, **how)
    np.testing.assert_allclose(
        cut.further_posterior("which", tokens, lengths), whole, atol=2e-6, rtol=0
    )
    if both_strands:
        one = Predictor(network, CPU)
        ends = np.cumsum(lengths)
        turned = np.concatenate(
            [DNA.complement[tokens[e - n : e]][::-1] for n, e in zip(lengths, ends, strict=True)]
        )
        other = one.further_posterior("which", turned, lengths)
        back = np.concatenate([other[e - n : e][::-1] for n, e in zip(lengths, ends, strict=True)])
        expected = (one.further_posterior("which", tokens, lengths) + back) / 2
        np.testing.assert_allclose(whole, expected, atol=2e-6, rtol=0)


def tagger_of(network, corpus):
    own = tuple(labels for labels in corpus.further if labels.name in network.importance)
    learnt = dataclasses.replace(corpus, further=own)
    return NetworkTagger.trained(network, learnt, stretch(0, 5000), "gru", ARCHITECTURE, CPU)


def test_a_taggers_file_keeps_its_heads(corpus, joint, tmp_path):
    tagger = tagger_of(joint[0], corpus)
    tagger.save(tmp_path / "tagger.safetensors")
    loaded = load_network(tmp_path / "tagger.safetensors", CPU)
    assert loaded.further_states == {"kind": ("r", "a")}
    assert loaded.card["heads"][0]["weight"] == 1
    assert loaded.card["description"] == "GRU of 6 units, one direction, beside it kind"
    part = loaded.card["parts"][-1]
    assert (part["name"], part["parameters"], part["operations"]) == ("head kind", 14, 12)
    tokens, lengths = corpus.tokens[:50], np.array([50])
    np.testing.assert_array_equal(
        loaded.further_posterior("kind", tokens, lengths),
        tagger.further_posterior("kind", tokens, lengths),
    )
    ready = load_tagger(tmp_path / "tagger.safetensors")
    assert ready.further_states == {"kind": ("r", "a")}
    (_, told) = ready.predict(["ACG", DNA.decode(tokens)])
    assert told.further["kind"].shape == (50, 2)
    np.testing.assert_allclose(
        told.further["kind"], tagger.further_posterior("kind", tokens, lengths), atol=1e-6
    )
    alone = tagger_of(network_of({}), corpus)
    assert alone.card["training"]["digest"] != tagger.card["training"]["digest"]
    assert "heads" not in alone.card


def test_what_starts_from_a_tagger_takes_over_the_heads_that_it_has(corpus, joint, tmp_path):
    tagger_of(joint[0], corpus).save(tmp_path / "tagger.safetensors")
    network = network_of(BOTH)
    fresh = network.further_head("which").weight.clone()
    start_from(network, tmp_path / "tagger.safetensors", corpus, ARCHITECTURE, [])
    assert torch.equal(network.further_head("kind").weight, joint[0].further_head("kind").weight)
    assert torch.equal(network.further_head("which").weight, fresh)
    assert torch.equal(network.head.weight, joint[0].head.weight)
    alone = network_of({})
    without = dataclasses.replace(corpus, further=())
    start_from(alone, tmp_path / "tagger.safetensors", without, ARCHITECTURE, [])
    assert torch.equal(alone.head.weight, joint[0].head.weight)


def test_a_head_without_a_label_in_training_is_refused(corpus):
    nothing = np.full(8000, UNLABELLED, dtype=np.uint8)
    empty = dataclasses.replace(corpus.further[0], labels=nothing)
    with pytest.raises(InputError, match=r"no base of the training split has a label of the head"):
        check_further_labels(dataclasses.replace(corpus, further=(empty,)), stretch(0, 5000))


def hold(name, stored, recomputed):
    assert stored == pytest.approx(recomputed, rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize("head", [0, 1])
def test_the_figures_of_a_head_are_those_of_scikit_learn(corpus, tmp_path, head):
    further = corpus.further[head]
    network = network_of(BOTH)
    tagger = tagger_of(network, corpus)
    path, test = tmp_path / "posteriors.kind.npy", stretch(6000, 8000)
    predict_further(tagger, corpus, test, further.name, path, threads=1)
    posterior = np.load(path).astype(np.float64)
    assert posterior.shape == (2000, len(further.states))
    found = judge_head(corpus, test, stretch(0, 5000), JudgedHead(further, path, 0.5), seed=1)
    check_head(further.name, found, hold)
    json.dumps(found, allow_nan=False)
    labels = further.labels[6000:]
    scored = labels != UNLABELLED
    labels, p = labels[scored], posterior[scored] / posterior[scored].sum(axis=1, keepdims=True)
    calls = p.argmax(axis=1)
    every = {"labels": range(len(further.states)), "average": None, "zero_division": 0}
    of_state = f1_score(labels, calls, **every)
    expected = {
        "accuracy": accuracy_score(labels, calls),
        "balanced_accuracy": balanced_accuracy_score(labels, calls),
        "macro_f1": of_state.mean(),
        "mcc": matthews_corrcoef(labels, calls),
        "cross_entropy": log_loss(labels, p, labels=range(len(further.states))),
    }
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value, rel=1e-5, abs=1e-7), name
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    np.testing.assert_array_equal(
        found["confusion"], confusion_matrix(labels, calls, labels=range(len(further.states)))
    )
    called = set(calls.tolist())
    for index, state in enumerate(further.states):
        own = found["classes"][state]
        if index in called:
            assert own["precision"]["value"] == pytest.approx(
                precision_score(labels, calls, **every)[index]
            )
        assert own["recall"]["value"] == pytest.approx(recall_score(labels, calls, **every)[index])
        assert own["auroc"]["value"] == pytest.approx(
            roc_auc_score(labels == index, p[:, index]), abs=5e-3
        )
    train = further.labels[:5000]
    commonest = np.bincount(train[train != UNLABELLED]).argmax()
    assert found["majority_accuracy"] == pytest.approx((labels == commonest).mean())
    assert found["chance_accuracy"] == 1 / len(further.states)
    with pytest.raises(AssertionError):
        check_head(further.name, found | {"accuracy": {"value": 0.123}}, hold)
    places = head_columns([further.name])
    own = {"heads": {further.name: found}}
    low = found_of_head(own, places[f"accuracy.{further.name}_low"])
    assert low == found["accuracy"]["low"]
    assert found_of_head(own, places[f"test_bases.{further.name}"]) == labels.size
    assert {found_of_head({"heads": {}}, place) for place in places.values()} == {None}


def test_a_head_whose_test_bases_have_no_label_has_no_figures(corpus, tmp_path):
    labels = corpus.further[0].labels.copy()
    labels[6000:] = UNLABELLED
    further = dataclasses.replace(corpus.further[0], labels=labels)
    tagger = tagger_of(network_of(BOTH), corpus)
    predict_further(tagger, corpus, stretch(6000, 8000), "kind", tmp_path / "p.npy", threads=1)
    head = JudgedHead(further, tmp_path / "p.npy", 1.0)
    assert judge_head(corpus, stretch(6000, 8000), stretch(0, 5000), head, seed=1) is None


def test_posteriors_of_a_head_that_nobody_learnt_are_refused(corpus, tmp_path):
    tagger = tagger_of(network_of({}), corpus)
    with pytest.raises(InputError, match=r"'gru' has no head 'kind'"):
        predict_further(tagger, corpus, stretch(0, 100), "kind", tmp_path / "p.npy", threads=1)
    assert not (tmp_path / "p.npy").exists()
