"""Networks that are trained on substates: what they lose, what they say, what they gain."""

import dataclasses
import itertools
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED, Corpus
from basetag.corpus_encoding import write_corpus
from basetag.errors import ConfigError
from basetag.exact_inference import smoothed_posterior
from basetag.hmm import HMM
from basetag.inference import Predictor
from basetag.network_tagger import NetworkTagger, build_network, card_of_substates
from basetag.networks.activations import active_rows
from basetag.networks.heads import ChainHead, SoftmaxHead
from basetag.segments import Segments
from basetag.simulation import sample_emissions, sample_paths
from basetag.steps import training_steps
from basetag.substates import Substates
from basetag.tagger_file import read_tagger
from basetag.taggers import load_tagger
from basetag.training.checkpoints import CheckpointFolder
from basetag.training.initial_weights import draw_weights, start_from
from basetag.training.job import TrainingJob, run_training
from basetag.training.loop import train
from basetag.training.validation import summed_cross_entropy
from tests.test_training import SETTINGS

CPU = torch.device("cpu")
LABEL_OF = (0, 1, 1, 1)


def head_of(kind):
    """Return a head of two labels, one of three states, and its random scores of five bases."""
    if kind == "softmax":
        head = SoftmaxHead(2, LABEL_OF)
    else:
        allowed = [[1, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 1], [1, 1, 0, 0]]
        head = ChainHead(2, LABEL_OF, [[bool(step) for step in row] for row in allowed])
    head.initialise(torch.Generator().manual_seed(1))
    for value in head.parameters():
        value.data += torch.randn(value.shape, generator=torch.Generator().manual_seed(2))
    return head, torch.randn(5, 1, 4, generator=torch.Generator().manual_seed(3))


def bears(told, state):
    """Return whether a state is one of those that a base is told of: label, substate, nothing."""
    if told == UNLABELLED:
        return True
    return told - 2 == state if told >= 2 else LABEL_OF[state] == told


def weight_of_path(head, scores, path):
    if isinstance(head, SoftmaxHead):
        return float(sum(scores[at, 0, state] for at, state in enumerate(path)))
    if any(head.forbidden[a, b] for a, b in itertools.pairwise(path)):
        return -np.inf
    steps = sum(head.transition[a, b] for a, b in itertools.pairwise(path))
    bases = sum(scores[at, 0, state] for at, state in enumerate(path))
    return float(steps + bases + head.start[path[0]] + head.end[path[-1]])


TOLD = [
    [2, 3, 4, 5, 2],  # every substate
    [0, 1, 1, 1, 0],  # labels alone
    [0, 1, 4, 1, UNLABELLED],  # some of each
    [UNLABELLED] * 5,
]


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("kind", ["softmax", "crf"])
@torch.no_grad()
def test_the_loss_is_that_of_all_paths_that_bear_what_is_told(kind, told):
    head, scores = head_of(kind)
    found = head.loss(
        scores, torch.tensor(told, dtype=torch.uint8)[:, None], np.ones(5, int), torch.ones(2)
    )
    paths = list(itertools.product(range(4), repeat=5))
    weights = np.array([weight_of_path(head, scores, path) for path in paths])
    borne = [all(map(bears, told, path)) for path in paths]
    expected = np.logaddexp.reduce(weights) - np.logaddexp.reduce(weights[borne])
    assert float(found) == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("kind", ["softmax", "crf"])
@torch.no_grad()
def test_a_labels_probability_is_the_sum_over_its_substates_paths(kind):
    head, scores = head_of(kind)
    found = head.label_probabilities(head.state_probabilities(scores, np.ones(5, int)))[:, 0]
    paths = list(itertools.product(range(4), repeat=5))
    weights = np.exp([weight_of_path(head, scores, path) for path in paths])
    coding = np.array([[LABEL_OF[state] for state in path] for path in paths])
    expected = (weights[:, None] * coding).sum(axis=0) / weights.sum()
    np.testing.assert_allclose(found[:, 1], expected, rtol=1e-4)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


@torch.no_grad()
def test_a_softmax_weighs_a_base_by_its_label_however_much_it_is_told():
    head, scores = head_of("softmax")
    weights, one_by_one = torch.tensor([0.5, 3.0]), []
    told = torch.tensor([0, 1, 2, 5, UNLABELLED], dtype=torch.uint8)[:, None]
    for at in range(5):
        one_by_one.append(
            float(head.loss(scores[at : at + 1], told[at : at + 1], np.ones(1, int), torch.ones(2)))
        )
    found = float(head.loss(scores, told, np.ones(5, int), weights))
    assert found == pytest.approx(np.dot([0.5, 3, 0.5, 3, 0], one_by_one), rel=1e-5)
    assert head.weights_of_told(weights)[told.long()[:, 0]].tolist() == [0.5, 3, 0.5, 3, 0]


@pytest.mark.parametrize("kind", ["softmax", "crf"])
def test_the_gradient_of_the_loss_is_right(kind):
    head, scores = head_of(kind)
    scores = scores.double().expand(5, 2, 4).clone().requires_grad_(True)
    told = torch.tensor([[0, 3], [1, 4], [4, 1], [1, 255], [255, 255]]).byte()
    weights = torch.tensor([1.0, 2.0], dtype=torch.float64)
    active = active_rows(np.array([5, 3]))
    head = head.double()
    assert torch.autograd.gradcheck(lambda s: head.loss(s, told, active, weights), scores)


# A model of genes on both strands. Over the positions of a codon letters are as frequent as beside
# genes, so that nothing but their order tells where a gene is.
NAMES = ("n", "p1", "p2", "p3", "m1", "m2", "m3")
OF_LABELS, MIRROR = (0, 1, 1, 1, 2, 2, 2), (0, 4, 5, 6, 1, 2, 3)


def model(strands="PM"):
    steps = np.zeros((7, 7))
    entering = {"P": 1, "M": 6}
    steps[0, 0] = 1 - 1 / 150
    for strand in strands:
        steps[0, entering[strand]] = 1 / 150 / len(strands)
    steps[1, 2] = steps[2, 3] = steps[6, 5] = steps[5, 4] = 1
    steps[3, 1] = steps[4, 6] = 1 - 1 / 50
    steps[3, 0] = steps[4, 0] = 1 / 50
    letters = np.full((7, 4), 0.1)
    letters[1, 0] = letters[2, 1] = letters[3, 2] = 0.7
    letters[4:] = letters[1:4, ::-1]
    letters[0] = (letters[1:4].mean(axis=0) + letters[4:].mean(axis=0)) / 2
    return HMM(DNA, tuple("NPPPMMM"), np.eye(7)[0], steps, letters, tuple("NPM"))


def corpus_of(hmm, bases, seed):
    rng = np.random.default_rng(seed)
    states = sample_paths(hmm, np.array([bases]), rng)
    tokens = sample_emissions(hmm, states, rng)
    return Corpus(
        alphabet=DNA, states=("N", "P", "M"), state_names={"N": "no", "P": "plus", "M": "minus"},
        names=["one"], starts=np.array([0]), lengths=np.array([bases]), tokens=tokens,
        labels=np.array(OF_LABELS, dtype=np.uint8)[states], mirror=(0, 2, 1),
        substates=Substates(NAMES, OF_LABELS, MIRROR, states.astype(np.uint8)),
    )  # fmt: skip


def turned(corpus):
    """Return the reverse complement of a corpus of one record."""
    labels, states = np.array(corpus.mirror), np.array(corpus.substates.mirror)
    substates = states[corpus.substates.labels[::-1]].astype(np.uint8)
    return dataclasses.replace(
        corpus,
        tokens=DNA.complement[corpus.tokens[::-1]],
        labels=labels[corpus.labels[::-1]].astype(np.uint8),
        substates=dataclasses.replace(corpus.substates, labels=substates),
    )


def stretch(start, end):
    start, end = np.array([start]), np.array([end])
    return Segments(np.zeros(1, dtype=np.int64), start, end, start)


TRAINING, VALIDATION = stretch(0, 40_000), stretch(40_000, 50_000)


def trained(corpus, head, on_substates, reverse_complement=False, bases=240_000, **parts):
    """Return a tagger trained on the first bases of a corpus."""
    if not on_substates:
        corpus = dataclasses.replace(corpus, substates=None)
    steps = training_steps(corpus, TRAINING, both_strands=reverse_complement)
    architecture = {
        "cell": "gru", "hidden": 8, "layers": 1, "bidirectional": True, "head": head,
        "substates": on_substates,
    } | parts  # fmt: skip
    network = build_network(
        DNA, corpus.states, architecture, substates=card_of_substates(corpus, steps)
    )
    draw_weights(network, steps, torch.Generator().manual_seed(1))
    settings = SETTINGS | {
        "bases": bases, "window": 200, "validation_bases": 10_000,
        "reverse_complement": reverse_complement,
    }  # fmt: skip
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        train(
            Fabric(accelerator="cpu", devices=1), network, corpus, TRAINING, VALIDATION, settings,
            seed=1, checkpoints=CheckpointFolder(Path(folder), "run"),
        )  # fmt: skip
    return NetworkTagger.trained(network, corpus, TRAINING, head, architecture, CPU, steps=steps)


def cross_entropy(tagger, corpus):
    test = stretch(50_000, 60_000)
    total, weight = summed_cross_entropy(Predictor(tagger.network, CPU), corpus, test)
    return total / weight


@pytest.fixture(scope="module")
def corpus():
    return corpus_of(model(), 60_000, 1)


@pytest.fixture(scope="module")
def by_substates(corpus):
    return trained(corpus, "crf", True)


def test_codon_positions_and_a_chain_come_near_what_can_be_known_and_the_plain_network_does_not(
    corpus, by_substates
):
    exact = smoothed_posterior(model(), corpus.tokens, corpus.lengths)
    exact = -np.log(exact[np.arange(60_000), corpus.labels])[50_000:].mean()
    plain = trained(corpus, "softmax", False)
    assert exact - 0.01 < cross_entropy(by_substates, corpus) < exact + 0.03
    assert cross_entropy(plain, corpus) > exact + 0.15


def test_a_path_of_substates_is_called_by_its_labels_and_in_whole_codons(corpus, by_substates):
    tokens, length = corpus.tokens[50_000:], np.array([10_000])
    posterior = by_substates.posterior(tokens, length)
    path = by_substates.most_probable_path(tokens, length, posterior, np.ones(3, dtype=np.int64))
    assert (path == corpus.labels[50_000:]).mean() > 0.95
    borders = np.flatnonzero(np.diff(path)) + 1
    lengths, labels = np.diff(borders), path[borders[:-1]]
    # But where one gene begins within another's codon; here none is seen to.
    assert (lengths[labels > 0] % 3 == 0).all()
    long = by_substates.most_probable_path(tokens, length, posterior, np.array([1, 90, 90]))
    borders = np.flatnonzero(np.diff(long)) + 1
    assert np.diff(borders)[long[borders[:-1]] > 0].min() >= 90


def most_probable(law, posterior):
    """Return the best path of states through posteriors, tried one by one."""
    prior, transition = np.array(law["prior"]), np.array(law["transition"])

    def score(path):
        values = [np.log(posterior[at, state] / prior[state]) for at, state in enumerate(path)]
        values += [np.log(transition[a, b]) for a, b in itertools.pairwise(path)]
        return np.log(prior[path[0]]) + sum(values)

    return max(itertools.product(range(7), repeat=len(posterior)), key=score)


@pytest.mark.parametrize(
    ("head", "both_strands"), [("softmax", False), ("softmax", True), ("crf", True)]
)
def test_without_a_chain_of_its_own_a_path_follows_the_substates_posteriors(
    corpus, head, both_strands
):
    tagger = trained(corpus, head, True, reverse_complement=both_strands, bases=4000)
    tagger = NetworkTagger(tagger.network, tagger.card, CPU, both_strands=both_strands)
    for start in range(50_000, 50_032, 4):
        tokens, length = corpus.tokens[start : start + 4], np.array([4])
        states = np.empty((4, 7), dtype=np.float32)
        tagger._predictor.state_posterior(tokens, length, states)
        posterior = tagger.posterior(tokens, length)
        np.testing.assert_allclose(posterior[:, 2], states[:, 4:].sum(axis=1), atol=1e-6)
        path = tagger.most_probable_path(tokens, length, posterior, np.ones(3, dtype=np.int64))
        best = most_probable(tagger.card["path"], states.astype(float))
        assert path.tolist() == [OF_LABELS[state] for state in best]


@pytest.mark.parametrize("on_substates", [False, True])
def test_genes_of_one_strand_teach_the_other_where_windows_are_read_on_both(on_substates):
    genes = corpus_of(model("P"), 60_000, 2)
    ones = trained(genes, "crf", on_substates)
    both = trained(genes, "crf", on_substates, reverse_complement=True)
    other = turned(genes)
    other = dataclasses.replace(  # its last bases, that nobody trained on
        other, tokens=np.roll(other.tokens, 50_000), labels=np.roll(other.labels, 50_000)
    )
    assert cross_entropy(ones, other) > 0.5
    assert cross_entropy(both, other) == pytest.approx(cross_entropy(both, genes), abs=0.05)
    assert cross_entropy(both, genes) < 0.3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of a corpus with substates, some of them not known."""
    folder = tmp_path_factory.mktemp("codons")
    corpus = corpus_of(model(), 12_000, 3)
    (folder / "genome.fa").write_text(f">one\n{DNA.decode(corpus.tokens)}\n")
    letters = "".join("NPM"[label] for label in corpus.labels)
    (folder / "states.fa").write_text(f">one\n{letters}\n")
    write_corpus(
        folder / "corpus", folder / "genome.fa", DNA,
        labels=folder / "states.fa", states=corpus.state_names,
    )  # fmt: skip
    substates = corpus.substates.labels.copy()
    substates[np.random.default_rng(1).random(12_000) < 0.05] = UNLABELLED
    np.save(folder / "corpus/substates.npy", substates)
    about = json.loads((folder / "corpus/corpus.json").read_text()) | {
        "mirror": [0, 2, 1],
        "substates": {"names": NAMES, "label_of": OF_LABELS, "mirror": MIRROR},
    }
    (folder / "corpus/corpus.json").write_text(json.dumps(about))
    rows = ["train\t0\t8000", "validation\t8000\t10000", "test\t10000\t12000"]
    rows = [f"one\t{start}\t{end}\t{name}\n" for name, start, end in map(str.split, rows)]
    (folder / "split.tsv").write_text("".join(["record\tstart\tend\tsplit\n", *rows]))
    return folder


def run(folder, out, head="crf", on_substates=True, initial=None, frozen=()):
    settings = {
        "architecture": {
            "cell": "gru", "hidden": 4, "layers": 1, "bidirectional": True, "features": [],
            "head": head, "substates": on_substates,
        },
        "training": SETTINGS | {"threads": 1, "bases": 8000, "reverse_complement": True},
        "both_strands": True, "frozen": list(frozen), "seed": 1,
    }  # fmt: skip
    out.mkdir(exist_ok=True)
    job = TrainingJob(
        settings=settings, code="", name="gru", device="CPU", corpus=folder / "corpus",
        split=folder / "split.tsv", initial=initial, words=None, best=out / "tagger.safetensors",
        last=out / "last.safetensors", history=out / "history.tsv", timing=out / "timing.json",
    )  # fmt: skip
    run_training(Fabric(accelerator="cpu", devices=1), job)
    return job.best


@pytest.mark.parametrize(
    ("head", "words", "part"),
    [
        ("softmax", "7 substates", "softmax over 7 substates of 3 labels, each base for itself"),
        (
            "crf",
            "CRF of 7 substates over whole records",
            "linear-chain CRF over 7 hidden states, 3 labels, all bases together",
        ),
    ],
)
def test_from_files_to_a_file_that_tells_of_its_substates(folder, tmp_path, head, words, part):
    path = run(folder, tmp_path, head)
    _, card = read_tagger(path)
    assert card["description"] == f"GRU of 4 units, two directions, {words}"
    assert card["parts"][-1]["description"] == part
    assert card["states"] == ["N", "P", "M"]
    assert card["mirror"] == [0, 2, 1]
    assert card["substates"]["names"] == list(NAMES)
    assert card["substates"]["label_of"] == list(OF_LABELS)
    # All that follows a p1 on either strand, but where substates are not known.
    assert card["substates"]["allowed"][1] == [False, False, True, False, False, False, False]
    assert card["path"]["label_of"] == list(OF_LABELS)
    loaded = load_tagger(path, decoding="viterbi")
    (found,) = loaded.predict(["ACGACGACGTTTGCA"])
    assert found.probabilities.shape == (15, 3)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    assert set(found.states) <= set("NPM")


def test_of_a_network_that_is_not_asked_for_them_substates_change_nothing(folder, tmp_path):
    path = run(folder, tmp_path, on_substates=False)
    tensors, card = read_tagger(path)
    assert card["substates"] is None
    assert tensors["head.weight"].shape == (3, 8)
    assert card["path"]["label_of"] == [0, 1, 2]


def test_substates_that_say_no_more_than_labels_are_labels(folder, tmp_path):
    for name in ("genome.fa", "split.tsv"):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / "corpus").mkdir()
    for file in (folder / "corpus").iterdir():
        (tmp_path / "corpus" / file.name).write_bytes(file.read_bytes())
    about = json.loads((folder / "corpus/corpus.json").read_text())
    about["substates"] = {"names": list("mpn"), "label_of": [2, 1, 0], "mirror": [1, 0, 2]}
    (tmp_path / "corpus/corpus.json").write_text(json.dumps(about))
    labels = np.load(folder / "corpus/labels.npy")
    np.save(tmp_path / "corpus/substates.npy", (2 - labels).astype(np.uint8))
    with_them = read_tagger(run(tmp_path, tmp_path / "with"))[0]
    without = read_tagger(run(folder, tmp_path / "without", on_substates=False))[0]
    for name, value in with_them.items():
        np.testing.assert_array_equal(value, without[name])


def test_a_network_on_substates_starts_from_one_on_labels_with_a_new_head(folder, tmp_path):
    path = run(folder, tmp_path / "labels", on_substates=False)
    before, card = read_tagger(path)
    corpus = Corpus.open(folder / "corpus")
    steps = training_steps(corpus, stretch(0, 8000))
    architecture = card["architecture"] | {"substates": True}
    network = build_network(
        DNA, corpus.states, architecture, substates=card_of_substates(corpus, steps)
    )
    draw_weights(network, steps, torch.Generator().manual_seed(2))
    own = network.state_dict()["head.weight"].clone()
    start_from(network, path, corpus, architecture, [])
    assert torch.equal(network.state_dict()["head.weight"], own)
    for name, value in network.state_dict().items():
        if not name.startswith("head."):
            np.testing.assert_array_equal(value.numpy(), before[name])
    with pytest.raises(ConfigError, match=r"was trained on labels, and this tagger is on n, p1,"):
        run(folder, tmp_path / "frozen", initial=path, frozen=["head"])
