"""Blocks of records, dealt out as wholes, and the gaps between blocks of different splits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.segments import Segments


def blocks(corpus: Corpus, block: int) -> Segments:
    """Return blocks of the records that have bases, in the order of the corpus.

    Each has `block` bases, but for a record's last one: a rest shorter than half of that joins the
    block before it, and a record shorter than `block` is one block.
    """
    lengths = corpus.lengths
    # A rest of half a block and more is a block of its own.
    n_blocks = (lengths > 0) * np.maximum((lengths + block // 2) // block, 1)
    record = np.repeat(np.arange(len(lengths)), n_blocks)
    number = np.arange(len(record)) - np.repeat(np.cumsum(n_blocks) - n_blocks, n_blocks)
    start = number * block
    is_last = number == n_blocks[record] - 1
    end = np.where(is_last, lengths[record], start + block)
    return Segments(record, start, end, corpus.starts[record] + start)


def with_gaps(units: Segments, assignment: NDArray[np.int64], gap: int) -> Segments:
    """Shorten neighbouring blocks of different splits, so that `gap` bases lie between them."""
    border = (units.record[1:] == units.record[:-1]) & (assignment[1:] != assignment[:-1])
    cut_at_end = np.append(border, False) * (gap // 2)
    cut_at_start = np.append(False, border) * (gap - gap // 2)
    return Segments(
        units.record,
        units.start + cut_at_start,
        units.end - cut_at_end,
        units.offset + cut_at_start,
    )
