"""Messages along a chain of states in torch alone, parallel in time: for a GPU.

What they are says `basetag.networks.chain`, which calls this where no compiled kernel runs. Walking
from base to base would start some operations for each, and a GPU would wait for most of them. Here
the bases are cut into blocks, about as many as each has bases: what a block makes of each state in
which it may be entered is computed for all blocks side by side, a message is carried from block to
block, and then goes through all blocks side by side (a scan; Särkkä and García-Fernández 2021, IEEE
Trans Autom Control 66:299). Each state of entry has a scale of its own, so that none is lost beside
a likelier one.

All is computed in float64, and scaled by powers of two as in `chain_kernels`. Nothing waits for the
device. The functions take the arguments of the kernels of the same name, as tensors.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from basetag.networks.chain_kernels import FLOOR, LOG_FLOOR

#: Numbers in a temporary array of all products, before their maximum.
_PRODUCTS = 1 << 24


def messages(
    emissions: Tensor,
    transition: Tensor,
    entering: Tensor,
    active: NDArray[np.int64],
    leftward: bool,
    maximum: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Send messages through all bases; see `chain_kernels.messages`.

    Returns
    -------
    messages : Tensor of float64, (length, rows, K)
        To all bases; 0 in the padding.
    last : Tensor of float64, (rows, K)
        That to the last base read.
    log_scale : Tensor of float64, (rows,)
    """
    length, rows, K = emissions.shape
    inside, goes_on = _presence(active, rows, leftward, emissions.device)
    size, blocks = _block(length)
    read = _in_blocks(emissions.flip(0) if leftward else emissions, size, blocks)
    steps = _in_blocks(goes_on, size, blocks)[..., None]
    starts, start_scales = entering[None], entering.new_zeros(1, rows)
    if blocks > 1:
        starts, start_scales = _carried(read, steps, transition, entering, maximum)
    vectors, scales = starts, torch.zeros_like(start_scales)
    found = entering.new_empty(blocks, size, rows, K)
    for at in range(size):
        found[:, at] = vectors
        weights, tops = weigh(read[:, at])
        moved, change = _advance(vectors * weights, transition, maximum)
        vectors = torch.where(steps[:, at], moved, vectors)
        scales = torch.where(steps[:, at, :, 0], scales + change + tops, scales)
    found = torch.where(inside[..., None], found.view(-1, rows, K)[:length], 0.0)
    return found.flip(0) if leftward else found, vectors[-1], start_scales[-1] + scales[-1]


def marginals(
    emissions: Tensor, transition: Tensor, rightward: Tensor, leftward: Tensor
) -> tuple[Tensor, Tensor]:
    """Return what every base and all steps expect; see `chain_kernels.marginals`.

    Parameters
    ----------
    emissions : Tensor, (length, rows, K)
    transition : Tensor of float64, (K, K)
        From-to, rightward.
    rightward, leftward : Tensor of float64, (length, rows, K)
        Messages of both directions; 0 in the padding.

    Returns
    -------
    marginals : Tensor of float64, (length, rows, K)
    counts : Tensor of float64, (rows, K, K)
    """
    weights = weigh(emissions)[0]
    filtered, behind = rightward * weights, leftward * weights
    found = normalised(filtered * leftward)
    totals = ((filtered[:-1] @ transition) * behind[1:]).sum(-1, keepdim=True)
    shares = torch.where(totals == 0, 0.0, filtered[:-1] / totals)
    return found, torch.einsum("tri,trj->rij", shares, behind[1:])


def trace(
    emissions: Tensor,
    transition: Tensor,
    opening: Tensor,
    messages: Tensor,
    active: NDArray[np.int64],
    leftward: bool,
) -> Tensor:
    """Return the most probable path, uint8, (length, rows); see `chain_kernels.trace`."""
    length, rows, K = emissions.shape
    inside, goes_on = _presence(active, rows, leftward, emissions.device)
    if leftward:
        emissions, messages = emissions.flip(0), messages.flip(0)
    # Whether the base before, in the direction of tracing, is one of the same row.
    follows = torch.cat([torch.zeros_like(goes_on[:1]), goes_on[:-1]])
    size, blocks = _block(length)
    scores, known, follows = (
        _in_blocks(part, size, blocks) for part in (emissions, messages, follows)
    )

    def chosen(at: int, states: Tensor) -> Tensor:
        """Return the states (blocks, rows, ...) at a place of each block, by those before."""
        value = known[:, at].double() * weigh(scores[:, at])[0]
        step = torch.where(follows[:, at, :, None, None], transition[states], opening[:, None])
        return (value[..., None, :] * step).argmax(-1)

    states = torch.arange(K, device=emissions.device).expand(blocks, rows, K)
    for at in range(size):
        states = chosen(at, states)
    entered = [torch.zeros_like(states[0, :, :1])]
    for block in range(blocks - 1):
        entered.append(states[block].gather(-1, entered[-1]))
    states = torch.stack(entered)
    path = torch.empty(blocks, size, rows, dtype=torch.uint8, device=emissions.device)
    for at in range(size):
        states = chosen(at, states)
        path[:, at] = states[..., 0]
    path = torch.where(inside, path.view(-1, rows)[:length], 0)
    return path.flip(0) if leftward else path


def weigh(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return exp(score) beside that of the largest one, and the latter's score, in float64.

    Both as in the kernels: what is possible counts at least `FLOOR`, and of scores that are all
    -inf the largest is taken for 0.
    """
    scores = scores.double()
    top = scores.amax(-1)
    top = torch.where(top == -math.inf, 0.0, top)
    beside = scores - top[..., None]
    weights = beside.clamp(min=LOG_FLOOR).exp()
    return torch.where(beside == -math.inf, 0.0, weights), top


def combine(vectors: Tensor, transition: Tensor, maximum: bool) -> Tensor:
    """Return vectors (..., K) x transition (..., K, K), by sums or by the largest product."""
    if not maximum and transition.ndim == 2:
        return vectors @ transition
    if not maximum:
        return (vectors[..., None, :] @ transition)[..., 0, :]
    part = max(1, _PRODUCTS // max(1, vectors.numel()))
    found = [
        (some[..., None] * by).amax(-2)
        for some, by in zip(
            torch.split(vectors, part, -1), torch.split(transition, part, -2), strict=True
        )
    ]
    return torch.stack(found).amax(0)


def scaled(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Return vectors (..., K) with the largest entry in [1/2, 1), and log of what was taken out."""
    exponent = torch.frexp(vectors.amax(-1)).exponent.double()
    vectors = vectors * torch.exp2(-exponent)[..., None]
    vectors = torch.where(vectors == 0, 0.0, vectors.clamp(min=FLOOR))
    return vectors, exponent * math.log(2)


def normalised(values: Tensor) -> Tensor:
    """Divide by the sum over states; zeros stay zeros."""
    total = values.sum(-1, keepdim=True)
    return torch.where(total == 0, 0.0, values / total)


def _advance(vectors: Tensor, transition: Tensor, maximum: bool) -> tuple[Tensor, Tensor]:
    return scaled(combine(vectors, transition, maximum))


def _carried(
    read: Tensor, steps: Tensor, transition: Tensor, entering: Tensor, maximum: bool
) -> tuple[Tensor, Tensor]:
    """Return the message to the first base of each block, and its scale."""
    blocks, size, rows, K = read.shape
    entered = torch.eye(K, dtype=torch.float64, device=read.device)
    entered = entered.expand(blocks - 1, rows, K, K)
    scales = entering.new_zeros(blocks - 1, rows, K)
    for at in range(size):
        weights, tops = weigh(read[:-1, at])
        moved, change = _advance(entered * weights[..., None, :], transition, maximum)
        step = steps[:-1, at]
        entered = torch.where(step[..., None], moved, entered)
        scales = torch.where(step, scales + change + tops[..., None], scales)
    vectors, totals = [entering], [entering.new_zeros(rows)]
    for block in range(blocks - 1):
        weights, top = weigh(vectors[-1].log() + scales[block])
        moved, change = _advance(weights, entered[block], maximum)
        vectors.append(moved)
        totals.append(totals[-1] + change + top)
    return torch.stack(vectors), torch.stack(totals)


def _presence(
    active: NDArray[np.int64], rows: int, leftward: bool, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return, in the direction of reading, where bases are, and which have one to follow."""
    # Not blocking: else the copy would wait for all that the device has to do.
    counts = torch.from_numpy(active).to(device, non_blocking=True)
    inside = counts[:, None] > torch.arange(rows, device=device)
    after = torch.zeros_like(inside)
    # Leftward, the padding comes first, and every base but a row's first has one to follow.
    if leftward:
        inside = inside.flip(0)
        after[:-1] = inside[:-1]
    else:
        after[:-1] = inside[1:]
    return inside, after


def _block(length: int) -> tuple[int, int]:
    """Return the bases of a block and the number of blocks; twice one and the other are few."""
    size = min(length, max(16, math.isqrt(length // 2)))
    return size, -(-length // size)


def _in_blocks(values: Tensor, size: int, blocks: int) -> Tensor:
    missing = size * blocks - values.shape[0]
    if missing:
        values = torch.cat([values, values.new_zeros(missing, *values.shape[1:])])
    return values.reshape(blocks, size, *values.shape[1:])
