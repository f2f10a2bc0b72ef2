"""The negative controls: what taggers see where there is nothing to see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from basetag.report import numbers
from basetag.report.control_charts import (
    ALONE,
    FLAGGED,
    REFERENCE,
    SAME,
    Judged,
    controls_chart,
)
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.page import Page

#: Titles of the controls.
_TITLES = {
    "homogeneous": "Letters drawn one by one",
    "shuffled": "Test sequences, letters shuffled",
}


def controls_view(
    page: Page, dataset: DatasetResult, named: Mapping[str, TaggerResult]
) -> dict[str, Any] | None:
    """Return the sentences and the figure of one dataset; None where it has no controls."""
    judged = {label: result.metrics["controls"] or {} for label, result in named.items()}
    titles = {
        name: _TITLES.get(name, name)
        for name in dict.fromkeys(name for found in judged.values() for name in found)
    }
    # By title; a tagger that cannot explain a control has none.
    panels = {
        title: [
            Judged(label, _standing(label, found[name]), found[name], rate_words(found[name]))
            for label, found in judged.items()
            if found.get(name) is not None
        ]
        for name, title in titles.items()
    }
    panels = {title: found for title, found in panels.items() if found}
    if not panels:
        return None
    sentences = [
        *reference_sentences(panels),
        *flagged_sentences(panels),
        *left_out_sentences(judged, titles),
    ]
    first = next(iter(panels.values()))
    taggers = [label for label in named if any(judged[label].values())]
    sizes = " and ".join(
        f"{numbers.bases(found[0].control['bases'])} of “{_small(title)}”"
        for title, found in panels.items()
    )
    records = first[0].control["records"]
    bars = f"There are no intervals: {records} records are too few."
    if first[0].control["per_mb"]["low"] is not None:
        bars = (
            f"Bars are 95 % intervals over the {records} records of a control; many are narrower "
            "than the mark."
        )
    known = any(one.standing != ALONE for found in panels.values() for one in found)
    dashed = " Dashed: the rate of the reference." if known else ""
    chart = controls_chart(
        panels,
        taggers,
        description=f"False segments per Mb on the negative controls of {dataset.name}, tagger "
        f"by tagger. {' '.join(sentences)}",
    )
    figure = page.figure(
        chart,
        dataset.name,
        "controls",
        f"{dataset.name}: borders called within records in which no state changes, per Mb, over "
        f"{sizes}. {bars}{dashed}",
    )
    return {"figure": figure, "sentences": sentences}


def _standing(label: str, control: Mapping[str, Any]) -> str:
    if control["flagged"]:
        return FLAGGED
    if control["reference"] is None:
        return ALONE
    return REFERENCE if control["reference"] == label else SAME


def rate_words(control: Mapping[str, Any]) -> str:
    """Return the rate, and of a flagged one how it stands to the reference."""
    text = _rate(control["per_mb"]["value"])
    if not control["flagged"]:
        return text
    ratio = control["ratio"]["value"]
    # A reference without a false segment has no ratio to tell.
    return (
        f"{text}, flagged"
        if ratio is None
        else f"{text}, flagged: {_number(ratio)} {numbers.TIMES}"
    )


def reference_sentences(panels: Mapping[str, list[Judged]]) -> list[str]:
    """Say against whom taggers are held, and what that one calls itself."""
    rates: dict[str, dict[str, float]] = {}
    for title, found in panels.items():
        for one in found:
            if one.control["reference"] is not None:
                of_title = rates.setdefault(one.control["reference"], {})
                of_title[title] = float(one.control["reference_per_mb"]["value"])
    if not rates:
        return [
            "There is neither an exact posterior nor an HMM counted in the labels to hold taggers "
            "against, so nobody is flagged."
        ]
    return [
        *(f"{reference} calls {_by_title(of_title)}." for reference, of_title in rates.items()),
        "By chance some stretch looks like another state, and it is right to say so: no tagger is "
        "asked for none.",
    ]


def _by_title(rates: Mapping[str, float]) -> str:
    return " and ".join(
        f"{_rate(rate)} false segments per Mb of “{_small(title)}”" for title, rate in rates.items()
    )


def flagged_sentences(panels: Mapping[str, list[Judged]]) -> list[str]:
    """Name each flagged tagger with its rates and how they stand to the reference's."""
    found: dict[str, list[str]] = {}
    for title, judged in panels.items():
        for one in judged:
            if one.standing != FLAGGED:
                continue
            ratio = one.control["ratio"]
            times = "more than none"
            if ratio["value"] is not None:
                times = f"{_number(ratio['value'])} times as many as {one.control['reference']}"
                high = " or more" if ratio["high"] is None else f" to {_number(ratio['high'])}"
                times += f", 95 % interval {_number(ratio['low'])}{high}"
            found.setdefault(one.tagger, []).append(
                f"{_rate(one.control['per_mb']['value'])} per Mb of “{_small(title)}” ({times})"
            )
    if not found:
        asked = any(one.control["reference"] for judged in panels.values() for one in judged)
        return ["No tagger is flagged."] if asked else []
    return [f"{tagger} is flagged: {' and '.join(parts)}." for tagger, parts in found.items()]


def left_out_sentences(
    judged: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]
) -> list[str]:
    """Name the taggers whose model holds a control to be impossible."""
    sentences = []
    for name, title in titles.items():
        without = [label for label, found in judged.items() if name in found and not found[name]]
        if without:
            sentences.append(
                f"Left out on “{_small(title)}”: {', '.join(without)}, whose model "
                "forbids letters in such an order."
            )
    return sentences


def _small(title: str) -> str:
    return title[0].lower() + title[1:]


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.2g}"


def _number(value: float) -> str:
    return f"{value:#.3g}" if value < 99.95 else f"{value:,.0f}"
