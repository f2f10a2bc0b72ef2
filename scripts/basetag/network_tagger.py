"""A trained network as a tagger: its file, its card, its posterior."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.inference import network_posterior
from basetag.networks import TaggerNetwork
from basetag.tagger_file import read_tagger


class NetworkTagger:
    """A trained network with the card that its file carries.

    Parameters
    ----------
    network : TaggerNetwork
    card : mapping
        See `basetag.tagger_file`; `architecture` holds the network's arguments.
    device : torch.device
        Where it predicts.
    """

    kind = "network"

    def __init__(
        self, network: TaggerNetwork, card: Mapping[str, Any], device: torch.device
    ) -> None:
        self.network = network.to(device)
        self.card = dict(card)
        self.device = device

    @classmethod
    def from_tensors(
        cls,
        tensors: Mapping[str, NDArray[Any]],
        card: Mapping[str, Any],
        device: torch.device,
    ) -> NetworkTagger:
        """Rebuild the network that `card` describes and give it its weights."""
        network = build_network(card)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
        return cls(network, card, device)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the weights by name, on the CPU."""
        return {
            name: value.detach().cpu().contiguous().numpy()
            for name, value in self.network.state_dict().items()
        }

    @property
    def n_parameters(self) -> int:
        """Number of trained weights."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def description(self) -> str:
        """One line in words: cell, units, layers, directions."""
        shape = self.card["architecture"]
        directions = "two directions" if shape["bidirectional"] else "one direction"
        layers = "" if shape["layers"] == 1 else f", {shape['layers']} layers"
        return f"{shape['cell'].upper()} of {shape['hidden']} units, {directions}{layers}"

    def posterior(
        self, tokens: NDArray[np.uint8], lengths: NDArray[np.int64], threads: int = 1
    ) -> NDArray[np.float32]:
        """Return P(state | record), (bases, states); see `network_posterior`."""
        torch.set_num_threads(threads)
        return network_posterior(self.network, tokens, lengths, device=self.device)


def build_network(card: Mapping[str, Any]) -> TaggerNetwork:
    """Return the network that `card` describes, its weights not yet drawn or loaded."""
    return TaggerNetwork(
        Alphabet.named(card["alphabet"]), len(card["states"]), **card["architecture"]
    )


def load_network(path: str | os.PathLike[str], device: torch.device) -> NetworkTagger:
    """Read a trained network from its file.

    Raises
    ------
    InputError
        If the file is no tagger, or of a newer format.
    """
    tensors, card = read_tagger(path)
    return NetworkTagger.from_tensors(tensors, card, device)
