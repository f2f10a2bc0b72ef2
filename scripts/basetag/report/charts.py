"""The report's charts of the judgement: plain figures in, Vega-Lite specifications out.

How good taggers are, beside chance and the ceiling, and how sure of it. Each function takes
figures as they stand in the result files and returns a `Chart`. Nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt

from basetag.report.counted import Counted
from basetag.report.drawing import Chart, Rows, series_scale, spec_of


def reliability_chart(
    reliabilities: Mapping[str, Mapping[str, Sequence[float | None]]],
    words: Counted,
    *,
    description: str,
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
            title=f"Mean probability of the called {words.label}",
            scale=scale,
            axis=alt.Axis(format=".0%"),
        ),
        y=alt.Y("right:Q", title=words.right_axis, scale=scale, axis=alt.Axis(format=".0%")),
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
            alt.Tooltip("right:Q", format=".1%", title=words.was_right),
            alt.Tooltip("bases:Q", format=",", title=words.many),
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
        ["tagger", "mean probability of the call", f"fraction that {words.are_right}", words.many],
        rows,
    )


def certainty_chart(
    certainties: Mapping[str, Mapping[str, Mapping[str, float | None]]],
    words: Counted,
    *,
    description: str,
) -> Chart:
    """Draw the mean probability of the call on matches and on mismatches, tagger by tagger.

    Parameters
    ----------
    certainties : mapping of str to mapping
        By label, the part `certainty` of metrics.json.
    words : Counted
        What is counted.
    description : str
        Text alternative.
    """
    rows: Rows = [
        [tagger, word, *(found[f"on_{on}"][key] for key in ("value", "low", "high"))]
        for tagger, found in certainties.items()
        for on, word in (("matches", words.hits), ("mismatches", words.misses))
    ]
    keys = ("tagger", "on", "sure", "low", "high")
    values = [dict(zip(keys, row, strict=True)) for row in rows]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        y=alt.Y("tagger:N", title=None, sort=None),
        x=alt.X(
            "sure:Q",
            title=f"Mean probability of the called {words.label}",
            scale=alt.Scale(zero=False, padding=14),
            axis=alt.Axis(format=".0%", tickCount=5),
        ),
    )
    link = base.mark_line(color="#999999").encode(detail="tagger:N")
    with_ends = base.transform_filter("isValid(datum.low)")
    bars = with_ends.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q")
    ends = [
        with_ends.mark_tick(thickness=1.6, size=11, color="black").encode(x=alt.X(f"{end}:Q"))
        for end in ("low", "high")
    ]
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        color=alt.Color(
            "on:N",
            title=f"{words.many.capitalize()} that are",
            sort=[words.hits, words.misses],
            scale=alt.Scale(domain=[words.hits, words.misses], range=["#0072B2", "#D55E00"]),
        ),
        shape=alt.Shape(
            "on:N",
            title=f"{words.many.capitalize()} that are",
            sort=[words.hits, words.misses],
            scale=alt.Scale(domain=[words.hits, words.misses], range=["circle", "triangle-up"]),
        ),
        tooltip=[
            alt.Tooltip("tagger:N"),
            alt.Tooltip("on:N"),
            alt.Tooltip("sure:Q", format=".2%", title="mean probability"),
            alt.Tooltip("low:Q", format=".2%", title="95 % interval from"),
            alt.Tooltip("high:Q", format=".2%", title="to"),
        ],
    )
    chart = alt.layer(link, bars, points, *ends).properties(width=340, height=alt.Step(24))
    header = ["tagger", "on", "mean probability of the call", "95 % interval from", "to"]
    return Chart(spec_of(chart), description, header, rows)
