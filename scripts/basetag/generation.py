"""Sequences out of a network that tells the next letter: each letter drawn is read, and so on.

Every layer keeps its state from letter to letter, so that a letter costs the same wherever it
stands; what it says is what it would say of the whole sequence so far.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from basetag.errors import ConfigError
from basetag.networks.activations import Activations
from basetag.networks.recurrence import State
from basetag.networks.recurrent_layer import RecurrentLayer
from basetag.networks.tagger_network import TaggerNetwork


class LetterReader:
    """Rows of letters, read on and on by a network that looks to the left alone.

    Parameters
    ----------
    network : TaggerNetwork
        Put into evaluation mode.
    rows : int
        Sequences that are read side by side.

    Raises
    ------
    ConfigError
        If the network looks ahead, sums up whole records, or reads more than letters.
    """

    def __init__(self, network: TaggerNetwork, rows: int) -> None:
        if not network.looks_left_alone or network.pooling is not None or network.n_features:
            raise ConfigError(
                "only a network that reads letters alone, from left to right, can go on with a "
                "sequence",
                advice="take one of a dataset with task: next_token",
            )
        self._network = network.eval()
        self._device = network.head.weight.device
        self._before = torch.full(
            (network.reach[0], rows), network.outside, dtype=torch.uint8, device=self._device
        )
        self._states: dict[RecurrentLayer, State] = {}

    @torch.inference_mode()
    def read(self, tokens: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Read further letters, and return the probabilities of the next one.

        Parameters
        ----------
        tokens : ndarray of uint8, (letters, rows)
            One letter of each row, at least.

        Returns
        -------
        ndarray of float32, (rows, labels)
        """
        network = self._network
        own = torch.from_numpy(np.ascontiguousarray(tokens)).to(self._device)
        seen = torch.cat([self._before, own])
        self._before = seen[len(own) :]
        activations = network.stacked(network.front(seen), self._read_layer)
        scores = network.scores(activations)[-1:]
        active = np.full(1, scores.shape[1], dtype=np.int64)
        of_states = network.head.state_probabilities(scores, active)
        found = network.head.label_probabilities(of_states)[0]
        return np.asarray(found.float().cpu().numpy())

    def _read_layer(self, layer: RecurrentLayer, inner: Activations) -> Tensor:
        length, rows = inner.entries.shape
        hidden, state = layer.rightward.read(
            inner, np.full(length, rows, dtype=np.int64), state=self._states.get(layer)
        )
        self._states[layer] = tuple(part.double() for part in state)  # minGRU carries it so
        return hidden


def generate(
    network: TaggerNetwork,
    prompts: NDArray[np.uint8],
    length: int,
    temperature: float,
    generator: np.random.Generator,
) -> NDArray[np.uint8]:
    """Go on with sequences, letter by letter.

    Parameters
    ----------
    network : TaggerNetwork
        One of a dataset whose labels are the next letters, so that labels are tokens.
    prompts : ndarray of uint8, (rows, letters)
        How each sequence begins: one letter at least.
    length : int
        Of each sequence, its prompt included.
    temperature : float
        See `draw_letters`.
    generator : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, (rows, length)

    Raises
    ------
    ConfigError
        As `LetterReader`, and for a prompt without letters or longer than the sequences.
    """
    rows, given = prompts.shape
    if not 1 <= given <= length:
        raise ConfigError(
            f"a sequence of {length} letters cannot begin with {given}",
            advice="give a prompt of one letter at least, and not more than the length",
        )
    out = np.empty((rows, length), dtype=np.uint8)
    out[:, :given] = prompts
    reader = LetterReader(network, rows)
    unread = out[:, :given]
    for place in range(given, length):
        out[:, place] = draw_letters(reader.read(unread.T), temperature, generator)
        unread = out[:, place : place + 1]
    return out


def draw_letters(
    probabilities: NDArray[np.floating], temperature: float, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Draw a letter for each row.

    Parameters
    ----------
    probabilities : ndarray, (rows, letters)
    temperature : float
        1 draws by the probabilities p as they are, other ones by what is in proportion to
        p^(1 / temperature): below 1 likely letters are drawn more often still, above 1 less. 0
        takes the likeliest, the first of several.
    generator : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, (rows,)
    """
    if temperature == 0:
        return np.asarray(probabilities.argmax(axis=1), dtype=np.uint8)
    with np.errstate(divide="ignore"):
        scores = np.log(probabilities.astype(np.float64)) / temperature
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    thresholds = np.cumsum(weights, axis=1)
    drawn = generator.random(len(weights)) * thresholds[:, -1]
    return np.asarray((thresholds <= drawn[:, None]).sum(axis=1), dtype=np.uint8)
