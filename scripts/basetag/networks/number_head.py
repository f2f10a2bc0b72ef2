"""What stands on top of a network that tells numbers: the number, its loss, how sure.

The number is told on the scale of the training split's targets, mean 0 and deviation 1, and learnt
by squared error. What is known of it is taken as a Gaussian around what is told, as wide as the
errors on the validation split: so a record is above a threshold with a probability, and is judged
as records with classes are. Of a series it is told at each place, the next number.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.corpus import UNLABELLED
from basetag.networks.initialisation import draw_glorot

#: The error counts as at least this share of the targets' deviation: none is certain.
_LEAST_ERROR = 1e-6


class NumberHead(nn.Linear):
    """Tells a number of a record, from what is pooled of it, or of each place.

    Parameters
    ----------
    inputs : int
        Numbers for each record that come in.
    threshold : float
        What parts the two labels: 0 for numbers at or above it, 1 for those below.
    of_places : bool
        Whether each place has a number, and not a record as a whole.
    """

    mean: Tensor
    deviation: Tensor
    error: Tensor
    n_labels = 2
    has_states = False

    def __init__(self, inputs: int, threshold: float, *, of_places: bool = False) -> None:
        super().__init__(inputs, 1)
        self.threshold = threshold
        self.of_places = of_places
        for name, value in (("mean", 0.0), ("deviation", 1.0), ("error", 1.0)):
            self.register_buffer(name, torch.tensor(value, dtype=torch.float64))

    @property
    def description(self) -> str:
        """In words: what it gives a record."""
        return f"a number for each {'place' if self.of_places else 'record'}"

    @property
    def operations(self) -> int:
        """Multiply-adds of a base: none where the number is that of a record."""
        return self.in_features if self.of_places else 0

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from Glorot's uniform distribution; the bias is zero."""
        draw_glorot(self.weight, generator)
        self.bias.data.zero_()

    @torch.no_grad()
    def rescale(self, mean: float, deviation: float, *, keep: bool) -> None:
        """Take the mean and the deviation of the targets, which must not be 0.

        With `keep` the weights change with them, so that the same numbers are told as before.
        """
        if keep:
            factor = self.deviation / deviation
            shift = (self.mean - mean) / deviation
            self.weight.copy_(self.weight.double() * factor)
            self.bias.copy_(self.bias.double() * factor + shift)
        self.mean.fill_(mean)
        self.deviation.fill_(deviation)

    def set_error(self, squared: float) -> None:
        """Take the mean squared error, in the targets' unit squared."""
        self.error.fill_(max(squared**0.5, _LEAST_ERROR * float(self.deviation)))

    def weights_of_told(self, weights: Tensor) -> Tensor:
        """Return what a base counts by its label, (256,): the last of a record 1, all others 0."""
        counts = weights.new_zeros(UNLABELLED + 1)
        counts[: weights.numel()] = weights
        return counts

    def numbers(self, scores: Tensor) -> Tensor:
        """Return what is told, in the targets' unit, float64 (rows,), of scores (rows, 1)."""
        return self.mean + self.deviation * scores[..., 0].double()

    def loss(
        self, scores: Tensor, told: Tensor, active: NDArray[np.int64], weights: Tensor
    ) -> Tensor:
        """Return the summed squared error, in variances of the training targets.

        Parameters
        ----------
        scores : Tensor, (rows, 1), or of places (length, rows, 1)
        told : Tensor of float32, (rows,), or of places (length, rows)
            The targets; a record or place without one, NaN, counts nothing.
        active, weights
            Not looked at.
        """
        known = ~torch.isnan(told)
        wanted = (told.double() - self.mean) / self.deviation
        errors = scores[..., 0].to(torch.promote_types(scores.dtype, torch.float32)) - wanted
        total: Tensor = errors.masked_fill(~known, 0.0).square().sum()
        return total.to(self.weight.dtype)

    def posterior(self, numbers: Tensor) -> Tensor:
        """Return P(label | number told), (rows, 2), of numbers in the targets' unit, (rows,)."""
        above = (numbers.double() - self.threshold) / self.error
        both: Tensor = torch.special.ndtr(torch.stack([above, -above], dim=-1))
        return both.float()

    def state_probabilities(self, scores: Tensor, active: NDArray[np.int64]) -> Tensor:
        """Return P(label | record), (rows, 2)."""
        return self.posterior(self.numbers(scores))

    def label_probabilities(self, of_states: Tensor) -> Tensor:
        """Return what it is given: the labels have no states of their own."""
        return of_states
