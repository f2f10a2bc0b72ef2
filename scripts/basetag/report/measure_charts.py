"""The chart of the measures of calls: a dot with its interval for each tagger and measure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import altair as alt

from basetag.report.counted import Counted
from basetag.report.drawing import KIND_COLOURS, KIND_SHAPES, Chart, Rows, spec_of
from basetag.report.numbers import ratio

#: Measures in the table behind the chart, with their headings.
_LISTED = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "mcc": "MCC",
    "auroc": "AUROC, mean over {labels}",
    "auprc": "AUPRC, mean over {labels}",
    "cross_entropy": "cross-entropy (nats)",
    "brier": "Brier score",
    "ece": "expected calibration error",
}
#: Measures that are drawn, with the title of the axis and the value of calls without looking.
_DRAWN = (
    ("macro_f1", "Macro F1", None),
    ("mcc", "MCC", 0.0),
    ("auroc", "AUROC, mean over {labels}", 0.5),
)
_WIDTH = 240


def measures_chart(
    taggers: Mapping[str, Mapping[str, Any]], words: Counted, *, description: str
) -> Chart:
    """Draw macro F1, MCC and AUROC of all taggers, the best MCC on top.

    Parameters
    ----------
    taggers : mapping of str to metrics.json
        By the label of the tagger.
    words : Counted
        What is counted.
    description : str
        Text alternative.
    """
    order = sorted(taggers, key=lambda label: -float(taggers[label]["mcc"]["value"]))
    panels = [
        _panel(taggers, order, name, _titled(title, words), chance, names=index == 0)
        for index, (name, title, chance) in enumerate(_DRAWN)
    ]
    chart = alt.hconcat(*panels, spacing=58).resolve_scale(shape="shared", fill="shared")
    rows: Rows = [
        [label, _titled(heading, words), figure["value"], figure["low"], figure["high"]]
        for label in order
        for name, heading in _LISTED.items()
        if (figure := taggers[label][name]) is not None
    ]
    header = ["tagger", "measure", "value", "95 % interval from", "to"]
    return Chart(spec_of(chart), description, header, rows)


def _titled(heading: str, words: Counted) -> str:
    return heading.format(labels=words.labels)


def _panel(
    taggers: Mapping[str, Mapping[str, Any]],
    order: list[str],
    name: str,
    title: str,
    chance: float | None,
    *,
    names: bool,
) -> Any:
    values = [
        {
            "tagger": label,
            "kind": taggers[label]["kind"],
            **taggers[label][name],
            "text": ratio(taggers[label][name]["value"]),
        }
        for label in order
        if taggers[label][name] is not None
    ]
    ends = [value[end] for value in values for end in ("value", "low", "high")]
    known = [end for end in ends if end is not None] + ([] if chance is None else [chance])
    lowest = math.floor(10 * min(known, default=0.0)) / 10
    step = 2 if lowest < 0.4 else 1
    ticks = [tenth / 10 for tenth in range(round(10 * lowest), 11) if tenth % step == 0]
    y = alt.Y(
        "tagger:N",
        title=None,
        sort=order,
        scale=alt.Scale(domain=order),
        axis=alt.Axis() if names else None,
    )
    x = alt.X(
        "value:Q",
        title=title,
        scale=alt.Scale(domain=[lowest, 1.0], nice=False, zero=False),
        axis=alt.Axis(format=".1f", values=ticks),
    )
    base = alt.Chart(alt.InlineData(values=values)).encode(y=y)
    bars = base.mark_rule(strokeWidth=2.5, color="#333333").encode(x="low:Q", x2="high:Q")
    legend = alt.Legend(orient="top", direction="horizontal")
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=x,
        fill=alt.Fill(
            "kind:N",
            title="Kind of tagger",
            scale=alt.Scale(domain=list(KIND_COLOURS), range=list(KIND_COLOURS.values())),
            legend=legend,
        ),
        shape=alt.Shape(
            "kind:N",
            title="Kind of tagger",
            scale=alt.Scale(domain=list(KIND_SHAPES), range=list(KIND_SHAPES.values())),
            legend=legend,
        ),
        tooltip=[
            alt.Tooltip("tagger:N"),
            alt.Tooltip("value:Q", format=".4f", title=title),
            alt.Tooltip("low:Q", format=".4f", title="95 % interval from"),
            alt.Tooltip("high:Q", format=".4f", title="to"),
        ],
    )
    text = base.mark_text(align="left", fontSize=12, color="#222222").encode(
        x=alt.value(_WIDTH + 8), text="text:N"
    )
    layers: list[alt.Chart] = [bars, points, text]
    if chance is not None:
        rule = alt.Chart(alt.InlineData(values=[{"chance": chance}]))
        layers.insert(
            0,
            rule.mark_rule(color="#6E6E6E", strokeDash=[1, 3], strokeWidth=1.8).encode(
                x="chance:Q"
            ),
        )
    return alt.layer(*layers).properties(width=_WIDTH, height=alt.Step(24))
