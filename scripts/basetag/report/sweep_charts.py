"""The report's charts of sweeps: lines along one axis, and the map of who is better where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt

from basetag.report.drawing import (
    DIVERGING_COLOURS,
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


class Cell(NamedTuple):
    """A network against its rival at one point of a sweep.

    Parameters
    ----------
    x, y, facet : str
        Texts of the axes' values.
    difference : float
        Nats per base, negative where the network is better.
    winner : str
        The better one's name, or `tie`.
    own, rival : tuple of (float, float or None, float or None)
        Cross-entropy of both with its ends, nats per base.
    text : str
        The difference in words.
    """

    x: str
    y: str
    facet: str
    difference: float
    winner: str
    own: tuple[float, float | None, float | None]
    rival: tuple[float, float | None, float | None]
    text: str


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
        ticks = [float(value) for value in along.values]
        texts = " : ".join(
            f"datum.value == {tick!r} ? '{text}'"
            for tick, text in zip(ticks, along.texts, strict=True)
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
            "at:N", title=along.title, sort=list(along.texts), axis=alt.Axis(labelAngle=0),
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


def map_chart(
    cells: Sequence[Cell],
    x: Along,
    y: Along,
    facet_title: str,
    *,
    network: str,
    rival: str,
    description: str,
) -> Chart:
    """Draw where a network has less cross-entropy than its rival, and by how much."""
    most = max((abs(cell.difference) for cell in cells), default=0.0) or 1e-6
    facets = list(dict.fromkeys(cell.facet for cell in cells))
    widest = max(len(name) for cell in cells for name in (cell.winner, cell.text))
    colour = alt.Color(
        "difference:Q",
        title=["nats per base", f"green: {network} better", f"purple: {rival} better"],
        scale=alt.Scale(
            domain=[-most, most],
            domainMid=0,
            range=list(reversed(DIVERGING_COLOURS)),
            interpolate="rgb",
        ),
        legend=alt.Legend(
            format=".2~g", gradientLength=130, titleLimit=260, values=[-most, 0, most]
        ),
    )
    # Numbers grow upwards, names stand as they are given.
    rows_of_y = list(y.texts)[::-1] if y.numeric else list(y.texts)
    panels = []
    for facet in facets:
        values = [
            {
                "x": cell.x, "y": cell.y, "difference": cell.difference, "winner": cell.winner,
                "text": cell.text, "dark": abs(cell.difference) > 0.6 * most,
            }
            for cell in cells if cell.facet == facet
        ]  # fmt: skip
        base = alt.Chart(alt.InlineData(values=values)).encode(
            x=alt.X("x:N", title=x.title, sort=list(x.texts), axis=alt.Axis(labelAngle=0),
                    scale=alt.Scale(domain=list(x.texts))),
            y=alt.Y("y:N", title=y.title, sort=None, scale=alt.Scale(domain=rows_of_y)),
        )  # fmt: skip
        ink = alt.condition("datum.dark", alt.value("#FFFFFF"), alt.value("#111111"))
        squares = base.mark_rect(stroke="#B8B8B8").encode(
            color=colour,
            tooltip=[
                alt.Tooltip("winner:N", title="better"),
                alt.Tooltip("text:N", title="difference, nats per base"),
            ],
        )
        winner = base.mark_text(dy=-8, fontSize=12, fontWeight="bold").encode(
            text="winner:N", color=ink
        )
        text = base.mark_text(dy=9, fontSize=12).encode(text="text:N", color=ink)
        panel = alt.layer(squares, winner, text).properties(
            width=alt.Step(max(76, 8 * widest + 14)), height=alt.Step(46)
        )
        if facet_title:
            title = alt.TitleParams(f"{facet_title} {facet}", fontSize=13, fontWeight="normal")
            panel = panel.properties(title=title)
        panels.append(panel)
    columns = max(1, 900 // (max(76, 8 * widest + 14) * len(x.values) + 90))
    chart = (
        alt.concat(*panels, columns=columns, spacing=22).resolve_scale(color="shared")
        if len(panels) > 1
        else panels[0]
    )
    rows: Rows = [
        [cell.facet, cell.x, cell.y, cell.difference, cell.winner, *cell.own, *cell.rival]
        for cell in cells
    ]
    header = [
        facet_title or "panel", x.title, y.title, "difference (nats per base)", "better",
        f"CE of {network}", "low", "high", f"CE of {rival}", "low", "high",
    ]  # fmt: skip
    if not facet_title:
        header, rows = header[1:], [row[1:] for row in rows]
    return Chart(spec_of(chart), description, header, rows)
