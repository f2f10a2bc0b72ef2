"""Figures of metrics.json as text, with their 95 % intervals, in one form on the whole page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from basetag.report import numbers
from basetag.report.counted import classifies, counted, of_series

#: A figure of metrics.json: `value`, `low`, `high`; None where it is not defined.
Measured = Mapping[str, Any] | None


def interval(figure: Measured, form: Callable[[float], str]) -> str:
    """Return the 95 % interval of a figure, ``0.86 to 0.88``; nothing where it has none."""
    if figure is None or figure["low"] is None:
        return ""
    return f"{form(figure['low']).removesuffix(' %')} to {form(figure['high'])}"


def with_interval(figure: Measured, form: Callable[[float], str]) -> str:
    """Return a figure with its interval in brackets, where it has one."""
    if figure is None:
        return "not defined"
    between = interval(figure, form)
    return f"{form(figure['value'])} ({between})" if between else form(figure["value"])


def cell(figure: Measured, form: Callable[[float], str]) -> dict[str, str]:
    """Return a cell of a table: the figure, and its interval below it."""
    if figure is None:
        return {"text": "—", "interval": ""}
    return {"text": form(figure["value"]), "interval": interval(figure, form)}


def units_sentence(metrics: Mapping[str, Any]) -> str:
    """Say what the intervals of a dataset are taken over.

    Parameters
    ----------
    metrics : metrics.json
        Of any tagger of the dataset: the units follow from the labels alone.
    """
    units = metrics["units"]
    number, kind = int(units["count"]), str(units["kind"])
    size = numbers.count(round(units["bases"]))
    if number < 2:
        return "There is one independent stretch of test data only, and so no interval."
    many = counted(metrics).many
    records = many if classifies(metrics) else "records"
    of = {
        "record": f"the {numbers.count(number)} test {records}, drawn with replacement",
        "group": f"{numbers.count(number)} groups of neighbouring test {records} or blocks",
        "block": (
            f"{numbers.count(number)} blocks of about {size} {many} that the test records are cut "
            "into, as there are few records"
        ),
    }[kind]
    correlation = units["correlation_length"]
    lengths = units["bases"] / correlation if correlation else 0
    text = (
        f"Intervals of 95 % say how the figures would vary with other test data: they are of {of}"
    )
    if kind == "block" and lengths:
        of_what = "numbers" if of_series(metrics) else "labels"
        text += f", each {numbers.count(lengths)} correlation lengths of the {of_what}"
    return f"{text}."


def spread(
    figures: Sequence[Mapping[str, Any]], form: Callable[[float], str] = numbers.percent
) -> str:
    """Return the interval of one figure, or the range over seeds of several, in brackets."""
    if len(figures) == 1:
        if figures[0]["low"] is None:
            return " (no interval: too few records, or all alike)"
        low, high = form(figures[0]["low"]), form(figures[0]["high"])
        return f" (95 % interval {low.removesuffix(' %')} to {high})"
    values = [figure["value"] for figure in figures]
    low, high = form(min(values)), form(max(values))
    return f" (mean of {len(values)} seeds, {low.removesuffix(' %')} to {high})"


def mean(values: Sequence[float]) -> float:
    """Return the mean of one figure over seeds."""
    return sum(values) / len(values)
