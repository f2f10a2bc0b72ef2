"""What each base of a sequence does to its class: in-silico mutagenesis.

Every single substitution is made and read again (Zhou & Troyanskaya 2015, Nat Methods 12:931). A
sequence of n bases and an alphabet of m letters is read n (m - 1) times, so the work grows with the
square of the length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from basetag.features import BaseFeatures
from basetag.tagger import Tagger
from basetag.vocabulary import alphabet_of

#: Bases that go through a tagger at a time.
BASES_AT_ONCE = 1 << 20
#: Bases that are read at most for the substitutions of one sequence.
MOST_BASES = 1 << 24
#: What a probability is raised to before its logarithm is taken.
_LEAST = 1e-30


def log_odds(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return log(p / (1 - p)) of each class, nats, (..., classes).

    1 - p is summed over the other classes: a difference from 1 would lose what is small.

    Parameters
    ----------
    probabilities : ndarray of float32, (..., classes)
    """
    own = probabilities.astype(np.float64)
    others = own @ (1.0 - np.eye(own.shape[-1]))
    found: NDArray[np.float64] = np.log(np.maximum(own, _LEAST))
    return found - np.log(np.maximum(others, _LEAST))


def mutagenesis(
    tagger: Tagger,
    tokens: NDArray[np.uint8],
    *,
    shown: int | None = None,
    threads: int = 1,
    features: BaseFeatures | None = None,
    at_once: int = BASES_AT_ONCE,
) -> NDArray[np.float32]:
    """Return by how much each substitution changes the log-odds of each class.

    Parameters
    ----------
    tagger : Tagger
        One that gives sequences as wholes a class; of any other, what it says of the last base.
        Its card names the alphabet.
    tokens : ndarray of uint8, (length,)
        One sequence.
    shown : int, optional
        Only the first so many bases are substituted, in the whole sequence.
    threads : int
        CPU threads of the tagger.
    features : ndarray of float32 or FeatureColumns, (length, features), optional
        Those of the bases, where the tagger reads some; a substitution does not change them.
    at_once : int
        Bases that are read at a time, or one sequence. Memory holds their tokens, features and
        probabilities.

    Returns
    -------
    ndarray of float32, (shown, letters, classes)
        In nats, of the alphabet's plain letters, or of the unknown word alone where these are words
        (a text without the one that stands there); zero for the letter that stands there, and where
        a context stands. At an ambiguous code every letter is a substitution.
    """
    length = tokens.size
    shown = length if shown is None else min(shown, length)
    alphabet = alphabet_of(tagger.card)
    put = alphabet.replacements
    n_letters = put.size
    places, letters = np.divmod(np.arange(shown * n_letters), n_letters)
    letters = put[letters]
    is_context = alphabet.is_context(tokens)
    other = np.flatnonzero((letters != tokens[places]) & ~is_context[places])
    if not other.size:  # nothing to substitute
        return np.zeros((shown, n_letters, len(tagger.card["states"])), dtype=np.float32)
    own = None if features is None else np.asarray(features[:length])

    def read(sequences: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the log-odds of sequences of this length, (sequences, classes)."""
        rows = len(sequences)
        beside = None if own is None else np.tile(own, (rows, 1))
        posterior = tagger.posterior(
            sequences.ravel(), np.full(rows, length, dtype=np.int64), threads, features=beside
        )
        return log_odds(posterior[length - 1 :: length])

    (before,) = read(tokens[None])
    changes = np.zeros((shown * n_letters, before.size), dtype=np.float32)
    rows = max(1, at_once // length)
    for first in range(0, other.size, rows):
        which = other[first : first + rows]
        sequences = np.repeat(tokens[None], which.size, axis=0)
        sequences[np.arange(which.size), places[which]] = letters[which]
        changes[which] = read(sequences) - before
    return changes.reshape(shown, n_letters, -1)


def is_affordable(length: int, shown: int, n_letters: int) -> bool:
    """Whether the first `shown` bases of a sequence can be substituted within `MOST_BASES`."""
    return length * shown * max(1, n_letters - 1) <= MOST_BASES
