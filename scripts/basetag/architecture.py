"""What networks can be made of, in names and words, for whoever does not want torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

#: Cells by the name that the config gives them: their classes in `basetag.networks.cells`.
CELLS: dict[str, str] = {
    "rnn": "RNN",
    "gru": "GRU",
    "lstm": "LSTM",
    "mingru": "MinGRU",
}

#: Cells without a gate that could be opened for long memory.
UNGATED = ("none", "rnn")


#: How a network may sum up a whole record, by the name that the config gives it: in words.
POOLINGS: dict[str, str] = {
    "last": "last-state pooling",
    "mean": "mean pooling",
    "max": "max pooling",
    "attention": "attention pooling",
}


#: Keys by which trained weights do not differ, or which are looked at apart.
_MAY_DIFFER = {"dropout", "longest_memory", "head", "pooling", "substates", "features"}


def describe(architecture: Mapping[str, Any], n_substates: int = 0) -> str:
    """Return a network in words: what it reads, by which cells, its pooling and its head.

    `n_substates` is the number of substates that it was trained on; 0 where it was on labels.
    """
    parts = []
    embedding = architecture.get("embedding") or {}
    words, dimensions = embedding.get("k", 1), embedding.get("dimensions")
    if dimensions is not None:
        letters = "letters" if words == 1 else f"{words}-mers"
        parts.append(f"{letters} in {dimensions} dimensions")
    if architecture.get("features"):
        parts.append(f"features {_listed(architecture['features'])}")
    convolution = architecture.get("convolution")
    if convolution is not None:
        widths = _listed(map(str, convolution["widths"]))
        parts.append(f"{convolution['channels']} kernels of width {widths}")
    recurrent = architecture["cell"] != "none"
    if recurrent:
        parts.append(f"{CELLS[architecture['cell']]} of {architecture['hidden']} units")
    parts.append("two directions" if architecture["bidirectional"] else "one direction")
    if recurrent and architecture["layers"] > 1:
        kinds = [kind for kind in ("residual", "normalised") if architecture.get(kind)]
        parts.append(" ".join([str(architecture["layers"]), *kinds, "layers"]))
    if architecture.get("pooling") is not None:
        parts.append(POOLINGS[architecture["pooling"]])
    head = architecture.get("head", "softmax")
    if head != "softmax":
        hidden = 0 if head == "crf" else sum(map(len, head["states"].values()))
        of = f" of {hidden} hidden states" if hidden else ""
        of = f" of {n_substates} substates" if n_substates else of
        parts.append(f"CRF{of} over whole records")
    elif n_substates:
        parts.append(f"{n_substates} substates")
    return ", ".join(parts)


def first_difference(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return why the weights of one network do not fit into another; None where they do.

    Parameters
    ----------
    theirs, ours : mapping
        Architectures: of those that are there, and of what they shall fit into.

    Returns
    -------
    (str, str) or None
        The first key that differs, as either config has it.
    """
    for key in sorted(ours.keys() - _MAY_DIFFER):
        found, wanted = theirs.get(key), ours[key]
        if found != wanted:
            return as_in_a_config(key, found), as_in_a_config(key, wanted)
    return None


def as_in_a_config(key: str, value: Any) -> str:
    """Return a key and its value as a config has them: ``hidden: 16``."""
    return yaml.safe_dump({key: value}, default_flow_style=True, width=10**6).strip()[1:-1]


def chain_of(
    head: str | Mapping[str, Any],
    labels: Sequence[str],
    substates: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Return the chain of hidden states that a head stands for.

    Parameters
    ----------
    head : str or mapping
        `softmax`, `crf`, or the config's `states` and `allowed`.
    labels : sequence of str
        Letters of the labels, in order.
    substates : mapping, optional
        What a network's card says of the substates that it was trained on: then they are the
        states of a `crf`.

    Returns
    -------
    dict or None
        `label_of`, the index of each hidden state's label; and `allowed`, a row for each state
        that says which may follow, or None for all. None for `softmax`, which has no chain.
    """
    if head == "softmax":
        return None
    if substates is not None:
        return {"label_of": list(substates["label_of"]), "allowed": substates["allowed"]}
    if isinstance(head, str):
        return {"label_of": list(range(len(labels))), "allowed": None}
    names = [(name, index) for index, label in enumerate(labels) for name in head["states"][label]]
    given = head.get("allowed") or {}
    every = [name for name, _ in names]
    allowed = [[other in given.get(name, every) for other in every] for name in every]
    return {"label_of": [index for _, index in names], "allowed": allowed}


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
