"""The report's charts of what was called on a genome: lengths, confidence and GC of segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt

from basetag.report.drawing import Chart, Rows, powers_ticks, spec_of, state_colours


class Bin(NamedTuple):
    """So many segments of a state have a measure from `low` to below `high`."""

    tagger: str
    state: str
    measure: str
    low: float
    high: float
    segments: int


class _Panel(NamedTuple):
    measure: str
    title: str
    form: str


_PANELS = (
    _Panel("length", "Segment length (bp)", ",d"),
    _Panel("mean_posterior", "Mean posterior of a segment", ".2~f"),
    _Panel("gc", "GC share of a segment", ".0%"),
)


def distribution_chart(
    bins: Sequence[Bin], taggers: Sequence[str], states: Sequence[str], *, description: str
) -> Chart:
    """Draw how many of each state's segments have which length, confidence and share of GC.

    Parameters
    ----------
    bins : sequence of Bin
    taggers : sequence of str
        From top to bottom, a row of panels each.
    states : sequence of str
        In colour order.
    description : str
        Text alternative.
    """
    totals: dict[tuple[str, str, str], int] = {}
    for one in bins:
        key = (one.tagger, one.state, one.measure)
        totals[key] = totals.get(key, 0) + one.segments
    panels = [panel for panel in _PANELS if any(one.measure == panel.measure for one in bins)]
    width = (950 - 75 * (len(panels) - 1)) // max(len(panels), 1)
    rows = []
    for number, tagger in enumerate(taggers):
        own = [one for one in bins if one.tagger == tagger]
        last = number == len(taggers) - 1
        drawn = [
            _panel(
                [one for one in own if one.measure == panel.measure], totals, panel, states,
                bins, titled=last, first=place == 0,
            ).properties(width=width, height=110)
            for place, panel in enumerate(panels)
        ]  # fmt: skip
        title = alt.TitleParams(tagger, anchor="start", fontSize=13, fontWeight="normal")
        rows.append(alt.hconcat(*drawn, spacing=75, bounds="flush").properties(title=title))
    table: Rows = [
        [one.tagger, one.state, one.measure.replace("_", " "), one.low, one.high, one.segments]
        for one in bins
    ]
    header = ["tagger", "state", "measure", "from", "to below", "segments"]
    return Chart(spec_of(alt.vconcat(*rows, spacing=14)), description, header, table)


def _panel(
    own: Sequence[Bin],
    totals: Mapping[tuple[str, str, str], int],
    panel: _Panel,
    states: Sequence[str],
    of_all: Sequence[Bin],
    *,
    titled: bool,
    first: bool,
) -> alt.Chart:
    """Return the histograms of one measure of one tagger, an outline for each state."""
    colours = state_colours(states)
    values: list[dict[str, Any]] = []
    for state in states:
        bins = [one for one in own if one.state == state]
        if not bins:
            continue
        outline = [(bins[0].low, 0), *((one.low, one.segments) for one in bins), (bins[-1].high, 0)]
        values += [
            {
                "state": state,
                "at": at,
                "place": place,
                "share": segments / totals[bins[0].tagger, state, panel.measure],
                "segments": segments,
            }
            for place, (at, segments) in enumerate(outline)
        ]
    every = [one for one in of_all if one.measure == panel.measure]
    ends = [min(one.low for one in every), max(one.high for one in every)]
    scale = alt.Scale(
        type="log" if panel.measure == "length" else "linear", domain=ends, nice=False
    )
    # One tick for each 1, 2 and 5: those of a log axis by itself are labelled as it happens.
    ticks = {"values": powers_ticks(*ends)} if panel.measure == "length" else {"tickCount": 5}
    axis = alt.Axis(
        **ticks,
        format=panel.form,
        labels=titled,
        ticks=titled,
        labelOverlap=True,
        title=panel.title if titled else None,
    )
    legend = alt.Legend(orient="top", direction="horizontal", titleOrient="left")
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_line(interpolate="step-after", strokeWidth=1.8)
        .encode(
            x=alt.X("at:Q", scale=scale, axis=axis),
            y=alt.Y(
                "share:Q",
                title="Segments" if first else None,
                axis=alt.Axis(format=".0%", tickCount=3, minExtent=38, maxExtent=38),
            ),
            order="place:Q",
            color=alt.Color(
                "state:N",
                title="State",
                scale=alt.Scale(domain=list(colours), range=list(colours.values())),
                legend=legend,
            ),
            strokeDash=alt.StrokeDash(
                "state:N",
                title="State",
                scale=alt.Scale(
                    domain=list(colours),
                    range=[_DASHES[i % len(_DASHES)] for i in range(len(colours))],
                ),
                legend=legend,
            ),
            tooltip=[
                alt.Tooltip("state:N"),
                alt.Tooltip("at:Q", title=f"{panel.title}, from", format=panel.form),
                alt.Tooltip("share:Q", title="share of its segments", format=".1%"),
                alt.Tooltip("segments:Q", format=",d"),
            ],
        )
    )
    return chart


_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
