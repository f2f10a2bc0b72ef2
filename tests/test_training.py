"""The training loop: it learns, it is repeatable, and its parts are what they say."""

import math
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from sklearn.utils.class_weight import compute_class_weight

from basetag import inference
from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import ConfigError, InputError
from basetag.inference import Predictor
from basetag.networks.heads import SoftmaxHead
from basetag.networks.tagger_network import TaggerNetwork
from basetag.segments import Segments
from basetag.training.checkpoints import CheckpointFolder
from basetag.training.label_paths import refuse_labels_without_a_path
from basetag.training.learning_rate import cosine, one_cycle
from basetag.training.loop import train
from basetag.training.loss import SharedBatch, state_weights
from basetag.training.run import TrainingRun
from basetag.training.validation import summed_cross_entropy
from basetag.training.windows import WindowReader

CPU = torch.device("cpu")
SETTINGS = {
    "bases": 240_000, "batch": 8, "window": 100, "learning_rate": 0.02, "weight_decay": 0.0,
    "clip": 1.0, "warmup": 0.1, "mask": 0.01, "validations": 4, "validation_bases": 2000,
    "schedule": "one_cycle", "patience": None, "epochs": None, "class_weights": None,
    "labels": None,
    "reverse_complement": False,
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
            Fabric(accelerator="cpu", devices=1), network, corpus, stretch(0, 8000),
            stretch(8000, 10_000), settings, seed=seed,
            checkpoints=CheckpointFolder(Path(folder), "run"),
        )  # fmt: skip
    return network, run


def cross_entropy(network, corpus, start, end, weights=None):
    total, weight = summed_cross_entropy(
        Predictor(network, CPU), corpus, stretch(start, end), weights
    )
    return total / weight


def test_a_rule_that_needs_one_base_of_memory_is_learnt(corpus):
    network, run = trained(corpus)
    rows = run.history
    loss = cross_entropy(network, corpus, 10_000, 12_000)
    prior = np.bincount(corpus.labels) / corpus.labels.size
    assert -(prior * np.log(prior)).sum() > 0.5  # what label frequencies alone reach
    assert loss < 0.05
    assert rows[-1].bases == pytest.approx(240_000, rel=0.05)
    assert len(rows) == 4
    assert rows[-1].validation_loss < 0.05


def test_the_weights_with_the_lowest_validation_loss_are_kept(corpus):
    network, run = trained(corpus, learning_rate=1.0, clip=100.0)
    losses = [row.validation_loss for row in run.history]
    assert min(losses) < losses[-1]
    kept = cross_entropy(network, corpus, 8000, 10_000)
    assert kept == pytest.approx(min(losses), abs=1e-9)
    network.load_state_dict(run.last_weights)
    last = cross_entropy(network, corpus, 8000, 10_000)
    assert last == pytest.approx(losses[-1], abs=1e-9)


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
    assert cross_entropy(network, corpus, 10_000, 12_000) < 0.1


def test_cross_entropy_is_the_mean_over_labelled_bases():
    scores = torch.log(torch.tensor([[[0.9, 0.1]], [[0.2, 0.8]], [[0.5, 0.5]]]))
    labels = torch.tensor([[0], [1], [UNLABELLED]], dtype=torch.uint8)
    expected = -(math.log(0.9) + math.log(0.8)) / 2
    head, active, ones = SoftmaxHead(3, range(2)), np.ones(3, dtype=int), torch.ones(2)
    found = head.loss(scores, labels, active, ones) / 2
    assert float(found) == pytest.approx(expected, abs=1e-6)
    nothing = torch.full((3, 1), UNLABELLED, dtype=torch.uint8)
    assert float(head.loss(scores, nothing, active, ones)) == 0


def test_weighted_cross_entropy_is_that_of_torch():
    scores = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(1))
    labels = torch.randint(4, (3, 5), generator=torch.Generator().manual_seed(2)).byte()
    labels[0, 2] = UNLABELLED
    weights = torch.tensor([0.5, 2.0, 1.0, 7.0])
    expected = torch.nn.functional.cross_entropy(
        scores.flatten(0, 1), labels.flatten().long(), weight=weights, ignore_index=UNLABELLED
    )
    head = SoftmaxHead(3, range(4))
    loss = head.loss(scores, labels, np.full(3, 5), weights)
    found = loss / head.weights_of_told(weights)[labels.long()].sum()
    torch.testing.assert_close(found, expected)


def test_balanced_weights_are_those_of_scikit_learn(corpus):
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=corpus.labels[:8000])
    found = state_weights("balanced", corpus, stretch(0, 8000))
    np.testing.assert_allclose(found, expected)
    assert state_weights(None, corpus, stretch(0, 8000)) is None
    given = state_weights({"Y": 3.0, "N": 1.0, "Z": 9.0}, corpus, stretch(0, 8000))
    assert given.tolist() == [1, 3]


def test_weights_make_a_rare_state_as_likely_as_its_weight_says():
    """Labels that no sequence tells: what is learnt is their share, weighted."""
    generator = np.random.default_rng(1)
    tokens = generator.integers(4, size=12_000).astype(np.uint8)
    corpus = corpus_of(tokens, (generator.random(tokens.size) < 0.1).astype(np.uint8))
    for weights, expected in [(None, 0.1), ("balanced", 0.5), ({"N": 1, "Y": 3}, 0.25)]:
        network, run = trained(corpus, class_weights=weights, bases=80_000)
        posterior = Predictor(network, CPU).posterior(tokens[10_000:], np.array([2000]))
        assert posterior[:, 1].mean() == pytest.approx(expected, abs=0.04)
        counts = state_weights(weights, corpus, stretch(0, 8000))
        loss = cross_entropy(network, corpus, 8000, 10_000, counts)
        assert min(row.validation_loss for row in run.history) == pytest.approx(loss, abs=1e-9)


def test_one_cycle_rises_to_its_peak_and_falls_again():
    rates = [one_cycle(step, 1000, 0.01, 0.1) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01 / 25)
    assert rates[100] == pytest.approx(0.01)
    assert rates[550] == pytest.approx((0.01 + 1e-6) / 2)  # half way down a cosine
    assert rates[-1] < 1e-5
    assert max(rates) == rates[100]
    assert all(a <= b for a, b in pairwise(rates[:101]))
    assert all(a >= b for a, b in pairwise(rates[100:]))


def test_the_cosine_rises_on_a_line_and_falls_to_a_hundredth():
    rates = [cosine(step, 1000, 0.01, 0.1) for step in range(1000)]
    assert rates[49] == pytest.approx(0.01 * 50 / 101)
    assert rates[100] == pytest.approx(0.01)
    assert rates[550] == pytest.approx((0.01 + 1e-4) / 2)
    assert rates[-1] == pytest.approx(1e-4, rel=0.01)
    assert max(rates) == rates[100]


def test_training_ends_when_validation_gains_nothing_for_too_long(corpus):
    _, patient = trained(corpus, learning_rate=1.0, clip=100.0, validations=40)
    losses = [row.validation_loss for row in patient.history]
    _, run = trained(corpus, learning_rate=1.0, clip=100.0, validations=40, patience=3)
    found = [row.validation_loss for row in run.history]
    assert len(found) < 40
    assert found == losses[: len(found)]
    assert int(np.argmin(found)) == len(found) - 4


def test_a_batch_in_parts_has_the_gradient_of_the_whole(corpus):
    network = TaggerNetwork(DNA, 2, cell="gru", hidden=6, bidirectional=True)
    network.initialise(torch.Generator().manual_seed(1))
    reader = WindowReader(corpus.tokens, corpus.labels, DNA.unknown, CPU)
    lengths = np.array([100, 7, 50, 1, 100, 80, 33])
    windows = reader.read(np.arange(7) * 100, lengths, 0.01, np.random.default_rng(1))
    found = []
    for parts in (1, 2, 3, 7):
        batch = SharedBatch(Fabric(accelerator="cpu", devices=1), network, np.array([1.0, 3.0]))
        batch.parts = parts
        loss = batch.backward(windows)
        found.append([loss, *(value.grad.clone() for value in network.parameters())])
    for other in found[1:]:
        for value, expected in zip(other, found[0], strict=True):
            torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)


def test_a_batch_beyond_the_memory_goes_through_in_parts(corpus, monkeypatch):
    """The device holds 250 bases of a batch of 800."""
    whole, _ = trained(corpus, bases=8000)
    forward, sizes = TaggerNetwork.scores_of_all, []

    def bounded(self, tokens, *rest):
        if self.training and tokens.numel() > 250:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        if self.training:
            sizes.append(tokens.numel())
        return forward(self, tokens, *rest)

    monkeypatch.setattr(TaggerNetwork, "scores_of_all", bounded)
    parts, _ = trained(corpus, bases=8000)
    assert 100 < max(sizes) <= 250
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value, rtol=1e-3, atol=1e-4)


def test_a_single_window_beyond_the_memory_is_an_error(corpus, monkeypatch):
    def exhausted(self, *batch):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(TaggerNetwork, "scores_of_all", exhausted)
    with pytest.raises(torch.OutOfMemoryError):
        trained(corpus, bases=8000)


@pytest.mark.parametrize(
    ("label_of", "allowed", "labels", "base"),
    [
        # No Y after a Y: the second of two.
        ([0, 1], [[1, 1], [1, 0]], "NNYNNYYN", 7),
        # Y by threes: the fourth base is N after two of them, at either end any phase will do.
        ([0, 1, 1, 1], [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0]], "NYYNNYYY", 4),
        ([0, 1, 1, 1], [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0]], "YNYYYNYY", None),
        ([0, 1], [[1, 1], [1, 0]], "NY.YNNYN", None),
    ],
)
def test_labels_that_no_path_bears_are_refused_where_they_end(label_of, allowed, labels, base):
    allowed = [[bool(step) for step in row] for row in allowed]
    head = {"label_of": label_of, "allowed": allowed}
    network = TaggerNetwork(DNA, 2, cell="none", head=head)
    network.initialise(torch.Generator().manual_seed(1))
    values = np.array([UNLABELLED if label == "." else "NY".index(label) for label in labels])
    corpus = corpus_of(np.zeros(8, dtype=np.uint8), values.astype(np.uint8))
    if base is None:
        refuse_labels_without_a_path(network, corpus, stretch(0, 8))
        return
    with pytest.raises(
        InputError, match=rf"record 'one', position {base}: no path of hidden states"
    ):
        refuse_labels_without_a_path(network, corpus, stretch(0, 8))


def test_frozen_weights_stay_and_the_others_learn(corpus):
    network = TaggerNetwork(DNA, 2, cell="gru", hidden=6)
    network.initialise(torch.Generator().manual_seed(1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for parameter in network.layers.parameters():
        parameter.requires_grad_(False)
    with tempfile.TemporaryDirectory() as folder:
        train(
            Fabric(accelerator="cpu", devices=1), network, corpus, stretch(0, 8000),
            stretch(8000, 10_000), SETTINGS | {"bases": 8000, "weight_decay": 0.1}, seed=1,
            checkpoints=CheckpointFolder(Path(folder), "run"),
        )  # fmt: skip
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]) == name.startswith("layers.")


def test_a_validation_split_of_states_that_count_nothing_is_told(corpus):
    labels = np.zeros_like(corpus.labels)
    labels[8000:] = 1
    with pytest.raises(InputError, match="is of a state that counts; draw the split with another"):
        trained(corpus_of(corpus.tokens, labels), bases=8000, class_weights="balanced")


def test_a_training_whose_loss_is_never_a_number_is_told_with_advice(corpus):
    with pytest.raises(ConfigError, match=r"never a number; lower training\.learning_rate or"):
        trained(corpus, bases=8000, learning_rate=math.inf, validations=1)


def test_a_training_split_without_labels_is_refused(corpus):
    labels = corpus.labels.copy()
    labels[:8000] = UNLABELLED
    with pytest.raises(InputError, match="no base of this split has a label"):
        trained(corpus_of(corpus.tokens, labels), bases=8000)


def test_losses_keep_no_gradients(corpus, monkeypatch):
    """Of two processes, as far as one can see them: the other one has no rows."""
    monkeypatch.setattr(Fabric, "world_size", 2)
    monkeypatch.setattr(Fabric, "all_reduce", lambda self, values, **_: values)
    network = TaggerNetwork(DNA, 2, cell="gru", hidden=8)
    reader = WindowReader(corpus.tokens, corpus.labels, DNA.unknown, CPU)
    windows = reader.read(np.arange(2), np.array([50, 50]), 0.0, np.random.default_rng(1))
    loss = SharedBatch(Fabric(accelerator="cpu", devices=1), network, None).backward(windows)
    assert loss.untyped_storage().nbytes() == 4


def test_validation_measures_no_speed(corpus, monkeypatch):
    """Else the clock would choose the rows side by side, and they the losses' last bits."""
    monkeypatch.setattr(inference, "MEASURED_BASES", 1)
    monkeypatch.setattr(inference.Predictor, "_fastest_rows", lambda self: 1 / 0)
    assert trained(corpus, bases=8000)[1].history


def test_a_checkpoint_holds_losses_that_are_no_numbers(tmp_path):
    network = TaggerNetwork(DNA, 2, cell="rnn", hidden=2)
    run = TrainingRun(network, torch.optim.AdamW(network.parameters()))
    for step, loss in enumerate([float("nan"), 1.0, float("nan"), float("inf")], start=1):
        run.step = step
        run.losses.append(torch.tensor(loss))
        run.look(loss, 0.1)
    folder = CheckpointFolder(tmp_path, "digest")
    folder.write(run.checkpoint())
    again = TrainingRun(network, torch.optim.AdamW(network.parameters()))
    again.restore(folder.read_last())
    assert str(again.history) == str(run.history)
    assert (again.best_loss, again.looks_since_best) == (1.0, 2)
    assert again.looks_since_best == run.looks_since_best
