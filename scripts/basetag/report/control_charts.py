"""The report's chart of the negative controls: false segments of every tagger."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt

from basetag.report.drawing import Chart, Rows, powers_ticks, spec_of

# What a tagger is beside its reference: name in the legend, colour, shape.
FLAGGED = "flagged: more than the reference"
SAME = "not shown to call more"
REFERENCE = "the reference itself"
ALONE = "without a reference"
_STYLES = {
    FLAGGED: ("#D55E00", "triangle-up"),
    SAME: ("#0072B2", "circle"),
    REFERENCE: ("#000000", "diamond"),
    ALONE: ("#6E6E6E", "square"),
}
# From this ratio of the largest rate to the smallest on, an axis of powers.
_POWERS_FROM = 30
_WIDTH = 310


class Judged(NamedTuple):
    """A tagger on one control.

    Parameters
    ----------
    tagger : str
    standing : str
        `FLAGGED`, `SAME`, `REFERENCE` or `ALONE`.
    control : mapping
        Its figures on the control, as in metrics.json.
    text : str
        The rate in words, as it stands beside the mark.
    """

    tagger: str
    standing: str
    control: Mapping[str, Any]
    text: str


def controls_chart(
    panels: Mapping[str, Sequence[Judged]],
    taggers: Sequence[str],
    *,
    description: str,
) -> Chart:
    """Draw the rate of false segments of every tagger, a panel for each control.

    Parameters
    ----------
    panels : mapping of str to sequence of Judged
        Title of each control to its taggers.
    taggers : sequence of str
        The rows of both panels.
    description : str
        Text alternative.
    """
    rates = [
        float(rate)
        for judged in panels.values()
        for one in judged
        for rate in one.control["per_mb"].values()
        if rate
    ]
    axis = _axis(rates)
    drawn = {one.standing for judged in panels.values() for one in judged}
    domain = [standing for standing in _STYLES if standing in drawn]
    charts = [
        _panel(title, judged, taggers, axis, domain, first=i == 0)
        for i, (title, judged) in enumerate(panels.items())
    ]
    chart = alt.hconcat(*charts, spacing=150).resolve_scale(color="shared", shape="shared")
    rows: Rows = [
        [title, one.tagger, *_figures(one)] for title, judged in panels.items() for one in judged
    ]
    header = [
        "control", "tagger", "false segments per Mb", "low", "high", "over the reference", "low",
        "high", "reference", "reference per Mb", "flagged", "false segments", "bases", "records",
        "share not called the commonest state",
    ]  # fmt: skip
    return Chart(spec_of(chart), description, header, rows)


def _figures(one: Judged) -> list[str | float | int | None]:
    control = one.control
    rate, ratio = control["per_mb"], control["ratio"] or {}
    beside = control["reference_per_mb"]
    return [
        rate["value"], rate["low"], rate["high"],
        ratio.get("value"), ratio.get("low"), ratio.get("high"),
        control["reference"] or "none",
        None if beside is None else beside["value"],
        "yes" if control["flagged"] else "no",
        *(control[key] for key in ("false_segments", "bases", "records", "other_share")),
    ]  # fmt: skip


def _axis(rates: Sequence[float]) -> dict[str, Any]:
    """Return scale and ticks: of powers where rates differ widely, and 0 then at its left end."""
    low, high = min(rates, default=1.0), max(rates, default=1.0)
    if high < _POWERS_FROM * low:
        scale = alt.Scale(domain=[0, high * 1.05], nice=True)
        return {"floor": 0.0, "scale": scale, "axis": alt.Axis(format=",.0f", tickCount=5)}
    floor, top = low / 3, high * 1.3
    ticks = [tick for tick in powers_ticks(low / 1.5, top) if _is_power(tick)]
    scale = alt.Scale(type="log", domain=[floor, top], nice=False)
    # A rate of 0 has no place on powers: it stands at the left end, and so does its tick.
    axis = alt.Axis(
        values=[floor, *ticks],
        labelExpr=f"datum.value <= {floor * 1.001!r} ? '0' : format(datum.value, ',~g')",
    )
    return {"floor": floor, "scale": scale, "axis": axis}


def _is_power(tick: float) -> bool:
    return math.isclose(math.log10(tick), round(math.log10(tick)), abs_tol=1e-9)


def _panel(
    title: str,
    judged: Sequence[Judged],
    taggers: Sequence[str],
    axis: Mapping[str, Any],
    domain: Sequence[str],
    *,
    first: bool,
) -> Any:
    floor = axis["floor"]
    values = [
        {
            "tagger": one.tagger,
            "standing": one.standing,
            "rate": max(rate["value"], floor),
            "low": None if rate["low"] is None else max(rate["low"], floor),
            "high": None if rate["high"] is None else max(rate["high"], floor),
            "text": one.text,
            "weight": one.standing == FLAGGED,
        }
        for one in judged
        for rate in [one.control["per_mb"]]
    ]
    y = alt.Y(
        "tagger:N",
        title=None,
        scale=alt.Scale(domain=list(taggers)),
        axis=alt.Axis(grid=True) if first else alt.Axis(labels=False, ticks=False, grid=True),
    )
    x = alt.X("rate:Q", title="False segments per Mb", scale=axis["scale"], axis=axis["axis"])
    base = alt.Chart(alt.InlineData(values=values)).encode(y=y)
    bars = base.mark_rule(strokeWidth=2, color="#333333").encode(x=alt.X("low:Q"), x2="high:Q")
    legend = alt.Legend(orient="bottom", direction="horizontal", columns=3, labelLimit=320)
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=x,
        color=alt.Color(
            "standing:N",
            title=None,
            scale=alt.Scale(domain=list(domain), range=[_STYLES[s][0] for s in domain]),
            legend=legend,
        ),
        shape=alt.Shape(
            "standing:N",
            title=None,
            scale=alt.Scale(domain=list(domain), range=[_STYLES[s][1] for s in domain]),
            legend=legend,
        ),
        tooltip=[
            alt.Tooltip("tagger:N"),
            alt.Tooltip("text:N", title="false segments per Mb"),
            alt.Tooltip("standing:N"),
        ],
    )
    weights: tuple[tuple[str, Any], ...] = (("!datum.weight", "normal"), ("datum.weight", "bold"))
    words = [
        base.transform_filter(condition)
        .mark_text(align="left", fontSize=12, fontWeight=weight)
        .encode(x=alt.value(_WIDTH + 8), text="text:N", color=alt.value("#222222"))
        for condition, weight in weights
    ]
    references = {
        one.control["reference"]: max(one.control["reference_per_mb"]["value"], floor)
        for one in judged
        if one.control["reference"] is not None
    }
    lines = alt.Chart(
        alt.InlineData(values=[{"name": name, "rate": rate} for name, rate in references.items()])
    )
    rule = lines.mark_rule(color="#000000", strokeDash=[5, 3], strokeWidth=1.4).encode(x="rate:Q")
    name = lines.mark_text(baseline="bottom", fontSize=12, color="#000000").encode(
        x="rate:Q", y=alt.value(-4), text="name:N"
    )
    return alt.layer(rule, name, bars, points, *words).properties(
        width=_WIDTH,
        height=alt.Step(24),
        title=alt.TitleParams(title, anchor="start", fontSize=13, offset=20),
    )
