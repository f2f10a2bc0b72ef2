"""Hidden Markov models estimated from data: by counting labels, or by EM without any.

The EM is hmmlearn's; what is added is where it starts, the restarts, and the matching of its
nameless states to labels. What a model is lies in `basetag.hmm`.
"""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.errors import InputError
from basetag.hmm import HMM
from basetag.markov_hmm import MarkovHMM, WordsBefore

# Bases counted at once, so that a memory map of any size is never held.
_CHUNK_BASES = 1 << 22
# Random starts: runs of a mean length anywhere between these, on a scale of ratios.
_SHORTEST_RUN, _LONGEST_RUN = 2.0, 1000.0
# Random starts: how closely each state's emissions keep to the letters' frequencies.
_EMISSION_CONCENTRATION = 40.0
# Least emission probability that EM leaves. A letter that its bases lack would get 0, and one such
# letter in other data make every path impossible. About one base in as many as a fit commonly has:
# a letter that was not seen is not known to be rarer.
_LEAST_EMISSION = 1e-6

_logger = logging.getLogger(__name__)


def fit_counts(
    tokens: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    alphabet: Alphabet,
    states: tuple[str, ...],
    pseudocount: float,
) -> HMM:
    """Return the model of greatest likelihood given bases and labels: frequencies of what is seen.

    Parameters
    ----------
    tokens : ndarray of uint8, (bases,)
        Independent sequences one after the other. Ambiguous codes count for no emission.
    labels : ndarray of uint8, (bases,)
        State of each base; a value that is no state (255, unlabelled) counts for nothing, and
        no transition leads to it or from it.
    lengths : ndarray of int64, (sequences,)
    alphabet : Alphabet
    states : tuple of str
    pseudocount : float
        Added to every count; above 0, nothing is impossible.

    Raises
    ------
    InputError
        Where, without pseudocount, a state is never seen to start, to be followed or to emit.
    """
    n = len(states)
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    begins = offsets[:-1][np.diff(offsets) > 0]
    first = labels[begins]
    start = np.bincount(first[first < n], minlength=n)[:n]
    transition = np.zeros((n, n), dtype=np.int64)
    emission = np.zeros((n, alphabet.n_letters), dtype=np.int64)
    for left in range(0, len(tokens), _CHUNK_BASES):
        right = min(left + _CHUNK_BASES, len(tokens))
        here = np.asarray(labels[left:right])
        letters = np.asarray(tokens[left:right])
        seen = (here < n) & (letters < alphabet.n_letters)
        cells = here[seen].astype(np.int64) * alphabet.n_letters + letters[seen]
        emission += np.bincount(cells, minlength=emission.size).reshape(emission.shape)
        # The base before each; none before the first of a sequence.
        before = np.asarray(labels[max(left - 1, 0) : right - 1])
        after = here if left else here[1:]
        linked = (before < n) & (after < n)
        inside = begins[(begins > 0) & (begins >= left) & (begins < right)]
        linked[inside - max(left, 1)] = False
        cells = before[linked].astype(np.int64) * n + after[linked]
        transition += np.bincount(cells, minlength=n * n).reshape(n, n)
    return HMM(
        alphabet,
        states,
        _frequencies(start[None], pseudocount, ["at the start of a sequence"])[0],
        _frequencies(transition, pseudocount, [f"before another label: {s}" for s in states]),
        _frequencies(emission, pseudocount, [f"on an unambiguous letter: {s}" for s in states]),
    )


def fit_word_counts(
    tokens: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    alphabet: Alphabet,
    states: tuple[str, ...],
    order: int,
    pseudocount: float,
) -> MarkovHMM:
    """Return the model whose emissions look back `order` bases, by what is seen.

    A shorter word before a base, at the beginning of a sequence or behind an ambiguous code, has
    the letters behind all words that end with it. Parameters and errors are those of `fit_counts`.
    """
    n, n_letters = len(states), alphabet.n_letters
    words = WordsBefore(alphabet, order)
    emission = np.zeros(words.size * n * n_letters, dtype=np.int64)
    for here, word in words.of_bases(tokens, lengths):
        label, letter = labels[here], tokens[here]
        seen = (label < n) & (letter < n_letters)
        cells = (word[seen] * n + label[seen]) * n_letters + letter[seen]
        emission += np.bincount(cells, minlength=emission.size)
    counts = words.accumulate(emission.reshape(words.size, n, n_letters))
    plain = fit_counts(tokens, labels, lengths, alphabet, states, pseudocount)
    seen_words = [f"behind each word of {order} letters: {s}" for s in states] * words.size
    by_word = _frequencies(counts.reshape(-1, n_letters), pseudocount, seen_words)
    by_word = by_word.reshape(counts.shape)
    return MarkovHMM(
        alphabet, states, plain.start, plain.transition, by_word[0], word_emission=by_word
    )


def fit_em(
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    alphabet: Alphabet,
    states: tuple[str, ...],
    *,
    seed: int,
    restarts: int,
    iterations: int,
    tolerance: float,
) -> HMM:
    """Return the model that EM (Baum-Welch) finds without labels, the best of several starts.

    Which state is which is left to chance: see `match_states`. Every letter keeps a probability of
    about 1e-6 or more in every state, so that no other data are impossible.

    Parameters
    ----------
    tokens : ndarray of uint8, (bases,)
        Independent sequences one after the other, cut where ambiguous codes stand. Takes about 90
        bytes a base.
    lengths : ndarray of int64, (sequences,)
    alphabet : Alphabet
    states : tuple of str
    seed : int
        Of the random starts.
    restarts : int
        Number of starts, 1 or more.
    iterations : int
        Most iterations of one start.
    tolerance : float
        A start has converged when an iteration gains less log-likelihood than this: nats per base.

    Raises
    ------
    InputError
        Where there is no unambiguous letter to learn from.
    """
    from hmmlearn.hmm import CategoricalHMM

    letters, pieces = _cut_at_codes(np.asarray(tokens), lengths, alphabet.n_letters)
    if not letters.size:
        raise InputError(
            "no letter to fit a hidden Markov model to: all are ambiguous",
            advice="give sequences with plain letters",
        )
    counts = np.bincount(letters, minlength=alphabet.n_letters)
    best: HMM | None = None
    best_likelihood = -np.inf
    for number in range(restarts):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        first = _random_start(alphabet, states, counts, rng)
        model = CategoricalHMM(
            first.n_states,
            n_features=alphabet.n_letters,
            n_iter=iterations,
            tol=tolerance * letters.size,
            init_params="",
            implementation="scaling",
            random_state=0,  # never drawn from: all parameters are given
        )
        model.startprob_ = first.start
        model.transmat_ = first.transition
        model.emissionprob_ = first.emission
        model.fit(letters[:, None], pieces)
        history = list(model.monitor_.history)
        likelihood = history[-1]
        gained_little = len(history) > 1 and history[-1] - history[-2] < model.tol
        _logger.info(
            "EM, start %d of %d: log-likelihood %.6f nats per base after %d iterations (%s)",
            number + 1,
            restarts,
            likelihood / letters.size,
            model.monitor_.iter,
            "converged" if gained_little else "stopped before it converged",
        )
        if best is None or likelihood > best_likelihood:
            best_likelihood = likelihood
            best = HMM(
                alphabet,
                states,
                model.startprob_,
                _renormalised(model.transmat_),
                _renormalised(np.maximum(model.emissionprob_, _LEAST_EMISSION)),
            )
    if best is None:
        raise ValueError("EM needs one start at least")
    return best


def match_states(
    calls: NDArray[np.uint8], labels: NDArray[np.uint8], n_states: int
) -> NDArray[np.int64]:
    """Return the hidden state that goes with each label, by the most matches in all.

    The assignment is that of the Hungarian method (Kuhn 1955, Nav Res Logist Q 2:83).

    Parameters
    ----------
    calls : ndarray of uint8, (bases,)
        The hidden state called at each base: the likeliest, or that of the most probable path.
    labels : ndarray of uint8, (bases,)
        Values that are no state (255, unlabelled) count for nothing.
    n_states : int

    Returns
    -------
    ndarray of int64, (states,)
        An order for `HMM.permuted`, whose state i then stands for label i.
    """
    from scipy.optimize import linear_sum_assignment

    counts = np.zeros((n_states, n_states), dtype=np.int64)  # (labels, hidden states)
    for left in range(0, len(labels), _CHUNK_BASES):
        true = np.asarray(labels[left : left + _CHUNK_BASES])
        called = np.asarray(calls[left : left + _CHUNK_BASES])
        known = true < n_states
        cells = true[known].astype(np.int64) * n_states + called[known]
        counts += np.bincount(cells, minlength=counts.size).reshape(counts.shape)
    _, order = linear_sum_assignment(counts, maximize=True)
    return np.asarray(order, dtype=np.int64)


def _renormalised(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    distributions: NDArray[np.float64] = rows / rows.sum(axis=1, keepdims=True)
    return distributions


def _frequencies(
    counts: NDArray[np.int64], pseudocount: float, seen: list[str]
) -> NDArray[np.float64]:
    rows = counts + float(pseudocount)
    totals = rows.sum(axis=1, keepdims=True)
    for total, where in zip(totals, seen, strict=True):
        if total == 0:
            raise InputError(
                f"no label is seen {where}",
                advice="label more of the training data, or set a pseudocount above 0",
            )
    frequencies: NDArray[np.float64] = rows / totals
    return frequencies


def _cut_at_codes(
    tokens: NDArray[np.uint8], lengths: NDArray[np.int64], n_letters: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the plain letters and the lengths of the pieces that codes and ends cut them into."""
    plain = tokens < n_letters
    sequence = np.repeat(np.arange(len(lengths)), lengths)[plain]
    codes_before = np.cumsum(~plain)[plain]
    letters = tokens[plain]
    new = (np.diff(sequence) > 0) | (np.diff(codes_before) > 0)
    cuts = np.r_[0, np.flatnonzero(new) + 1, letters.size]
    return letters, np.diff(cuts)[np.diff(cuts) > 0]


def _random_start(
    alphabet: Alphabet,
    states: tuple[str, ...],
    counts: NDArray[np.int64],
    rng: np.random.Generator,
) -> HMM:
    n = len(states)
    frequency = (counts + 1) / (counts + 1).sum()
    leave = 1 / np.exp(rng.uniform(np.log(_SHORTEST_RUN), np.log(_LONGEST_RUN), n))
    transition = np.diag(1 - leave)
    for state in range(n):
        others = np.arange(n) != state
        transition[state, others] = leave[state] * rng.dirichlet(np.ones(n - 1))
    emission = rng.dirichlet(_EMISSION_CONCENTRATION * frequency, n)
    return HMM(alphabet, states, np.full(n, 1 / n), transition, emission)
