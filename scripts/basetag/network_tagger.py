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
from basetag.architecture import chain_of, describe
from basetag.corpus import Corpus
from basetag.errors import ConfigError, InputError, nearest
from basetag.inference import MEMORY, Predictor
from basetag.networks.tagger_network import TaggerNetwork
from basetag.splits import Segments
from basetag.tagger_file import new_card, read_tagger, write_tagger

log = logging.getLogger(__name__)


#: Keys of an architecture by which trained weights do not differ.
_OF_TRAINING = ("dropout", "longest_memory")


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
                    f"both strands are asked for, and sequences of {card['alphabet']!r} have only"
                    " one",
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
        network = build_network(alphabet, card["states"], card["architecture"])
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
        parts = network.parts()
        card["both_strands"] = both_strands
        card["parts"] = [part._asdict() for part in parts]
        strands = 2 if both_strands else 1
        card["operations_per_base"] = strands * sum(part.operations for part in parts)
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

    def hidden(
        self,
        tokens: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        shown: NDArray[np.int64],
        threads: int = 1,
    ) -> NDArray[np.float32]:
        """Return what the head reads at the first `shown` bases of each sequence, (bases, units).

        No units where these are the letters themselves; see `Predictor.hidden`.
        """
        if not self.network.has_hidden_states:
            return np.empty((int(shown.sum()), 0), dtype=np.float32)
        torch.set_num_threads(threads)
        return self._predictor.hidden(tokens, lengths, shown)


def build_network(
    alphabet: Alphabet, states: Sequence[str], architecture: Mapping[str, Any]
) -> TaggerNetwork:
    """Return the network of `architecture`, its weights not yet drawn or loaded.

    Parameters
    ----------
    alphabet : Alphabet
    states : sequence of str
        Letters of the labels, in order.
    architecture : mapping
        As `Config.train_settings` gives it.
    """
    parts = dict(architecture)
    chain = chain_of(parts.pop("head", "softmax"), states)
    return TaggerNetwork(alphabet, len(states), head=chain, **parts)


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
        If a name is no layer's or that of a new head, or nothing is left to train.
    """
    tensors, card = read_tagger(path)
    file = os.fspath(path)
    _check_kin(card, file, corpus, architecture)
    given = {name: torch.from_numpy(value) for name, value in tensors.items()}
    new_head = card["states"] != list(corpus.states)
    if new_head:
        log.info(
            "the head is new: %s tells %s apart, and here are %s",
            file, ", ".join(card["states"]), ", ".join(corpus.states),
        )  # fmt: skip
        own = network.state_dict()
        given |= {name: own[name] for name in own if name.startswith("head.")}
    network.load_state_dict(given)
    freeze(network, frozen)
    if new_head and not all(value.requires_grad for value in network.head.parameters()):
        raise ConfigError(
            f"frozen: the head is new, because the states of {file} ({', '.join(card['states'])})"
            f" are not those of the dataset ({', '.join(corpus.states)}): unless it is trained, its"
            " weights are random numbers",
            advice="take the head out of frozen",
        )


def _check_kin(
    card: Mapping[str, Any], file: str, corpus: Corpus, architecture: Mapping[str, Any]
) -> None:
    """Refuse a tagger whose weights do not fit into a network for the corpus."""
    if card["kind"] != "network":
        raise InputError(
            f"cannot start from {card['name']!r}: it is a baseline and has no network's weights",
            file=file,
            advice="in init_from name the tagger.safetensors of a network",
        )
    if card["alphabet"] != corpus.alphabet.name:
        raise InputError(
            f"cannot start from {card['name']!r}: it reads {card['alphabet']!r}, and the dataset is"
            f" written in {corpus.alphabet.name!r}",
            file=file,
            advice="in init_from name a tagger of the dataset's alphabet",
        )
    for key, wanted in architecture.items():
        if key in _OF_TRAINING:
            continue
        found = card["architecture"].get(key)
        if found != wanted:
            raise InputError(
                f"cannot start from {card['name']!r}: it has {_as_in_a_config(key, found)}, and the"
                f" tagger that would start from it {_as_in_a_config(key, wanted)}",
                file=file,
                advice=f"give that one {_as_in_a_config(key, found)}, or name another in init_from",
            )


def _as_in_a_config(key: str, value: Any) -> str:
    return f"{key}: {str(value).lower() if isinstance(value, bool) else value}"


def freeze(network: TaggerNetwork, frozen: Sequence[str]) -> None:
    """Exempt from training whatever lies below the names."""
    parameters = dict(network.named_parameters())
    for name in frozen:
        below = [full for full in parameters if full == name or full.startswith(f"{name}.")]
        if not below:
            # Of a parameter's name, the part that says where in the network it lies.
            parts = [full.split(".")[:-1] for full in parameters]
            known = {".".join(part[:n]): None for part in parts for n in range(1, len(part) + 1)}
            close = nearest(name, known)
            listed = ", ".join(layer for layer in known if layer.count(".") < 2)
            raise ConfigError(
                f"frozen: the network has no layer {name!r}; it has {listed}",
                advice=f"did you mean {close}?" if close else None,
            )
        for full in below:
            parameters[full].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise ConfigError(
            f"frozen: with {', '.join(frozen)} nothing is left to train",
            advice="take out what shall learn, such as the head",
        )


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
