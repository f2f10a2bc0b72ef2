"""Letters and tokens: how a sequence becomes small integers and comes back unchanged.

An alphabet has plain letters (A, C, G, T) and codes, each a set of plain letters (R = A or G, N =
any). Every code keeps a token of its own, so decoding gives back the very sequence; what a code
*means* to a network or an HMM is in `Alphabet.membership`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError

#: Byte value of `Alphabet.token_of_byte` for a byte that is no letter of the alphabet.
NOT_A_LETTER = 255

# In an alphabet's name; no letter can be one.
_BEFORE_CONTEXT = ";"
# Of Latin-1, where sequences have ASCII alone; without the soft hyphen, which is not printed.
_CONTEXT_SYMBOLS = "".join(chr(code) for code in range(0xA1, 0x100) if code != 0xAD)

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

_AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"

# IUPAC-IUB Joint Commission on Biochemical Nomenclature (1984): Nomenclature and symbolism for
# amino acids and peptides, Eur J Biochem 138:9-37; J, which mass spectrometry cannot tell apart,
# as in Biopython's extended alphabet. Selenocysteine (U) and pyrrolysine (O) are residues of their
# own, but a few in a million: numbers of their own could not be learned, and X would hide what is
# known of them. As in HMMER (Easel, esl_alphabet.c: "scored as cysteine", "scored as lysine") they
# mean the residue from which they differ least: cysteine with selenium in place of sulphur, and a
# lysine with a ring on its end.
_RESIDUE_CODES = {
    "B": "DN",
    "J": "IL",
    "Z": "EQ",
    "U": "C",
    "O": "K",
    "X": _AMINO_ACIDS,
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
        Code to the plain letters that it may stand for, or to the one that it is read as. The
        codes' tokens follow those of the letters. The first code that stands for every letter is
        `unknown`.
    aliases : mapping of str to str
        Letters read as others (U as T).
    complements : mapping of str to str
        Plain letter to its complement; empty where the alphabet has no complementary strand.
    case_sensitive : bool
        Whether a lower-case letter differs from its upper-case form.
    contexts : tuple of str
        What a sequence can come with, such as the alleles that present a peptide: words, each of
        them read as one letter in front of it. They are the last of the plain letters, by symbols
        that no file has.
    """

    name: str
    letters: str
    codes: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    complements: Mapping[str, str] = field(default_factory=dict)
    case_sensitive: bool = False
    contexts: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash((self.name, self.letters))

    @classmethod
    def of_letters(cls, letters: str) -> Alphabet:
        """Return the case-sensitive alphabet of `letters`, with `?` (else `*`) as unknown."""
        unknown = "?" if "?" not in letters else "*"
        return cls(letters, letters, codes={unknown: letters}, case_sensitive=True)

    @classmethod
    def named(cls, name: str) -> Alphabet:
        """Return what a config or a file calls `name`: `dna`, `protein`, or its letters.

        In a file its contexts may follow, a `;` before each.
        """
        plain, *contexts = name.split(_BEFORE_CONTEXT)
        known = {alphabet.name: alphabet for alphabet in (DNA, PROTEIN)}
        alphabet = known[plain] if plain in known else cls.of_letters(plain)
        return alphabet.with_contexts(contexts) if contexts else alphabet

    def with_contexts(self, contexts: Sequence[str]) -> Alphabet:
        """Return the same alphabet with a letter for each of some words.

        Raises
        ------
        InputError
            Where there are more of them than symbols, or one has a `;` or a line end.
        """
        for word in contexts:
            if not word or not word.isprintable() or _BEFORE_CONTEXT in word:
                raise InputError(
                    f"{word!r} cannot be a context",
                    advice=f"give words without {_BEFORE_CONTEXT!r} and line ends",
                )
        if len(contexts) > len(_CONTEXT_SYMBOLS):
            raise InputError(
                f"there are {len(contexts)} different contexts",
                advice=f"there can be {len(_CONTEXT_SYMBOLS)} at most: leave rare ones out",
            )
        return replace(
            self,
            name=_BEFORE_CONTEXT.join([self.name, *contexts]),
            letters=self.letters + _CONTEXT_SYMBOLS[: len(contexts)],
            contexts=tuple(contexts),
        )

    @property
    def plain_name(self) -> str:
        """The name without those of contexts."""
        return self.name.split(_BEFORE_CONTEXT)[0]

    @property
    def of_sequences(self) -> str:
        """The plain letters but for those of contexts."""
        return self.letters[: len(self.letters) - len(self.contexts)]

    def is_context(self, tokens: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Whether each token is what a sequence comes with, and no letter of it."""
        found: NDArray[np.bool_] = (tokens >= len(self.of_sequences)) & (tokens < self.n_letters)
        return found

    def context_token(self, word: str) -> int:
        """Return the token of a context.

        Raises
        ------
        KeyError
            Where there is no such context.
        """
        if word not in self.contexts:
            raise KeyError(word)
        return len(self.of_sequences) + self.contexts.index(word)

    @property
    def description(self) -> dict[str, Any]:
        """What a file says of it, as plain JSON; `vocabulary.alphabet_of` reads it."""
        return {"alphabet": self.name}

    @property
    def replacements(self) -> NDArray[np.int64]:
        """Tokens that are put in the place of others to see what these do: all letters."""
        return np.arange(len(self.of_sequences))

    @property
    def letters_of_kmers(self) -> int:
        """How many letters k-mers have: what a sequence comes with is none of them."""
        return len(self.of_sequences)

    def kmer_tokens(self, tokens: NDArray[Any]) -> NDArray[Any]:
        """Return tokens as k-mers have them, (bases,): as they are."""
        return tokens

    def named_counts(self, counts: NDArray[np.int64]) -> dict[str, int]:
        """Return how often each letter or code occurs that does, given the tokens' counts."""
        return {symbol: int(n) for symbol, n in zip(self.symbols, counts, strict=False) if n}

    @property
    def n_letters(self) -> int:
        """Number of plain letters."""
        return len(self.letters)

    @property
    def letter_names(self) -> list[str]:
        """What each plain letter is called on a page: itself, or the word of its context."""
        return [*self.of_sequences, *self.contexts]

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
            if set(self.codes.get(symbol, "")) == set(self.of_sequences):
                return token
        raise ValueError(f"the alphabet {self.name!r} has no code that stands for every letter")

    @cached_property
    def is_ambiguous(self) -> NDArray[np.bool_]:
        """Whether each token may stand for several plain letters, (tokens,)."""
        several: NDArray[np.bool_] = self.membership.sum(axis=1) > 1
        return several

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
        opposite = [frozenset(self.complements.get(a, a) for a in letters) for letters in means]
        return np.array([means.index(letters) for letters in opposite], dtype=np.uint8)

    @cached_property
    def token_of_byte(self) -> NDArray[np.uint8]:
        """Token of each byte value, `NOT_A_LETTER` where there is none, (256,)."""
        table = np.full(256, NOT_A_LETTER, dtype=np.uint8)
        for token, symbol in enumerate(self.symbols):
            if symbol not in _CONTEXT_SYMBOLS:  # no file has them
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
        symbols = np.frombuffer(self.symbols.encode("latin-1"), dtype=np.uint8)
        return str(symbols[tokens].tobytes(), "latin-1")


DNA = Alphabet(
    "dna",
    "ACGT",
    codes=_IUPAC,
    aliases={"U": "T"},
    complements={"A": "T", "C": "G", "G": "C", "T": "A"},
)

PROTEIN = Alphabet("protein", _AMINO_ACIDS, codes=_RESIDUE_CODES)
