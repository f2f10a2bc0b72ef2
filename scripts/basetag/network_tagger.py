"""A trained network as a tagger: its file, its card, its posterior."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.corpus import Corpus
from basetag.errors import ConfigError, InputError
from basetag.inference import MEMORY, Predictor
from basetag.networks import TaggerNetwork
from basetag.splits import Segments
from basetag.tagger_file import new_card, read_tagger, write_tagger

log = logging.getLogger(__name__)


class NetworkTagger:
    """A trained network with the card that its file carries.

    Parameters
    ----------
    network : TaggerNetwork
    card : mapping
        See `basetag.tagger_file`; `architecture` holds the network's arguments.
    device : torch.device
        Where it predicts.
    memory : int
        Bytes that the process should stay below when it predicts.
    both_strands : bool, optional
        Whether predictions are the mean over a sequence and its reverse complement; what the
        card says without it.

    Raises
    ------
    ConfigError
        If both strands are asked for and the alphabet has one.
    """

    kind = "network"

    def __init__(
        self,
        network: TaggerNetwork,
        card: Mapping[str, Any],
        device: torch.device,
        *,
        memory: int = MEMORY,
        both_strands: bool | None = None,
    ) -> None:
        self.network = network.to(device)
        self.card = dict(card)
        complement = None
        if self.card["both_strands"] if both_strands is None else both_strands:
            complement = Alphabet.named(card["alphabet"]).complement
            if complement is None:
                raise ConfigError(
                    f"both strands are asked for, and {card['alphabet']!r} has one",
                    advice="leave both_strands away",
                )
        self._predictor = Predictor(self.network, device, memory=memory, complement=complement)

    @classmethod
    def from_tensors(
        cls,
        tensors: Mapping[str, NDArray[Any]],
        card: Mapping[str, Any],
        device: torch.device,
        *,
        memory: int = MEMORY,
        both_strands: bool | None = None,
    ) -> NetworkTagger:
        """Rebuild the network that `card` describes and give it its weights."""
        alphabet = Alphabet.named(card["alphabet"])
        network = build_network(alphabet, len(card["states"]), card["architecture"])
        network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
        return cls(network, card, device, memory=memory, both_strands=both_strands)

    @classmethod
    def trained(
        cls,
        network: TaggerNetwork,
        corpus: Corpus,
        training: Segments,
        name: str,
        architecture: Mapping[str, Any],
        device: torch.device,
        *,
        both_strands: bool = False,
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
        card["both_strands"] = both_strands
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
        """Return P(state | record), (bases, states); see `Predictor.posterior`."""
        torch.set_num_threads(threads)
        return self._predictor.posterior(tokens, lengths, out)


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


def start_from(
    network: TaggerNetwork,
    path: str | os.PathLike[str],
    corpus: Corpus,
    architecture: Mapping[str, Any],
    frozen: Sequence[str],
) -> None:
    """Give a network the weights of a trained one, and freeze some of them.

    Where the states differ the head stays as it is.

    Parameters
    ----------
    network : TaggerNetwork
        Initialised.
    path : path-like
        A tagger.safetensors.
    corpus : Corpus
        What the network will be trained on.
    architecture : mapping
        What `build_network` made the network from.
    frozen : sequence of str
        Names of layers, such as ``layers.0``; all weights below one of them stay as they are.

    Raises
    ------
    InputError
        If the file is no network, or one of another alphabet or architecture.
    ConfigError
        If a name is no layer's, or nothing is left to train.
    """
    tensors, card = read_tagger(path)
    file = os.fspath(path)
    if card["kind"] != "network":
        raise InputError(
            f"a tagger to start from must be a network; this is {card['name']!r} of kind"
            f" {card['kind']!r}",
            file=file,
        )
    expected = {"alphabet": corpus.alphabet.name, **architecture}
    found = {"alphabet": card["alphabet"], **card["architecture"]}
    for key, value in expected.items():
        if found.get(key) != value:
            raise InputError(
                f"a tagger to start from must have {key} {value!r}, as the new one has; this one"
                f" has {found.get(key)!r}",
                file=file,
                advice="give the new tagger the same, or start from another",
            )
    own = network.state_dict()
    given = {name: torch.from_numpy(value) for name, value in tensors.items()}
    if card["states"] != list(corpus.states):
        log.info("the states differ from those of %s: the head is new", file)
        given |= {name: own[name] for name in own if name.startswith("head.")}
    network.load_state_dict(given)
    for name in frozen:
        below = [
            parameter
            for full, parameter in network.named_parameters()
            if full == name or full.startswith(f"{name}.")
        ]
        if not below:
            layers = sorted({full.rsplit(".", 1)[0] for full, _ in network.named_parameters()})
            raise ConfigError(
                f"frozen: the network has no layer {name!r}",
                advice=f"its layers are {', '.join(layers)}",
            )
        for parameter in below:
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise ConfigError("frozen: nothing is left to train", advice="freeze fewer layers")


def load_network(
    path: str | os.PathLike[str], device: torch.device, *, memory: int = MEMORY
) -> NetworkTagger:
    """Read a trained network from its file.

    Parameters
    ----------
    path : path-like
        A tagger.safetensors.
    device : torch.device
        Where it predicts.
    memory : int
        Bytes that the process should stay below when it predicts.

    Raises
    ------
    InputError
        If the file is no tagger, or of a newer format.
    """
    tensors, card = read_tagger(path)
    return NetworkTagger.from_tensors(tensors, card, device, memory=memory)
