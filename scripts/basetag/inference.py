"""Posteriors of a trained network, the same numbers however the records are cut into chunks.

Short records go through the network side by side in padded batches. A long record goes through
in chunks that carry the recurrent state across every seam: the left-to-right direction hands it
on, the right-to-left direction runs first and leaves its state at each seam. So no chunk guesses
its context, and chunk and batch sizes change the result by no more than the rounding of one
summation order (tests state it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.networks import RecurrentLayer, State, TaggerNetwork, reverse_rows

#: Bases of one row that go through a layer at a time.
CHUNK = 2_000
#: Bases, padding included, of one batch of short records, and of one chunk of long ones.
BATCH_BASES = 2**18

#: Gives the features (rows, stop - start, width) of a chunk.
Source = Callable[[int, int], Tensor]


@torch.inference_mode()
def network_posterior(
    network: TaggerNetwork,
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    *,
    device: torch.device,
    chunk: int = CHUNK,
    batch_bases: int = BATCH_BASES,
) -> NDArray[np.float32]:
    """Return P(state | record) for every base of every record.

    Parameters
    ----------
    network : TaggerNetwork
        On `device`.
    tokens : ndarray of uint8, (bases,)
        The records, one behind the other.
    lengths : ndarray of int64, (records,)
        Their lengths; 0 is allowed.
    device : torch.device
    chunk : int
        Bases of a row that go through the network at a time.
    batch_bases : int
        Bases of all rows together that do, padding included.

    Returns
    -------
    ndarray of float32, (bases, states)
    """
    network.eval()
    out = np.empty((tokens.size, network.head.out_features), dtype=np.float32)
    starts = np.cumsum(lengths) - lengths
    for rows in _batches(lengths, chunk, batch_bases):
        width = int(lengths[rows].max())
        batch = np.zeros((rows.size, width), dtype=np.uint8)
        for place, row in enumerate(rows):
            batch[place, : lengths[row]] = tokens[starts[row] : starts[row] + lengths[row]]
        batch_tokens = torch.from_numpy(batch).to(device)
        batch_lengths = torch.from_numpy(lengths[rows]).to(device)
        for start, logits in _logits(network, batch_tokens, batch_lengths, chunk):
            posterior = torch.softmax(logits, dim=-1).cpu().numpy()
            for place, row in enumerate(rows):
                stop = min(start + posterior.shape[1], int(lengths[row]))
                if stop > start:
                    at = starts[row] + start
                    out[at : at + stop - start] = posterior[place, : stop - start]
    return out


def _batches(
    lengths: NDArray[np.int64], chunk: int, batch_bases: int
) -> Iterator[NDArray[np.int64]]:
    """Group records of like length, so that little of a batch is padding.

    A long record counts with one chunk, since no more of it is on the device at a time.
    """
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    first = 0
    while first < order.size:
        last = first + 1
        while last < order.size:
            width = min(int(lengths[order[last]]), chunk)
            if (last + 1 - first) * width > batch_bases:
                break
            last += 1
        yield order[first:last]
        first = last


def _logits(
    network: TaggerNetwork, tokens: Tensor, lengths: Tensor, chunk: int
) -> Iterator[tuple[int, Tensor]]:
    """Yield (start, logits of the chunk), left to right."""

    def embedded(start: int, stop: int) -> Tensor:
        return network.embed(tokens[:, start:stop])

    total = tokens.shape[1]
    source: Source = embedded
    *below, top = network.recurrent_layers()
    for layer in below:
        # A layer above the first reads the whole of the one below, in both directions.
        chunks = [hidden for _, hidden in _layer_chunks(layer, source, total, lengths, chunk)]
        source = _held(torch.cat(chunks, dim=1))
    for start, hidden in _layer_chunks(top, source, total, lengths, chunk):
        yield start, network.head(hidden)


def _held(whole: Tensor) -> Source:
    def held(start: int, stop: int) -> Tensor:
        return whole[:, start:stop]

    return held


def _layer_chunks(
    layer: RecurrentLayer, source: Source, total: int, lengths: Tensor, chunk: int
) -> Iterator[tuple[int, Tensor]]:
    """Yield (start, hidden states of the chunk, (rows, chunk, outputs)), left to right."""
    bounds = [(start, min(start + chunk, total)) for start in range(0, total, chunk)]
    seams = _leftward_seams(layer.leftward, source, bounds, lengths) if layer.leftward else []
    state: State = None
    for index, (start, stop) in enumerate(bounds):
        features = source(start, stop)
        # A row that has ended carries a state that nothing reads.
        rightward, state = layer.rightward(features, state)
        if layer.leftward is None:
            yield start, rightward
            continue
        inside = (lengths - start).clamp(0, stop - start)
        leftward, _ = layer.leftward(reverse_rows(features, inside), seams[index])
        yield start, torch.cat([rightward, reverse_rows(leftward, inside)], dim=-1)


def _leftward_seams(
    cell: nn.Module, source: Source, bounds: list[tuple[int, int]], lengths: Tensor
) -> list[State]:
    """Return the state with which the right-to-left direction enters each chunk."""
    seams: list[State] = [None]
    for start, stop in reversed(bounds[1:]):
        features = source(start, stop)
        inside = (lengths - start).clamp(0, stop - start)
        turned = reverse_rows(features, inside)
        if bool((inside == stop - start).all()):
            _, state = cell(turned, seams[0])
        else:
            state = _ragged_state(cell, turned, inside, seams[0])
        seams.insert(0, state)
    return seams


def _ragged_state(cell: nn.Module, features: Tensor, inside: Tensor, state: State) -> State:
    """Return the state after each row's own bases; rows that have none keep the zero state."""
    present = torch.nonzero(inside > 0).flatten()
    packed = nn.utils.rnn.pack_padded_sequence(
        features[present], inside[present].cpu(), batch_first=True, enforce_sorted=False
    )
    rows = features.shape[0]

    def selected(part: Tensor) -> Tensor:
        return part[:, present].contiguous()

    def spread(part: Tensor) -> Tensor:
        whole = part.new_zeros(part.shape[0], rows, part.shape[2])
        whole[:, present] = part
        return whole

    if isinstance(state, tuple):
        _, (h, c) = cell(packed, (selected(state[0]), selected(state[1])))
        return spread(h), spread(c)
    _, after = cell(packed, None if state is None else selected(state))
    return (spread(after[0]), spread(after[1])) if isinstance(after, tuple) else spread(after)
