"""Shuffles of a sequence that keep how often each letter follows each other one.

The letters of a sequence, joined by an edge from each to the one behind it, form a graph in which
the sequence is an Eulerian trail; its permutations with the same counts of dinucleotides, which
also keep the first and the last letter, are the other Eulerian trails between the same two ends.
One of them is drawn with equal probability (Altschul and Erickson 1985, Mol Biol Evol 2:526): a
random tree of last exits that leads to the last letter, then a random order of all other edges.
The tree is drawn by Wilson's algorithm (1996, Proc STOC 28:296) where the paper draws until one
fits, which on long runs of one letter would take too long.

What is shuffled, and for what, says `basetag.controls`.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


def euler_shuffle(
    tokens: NDArray[np.uint8], n_letters: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Draw one of the permutations of a sequence that keep all counts of dinucleotides.

    Each is equally likely, but for the 2**-53 to which a uniform number is exact. A stretch of
    plain letters between ambiguous codes is shuffled by itself; the codes stay where they are, and
    so do the letters beside them.

    Parameters
    ----------
    tokens : ndarray of uint8, (bases,)
        Of one sequence; from `n_letters` on they are ambiguous codes.
    n_letters : int
        Plain letters of the alphabet.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, (bases,)

    Examples
    --------
    >>> euler_shuffle(np.array([0, 1, 0, 2, 0], dtype=np.uint8), 4, np.random.default_rng(1))
    array([0, 2, 0, 1, 0], dtype=uint8)
    """
    tokens = np.ascontiguousarray(tokens, dtype=np.uint8)
    out = tokens.copy()
    _shuffle_stretches(tokens, n_letters, rng, out)
    return out


_compiled = numba.njit(cache=True, error_model="numpy", nogil=True)


@_compiled
def _shuffle_stretches(tokens, n_letters, rng, out):  # type: ignore[no-untyped-def]
    behind = np.empty(tokens.size, dtype=np.uint8)
    start = 0
    while start < tokens.size:
        if tokens[start] >= n_letters:
            start += 1
            continue
        stop = start + 1
        while stop < tokens.size and tokens[stop] < n_letters:
            stop += 1
        if stop - start > 3:  # a shorter one has no other order
            _shuffle(tokens[start:stop], n_letters, rng, behind, out[start:stop])
        start = stop


@_compiled
def _shuffle(tokens, n_letters, rng, behind, out):  # type: ignore[no-untyped-def]
    """Write a permutation of plain letters; `behind` is room for the edges."""
    # The edges that leave each letter, by what they lead to: first those that leave it for
    # another one, from `begin` to `loops`, then those that stay, to `end`.
    end = np.zeros(n_letters, dtype=np.int64)
    loops = np.zeros(n_letters, dtype=np.int64)
    n_edges = tokens.size - 1
    for i in range(n_edges):
        end[tokens[i]] += 1
        loops[tokens[i]] += tokens[i] != tokens[i + 1]
    begin = np.zeros(n_letters, dtype=np.int64)
    for letter in range(n_letters):
        if letter > 0:
            begin[letter] = end[letter - 1]
        end[letter] += begin[letter]
        loops[letter] += begin[letter]
    leaving = begin.copy()
    staying = loops.copy()
    for i in range(n_edges):
        letter = tokens[i]
        if tokens[i + 1] != letter:
            behind[leaving[letter]] = tokens[i + 1]
            leaving[letter] += 1
        else:
            behind[staying[letter]] = letter
            staying[letter] += 1

    # The tree of last exits: from each letter a random walk to what is in the tree already, of
    # which the last exit from each letter counts, so that loops are erased.
    last = tokens[n_edges]
    in_tree = np.zeros(n_letters, dtype=np.bool_)
    in_tree[last] = True
    exits = np.empty(n_letters, dtype=np.int64)
    for letter in range(n_letters):
        if begin[letter] == end[letter]:
            continue
        at = letter
        while not in_tree[at]:
            exits[at] = begin[at] + int(rng.random() * (loops[at] - begin[at]))
            at = behind[exits[at]]
        at = letter
        while not in_tree[at]:
            in_tree[at] = True
            at = behind[exits[at]]

    for letter in range(n_letters):
        free = end[letter]
        if free > begin[letter] and letter != last:
            free -= 1
            edge = exits[letter]
            behind[edge], behind[free] = behind[free], behind[edge]
        for i in range(free - 1, begin[letter], -1):
            j = begin[letter] + int(rng.random() * (i + 1 - begin[letter]))
            behind[i], behind[j] = behind[j], behind[i]

    at = tokens[0]
    out[0] = at
    for i in range(1, tokens.size):
        edge = begin[at]
        begin[at] += 1
        at = behind[edge]
        out[i] = at
