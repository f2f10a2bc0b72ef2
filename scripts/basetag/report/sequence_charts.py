"""The report's charts along a sequence: posteriors, hidden states, annotations.

The page fills in the data of the records that it shows; the specifications here say how.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import altair as alt
import numpy as np

from basetag.report.drawing import DIVERGING_COLOURS, Chart, Rows, Spec, spec_of, state_colours


class Span(NamedTuple):
    """A run of bases with one call, in one row of an annotation chart."""

    row: str
    start: int
    end: int
    state: str


def tracks_spec(states: Sequence[str], unit: str) -> Spec:
    """Return the specification of the posterior tracks, whose rows the page fills in.

    The data set `bases` holds a row per base: position (from 1), base, true and called (letters),
    mark, tagger and reference (probability of the chosen state). Ctrl and the wheel zoom, dragging
    moves; the signal `window_position` is the part that is shown.
    """
    colours = state_colours(states)
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    zoom = _window()
    hover = alt.selection_point(
        name="hover", on="pointerover", clear="pointerout", fields=["position"], empty=False
    )
    base = alt.Chart(alt.NamedData(name="bases")).encode(
        x=alt.X(
            "position:Q",
            title=f"Position in the record ({unit})",
            scale=alt.Scale(zero=False, nice=False, padding=4),
            axis=alt.Axis(format=",d", tickMinStep=1, grid=False),
        )
    )
    y_axis = alt.Axis(
        values=[-0.3, -0.14, 0, 0.25, 0.5, 0.75, 1],
        labelExpr="datum.value < -0.2 ? 'called' : datum.value < -0.1 ? 'true' : "
        "format(datum.value, '.2f')",
        title="Probability of the state",
        titleAnchor="end",
    )
    y_scale = alt.Scale(domain=[-0.38, 1.02], nice=False)
    lines = [
        base.mark_line(
            clip=True, interpolate="linear", color=colour, strokeWidth=width, strokeDash=dash
        ).encode(y=alt.Y(f"{field}:Q", axis=y_axis, scale=y_scale))
        for field, colour, width, dash in (
            ("reference", "#000000", 1.6, [5, 3]),
            ("tagger", "#0072B2", 1.8, [1, 0]),
        )
    ]
    strips = [
        base.mark_rect(clip=True)
        .transform_calculate(
            low="datum.position - 0.5",
            high="datum.position + 0.5",
            bottom=str(middle - 0.06),
            top=str(middle + 0.06),
        )
        .encode(
            x="low:Q",
            x2="high:Q",
            y="bottom:Q",
            y2="top:Q",
            color=alt.Color(f"{field}:N", title="State", scale=scale),
        )
        for field, middle in (("true", -0.14), ("called", -0.3))
    ]
    reach = (
        base.mark_rect(clip=True, color="#444444", tooltip=True)
        .transform_calculate(low="datum.position - 0.5", high="datum.position + 0.5")
        .encode(
            x="low:Q",
            x2="high:Q",
            y=alt.value(0),
            y2=alt.value("height"),
            opacity=alt.condition(hover, alt.value(0.18), alt.value(0)),
            tooltip=[
                alt.Tooltip("position:Q", format=",d"),
                alt.Tooltip("base:N"),
                alt.Tooltip("true:N", title="true state"),
                alt.Tooltip("called:N", title="called state"),
                alt.Tooltip("tagger:Q", format=".4f", title="P by the tagger"),
                alt.Tooltip("reference:Q", format=".4f", title="P by the reference"),
            ],
        )
        .add_params(zoom, hover)
    )
    chart = alt.layer(*strips, *lines, reach).properties(width=1010, height=280)
    return spec_of(chart)


def hidden_spec(states: Sequence[str], unit: str) -> Spec:
    """Return the specification of the hidden states, whose rows the page fills in.

    Data sets: `columns`, a row for each column of the map: low, high (positions), norm, and in
    words bases, rising and falling; `map`, one row: low, high, url (the drawn map); `runs`, of the
    true states: low, high, state. The parameter `most` is the size of a hidden state at which the
    colours end, the signal `window_low` the part that is shown.
    """
    zoom = _window()
    hover = alt.selection_point(
        name="hover", on="pointerover", clear="pointerout", fields=["low"], empty=False
    )
    width = 1010
    columns = alt.Chart(alt.NamedData(name="columns"))
    scale = alt.Scale(zero=False, nice=False, padding=4)
    # Both panels begin at the same pixel, and so do the posteriors above them.
    extent = 40
    x = alt.X("low:Q", scale=scale, axis=alt.Axis(labels=False, ticks=False, title=None))
    below = alt.X(
        "low:Q",
        scale=scale,
        title=f"Position in the record ({unit})",
        axis=alt.Axis(format=",d", tickMinStep=1, grid=False),
    )

    def reach(name: str, x: alt.X) -> alt.Chart:
        marks = columns.mark_rect(clip=True, color="#444444", tooltip=True).properties(name=name)
        reaching: alt.Chart = marks.encode(
            x=x,
            x2="high:Q",
            y=alt.value(0),
            y2=alt.value("height"),
            opacity=alt.condition(hover, alt.value(0.18), alt.value(0)),
            tooltip=[
                alt.Tooltip("bases:N", title="positions"),
                alt.Tooltip("norm:Q", format=".3g"),
                alt.Tooltip("rising:N", title="most positive"),
                alt.Tooltip("falling:N", title="most negative"),
            ],
        )
        return reaching

    norm = (
        columns.mark_line(clip=True, color="#0072B2", strokeWidth=1.6)
        .transform_calculate(middle="(datum.low + datum.high) / 2")
        .encode(
            x=alt.X("middle:Q", scale=scale),
            y=alt.Y(
                "norm:Q",
                title="Norm",
                scale=alt.Scale(zero=False, nice=True),
                axis=alt.Axis(tickCount=3, minExtent=extent, maxExtent=extent),
            ),
        )
    )
    flat = alt.Scale(domain=[-0.09, 1], nice=False)
    image = (
        alt.Chart(alt.NamedData(name="map"))
        .mark_image(aspect=False, clip=True)
        .encode(
            x=below,
            x2="high:Q",
            y=alt.Y(
                "bottom:Q",
                scale=flat,
                title="Units",
                axis=alt.Axis(
                    values=[-0.055],
                    labelExpr="'true'",
                    ticks=False,
                    grid=False,
                    minExtent=extent,
                    maxExtent=extent,
                ),
            ),
            y2="top:Q",
            url="url:N",
        )
    )
    ends = (
        alt.Chart(alt.InlineData(values=[{"value": 0}]))
        .mark_point(opacity=0)
        .encode(
            x=alt.value(0),
            y=alt.value(0),
            color=alt.Color(
                "value:Q",
                title="Value",
                scale=alt.Scale(
                    type="linear",
                    domain=np.linspace(-1, 1, len(DIVERGING_COLOURS)).round(6).tolist(),
                    range=list(DIVERGING_COLOURS),
                    interpolate="rgb",
                ),
                legend=alt.Legend(
                    gradientLength=150,
                    values=[-1, -0.5, 0, 0.5, 1],
                    labelExpr="format(datum.value * most, '.2~f')",
                ),
            ),
        )
    )
    colours = state_colours(states)
    runs = (
        alt.Chart(alt.NamedData(name="runs"))
        .mark_rect(clip=True)
        .encode(
            x="low:Q",
            x2="high:Q",
            y=alt.datum(-0.09, scale=flat, title="Units"),
            y2=alt.datum(-0.02),
            # Named beside the posteriors above.
            fill=alt.Fill(
                "state:N",
                legend=None,
                scale=alt.Scale(domain=list(colours), range=list(colours.values())),
            ),
        )
    )
    panels: alt.VConcatChart = alt.vconcat(
        alt.layer(norm, reach("norm", x)).properties(width=width, height=80),
        alt.layer(image, runs, ends, reach("map", below)).properties(width=width, height=260),
        spacing=6,
    ).resolve_scale(x="shared", color="independent")
    spec = spec_of(panels)
    # By hand: altair takes what two panels share for a mistake, and warns.
    views = [part["name"] for panel in spec["vconcat"] for part in panel["layer"] if "name" in part]
    shared = [{**cast(Any, one.param).to_dict(), "views": views} for one in (zoom, hover)]
    spec["params"] = [*shared, {"name": "most", "value": 1}]
    return spec


def annotation_chart(
    spans: Sequence[Span],
    rows: Sequence[str],
    states: Sequence[str],
    *,
    record: str,
    length: int,
    description: str,
) -> Chart:
    """Draw the segments along one record, a row for each tagger.

    Parameters
    ----------
    spans : sequence of Span
        0-based half-open intervals.
    rows : sequence of str
        The taggers, from top to bottom.
    states : sequence of str
        What the segments are called, in colour order.
    record : str
        Name of the record.
    length : int
        Bases of the record.
    description : str
        Text alternative.
    """
    colours = state_colours(states)
    values = [{"tagger": s.row, "start": s.start, "end": s.end, "state": s.state} for s in spans]
    zoom = _window()
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(clip=True, height=alt.RelativeBandSize(0.72))
        .encode(
            x=alt.X(
                "start:Q",
                title=f"Position in {record} (bp)",
                scale=alt.Scale(domain=[0, length], nice=False),
                axis=alt.Axis(format=",d" if length < 1_000_000 else "~s"),
            ),
            x2="end:Q",
            y=alt.Y("tagger:N", title=None, sort=list(rows)),
            color=alt.Color(
                "state:N",
                title="State",
                scale=alt.Scale(domain=list(colours), range=list(colours.values())),
            ),
            tooltip=[
                alt.Tooltip("tagger:N"),
                alt.Tooltip("state:N"),
                alt.Tooltip("start:Q", format=",d", title="start (0-based)"),
                alt.Tooltip("end:Q", format=",d"),
            ],
        )
        .add_params(zoom)
        .properties(width=830, height=alt.Step(34))
    )
    table: Rows = [[s.row, s.start, s.end, s.end - s.start, s.state] for s in spans]
    header = ["tagger", "start (0-based, bp)", "end (bp)", "length (bp)", "state"]
    return Chart(spec_of(chart), description, header, table)


def _window() -> alt.Parameter:
    """Return the stretch that is shown: dragging moves it, Ctrl or Shift and the wheel zoom."""
    return alt.selection_interval(
        name="window",
        bind="scales",
        encodings=["x"],
        zoom="wheel![event.ctrlKey || event.shiftKey]",
    )
