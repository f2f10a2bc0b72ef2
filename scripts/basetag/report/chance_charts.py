"""The report's chart of chance: a tagger's matches beside the four nulls, on one axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt

from basetag.report.counted import Counted
from basetag.report.drawing import Chart, spec_of

_WIDTH = 560
_HEIGHT = 44
_OBSERVED = "#0072B2"
_CEILING = "#000000"


class NullRow(NamedTuple):
    """A row of the chart: a null, its name and what is drawn, and its figures in words.

    Parameters
    ----------
    name, drawn : str
    null : mapping or None
        The null's part of metrics.json; None where it could not be drawn.
    words : list of str
        Lines that stand beside it.
    """

    name: str
    drawn: str
    null: Mapping[str, Any] | None
    words: Sequence[str]


def nulls_chart(
    rows: Sequence[NullRow],
    words: Counted,
    *,
    tagger: str,
    ceiling: float | None,
    description: str,
) -> Chart:
    """Draw the rate of matches under each null, with the tagger's own as a line through all.

    Parameters
    ----------
    rows : sequence of NullRow
        From top to bottom; one at least has a null.
    words : Counted
        What is counted.
    tagger : str
        Its name.
    ceiling : float, optional
        Accuracy of the exact posterior, where it is known.
    description : str
        Text alternative.
    """
    known = [row.null for row in rows if row.null is not None]
    observed = known[0]["observed_matches"] / known[0]["length"]
    lines = [{"rate": observed, "text": f"{tagger} {observed:.1%}".replace("%", " %")}]
    if ceiling is not None:
        lines.append({"rate": ceiling, "text": f"exact {ceiling:.1%}".replace("%", " %")})
    ends = [null["edges"][end] / null["length"] for null in known for end in (0, -1)]
    ends += [float(line["rate"]) for line in lines]
    room = 0.03 * (max(ends) - min(ends)) or 0.01
    domain = [max(min(ends) - room, 0), min(max(ends) + room, 1)]
    panels = [
        _panel(row, lines, domain, words, first=row is rows[0], last=row is rows[-1])
        for row in rows
    ]
    chart = alt.vconcat(*panels, spacing=8)
    header = [
        "null", "matches, mean", "standard deviation", "z", "effect", "p", "smallest p possible",
        "log10 of the binomial tail", "draws", "draws with as many", "effective sample size",
    ]  # fmt: skip
    return Chart(spec_of(chart), description, header, [_figures(row) for row in rows])


def _figures(row: NullRow) -> list[str | float | int | None]:
    if row.null is None:
        return [row.name, *[None] * 10]
    keys = (
        "mean_matches", "sd_matches", "z", "effect", "p_text", "smallest_p", "binomial_log10_p",
        "pairs", "at_least_observed", "effective_sample_size",
    )  # fmt: skip
    return [row.name, *(row.null[key] for key in keys)]


def _panel(
    row: NullRow,
    lines: Sequence[Mapping[str, Any]],
    domain: Sequence[float],
    words: Counted,
    *,
    first: bool,
    last: bool,
) -> Any:
    """Return a histogram of matches, what it is on its left and its figures on its right."""
    values: list[dict[str, float]] = []
    if row.null is not None:
        n, edges = row.null["length"], row.null["edges"]
        values = [
            {"low": low / n, "high": high / n, "draws": count, "ground": 0}
            for low, high, count in zip(edges[:-1], edges[1:], row.null["counts"], strict=True)
            if count
        ]
    x = alt.X(
        "low:Q",
        title=words.right_axis if last else None,
        scale=alt.Scale(domain=list(domain), nice=False, zero=False),
        axis=alt.Axis(
            format=".0%" if domain[1] - domain[0] > 0.05 else ".1%",
            labels=last,
            ticks=last,
            tickCount=8,
        ),
    )
    y = alt.Y("draws:Q", axis=None)
    bars = (
        # The outline keeps a narrow null in sight.
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(color="#8C8C8C", stroke="#6E6E6E", strokeWidth=0.8)
        .encode(
            x=x,
            x2=alt.X2("high:Q"),
            y=y,
            y2=alt.Y2("ground:Q"),
            tooltip=[
                alt.Tooltip("low:Q", format=".3%", title="match, from"),
                alt.Tooltip("high:Q", format=".3%", title="to"),
                alt.Tooltip("draws:Q", format=","),
            ],
        )
    )
    layers = [bars]
    ordered = sorted(lines, key=lambda line: float(line["rate"]))
    for line in lines:
        own = line is lines[0]
        mark = alt.Chart(alt.InlineData(values=[dict(line)]))
        layers.append(
            mark.mark_rule(
                color=_OBSERVED if own else _CEILING,
                strokeWidth=2.5 if own else 1.5,
                strokeDash=[1, 0] if own else [5, 3],
            ).encode(x=alt.X("rate:Q"))
        )
        if first:
            # The names of two lines part, so that they never lie on one another.
            left = len(lines) > 1 and line is ordered[0]
            layers.append(
                mark.mark_text(
                    align="right" if left or len(lines) == 1 else "left",
                    dx=-3 if left or len(lines) == 1 else 3,
                    baseline="bottom",
                    fontSize=13,
                    color=_OBSERVED if own else _CEILING,
                ).encode(x=alt.X("rate:Q"), y=alt.YValue(-5), text=alt.Text("text:N"))
            )
    layers += [
        _text([row.name], x=-12, y=8, align="right", weight="bold"),
        _text([row.drawn], x=-12, y=26, align="right"),
        _text(row.words, x=_WIDTH + 12, y=8, align="left"),
    ]
    return alt.layer(*layers).properties(width=_WIDTH, height=_HEIGHT)


def _text(
    lines: Sequence[str], *, x: float, y: float, align: Any, weight: Any = "normal"
) -> alt.Chart:
    data = alt.InlineData(values=[{"text": list(lines)}])
    chart: alt.Chart = (
        alt.Chart(data)
        .mark_text(align=align, baseline="middle", fontSize=12, fontWeight=weight, lineHeight=18)
        # Channels by their classes: altair looks through its whole schema for those that are not.
        .encode(
            x=alt.XValue(x),
            y=alt.YValue(y),
            text=alt.Text("text:N"),
            color=alt.ColorValue("#222222"),
        )
    )
    return chart
