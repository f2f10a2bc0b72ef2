"""Are mismatches less certain? Reliability and the certainty of matches and mismatches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from basetag.report import charts, numbers
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
    chart = charts.reliability_chart(
        {label: result.metrics["reliability"] for label, result in shown.items()},
        description=f"How often calls on {dataset.name} are right against how sure the tagger "
        f"was. Expected calibration error: {errors}.",
    )
    return page.figure(
        chart,
        dataset.name,
        "reliability",
        f"{dataset.name}: on the dotted diagonal, a call made with 80 % certainty is right in "
        "80 % of the cases; above it a tagger is too unsure, below it too sure. The larger a mark, "
        f"the more bases it stands for. Expected calibration error: {errors}.",
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
    sentences = [certainty_sentence(label, one) for label, one in found.items()]
    chart = charts.certainty_chart(
        found,
        description=f"Mean probability of the called state on the matches and on the mismatches "
        f"of the test split of {dataset.name}. {' '.join(sentences)}",
    )
    bases = numbers.count(dataset.results[0].metrics["test"]["bases"])
    figure = page.figure(
        chart,
        dataset.name,
        "certainty",
        f"{dataset.name}: how sure the tagger was of its calls that match and of those that do "
        f"not, over the {bases} test bases. Bars are 95 % intervals; many are narrower than the "
        "mark.",
    )
    return {"figure": figure, "sentences": sentences}


def certainty_sentence(tagger: str, certainty: Mapping[str, Any]) -> str:
    """Answer in words whether mismatches are less certain.

    Parameters
    ----------
    tagger : str
        Name.
    certainty : mapping
        The part `certainty` of metrics.json.
    """
    means = [certainty[part]["value"] for part in ("on_matches", "on_mismatches")]
    right, wrong = map(numbers.percent, means)
    apart = certainty["difference"]
    difference = f"difference {numbers.points(apart['value'])} points"
    if apart["low"] is None:
        answer = "It cannot be told from these bases whether mismatches are less certain"
        difference += "; no interval: too few records, or all alike"
    else:
        answer = (
            "Yes, mismatches are less certain"
            if apart["low"] > 0
            else "No, mismatches are more certain"
            if apart["high"] < 0
            else "It cannot be told from these bases whether mismatches are less certain"
        )
        low, high = numbers.points(apart["low"]), numbers.points(apart["high"])
        difference += f", 95 % interval {low} to {high}"
    return (
        f"{tagger}: {answer}. The called state has a mean probability of "
        f"{right} where it is right and {wrong} where it is wrong ({difference})."
    )
