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


def target_scale(corpus: Corpus, segments: Segments) -> tuple[float, float]:
    """Return mean and standard deviation of the numbers of records, or of places.

    Parameters
    ----------
    corpus : Corpus
        With targets.
    segments : Segments
        Of numbers of records whole ones: the training split.

    Raises
    ------
    InputError
        Where all of them are the same, so that there is nothing to learn.
    """
    assert corpus.targets is not None  # noqa: S101 - the caller has looked
    if corpus.of_values:
        targets = segments.gathered(corpus.targets)
        targets = targets[~np.isnan(targets)]
    else:
        targets = corpus.targets[segments.record]
    if not targets.size:
        raise InputError(
            "no place of the training split has a known number behind it",
            advice="draw the split with another seed, or into other blocks",
        )
    if (targets == targets[0]).all():
        of = "places" if corpus.of_values else "records"
        raise InputError(
            f"all {targets.size} {of} of the training split have the number {targets[0]!s}",
            advice="there is nothing to learn: give other numbers, or draw the split with another"
            " seed",
        )
    own = targets.astype(np.float64)
    return float(own.mean()), float(own.std())
