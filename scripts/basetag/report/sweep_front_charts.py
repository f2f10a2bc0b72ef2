"""The report's chart of a sweep's cost: every point, and the front that none of them passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import altair as alt

from basetag.report.drawing import Chart, Rows, kind_channels, seconds_axis, spec_of

_WIDTH, _HEIGHT = 700, 320


class Costing(NamedTuple):
    """A point of a sweep: its tagger and kind, seconds of a training, quality, on the front."""

    tagger: str
    kind: str
    seconds: float
    quality: float
    on_front: bool


def front_chart(
    points: Sequence[Costing], title: str, *, more_is_better: bool, description: str
) -> Chart:
    """Draw how good points are against the seconds of their training, as powers of ten.

    Parameters
    ----------
    points : sequence of Costing
        At least one; no `seconds` is 0. Those on the front are joined, and the others are pale.
    title : str
        What `quality` is called.
    more_is_better : bool
        A share, of which much is good; else nats, of which few are.
    description : str
        Text alternative.
    """
    seconds = [point.seconds for point in points]
    left, right = min(seconds) / 1.3, max(seconds) * 1.3
    ordered = sorted(points, key=lambda point: (point.on_front, point.seconds))
    base = alt.Chart(alt.InlineData(values=[point._asdict() for point in ordered])).encode(
        x=seconds_axis(left, right),
        y=alt.Y(
            "quality:Q",
            title=title,
            scale=alt.Scale(zero=False, nice=False, padding=12),
            axis=alt.Axis(format="~p" if more_is_better else "~g", tickCount=6),
        ),
        tooltip=[
            alt.Tooltip("tagger:N"),
            alt.Tooltip("seconds:Q", format=",.3g", title="training (s)"),
            alt.Tooltip("quality:Q", format=".2%" if more_is_better else ".5g", title="quality"),
        ],
    )
    fill, shape = kind_channels([point.kind for point in points])
    front = base.transform_filter("datum.on_front")
    layers = [
        base.transform_filter("!datum.on_front")
        .mark_point(filled=True, size=30, opacity=0.25)
        .encode(fill=fill, shape=shape),
        front.mark_line(interpolate="step-after", color="#333333", strokeWidth=1.2),
        front.mark_point(filled=True, size=90, opacity=1, stroke="#111111").encode(
            fill=fill, shape=shape
        ),
    ]
    chart = alt.layer(*layers).properties(width=_WIDTH, height=_HEIGHT)
    rows: Rows = [
        [point.tagger, point.kind, point.seconds, point.quality, "yes" if point.on_front else ""]
        for point in reversed(ordered)
    ]
    header = ["tagger", "kind", "training (s)", title, "on the front"]
    return Chart(spec_of(chart), description, header, rows)
