"""What a tagger is to prediction, evaluation and annotation, be it a network or a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from basetag.features import BaseFeatures


class Tagger(Protocol):
    """What prediction, evaluation and annotation ask of a tagger."""

    card: dict[str, Any]

    def posterior(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int = 1,
        positions: NDArray[np.int64] | None = None,
        out: NDArray[np.float32] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return P(state | sequence) for sequences that lie one behind the other.

        Parameters
        ----------
        tokens : ndarray of uint8, (bases,)
        lengths : ndarray of int64, (sequences,)
        threads : int
            CPU threads.
        positions : ndarray of int64, (sequences,), optional
            Where each sequence begins in its record; 0 without it.
        out : ndarray of float32, (bases, states), optional
            Where to write; a memory map, for instance.
        features : ndarray of float32 or FeatureColumns, (bases, features), optional
            The numbers of each base that the card names (`feature_names`), NaN where one is
            missing; a baseline reads none.

        Returns
        -------
        ndarray of float32, (bases, states)
        """

    def most_probable_path(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        posterior: NDArray[np.float32],
        minimum_lengths: NDArray[np.int64],
        threads: int = 1,
        positions: NDArray[np.int64] | None = None,
        out: NDArray[np.uint8] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.uint8]:
        """Return the most probable states of sequences that lie one behind the other.

        A tagger with a chain of its own follows that; any other one follows its posteriors, by
        `path_of_posterior` of `basetag.viterbi`.

        Parameters
        ----------
        tokens, lengths, threads, positions, features
            As for `posterior`.
        posterior : ndarray of float32, (bases, states)
            What `posterior` gives for them.
        minimum_lengths : ndarray of int64, (states,)
            Fewest bases of a run of each state.
        out : ndarray of uint8, (bases,), optional
            Where to write; a memory map, for instance.

        Returns
        -------
        ndarray of uint8, (bases,)
        """


@runtime_checkable
class Caller(Protocol):
    """A tagger that calls states itself, where others only give probabilities."""

    def own_calls(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        posterior: NDArray[np.float32],
        out: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """Return the states that the tagger calls, of sequences that lie one behind the other.

        Parameters
        ----------
        tokens, lengths
            As for `Tagger.posterior`.
        posterior : ndarray of float32, (bases, states)
            What that gives for them.
        out : ndarray of uint8, (bases,), optional
            Where to write; a memory map, for instance.

        Returns
        -------
        ndarray of uint8, (bases,)
        """


@runtime_checkable
class TellsNumbers(Protocol):
    """A tagger that may tell a number of each sequence as a whole."""

    @property
    def tells_numbers(self) -> bool:
        """Whether it does."""

    def numbers(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return the number of each sequence, (sequences,), NaN for one without letters.

        Parameters are those of `Tagger.posterior`.
        """

    def posterior_of_numbers(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of sequences of which these numbers are told, (n, states).

        Those are what `Tagger.posterior` gives each base of theirs.
        """


@runtime_checkable
class TellsFurther(Protocol):
    """A tagger that may tell further labels of each base, by heads beside the main one."""

    @property
    def further_states(self) -> dict[str, tuple[str, ...]]:
        """The states of each further head, by its name; none for most."""

    def further_posterior(
        self,
        name: str,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int = 1,
        out: NDArray[np.float32] | None = None,
        features: BaseFeatures | None = None,
    ) -> NDArray[np.float32]:
        """Return P(state of the head | sequence), (bases, states); as `Tagger.posterior`."""


@runtime_checkable
class TellsValues(Protocol):
    """A tagger that may tell, at each place of a series, the number behind it."""

    @property
    def tells_values(self) -> bool:
        """Whether it does."""

    def next_values(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int = 1,
        features: BaseFeatures | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what is told of each place, from those up to it.

        Parameters are those of `Tagger.posterior`; the features are the places' own numbers.

        Returns
        -------
        told : ndarray of float32, (places,)
            The next number.
        posterior : ndarray of float32, (places, 2)
            How likely it is not below the last known one, and how likely it is.
        """


def tells_values(tagger: Tagger) -> TypeGuard[TellsValues]:
    """Whether a tagger tells the number behind each place of a series."""
    return isinstance(tagger, TellsValues) and tagger.tells_values


def tells_numbers(tagger: Tagger) -> TypeGuard[TellsNumbers]:
    """Whether a tagger tells a number of each sequence."""
    return isinstance(tagger, TellsNumbers) and tagger.tells_numbers


def feature_names(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the features that a tagger reads beside the letters, by column; a baseline none."""
    return tuple(card.get("features", ()))
