"""Are mismatches less certain? Reliability and the certainty of matches and mismatches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from basetag.report import charts, numbers
from basetag.report.counted import BASES, Counted, counted
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.page import Page


def reliability_figure(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any]:
    exact = dataset.reference("exact")
    shown = {label: r for label, r in named.items() if label in networks or r is exact}
    errors = ", ".join(
        f"{label} {float(result.metrics['ece']['value']):.4f}" for label, result in shown.items()
    )
    words = counted(dataset.results[0].metrics)
    chart = charts.reliability_chart(
        {label: result.metrics["reliability"] for label, result in shown.items()},
        words,
        description=f"How often calls on {dataset.name} are right against how sure the tagger "
        f"was. Expected calibration error: {errors}.",
    )
    return page.figure(
        chart,
        dataset.name,
        "reliability",
        f"{dataset.name}: on the dotted diagonal, a call made with 80 % certainty is right in "
        "80 % of the cases; above it a tagger is too unsure, below it too sure. The larger a mark, "
        f"the more {words.many} it stands for. Expected calibration error: {errors}.",
    )


def certainty_view(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any] | None:
    """Return the figure and the sentences on whether mismatches are less certain."""
    exact = dataset.reference("exact")
    found = {
        label: result.metrics["certainty"]
        for label, result in named.items()
        if (label in networks or result is exact) and result.metrics["certainty"] is not None
    }
    if not found:
        return None
    words = counted(dataset.results[0].metrics)
    sentences = [certainty_sentence(label, one, words) for label, one in found.items()]
    chart = charts.certainty_chart(
        found,
        words,
        description=f"Mean probability of the called {words.label} where it is right and where "
        f"it is wrong, on the test split of {dataset.name}. {' '.join(sentences)}",
    )
    total = numbers.count(dataset.results[0].metrics["test"]["bases"])
    figure = page.figure(
        chart,
        dataset.name,
        "certainty",
        f"{dataset.name}: how sure the tagger was of its calls that are {words.hits} and of "
        f"{words.misses}, over the {total} test {words.many}. Bars are 95 % intervals, where "
        "they are wider than the mark.",
    )
    return {"figure": figure, "sentences": sentences}


def certainty_sentence(tagger: str, certainty: Mapping[str, Any], words: Counted = BASES) -> str:
    """Answer in words whether mismatches are less certain.

    Parameters
    ----------
    tagger : str
        Name.
    certainty : mapping
        The part `certainty` of metrics.json.
    words : Counted
        What is counted.
    """
    means = [certainty[part]["value"] for part in ("on_matches", "on_mismatches")]
    right, wrong = map(numbers.percent, means)
    apart = certainty["difference"]
    untold = f"It cannot be told from these {words.many} whether {words.misses} are less certain"
    difference = f"difference {numbers.points(apart['value'])} points"
    if apart["low"] is None:
        answer = untold
        difference += "; no interval: too few records, or all alike"
    else:
        answer = (
            f"Yes, {words.misses} are less certain"
            if apart["low"] > 0
            else f"No, {words.misses} are more certain"
            if apart["high"] < 0
            else untold
        )
        low, high = numbers.points(apart["low"]), numbers.points(apart["high"])
        difference += f", 95 % interval {low} to {high}"
    return (
        f"{tagger}: {answer}. The called {words.label} has a mean probability of "
        f"{right} where it is right and {wrong} where it is wrong ({difference})."
    )
