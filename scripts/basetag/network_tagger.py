"""A trained network as a tagger: its file, its card, its posterior."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.corpus import Corpus
from basetag.inference import network_posterior
from basetag.networks import TaggerNetwork
from basetag.splits import Segments
from basetag.tagger_file import new_card, read_tagger, write_tagger


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
        alphabet = Alphabet.named(card["alphabet"])
        network = build_network(alphabet, len(card["states"]), card["architecture"])
        network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
        return cls(network, card, device)

    @classmethod
    def trained(
        cls,
        network: TaggerNetwork,
        corpus: Corpus,
        training: Segments,
        name: str,
        architecture: Mapping[str, Any],
        device: torch.device,
    ) -> NetworkTagger:
        """Give a network that was trained on `training` its card.

        `architecture` is what `build_network` made it from, `name` what the config calls it.
        """
        card = new_card(
            corpus,
            training,
            kind="network",
            name=name,
            description=describe(architecture),
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            architecture=architecture,
        )
        return cls(network, card, device)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tagger file, whole or not at all."""
        write_tagger(path, self.tensors(), self.card)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the weights by name, on the CPU."""
        return {
            name: value.detach().cpu().contiguous().numpy()
            for name, value in self.network.state_dict().items()
        }

    @property
    def description(self) -> str:
        """One line in words: cell, units, layers, directions."""
        return str(self.card["description"])

    def posterior(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        threads: int = 1,
        positions: NDArray[np.int64] | None = None,  # a network reads every sequence alike
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return P(state | record), (bases, states); see `network_posterior`."""
        torch.set_num_threads(threads)
        return network_posterior(self.network, tokens, lengths, device=self.device, out=out)


def describe(architecture: Mapping[str, Any]) -> str:
    """Return an architecture in words: cell, units, directions, layers."""
    directions = "two directions" if architecture["bidirectional"] else "one direction"
    layers = "" if architecture["layers"] == 1 else f", {architecture['layers']} layers"
    return f"{architecture['cell'].upper()} of {architecture['hidden']} units, {directions}{layers}"


def build_network(
    alphabet: Alphabet, n_states: int, architecture: Mapping[str, Any]
) -> TaggerNetwork:
    """Return the network of `architecture`, its weights not yet drawn or loaded."""
    return TaggerNetwork(alphabet, n_states, **architecture)


def load_network(path: str | os.PathLike[str], device: torch.device) -> NetworkTagger:
    """Read a trained network from its file.

    Raises
    ------
    InputError
        If the file is no tagger, or of a newer format.
    """
    tensors, card = read_tagger(path)
    return NetworkTagger.from_tensors(tensors, card, device)
