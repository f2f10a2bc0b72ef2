"""Taggers that are not networks: the exact posterior, fitted HMMs, simple rules, constants.

A baseline is read from a tagger file and gives each base its state probabilities, exactly as a
network does. Baselines are what a network has to beat, and what it can at best reach. How they
are fitted lies in `basetag.baseline_fitting`, what the rules compute in `basetag.window_rules`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.errors import InputError, SequenceError
from basetag.exact_inference import filtered_posterior, smoothed_posterior
from basetag.features import BaseFeatures
from basetag.hmm import HMM
from basetag.tagger_file import Kind, read_tagger, write_tagger
from basetag.viterbi import Chain, most_probable_path, path_of_posterior
from basetag.window_rules import GCShare, KmerContexts, smoothed_frequencies

Tokens = NDArray[np.uint8]
Lengths = NDArray[np.int64]
Posterior = NDArray[np.float32]
Tensors = dict[str, NDArray[Any]]


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
        self.alphabet = Alphabet.named(card["alphabet"])
        self.n_states = len(card["states"])

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
        features : optional
            Not looked at: a baseline reads letters alone.

        Returns
        -------
        ndarray of float32, (bases, states)
        """
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

    def _result(self, tokens: Tokens, out: Posterior | None) -> Posterior:
        if out is not None:
            return out
        return np.empty((tokens.size, self.n_states), dtype=np.float32)


class HMMTagger(Baseline):
    """Posteriors of a hidden Markov model: the simulating one, or one that was fitted."""

    of_kind = "hmm"

    def __init__(self, card: dict[str, Any], tensors: Tensors) -> None:
        super().__init__(card, tensors)
        # The card's states are what is told of a base: the labels, of which a model can have fewer
        # than states.
        labels = tuple(card["states"])
        label_of_state = tensors.get("label_of_state", np.arange(self.n_states))
        self.hmm = HMM(
            self.alphabet,
            tuple(labels[label] for label in label_of_state),
            tensors["start"],
            tensors["transition"],
            tensors["emission"],
            labels,
        )

    def posterior(
        self,
        tokens: Tokens,
        lengths: Lengths,
        threads: int = 1,
        positions: Lengths | None = None,
        out: Posterior | None = None,
        features: BaseFeatures | None = None,
    ) -> Posterior:
        """Return the state probabilities of each base, filtered or smoothed: see `Baseline`."""
        one_way = self.card["architecture"]["baseline"] == "filtered"
        infer = filtered_posterior if one_way else smoothed_posterior
        if positions is None or not np.any(positions):
            return infer(self.hmm, tokens, lengths, out=out, threads=threads)
        out = self._result(tokens, out)
        ends = np.cumsum(lengths)
        # Sequences of equal position share a model; blocks come at few distinct ones at a time.
        for position in np.unique(positions):
            hmm = self.hmm.started_at(int(position))
            own = np.flatnonzero(positions == position)
            bases = np.concatenate([np.arange(ends[i] - lengths[i], ends[i]) for i in own])
            try:
                out[bases] = infer(hmm, tokens[bases], lengths[own], threads=threads)
            except SequenceError as error:
                raise error.of_sequence(int(own[error.sequence])) from None
        return out

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
        """Return the most probable states, (bases,), of the model itself: see `Tagger`."""
        start = None
        if positions is not None and np.any(positions):
            distinct, which = np.unique(positions, return_inverse=True)
            start = np.stack([self.hmm.started_at(int(n)).start for n in distinct])[which]
        chain = Chain.of_hmm(self.hmm, tokens, start)
        return most_probable_path(chain, lengths, minimum_lengths, threads, out)


class TableTagger(Baseline):
    """The label frequencies of the k-mer around each base.

    At an end of the sequence, or beside an ambiguous code, it is the longest word of plain
    letters that is left; an ambiguous base has the frequencies of the letters it may stand for,
    so N has those of all bases.
    """

    of_kind = "rule"

    def __init__(self, card: dict[str, Any], tensors: Tensors) -> None:
        super().__init__(card, tensors)
        self._contexts = KmerContexts(self.alphabet, card["architecture"]["k"])
        self._frequencies = smoothed_frequencies(tensors["counts"]).astype(np.float32)

    def posterior(
        self,
        tokens: Tokens,
        lengths: Lengths,
        threads: int = 1,
        positions: Lengths | None = None,
        out: Posterior | None = None,
        features: BaseFeatures | None = None,
    ) -> Posterior:
        """Return the state probabilities of each base: see `Baseline`."""
        out = self._result(tokens, out)
        for here, context in self._contexts.of_bases(tokens, lengths):
            out[here] = self._frequencies[context]
        return out


class GCWindowTagger(Baseline):
    """A state called by the share of G and C around each base; as probable as on validation."""

    of_kind = "rule"

    def __init__(self, card: dict[str, Any], tensors: Tensors) -> None:
        super().__init__(card, tensors)
        self._share = GCShare(self.alphabet, card["architecture"]["window"])
        label_given_call = smoothed_frequencies(tensors["labels_by_call"])
        self._posterior_of_share = label_given_call[tensors["calls"]].astype(np.float32)

    def posterior(
        self,
        tokens: Tokens,
        lengths: Lengths,
        threads: int = 1,
        positions: Lengths | None = None,
        out: Posterior | None = None,
        features: BaseFeatures | None = None,
    ) -> Posterior:
        """Return the state probabilities of each base: see `Baseline`."""
        out = self._result(tokens, out)
        for here, share in self._share.of_bases(tokens, lengths):
            out[here] = self._posterior_of_share[share]
        return out


class ConstantTagger(Baseline):
    """The same probabilities for every base."""

    of_kind = "constant"

    def posterior(
        self,
        tokens: Tokens,
        lengths: Lengths,
        threads: int = 1,
        positions: Lengths | None = None,
        out: Posterior | None = None,
        features: BaseFeatures | None = None,
    ) -> Posterior:
        """Return the state probabilities of each base: see `Baseline`."""
        out = self._result(tokens, out)
        out[:] = self.tensors["probabilities"]
        return out


#: The class of each baseline of the config.
BASELINES: dict[str, type[Baseline]] = {
    "exact": HMMTagger,
    "filtered": HMMTagger,
    "hmm_em": HMMTagger,
    "hmm_counts": HMMTagger,
    "base_table": TableTagger,
    "gc_window": GCWindowTagger,
    "majority": ConstantTagger,
    "uniform": ConstantTagger,
}


def load_baseline(path: str | os.PathLike[str]) -> Baseline:
    """Read a baseline's tagger file.

    Raises
    ------
    InputError
        For a file that cannot be read, or holds a network.
    """
    tensors, card = read_tagger(path)
    name = card["architecture"].get("baseline")
    if name not in BASELINES:
        raise InputError(f"holds a {card['kind']} tagger, not a baseline", file=Path(path))
    return BASELINES[name](card, tensors)
