"""Decoding: how a tagger's posteriors become one called state for each base.

It is chosen apart from what the tagger is. `argmax` takes the likeliest state of each base alone,
which is right most often; but it shatters long segments wherever the posterior wavers. Of a rule
or a program that calls states itself (`basetag.tagger.Caller`), it takes these calls. `viterbi`
takes the most probable path of states, and on request the best of those whose runs have a least
length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from basetag.errors import ConfigError, nearest
from basetag.features import BaseFeatures
from basetag.run_length import LONGEST_MINIMUM
from basetag.tagger import Caller, Tagger

# Bases whose likeliest states are found at a time.
_BLOCK = 1 << 18


@dataclass(frozen=True)
class Decoding:
    """How states are called.

    Parameters
    ----------
    method : {"argmax", "viterbi"}
    minimum_length : int, or mapping of str to int
        Fewest bases of a run of each state, or of the states by their letters; 1 for those that
        are not named. For `viterbi` alone.
    """

    method: Literal["argmax", "viterbi"] = "argmax"
    minimum_length: int | Mapping[str, int] = 1

    @classmethod
    def of(cls, value: Decoding | str | Mapping[str, Any]) -> Decoding:
        """Return the decoding of `value`, as a config gives it: a name, or a mapping.

        Raises
        ------
        ConfigError
            For a name or a key that there is not, or a length that is none.
        """
        if isinstance(value, Decoding):
            return value
        given: dict[str, Any] = {"method": value} if isinstance(value, str) else dict(value)
        strange = [key for key in given if key not in ("method", "minimum_length")]
        if strange:
            close = nearest(str(strange[0]), ["method", "minimum_length"])
            raise ConfigError(
                f"decoding: unknown key {strange[0]!r}",
                advice=f"did you mean {close}?" if close else "it has method and minimum_length",
            )
        method = given.get("method")
        if method not in ("argmax", "viterbi"):
            close = nearest(str(method), ["argmax", "viterbi"])
            raise ConfigError(
                f"decoding: found {method!r}, expected one of argmax, viterbi",
                advice=f"did you mean {close}?" if close else None,
            )
        decoding = cls(method, given.get("minimum_length", 1))
        decoding._check()
        return decoding

    def _check(self) -> None:
        lengths = self.minimum_length
        for length in lengths.values() if isinstance(lengths, Mapping) else [lengths]:
            if type(length) is not int or not 1 <= length <= LONGEST_MINIMUM:
                raise ConfigError(
                    f"decoding: found the minimum_length {length!r}",
                    advice=f"expected 1 to {LONGEST_MINIMUM} bases",
                )
        if self.method == "argmax" and lengths != 1:
            raise ConfigError(
                "decoding: argmax calls each base alone, and knows no minimum_length",
                advice="take viterbi, or remove it",
            )

    def minimum_lengths(self, states: Sequence[str]) -> NDArray[np.int64]:
        """Return the fewest bases of a run of each of the states, (states,).

        Raises
        ------
        ConfigError
            For a length of a state that is none of them.
        """
        if isinstance(self.minimum_length, int):
            return np.full(len(states), self.minimum_length, dtype=np.int64)
        strange = [letter for letter in self.minimum_length if letter not in states]
        if strange:
            raise ConfigError(
                f"decoding: the tagger has no state {strange[0]!r}",
                advice=f"its states are {', '.join(states)}",
            )
        return np.array([self.minimum_length.get(state, 1) for state in states], dtype=np.int64)

    def __str__(self) -> str:
        """Return it in words: ``viterbi, runs of at least 50 bases``."""
        if self.minimum_length == 1:
            return self.method
        if isinstance(self.minimum_length, int):
            return f"{self.method}, runs of at least {self.minimum_length} bases"
        by_state = (f"{length} ({state})" for state, length in sorted(self.minimum_length.items()))
        return f"{self.method}, runs of at least {', '.join(by_state)} bases"


#: The likeliest state of each base alone.
ARGMAX = Decoding()


def call_states(
    tagger: Tagger,
    tokens: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    posterior: NDArray[np.float32],
    decoding: Decoding,
    threads: int = 1,
    positions: NDArray[np.int64] | None = None,
    out: NDArray[np.uint8] | None = None,
    features: BaseFeatures | None = None,
) -> NDArray[np.uint8]:
    """Return the called state of every base.

    Parameters
    ----------
    tagger : Tagger
    tokens : ndarray of uint8, (bases,)
        Sequences, one behind the other.
    lengths : ndarray of int64, (sequences,)
    posterior : ndarray of float32, (bases, states)
        What the tagger gives for them.
    decoding : Decoding
    threads : int
        CPU threads.
    positions : ndarray of int64, (sequences,), optional
        Where each sequence begins in its record; 0 without it.
    out : ndarray of uint8, (bases,), optional
        Where to write; a memory map, for instance.
    features : ndarray of float32, (bases, features), optional
        What the tagger reads beside the letters.

    Returns
    -------
    ndarray of uint8, (bases,)
        Index of the state in the tagger's own order; of equally likely ones the first, unless the
        tagger calls states itself.

    Raises
    ------
    SequenceError
        Where no path is possible, with the sequence and the position.
    """
    if decoding.method == "viterbi":
        minimum_lengths = decoding.minimum_lengths(tagger.card["states"])
        return tagger.most_probable_path(
            tokens, lengths, posterior, minimum_lengths, threads, positions, out, features
        )
    if isinstance(tagger, Caller):
        return tagger.own_calls(tokens, lengths, posterior, out)
    calls = np.empty(len(posterior), dtype=np.uint8) if out is None else out
    for left in range(0, len(posterior), _BLOCK):
        block = slice(left, left + _BLOCK)
        calls[block] = posterior[block].argmax(axis=1)
    return calls
