"""A linear chain of hidden states over scores of bases: what the states are, given all scores.

A path of states scores what its start, its bases, its steps and its end score together, and weighs
the exponential of that. So a chain is the head of a conditional random field (Lafferty, McCallum
and Pereira 2001, ICML 18:282); with the logarithms of a hidden Markov model's probabilities, it is
that model. Here are the sum over all paths with its gradient, messages and posteriors (the
forward-backward algorithm; Rabiner 1989, Proc IEEE 77:257) and the most probable path (Viterbi
1967, IEEE Trans Inf Theory 13:260). Nothing is learnt here.

Records may be read in chunks: what leaves a chunk enters its neighbour, and what is computed is
that of the whole. On the CPU the loops of `chain_kernels` run, elsewhere `chain_scan`; both compute
in float64, and give the same numbers but for rounding.

Arrays are time first. Rows are ordered from the longest on and have a base at least; `active` holds
how many of them have a base at a place, (length,). Scores are any real numbers, or -inf for what is
forbidden. Beside the likeliest of its kind (score of a base, step, message) anything possible
weighs at least 1e-100: what such a rounding up reaches is exact only in being possible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from basetag.networks import chain_kernels as kernels
from basetag.networks import chain_scan as scan
from basetag.networks.threads import on_blocks_of_rows


@dataclass(frozen=True)
class Chain:
    """Scores of a path's start, steps and end: natural logarithms of weights, -inf = forbidden.

    Attributes
    ----------
    transition : Tensor, (K, K)
        From a state, to a state.
    start, end : Tensor, (K,)
        Of a record's first and last state.
    """

    transition: Tensor
    start: Tensor
    end: Tensor


def log_partition(emissions: Tensor, chain: Chain, active: NDArray[np.int64]) -> Tensor:
    """Return the logarithm of the sum of all paths' weights.

    It can be differentiated once by `emissions` and the three scores of `chain`. Where a score is
    -inf, the gradient is 0.

    Parameters
    ----------
    emissions : Tensor of float32 or float64, (length, rows, K)
        Score of each state at each base; -inf where a label, for instance, rules it out.
    chain : Chain
    active : ndarray of int64, (length,)

    Returns
    -------
    Tensor of float64, (rows,)
        -inf, with gradients 0, where no path is allowed.

    Raises
    ------
    ValueError
        If shapes or types do not fit together.
    """
    _check(emissions, chain, active)
    return _LogPartition.apply(  # type: ignore[no-untyped-call, no-any-return]
        emissions, chain.transition, chain.start, chain.end, active, torch.is_grad_enabled()
    )


def propagate(
    emissions: Tensor,
    chain: Chain,
    active: NDArray[np.int64],
    *,
    leftward: bool = False,
    entering: Tensor | None = None,
    maximum: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return, for each base, what the bases on one side of it say of its state; no gradients.

    Rightward, the message to the first base is exp(start), and that to any other
    (message to the base before x exp(its scores)) @ exp(transition): its own scores are not in
    it. Leftward it is exp(end) at a row's last base, and so on with the transition transposed.

    Parameters
    ----------
    emissions : Tensor of float32 or float64, (length, rows, K)
    chain : Chain
    active : ndarray of int64, (length,)
    leftward : bool
        Whether messages go from the last base to the first.
    entering : Tensor, (rows, K), optional
        What left the neighbouring chunk, in place of a record's start or end.
    maximum : bool
        Whether the largest product is taken and not the sum of all, for the most probable path.

    Returns
    -------
    messages : Tensor, (length, rows, K)
        In the type of `emissions`, times a factor that brings the largest of a base into
        [1/2, 1); what is possible is above 0 (in float32, 1e-38 at least). 0 in the padding.
    leaving : Tensor of float64, (rows, K)
        What enters the next chunk in the direction of the messages.
    log_scale : Tensor of float64, (rows,)
        Logarithm of what `leaving` is to be multiplied by. Chunks' scales add up, that of
        `entering` being 0. -inf where no path is allowed.

    Raises
    ------
    ValueError
        If shapes or types do not fit together.
    """
    _check(emissions, chain, active)
    emissions = emissions.detach()
    transition, step_scale = _linear_transition(chain.transition)
    transition = transition.mT.contiguous() if leftward else transition
    rows = emissions.shape[1]
    if entering is None:
        first, first_scale = _edge(chain.end if leftward else chain.start, rows)
    else:
        first, first_scale = scan.scaled(entering.detach().double())
    messages, last, log_scale = _messages(
        emissions, transition, first, active, leftward, maximum, emissions.dtype
    )
    # The step out of the chunk is that to the next base: as if there were one, of any score.
    outermost = emissions[0] if leftward else _at_last_bases(emissions, active)
    _, leaving, change = _messages(
        outermost.expand(2, -1, -1), transition, last, np.full(2, rows), leftward, maximum, None
    )
    steps = _lengths(active, rows, emissions.device) * step_scale
    log_scale = log_scale + first_scale + change + steps
    return messages, leaving, torch.where(leaving.amax(-1) == 0, -math.inf, log_scale)


def posterior(emissions: Tensor, rightward_messages: Tensor, leftward_messages: Tensor) -> Tensor:
    """Return P(state of a base | all scores of its record), from the messages of both directions.

    Parameters
    ----------
    emissions, rightward_messages, leftward_messages : Tensor, (length, rows, K)

    Returns
    -------
    Tensor, (length, rows, K)
        In the type of `emissions`; 0 in the padding, and where no path is allowed.
    """
    emissions = emissions.detach()
    if not _compiled_is_best(emissions):
        weights = scan.weigh(emissions)[0]
        return scan.normalised(weights * rightward_messages * leftward_messages).to(emissions.dtype)
    found = torch.empty_like(emissions, memory_format=torch.contiguous_format)
    on_blocks_of_rows(
        kernels.posterior, emissions.shape[1], emissions.contiguous(),
        rightward_messages.contiguous(), leftward_messages.contiguous(), found,
    )  # fmt: skip
    return found


def trace(
    emissions: Tensor,
    chain: Chain,
    messages: Tensor,
    active: NDArray[np.int64],
    *,
    leftward: bool,
    entering_state: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Follow the most probable path against the direction of known messages.

    Parameters
    ----------
    emissions : Tensor of float32 or float64, (length, rows, K)
    chain : Chain
    messages : Tensor, (length, rows, K)
        By `propagate` with ``maximum=True``: rightward ones to trace leftward, and vice versa.
    active : ndarray of int64, (length,)
    leftward : bool
        Whether the path is traced from the last base to the first.
    entering_state : Tensor of integers, (rows,), optional
        The state that left the neighbouring chunk, in place of a record's end (leftward) or
        start.

    Returns
    -------
    path : Tensor of uint8, (length, rows)
        Of equally probable states the first. 0 in the padding; of no meaning in a row without an
        allowed path.
    leaving_state : Tensor of uint8, (rows,)
        That of the last base traced: it enters the next chunk in the direction of tracing.

    Raises
    ------
    ValueError
        If shapes or types do not fit together.
    """
    _check(emissions, chain, active)
    emissions = emissions.detach()
    transition = _linear_transition(chain.transition)[0]
    transition = transition.mT.contiguous() if leftward else transition  # (traced before, next)
    if entering_state is None:
        opening, _ = _edge(chain.end if leftward else chain.start, emissions.shape[1])
    else:
        opening = transition[entering_state.long()]
    if _compiled_is_best(emissions):
        path = torch.empty(emissions.shape[:2], dtype=torch.uint8)
        on_blocks_of_rows(
            kernels.trace, emissions.shape[1], emissions.contiguous(), transition, opening,
            messages.contiguous(), active, leftward, path,
        )  # fmt: skip
    else:
        path = scan.trace(emissions, transition, opening, messages, active, leftward)
    return path, path[0].clone() if leftward else _at_last_bases(path, active)


def viterbi(emissions: Tensor, chain: Chain, active: NDArray[np.int64]) -> Tensor:
    """Return the most probable path of whole records: uint8, (length, rows), 0 in the padding.

    Parameters and errors are those of `log_partition`; see `trace`.
    """
    messages, _, _ = propagate(emissions, chain, active, maximum=True)
    return trace(emissions, chain, messages, active, leftward=True)[0]


class _LogPartition(torch.autograd.Function):
    """The gradients are what a path expects: states of bases, steps, starts, ends."""

    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, transition: Tensor, start: Tensor, end: Tensor,
        active: NDArray[np.int64], with_gradient: bool,
    ) -> Tensor:  # fmt: skip
        # Views of parameters say that they need a gradient even where none is recorded.
        keep = with_gradient and any(ctx.needs_input_grad)
        linear, step_scale = _linear_transition(transition)
        rows = emissions.shape[1]
        first, first_scale = _edge(start, rows)
        final, final_scale = _edge(end, rows)
        # In float64: the products of two messages must not fall out of the range of numbers.
        messages, last, log_scale = _messages(
            emissions, linear, first, active, False, False, torch.float64 if keep else None
        )
        weights, tops = scan.weigh(_at_last_bases(emissions, active))
        steps = (_lengths(active, rows, emissions.device) - 1) * step_scale
        total = (last * weights * final).sum(-1).log()
        total = total + log_scale + first_scale + final_scale + tops + steps
        if keep:
            marginals, counts = _marginals(emissions, linear, messages, final, active)
            ctx.save_for_backward(marginals, counts * linear)
            ctx.of = active, transition.dtype, start.dtype, end.dtype
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_total: Tensor) -> tuple[Tensor | None, ...]:
        marginals, counts = ctx.saved_tensors
        active, transition_type, start_type, end_type = ctx.of
        d_emissions = marginals * d_total.to(marginals.dtype)[:, None]
        d_transition = torch.einsum("r,rij->ij", d_total, counts).to(transition_type)
        d_start = (d_total[:, None] * marginals[0]).sum(0).to(start_type)
        d_end = (d_total[:, None] * _at_last_bases(marginals, active)).sum(0).to(end_type)
        return d_emissions, d_transition, d_start, d_end, None, None


def _messages(
    emissions: Tensor,
    transition: Tensor,
    entering: Tensor,
    active: NDArray[np.int64],
    leftward: bool,
    maximum: bool,
    kept: torch.dtype | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return messages, in the type in which they are kept, the last one, and its scale."""
    if not _compiled_is_best(emissions):
        every, last, log_scale = scan.messages(
            emissions, transition, entering, active, leftward, maximum
        )
        return (every if kept is None else _narrowed(every, kept)), last, log_scale
    length, rows, K = emissions.shape
    found = torch.empty(0 if kept is None else length, rows, K, dtype=kept)
    last, log_scale = entering.clone(), entering.new_empty(rows)
    on_blocks_of_rows(
        kernels.messages_of_two if K == 2 else kernels.messages, rows, emissions.contiguous(),
        transition, last, log_scale, active, leftward, maximum, _smallest(found.dtype), found,
    )  # fmt: skip
    return found, last, log_scale


def _marginals(
    emissions: Tensor,
    transition: Tensor,
    rightward: Tensor,
    final: Tensor,
    active: NDArray[np.int64],
) -> tuple[Tensor, Tensor]:
    """Return P(state of a base), and the expected steps of each row divided by `transition`."""
    back = transition.mT.contiguous()
    if not _compiled_is_best(emissions):
        leftward, _, _ = scan.messages(emissions, back, final, active, True, False)
        found, counts = scan.marginals(emissions, transition, rightward, leftward)
        return found.to(emissions.dtype), counts
    rows, K = emissions.shape[1:]
    found, counts = (
        torch.empty_like(emissions, memory_format=torch.contiguous_format),
        final.new_empty(rows, K, K),
    )
    on_blocks_of_rows(
        kernels.marginals_of_two if K == 2 else kernels.marginals, rows, emissions.contiguous(),
        back, rightward, final.clone(), active, found, counts,
    )  # fmt: skip
    return found, counts


def _compiled_is_best(emissions: Tensor) -> bool:
    return emissions.device.type == "cpu"


def _smallest(dtype: torch.dtype) -> float:
    return kernels.FLOOR if dtype == torch.float64 else torch.finfo(dtype).tiny


def _narrowed(messages: Tensor, dtype: torch.dtype) -> Tensor:
    """Return messages in a narrower type, in which nothing possible becomes 0."""
    floored = messages.clamp(min=_smallest(dtype))
    return torch.where(messages == 0, messages, floored).to(dtype)


def _linear_transition(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return exp(scores) beside the largest of all, (K, K), and the latter's score, ()."""
    weights, top = scan.weigh(scores.detach().flatten())
    return weights.view(scores.shape), top


def _edge(scores: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """Return exp(scores) of a start or end, (rows, K), scaled as messages are, and its scale."""
    weights, top = scan.weigh(scores.detach())
    vector, change = scan.scaled(weights)
    return vector.expand(rows, -1).contiguous(), top + change


def _lengths(active: NDArray[np.int64], rows: int, device: torch.device) -> Tensor:
    lengths = np.searchsorted(-active, -np.arange(rows), side="left")
    return torch.from_numpy(lengths).to(device, non_blocking=True)


def _at_last_bases(values: Tensor, active: NDArray[np.int64]) -> Tensor:
    rows = torch.arange(values.shape[1], device=values.device)
    return values[_lengths(active, rows.numel(), values.device) - 1, rows]


def _check(emissions: Tensor, chain: Chain, active: NDArray[np.int64]) -> None:
    if emissions.dtype not in (torch.float32, torch.float64) or emissions.ndim != 3:
        raise ValueError("emissions need float32 or float64 of the shape (length, rows, states)")
    length, rows, K = emissions.shape
    if active.shape != (length,) or active.dtype != np.int64 or not length or active[0] != rows:
        raise ValueError(f"active needs int64 of the shape {(length,)}, beginning with {rows}")
    shapes = [tuple(part.shape) for part in (chain.transition, chain.start, chain.end)]
    if shapes != [(K, K), (K,), (K,)]:
        raise ValueError(f"a chain of {K} states needs {[(K, K), (K,), (K,)]}, not {shapes}")
