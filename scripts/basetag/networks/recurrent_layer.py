"""A layer of recurrence, and how layers stand on each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.networks.activations import Activations
from basetag.networks.cells import Cell, cell_named


class RecurrentLayer(nn.Module):
    """One layer of recurrence, read left to right and, where wanted, right to left as well.

    Parameters
    ----------
    cell : str
        Name of the recurrence, one of `basetag.architecture.CELLS`.
    inputs : int
        Numbers for each base that come in.
    hidden : int
        Units per direction.
    bidirectional : bool
        Whether a second cell reads from right to left.
    residual : bool
        Whether what comes in is added to what goes out (He et al. 2016).
    normalised : bool
        Whether the cells read what comes in normalised to mean 0 and variance 1 over its numbers
        (Ba et al. 2016), which, with `residual`, keeps deep stacks trainable.
    """

    def __init__(
        self,
        cell: str,
        inputs: int,
        hidden: int,
        bidirectional: bool,
        *,
        residual: bool = False,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        make = cell_named(cell)
        self.rightward = make(inputs, hidden)
        self.leftward = make(inputs, hidden) if bidirectional else None
        self.outputs = hidden * (2 if bidirectional else 1)
        if residual and inputs != self.outputs:
            raise ValueError(f"{inputs} numbers cannot be added to {self.outputs}")
        self.residual = residual
        self.norm = nn.LayerNorm(inputs) if normalised else None

    @property
    def description(self) -> str:
        """In words: its cells, and how it stands on what lies below."""
        kind, units = type(self.rightward).__name__, self.rightward.hidden
        words = [f"{kind} of {units} units, left to right"]
        if self.leftward is not None:
            words = [f"{kind} of {units} units in each direction"]
        if self.norm is not None:
            words.append("reads its input normalised")
        if self.residual:
            words.append("adds its input to what it says")
        return ", ".join(words)

    @property
    def operations(self) -> int:
        """Multiply-adds of a base."""
        return sum(cell.operations for cell in self.directions())

    def directions(self) -> list[Cell]:
        """Return the cell of each direction that there is."""
        return [self.rightward] if self.leftward is None else [self.rightward, self.leftward]

    def read(self, activations: Activations, active: NDArray[np.int64]) -> Tensor:
        """Return what the cells say of whole records, (length, rows, outputs)."""
        if self.leftward is None:
            return self.rightward.read(activations, active)[0]
        return self.rightward.read_both(self.leftward, activations, active)

    def normalised(self, activations: Activations) -> Activations:
        """Return what the cells read of the activations."""
        return (
            activations
            if self.norm is None
            else Activations.of_bases(self.norm(activations.dense()))
        )

    def forward(
        self,
        activations: Activations,
        read: Callable[[RecurrentLayer, Activations], Tensor],
        kept: Tensor | None = None,
    ) -> Activations:
        """Return what the layer hands on.

        Parameters
        ----------
        activations : Activations
            Rows are ordered from the longest on, and padded behind their ends.
        read : callable
            Gives what the cells say of the activations: `read` of whole records, or something that
            knows the states with which they enter.
        kept : Tensor, (rows, outputs), optional
            By what each unit is multiplied, the same at every base: dropout.
        """
        hidden = read(self, self.normalised(activations))
        if kept is not None:
            hidden = hidden * kept
        if self.residual:
            hidden = hidden + activations.dense()
        return Activations.of_bases(hidden)

    def initialise(self, generator: torch.Generator, longest_memory: int | None) -> None:
        """Draw the weights of all cells; see `Cell.initialise`."""
        for cell in self.directions():
            cell.initialise(generator, longest_memory)
        if self.norm is not None:
            self.norm.reset_parameters()
