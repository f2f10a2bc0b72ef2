"""What a tagger is to prediction, evaluation and annotation, be it a network or a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

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


def feature_names(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the features that a tagger reads beside the letters, by column; a baseline none."""
    return tuple(card.get("features", ()))
