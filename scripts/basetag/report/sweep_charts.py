"""The report's charts of sweeps along one axis; those over several are in `sweep_map_charts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt

from basetag.report.drawing import (
    LOWEST,
    Chart,
    Rows,
    powers_range,
    powers_ticks,
    series_scale,
    spec_of,
)

# From this ratio of the largest to the smallest value on, the measure stands on powers.
_POWERS_FROM = 20
_MOST_TICKS = 20


class Along(NamedTuple):
    """An axis as it is drawn.

    Parameters
    ----------
    title : str
        With its unit.
    values : sequence of str
        In the order in which they stand.
    texts : sequence of str
        The same as they are written.
    powers : bool
        Whether it is numeric and stands on powers of ten.
    numeric : bool
    """

    title: str
    values: Sequence[str]
    texts: Sequence[str]
    powers: bool
    numeric: bool


class Point(NamedTuple):
    """A tagger at one point of a sweep, over its seeds.

    Parameters
    ----------
    tagger : str
    facet : str
        Which panel it stands in; "" where there is one alone.
    at : str or None
        Value of the axis; None where the tagger does not vary it.
    value, low, high : float or None
        Mean over seeds; the ends of the interval, or of the range over seeds.
    seeds : int
    """

    tagger: str
    facet: str
    at: str | None
    value: float
    low: float | None
    high: float | None
    seeds: int


def lines_chart(
    points: Sequence[Point],
    along: Along,
    measure: str,
    facet_title: str,
    *,
    from_zero: bool,
    description: str,
) -> Chart:
    """Draw a measure along an axis, a line for each tagger and a panel for each facet.

    A tagger that does not vary the axis is a dashed line across the panel.
    """
    taggers = list(dict.fromkeys(point.tagger for point in points))
    facets = list(dict.fromkeys(point.facet for point in points))
    known = [float(v) for p in points for v in (p.value, p.low, p.high) if v is not None]
    positive = [value for value in known if value > 0]
    powers = bool(positive) and max(positive) > _POWERS_FROM * max(min(positive), LOWEST)
    floor = 0.0
    if powers:
        floor, top = powers_range([point.value for point in points])
        y_scale = alt.Scale(type="log", domain=[floor, max(top, max(known) * 1.1)], nice=False)
        y_axis = alt.Axis(format="~g", values=powers_ticks(floor, top))
    else:
        # A divergence is held against 0; of a cross-entropy 0 would be far away.
        y_scale = (
            alt.Scale(domain=[min(0.0, *known), 1.08 * max(known)], nice=False)
            if from_zero
            else alt.Scale(zero=False, padding=8)
        )
        y_axis = alt.Axis(format="~g", tickCount=6)
    width = max(180, min(560, 860 // len(facets)))
    panels = []
    for index, facet in enumerate(facets):
        values = [
            {
                "tagger": point.tagger,
                "at": float(at) if along.numeric else along.texts[along.values.index(at)],
                "value": max(point.value, floor),
                "low": None if point.low is None else max(point.low, floor),
                "high": None if point.high is None else max(point.high, floor),
                "fixed": point.at is None,
            }
            for point in points
            if point.facet == facet
            for at in (along.values if point.at is None else [point.at])
        ]
        title = f"{facet_title} {facet}" if facet_title else ""
        y = alt.Y("value:Q", title=None if index else measure, scale=y_scale, axis=y_axis)
        panels.append(_lines_panel(values, along, y, taggers, title, width))
    chart = alt.hconcat(*panels, spacing=16) if len(panels) > 1 else panels[0]
    rows: Rows = [
        [p.tagger, p.facet, "not varied" if p.at is None else p.at, p.value, p.low, p.high, p.seeds]
        for p in points
    ]
    header = ["tagger", facet_title or "panel", along.title, measure, "low", "high", "seeds"]
    if not facet_title:
        header, rows = [header[0], *header[2:]], [[row[0], *row[2:]] for row in rows]
    return Chart(spec_of(chart), description, header, rows)


def _lines_panel(
    values: list[dict[str, Any]],
    along: Along,
    y: alt.Y,
    taggers: Sequence[str],
    title: str,
    width: int,
) -> Any:
    if along.numeric:
        # Of many values not each has room for its name.
        every = -(-len(along.values) // _MOST_TICKS)
        ticks = [float(value) for value in along.values][::every]
        texts = " : ".join(
            f"datum.value == {tick!r} ? '{text}'"
            for tick, text in zip(ticks, along.texts[::every], strict=True)
        )
        x: alt.X = alt.X(
            "at:Q",
            title=along.title,
            scale=alt.Scale(
                type="log" if along.powers else "linear", zero=False, nice=False, padding=16
            ),
            axis=alt.Axis(values=ticks, labelExpr=f"{texts} : ''", grid=False, labelOverlap=True),
        )
    else:
        x = alt.X(
            "at:N", title=along.title, sort=list(along.texts),
            axis=alt.Axis(labelAngle=0 if len(along.texts) <= _MOST_TICKS else -90),
            scale=alt.Scale(type="point", padding=0.5),
        )  # fmt: skip
    legend = alt.Legend(orient="bottom", direction="horizontal", titleOrient="left", columns=5)
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=x,
        color=alt.Color("tagger:N", title="Tagger", scale=series_scale(taggers), legend=legend),
    )
    bars = base.transform_filter("!datum.fixed").mark_rule(strokeWidth=1.4, opacity=0.7)
    points = base.transform_filter("!datum.fixed").mark_point(filled=True, size=60, opacity=1)
    # Between kinds there is nothing for a line to lead through.
    led = base if along.numeric else base.transform_filter("datum.fixed")
    lines = led.mark_line(strokeWidth=1.8).encode(
        y=y,
        strokeDash=alt.StrokeDash(
            "fixed:N", scale=alt.Scale(domain=[False, True], range=[[1, 0], [6, 4]]), legend=None
        ),
    )
    panel = alt.layer(
        lines,
        bars.encode(y=alt.Y("low:Q"), y2="high:Q"),
        points.encode(
            y=y,
            shape=alt.Shape(
                "tagger:N", title="Tagger", scale=alt.Scale(domain=list(taggers)), legend=legend
            ),
            tooltip=[
                alt.Tooltip("tagger:N"),
                alt.Tooltip("at:N", title=along.title),
                alt.Tooltip("value:Q", format=".5g"),
                alt.Tooltip("low:Q", format=".5g", title="from"),
                alt.Tooltip("high:Q", format=".5g", title="to"),
            ],
        ),
    ).properties(width=width, height=240)
    if title:
        panel = panel.properties(title=alt.TitleParams(title, fontSize=13, fontWeight="normal"))
    return panel
