"""What is counted of the labels of stretches: how often each one is, and what follows what."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.segments import Segments

_CHUNK = 1 << 22


def label_counts(corpus: Corpus, segments: Segments) -> NDArray[np.int64]:
    """Return how many bases of the segments have each label, (states,); unlabelled ones have none.

    Raises
    ------
    ValueError
        Where the corpus has no labels.
    """
    counts = np.zeros(256, dtype=np.int64)
    for labels, _ in _label_chunks(corpus, segments, overlap=0):
        counts += np.bincount(labels, minlength=256)
    return counts[: len(corpus.states)]


def label_frequencies(corpus: Corpus, segments: Segments) -> NDArray[np.float64]:
    """Return the frequency of each label among the labelled bases, (states,): the prior.

    Raises
    ------
    InputError
        Where no base of the segments has a label.
    """
    counts = label_counts(corpus, segments)
    if not counts.sum():
        raise InputError("no base of this split has a label", advice="draw another split")
    frequencies: NDArray[np.float64] = counts / counts.sum()
    return frequencies


def count_transitions(corpus: Corpus, segments: Segments) -> NDArray[np.int64]:
    """Return how often a base of one state is followed by one of another, (states, states).

    Row: the state before, column: the state behind. Pairs lie within one segment, and an
    unlabelled base forms none.
    """
    n_states = len(corpus.states)
    counts = np.zeros(n_states * n_states, dtype=np.int64)
    for labels, ends in _label_chunks(corpus, segments, overlap=1):
        before, behind = labels[:-1], labels[1:]
        counted = (before != UNLABELLED) & (behind != UNLABELLED)
        counted[ends[:-1] - 1] = False
        pairs = before[counted].astype(np.intp) * n_states + behind[counted]
        counts += np.bincount(pairs, minlength=counts.size)
    return counts.reshape(n_states, n_states)


def _label_chunks(
    corpus: Corpus, segments: Segments, overlap: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Yield labels of segments, about `_CHUNK` at once, and where in them each piece ends.

    A long segment comes in pieces, each of which begins with the last `overlap` bases of the one
    before.
    """
    if corpus.labels is None:
        raise ValueError("the corpus has no labels")
    pieces: list[NDArray[np.uint8]] = []
    held = 0
    for offset, length in zip(segments.offset.tolist(), segments.lengths.tolist(), strict=True):
        end = offset + length
        for start in range(offset, end, _CHUNK):
            pieces.append(corpus.labels[start : min(start + _CHUNK + overlap, end)])
            held += len(pieces[-1])
            if held >= _CHUNK:
                yield np.concatenate(pieces), np.cumsum([len(piece) for piece in pieces])
                pieces, held = [], 0
    if pieces:
        yield np.concatenate(pieces), np.cumsum([len(piece) for piece in pieces])
