"""The table that compares all taggers: comparison.tsv, a row for each.

Made from the taggers' metrics.json alone, and from what a clock said of training and prediction;
nothing is computed here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from basetag.errors import InputError
from basetag.files import written_whole

#: The columns of comparison.tsv.
COLUMNS = (
    "dataset",
    "tagger",
    "seed",
    "kind",
    "decoding",
    "parameters",
    "test_bases",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "mcc",
    "cross_entropy",
    "brier",
    "ece",
    "kl_exact",
    "attained",
    "attained_filtered",
    "segment_f1",
    "chance_accuracy",
    "p_chance",
    "p_shift",
    "train_seconds",
    "train_bases_per_second",
    "predict_bases_per_second",
    "train_peak_mb",
    "train_peak_gpu_mb",
    "predict_peak_mb",
    "predict_peak_gpu_mb",
    "device",
)

AnyPath = str | os.PathLike[str]


def comparison_row(
    metrics: dict[str, Any], timing: dict[str, Any], predict_timing: dict[str, Any]
) -> dict[str, Any]:
    """Return a tagger's row of the comparison; None where a column does not apply.

    Parameters
    ----------
    metrics, timing, predict_timing : dict
        The content of metrics.json, timing.json and predict_timing.json; an empty dict where
        there is no such file.
    """

    def value(figure: str) -> float | None:
        found: dict[str, float] | None = metrics[figure]
        return None if found is None else found["value"]

    row = dict.fromkeys(COLUMNS)
    told = ("dataset", "tagger", "seed", "kind", "decoding", "parameters")
    row |= {name: metrics[name] for name in told}
    row["test_bases"] = metrics["test"]["bases"]
    row |= {
        name: metrics[name] for name in ("balanced_accuracy", "macro_f1", "mcc", "brier", "ece")
    }
    row |= {
        name: value(name)
        for name in ("accuracy", "cross_entropy", "kl_exact", "attained", "attained_filtered")
    }
    row["chance_accuracy"] = metrics["chance"]["accuracy"]
    row["p_chance"] = metrics["chance"]["p"]
    row["train_seconds"] = timing.get("train_seconds")
    row["train_bases_per_second"] = timing.get("train_bases_per_second")
    row["predict_bases_per_second"] = predict_timing.get("predict_bases_per_second")
    for stage, clock in (("train", timing), ("predict", predict_timing)):
        row[f"{stage}_peak_mb"] = _megabytes(clock.get("peak_memory_bytes"))
        row[f"{stage}_peak_gpu_mb"] = _megabytes(clock.get("peak_gpu_memory_bytes"))
    row["device"] = timing.get("device")
    return row


def write_comparison(
    path: AnyPath,
    taggers: Iterable[tuple[AnyPath, AnyPath | None, AnyPath | None]],
) -> None:
    """Write comparison.tsv: a row for each tagger, in the order given.

    Parameters
    ----------
    path : path-like
        The target.
    taggers : iterable of (path-like, path-like or None, path-like or None)
        metrics.json, timing.json and predict_timing.json of each.
    """
    lines = ["\t".join(COLUMNS)]
    for files in taggers:
        contents = [_read_json(file) if file is not None else {} for file in files]
        row = comparison_row(*contents)
        lines.append("\t".join(_cell(row[column]) for column in COLUMNS))
    with written_whole(path) as (place,):
        place.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _read_json(path: AnyPath) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read as JSON ({error})", file=Path(path)) from None
    return dict(content)


def _megabytes(size: int | None) -> float | None:
    return None if size is None else round(size / 1e6, 1)


def _cell(value: Any) -> str:
    """Return a number with ten digits, a text as it is, nothing for None."""
    if value is None:
        return ""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
