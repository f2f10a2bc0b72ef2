"""The report's chart of cost: what a tagger attains against the time that its training took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import altair as alt

from basetag.report.drawing import (
    Chart,
    Rows,
    kind_channels,
    seconds_axis,
    spec_of,
)

_WIDTH, _HEIGHT = 700, 300
_LETTER = 7.6  # pixels of a letter of a label, about
_LINE = 15  # pixels from one line of labels to the next
_LINES = 4  # that a label may give way; with no room there, it is left out


class Costed(NamedTuple):
    """A run with its cost: the tagger, its seed, seconds of training, and how good it is."""

    tagger: str
    kind: str
    seed: int
    seconds: float
    score: float


def cost_chart(runs: Sequence[Costed], *, score: str, lowest: float, description: str) -> Chart:
    """Draw how good each run is against the seconds of its training, as powers of ten.

    Parameters
    ----------
    runs : sequence of Costed
        At least one; no `seconds` is 0.
    score : str
        What `score` is called, a fraction.
    lowest : float
        What lies below is drawn at the lower edge.
    description : str
        Text alternative.
    """
    seconds = [run.seconds for run in runs]
    left, right = min(seconds) / 2, max(seconds) * 2
    scores = [max(run.score, lowest) for run in runs]
    room = 0.08 * (max(scores) - min(scores)) or 0.01
    low, high = min(scores) - room, max(scores) + room
    places = [
        (
            math.log(run.seconds / left) / math.log(right / left) * _WIDTH,
            (high - shown) / (high - low) * _HEIGHT,
        )
        for run, shown in zip(runs, scores, strict=True)
    ]
    values = [
        {**run._asdict(), "shown": shown, "below": run.score < lowest}
        for run, shown in zip(runs, scores, strict=True)
    ]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=seconds_axis(left, right),
        y=alt.Y(
            "shown:Q",
            title=score,
            scale=alt.Scale(domain=[low, high], nice=False, zero=False),
            axis=alt.Axis(format=".0%", tickCount=6),
        ),
        tooltip=[
            alt.Tooltip("tagger:N"),
            alt.Tooltip("seed:Q"),
            alt.Tooltip("seconds:Q", format=",.3g", title="training (s)"),
            alt.Tooltip("score:Q", format=".2%", title=score.lower()),
        ],
    )
    fill, shape = kind_channels([run.kind for run in runs])
    marks = base.mark_point(filled=True, size=70, opacity=1).encode(fill=fill, shape=shape)
    layers = [
        *_labels(runs, places),
        marks.transform_filter("!datum.below"),
        base.mark_point(shape="triangle-down", size=80, color="#333333").transform_filter(
            "datum.below"
        ),
    ]
    chart = alt.layer(*layers).properties(width=_WIDTH, height=_HEIGHT)
    rows: Rows = [[r.tagger, r.kind, r.seed, r.seconds, r.score] for r in runs]
    header = ["tagger", "kind", "seed", "training (s)", score.lower()]
    return Chart(spec_of(chart), description, header, rows)


def _labels(runs: Sequence[Costed], places: Sequence[tuple[float, float]]) -> list[alt.Chart]:
    """Return the name of each tagger beside its first run, clear of marks and other names."""
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    named: set[str] = set()
    layers = []
    for run, (x, y) in zip(runs, places, strict=True):
        if run.tagger in named:
            continue
        named.add(run.tagger)
        width = _LETTER * len(run.tagger)
        box = _clear(x, y, width, taken)
        if box is None:
            continue
        taken.append(box)
        middle, on_the_right = (box[1] + box[3]) / 2, box[0] > x
        if abs(middle - y) > _LINE / 2:
            # A thread to a name that had to give way.
            near = box[0] if on_the_right else box[2]
            layers.append(
                alt.Chart(alt.InlineData(values=[{}]))
                .mark_rule(color="#9A9A9A", strokeWidth=0.8)
                .encode(x=alt.value(x), y=alt.value(y), x2=alt.value(near), y2=alt.value(middle))
            )
        layers.append(
            alt.Chart(alt.InlineData(values=[{}]))
            .mark_text(
                text=run.tagger,
                align="left" if on_the_right else "right",
                baseline="middle",
                color="#222222",
            )
            .encode(x=alt.value(box[0] if on_the_right else box[2]), y=alt.value(middle))
        )
    return layers


def _clear(
    x: float, y: float, width: float, taken: Sequence[tuple[float, float, float, float]]
) -> tuple[float, float, float, float] | None:
    """Return left, top, right and bottom of the nearest free place for a name, if there is one."""
    ways = [
        (left, y - _LINE / 2 + _LINE * step * down)
        for step in range(_LINES + 1)
        for down in (1, -1)
        for left in (x + 9, x - 9 - width)
    ]
    boxes = [(left, top, left + width, top + _LINE) for left, top in ways]
    free = (
        box
        for box in boxes
        if box[0] >= 0
        and box[2] <= _WIDTH
        and box[1] >= -_LINE
        and box[3] <= _HEIGHT + _LINE
        and all(
            box[2] <= other[0] or other[2] <= box[0] or box[3] <= other[1] or other[3] <= box[1]
            for other in taken
        )
    )
    return next(free, None)
