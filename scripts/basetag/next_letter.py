"""What follows a letter: by counts of what followed words like those before it, or by an HMM.

The counts make a Markov model of some order k, which looks at k letters, the present one among
them. Long words are rare, so the frequencies behind a word w are mixed with what its end w', a
letter shorter, says:

    P(x | w) = (n(w x) + T(w) P(x | w')) / (n(w) + T(w))

with n(w) the times that w was seen, n(w x) those that x came behind it, and T(w) how many different
letters did (Witten & Bell 1991, IEEE Trans Inf Theory 37:1085, their method C; mixed throughout, as
in Chen & Goodman 1999, Comput Speech Lang 13:359). Behind a word never seen P is that of its end;
below the empty word all letters are alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from basetag.errors import ConfigError, InputError
from basetag.exact_inference import filtered_posterior
from basetag.hmm import HMM
from basetag.kmer_table import MOST_COUNTS, n_contexts
from basetag.next_letter_kernels import count_followers, follower_probabilities

Tokens = NDArray[np.uint8]
Lengths = NDArray[np.int64]

_LARGEST_COUNT = 2**32 - 1
_BASES_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Followers:
    """How often each letter followed each word of at most `order` letters.

    Parameters
    ----------
    n_letters, order : int
    words : ndarray of int64, (words,)
        The words that were seen, from the smallest number on. Words are numbered from the empty one
        on, shorter before longer ones, those of one length in the order of their letters' tokens.
    counts : ndarray of uint32, (words, letters)
        What followed each.
    """

    n_letters: int
    order: int
    words: NDArray[np.int64]
    counts: NDArray[np.uint32]

    @classmethod
    def counted(
        cls,
        batches: Iterable[tuple[Tokens, NDArray[np.uint8], Lengths]],
        n_letters: int,
        order: int,
    ) -> Followers:
        """Count what follows the words of sequences.

        Parameters
        ----------
        batches : iterable of (tokens, labels, lengths)
            Sequences, one behind the other, the length of each, and the label of each letter: that
            behind it, or what is no plain letter where there is none.
        n_letters, order : int

        Raises
        ------
        ConfigError
            For an order of more words than there is room for.
        InputError
            For more letters than can be counted.
        """
        size = n_contexts(n_letters, order)
        if size * n_letters > MOST_COUNTS:
            raise ConfigError(
                f"order: {order} makes {size} words of {n_letters} letters, too many to count what "
                "follows each",
                advice="take a lower order",
            )
        starts = _starts(n_letters, order)
        counts = np.zeros((size, n_letters), dtype=np.uint32)
        total = 0
        for tokens, labels, lengths in batches:
            total += tokens.size
            if total > _LARGEST_COUNT:
                raise InputError(
                    f"more than {_LARGEST_COUNT:,} letters are too many to count",
                    advice="give fewer of them to the training split",
                )
            count_followers(tokens, labels, np.cumsum(lengths), n_letters, order, starts, counts)
        words = np.flatnonzero(counts.any(axis=1))
        return cls(n_letters, order, words, counts[words])

    def probabilities(
        self, tokens: Tokens, lengths: Lengths, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return how likely each letter is behind each letter of sequences, (bases, letters).

        Parameters
        ----------
        tokens : ndarray of uint8, (bases,)
            Sequences, one behind the other. No word reaches over the beginning of one, or over an
            ambiguous code.
        lengths : ndarray of int64, (sequences,)
        out : ndarray of float32, (bases, letters), optional
            Where to write.
        """
        if out is None:
            out = np.empty((tokens.size, self.n_letters), dtype=np.float32)
        follower_probabilities(
            tokens,
            np.cumsum(lengths),
            self.n_letters,
            self.order,
            _starts(self.n_letters, self.order),
            self._row_of(),
            self.counts,
            out,
        )
        return out

    def _row_of(self) -> NDArray[np.int32]:
        row_of = np.full(n_contexts(self.n_letters, self.order), -1, dtype=np.int32)
        row_of[self.words] = np.arange(self.words.size, dtype=np.int32)
        return row_of


def next_letter_posterior(
    hmm: HMM,
    tokens: Tokens,
    lengths: Lengths,
    out: NDArray[np.float32] | None = None,
    threads: int = 1,
) -> NDArray[np.float32]:
    """Return P(next letter | the letters of its sequence so far) of a model, (bases, letters).

    That is the filtered state, a step further, and what is emitted there.

    Parameters
    ----------
    hmm : HMM
    tokens : ndarray of uint8, (bases,)
        Independent sequences, one behind the other.
    lengths : ndarray of int64, (sequences,)
    out : ndarray of float32, (bases, letters), optional
        Where to write.
    threads : int

    Raises
    ------
    SequenceError
        As `exact_inference.filtered_posterior`.
    """
    # Of each state, not of each label: states that bear one label emit different letters behind it.
    apart = tuple(chr(ord("!") + state) for state in range(hmm.n_states))
    filtered = filtered_posterior(
        replace(hmm, states=apart, labels=apart), tokens, lengths, threads=threads
    )
    if out is None:
        out = np.empty((tokens.size, hmm.alphabet.n_letters), dtype=np.float32)
    ahead = hmm.transition @ hmm.emission  # (states, letters)
    for start in range(0, tokens.size, _BASES_AT_ONCE):
        here = slice(start, start + _BASES_AT_ONCE)
        expected = filtered[here].astype(np.float64) @ ahead
        out[here] = expected / expected.sum(axis=1, keepdims=True)
    return out


def _starts(n_letters: int, order: int) -> NDArray[np.int64]:
    """Return the number of the first word of each length, (order + 1,)."""
    return np.array([n_contexts(n_letters, length - 1) for length in range(order + 1)])
