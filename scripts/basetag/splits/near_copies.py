"""Records that say nearly the same: those that share many of their k-mers, on either strand.

The measure is containment: the share of the distinct k-mers of the record that has fewer of them
which the other has, too (Broder 1997, Compression and Complexity of Sequences, 21). It is taken on
a sample, the k-mers whose mixed number lies below a bound (FracMinHash: Hera, Pierce-Ward and
Koslicki 2023, Genome Res 33:1061), on all of them where there are few. Whoever shares enough is
joined, and so is what either has joined before.

Records alone are looked at, and not blocks of a genome: repeats join nearly all of those.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.segments import Segments
from basetag.splits import kmer_kernels
from basetag.splits.kmers import KmerCode

#: Sampled k-mers, of 8 bytes each, of all records: more are taken where records are so many that
#: each would have fewer than `LEAST_OF_EACH` on average.
MOST_SAMPLED = 1 << 23
LEAST_OF_EACH = 16
#: Records with fewer k-mers are too short, or too simple (a repeat of a few bases), to be told by
#: them.
FEWEST_KMERS = 16
_FEWEST_SAMPLED = 4
# Of the records that have a k-mer the first so many are compared with each later one.
_MOST_OF_KMER = 64
_BASES_AT_ONCE = 1 << 22


def groups_of_near_copies(
    corpus: Corpus,
    records: Segments,
    groups: NDArray[np.int64],
    share: float,
    most_sampled: int = MOST_SAMPLED,
) -> NDArray[np.int64]:
    """Return groups of records, those joined that share k-mers.

    Parameters
    ----------
    corpus : Corpus
    records : Segments
        In the order of the corpus.
    groups : ndarray of int64, (records,)
        What belongs together anyway, as `groups_of_copies` numbers it.
    share : float
        Least share of k-mers, above 0 and at most 1.
    most_sampled : int
        K-mers that are looked at, in about.

    Returns
    -------
    ndarray of int64, (records,)
        Numbered from 0 in order of first appearance.
    """
    n_records = groups.size
    if n_records < 2:
        return groups
    first_of_group = np.unique(groups, return_index=True)[1]
    parents = first_of_group[groups]
    keys, owner_bits, scale = _sampled(
        corpus, records, max(most_sampled, LEAST_OF_EACH * n_records)
    )
    owners = (keys & np.uint64((1 << owner_bits) - 1)).astype(np.int64)
    distinct = np.bincount(owners, minlength=n_records)
    # The first of each k-mer's entries; one that nobody shares says nothing.
    begins = np.flatnonzero(_firsts(keys >> np.uint64(owner_bits)))
    counts = np.diff(begins, append=keys.size)
    shared = np.repeat(counts > 1, counts)
    members, counts = owners[shared], counts[counts > 1]
    del keys, owners
    of_member = np.repeat(np.arange(counts.size), counts)
    entries = of_member[np.argsort(members, kind="stable")]
    kmer_kernels.join(
        parents,
        distinct,
        members,
        _bounds(counts),
        entries,
        _bounds(np.bincount(members, minlength=n_records)),
        share,
        max(_FEWEST_SAMPLED, FEWEST_KMERS // scale),
        _MOST_OF_KMER,
    )
    kmer_kernels.roots(parents)
    return np.unique(parents, return_inverse=True)[1]


def _sampled(corpus: Corpus, records: Segments, most: int) -> tuple[NDArray[np.uint64], int, int]:
    """Return the distinct keys of sampled k-mers, ascending, bits of a record in them, and scale.

    One in so many k-mers is sampled as the scale says. A key is a mixed k-mer above the number of
    its record: enough of its bits that two k-mers hardly ever have one key.
    """
    code = KmerCode.of(corpus.alphabet)
    n_records = len(records.offset)
    owner_bits = max(1, (n_records - 1).bit_length())
    scale = max(1, -(-records.bases // most))
    limit = np.uint64((1 << 64) // scale - 1)
    tokens = corpus.alphabet.kmer_tokens(corpus.tokens)
    found = []
    for pieces, owners in _pieces(records, code.k):
        room = np.empty(pieces.bases, dtype=np.uint64)
        ends = pieces.offset + pieces.lengths
        n = kmer_kernels.sample(
            tokens,
            pieces.offset,
            ends,
            owners.astype(np.uint64),
            code.arguments,
            limit,
            np.uint64(owner_bits),
            room,
        )
        found.append(_distinct(room[:n]))
    return _distinct(np.concatenate(found)), owner_bits, scale


def _distinct(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the distinct values, ascending; the array given is sorted, too."""
    values.sort()  # numpy's own unique of 64-bit numbers takes a hundred times as long
    return values[_firsts(values)]


def _pieces(records: Segments, k: int) -> Iterator[tuple[Segments, NDArray[np.int64]]]:
    """Yield the records some megabases at a time, and the number of each piece's record.

    A piece reaches k - 1 bases into the next one of its record, so that no k-mer is lost.
    """
    pieces = records.cut(_BASES_AT_ONCE)
    for batch in pieces.batches(_BASES_AT_ONCE):
        owners = np.searchsorted(records.offset, batch.offset, side="right") - 1
        end = np.minimum(batch.end + k - 1, records.end[owners])
        yield Segments(batch.record, batch.start, end, batch.offset), owners


def _firsts(values: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which of ascending values are not equal to the one before."""
    firsts = np.ones(values.size, dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=firsts[1:])
    return firsts


def _bounds(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each of so many begins, and where the last ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
