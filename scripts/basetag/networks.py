"""Recurrent networks that give every base a score per state.

A network is: tokens → one-hot mixture of plain letters → layers of recurrence, each one- or
two-directional → a linear head. A layer holds one module per direction, so that training, which
sees whole windows, and prediction, which carries the state from chunk to chunk, run the very same
weights through the very same code. Nothing here knows of files, losses or devices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from basetag.alphabet import Alphabet

#: State that a recurrence carries from base to base: h for RNN and GRU, (h, c) for LSTM,
#: each (1, rows, hidden). None is the zero state, in which every record begins.
State = Any

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
        self.rightward = make(inputs, hidden, batch_first=True)
        self.leftward = make(inputs, hidden, batch_first=True) if bidirectional else None
        self.outputs = hidden * (2 if bidirectional else 1)

    def directions(self) -> list[nn.RNNBase]:
        """Return the module of each direction that there is."""
        return [self.rightward] if self.leftward is None else [self.rightward, self.leftward]

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Return the hidden states, (rows, length, outputs), of whole padded records.

        Parameters
        ----------
        features : Tensor, (rows, length, inputs)
            Rows are padded on the right.
        lengths : Tensor of int64, (rows,)
            Bases of each row; the padding behind them reaches no base.
        """
        rightward: Tensor = self.rightward(features)[0]
        if self.leftward is None:
            return rightward
        leftward, _ = self.leftward(reverse_rows(features, lengths))
        return torch.cat([rightward, reverse_rows(leftward, lengths)], dim=-1)


def reverse_rows(features: Tensor, lengths: Tensor) -> Tensor:
    """Return `features` with each row turned round within its own length.

    Parameters
    ----------
    features : Tensor, (rows, length, width)
    lengths : Tensor of int64, (rows,)

    Returns
    -------
    Tensor, (rows, length, width)
        Padding stays where it was, behind the row.
    """
    length = features.shape[1]
    if bool((lengths == length).all()):
        return features.flip(1)
    position = torch.arange(length, device=features.device)
    mirrored = lengths[:, None] - 1 - position  # (rows, length); negative in the padding
    index = torch.where(mirrored >= 0, mirrored, position)
    return features.gather(1, index[:, :, None].expand_as(features))


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

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the input features, (rows, length, letters), of `tokens`, (rows, length)."""
        return nn.functional.embedding(tokens.long(), self.mixture)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Return the logits, (rows, length, states), of padded `tokens`, (rows, length)."""
        features = self.embed(tokens)
        for layer in self.recurrent_layers():
            features = layer(features, lengths)
        logits: Tensor = self.head(features)
        return logits

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
