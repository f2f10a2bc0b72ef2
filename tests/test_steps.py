"""How labels and substates of a training split follow each other."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag import steps as module
from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED, Corpus
from basetag.segments import Segments
from basetag.steps import training_steps
from basetag.substates import Substates

# Background, and codons of two positions on either strand.
LETTERS = {"n": 0, "1": 1, "2": 2, "a": 3, "b": 4}
LABEL_OF, MIRROR = (0, 1, 1, 2, 2), (0, 3, 4, 1, 2)


def corpus_of(text):
    """Return a corpus by a letter a base: a substate, or P or M where only the strand is known."""
    substates = np.array([LETTERS.get(letter, UNLABELLED) for letter in text], dtype=np.uint8)
    coarse = {"P": 1, "M": 2, ".": UNLABELLED}
    labels = np.array(
        [coarse[letter] if letter in coarse else LABEL_OF[LETTERS[letter]] for letter in text],
        dtype=np.uint8,
    )
    return Corpus(
        alphabet=DNA, states=("N", "P", "M"), state_names={}, names=["one"],
        starts=np.array([0]), lengths=np.array([len(text)]),
        tokens=np.zeros(len(text), dtype=np.uint8), labels=labels, mirror=(0, 2, 1),
        substates=Substates(tuple(LETTERS), LABEL_OF, MIRROR, substates),
    )  # fmt: skip


#: Where there is nothing of the other strand, its states may be followed by all.
NOT_SEEN = {before + behind for before in "ab" for behind in LETTERS}


def segments_of(*lengths):
    ends = np.cumsum(lengths)
    starts = ends - lengths
    return Segments(np.zeros_like(ends), starts, ends, starts)


def named(allowed):
    """Return the allowed steps by their letters."""
    letters = list(LETTERS)
    return {letters[i] + letters[j] for i, j in np.argwhere(allowed)}


def test_steps_are_those_of_neighbours_in_one_segment():
    # "n1212n" and "bab", between which there is no step.
    steps = training_steps(corpus_of("n1212nbab"), segments_of(6, 3))
    expected = np.zeros((5, 5), dtype=int)
    for before, behind in ("n1", "12", "21", "12", "2n", "ba", "ab"):
        expected[LETTERS[before], LETTERS[behind]] += 1
    assert np.array_equal(steps.counts, expected)
    np.testing.assert_allclose(steps.frequencies, np.array([2, 2, 2, 1, 2]) / 9)
    assert named(steps.allowed) == {"n1", "12", "21", "2n", "ba", "ab"}
    np.testing.assert_allclose(steps.transition[2], np.array([2, 2, 1, 1, 1]) / 7)


def test_without_substates_they_are_the_labels_steps():
    corpus = corpus_of("n1212nbab")
    labels = module.replace(corpus, substates=None)
    steps = training_steps(labels, segments_of(6, 3))
    assert steps.counts.tolist() == [[0, 1, 0], [1, 3, 0], [0, 0, 2]]
    assert steps.label_of == (0, 1, 2)
    assert steps.allowed is None


def test_the_other_strand_takes_mirrored_steps_backwards():
    steps = training_steps(corpus_of("n12n"), segments_of(4), both_strands=True)
    assert named(steps.allowed) == {"n1", "12", "2n", "nb", "ba", "an"}
    assert steps.counts[LETTERS["b"], LETTERS["a"]] == 1
    np.testing.assert_allclose(steps.frequencies, np.array([4, 1, 1, 1, 1]) / 8)


def test_bases_of_an_unknown_substate_count_as_the_others_of_their_label():
    steps = training_steps(corpus_of("n121PPMM"), segments_of(8))
    # Of five bases of P two in three are of position 1; of M nothing is known.
    np.testing.assert_allclose(steps.frequencies, np.array([1, 10 / 3, 5 / 3, 1, 1]) / 8)


@pytest.mark.parametrize("at_once", [1, 3, 1 << 22])
def test_what_an_overlap_of_frames_needs_is_allowed_and_no_more(at_once, monkeypatch):
    """Two codons overlap in one base, so behind it the frame is another."""
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    steps = training_steps(corpus_of("n1212P12n"), segments_of(9))
    assert named(steps.allowed) == {"n1", "12", "21", "2n", "11"} | NOT_SEEN


def test_a_state_that_only_an_end_has_seen_leads_on():
    steps = training_steps(corpus_of("nn1"), segments_of(3))
    assert named(steps.allowed) >= {"1n", "11", "12", "1a", "1b"}
    assert steps.allowed.any(axis=1).all()


KNOWN = {"P": {1, 2}, "M": {3, 4}, ".": set(range(5))}


def has_a_path(text, allowed, behind=None):
    if not text:
        return True
    return any(
        has_a_path(text[1:], allowed, state)
        for state in KNOWN.get(text[0], {LETTERS.get(text[0])})
        if behind is None or allowed[behind, state]
    )


TEXTS = st.text("n12abPM.", min_size=1, max_size=6)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3).filter(lambda texts: set("".join(texts)) - {"."}))
def test_every_segment_has_a_path_of_allowed_steps_on_either_strand(texts):
    corpus, segments = corpus_of("".join(texts)), segments_of(*map(len, texts))
    one = training_steps(corpus, segments).allowed
    both = training_steps(corpus, segments, both_strands=True).allowed
    turned = dict(zip("n12abPM.", "nab12MP.", strict=True))
    for text in texts:
        assert has_a_path(text, one)
        assert has_a_path(text, both)
        assert has_a_path("".join(turned[letter] for letter in reversed(text)), both)


@settings(deadline=None)
@given(st.text("n12ab", min_size=2, max_size=30))
def test_where_every_substate_is_known_the_steps_seen_are_those_allowed(text):
    allowed = training_steps(corpus_of(text), segments_of(len(text))).allowed
    seen = {before + behind for before, behind in itertools.pairwise(text)}
    leaving = {step[0] for step in seen}
    assert {step for step in named(allowed) if step[0] in leaving} == seen
