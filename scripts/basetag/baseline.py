"""What a tagger is that is no network: a card, arrays, and state probabilities for each base."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.features import BaseFeatures
from basetag.tagger_file import Kind, write_tagger
from basetag.viterbi import path_of_posterior
from basetag.vocabulary import alphabet_of

Tokens = NDArray[np.uint8]
Lengths = NDArray[np.int64]
Posterior = NDArray[np.float32]
Tensors = dict[str, NDArray[Any]]


class Grouping(Protocol):
    """What puts each base into a group: a context, a share, what a program calls it."""

    def of_bases(
        self, tokens: Tokens, lengths: Lengths
    ) -> Iterator[tuple[slice, NDArray[np.integer[Any]]]]:
        """Yield blocks of bases, in order, and the group of each base, (bases in the block,)."""


@dataclass(frozen=True)
class Sequences:
    """What a baseline tells of: the arguments of `Baseline.posterior` that say so."""

    tokens: Tokens
    lengths: Lengths
    positions: Lengths | None
    features: BaseFeatures | None


class Baseline:
    """A tagger that is no network: a card, arrays, and state probabilities for each base.

    Parameters
    ----------
    card : dict
        What the tagger file says of it.
    tensors : dict of str to ndarray
        Its numbers.
    """

    of_kind: ClassVar[Kind]

    def __init__(self, card: dict[str, Any], tensors: Tensors) -> None:
        self.card = card
        self.tensors = tensors
        self.alphabet = self.alphabet_of(card)
        self.n_states = len(card["states"])

    @staticmethod
    def alphabet_of(card: dict[str, Any]) -> Alphabet:
        """Return the alphabet that a card names."""
        return alphabet_of(card)

    @property
    def kind(self) -> Kind:
        """`hmm`, `rule` or `constant`."""
        return self.of_kind

    @property
    def description(self) -> str:
        """One line in words."""
        return str(self.card["description"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tagger file, whole or not at all."""
        write_tagger(path, self.tensors, self.card)

    def posterior(
        self,
        tokens: Tokens,
        lengths: Lengths,
        threads: int = 1,
        positions: Lengths | None = None,
        out: Posterior | None = None,
        features: BaseFeatures | None = None,
    ) -> Posterior:
        """Return the state probabilities of each base.

        Parameters
        ----------
        tokens : ndarray of uint8, (bases,)
            Independent sequences, one behind the other.
        lengths : ndarray of int64, (sequences,)
            Length of each.
        threads : int
            CPU threads, which change no number; the rules need only one.
        positions : ndarray of int64, (sequences,), optional
            Where each sequence begins in its record, 0 without it: what an HMM expects of the
            first state depends on it.
        out : ndarray of float32, (bases, states), optional
            Where to write; a memory map, for instance.
        features : ndarray of float32 or FeatureColumns, (bases, features), optional
            The numbers of a series; of anything else a baseline reads letters alone.

        Returns
        -------
        ndarray of float32, (bases, states)
        """
        if out is None:
            out = np.empty((tokens.size, self.n_states), dtype=np.float32)
        self._fill(Sequences(tokens, lengths, positions, features), threads, out)
        return out

    def _fill(self, given: Sequences, threads: int, out: Posterior) -> None:
        """Write the state probabilities of each base to `out`, (bases, states)."""
        raise NotImplementedError

    def most_probable_path(
        self,
        tokens: Tokens,
        lengths: Lengths,
        posterior: Posterior,
        minimum_lengths: Lengths,
        threads: int = 1,
        positions: Lengths | None = None,
        out: NDArray[np.uint8] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.uint8]:
        """Return the most probable states, (bases,), by the posteriors: see `Tagger`."""
        return path_of_posterior(self.card, posterior, lengths, minimum_lengths, threads, out)
