"""A row of hidden states summed up in one, by weights that the states themselves ask for."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.networks.activations import padding_of
from basetag.networks.initialisation import draw_glorot


class AttentionPooling(nn.Module):
    """The mean of a row's states, weighed by additive attention.

    The state h of a base scores v · tanh(W h + b), as in Bahdanau et al. (2015, arXiv:1409.0473)
    with nothing to compare it to; the weights are the softmax of the scores over the row.

    Parameters
    ----------
    width : int
        Units of a hidden state.
    units : int
        Rows of W.
    """

    def __init__(self, width: int, units: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, units)
        self.score = nn.Linear(units, 1, bias=False)

    def forward(self, hidden: Tensor, active: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Pool each row.

        Parameters
        ----------
        hidden : Tensor, (length, rows, width)
            Finite in the padding, which reaches nothing.
        active : ndarray of int64, (length,)
            Rows that have a base at each place, these being the first ones.

        Returns
        -------
        pooled : Tensor, (rows, width)
        weights : Tensor, (length, rows)
            Of each base; their sum over a row is 1, and they are zero in the padding.

        Raises
        ------
        ValueError
            If a row has no base: there is nothing to weigh.
        """
        rows = hidden.shape[1]
        if active[0] < rows:
            raise ValueError(f"{rows - int(active[0])} of {rows} rows have no base to pool")
        scores = self.scores(hidden, padding_of(active, rows, hidden.device))
        weights = torch.softmax(scores, dim=0)
        return torch.einsum("lr,lrw->rw", weights.to(hidden.dtype), hidden), weights

    def scores(self, hidden: Tensor, padding: Tensor | None = None) -> Tensor:
        """Return the score of each base, (length, rows); -infinity in the padding.

        In float32 at least.

        Parameters
        ----------
        hidden : Tensor, (length, rows, width)
        padding : Tensor of bool, (length, rows), optional
            What `padding_of` gives.
        """
        scores: Tensor = self.score(torch.tanh(self.projection(hidden)))[:, :, 0]
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        return scores if padding is None else scores.masked_fill(padding, -torch.inf)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the matrices from `generator`, Glorot-uniform; the bias is zero."""
        draw_glorot(self.projection.weight, generator)
        self.projection.bias.data.zero_()
        draw_glorot(self.score.weight, generator)
