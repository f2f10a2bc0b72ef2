"""Figures of metrics.json as text, with their 95 % intervals, in one form on the whole page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from basetag.report import wording

#: A figure of metrics.json: `value`, `low`, `high`; None where it is not defined.
Measured = Mapping[str, Any] | None


def ratio(value: float) -> str:
    """Return a measure between -1 and 1 with three decimals."""
    text = f"{abs(value):.3f}"
    return f"{wording.MINUS}{text}" if value < 0 and float(text) else text


def rate(value: float) -> str:
    """Return a number per Mb."""
    return f"{value:,.0f}"


def signed(value: float) -> str:
    """Return a difference with its sign, with two significant digits or four decimals."""
    text = wording.nats(value)
    return f"+{text}" if value > 0 and text != "0" else text


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
    size = wording.count(round(units["bases"]))
    if number < 2:
        return "There is one independent stretch of test data only, and so no interval."
    of = {
        "record": f"the {wording.count(number)} test records, drawn with replacement",
        "group": f"{wording.count(number)} groups of neighbouring test records or blocks",
        "block": (
            f"{wording.count(number)} blocks of about {size} bases that the test records are cut "
            "into, as there are few records"
        ),
    }[kind]
    correlation = units["correlation_length"]
    lengths = units["bases"] / correlation if correlation else 0
    text = (
        f"Intervals of 95 % say how the figures would vary with other test data: they are of {of}"
    )
    if kind == "block" and lengths:
        text += f", each {wording.count(lengths)} correlation lengths of the labels"
    return f"{text}."
