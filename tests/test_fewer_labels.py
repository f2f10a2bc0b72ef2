"""Fewer labels: as many as asked for, the same for every tagger, and the smaller in the larger."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import DNA
from basetag.corpus import CLASSIFY, TAG, UNLABELLED, Corpus
from basetag.segments import Segments, whole_records
from basetag.training.fewer_labels import with_fewer_labels


def corpus_of(labels, lengths, task=TAG):
    lengths = np.array(lengths)
    return Corpus(
        alphabet=DNA, states=("H", "L"), state_names={"H": "high", "L": "low"},
        names=[f"r{i}" for i in range(lengths.size)], starts=np.cumsum(lengths) - lengths,
        lengths=lengths, tokens=np.zeros(lengths.sum(), dtype=np.uint8),
        labels=np.array(labels, dtype=np.uint8), task=task,
    )  # fmt: skip


def labelled(corpus, segments):
    """Return where in the corpus the labelled bases of segments lie."""
    places = segments.gathered(np.arange(corpus.tokens.size))
    return set(places[np.asarray(corpus.labels)[places] != UNLABELLED].tolist())


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    seed=st.integers(0, 5),
    data=st.data(),
)
def test_there_are_as_many_labels_as_asked_for_and_the_smaller_set_lies_in_the_larger(
    lengths, seed, data
):
    total = sum(lengths)
    labels = data.draw(st.lists(st.sampled_from([0, 1, 255]), min_size=total, max_size=total))
    corpus = corpus_of(labels, lengths)
    split = whole_records(corpus)
    every = labelled(corpus, split)
    smaller = set()
    for asked in range(1, total + 2):
        kept = with_fewer_labels(corpus, split, asked, seed)
        found = labelled(corpus, kept)
        assert len(found) == min(asked, len(every))
        assert smaller <= found <= every
        assert (np.diff(kept.offset) > 0).all()
        assert (kept.lengths > 0).all()
        smaller = found


def test_every_tagger_has_the_same_labels_and_another_seed_has_others():
    corpus = corpus_of([0, 1] * 500, [10] * 100)
    split = whole_records(corpus)
    first, again, other = (
        labelled(corpus, with_fewer_labels(corpus, split, 105, seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert len(first & other) < 60


def test_of_records_with_a_class_each_is_whole():
    labels = np.full(60, UNLABELLED)
    labels[9::10] = 1
    corpus = corpus_of(labels, [10] * 6, CLASSIFY)
    kept = with_fewer_labels(corpus, whole_records(corpus), 2, 3)
    assert kept.lengths.tolist() == [10, 10]


def test_segments_within_records_are_cut_within_their_own_bounds():
    corpus = corpus_of([0] * 100, [100])
    split = Segments(*(np.array(own) for own in ([0, 0], [10, 50], [30, 90], [10, 50])))
    kept = with_fewer_labels(corpus, split, 45, 1)
    assert kept.bases == 45
    assert labelled(corpus, kept) <= labelled(corpus, split)


@pytest.mark.parametrize("labels", [100, 10**12])
def test_no_more_than_there_are_are_all(labels):
    corpus = corpus_of([0] * 100, [50, 50])
    split = whole_records(corpus)
    assert with_fewer_labels(corpus, split, labels, 1) is split
