"""The map of a network's learned vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt

from basetag.report.drawing import Chart, Rows, spec_of

# Beyond these numbers of labels there is room for smaller letters alone.
_FEW, _MANY = 30, 70
_GREY = "#6E6E6E"


class Colouring(NamedTuple):
    """A number for each label, by which it is coloured.

    Parameters
    ----------
    title : str
    values : list of float or None
    ends : tuple of float
        Of the scale of colours.
    """

    title: str
    values: list[float | None] | list[float]
    ends: tuple[float, float]


def embedding_chart(
    labels: Sequence[str],
    places: Sequence[Sequence[float]],
    titles: Sequence[str],
    colours: Colouring | None,
    *,
    description: str,
) -> Chart:
    """Draw labels where their vectors lie.

    Parameters
    ----------
    labels : sequence of str
    places : sequence of (float, float)
    titles : sequence of str
        Of the two axes.
    colours : Colouring or None
    description : str
        Text alternative.
    """
    given = [None] * len(labels) if colours is None else list(colours.values)
    values = [
        {"label": label, "first": x, "second": y, "of": value}
        for label, (x, y), value in zip(labels, places, given, strict=True)
    ]
    scale = alt.Scale(zero=False, padding=18, nice=False)
    colour: Any = alt.value(_GREY)
    if colours is not None:
        colour = alt.Color(
            "of:Q",
            title=colours.title,
            scale=alt.Scale(scheme="viridis", domain=list(colours.ends)),
            legend=alt.Legend(gradientLength=160),
        )
    tooltip = [alt.Tooltip("label:N", title="of")]
    if colours is not None:
        tooltip.append(alt.Tooltip("of:Q", format=".2f", title=colours.title.lower()))
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X("first:Q", title=titles[0], scale=scale, axis=alt.Axis(tickCount=6)),
        y=alt.Y("second:Q", title=titles[1], scale=scale, axis=alt.Axis(tickCount=6)),
        tooltip=tooltip,
    )
    many = len(labels) > _MANY
    chart = alt.layer(
        base.mark_circle(size=40 if many else 90, opacity=0.9).encode(color=colour),
        base.mark_text(
            dy=-8 if many else -11, fontSize=_font_size(len(labels)), color="#222222"
        ).encode(text="label:N"),
    ).properties(width=520, height=420)
    rows: Rows = [
        [label, x, y, *([] if colours is None else [value])]
        for label, (x, y), value in zip(labels, places, given, strict=True)
    ]
    header = ["of", *titles, *([] if colours is None else [colours.title])]
    return Chart(spec_of(chart), description, header, rows)


def _font_size(labels: int) -> int:
    """Return how large labels are written: the more, the smaller."""
    return 13 if labels <= _FEW else 10 if labels <= _MANY else 8
