"""Letters and tokens: how a sequence becomes small integers and comes back unchanged.

An alphabet has plain letters (A, C, G, T) and ambiguous codes, each a set of plain letters
(R = A or G, N = any). Every code keeps a token of its own, so decoding gives back the very
sequence; what a code *means* to a network or an HMM is in `Alphabet.membership`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError

#: Byte value of `Alphabet.token_of_byte` for a byte that is no letter of the alphabet.
NOT_A_LETTER = 255

# Nomenclature Committee of the International Union of Biochemistry (1985): symbols for
# incompletely specified bases, Eur J Biochem 150:1-5.
_IUPAC = {
    "R": "AG",
    "Y": "CT",
    "S": "CG",
    "W": "AT",
    "K": "GT",
    "M": "AC",
    "B": "CGT",
    "D": "AGT",
    "H": "ACT",
    "V": "ACG",
    "N": "ACGT",
}


@dataclass(frozen=True)
class Alphabet:
    """Plain letters, ambiguous codes, and the tokens that stand for them.

    Parameters
    ----------
    name : str
        What the config calls it.
    letters : str
        The plain letters; letter i has token i.
    codes : mapping of str to str
        Ambiguous code to the plain letters that it may stand for. The codes' tokens follow
        those of the letters. The first code that stands for every letter is `unknown`.
    aliases : mapping of str to str
        Letters read as others (U as T).
    complements : mapping of str to str
        Plain letter to its complement; empty where the alphabet has no complementary strand.
    case_sensitive : bool
        Whether a lower-case letter differs from its upper-case form.
    """

    name: str
    letters: str
    codes: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    complements: Mapping[str, str] = field(default_factory=dict)
    case_sensitive: bool = False

    def __hash__(self) -> int:
        return hash((self.name, self.letters))

    @classmethod
    def of_letters(cls, letters: str) -> Alphabet:
        """Return the case-sensitive alphabet of `letters`, with `?` (else `*`) as unknown."""
        unknown = "?" if "?" not in letters else "*"
        return cls(letters, letters, codes={unknown: letters}, case_sensitive=True)

    @classmethod
    def named(cls, name: str) -> Alphabet:
        """Return the alphabet that a config or a file calls `name`: `dna`, or its letters."""
        return DNA if name == DNA.name else cls.of_letters(name)

    @property
    def n_letters(self) -> int:
        """Number of plain letters."""
        return len(self.letters)

    @property
    def symbols(self) -> str:
        """All letters and codes; symbol i has token i."""
        return self.letters + "".join(self.codes)

    @property
    def n_tokens(self) -> int:
        """Number of tokens: plain letters and codes."""
        return len(self.letters) + len(self.codes)

    @cached_property
    def unknown(self) -> int:
        """Token of the code that stands for every letter (N): no evidence."""
        for token, symbol in enumerate(self.symbols):
            if set(self.codes.get(symbol, "")) == set(self.letters):
                return token
        raise ValueError(f"the alphabet {self.name!r} has no code that stands for every letter")

    @cached_property
    def membership(self) -> NDArray[np.float64]:
        """Which plain letters each token may stand for: 0 or 1, (tokens, letters)."""
        matrix = np.zeros((self.n_tokens, self.n_letters))
        for token, symbol in enumerate(self.symbols):
            for letter in self.codes.get(symbol, symbol):
                matrix[token, self.letters.index(letter)] = 1.0
        return matrix

    @cached_property
    def mixture(self) -> NDArray[np.float64]:
        """Each token as a mixture of plain letters: rows sum to 1, (tokens, letters)."""
        mixture: NDArray[np.float64] = self.membership / self.membership.sum(1, keepdims=True)
        return mixture

    @cached_property
    def complement(self) -> NDArray[np.uint8] | None:
        """Token of each token's complement (R of Y), (tokens,); None where there is no strand."""
        if not self.complements:
            return None
        means = [frozenset(self.codes.get(symbol, symbol)) for symbol in self.symbols]
        opposite = [frozenset(self.complements[letter] for letter in letters) for letters in means]
        return np.array([means.index(letters) for letters in opposite], dtype=np.uint8)

    @cached_property
    def token_of_byte(self) -> NDArray[np.uint8]:
        """Token of each byte value, `NOT_A_LETTER` where there is none, (256,)."""
        table = np.full(256, NOT_A_LETTER, dtype=np.uint8)
        for token, symbol in enumerate(self.symbols):
            table[ord(symbol)] = token
        for alias, letter in self.aliases.items():
            table[ord(alias)] = table[ord(letter)]
        if not self.case_sensitive:
            for upper in range(ord("A"), ord("Z") + 1):
                table[upper + 32] = table[upper]
        return table

    def encode(self, sequence: str | bytes, *, record: str | None = None) -> NDArray[np.uint8]:
        """Return the tokens of `sequence`.

        Parameters
        ----------
        sequence : str or bytes
            Letters and codes, in any case where the alphabet does not mind.
        record : str, optional
            Name to put into the error.

        Returns
        -------
        ndarray of uint8, (length,)

        Raises
        ------
        InputError
            At the first letter outside the alphabet, with its position.
        """
        data = sequence.encode("utf-8") if isinstance(sequence, str) else sequence
        tokens = self.token_of_byte[np.frombuffer(data, dtype=np.uint8)]
        wrong = np.flatnonzero(tokens == NOT_A_LETTER)
        if wrong.size:
            # Positions count letters, not the bytes of their encoding.
            at = len(data[: int(wrong[0])].decode("utf-8", errors="replace"))
            found = data[int(wrong[0]) :].decode("utf-8", errors="replace")[0]
            raise InputError(
                f"{found!r} is no letter of the alphabet {self.name!r}",
                record=record,
                position=at + 1,
                advice=f"the letters are {self.symbols}",
            )
        return tokens

    def decode(self, tokens: NDArray[np.integer[Any]]) -> str:
        """Return the sequence that `tokens` stand for, upper-cased and with aliases replaced.

        Raises
        ------
        ValueError
            For a token outside the alphabet.
        """
        tokens = np.asarray(tokens)
        if tokens.size and not (tokens.min() >= 0 and tokens.max() < self.n_tokens):
            raise ValueError(f"tokens of {self.name!r} lie in 0 to {self.n_tokens - 1}")
        symbols = np.frombuffer(self.symbols.encode("ascii"), dtype=np.uint8)
        return str(symbols[tokens].tobytes(), "ascii")


DNA = Alphabet(
    "dna",
    "ACGT",
    codes=_IUPAC,
    aliases={"U": "T"},
    complements={"A": "T", "C": "G", "G": "C", "T": "A"},
)
