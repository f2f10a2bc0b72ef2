"""What stands on top of a network: from its features to label probabilities, and the loss."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.corpus import UNLABELLED
from basetag.networks.initialisation import draw_glorot


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
            scores.flatten(0, 1).float(),
            labels.flatten().long(),
            weight=weights,
            ignore_index=UNLABELLED,
            reduction="sum",
        )
