"""Convolutions along the sequence, of several kernel widths side by side.

The front end of a tagger: each kernel looks for a motif. Several widths at once see motifs of
several lengths (Li & Yu 2016, DCRNN, arXiv:1604.07176).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from basetag.networks.activations import Activations
from basetag.networks.initialisation import draw_glorot


class Convolution(nn.Module):
    """Parallel convolutions and a rectifier: max(0, kernel * activations + bias).

    Parameters
    ----------
    inputs : int
        Numbers for each base that come in.
    widths : sequence of int
        Bases under each kernel; their channels lie one behind the other in what comes out.
    channels : int
        Kernels of each width.
    causal : bool
        Whether a kernel ends at its base. Otherwise the base lies in its middle; of an even
        width, one more lies to its right.

    Attributes
    ----------
    reach : tuple of int
        How many bases to the left and to the right of a base the widest kernel covers.
    width : int
        Numbers for each base that go out.
    """

    def __init__(
        self, inputs: int, widths: Sequence[int], channels: int, *, causal: bool = False
    ) -> None:
        super().__init__()
        self.kernels = nn.ModuleList(nn.Conv1d(inputs, channels, width) for width in widths)
        self.reaches = [(w - 1, 0) if causal else ((w - 1) // 2, w // 2) for w in widths]
        left, right = zip(*self.reaches, strict=True)
        self.reach = (max(left), max(right))
        self.width = channels * len(widths)

    @property
    def description(self) -> str:
        """In words: how many kernels of which widths."""
        *widths, last = (str(kernel.kernel_size[0]) for kernel in self._kernels())
        listed = f"{', '.join(widths)} and {last}" if widths else last
        each = "each of the widths" if widths else "width"
        return f"{self._kernels()[0].out_channels} kernels of {each} {listed}, cut off at 0"

    @property
    def operations(self) -> int:
        """Multiply-adds of a base: one for each number of the kernels."""
        return sum(kernel.weight.numel() for kernel in self._kernels())

    def initialise(self, generator: torch.Generator) -> None:
        """Draw kernels from Glorot's uniform distribution; biases are zero."""
        for kernel in self._kernels():
            draw_glorot(kernel.weight, generator)
            assert kernel.bias is not None  # noqa: S101 - each has one
            kernel.bias.data.zero_()

    def _kernels(self) -> list[nn.Conv1d]:
        return [kernel for kernel in self.kernels if isinstance(kernel, nn.Conv1d)]

    def forward(self, activations: Activations) -> Activations:
        """Return what the kernels see at all bases but those that `reach` needs at either end.

        Parameters
        ----------
        activations : Activations
            Of (left + length + right, rows) places; zero beyond the ends of a row.
        """
        values = activations.dense().permute(1, 2, 0)  # (rows, width, places)
        left, right = self.reach
        parts = []
        for kernel, (own_left, own_right) in zip(self._kernels(), self.reaches, strict=True):
            end = values.shape[2] - (right - own_right)
            parts.append(kernel(values[:, :, left - own_left : end]))
        seen = torch.relu(torch.cat(parts, dim=1))  # (rows, channels, length)
        return Activations.of_bases(seen.permute(2, 0, 1))
