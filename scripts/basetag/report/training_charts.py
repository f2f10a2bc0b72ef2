"""The report's charts of training: what networks have learnt, and have left to learn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt

from basetag.report.counted import Counted
from basetag.report.drawing import (
    REFERENCE_STYLES,
    Chart,
    Reference,
    Rows,
    powers_range,
    powers_ticks,
    rules_of,
    series_scale,
    spec_of,
)

_LABEL_HEIGHT = 14.0  # pixels between two names beside a chart


class LearningCurve(NamedTuple):
    """What a training had left to learn, look by look.

    Attributes
    ----------
    label, tagger : str
        The name with the seed where there are several; the name alone.
    one_way : bool
        Whether its ceiling is the filtered posterior.
    bases, losses, excess : list of float
        Training bases seen, the validation loss after them, and how much of it is above that of
        the exact posterior, nats per base.
    """

    label: str
    tagger: str
    one_way: bool
    bases: list[float]
    losses: list[float]
    excess: list[float]


class Level(NamedTuple):
    """A baseline's excess, a level that curves are held against, with its standard error."""

    name: str
    excess: float
    error: float | None


def excess_chart(
    curves: Sequence[LearningCurve],
    levels: Sequence[Level],
    words: Counted,
    *,
    noise: float | None,
    description: str,
) -> Chart:
    """Draw what each training had left to learn against the bases it saw, both as powers of ten.

    What is not above the exact posterior has no place on such an axis: it is drawn at the lower
    edge, by another mark, and named so. What lies below `noise`, a standard error in nats, is on
    a grey ground.
    """
    floor, top = powers_range(
        [*(value for curve in curves for value in curve.excess), *(x.excess for x in levels)]
    )
    values = [
        {
            "label": curve.label,
            "tagger": curve.tagger,
            "ceiling": "filtered" if curve.one_way else "exact",
            "bases": bases,
            "excess": excess,
            "drawn": max(excess, floor),
            "at": "its value" if excess >= floor else "the lower edge",
        }
        for curve in curves
        for bases, excess in zip(curve.bases, curve.excess, strict=True)
    ]
    taggers = list(dict.fromkeys(curve.tagger for curve in curves))
    seen = [bases for curve in curves for bases in curve.bases]
    width, height = 760, 340
    x = alt.X(
        "bases:Q",
        title="Training bases seen",
        scale=alt.Scale(type="log", domain=[0.9 * min(seen), 1.1 * max(seen)], nice=False),
        axis=alt.Axis(format="~s", values=powers_ticks(0.9 * min(seen), 1.1 * max(seen))),
    )
    y_scale = alt.Scale(type="log", domain=[floor, top], nice=False)
    y = alt.Y(
        "drawn:Q",
        title=f"Above the exact posterior ({words.nats})",
        scale=y_scale,
        axis=alt.Axis(format="~g", values=powers_ticks(floor, top)),
    )
    legend = alt.Legend(orient="bottom", direction="horizontal", columns=5)
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=x,
        y=y,
        color=alt.Color("tagger:N", title="Tagger", scale=series_scale(taggers), legend=legend),
        detail="label:N",
        tooltip=[
            alt.Tooltip("label:N", title="tagger"),
            alt.Tooltip("ceiling:N"),
            alt.Tooltip("bases:Q", format=",", title="bases seen"),
            alt.Tooltip("excess:Q", format=".3g", title="nats above exact"),
            alt.Tooltip("at:N", title="drawn at"),
        ],
    )
    lines = base.mark_line(strokeWidth=1.8).encode(
        strokeDash=alt.StrokeDash(
            "ceiling:N",
            title="Ceiling",
            scale=alt.Scale(domain=["exact", "filtered"], range=[[1, 0], [6, 3]]),
            legend=legend,
        )
    )
    points = base.mark_point(filled=True, size=26, opacity=1).transform_filter(
        "datum.excess >= datum.drawn"
    )
    clipped = base.mark_point(shape="triangle-down", size=70, filled=False).transform_filter(
        "datum.excess < datum.drawn"
    )
    ground, told = _noise_layers(noise, floor, y_scale)
    layers = [
        *ground,
        *_level_layers(levels, floor, top, width, height, y_scale),
        lines,
        points,
        clipped,
        *told,
    ]
    chart = alt.layer(*layers).properties(width=width, height=height)
    rows: Rows = [
        [curve.label, bases, loss, excess, None]
        for curve in curves
        for bases, loss, excess in zip(curve.bases, curve.losses, curve.excess, strict=True)
    ]
    rows += [[level.name, None, None, level.excess, level.error] for level in levels]
    header = ["tagger", "bases", "validation loss (nats)", "above exact (nats)", "standard error"]
    return Chart(spec_of(chart.resolve_scale(strokeDash="independent")), description, header, rows)


def _noise_layers(
    noise: float | None, floor: float, scale: alt.Scale
) -> tuple[list[alt.Chart], list[alt.Chart]]:
    """Return the ground on which values cannot be told from 0, and the words on it."""
    if noise is None or noise <= floor:
        return [], []
    words = "within one standard error of 0"
    chart = alt.Chart(alt.InlineData(values=[{"low": floor, "high": noise, "words": words}]))
    ground = chart.mark_rect(color="#EDEDED").encode(
        y=alt.Y("low:Q", scale=scale), y2="high:Q", x=alt.value(0), x2=alt.value("width")
    )
    # Twice, the first time as a halo: rules may lie behind the words.
    told = [
        chart.mark_text(align="left", dx=5, dy=10, fontSize=12, **style).encode(
            x=alt.value(0), y=alt.Y("high:Q", scale=scale), text="words:N"
        )
        for style in ({"stroke": "#EDEDED", "strokeWidth": 4.0}, {"color": "#444444"})
    ]
    return [ground], told


def _level_layers(
    levels: Sequence[Level],
    floor: float,
    top: float,
    width: int,
    height: int,
    scale: alt.Scale,
) -> list[alt.Chart]:
    """Return rules across the chart, each with its name beside it."""
    if not levels:
        return []
    step = math.log(top / floor) * _LABEL_HEIGHT / height
    values: list[dict[str, Any]] = []
    below = -math.inf
    for level in sorted(levels, key=lambda level: level.excess):
        drawn = max(level.excess, floor)
        # Names of rules that lie side by side are pushed upwards, so that none covers another.
        below = max(math.log(drawn), below + step)
        colour, dash = REFERENCE_STYLES.get(level.name, ("#6E6E6E", [1, 2]))
        values.append(
            {
                "name": level.name + (" (ceiling of one direction)" * (level.name == "filtered")),
                "excess": level.excess,
                "drawn": drawn,
                "place": math.exp(below),
                "colour": colour,
                "dash": dash,
            }
        )
        if level.excess <= 0:
            values[-1]["name"] += " \N{LESS-THAN OR EQUAL TO} 0"
    layers = []
    for value in values:
        chart = alt.Chart(alt.InlineData(values=[value]))
        layers.append(
            chart.mark_rule(
                color=str(value["colour"]), strokeDash=value["dash"], strokeWidth=1.5
            ).encode(
                y=alt.Y("drawn:Q", scale=scale),
                tooltip=[
                    alt.Tooltip("name:N", title="baseline"),
                    alt.Tooltip("excess:Q", format=".3g", title="nats above exact"),
                ],
            )
        )
    names = alt.Chart(alt.InlineData(values=values)).mark_text(
        align="left", baseline="middle", fontSize=12
    )
    layers.append(
        names.encode(
            x=alt.value(width + 6),
            y=alt.Y("place:Q", scale=scale),
            text="name:N",
            color=alt.Color("colour:N", scale=None),
        )
    )
    return layers


def loss_chart(
    histories: Mapping[str, Sequence[Mapping[str, float]]],
    references: Sequence[Reference],
    unit: str,
    *,
    description: str,
) -> Chart:
    """Draw training and validation loss, of a unit, against the bases seen, with rules across."""
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
            y=alt.Y("loss:Q", title=f"Loss ({unit})", scale=alt.Scale(zero=False, padding=8)),
            color=alt.Color(
                "tagger:N", title="Tagger", sort=list(histories), scale=series_scale(histories)
            ),
            strokeDash=alt.StrokeDash(
                "split:N", title="Loss on", scale=alt.Scale(range=[[4, 3], [1, 0]])
            ),
            opacity=alt.condition("datum.split == 'train'", alt.value(0.6), alt.value(1)),
            tooltip=[
                alt.Tooltip("tagger:N"),
                alt.Tooltip("split:N", title="loss on"),
                alt.Tooltip("bases:Q", format=",", title="bases seen"),
                alt.Tooltip("loss:Q", format=".4f", title=unit),
            ],
        )
    )
    chart = alt.layer(lines, *rules_of(references, "y")).properties(width=760, height=300)
    chart = chart.resolve_scale(color="independent", strokeDash="independent")
    rows: Rows = [
        [tagger, row["bases"], row["train_loss"], row["validation_loss"], row["learning_rate"]]
        for tagger, history in histories.items()
        for row in history
    ]
    short = unit.partition(" per ")[0]
    header = ["tagger", "bases", f"train loss ({short})", f"validation loss ({short})"]
    header.append("learning rate")
    return Chart(spec_of(chart), description, header, rows)


def rate_chart(
    histories: Mapping[str, Sequence[Mapping[str, float]]], *, description: str
) -> Chart:
    """Draw the learning rate against the bases seen, as it was when the losses were looked at."""
    values = [
        {"tagger": tagger, "bases": row["bases"], "rate": row["learning_rate"]}
        for tagger, history in histories.items()
        for row in history
    ]
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_line(point=alt.OverlayMarkDef(size=18))
        .encode(
            x=alt.X("bases:Q", title="Training bases seen", axis=alt.Axis(format="~s")),
            y=alt.Y("rate:Q", title="Learning rate", axis=alt.Axis(format="~g", tickCount=4)),
            color=alt.Color(
                "tagger:N", title="Tagger", sort=list(histories), scale=series_scale(histories)
            ),
            tooltip=[
                alt.Tooltip("tagger:N"),
                alt.Tooltip("bases:Q", format=",", title="bases seen"),
                alt.Tooltip("rate:Q", format=".3g", title="learning rate"),
            ],
        )
        .properties(width=760, height=110)
    )
    rows: Rows = [
        [tagger, row["bases"], row["learning_rate"]]
        for tagger, history in histories.items()
        for row in history
    ]
    return Chart(spec_of(chart), description, ["tagger", "bases", "learning rate"], rows)
