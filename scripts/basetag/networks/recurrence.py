"""A recurrent cell read along sequences: compiled on the CPU, by cuDNN on a GPU, the same numbers.

The weights lie in torch's own modules (`nn.RNN`, `nn.GRU`, `nn.LSTM`, one per direction). On a GPU
torch runs them. On the CPU, in float32, the loops of `recurrence_kernels` do, and their gradients;
what the letters send to the first layer's gates is then a table with a row per token, looked up,
and no matrix product. One cell is left to torch there, because oneDNN is faster: the LSTM on rows
of one length, where it predicts or is wide.

Arrays are time first. Rows are ordered from the longest on, so the rows that have a base at a
place are the first ones; `active` holds how many these are, (length,).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from basetag.networks import recurrence_kernels as kernels
from basetag.networks.threads import on_blocks_of_rows

#: State that a recurrence carries from base to base: h for RNN and GRU, (h, c) for LSTM,
#: each (1, rows, hidden). None is the zero state, in which every record begins.
State = Any


#: Units from which on oneDNN's LSTM trains faster (benchmarks/training.md).
_WIDE = 48


@dataclass(frozen=True)
class Features:
    """What a layer reads: for each base a row of a table.

    Attributes
    ----------
    table : Tensor, (entries, width)
    entries : Tensor of int32, (length, rows)
        Which row of the table is that of a base.
    of_each_base : bool
        Whether every base has a row of its own, in their order. The sizes do not tell: a table
        of 15 letters may be read by 15 bases.
    """

    table: Tensor
    entries: Tensor
    of_each_base: bool = False

    @classmethod
    def of_bases(cls, dense: Tensor) -> Features:
        """Wrap features that differ from base to base, (length, rows, width)."""
        length, rows = dense.shape[:2]
        entries = torch.arange(length * rows, dtype=torch.int32, device=dense.device)
        return cls(dense.reshape(length * rows, -1), entries.view(length, rows), True)

    def dense(self) -> Tensor:
        """Return the features base by base, (length, rows, width)."""
        if self.of_each_base:
            return self.table.view(*self.entries.shape, -1)
        return nn.functional.embedding(self.entries, self.table)


def read(
    cell: nn.RNNBase,
    features: Features,
    active: NDArray[np.int64],
    *,
    leftward: bool = False,
    state: State = None,
) -> tuple[Tensor, State]:
    """Read rows in one direction.

    Parameters
    ----------
    cell : nn.RNN, nn.GRU or nn.LSTM
        Of one layer and one direction.
    features : Features
    active : ndarray of int64, (length,)
    leftward : bool
        Whether to read from the last base to the first.
    state : tuple of Tensor or Tensor or None
        At the start; only where all rows have the same length.

    Returns
    -------
    hidden : Tensor, (length, rows, hidden)
        After each base; zero in the padding.
    state
        At the end of the reading; of use where all rows have the same length.
    """
    if _compiled_is_best(cell, features, active):
        return _read_compiled(cell, features, active, leftward, state)
    dense = features.dense()
    if leftward:
        dense = dense.flip(0)
    if state is None:
        state = _zero_state([cell], dense)
    hidden, state = _run_torch([cell], dense, state)
    return (hidden.flip(0) if leftward else hidden), state


def read_both(
    rightward: nn.RNNBase, leftward: nn.RNNBase, features: Features, active: NDArray[np.int64]
) -> Tensor:
    """Read whole rows in both directions; return the hidden states, (length, rows, 2 hidden)."""
    if _compiled_is_best(rightward, features, active):
        return torch.cat(
            [
                _read_compiled(rightward, features, active, False, None)[0],
                _read_compiled(leftward, features, active, True, None)[0],
            ],
            dim=-1,
        )
    # One call for both, so that a GPU runs them side by side.
    cells, dense = [rightward, leftward], features.dense()
    state = _zero_state(cells, dense)
    if active[0] == active[-1]:
        return _run_torch(cells, dense, state)[0]
    lengths = (torch.from_numpy(active)[:, None] > torch.arange(int(active[0]))).sum(0)
    packed = nn.utils.rnn.pack_padded_sequence(dense, lengths)
    hidden, _ = _run_torch(cells, packed.data, state, packed.batch_sizes)
    packed = nn.utils.rnn.PackedSequence(hidden, packed.batch_sizes)
    return nn.utils.rnn.pad_packed_sequence(packed)[0]


def _zero_state(cells: Sequence[nn.RNNBase], dense: Tensor) -> State:
    start = dense.new_zeros(len(cells), dense.shape[1], cells[0].hidden_size)
    return (start, start) if isinstance(cells[0], nn.LSTM) else start


def _run_torch(
    cells: Sequence[nn.RNNBase], values: Tensor, state: State, batch_sizes: Tensor | None = None
) -> tuple[Tensor, State]:
    """Return the hidden states of one cell or two, read in both directions, and the last state.

    Under autocast everything is cast to its type here: torch's own wrapper of cuDNN's recurrences
    casts to float16 whatever the type is, in which gradients vanish.
    """
    kind = values.device.type
    lower = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else values.dtype
    state = tuple(s.to(lower) for s in state) if isinstance(state, tuple) else state.to(lower)
    weights = [weight.to(lower) for cell in cells for weight in _weights(cell)]
    options = (weights, True, 1, 0.0, cells[0].training, len(cells) == 2)
    run = _FUNCTIONS[type(cells[0])]
    with torch.autocast(kind, enabled=False):
        if batch_sizes is None:
            hidden, *last = run(values.to(lower), state, *options, False)
        else:
            hidden, *last = run(values.to(lower), batch_sizes, state, *options)
    return hidden, tuple(last) if len(last) > 1 else last[0]


#: What torch's modules call, here with the weights of two of them.
_FUNCTIONS: Mapping[type, Callable[..., tuple[Tensor, ...]]] = {
    nn.RNN: torch.rnn_tanh,
    nn.GRU: torch.gru,
    nn.LSTM: torch.lstm,
}


def _weights(cell: nn.RNNBase) -> list[Tensor]:
    return [getattr(cell, name) for name in cell._flat_weights_names]


def _compiled_is_best(cell: nn.RNNBase, features: Features, active: NDArray[np.int64]) -> bool:
    on_cpu = features.table.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    if not on_cpu or features.table.dtype != torch.float32:
        return False
    by_onednn = isinstance(cell, nn.LSTM) and active[0] == active[-1]
    return not (by_onednn and (cell.hidden_size >= _WIDE or not torch.is_grad_enabled()))


def _read_compiled(
    cell: nn.RNNBase,
    features: Features,
    active: NDArray[np.int64],
    leftward: bool,
    state: State,
) -> tuple[Tensor, State]:
    weight_in, weight, bias_in, bias = _weights(cell)
    gates, hidden = weight.shape[0] // cell.hidden_size, cell.hidden_size
    if isinstance(cell, nn.GRU):
        # The new gate's own bias is weighed by the reset gate, so it stays apart.
        to_input = torch.cat([bias[: 2 * hidden], torch.zeros_like(bias[2 * hidden :])])
        inner = bias[2 * hidden :]
    else:
        to_input, inner = bias, None
    inputs = torch.baddbmm(  # (gates, entries, hidden)
        (bias_in + to_input).view(gates, 1, hidden),
        features.table.expand(gates, -1, -1),
        weight_in.view(gates, hidden, -1).mT,
    )
    return _Recurrence.apply(  # type: ignore[no-untyped-call, no-any-return]
        type(cell), inputs, features.entries, weight.view(gates, hidden, hidden), inner,
        active, leftward, state, features.of_each_base, torch.is_grad_enabled(),
    )  # fmt: skip


class _Recurrence(torch.autograd.Function):
    """The compiled loops and their gradient; the state at the start has none."""

    @staticmethod
    def forward(
        ctx: Any, kind: type, inputs: Tensor, entries: Tensor, weight: Tensor,
        bias: Tensor | None, active: NDArray[np.int64], leftward: bool, state: State,
        each_base: bool, with_gradient: bool,
    ) -> tuple[Tensor, State]:  # fmt: skip
        (length, rows), (n_gates, _, units) = entries.shape, weight.shape
        # Views of parameters say that they need a gradient even where none is recorded.
        keep = with_gradient and any(ctx.needs_input_grad)
        start = length if leftward else 0
        hidden = torch.empty(length + 1, rows, units)
        first, first_cell = state if isinstance(state, tuple) else (state, None)
        hidden[start] = 0 if first is None else first[0]
        n_kept = 4 if kind is nn.GRU else n_gates
        gates = torch.empty(n_kept if kind is not nn.RNN else 0, length if keep else 1, rows, units)
        cells = torch.empty(0)
        transposed = weight.mT.contiguous()
        common = (inputs, entries, transposed)
        if kind is nn.LSTM:
            cells = torch.empty(length + 1 if gates.shape[1] == length else 2, rows, units)
            at_start = start if gates.shape[1] == length else slice(None)
            cells[at_start] = 0 if first_cell is None else first_cell[0]
            _run(kernels.lstm_forward, rows, *common, active, leftward, hidden, cells, gates)
        elif kind is nn.GRU:
            _run(kernels.gru_forward, rows, *common, bias, active, leftward, hidden, gates)
        else:
            _run(kernels.rnn_forward, rows, *common, active, leftward, hidden)
        if keep:
            ctx.save_for_backward(entries, weight, hidden, cells, gates)
            ctx.of = kind, active, leftward, each_base, inputs.shape[1]
        end = 0 if leftward else length
        # Copies: a view would keep what every base left.
        last: State = hidden[end][None].clone()
        if kind is nn.LSTM:
            last_slot = end if gates.shape[1] == length else length % 2
            last = (last, cells[last_slot][None].clone())
        read_from, read_to = (0, length) if leftward else (1, length + 1)
        return hidden[read_from:read_to], last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hidden: Tensor, d_state: Any) -> tuple[Tensor | None, ...]:
        entries, weight, hidden, cells, gates = ctx.saved_tensors
        if ctx.of is None:
            raise RuntimeError("the graph of a compiled recurrence is walked once")
        kind, active, leftward, each_base, n_entries = ctx.of
        ctx.of = None
        (length, rows), (n_gates, _, units) = entries.shape, weight.shape
        d_hidden = d_hidden.contiguous()
        before = (hidden[1:] if leftward else hidden[:-1]).reshape(1, length * rows, units)
        d_bias = None
        # The kernels turn what was kept into gradients in place: a graph is walked once.
        if kind is nn.LSTM:
            _run(kernels.lstm_backward, rows, weight, active, leftward, cells, d_hidden, gates)
        elif kind is nn.GRU:
            _run(kernels.gru_backward, rows, weight, active, leftward, hidden, d_hidden, gates)
        else:
            gates = torch.empty(1, length, rows, units)
            _run(kernels.rnn_backward, rows, weight, active, leftward, hidden, d_hidden, gates)
        flat = gates.view(-1, length * rows, units)
        to_state, to_input = flat[:n_gates], flat
        if kind is nn.GRU:
            d_bias = flat[2].sum(0)
            to_input = torch.cat([flat[:2], flat[3:]])
        d_weight = torch.matmul(to_state.mT, before)
        d_inputs = to_input
        if not each_base:
            d_inputs = to_input.new_zeros(n_gates, n_entries, units)
            kernels.sum_by_entry(to_input.numpy(), entries.view(-1).numpy(), d_inputs.numpy())
        return None, d_inputs, None, d_weight, d_bias, None, None, None, None, None


@cache
def _blas() -> ThreadpoolController:
    # The kernels' products run in scipy's BLAS, which numba loads in the first of them: too late
    # for a controller, which knows the libraries that are there when it is made.
    import scipy.linalg.cython_blas  # noqa: F401

    return ThreadpoolController()


def _run(kernel: Any, rows: int, *arguments: Any) -> None:
    # The threads are ours: those that BLAS starts would wait for one another at every base.
    with _blas().limit(limits=1, user_api="blas"):
        on_blocks_of_rows(kernel, rows, *arguments)
