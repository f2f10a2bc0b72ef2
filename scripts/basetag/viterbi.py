"""The most probable path: through an HMM, or through any tagger's posteriors.

A `Chain` is what a path runs through: how likely each state makes each base, and how states follow
each other. `most_probable_path` finds the best path (Viterbi 1967, IEEE Trans Inf Theory 13:260),
or the best of those that stay at least so many bases in each label. The loops lie in
`basetag.hmm_kernels` and `basetag.run_length_kernels`.

Sequences lie one after the other, as in `basetag.exact_inference`, and are shared out among
`threads`, on which no path depends. Beyond the chain and the path, memory holds the pointers of a
block of bases for each thread, and what is needed to go on at the start of each block: from these
a block is computed again when the path is followed back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.errors import SequenceError
from basetag.hmm import HMM
from basetag.hmm_kernels import most_probable_path as kernel_of_any_runs
from basetag.many_sequences import offsets_of, place_of, read_only, shared_out
from basetag.run_length import LONGEST_MINIMUM
from basetag.run_length_kernels import path_of_long_runs

# Pointers in a block: 1 MiB.
_BLOCK_POINTERS = 1 << 20
# Scores are counted anew after so many bases, and at least the longest window.
_REBASE = 1 << 16
# To a path, the 0 of a saturated softmax is "never", and one wrong base would break it.
_POSTERIOR_FLOOR = 1e-6
# What a pointer of a path with least lengths has bits for.
_MOST_STATES = 128


@dataclass(frozen=True, eq=False)
class Chain:
    """What a path runs through: the likelihoods of the bases, and how states follow each other.

    Parameters
    ----------
    start : ndarray of float64, (states,) or (sequences, states)
        Probability of the first base's state; of each sequence alone where they differ.
    transition : ndarray of float64, (states, states)
    labels : ndarray of uint8, (states,)
        The label that each state stands for. A path is given in labels, and its runs are those of
        labels.
    rows : ndarray of float32 or float64, (bases, states) or (symbols, states)
        The likelihood of each base up to a factor, or of each symbol.
    tokens : ndarray of unsigned integers, (bases,), or None
        The row of each base; None where `rows` has one for each.
    weights : ndarray of float64, (states,)
        Factors of the columns of `rows`.
    floor : float
        What entries of `rows` are raised to, before they are multiplied.
    impossible : callable
        Returns, for a base that no state explains, what is wrong there and what to do about it.
    """

    start: NDArray[np.float64]
    transition: NDArray[np.float64]
    labels: NDArray[np.uint8]
    rows: NDArray[np.floating[Any]]
    tokens: NDArray[np.unsignedinteger[Any]] | None
    weights: NDArray[np.float64]
    floor: float
    impossible: Callable[[int], tuple[str, str]]

    @classmethod
    def of_hmm(
        cls,
        hmm: HMM,
        tokens: NDArray[np.uint8],
        start: NDArray[np.float64] | None = None,
        lengths: NDArray[np.int64] | None = None,
    ) -> Chain:
        """Return the chain of a model on `tokens`, (bases,); a path is one of its labels.

        `start`, (sequences, states), has the first state's probabilities of each sequence where
        they are not those of the model. `lengths`, (sequences,), counts where a model's emissions
        look back; without it, the tokens are one sequence.
        """
        tokens = read_only(tokens, np.uint8)
        lengths = np.array([tokens.size]) if lengths is None else np.asarray(lengths)
        if tokens.size and tokens.max() >= hmm.alphabet.n_tokens:
            raise ValueError(f"tokens of {hmm.alphabet.name!r} lie below {hmm.alphabet.n_tokens}")

        def impossible(base: int) -> tuple[str, str]:
            return (
                f"the model gives {hmm.alphabet.symbols[tokens[base]]!r} the probability 0 there",
                "every letter that occurs needs a probability in the emissions of a state that "
                "the transitions reach",
            )

        return cls(
            hmm.start if start is None else start,
            hmm.transition,
            hmm.label_of_state,
            hmm.token_likelihood,
            hmm.rows_of(tokens, lengths),
            np.ones(hmm.n_states),
            0.0,
            impossible,
        )

    @classmethod
    def of_posterior(
        cls,
        posterior: NDArray[np.float32],
        prior: NDArray[np.float64],
        start: NDArray[np.float64],
        transition: NDArray[np.float64],
    ) -> Chain:
        """Return the chain in which posterior / prior stand for each base's likelihood.

        By Bayes' rule a posterior divided by the prior is proportional to a likelihood, so that any
        tagger's output can take the place of a model's emissions (Bourlard & Morgan 1994,
        Connectionist Speech Recognition). Posteriors are floored at 1e-6, so that no single base
        forbids a state.

        Parameters
        ----------
        posterior : ndarray of float32, (bases, states)
        prior : ndarray of float64, (states,)
            Label frequencies under which the tagger learned; a state of prior 0 is never called.
        start : ndarray of float64, (states,)
        transition : ndarray of float64, (states, states)
        """
        prior = np.asarray(prior, dtype=np.float64)
        posterior = read_only(posterior, np.float32)
        if posterior.ndim != 2 or posterior.shape[1] != prior.size:
            raise ValueError(
                f"posterior has the shape {posterior.shape}, not (bases, {prior.size})"
            )
        # Only the ratios count; with none above 1 the products of the recursion cannot overflow.
        weights = np.divide(
            prior[prior > 0].min(), prior, out=np.zeros(prior.size), where=prior > 0
        )

        def impossible(base: int) -> tuple[str, str]:
            shown = ", ".join(f"{value:g}" for value in posterior[base])
            return (
                f"the posteriors ({shown}) leave no state that the transitions allow",
                "they should be numbers in 0 to 1, and each state reachable",
            )

        return cls(
            np.asarray(start, dtype=np.float64),
            np.asarray(transition, dtype=np.float64),
            np.arange(prior.size, dtype=np.uint8),
            posterior,
            None,
            weights,
            _POSTERIOR_FLOOR,
            impossible,
        )

    @property
    def n_bases(self) -> int:
        """Number of bases."""
        return len(self.rows if self.tokens is None else self.tokens)

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.transition)


def most_probable_path(
    chain: Chain,
    lengths: NDArray[np.int64],
    minimum_lengths: NDArray[np.int64] | None = None,
    threads: int = 1,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Return the labels of the most probable states given all bases of each sequence.

    With least lengths it is the best of the paths in which every run of a label has so many bases
    at least; only a run that a beginning or an end of the sequence cuts off may be shorter. Of
    equal paths the one with the lower states from the end on is taken; with least lengths, before
    that, the one whose run from there on goes back further.

    Parameters
    ----------
    chain : Chain
    lengths : ndarray of int64, (sequences,)
        Bases of each sequence; 0 is allowed.
    minimum_lengths : ndarray of int64, (labels,), optional
        Fewest bases of a run of each label, 1 to `LONGEST_MINIMUM`.
    threads : int
    out : ndarray of uint8, (bases,), optional
        Where to write; a memory map, for instance.

    Returns
    -------
    ndarray of uint8, (bases,)

    Raises
    ------
    SequenceError
        At a base that no state explains, with its sequence and position; at a sequence's first
        base where no path has runs of the least lengths.
    """
    offsets = offsets_of(lengths, chain.n_bases)
    path = np.empty(offsets[-1], dtype=np.uint8) if out is None else out
    if path.shape != (offsets[-1],) or path.dtype != np.uint8:
        raise ValueError(f"out needs uint8 of the shape {(offsets[-1],)}")
    if minimum_lengths is None or np.all(np.asarray(minimum_lengths) <= 1):
        failed = _any_runs(chain, offsets, threads, path)
    else:
        failed = _long_runs(chain, offsets, np.asarray(minimum_lengths), threads, path)
    if failed >= 0:
        message, advice = chain.impossible(failed)
        raise SequenceError(message, *place_of(failed, offsets), advice)
    return path


def viterbi_path(
    hmm: HMM,
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    threads: int = 1,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Return the most probable path of a model: its states, also where several bear one label.

    Everything else is as for `most_probable_path`.
    """
    of_states = np.arange(hmm.n_states, dtype=np.uint8)
    chain = replace(Chain.of_hmm(hmm, tokens, lengths=lengths), labels=of_states)
    return most_probable_path(chain, lengths, threads=threads, out=out)


def path_of_posterior(
    card: Mapping[str, Any],
    posterior: NDArray[np.float32],
    lengths: NDArray[np.int64],
    minimum_lengths: NDArray[np.int64] | None = None,
    threads: int = 1,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Return the most probable path through a tagger's posteriors.

    The states follow each other as they did on the tagger's training labels, of which its `card`
    holds the frequencies and the transitions; or, where it says so, as its `path` holds them: on
    both strands, or of substates. `posterior` is of these then, and the path one of their labels.
    Everything else is as for `most_probable_path`.
    """
    law = card.get("path", card["training"])
    prior, transition = (np.array(law[key]) for key in ("prior", "transition"))
    chain = Chain.of_posterior(posterior, prior, prior, transition)
    if "label_of" in law:
        chain = replace(chain, labels=np.array(law["label_of"], dtype=np.uint8))
    return most_probable_path(chain, lengths, minimum_lengths, threads, out)


def _any_runs(
    chain: Chain, offsets: NDArray[np.int64], threads: int, path: NDArray[np.uint8]
) -> int:
    """Write the path whose runs may have any length; return a base that nothing explains."""
    start = np.broadcast_to(chain.start, (offsets.size - 1, chain.n_states))
    arrays = [read_only(array, np.float64) for array in (start, chain.transition, chain.weights)]
    rows, tokens = _rows_and_tokens(chain)
    block = _BLOCK_POINTERS // chain.n_states
    failed = shared_out(
        lambda begin, end: kernel_of_any_runs(
            arrays[0], arrays[1], rows, arrays[2], chain.floor, tokens, offsets, begin, end,
            block, path,
        ),
        offsets,
        threads,
    )  # fmt: skip
    # Without a path, what stands there is anything.
    if failed < 0 and not np.array_equal(chain.labels, np.arange(chain.n_states)):
        for left in range(0, path.size, _BLOCK_POINTERS):
            here = slice(left, left + _BLOCK_POINTERS)
            path[here] = chain.labels[path[here]]
    return failed


def _long_runs(
    chain: Chain,
    offsets: NDArray[np.int64],
    minimum_lengths: NDArray[np.int64],
    threads: int,
    path: NDArray[np.uint8],
) -> int:
    """Write the path of runs of the least lengths; return a base that nothing explains."""
    labels = read_only(chain.labels, np.uint8)
    n_labels = int(labels.max()) + 1
    if minimum_lengths.shape != (n_labels,) or minimum_lengths.min() < 1:
        raise ValueError(f"each of the {n_labels} labels needs a least length of 1 or more")
    if minimum_lengths.max() > LONGEST_MINIMUM:
        raise ValueError(f"a run cannot be asked for more than {LONGEST_MINIMUM} bases")
    if chain.n_states > _MOST_STATES:
        raise ValueError(f"least lengths are known to {_MOST_STATES} states at most")
    longest = int(np.diff(offsets).max(initial=0))
    # No window needs to be longer than the longest sequence.
    width = np.minimum(minimum_lengths - 1, longest).astype(np.int64)
    at = np.concatenate([[0], np.cumsum(width[labels])])
    rows, tokens = _rows_and_tokens(chain)
    with np.errstate(divide="ignore"):
        start, step = (np.log(array) for array in (chain.start, chain.transition))
        if chain.tokens is not None:
            rows = np.log(np.maximum(rows, chain.floor) * chain.weights)
            largest = rows.max(axis=1, keepdims=True)
            rows = rows - np.where(np.isfinite(largest), largest, 0.0)
    start, step, rows, weights = (
        read_only(array, array.dtype)
        for array in (
            np.broadcast_to(start, (offsets.size - 1, chain.n_states)),
            step,
            rows,
            chain.weights,
        )
    )
    members = read_only(np.argsort(labels, kind="stable"), np.int64)
    bounds = np.searchsorted(labels[members], np.arange(n_labels + 1))
    # Pointers of a block and what is kept at the start of each: the sum is smallest like this.
    kept, pointers = 9 * at[-1] + 8 * (chain.n_states + 1) * chain.n_states, 2 * chain.n_states
    block = max(_BLOCK_POINTERS // pointers, math.isqrt(longest * int(kept) // pointers))
    rebase = max(_REBASE, int(width.max()))
    groups = (labels, members, bounds, width, at)
    evidence = (rows, weights, chain.floor, tokens)
    failed = shared_out(
        lambda begin, end: path_of_long_runs(
            start, step, groups, evidence, offsets, begin, end, block, rebase, path
        ),
        offsets,
        threads,
    )
    if failed >= 0 and failed % 2:
        raise SequenceError(
            "no path of states that the transitions allow has runs of the least lengths",
            *place_of(failed // 2, offsets),
            advice="make minimum_length smaller",
        )
    return failed if failed < 0 else failed // 2


def _rows_and_tokens(
    chain: Chain,
) -> tuple[NDArray[np.floating[Any]], NDArray[np.unsignedinteger[Any]]]:
    none = np.empty(0, dtype=np.uint8)
    tokens = none if chain.tokens is None else chain.tokens
    return read_only(chain.rows, chain.rows.dtype), read_only(tokens, tokens.dtype)
