"""Records cut into chunks and put side by side, on either strand. No network is known here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from basetag.features import BaseFeatures

#: A batch of short records holds at most this many bases, padding included, for each of its own.
PADDED_SHARE = 1.25
#: So many rows keep a device busy: with more, records would be cut, and some read twice.
ENOUGH_ROWS = 8
#: A chunk has no fewer bases of a row than this, whatever the bound on memory.
SHORTEST_CHUNK = 16


@dataclass(frozen=True)
class Chunk:
    """The bases of a batch's rows that go through the network together.

    Attributes
    ----------
    start : int
        Where it begins in each row.
    lengths : ndarray of int64, (rows,)
        How many bases each row has in it. Rows that have ended are not among them.
    """

    start: int
    lengths: NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Records side by side, on their own strand or, with `complement`, on the other one.

    `features`, (bases, features), where there are some, is aligned with `tokens`.
    """

    tokens: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    complement: NDArray[np.uint8] | None
    device: torch.device
    features: BaseFeatures | None = None

    def place(self, row: int, chunk: Chunk) -> tuple[slice, int]:
        """Return where a row's part of a chunk lies, and in which direction it is read."""
        return self._place(row, chunk.start, chunk.start + int(chunk.lengths[row]))

    def _place(self, row: int, start: int, end: int) -> tuple[slice, int]:
        if self.complement is None:
            first = int(self.starts[row])
            return slice(first + start, first + end), 1
        last = int(self.starts[row] + self.lengths[row])
        return slice(last - end, last - start), -1

    def gathered(self, chunk: Chunk, reach: tuple[int, int], outside: int) -> Tensor:
        """Return a chunk's tokens and those around it.

        Parameters
        ----------
        chunk : Chunk
        reach : tuple of int
            How many bases before and behind those of the chunk.
        outside : int
            Token of the places beyond a record's ends.

        Returns
        -------
        Tensor of uint8 or uint16, (before + longest + behind, rows)
        """
        kind = np.promote_types(self.tokens.dtype, np.min_scalar_type(outside))
        gathered = np.full(self._shape(chunk, reach), outside, dtype=kind)
        for row, here, place, step in self._stretches(chunk, reach):
            tokens = self.tokens[place][::step]
            if self.complement is not None:
                tokens = self.complement[tokens]
            gathered[row, here] = tokens
        return torch.from_numpy(gathered).to(self.device).T

    def gathered_features(self, chunk: Chunk, reach: tuple[int, int]) -> Tensor | None:
        """Return the same bases' features, which both strands share; None where there are none.

        Returns
        -------
        Tensor of float32, (before + longest + behind, rows, features), or None
            NaN beyond a record's ends.
        """
        if self.features is None:
            return None
        shape = (*self._shape(chunk, reach), self.features.shape[1])
        gathered = np.full(shape, np.nan, dtype=np.float32)
        for row, here, place, step in self._stretches(chunk, reach):
            gathered[row, here] = np.asarray(self.features[place])[::step]
        return torch.from_numpy(gathered).to(self.device).transpose(0, 1)

    def _shape(self, chunk: Chunk, reach: tuple[int, int]) -> tuple[int, int]:
        """Return rows, and places of a row, of a chunk and what is around it."""
        return chunk.lengths.size, sum(reach) + int(chunk.lengths[0])

    def _stretches(
        self, chunk: Chunk, reach: tuple[int, int]
    ) -> Iterator[tuple[int, slice, slice, int]]:
        """Yield each row, its places that lie in a record, where that is, and the direction."""
        before, behind = reach
        for row, length in enumerate(chunk.lengths):
            # Of the row, in the direction of reading, from 0.
            start = max(chunk.start - before, 0)
            end = min(chunk.start + int(length) + behind, int(self.lengths[row]))
            first = start - (chunk.start - before)
            yield row, slice(first, first + end - start), *self._place(row, start, end)


def side_by_side(lengths: NDArray[np.int64], rows: int, bases: int, seams: int) -> int:
    """Return how many of the records, from the longest on, make a batch.

    Parameters
    ----------
    lengths : ndarray of int64, (records,)
        From the longest on.
    rows, bases : int
        At most this many rows, and bases of all rows in a chunk.
    seams : int
        At most about this many states are kept between chunks.
    """
    lengths = lengths[:rows]
    count = np.arange(1, lengths.size + 1)
    padded, own = count * lengths[0], np.cumsum(lengths)
    uncut = max(1, bases // lengths[0])
    if uncut >= min(lengths.size, ENOUGH_ROWS) or lengths[0] <= SHORTEST_CHUNK:
        return int(((padded <= PADDED_SHARE * own) & (padded <= bases)).sum() or 1)
    # Each row has a seam for every bases / count bases of the longest one.
    kept = count * (lengths[0] * count // bases)
    return max(1, int(((lengths > bases // lengths.size) & (kept <= seams)).sum()))


def cut_batch(lengths: NDArray[np.int64], bases: int) -> list[Chunk]:
    """Cut a batch, its rows ordered from the longest on, into chunks from left to right.

    Where there are several, each row's end is a border: no chunk has padding, so the state behind
    it is that of every row.
    """
    longest, width = int(lengths[0]), max(SHORTEST_CHUNK, bases // lengths.size)
    if longest <= width and lengths.size * longest <= PADDED_SHARE * lengths.sum():
        return [Chunk(0, lengths)]
    borders = np.union1d(np.arange(0, longest, width), lengths)
    return [
        Chunk(int(left), np.full(int((lengths > left).sum()), right - left))
        for left, right in itertools.pairwise(borders)
    ]
