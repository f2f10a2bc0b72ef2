"""Taggers that are not networks: the exact posterior, fitted HMMs, simple rules, constants.

Each is fitted on the training split (a hard caller's probabilities on validation), written as a
tagger file, and read back as an object with `card`, `kind` and `posterior`, exactly as a network
is. They are what a network has to beat, and what it can at best reach. What the rules compute
lies in `basetag.window_rules`, HMMs in `basetag.hmm_fitting` and `basetag.exact_inference`.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.exact_inference import filtered_posterior, smoothed_posterior, viterbi_path
from basetag.hmm import HMM
from basetag.window_rules import GCShare, KmerContexts, smoothed_frequencies

Tokens = NDArray[np.uint8]
Lengths = NDArray[np.int64]
Posterior = NDArray[np.float32]

# Cells of a k-mer table: 32 MB of counts for two states.
_MOST_CELLS = 1 << 22
_BASES_AT_ONCE = 1 << 24


class Tagger(Protocol):
    """What every baseline is: anything that gives each base its state probabilities.

    Attributes
    ----------
    card : dict
        What the tagger file says of it.
    """

    card: dict[str, Any]

    @property
    def kind(self) -> str:
        """`hmm`, `rule` or `constant`."""

    @property
    def n_parameters(self) -> int:
        """Number of fitted numbers."""

    @property
    def description(self) -> str:
        """One line in words."""

    def posterior(self, tokens: Tokens, lengths: Lengths, threads: int = 1) -> Posterior:
        """Return the state probabilities of each base.

        Parameters
        ----------
        tokens : ndarray of uint8, (bases,)
            Independent sequences, one behind the other.
        lengths : ndarray of int64, (sequences,)
            Length of each.
        threads : int
            CPU threads; they change no number.

        Returns
        -------
        ndarray of float32, (bases, states)
        """


class _Baseline:
    """A card and arrays, and what follows from the card alone."""

    def __init__(self, card: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> None:
        self.card = card
        self.tensors = tensors
        self.alphabet = Alphabet.named(card["alphabet"])
        self.n_states = len(card["states"])

    @property
    def kind(self) -> str:
        return str(self.card["kind"])

    @property
    def n_parameters(self) -> int:
        return int(self.card["parameters"])

    @property
    def description(self) -> str:
        return str(self.card["description"])


class HMMTagger(_Baseline):
    """Posteriors of a hidden Markov model: the simulating one, or one that was fitted."""

    def __init__(self, card: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> None:
        super().__init__(card, tensors)
        parts = (tensors[name] for name in ("start", "transition", "emission"))
        self.hmm = HMM(self.alphabet, tuple(card["states"]), *parts)

    def posterior(self, tokens: Tokens, lengths: Lengths, threads: int = 1) -> Posterior:
        """Return the state probabilities of each base: see `Tagger`."""
        if self.card["architecture"]["baseline"] == "filtered":
            return filtered_posterior(self.hmm, tokens, lengths, threads=threads)
        return smoothed_posterior(self.hmm, tokens, lengths, threads=threads)

    def viterbi(self, tokens: Tokens, lengths: Lengths, threads: int = 1) -> NDArray[np.uint8]:
        """Return the most probable path of states of each sequence, uint8, (bases,)."""
        return viterbi_path(self.hmm, tokens, lengths, threads=threads)


class TableTagger(_Baseline):
    """The label frequencies of the k-mer around each base.

    At an end of the sequence, or beside an ambiguous code, it is the longest word of plain
    letters that is left; an ambiguous base has the frequencies of the letters it may stand for,
    so N has those of all bases.
    """

    def __init__(self, card: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> None:
        super().__init__(card, tensors)
        self._contexts = KmerContexts(self.alphabet, card["architecture"]["k"])
        self._frequencies = smoothed_frequencies(tensors["counts"]).astype(np.float32)

    def posterior(self, tokens: Tokens, lengths: Lengths, threads: int = 1) -> Posterior:
        """Return the state probabilities of each base: see `Tagger`."""
        out = np.empty((tokens.size, self.n_states), dtype=np.float32)
        for here, context in self._contexts.of_bases(tokens, lengths):
            out[here] = self._frequencies[context]
        return out


class GCWindowTagger(_Baseline):
    """A state called by the share of G and C around each base; probable as on validation."""

    def __init__(self, card: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> None:
        super().__init__(card, tensors)
        self._share = GCShare(self.alphabet, card["architecture"]["window"])
        label_given_call = smoothed_frequencies(tensors["labels_by_call"])
        self._posterior_of_share = label_given_call[tensors["calls"]].astype(np.float32)

    def posterior(self, tokens: Tokens, lengths: Lengths, threads: int = 1) -> Posterior:
        """Return the state probabilities of each base: see `Tagger`."""
        out = np.empty((tokens.size, self.n_states), dtype=np.float32)
        for here, share in self._share.of_bases(tokens, lengths):
            out[here] = self._posterior_of_share[share]
        return out


class ConstantTagger(_Baseline):
    """The same probabilities for every base."""

    def posterior(self, tokens: Tokens, lengths: Lengths, threads: int = 1) -> Posterior:
        """Return the state probabilities of each base: see `Tagger`."""
        row = self.tensors["probabilities"].astype(np.float32)
        return np.tile(row, (tokens.size, 1))


_CLASSES: dict[str, type[HMMTagger | TableTagger | GCWindowTagger | ConstantTagger]] = {
    "exact": HMMTagger,
    "filtered": HMMTagger,
    "hmm_em": HMMTagger,
    "hmm_counts": HMMTagger,
    "base_table": TableTagger,
    "gc_window": GCWindowTagger,
    "majority": ConstantTagger,
    "uniform": ConstantTagger,
}
