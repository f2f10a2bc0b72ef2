"""The card of a tagger: what its file says of itself, without the arrays."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from safetensors import SafetensorError, safe_open

from basetag import __version__
from basetag.errors import InputError

#: Version of what the card and the arrays mean. Files of another one are refused.
FORMAT = 2

#: The metadata key under which the card stands.
CARD_KEY = "basetag"

#: What every card has.
REQUIRED = (
    "kind",
    "name",
    "description",
    "parameters",
    "alphabet",
    "states",
    "state_names",
    "architecture",
    "training",
)


def read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the card of a tagger's file; the arrays are not read.

    Raises
    ------
    InputError
        For a file that is missing, cut off, no tagger, or of another format.
    """
    try:
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(CARD_KEY)
    except (SafetensorError, OSError, TypeError) as error:
        raise damaged_tagger(path, error) from None
    return checked_card(text, os.fspath(path))


def labels_records(card: Mapping[str, Any]) -> bool:
    """Tell whether a tagger labels each sequence as a whole, and no base of it."""
    architecture = card["architecture"]
    return architecture.get("pooling") is not None or architecture.get("baseline") == "motif"


def tells_classes(card: Mapping[str, Any]) -> bool:
    """Tell whether what a tagger says can be said of sequences as wholes.

    So it is of what labels these, and of what says the same of every base.
    """
    return labels_records(card) or card["kind"] == "constant"


def damaged_tagger(path: str | os.PathLike[str], error: Exception) -> InputError:
    """Return the error for a file that safetensors cannot read."""
    if isinstance(error, FileNotFoundError):
        return InputError("there is no such file", file=os.fspath(path))
    return InputError(
        f"this is no safetensors file, or it is cut off ({error})",
        file=os.fspath(path),
        advice="copy it again, or train the tagger again",
    )


def checked_card(text: str | None, path: str) -> dict[str, Any]:
    """Return the card in `text`, or say in one line why it cannot be used."""
    if text is None:
        raise InputError(
            f"a safetensors file without the metadata key {CARD_KEY!r}: "
            "not one of Basetag's taggers",
            file=path,
        )
    try:
        card = json.loads(text)
    except json.JSONDecodeError:
        card = None
    found = card.get("format") if isinstance(card, dict) else None
    if not isinstance(card, dict) or type(found) is not int or found < 1:
        raise InputError(f"the metadata key {CARD_KEY!r} holds no card of a tagger", file=path)
    if found > FORMAT:
        raise InputError(
            f"a tagger of format {found}; Basetag {__version__} reads format {FORMAT}",
            file=path,
            advice=f"use Basetag {card.get('basetag', 'of a newer version')} or later",
        )
    if found < FORMAT:
        raise InputError(
            f"a tagger of format {found}; Basetag {__version__} reads format {FORMAT}",
            file=path,
            advice="train it again",
        )
    missing = [key for key in REQUIRED if key not in card]
    if missing:
        raise InputError(f"the tagger's card lacks {', '.join(missing)}", file=path)
    return card
