"""Networks that read numbers of each base beside its letter: trained, saved, on genomes."""

import json
import math

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from basetag import annotation
from basetag.alphabet import DNA
from basetag.architecture import CELLS
from basetag.corpus import Corpus
from basetag.corpus_encoding import write_corpus
from basetag.decoding import ARGMAX
from basetag.errors import InputError
from basetag.feature_encoding import write_features
from basetag.features import FeatureColumns
from basetag.inference import Predictor
from basetag.intervals import read_bed
from basetag.network_tagger import NetworkTagger, build_network
from basetag.networks.standardised import Standardised
from basetag.networks.tagger_network import TaggerNetwork
from basetag.places import Places
from basetag.prediction import predict_segments
from basetag.segments import Segments
from basetag.tagger_file import read_tagger
from basetag.taggers import load_tagger
from basetag.training import loop as training
from basetag.training import windows
from basetag.training.checkpoints import CheckpointFolder
from basetag.training.initial_weights import start_from
from basetag.training.job import TrainingJob, run_training
from basetag.training.validation import summed_cross_entropy
from basetag.training.windows import WindowReader
from tests.test_training import SETTINGS
from tests.tracks_fixture import annotate_by_scripts

CPU = torch.device("cpu")
NAN = np.nan


def test_numbers_are_brought_to_one_scale_and_missing_ones_become_zero():
    scaling = Standardised(2)
    scaling.start_from(np.array([10.0, -1.0]), np.array([2.0, 0.5]))
    values = torch.tensor([[[14.0, -1.0]], [[NAN, 0.0]]])
    assert scaling(values).tolist() == [[[2.0, 0.0]], [[0.0, 2.0]]]
    assert not list(scaling.parameters())


def reader_of_one_number():
    """A network without recurrence whose second label's score is its second feature, scaled."""
    network = TaggerNetwork(DNA, 2, cell="none", bidirectional=True, n_features=2)
    network.features.start_from(np.array([0.0, 3.0]), np.array([1.0, 2.0]))
    for parameter in network.parameters():
        parameter.data.zero_()
    network.head.weight.data[1, DNA.n_letters + 1] = 1.0
    return network.eval()


def test_a_network_with_hand_set_weights_gives_the_logistic_function_of_a_feature():
    tokens = DNA.encode("ACGTN")
    features = np.array([[9, 3], [9, 5], [9, 1], [NAN, 7], [9, NAN]], dtype=np.float32)
    found = Predictor(reader_of_one_number(), CPU).posterior(
        tokens, np.array([3, 2]), features=features
    )
    expected = 1 / (1 + np.exp(-np.array([0, 1, -1, 2, 0])))
    np.testing.assert_allclose(found[:, 1], expected, atol=1e-6)
    chosen = FeatureColumns(np.column_stack([features[:, 1], features]), np.array([1, 0]))
    again = Predictor(reader_of_one_number(), CPU).posterior(
        tokens, np.array([3, 2]), features=chosen
    )
    np.testing.assert_array_equal(again, found)


LENGTHS = np.array([1, 200, 0, 64, 65, 31, 2, 200, 128, 500, 63], dtype=np.int64)


def data(seed=4, n_features=3):
    rng = np.random.default_rng(seed)
    tokens = rng.integers(DNA.n_tokens, size=LENGTHS.sum()).astype(np.uint8)
    features = rng.normal(size=(tokens.size, n_features)).astype(np.float32)
    features[rng.random(features.shape) < 0.1] = NAN
    return tokens, features


def whole_records(network, tokens, features):
    """Each record on its own, uncut."""
    starts = np.cumsum(LENGTHS) - LENGTHS
    parts = [
        torch.softmax(
            network(
                torch.from_numpy(tokens[start : start + length])[:, None],
                np.array([length]),
                numbers=torch.from_numpy(features[start : start + length].copy())[:, None],
            ),
            dim=-1,
        )[:, 0].detach()
        for start, length in zip(starts, LENGTHS, strict=True)
        if length
    ]
    return np.concatenate(parts)


def turned(values):
    """Each record's values from its last base to its first."""
    return np.concatenate([part[::-1] for part in np.split(values, np.cumsum(LENGTHS)[:-1])])


FRONTS = {
    "letters": {},
    "words": {"embedding": {"k": 4, "dimensions": 3}},
    "kernels": {
        "embedding": {"k": 3, "dimensions": 3},
        "convolution": {"widths": [2, 9], "channels": 4},
    },
}


def make(cell, bidirectional, **parts):
    network = TaggerNetwork(
        DNA, 3, cell=cell, hidden=6, layers=2, bidirectional=bidirectional, n_features=3, **parts
    )
    network.initialise(torch.Generator().manual_seed(3))
    network.features.start_from(np.array([0.1, -0.2, 0.0]), np.array([0.5, 1.0, 2.0]))
    return network.to(torch.float64).eval()


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", [*CELLS, "none"])
def test_features_are_read_over_the_seams_and_on_both_strands(front, bidirectional, cell):
    network = make(cell, bidirectional, **FRONTS[front])
    tokens, features = data()
    forward = whole_records(network, tokens, features)
    other = whole_records(network, DNA.complement[turned(tokens)], turned(features))
    for complement, whole in [(None, forward), (DNA.complement, (forward + turned(other)) / 2)]:
        for rows, bases in [(1, 16), (3, 50), (11, 700), (11, 10**6)]:
            predictor = Predictor(network, CPU, rows=rows, bases=bases, complement=complement)
            found = predictor.posterior(tokens, LENGTHS, features=features)
            assert np.abs(found - whole).max() <= 1e-7, (rows, bases)


@pytest.mark.parametrize("front", FRONTS)
def test_a_one_directional_network_reads_features_to_the_left_alone(front):
    network = make("gru", False, **FRONTS[front])
    tokens, features = data()
    changed = features.copy()
    changed[50:] += 1
    before, after = (
        Predictor(network, CPU).posterior(tokens[:90], np.array([90]), features=values[:90])
        for values in (features, changed)
    )
    assert np.array_equal(before[:50], after[:50])
    assert np.abs(before[50:] - after[50:]).max() > 1e-3


def test_padding_has_no_features():
    """A kernel over the end of a short row sees nothing of what a reader put there."""
    network = make("none", True, **FRONTS["kernels"])
    tokens = torch.zeros((8, 2), dtype=torch.uint8)
    numbers = torch.rand(8, 2, 3)
    other = numbers.clone()
    other[5:, 1] = 7
    first, second = (
        network(tokens, np.array([8, 5]), numbers=values) for values in (numbers, other)
    )
    assert torch.equal(first[:5, 1], second[:5, 1])


def test_windows_bring_the_features_of_their_bases_masked_or_not():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(300, 4)).astype(np.float32)
    reader = WindowReader(
        np.zeros(300, dtype=np.uint8), np.zeros(300, dtype=np.uint8), 14, CPU,
        FeatureColumns(values, np.array([3, 1])),
    )  # fmt: skip
    drawn = reader.read(np.array([10, 200, 0]), np.array([5, 60, 9]), 0.5, rng)
    assert (drawn.tokens == 14).any()
    assert drawn.features.shape == (3, 60, 2)
    for row, (start, n) in enumerate([(200, 60), (0, 9), (10, 5)]):
        expected = values[start : start + n][:, [3, 1]]
        np.testing.assert_array_equal(drawn.features[row, :n].numpy(), expected)
        assert drawn.features[row, n:].isnan().all()
    part = drawn.part(1, 2)
    np.testing.assert_array_equal(part.features.numpy(), drawn.features[1:2, :9].numpy())


def test_features_for_a_device_are_brought_there_piece_by_piece(monkeypatch):
    monkeypatch.setattr(windows, "_NUMBERS_AT_ONCE", 64)
    values = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    there = windows._on_device(FeatureColumns(values, np.array([3, 1])), CPU)
    np.testing.assert_array_equal(there.numpy(), values[:, [3, 1]])


ARCHITECTURE = {
    "cell": "gru", "hidden": 6, "layers": 1, "bidirectional": False, "features": ["signal"],
    "substates": False,
}  # fmt: skip
SPLIT = {"train": (0, 8000), "validation": (8000, 10_000), "test": (10_000, 12_000)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A corpus of random letters; a base's label is whether the number of the last was above 5.

    Every tenth number is missing, and its place is no evidence.
    """
    folder = tmp_path_factory.mktemp("features")
    rng = np.random.default_rng(1)
    tokens, above = rng.integers(4, size=12_000), rng.random(12_000) < 0.3
    above[:8000][-1] = above[0] = True
    labels = np.concatenate([[False], above[:-1]])
    (folder / "genome.fa").write_text(f">one\n{''.join('ACGT'[t] for t in tokens)}\n")
    (folder / "states.fa").write_text(f">one\n{''.join('NY'[int(label)] for label in labels)}\n")
    write_corpus(
        folder / "corpus", folder / "genome.fa", DNA,
        labels=folder / "states.fa", states={"N": "no", "Y": "yes"},
    )  # fmt: skip
    rows = [f"one\t{9 if a else 1}\tNA" if i else "one\t0\t3" for i, a in enumerate(above)]
    (folder / "x.tsv").write_text("\n".join(["record\theight\trest", *rows, ""]))
    lines = [f"one\t{i}\t{i + 1}\t{i % 7}\n" for i in range(12_000) if i % 10]
    (folder / "noise.bedgraph").write_text("".join(lines))
    places = Places(("one",), np.array([0]), np.array([12_000]))
    write_features(
        folder / "corpus", places,
        [("noise", "bedgraph", folder / "noise.bedgraph"), ("signal", "table", folder / "x.tsv")],
    )  # fmt: skip
    rows = [f"one\t{start}\t{end}\t{name}\n" for name, (start, end) in SPLIT.items()]
    (folder / "split.tsv").write_text("".join(["record\tstart\tend\tsplit\n", *rows]))
    return folder


def stretch(name):
    start, end = (np.array([at]) for at in SPLIT[name])
    return Segments(np.zeros(1, dtype=np.int64), start, end, start)


def job(folder, out, features=("signal",), **changes):
    settings = {
        "architecture": ARCHITECTURE | {"features": list(features)},
        "training": SETTINGS | {"threads": 1} | changes, "both_strands": False, "frozen": [],
        "seed": 1,
    }  # fmt: skip
    return TrainingJob(
        settings=settings, code="", name="gru", device="CPU", corpus=folder / "corpus",
        split=folder / "split.tsv", initial=None, words=None, best=out / "tagger.safetensors",
        last=out / "last.safetensors", history=out / "history.tsv", timing=out / "timing.json",
    )  # fmt: skip


def run(job):
    run_training(Fabric(accelerator="cpu", devices=1), job)
    return job.best


@pytest.fixture(scope="module")
def path(folder, tmp_path_factory):
    """The file of a trained network that reads the table `signal`."""
    return run(job(folder, tmp_path_factory.mktemp("trained")))


def cross_entropy(path, folder):
    loaded = load_tagger(path)
    corpus = Corpus.open(folder / "corpus", loaded.feature_names)
    total, weight = summed_cross_entropy(
        Predictor(loaded.tagger.network, CPU), corpus, stretch("test")
    )
    return total / weight


def test_labels_that_only_a_feature_tells_are_learnt_with_it_alone(folder, path, tmp_path):
    assert cross_entropy(path, folder) < 0.02
    without = run(job(folder, tmp_path, features=(), bases=80_000))
    entropy = -(0.3 * math.log(0.3) + 0.7 * math.log(0.7))
    assert cross_entropy(without, folder) > entropy - 0.03


def test_the_file_names_the_features_and_holds_their_scale(folder, path):
    tensors, card = read_tagger(path)
    assert card["features"] == ["signal.height", "signal.rest"]
    assert card["architecture"]["features"] == ["signal"]
    assert card["description"] == "features signal, GRU of 6 units, one direction"
    # 3 gates x 6 units x (4 letters + 2 features + 6 recurrent + 2 biases), and the head.
    assert card["parameters"] == 18 * (4 + 2 + 6 + 2) + 2 * 6 + 2
    heights = np.asarray(Corpus.open(folder / "corpus", ["signal.height"]).features)[:8000, 0]
    np.testing.assert_allclose(tensors["features.mean"], [heights.mean(), 3], rtol=1e-6)
    # The second is given at one base alone, so it is the same everywhere.
    np.testing.assert_allclose(tensors["features.deviation"], [heights.std(), 1], rtol=1e-6)


def test_a_run_that_is_cut_off_ends_in_the_same_bits(folder, path, tmp_path, monkeypatch):
    class CutError(Exception):
        pass

    write = CheckpointFolder.write

    def write_and_crash(self, checkpoint):
        write(self, checkpoint)
        if checkpoint.step == 100:
            raise CutError

    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(CheckpointFolder, "write", write_and_crash)
    with pytest.raises(CutError):
        run(job(folder, tmp_path))
    monkeypatch.setattr(CheckpointFolder, "write", write)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 1e9)
    assert run(job(folder, tmp_path)).read_bytes() == path.read_bytes()


def sequences_of(folder):
    corpus = Corpus.open(folder / "corpus", ["signal"])
    return DNA.decode(corpus.tokens), np.asarray(corpus.features)


def test_a_loaded_tagger_reads_features_of_plain_strings(folder, path):
    text, features = sequences_of(folder)
    loaded = load_tagger(path)
    first, second = loaded.predict(
        [text[:500], text[600:700]], features=[features[:500], features[600:700].astype(float)]
    )
    truth = "".join("NY"[int(above)] for above in features[:499, 0] > 5)
    assert first.states[1:] == truth
    assert len(second.states) == 100


@pytest.mark.parametrize(
    ("features", "says"),
    [
        (None, r"^the tagger reads signal.height, signal.rest beside the letters, and none are "
               r"given for 2 sequences; give features"),
        ([np.zeros((4, 2))], "and 1 are given for 2 sequences"),
        ([np.zeros((4, 2)), np.zeros((3, 1))], r"^record 'sequence 2': .* given an array of the "
                                               r"shape \(3, 1\); its shape must be \(3, 2\)"),
        ([np.zeros((5, 2)), np.zeros((3, 2))], r"'sequence 1'.*must be \(4, 2\)"),
        (
            [np.zeros((4, 2)), np.array([[0, 0], [0, np.inf], [0, 0]])],
            r"^record 'sequence 2', position 2: infinity is no number to read; write NaN",
        ),
    ],
)  # fmt: skip
def test_features_that_are_missing_or_of_another_shape_are_one_line(path, features, says):
    with pytest.raises(InputError, match=says):
        load_tagger(path).predict(["ACGT", "ACG"], features=features)


def test_features_for_a_tagger_that_reads_none_are_refused(folder, tmp_path):
    without = run(job(folder, tmp_path, features=(), bases=1000, validations=1))
    with pytest.raises(InputError, match=r"^the tagger reads no features; leave features away$"):
        load_tagger(without).predict(["ACGT"], features=[np.zeros((4, 1))])


def test_posteriors_without_the_features_are_one_line(path):
    with pytest.raises(InputError, match=r"^'gru' reads signal.height, .* given none for 3 bases"):
        load_tagger(path).tagger.posterior(DNA.encode("ACG"), np.array([3]))


@pytest.mark.parametrize("pieces", [1, 7])
def test_splits_are_predicted_from_their_features(folder, path, tmp_path, pieces):
    loaded = load_tagger(path)
    corpus = Corpus.open(folder / "corpus", loaded.feature_names)
    segments = stretch("test").cut(-(-2000 // pieces))
    paths = tmp_path / "posteriors.npy", tmp_path / "calls.npy"
    predict_segments(loaded.tagger, corpus, segments, *paths, ARGMAX, 1)
    posterior, calls = (np.load(path) for path in paths)
    truth = corpus.labels[10_000:12_000] == 1
    right = (posterior[:, 1] > 0.5) == truth
    inner = np.ones(2000, dtype=bool)
    inner[np.cumsum(segments.lengths)[:-1]] = inner[0] = False  # nobody saw the base before
    assert right[inner].all()
    assert np.array_equal(calls, posterior.argmax(axis=1))


@pytest.mark.parametrize("in_memory", [2**22, 100])
def test_a_genome_is_annotated_from_its_features(folder, path, tmp_path, monkeypatch, in_memory):
    monkeypatch.setattr(annotation, "PACKED_BASES", in_memory)
    (tmp_path / "genome.fa").write_text(f">a\n{'ACGT' * 100}\n>b\n{'A' * 50}\n")
    write_corpus(tmp_path / "corpus", tmp_path / "genome.fa", DNA)
    rows = [f"b\t{9 if 10 <= i < 30 else 1}\t3" for i in range(50)]
    rows += [f"a\t{9 if i >= 200 else 1}\tNA" for i in range(400)]
    (tmp_path / "x.tsv").write_text("\n".join(["record\theight\trest", *rows, ""]))
    corpus = Corpus.open(tmp_path / "corpus")
    places = Places(corpus.names, corpus.starts, corpus.lengths)
    write_features(tmp_path / "corpus", places, [("signal", "table", tmp_path / "x.tsv")])
    settings = {"decoding": "argmax", "both_strands": None}
    annotate_by_scripts(tmp_path, tmp_path / "corpus", path, settings)
    found = dict(read_bed(tmp_path / "segments.bed.gz", ["no", "yes"]))
    assert found["a"].ends.tolist() == [201, 400]
    assert found["b"].ends.tolist() == [11, 31, 50]


def test_both_strands_are_averaged_with_the_features_of_the_bases(folder, path):
    text, features = sequences_of(folder)
    text, features = text[:300], features[:300]
    one = load_tagger(path)
    forward = one.predict([text], features=[features])[0].probabilities
    turned_text = DNA.decode(DNA.complement[DNA.encode(text)][::-1])
    other = one.predict([turned_text], features=[features[::-1]])[0].probabilities[::-1]
    both = load_tagger(path, both_strands=True).predict([text], features=[features])
    np.testing.assert_allclose(both[0].probabilities, (forward + other) / 2, atol=1e-6)
    assert np.abs(forward - other).max() > 0.5  # else a mean would say nothing


def test_a_network_that_starts_from_another_keeps_its_scale(folder, path, tmp_path):
    tensors, _ = read_tagger(path)
    corpus = Corpus.open(folder / "corpus", ["signal"])
    network = build_network(DNA, corpus.states, ARCHITECTURE, 2)
    network.initialise(torch.Generator().manual_seed(2))
    start_from(network, path, corpus, ARCHITECTURE, [])
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), tensors[name])


@pytest.mark.parametrize(
    ("features", "ours"), [([], "no features"), (["noise"], "noise"),
                           (["noise", "signal"], "noise, signal.height, signal.rest")],
)  # fmt: skip
def test_a_network_of_other_features_is_one_line_with_both(folder, path, features, ours):
    corpus = Corpus.open(folder / "corpus", features)
    architecture = ARCHITECTURE | {"features": features}
    network = build_network(DNA, corpus.states, architecture, len(corpus.feature_names))
    with pytest.raises(InputError) as caught:
        start_from(network, path, corpus, architecture, [])
    assert str(caught.value) == (
        f"{path}: cannot start from 'gru': beside the letters it reads signal.height, signal.rest,"
        f" and the tagger that would start from it {ours}; give both the same features, in the"
        " same order"
    )


def test_equal_data_with_other_features_has_another_digest(folder):
    digests = set()
    for features in ([], ["noise"], ["signal"], ["signal"]):
        corpus = Corpus.open(folder / "corpus", features)
        architecture = ARCHITECTURE | {"features": features}
        network = build_network(DNA, corpus.states, architecture, len(corpus.feature_names))
        tagger = NetworkTagger.trained(network, corpus, stretch("train"), "gru", architecture, CPU)
        digests.add(tagger.card["training"]["digest"])
        json.dumps(tagger.card)
    assert len(digests) == 3
