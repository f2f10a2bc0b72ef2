"""How a network reads a batch of records in chunks: passes that carry states over the seams.

Only one chunk is held at a time, and of all others the states at their seams. What a layer says
inside a chunk is computed again from these whenever a layer above asks for it: a pass over a
batch's chunks, turning round at the end of each, gives the seams of one more direction. A network
of L two-directional layers thus takes L + 1 passes over a record too long for one chunk, in which
L (L + 2) cells are run in place of 2 L. A network of one direction takes one pass. A chain of
states on top is read like one more layer of two directions. What is pooled of a record is known
when all its chunks were read, and needs no pass of its own; the weights of attention need one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from basetag.chunks import Batch, Chunk
from basetag.networks.activations import Activations, active_rows
from basetag.networks.cells import Cell
from basetag.networks.chain import posterior, propagate, trace, viterbi
from basetag.networks.heads import ChainHead
from basetag.networks.number_head import NumberHead
from basetag.networks.pooling import Summary, WeighedPooling
from basetag.networks.recurrent_layer import RecurrentLayer
from basetag.networks.tagger_network import TaggerNetwork

#: A chunk and what was computed of it, (longest, rows, ...); chunks come in some order.
Parts = Iterator[tuple[Chunk, Tensor]]


def scores(network: TaggerNetwork, batch: Batch, chunks: Sequence[Chunk]) -> Parts:
    """Yield the scores of each chunk, (longest, rows, states)."""
    reading = _Reading(network, batch, chunks)
    if network.pooling is not None:
        yield from _repeated(reading, reading.scores_of_records())
        return
    for index in reading.order:
        yield chunks[index], reading.scores(index)


def hidden(network: TaggerNetwork, batch: Batch, chunks: Sequence[Chunk]) -> Parts:
    """Yield what the head reads of each chunk, (longest, rows, units)."""
    reading = _Reading(network, batch, chunks)
    for index in reading.order:
        yield chunks[index], reading.hidden(index)


def probabilities(network: TaggerNetwork, batch: Batch, chunks: Sequence[Chunk]) -> Parts:
    """Yield P(label | record) of each chunk, (longest, rows, labels)."""
    for chunk, found in state_probabilities(network, batch, chunks):
        yield chunk, network.head.label_probabilities(found)


def state_probabilities(network: TaggerNetwork, batch: Batch, chunks: Sequence[Chunk]) -> Parts:
    """Yield P(state of the head | record) of each chunk, (longest, rows, states)."""
    head = network.head
    reading = _Reading(network, batch, chunks)
    if network.pooling is not None:
        found = head.state_probabilities(reading.scores_of_records(), active_rows(batch.lengths))
        yield from _repeated(reading, found)
        return
    if len(chunks) == 1 or not isinstance(head, ChainHead):
        for index in reading.order:
            active = active_rows(chunks[index].lengths)
            yield chunks[index], head.state_probabilities(reading.scores(index), active)
        return
    messages = _Messages(head, chunks, maximum=False)
    for index in reading.order:
        messages.run(reading.scores(index), index, reading.order.step)
    for index in reading.order[::-1]:
        seen = reading.scores(index)
        both = [messages.run(seen, index, step) for step in (1, -1)]
        yield chunks[index], posterior(seen, *both)


def further_probabilities(
    network: TaggerNetwork, batch: Batch, chunks: Sequence[Chunk], *, name: str
) -> Parts:
    """Yield P(label | record) of each chunk by a further head, (longest, rows, labels)."""
    head = network.further_head(name)
    reading = _Reading(network, batch, chunks)
    for index in reading.order:
        scores: Tensor = head(reading.hidden(index))
        yield chunks[index], head.state_probabilities(scores, active_rows(chunks[index].lengths))


def numbers(network: TaggerNetwork, batch: Batch, chunks: Sequence[Chunk]) -> Parts:
    """Yield the numbers told of the records, or places, of each chunk, float64, (longest, rows)."""
    head = network.head
    assert isinstance(head, NumberHead)  # noqa: S101 - no other tells any
    reading = _Reading(network, batch, chunks)
    if head.of_places:
        for index in reading.order:
            yield chunks[index], head.numbers(reading.scores(index))
        return
    yield from _repeated(reading, head.numbers(reading.scores_of_records()))


def attention(network: TaggerNetwork, batch: Batch, chunks: Sequence[Chunk]) -> Parts:
    """Yield the weights of the bases of each chunk, (longest, rows), in pooling by attention."""
    pooling = network.pooling
    assert isinstance(pooling, WeighedPooling)  # noqa: S101 - no other has weights
    reading = _Reading(network, batch, chunks)
    summary = reading.summary()
    for index in reading.order[::-1]:
        rows = chunks[index].lengths.size
        of_rows = tuple(part[:rows] for part in summary)
        yield chunks[index], pooling.weights(reading.hidden(index), of_rows).float()


def _repeated(reading: _Reading, values: Tensor) -> Parts:
    """Yield for each chunk the values of its rows' records, (rows, ...), at all their bases."""
    for chunk in reading.chunks:
        of_rows = values[: chunk.lengths.size]
        yield chunk, of_rows.expand(int(chunk.lengths[0]), *of_rows.shape)


def labels_of_path(network: TaggerNetwork, batch: Batch, chunks: Sequence[Chunk]) -> Parts:
    """Yield the labels of each record's most probable path, uint8, (longest, rows)."""
    head = network.head
    assert isinstance(head, ChainHead)  # noqa: S101 - no other has paths
    label_of = head.label_of.to(torch.uint8)
    if len(chunks) == 1:
        reading = _Reading(network, batch, chunks)
        path = viterbi(reading.scores(0), head.chain, active_rows(chunks[0].lengths))
        yield chunks[0], label_of[path.long()]
        return
    # Rows all begin in the first chunk, so the path is traced from there on; the messages that
    # it follows come from the other end.
    reading = _Reading(network, batch, chunks, ending_leftward=True)
    messages = _Messages(head, chunks, maximum=True)
    for index in reading.order:
        messages.run(reading.scores(index), index, -1)
    state = None
    for index, chunk in enumerate(chunks):
        seen, rows = reading.scores(index), chunk.lengths.size
        path, state = trace(
            seen,
            head.chain,
            messages.run(seen, index, -1),
            active_rows(chunk.lengths),
            leftward=False,
            entering_state=None if state is None else state[:rows],
        )
        yield chunk, label_of[path.long()]


class _Reading:
    """A network over the chunks of a batch, once it knows the states at their seams.

    Parameters
    ----------
    network : TaggerNetwork
    batch : Batch
    chunks : sequence of Chunk
        From left to right; where there are several, no one has padding.
    ending_leftward : bool
        Whether the pass that comes next shall go from the last chunk to the first.

    Attributes
    ----------
    order : range
        Of the next pass over the chunks.
    """

    def __init__(
        self,
        network: TaggerNetwork,
        batch: Batch,
        chunks: Sequence[Chunk],
        *,
        ending_leftward: bool = False,
    ) -> None:
        self.network, self.batch, self.chunks = network, batch, chunks
        self.order = range(len(chunks))
        if len(chunks) == 1:
            return
        self._seams = _Seams(network, len(chunks), chunks[0].lengths.size)
        layers = network.recurrent_layers()
        if not layers or layers[0].leftward is None:
            if ending_leftward:
                for index in self.order if layers else ():
                    self.scores(index)
                self.order = self.order[::-1]
            return
        if ending_leftward and len(layers) % 2 == 0:
            self.order = self.order[::-1]
        for depth, layer in enumerate(layers):
            # This pass finds the seams of the layer in its own direction; that of the next layer
            # comes back and finds the other ones on its way.
            step = self.order.step
            cell = layer.directions()[0 if step > 0 else 1]
            for index in self.order:
                below = network.stacked(self._front(index), self._reader(index), upto=depth)
                self._seams.run(cell, layer.normalised(below), index, step)
            self.order = self.order[::-1]

    def scores(self, index: int) -> Tensor:
        """Return the head's scores of a chunk, (longest, rows, states)."""
        return self.network.scores(self._stacked(index))

    def hidden(self, index: int) -> Tensor:
        """Return what the head reads of a chunk, (longest, rows, units)."""
        return self.network.hidden(self._stacked(index))

    def summary(self) -> Summary:
        """Return what the pooling keeps of all chunks, in a pass over them, (rows, ...) each."""
        pooling = self.network.pooling
        assert pooling is not None  # noqa: S101 - the caller has looked
        return pooling.of_chunks(
            pooling.summary(self.hidden(index), chunk.start, self.batch.lengths[:rows])
            for index in self.order
            for chunk in [self.chunks[index]]
            for rows in [chunk.lengths.size]
        )

    def scores_of_records(self) -> Tensor:
        """Return the head's scores of whole records, (rows, states), in a pass over the chunks."""
        network = self.network
        assert network.pooling is not None  # noqa: S101 - the caller has looked
        pooled = network.pooling.pooled(self.summary(), self.batch.lengths)
        scores: Tensor = network.head(pooled.to(network.head.weight.dtype))
        return scores

    def _stacked(self, index: int) -> Activations:
        return self.network.stacked(self._front(index), self._reader(index))

    def _front(self, index: int) -> Activations:
        network, chunk = self.network, self.chunks[index]
        tokens = self.batch.gathered(chunk, network.reach, network.outside)
        return network.front(tokens, self.batch.gathered_features(chunk, network.reach))

    def _reader(self, index: int) -> Callable[[RecurrentLayer, Activations], Tensor]:
        if len(self.chunks) == 1:
            active = active_rows(self.chunks[0].lengths)
            return lambda layer, inner: layer.read(inner, active)

        def read(layer: RecurrentLayer, inner: Activations) -> Tensor:
            parts = [self._seams.run(layer.rightward, inner, index, 1)]
            if layer.leftward is not None:
                parts.append(self._seams.run(layer.leftward, inner, index, -1))
            return torch.cat(parts, dim=-1)

        return read


class _Seams:
    """The states with which cells enter the chunks of a batch; zero where a row begins.

    A run leaves its state for the chunk that the cell reads next. Running again from the same
    state leaves the same state, so nobody needs to know whether a run is the first.

    All lie in one array per cell, made beforehand: small ones, made between the large ones of a
    chunk, would keep the memory of those from being used again.
    """

    def __init__(self, network: TaggerNetwork, chunks: int, rows: int) -> None:
        place = network.head.weight
        self._entering = {
            # One more at either end, which nobody enters. In double precision, because minGRU
            # carries its state so.
            cell: place.new_zeros(cell.carried, chunks + 2, rows, cell.hidden, dtype=torch.float64)
            for layer in network.recurrent_layers()
            for cell in layer.directions()
        }

    def run(self, cell: Cell, activations: Activations, index: int, step: int) -> Tensor:
        """Return a cell's hidden states in chunk `index`; it reads to the right or, -1, left."""
        length, rows = activations.entries.shape
        states = self._entering[cell][:, :, :rows]
        hidden, left = cell.read(
            activations,
            np.full(length, rows, dtype=np.int64),
            leftward=step < 0,
            state=tuple(states[:, index + 1].contiguous()),
        )
        for place, part in zip(states, left, strict=True):
            place[index + 1 + step] = part
        return hidden


class _Messages:
    """The same of a chain's messages; a row begins with the chain's start, or with its end."""

    def __init__(self, head: ChainHead, chunks: Sequence[Chunk], *, maximum: bool) -> None:
        self._chain, self._maximum = head.chain, maximum
        shape = (len(chunks) + 2, chunks[0].lengths.size, -1)
        self._entering = {
            step: torch.softmax(edge.double(), 0).expand(shape).clone()
            for step, edge in ((1, self._chain.start), (-1, self._chain.end))
        }

    def run(self, scores: Tensor, index: int, step: int) -> Tensor:
        """Return what chunk `index` is told from the left or, -1, from the right."""
        length, rows = scores.shape[:2]
        entering = self._entering[step][:, :rows]
        messages, leaving, _ = propagate(
            scores,
            self._chain,
            np.full(length, rows, dtype=np.int64),
            leftward=step < 0,
            entering=entering[index + 1],
            maximum=self._maximum,
        )
        entering[index + 1 + step] = leaving
        return messages
