"""Charts of what taggers reach by the number of labels that they learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt

from basetag.report import numbers
from basetag.report.drawing import Chart, Rows, series_scale, spec_of

_WIDTH = 460


class Mean(NamedTuple):
    """What a tagger reaches with a number of labels, over its seeds.

    Parameters
    ----------
    name : str
        Of the tagger.
    labels : int
    value : float
        Mean over seeds.
    low, high : float or None
        Its interval.
    values : list of float
        Of each seed.
    """

    name: str
    labels: int
    value: float
    low: float | None
    high: float | None
    values: list[float]


def labelled_chart(
    means: Sequence[Mean], title: str, *, in_percent: bool, description: str
) -> Chart:
    """Draw a line for each tagger, with the points of its seeds.

    Parameters
    ----------
    means : sequence of Mean
    title : str
        What the vertical axis shows.
    in_percent : bool
    description : str
        Text alternative.
    """
    names = list(dict.fromkeys(mean.name for mean in means))
    return _chart(means, names, title, in_percent=in_percent, gain=False, description=description)


def gain_chart(
    means: Sequence[Mean], names: Sequence[str], title: str, *, in_percent: bool, description: str
) -> Chart:
    """Draw differences by the number of labels, around 0; see `labelled_chart`.

    `names` are those of the chart of the figures themselves, whose colours are kept.
    """
    return _chart(means, names, title, in_percent=in_percent, gain=True, description=description)


def _chart(
    means: Sequence[Mean],
    names: Sequence[str],
    title: str,
    *,
    in_percent: bool,
    gain: bool,
    description: str,
) -> Chart:
    sizes = sorted({mean.labels for mean in means})
    texts = {size: numbers.bases(size).replace(" bases", "") for size in sizes}
    written = " : ".join(f"datum.value == {size} ? '{text}'" for size, text in texts.items())
    shift = dict.fromkeys(names, 1.0) if gain else _shifts(names)
    of_means = [
        {
            "tagger": mean.name, "labels": mean.labels * shift[mean.name], "value": mean.value,
            "low": mean.low, "high": mean.high,
        }
        for mean in means
    ]  # fmt: skip
    of_seeds = [
        {"tagger": mean.name, "labels": mean.labels * shift[mean.name], "value": value}
        for mean in means
        for value in mean.values
    ]
    x = alt.X(
        "labels:Q",
        title="Labels to learn from",
        scale=alt.Scale(type="log", padding=24, nice=False),
        axis=alt.Axis(values=sizes, labelExpr=f"{written} : ''", grid=False, labelOverlap=True),
    )
    axis = alt.Axis(format=".0%" if in_percent else "~g", tickCount=6)
    if gain and in_percent:
        axis = alt.Axis(labelExpr="format(100 * datum.value, '~g')", tickCount=6)
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=gain, padding=10), axis=axis)
    legend = None
    if not gain:
        legend = alt.Legend(orient="bottom", direction="horizontal", titleOrient="left")
    colour = alt.Color("tagger:N", title="Tagger", scale=series_scale(names), legend=legend)
    shape = alt.Shape(
        "tagger:N", title="Tagger", scale=alt.Scale(domain=list(names)), legend=legend
    )
    base = alt.Chart(alt.InlineData(values=of_means)).encode(x=x, color=colour)
    form = ".3f"
    layers: list[Any] = []
    if gain:
        nothing = alt.Chart(alt.InlineData(values=[{"nothing": 0}]))
        layers.append(
            nothing.mark_rule(color="#000000", strokeWidth=1.2).encode(y=alt.Y("nothing:Q"))
        )
    layers += [
        alt.Chart(alt.InlineData(values=of_seeds))
        .mark_point(size=28, strokeWidth=1, opacity=0.55)
        .encode(x=x, y=y, color=colour, shape=shape),
        base.mark_line(strokeWidth=1.8).encode(y=y),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2.2)
        .encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_point(filled=True, size=80, opacity=1).encode(
            y=y,
            shape=shape,
            tooltip=[
                alt.Tooltip("tagger:N"),
                alt.Tooltip("value:Q", format=form),
                alt.Tooltip("low:Q", format=form, title="95 % interval from"),
                alt.Tooltip("high:Q", format=form, title="to"),
            ],
        ),
    ]
    chart = alt.layer(*layers).properties(width=_WIDTH, height=280)
    rows: Rows = [
        [mean.name, mean.labels, mean.value, mean.low, mean.high, len(mean.values)]
        for mean in means
    ]
    header = ["tagger", "labels", title, "95 % interval from", "to", "seeds"]
    return Chart(spec_of(chart), description, header, rows)


def _shifts(names: Sequence[str]) -> dict[str, float]:
    """Return by how much each tagger's points stand aside, so that bars do not hide each other."""
    middle = (len(names) - 1) / 2
    return {name: 1.04 ** (number - middle) for number, name in enumerate(names)}
