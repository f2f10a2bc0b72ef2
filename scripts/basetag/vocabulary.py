"""Vocabularies: alphabets whose letters are words, or characters, of a training split.

To everything that reads tokens a word is a letter. Token 0 stands for all words that the vocabulary
does not have, and has a vector of its own, as any word; words follow, the most frequent first. What
lies behind the end of a text is padding: the token behind the last word, whose vector is zero and
which no file has (`networks.embedding.Embedding.outside`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.errors import InputError
from basetag.text_words import MOST_WORDS, Kind, split_text

#: Token of all words that a vocabulary does not have, and what it is called.
UNKNOWN, UNKNOWN_WORD = 0, "[unknown]"

_MOST_IN_MATRIX = 1024

# Supplementary private use area A: no text has them.
_FIRST_SYMBOL = 0xF0000


class Vocabulary(Alphabet):
    """Words as the letters of an alphabet; token 0 is every other word.

    Parameters
    ----------
    words : sequence of str
        From token 1 on.
    of : {"words", "characters"}
        What texts are split into.
    fold_case : bool
        Whether upper and lower case are one.
    """

    def __init__(self, words: Sequence[str], of: Kind, *, fold_case: bool) -> None:
        if len(words) > MOST_WORDS:
            raise ValueError(f"a vocabulary has {MOST_WORDS} words at most")
        digest = blake2b("\n".join([of, str(fold_case), *words]).encode(), digest_size=4)
        super().__init__(
            name=f"{len(words)} {of} (vocabulary {digest.hexdigest()})",
            letters="".join(chr(_FIRST_SYMBOL + token) for token in range(len(words) + 1)),
            case_sensitive=True,
        )
        # Alphabets are frozen.
        object.__setattr__(self, "words", tuple(words))
        object.__setattr__(self, "of", of)
        object.__setattr__(self, "fold_case", fold_case)

    words: tuple[str, ...]
    of: Kind
    fold_case: bool

    @property
    def description(self) -> dict[str, Any]:
        """What a file says of it, as plain JSON; `alphabet_of` reads it."""
        return {
            "alphabet": self.name,
            "vocabulary": {
                "of": self.of, "fold_case": self.fold_case, "words": list(self.words)
            },
        }  # fmt: skip

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest unsigned type that holds all tokens and that of the padding."""
        return np.min_scalar_type(self.n_tokens)

    @property
    def unknown(self) -> int:
        """Token of the words that the vocabulary does not have."""
        return UNKNOWN

    @property
    def replacements(self) -> NDArray[np.int64]:
        """Tokens that are put in the place of others to see what these do: the unknown word."""
        return np.array([UNKNOWN])

    @property
    def letters_of_kmers(self) -> int:
        """How many letters k-mers have: see `WordDigests`."""
        return WordDigests(self.of).letters_of_kmers

    @property
    def membership(self) -> NDArray[np.float64]:
        """Each token stands for itself: 0 or 1, (tokens, tokens).

        Raises
        ------
        ValueError
            For many words: a matrix of all by all would fill the memory.
        """
        if self.n_tokens > _MOST_IN_MATRIX:
            raise ValueError(f"{self.n_tokens} words are too many for a matrix of all by all")
        return np.eye(self.n_tokens)

    @property
    def is_ambiguous(self) -> NDArray[np.bool_]:
        """Whether each token may stand for several words: the unknown one, (tokens,)."""
        unknown: NDArray[np.bool_] = np.arange(self.n_tokens) == UNKNOWN
        return unknown

    @cached_property
    def token_of(self) -> dict[str, int]:
        """Token of each word."""
        return {word: token for token, word in enumerate(self.words, start=1)}

    @cached_property
    def word_of(self) -> NDArray[np.str_]:
        """Word of each token, (tokens,)."""
        return np.array([UNKNOWN_WORD, *self.words])

    @property
    def letter_names(self) -> list[str]:
        """The word of each token."""
        return [UNKNOWN_WORD, *self.words]

    def named_counts(self, counts: NDArray[np.int64]) -> dict[str, int]:
        """Return how many words of texts the vocabulary has, and how many it has not."""
        unknown = int(counts[UNKNOWN])
        return {"known": int(counts.sum()) - unknown, "unknown": unknown}

    def encode(self, sequence: str | bytes, *, record: str | None = None) -> NDArray[Any]:
        """Return the tokens of a text, (words,); see `Alphabet.encode`.

        Raises
        ------
        InputError
            For a text without words.
        """
        text = sequence.decode("utf-8") if isinstance(sequence, bytes) else sequence
        words = split_text(text, self.of, fold_case=self.fold_case)
        if not words:
            raise InputError(
                f"has no {self.of}, and nothing to read", record=record, advice="remove it"
            )
        return np.array([self.token_of.get(word, UNKNOWN) for word in words], dtype=self.dtype)

    def decode(self, tokens: NDArray[np.integer[Any]]) -> str:
        """Return a symbol for each token; `word_of` has their words."""
        symbols = np.asarray(tokens).astype(np.uint32) + np.uint32(_FIRST_SYMBOL)
        return symbols.astype("<u4").tobytes().decode("utf-32-le")


class WordDigests(Alphabet):
    """Words by their digests, whatever a vocabulary says of them: how splits see texts.

    Tokens are those of `text_words.word_digest`. So two texts are copies where all of their words
    are, and no split depends on a vocabulary, which is itself made of a split. In k-mers four bits
    stand for a word, and 15 words are one; two bits for a character, and 31 characters are one.

    Parameters
    ----------
    of : {"words", "characters"}
    """

    def __init__(self, of: Kind) -> None:
        letters = "0123456789abcdef" if of == "words" else "0123"
        super().__init__(name=f"digests of {of}", letters=letters, case_sensitive=True)

    @property
    def unknown(self) -> int:
        """No digest: there is something in every word."""
        return 0

    def kmer_tokens(self, tokens: NDArray[Any]) -> NDArray[Any]:
        """Return the tokens as k-mers have them: the lowest bits of the digests."""
        return (np.asarray(tokens) & np.uint64(self.n_letters - 1)).astype(np.uint8)


def alphabet_of(about: Mapping[str, Any]) -> Alphabet:
    """Return the alphabet that a corpus' description, or a tagger's card, speaks of."""
    given = about.get("vocabulary")
    if given is None:
        return Alphabet.named(about["alphabet"])
    return Vocabulary(given["words"], given["of"], fold_case=given["fold_case"])
