"""What a k-mer is: which letters it has, how it becomes a number, and on which strands it is read.

A k-mer of DNA is read on both strands and is the smaller of its two numbers. It has 31 letters, the
most that leave two bits of 64 free; alphabets of more letters have as many as fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet

#: Letters of a k-mer of DNA.
K = 31
_BITS = 62


@dataclass(frozen=True)
class KmerCode:
    """How the k-mers of an alphabet become numbers of at most 62 bits.

    Parameters
    ----------
    k : int
        Letters of a k-mer.
    bits : int
        Bits of a letter.
    n_letters : int
        Plain letters; a token from here on is ambiguous, and no k-mer has one.
    complement : ndarray of uint8, (n_letters,)
        Token of each letter's complement; empty where there is one strand.
    """

    k: int
    bits: int
    n_letters: int
    complement: NDArray[np.uint8]

    @classmethod
    def of(cls, alphabet: Alphabet, k: int = K) -> KmerCode:
        """Return the code of an alphabet, of k-mers of `k` letters or of as many as fit."""
        n_letters = alphabet.letters_of_kmers
        bits = max(1, (n_letters - 1).bit_length())
        strands = alphabet.complement
        complement = np.zeros(0, np.uint8) if strands is None else strands[:n_letters]
        return cls(min(k, _BITS // bits), bits, n_letters, complement)

    @property
    def arguments(self) -> tuple[int, int, int, NDArray[np.uint8]]:
        """What kernels take: k, bits of a letter, letters, complements."""
        return self.k, self.bits, self.n_letters, self.complement
