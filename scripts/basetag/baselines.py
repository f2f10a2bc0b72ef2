"""Taggers that are not networks: the exact posterior, HMMs, simple rules, constants, programs.

A baseline is read from a tagger file and gives each base its state probabilities, exactly as a
network does. Baselines are what a network has to beat, and what it can at best reach. How they
are fitted lies in `basetag.baseline_fitting`, what the rules compute in `basetag.window_rules`;
what calls states itself in `basetag.hard_callers`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.baseline import Baseline, Lengths, Posterior, Sequences, Tensors, Tokens
from basetag.errors import InputError, SequenceError
from basetag.exact_inference import filtered_posterior, smoothed_posterior
from basetag.features import BaseFeatures
from basetag.hard_callers import CpGRuleTagger, GCWindowTagger
from basetag.hmm import HMM
from basetag.markov_hmm import MarkovHMM
from basetag.motif_model import MotifModel
from basetag.next_letter import Followers, next_letter_posterior
from basetag.programs import PROGRAMS, ProgramTagger
from basetag.series_taggers import AutoregressionTagger, LastTagger, WaveTagger
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

    def _fill(self, given: Sequences, threads: int, out: Posterior) -> None:
        """Write the state probabilities of each base, filtered or smoothed: see `Baseline`."""
        infer = self._inference()
        tokens, lengths, positions = given.tokens, given.lengths, given.positions
        if positions is None or not np.any(positions):
            infer(self.hmm, tokens, lengths, out=out, threads=threads)
            return
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

    def _inference(self) -> Callable[..., Posterior]:
        """Return what gives the posteriors of a model."""
        one_way = self.card["architecture"]["baseline"] == "filtered"
        return filtered_posterior if one_way else smoothed_posterior

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


class NextLetterTagger(HMMTagger):
    """How likely each letter is behind each one, by the hidden Markov model that emits them."""

    def __init__(self, card: dict[str, Any], tensors: Tensors) -> None:
        Baseline.__init__(self, card, tensors)
        # Its labels are never told.
        states = ("?",) * len(tensors["start"])
        self.hmm = HMM(
            self.alphabet, states, tensors["start"], tensors["transition"], tensors["emission"]
        )

    def _inference(self) -> Callable[..., Posterior]:
        return next_letter_posterior

    most_probable_path = Baseline.most_probable_path


class MarkovTagger(Baseline):
    """How likely each letter is behind each one, by what followed the words before in training."""

    of_kind = "rule"

    def __init__(self, card: dict[str, Any], tensors: Tensors) -> None:
        super().__init__(card, tensors)
        order = card["architecture"]["order"]
        self._followers = Followers(self.n_states, order, tensors["words"], tensors["counts"])

    def _fill(self, given: Sequences, threads: int, out: Posterior) -> None:
        """Write the probabilities of the letter behind each base: see `Baseline`."""
        self._followers.probabilities(given.tokens, given.lengths, out)


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

    def _fill(self, given: Sequences, threads: int, out: Posterior) -> None:
        """Write the state probabilities of each base: see `Baseline`."""
        for here, context in self._contexts.of_bases(given.tokens, given.lengths):
            out[here] = self._frequencies[context]


class MotifTagger(Baseline):
    """The exact probability that a record has a motif, told at each of its bases.

    Its first class is that of the records with the motif.
    """

    of_kind = "rule"

    def _fill(self, given: Sequences, threads: int, out: Posterior) -> None:
        """Write the class probabilities of each base's record: see `Baseline`."""
        model = MotifModel.from_settings(self.card["architecture"]["motif"])
        out[:, 0] = np.repeat(model.posterior(given.tokens, given.lengths), given.lengths)
        out[:, 1] = 1 - out[:, 0]


class ConstantTagger(Baseline):
    """The same probabilities for every base."""

    of_kind = "constant"

    def _fill(self, given: Sequences, threads: int, out: Posterior) -> None:
        """Write the state probabilities of each base: see `Baseline`."""
        out[:] = self.tensors["probabilities"]

    @property
    def tells_numbers(self) -> bool:
        """Whether it tells a number, too: the mean of the training split's."""
        return "mean" in self.tensors

    def numbers(
        self,
        tokens: Tokens,
        lengths: Lengths,
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return the same number for each sequence, (sequences,): see `TellsNumbers`."""
        return np.full(lengths.size, self.tensors["mean"], dtype=np.float32)

    def posterior_of_numbers(self, numbers: NDArray[np.float32]) -> Posterior:
        """Return the same probabilities for each sequence, (sequences, states)."""
        return np.tile(self.tensors["probabilities"].astype(np.float32), (numbers.size, 1))

    @property
    def tells_values(self) -> bool:
        """Whether it tells a number at every place, too: the mean of the training split's."""
        return self.tells_numbers

    def next_values(
        self,
        tokens: Tokens,
        lengths: Lengths,
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> tuple[NDArray[np.float32], Posterior]:
        """Return the same number and probabilities at each place: see `TellsValues`."""
        told = np.full(tokens.size, self.tensors["mean"], dtype=np.float32)
        return told, self.posterior_of_numbers(told)


#: The class of each baseline and each program of the config.
BASELINES: dict[str, type[Baseline]] = {
    "exact": HMMTagger,
    "filtered": HMMTagger,
    "motif": MotifTagger,
    "next_letter": NextLetterTagger,
    "markov": MarkovTagger,
    "last": LastTagger,
    "autoregression": AutoregressionTagger,
    "wave": WaveTagger,
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
