"""Numbers given with each base, brought to one scale."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

#: Deviations from the mean, at most.
_FARTHEST = 1e4


class Standardised(nn.Module):
    """Takes the mean from each number and divides by its deviation; what is missing becomes 0.

    Both are no parameters: they are told before training and stay as they are.

    Parameters
    ----------
    width : int
        Numbers for each base.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))

    def start_from(self, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> None:
        """Take means and standard deviations, (width,) each."""
        self.mean.copy_(torch.from_numpy(mean))
        least = torch.finfo(torch.float32).tiny
        self.deviation.copy_(torch.from_numpy(deviation).clamp(min=least))

    def forward(self, values: Tensor) -> Tensor:
        """Return the numbers of all bases, (length, rows, width), on one scale; NaN is missing."""
        scaled = (values - self.mean) / self.deviation
        # What lies so far out is a mistake of whoever measured it, and not to become infinite.
        return scaled.clamp(-_FARTHEST, _FARTHEST).masked_fill(torch.isnan(scaled), 0.0)
