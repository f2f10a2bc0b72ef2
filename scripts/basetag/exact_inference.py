"""Exact inference in a hidden Markov model: what the bases say about the states, without error.

Filtered and smoothed posteriors and likelihoods (the forward-backward algorithm; Rabiner 1989,
Proc IEEE 77:257) and the most probable path (Viterbi 1967, IEEE Trans Inf Theory 13:260), over many
sequences at once. Nothing is estimated here: models come from `basetag.hmm`; the loops lie in
`basetag.hmm_kernels`. Inference runs over the states; where several bear one label, posteriors are
summed to those of the labels as they are written.

In all functions, `tokens` are independent sequences one after the other, `lengths` says how many
bases each has (0 is allowed), and the sequences are shared out among `threads`, on which no result
depends. Tokens of ambiguous codes are weighed by `HMM.token_likelihood`. Beyond the result, memory
holds one block of vectors for each thread, and one vector at the start of each block: from these
a block is computed again when the backward pass comes to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from basetag import hmm_kernels
from basetag.errors import SequenceError
from basetag.hmm import HMM

# Numbers in a block of forward vectors: 256 KiB, which a core's own cache holds.
_BLOCK_NUMBERS = 1 << 15
# Back-pointers in a block of the most probable path: 1 MiB.
_BLOCK_POINTERS = 1 << 20
# To a path, the 0 of a saturated softmax is "never", and one wrong base would break it.
_POSTERIOR_FLOOR = 1e-6


def filtered_posterior(
    hmm: HMM,
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    out: NDArray[np.float32] | None = None,
    threads: int = 1,
) -> NDArray[np.float32]:
    """Return P(label of a base | the bases of its sequence up to it).

    Parameters
    ----------
    hmm : HMM
    tokens : ndarray of uint8, (bases,)
    lengths : ndarray of int64, (sequences,)
    out : ndarray of float32, (bases, labels), optional
        Where to write; a memory map, for instance.
    threads : int

    Returns
    -------
    ndarray of float32, (bases, labels)

    Raises
    ------
    SequenceError
        At a base that the model cannot emit where it stands, with its sequence and position.
    """
    tokens, offsets = _checked(hmm, tokens, lengths)
    out = _result(out, tokens.size, hmm.n_labels)
    _forward(hmm, tokens, offsets, out, threads)
    return out


def smoothed_posterior(
    hmm: HMM,
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    out: NDArray[np.float32] | None = None,
    threads: int = 1,
) -> NDArray[np.float32]:
    """Return P(label of a base | all bases of its sequence): the exact posterior.

    Parameters, result and errors are those of `filtered_posterior`.
    """
    tokens, offsets = _checked(hmm, tokens, lengths)
    out = _result(out, tokens.size, hmm.n_labels)
    first, step = _matrices(hmm)
    label = _columns(hmm)
    block = _BLOCK_NUMBERS // hmm.n_states

    def kernel(begin: int, end: int) -> int:
        where = tokens, offsets, begin, end, block, out
        if hmm.n_states == 2 and not hmm.is_grouped:
            return int(hmm_kernels.forward_backward_two(first, step, *where))
        return int(hmm_kernels.forward_backward(first, step, label, *where))

    failed = _shared_out(kernel, offsets, threads)
    _raise_if_impossible(failed, hmm, tokens, offsets)
    return out


def log_likelihood(
    hmm: HMM, tokens: NDArray[np.uint8], lengths: NDArray[np.int64], threads: int = 1
) -> NDArray[np.float64]:
    """Return log P(sequence), in nats, of each sequence: float64, (sequences,).

    Parameters and errors are those of `filtered_posterior`.
    """
    tokens, offsets = _checked(hmm, tokens, lengths)
    nowhere = np.empty((0, hmm.n_labels), dtype=np.float32)
    return _forward(hmm, tokens, offsets, nowhere, threads)


def viterbi_path(
    hmm: HMM,
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    threads: int = 1,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Return the most probable states given all bases of each sequence: uint8, (bases,).

    These are states, also where several bear one label: `label_path` gives their labels. Where
    paths are equally probable, the one with the lower states from the end on is taken. `out`, uint8
    of the same shape, is where to write: a memory map, for instance. Other parameters and errors
    are those of `filtered_posterior`.
    """
    tokens, offsets = _checked(hmm, tokens, lengths)
    path, failed = _most_probable_path(
        hmm.start, hmm.transition, hmm.token_likelihood, np.ones(hmm.n_states), 0.0,
        tokens, offsets, threads, out,
    )  # fmt: skip
    _raise_if_impossible(failed, hmm, tokens, offsets)
    return path


def label_path(hmm: HMM, path: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn a path of states, (bases,), into that of their labels, in place; and return it."""
    if hmm.is_grouped:
        for left in range(0, path.size, _BLOCK_POINTERS):
            block = slice(left, left + _BLOCK_POINTERS)
            path[block] = hmm.label_of_state[path[block]]
    return path


def path_log_probability(
    hmm: HMM, tokens: NDArray[np.uint8], lengths: NDArray[np.int64], path: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """Return log P(sequence and path), in nats, of each sequence: float64, (sequences,).

    Parameters
    ----------
    hmm : HMM
    tokens : ndarray of uint8, (bases,)
    lengths : ndarray of int64, (sequences,)
    path : ndarray of uint8, (bases,)
        A state for each base; an impossible path has the value -inf.
    """
    tokens, offsets = _checked(hmm, tokens, lengths)
    path = _read_only(path, np.uint8)
    if path.shape != tokens.shape or (path.size and path.max() >= hmm.n_states):
        raise ValueError("path needs a state of the model for each base")
    totals = np.empty(offsets.size - 1)
    with np.errstate(divide="ignore"):
        log_first, log_step = (np.log(matrix) for matrix in _matrices(hmm))
    hmm_kernels.path_log_probability(log_first, log_step, tokens, path, offsets, totals)
    return totals


def decode_posteriors(
    posterior: NDArray[np.float32],
    lengths: NDArray[np.int64],
    prior: NDArray[np.float64],
    start: NDArray[np.float64],
    transition: NDArray[np.float64],
    threads: int = 1,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Return the most probable states when posterior / prior stand for each base's likelihood.

    By Bayes' rule a posterior divided by the prior is proportional to a likelihood, so that any
    tagger's output can take the place of a model's emissions (Bourlard & Morgan 1994, Connectionist
    Speech Recognition). Posteriors are floored at 1e-6, so that no single base forbids a state.

    Parameters
    ----------
    posterior : ndarray of float32, (bases, states)
    lengths : ndarray of int64, (sequences,)
    prior : ndarray of float64, (states,)
        Label frequencies under which the tagger learned; a state of prior 0 is never called.
    start : ndarray of float64, (states,)
    transition : ndarray of float64, (states, states)
    threads : int
    out : ndarray of uint8, (bases,), optional
        Where to write; a memory map, for instance.

    Returns
    -------
    ndarray of uint8, (bases,)

    Raises
    ------
    SequenceError
        At a posterior that is no number, or where the transitions leave no path.
    """
    prior = np.asarray(prior, dtype=np.float64)
    posterior = _read_only(posterior, np.float32)
    if posterior.ndim != 2 or posterior.shape[1] != prior.size:
        raise ValueError(f"posterior has the shape {posterior.shape}, not (bases, {prior.size})")
    offsets = _offsets(lengths, len(posterior))
    # Only the ratios count; with none above 1 the products of the recursion cannot overflow.
    weights = np.divide(prior[prior > 0].min(), prior, out=np.zeros(prior.size), where=prior > 0)
    path, failed = _most_probable_path(
        np.asarray(start, dtype=np.float64), np.asarray(transition, dtype=np.float64), posterior,
        weights, _POSTERIOR_FLOOR, np.empty(0, dtype=np.uint8), offsets, threads,
        out,
    )  # fmt: skip
    if failed >= 0:
        shown = ", ".join(f"{value:g}" for value in posterior[failed])
        raise SequenceError(
            f"the posteriors ({shown}) leave no state that the transitions allow",
            *_place(failed, offsets),
            advice="they should be numbers in 0 to 1, and each state reachable",
        )
    return path


def _forward(
    hmm: HMM,
    tokens: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    out: NDArray[np.float32],
    threads: int,
) -> NDArray[np.float64]:
    totals = np.empty(offsets.size - 1)
    first, step = _matrices(hmm)
    label = _columns(hmm)
    failed = _shared_out(
        lambda begin, end: hmm_kernels.forward(
            first, step, label, tokens, offsets, begin, end, totals, out
        ),
        offsets,
        threads,
    )
    _raise_if_impossible(failed, hmm, tokens, offsets)
    return totals


def _most_probable_path(
    start: NDArray[np.float64],
    transition: NDArray[np.float64],
    rows: NDArray[np.floating],
    weights: NDArray[np.float64],
    floor: float,
    tokens: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    threads: int,
    out: NDArray[np.uint8] | None,
) -> tuple[NDArray[np.uint8], int]:
    path = np.empty(offsets[-1], dtype=np.uint8) if out is None else out
    if path.shape != (offsets[-1],) or path.dtype != np.uint8:
        raise ValueError(f"out needs uint8 of the shape {(offsets[-1],)}")
    start, transition, rows, weights, tokens = (
        _read_only(array, array.dtype) for array in (start, transition, rows, weights, tokens)
    )
    block = _BLOCK_POINTERS // start.size
    failed = _shared_out(
        lambda begin, end: hmm_kernels.most_probable_path(
            start, transition, rows, weights, floor, tokens, offsets, begin, end, block, path
        ),
        offsets,
        threads,
    )
    return path, failed


def _matrices(hmm: HMM) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the first base (tokens, states) and a step (tokens, states, states) weigh."""
    # Rows written with six digits may sum to more than 1: over a billion N's that overflows.
    transition = hmm.transition / hmm.transition.sum(axis=1, keepdims=True)
    likelihood = hmm.token_likelihood
    return hmm.start * likelihood, transition * likelihood[:, None, :]


def _columns(hmm: HMM) -> NDArray[np.uint8]:
    """Return the column of each state's posterior; nothing where it is that of its own number."""
    return _read_only(hmm.label_of_state if hmm.is_grouped else np.empty(0), np.uint8)


def _shared_out(kernel: Callable[[int, int], int], offsets: NDArray[np.int64], threads: int) -> int:
    """Run `kernel` on ranges of sequences of about equal bases; return the first failing base."""
    shares = np.searchsorted(offsets, np.linspace(0, offsets[-1], max(1, threads) + 1))
    shares[0], shares[-1] = 0, offsets.size - 1
    ranges = [(int(begin), int(end)) for begin, end in itertools.pairwise(shares) if begin < end]
    if len(ranges) <= 1:
        results = [kernel(begin, end) for begin, end in ranges]
    else:
        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(kernel, *zip(*ranges, strict=True)))
    return min((result for result in results if result >= 0), default=-1)


def _checked(
    hmm: HMM, tokens: NDArray[np.uint8], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    tokens = _read_only(tokens, np.uint8)
    if tokens.size and tokens.max() >= hmm.alphabet.n_tokens:
        raise ValueError(f"tokens of {hmm.alphabet.name!r} lie below {hmm.alphabet.n_tokens}")
    return tokens, _offsets(lengths, tokens.size)


def _offsets(lengths: NDArray[np.int64], n_bases: int) -> NDArray[np.int64]:
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    if np.any(np.diff(offsets) < 0) or offsets[-1] != n_bases:
        raise ValueError(f"the lengths sum to {offsets[-1]}, but there are {n_bases} bases")
    return offsets


def _result(out: NDArray[np.float32] | None, n_bases: int, n_labels: int) -> NDArray[np.float32]:
    if out is None:
        return np.empty((n_bases, n_labels), dtype=np.float32)
    if out.shape != (n_bases, n_labels) or out.dtype != np.float32:
        raise ValueError(f"out needs float32 of the shape {(n_bases, n_labels)}")
    return out


def _read_only(array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Return a view of one kind for every caller, so that one compiled form serves them all."""
    view = np.ascontiguousarray(array, dtype=dtype).view(np.ndarray)
    view = view.view()
    view.flags.writeable = False
    return view


def _place(base: int, offsets: NDArray[np.int64]) -> tuple[int, int]:
    """Return the sequence of `base`, and its position there; both from 0."""
    sequence = int(np.searchsorted(offsets, base, side="right")) - 1
    return sequence, base - int(offsets[sequence])


def _raise_if_impossible(
    failed: int, hmm: HMM, tokens: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> None:
    if failed >= 0:
        letter = hmm.alphabet.symbols[tokens[failed]]
        raise SequenceError(
            f"the model gives {letter!r} the probability 0 there",
            *_place(failed, offsets),
            advice="every letter that occurs needs a probability in the emissions of a state that "
            "the transitions reach",
        )
