"""Tokens as numbers: letters as they are, a vector learned for each, or one for each k-mer.

An ambiguous code is the mean of the letters that it may stand for. A k-mer with an ambiguous code,
or one that hangs over an end of its record, is the mean of all k-mers that it may be: as if the
letters that nobody knows were drawn at random, each alike.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.alphabet import Alphabet
from basetag.networks.activations import Activations
from basetag.vocabulary import Vocabulary


class Embedding(nn.Module):
    """Gives each base the vector of its letter, or of the k-mer around it.

    Parameters
    ----------
    alphabet : Alphabet
    k : int
        Letters in a word. With 1, a code is the exact mixture of its letters; in longer words
        every code counts as unknown.
    dimensions : int, optional
        Of the learned vectors; without it a letter is a 1 in its own place (one-hot), which only
        words of one letter can be.
    causal : bool
        Whether a base's word ends with it. Otherwise it lies in the middle; of an even number of
        letters, one more lies to its right.

    Attributes
    ----------
    reach : tuple of int
        How many bases to the left and to the right of a base its word covers.
    width : int
        Numbers for each base.
    outside : int
        Token of a place beyond its record's ends, whose vector is zero.
    """

    letters_of: Tensor
    index: Tensor

    def __init__(
        self,
        alphabet: Alphabet,
        k: int = 1,
        dimensions: int | None = None,
        *,
        causal: bool = False,
    ) -> None:
        super().__init__()
        if k > 1 and dimensions is None:
            raise ValueError("words of several letters need the number of dimensions")
        self.k, self.n_letters = k, alphabet.n_letters
        self.outside = alphabet.n_tokens
        self.reach = (k - 1, 0) if causal else ((k - 1) // 2, k // 2)
        self.width = dimensions or self.n_letters
        self._letters = alphabet.of if isinstance(alphabet, Vocabulary) else "letters"
        #: Without codes a token is a letter, and no matrix of all letters by all is needed.
        self._plain = alphabet.n_tokens == self.n_letters and dimensions is not None
        if not self._plain:
            mixture = np.vstack([alphabet.mixture, np.zeros(self.n_letters)])
            self.register_buffer(
                "letters_of", torch.tensor(mixture, dtype=torch.float32), persistent=False
            )  # (tokens and outside, letters)
        index = np.full(alphabet.n_tokens + 1, self.n_letters)
        index[: self.n_letters] = np.arange(self.n_letters)
        self.register_buffer("index", torch.tensor(index, dtype=torch.int32), persistent=False)
        self.weight = (
            None if dimensions is None else nn.Parameter(torch.empty(self.n_letters**k, dimensions))
        )  # (words in alphabetical order of the letters, dimensions)
        self._table: Tensor | None = None

    @property
    def description(self) -> str:
        """In words: what stands for a base."""
        if self.weight is None:
            return f"each letter a 1 in its own one of {self.n_letters} places"
        of = self._letters if self.k == 1 else f"words of {self.k} letters"
        return f"a vector of {self.width} numbers for each of {len(self.weight):,} {of}"

    @property
    def operations(self) -> int:
        """Multiply-adds of a base: none, it is looked up."""
        return 0

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the vectors from the standard normal distribution."""
        if self.weight is not None:
            self.weight.data.normal_(generator=generator)

    def start_from(self, vectors: NDArray[np.float32]) -> None:
        """Take the vectors of a file, (words, dimensions)."""
        assert self.weight is not None  # noqa: S101 - the config asks for dimensions
        self.weight.data.copy_(torch.from_numpy(vectors))

    def forward(self, tokens: Tensor) -> Activations:
        """Return the vectors of all bases but those that `reach` needs at either end.

        Parameters
        ----------
        tokens : Tensor, (left + length + right, rows)
            `outside` beyond the ends of a row.
        """
        if self._plain and self.weight is not None and self.k == 1:
            table = nn.functional.pad(self.weight, (0, 0, 0, 1))
            found = Activations(table, tokens.to(torch.int32).contiguous())
            return found if len(table) <= tokens.numel() else Activations.of_bases(found.dense())
        if self.k == 1:
            table = self.letters_of if self.weight is None else self.letters_of @ self.weight
            return Activations(table, tokens.to(torch.int32).contiguous())
        length = tokens.shape[0] - self.k + 1
        index = self.index[tokens.long()]
        entries = index[:length]
        for place in range(1, self.k):
            entries = entries * (self.n_letters + 1) + index[place : place + length]
        table = self._of_all_words() if self._table is None else self._table
        if not torch.is_grad_enabled() and not self.training:
            self._table = table
        middle = tokens[self.reach[0] : self.reach[0] + length]
        entries = entries.masked_fill(middle == self.outside, len(table) - 1)
        activations = Activations(table, entries.contiguous())
        # A table longer than the text would be multiplied for words that do not occur.
        return (
            activations
            if len(table) <= entries.numel()
            else Activations.of_bases(activations.dense())
        )

    def train(self, mode: bool = True) -> Embedding:
        """Set the mode, as torch's modules do; what follows from the weights is made anew."""
        self._table = None
        super().train(mode)
        return self

    @property
    def table_numbers(self) -> int:
        """Numbers in the table of all words, any letter of which may be unknown."""
        return (self.n_letters + 1) ** self.k * self.width if self.k > 1 else 0

    def _of_all_words(self) -> Tensor:
        """Return the vectors of all words, any letter of which may be unknown, and of outside."""
        assert self.weight is not None  # noqa: S101 - words have vectors
        table = self.weight.view(*(self.n_letters,) * self.k, -1)
        for place in range(self.k):
            table = torch.cat([table, table.mean(place, keepdim=True)], place)
        return nn.functional.pad(table.reshape(-1, self.width), (0, 0, 0, 1))
