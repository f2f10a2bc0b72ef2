"""Stretches of a corpus that say the same: copies, and reverse complements of each other.

Exact ones alone, found by a digest of their whole content; near ones are found by `near_copies`.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus

_CHUNK = 1 << 22


def groups_of_copies(
    corpus: Corpus, offsets: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return a number for each stretch that its copies and reverse complements share with it.

    A stretch of unknown bases alone is nobody's copy: there is nothing in it to leak.

    Parameters
    ----------
    corpus : Corpus
        Reverse complements count where its alphabet has complements.
    offsets, lengths : ndarray of int64, (stretches,)
        Where each stretch begins in the corpus, and its bases.

    Returns
    -------
    ndarray of int64, (stretches,)
        Numbered from 0 in order of first appearance.
    """
    groups = np.empty(len(offsets), dtype=np.int64)
    group_of_content: dict[bytes, int] = {}
    n_groups = 0
    for index, (start, length) in enumerate(zip(offsets.tolist(), lengths.tolist(), strict=True)):
        content = _content(corpus, start, start + length)
        group = group_of_content.get(content)
        if group is None or _says_nothing(corpus, start, start + length):
            group = group_of_content[content] = n_groups
            n_groups += 1
        groups[index] = group
    return groups


def _content(corpus: Corpus, start: int, end: int) -> bytes:
    """Return a digest that a stretch shares with its copies and reverse complements alone.

    What a sequence comes with is no part of it: the same sequence with something else is a copy.
    """
    start += int(corpus.alphabet.is_context(corpus.tokens[start : start + 1]).sum())
    digest = blake2b(digest_size=16)
    for at in range(start, end, _CHUNK):
        digest.update(corpus.tokens[at : min(at + _CHUNK, end)].tobytes())
    complement = corpus.alphabet.complement
    if complement is None:
        return digest.digest()
    other = blake2b(digest_size=16)
    for at in range(end, start, -_CHUNK):
        other.update(complement[corpus.tokens[max(at - _CHUNK, start) : at][::-1]].tobytes())
    return min(digest.digest(), other.digest())


def _says_nothing(corpus: Corpus, start: int, end: int) -> bool:
    """Whether a stretch holds unknown bases only."""
    return all(
        bool((corpus.tokens[at : min(at + _CHUNK, end)] == corpus.alphabet.unknown).all())
        for at in range(start, end, _CHUNK)
    )
