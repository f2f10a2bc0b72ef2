"""The compiled loop that counts the words of sequences."""

from __future__ import annotations

import numba


@numba.njit(cache=True, error_model="numpy", nogil=True)
def count_words(tokens, ends, n_letters, k, counts):  # type: ignore[no-untyped-def]
    """Add the words of k plain letters to `counts`; none reaches over the end of a sequence.

    Parameters
    ----------
    tokens : ndarray of uint8, (bases,)
        Sequences, one behind the other; plain letters lie below `n_letters`.
    ends : ndarray of int64, (sequences,)
        Where each sequence ends; the last one may end beyond the tokens.
    n_letters, k : int
    counts : ndarray of int64, (n_letters ** k,)
    """
    size = counts.size
    begin = 0
    for sequence in range(ends.size):
        end = min(ends[sequence], tokens.size)
        word = 0
        plain = 0
        for base in range(begin, end):
            token = tokens[base]
            if token >= n_letters:
                plain = 0
                continue
            word = (word * n_letters + token) % size
            plain += 1
            if plain >= k:
                counts[word] += 1
        begin = end
