"""Compiled loops over the words before a letter: what follows each, and how likely that is."""

from __future__ import annotations

import numba


@numba.njit(cache=True, error_model="numpy", nogil=True)
def count_followers(tokens, labels, ends, n_letters, order, starts, counts):  # type: ignore[no-untyped-def]
    """Add each letter's label to the counts of all words of at most `order` letters that end there.

    Parameters
    ----------
    tokens, labels : ndarray of uint8, (bases,)
        Sequences, one behind the other; plain letters, and labels, lie below `n_letters`.
    ends : ndarray of int64, (sequences,)
        Where each sequence ends.
    n_letters, order : int
    starts : ndarray of int64, (order + 1,)
        Number of the first word of each length.
    counts : ndarray of uint32, (words, letters)
    """
    longest = n_letters**order
    begin = 0
    for sequence in range(ends.size):
        word = 0
        plain = 0
        for base in range(begin, ends[sequence]):
            token = tokens[base]
            if token < n_letters:
                word = (word * n_letters + token) % longest
                plain = min(plain + 1, order)
            else:
                word = 0
                plain = 0
            if labels[base] >= n_letters:
                continue
            size = 1
            for length in range(plain + 1):
                counts[starts[length] + word % size, labels[base]] += 1
                size *= n_letters
        begin = ends[sequence]


@numba.njit(cache=True, error_model="numpy", nogil=True)
def follower_probabilities(tokens, ends, n_letters, order, starts, row_of, counts, out):  # type: ignore[no-untyped-def]
    """Write what follows each letter, by the words that end there, each mixed with the shorter one.

    Parameters
    ----------
    tokens, ends, n_letters, order, starts
        As `count_followers`.
    row_of : ndarray of int32, (words,)
        Row of a word in `counts`; -1 where it was never seen.
    counts : ndarray of uint32, (rows, letters)
    out : ndarray of float32, (bases, letters)
    """
    longest = n_letters**order
    begin = 0
    for sequence in range(ends.size):
        word = 0
        plain = 0
        for base in range(begin, ends[sequence]):
            token = tokens[base]
            if token < n_letters:
                word = (word * n_letters + token) % longest
                plain = min(plain + 1, order)
            else:
                word = 0
                plain = 0
            for letter in range(n_letters):
                out[base, letter] = 1.0 / n_letters
            size = 1
            for length in range(plain + 1):
                row = row_of[starts[length] + word % size]
                if row < 0:
                    break  # nor was a longer word that ends with it
                seen = 0
                kinds = 0
                for letter in range(n_letters):
                    seen += counts[row, letter]
                    kinds += counts[row, letter] > 0
                for letter in range(n_letters):
                    mixed = counts[row, letter] + kinds * out[base, letter]
                    out[base, letter] = mixed / (seen + kinds)
                size *= n_letters
        begin = ends[sequence]
