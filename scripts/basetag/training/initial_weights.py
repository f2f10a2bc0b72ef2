"""The weights with which a training begins: drawn, or another tagger's, some of them kept."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from basetag.architecture import as_in_a_config, first_difference
from basetag.corpus import TAG, Corpus
from basetag.errors import ConfigError, InputError, nearest
from basetag.networks.heads import ChainHead
from basetag.networks.tagger_network import TaggerNetwork
from basetag.steps import Steps
from basetag.tagger import feature_names
from basetag.tagger_file import read_tagger

log = logging.getLogger(__name__)


def draw_weights(network: TaggerNetwork, steps: Steps, generator: torch.Generator) -> None:
    """Draw all weights of a network; a chain on top starts with the steps of the training split."""
    network.initialise(generator)
    if isinstance(network.head, ChainHead):
        network.head.start_from_steps(steps.counts, steps.frequencies)


def start_from(
    network: TaggerNetwork,
    path: str | os.PathLike[str],
    corpus: Corpus,
    architecture: Mapping[str, Any],
    frozen: Sequence[str],
) -> None:
    """Give a network the weights of a trained one, and freeze some of them.

    Where the tasks, the states, the substates, the heads or the poolings differ the head stays as
    it is, and what pools with it where that differs. A further head is taken over where the other
    tagger has one of its name and states.

    Parameters
    ----------
    network : TaggerNetwork
        Initialised.
    path : path-like
        A tagger.safetensors.
    corpus : Corpus
        What the network will be trained on; with substates where it is on these.
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
    news = _why_the_head_is_new(card, file, corpus, architecture)
    fresh: tuple[str, ...] = () if news is None else ("head.",)
    if card["architecture"].get("pooling") != architecture.get("pooling"):
        fresh = ("head.", "pooling.")  # a head reads what is pooled, or the bases themselves
    if news is not None:
        log.info("the head is new, because %s", news)
        given = {name: value for name, value in given.items() if not name.startswith(fresh)}
        own = network.state_dict()
        given |= {name: own[name] for name in own if name.startswith(fresh)}
    network.load_state_dict(_with_further_heads(given, network, card, corpus))
    freeze(network, frozen)
    new = [value for name, value in network.named_parameters() if name.startswith(fresh)]
    if news is not None and not all(value.requires_grad for value in new):
        raise ConfigError(
            f"frozen: the head is new, because {news}: unless it is trained, its weights are"
            " random numbers",
            advice="take the head out of frozen",
        )


def _with_further_heads(
    given: Mapping[str, torch.Tensor],
    network: TaggerNetwork,
    card: Mapping[str, Any],
    corpus: Corpus,
) -> dict[str, torch.Tensor]:
    """Return weights with those of the network's own further heads, known or new ones."""
    known = {head["name"]: tuple(head["states"]) for head in card.get("heads", ())}
    fresh = [own.name for own in corpus.further if known.get(own.name) != own.states]
    if fresh:
        log.info("new are the further heads %s", ", ".join(fresh))
    own = {name: v for name, v in network.state_dict().items() if name.startswith("further.")}
    new = tuple(f"further.of_{name}." for name in fresh)
    body = {name: value for name, value in given.items() if not name.startswith("further.")}
    return body | {name: v if name.startswith(new) else given[name] for name, v in own.items()}


def _why_the_head_is_new(
    card: Mapping[str, Any], file: str, corpus: Corpus, architecture: Mapping[str, Any]
) -> str | None:
    # Letters can be the states of two tasks.
    task = card.get("task", TAG)
    if task != corpus.task:
        return f"{file} was trained for task: {task}, and this tagger is for task: {corpus.task}"
    if card["states"] != list(corpus.states):
        return (
            f"the states of {file} ({', '.join(card['states'])}) are not those of the dataset"
            f" ({', '.join(corpus.states)})"
        )
    heads = [parts.get("head", "softmax") for parts in (card["architecture"], architecture)]
    if heads[0] != heads[1]:
        found, wanted = (as_in_a_config("head", head) for head in heads)
        return f"{file} has {found}, and this tagger {wanted}"
    pooled = [parts.get("pooling") for parts in (card["architecture"], architecture)]
    if pooled[0] != pooled[1]:
        found, wanted = (as_in_a_config("pooling", pooling) for pooling in pooled)
        return f"{file} has {found}, and this tagger {wanted}"
    theirs = tuple((card.get("substates") or {"names": ()})["names"])
    ours = () if corpus.substates is None else corpus.substates.names
    if theirs != ours:
        found, wanted = (", ".join(names) or "labels" for names in (theirs, ours))
        return f"{file} was trained on {found}, and this tagger is on {wanted}"
    return None


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
    given = feature_names(card)
    if given != corpus.feature_names:
        theirs, ours = (
            ", ".join(names) or "no features" for names in (given, corpus.feature_names)
        )
        raise InputError(
            f"cannot start from {card['name']!r}: beside the letters it reads {theirs}, and the"
            f" tagger that would start from it {ours}",
            file=file,
            advice="give both the same features, in the same order",
        )
    different = first_difference(card["architecture"], architecture)
    if different is not None:
        found, wanted = different
        raise InputError(
            f"cannot start from {card['name']!r}: it has {found}, and the tagger that would start"
            f" from it {wanted}",
            file=file,
            advice=f"give that one {found}, or name another in init_from",
        )


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
