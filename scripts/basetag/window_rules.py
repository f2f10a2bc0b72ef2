"""Rules that look at a few bases around each base: k-mer tables, and the GC share of a window.

Whole-number arithmetic on arrays of tokens, in blocks, so that memory does not grow with a
sequence and no number depends on the blocks. What a rule is fitted on, and how it becomes a
tagger, lies in `basetag.baselines`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet

Tokens = NDArray[np.uint8]
Counts = NDArray[np.int64]

#: Steps of GC share that a wide window is divided into.
FINEST_SHARE = 1000

_BASES_AT_ONCE = 1 << 18


class KmerContexts:
    """The numbering of the contexts of a base: the k-mer around it, or what there is of one.

    The context of a base reaches (k - 1) / 2 bases to either side, and ends before that at an
    end of the sequence or at an ambiguous code. It is thus one of the words of `left` + 1 +
    `right` plain letters. A base that is itself an ambiguous code has no word, and its token
    alone is its context.

    Parameters
    ----------
    alphabet : Alphabet
    k : int
        Length of the longest word, odd.
    """

    def __init__(self, alphabet: Alphabet, k: int) -> None:
        self.alphabet = alphabet
        self.reach = (k - 1) // 2
        self._offsets = range(-self.reach, self.reach + 1)
        n = self.reach + 1
        sizes = [
            alphabet.n_letters ** (left + 1 + right) for left in range(n) for right in range(n)
        ]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self._start_of = starts[:-1].reshape(n, n)  # (left, right)
        self._first_code = int(starts[-1])
        #: Number of contexts: words of all lengths, and ambiguous codes.
        self.size = self._first_code + alphabet.n_tokens - alphabet.n_letters

    def of_bases(self, tokens: Tokens, lengths: Counts) -> Iterator[tuple[slice, Counts]]:
        """Yield blocks of bases and the number of each base's context, (bases in the block,)."""
        reach, n_letters = self.reach, self.alphabet.n_letters
        for here, begin, end in _blocks(lengths):
            place = np.arange(here.start, here.stop)
            # Beyond the tokens lies what is no plain letter, and so ends every word.
            first, last = max(0, here.start - reach), min(here.stop + reach, tokens.size)
            around = np.full(place.size + 2 * reach, n_letters, dtype=np.int64)
            start = first - here.start + reach
            around[start : start + last - first] = tokens[first:last]
            at = {offset: around[reach + offset :][: place.size] for offset in self._offsets}
            centre = at[0]
            left = np.zeros(place.size, dtype=np.int64)
            right = np.zeros(place.size, dtype=np.int64)
            for step in range(1, reach + 1):
                left += (left == step - 1) & (place - step >= begin) & (at[-step] < n_letters)
                right += (right == step - 1) & (place + step < end) & (at[step] < n_letters)
            word = np.zeros(place.size, dtype=np.int64)
            for offset in self._offsets:
                inside = (offset >= -left) & (offset <= right)
                word = np.where(inside, word * n_letters + at[offset], word)
            plain = centre < n_letters
            code = self._first_code + centre - n_letters
            yield here, np.where(plain, self._start_of[left, right] + word, code)

    def accumulate(self, counts: Counts) -> Counts:
        """Let each word also count the longer words around it, and each code its letters.

        Parameters
        ----------
        counts : ndarray of int64, (contexts, states)
            Labels of the bases by their longest context; those of ambiguous codes are not used.

        Returns
        -------
        ndarray of int64, (contexts, states)
            Labels of all bases in each context.
        """
        n, n_letters, n_states = self.reach + 1, self.alphabet.n_letters, counts.shape[1]
        tables: dict[tuple[int, int], Counts] = {}
        total = counts.copy()
        for left in reversed(range(n)):
            for right in reversed(range(n)):
                size = n_letters ** (left + 1 + right)
                here = slice(self._start_of[left, right], self._start_of[left, right] + size)
                table = counts[here].copy()
                if (left + 1, right) in tables:
                    table += tables[left + 1, right].reshape(n_letters, size, n_states).sum(axis=0)
                if (left, right + 1) in tables:
                    table += tables[left, right + 1].reshape(size, n_letters, n_states).sum(axis=1)
                if (left + 1, right + 1) in tables:
                    # Words longer on both sides have come in twice.
                    both = tables[left + 1, right + 1]
                    both = both.reshape(n_letters, size, n_letters, n_states)
                    table -= both.sum(axis=(0, 2))
                tables[left, right] = total[here] = table
        codes = self.alphabet.membership[n_letters:].astype(np.int64)
        total[self._first_code :] = codes @ tables[0, 0]
        return total


class GCShare:
    """The share of G and C in a window around each base, in whole steps.

    The window shrinks at the ends of a sequence, and an ambiguous code counts as the mixture of
    its bases.

    Parameters
    ----------
    alphabet : Alphabet
        With the letters G and C.
    window : int
        Width in bases, odd.
    """

    def __init__(self, alphabet: Alphabet, window: int) -> None:
        self.alphabet = alphabet
        self.reach = (window - 1) // 2
        #: Number of steps from a share of 0 to a share of 1.
        self.steps = min(window, FINEST_SHARE)

    @cached_property
    def _parts(self) -> tuple[Counts, int]:
        """GC share of each token in parts of a base, (tokens,), and the parts of a base."""
        whole = int(np.lcm.reduce(self.alphabet.membership.sum(axis=1).astype(np.int64)))
        columns = [self.alphabet.letters.index(letter) for letter in "GC"]
        share = self.alphabet.mixture[:, columns].sum(axis=1)
        return np.rint(share * whole).astype(np.int64), whole

    def of_bases(self, tokens: Tokens, lengths: Counts) -> Iterator[tuple[slice, Counts]]:
        """Yield blocks of bases and the share around each, in steps, (bases in the block,)."""
        parts, whole = self._parts
        for here, begin, end in _blocks(lengths):
            first = max(0, here.start - self.reach)
            around = parts[tokens[first : here.stop + self.reach]]
            so_far = np.concatenate([[0], np.cumsum(around)])
            place = np.arange(here.start, here.stop)
            low = np.maximum(place - self.reach, begin)
            high = np.minimum(place + self.reach + 1, end)
            gc = so_far[high - first] - so_far[low - first]
            bases = whole * (high - low)
            yield here, (2 * gc * self.steps + bases) // (2 * bases)  # rounded


def best_calls(histogram: Counts) -> NDArray[np.uint8]:
    """Cut an ordered quantity into at most K stretches, each called one state, most accurately.

    With two states this is the best single threshold, whichever state lies above it.

    Parameters
    ----------
    histogram : ndarray of int64, (values, states)
        Labels of the bases at each value.

    Returns
    -------
    ndarray of uint8, (values,)
        The state called at each value.

    Notes
    -----
    Dynamic programming over values, number of cuts and state: exact, not a search.
    """
    n_values, n_states = histogram.shape
    # Most matches so far with this many cuts (rows) when this state is called (columns).
    matches = np.zeros((n_states, n_states), dtype=np.int64)
    came_from = np.zeros((n_values, n_states, n_states), dtype=np.int64)
    for value in range(n_values):
        best_before = matches.argmax(axis=1)
        came_from[value] = np.arange(n_states)
        cut = matches[np.arange(n_states), best_before][:-1, None] > matches[1:]
        came_from[value, 1:][cut] = np.broadcast_to(best_before[:-1, None], cut.shape)[cut]
        matches[1:] = np.where(
            cut, matches[np.arange(n_states - 1), best_before[:-1]][:, None], matches[1:]
        )
        matches += histogram[value]
    calls = np.zeros(n_values, dtype=np.uint8)
    cuts, state = np.unravel_index(int(matches.argmax()), matches.shape)
    for value in reversed(range(n_values)):
        calls[value] = state
        before = came_from[value, cuts, state]
        if before != state:
            cuts, state = cuts - 1, before
    return calls


def smoothed_frequencies(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Return each row's frequencies after adding one to every count (Laplace), (rows, states)."""
    raised = counts + 1.0
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _blocks(lengths: Counts) -> Iterator[tuple[slice, Counts, Counts]]:
    """Yield blocks of bases, and where the sequence of each base begins and ends."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    for first in range(0, total, _BASES_AT_ONCE):
        here = slice(first, min(first + _BASES_AT_ONCE, total))
        sequence = np.searchsorted(ends, np.arange(here.start, here.stop), side="right")
        yield here, ends[sequence] - lengths[sequence], ends[sequence]
