"""What the layers of a network hand on from base to base, time first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


@dataclass(frozen=True)
class Activations:
    """What a layer reads: for each base a row of a table.

    Attributes
    ----------
    table : Tensor, (entries, width)
    entries : Tensor of int32, (length, rows)
        Which row of the table is that of a base.
    of_each_base : bool
        Whether every base has a row of its own, in their order. The sizes do not tell: a table
        of 15 letters may be read by 15 bases.
    """

    table: Tensor
    entries: Tensor
    of_each_base: bool = False

    @classmethod
    def of_bases(cls, dense: Tensor) -> Activations:
        """Wrap activations that differ from base to base, (length, rows, width)."""
        length, rows = dense.shape[:2]
        entries = torch.arange(length * rows, dtype=torch.int32, device=dense.device)
        return cls(dense.reshape(length * rows, -1), entries.view(length, rows), True)

    @property
    def width(self) -> int:
        """Numbers for each base."""
        return self.table.shape[1]

    def dense(self) -> Tensor:
        """Return the activations base by base, (length, rows, width)."""
        if self.of_each_base:
            return self.table.view(*self.entries.shape, -1)
        return nn.functional.embedding(self.entries, self.table)


def active_rows(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many of the rows have a base at each place, (longest,).

    Parameters
    ----------
    lengths : ndarray of int64, (rows,)
        From the longest on.

    Raises
    ------
    ValueError
        If a row is longer than the one before it.
    """
    if (np.diff(lengths) > 0).any():
        raise ValueError("rows must be ordered from the longest on")
    return np.searchsorted(-lengths, -np.arange(int(lengths[0])), side="left").astype(np.int64)


def padding_of(active: NDArray[np.int64], rows: int, device: torch.device) -> Tensor | None:
    """Return which places of rows lie behind their ends, (length, rows); None where none does.

    Parameters
    ----------
    active : ndarray of int64, (length,)
        Rows that have a base at each place, these being the first ones.
    rows : int
    device : torch.device
    """
    if active[-1] >= rows:
        return None
    has_base = torch.from_numpy(active).to(device, non_blocking=True)[:, None]
    return has_base <= torch.arange(rows, device=device)
