"""Chance, base by base: how many matches independent labels reach, by simulation and exactly.

Two strings of states drawn uniformly and independently match at one position in K. This module
draws explicit pairs of them and counts their matches; beside them pairs that have the frequencies
of the truth and of the calls. The exact binomial tail stands beside both. They know nothing of
long segments, and there they flatter whatever is held against them: `shift_null` and `path_null`
are the fair rivals.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln

from basetag.judgement.null_figures import NullDistribution

Counts = NDArray[np.int64]

#: Random words held at a time, per plane of bits: half a megabyte, so that they stay in cache.
_WORDS_AT_ONCE = 1 << 16

# Below it a double begins to lose digits.
_SMALLEST_TAIL = 1e-290


def uniform_null(
    length: int, n_states: int, pairs: int, rng: np.random.Generator
) -> NullDistribution:
    """Return the matches of pairs of strings in which every state is equally likely.

    Parameters
    ----------
    length, n_states, pairs, rng
        As for `simulate_matches`.
    """
    draws = simulate_matches(pairs, length, n_states, rng)
    return _binomial_null(draws, length, 1 / n_states)


def frequency_null(confusion: Counts, pairs: int, rng: np.random.Generator) -> NullDistribution:
    """Return the matches of pairs of strings with the frequencies of the truth and of the calls.

    The two strings are independent, and each of their bases, too: the matches are binomial, and
    are drawn from that law itself. The effect against it is Cohen's kappa (Cohen 1960, Educ
    Psychol Meas 20:37).

    Parameters
    ----------
    confusion : ndarray of int64, (states, states)
        True states in rows, called ones in columns.
    pairs : int
        Number of pairs.
    rng : numpy.random.Generator
        Source of the draws.
    """
    length = int(confusion.sum())
    probability = match_probability(confusion)
    return _binomial_null(rng.binomial(length, probability, size=pairs), length, probability)


def match_probability(confusion: Counts) -> float:
    """Return how likely two bases match that have the frequencies of the truth and the calls."""
    true, called = confusion.sum(axis=1), confusion.sum(axis=0)
    # Whole numbers, since 1 must be 1: there is then nothing to test.
    pairs = sum(int(a) * int(b) for a, b in zip(true, called, strict=True))
    return pairs / int(confusion.sum()) ** 2


def _binomial_null(draws: Counts, length: int, probability: float) -> NullDistribution:
    sd = math.sqrt(length * probability * (1 - probability))
    return NullDistribution(draws.astype(np.int64), length * probability, sd)


def simulate_matches(
    pairs: int, length: int, n_states: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw pairs of uniform random state strings and count the matches of each pair.

    Every string is drawn: 64 positions to a word, one word for each bit of a state's number. A
    position whose two numbers are not both below `n_states` is drawn again, so any number of
    states is uniform.

    Parameters
    ----------
    pairs : int
        Number of pairs.
    length : int
        Length of each string, in positions.
    n_states : int
        Number of states, K >= 2.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray of int64, (pairs,)
        Number of equal positions, 0 to `length`.

    Notes
    -----
    Memory is bounded whatever `pairs` and `length`.
    """
    if n_states < 2:
        raise ValueError("random strings need at least 2 states")
    bits = (n_states - 1).bit_length()
    acceptance = (n_states / 2**bits) ** 2
    matches = np.zeros(pairs, dtype=np.int64)
    missing = np.full(pairs, length, dtype=np.int64)
    first = 0
    while first < pairs and length > 0:
        # Three standard deviations more than expected, so that a second round is rare.
        expected = int(missing[first]) / acceptance
        spread = 3 * math.sqrt(expected * (1 - acceptance) / acceptance)
        words = min(math.ceil((expected + spread) / 64), _WORDS_AT_ONCE)
        rows = slice(first, min(first + _WORDS_AT_ONCE // words, pairs))
        while missing[rows].any():
            n_rows = rows.stop - rows.start
            equal, kept = _draw_words(n_rows, words, bits, n_states, rng)
            found, used = _count_first(equal, kept, missing[rows])
            matches[rows] += found
            missing[rows] -= used
        first = rows.stop
    return matches


def binomial_log10_tail(matches: int, length: int, probability: float) -> float:
    """Return log10 P(X >= matches) for X binomial, also where P itself underflows.

    The tail is the regularised incomplete beta function; where that is too small for a double, the
    point probability times the sum of the ratios of successive terms, which fall faster than a
    geometric series.

    Parameters
    ----------
    matches : int
        Number of successes, x.
    length : int
        Number of trials, n.
    probability : float
        Probability of success in one trial, strictly between 0 and 1.

    Returns
    -------
    float
        log10 of the probability; 0 for `matches` <= 0, -inf for `matches` > `length`.

    Examples
    --------
    >>> f"{10 ** binomial_log10_tail(305, 500, 0.5):.2e}"
    '4.95e-07'
    """
    if not 0 < probability < 1:
        raise ValueError("the probability of a match lies strictly between 0 and 1")
    if matches <= 0:
        return 0.0
    if matches > length:
        return -math.inf
    tail = float(betainc(matches, length - matches + 1, probability))
    if tail > _SMALLEST_TAIL:
        return math.log10(tail)
    log_point = (
        float(gammaln(length + 1) - gammaln(matches + 1) - gammaln(length - matches + 1))
        + matches * math.log(probability)
        + (length - matches) * math.log1p(-probability)
    )
    odds = probability / (1 - probability)
    total, term, x = 1.0, 1.0, matches
    while x < length and term > 1e-17 * total:
        block = np.arange(x, min(x + 4096, length), dtype=np.float64)
        terms = term * np.cumprod((length - block) / (block + 1) * odds)
        total += float(terms.sum())
        term = float(terms[-1])
        x += block.size
    return (log_point + math.log(total)) / math.log(10)


def _draw_words(
    rows: int, words: int, bits: int, n_states: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Draw words of positions of two strings, (rows, words): which are equal, which are kept."""
    highest = np.iinfo(np.uint64).max
    equal = np.full((rows, words), highest, dtype=np.uint64)
    kept = equal.copy()
    if n_states == 2**bits:
        for _ in range(bits):
            planes = rng.integers(highest, size=(2, rows, words), dtype=np.uint64, endpoint=True)
            equal &= ~(planes[0] ^ planes[1])
        return equal, kept
    # Comparison with the largest state, from the highest bit down: `tied` while all bits so far
    # are those of the largest state, and no longer kept once one is above it.
    tied = [kept.copy(), kept.copy()]
    for bit in reversed(range(bits)):
        planes = rng.integers(highest, size=(2, rows, words), dtype=np.uint64, endpoint=True)
        equal &= ~(planes[0] ^ planes[1])
        for string in range(2):
            if (n_states - 1) >> bit & 1:
                tied[string] &= planes[string]
            else:
                kept &= ~(tied[string] & planes[string])
                tied[string] &= ~planes[string]
    equal &= kept
    return equal, kept


def _count_first(
    equal: NDArray[np.uint64], kept: NDArray[np.uint64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count equal positions among the first `wanted` kept ones of each row; and those used."""
    kept_so_far = np.cumsum(np.bitwise_count(kept), axis=1, dtype=np.int64)
    whole = kept_so_far <= wanted[:, None]
    found: NDArray[np.int64] = (np.bitwise_count(equal) * whole).sum(axis=1, dtype=np.int64)
    n_whole = whole.sum(axis=1)
    used = np.where(
        n_whole > 0,
        np.take_along_axis(kept_so_far, np.maximum(n_whole - 1, 0)[:, None], axis=1)[:, 0],
        0,
    )
    cut = np.flatnonzero((n_whole < equal.shape[1]) & (used < wanted))
    if cut.size:
        kept_bits = np.unpackbits(kept[cut, n_whole[cut], None].view(np.uint8), axis=1)
        equal_bits = np.unpackbits(equal[cut, n_whole[cut], None].view(np.uint8), axis=1)
        taken = np.cumsum(kept_bits, axis=1, dtype=np.int64) <= (wanted - used)[cut, None]
        found[cut] += (equal_bits & taken).sum(axis=1, dtype=np.int64)
        used[cut] = wanted[cut]
    return found, used
