"""The report's charts of the judgement: plain figures in, Vega-Lite specifications out.

How good taggers are, beside chance and the ceiling, and how sure of it. Each function takes
figures as they stand in the result files and returns a `Chart`. Nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt

from basetag.report.drawing import (
    KIND_COLOURS,
    KIND_SHAPES,
    Chart,
    Reference,
    Rows,
    rules_of,
    series_scale,
    spec_of,
)


class Measured(NamedTuple):
    """A tagger's figure with its 95 % interval and the same as text."""

    tagger: str
    kind: str
    value: float
    low: float | None
    high: float | None
    text: str


def scale_chart(
    accuracy: Sequence[Measured],
    cross_entropy: Sequence[Measured],
    accuracy_references: Sequence[Reference],
    cross_entropy_references: Sequence[Reference],
    *,
    description: str,
) -> Chart:
    """Draw every tagger between chance and the ceiling, for accuracy and cross-entropy.

    Taggers stand in rows, the best cross-entropy on top; the references are rules across them.
    """
    order = [m.tagger for m in sorted(cross_entropy, key=lambda m: (m.value, m.tagger))]
    left = _scale_panel(
        accuracy, accuracy_references, order, "Bases that match (accuracy)", percent=True
    )
    right = _scale_panel(
        cross_entropy,
        cross_entropy_references,
        order,
        "Cross-entropy (nats per base; less is better)",
        percent=False,
    )
    panels = alt.hconcat(left, right, spacing=30).resolve_scale(
        color="independent", shape="shared", fill="shared"
    )
    by_tagger = {m.tagger: m for m in accuracy}
    rows: Rows = [
        [m.tagger, m.kind, a.text, a.low, a.high, m.text, m.low, m.high]
        for m in sorted(cross_entropy, key=lambda m: order.index(m.tagger))
        for a in [by_tagger[m.tagger]]
    ]
    rows += [
        [r.name, "reference", r.value, None, None, None, None, None] for r in accuracy_references
    ]
    rows += [
        [r.name, "reference", None, None, None, r.value, None, None]
        for r in cross_entropy_references
    ]
    header = ["tagger", "kind", "accuracy", "low", "high", "cross-entropy (nats)", "low", "high"]
    return Chart(spec_of(panels), description, header, rows)


def chance_chart(chance: Mapping[str, Any], *, description: str) -> Chart:
    """Draw how often random label strings match, with the tagger's own matches as a rule.

    Parameters
    ----------
    chance : mapping
        One null of the part `chance` of metrics.json: counts (bins,), edges (bins + 1,),
        observed_matches.
    description : str
        Text alternative.
    """
    edges, counts = chance["edges"], chance["counts"]
    values = [
        {"from": low, "to": high, "pairs": count}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    bars = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(color="#8C8C8C", stroke="#5A5A5A", strokeWidth=0.5)
        .encode(
            x=alt.X(
                "from:Q",
                bin="binned",
                title=f"Matching bases of {chance['length']:,}",
                scale=alt.Scale(zero=False, padding=12),
                axis=alt.Axis(format=",d" if chance["length"] < 100_000 else "~s"),
            ),
            x2="to:Q",
            y=alt.Y("pairs:Q", title="Pairs of random strings"),
            tooltip=[
                alt.Tooltip("from:Q", format=",.0f", title="matches from"),
                alt.Tooltip("to:Q", format=",.0f"),
                alt.Tooltip("pairs:Q", format=","),
            ],
        )
    )
    observed = alt.Chart(
        alt.InlineData(values=[{"matches": chance["observed_matches"], "what": "this tagger"}])
    )
    rule = observed.mark_rule(color="#0072B2", strokeWidth=2.5).encode(x="matches:Q")
    beyond = chance["observed_matches"] > (edges[0] + edges[-1]) / 2
    name = observed.mark_text(
        align="right" if beyond else "left",
        dx=-6 if beyond else 6,
        color="#0072B2",
        fontSize=13,
        baseline="top",
    ).encode(x="matches:Q", y=alt.value(6), text="what:N")
    chart = alt.layer(bars, rule, name).properties(width=760, height=200)
    rows: Rows = [[v["from"], v["to"], v["pairs"]] for v in values]
    return Chart(spec_of(chart), description, ["matches from", "to", "pairs"], rows)


def reliability_chart(
    reliabilities: Mapping[str, Mapping[str, Sequence[float | None]]], *, description: str
) -> Chart:
    """Draw how often a call is right against how sure the tagger was of it, in bins."""
    values = []
    for tagger, bins in reliabilities.items():
        for confidence, accuracy, count in zip(
            bins["confidence"], bins["accuracy"], bins["counts"], strict=True
        ):
            if count:
                values.append(
                    {"tagger": tagger, "sure": confidence, "right": accuracy, "bases": count}
                )
    shares = [
        share
        for bins in reliabilities.values()
        for key in ("confidence", "accuracy")
        for share, count in zip(bins[key], bins["counts"], strict=True)
        if share is not None and count
    ]
    low = min([*shares, 0.9])
    start = max(0.0, low - 0.05)
    scale = alt.Scale(domain=[start, 1.0], nice=False, zero=False)
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X(
            "sure:Q",
            title="Mean probability of the called state",
            scale=scale,
            axis=alt.Axis(format=".0%"),
        ),
        y=alt.Y("right:Q", title="Bases that match", scale=scale, axis=alt.Axis(format=".0%")),
        color=alt.Color(
            "tagger:N",
            title="Tagger",
            sort=list(reliabilities),
            scale=series_scale(reliabilities),
        ),
    )
    points = base.mark_point(filled=True, opacity=0.9).encode(
        size=alt.Size("bases:Q", scale=alt.Scale(range=[20, 260]), legend=None),
        shape=alt.Shape(
            "tagger:N",
            title="Tagger",
            sort=list(reliabilities),
            scale=alt.Scale(domain=list(reliabilities)),
        ),
        tooltip=[
            alt.Tooltip("tagger:N"),
            alt.Tooltip("sure:Q", format=".1%", title="mean probability"),
            alt.Tooltip("right:Q", format=".1%", title="match"),
            alt.Tooltip("bases:Q", format=","),
        ],
    )
    ends: list[dict[str, float]] = [{"sure": start, "right": start}, {"sure": 1, "right": 1}]
    diagonal = (
        alt.Chart(alt.InlineData(values=ends))
        .mark_line(color="#555555", strokeDash=[2, 3], clip=True)
        .encode(x=alt.X("sure:Q", scale=scale), y=alt.Y("right:Q", scale=scale))
    )
    chart = alt.layer(diagonal, base.mark_line(strokeWidth=1.5), points)
    rows: Rows = [[v["tagger"], v["sure"], v["right"], v["bases"]] for v in values]
    return Chart(
        spec_of(chart.properties(width=340, height=300)),
        description,
        ["tagger", "mean probability of the call", "fraction that match", "bases"],
        rows,
    )


def certainty_chart(
    certainties: Sequence[tuple[str, str, float, int]], *, description: str
) -> Chart:
    """Draw the mean probability of the call on matches and on mismatches, tagger by tagger.

    Parameters
    ----------
    certainties : sequence of (tagger, "matches" or "mismatches", mean probability, bases)
    description : str
        Text alternative.
    """
    values = [
        {"tagger": tagger, "on": on, "sure": mean, "bases": bases}
        for tagger, on, mean, bases in certainties
    ]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        y=alt.Y("tagger:N", title=None, sort=None),
        x=alt.X(
            "sure:Q",
            title="Mean probability of the called state",
            scale=alt.Scale(zero=False, padding=14),
            axis=alt.Axis(format=".0%", tickCount=5),
        ),
    )
    link = base.mark_line(color="#999999").encode(detail="tagger:N")
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        color=alt.Color(
            "on:N", title="Bases that are", scale=alt.Scale(range=["#0072B2", "#D55E00"])
        ),
        shape=alt.Shape(
            "on:N", title="Bases that are", scale=alt.Scale(range=["circle", "triangle-up"])
        ),
        tooltip=[
            alt.Tooltip("tagger:N"),
            alt.Tooltip("on:N"),
            alt.Tooltip("sure:Q", format=".1%", title="mean probability"),
            alt.Tooltip("bases:Q", format=","),
        ],
    )
    chart = alt.layer(link, points).properties(width=340, height=alt.Step(24))
    rows: Rows = [list(row) for row in certainties]
    return Chart(
        spec_of(chart), description, ["tagger", "on", "mean probability of the call", "bases"], rows
    )


def _scale_panel(
    figures: Sequence[Measured],
    references: Sequence[Reference],
    order: list[str],
    title: str,
    *,
    percent: bool,
) -> alt.LayerChart:
    left = not order or percent  # the first panel carries the names of the rows
    values = [figure._asdict() for figure in figures]
    width = 380
    y = alt.Y("tagger:N", title=None, sort=order, axis=alt.Axis() if left else None)
    x = alt.X(
        "value:Q",
        title=title,
        scale=alt.Scale(zero=False, padding=10),
        axis=alt.Axis(format=".0%" if percent else ".3~f", tickCount=6),
    )
    base = alt.Chart(alt.InlineData(values=values)).encode(y=y)
    bars = base.mark_rule(strokeWidth=2.5, color="#333333").encode(x=alt.X("low:Q"), x2="high:Q")
    points = base.mark_point(filled=True, size=85, opacity=1).encode(
        x=x,
        fill=alt.Fill(
            "kind:N",
            title="Kind of tagger",
            scale=alt.Scale(domain=list(KIND_COLOURS), range=list(KIND_COLOURS.values())),
            legend=alt.Legend(orient="top", direction="horizontal"),
        ),
        shape=alt.Shape(
            "kind:N",
            title="Kind of tagger",
            scale=alt.Scale(domain=list(KIND_SHAPES), range=list(KIND_SHAPES.values())),
            legend=alt.Legend(orient="top", direction="horizontal"),
        ),
        tooltip=[
            alt.Tooltip("tagger:N"),
            alt.Tooltip("text:N", title="value"),
            alt.Tooltip("low:Q", format=".4f", title="95 % interval from"),
            alt.Tooltip("high:Q", format=".4f", title="to"),
        ],
    )
    text = base.mark_text(align="left", fontSize=12, color="#222222").encode(
        x=alt.value(width + 8), text="text:N"
    )
    legend = alt.Legend(orient="bottom", direction="horizontal", columns=4)
    rules = rules_of(references, "x", legend)
    panel: alt.LayerChart = (
        alt.layer(*rules, bars, points, text)
        .properties(width=width, height=alt.Step(26))
        .resolve_scale(color="independent", strokeDash="independent")
    )
    return panel
