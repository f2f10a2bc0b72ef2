"""Networks that tell a number of each record: the head by closed forms, and what is learnt."""

import itertools
from unittest import mock

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from scipy.stats import norm
from sklearn.metrics import r2_score

from basetag.alphabet import DNA
from basetag.baseline_fitting import fit_baseline
from basetag.classified_corpus import ABOVE, BELOW
from basetag.corpus import REGRESS, UNLABELLED, Corpus
from basetag.decoding import Decoding
from basetag.errors import InputError
from basetag.inference import Predictor
from basetag.label_statistics import target_scale
from basetag.network_tagger import NetworkTagger, build_network, load_network
from basetag.networks.number_head import NumberHead
from basetag.prediction import predict_segments
from basetag.segments import Segments
from basetag.taggers import load_tagger
from basetag.training import loop
from basetag.training.checkpoints import CheckpointFolder
from basetag.training.initial_weights import start_from
from basetag.training.loop import train
from basetag.training.loss import SharedBatch
from tests.two_processes import assert_loss_curves_agree, write_losses

CPU = torch.device("cpu")
TRAINING, VALIDATION, TEST = 240, 60, 120
THRESHOLD = 6.5
SETTINGS = {
    "bases": 10**5, "batch": 16, "window": 30, "learning_rate": 0.03, "weight_decay": 0.0,
    "clip": 1.0, "warmup": 0.1, "mask": 0.0, "validations": 4, "validation_bases": 10**6,
    "schedule": "one_cycle", "patience": None, "class_weights": None,
    "reverse_complement": False, "epochs": 12, "labels": None,
}  # fmt: skip
#: Nothing but the mean of letters, and a small recurrence.
LEARNERS = {
    "letters": {"cell": "none", "pooling": "mean"},
    "gru": {"cell": "gru", "hidden": 6, "pooling": "mean"},
}
RATES = {"letters": 0.15, "gru": 0.03}


def corpus_of(seed=1):
    """Records of which the number is 5 and 3 times the share of G and C, with little noise."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(15, 40, size=TRAINING + VALIDATION + TEST)
    starts = np.cumsum(lengths) - lengths
    rich = np.repeat(rng.uniform(0.1, 0.9, lengths.size), lengths) > rng.random(lengths.sum())
    strong, either = DNA.encode("CG"), rng.integers(2, size=rich.size)
    tokens = np.where(rich, strong[either], DNA.encode("AT")[either]).astype(np.uint8)
    share = np.add.reduceat(np.isin(tokens, strong), starts) / lengths
    targets = (5 + 3 * share + rng.normal(0, 0.03, share.size)).astype(np.float32)
    labels = np.full(tokens.size, UNLABELLED, dtype=np.uint8)
    labels[starts + lengths - 1] = np.where(targets >= np.float32(THRESHOLD), ABOVE, BELOW)
    return Corpus(
        alphabet=DNA, states=("A", "B"), state_names={"A": "above", "B": "below"},
        names=[f"r{index}" for index in range(lengths.size)], starts=starts, lengths=lengths,
        tokens=tokens, labels=labels, task=REGRESS, targets=targets, threshold=THRESHOLD,
    )  # fmt: skip


def records_of(corpus, first, count):
    record = np.arange(first, first + count)
    return Segments(record, np.zeros_like(record), corpus.lengths[record], corpus.starts[record])


def splits_of(corpus):
    return {
        "train": records_of(corpus, 0, TRAINING),
        "validation": records_of(corpus, TRAINING, VALIDATION),
        "test": records_of(corpus, TRAINING + VALIDATION, TEST),
    }


def architecture_of(learner):
    return {"hidden": 6, "layers": 1, "bidirectional": False} | LEARNERS[learner]


def network_of(corpus, learner, seed=1):
    network = build_network(DNA, "AB", architecture_of(learner), threshold=corpus.threshold)
    network.initialise(torch.Generator().manual_seed(seed))
    network.head.rescale(*target_scale(corpus, splits_of(corpus)["train"]), keep=False)
    return network


def trained(corpus, learner, folder, fabric=None, **changes):
    network, split = network_of(corpus, learner), splits_of(corpus)
    run = train(
        fabric or Fabric(accelerator="cpu", devices=1), network, corpus, split["train"],
        split["validation"], SETTINGS | changes, seed=1, checkpoints=CheckpointFolder(folder, "r"),
    )  # fmt: skip
    return network, run


@pytest.fixture(scope="module")
def corpus():
    return corpus_of()


# ---- The head


def head_of(mean=2.0, deviation=3.0, error=0.5, threshold=1.0):
    head = NumberHead(4, threshold)
    head.initialise(torch.Generator().manual_seed(1))
    head.rescale(mean, deviation, keep=False)
    head.set_error(error**2)
    return head


def test_the_loss_is_the_squared_error_over_the_variance_of_the_targets():
    head = head_of()
    pooled = torch.randn(5, 4, generator=torch.Generator().manual_seed(2))
    told = torch.tensor([1.0, 2.0, -4.0, torch.nan, 7.0])
    scores = head(pooled)
    loss = head.loss(scores, told, np.zeros(1), torch.ones(2))
    numbers = head.numbers(scores).detach().numpy()
    known = np.array([0, 1, 2, 4])
    expected = ((numbers[known] - told.numpy()[known]) ** 2).sum() / 9
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    loss.backward()
    assert head.weight.grad.isfinite().all()  # although one record has no number


def test_a_record_is_above_the_threshold_by_the_normal_distribution_around_its_number():
    head = head_of(error=0.5, threshold=1.0)
    numbers = torch.tensor([1.0, 0.0, 1.5, 1.0 + 0.5 * 1.96, -9.0])
    found = head.posterior(numbers)
    above = norm.cdf(numbers.numpy(), 1.0, 0.5)
    np.testing.assert_allclose(found[:, ABOVE], above, rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(found[:, BELOW], 1 - above, rtol=1e-5)
    assert found.dtype == torch.float32


def test_another_scale_with_other_weights_tells_the_same_numbers():
    head = head_of(2.0, 3.0)
    pooled = torch.randn(6, 4, generator=torch.Generator().manual_seed(2))
    before = head.numbers(head(pooled))
    head.rescale(-7.0, 0.2, keep=True)
    torch.testing.assert_close(head.numbers(head(pooled)), before, rtol=1e-5, atol=1e-5)
    assert float(head.mean) == -7.0


def test_no_network_is_certain_however_small_its_error():
    head = head_of(deviation=3.0)
    head.set_error(0.0)
    assert 0 < float(head.error) < 1e-5
    assert head.posterior(torch.tensor([1.0])).tolist() == [[0.5, 0.5]]


def test_what_is_pooled_tells_a_number_of_the_record_and_all_else_one_of_each_place():
    for pooling, of_places in (("max", False), (None, True)):
        architecture = {"cell": "gru", "hidden": 2, "pooling": pooling}
        assert build_network(DNA, "AB", architecture, threshold=1.0).head.of_places == of_places


# ---- Training


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_number_that_is_linear_in_the_letters_is_learnt(learner, corpus, tmp_path):
    network, run = trained(corpus, learner, tmp_path, learning_rate=RATES[learner])
    split = splits_of(corpus)
    test = split["test"]
    told = Predictor(network, CPU).numbers(test.gathered(corpus.tokens), test.lengths)
    last = np.cumsum(test.lengths) - 1
    assert np.array_equal(told, np.repeat(told[last], test.lengths))
    assert r2_score(corpus.targets[test.record], told[last]) > 0.95
    # The loss is in variances of the training split: of what is left, the least of the history.
    own = split["validation"]
    told = Predictor(network, CPU).numbers(own.gathered(corpus.tokens), own.lengths)
    errors = told[np.cumsum(own.lengths) - 1] - corpus.targets[own.record]
    variance = corpus.targets[split["train"].record].var(dtype=np.float64)
    least = min(row.validation_loss for row in run.history)
    assert least == pytest.approx((errors**2).mean() / variance, rel=1e-5)
    assert run.history[-1].train_loss < 0.1 < run.history[0].train_loss


class CutError(Exception):
    pass


def test_a_training_that_was_cut_off_goes_on_to_the_same_bits(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    network, run = trained(corpus, "gru", tmp_path / "whole", epochs=2)
    whole, taken = SharedBatch.backward, itertools.count()

    def backward(self, windows):
        if next(taken) == 11:
            raise CutError
        return whole(self, windows)

    with mock.patch.object(SharedBatch, "backward", backward), pytest.raises(CutError):
        trained(corpus, "gru", tmp_path / "cut", epochs=2)
    again, resumed = trained(corpus, "gru", tmp_path / "cut", epochs=2)
    assert resumed.history == run.history
    for name, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def train_in(fabric, folder):
    """Train, in each process, and write the losses in the first."""
    torch.set_num_threads(1)
    few = {"batch": 7, "epochs": 1}
    write_losses(
        fabric, folder, *trained(corpus_of(), "gru", folder / "checkpoints", fabric, **few)
    )


def test_two_processes_follow_the_loss_curve_of_one(tmp_path):
    """They share seven records as four and three, and the validation split."""
    assert_loss_curves_agree(train_in, tmp_path, validations=4)


def test_parts_of_a_batch_have_the_gradient_of_the_whole(corpus, tmp_path):
    """As where a device has too little memory for it."""
    fabric = Fabric(accelerator="cpu", devices=1)
    results = []
    for parts in (1, 3):
        with mock.patch.object(SharedBatch, "__init__", _with_parts(SharedBatch.__init__, parts)):
            network, run = trained(corpus, "gru", tmp_path / str(parts), fabric, epochs=1)
        results.append([row.train_loss for row in run.history])
        assert network.head.weight.isfinite().all()
    np.testing.assert_allclose(results[1], results[0], rtol=1e-4)


def _with_parts(made, parts):
    def make(self, *given):
        made(self, *given)
        self.parts = parts

    return make


# ---- The tagger


@pytest.fixture(scope="module")
def tagger(corpus, tmp_path_factory):
    network, _ = trained(corpus, "gru", tmp_path_factory.mktemp("checkpoints"), epochs=4)
    split = splits_of(corpus)
    made = NetworkTagger.trained(
        network, corpus, split["train"], "gru", architecture_of("gru"), CPU
    )
    made.measure_error(corpus, split["validation"])
    return made


def test_the_tagger_keeps_its_scale_and_the_error_on_validation(tagger, corpus, tmp_path):
    tagger.card["context"] = None
    tagger.save(tmp_path / "t.safetensors")
    again = load_network(tmp_path / "t.safetensors", CPU)
    split = splits_of(corpus)
    own = split["validation"]
    told = again.numbers(own.gathered(corpus.tokens), own.lengths)
    assert told.dtype == np.float32
    error = ((told.astype(float) - corpus.targets[own.record]) ** 2).mean() ** 0.5
    mean, deviation = target_scale(corpus, split["train"])
    assert again.card["target"] == {
        "threshold": THRESHOLD,
        "mean": mean,
        "deviation": deviation,
        "error": pytest.approx(error, rel=1e-6),
    }
    posterior = again.posterior(own.gathered(corpus.tokens), own.lengths)
    expected = np.repeat(again.posterior_of_numbers(told), own.lengths, axis=0)
    np.testing.assert_allclose(posterior, expected, atol=2e-5)
    expected = norm.cdf(told.astype(float), THRESHOLD, error)
    np.testing.assert_allclose(again.posterior_of_numbers(told)[:, ABOVE], expected, atol=1e-6)


def test_both_strands_tell_the_mean_of_two_numbers_and_the_probability_of_that(tagger, corpus):
    network = tagger.network
    test = splits_of(corpus)["test"]
    tokens, lengths = test.gathered(corpus.tokens), test.lengths
    parts = np.split(tokens, np.cumsum(lengths)[:-1])
    turned = np.concatenate([DNA.complement[part][::-1] for part in parts])
    predictor = Predictor(network, CPU)
    mean = (predictor.numbers(tokens, lengths) + predictor.numbers(turned, lengths)) / 2
    both = Predictor(network, CPU, complement=DNA.complement, mirror=[0, 1])
    np.testing.assert_allclose(both.numbers(tokens, lengths), mean, rtol=1e-6)
    above = norm.cdf(mean, THRESHOLD, tagger.card["target"]["error"])
    np.testing.assert_allclose(both.posterior(tokens, lengths)[:, ABOVE], above, atol=1e-5)


def test_numbers_do_not_depend_on_chunk_or_batch(tagger, corpus):
    test = splits_of(corpus)["test"]
    tokens, lengths = test.gathered(corpus.tokens), test.lengths
    expected = Predictor(tagger.network, CPU).numbers(tokens, lengths)
    for rows, bases in [(1, 16), (3, 50), (11, 700)]:
        found = Predictor(tagger.network, CPU, rows=rows, bases=bases).numbers(tokens, lengths)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_predicted_are_the_numbers_and_the_likelier_classes(tagger, corpus, tmp_path):
    test = splits_of(corpus)["test"]
    places = tmp_path / "p.npy", tmp_path / "c.npy"
    told = predict_segments(tagger, corpus, test, *places, Decoding(), 1)
    assert told.shape == (TEST,)
    assert np.array_equal(told, tagger.numbers(test.gathered(corpus.tokens), test.lengths))
    assert np.array_equal(np.load(places[0]), tagger.posterior_of_numbers(told))
    assert np.array_equal(np.load(places[1]) == ABOVE, told >= THRESHOLD)


def test_majority_tells_the_mean_of_the_training_split(corpus, tmp_path):
    split = splits_of(corpus)
    made = fit_baseline("majority", {}, corpus, split)
    made.save(tmp_path / "m.safetensors")
    places = tmp_path / "p.npy", tmp_path / "c.npy"
    loaded = load_tagger(tmp_path / "m.safetensors")
    told = predict_segments(loaded.tagger, corpus, split["test"], *places, Decoding(), 1)
    assert set(told) == {np.float32(corpus.targets[:TRAINING].mean(dtype=float))}
    share = (corpus.targets[:TRAINING] >= THRESHOLD).mean()
    np.testing.assert_allclose(np.load(places[0])[:, ABOVE], share, rtol=1e-6)


def test_what_tells_no_numbers_cannot_predict_any(corpus, tmp_path):
    uniform = fit_baseline("uniform", {}, corpus, splits_of(corpus))
    places = tmp_path / "p.npy", tmp_path / "c.npy"
    with pytest.raises(InputError, match="'uniform' tells no numbers"):
        predict_segments(uniform, corpus, splits_of(corpus)["test"], *places, Decoding(), 1)
    assert not places[0].exists()


def test_new_sequences_have_a_number_and_a_class(tagger, tmp_path):
    tagger.card["context"] = None
    tagger.save(tmp_path / "t.safetensors")
    loaded = load_tagger(tmp_path / "t.safetensors")
    rich, poor = loaded.classify(["GCGCCGGCGGCC" * 2, "ATTATATAAT" * 2])
    assert (rich.called, poor.called) == ("above", "below")
    assert rich.number > THRESHOLD > poor.number
    assert rich.probabilities["above"] == pytest.approx(
        norm.cdf(rich.number, THRESHOLD, tagger.card["target"]["error"]), abs=1e-5
    )


def test_a_network_starts_from_another_that_tells_numbers_on_its_own_scale(
    tagger, corpus, tmp_path
):
    tagger.card["context"] = None
    tagger.save(tmp_path / "t.safetensors")
    network = network_of(corpus, "gru", seed=9)
    start_from(network, tmp_path / "t.safetensors", corpus, architecture_of("gru"), ())
    network.head.rescale(0.0, 1.0, keep=True)
    tokens, lengths = corpus.tokens[: corpus.lengths[0]], corpus.lengths[:1]
    found = Predictor(network, CPU).numbers(tokens, lengths)
    np.testing.assert_allclose(found[-1], tagger.numbers(tokens, lengths)[0], rtol=1e-5)


def test_a_network_of_classes_starts_from_numbers_with_a_new_head(tagger, corpus, tmp_path):
    tagger.card["context"] = None
    tagger.save(tmp_path / "t.safetensors")
    classes = Corpus(
        corpus.alphabet, corpus.states, corpus.state_names, corpus.names, corpus.starts,
        corpus.lengths, corpus.tokens, corpus.labels, task="classify",
    )  # fmt: skip
    network = build_network(DNA, "AB", architecture_of("gru"))
    network.initialise(torch.Generator().manual_seed(3))
    drawn = network.head.weight.clone()
    start_from(network, tmp_path / "t.safetensors", classes, architecture_of("gru"), ())
    assert torch.equal(network.head.weight, drawn)
    theirs = tagger.tensors()
    own = {name: value.numpy() for name, value in network.state_dict().items()}
    kept = [name for name in own if not name.startswith("head.")]
    assert kept
    assert all(np.array_equal(own[name], theirs[name]) for name in kept)
