"""Test bases inside a match to training: a k-mer, on either strand, that training has exactly so.

What is learnt of such bases by heart is no sign of what a tagger would do elsewhere, so every
measure is given with and without them. The search is exact. The k-mers of the test split are put
into a table, training is read past it, and what was met is marked; where the table would pass
`MOST_SLOTS`, that is done in several rounds, each with the k-mers of one part of all numbers.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.files import written_whole
from basetag.segments import Segments
from basetag.splits import kmer_kernels
from basetag.splits.kmers import KmerCode

#: Slots of the table, of 8 bytes each and one of the filter; half of them are used.
MOST_SLOTS = 1 << 26
_FILTER_BITS = 8  # to a slot


def mark_matches(
    corpus: Corpus,
    training: Segments,
    test: Segments,
    marks: NDArray[np.bool_],
    most_slots: int = MOST_SLOTS,
) -> None:
    """Mark the test bases that lie inside a k-mer that occurs in training, on either strand.

    K-mers have 31 letters of DNA (`KmerCode`). Those with an ambiguous letter match nothing, and
    none reaches from one stretch to the next, unless the second goes on where the first ends.

    Parameters
    ----------
    corpus : Corpus
    training, test : Segments
        Which share no base.
    marks : ndarray of bool, (bases of `test`,)
        False; set to True in the order of `test`.
    most_slots : int
        Slots of the table at most, a power of two.
    """
    code = KmerCode.of(corpus.alphabet).arguments
    tokens = corpus.alphabet.kmer_tokens(corpus.tokens)
    read, sought = (_ends(part.joined()) for part in (training, test))
    n_slots = min(most_slots, 1 << max(1, 2 * test.bases).bit_length())
    table = np.empty(n_slots, dtype=np.uint64)
    words = np.empty(max(1, n_slots * _FILTER_BITS // 64), dtype=np.uint64)
    partition, n_partitions = 0, 1
    while n_partitions * n_slots < 2 * test.bases:
        n_partitions *= 2
    while partition < n_partitions:
        table.fill(kmer_kernels.EMPTY)
        words.fill(0)
        here = partition, n_partitions, table
        if not kmer_kernels.fill(tokens, *sought, code, *here, words):
            # More than its share: what is left is cut finer.
            partition, n_partitions = 2 * partition, 2 * n_partitions
            continue
        kmer_kernels.look_up(tokens, *read, code, table, words)
        kmer_kernels.mark(tokens, *sought, code, *here, marks)
        partition += 1


def write_matches(
    path: str | os.PathLike[str], corpus: Corpus, training: Segments, test: Segments
) -> int:
    """Write the marks as .npy of bool, (bases of `test`,), and return how many there are.

    Where records have classes, (records of `test`,): those with a marked base.
    """
    with written_whole(path) as (place,):
        if corpus.of_records:
            of_bases = np.zeros(test.bases, dtype=np.bool_)
            mark_matches(corpus, training, test, of_bases)
            first = np.cumsum(test.lengths) - test.lengths
            of_records = np.logical_or.reduceat(of_bases, first) if first.size else of_bases
            np.save(place, of_records)
            return int(np.count_nonzero(of_records))
        # A map of no bytes is none.
        marks = (
            np.lib.format.open_memmap(place, mode="w+", dtype=np.bool_, shape=(test.bases,))
            if test.bases
            else np.zeros(0, dtype=np.bool_)
        )
        mark_matches(corpus, training, test, marks)
        marked = int(np.count_nonzero(marks))
        if isinstance(marks, np.memmap):
            marks.flush()
        else:
            np.save(place, marks)
    return marked


def _ends(segments: Segments) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return segments.offset, segments.offset + segments.lengths
