"""A hidden Markov model as arrays: what simulation, inference and the HMM baselines compute with.

States follow each other by a Markov chain, and each emits one letter of an alphabet (Rabiner 1989,
Proc IEEE 77:257). What is told of a base is the label of its state: each state may have one of its
own, or several states bear the same (Krogh 1994, Proc 12th Int Conf Pattern Recognition 2:140), and
then the labels follow each other by no Markov chain. How a model is written down lies in
`basetag.hmm_spec`, how one is estimated in `basetag.hmm_fitting`, what follows from one in
`basetag.exact_inference`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet

#: As in `basetag.hmm_spec`: 20 probabilities written with six digits sum to 1 within this.
SUM_TOLERANCE = 1e-5


@dataclass(frozen=True, eq=False)
class HMM:
    """A hidden Markov model over the plain letters of an alphabet.

    Parameters
    ----------
    alphabet : Alphabet
        The letters that the states emit.
    states : tuple of str
        The letter of the label that each state bears.
    start : ndarray of float64, (states,)
        Probability of each state at the first base.
    transition : ndarray of float64, (states, states)
        Probability of the next base's state (columns) given this base's (rows).
    emission : ndarray of float64, (states, letters)
        Probability of each plain letter given the state.
    labels : tuple of str, optional
        The letters of all labels, in the order in which they are reported; without it, that in
        which the states first bear them.

    Raises
    ------
    ValueError
        For arrays of other shapes, rows that are no distributions, or labels that are not those
        of the states.
    """

    alphabet: Alphabet
    states: tuple[str, ...]
    start: NDArray[np.float64]
    transition: NDArray[np.float64]
    emission: NDArray[np.float64]
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.states)
        object.__setattr__(self, "labels", self.labels or tuple(dict.fromkeys(self.states)))
        if sorted(self.labels) != sorted(set(self.states)):
            borne = ", ".join(sorted(set(self.states)))
            raise ValueError(f"the states bear {borne}, and the labels are {self.labels}")
        for name, shape in (
            ("start", (n,)),
            ("transition", (n, n)),
            ("emission", (n, self.alphabet.n_letters)),
        ):
            rows = np.array(getattr(self, name), dtype=np.float64)
            if rows.shape != shape:
                raise ValueError(f"{name} has the shape {rows.shape}, not {shape}")
            if not (np.all(rows >= 0) and np.all(abs(rows.sum(axis=-1) - 1) <= SUM_TOLERANCE)):
                raise ValueError(f"{name} has a row that is no probability distribution")
            rows.flags.writeable = False
            object.__setattr__(self, name, rows)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> HMM:
        """Return the model of `settings`, as `HMMSpec.settings` or `HMM.settings` gives them."""
        transition = np.array(settings["transition"], dtype=np.float64)
        start = settings["start"]
        return cls(
            Alphabet.named(settings["alphabet"]),
            tuple(settings["states"]),
            stationary_distribution(transition) if start == "stationary" else np.array(start),
            transition,
            np.array(settings["emission"], dtype=np.float64),
            tuple(settings.get("labels", ())),
        )

    def settings(self) -> dict[str, Any]:
        """Return the model as plain JSON, from which `from_settings` makes the same numbers."""
        return {
            "alphabet": self.alphabet.name,
            "states": list(self.states),
            **({"labels": list(self.labels)} if self.is_grouped else {}),
            "start": self.start.tolist(),
            "transition": self.transition.tolist(),
            "emission": self.emission.tolist(),
        }

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.states)

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return len(self.labels)

    @property
    def is_grouped(self) -> bool:
        """Whether the labels are other than the states in their order."""
        return self.labels != self.states

    @cached_property
    def label_of_state(self) -> NDArray[np.uint8]:
        """Index in `labels` of the label that each state bears, (states,)."""
        label = np.array([self.labels.index(letter) for letter in self.states], dtype=np.uint8)
        label.flags.writeable = False
        return label

    def stationary(self) -> NDArray[np.float64]:
        """Return the chain's stationary distribution, (states,)."""
        return stationary_distribution(self.transition)

    @cached_property
    def token_likelihood(self) -> NDArray[np.float64]:
        """P(token | state), (tokens, states).

        An ambiguous code has the sum over the letters that it may stand for; one that may stand
        for every letter has exactly 1, however the emissions were rounded: it is no evidence.
        """
        membership = self.alphabet.membership
        likelihood = membership @ self.emission.T
        likelihood[membership.all(axis=1)] = 1.0
        likelihood.flags.writeable = False
        return likelihood

    def rows_of(
        self, tokens: NDArray[np.uint8], lengths: NDArray[np.int64]
    ) -> NDArray[np.unsignedinteger[Any]]:
        """Return the row of `token_likelihood` of each base, (bases,): that of its token.

        Parameters
        ----------
        tokens : ndarray of uint8, (bases,)
            Independent sequences, one behind the other.
        lengths : ndarray of int64, (sequences,)
        """
        return tokens

    def started_at(self, position: int) -> HMM:
        """Return the model of a sequence that begins `position` bases into a record.

        Its first state is distributed as start · transition^position: that of a record's first
        base at 0, the stationary one far from it.
        """
        if position == 0:
            return self
        start = self.start @ np.linalg.matrix_power(self.transition, position)
        return replace(self, start=start / start.sum())

    def permuted(self, order: Sequence[int] | NDArray[np.integer[Any]]) -> HMM:
        """Return the model whose state i has the numbers of this one's state ``order[i]``.

        The letters of the states stay where they are: it is the numbers that move to them.
        """
        order = np.asarray(order)
        return replace(
            self,
            start=self.start[order],
            transition=self.transition[np.ix_(order, order)],
            emission=self.emission[order],
        )


def stationary_distribution(transition: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distribution that a step of the chain leaves as it is, (states,).

    By elimination without subtractions (Grassmann, Taksar & Heyman 1985, Oper Res 33:1107), which
    keeps its relative precision where states are left very rarely.

    Parameters
    ----------
    transition : ndarray of float64, (states, states)

    Raises
    ------
    ValueError
        For a chain in which some state is not reached from another.
    """
    rates = np.array(transition, dtype=np.float64)
    n = len(rates)
    for last in range(n - 1, 0, -1):
        leaving = rates[last, :last].sum()
        if leaving <= 0:
            raise ValueError("the chain has no single stationary distribution")
        rates[:last, last] /= leaving
        rates[:last, :last] += np.outer(rates[:last, last], rates[last, :last])
    weights = np.ones(n)
    for state in range(1, n):
        weights[state] = weights[:state] @ rates[:state, state]
    distribution: NDArray[np.float64] = weights / weights.sum()
    return distribution
