"""Recurrent cells: what a unit keeps from base to base. Each is a class, and a line of
`basetag.architecture.CELLS`.

A cell says in `step` how its state follows from the last one and from what a base sends to its
gates. That alone suffices: `read` then goes base by base, on any device. The cells that have a
faster way to the same numbers override `read`.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.architecture import CELLS
from basetag.networks import recurrence
from basetag.networks.activations import Activations
from basetag.networks.initialisation import chrono_bias, draw_glorot
from basetag.networks.recurrence import State
from basetag.networks.scan import read_mingru


class Cell(nn.Module):
    """One recurrence, read in one direction.

    Parameters
    ----------
    inputs : int
        Numbers for each base that come in.
    hidden : int
        Units.

    Attributes
    ----------
    gates : int
        How many vectors of `hidden` numbers a base sends to the cell.
    recurrent : bool
        Whether the last state sends as many.
    carried : int
        Vectors in the state; the first is the hidden state that the next layer reads.
    """

    gates: ClassVar[int]
    recurrent: ClassVar[bool] = True
    carried: ClassVar[int] = 1

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.inputs, self.hidden = inputs, hidden
        self.weight_ih = nn.Parameter(torch.empty(self.gates * hidden, inputs))
        self.bias_ih = nn.Parameter(torch.empty(self.gates * hidden))
        if self.recurrent:
            self.weight_hh = nn.Parameter(torch.empty(self.gates * hidden, hidden))
            self.bias_hh = nn.Parameter(torch.empty(self.gates * hidden))

    @property
    def operations(self) -> int:
        """Multiply-adds of a base: the products with the gates' matrices."""
        return self.gates * self.hidden * (self.inputs + (self.hidden if self.recurrent else 0))

    def step(self, sent: Tensor, state: State) -> State:
        """Return the state after a base.

        Parameters
        ----------
        sent : Tensor, (rows, gates * hidden)
            What the base sends to the gates, `bias_ih` included.
        state : tuple of Tensor, (rows, hidden) each
            After the base before.
        """
        raise NotImplementedError

    def read(
        self,
        activations: Activations,
        active: NDArray[np.int64],
        *,
        leftward: bool = False,
        state: State | None = None,
    ) -> tuple[Tensor, State]:
        """Read rows in one direction.

        Parameters
        ----------
        activations : Activations
            Rows are ordered from the longest on, and padded behind their ends.
        active : ndarray of int64, (length,)
            Rows that have a base at each place; the padding reaches no base.
        leftward : bool
            Whether to read from the last base to the first.
        state : tuple of Tensor, (rows, hidden) each, optional
            At the start, only where all rows have the same length; zero without it, as at the
            beginning of a record.

        Returns
        -------
        hidden : Tensor, (length, rows, hidden)
            After each base; of no use in the padding.
        state : tuple of Tensor
            At the end of the reading; of use where all rows have the same length.
        """
        sent = nn.functional.linear(activations.table, self.weight_ih, self.bias_ih)
        sent = Activations(sent, activations.entries, activations.of_each_base).dense()
        length, rows = activations.entries.shape
        now = tuple(part.to(sent.dtype) for part in state or ())
        now = now or (sent.new_zeros(rows, self.hidden),) * self.carried
        hidden: list[Tensor] = [now[0]] * length
        for base in reversed(range(length)) if leftward else range(length):
            after = self.step(sent[base], now)
            n = int(active[base])
            now = tuple(torch.cat([new[:n], old[n:]]) for new, old in zip(after, now, strict=True))
            hidden[base] = now[0]
        return torch.stack(hidden), now

    def read_both(
        self, leftward: Cell, activations: Activations, active: NDArray[np.int64]
    ) -> Tensor:
        """Read whole rows, by this cell to the right and by another of its kind to the left.

        Returns
        -------
        Tensor, (length, rows, 2 hidden)
        """
        hidden, _ = self.read(activations, active)
        other, _ = leftward.read(activations, active, leftward=True)
        return torch.cat([hidden, other], dim=-1)

    def initialise(self, generator: torch.Generator, longest_memory: int | None = None) -> None:
        """Draw the weights.

        Recurrent matrices are orthogonal (Saxe et al. 2014) and input matrices Glorot-uniform,
        gate by gate; biases are zero, those of the gates that keep the state apart.

        Parameters
        ----------
        generator : torch.Generator
        longest_memory : int, optional
            Bases over which gates should at first be able to keep something (Tallec & Ollivier
            2018).
        """
        for gate in torch.split(self.weight_ih.data, self.hidden):
            draw_glorot(gate, generator)
        self.bias_ih.data.zero_()
        if self.recurrent:
            for gate in torch.split(self.weight_hh.data, self.hidden):
                nn.init.orthogonal_(gate, generator=generator)
            self.bias_hh.data.zero_()
        self.open_gates(generator, longest_memory)

    def open_gates(self, generator: torch.Generator, longest_memory: int | None) -> None:
        """Set the biases of the gates that keep the state; a cell may have none."""

    def _recalled(self, hidden: Tensor) -> Tensor:
        """Return what the last hidden state sends to the gates, (rows, gates * hidden)."""
        return nn.functional.linear(hidden, self.weight_hh, self.bias_hh)

    def _bias(self, index: int) -> Tensor:
        """Return the biases of a gate's inputs, (hidden,)."""
        return self.bias_ih.data[index * self.hidden : (index + 1) * self.hidden]


class _FastCell(Cell):
    """A cell that `recurrence` knows: compiled loops on the CPU, cuDNN on a GPU."""

    kind: ClassVar[str]

    @property
    def weights(self) -> list[Tensor]:
        """The weights in torch's order."""
        return [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]

    def read(
        self,
        activations: Activations,
        active: NDArray[np.int64],
        *,
        leftward: bool = False,
        state: State | None = None,
    ) -> tuple[Tensor, State]:
        """Read rows in one direction, fast; see `Cell.read`."""
        return recurrence.read(self, activations, active, leftward=leftward, state=state)

    def read_both(
        self, leftward: Cell, activations: Activations, active: NDArray[np.int64]
    ) -> Tensor:
        """Read whole rows in both directions, on a GPU side by side; see `Cell.read_both`."""
        assert isinstance(leftward, _FastCell)  # noqa: S101 - of the same kind
        return recurrence.read_both(self, leftward, activations, active)


class RNN(_FastCell):
    """The simple recurrent network of Elman (1990)."""

    gates = 1
    kind = "rnn"

    def step(self, sent: Tensor, state: State) -> State:
        """Return h' = tanh(x + W h)."""
        return (torch.tanh(sent + self._recalled(state[0])),)


class GRU(_FastCell):
    """The gated recurrent unit of Cho et al. (2014): gates reset, update, new.

    The reset gate weighs what the last state sends, as in cuDNN.
    """

    gates = 3
    kind = "gru"

    def step(self, sent: Tensor, state: State) -> State:
        """Return h' = (1 - z) n + z h, where n = tanh(x_n + r W_n h)."""
        (h,) = state
        (x_r, x_z, x_n), (h_r, h_z, h_n) = sent.chunk(3, -1), self._recalled(h).chunk(3, -1)
        z = torch.sigmoid(x_z + h_z)
        n = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
        return ((1 - z) * n + z * h,)

    def open_gates(self, generator: torch.Generator, longest_memory: int | None) -> None:
        """Let the update gate keep the state for up to `longest_memory` bases."""
        if longest_memory is not None:
            self._bias(1).copy_(chrono_bias(longest_memory, self.hidden, generator))


class LSTM(_FastCell):
    """The long short-term memory of Hochreiter & Schmidhuber (1997), its forget gate by Gers et al.

    The gates are input, forget, cell, output.
    """

    gates = 4
    carried = 2
    kind = "lstm"

    def step(self, sent: Tensor, state: State) -> State:
        """Return h' = o tanh(c') and c' = f c + i g."""
        h, c = state
        i, f, g, o = (sent + self._recalled(h)).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def open_gates(self, generator: torch.Generator, longest_memory: int | None) -> None:
        """Open the forget gate: bias 1 (Gers et al. 2000; Jozefowicz et al. 2015), or chrono."""
        if longest_memory is None:
            self._bias(1).fill_(1.0)
            return
        memory = chrono_bias(longest_memory, self.hidden, generator)
        self._bias(1).copy_(memory)
        self._bias(0).copy_(-memory)


class MinGRU(Cell):
    """The GRU whose gates do not look at the last state (Feng et al. 2024): gates z and n.

    So all bases' gates are computed at once, and a scan puts the states together.
    """

    gates = 2
    recurrent = False

    def step(self, sent: Tensor, state: State) -> State:
        """Return h' = (1 - z) h + z n."""
        z, n = sent.chunk(2, -1)
        z = torch.sigmoid(z)
        return ((1 - z) * state[0] + z * n,)

    def read(
        self,
        activations: Activations,
        active: NDArray[np.int64],
        *,
        leftward: bool = False,
        state: State | None = None,
    ) -> tuple[Tensor, State]:
        """Read rows in one direction, by a scan; see `Cell.read`."""
        inputs = torch.baddbmm(  # (gates, entries, hidden)
            self.bias_ih.view(2, 1, self.hidden),
            activations.table.expand(2, -1, -1),
            self.weight_ih.view(2, self.hidden, -1).mT,
        )
        hidden, last = read_mingru(
            inputs, activations.entries, active, leftward=leftward,
            state=None if state is None else state[0], of_each_base=activations.of_each_base,
        )  # fmt: skip
        return hidden, (last,)

    def open_gates(self, generator: torch.Generator, longest_memory: int | None) -> None:
        """Let z, which lets in, keep the state for up to `longest_memory` bases."""
        if longest_memory is not None:
            self._bias(0).copy_(-chrono_bias(longest_memory, self.hidden, generator))


def cell_named(name: str) -> type[Cell]:
    """Return the class of a cell by the name that the config gives it."""
    found: type[Cell] = globals()[CELLS[name]]
    return found
