"""The report page: one HTML file that opens offline.

`render_report` brings the checked figures, the words and the charts into the template under
``report/``; styles, scripts and the Vega runtime are written into the page, so that it asks the
network for nothing. The same data gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import numpy as np
import vl_convert
from numpy.typing import NDArray

from basetag import __version__, charts, wording
from basetag.files import canonical_json, written_whole
from basetag.report_data import (
    UNLABELLED,
    Annotation,
    DatasetResult,
    ReportData,
    TaggerResult,
)

_TEMPLATES = Path(__file__).resolve().parents[2] / "report"

# Segments of one record that are drawn and listed one by one; beyond, windows stand for them.
_DRAWN_SEGMENTS = 3000
_DRAWN_RECORDS = 6
_LISTED_ROWS = 500
# Bases of a block that the interval of the certainty difference leaves out at a time.
_JACKKNIFE_BASES = 100


def _text(value: str) -> str:
    return value


def _number(digits: int) -> Callable[[str], str]:
    return lambda value: f"{float(value):.{digits}f}".replace("-", wording.MINUS)


def _seconds(value: str) -> str:
    return f"{float(value):,.1f}"


@dataclass(frozen=True)
class Column:
    """A column of the comparison: heading, unit, what it means, and how its cells are written."""

    heading: str
    unit: str
    meaning: str
    text: Callable[[str], str]


def _percent(value: str) -> str:
    return wording.percent(float(value), 2).removesuffix(" %")


def _nats(value: str) -> str:
    return wording.nats(float(value))


def _count(value: str) -> str:
    return wording.count(float(value))


def _p(value: str) -> str:
    return f"{float(value):.2g}"


def _speed(value: str) -> str:
    return wording.speed(float(value))


_COLUMNS = {
    "tagger": Column("tagger", "", "Name in the config", _text),
    "seed": Column("seed", "", "Seed of the training; 0 for what has no chance in it", _text),
    "kind": Column("kind", "", "network, HMM, rule or constant", _text),
    "parameters": Column("para-meters", "", "Numbers that were fitted", _count),
    "test_bases": Column("test bases", "", "Scored bases of the test split", _count),
    "accuracy": Column("accuracy", "%", "Bases that match", _percent),
    "balanced_accuracy": Column("balanced accuracy", "%", "Mean over states of recall", _percent),
    "macro_f1": Column("macro F1", "", "Mean over states of F1", _number(3)),
    "mcc": Column("MCC", "", "Matthews correlation; 0 is chance", _number(3)),
    "cross_entropy": Column("CE", "nats", "Mean cross-entropy; less is better", _nats),
    "brier": Column("Brier", "", "Mean squared error of the probabilities", _number(4)),
    "ece": Column("ECE", "", "Expected calibration error; less is better", _number(4)),
    "kl_exact": Column("KL", "nats", "Divergence from the exact posterior", _nats),
    "attained": Column("attained", "%", "Share of the attainable information", _percent),
    "attained_filtered": Column(
        "attained, filtered", "%", "The same for reading in one direction", _percent
    ),
    "segment_f1": Column("segment F1", "", "Segments matched at IoU of 0.5 or more", _number(3)),
    "chance_accuracy": Column("chance", "%", "Matches of random labels", _percent),
    "p_chance": Column("p, chance", "", "Against random label strings", _p),
    "p_shift": Column("p, shift", "", "Against the tagger's own calls, shifted", _p),
    "train_seconds": Column("training", "s", "Clock time of the training", _seconds),
    "train_bases_per_second": Column("training speed", "", "Bases per second", _speed),
    "predict_bases_per_second": Column("predic-tion speed", "", "Bases per second", _speed),
}


def render_report(data: ReportData, path: str | Path) -> None:
    """Write the report page to `path`, whole or not at all.

    Parameters
    ----------
    data : ReportData
        Everything on the page, as `basetag.report_data.read_report_data` returns it.
    path : path
        The HTML file.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _table_number
    environment.filters["percent"] = wording.percent
    environment.filters["count"] = wording.count
    environment.filters["script_json"] = script_json
    page = _Page()
    datasets = [_dataset_view(page, dataset, data) for dataset in data.datasets]
    genomes = _genome_views(page, data)
    text = environment.get_template("template.html.jinja").render(
        version=__version__,
        datasets=datasets,
        genomes=genomes,
        explore=[view["explore"] for view in datasets if view["explore"] is not None],
        provenance=[_provenance_view(*item) for item in data.provenance.items()],
        config_text=data.config_text,
        page_data={"charts": page.specs, "explore": page.explore, "theme": charts.THEME},
        style=_asset("style.css"),
        script=_asset("report.js"),
        runtime=_inline_script(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")),
        thresholds={
            "at": wording.AT_CEILING,
            "near": wording.NEAR_CEILING,
            "rule": wording.NEARLY_AS_GOOD,
        },
    )
    with written_whole(path) as (place,):
        place.write_text(text, encoding="utf-8", newline="\n")


def script_json(value: Any) -> markupsafe.Markup:
    """Return `value` as JSON that no text in it can end the script element around."""
    text = canonical_json(value)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return markupsafe.Markup(text)  # noqa: S704 (escaped above)


class _Page:
    """Collects what the page's script needs: specifications by id, and the shown records."""

    def __init__(self) -> None:
        self.specs: dict[str, Any] = {}
        self.explore: dict[str, Any] = {}

    def figure(self, chart: charts.Chart, name: str, caption: str, **more: Any) -> dict[str, Any]:
        """Take in a chart and return what the template needs to place it."""
        self.specs[name] = chart.spec
        rows = chart.rows[:_LISTED_ROWS]
        return {
            "id": name,
            "description": chart.description,
            "caption": caption,
            "header": chart.header,
            "rows": rows,
            "left_out": len(chart.rows) - len(rows),
            "zoom": False,
            **more,
        }


def _dataset_view(page: _Page, dataset: DatasetResult, data: ReportData) -> dict[str, Any]:
    """Return all that the template shows of one dataset."""
    labels = wording.tagger_labels([result.metrics for result in dataset.results])
    named = dict(zip(labels, dataset.results, strict=True))
    networks = {k: r for k, r in named.items() if r.metrics["kind"] == "network"} or {
        k: r for k, r in named.items() if r.metrics["kind"] != "constant"
    }
    references = {of: dataset.ceiling(of) for of in ("filtered", "exact")}
    prior = dataset.prior_cross_entropy
    test = dataset.results[0].metrics["test"]
    return {
        "name": dataset.name,
        "states": [(state, dataset.state_names[state]) for state in dataset.states],
        "test": test,
        "known": references["exact"] is not None,
        "verdicts": _verdicts(dataset, networks),
        "scale": _scale_figure(page, dataset, named, references),
        "comparison": _comparison_view(dataset, data),
        "loss": _loss_figure(page, dataset, networks, references, prior),
        "confusions": _confusion_views(dataset, named, networks),
        "chances": _chance_figures(page, dataset, named, networks),
        "reliability": _reliability_figure(page, dataset, named, networks),
        "certainty": _certainty_view(page, dataset, named, networks),
        "explore": _explore_view(page, dataset, named, networks),
    }


def _verdicts(
    dataset: DatasetResult, networks: Mapping[str, TaggerResult]
) -> list[wording.Verdict]:
    by_tagger: dict[str, list[Any]] = {}
    for result in networks.values():
        by_tagger.setdefault(result.tagger, []).append(result.metrics)
    rules = [r.metrics for r in dataset.results if r.metrics["kind"] == "rule"]
    return [
        wording.verdict(
            seeds,
            ceiling=dataset.ceiling("exact"),
            prior_cross_entropy=dataset.prior_cross_entropy,
            rules=[rule for rule in rules if rule is not seeds[0]],
        )
        for seeds in by_tagger.values()
    ]


def _scale_figure(
    page: _Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    references: Mapping[str, Mapping[str, float] | None],
) -> dict[str, Any]:
    def measured(key: str, text: Callable[[float], str]) -> list[charts.Measured]:
        return [
            charts.Measured(
                label,
                result.metrics["kind"],
                float(result.metrics[key]["value"]),
                result.metrics[key]["low"],
                result.metrics[key]["high"],
                text(float(result.metrics[key]["value"])),
            )
            for label, result in named.items()
        ]

    first = dataset.results[0].metrics
    accuracy = [
        charts.Reference("chance", float(first["chance"]["accuracy"])),
        charts.Reference("commonest label", float(first["majority_accuracy"])),
    ]
    entropy = [charts.Reference("every state equally likely", math.log(len(dataset.states)))]
    if dataset.prior_cross_entropy is not None:
        entropy.append(charts.Reference("prior", dataset.prior_cross_entropy))
    for of, ceiling in references.items():
        if ceiling is not None:
            accuracy.append(charts.Reference(of, ceiling["accuracy"]))
            entropy.append(charts.Reference(of, ceiling["cross_entropy"]))
    best = references["exact"]
    known = (
        f"The exact posterior, the best possible, reaches {wording.percent(best['accuracy'])} "
        f"and {wording.nats(best['cross_entropy'])} nats."
        if best is not None
        else "The best possible is not known for this data."
    )
    chart = charts.scale_chart(
        measured("accuracy", wording.percent),
        measured("cross_entropy", wording.nats),
        accuracy,
        entropy,
        description=f"Accuracy and cross-entropy of {len(named)} taggers on {dataset.name}, with "
        f"95 % intervals, beside chance and the best possible. {known}",
    )
    return page.figure(
        chart,
        f"scale-{dataset.name}",
        f"{dataset.name}: every tagger between chance and the best possible, the best on top. "
        f"Bars are 95 % intervals (most are narrower than the mark). {known}",
    )


def _comparison_view(dataset: DatasetResult, data: ReportData) -> dict[str, Any]:
    """Return the filled columns of the comparison; what all rows share goes into the caption."""
    rows = [row for row in data.comparison if row["dataset"] == dataset.name]
    filled = [
        column
        for column in data.comparison_columns
        if column != "dataset" and any(row[column] for row in rows)
    ]
    shared = [
        column
        for column in ("test_bases", "chance_accuracy")
        if column in filled and len({row[column] for row in rows}) == 1
    ]
    known = {
        column: _COLUMNS.get(column, Column(column.replace("_", " "), "", "", _text))
        for column in filled
    }
    results = {(result.tagger, str(result.seed)): result for result in dataset.results}
    table = []
    for row in rows:
        chance = results[row["tagger"], row["seed"]].metrics["chance"]
        cells = []
        for column in filled:
            if column in shared:
                continue
            value = row[column]
            text = known[column].text(value) if value else ""
            if column == "p_chance" and value:
                text = str(chance["p_text"])
            cells.append({"text": text, "value": value, "numeric": known[column].text is not _text})
        table.append(cells)
    return {
        "columns": [
            {"name": column, **vars(known[column])} for column in filled if column not in shared
        ],
        "rows": table,
        "shared": [
            f"{known[column].heading} {known[column].text(rows[0][column])}"
            f"{' ' + known[column].unit if known[column].unit else ''}"
            for column in shared
        ],
    }


def _loss_figure(
    page: _Page,
    dataset: DatasetResult,
    networks: Mapping[str, TaggerResult],
    references: Mapping[str, Mapping[str, float] | None],
    prior: float | None,
) -> dict[str, Any] | None:
    histories = {label: r.history for label, r in networks.items() if r.history}
    if not histories:
        return None
    rules = [charts.Reference("prior", prior)] if prior is not None else []
    rules += [
        charts.Reference(of, ceiling["cross_entropy"])
        for of, ceiling in references.items()
        if ceiling is not None
    ]
    last = ", ".join(
        f"{label} ends at {wording.nats(history[-1]['validation_loss'])}"
        for label, history in histories.items()
    )
    chart = charts.loss_chart(
        histories,
        rules,
        description=f"Training and validation loss on {dataset.name} against the bases seen: "
        f"{last} nats per base on validation.",
    )
    caption = (
        f"{dataset.name}: {last} nats per base on validation. The rules are figures of the test "
        "split: the prior (label frequencies alone), and the best possible, “filtered” for "
        "reading in one direction and “exact” for both. A curve that lies flat on its rule has "
        "nothing more to learn."
        if references["exact"] is not None
        else f"{dataset.name}: {last} nats per base on validation. The rule is the prior (label "
        "frequencies alone) on the test split; the best possible is not known for this data."
    )
    return page.figure(chart, f"loss-{dataset.name}", caption)


def _confusion_views(
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any]:
    """Return the confusion matrices, those of the networks and the exact posterior first."""
    exact = dataset.reference("exact")
    views = []
    for label, result in named.items():
        matrix = np.array(result.metrics["confusion"], dtype=np.int64)
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        views.append(
            {
                "tagger": label,
                "first": label in networks or result is exact,
                "rows": [
                    {
                        "state": state,
                        "cells": [
                            {"count": int(n), "share": float(s), "match": i == j}
                            for j, (n, s) in enumerate(zip(counts, parts, strict=True))
                        ],
                    }
                    for i, (state, counts, parts) in enumerate(
                        zip(dataset.states, matrix, shares, strict=True)
                    )
                ],
            }
        )
    return {
        "first": [view for view in views if view["first"]],
        "others": [view for view in views if not view["first"]],
    }


def _chance_figures(
    page: _Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> list[dict[str, Any]]:
    figures = []
    for index, (label, result) in enumerate(named.items()):
        sentences = wording.chance_sentences(result.metrics)
        chart = charts.chance_chart(result.metrics["chance"], description=" ".join(sentences[:2]))
        figures.append(
            page.figure(
                chart,
                f"chance-{dataset.name}-{index}",
                f"Matches of {wording.count(result.metrics['chance']['pairs'])} pairs of random "
                f"label strings, and of {label} on {dataset.name}.",
                tagger=label,
                sentences=sentences,
                shown=label == next(iter(networks), None),
            )
        )
    return figures


def _reliability_figure(
    page: _Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any]:
    exact = dataset.reference("exact")
    shown = {label: r for label, r in named.items() if label in networks or r is exact}
    errors = ", ".join(
        f"{label} {float(result.metrics['ece']):.4f}" for label, result in shown.items()
    )
    chart = charts.reliability_chart(
        {label: result.metrics["reliability"] for label, result in shown.items()},
        description=f"How often calls on {dataset.name} are right against how sure the tagger "
        f"was. Expected calibration error: {errors}.",
    )
    return page.figure(
        chart,
        f"reliability-{dataset.name}",
        f"{dataset.name}: on the dotted diagonal, a call made with 80 % certainty is right in "
        f"80 % of the cases. Expected calibration error: {errors}.",
    )


def _certainty_view(
    page: _Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any] | None:
    """Return the figure and the sentences on whether mismatches are less certain."""
    exact = dataset.reference("exact")
    points: list[tuple[str, str, float, int]] = []
    sentences = []
    bases = 0
    for label, result in named.items():
        if result.tracks is None or not (label in networks or result is exact):
            continue
        labels = np.concatenate(result.tracks.labels)
        posterior = np.concatenate(result.tracks.posteriors)
        scored = labels != UNLABELLED
        match = (posterior.argmax(axis=1) == labels)[scored]
        sure = posterior.max(axis=1)[scored].astype(np.float64)
        if match.all() or not match.any():
            continue
        bases = len(match)
        means = float(sure[match].mean()), float(sure[~match].mean())
        points.append((label, "matches", means[0], int(match.sum())))
        points.append((label, "mismatches", means[1], int((~match).sum())))
        low, high = certainty_interval(sure, match)
        sentences.append(wording.certainty_sentence(label, *means, low, high))
    if not points:
        return None
    chart = charts.certainty_chart(
        points,
        description=f"Mean probability of the called state on matches and on mismatches of the "
        f"shown records of {dataset.name}. {' '.join(sentences)}",
    )
    figure = page.figure(
        chart,
        f"certainty-{dataset.name}",
        f"{dataset.name}: how sure the tagger was of its calls that match and of those that do "
        f"not, over the {wording.count(bases)} labelled bases of the shown records.",
    )
    return {"figure": figure, "sentences": sentences}


def certainty_interval(sure: NDArray[np.float64], match: NDArray[np.bool_]) -> tuple[float, float]:
    """Return a 95 % interval of the difference in certainty between matches and mismatches.

    Block jackknife (Künsch 1989): blocks of 100 neighbouring bases are left out one at a time,
    because certainty is alike in neighbours.

    Parameters
    ----------
    sure : ndarray of float64, (bases,)
        Probability of the called state.
    match : ndarray of bool, (bases,)
        Whether the call is right; both kinds must occur.

    Returns
    -------
    low, high : float
        The whole line where fewer than ten blocks can be left out.
    """
    block = np.arange(len(sure)) // _JACKKNIFE_BASES
    n_blocks = int(block[-1]) + 1
    parts = np.stack(
        [
            np.bincount(block, weights, minlength=n_blocks)
            for weights in (sure * match, match, sure * ~match, ~match)
        ]
    ).astype(np.float64)  # (sums and counts, blocks)
    left = parts.sum(axis=1, keepdims=True) - parts
    if n_blocks < 10 or not (left[1] > 0).all() or not (left[3] > 0).all():
        return -math.inf, math.inf
    differences = left[0] / left[1] - left[2] / left[3]
    spread = differences - differences.mean()
    error = math.sqrt((n_blocks - 1) / n_blocks * float((spread**2).sum()))
    whole = float(sure[match].mean() - sure[~match].mean())
    return whole - 1.96 * error, whole + 1.96 * error


def _explore_view(
    page: _Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any] | None:
    """Put the shown records into the page's data and return the choices that there are."""
    tracked = {label: r for label, r in named.items() if r.tracks is not None}
    if not tracked:
        return None
    tracks = next(iter(tracked.values())).tracks
    assert tracks is not None  # noqa: S101 (narrowed above)
    records = [
        {
            "name": name,
            "start": start,
            "bases": sequence,
            "truth": "".join(
                dataset.states[k] if k != UNLABELLED else " " for k in labels.tolist()
            ),
        }
        for name, start, sequence, labels in zip(
            tracks.names, tracks.starts, tracks.sequences, tracks.labels, strict=True
        )
    ]
    references = {of: dataset.reference(of) for of in ("exact", "filtered")}
    label_of = {id(result): label for label, result in named.items()}
    taggers = []
    for label, result in tracked.items():
        assert result.tracks is not None  # noqa: S101 (narrowed above)
        ceiling = result.metrics["ceiling"]
        reference = references[ceiling["of"]] if ceiling is not None else None
        taggers.append(
            {
                "label": label,
                "reference": None if reference is None else label_of[id(reference)],
                "posterior": [
                    np.rint(posterior * 1e4).astype(int).ravel().tolist()
                    for posterior in result.tracks.posteriors
                ],
            }
        )
    page.explore[dataset.name] = {
        "states": dataset.states,
        "state_names": dataset.state_names,
        "colours": charts.state_colours(dataset.states),
        "records": records,
        "taggers": taggers,
        "first": next((label for label in networks if label in tracked), taggers[0]["label"]),
        "spec": charts.tracks_spec(dataset.states),
    }
    return {
        "dataset": dataset.name,
        "labels": list(tracked),
        "records": [r["name"] for r in records],
    }


def _genome_views(page: _Page, data: ReportData) -> list[dict[str, Any]]:
    genomes: dict[str, list[Annotation]] = {}
    for annotation in data.annotations:
        genomes.setdefault(annotation.genome, []).append(annotation)
    return [
        {
            "name": genome,
            "figures": _annotation_figures(page, genome, annotations),
            "summaries": [
                {
                    "tagger": a.name,
                    "segments": len(a.segments),
                    "header": list(a.summary[0]) if a.summary else [],
                    "rows": [list(row.values()) for row in a.summary],
                }
                for a in annotations
            ],
            "agreement": _agreement_view(
                [a.name for a in annotations],
                [row for row in data.agreements if row["genome"] == genome],
            ),
        }
        for genome, annotations in genomes.items()
    ]


def _annotation_figures(
    page: _Page, genome: str, annotations: Sequence[Annotation]
) -> list[dict[str, Any]]:
    """Return a figure for each of the longest records of a genome."""
    lengths: dict[str, int] = {}
    states: dict[str, None] = {}
    for annotation in annotations:
        for segment in annotation.segments:
            lengths[segment.record] = max(lengths.get(segment.record, 0), segment.end)
            states[segment.state] = None
    drawn = sorted(lengths, key=lambda record: (-lengths[record], record))[:_DRAWN_RECORDS]
    figures = []
    for index, record in enumerate(drawn):
        spans: list[charts.Span] = []
        counts = []
        windowed = False
        for annotation in annotations:
            own = [
                charts.Span(annotation.name, s.start, s.end, s.state)
                for s in annotation.segments
                if s.record == record
            ]
            counts.append(f"{annotation.name} {wording.count(len(own))}")
            if len(own) > _DRAWN_SEGMENTS:
                own, windowed = window_spans(own, lengths[record], sorted(states)), True
            spans += own
        chart = charts.annotation_chart(
            spans,
            [annotation.name for annotation in annotations],
            sorted(states),
            record=record,
            length=lengths[record],
            description=f"Segments along {record} of {genome}, a row for each tagger. Number of "
            f"segments: {', '.join(counts)}.",
        )
        caption = (
            f"{record} ({wording.count(lengths[record])} bp). Number of segments: "
            f"{', '.join(counts)}."
        )
        if windowed:
            caption += (
                f" Where there are more than {wording.count(_DRAWN_SEGMENTS)}, each window shows "
                "the state that most of its bases have; the BED files hold them all."
            )
        if len(lengths) > len(drawn) and index == len(drawn) - 1:
            caption += f" {len(lengths) - len(drawn)} shorter records are not drawn."
        figures.append(page.figure(chart, f"genome-{genome}-{index}", caption, zoom=True))
    return figures


def window_spans(
    spans: Sequence[charts.Span], length: int, states: Sequence[str], windows: int = 1500
) -> list[charts.Span]:
    """Return spans that show, for each of `windows` windows, the state of most of its bases."""
    edges = np.linspace(0, length, windows + 1)
    covered = np.zeros((len(states), windows))
    for span in spans:
        first = min(int(span.start * windows / length), windows - 1)
        last = min(math.ceil(span.end * windows / length), windows)
        overlap = np.minimum(edges[first + 1 : last + 1], span.end) - np.maximum(
            edges[first:last], span.start
        )
        covered[states.index(span.state), first:last] += np.maximum(overlap, 0)
    most = covered.argmax(axis=0)
    merged: list[charts.Span] = []
    for window in range(windows):
        if not covered[:, window].any():
            continue
        start, end = round(edges[window]), round(edges[window + 1])
        state = states[int(most[window])]
        if merged and merged[-1].state == state and merged[-1].end == start:
            merged[-1] = merged[-1]._replace(end=end)
        else:
            merged.append(charts.Span(spans[0].row, start, end, state))
    return merged


def _agreement_view(
    names: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> dict[str, Any] | None:
    """Return the fraction of bases with the same call, for each pair of taggers."""
    if not rows:
        return None
    fractions = {(row["first"], row["second"]): row for row in rows}
    matrix = []
    for first in names:
        cells = []
        for second in names:
            row = fractions.get((first, second)) or fractions.get((second, first))
            same = first == second
            cells.append(
                {
                    "same": same,
                    "fraction": None if same or row is None else float(row["fraction"]),
                    "bases": None if same or row is None else int(row["bases"]),
                }
            )
        matrix.append({"name": first, "cells": cells})
    return {"names": list(names), "rows": matrix}


def _provenance_view(
    heading: str, content: str | Sequence[str] | Mapping[str, str]
) -> dict[str, Any]:
    if isinstance(content, str):
        return {"heading": heading, "kind": "text", "content": content}
    if isinstance(content, Mapping):
        return {"heading": heading, "kind": "table", "content": list(content.items())}
    return {"heading": heading, "kind": "code", "content": "\n".join(content)}


def _table_number(value: str | float | None) -> str:
    """Return a cell of a table behind a chart."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if float(value).is_integer() and abs(value) >= 1:
        return wording.count(value)
    return f"{value:.4g}" if abs(value) < 0.01 else f"{value:.4f}"


def _asset(name: str) -> markupsafe.Markup:
    return markupsafe.Markup((_TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 (ours)


def _inline_script(code: str) -> markupsafe.Markup:
    """Return code for a script element; the sequence that would end it must not occur."""
    if "</script" in code.lower() or "<!--" in code:
        raise ValueError("the script cannot be put into a page as it is")
    return markupsafe.Markup(code)  # noqa: S704 (checked above)
