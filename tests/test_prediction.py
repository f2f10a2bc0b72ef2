"""Posteriors of a split on disk, and where a tagger that fails is said to have failed."""

import numpy as np
import pytest

from basetag.alphabet import DNA
from basetag.baselines import HMMTagger
from basetag.corpus import Corpus
from basetag.corpus_encoding import write_corpus
from basetag.decoding import ARGMAX, Decoding, call_states
from basetag.errors import InputError
from basetag.prediction import predict_segments
from basetag.segments import Segments
from tests.test_annotation import CARD, MODEL


def places(folder):
    return folder / "posteriors.npy", folder / "calls.npy"


def test_a_base_that_a_model_cannot_emit_is_named_with_its_record(tmp_path):
    (tmp_path / "genome.fa").write_text(">one\nAACCAAAA\n>two\nACCAATC\n")
    write_corpus(tmp_path / "corpus", tmp_path / "genome.fa", DNA)
    emission = np.array([[0.2, 0.4, 0.4, 0.0], [0.8, 0.1, 0.1, 0.0]])
    tagger = HMMTagger(CARD, MODEL | {"emission": emission})
    # Two blocks of the first record, then the second record from its third base on.
    record, start, end = np.array([[0, 0, 1], [0, 4, 2], [4, 8, 7]])
    segments = Segments(record, start, end, np.array([0, 4, 10]))
    corpus = Corpus.open(tmp_path / "corpus")
    with pytest.raises(InputError, match=r"^record 'two', position 6: the model gives 'T' the pro"):
        predict_segments(tagger, corpus, segments, *places(tmp_path), ARGMAX, threads=1)
    assert not any(path.exists() for path in places(tmp_path))


@pytest.fixture
def blocks(tmp_path):
    """A corpus of two records, and blocks of it in another order than theirs."""
    rng = np.random.default_rng(1)
    letters = ["".join(rng.choice(list("ACGT"), 400)) for _ in range(2)]
    (tmp_path / "genome.fa").write_text(f">one\n{letters[0]}\n>two\n{letters[1]}\n")
    write_corpus(tmp_path / "corpus", tmp_path / "genome.fa", DNA)
    record, start, end = np.array([[1, 0, 0], [100, 0, 200], [400, 150, 390]])
    return Corpus.open(tmp_path / "corpus"), Segments(record, start, end, record * 400 + start)


@pytest.mark.parametrize(
    "decoding", ["argmax", "viterbi", {"method": "viterbi", "minimum_length": 40}], ids=str
)
def test_calls_lie_beside_the_posteriors_whatever_is_done_at_once(
    blocks, decoding, tmp_path, monkeypatch
):
    corpus, segments = blocks
    tagger, decoding = HMMTagger(CARD, MODEL), Decoding.of(decoding)
    whole = segments.batches
    for size in (1, 10**6):
        monkeypatch.setattr(Segments, "batches", lambda own, size=size: whole.__func__(own, size))
        predict_segments(tagger, corpus, segments, *places(tmp_path), decoding, threads=2)
        posteriors, calls = map(np.load, places(tmp_path))
        assert posteriors.shape == (segments.bases, 2)
        assert calls.dtype == np.uint8
        tokens = segments.gathered(corpus.tokens)
        expected = call_states(
            tagger, tokens, segments.lengths, posteriors, decoding, positions=segments.start
        )
        assert np.array_equal(calls, expected)


def test_a_path_that_cannot_be_is_named_with_its_record(tmp_path, blocks):
    corpus, segments = blocks
    # Each state is left at once, so none has a run of two bases.
    model = MODEL | {"transition": np.array([[0.0, 1.0], [1.0, 0.0]])}
    decoding = Decoding("viterbi", 2)
    with pytest.raises(InputError, match=r"^record 'two', position 101: no path .* minimum_length"):
        predict_segments(
            HMMTagger(CARD, model), corpus, segments, *places(tmp_path), decoding, threads=1
        )
