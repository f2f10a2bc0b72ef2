"""A recurrent cell read along sequences: compiled on the CPU, by cuDNN on a GPU, the same numbers.

On a GPU torch's own functions read the cells. On the CPU, in float32, the loops of
`recurrence_kernels` do, and their gradients; what the letters send to the first layer's gates is
then a table with a row per token, looked up, and no matrix product. One cell is left to torch
there, because oneDNN is faster: the LSTM on rows of one length, where it predicts or is wide.

Arrays are time first. Rows are ordered from the longest on, so the rows that have a base at a
place are the first ones; `active` holds how many these are, (length,).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from basetag.networks import recurrence_kernels as kernels
from basetag.networks.activations import Activations
from basetag.networks.threads import on_blocks_of_rows

#: What a cell carries from base to base, each (rows, hidden): h, of an LSTM also c.
State = tuple[Tensor, ...]

#: Units from which on oneDNN's LSTM trains faster (benchmarks/training.md).
_WIDE = 48


class Cell(Protocol):
    """What is read here: the weights of one direction, laid out as torch has them."""

    kind: ClassVar[str]
    hidden: int
    training: bool

    @property
    def weights(self) -> list[Tensor]:
        """`weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`."""


def read(
    cell: Cell,
    activations: Activations,
    active: NDArray[np.int64],
    *,
    leftward: bool = False,
    state: State | None = None,
) -> tuple[Tensor, State]:
    """Read rows in one direction, as `basetag.networks.cells.Cell.read` says.

    In the padding the hidden states are zero.
    """
    if _compiled_is_best(cell, activations, active):
        return _read_compiled(cell, activations, active, leftward, state)
    dense = activations.dense()
    if leftward:
        dense = dense.flip(0)
    start = _zero_state([cell], dense) if state is None else tuple(part[None] for part in state)
    hidden, last = _run_torch([cell], dense, start)
    return (hidden.flip(0) if leftward else hidden), tuple(part[0] for part in last)


def read_both(
    rightward: Cell, leftward: Cell, activations: Activations, active: NDArray[np.int64]
) -> Tensor:
    """Read whole rows in both directions; return the hidden states, (length, rows, 2 hidden)."""
    if _compiled_is_best(rightward, activations, active):
        return torch.cat(
            [
                _read_compiled(rightward, activations, active, False, None)[0],
                _read_compiled(leftward, activations, active, True, None)[0],
            ],
            dim=-1,
        )
    # One call for both, so that a GPU runs them side by side.
    cells, dense = [rightward, leftward], activations.dense()
    state = _zero_state(cells, dense)
    if active[0] == active[-1]:
        return _run_torch(cells, dense, state)[0]
    lengths = (torch.from_numpy(active)[:, None] > torch.arange(int(active[0]))).sum(0)
    packed = nn.utils.rnn.pack_padded_sequence(dense, lengths)
    hidden, _ = _run_torch(cells, packed.data, state, packed.batch_sizes)
    packed = nn.utils.rnn.PackedSequence(hidden, packed.batch_sizes)
    return nn.utils.rnn.pad_packed_sequence(packed)[0]


def _zero_state(cells: Sequence[Cell], dense: Tensor) -> State:
    start = dense.new_zeros(len(cells), dense.shape[1], cells[0].hidden)
    return (start, start) if cells[0].kind == "lstm" else (start,)


def _run_torch(
    cells: Sequence[Cell], values: Tensor, state: State, batch_sizes: Tensor | None = None
) -> tuple[Tensor, State]:
    """Return the hidden states of one cell or two, read in both directions, and the last state.

    States are (cells, rows, hidden) here. Under autocast everything is cast to its type: torch's
    own wrapper of cuDNN's recurrences casts to float16 whatever the type is, in which gradients
    vanish.
    """
    device = values.device.type
    lower = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else values.dtype
    lstm = cells[0].kind == "lstm"
    start = [part.to(lower) for part in state] if lstm else state[0].to(lower)
    weights = [weight.to(lower) for cell in cells for weight in cell.weights]
    options = (weights, True, 1, 0.0, cells[0].training, len(cells) == 2)
    run = _FUNCTIONS[cells[0].kind]
    with torch.autocast(device, enabled=False):
        if batch_sizes is None:
            hidden, *last = run(values.to(lower), start, *options, False)
        else:
            hidden, *last = run(values.to(lower), batch_sizes, start, *options)
    return hidden, tuple(last)


#: What torch's own modules call, here with the weights of two of them.
_FUNCTIONS: Mapping[str, Callable[..., tuple[Tensor, ...]]] = {
    "rnn": torch.rnn_tanh,
    "gru": torch.gru,
    "lstm": torch.lstm,
}


def _compiled_is_best(cell: Cell, activations: Activations, active: NDArray[np.int64]) -> bool:
    on_cpu = activations.table.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    if not on_cpu or activations.table.dtype != torch.float32:
        return False
    by_onednn = cell.kind == "lstm" and active[0] == active[-1]
    return not (by_onednn and (cell.hidden >= _WIDE or not torch.is_grad_enabled()))


def _read_compiled(
    cell: Cell,
    activations: Activations,
    active: NDArray[np.int64],
    leftward: bool,
    state: State | None,
) -> tuple[Tensor, State]:
    weight_in, weight, bias_in, bias = cell.weights
    gates, hidden = weight.shape[0] // cell.hidden, cell.hidden
    if cell.kind == "gru":
        # The new gate's own bias is weighed by the reset gate, so it stays apart.
        to_input = torch.cat([bias[: 2 * hidden], torch.zeros_like(bias[2 * hidden :])])
        inner = bias[2 * hidden :]
    else:
        to_input, inner = bias, None
    inputs = torch.baddbmm(  # (gates, entries, hidden)
        (bias_in + to_input).view(gates, 1, hidden),
        activations.table.expand(gates, -1, -1),
        weight_in.view(gates, hidden, -1).mT,
    )
    hidden, *last = _Recurrence.apply(  # type: ignore[no-untyped-call]
        cell.kind, inputs, activations.entries, weight.view(gates, hidden, hidden), inner,
        active, leftward, state, activations.of_each_base, torch.is_grad_enabled(),
    )  # fmt: skip
    return hidden, tuple(last)


class _Recurrence(torch.autograd.Function):
    """The compiled loops and their gradient; the state at the start has none."""

    @staticmethod
    def forward(
        ctx: Any, kind: str, inputs: Tensor, entries: Tensor, weight: Tensor,
        bias: Tensor | None, active: NDArray[np.int64], leftward: bool, state: State | None,
        each_base: bool, with_gradient: bool,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        (length, rows), (n_gates, _, units) = entries.shape, weight.shape
        # Views of parameters say that they need a gradient even where none is recorded.
        keep = with_gradient and any(ctx.needs_input_grad)
        start = length if leftward else 0
        hidden = torch.empty(length + 1, rows, units)
        hidden[start] = 0 if state is None else state[0]
        n_kept = 4 if kind == "gru" else n_gates
        gates = torch.empty(n_kept if kind != "rnn" else 0, length if keep else 1, rows, units)
        cells = torch.empty(0)
        transposed = weight.mT.contiguous()
        common = (inputs, entries, transposed)
        if kind == "lstm":
            cells = torch.empty(length + 1 if gates.shape[1] == length else 2, rows, units)
            at_start = start if gates.shape[1] == length else slice(None)
            cells[at_start] = 0 if state is None else state[1]
            _run(kernels.lstm_forward, rows, *common, active, leftward, hidden, cells, gates)
        elif kind == "gru":
            _run(kernels.gru_forward, rows, *common, bias, active, leftward, hidden, gates)
        else:
            _run(kernels.rnn_forward, rows, *common, active, leftward, hidden)
        if keep:
            ctx.save_for_backward(entries, weight, hidden, cells, gates)
            ctx.of = kind, active, leftward, each_base, inputs.shape[1]
        end = 0 if leftward else length
        # Copies: a view would keep what every base left.
        last: State = (hidden[end].clone(),)
        if kind == "lstm":
            last_slot = end if gates.shape[1] == length else length % 2
            last = (*last, cells[last_slot].clone())
        ctx.mark_non_differentiable(*last)
        read_from, read_to = (0, length) if leftward else (1, length + 1)
        return hidden[read_from:read_to], *last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hidden: Tensor, *d_state: Any) -> tuple[Tensor | None, ...]:
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
        if kind == "lstm":
            _run(kernels.lstm_backward, rows, weight, active, leftward, cells, d_hidden, gates)
        elif kind == "gru":
            _run(kernels.gru_backward, rows, weight, active, leftward, hidden, d_hidden, gates)
        else:
            gates = torch.empty(1, length, rows, units)
            _run(kernels.rnn_backward, rows, weight, active, leftward, hidden, d_hidden, gates)
        flat = gates.view(-1, length * rows, units)
        to_state, to_input = flat[:n_gates], flat
        if kind == "gru":
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
