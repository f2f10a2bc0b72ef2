"""Every combination of parts that the config allows trains, is cut off, goes on, and is a file."""

import itertools
import os
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from pydantic import ValidationError

from basetag.alphabet import DNA
from basetag.architecture import CELLS, POOLINGS
from basetag.config.networks import ARCHITECTURE, Network
from basetag.config.training import Training
from basetag.corpus import Corpus
from basetag.network_tagger import NetworkTagger, build_network, card_of_substates
from basetag.segments import Segments
from basetag.steps import training_steps
from basetag.substates import Substates
from basetag.taggers import load_tagger
from basetag.training import loop as training
from basetag.training.checkpoints import CheckpointFolder
from basetag.training.loss import SharedBatch

CPU = torch.device("cpu")
CHOICES = {
    "embedding": [{}, {"dimensions": 3}, {"k": 3, "dimensions": 3}],
    "convolution": [None, {"widths": [4], "channels": 3}, {"widths": [3, 6], "channels": 2}],
    "cell": [*CELLS, "none"],
    "longest_memory": [None, 50],
    "bidirectional": [False, True],
    "stack": [
        {"layers": 1},
        {"layers": 2},
        {"layers": 2, "dropout": 0.3, "residual": True, "normalised": True},
    ],
    "top": [
        {"head": "softmax"},
        {"head": "crf"},
        {"head": {"states": {"L": ["l1", "l2"], "H": ["h"]}, "allowed": {"l1": ["l2"]}}},
        *({"pooling": pooling} for pooling in POOLINGS),
    ],
    "substates": [False, True],
    "reverse_complement": [False, True],
}
STEPS, BATCH, WINDOW = 10, 4, 30


def allowed():
    """Yield every network that the config allows: choices, architecture, and both strands."""
    for chosen in itertools.product(*(range(len(choices)) for choices in CHOICES.values())):
        values = {name: CHOICES[name][at] for name, at in zip(CHOICES, chosen, strict=True)}
        values |= values.pop("stack") | values.pop("top")
        turned = values.pop("reverse_complement")
        if values["cell"] == "none":
            if values.pop("layers") > 1:
                continue  # no layers of nothing
        else:
            values["hidden"] = 3
        try:
            network = Network.model_validate(values)
        except ValidationError:
            continue
        parts = network.model_dump(include=set(ARCHITECTURE), exclude={"embedding": {"table"}})
        yield chosen, parts, turned


EVERY = list(allowed())


def covering():
    """Return few of them in which any three choices meet that meet in any."""
    numbers = {}
    of_every = np.array([
        [numbers.setdefault(triple, len(numbers)) for triple in triples(entry[0])]
        for entry in EVERY
    ])  # fmt: skip
    missing = np.ones(len(numbers), dtype=bool)
    found = []
    while missing.any():
        best = missing[of_every].sum(axis=1).argmax()
        missing[of_every[best]] = False
        found.append(EVERY[best])
    return found


def triples(chosen):
    return itertools.combinations(enumerate(chosen), 3)


#: All of them take a quarter of an hour: `BASETAG_EVERY_COMBINATION=1 make test ARGS=tests/...`.
TRIED = EVERY if os.environ.get("BASETAG_EVERY_COMBINATION") else covering()


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(1)
    labels = np.repeat(rng.integers(2, size=100), 6).astype(np.uint8)
    substates = np.where(labels == 1, 2, np.arange(600) % 2).astype(np.uint8)
    tokens = np.where(rng.random(600) < 0.7, labels, rng.integers(DNA.n_tokens, size=600))
    return Corpus(
        alphabet=DNA, states=("L", "H"), state_names={"L": "low", "H": "high"}, names=["one"],
        starts=np.array([0]), lengths=np.array([600]), tokens=tokens.astype(np.uint8),
        labels=labels, substates=Substates(("l1", "l2", "h"), (0, 0, 1), (1, 0, 2), substates),
    )  # fmt: skip


def stretch(start, end):
    start, end = np.array([start]), np.array([end])
    return Segments(record=np.zeros(1, dtype=np.int64), start=start, end=end, offset=start)


def as_learnt(corpus, parts, turned):
    """Return the corpus with the substates that are learnt, and its steps."""
    if not parts["substates"]:
        corpus = replace(corpus, substates=None)
    return corpus, training_steps(corpus, stretch(0, 500), both_strands=turned)


def untrained(corpus, steps, parts):
    substates = card_of_substates(corpus, steps)
    network = build_network(corpus.alphabet, corpus.states, parts, substates=substates)
    network.initialise(torch.Generator().manual_seed(1))
    return network


def trained(corpus, steps, parts, turned, folder):
    network = untrained(corpus, steps, parts)
    settings = Training(
        bases=1000,
        batch=BATCH,
        window=WINDOW,
        validations=2,
        validation_bases=100,
        reverse_complement=turned,
    ).model_dump()
    settings["bases"] = STEPS * BATCH * 28
    run = training.train(
        Fabric(accelerator="cpu", devices=1), network, corpus, stretch(0, 500),
        stretch(500, 600), settings, seed=1, checkpoints=CheckpointFolder(folder, "run"),
    )  # fmt: skip
    assert run.step == STEPS
    return network, run


class CutError(Exception):
    pass


def cut_after(steps):
    """Return a patch with which a training ends after so many steps, by an error."""
    whole, taken = SharedBatch.backward, itertools.count()

    def backward(self, windows):
        if next(taken) == steps:
            raise CutError
        return whole(self, windows)

    return mock.patch.object(SharedBatch, "backward", backward)


def name_of(entry):
    return "-".join(map(str, entry[0]))


@pytest.mark.parametrize("entry", TRIED, ids=name_of)
def test_a_combination_trains_goes_on_and_is_read_again(entry, corpus, tmp_path, monkeypatch):
    _, parts, turned = entry
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    corpus, steps = as_learnt(corpus, parts, turned)
    before = untrained(corpus, steps, parts)
    network, run = trained(corpus, steps, parts, turned, tmp_path / "whole")
    last = run.last_weights
    changed = {name for name, value in before.state_dict().items() if (value != last[name]).any()}
    assert changed == set(last)  # a part that learns nothing is not connected
    assert np.isfinite([row.validation_loss for row in run.history]).all()

    with cut_after(6), pytest.raises(CutError):
        trained(corpus, steps, parts, turned, tmp_path / "cut")
    again, resumed = trained(corpus, steps, parts, turned, tmp_path / "cut")
    assert resumed.history == run.history
    for name, value in last.items():
        assert torch.equal(resumed.last_weights[name], value), name

    tagger = NetworkTagger.trained(
        again,
        corpus,
        stretch(0, 500),
        "it",
        parts,
        CPU,
        steps=steps if turned or corpus.substates is not None else None,
    )
    tagger.save(tmp_path / "tagger.safetensors")
    sequence = DNA.decode(corpus.tokens[:80])
    loaded = load_tagger(tmp_path / "tagger.safetensors")
    expected = NetworkTagger(network, tagger.card, CPU).posterior(
        corpus.tokens[:80], np.array([80])
    )
    if network.pooling is None:
        (prediction,) = loaded.predict([sequence])
        np.testing.assert_array_equal(prediction.probabilities, expected)
    else:
        (told,) = loaded.classify([sequence])
        assert list(told.probabilities.values()) == expected[-1].tolist()
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)


def test_there_are_as_many_as_the_choices_say():
    """Cells without gates have no long memory, and nothing lies between layers of none."""
    # Hidden states of the config's own are not those of the data.
    fronts, heads, directions, strands = 3 * 3, 3 + 2, 2, 2
    stacks = (3 * 2) * 3 + 3 + 1  # three gated cells with and without memory, rnn, none
    pooled = len(POOLINGS) * stacks - 1  # without a cell there is no last state
    assert len(EVERY) == fronts * (heads * stacks + pooled) * directions * strands
