"""Are generated sequences made of what the training data are made of? A table for each set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from basetag.report import numbers

# Of more pairs, as proteins have, the sentence alone tells.
_MOST_PAIRS = 64
# Standard errors to either side of a 95 % interval.
_WITHIN = 1.959964

Frequency = Mapping[str, Any]


def generated_views(generated: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the sentences and the table of each set of generated sequences.

    Parameters
    ----------
    generated : sequence of mapping
        The summaries that `generate_sequences` writes.
    """
    return [_view(own) for own in generated]


def _view(own: Mapping[str, Any]) -> dict[str, Any]:
    groups = {"G + C": [own["gc"]] if own["gc"] else [], "letters": own["letters"]}
    groups["pairs of neighbours"] = own["pairs"]
    sentences = [_origin(own)]
    for name in ("letters", "pairs of neighbours"):
        judged = [place(row) for row in groups[name] if place(row)]
        outside = sum(verdict != "within" for verdict in judged)
        if judged:
            by_chance = (
                numbers.count(round(0.05 * len(judged))) if len(judged) >= 20 else "hardly any"
            )
            sentences.append(
                f"Of {numbers.count(len(judged))} {name}, {numbers.count(outside)} are further "
                "from the training data than chance alone goes in 95 of 100 cases; "
                f"{by_chance} would be so by chance."
            )
        else:
            sentences.append(
                f"How far {name} may be off by chance is not known: there is too little of them."
            )
    if own["length"] > own["window"]:
        sentences.append(
            f"The network learnt from windows of {numbers.count(own['window'])} letters: what it "
            "says further on is not learnt, and frequencies can drift there."
        )
    if own["temperature"] != 1:
        sentences.append(
            "At another temperature than 1 likely letters are drawn more often (below) or less "
            "often (above) than the network finds them: frequencies are meant to differ."
        )
    shown = [row for name, rows in groups.items() if len(rows) <= _MOST_PAIRS for row in rows]
    return {
        "name": own["name"],
        "sentences": sentences,
        "header": ["", "generated", "training", "difference, in standard errors", "it lies"],
        "rows": [
            [
                row["word"],
                _frequency(row, "generated"),
                _frequency(row, "training"),
                "" if row["z"] is None else _standard_errors(row["z"]),
                place(row) or "not known",
            ]
            for row in shown
        ],
    }


def place(row: Frequency) -> str:
    """Say whether a generated frequency lies within the 95 % interval around that of training.

    Nothing where no error is known.
    """
    if row["z"] is None:
        return ""
    if abs(row["z"]) <= _WITHIN:
        return "within"
    return "above" if row["z"] > 0 else "below"


def _origin(own: Mapping[str, Any]) -> str:
    start = "from nothing" if own["prompt"] is None else f"from the prompt {own['prompt']}"
    return (
        f"{numbers.count(own['records'])} sequences of {numbers.count(own['length'])} letters, "
        f"drawn {start} at temperature {own['temperature']:g} by {own['tagger']}, seed "
        f"{own['seed']}, trained on {own['dataset']}; beside its training split."
    )


def _frequency(row: Frequency, side: str) -> str:
    value, error = row[side], row[f"{side}_error"]
    if value is None:
        return "—"
    if error is None:
        return numbers.percent(value, 2)
    return f"{100 * value:.2f} ± {100 * _WITHIN * error:.2f} %"


def _standard_errors(z: float) -> str:
    text = f"{abs(z):.1f}"
    sign = "" if float(text) == 0 else (numbers.MINUS if z < 0 else "+")
    return f"{sign}{text}"
