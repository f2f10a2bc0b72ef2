"""minGRU read along sequences: compiled on the CPU, by a scan in parallel on a GPU.

minGRU (Feng et al. 2024, "Were RNNs all we needed?", arXiv:2410.01201, the vanilla form) is

    z = sigmoid(Wz x + bz),  n = Wn x + bn,  h ← (1 - z) h + z n.

Neither z nor n depends on h, so a GPU computes all of them at once and a scan puts them together
in a number of steps that grows as the logarithm of the length. On the CPU, in float32, the loops
of `scan_kernels` run from base to base, bound by memory alone.

Both hold 1 - z as its distance z from 1. A unit that remembers a hundred thousand bases has a z of
1e-5, of which 1 - z in float32 keeps two digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from basetag.networks import scan_kernels as kernels
from basetag.networks.threads import on_blocks_of_rows


def read_mingru(
    inputs: Tensor,
    entries: Tensor,
    active: NDArray[np.int64],
    *,
    leftward: bool = False,
    state: Tensor | None = None,
    of_each_base: bool = False,
) -> tuple[Tensor, Tensor]:
    """Read rows in one direction with minGRU.

    Parameters
    ----------
    inputs : Tensor, (2, entries, hidden)
        What each entry of a table, or each base, sends to the sigmoid of z, and to the candidate
        n; biases included.
    entries : Tensor of int32, (length, rows)
        Which of `inputs` is that of a base.
    active : ndarray of int64, (length,)
        Rows that have a base at each place, these being the first ones.
    leftward : bool
        Whether to read from the last base to the first, each row from its own last base on.
    state : Tensor or None, (rows, hidden)
        At the start, zero where None; only where all rows have the same length. It has no
        gradient.
    of_each_base : bool
        Whether every base has inputs of its own, in their order.

    Returns
    -------
    hidden : Tensor, (length, rows, hidden)
        After each base, of the type of `inputs`; zero in the padding.
    state : Tensor, (rows, hidden)
        At the end of the reading, in the precision in which it is carried: float64 where compiled
        loops run, else that of the scan. Of use where all rows have the same length.

    Notes
    -----
    A record read in chunks, each from the state that the last one left, gives on the CPU the bits
    of the whole.
    """
    on_cpu = inputs.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    read = _read_compiled if on_cpu and inputs.dtype == torch.float32 else _read_scanned
    return read(inputs, entries, active, leftward, state, of_each_base)


def linear_scan(
    decay: Tensor, update: Tensor, entering: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the states of h ← decay h + update, computed in parallel in time.

    Parameters
    ----------
    decay : Tensor, (length, rows, hidden)
        From 0 to 1, of each place.
    update : Tensor, (length, rows, hidden)
    entering : Tensor or None, (rows, hidden)
        The state before the first place; zero where None.

    Returns
    -------
    states : Tensor, (length, rows, hidden)
    last : Tensor, (rows, hidden)
        The last of them, a copy.

    Notes
    -----
    Two steps are one step whose decay is the product (Blelloch 1990, "Prefix sums and their
    applications"): half as many steps give every second state, and one operation fills in the
    others. That is six operations for each halving of the length, and twice the memory of what
    is read, of sums and products of numbers up to 1 alone. The form of Feng et al. (2024), by sums
    of logarithms, loses the small differences of sums that grow with the length. The gradient is
    the scan in the other direction.
    """
    return _scan(1 - decay, update, entering, False)


def _scan(
    fading: Tensor, update: Tensor, entering: Tensor | None, leftward: bool
) -> tuple[Tensor, Tensor]:
    """Return what `linear_scan` does, where `fading` is 1 - decay."""
    if entering is None:
        entering = update.new_zeros(update.shape[1:])
    return _Scan.apply(fading, update, entering, leftward)  # type: ignore[no-untyped-call, no-any-return]


class _Scan(torch.autograd.Function):
    """The scan and its gradient, the scan in the other direction."""

    @staticmethod
    def forward(
        ctx: Any, fading: Tensor, update: Tensor, entering: Tensor, leftward: bool
    ) -> tuple[Tensor, Tensor]:
        length = fading.shape[0]
        slots = update.new_empty(length + 1, *update.shape[1:])
        start, end = (length, 0) if leftward else (0, length)
        slots[start] = entering
        _fill(fading, update, slots, leftward)
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(fading, slots)
        ctx.leftward = leftward
        return slots[:-1] if leftward else slots[1:], slots[end].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor, d_last: Tensor) -> tuple[Tensor | None, ...]:
        fading, slots = ctx.saved_tensors
        leftward = ctx.leftward
        d_update = torch.empty_like(d_states, memory_format=torch.contiguous_format)
        if leftward:
            torch.add(d_states[0], d_last, out=d_update[0])
            _fill(fading[:-1], d_states[1:], d_update, False)
            before, end = slots[1:], -1
        else:
            torch.add(d_states[-1], d_last, out=d_update[-1])
            _fill(fading[1:], d_states[:-1], d_update, True)
            before, end = slots[:-1], 0
        d_fading = torch.mul(d_update, before).neg_() if ctx.needs_input_grad[0] else None
        d_entering = d_update[end] - fading[end] * d_update[end]
        return d_fading, d_update, d_entering, None


def _fill(fading: Tensor, update: Tensor, slots: Tensor, leftward: bool) -> None:
    """Write the states into `slots`, (length + 1, rows, hidden), from the one at the start on."""
    length = fading.shape[0]
    if length == 0:
        return
    # Pairs of steps are counted from the start of the reading.
    odd = length % 2 if leftward else 0
    pairs = length // 2
    if pairs:
        later = slice(odd, None, 2) if leftward else slice(1, None, 2)
        sooner = slice(odd + 1, None, 2) if leftward else slice(0, 2 * pairs, 2)
        both = torch.lerp(fading[sooner], fading.new_ones(()), fading[later])
        joined = _blend(fading[later], update[later], update[sooner])
        _fill(both, joined, slots[odd::2], leftward)
    single = slice(1 - odd, None, 2) if leftward else slice(0, None, 2)
    if leftward:
        before, after = slots[2 - odd :: 2], slots[1 - odd : length : 2]
    else:
        before, after = slots[0:length:2], slots[1::2]
    _blend(fading[single], update[single], before, after)


def _blend(fading: Tensor, update: Tensor, before: Tensor, out: Tensor | None = None) -> Tensor:
    after = torch.add(before, update, out=out)
    return after.addcmul_(fading, before, value=-1)


def _read_scanned(
    inputs: Tensor,
    entries: Tensor,
    active: NDArray[np.int64],
    leftward: bool,
    state: Tensor | None,
    of_each_base: bool,
) -> tuple[Tensor, Tensor]:
    length, rows = entries.shape
    if of_each_base:
        z, candidates = (gate.view(length, rows, -1) for gate in inputs)
    else:
        z, candidates = (nn.functional.embedding(entries, gate) for gate in inputs)
    # Whatever is computed around it, in half precision a state would remember next to nothing.
    carried = torch.promote_types(inputs.dtype, torch.float32)
    fading = torch.sigmoid(z.to(carried))
    update = fading * candidates.to(carried)
    if active[0] != active[-1]:
        has_base = torch.from_numpy(active).to(inputs.device, non_blocking=True)[:, None]
        padding = has_base <= torch.arange(rows, device=inputs.device)
        # All fades and nothing is added: zero there, and zero where a leftward reading starts.
        fading = fading.masked_fill(padding[:, :, None], 1.0)
        update = update.masked_fill(padding[:, :, None], 0.0)
    entering = None if state is None else state.detach().to(carried)
    hidden, last = _scan(fading, update, entering, leftward)
    return hidden.to(inputs.dtype), last.detach()


def _read_compiled(
    inputs: Tensor,
    entries: Tensor,
    active: NDArray[np.int64],
    leftward: bool,
    state: Tensor | None,
    of_each_base: bool,
) -> tuple[Tensor, Tensor]:
    length, rows = entries.shape
    if of_each_base:
        inputs = inputs.reshape(2, length, rows, -1)
    else:
        inputs = torch.stack([torch.sigmoid(inputs[0]), inputs[1]])
    return _Reading.apply(  # type: ignore[no-untyped-call, no-any-return]
        inputs.contiguous(), None if of_each_base else entries.contiguous(), rows,
        active, leftward, state, torch.is_grad_enabled(),
    )  # fmt: skip


class _Reading(torch.autograd.Function):
    """The compiled loops and their gradient; the states at the start and the end have none."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, entries: Tensor | None, rows: int, active: NDArray[np.int64],
        leftward: bool, state: Tensor | None, with_gradient: bool,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        length, units = active.size, inputs.shape[-1]
        last = torch.zeros(rows, units, dtype=torch.float64)
        if state is not None:
            last.copy_(state)
        hidden = torch.empty(length + 1, rows, units)
        hidden[length if leftward else 0] = last
        if entries is None:
            on_blocks_of_rows(kernels.read_bases, rows, inputs, active, leftward, last, hidden)
        else:
            on_blocks_of_rows(
                kernels.read_table, rows, inputs, entries, active, leftward, last, hidden
            )
        if with_gradient and ctx.needs_input_grad[0]:
            ctx.save_for_backward(inputs, entries, hidden)
            ctx.of = active, leftward
        ctx.mark_non_differentiable(last)
        return hidden[:-1] if leftward else hidden[1:], last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hidden: Tensor, _: Any) -> tuple[Tensor | None, ...]:
        inputs, entries, hidden = ctx.saved_tensors
        active, leftward = ctx.of
        rows = hidden.shape[1]
        common = (active, leftward, hidden, d_hidden.contiguous())
        if entries is None:
            d_inputs = torch.empty_like(inputs)
            on_blocks_of_rows(kernels.read_bases_backward, rows, inputs, *common, d_inputs)
        else:
            sums = -(-rows // kernels.ROWS_OF_A_SUM)
            parts = inputs.new_zeros(sums, *inputs.shape)
            on_blocks_of_rows(kernels.read_table_backward, sums, inputs, entries, *common, parts)
            d_inputs = parts.sum(0)
        return d_inputs, None, None, None, None, None, None
