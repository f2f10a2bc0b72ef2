"""The report's chart of the context: how far from a base networks look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from basetag.report.drawing import Chart, Rows, powers_range, powers_ticks, series_scale, spec_of


def context_chart(
    contexts: Mapping[str, Mapping[str, Any]],
    taggers: Sequence[str],
    *,
    unit: str,
    description: str,
) -> Chart:
    """Draw how much a posterior changes when bases beyond a distance are cut away.

    Parameters
    ----------
    contexts : mapping of str to mapping
        By label, the part `context` of a tagger's card.
    taggers : sequence of str
        The tagger of each label.
    unit : str
        Of distances, in words.
    description : str
        Text alternative.
    """
    of = dict(zip(contexts, taggers, strict=True))
    threshold = next(iter(contexts.values()))["threshold"]
    floor, top = powers_range([*(kl for c in contexts.values() for kl in c["kl"]), threshold])
    values = [
        {
            "label": label,
            "tagger": of[label],
            "distance": distance,
            "kl": kl,
            "drawn": max(kl, floor),
            "low": max(kl - 1.96 * error, floor),
            "high": max(kl + 1.96 * error, floor),
        }
        for label, context in contexts.items()
        for distance, kl, error in zip(
            context["distances"], context["kl"], context["error"], strict=True
        )
    ]
    distances = sorted({int(row["distance"]) for row in values})
    base = alt.Chart(alt.InlineData(values=values)).encode(
        # 0 has no place on an axis of powers; each distance is twice the one before it.
        x=alt.X(
            "distance:O",
            title=f"Kept on a side ({unit})",
            sort=distances,
            scale=alt.Scale(type="point", padding=0.5),
            axis=alt.Axis(labelAngle=0, format=",d"),
        ),
        color=alt.Color("tagger:N", title="Tagger", scale=series_scale(dict.fromkeys(taggers))),
        detail="label:N",
        tooltip=[
            alt.Tooltip("label:N", title="tagger"),
            alt.Tooltip("distance:Q", format=",d", title=f"kept on a side ({unit})"),
            alt.Tooltip("kl:Q", format=".3g", title="mean KL (nats)"),
            alt.Tooltip("low:Q", format=".3g", title="95 % interval from"),
            alt.Tooltip("high:Q", format=".3g", title="to"),
        ],
    )
    y = alt.Y(
        "drawn:Q",
        title="Divergence from the whole (nats)",
        scale=alt.Scale(type="log", domain=[floor, top], nice=False),
        axis=alt.Axis(format="~g", values=powers_ticks(floor, top)),
    )
    bars = base.mark_rule(strokeWidth=1.2, opacity=0.6).encode(y=alt.Y("low:Q"), y2="high:Q")
    lines = base.mark_line(strokeWidth=1.8, point=alt.OverlayMarkDef(size=26)).encode(y=y)
    limit = alt.Chart(
        alt.InlineData(values=[{"kl": threshold, "name": f"{threshold:g} nats: not used"}])
    )
    rule = limit.mark_rule(color="#6E6E6E", strokeDash=[6, 3], strokeWidth=1.5).encode(y="kl:Q")
    # On the left: there curves lie high.
    name = limit.mark_text(align="left", dy=9, dx=4, color="#444444", fontSize=12).encode(
        x=alt.value(0), y="kl:Q", text="name:N"
    )
    chart = alt.layer(rule, bars, lines, name).properties(width=640, height=260)
    rows: Rows = [
        [label, distance, kl, error]
        for label, context in contexts.items()
        for distance, kl, error in zip(
            context["distances"], context["kl"], context["error"], strict=True
        )
    ]
    header = ["tagger", "bases kept on a side", "mean KL (nats)", "standard error"]
    return Chart(spec_of(chart), description, header, rows)
