"""Taggers that are not networks: the exact posterior, HMMs, simple rules, constants, programs.

A baseline is read from a tagger file and gives each base its state probabilities, exactly as a
network does. Baselines are what a network has to beat, and what it can at best reach. How they
are fitted lies in `basetag.baseline_fitting`, what the rules compute in `basetag.window_rules`;
what calls states itself in `basetag.hard_callers`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.baseline import Baseline, Lengths, Posterior, Tensors, Tokens
from basetag.errors import InputError, SequenceError
from basetag.exact_inference import filtered_posterior, smoothed_posterior
from basetag.features import BaseFeatures
from basetag.hard_callers import CpGRuleTagger, GCWindowTagger
from basetag.hmm import HMM
from basetag.markov_hmm import MarkovHMM
from basetag.programs import PROGRAMS, ProgramTagger
from basetag.tagger_file import read_tagger
from basetag.viterbi import Chain, most_probable_path
from basetag.window_rules import KmerContexts, smoothed_frequencies


class HMMTagger(Baseline):
    """Posteriors of a hidden Markov model: the simulating one, or one that was fitted."""

    of_kind = "hmm"

    def __init__(self, card: dict[str, Any], tensors: Tensors) -> None:
        super().__init__(card, tensors)
        # The card's states are what is told of a base: the labels, of which a model can have fewer
        # than states.
        labels = tuple(card["states"])
        label_of_state = tensors.get("label_of_state", np.arange(self.n_states))
        states = tuple(labels[label] for label in label_of_state)
        start, transition, emission = (
            tensors[name] for name in ("start", "transition", "emission")
        )
        # Emissions that look back have a table for each of the words before a base.
        if emission.ndim == 3:
            self.hmm: HMM = MarkovHMM(
                self.alphabet, states, start, transition, emission[0], labels,
                word_emission=emission,
            )  # fmt: skip
        else:
            self.hmm = HMM(self.alphabet, states, start, transition, emission, labels)

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
        chain = Chain.of_hmm(self.hmm, tokens, start, lengths)
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


#: The class of each baseline and each program of the config.
BASELINES: dict[str, type[Baseline]] = {
    "exact": HMMTagger,
    "filtered": HMMTagger,
    "hmm": HMMTagger,
    "hmm_em": HMMTagger,
    "hmm_counts": HMMTagger,
    "base_table": TableTagger,
    "gc_window": GCWindowTagger,
    "cpg_rule": CpGRuleTagger,
    "majority": ConstantTagger,
    "uniform": ConstantTagger,
    **dict.fromkeys(PROGRAMS, ProgramTagger),
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
