"""What stands above the segments of an annotation: whose they are, and how they were called."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from basetag import __version__
from basetag.decoding import Decoding
from basetag.letters import one_word


def about_tracks(
    genome: str,
    name: str,
    tagger: str | os.PathLike[str],
    card: Mapping[str, Any],
    decoding: Decoding,
    *,
    both_strands: bool | None = None,
) -> dict[str, str]:
    """Return what is to be known of an annotation, in the order in which a header has it.

    Parameters
    ----------
    genome : str
        What the config calls the genome.
    name : str
        Dataset, tagger and seed.
    tagger : path-like
        The tagger's file, of which the digest is given.
    card : mapping
        The tagger's card.
    decoding : Decoding
        How states were called.
    both_strands : bool, optional
        Whether both strands were averaged; what the card says without it.
    """
    with Path(tagger).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    about = {
        "basetag": __version__,
        "genome": genome,
        "tagger": name,
        "tagger sha256": digest,
        "decoding": decoding.method,
    }
    lengths = decoding.minimum_lengths(card["states"]).tolist()
    if max(lengths) > 1:
        words = (one_word(card["state_names"][state]) for state in card["states"])
        parts = ", ".join(f"{word} {n}" for word, n in zip(words, lengths, strict=True))
        about["minimum length"] = f"{parts} bases, but for segments that end with their record"
    if card.get("both_strands", False) if both_strands is None else both_strands:
        about["strands"] = "the mean of both"
    about["score"] = "mean posterior of the segment's state (in BED times 1,000)"
    return about
