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


def in_full(scores: Tensor) -> Tensor:
    """Return scores in float32 at least: a network may compute in half precision."""
    return scores.to(torch.promote_types(scores.dtype, torch.float32))


class SoftmaxHead(nn.Linear):
    """Labels every base for itself: a score per label, and probabilities by softmax.

    Parameters
    ----------
    inputs : int
        Numbers for each base that come in.
    n_labels : int
    """

    def __init__(self, inputs: int, n_labels: int) -> None:
        super().__init__(inputs, n_labels)
        self.n_labels = n_labels

    @property
    def description(self) -> str:
        """In words: what it gives each base."""
        return f"softmax over {self.n_labels} labels, each base for itself"

    @property
    def operations(self) -> int:
        """Multiply-adds of a base: the scores."""
        return self.weight.numel()

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from Glorot's uniform distribution; biases are zero."""
        draw_glorot(self.weight, generator)
        self.bias.data.zero_()

    def loss(
        self, scores: Tensor, labels: Tensor, active: NDArray[np.int64], weights: Tensor
    ) -> Tensor:
        """Return the summed cross-entropy over labelled bases, nats.

        Parameters
        ----------
        scores : Tensor, (length, rows, labels)
        labels : Tensor of uint8, (length, rows)
            `UNLABELLED` counts nothing, and stands in the padding.
        active : ndarray of int64, (length,)
            Rows that have a base at each place.
        weights : Tensor, (labels,)
            What a base of each label counts.
        """
        return nn.functional.cross_entropy(
            in_full(scores).flatten(0, 1),
            labels.flatten().long(),
            weight=weights,
            ignore_index=UNLABELLED,
            reduction="sum",
        )

    def probabilities(self, scores: Tensor, active: NDArray[np.int64]) -> Tensor:
        """Return P(label | record) of whole records, (length, rows, labels)."""
        return torch.softmax(in_full(scores), dim=-1)


class ChainHead(nn.Linear):
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

    label_of: Tensor
    forbidden: Tensor
    of_label: Tensor

    def __init__(
        self,
        inputs: int,
        label_of: Sequence[int],
        allowed: Sequence[Sequence[bool]] | None = None,
    ) -> None:
        n_states, self.n_labels = len(label_of), max(label_of) + 1
        super().__init__(inputs, n_states)
        self.transition = nn.Parameter(torch.empty(n_states, n_states))
        self.start = nn.Parameter(torch.empty(n_states))
        self.end = nn.Parameter(torch.empty(n_states))
        label = torch.tensor(list(label_of))
        forbidden = torch.zeros(n_states, n_states, dtype=torch.bool)
        if allowed is not None:
            forbidden = ~torch.tensor([list(row) for row in allowed])
        of_label = nn.functional.one_hot(label, self.n_labels).float()  # (states, labels)
        self.register_buffer("label_of", label, persistent=False)
        self.register_buffer("forbidden", forbidden, persistent=False)
        self.register_buffer("of_label", of_label, persistent=False)

    @property
    def description(self) -> str:
        """In words: what it gives a record."""
        states, labels = self.out_features, self.n_labels
        of = f"{labels} labels" if states == labels else f"{states} hidden states, {labels} labels"
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

    def start_from_labels(
        self, transitions: NDArray[np.int64], frequencies: NDArray[np.float64]
    ) -> None:
        """Let labels at first follow each other as they do in the training split.

        A step of an optimiser moves a score by about the learning rate: to say that a label lasts
        a thousand bases, it would take hundreds of them.

        Parameters
        ----------
        transitions : ndarray of int64, (labels, labels)
            How often a base of one label is followed by one of another.
        frequencies : ndarray of float64, (labels,)
            Of the labels.
        """
        counts = transitions + 1.0
        steps = np.log(counts / counts.sum(axis=1, keepdims=True))
        starts = np.log(np.maximum(frequencies, 1 / counts.sum()))
        label_of = self.label_of.cpu().numpy()
        self.transition.data.copy_(torch.from_numpy(steps[np.ix_(label_of, label_of)]))
        self.start.data.copy_(torch.from_numpy(starts[label_of]))

    def loss(
        self, scores: Tensor, labels: Tensor, active: NDArray[np.int64], weights: Tensor
    ) -> Tensor:
        """Return the summed -log P(labels | record), nats.

        That is the sum over all paths that bear the labels; where a base has none, every state
        does. A record whose labels no allowed path bears counts nothing.

        Parameters
        ----------
        scores : Tensor, (length, rows, states)
        labels : Tensor of uint8, (length, rows)
            `UNLABELLED` counts nothing, and stands in the padding.
        active : ndarray of int64, (length,)
            Rows that have a base at each place.
        weights : Tensor, (labels,)
            Not looked at: a path has no weight per base.
        """
        scores = in_full(scores)
        borne = scores.masked_fill(self.not_borne(labels), -torch.inf)
        borne = log_partition(borne, self.chain, active)
        lost = log_partition(scores, self.chain, active) - borne
        return torch.where(borne.isfinite(), lost, 0.0).sum()

    def not_borne(self, labels: Tensor) -> Tensor:
        """Return which states do not bear the labels, (length, rows), of bases that have one."""
        return (labels[:, :, None] != self.label_of) & (labels != UNLABELLED)[:, :, None]

    def probabilities(self, scores: Tensor, active: NDArray[np.int64]) -> Tensor:
        """Return P(label | record) of whole records, (length, rows, labels)."""
        messages = [
            propagate(scores, self.chain, active, leftward=leftward)[0]
            for leftward in (False, True)
        ]
        return self.label_probabilities(posterior(scores, *messages))

    def label_probabilities(self, of_states: Tensor) -> Tensor:
        """Sum the probabilities of hidden states, (..., states), by label, (..., labels)."""
        return of_states @ self.of_label.to(of_states.dtype)
