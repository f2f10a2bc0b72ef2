"""What a letter costs where the next one is told: bits by each tagger, beside Markov models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from basetag.report import letter_charts
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.figure_text import units_sentence, with_interval
from basetag.report.page import Page


def letters_view(
    page: Page, dataset: DatasetResult, named: Mapping[str, TaggerResult]
) -> dict[str, Any] | None:
    """Return the sentences and the figure of a dataset whose next letters are told, else None."""
    told = {
        label: found
        for label, result in named.items()
        if (found := result.metrics.get("next_token")) is not None
    }
    if not told:
        return None
    unit = "base" if set(dataset.states) == set("ACGT") else "letter"
    orders = [
        (found["order"], label, found["bits"])
        for label, found in told.items()
        if found["order"] is not None
    ]
    others = {label: found["bits"] for label, found in told.items() if found["order"] is None}
    sentences = [_sentence(label, named[label].metrics, unit) for label in told]
    best = min(orders, key=lambda found: found[2]["value"], default=None)
    caption = (
        f"{dataset.name}: the fewer bits, the better is the next {unit} known. "
        f"{len(dataset.states)} letters that are all alike cost "
        f"{_bits(math.log2(len(dataset.states)))}."
    )
    if best is not None:
        caption += (
            f" Of the Markov models that of order {best[0]} costs least, "
            f"{with_interval(best[2], _bits)}: longer words are seen too rarely to be known."
            if best[0] < max(order for order, _, _ in orders)
            else f" Of the Markov models that of order {best[0]}, the highest, costs least, "
            f"{with_interval(best[2], _bits)}."
        )
    chart = letter_charts.bits_chart(
        orders,
        others,
        unit=unit,
        description=f"Bits per {unit} on the test split of {dataset.name}. {' '.join(sentences)}",
    )
    metrics = next(iter(named.values())).metrics
    return {
        "sentences": sentences,
        "figure": page.figure(
            chart, dataset.name, "letters", f"{caption} {units_sentence(metrics)}"
        ),
    }


def _sentence(label: str, metrics: Mapping[str, Any], unit: str) -> str:
    bits = with_interval(metrics["next_token"]["bits"], _bits)
    text = f"{label}: {bits} bits per {unit}"
    if metrics["kind"] == "network" and metrics["attained_filtered"] is not None:
        share = 100 * float(metrics["attained_filtered"]["value"])
        text += f", {share:.1f} % of what there is to know from the letters so far"
    return f"{text}."


def _bits(value: float) -> str:
    return f"{value:.4f}"
