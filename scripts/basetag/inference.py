"""Posteriors of a trained network, the same numbers however the records are cut into chunks.

Short records go through the network side by side in batches of like length. A long record goes
through in chunks, and the recurrent state is carried across every seam between them. So no chunk
guesses its context, and chunk and batch sizes change the result by no more than the rounding of
one summation order (tests state it).

Only one chunk is held at a time, and of all others the states at their seams. What a layer says
inside a chunk is computed again from these whenever a layer above asks for it: a pass over a
batch's chunks, turning round at the end of each, gives the seams of one more direction. A network
of L two-directional layers thus takes L + 1 passes over a long record, in which L (L + 2) cells
are run; with every layer's output kept, 8 bytes a base and unit, it would be 3 L. A network of one
direction takes one pass.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.networks import RecurrentLayer, State, TaggerNetwork, reverse_rows

#: Bases of one row that go through the network at a time.
CHUNK = 2_000
#: Bases of all rows together that do, padding included.
BATCH_BASES = 2**18
#: A batch of short records holds at most this many bases, padding included, for each of its own.
PADDED_SHARE = 1.25
#: A record of more chunks than this goes in wider ones, so that the seams do not add up.
MOST_CHUNKS = 2**13


@torch.inference_mode()
def network_posterior(
    network: TaggerNetwork,
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    *,
    device: torch.device,
    out: NDArray[np.float32] | None = None,
    chunk: int = CHUNK,
    batch_bases: int = BATCH_BASES,
) -> NDArray[np.float32]:
    """Return P(state | record) for every base of every record.

    Beyond the result, memory holds what the layers make of one chunk, and the states at the seams.
    A chunk has at most `batch_bases` bases. A record on its own has at most `MOST_CHUNKS` seams (up
    to 2 Gb, as the settings stand); several long ones together have one for each `chunk` bases of
    the longest, and one more for each row.

    Parameters
    ----------
    network : TaggerNetwork
        On `device`.
    tokens : ndarray of uint8, (bases,)
        The records, one behind the other; may be a memory map.
    lengths : ndarray of int64, (records,)
        Their lengths; 0 is allowed.
    device : torch.device
    out : ndarray of float32, (bases, states), optional
        Where to write; a memory map, for instance.
    chunk : int
        Bases of a row that go through the network at a time.
    batch_bases : int
        Bases of all rows together that do, padding included; a single row's chunk is taken
        whatever it is.

    Returns
    -------
    ndarray of float32, (bases, states)
    """
    network.eval()
    if out is None:
        out = np.empty((tokens.size, network.head.out_features), dtype=np.float32)
    starts = np.cumsum(lengths) - lengths
    for rows in _batches(lengths, chunk, batch_bases):
        chunks = _chunks(starts[rows], lengths[rows], chunk, batch_bases)
        for piece, logits in _logits(network, tokens, chunks, device):
            posterior = torch.softmax(logits, dim=-1).cpu().numpy()
            for row, (start, length) in enumerate(zip(piece.starts, piece.lengths, strict=True)):
                out[start : start + length] = posterior[row, :length]
    return out


@dataclass(frozen=True)
class _Chunk:
    """The bases of a batch's rows that go through the network together.

    Attributes
    ----------
    starts, lengths : ndarray of int64, (rows,)
        Where each row's part of `tokens` begins and how many bases it has. Rows that have ended
        are not among them.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def gathered(self, tokens: NDArray[np.uint8]) -> Tensor:
        """Return the chunk's tokens, uint8, (rows, longest), padded on the right."""
        batch = np.zeros((self.lengths.size, int(self.lengths.max())), dtype=np.uint8)
        for row, (start, length) in enumerate(zip(self.starts, self.lengths, strict=True)):
            batch[row, :length] = tokens[start : start + length]
        return torch.from_numpy(batch)


def _batches(
    lengths: NDArray[np.int64], chunk: int, batch_bases: int
) -> Iterator[NDArray[np.int64]]:
    """Group records, the longest first; those of one chunk only with others of like length."""
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    first = 0
    while first < order.size:
        longest = int(lengths[order[first]])
        last, bases = first + 1, longest
        while last < order.size:
            length = int(lengths[order[last]])
            bases += length
            padded = (last + 1 - first) * min(longest, chunk)
            like = length > chunk if longest > chunk else padded <= PADDED_SHARE * bases
            if padded > batch_bases or not like:
                break
            last += 1
        yield order[first:last]
        first = last


def _chunks(
    starts: NDArray[np.int64], lengths: NDArray[np.int64], chunk: int, batch_bases: int
) -> list[_Chunk]:
    """Cut a batch, its rows ordered from the longest on, into chunks from left to right.

    Where there are several, each row's end is a border: no chunk has padding, so the state behind
    it is that of every row.
    """
    longest = int(lengths[0])
    if longest <= chunk:
        return [_Chunk(starts, lengths)]
    width = max(chunk, min(batch_bases // lengths.size, -(-longest // MOST_CHUNKS)))
    borders = np.union1d(np.arange(0, longest, width), lengths)
    result = []
    for left, right in itertools.pairwise(borders):
        rows = int((lengths > left).sum())
        result.append(_Chunk(starts[:rows] + left, np.full(rows, right - left)))
    return result


def _logits(
    network: TaggerNetwork,
    tokens: NDArray[np.uint8],
    chunks: Sequence[_Chunk],
    device: torch.device,
) -> Iterator[tuple[_Chunk, Tensor]]:
    """Yield each chunk of a batch and its logits, (rows, longest, states), in some order."""
    layers = network.recurrent_layers()
    seams = _Seams()
    order = range(len(chunks))

    def below(layers: Sequence[RecurrentLayer], index: int) -> Tensor:
        features = network.embed(chunks[index].gathered(tokens).to(device))
        inside = torch.from_numpy(chunks[index].lengths).to(device)
        for layer in layers:
            features = _layer_output(layer, features, inside, seams, index)
        return features

    if layers[0].leftward is not None and len(chunks) > 1:
        for depth, layer in enumerate(layers):
            # Reading to the right, this pass finds the seams of the layer's rightward direction;
            # the next layer's pass comes back and finds the leftward ones on its way.
            for index in order:
                features = below(layers[:depth], index)
                if order.step > 0:
                    seams.run_rightward(layer.rightward, features, index)
                elif layer.leftward is not None:
                    inside = torch.from_numpy(chunks[index].lengths).to(device)
                    seams.run_leftward(layer.leftward, features, inside, index)
            order = order[::-1]
    for index in order:
        yield chunks[index], network.head(below(layers, index))


def _layer_output(
    layer: RecurrentLayer, features: Tensor, inside: Tensor, seams: _Seams, index: int
) -> Tensor:
    """Return the layer's hidden states in a chunk, (rows, longest, outputs)."""
    rightward = seams.run_rightward(layer.rightward, features, index)
    if layer.leftward is None:
        return rightward
    leftward = seams.run_leftward(layer.leftward, features, inside, index)
    return torch.cat([rightward, leftward], dim=-1)


class _Seams:
    """The states with which cells enter the chunks of a batch.

    A run leaves its state for the chunk that the cell reads next. Running again from the same
    state leaves the same state, so nobody needs to know whether a run is the first.
    """

    def __init__(self) -> None:
        self._entering: dict[nn.Module, dict[int, State]] = defaultdict(dict)

    def run_rightward(self, cell: nn.Module, features: Tensor, index: int) -> Tensor:
        """Return the cell's hidden states in chunk `index`, (rows, longest, hidden)."""
        return self._run(cell, features, index, index + 1)

    def run_leftward(self, cell: nn.Module, features: Tensor, inside: Tensor, index: int) -> Tensor:
        """Return those of a cell that reads from right to left, in the order of the bases."""
        turned = self._run(cell, reverse_rows(features, inside), index, index - 1)
        return reverse_rows(turned, inside)

    def _run(self, cell: nn.Module, features: Tensor, index: int, following: int) -> Tensor:
        state = _for_rows(self._entering[cell].get(index), features.shape[0])
        hidden: Tensor
        hidden, self._entering[cell][following] = cell(features, state)
        return hidden


def _for_rows(state: State, rows: int) -> State:
    """Drop the state of the rows that have ended, and let those that begin here begin at zero."""
    if state is None:
        return None
    if isinstance(state, tuple):
        return tuple(_for_rows(part, rows) for part in state)
    if state.shape[1] >= rows:
        return state[:, :rows].contiguous()
    return nn.functional.pad(state, (0, 0, 0, rows - state.shape[1]))
