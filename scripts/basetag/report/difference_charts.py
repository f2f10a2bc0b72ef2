"""Charts of how taggers differ, pair by pair, and of where the variance of a figure comes from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import altair as alt

from basetag.report.drawing import Chart, Rows, spec_of

#: What an interval says of a difference, with colour and shape.
VERDICTS = {
    "better": ("#0072B2", "triangle-right"),
    "worse": ("#D55E00", "triangle-left"),
    "cannot be told apart": ("#6E6E6E", "circle"),
}
#: Where the variance of a figure comes from, with colour and shape.
SOURCES = {
    "test sampling": ("#0072B2", "circle"),
    "initialisation": ("#D55E00", "triangle-up"),
    "data": ("#009E73", "square"),
}
_WIDTH = 560


class Difference(NamedTuple):
    """What a tagger's figure is above that of the one it is held against, with its interval."""

    tagger: str
    value: float
    low: float | None
    high: float | None
    verdict: str
    text: str


def difference_chart(
    differences: Sequence[Difference],
    pairs: Rows,
    title: str,
    *,
    description: str,
) -> Chart:
    """Draw differences from one tagger, on an axis that is stretched around 0.

    Parameters
    ----------
    differences : sequence of Difference
        In the order of the rows.
    pairs : list of list
        Both taggers, difference and interval of all pairs, for the table.
    title : str
        Of the axis, with the unit.
    description : str
        Text alternative.
    """
    ends = [abs(end) for d in differences for end in (d.value, d.low, d.high) if end is not None]
    constant, ticks = symlog_ticks(max(ends, default=1.0))
    order = [difference.tagger for difference in differences]
    values = [difference._asdict() for difference in differences]
    y = alt.Y("tagger:N", title=None, sort=order)
    x = alt.X(
        "value:Q",
        title=title,
        scale=alt.Scale(type="symlog", constant=constant, nice=False, padding=12),
        axis=alt.Axis(values=ticks, format="~g"),
    )
    base = alt.Chart(alt.InlineData(values=values)).encode(y=y)
    verdicts = [name for name in VERDICTS if any(d.verdict == name for d in differences)]
    colours = alt.Scale(domain=verdicts, range=[VERDICTS[name][0] for name in verdicts])
    shapes = alt.Scale(domain=verdicts, range=[VERDICTS[name][1] for name in verdicts])
    legend = alt.Legend(orient="top", direction="horizontal")
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=x,
        color=alt.Color("verdict:N", title="It is", scale=colours, legend=legend),
        shape=alt.Shape("verdict:N", title="It is", scale=shapes, legend=legend),
        tooltip=[
            alt.Tooltip("tagger:N"),
            alt.Tooltip("text:N", title="difference"),
            alt.Tooltip("verdict:N", title="it is"),
        ],
    )
    bars = base.mark_rule(strokeWidth=2.5, color="#333333").encode(x="low:Q", x2="high:Q")
    text = base.mark_text(align="left", fontSize=12, color="#222222").encode(
        x=alt.value(_WIDTH + 8), text="text:N"
    )
    nothing = alt.Chart(alt.InlineData(values=[{"nothing": 0}]))
    rule = nothing.mark_rule(color="#000000", strokeWidth=1.2).encode(x="nothing:Q")
    chart = alt.layer(rule, bars, points, text).properties(width=_WIDTH, height=alt.Step(24))
    header = ["tagger", "less the figure of", "difference", "95 % interval from", "to"]
    return Chart(spec_of(chart), description, header, pairs)


def symlog_ticks(most: float) -> tuple[float, list[float]]:
    """Return where an axis turns from linear to logarithmic, and its ticks.

    Parameters
    ----------
    most : float
        The largest distance from 0 that is drawn.
    """
    power = math.floor(math.log10(most)) - 2 if most > 0 else 0
    constant = 10.0**power
    decades = [float(f"1e{power + i}") for i in range(4) if 10.0 ** (power + i) <= 1.3 * most]
    return constant, [*(-tick for tick in reversed(decades)), 0.0, *decades]


def variance_chart(
    parts: Sequence[tuple[str, str, float]], title: str, *, description: str
) -> Chart:
    """Draw how much a figure varies by each source, as a standard deviation.

    Parameters
    ----------
    parts : sequence of (tagger, source, variance)
        Those that are measured.
    title : str
        Of the axis, with the unit.
    description : str
        Text alternative.
    """
    values = [
        {"tagger": tagger, "source": source, "sd": math.sqrt(variance), "variance": variance}
        for tagger, source, variance in parts
    ]
    most = max((math.sqrt(variance) for _, _, variance in parts), default=0.0)
    order = list(dict.fromkeys(tagger for tagger, _, _ in parts))
    sources = [name for name in SOURCES if any(source == name for _, source, _ in parts)]
    legend = alt.Legend(orient="top", direction="horizontal")
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_point(filled=True, size=90, opacity=0.9)
        .encode(
            y=alt.Y("tagger:N", title=None, sort=order, axis=alt.Axis(grid=True)),
            x=alt.X(
                "sd:Q",
                title=title,
                scale=alt.Scale(domain=[0, 1.05 * most or 1], nice=False),
                axis=alt.Axis(format="~g", tickCount=6),
            ),
            color=alt.Color(
                "source:N",
                title="Varies with",
                scale=alt.Scale(domain=sources, range=[SOURCES[name][0] for name in sources]),
                legend=legend,
            ),
            shape=alt.Shape(
                "source:N",
                title="Varies with",
                scale=alt.Scale(domain=sources, range=[SOURCES[name][1] for name in sources]),
                legend=legend,
            ),
            tooltip=[
                alt.Tooltip("tagger:N"),
                alt.Tooltip("source:N", title="varies with"),
                alt.Tooltip("sd:Q", format=".2g", title="standard deviation"),
                alt.Tooltip("variance:Q", format=".2g"),
            ],
        )
        .properties(width=_WIDTH, height=alt.Step(24))
    )
    rows: Rows = [
        [tagger, source, variance, math.sqrt(variance)] for tagger, source, variance in parts
    ]
    header = ["tagger", "varies with", "variance", "standard deviation"]
    return Chart(spec_of(chart), description, header, rows)
