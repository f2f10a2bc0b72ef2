"""The report's chart of numbers: what a tagger tells of each record against what is true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np

from basetag.report.drawing import Chart, Rows, spec_of

#: What both layers of the chart say of an axis.
_Places = Mapping[str, Mapping[str, Any]]

_SIZE = 340
_SAME, _THRESHOLD = "told = true", "threshold"


def scatter_chart(regression: Mapping[str, Any], *, description: str) -> Chart:
    """Draw told numbers against true ones, with the threshold on both axes.

    Up to a thousand records are points; of more, squares are the darker the more lie in them.

    Parameters
    ----------
    regression : mapping
        The section of a metrics.json.
    description : str
        Text alternative.
    """
    threshold = regression["threshold"]
    grid = regression["grid"]
    if grid is None:
        values = np.array(regression["points"], dtype=np.float64)
        low, high = float(values.min()), float(values.max())
    else:
        low, high = float(grid["low"]), float(grid["high"])
    if threshold is not None:
        low, high = min(low, float(threshold)), max(high, float(threshold))
    edge = 0.03 * (high - low) or 0.5
    scale = alt.Scale(domain=[low - edge, high + edge], nice=False, zero=False)
    axis = alt.Axis(format="~g", tickCount=6)
    places: _Places = {
        "x": {"title": "True number", "scale": scale, "axis": axis},
        "y": {"title": "Told number", "scale": scale, "axis": axis},
    }
    header: list[str]
    rows: Rows
    if grid is None:
        marks, rows = _points(values, places), values.tolist()
        header = ["true number", "told number"]
    else:
        marks, rows = _squares(grid, places)
        header = ["true from", "true to", "told from", "told to", "sequences"]
    ends = [low - edge, high + edge]
    lines = [{"what": _SAME, "x": ends[0], "y": ends[0], "x2": ends[1], "y2": ends[1]}]
    drawn = [_SAME]
    if threshold is not None:
        drawn.append(_THRESHOLD)
        lines += [
            {"what": _THRESHOLD, "x": threshold, "y": ends[0], "x2": threshold, "y2": ends[1]},
            {"what": _THRESHOLD, "x": ends[0], "y": threshold, "x2": ends[1], "y2": threshold},
        ]
    legend = alt.Legend(orient="top", direction="horizontal")
    rules = (
        alt.Chart(alt.InlineData(values=lines))
        .mark_rule(strokeWidth=1.6)
        .encode(
            x=alt.X("x:Q", **places["x"]),
            y=alt.Y("y:Q", **places["y"]),
            x2="x2:Q",
            y2="y2:Q",
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=drawn, range=["#111111", "#D55E00"][: len(drawn)]),
                legend=legend,
            ),
            strokeDash=alt.StrokeDash(
                "what:N",
                title=None,
                scale=alt.Scale(domain=drawn, range=[[1, 0], [6, 3]][: len(drawn)]),
                legend=legend,
            ),
        )
    )
    chart = alt.layer(marks, rules).resolve_scale(color="independent", strokeDash="independent")
    return Chart(spec_of(chart.properties(width=_SIZE, height=_SIZE)), description, header, rows)


def _points(values: Any, places: _Places) -> alt.Chart:
    data = [{"true": true, "told": told} for true, told in values.tolist()]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=data))
        .mark_circle(size=22, opacity=0.45, color="#0072B2")
        .encode(
            x=alt.X("true:Q", **places["x"]),
            y=alt.Y("told:Q", **places["y"]),
            tooltip=[
                alt.Tooltip("true:Q", format=".4~g", title="true number"),
                alt.Tooltip("told:Q", format=".4~g", title="told number"),
            ],
        )
    )
    return chart


def _squares(grid: Mapping[str, Any], places: _Places) -> tuple[alt.Chart, Rows]:
    """Return the filled squares of a grid, and their table, the fullest first."""
    counts = np.array(grid["counts"], dtype=np.int64)
    edges = np.linspace(grid["low"], grid["high"], len(counts) + 1)
    edges = np.array([float(f"{edge:.5g}") for edge in edges])
    filled = np.argwhere(counts)
    filled = filled[np.argsort(-counts[tuple(filled.T)], kind="stable")]
    rows: Rows = [
        [float(edges[i]), float(edges[i + 1]), float(edges[j]), float(edges[j + 1]),
         int(counts[i, j])]
        for i, j in filled.tolist()
    ]  # fmt: skip
    names = ("true", "true_to", "told", "told_to", "count")
    chart = (
        alt.Chart(alt.InlineData(values=[dict(zip(names, row, strict=True)) for row in rows]))
        .mark_rect()
        .encode(
            x=alt.X("true:Q", **places["x"]),
            x2="true_to:Q",
            y=alt.Y("told:Q", **places["y"]),
            y2="told_to:Q",
            color=alt.Color(
                "count:Q",
                title="Sequences",
                scale=alt.Scale(type="log", range=["#DCEAF5", "#08306B"]),
                legend=alt.Legend(orient="right", format="~s", tickCount=4),
            ),
            tooltip=[
                alt.Tooltip("true:Q", title="true from"),
                alt.Tooltip("told:Q", title="told from"),
                alt.Tooltip("count:Q", format=",", title="sequences"),
            ],
        )
    )
    return chart, rows
