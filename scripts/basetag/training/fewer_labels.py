"""Fewer labels than a training split has: what a network learns from few would learn from.

How well a network does with few labels can only be told where it is judged on the same test split
as one with many. So the split stays as it is, and a part of its training stretches is kept: in an
order that the seed draws, as many as have so many labels, the last of them cut. Of one seed the
smaller set is a part of the larger one, and every tagger has the same.
"""

from __future__ import annotations

import numpy as np

from basetag.corpus import UNLABELLED, Corpus
from basetag.segments import Segments

# Of the same seed the weights' draws, and those of windows, are others.
_STREAM = 7


def with_fewer_labels(corpus: Corpus, segments: Segments, labels: int, seed: int) -> Segments:
    """Return a part of the segments that has so many labels; all of them where there are no more.

    Parameters
    ----------
    corpus : Corpus
    segments : Segments
        The training split.
    labels : int
        Labelled bases to keep; records, where each of these has one label.
    seed : int
        Of the training.

    Returns
    -------
    Segments
        In the order of `segments`.
    """
    known = corpus.known_labels
    counts = np.array(
        [
            np.count_nonzero(known[start : start + length] != UNLABELLED)
            for start, length in zip(
                segments.offset.tolist(), segments.lengths.tolist(), strict=True
            )
        ],
        dtype=np.int64,
    )
    if counts.sum() <= labels:
        return segments
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM,)))
    order = rng.permutation(counts.size)
    before = np.cumsum(counts[order]) - counts[order]
    kept = order[(before < labels) & (counts[order] > 0)]
    last = int(kept[-1])
    missing = labels - int(before[order == last][0])
    start = int(segments.offset[last])
    own = known[start : start + int(segments.lengths[last])] != UNLABELLED
    end = segments.end.copy()
    end[last] = segments.start[last] + int(np.flatnonzero(own)[missing - 1]) + 1
    return Segments(segments.record, segments.start, end, segments.offset).chosen(np.sort(kept))
