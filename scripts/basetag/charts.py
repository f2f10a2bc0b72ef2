"""The report's charts: plain figures in, Vega-Lite specifications out.

Each function takes figures as they stand in the result files and returns a `Chart`: what to draw,
what it shows in words, and the same figures as a table, for those who cannot see it or do not
trust it. Nothing is measured here. Colours are those of Okabe & Ito (2008) and Tol (2021), which
stay apart for colour-blind eyes; where two things differ, shape or dash differs as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import altair as alt

Rows = list[list[str | float | int | None]]
Spec = dict[str, Any]

KIND_COLOURS = {
    "network": "#0072B2",
    "hmm": "#009E73",
    "rule": "#D55E00",
    "constant": "#6E6E6E",
}
_KIND_SHAPES = {"network": "circle", "hmm": "diamond", "rule": "square", "constant": "cross"}
_SERIES_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#332288",
    "#882255",
    "#999933",
    "#44AA99",
)
_STATE_COLOURS = (
    "#D55E00",
    "#56B4E9",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#0072B2",
    "#F0E442",
    "#882255",
    "#999933",
    "#332288",
    "#44AA99",
    "#DDDDDD",
)
_REFERENCE_STYLES = {
    "chance": ("#6E6E6E", [1, 3]),
    "commonest label": ("#8A5A00", [6, 3]),
    "every state equally likely": ("#6E6E6E", [1, 3]),
    "prior": ("#8A5A00", [6, 3]),
    "filtered": ("#9A4D8E", [8, 3, 2, 3]),
    "exact": ("#000000", [1, 0]),
}

#: Vega-Lite configuration that all charts share; the page gives it to the runtime once.
THEME: Spec = {
    "font": "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif",
    "background": "white",
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": "#E4E4E4",
        "labelColor": "#222222",
        "titleColor": "#222222",
        "labelLimit": 240,
    },
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
    "view": {"stroke": "#B8B8B8"},
}


@dataclass(frozen=True)
class Chart:
    """A chart, what it says to someone who cannot see it, and its figures as a table.

    Parameters
    ----------
    spec : dict
        Vega-Lite specification, without the shared `THEME`.
    description : str
        Text alternative.
    header : list of str
        Column headings of the table, with units.
    rows : list of list
        The figures behind the chart; None where there is none.
    """

    spec: Spec
    description: str
    header: list[str]
    rows: Rows


class Reference(NamedTuple):
    """A line that a figure is held against: `chance`, `prior`, `filtered`, `exact`, …"""

    name: str
    value: float


class Measured(NamedTuple):
    """A tagger's figure with its 95 % interval and the same as text."""

    tagger: str
    kind: str
    value: float
    low: float | None
    high: float | None
    text: str


class Span(NamedTuple):
    """A run of bases with one call, in one row of an annotation chart."""

    row: str
    start: int
    end: int
    state: str


def state_colours(states: Sequence[str]) -> dict[str, str]:
    """Return a colour for each state; beyond twelve states, colours come again."""
    return {state: _STATE_COLOURS[i % len(_STATE_COLOURS)] for i, state in enumerate(states)}


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
    return Chart(_spec(panels), description, header, rows)


def loss_chart(
    histories: Mapping[str, Sequence[Mapping[str, float]]],
    references: Sequence[Reference],
    *,
    description: str,
) -> Chart:
    """Draw training and validation loss against the bases seen, with the ceiling as a rule."""
    values = [
        {"tagger": tagger, "bases": row["bases"], "split": split, "loss": row[f"{split}_loss"]}
        for tagger, history in histories.items()
        for row in history
        for split in ("train", "validation")
        if row[f"{split}_loss"] == row[f"{split}_loss"]
    ]
    lines = (
        alt.Chart(alt.InlineData(values=values))
        .mark_line(point=alt.OverlayMarkDef(size=18), clip=True)
        .encode(
            x=alt.X("bases:Q", title="Training bases seen", axis=alt.Axis(format="~s")),
            y=alt.Y("loss:Q", title="Loss (nats per base)", scale=alt.Scale(zero=False, padding=8)),
            color=alt.Color(
                "tagger:N", title="Tagger", sort=list(histories), scale=_series_scale(histories)
            ),
            strokeDash=alt.StrokeDash(
                "split:N", title="Loss on", scale=alt.Scale(range=[[4, 3], [1, 0]])
            ),
            opacity=alt.condition("datum.split == 'train'", alt.value(0.6), alt.value(1)),
            tooltip=[
                alt.Tooltip("tagger:N"),
                alt.Tooltip("split:N", title="loss on"),
                alt.Tooltip("bases:Q", format=",", title="bases seen"),
                alt.Tooltip("loss:Q", format=".4f", title="nats per base"),
            ],
        )
    )
    chart = alt.layer(lines, *_rules(references, "y")).properties(width=760, height=300)
    chart = chart.resolve_scale(color="independent", strokeDash="independent")
    rows: Rows = [
        [tagger, row["bases"], row["train_loss"], row["validation_loss"], row["learning_rate"]]
        for tagger, history in histories.items()
        for row in history
    ]
    header = ["tagger", "bases", "train loss (nats)", "validation loss (nats)", "learning rate"]
    return Chart(_spec(chart), description, header, rows)


def chance_chart(chance: Mapping[str, Any], *, description: str) -> Chart:
    """Draw how often random label strings match, with the tagger's own matches as a rule.

    Parameters
    ----------
    chance : mapping
        The part `chance` of metrics.json: counts (bins,), edges (bins + 1,), observed_matches.
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
    return Chart(_spec(chart), description, ["matches from", "to", "pairs"], rows)


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
            scale=_series_scale(reliabilities),
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
        _spec(chart.properties(width=340, height=300)),
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
        _spec(chart), description, ["tagger", "on", "mean probability of the call", "bases"], rows
    )


def tracks_spec(states: Sequence[str]) -> Spec:
    """Return the specification of the posterior tracks, whose rows the page fills in.

    The data set `bases` holds a row per base: position (from 1), base, true and called (letters),
    mark, tagger and reference (probability of the chosen state). Ctrl and the wheel zoom, dragging
    moves; the signal `window_position` is the part that is shown.
    """
    colours = state_colours(states)
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    zoom = alt.selection_interval(
        name="window",
        bind="scales",
        encodings=["x"],
        zoom="wheel![event.ctrlKey || event.shiftKey]",
    )
    hover = alt.selection_point(
        name="hover", on="pointerover", clear="pointerout", fields=["position"], empty=False
    )
    base = alt.Chart(alt.NamedData(name="bases")).encode(
        x=alt.X(
            "position:Q",
            title="Position in the record (bp)",
            scale=alt.Scale(zero=False, nice=False, padding=4),
            axis=alt.Axis(format=",d", tickMinStep=1, grid=False),
        )
    )
    y_axis = alt.Axis(
        values=[-0.3, -0.14, 0, 0.25, 0.5, 0.75, 1],
        labelExpr="datum.value < -0.2 ? 'called' : datum.value < -0.1 ? 'true' : "
        "format(datum.value, '.2f')",
        title="Probability of the state",
        titleAnchor="end",
    )
    y_scale = alt.Scale(domain=[-0.38, 1.02], nice=False)
    lines = [
        base.mark_line(
            clip=True, interpolate="linear", color=colour, strokeWidth=width, strokeDash=dash
        ).encode(y=alt.Y(f"{field}:Q", axis=y_axis, scale=y_scale))
        for field, colour, width, dash in (
            ("reference", "#000000", 1.6, [5, 3]),
            ("tagger", "#0072B2", 1.8, [1, 0]),
        )
    ]
    strips = [
        base.mark_rect(clip=True)
        .transform_calculate(
            low="datum.position - 0.5",
            high="datum.position + 0.5",
            bottom=str(middle - 0.06),
            top=str(middle + 0.06),
        )
        .encode(
            x="low:Q",
            x2="high:Q",
            y="bottom:Q",
            y2="top:Q",
            color=alt.Color(f"{field}:N", title="State", scale=scale),
        )
        for field, middle in (("true", -0.14), ("called", -0.3))
    ]
    reach = (
        base.mark_rect(clip=True, color="#444444", tooltip=True)
        .transform_calculate(low="datum.position - 0.5", high="datum.position + 0.5")
        .encode(
            x="low:Q",
            x2="high:Q",
            y=alt.value(0),
            y2=alt.value("height"),
            opacity=alt.condition(hover, alt.value(0.18), alt.value(0)),
            tooltip=[
                alt.Tooltip("position:Q", format=",d"),
                alt.Tooltip("base:N"),
                alt.Tooltip("true:N", title="true state"),
                alt.Tooltip("called:N", title="called state"),
                alt.Tooltip("tagger:Q", format=".4f", title="P by the tagger"),
                alt.Tooltip("reference:Q", format=".4f", title="P by the reference"),
            ],
        )
        .add_params(zoom, hover)
    )
    chart = alt.layer(*strips, *lines, reach).properties(width=1010, height=280)
    return _spec(chart)


def annotation_chart(
    spans: Sequence[Span],
    rows: Sequence[str],
    states: Sequence[str],
    *,
    record: str,
    length: int,
    description: str,
) -> Chart:
    """Draw the segments along one record, a row for each tagger.

    Parameters
    ----------
    spans : sequence of Span
        0-based half-open intervals.
    rows : sequence of str
        The taggers, from top to bottom.
    states : sequence of str
        What the segments are called, in colour order.
    record : str
        Name of the record.
    length : int
        Bases of the record.
    description : str
        Text alternative.
    """
    colours = state_colours(states)
    values = [{"tagger": s.row, "start": s.start, "end": s.end, "state": s.state} for s in spans]
    zoom = alt.selection_interval(
        name="window",
        bind="scales",
        encodings=["x"],
        zoom="wheel![event.ctrlKey || event.shiftKey]",
    )
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(clip=True, height=alt.RelativeBandSize(0.72))
        .encode(
            x=alt.X(
                "start:Q",
                title=f"Position in {record} (bp)",
                scale=alt.Scale(domain=[0, length], nice=False),
                axis=alt.Axis(format=",d" if length < 1_000_000 else "~s"),
            ),
            x2="end:Q",
            y=alt.Y("tagger:N", title=None, sort=list(rows)),
            color=alt.Color(
                "state:N",
                title="State",
                scale=alt.Scale(domain=list(colours), range=list(colours.values())),
            ),
            tooltip=[
                alt.Tooltip("tagger:N"),
                alt.Tooltip("state:N"),
                alt.Tooltip("start:Q", format=",d", title="start (0-based)"),
                alt.Tooltip("end:Q", format=",d"),
            ],
        )
        .add_params(zoom)
        .properties(width=830, height=alt.Step(34))
    )
    table: Rows = [[s.row, s.start, s.end, s.end - s.start, s.state] for s in spans]
    header = ["tagger", "start (0-based, bp)", "end (bp)", "length (bp)", "state"]
    return Chart(_spec(chart), description, header, table)


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
            scale=alt.Scale(domain=list(_KIND_SHAPES), range=list(_KIND_SHAPES.values())),
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
    rules = _rules(references, "x", legend)
    panel: alt.LayerChart = (
        alt.layer(*rules, bars, points, text)
        .properties(width=width, height=alt.Step(26))
        .resolve_scale(color="independent", strokeDash="independent")
    )
    return panel


def _rules(
    references: Sequence[Reference], axis: str, legend: alt.Legend | None = None
) -> list[alt.Chart]:
    """Return the references as rules across the chart, with a legend of their own."""
    if not references:
        return []
    styles = [_REFERENCE_STYLES[reference.name] for reference in references]
    names = [reference.name for reference in references]
    channel = alt.X("value:Q") if axis == "x" else alt.Y("value:Q")
    place = alt.Legend() if legend is None else legend
    chart = alt.Chart(alt.InlineData(values=[reference._asdict() for reference in references]))
    return [
        chart.mark_rule(strokeWidth=1.8).encode(
            **{axis: channel},
            color=alt.Color(
                "name:N",
                title="Held against",
                scale=alt.Scale(domain=names, range=[colour for colour, _ in styles]),
                legend=place,
            ),
            strokeDash=alt.StrokeDash(
                "name:N",
                title="Held against",
                scale=alt.Scale(domain=names, range=[dash for _, dash in styles]),
                legend=place,
            ),
            tooltip=[
                alt.Tooltip("name:N", title="held against"),
                alt.Tooltip("value:Q", format=".4f"),
            ],
        )
    ]


def _series_scale(names: Mapping[str, Any]) -> alt.Scale:
    colours = [_SERIES_COLOURS[i % len(_SERIES_COLOURS)] for i in range(len(names))]
    return alt.Scale(domain=list(names), range=colours)


def _spec(chart: Any) -> Spec:
    """Return the specification without the configuration that altair adds to each chart."""
    spec: Spec = chart.to_dict()
    spec.pop("config", None)
    return spec
