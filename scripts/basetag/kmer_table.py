"""How large a table of k-mers becomes: known before a job starts, and without arrays."""

from __future__ import annotations

#: Cells of a k-mer table, one for each word and state: 32 MB of counts.
MOST_CELLS = 1 << 22

#: Counts of a Markov model, one for each word and letter behind it: 512 MB.
MOST_COUNTS = 1 << 27


def n_words(n_letters: int, k: int) -> int:
    """Return the number of words around a base: `k` letters, or fewer to either side of it."""
    reach = range((k - 1) // 2 + 1)
    return sum(n_letters ** (left + 1 + right) for left in reach for right in reach)


def n_contexts(n_letters: int, order: int) -> int:
    """Return the number of words of at most `order` letters before a base, none among them."""
    return sum(n_letters**length for length in range(order + 1))
