"""Figures for the files of what the page draws on demand: posteriors and hidden states.

The page fills the specifications of `sequence_charts` with the record and the tagger that its
reader chooses. Here they are filled with those that it shows at first.
"""

from __future__ import annotations

import base64
import struct
import zlib
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.report.drawing import DIVERGING_COLOURS, Spec
from basetag.report.page import Figure, Page

_WIDTH = 700


def add_stills(page: Page, dataset: str) -> None:
    """Add the figures of the first shown record of a dataset, as its first tagger sees it."""
    shown = page.explore[dataset]
    record = shown["records"][0]
    taggers = {tagger["label"]: tagger for tagger in shown["taggers"]}
    tagger = taggers[shown["first"]]
    reference = taggers.get(tagger["reference"]) if tagger["reference"] != shown["first"] else None
    page.stills[f"{dataset}.tracks"] = _tracks(shown, record, tagger, reference)
    if tagger["hidden"] is not None:
        page.stills[f"{dataset}.hidden"] = _hidden(shown, record, tagger)


def _tracks(
    shown: dict[str, Any],
    record: dict[str, Any],
    tagger: dict[str, Any],
    reference: dict[str, Any] | None,
) -> Figure:
    """Return the probability of the first state along a record, over its true and called states."""
    step = len(shown["states"])

    def probabilities(of: dict[str, Any] | None) -> list[float | None]:
        if of is None:
            return [None] * len(record["bases"])
        return [value / 1e4 for value in of["posterior"][0][::step]]

    rows = [
        {
            "position": record["start"] + i + 1,
            "base": base,
            "true": None if truth == " " else truth,
            "called": called,
            "tagger": p,
            "reference": q,
        }
        for i, (base, truth, called, p, q) in enumerate(
            zip(
                record["bases"],
                record["truth"],
                tagger["called"][0],
                probabilities(tagger),
                probabilities(reference),
                strict=True,
            )
        )
    ]
    state = shown["states"][0]
    words = (
        f"Probability of {state} ({shown['state_names'][state]}) along {record['name']}, bases "
        f"{rows[0]['position']} to {rows[-1]['position']}, by {tagger['label']} (blue line)"
    )
    if reference is not None:
        words += f" and by {reference['label']}, the best possible for it (black, dashed)"
    words += ", over the true and the called states."
    spec = {**shown["spec"], "datasets": {"bases": rows}, "width": _WIDTH}
    return Figure(spec, words, words)


def _hidden(shown: dict[str, Any], record: dict[str, Any], tagger: dict[str, Any]) -> Figure:
    """Return the norm of a network's hidden states along a record, and the map of its units."""
    hidden = tagger["hidden"]
    drawn = hidden["records"][0]
    units, columns = len(hidden["units"]), len(drawn["norm"])
    first = record["start"] + 0.5
    end = first + len(record["bases"])
    cuts = [min(first + i * drawn["bin"], end) for i in range(columns + 1)]
    levels = np.frombuffer(base64.b64decode(drawn["values"]), dtype=np.uint8)
    image = coloured(levels.reshape(units, columns))
    data = {
        "columns": [
            {"low": low, "high": high, "norm": norm}
            for (low, high), norm in zip(pairwise(cuts), drawn["norm"], strict=True)
        ],
        "runs": _runs(record["truth"], first),
        "map": [{"low": first, "high": end, "bottom": 0, "top": 1, "url": png_address(image)}],
    }
    spec: Spec = {
        **shown["hidden_spec"],
        "datasets": data,
        "vconcat": [{**part, "width": _WIDTH} for part in shown["hidden_spec"]["vconcat"]],
        "params": [
            {**one, "value": hidden["most"]} if one["name"] == "most" else one
            for one in shown["hidden_spec"]["params"]
        ],
    }
    words = (
        f"What the head of {tagger['label']} reads along {record['name']}: above, the norm of its "
        f"{hidden['of']} numbers; below, a row for each of {units} units, white at 0; under it the "
        "true states."
    )
    if drawn["bin"] > 1:
        words += f" A column is the mean of {drawn['bin']} neighbouring bases."
    return Figure(spec, words, words)


def _runs(truth: str, first: float) -> list[dict[str, Any]]:
    """Return the runs of equal states; a base without a label is in none."""
    starts = [i for i in range(len(truth)) if i == 0 or truth[i] != truth[i - 1]]
    return [
        {"low": first + low, "high": first + high, "state": truth[low]}
        for low, high in pairwise([*starts, len(truth)])
        if truth[low] != " "
    ]


def coloured(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colours of levels 0 to 254, white at 127: (rows, columns, 3)."""
    stops = np.array(
        [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in DIVERGING_COLOURS]
    )
    at = levels / 254 * (len(stops) - 1)
    mixed = [np.interp(at, np.arange(len(stops)), stops[:, part]) for part in range(3)]
    colours: NDArray[np.uint8] = np.rint(np.stack(mixed, axis=-1)).astype(np.uint8)
    return colours


def png_address(image: NDArray[np.uint8], times: int = 4) -> str:
    """Return an image, each point `times` as large, as the address of a PNG file that it holds.

    Parameters
    ----------
    image : ndarray of uint8, (rows, columns, 3)
        Red, green, blue.
    times : int
        So that no viewer blurs one point into the next.

    Returns
    -------
    str
        A data address (W3C, Portable Network Graphics, third edition).
    """
    large = np.repeat(np.repeat(image, times, axis=0), times, axis=1)
    lines = np.concatenate([np.zeros((len(large), 1), np.uint8), large.reshape(len(large), -1)], 1)

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", large.shape[1], large.shape[0], 8, 2, 0, 0, 0)
    content = zlib.compress(lines.tobytes(), 9)
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content)
    file += chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(file).decode('ascii')}"
