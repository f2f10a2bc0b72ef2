"""The corpora of the negative controls: what they are made of, and predictions of them."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare

from basetag.alphabet import DNA
from basetag.baselines import HMMTagger
from basetag.controls import control_pieces, open_controls, read_pieces, write_controls
from basetag.corpus import UNLABELLED, Corpus
from basetag.corpus_encoding import write_corpus
from basetag.decoding import ARGMAX, Decoding, call_states
from basetag.errors import InputError
from basetag.feature_encoding import write_features
from basetag.places import Places
from basetag.prediction import predict_controls
from basetag.segments import Segments
from tests.test_annotation import CARD, MODEL

FREQUENCIES = [0.4, 0.1, 0.2, 0.3]


def segments_of(corpus, *places):
    record, start, end = np.array(places, dtype=np.int64).reshape(-1, 3).T
    return Segments(record, start, end, corpus.starts[record] + start)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A corpus of two records with an island of N, its split, and controls of 24 kb."""
    folder = tmp_path_factory.mktemp("controls")
    rng = np.random.default_rng(1)
    letters = ["".join(rng.choice(list("ACGT"), 30_000, p=FREQUENCIES)) for _ in range(2)]
    letters[1] = letters[1][:5000] + "N" * 700 + letters[1][5700:]
    (folder / "genome.fa").write_text(f'>a "1"\n{letters[0]}\n>b\n{letters[1]}\n')
    write_corpus(folder / "corpus", folder / "genome.fa", DNA)
    corpus = Corpus.open(folder / "corpus")
    split = {
        "train": segments_of(corpus, (0, 0, 30_000)),
        "test": segments_of(corpus, (1, 4500, 10_500), (1, 12_000, 30_000)),
    }
    write_controls(folder / "controls", corpus, split, bases=24_000, seed=3)
    return folder, corpus, split


def records_of(corpus):
    return np.split(corpus.tokens, np.cumsum(corpus.lengths)[:-1])


def test_pieces_are_spread_over_the_split_and_hold_about_the_bases():
    n = 1000
    test = Segments(np.arange(n), np.zeros(n), np.full(n, 500), np.arange(n) * 500)
    test = Segments(*(values.astype(np.int64) for values in vars(test).values()))
    pieces = control_pieces(test, 100_000)
    assert pieces.record.tolist() == list(range(0, 1000, 5))
    assert pieces.bases == 100_000
    assert control_pieces(test, 10**9).lengths.max() == 500
    assert control_pieces(test, 1).record.tolist() == [0]


def test_long_segments_are_cut_so_that_there_are_fifty_records_or_pieces_of_10_kb():
    test = Segments(*(np.array([value]) for value in (0, 0, 10_000_000, 0)))
    for bases, count, longest in (
        (50_000, 5, 10_000), (500_000, 50, 10_000), (3_000_000, 50, 60_000),
        (8_000_000, 80, 100_000),
    ):  # fmt: skip
        pieces = control_pieces(test, bases)
        assert (len(pieces.offset), pieces.lengths.max()) == (count, longest)


def test_where_the_split_holds_fewer_bases_each_piece_comes_several_times():
    test = Segments(*(np.array(v) for v in ([0, 1], [0, 100], [900, 1100], [0, 1000])))
    pieces = control_pieces(test, 5700)
    assert pieces.record.tolist() == [0, 0, 0, 1, 1, 1]
    assert pieces.start.tolist() == [0, 0, 0, 100, 100, 100]


def test_the_homogeneous_control_has_the_training_composition_and_no_memory(made):
    folder, corpus, split = made
    control = open_controls(folder / "controls", corpus)["homogeneous"]
    counts = np.bincount(control.tokens, minlength=4)
    train = np.bincount(split["train"].gathered(corpus.tokens), minlength=4)
    assert len(counts) == 4  # no ambiguous letter
    assert chisquare(counts, train / train.sum() * counts.sum()).pvalue > 1e-3
    table = np.zeros((4, 4))
    np.add.at(table, (control.tokens[:-1], control.tokens[1:]), 1)
    assert chi2_contingency(table).pvalue > 1e-3


def test_a_letter_that_does_not_occur_is_not_drawn(tmp_path):
    (tmp_path / "genome.fa").write_text(f">a\n{'CG' * 500}\n>b\n{'C' * 1000}\n")
    write_corpus(tmp_path / "corpus", tmp_path / "genome.fa", DNA)
    corpus = Corpus.open(tmp_path / "corpus")
    split = {"train": segments_of(corpus, (0, 0, 1000)), "test": segments_of(corpus, (1, 0, 1000))}
    write_controls(tmp_path / "controls", corpus, split, bases=50_000, seed=1)
    tokens = open_controls(tmp_path / "controls", corpus)["homogeneous"].tokens
    assert set(DNA.decode(tokens)) == {"C", "G"}


def test_the_shuffled_control_keeps_the_pairs_of_each_piece_and_its_ambiguous_letters(made):
    folder, corpus, _ = made
    control = open_controls(folder / "controls", corpus)["shuffled"]
    pieces = read_pieces(folder / "controls", corpus)
    originals = np.split(pieces.gathered(corpus.tokens), np.cumsum(pieces.lengths)[:-1])
    for own, original in zip(records_of(control), originals, strict=True):
        assert Counter(pairwise(own.tolist())) == Counter(pairwise(original.tolist()))
        assert np.array_equal(own == DNA.unknown, original == DNA.unknown)
        assert (own != original).mean() > 0.3


def test_both_have_the_lengths_of_the_pieces_and_names_of_their_own(made):
    folder, corpus, _ = made
    controls = open_controls(folder / "controls", corpus)
    pieces = read_pieces(folder / "controls", corpus)
    assert list(controls) == ["homogeneous", "shuffled"]
    for name, control in controls.items():
        assert control.lengths.tolist() == pieces.lengths.tolist()
        assert control.names == [f"{name}{i + 1}" for i in range(len(pieces.offset))]
        assert control.labels is None
    assert pieces.bases == 24_000
    assert pieces.start.tolist() == [4500, 12_000, 22_000]


def test_a_record_depends_on_the_seed_and_on_no_other_record(made, tmp_path):
    folder, corpus, split = made
    same, other, fewer = (tmp_path / name for name in ("same", "other", "fewer"))
    write_controls(same, corpus, split, bases=24_000, seed=3)
    write_controls(other, corpus, split, bases=24_000, seed=4)
    first = {"train": split["train"], "test": split["test"].chosen([0])}
    write_controls(fewer, corpus, first, bases=6000, seed=3)
    for name in ("homogeneous", "shuffled"):
        own = (folder / "controls" / name / "tokens.npy").read_bytes()
        assert own == (same / name / "tokens.npy").read_bytes()
        assert own != (other / name / "tokens.npy").read_bytes()
        alone = open_controls(fewer, corpus)[name]
        whole = open_controls(folder / "controls", corpus)[name]
        np.testing.assert_array_equal(records_of(whole)[0], alone.tokens)


def test_no_bases_make_controls_without_records(made, tmp_path):
    _, corpus, split = made
    write_controls(tmp_path / "controls", corpus, split, bases=0, seed=1)
    controls = open_controls(tmp_path / "controls", corpus)
    assert [(c.names, c.tokens.size) for c in controls.values()] == [([], 0)] * 2
    places = tmp_path / "posteriors.npy", tmp_path / "calls.npy"
    tagger = HMMTagger(CARD, MODEL)
    predict_controls(tagger, corpus, tmp_path / "controls", *places, ARGMAX, threads=1)
    posteriors, calls = map(np.load, places)
    assert (posteriors.shape, calls.shape) == ((0, 2), (0,))


def test_a_training_split_of_ambiguous_letters_alone_is_refused(made, tmp_path):
    _, corpus, split = made
    nothing = {"train": segments_of(corpus, (1, 5000, 5700)), "test": split["test"]}
    with pytest.raises(InputError, match="ambiguous letters alone"):
        write_controls(tmp_path, corpus, nothing, bases=1000, seed=1)


def test_a_table_of_pieces_of_another_corpus_is_named(made, tmp_path):
    _, corpus, _ = made
    (tmp_path / "segments.tsv").write_text("record\tstart\tend\nelsewhere\t0\t10\n")
    with pytest.raises(InputError, match=r"segments\.tsv: does not name pieces of the corpus"):
        read_pieces(tmp_path, corpus)


@pytest.mark.parametrize("decoding", ["argmax", {"method": "viterbi", "minimum_length": 40}])
def test_predictions_lie_in_the_order_of_the_controls(made, tmp_path, decoding):
    folder, corpus, _ = made
    tagger, decoding = HMMTagger(CARD, MODEL), Decoding.of(decoding)
    places = tmp_path / "posteriors.npy", tmp_path / "calls.npy"
    predict_controls(tagger, corpus, folder / "controls", *places, decoding, threads=2)
    posteriors, calls = map(np.load, places)
    assert (posteriors.dtype, calls.dtype) == (np.float32, np.uint8)
    for control, own, called in zip(
        open_controls(folder / "controls", corpus).values(),
        np.split(posteriors, 2), np.split(calls, 2), strict=True,
    ):  # fmt: skip
        expected = tagger.posterior(control.tokens, control.lengths)
        np.testing.assert_array_equal(own, expected)
        path = call_states(tagger, control.tokens, control.lengths, expected, decoding)
        np.testing.assert_array_equal(called, path)


def test_a_control_that_a_model_holds_to_be_impossible_is_left_out(made, tmp_path, caplog):
    """States that take turns, one of A and C, the other of G and T: independent letters cannot."""
    folder, corpus, _ = made
    model = MODEL | {
        "transition": np.array([[0.0, 1.0], [1.0, 0.0]]),
        "emission": np.array([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]),
    }
    places = tmp_path / "posteriors.npy", tmp_path / "calls.npy"
    predict_controls(
        HMMTagger(CARD, model), corpus, folder / "controls", *places, ARGMAX, threads=1
    )
    posteriors, calls = map(np.load, places)
    assert np.isnan(posteriors).all()
    assert (calls == UNLABELLED).all()
    assert "the control homogeneous is left out: sequence 1, position " in caplog.text


class ByFeature:
    """Calls the state that its feature is."""

    card = CARD | {"features": ["state"]}

    def posterior(self, tokens, lengths, threads=1, positions=None, out=None, features=None):
        out[:] = np.eye(2, dtype=np.float32)[np.asarray(features)[:, 0].astype(int)]
        return out


def test_features_are_those_of_the_pieces_that_records_were_made_of(made, tmp_path):
    folder, corpus, _ = made
    states = np.random.default_rng(2).integers(0, 2, corpus.tokens.size)
    rows = [
        f"{name}\t{state}"
        for name, part in zip(corpus.names, np.split(states, 2), strict=True)
        for state in part
    ]
    table = tmp_path / "states.tsv"
    table.write_text("\n".join(["record\tis", *rows, ""]))
    places = Places(corpus.names, corpus.starts, corpus.lengths)
    write_features(folder / "corpus", places, [("state", "table", table)])
    featured = Corpus.open(folder / "corpus", ["state"])
    files = tmp_path / "posteriors.npy", tmp_path / "calls.npy"
    predict_controls(ByFeature(), featured, folder / "controls", *files, ARGMAX, threads=1)
    expected = read_pieces(folder / "controls", corpus).gathered(states)
    for own in np.split(np.load(files[1]), 2):
        np.testing.assert_array_equal(own, expected)
