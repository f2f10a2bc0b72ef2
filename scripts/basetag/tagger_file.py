"""The file of a tagger: named arrays and one card that says what they are.

A safetensors file with a single metadata key, `basetag`: the card, as canonical JSON. One key,
because the order of several is not stable from save to save. The file holds numbers and text
only, so that reading one from a stranger runs nothing. It knows neither networks nor HMMs: what
the arrays mean is for their own modules.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from basetag import __version__
from basetag.corpus import Corpus
from basetag.files import canonical_json, written_whole
from basetag.label_statistics import count_transitions, label_counts, label_frequencies
from basetag.segments import Segments
from basetag.tagger_card import CARD_KEY, FORMAT, REQUIRED, checked_card, damaged_tagger

Kind = Literal["network", "hmm", "rule", "constant"]

_DIGESTED_BASES = 1 << 20


def new_card(
    corpus: Corpus,
    training: Segments,
    *,
    kind: Kind,
    name: str,
    description: str,
    parameters: int,
    architecture: Mapping[str, Any],
    composition: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the card of a tagger that was fitted on `training`.

    Parameters
    ----------
    corpus : Corpus
        With labels.
    training : Segments
        The training split.
    kind : str
        What the tagger is.
    name : str
        What the config calls it.
    description : str
        One line in words, for the report.
    parameters : int
        Number of fitted numbers.
    architecture : mapping
        Plain JSON from which, with the arrays, the tagger is built again.
    composition : mapping
        What the training data are made of: see `basetag.composition.training_composition`.

    Returns
    -------
    dict
        With what prediction and decoding need: task, alphabet, states, what each becomes on the
        other strand (`mirror`), and of the training labels the frequencies (`prior`), the
        transition probabilities between neighbours after adding one to each count, the numbers of
        bases and of labels, a digest of tokens, labels and features, and the composition.

    Raises
    ------
    InputError
        Where no base of the training split has a label.
    """
    prior = label_frequencies(corpus, training)
    transitions = count_transitions(corpus, training) + 1.0
    return {
        "kind": kind,
        "name": name,
        "description": description,
        "parameters": parameters,
        "task": corpus.task,
        **corpus.alphabet.description,
        "states": list(corpus.states),
        "state_names": dict(corpus.state_names),
        "mirror": list(corpus.mirror),
        "architecture": dict(architecture),
        "training": {
            "prior": prior.tolist(),
            "transition": (transitions / transitions.sum(axis=1, keepdims=True)).tolist(),
            "bases": training.bases,
            "labels": int(label_counts(corpus, training).sum()),
            "digest": _digest(corpus, training),
            "composition": dict(composition),
        },
    }


def write_tagger(
    path: str | os.PathLike[str],
    tensors: Mapping[str, NDArray[Any]],
    card: Mapping[str, Any],
) -> None:
    """Write a tagger, whole or not at all; equal taggers give equal bytes.

    Parameters
    ----------
    path : path-like
        The target, `tagger.safetensors`.
    tensors : mapping of str to ndarray
        The arrays, of any shape and of the number types of safetensors.
    card : mapping
        What `new_card` makes. The format and the version of Basetag are added.

    Raises
    ------
    ValueError
        For a card that lacks a key, or holds NaN or infinity.
    """
    missing = [key for key in REQUIRED if key not in card]
    if missing:
        raise ValueError(f"the card lacks {', '.join(missing)}")
    text = canonical_json({**card, "format": FORMAT, "basetag": __version__})
    # safetensors copies from the address of the first number on: strides would be ignored.
    arrays = {name: np.array(tensor, order="C") for name, tensor in tensors.items()}
    with written_whole(path) as (place,):
        place.write_bytes(save(arrays, metadata={CARD_KEY: text}))


def read_tagger(
    path: str | os.PathLike[str],
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read a tagger's arrays and card.

    Parameters
    ----------
    path : path-like
        A file that `write_tagger` wrote.

    Returns
    -------
    tensors : dict of str to ndarray
        The arrays, as they were written.
    card : dict
        The card, with `format` and `basetag` (the version that wrote it).

    Raises
    ------
    InputError
        For a file that is missing, cut off, no tagger, or of a newer format.
    """
    try:
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(CARD_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError) as error:
        raise damaged_tagger(path, error) from None
    return tensors, checked_card(text, os.fspath(path))


def _digest(corpus: Corpus, segments: Segments) -> str:
    """Return a digest of the segments: all that is known of them, and where each one ends."""
    digest = hashlib.blake2b(segments.lengths.astype("<i8").tobytes(), digest_size=16)
    pieces = segments.cut(_DIGESTED_BASES)
    further = [own.labels for own in corpus.further]
    for values in (corpus.tokens, corpus.labels, corpus.features, *further):
        if values is not None:
            ends = pieces.offset + pieces.lengths
            for start, end in zip(pieces.offset.tolist(), ends.tolist(), strict=True):
                digest.update(np.ascontiguousarray(values[start:end]).data)
    if corpus.targets is not None:
        digest.update(corpus.targets[segments.record].astype("<f4").tobytes())
    return digest.hexdigest()
