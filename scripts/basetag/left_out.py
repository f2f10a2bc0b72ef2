"""Bases that get no label, because of their letters: masked ones, and those that nobody knows.

Lower case is no part of a token. Where masked bases are to be left out, tokens bear it as their
highest bit from the reading of the letters until the labels stand.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.fasta import LetterTable
from basetag.letters import UNLABELLED

#: What can be left out: lower-case letters; letters that stand for several.
MASKED, UNKNOWN = "masked", "unknown"

_LOWER_CASE = 0x80
_CHUNK = 1 << 22


def letters_to_tokens(alphabet: Alphabet, leave_out: Collection[str]) -> LetterTable:
    """Return the table from letters to tokens, which keeps the case where that is needed.

    Raises
    ------
    ValueError
        For masked bases of an alphabet in which lower-case letters are letters of their own.
    """
    table = LetterTable.of_alphabet(alphabet)
    if MASKED not in leave_out:
        return table
    if alphabet.case_sensitive or alphabet.n_tokens > _LOWER_CASE:
        raise ValueError(f"letters of {alphabet.name!r} cannot be masked")
    values = bytearray(table.values)
    for byte in range(ord("a"), ord("z") + 1):
        if values[byte] != table.wrong:
            values[byte] |= _LOWER_CASE
    return LetterTable(bytes(values), table.wrong, table.called, table.letters)


def without_case(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each token occurs, given the counts of values with their case, (256,)."""
    plain, with_case = counts[:_LOWER_CASE], counts[_LOWER_CASE:]
    return np.concatenate([plain + with_case, np.zeros_like(with_case)])


def leave_out_bases(
    tokens: Path, labels: Sequence[Path], alphabet: Alphabet, leave_out: Collection[str]
) -> tuple[NDArray[np.int64], dict[str, int]]:
    """Take the labels of masked and unknown bases away, and the case from their tokens.

    Parameters
    ----------
    tokens : Path
        Array of uint8, (bases,), written by `letters_to_tokens`; changed in place.
    labels : sequence of Path
        Arrays of uint8, (bases,), the labels first; changed in place.
    alphabet : Alphabet
    leave_out : collection of str
        `MASKED`, `UNKNOWN`.

    Returns
    -------
    taken : ndarray of int64, (256,)
        How many labels of each value went.
    left_out : dict of str to int
        Bases of each kind; one can be of both.
    """
    taken = np.zeros(256, dtype=np.int64)
    left_out = dict.fromkeys(leave_out, 0)
    if not leave_out:
        return taken, left_out
    bases = np.load(tokens, mmap_mode="r+")
    arrays = [np.load(path, mmap_mode="r+") for path in labels]
    for start in range(0, bases.size, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        out = np.zeros(bases[chunk].size, dtype=np.bool_)
        if MASKED in leave_out:
            masked = bases[chunk] >= _LOWER_CASE
            left_out[MASKED] += int(np.count_nonzero(masked))
            bases[chunk] &= _LOWER_CASE - 1
            out |= masked
        if UNKNOWN in leave_out:
            unknown = alphabet.is_ambiguous[bases[chunk]]
            left_out[UNKNOWN] += int(np.count_nonzero(unknown))
            out |= unknown
        taken += np.bincount(arrays[0][chunk][out], minlength=256)
        for array in arrays:
            array[chunk][out] = UNLABELLED
    for array in (bases, *arrays):
        array.flush()
    taken[UNLABELLED] = 0
    return taken, left_out
