"""Segments: maximal stretches of one called state, found along many records at once.

A pack of records comes with the path of called states and the posterior behind it; out come
segments with what is told of each: where it is, its state, the posterior of that state over its
bases, and its share of G and C. Sums are whole numbers, so that none depends on how the bases
were cut into blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import DNA, Alphabet
from basetag.tracks.packing import Pack

#: Posteriors are summed in units of this part of 1.
POSTERIOR_UNIT = 1 << 30
#: Bases that are looked at together.
BLOCK_BASES = 1 << 20


@dataclass(frozen=True)
class CalledPack:
    """What a tagger says of a pack of records.

    Parameters
    ----------
    pack : Pack
    lengths : ndarray of int64, (records,)
        Bases of each record of the pack.
    tokens : ndarray of uint8, (bases,)
    path : ndarray of uint8, (bases,)
        The called state of each base.
    posterior : ndarray of float32, (bases, states)
    """

    pack: Pack
    lengths: NDArray[np.int64]
    tokens: NDArray[np.uint8]
    path: NDArray[np.uint8]
    posterior: NDArray[np.float32]


@dataclass(frozen=True)
class CalledSegments:
    """Segments of some records, ordered by record and start; each field (segments,).

    Parameters
    ----------
    records : ndarray of int64
        Index of the record in the genome.
    starts, ends : ndarray of int64
        Within the record, 0-based, half-open.
    labels : ndarray of uint8
        The called state.
    posterior_sums : ndarray of int64
        Posterior of that state summed over the bases, in units of 2**-30.
    gc, known : ndarray of int64
        Bases that are G or C, and bases of which it is known whether they are. None of an
        alphabet other than DNA.
    """

    records: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    labels: NDArray[np.uint8]
    posterior_sums: NDArray[np.int64]
    gc: NDArray[np.int64]
    known: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bases of each segment, (segments,)."""
        return self.ends - self.starts

    @property
    def mean_posteriors(self) -> NDArray[np.float64]:
        """Mean posterior of each segment's state, (segments,)."""
        means: NDArray[np.float64] = self.posterior_sums / (self.lengths * POSTERIOR_UNIT)
        return means

    def __len__(self) -> int:
        return len(self.starts)

    def chosen(self, which: slice | NDArray[np.bool_]) -> CalledSegments:
        """Return those that a slice or a mask picks."""
        return CalledSegments(*(getattr(self, field.name)[which] for field in fields(self)))


def segments_of(called: CalledPack, alphabet: Alphabet) -> Iterator[CalledSegments]:
    """Yield the segments of a pack, a block of bases at a time; none is cut in two.

    A record without bases has no segment.

    Parameters
    ----------
    called : CalledPack
    alphabet : Alphabet
        Of the tokens.
    """
    is_gc, is_known = _gc_of_tokens(alphabet)
    record_ends = np.cumsum(called.lengths)
    record_starts = record_ends - called.lengths
    unfinished: CalledSegments | None = None
    for start in range(0, called.path.size, BLOCK_BASES):
        block = slice(start, min(start + BLOCK_BASES, called.path.size))
        path = called.path[block]
        begins = np.append(True, path[1:] != path[:-1])
        here = np.searchsorted(record_starts, (block.start, block.stop))
        begins[record_starts[here[0] : here[1]] - start] = True
        first = np.flatnonzero(begins)
        records = np.searchsorted(record_ends, first + start, side="right")
        # Of each base the posterior of its own state.
        own = np.take_along_axis(called.posterior[block], path[:, np.newaxis].astype(np.intp), 1)
        sums = np.rint(own[:, 0].astype(np.float64) * POSTERIOR_UNIT).astype(np.int64)
        tokens = called.tokens[block]
        found = CalledSegments(
            records + called.pack.first,
            first + start - record_starts[records],
            np.append(first[1:], path.size) + start - record_starts[records],
            path[first],
            np.add.reduceat(sums, first),
            np.add.reduceat(is_gc[tokens], first, dtype=np.int64),
            np.add.reduceat(is_known[tokens], first, dtype=np.int64),
        )
        if unfinished is not None:
            if _goes_on(unfinished, found):
                found = _joined(unfinished, found)
            else:
                yield unfinished
        # The last one may go on in the next block.
        if len(found) > 1:
            yield found.chosen(slice(None, -1))
        unfinished = found.chosen(slice(-1, None))
    if unfinished is not None:
        yield unfinished


def _goes_on(one: CalledSegments, others: CalledSegments) -> bool:
    """Whether the first of `others` is the rest of `one`."""
    return all(
        getattr(one, here)[0] == getattr(others, there)[0]
        for here, there in (("records", "records"), ("labels", "labels"), ("ends", "starts"))
    )


def _joined(one: CalledSegments, others: CalledSegments) -> CalledSegments:
    """Return `others`, the first of which has `one` ahead of it."""
    values = {field.name: getattr(others, field.name).copy() for field in fields(others)}
    values["starts"][0] = one.starts[0]
    for name in ("posterior_sums", "gc", "known"):
        values[name][0] += getattr(one, name)[0]
    return CalledSegments(**values)


def _gc_of_tokens(alphabet: Alphabet) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return whether each token is G or C, and whether that is known of it; (tokens,) each."""
    if alphabet != DNA:
        nothing = np.zeros(alphabet.n_tokens, dtype=np.uint8)
        return nothing, nothing
    strong = np.array([letter in "GC" for letter in alphabet.letters])
    is_gc, is_at = (np.equal(alphabet.membership @ other, 0) for other in (~strong, strong))
    return is_gc.astype(np.uint8), (is_gc | is_at).astype(np.uint8)
