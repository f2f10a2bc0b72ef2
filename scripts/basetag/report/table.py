"""The comparison table of the report: what each column is called, means and looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from basetag.report import wording
from basetag.report.data import DatasetResult, ReportData


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


def _rate(value: str) -> str:
    return f"{float(value):,.0f}"


def _list(value: str) -> str:
    return value.replace(",", ", ")


def _p(value: str) -> str:
    return f"{float(value):.2g}"


def _speed(value: str) -> str:
    return wording.speed(float(value))


_COLUMNS = {
    "tagger": Column("tagger", "", "Name in the config", _text),
    "seed": Column("seed", "", "Seed of the training; 0 for what has no chance in it", _text),
    "kind": Column("kind", "", "network, HMM, rule or constant", _text),
    "decoding": Column("calls by", "", "How states are called from probabilities", _text),
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
    "p_resimulated": Column("p, fresh paths", "", "Against fresh paths of labels", _p),
    "effective_sample_size": Column(
        "effec-tive bases", "", "Independent bases that would tell as much", _count
    ),
    "false_segments_per_mb_homogeneous": Column(
        "false segments, homogeneous", "per Mb", "Borders called in independent letters", _rate
    ),
    "false_segments_per_mb_shuffled": Column(
        "false segments, shuffled", "per Mb", "Borders called in shuffled test sequences", _rate
    ),
    "flagged": Column(
        "sees structure in", "", "Controls with more false segments than the reference calls", _list
    ),
    "train_seconds": Column("training", "s", "Clock time of the training", _seconds),
    "train_bases_per_second": Column("training speed", "", "Bases per second", _speed),
    "predict_bases_per_second": Column("predic-tion speed", "", "Bases per second", _speed),
}


#: Whose p-value a column is.
_NULL_OF = {"p_chance": "uniform", "p_shift": "shift", "p_resimulated": "resimulated"}


def comparison_view(dataset: DatasetResult, data: ReportData) -> dict[str, Any]:
    """Return the filled columns that stand above; what all rows share goes into the caption."""
    rows = [row for row in data.comparison if row["dataset"] == dataset.name]
    filled = [
        column
        for column in data.comparison_columns
        if column in _COLUMNS and any(row[column] for row in rows)
    ]
    if all(row.get("decoding") == "argmax" for row in rows):
        filled.remove("decoding")
    shared = [
        column
        for column in ("test_bases", "chance_accuracy")
        if column in filled and len({row[column] for row in rows}) == 1
    ]
    known = {column: _COLUMNS[column] for column in filled}
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
            if column in _NULL_OF and value:
                text = str(chance[_NULL_OF[column]]["p_text"])
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
