"""What stands on top of a network: from features to scores, the loss, the probabilities.

A head has hidden states. Each belongs to a label, and a label's probability is the sum over its
states. Without more is said, every label is one state.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.corpus import UNLABELLED
from basetag.networks.chain import Chain, log_partition, posterior, propagate
from basetag.networks.initialisation import draw_glorot
from basetag.substates import told_states


def in_full(scores: Tensor) -> Tensor:
    """Return scores in float32 at least: a network may compute in half precision."""
    return scores.to(torch.promote_types(scores.dtype, torch.float32))


class _Head(nn.Linear):
    """Scores of hidden states, the label of each, and what a base is told of them in training.

    A base is told its label, its state, or nothing (`UNLABELLED`), by the numbers of `told_states`.
    Every state that agrees with that may be the one: it bears what the base is told.

    Parameters
    ----------
    inputs : int
        Numbers for each base that come in.
    label_of : sequence of int
        Label of each hidden state.
    """

    label_of: Tensor
    of_label: Tensor
    bears: Tensor

    def __init__(self, inputs: int, label_of: Sequence[int]) -> None:
        super().__init__(inputs, len(label_of))
        self.n_labels = max(label_of) + 1
        label = torch.tensor(list(label_of))
        of_label = nn.functional.one_hot(label, self.n_labels).float()  # (states, labels)
        bears = torch.from_numpy(told_states(label_of))
        self.register_buffer("label_of", label, persistent=False)
        self.register_buffer("of_label", of_label, persistent=False)
        self.register_buffer("bears", bears, persistent=False)

    @property
    def has_states(self) -> bool:
        """Whether labels have several states."""
        return self.out_features > self.n_labels

    def not_borne(self, told: Tensor) -> Tensor:
        """Return which states do not bear what bases, (...), are told: (..., states)."""
        return ~self.bears[told.long()]

    def weights_of_told(self, weights: Tensor) -> Tensor:
        """Return what a base counts by what it is told, (256,), from that of the labels.

        A table: to pick out the labelled bases, a GPU would have to say how many there are.
        """
        counts = weights.new_zeros(UNLABELLED + 1)
        both = torch.cat([weights, weights[self.label_of]])
        counts[: both.numel()] = both
        return counts

    def label_probabilities(self, of_states: Tensor) -> Tensor:
        """Sum the probabilities of states, (..., states), by label, (..., labels)."""
        return of_states @ self.of_label.to(of_states.dtype) if self.has_states else of_states


class SoftmaxHead(_Head):
    """Labels every base for itself: a score per state, and probabilities by softmax.

    Parameters
    ----------
    inputs : int
        Numbers for each base that come in.
    label_of : sequence of int
        Label of each state; the states are the labels themselves where there is one for each.
    """

    @property
    def description(self) -> str:
        """In words: what it gives each base."""
        of = f"{self.n_labels} labels"
        if self.has_states:
            of = f"{self.out_features} substates of {of}"
        return f"softmax over {of}, each base for itself"

    @property
    def operations(self) -> int:
        """Multiply-adds of a base: the scores."""
        return self.weight.numel()

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from Glorot's uniform distribution; biases are zero."""
        draw_glorot(self.weight, generator)
        self.bias.data.zero_()

    def loss(
        self, scores: Tensor, told: Tensor, active: NDArray[np.int64], weights: Tensor
    ) -> Tensor:
        """Return the summed cross-entropy over labelled bases, nats.

        That of a base is -log of the summed probability of all states that bear what it is told.

        Parameters
        ----------
        scores : Tensor, (length, rows, states)
        told : Tensor of uint8, (length, rows)
            Label or state, see the class. `UNLABELLED` counts nothing, and stands in the padding.
        active : ndarray of int64, (length,)
            Rows that have a base at each place.
        weights : Tensor, (labels,)
            What a base of each label counts.
        """
        scores = in_full(scores)
        if not self.has_states:
            return nn.functional.cross_entropy(
                scores.flatten(0, 1),
                told.flatten().long(),
                weight=weights,
                ignore_index=UNLABELLED,
                reduction="sum",
            )
        borne = scores.masked_fill(self.not_borne(told), -torch.inf)
        lost = torch.logsumexp(scores, -1) - torch.logsumexp(borne, -1)
        return (lost * self.weights_of_told(weights)[told.long()]).sum()

    def state_probabilities(self, scores: Tensor, active: NDArray[np.int64]) -> Tensor:
        """Return P(state | record) of whole records, (length, rows, states)."""
        return torch.softmax(in_full(scores), dim=-1)


class PooledHead(_Head):
    """Labels a record as a whole: softmax of one vector of scores, from what is pooled of it.

    Parameters
    ----------
    inputs : int
        Numbers for each record that come in.
    n_labels : int
    """

    def __init__(self, inputs: int, n_labels: int) -> None:
        super().__init__(inputs, range(n_labels))

    @property
    def description(self) -> str:
        """In words: what it gives a record."""
        return f"softmax over {self.n_labels} labels, once for each record"

    @property
    def operations(self) -> int:
        """Multiply-adds of a base: none, the scores being those of a record."""
        return 0

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from Glorot's uniform distribution; biases are zero."""
        draw_glorot(self.weight, generator)
        self.bias.data.zero_()

    def loss(
        self, scores: Tensor, told: Tensor, active: NDArray[np.int64], weights: Tensor
    ) -> Tensor:
        """Return the summed cross-entropy over labelled records, nats.

        Parameters
        ----------
        scores : Tensor, (rows, labels)
            Of records.
        told : Tensor of uint8, (length, rows)
            One base of a record has its label, wherever it stands; all others have none
            (`UNLABELLED`). A record without a label counts nothing.
        active : ndarray of int64, (length,)
            Not looked at.
        weights : Tensor, (labels,)
            What a record of each label counts.
        """
        return nn.functional.cross_entropy(
            in_full(scores),
            told.amin(0).long(),  # no label is larger than UNLABELLED
            weight=weights,
            ignore_index=UNLABELLED,
            reduction="sum",
        )

    def state_probabilities(self, scores: Tensor, active: NDArray[np.int64]) -> Tensor:
        """Return P(label | record), (rows, labels)."""
        return torch.softmax(in_full(scores), dim=-1)


class ChainHead(_Head):
    """Labels all bases of a record together: a linear-chain conditional random field.

    A path of hidden states scores what its bases, its steps, its start and its end score together
    (Lafferty et al. 2001). With the logarithms of a hidden Markov model's probabilities that is
    its exact posterior.

    Parameters
    ----------
    inputs : int
        Numbers for each base that come in.
    label_of : sequence of int
        Label of each hidden state.
    allowed : sequence of sequence of bool, optional
        Whether a state (row) may be followed by another (column).
    """

    forbidden: Tensor

    def __init__(
        self,
        inputs: int,
        label_of: Sequence[int],
        allowed: Sequence[Sequence[bool]] | None = None,
    ) -> None:
        super().__init__(inputs, label_of)
        n_states = len(label_of)
        self.transition = nn.Parameter(torch.empty(n_states, n_states))
        self.start = nn.Parameter(torch.empty(n_states))
        self.end = nn.Parameter(torch.empty(n_states))
        forbidden = torch.zeros(n_states, n_states, dtype=torch.bool)
        if allowed is not None:
            forbidden = ~torch.tensor([list(row) for row in allowed])
        self.register_buffer("forbidden", forbidden, persistent=False)

    @property
    def description(self) -> str:
        """In words: what it gives a record."""
        of = f"{self.n_labels} labels"
        if self.has_states:
            of = f"{self.out_features} hidden states, {of}"
        return f"linear-chain CRF over {of}, all bases together"

    @property
    def operations(self) -> int:
        """Multiply-adds of a base: the scores, and a step of the messages of both directions."""
        return self.weight.numel() + 2 * self.out_features**2

    @property
    def chain(self) -> Chain:
        """The scores of steps, starts and ends."""
        steps = self.transition.masked_fill(self.forbidden, -torch.inf)
        return Chain(steps, self.start, self.end)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the scores of bases from a tenth of Glorot's distribution; all others are zero.

        Scores add up along a label: a chance preference of every base for one of them would make
        the first probabilities as certain as wrong. Zero would keep states of one label alike.
        """
        draw_glorot(self.weight, generator)
        self.weight.data *= 0.1
        for value in (self.bias, self.transition, self.start, self.end):
            value.data.zero_()

    def start_from_steps(self, counts: NDArray[np.int64], frequencies: NDArray[np.float64]) -> None:
        """Let states at first follow each other as they do in the training split.

        A step of an optimiser moves a score by about the learning rate: to say that a label lasts
        a thousand bases, it would take hundreds of them.

        Parameters
        ----------
        counts : ndarray of int64, (states, states) or (labels, labels)
            How often a base of one is followed by one of another. Of labels, where nobody knows
            the states: each state then takes what its label does.
        frequencies : ndarray of float64, (states,) or (labels,)
        """
        steps = np.log((counts + 1.0) / (counts + 1.0).sum(axis=1, keepdims=True))
        starts = np.log(np.maximum(frequencies, 1 / (counts + 1.0).sum()))
        if starts.size < self.out_features:
            label_of = self.label_of.cpu().numpy()
            steps, starts = steps[np.ix_(label_of, label_of)], starts[label_of]
        self.transition.data.copy_(torch.from_numpy(steps))
        self.start.data.copy_(torch.from_numpy(starts))

    def loss(
        self, scores: Tensor, told: Tensor, active: NDArray[np.int64], weights: Tensor
    ) -> Tensor:
        """Return the summed -log P(what bases are told | record), nats.

        That is the sum over all paths whose states bear it; where a base is told nothing, every
        state does. A record whose labels no allowed path bears counts nothing.

        Parameters
        ----------
        scores : Tensor, (length, rows, states)
        told : Tensor of uint8, (length, rows)
            Label or state, see the class. `UNLABELLED` counts nothing, and stands in the padding.
        active : ndarray of int64, (length,)
            Rows that have a base at each place.
        weights : Tensor, (labels,)
            Not looked at: a path has no weight per base.
        """
        scores = in_full(scores)
        borne = scores.masked_fill(self.not_borne(told), -torch.inf)
        borne = log_partition(borne, self.chain, active)
        lost = log_partition(scores, self.chain, active) - borne
        return torch.where(borne.isfinite(), lost, 0.0).sum()

    def state_probabilities(self, scores: Tensor, active: NDArray[np.int64]) -> Tensor:
        """Return P(state | record) of whole records, (length, rows, states)."""
        messages = [
            propagate(scores, self.chain, active, leftward=leftward)[0]
            for leftward in (False, True)
        ]
        return posterior(scores, *messages)
