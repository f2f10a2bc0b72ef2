"""Exact inference in a hidden Markov model: what the bases say about the states, without error.

Filtered and smoothed posteriors and likelihoods (the forward-backward algorithm; Rabiner 1989,
Proc IEEE 77:257), over many sequences at once. Nothing is estimated here: models come from
`basetag.hmm`; the loops lie in `basetag.hmm_kernels`, and paths in `basetag.viterbi`. Inference
runs over the states; where several bear one label, posteriors are summed to those of the labels as
they are written.

In all functions, `tokens` are independent sequences one after the other, `lengths` says how many
bases each has (0 is allowed), and the sequences are shared out among `threads`, on which no result
depends. Tokens of ambiguous codes are weighed by `HMM.token_likelihood`. Beyond the result, memory
holds one block of vectors for each thread, and one vector at the start of each block: from these
a block is computed again when the backward pass comes to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag import hmm_kernels
from basetag.errors import SequenceError
from basetag.hmm import HMM
from basetag.many_sequences import offsets_of, place_of, read_only, shared_out

# Numbers in a block of forward vectors: 256 KiB, which a core's own cache holds.
_BLOCK_NUMBERS = 1 << 15


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
    tokens, rows, offsets = _checked(hmm, tokens, lengths)
    out = _result(out, tokens.size, hmm.n_labels)
    _forward(hmm, tokens, rows, offsets, out, threads)
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
    tokens, rows, offsets = _checked(hmm, tokens, lengths)
    out = _result(out, tokens.size, hmm.n_labels)
    first, step = _matrices(hmm)
    label = _columns(hmm)
    block = _BLOCK_NUMBERS // hmm.n_states

    def kernel(begin: int, end: int) -> int:
        where = rows, offsets, begin, end, block, out
        if hmm.n_states == 2 and not hmm.is_grouped:
            return int(hmm_kernels.forward_backward_two(first, step, *where))
        return int(hmm_kernels.forward_backward(first, step, label, *where))

    failed = shared_out(kernel, offsets, threads)
    _raise_if_impossible(failed, hmm, tokens, offsets)
    return out


def log_likelihood(
    hmm: HMM, tokens: NDArray[np.uint8], lengths: NDArray[np.int64], threads: int = 1
) -> NDArray[np.float64]:
    """Return log P(sequence), in nats, of each sequence: float64, (sequences,).

    Parameters and errors are those of `filtered_posterior`.
    """
    tokens, rows, offsets = _checked(hmm, tokens, lengths)
    nowhere = np.empty((0, hmm.n_labels), dtype=np.float32)
    return _forward(hmm, tokens, rows, offsets, nowhere, threads)


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
    tokens, rows, offsets = _checked(hmm, tokens, lengths)
    path = read_only(path, np.uint8)
    if path.shape != tokens.shape or (path.size and path.max() >= hmm.n_states):
        raise ValueError("path needs a state of the model for each base")
    totals = np.empty(offsets.size - 1)
    with np.errstate(divide="ignore"):
        log_first, log_step = (np.log(matrix) for matrix in _matrices(hmm))
    hmm_kernels.path_log_probability(log_first, log_step, rows, path, offsets, totals)
    return totals


def _forward(
    hmm: HMM,
    tokens: NDArray[np.uint8],
    rows: NDArray[np.unsignedinteger[Any]],
    offsets: NDArray[np.int64],
    out: NDArray[np.float32],
    threads: int,
) -> NDArray[np.float64]:
    totals = np.empty(offsets.size - 1)
    first, step = _matrices(hmm)
    label = _columns(hmm)
    failed = shared_out(
        lambda begin, end: hmm_kernels.forward(
            first, step, label, rows, offsets, begin, end, totals, out
        ),
        offsets,
        threads,
    )
    _raise_if_impossible(failed, hmm, tokens, offsets)
    return totals


def _matrices(hmm: HMM) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the first base (rows, states) and a step (rows, states, states) weigh."""
    # Rows written with six digits may sum to more than 1: over a billion N's that overflows.
    transition = hmm.transition / hmm.transition.sum(axis=1, keepdims=True)
    likelihood = hmm.token_likelihood
    return hmm.start * likelihood, transition * likelihood[:, None, :]


def _columns(hmm: HMM) -> NDArray[np.uint8]:
    """Return the column of each state's posterior; nothing where it is that of its own number."""
    return read_only(hmm.label_of_state if hmm.is_grouped else np.empty(0), np.uint8)


def _checked(
    hmm: HMM, tokens: NDArray[np.uint8], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
    """Return the tokens, the row of `HMM.token_likelihood` of each, and where sequences begin."""
    tokens = read_only(tokens, np.uint8)
    if tokens.size and tokens.max() >= hmm.alphabet.n_tokens:
        raise ValueError(f"tokens of {hmm.alphabet.name!r} lie below {hmm.alphabet.n_tokens}")
    offsets = offsets_of(lengths, tokens.size)
    rows = hmm.rows_of(tokens, np.diff(offsets))
    return tokens, read_only(rows, rows.dtype), offsets


def _result(out: NDArray[np.float32] | None, n_bases: int, n_labels: int) -> NDArray[np.float32]:
    if out is None:
        return np.empty((n_bases, n_labels), dtype=np.float32)
    if out.shape != (n_bases, n_labels) or out.dtype != np.float32:
        raise ValueError(f"out needs float32 of the shape {(n_bases, n_labels)}")
    return out


def _raise_if_impossible(
    failed: int, hmm: HMM, tokens: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> None:
    if failed >= 0:
        letter = hmm.alphabet.symbols[tokens[failed]]
        raise SequenceError(
            f"the model gives {letter!r} the probability 0 there",
            *place_of(failed, offsets),
            advice="every letter that occurs needs a probability in the emissions of a state that "
            "the transitions reach",
        )
