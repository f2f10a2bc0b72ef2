"""Recurrent networks that give every base a score per state.

A network is: tokens → one-hot mixture of plain letters → layers of recurrence, each one- or
two-directional → a linear head. A layer holds one module per direction, so that training, which
sees whole windows, and prediction, which carries the state from chunk to chunk, run the very same
weights. Inside, arrays are time first. Nothing here knows of files, losses or devices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from basetag.alphabet import Alphabet
from basetag.networks.recurrence import Features, read, read_both

CELLS: Mapping[str, type[nn.RNN | nn.GRU | nn.LSTM]] = {
    "rnn": nn.RNN,
    "gru": nn.GRU,
    "lstm": nn.LSTM,
}


class RecurrentLayer(nn.Module):
    """One layer of recurrence, read left to right and, where wanted, right to left as well.

    Parameters
    ----------
    cell : {"rnn", "gru", "lstm"}
        Kind of recurrence.
    inputs : int
        Features per base that come in.
    hidden : int
        Units per direction.
    bidirectional : bool
        Whether a second module reads from right to left.
    """

    def __init__(self, cell: str, inputs: int, hidden: int, bidirectional: bool) -> None:
        super().__init__()
        make = CELLS[cell]
        self.rightward = make(inputs, hidden)
        self.leftward = make(inputs, hidden) if bidirectional else None
        self.outputs = hidden * (2 if bidirectional else 1)

    def directions(self) -> list[nn.RNNBase]:
        """Return the module of each direction that there is."""
        return [self.rightward] if self.leftward is None else [self.rightward, self.leftward]

    def forward(self, features: Features, active: NDArray[np.int64]) -> Tensor:
        """Return the hidden states, (length, rows, outputs), of whole records.

        Parameters
        ----------
        features : Features
            Rows are ordered from the longest on, and padded behind their ends.
        active : ndarray of int64, (length,)
            Rows that have a base at each place; the padding reaches no base.
        """
        if self.leftward is None:
            return read(self.rightward, features, active)[0]
        return read_both(self.rightward, self.leftward, features, active)


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


class TaggerNetwork(nn.Module):
    """A recurrent tagger: tokens in, one logit per base and state out.

    Parameters
    ----------
    alphabet : Alphabet
        Its mixture matrix turns a token into a distribution over plain letters, so an ambiguous
        code is the mixture of its letters.
    n_states : int
        Number of labels.
    cell, hidden, layers, bidirectional
        See `RecurrentLayer`; `layers` of them are stacked.
    """

    mixture: Tensor

    def __init__(
        self,
        alphabet: Alphabet,
        n_states: int,
        *,
        cell: str,
        hidden: int,
        layers: int = 1,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        mixture = torch.from_numpy(alphabet.mixture).to(torch.float32)  # (tokens, letters)
        self.register_buffer("mixture", mixture, persistent=False)
        self.layers = nn.ModuleList()
        width = alphabet.n_letters
        for _ in range(layers):
            layer = RecurrentLayer(cell, width, hidden, bidirectional)
            self.layers.append(layer)
            width = layer.outputs
        self.head = nn.Linear(width, n_states)

    def recurrent_layers(self) -> list[RecurrentLayer]:
        """Return the layers from the first to the last."""
        return [layer for layer in self.layers if isinstance(layer, RecurrentLayer)]

    def embed(self, tokens: Tensor) -> Features:
        """Return the input features of `tokens`, (length, rows)."""
        return Features(self.mixture, tokens.to(torch.int32).contiguous())

    def forward(self, tokens: Tensor, lengths: NDArray[np.int64]) -> Tensor:
        """Return the logits, (rows, length, states).

        Parameters
        ----------
        tokens : Tensor of uint8, (rows, length)
            Rows are ordered from the longest on, and padded behind their ends.
        lengths : ndarray of int64, (rows,)
            The first one is `length`.
        """
        active = active_rows(lengths)
        features = self.embed(tokens.T)
        for layer in self.recurrent_layers():
            features = Features.of_bases(layer(features, active))
        logits: Tensor = self.head(features.dense())
        return logits.transpose(0, 1)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all weights from `generator`.

        Recurrent matrices are orthogonal (Saxe et al. 2014), one block per gate; input matrices
        and the head are Glorot-uniform; biases are zero but for the LSTM's forget gate, which
        starts open at 1 (Gers et al. 2000; Jozefowicz et al. 2015).
        """
        for parameter in self.parameters():
            parameter.data.zero_()
        _draw_glorot(self.head.weight, generator)
        for layer in self.recurrent_layers():
            for cell in layer.directions():
                _draw_recurrence(cell, generator)


def _draw_recurrence(cell: nn.RNNBase, generator: torch.Generator) -> None:
    weights = dict(cell.named_parameters())
    for gate in torch.split(weights["weight_ih_l0"].data, cell.hidden_size):
        _draw_glorot(gate, generator)
    for gate in torch.split(weights["weight_hh_l0"].data, cell.hidden_size):
        nn.init.orthogonal_(gate, generator=generator)
    if isinstance(cell, nn.LSTM):
        # Gates are stacked as input, forget, cell, output.
        forget_gate = slice(cell.hidden_size, 2 * cell.hidden_size)
        weights["bias_ih_l0"].data[forget_gate] = 1.0


def _draw_glorot(weight: Tensor, generator: torch.Generator) -> None:
    """Draw from the uniform distribution of Glorot & Bengio (2010)."""
    bound = math.sqrt(6 / sum(weight.shape))
    weight.data.uniform_(-bound, bound, generator=generator)
