"""Posteriors of a split on disk, and where a tagger that fails is said to have failed."""

import numpy as np
import pytest

from basetag.alphabet import DNA
from basetag.baselines import HMMTagger
from basetag.corpus import Corpus, write_corpus
from basetag.errors import InputError
from basetag.prediction import predict_segments
from basetag.splits import Segments
from tests.test_annotation import CARD, MODEL


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
        predict_segments(tagger, corpus, segments, tmp_path / "out.npy", threads=1)
    assert not (tmp_path / "out.npy").exists()
