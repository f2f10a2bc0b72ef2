"""Hidden Markov models whose states emit a letter by the letters before it.

Within a state the letters follow each other by a Markov chain of some order k: a base depends on
its state and on the k bases before it, whatever the states of those were. With k = 1 and two states
it is the model of CpG islands with eight states of Durbin, Eddy, Krogh & Mitchison (1998,
Biological Sequence Analysis, section 3.2); with k = 5 and those of genes, the model of Borodovsky &
McIninch (1993, Comput Chem 17:123).

It is not unfolded into a state for each word: to inference, a letter and the words before it are
one symbol, a row of a table of likelihoods (`MarkovHMM.rows_of`), and the chain is that of the
states alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.hmm import HMM, SUM_TOLERANCE
from basetag.kmer_table import n_contexts
from basetag.scratch import new_array

_BASES_AT_ONCE = 1 << 18
# The rows of longer sequences lie in a file, not in memory.
_IN_MEMORY_BASES = 1 << 22


class WordsBefore:
    """The numbering of the words before a base: its last `order` letters, or what there is of them.

    A word ends before that at the beginning of the sequence and at an ambiguous code; the empty one
    is number 0, and shorter ones come first.

    Parameters
    ----------
    alphabet : Alphabet
    order : int
        Letters of the longest word.
    """

    def __init__(self, alphabet: Alphabet, order: int) -> None:
        self.alphabet = alphabet
        self.order = order
        #: Number of words.
        self.size = n_contexts(alphabet.n_letters, order)
        #: Number of the first word of each length, (order + 1,).
        self.first = np.array([n_contexts(alphabet.n_letters, n - 1) for n in range(order + 1)])

    def of_bases(
        self, tokens: NDArray[np.uint8], lengths: NDArray[np.int64]
    ) -> Iterator[tuple[slice, NDArray[np.int64]]]:
        """Yield blocks of bases and the word before each, (bases in the block,).

        Parameters
        ----------
        tokens : ndarray of uint8, (bases,)
            Independent sequences, one behind the other.
        lengths : ndarray of int64, (sequences,)
        """
        n_letters = self.alphabet.n_letters
        ends = np.cumsum(lengths)
        for start in range(0, len(tokens), _BASES_AT_ONCE):
            stop = min(start + _BASES_AT_ONCE, len(tokens))
            place = np.arange(start, stop)
            sequence = np.searchsorted(ends, place, side="right")
            begin = ends[sequence] - lengths[sequence]
            first = max(0, start - self.order)
            around = np.full(stop - start + self.order, n_letters, dtype=np.int64)
            around[first - start + self.order :] = tokens[first:stop]
            length = np.zeros(place.size, dtype=np.int64)
            word = np.zeros(place.size, dtype=np.int64)
            for back in range(1, self.order + 1):
                letter = around[self.order - back :][: place.size]
                goes_on = (length == back - 1) & (place - back >= begin) & (letter < n_letters)
                word += np.where(goes_on, letter * n_letters ** (back - 1), 0)
                length += goes_on
            yield slice(start, stop), self.first[length] + word

    def accumulate(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Let each word also count what came behind the longer ones that end with it.

        Parameters
        ----------
        counts : ndarray of int64, (words, ...)
            What is counted by the longest word before each base.

        Returns
        -------
        ndarray of int64, (words, ...)
        """
        total = counts.copy()
        n_letters = self.alphabet.n_letters
        for length in reversed(range(self.order)):
            here, longer = self.first[length], self.first[length + 1]
            size = n_letters**length
            behind = total[longer : longer + size * n_letters]
            total[here : here + size] += behind.reshape(n_letters, size, *counts.shape[1:]).sum(0)
        return total


@dataclass(frozen=True, eq=False)
class MarkovHMM(HMM):
    """A hidden Markov model whose emissions look back.

    Parameters
    ----------
    alphabet, states, start, transition, labels
        As of `HMM`.
    emission : ndarray of float64, (states, letters)
        Those without any letter before.
    word_emission : ndarray of float64, (words, states, letters)
        Probability of each letter given the word before and the state; the words are those of
        `WordsBefore`, of whatever order.

    Raises
    ------
    ValueError
        For arrays of other shapes, or rows that are no distributions.
    """

    word_emission: NDArray[np.float64] = field(kw_only=True)

    def __post_init__(self) -> None:
        HMM.__post_init__(self)
        rows = np.array(self.word_emission, dtype=np.float64)
        if rows.shape != (self.words.size, self.n_states, self.alphabet.n_letters):
            raise ValueError(f"word_emission has the shape {rows.shape}")
        if not (np.all(rows >= 0) and np.allclose(rows.sum(axis=2), 1, atol=SUM_TOLERANCE)):
            raise ValueError("word_emission has a row that is no probability distribution")
        rows.flags.writeable = False
        object.__setattr__(self, "word_emission", rows)

    @cached_property
    def words(self) -> WordsBefore:
        """The words before a base."""
        order, n_letters = 0, self.alphabet.n_letters
        while n_contexts(n_letters, order) < len(self.word_emission):
            order += 1
        return WordsBefore(self.alphabet, order)

    @cached_property
    def token_likelihood(self) -> NDArray[np.float64]:
        """P(token | the word before, state), (words x tokens, states): see `rows_of`.

        An ambiguous code has the sum over the letters that it may stand for, and one that may stand
        for every letter exactly 1, as without words.
        """
        membership = self.alphabet.membership
        likelihood = np.einsum("xl,wsl->wxs", membership, self.word_emission)
        likelihood[:, membership.all(axis=1)] = 1.0
        rows: NDArray[np.float64] = likelihood.reshape(-1, self.n_states)
        rows.flags.writeable = False
        return rows

    def rows_of(
        self, tokens: NDArray[np.uint8], lengths: NDArray[np.int64]
    ) -> NDArray[np.unsignedinteger[Any]]:
        """Return the row of `token_likelihood` of each base: see `HMM.rows_of`.

        Those of many bases lie in a file without a name, in the system's folder for such.
        """
        n_tokens = self.alphabet.n_tokens
        kind = np.min_scalar_type(self.words.size * n_tokens)
        rows = new_array((len(tokens),), kind, on_disk=len(tokens) > _IN_MEMORY_BASES)
        for here, word in self.words.of_bases(tokens, lengths):
            rows[here] = word * n_tokens + tokens[here]
        return rows
