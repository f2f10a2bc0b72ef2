"""The report's charts of classes: how many sequences are right, class by class and one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
import numpy as np
from numpy.typing import NDArray

from basetag.report.drawing import (
    DIVERGING_COLOURS,
    KIND_COLOURS,
    Chart,
    Reference,
    Rows,
    rules_of,
    spec_of,
    state_colours,
)
from basetag.report.numbers import percent, ratio

#: Letters, and words, of a sequence that are drawn at most, from its first one on.
MOST_LETTERS, MOST_WORDS = 200, 60
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
_MEASURES = (("precision", "Precision"), ("recall", "Recall"), ("f1", "F1"))
# Pixels: of a letter, and at least and at most of all.
_LETTER, _NARROWEST, _WIDEST = 14, 320, 1000
_TITLE = "Position in the sequence"
# Pixels of the longest word that is written out, and degrees by which words are turned.
_WORD, _TURN = 90, -60


class ShownSequence(NamedTuple):
    """A sequence of the test split, as one tagger sees it.

    Attributes
    ----------
    name, ends : str
        Its name, and its first and last letters.
    length : int
        Letters that are shown.
    true, called : int
        Its classes; 255 for a true one that is not known.
    probabilities : list of float
        One for each class.
    """

    name: str
    ends: str
    length: int
    true: int
    called: int
    probabilities: list[float]


def accuracy_chart(
    taggers: Mapping[str, Mapping[str, Any]],
    references: Sequence[Reference],
    *,
    description: str,
) -> Chart:
    """Draw a bar of accuracy for each tagger, with its interval, the best on top.

    Parameters
    ----------
    taggers : mapping of str to metrics.json
        By the label of the tagger.
    references : sequence of Reference
        Lines across: the commonest class, and the best possible.
    description : str
        Text alternative.
    """
    order = sorted(taggers, key=lambda label: -float(taggers[label]["accuracy"]["value"]))
    values = [
        {
            "tagger": label,
            "kind": taggers[label]["kind"],
            **taggers[label]["accuracy"],
            "text": percent(taggers[label]["accuracy"]["value"]),
        }
        for label in order
    ]
    drawn = [kind for kind in KIND_COLOURS if any(v["kind"] == kind for v in values)]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        y=alt.Y("tagger:N", title=None, sort=order)
    )
    legend = alt.Legend(orient="top", direction="horizontal")
    bars = base.mark_bar(height=alt.RelativeBandSize(0.62), opacity=0.75).encode(
        x=alt.X(
            "value:Q",
            title="Sequences that are classified rightly",
            scale=alt.Scale(domain=[0, 1], nice=False),
            axis=alt.Axis(format=".0%", tickCount=10),
        ),
        fill=alt.Fill(
            "kind:N",
            title="Kind of tagger",
            scale=alt.Scale(domain=drawn, range=[KIND_COLOURS[kind] for kind in drawn]),
            legend=legend,
        ),
        tooltip=[
            alt.Tooltip("tagger:N"),
            alt.Tooltip("value:Q", format=".2%", title="classified rightly"),
            alt.Tooltip("low:Q", format=".2%", title="95 % interval from"),
            alt.Tooltip("high:Q", format=".2%", title="to"),
        ],
    )
    known = base.transform_filter("isValid(datum.low)")
    whiskers = known.mark_rule(color="#111111", strokeWidth=1.8).encode(x="low:Q", x2="high:Q")
    ends = [
        known.mark_tick(color="#111111", thickness=1.8, size=10).encode(x=alt.X(f"{end}:Q"))
        for end in ("low", "high")
    ]
    text = base.mark_text(align="left", fontSize=12, color="#222222").encode(
        x=alt.value(608), text="text:N"
    )
    chart = alt.layer(bars, *rules_of(references, "x", legend), whiskers, *ends, text)
    chart = chart.resolve_scale(color="independent", strokeDash="independent")
    rows: Rows = [[v["tagger"], v["value"], v["low"], v["high"]] for v in values]
    rows += [[reference.name, reference.value, None, None] for reference in references]
    header = ["tagger", "classified rightly", "95 % interval from", "to"]
    return Chart(
        spec_of(chart.properties(width=600, height=alt.Step(26))), description, header, rows
    )


def class_measures_chart(
    taggers: Mapping[str, Mapping[str, Any]], classes: Mapping[str, str], *, description: str
) -> Chart:
    """Draw precision, recall and F1 of each class, tagger by tagger.

    Parameters
    ----------
    taggers : mapping of str to metrics.json
        By the label of the tagger.
    classes : mapping of str to str
        Letter of each class to its name.
    description : str
        Text alternative.
    """
    rows: Rows = []
    values = []
    for label, metrics in taggers.items():
        for letter, support in zip(classes, metrics["label_counts"], strict=True):
            found = [metrics["classes"][letter][name] for name, _ in _MEASURES]
            shown = [None if figure is None else figure["value"] for figure in found]
            rows.append([label, f"{letter} ({classes[letter]})", int(support), *shown])
            values += [
                {
                    "tagger": label,
                    "class": f"{letter} ({classes[letter]})",
                    "measure": name,
                    **figure,
                    "support": int(support),
                    "text": ratio(figure["value"]),
                }
                for (name, _), figure in zip(_MEASURES, found, strict=True)
                if figure is not None
            ]
    names = [f"{letter} ({name})" for letter, name in classes.items()]
    colours = list(state_colours(list(classes)).values())
    shapes = [_SHAPES[i % len(_SHAPES)] for i in range(len(names))]
    legend = alt.Legend(orient="top", direction="horizontal", columns=4)
    panels = []
    for index, (name, title) in enumerate(_MEASURES):
        own = [value for value in values if value["measure"] == name]
        base = alt.Chart(alt.InlineData(values=own)).encode(
            y=alt.Y(
                "tagger:N",
                title=None,
                sort=list(taggers),
                scale=alt.Scale(domain=list(taggers)),
                axis=alt.Axis(grid=True) if index == 0 else None,
            )
        )
        offset = alt.YOffset("class:N", sort=names, scale=alt.Scale(domain=names))
        bars = base.mark_rule(strokeWidth=2, color="#555555").encode(
            x="low:Q", x2="high:Q", yOffset=offset
        )
        points = base.mark_point(filled=True, size=75, opacity=1).encode(
            x=alt.X(
                "value:Q",
                title=title,
                scale=alt.Scale(domain=[0, 1], nice=False),
                axis=alt.Axis(format=".1f", tickCount=5),
            ),
            yOffset=offset,
            color=alt.Color(
                "class:N",
                title="Class",
                scale=alt.Scale(domain=names, range=colours),
                legend=legend,
            ),
            shape=alt.Shape(
                "class:N",
                title="Class",
                scale=alt.Scale(domain=names, range=shapes),
                legend=legend,
            ),
            tooltip=[
                alt.Tooltip("tagger:N"),
                alt.Tooltip("class:N"),
                alt.Tooltip("text:N", title=title),
                alt.Tooltip("low:Q", format=".3f", title="95 % interval from"),
                alt.Tooltip("high:Q", format=".3f", title="to"),
                alt.Tooltip("support:Q", format=",", title="true sequences"),
            ],
        )
        height = alt.Step(max(9, 22 // len(names)), **{"for": "offset"})
        panels.append(alt.layer(bars, points).properties(width=240, height=height))
    chart = alt.hconcat(*panels, spacing=22).resolve_scale(color="shared", shape="shared")
    header = ["tagger", "class", "true sequences (support)", "precision", "recall", "F1"]
    return Chart(spec_of(chart), description, header, rows)


def probabilities_chart(
    shown: Sequence[ShownSequence], classes: Mapping[str, str], *, description: str
) -> Chart:
    """Draw the probability of each class of each shown sequence, wrong calls being marked.

    Parameters
    ----------
    shown : sequence of ShownSequence
        From top to bottom.
    classes : mapping of str to str
        Letter of each class to its name.
    description : str
        Text alternative.
    """
    letters = list(classes)
    names = [f"{letter} ({name})" for letter, name in classes.items()]
    values, words = [], []
    rows: Rows = []
    for one in shown:
        true = letters[one.true] if one.true < len(letters) else ""
        wrong = bool(true) and one.true != one.called
        said = f"called {letters[one.called]}" + (
            f", is {true}  \N{BALLOT X} wrong" if wrong else ""
        )
        words.append({"name": one.name, "ends": one.ends, "said": said, "wrong": wrong})
        rows.append(
            [one.name, one.ends, one.length, true, letters[one.called],
             "wrong" if wrong else "right" if true else "", *one.probabilities]
        )  # fmt: skip
        start = 0.0
        for name, probability in zip(names, one.probabilities, strict=True):
            values.append(
                {"name": one.name, "class": name, "from": start, "to": start + probability,
                 "p": probability, "said": said}
            )  # fmt: skip
            start += probability
    y = alt.Y("name:N", title=None, sort=[one.name for one in shown])
    bars = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(height=alt.RelativeBandSize(0.7), stroke="white", strokeWidth=1)
        .encode(
            y=y,
            x=alt.X(
                "from:Q",
                title="Probability of each class",
                scale=alt.Scale(domain=[0, 1], nice=False),
                axis=alt.Axis(format=".1f"),
            ),
            x2="to:Q",
            color=alt.Color(
                "class:N",
                title="Class",
                scale=alt.Scale(domain=names, range=list(state_colours(letters).values())),
                legend=alt.Legend(orient="top", direction="horizontal", columns=4),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="sequence"),
                alt.Tooltip("class:N"),
                alt.Tooltip("p:Q", format=".4f", title="probability"),
                alt.Tooltip("said:N", title="call"),
            ],
        )
    )
    base = alt.Chart(alt.InlineData(values=words)).encode(y=y)
    ends = base.mark_text(align="left", font="monospace", fontSize=12, color="#222222").encode(
        x=alt.value(428), text="ends:N"
    )
    said = base.mark_text(align="left", fontSize=12).encode(
        x=alt.value(620),
        text="said:N",
        color=alt.condition("datum.wrong", alt.value("#A32A00"), alt.value("#222222")),
    )
    chart = alt.layer(bars, ends, said).properties(width=420, height=alt.Step(22))
    header = ["sequence", "letters", "length", "true class", "called class", "call"]
    header += [f"P of {name}" for name in names]
    return Chart(spec_of(chart), description, header, rows)


def drawn_at_most(sequence: Sequence[str]) -> int:
    """Return how many letters, or words, of a sequence are drawn."""
    return MOST_LETTERS if isinstance(sequence, str) else MOST_WORDS


def attention_chart(
    sequence: Sequence[str], weights: NDArray[np.floating[Any]], *, description: str
) -> Chart:
    """Draw what each letter weighs in the mean that the class is told from.

    Parameters
    ----------
    sequence : str, or sequence of str
        Letters, or words.
    weights : ndarray, (length,)
        They sum to 1 over the whole sequence.
    description : str
        Text alternative.
    """
    values: list[dict[str, Any]] = [
        {"position": i + 1, "letter": letter, "weight": float(f"{weight:.4g}")}
        for i, (letter, weight) in enumerate(zip(sequence, weights.tolist(), strict=True))
    ]
    drawn = values[: drawn_at_most(sequence)]
    chart = (
        alt.Chart(alt.InlineData(values=drawn))
        .mark_bar(color="#0072B2")
        .encode(
            x=_positions(sequence),
            y=alt.Y("weight:Q", title="Weight", axis=alt.Axis(format="~g", tickCount=4)),
            tooltip=[
                alt.Tooltip("position:O"),
                alt.Tooltip("letter:N"),
                alt.Tooltip("weight:Q", format=".4f"),
            ],
        )
        .properties(width=_width(sequence), height=110)
    )
    rows: Rows = [[v["position"], v["letter"], v["weight"]] for v in values]
    return Chart(spec_of(chart), description, ["position", "letter", "weight"], rows)


def mutagenesis_chart(
    sequence: Sequence[str],
    letters: Sequence[str],
    changes: NDArray[np.floating[Any]],
    *,
    description: str,
) -> Chart:
    """Draw by how much each substitution changes the log-odds of the called class.

    Parameters
    ----------
    sequence, letters : str, or sequence of str
        The sequence, and the letters of its alphabet; or words, and what is put in their place.
    changes : ndarray, (length, letters)
        In nats.
    description : str
        Text alternative.
    """
    most = max(float(np.abs(changes).max(initial=0.0)), 1e-6)
    values: list[dict[str, Any]] = [
        {"position": i + 1, "own": own, "to": to, "change": float(f"{changes[i, k]:.3g}")}
        for i, own in enumerate(sequence)
        for k, to in enumerate(letters)
        if to != own
    ]
    rows: Rows = [[v["position"], v["own"], v["to"], v["change"]] for v in values]
    drawn = [v for v in values if v["position"] <= drawn_at_most(sequence)]
    base = alt.Chart(alt.InlineData(values=drawn))
    y = alt.Y("to:N", title="Put in its place", sort=list(letters))
    cells = base.mark_rect().encode(
        x=_positions(sequence),
        y=y,
        color=alt.Color(
            "change:Q",
            title=["Change in", "log-odds", "(nats)"],
            scale=alt.Scale(
                type="linear",
                domain=np.linspace(-most, most, len(DIVERGING_COLOURS)).tolist(),
                range=list(DIVERGING_COLOURS),
                interpolate="rgb",
            ),
            legend=alt.Legend(gradientLength=100, format=".2~g"),
        ),
        tooltip=[
            alt.Tooltip("position:O"),
            alt.Tooltip("own:N", title="letter"),
            alt.Tooltip("to:N", title="put in its place"),
            alt.Tooltip("change:Q", format="+.3f", title="change in log-odds"),
        ],
    )
    own_letters = [
        {"position": i + 1, "to": own}
        for i, own in enumerate(sequence[: drawn_at_most(sequence)])
        if own in letters
    ]
    marks = (
        alt.Chart(alt.InlineData(values=own_letters))
        .mark_text(fontSize=11, fontWeight="bold", color="#111111")
        .encode(x=_positions(sequence), y=y, text="to:N")
    )
    height = 20 * len(letters)
    chart = alt.layer(cells, marks).properties(width=_width(sequence), height=height)
    header = ["position", "letter", "put in its place", "change in log-odds (nats)"]
    return Chart(spec_of(chart), description, header, rows)


def _width(sequence: Sequence[str]) -> int:
    drawn = min(len(sequence), drawn_at_most(sequence))
    return min(max(_LETTER * drawn, _NARROWEST), _WIDEST)


def _positions(sequence: Sequence[str]) -> alt.X:
    """Return the axis of positions, each with its letter where there is room for them, or word."""
    shown = sequence[: drawn_at_most(sequence)]
    if not isinstance(sequence, str):
        written = alt.Axis(
            labelAngle=_TURN,
            labelFontSize=12,
            labelLimit=_WORD,
            labelOverlap=False,
            ticks=False,
            labelExpr=f"{json.dumps(list(shown))}[datum.value - 1]",
        )
        return alt.X("position:O", title="From the first one on", axis=written)
    if len(shown) * 9 > _WIDEST:
        ticks = [i for i in range(1, len(shown) + 1) if i == 1 or i % 10 == 0]
        return alt.X("position:O", title=_TITLE, axis=alt.Axis(labelAngle=0, values=ticks))
    # Under each letter, and of each tenth one its number.
    number = "(datum.value == 1 || datum.value % 10 == 0 ? datum.value + '' : '')"
    axis = alt.Axis(
        labelAngle=0,
        labelFontSize=12,
        labelOverlap=False,
        ticks=False,
        labelExpr=f"[{list(shown)}[datum.value - 1], {number}]",
    )
    return alt.X("position:O", title=_TITLE, axis=axis)
