"""What has a class, or a number, is a record: a view of a corpus whose records are one base long.

Taggers read bases; what is predicted of a record as a whole, and judged, is one row for each. In
this view those rows are the bases, so that files of posteriors, measures and intervals are those of
labels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from basetag.corpus import Corpus
from basetag.segments import Segments


def judged_corpus(corpus: Corpus) -> Corpus:
    """Return what is judged: the corpus itself, or, where what is told is of records, its view."""
    if not corpus.of_records:
        return corpus
    last = corpus.starts + corpus.lengths - 1
    return replace(
        corpus,
        starts=np.arange(last.size),
        lengths=np.ones_like(corpus.lengths),
        tokens=corpus.tokens[last],
        labels=corpus.known_labels[last],
        features=None,
        feature_names=(),
    )


def judged_segments(corpus: Corpus, segments: Segments) -> Segments:
    """Return segments of the corpus as those of `judged_corpus`."""
    if not corpus.of_records:
        return segments
    first = np.zeros_like(segments.record)
    return Segments(segments.record, first, first + 1, segments.record)
