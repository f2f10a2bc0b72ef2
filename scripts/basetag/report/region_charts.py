"""The report's browser view: posteriors over called segments along a part of a genome.

The charts hold means over columns of bases. The page, which has every base, makes finer columns
of what its reader zooms into, so that at last each base has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import altair as alt
import numpy as np

from basetag.report.drawing import Chart, Rows, Spec, spec_of, state_colours
from basetag.report.region_data import ShownTrack

#: Columns of a chart, at most.
COLUMNS = 400
_WIDTH, _HEIGHT = 980, 110
# Of the segments below the posteriors, in units of the probability.
_STRIP = (-0.32, -0.1)


def region_chart(
    tracks: Sequence[ShownTrack], record: str, start: int, *, description: str
) -> Chart:
    """Draw the posteriors of each tagger on a region, over its segments.

    Parameters
    ----------
    tracks : sequence of ShownTrack
        At least one, all of the same bases.
    record : str
    start : int
        Position of the first base, from 0.
    description : str
        Text alternative.
    """
    states = list(dict.fromkeys(state for track in tracks for state in track.states))
    n = len(tracks[0].posterior)
    segments = [
        {
            "tagger": track.tagger,
            "low": start + low + 0.5,
            "high": start + high + 0.5,
            "state": track.states[label],
            "positions": f"{start + low + 1:,} to {start + high:,}",
            "score": score / 1000,
        }
        for track in tracks
        for low, high, label, score in track.segments.tolist()
    ]
    columns = [row for track in tracks for row in columns_of(track, start)]
    ends = (start + 0.5, start + n + 0.5)
    spec = _spec([track.tagger for track in tracks], states, record, ends)
    spec["datasets"] = {"columns": columns, "segments": segments}
    table: Rows = [
        [t.tagger, start + low, start + high, high - low, t.states[label], score / 1000]
        for t in tracks
        for low, high, label, score in t.segments.tolist()
    ]
    header = [
        "tagger", "start (0-based, bp)", "end (bp)", "length (bp)", "state", "mean posterior",
    ]  # fmt: skip
    return Chart(spec, description, header, table)


def columns_of(track: ShownTrack, start: int) -> list[dict[str, Any]]:
    """Return a row for each state of each column: where it lies, and its share of the height."""
    n = len(track.posterior)
    width = -(-n // COLUMNS)
    at = np.arange(0, n, width)
    sizes = np.diff(at, append=n)
    sums = np.add.reduceat(track.posterior.astype(np.int64), at, axis=0)
    means = sums / sizes[:, np.newaxis] / 1000
    # Rounded, the posteriors of a base may add up to a thousandth less or more than 1.
    tops = (means / means.sum(axis=1, keepdims=True)).cumsum(axis=1)
    rows: list[dict[str, Any]] = []
    for column, (low, size) in enumerate(zip(at.tolist(), sizes.tolist(), strict=True)):
        words = ", ".join(
            f"{state} {mean:.3f}" for state, mean in zip(track.states, means[column], strict=True)
        )
        first, last = start + low + 1, start + low + size
        for label, state in enumerate(track.states):
            rows.append(
                {
                    "tagger": track.tagger,
                    "state": state,
                    "low": first - 0.5,
                    "high": last + 0.5,
                    "bottom": round(float(tops[column, label - 1]), 4) if label else 0,
                    "top": round(float(tops[column, label]), 4),
                    "positions": f"{first:,} to {last:,}" if size > 1 else f"{first:,}",
                    "means": words,
                    "lowest": label == 0,
                }
            )
    return rows


def _spec(
    taggers: Sequence[str], states: Sequence[str], record: str, ends: tuple[float, float]
) -> Spec:
    zoom = alt.selection_interval(
        name="window",
        bind="scales",
        encodings=["x"],
        zoom="wheel![event.ctrlKey || event.shiftKey]",
    )
    hover = alt.selection_point(
        name="hover", on="pointerover", clear="pointerout", fields=["low"], empty=False
    )
    colours = state_colours(states)
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    panels = []
    for number, tagger in enumerate(taggers):
        last = number == len(taggers) - 1
        x = alt.X(
            "low:Q",
            title=f"Position in {record} (bp)" if last else None,
            scale=alt.Scale(domain=list(ends), nice=False, zero=False),
            axis=alt.Axis(format=",d", tickMinStep=1, grid=False, labels=last, ticks=last),
        )
        y_scale = alt.Scale(domain=[_STRIP[0] - 0.04, 1], nice=False)
        own = alt.datum.tagger == tagger
        columns = alt.Chart(alt.NamedData(name="columns")).transform_filter(own)
        legend = alt.Legend(orient="top", direction="horizontal", titleOrient="left")
        # With an edge of its own colour, no gap shines through between two columns.
        posterior = columns.mark_rect(clip=True, strokeWidth=0.7).encode(
            x=x,
            x2="high:Q",
            y=alt.Y(
                "bottom:Q",
                title="Posterior",
                scale=y_scale,
                axis=alt.Axis(
                    values=[sum(_STRIP) / 2, 0, 0.5, 1],
                    labelExpr="datum.value < 0 ? 'called' : format(datum.value, '.1f')",
                    grid=False,
                    tickCount=8,  # fewer would leave some of the values out
                    minExtent=50,
                    maxExtent=50,
                ),
            ),
            y2="top:Q",
            color=alt.Color("state:N", title="State", scale=scale, legend=legend),
            stroke=alt.Stroke("state:N", title="State", scale=scale, legend=legend),
        )
        called = (
            alt.Chart(alt.NamedData(name="segments"))
            .transform_filter(own)
            .transform_calculate(bottom=str(_STRIP[0]), top=str(_STRIP[1]))
            .mark_rect(clip=True, stroke="white", strokeWidth=0.5, tooltip=True)
            .encode(
                x=x,
                x2="high:Q",
                y=alt.Y("bottom:Q", scale=y_scale),
                y2="top:Q",
                color=alt.Color("state:N", title="State", scale=scale, legend=legend),
                tooltip=[
                    alt.Tooltip("state:N", title="called"),
                    alt.Tooltip("positions:N"),
                    alt.Tooltip("score:Q", title="mean posterior", format=".3f"),
                ],
            )
        )
        reach = (
            columns.transform_filter(alt.datum.lowest)
            .transform_calculate(floor="0", ceiling="1")
            .mark_rect(clip=True, color="#222222", tooltip=True)
            .encode(
                x=x,
                x2="high:Q",
                y=alt.Y("floor:Q", scale=y_scale),
                y2="ceiling:Q",
                opacity=alt.condition(hover, alt.value(0.25), alt.value(0)),
                tooltip=[
                    alt.Tooltip("positions:N"),
                    alt.Tooltip("means:N", title="mean posterior"),
                ],
            )
            .properties(name=f"reach{number}")
        )
        title = alt.TitleParams(tagger, anchor="start", fontSize=13, fontWeight="normal")
        panels.append(
            alt.layer(posterior, called, reach).properties(
                width=_WIDTH, height=_HEIGHT, title=title
            )
        )
    chart = alt.vconcat(*panels, spacing=8).resolve_scale(x="shared")
    spec = spec_of(chart)
    # By hand: altair takes what several panels share for a mistake, and warns.
    views = [part["name"] for panel in spec["vconcat"] for part in panel["layer"] if "name" in part]
    spec["params"] = [{**cast(Any, one.param).to_dict(), "views": views} for one in (zoom, hover)]
    return spec
