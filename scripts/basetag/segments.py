"""Stretches of a corpus' records: what a split, a batch or a chunk is made of.

Not the segments that labels or calls form, which `judgement.segment_measures` finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.features import BaseFeatures

_CHUNK = 1 << 22


@dataclass(frozen=True)
class Segments:
    """Stretches of records.

    Parameters
    ----------
    record : ndarray of int64, (segments,)
        Index of each one's record in the corpus.
    start, end : ndarray of int64, (segments,)
        Where it lies within its record, 0-based, half-open.
    offset : ndarray of int64, (segments,)
        Where its first base lies in the corpus.
    """

    record: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    offset: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bases in each segment, (segments,)."""
        return self.end - self.start

    @property
    def bases(self) -> int:
        """Bases in all segments."""
        return int(self.lengths.sum())

    def chosen(self, which: NDArray[Any]) -> Segments:
        """Return the segments that an index array or a mask picks."""
        return Segments(self.record[which], self.start[which], self.end[which], self.offset[which])

    def gathered(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the segments' part of an array over the corpus, (bases, ...), in order."""
        if not len(self.offset):
            return values[:0]
        ends = self.offset + self.lengths
        pairs = zip(self.offset.tolist(), ends.tolist(), strict=True)
        return np.concatenate([values[start:end] for start, end in pairs])

    def gathered_features(self, corpus: Corpus) -> BaseFeatures | None:
        """Return the same of a corpus' features, (bases, features); None where it has none.

        Those of a single segment, which can be long, stay on disk.
        """
        features = corpus.features
        if features is None:
            return None
        if len(self.offset) == 1:
            start = int(self.offset[0])
            return features[start : start + self.bases]
        ends = self.offset + self.lengths
        pairs = zip(self.offset.tolist(), ends.tolist(), strict=True)
        return np.concatenate([features[:0], *(features[start:end] for start, end in pairs)])

    def cut(self, longest: int) -> Segments:
        """Return the segments cut into pieces of at most `longest` bases, in order."""
        counts = -(-self.lengths // longest)
        which = np.repeat(np.arange(counts.size), counts)
        number = np.arange(which.size) - (np.cumsum(counts) - counts)[which]
        start = self.start[which] + number * longest
        end = np.minimum(start + longest, self.end[which])
        offset = self.offset[which] + number * longest
        return Segments(self.record[which], start, end, offset)

    def joined(self) -> Segments:
        """Return the segments, those that go on where the one before ends joined to it, in order.

        Neighbouring blocks of one split are one stretch of their record.
        """
        begins = np.ones(self.offset.size, dtype=bool)
        begins[1:] = (self.record[1:] != self.record[:-1]) | (self.start[1:] != self.end[:-1])
        first = np.flatnonzero(begins)
        last = np.append(first[1:], begins.size)[: first.size] - 1
        return Segments(self.record[first], self.start[first], self.end[last], self.offset[first])

    def first(self, bases: int) -> Segments:
        """Return the first segments, the last of them cut, that have this many bases in all."""
        begins = np.cumsum(self.lengths) - self.lengths
        kept = self.chosen(begins < bases)
        end = np.minimum(kept.end, kept.start + bases - begins[: len(kept.offset)])
        return Segments(kept.record, kept.start, end, kept.offset)

    def batches_of(self, corpus: Corpus) -> Iterator[Segments]:
        """Yield the segments as `batches` does, fewer where each base has features."""
        return self.batches(_CHUNK // (1 + len(corpus.feature_names)))

    def batches(self, bases: int = _CHUNK) -> Iterator[Segments]:
        """Yield the segments in order, as many at a time as hold `bases` bases, at least one."""
        ends = np.cumsum(self.lengths)
        first = 0
        while first < ends.size:
            done = ends[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(ends, done + bases, side="right")))
            yield self.chosen(np.arange(first, last))
            first = last


def whole_records(corpus: Corpus) -> Segments:
    """Return the records that have bases, as wholes, in the order of the corpus."""
    record = np.flatnonzero(corpus.lengths)
    lengths = corpus.lengths[record]
    return Segments(record, np.zeros_like(lengths), lengths, corpus.starts[record])
