"""The comparison table of the report: what each column is called, means and looks like.

The columns are those of comparison.tsv, whatever they are. The most telling ones are shown at
first, all of them on demand; one that is not known here is shown with its name. The ends of an
interval, `X_low` and `X_high`, stand under the figure `X`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from basetag.judgement.figure_places import UNMATCHED
from basetag.report import numbers
from basetag.report.counted import (
    SEQUENCES,
    STEPS,
    Counted,
    classifies,
    counted,
    has_segments,
    regresses,
)
from basetag.report.data import DatasetResult, ReportData


def _text(value: str) -> str:
    return value


def _plain(value: str) -> str:
    """Return a cell of a column that is not known here."""
    try:
        return f"{float(value):.4g}".replace("-", numbers.MINUS)
    except ValueError:
        return value


def _number(digits: int) -> Callable[[str], str]:
    return lambda value: f"{float(value):.{digits}f}".replace("-", numbers.MINUS)


def _seconds(value: str) -> str:
    return f"{float(value):,.1f}" if float(value) >= 10 else f"{float(value):.2g}"


@dataclass(frozen=True)
class Column:
    """A column of the comparison: heading, unit, what it means, and how its cells are written."""

    heading: str
    unit: str
    meaning: str
    text: Callable[[str], str]


def _percent(value: str) -> str:
    return numbers.percent(float(value), 2).removesuffix(" %")


def _nats(value: str) -> str:
    return numbers.nats(float(value))


def _count(value: str) -> str:
    return numbers.count(float(value))


def _rate(value: str) -> str:
    return numbers.rate(float(value))


def _list(value: str) -> str:
    return value.replace(",", ", ")


def _p(value: str) -> str:
    return f"{float(value):.2g}"


def _speed(value: str) -> str:
    return numbers.speed(float(value))


#: What is shown at first, as far as it is filled.
TELLING = (
    "tagger",
    "seed",
    "kind",
    "decoding",
    "parameters",
    "accuracy",
    "mcc",
    "cross_entropy",
    "kl_exact",
    "attained",
    "attained_filtered",
    "ece",
    "segment_f1",
    "p_shift",
    "train_seconds",
)
#: What is shown at first, where records have numbers.
_TELLING_OF_NUMBERS = (
    *("tagger", "seed", "kind", "parameters", "pearson", "spearman", "r2", "rmse", "auroc"),
    *("accuracy", "train_seconds"),
)
#: What is shown at first besides, where records have classes.
_TELLING_OF_CLASSES = ("macro_f1", "p_chance")
# How columns begin that say something of segments alone: nothing, where records have classes.
_OF_SEGMENTS = (
    "segment_",
    "segments_",
    "true_segments_",
    "false_segments_",
    "boundary_",
    "correlation_length",
    "p_shift",
    "p_resimulated",
    "effective_sample_size",
    "flagged",
)
# Where all rows agree, it is told once, above the table.
_SHARED = ("test_bases", "matched_bases", "chance_accuracy", "device")

_COLUMNS = {
    "tagger": Column("tagger", "", "Name in the config", _text),
    "seed": Column("seed", "", "Seed of the training; 0 for what has no chance in it", _plain),
    "kind": Column("kind", "", "network, HMM, rule or constant", _text),
    "decoding": Column("calls by", "", "How states are called from probabilities", _text),
    "parameters": Column("para-meters", "", "Numbers that were fitted", _count),
    "test_bases": Column("test bases", "", "Scored bases of the test split", _count),
    "matched_bases": Column(
        "matched to training", "", "Test bases inside stretches that training has, too", _count
    ),
    "accuracy": Column("accuracy", "%", "Bases that match", _percent),
    "balanced_accuracy": Column("balanced accuracy", "%", "Mean over states of recall", _percent),
    "macro_f1": Column("macro F1", "", "Mean over states of F1", _number(3)),
    "mcc": Column("MCC", "", "Matthews correlation; 0 is chance", _number(3)),
    "cross_entropy": Column("CE", "nats", "Mean cross-entropy; less is better", _nats),
    "validation_cross_entropy": Column(
        "CE on validation", "nats", "Mean cross-entropy of the validation split", _nats
    ),
    "brier": Column("Brier", "", "Mean squared error of the probabilities", _number(4)),
    "ece": Column("ECE", "", "Expected calibration error; less is better", _number(4)),
    "pearson": Column("r", "", "Pearson's correlation of told and true numbers", _number(3)),
    "spearman": Column(
        "\N{GREEK SMALL LETTER RHO}", "", "Spearman's correlation, that of ranks", _number(3)
    ),
    "r2": Column("R²", "", "Share of the numbers' variance that is told", _number(3)),
    "rmse": Column("RMSE", "", "Root mean squared error, in the numbers' unit", _plain),
    "auroc": Column("AUROC", "", "Area under the ROC curve", _number(3)),
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
    "train_peak_mb": Column("training memory", "MB", "Most that the job held at once", _plain),
    "train_peak_gpu_mb": Column("training memory, GPU", "MB", "Most on the GPUs", _plain),
    "predict_peak_mb": Column("predic-tion memory", "MB", "Most that the job held", _plain),
    "predict_peak_gpu_mb": Column("predic-tion memory, GPU", "MB", "Most on the GPU", _plain),
    "device": Column("trained on", "", "Device of the training", _text),
}


_COLUMNS |= {
    f"{name}_seed_mean": replace(
        _COLUMNS[name],
        heading=f"{_COLUMNS[name].heading}, mean over seeds",
        meaning="Mean over the seeds of the tagger",
    )
    for name in (
        "accuracy",
        "cross_entropy",
        "kl_exact",
        "attained",
        "attained_filtered",
        "false_segments_per_mb_homogeneous",
        "false_segments_per_mb_shuffled",
    )
}


def _columns_of_classes() -> dict[str, Column]:
    """Return the columns that are called otherwise where records have classes."""
    changed = {
        "test_bases": ("test sequences", "Scored sequences of the test split"),
        "matched_bases": (
            "matched to training",
            "Test sequences with 31 letters that training has, too",
        ),
        "accuracy": ("accuracy", "Sequences that are classified rightly"),
        "balanced_accuracy": ("balanced accuracy", "Mean over classes of recall"),
        "macro_f1": ("macro F1", "Mean over classes of F1"),
        "decoding": ("calls by", "How classes are called from probabilities"),
        "chance_accuracy": ("chance", "Matches of random classes"),
        "p_chance": ("p, chance", "Against random classes"),
        "predict_bases_per_second": ("predic-tion speed", "Bases read per second"),
    }
    return {
        name: replace(_COLUMNS[name], heading=heading, meaning=meaning)
        for name, (heading, meaning) in changed.items()
    }


def _columns_of_steps() -> dict[str, Column]:
    """Return the columns that are called otherwise of numeric series."""
    changed = {
        "test_bases": ("test steps", "Steps of the test split with a known number behind them"),
        "accuracy": ("direc-tion", "Steps of which it is told rightly whether the series falls"),
        "auroc": ("AUROC", "Area under the ROC curve of rising and falling"),
        "rmse": ("RMSE", "Root mean squared error of the next number, in its unit"),
    }
    return {
        name: replace(_COLUMNS[name], heading=heading, meaning=meaning)
        for name, (heading, meaning) in changed.items()
    }


#: Whose p-value a column is.
_NULL_OF = {"p_chance": "uniform", "p_shift": "shift", "p_resimulated": "resimulated"}


def comparison_view(dataset: DatasetResult, data: ReportData) -> dict[str, Any]:
    """Return the filled columns of the comparison; what all rows share goes into the caption.

    Returns
    -------
    dict
        `columns`, each with `name`, what `Column` has, and whether it is `extra`, left out at
        first; `rows` of cells with `text`, `value` (what is sorted by), `interval` (text) and
        `numeric`; `shared`, texts; `left_out`, the number of extra columns.
    """
    rows = [row for row in data.comparison if row["dataset"] == dataset.name]
    of_classes = classifies(dataset.results[0].metrics)
    segmented = has_segments(dataset.results[0].metrics)
    words = counted(dataset.results[0].metrics)
    filled = [
        column
        for column in data.comparison_columns
        if column != "dataset"
        and (segmented or not column.removeprefix(UNMATCHED).startswith(_OF_SEGMENTS))
        and any(row[column] for row in rows)
        and not _is_end(column, data.comparison_columns)
    ]
    if not any(int(row.get("matched_bases") or 0) for row in rows):
        filled = [column for column in filled if not column.startswith(UNMATCHED)]
    if all(row.get("decoding") == "argmax" for row in rows):
        filled.remove("decoding")
    shared = [
        column for column in _SHARED if column in filled and len({row[column] for row in rows}) == 1
    ]
    filled = [column for column in filled if column not in shared]
    telling = TELLING + (_TELLING_OF_CLASSES if of_classes else ())
    if regresses(dataset.results[0].metrics):
        telling = _TELLING_OF_NUMBERS
    extra = {column for column in filled if column not in telling}
    if len({row["tagger"] for row in rows}) == len(rows):
        extra |= {"seed"} & set(filled)
    known = {column: _column(column, words) for column in (*filled, *shared)}
    results = {(result.tagger, str(result.seed)): result for result in dataset.results}
    table = []
    for row in rows:
        chance = results[row["tagger"], row["seed"]].metrics["chance"]
        cells = []
        for column in filled:
            value = row[column]
            text = known[column].text(value) if value else ""
            if column in _NULL_OF and value:
                text = str(chance[_NULL_OF[column]]["p_text"])
            cells.append(
                {
                    "text": text,
                    "value": value,
                    "interval": _interval(row, column, known[column].text),
                    "numeric": known[column].text is not _text,
                    "extra": column in extra,
                }
            )
        table.append(cells)
    return {
        "columns": [
            {"name": column, "extra": column in extra, **vars(known[column])} for column in filled
        ],
        "rows": table,
        "left_out": len(extra),
        "shared": [
            f"{known[column].heading} {known[column].text(rows[0][column])}"
            f"{' ' + known[column].unit if known[column].unit else ''}"
            for column in shared
        ],
    }


def _column(name: str, words: Counted) -> Column:
    """Return what a column is called and means; of unmatched bases and heads, as that of all is."""
    changed: dict[str, Column] = {}
    if words is STEPS:
        changed = _columns_of_steps()
    elif words is SEQUENCES:
        changed = _columns_of_classes()
    known = _COLUMNS | changed
    figure, _, head = name.partition(".")
    if head:
        own = known.get(figure, Column("majority", "%", "Matches of the commonest state", _percent))
        meaning = f"{own.meaning}, of the head {head}"
        return replace(own, heading=f"{own.heading}, {head}", meaning=meaning)
    own = known.get(name.removeprefix(UNMATCHED), Column(name.replace("_", " "), "", "", _plain))
    if name in _COLUMNS or not name.startswith(UNMATCHED):
        return own
    meaning = f"{own.meaning}, of test {words.many} that training does not have"
    return replace(own, heading=f"{own.heading}, unmatched", meaning=meaning)


def _is_end(column: str, columns: Sequence[str]) -> bool:
    """Tell whether a column holds an end of the interval of another one."""
    figure, _, end = column.rpartition("_")
    return end in ("low", "high") and {figure, f"{figure}_low", f"{figure}_high"} <= set(columns)


def _interval(row: Mapping[str, str], column: str, text: Callable[[str], str]) -> str:
    ends = [row.get(f"{column}_{end}", "") for end in ("low", "high")]
    if not all(ends):
        return ""
    # A narrow column may break it beside "to", never within a number.
    return " to ".join(text(end).replace(" ", "\N{NO-BREAK SPACE}") for end in ends)
