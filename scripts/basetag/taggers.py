"""Any tagger from its file: networks and baselines behind the same few names.

A tagger has a `card` (what its file says of itself) and `posterior` for tokens. `load_tagger` is
the one door to both kinds, and adds `predict` for plain strings. torch is imported only for a
network's file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.baselines import BASELINES
from basetag.decoding import ARGMAX, Decoding, call_states
from basetag.errors import ConfigError
from basetag.tagger import Tagger
from basetag.tagger_file import read_tagger


@dataclass(frozen=True)
class Prediction:
    """What a tagger says of one sequence.

    Attributes
    ----------
    states : str
        The called state of each base, one letter per base.
    probabilities : ndarray of float32, (bases, states)
        P(state | sequence); the columns are in the order of the tagger's states.
    """

    states: str
    probabilities: NDArray[np.float32]


@dataclass(frozen=True)
class LoadedTagger:
    """A tagger read from its file, ready for plain strings.

    Parameters
    ----------
    tagger : Tagger
    decoding : Decoding
        How it calls states.
    """

    tagger: Tagger
    decoding: Decoding = ARGMAX

    @property
    def alphabet(self) -> Alphabet:
        """The alphabet of its sequences."""
        return Alphabet.named(self.tagger.card["alphabet"])

    @property
    def states(self) -> tuple[str, ...]:
        """One letter per state, in the order of the probabilities' columns."""
        return tuple(self.tagger.card["states"])

    def predict(self, sequences: Iterable[str], threads: int = 1) -> list[Prediction]:
        """Label every base of each sequence.

        Parameters
        ----------
        sequences : iterable of str
            In any case; ambiguous codes allowed.
        threads : int
            CPU threads to use.

        Returns
        -------
        list of Prediction
            In the order of `sequences`.

        Raises
        ------
        InputError
            For a letter outside the alphabet, with the sequence's number and the position; and
            where the decoding finds no path.
        """
        tokens = [
            self.alphabet.encode(sequence, record=f"sequence {number}")
            for number, sequence in enumerate(sequences, start=1)
        ]
        if not tokens:
            return []
        lengths = np.array([part.size for part in tokens], dtype=np.int64)
        joined, cuts = np.concatenate(tokens), np.cumsum(lengths)[:-1]
        posterior = self.tagger.posterior(joined, lengths, threads)
        calls = call_states(self.tagger, joined, lengths, posterior, self.decoding, threads)
        letters = np.array(self.states)
        return [
            Prediction("".join(letters[called]), part)
            for called, part in zip(np.split(calls, cuts), np.split(posterior, cuts), strict=True)
        ]


def load_tagger(
    path: str | os.PathLike[str],
    gpus: int = 0,
    *,
    decoding: Decoding | str | Mapping[str, Any] = "argmax",
    memory: int | None = None,
    both_strands: bool | None = None,
) -> LoadedTagger:
    """Read any tagger from its file.

    Parameters
    ----------
    path : path-like
        A tagger.safetensors.
    gpus : int
        0 predicts on the CPU, 1 on a GPU, which stays claimed until the process ends and is
        waited for where other jobs have claimed all; baselines always run on the CPU.
    decoding : Decoding, str or mapping
        How states are called, as in a config: `argmax`, `viterbi`, or
        ``{"method": "viterbi", "minimum_length": 50}``.
    memory : int, optional
        Bytes that the process should stay below when a network predicts; 1 GiB without it.
    both_strands : bool, optional
        Whether a network's predictions are the mean over a sequence and its reverse complement;
        what its config said without it.

    Returns
    -------
    LoadedTagger

    Raises
    ------
    InputError
        If the file is no tagger or is of a newer format.
    DeviceError
        If a GPU was asked for and there is none, or more than one was.
    ConfigError
        If both strands are asked of a baseline, or where the alphabet has one; and for a decoding
        that there is not, or lengths of states that the tagger does not have.
    """
    chosen = Decoding.of(decoding)
    tensors, card = read_tagger(path)
    chosen.minimum_lengths(card["states"])  # refuses strange ones before a GPU is waited for
    if card["kind"] != "network":
        if both_strands:
            raise ConfigError(
                f"both strands are asked for, and {card['name']!r} is a baseline, which reads one",
                advice="leave both_strands away, or take a network",
            )
        return LoadedTagger(BASELINES[card["architecture"]["baseline"]](card, tensors), chosen)
    from basetag.devices import choose_device
    from basetag.inference import MEMORY
    from basetag.network_tagger import NetworkTagger

    return LoadedTagger(
        NetworkTagger.from_tensors(
            tensors,
            card,
            choose_device(gpus),
            memory=MEMORY if memory is None else memory,
            both_strands=both_strands,
        ),
        chosen,
    )
