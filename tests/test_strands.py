"""Taggers that read both strands say the same of a sequence and of its reverse complement."""

import dataclasses

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED, Corpus
from basetag.inference import Predictor
from basetag.network_tagger import NetworkTagger, build_network, card_of_substates
from basetag.segments import whole_records
from basetag.steps import training_steps
from basetag.substates import Substates
from basetag.taggers import LoadedTagger, load_tagger
from basetag.training.validation import Validation

CPU = torch.device("cpu")
STATES, MIRROR = ("N", "P", "M"), (0, 2, 1)
SUBSTATES = ("n", "p1", "p2", "p3", "m1", "m2", "m3")
LABEL_OF, SUBSTATE_MIRROR = (0, 1, 1, 1, 2, 2, 2), (0, 4, 5, 6, 1, 2, 3)
LENGTHS = np.array([1, 70, 0, 64, 31, 2, 130, 63], dtype=np.int64)
BASES = int(LENGTHS.sum())


def corpus_of(seed=1):
    """Return records of random letters, with runs of the three labels and features."""
    rng = np.random.default_rng(seed)
    substates = np.repeat(rng.integers(7, size=BASES), 3)[:BASES].astype(np.uint8)
    labels = np.array(LABEL_OF, dtype=np.uint8)[substates]
    labels[rng.random(BASES) < 0.1] = UNLABELLED
    substates[rng.random(BASES) < 0.2] = UNLABELLED
    return Corpus(
        alphabet=DNA, states=STATES, state_names={state: state for state in STATES},
        names=[f"r{i}" for i in range(LENGTHS.size)], starts=np.cumsum(LENGTHS) - LENGTHS,
        lengths=LENGTHS, tokens=rng.integers(DNA.n_tokens, size=BASES).astype(np.uint8),
        labels=labels, features=rng.normal(size=(BASES, 2)).astype(np.float32),
        feature_names=("a", "b"), mirror=MIRROR,
        substates=Substates(SUBSTATES, LABEL_OF, SUBSTATE_MIRROR, substates),
    )  # fmt: skip


def turned(values):
    """Each record's values from its last base to its first."""
    return np.concatenate([part[::-1] for part in np.split(values, np.cumsum(LENGTHS)[:-1])])


def on_the_other_strand(corpus):
    labels = np.arange(256, dtype=np.uint8)
    labels[:3] = MIRROR
    return dataclasses.replace(
        corpus,
        tokens=DNA.complement[turned(corpus.tokens)],
        labels=labels[turned(corpus.labels)],
        features=turned(corpus.features),
        substates=None,
    )


HIDDEN = {"states": {"N": ["n"], "P": ["p", "q"], "M": ["m"]}, "allowed": {"p": ["q"]}}
HEADS = {
    "softmax": ("softmax", False),
    "crf": ("crf", False),
    "hidden states": (HIDDEN, False),
    "softmax of substates": ("softmax", True),
    "crf of substates": ("crf", True),
}


def network_of(head, corpus, **parts):
    """Return a network of random weights, its architecture and its steps."""
    head, on_substates = HEADS[head]
    if not on_substates:
        corpus = dataclasses.replace(corpus, substates=None)
    steps = training_steps(corpus, whole_records(corpus), both_strands=True)
    architecture = {"cell": "gru", "hidden": 5, "layers": 1, "bidirectional": True, "head": head}
    architecture |= parts
    network = build_network(
        DNA, STATES, architecture, len(corpus.feature_names), card_of_substates(corpus, steps)
    )
    network.initialise(torch.Generator().manual_seed(3))
    for value in network.head.parameters():
        value.data += torch.randn(value.shape, generator=torch.Generator().manual_seed(4))
    return network.double().eval(), corpus, architecture, steps


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"bidirectional": False, "layers": 2},
        {
            "layers": 2, "embedding": {"k": 4, "dimensions": 3},
            "convolution": {"widths": [2, 9], "channels": 4},
        },
    ],
)  # fmt: skip
@pytest.mark.parametrize("head", HEADS)
def test_the_posterior_of_the_other_strand_is_the_mirror_image(head, parts):
    network, corpus, _, _ = network_of(head, corpus_of(), **parts)
    other = on_the_other_strand(corpus)
    for rows, bases in [(2, 40), (11, 10**6)]:
        predictor = Predictor(
            network, CPU, complement=DNA.complement, mirror=MIRROR, state_mirror=SUBSTATE_MIRROR,
            rows=rows, bases=bases,
        )  # fmt: skip
        here, there = (
            predictor.posterior(each.tokens, LENGTHS, features=each.features)
            for each in (corpus, other)
        )
        np.testing.assert_allclose(here.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(turned(there)[:, MIRROR], here, atol=1e-6)
        if network.head.out_features == len(SUBSTATES):
            here, there = (np.empty((BASES, 7), dtype=np.float32) for _ in range(2))
            for each, out in ((corpus, here), (other, there)):
                predictor.state_posterior(each.tokens, LENGTHS, out, each.features)
            np.testing.assert_allclose(turned(there)[:, SUBSTATE_MIRROR], here, atol=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_validation_judges_both_strands_alike(head):
    network, corpus, _, _ = network_of(head, corpus_of())
    losses = [
        Validation(
            Fabric(accelerator="cpu", devices=1), network, each, whole_records(each), BASES,
            None, True,
        ).mean_loss()
        for each in (corpus, on_the_other_strand(corpus))
    ]  # fmt: skip
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    predictor = Predictor(network, CPU, complement=DNA.complement, mirror=MIRROR)
    posterior = predictor.posterior(corpus.tokens, LENGTHS, features=corpus.features)
    scored = corpus.labels != UNLABELLED
    expected = -np.log(posterior[scored, corpus.labels[scored]]).mean()
    assert losses[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_a_tagger_read_from_its_file_mirrors_labels_and_calls(head, tmp_path):
    corpus = dataclasses.replace(corpus_of(), features=None, feature_names=())
    network, corpus, architecture, steps = network_of(head, corpus)
    tagger = NetworkTagger.trained(
        network.float(), corpus, whole_records(corpus), "it", architecture, CPU,
        both_strands=True, steps=steps,
    )  # fmt: skip
    assert tagger.card["mirror"] == list(MIRROR)
    tagger.save(tmp_path / "tagger.safetensors")
    loaded = load_tagger(tmp_path / "tagger.safetensors")
    assert isinstance(loaded, LoadedTagger)
    sequence = DNA.decode(corpus.tokens[-150:])
    (here,) = loaded.predict([sequence])
    (there,) = loaded.predict([DNA.decode(DNA.complement[DNA.encode(sequence)][::-1])])
    mirrored = there.probabilities[::-1][:, MIRROR]
    np.testing.assert_allclose(mirrored, here.probabilities, atol=1e-6)
    clear = np.sort(here.probabilities, axis=1)
    clear = clear[:, -1] - clear[:, -2] > 1e-5
    calls = there.states[::-1].translate(str.maketrans("PM", "MP"))
    assert clear.mean() > 0.9
    assert all(a == b for a, b, sure in zip(here.states, calls, clear, strict=True) if sure)
