"""What networks can be made of, in names and words, for whoever does not want torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Cells by the name that the config gives them: their classes in `basetag.networks.cells`.
CELLS: dict[str, str] = {
    "rnn": "RNN",
    "gru": "GRU",
    "lstm": "LSTM",
    "mingru": "MinGRU",
}

#: Cells without a gate that could be opened for long memory.
UNGATED = ("none", "rnn")


def describe(architecture: Mapping[str, Any]) -> str:
    """Return a network in words: what it reads, by which cells, and its head."""
    parts = []
    embedding = architecture.get("embedding") or {}
    words, dimensions = embedding.get("k", 1), embedding.get("dimensions")
    if dimensions is not None:
        letters = "letters" if words == 1 else f"{words}-mers"
        parts.append(f"{letters} in {dimensions} dimensions")
    convolution = architecture.get("convolution")
    if convolution is not None:
        *widths, last = map(str, convolution["widths"])
        listed = f"{', '.join(widths)} and {last}" if widths else last
        parts.append(f"{convolution['channels']} kernels of width {listed}")
    recurrent = architecture["cell"] != "none"
    if recurrent:
        parts.append(f"{CELLS[architecture['cell']]} of {architecture['hidden']} units")
    parts.append("two directions" if architecture["bidirectional"] else "one direction")
    if recurrent and architecture["layers"] > 1:
        kinds = [kind for kind in ("residual", "normalised") if architecture.get(kind)]
        parts.append(" ".join([str(architecture["layers"]), *kinds, "layers"]))
    return ", ".join(parts)
