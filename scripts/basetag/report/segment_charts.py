"""Charts of segments: how long they are, true and called, and how far their boundaries are off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from basetag.report.drawing import Chart, Rows, spec_of

#: What is told apart on these charts, in the order of the legend.
_TRUE, _EXACT = "true", "exact posterior"
_COLOURS = ("#8C8C8C", "#0072B2", "#000000")
_WIDTH = 800


def length_chart(
    tagger: str,
    segments: Mapping[str, Any],
    exact: Mapping[str, Any] | None,
    state_names: Mapping[str, str],
    *,
    many: str,
    description: str,
) -> Chart:
    """Draw how long true segments are, and how long those of a tagger and of the exact posterior.

    Parameters
    ----------
    tagger : str
        Its label.
    segments, exact : mapping
        The part `segments` of the tagger's metrics.json and of the exact posterior's, or None.
    state_names : mapping of str to str
        Letter of each state to its meaning.
    many : str
        What lengths are counted in.
    description : str
        Text alternative.
    """
    sides = [(_TRUE, segments["lengths"], "true"), (tagger, segments["lengths"], "called")]
    if exact is not None:
        sides.append((_EXACT, exact["lengths"], "called"))
    edges = max((table["edges"] for _, table, _ in sides), key=len)
    values = []
    for state, meaning in state_names.items():
        for of, table, side in sides:
            counts = table[side][state]
            counts = [*counts, *[0] * (len(edges) - 1 - len(counts))]
            for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
                line = "dashed" if of == _EXACT else "whole"
                row = {"of": of, "line": line, "from": low, "to": high, "segments": count}
                values.append({"state": f"{state} ({meaning})", **row})
    names = [name for name, _, _ in sides]
    columns = min(len(state_names), 4)
    scale = alt.Scale(type="log", base=2, domain=[edges[0], edges[-1]], nice=False)
    axis = alt.Axis(values=edges[:: 1 + len(edges) // (24 // columns)], format=",d")
    base = alt.Chart().encode(
        x=alt.X("from:Q", title=f"Length ({many})", scale=scale, axis=axis),
        y=alt.Y(
            "segments:Q",
            title="Segments (axis of square roots)",
            scale=alt.Scale(type="sqrt", domainMin=0),
            stack=None,
            axis=alt.Axis(tickCount=5),
        ),
        tooltip=[
            alt.Tooltip("of:N", title="segments of"),
            alt.Tooltip("from:Q", format=",", title="length from"),
            alt.Tooltip("to:Q", format=",", title="to below"),
            alt.Tooltip("segments:Q", format=","),
        ],
    )
    colour = alt.Color(
        "of:N",
        title="Segments",
        scale=alt.Scale(domain=names, range=list(_COLOURS[: len(names)])),
        legend=alt.Legend(
            orient="top", direction="horizontal", symbolType="square", symbolStrokeWidth=0
        ),
    )
    true = (
        base.mark_area(interpolate="step-after", opacity=0.6)
        .encode(color=colour)
        .transform_filter(alt.datum.of == _TRUE)
    )
    steps = (
        base.mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            color=colour,
            # A field of its own: of that of the colour it would take the legend away.
            strokeDash=alt.StrokeDash(
                "line:N",
                scale=alt.Scale(domain=["whole", "dashed"], range=[[1, 0], [5, 3]]),
                legend=None,
            ),
        )
        .transform_filter(alt.datum.of != _TRUE)
    )
    # A staircase has a level over each bin; the last one ends where its bin does.
    values += [{**row, "from": row["to"]} for row in values if row["to"] == edges[-1]]
    width = _WIDTH // columns - 40
    chart = (
        alt.layer(true, steps, data=alt.InlineData(values=values))
        .properties(width=width, height=190)
        .facet(
            alt.Facet("state:N", title=None, sort=None, header=alt.Header(labelFontSize=13)),
            columns=columns,
        )
    )
    rows: Rows = [
        [v["state"], v["of"], v["from"], v["to"], v["segments"]]
        for v in values
        if v["from"] != v["to"]
    ]
    header = ["state", "segments of", "length from (bases)", "to below", "segments"]
    return Chart(spec_of(chart), description, header, rows)


def boundary_chart(
    tagger: str,
    boundaries: Mapping[str, Any],
    exact: Mapping[str, Any] | None,
    *,
    description: str,
) -> Chart:
    """Draw how far true boundaries are from the nearest called one, and F1 within tolerances.

    Parameters
    ----------
    tagger : str
        Its label.
    boundaries, exact : mapping
        The part `segments.boundaries` of the tagger's metrics.json and of the exact posterior's.
    description : str
        Text alternative.
    """
    sides = {tagger: boundaries} | ({} if exact is None else {_EXACT: exact})
    names = list(sides)
    colour = alt.Color(
        "of:N",
        title="Boundaries called by",
        scale=alt.Scale(domain=names, range=list(_COLOURS[1 : 1 + len(names)])),
        legend=alt.Legend(orient="top", direction="horizontal"),
    )
    distances: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for name, side in sides.items():
        table = side["distances"]
        labels = distance_labels(table["edges"])
        for label, count in zip(labels, [*table["counts"], table["farther"]], strict=True):
            distances.append({"of": name, "distance": label, "boundaries": count})
        for tolerance, matched, figure in zip(
            side["tolerances"], side["matched"], side["f1"], strict=True
        ):
            if figure is not None:
                row = {"of": name, "tolerance": f"{tolerance}", "matched": matched}
                found.append({**row, **{key: figure[key] for key in ("value", "low", "high")}})
    order = distance_labels(boundaries["distances"]["edges"])
    left = (
        alt.Chart(alt.InlineData(values=distances))
        .mark_bar()
        .encode(
            x=alt.X(
                "distance:N",
                title="Distance to the nearest called boundary of the same pair (bases)",
                sort=order,
                axis=alt.Axis(labelAngle=-40),
            ),
            xOffset=alt.XOffset("of:N", sort=names),
            y=alt.Y("boundaries:Q", title="True boundaries"),
            color=colour,
            tooltip=[
                alt.Tooltip("of:N", title="called by"),
                alt.Tooltip("distance:N", title="distance (bases)"),
                alt.Tooltip("boundaries:Q", format=","),
            ],
        )
        .properties(width=470, height=190)
    )
    base = alt.Chart(alt.InlineData(values=found)).encode(
        x=alt.X(
            "tolerance:N",
            title="Found within (bases)",
            sort=[f"{tolerance}" for tolerance in boundaries["tolerances"]],
            axis=alt.Axis(labelAngle=0),
        ),
        xOffset=alt.XOffset("of:N", sort=names),
        color=colour,
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("value:Q", title="F1 of boundaries", scale=alt.Scale(domain=[0, 1])),
        shape=alt.Shape(
            "of:N",
            title="Boundaries called by",
            scale=alt.Scale(domain=names, range=["circle", "diamond"][: len(names)]),
        ),
        tooltip=[
            alt.Tooltip("of:N", title="called by"),
            alt.Tooltip("tolerance:N", title="within (bases)"),
            alt.Tooltip("value:Q", format=".3f", title="F1"),
            alt.Tooltip("low:Q", format=".3f", title="95 % interval from"),
            alt.Tooltip("high:Q", format=".3f", title="to"),
        ],
    )
    bars = base.mark_rule(strokeWidth=2).encode(y="low:Q", y2="high:Q")
    right = alt.layer(bars, points).properties(width=230, height=190)
    rows: Rows = [
        [row["of"], f"at a distance of {row['distance']}", row["boundaries"], None, None, None]
        for row in distances
    ]
    rows += [
        [row["of"], f"within {row['tolerance']}", row["matched"], row["value"], row["low"],
         row["high"]]
        for row in found
    ]  # fmt: skip
    header = ["called by", "bases", "true boundaries", "F1", "95 % interval from", "to"]
    return Chart(spec_of(alt.hconcat(left, right, spacing=40)), description, header, rows)


def distance_labels(edges: Sequence[int]) -> list[str]:
    """Return the names of the bins of distances, the last edge included, and of what is beyond."""
    labels = [
        f"{low:,}" if high - low == 1 else f"{low:,}\N{EN DASH}{high - 1:,}"
        for low, high in zip(edges[:-1], [*edges[1:-1], edges[-1] + 1], strict=True)
    ]
    return [*labels, f"> {edges[-1]:,}, or none"]
