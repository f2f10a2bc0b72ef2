"""CpG islands by the rule of Gardiner-Garden & Frommer (1987, J Mol Biol 196:261).

Around each base a window is looked at. With c, g and d the numbers of C, of G and of CpG in its n
bases, it is rich where

    (c + g) / n > gc    and    d n / (c g) > ratio

and an island is a stretch of at least `minimum_length` bases around each of which it is rich: a
moving average, as theirs. Takai & Jones (2002, PNAS 99:3740) take 0.55, 0.65 and 500 bases, and let
islands be rich windows as a whole; here they neither hold a joined island against the thresholds
again nor join what lies within 100 bases.

Whole-number arithmetic on arrays of tokens, in blocks, so that memory does not grow with a sequence
and no call depends on the blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet

#: The settings of the rule, as a config and a tagger's file name them.
CPG_SETTINGS = ("window", "gc", "ratio", "minimum_length", "whole_windows")

_BASES_AT_ONCE = 1 << 18
# A threshold in hundredths is then held against counts without rounding.
_FINEST_THRESHOLD = 10**6


class CpGRule:
    """Which bases lie in CpG islands.

    The window of a base begins half its width before it; where it would hang over an end of the
    sequence, it is moved inwards, and a sequence shorter than it is a window as a whole. Only plain
    letters are counted; the share of G and C is one of all bases, so that unknown ones make no
    island, and the expected number of CpG one of the plain letters.

    Parameters
    ----------
    alphabet : Alphabet
        With the letters C and G.
    window : int
        Width in bases.
    gc, ratio : float
        What share of G and C, and ratio of observed to expected CpG, lie above; taken to six
        digits behind the point.
    minimum_length : int
        Fewest bases of an island.
    whole_windows : bool
        Whether an island is made of all bases of rich windows, and not of their middles alone,
        which leaves half a window away at each of its ends.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        window: int,
        gc: float,
        ratio: float,
        minimum_length: int,
        whole_windows: bool = False,
    ) -> None:
        self.alphabet = alphabet
        self.window = window
        self.minimum_length = minimum_length
        self.whole_windows = whole_windows
        self._gc, self._ratio = (
            Fraction(value).limit_denominator(_FINEST_THRESHOLD) for value in (gc, ratio)
        )
        self._c, self._g = (alphabet.letters.index(letter) for letter in "CG")

    def of_bases(
        self, tokens: NDArray[np.uint8], lengths: NDArray[np.int64]
    ) -> Iterator[tuple[slice, NDArray[np.int64]]]:
        """Yield blocks of bases and whether each lies in an island, 1 or 0, (bases in the block,).

        Parameters
        ----------
        tokens : ndarray of uint8, (bases,)
            Independent sequences, one behind the other.
        lengths : ndarray of int64, (sequences,)
        """
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        # Of a stretch that goes on beyond this margin enough is seen to know that it is long.
        margin = self.minimum_length + (self.window if self.whole_windows else 0)
        for start in range(0, total, _BASES_AT_ONCE):
            stop = min(start + _BASES_AT_ONCE, total)
            first, last = max(0, start - margin), min(total, stop + margin)
            sequence = np.searchsorted(ends, np.arange(first, last), side="right")
            begin, end = ends[sequence] - lengths[sequence], ends[sequence]
            rich = self._rich(tokens, first, last, begin, end)
            begins = np.ones(last - first + 1, dtype=bool)  # of stretches alike; and the end of all
            begins[1:-1] = (rich[1:] != rich[:-1]) | (sequence[1:] != sequence[:-1])
            stretch = np.diff(np.flatnonzero(begins))
            island = rich & (np.repeat(stretch, stretch) >= self.minimum_length)
            yield slice(start, stop), island[start - first : stop - first].astype(np.int64)

    def _rich(
        self,
        tokens: NDArray[np.uint8],
        first: int,
        last: int,
        begin: NDArray[np.int64],
        end: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Return which bases from `first` to `last` (not included) make islands.

        `begin` and `end` are those of the sequence of each base. With whole windows, what windows
        of bases beyond them would add is left out.
        """
        place = np.arange(first, last)
        low = np.maximum(np.minimum(place - self.window // 2, end - self.window), begin)
        high = np.minimum(low + self.window, end)
        left, right = int(low.min()), int(high.max())
        here = np.asarray(tokens[left:right])
        low, high = low - left, high - left

        def counted(is_counted: NDArray[np.bool_], last_base: int) -> NDArray[np.int64]:
            so_far = np.concatenate([[0], np.cumsum(is_counted)])
            return np.asarray(so_far[high + last_base] - so_far[low], dtype=np.int64)

        is_c, is_g = here == self._c, here == self._g
        c, g = counted(is_c, 0), counted(is_g, 0)
        plain = counted(here < self.alphabet.n_letters, 0)
        # A window's last base begins no pair within it.
        pairs = counted(is_c[:-1] & is_g[1:], -1)
        enough_gc = (c + g) * self._gc.denominator > (high - low) * self._gc.numerator
        enough_cpg = pairs * plain * self._ratio.denominator > c * g * self._ratio.numerator
        rich = np.asarray(enough_gc & enough_cpg)
        if not self.whole_windows:
            return rich
        windows = np.zeros(right - left + 1, dtype=np.int64)
        np.add.at(windows, low[rich], 1)
        np.add.at(windows, high[rich], -1)
        return np.asarray(np.cumsum(windows)[first - left : last - left] > 0)
