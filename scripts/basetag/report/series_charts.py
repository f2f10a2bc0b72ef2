"""The report's charts of numeric series: errors of all taggers, and what they tell of a stretch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from basetag.report.drawing import (
    KIND_COLOURS,
    Chart,
    Rows,
    kind_channels,
    powers_ticks,
    spec_of,
)

_WIDTH, _ROW = 640, 76
_TRUE, _NOISE = "#8C8C8C", "#000000"


def error_chart(
    errors: Sequence[tuple[str, str, Mapping[str, Any]]],
    noise: float | None,
    *,
    description: str,
) -> Chart:
    """Draw the root mean squared error of each tagger with its interval, the least on top.

    Parameters
    ----------
    errors : sequence of (str, str, figure)
        Label, kind and error of each tagger.
    noise : float or None
        Deviation of the noise on simulated series: a rule.
    description : str
        Text alternative.
    """
    ordered = sorted(errors, key=lambda found: float(found[2]["value"]))
    keys = ("tagger", "kind", "error", "low", "high")
    values = [
        dict(zip(keys, (label, kind, own["value"], own["low"], own["high"]), strict=True))
        for label, kind, own in ordered
    ]
    y = alt.Y("tagger:N", title=None, sort=[label for label, _, _ in ordered])
    x = alt.X(
        "error:Q",
        title="Root mean squared error (less is better)",
        **_error_axis(errors, noise),
    )
    base = alt.Chart(alt.InlineData(values=values)).encode(y=y)
    fill, shape = kind_channels(kind for _, kind, _ in ordered)
    layers: list[Any] = [
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2, color="#111111")
        .encode(x=alt.X("low:Q"), x2="high:Q"),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            x=x,
            fill=fill,
            shape=shape,
            tooltip=[
                alt.Tooltip("tagger:N"),
                alt.Tooltip("error:Q", format=".4~g", title="error"),
                alt.Tooltip("low:Q", format=".4~g", title="95 % interval from"),
                alt.Tooltip("high:Q", format=".4~g", title="to"),
            ],
        ),
    ]
    if noise is not None:
        rule = alt.Chart(alt.InlineData(values=[{"value": noise, "what": "noise"}]))
        scale = alt.Scale(domain=["noise"], range=[_NOISE])
        layers.append(
            rule.mark_rule(strokeWidth=1.8, strokeDash=[6, 3]).encode(
                x="value:Q", color=alt.Color("what:N", title="No error can be lower", scale=scale)
            )
        )
    chart = alt.layer(*layers).properties(width=_WIDTH - 160, height=max(90, 32 * len(ordered)))
    header = ["tagger", "kind", "root mean squared error", "95 % interval from", "to"]
    rows: Rows = [[value[key] for key in keys] for value in values]
    return Chart(spec_of(chart), description, header, rows)


def _error_axis(
    errors: Sequence[tuple[str, str, Mapping[str, Any]]], noise: float | None
) -> dict[str, Any]:
    """Return scale and ticks: powers of ten, on which what is near the noise stays apart."""
    ends = [own[end] for _, _, own in errors for end in ("value", "low", "high")]
    drawn = [float(end) for end in [*ends, noise] if end is not None]
    low, high = min(drawn, default=1.0), max(drawn, default=1.0)
    if low <= 0:
        return {"scale": alt.Scale(zero=True)}
    left, right = 0.93 * low, 1.08 * high
    ticks = powers_ticks(left, right)
    if len(ticks) < 3:
        return {"scale": alt.Scale(zero=False, nice=False, domain=[left, right])}
    scale = alt.Scale(type="log", domain=[left, right], nice=False)
    return {"scale": scale, "axis": alt.Axis(values=ticks, format="~g")}


def stretch_chart(
    stretch: Mapping[str, Any],
    told: Sequence[tuple[str, str, Sequence[float | None]]],
    *,
    description: str,
) -> Chart:
    """Draw a stretch of a series, and what each tagger told of each step by those before it.

    Parameters
    ----------
    stretch : mapping
        `record`, `start` and `true`, as metrics.json has them.
    told : sequence of (str, str, sequence of float)
        Label and kind of each tagger, and its numbers.
    description : str
        Text alternative.
    """
    steps = range(int(stretch["start"]) + 1, int(stretch["start"]) + 1 + len(stretch["true"]))
    panels = []
    values_of = stretch["true"]
    known = [value for value in values_of if value is not None]
    known += [value for _, _, own in told for value in own if value is not None]
    edge = 0.04 * (max(known) - min(known)) or 0.5
    scale = alt.Scale(domain=[min(known) - edge, max(known) + edge], nice=False, zero=False)
    for index, (label, kind, own) in enumerate(told):
        values = [
            {"step": step, "true": true, "told": of_step}
            for step, true, of_step in zip(steps, values_of, own, strict=True)
        ]
        last = index == len(told) - 1
        x = alt.X(
            "step:Q",
            title="Time step" if last else None,
            scale=alt.Scale(domain=[steps[0], steps[-1]], nice=False),
            axis=alt.Axis(labels=last, ticks=last, format="d"),
        )
        base = alt.Chart(alt.InlineData(values=values)).encode(x=x)
        y = alt.Y("true:Q", title=None, scale=scale, axis=alt.Axis(tickCount=3, format="~g"))
        tooltip = [
            alt.Tooltip("step:Q"),
            alt.Tooltip("true:Q", format=".4~g"),
            alt.Tooltip("told:Q", format=".4~g", title=f"told by {label}"),
        ]
        panels.append(
            alt.layer(
                base.mark_circle(size=16, color=_TRUE, opacity=0.9).encode(y=y, tooltip=tooltip),
                base.mark_line(color=KIND_COLOURS[kind], strokeWidth=1.8).encode(
                    y=alt.Y("told:Q", scale=scale)
                ),
            ).properties(
                width=_WIDTH,
                height=_ROW,
                title=alt.TitleParams(label, anchor="start", fontSize=13, offset=4),
            )
        )
    chart = alt.vconcat(*panels, spacing=4)
    header = ["step", "true", *(f"told by {label}" for label, _, _ in told)]
    rows: Rows = [
        [step, true, *of_step]
        for step, true, *of_step in zip(steps, values_of, *(own for _, _, own in told), strict=True)
    ]
    return Chart(spec_of(chart), description, header, rows)
