"""Posteriors of a trained network, the same numbers however the records are cut into chunks.

Short records go through the network side by side in batches of like length. A long record goes
through in chunks, and the recurrent state is carried across every seam between them, for one
layer and for many (`basetag.passes`). So no chunk guesses its context, no seam has an error to be
checked, and chunk and batch change the result by no more than the rounding of one summation order
(tests state it).

How large a chunk is follows from a bound on memory; how many records lie side by side in it, on a
GPU, from a measurement there. Where a device has less memory than the bound says, both shrink
until it suffices.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from basetag import passes
from basetag.chunks import SHORTEST_CHUNK, Batch, Chunk, cut_batch, side_by_side
from basetag.devices import is_out_of_memory
from basetag.features import BaseFeatures
from basetag.networks.heads import SoftmaxHead
from basetag.networks.number_head import NumberHead
from basetag.networks.tagger_network import TaggerNetwork

log = logging.getLogger(__name__)

#: A way of reading the chunks of a batch.
Read = Callable[[TaggerNetwork, Batch, Sequence[Chunk]], passes.Parts]

#: What a process that predicts should stay below where nothing else is said, in bytes.
MEMORY = 2**30
#: More than this changes nothing: chunks would be longer, no faster, and rounded in another order,
#: so that a cluster, which gives a job more, would not get what a laptop gets.
MOST_MEMORY = 1500 * 2**20
#: Share of it for the arrays of a chunk; torch, the records and the result need the rest.
ARRAYS_SHARE = 4
#: Records side by side where their number is not measured.
ROWS = 64
#: On a GPU it is, from this many bases on.
MEASURED_BASES = 4_000_000
#: Of the cell that has most.
_GATES = 4
#: Numbers for each state of a base: scores, messages of both directions, probabilities.
_OF_STATES = 6


class Predictor:
    """A network that predicts on a device, within a bound of memory.

    Parameters
    ----------
    network : TaggerNetwork
        On `device`.
    device : torch.device
    memory : int
        Bytes that the process should stay below; the network's arrays take a quarter of them on
        the CPU (of `MOST_MEMORY` at most), and half of a GPU's free memory there.
    complement : ndarray of uint8, (tokens,), optional
        Token of each token's complement. With it, the posterior is the mean over a record and
        its reverse complement.
    mirror : sequence of int, optional
        What each label becomes on the other strand; itself without it.
    state_mirror : sequence of int, optional
        The same of the head's states.
    rows : int, optional
        Records side by side; without it `ROWS` on the CPU, and measured on a GPU.
    bases : int, optional
        Bases of all rows in a chunk; what `memory` has room for without it.
    """

    def __init__(
        self,
        network: TaggerNetwork,
        device: torch.device,
        *,
        memory: int = MEMORY,
        complement: NDArray[np.uint8] | None = None,
        mirror: Sequence[int] | None = None,
        state_mirror: Sequence[int] | None = None,
        rows: int | None = None,
        bases: int | None = None,
    ) -> None:
        self.network = network
        self.device = device
        self.complement = complement
        #: Where a column of the other strand's probabilities belongs, by the way of reading.
        self._columns: dict[Read, NDArray[np.int64] | None] = {
            passes.probabilities: _columns(mirror),
            passes.state_probabilities: _columns(state_mirror),
            passes.attention: None,
            passes.numbers: None,
        }
        self._of_further: dict[str, Read] = {
            name: partial(passes.further_probabilities, name=name) for name in network.importance
        }
        # Further labels are the same on both strands.
        self._columns |= dict.fromkeys(self._of_further.values())
        arrays = min(memory, MOST_MEMORY) // ARRAYS_SHARE
        if device.type == "cuda":
            # The card's own memory, which the job has for itself.
            arrays = torch.cuda.mem_get_info(device)[0] // 2
        # The table of all words is made once, from parts that are as large.
        arrays -= 2 * 4 * network.embedding.table_numbers
        self._bases = bases or max(SHORTEST_CHUNK, arrays // _bytes_per_base(network))
        self._seams = max(1, arrays // 4 // _bytes_per_seam(network))
        self._rows = rows

    @torch.inference_mode()
    def posterior(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        out: NDArray[np.float32] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return P(state | record) for every base of every record.

        Where the network pools, all bases of a record have those of the record. Where it tells
        numbers, they follow from these: of both strands, from the mean of two.

        Parameters
        ----------
        tokens : ndarray of uint8, (bases,)
            The records, one behind the other; may be a memory map.
        lengths : ndarray of int64, (records,)
            Their lengths; 0 is allowed.
        out : ndarray of float32, (bases, states), optional
            Where to write; a memory map, for instance.
        features : ndarray of float32 or FeatureColumns, (bases, features), optional
            The bases' own features, NaN where one is missing; needed where the network reads some.

        Returns
        -------
        ndarray of float32, (bases, states)
        """
        shape = (tokens.size, self.network.n_labels)
        out = np.empty(shape, dtype=np.float32) if out is None else out
        if isinstance(self.network.head, NumberHead):
            told = torch.from_numpy(self.numbers(tokens, lengths, features))
            out[:] = self.network.head.posterior(told.to(self.device)).cpu().numpy()
            return out
        self._in_batches(passes.probabilities, tokens, lengths, out, features)
        return out

    @torch.inference_mode()
    def further_posterior(
        self,
        name: str,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        out: NDArray[np.float32] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return P(label | record) of every base by the further head `name`, (bases, labels).

        Everything else is as for `posterior`.
        """
        shape = (tokens.size, self.network.further_head(name).n_labels)
        out = np.empty(shape, dtype=np.float32) if out is None else out
        self._in_batches(self._of_further[name], tokens, lengths, out, features)
        return out

    @torch.inference_mode()
    def numbers(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float64]:
        """Return the number told of every base's record, or of it, (bases,), in the targets' unit.

        Of a network that tells numbers; where `posterior` averages both strands, so does this.
        Parameters are those of `posterior`.
        """
        out = np.empty(tokens.size, dtype=np.float64)
        self._in_batches(passes.numbers, tokens, lengths, out, features)
        return out

    @torch.inference_mode()
    def state_posterior(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        out: NDArray[np.float32],
        features: BaseFeatures | None = None,
    ) -> None:
        """Write P(state of the head | record) of every base to `out`, (bases, states).

        Everything else is as for `posterior`.
        """
        self._in_batches(passes.state_probabilities, tokens, lengths, out, features)

    @torch.inference_mode()
    def path(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        out: NDArray[np.uint8] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.uint8]:
        """Return the labels of every record's most probable path, (bases,).

        Of a network whose head is a chain, on the records' own strand. Parameters are those of
        `posterior`.
        """
        out = np.empty(tokens.size, dtype=np.uint8) if out is None else out
        self._in_batches(passes.labels_of_path, tokens, lengths, out, features)
        return out

    @torch.inference_mode()
    def scores(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        out: NDArray[np.float32] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return the head's score of every base, (bases, states), on the records' own strand.

        Parameters are those of `posterior`.
        """
        shape = (tokens.size, self.network.head.out_features)
        out = np.empty(shape, dtype=np.float32) if out is None else out
        self._in_batches(passes.scores, tokens, lengths, out, features)
        return out

    @torch.inference_mode()
    def attention(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        out: NDArray[np.float32] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return what each base weighs in its record, where the network pools by attention.

        Parameters are those of `posterior`; where that averages both strands, so does this.

        Returns
        -------
        ndarray of float32, (bases,)
            Their sum over a record is 1.
        """
        out = np.empty(tokens.size, dtype=np.float32) if out is None else out
        self._in_batches(passes.attention, tokens, lengths, out, features)
        return out

    @torch.inference_mode()
    def hidden(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        shown: NDArray[np.int64],
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return what the head reads at the first bases of every record, on its own strand.

        The records are read as wholes, and nothing is kept of what lies behind those bases.

        Parameters
        ----------
        tokens, lengths, features
            As for `posterior`.
        shown : ndarray of int64, (records,)
            How many bases of each record are wanted.

        Returns
        -------
        ndarray of float32, (shown bases, units)
        """
        out = np.empty((int(shown.sum()), self.network.head.in_features), dtype=np.float32)
        ends, shown_ends = np.cumsum(lengths), np.cumsum(shown)
        for length, end, n, shown_end in zip(lengths, ends, shown, shown_ends, strict=True):
            kept = _Beginning(out[shown_end - n : shown_end])
            own = slice(end - length, end)
            self._in_batches(
                passes.hidden, tokens[own], np.array([length], dtype=np.int64), kept,
                None if features is None else features[own],
            )  # fmt: skip
        return out

    def _in_batches(
        self,
        read: Read,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        out: _Target,
        features: BaseFeatures | None,
    ) -> None:
        """Write what is read of all records."""
        self.network.eval()
        if self._rows is None and self._measuring_pays(tokens.size, lengths.size):
            self._rows = self._fastest_rows()
        starts = np.cumsum(lengths) - lengths
        order = np.argsort(-lengths, kind="stable")
        order = order[lengths[order] > 0]
        while order.size:
            rows = self._rows or ROWS
            count = side_by_side(lengths[order[:rows]], rows, self._bases, self._seams)
            batch, order = order[:count], order[count:]
            try:
                self._predict(read, tokens, starts[batch], lengths[batch], out, features)
            except Exception as error:
                if not is_out_of_memory(error) or self._bases <= SHORTEST_CHUNK:
                    raise
                # Whatever of the batch was written is written again.
                order = np.concatenate([batch, order])
                self._bases //= 2
                self._rows = max(1, rows // 2)
                log.warning("out of memory: going on with chunks of %d bases", self._bases)

    def _predict(
        self,
        read: Read,
        tokens: NDArray[np.uint8],
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
        out: _Target,
        features: BaseFeatures | None,
    ) -> None:
        """Predict a batch of records, the longest first, and write what it says to `out`."""
        both = self.complement is not None and read in self._columns
        for strand in [None, self.complement] if both else [None]:
            batch = Batch(tokens, starts, lengths, strand, self.device, features)
            for chunk, part in read(self.network, batch, cut_batch(lengths, self._bases)):
                values = part.cpu().numpy()
                for row in range(chunk.lengths.size):
                    place, step = batch.place(row, chunk)
                    own = values[: chunk.lengths[row], row][::step]
                    if strand is not None:
                        columns = self._columns[read]
                        own = own if columns is None else own[:, columns]
                        # The forward strand is there when its complement comes.
                        own = (out[place] + own) / 2
                    out[place] = own

    def _measuring_pays(self, bases: int, records: int) -> bool:
        # On the CPU the number of rows matters little, and enters last bits, which must not
        # depend on the clock.
        return self.device.type != "cpu" and bases >= MEASURED_BASES and records > 1

    def _fastest_rows(self) -> int:
        """Return how many rows side by side give most bases a second."""
        tokens = np.random.default_rng(0).integers(
            self.network.outside,
            size=self._bases,
            dtype=np.min_scalar_type(self.network.outside).type,
        )
        best, most = 1, 0.0
        rows = ROWS
        while rows * SHORTEST_CHUNK <= self._bases:
            lengths = np.full(rows, min(500, self._bases // rows))
            part = tokens[: lengths.sum()]
            scratch = np.empty((part.size, self.network.n_labels), dtype=np.float32)
            features = np.zeros((part.size, self.network.n_features), dtype=np.float32)
            speeds = []
            try:
                for _ in range(3):
                    began = time.perf_counter()
                    starts = np.cumsum(lengths) - lengths
                    self._predict(passes.probabilities, part, starts, lengths, scratch, features)
                    speeds.append(part.size / (time.perf_counter() - began))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                break
            # The first run may wait for the device to wake; the next must win by more than noise.
            if max(speeds) < 1.05 * most:
                break
            best, most = rows, max(speeds)
            rows *= 2
        log.info("predicting %d records side by side, about %.0f kb/s", best, most / 1e3)
        return best


def _columns(mirror: Sequence[int] | None) -> NDArray[np.int64] | None:
    """Return the other strand's column of each state; None where all stay where they are."""
    if mirror is None or list(mirror) == list(range(len(mirror))):
        return None
    return np.array(mirror, dtype=np.int64)


class _Target(Protocol):
    """Where values of bases are written: an array, or what keeps a part of one."""

    def __getitem__(self, place: slice, /) -> NDArray[Any]: ...

    def __setitem__(self, place: slice, values: NDArray[Any], /) -> None: ...


class _Beginning:
    """Takes the values of all bases of a record, and keeps those for which it has room."""

    def __init__(self, kept: NDArray[Any]) -> None:
        self._kept = kept

    def __getitem__(self, place: slice, /) -> NDArray[Any]:
        return self._kept[place]

    def __setitem__(self, place: slice, values: NDArray[Any], /) -> None:
        room = max(0, len(self._kept) - place.start)
        self._kept[place] = values[:room]


def _bytes_per_base(network: TaggerNetwork) -> int:
    """Return about what the arrays of a chunk take for each base of it."""
    layers = network.recurrent_layers()
    # Of a layer: what it reads, what its gates are sent, what it says in parts and as a whole.
    numbers = [
        cell.inputs + 2 * _GATES * cell.hidden + 4 * layer.outputs
        for layer in layers
        for cell in [layer.rightward]
    ]
    if network.convolution is not None:
        # What it reads, laid out for it, and what it says in parts, as a whole and cut off at 0.
        numbers.append(2 * network.read_width + 3 * network.convolution.width)
    if network.pooling is not None:
        # What is pooled, and of attention what the scores are made of, and what they weigh.
        numbers.append(4 * network.head.in_features)
    # What is read of features, brought to scale, put beside the letters.
    widest = max(numbers, default=network.read_width) + 3 * network.n_features
    most = max(network.head.out_features, *(head.out_features for head in _further(network)), 0)
    return 4 * (widest + _OF_STATES * most) + 16


def _further(network: TaggerNetwork) -> list[SoftmaxHead]:
    return [network.further_head(name) for name in network.importance]


def _bytes_per_seam(network: TaggerNetwork) -> int:
    """Return what the states take with which a row enters a chunk."""
    in_layers = sum(layer.outputs for layer in network.recurrent_layers())
    if network.pooling is not None:
        in_layers += network.head.in_features
    return 16 * (in_layers + network.head.out_features)
