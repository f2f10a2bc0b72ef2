"""Numeric series: how far off the next number is told, beside the noise, and step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.figure_text import units_sentence, with_interval
from basetag.report.numbers import four_digits, ratio
from basetag.report.page import Page
from basetag.report.series_charts import error_chart, stretch_chart


def series_view(
    page: Page, dataset: DatasetResult, named: Mapping[str, TaggerResult]
) -> dict[str, Any] | None:
    """Return the sentences and figures of a dataset whose next numbers are told, else None.

    Returns
    -------
    dict
        `floor`, what no error can be below; `sentences`, one for each tagger; the figures `errors`
        and `stretch`.
    """
    first = dataset.results[0].metrics
    if first.get("next_value") is None:
        return None
    noise = first["next_value"]["noise"]
    of_kind = {label: str(result.metrics["kind"]) for label, result in named.items()}
    errors = [
        (label, of_kind[label], result.metrics["regression"]["rmse"])
        for label, result in named.items()
        if result.metrics["regression"]["rmse"] is not None
    ]
    ordered = sorted(
        named.items(),
        key=lambda item: float(item[1].metrics["regression"]["sums"]["squared_error"]),
    )
    sentences = [_sentence(label, result.metrics) for label, result in ordered]
    floor = "What is the least that an error can be is not known for this data."
    if noise is not None:
        floor = (
            f"The noise on each number has a deviation of {four_digits(noise)}: whatever is known "
            "of what came before, no error is lower in expectation."
        )
    stretch = first["next_value"]["stretch"]
    # Of several seeds the first: others would tell much the same.
    shown: dict[str, tuple[str, str, Any]] = {}
    for label, result in ordered:
        own = result.metrics["next_value"]["stretch"]["told"]
        shown.setdefault(result.tagger, (label, of_kind[label], own))
    where = f"{stretch['record']}, from step {stretch['start'] + 1} on"
    return {
        "floor": floor,
        "sentences": sentences,
        "errors": page.figure(
            error_chart(
                errors,
                noise,
                description=f"Root mean squared error of {len(errors)} taggers on {dataset.name}. "
                f"{' '.join(sentences)} {floor}",
            ),
            dataset.name,
            "errors",
            f"{dataset.name}: how far off the next number is, the least error on top; lines are "
            f"95 % intervals. {floor} {units_sentence(first)}",
        ),
        "stretch": page.figure(
            stretch_chart(
                stretch,
                list(shown.values()),
                description=f"{len(stretch['true'])} steps of {where}, and what each of "
                f"{len(shown)} taggers told of each step by those before it.",
            ),
            dataset.name,
            "stretch",
            f"{dataset.name}: {len(stretch['true'])} steps of a test series ({where}). Dots are "
            "the numbers, the line is what the tagger told of each of them beforehand.",
        ),
    }


def _sentence(label: str, metrics: Mapping[str, Any]) -> str:
    own, beside = metrics["regression"], metrics["next_value"]["to_noise"]
    text = f"{label}: root mean squared error {with_interval(own['rmse'], four_digits)}"
    if beside is not None:
        text += f", {ratio(beside['value'])} times the noise"
    return f"{text}."
