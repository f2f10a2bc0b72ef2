"""What the report shows: every result file read, and every figure held against its counts.

This module reads and checks; it computes no measure of its own except from stored counts, and
only to see that the stored figure is the same. A figure that its counts do not give stops the
report, because a page that contradicts itself is worse than none. How things look and what is
said about them is the business of `charts`, `wording` and `report`.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.errors import InputError
from basetag.judgement.chance import binomial_log10_tail
from basetag.judgement.figure_places import FIGURES, NUMBERS, found_at
from basetag.report.annotation_data import Annotation, read_annotation
from basetag.report.difference_identities import check_differences
from basetag.report.measure_identities import check_measures
from basetag.report.region_data import ShownRegion, read_regions

#: Label of a base that nobody labelled: never a class, never scored.
UNLABELLED = 255

#: What a run records of itself: heading to a line, to lines of code, or to a table.
Provenance = Mapping[str, str | Sequence[str] | Mapping[str, str]]

# A sum over 1e9 bases in another order moves the last digits of a float64 by about this much.
_JSON_TOLERANCE = 1e-9
# Tables may be written with six significant digits.
_TABLE_TOLERANCE = 5e-6


@dataclass(frozen=True)
class Tracks:
    """The records that the report shows, with one tagger's posterior and calls on them.

    Parameters
    ----------
    names : list of str
        Name of the record that each piece comes from.
    starts : list of int
        Position of the first base of each piece in its record, from 0.
    sequences : list of str
        The bases of each piece.
    labels : list of ndarray of uint8, (length,)
        Index of the true state of each base; 255 where there is none.
    posteriors : list of ndarray of float32, (length, states)
        Probability of each state.
    calls : list of ndarray of uint8, (length,)
        Index of the called state.
    hidden : list of ndarray of float32, (length, units), or None
        What the head of a network reads of each base; None where there is nothing.
    """

    names: list[str]
    starts: list[int]
    sequences: list[str]
    labels: list[NDArray[np.uint8]]
    posteriors: list[NDArray[np.float32]]
    calls: list[NDArray[np.uint8]]
    hidden: list[NDArray[np.float32]] | None = None


@dataclass(frozen=True)
class TaggerResult:
    """One tagger on one dataset: its metrics.json, its loss history, its tracks."""

    metrics: dict[str, Any]
    history: list[dict[str, float]] = field(default_factory=list)
    tracks: Tracks | None = None

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return str(self.metrics["dataset"])

    @property
    def tagger(self) -> str:
        """Name of the tagger in the config."""
        return str(self.metrics["tagger"])

    @property
    def seed(self) -> int:
        """Seed of the training; 0 for a deterministic baseline."""
        return int(self.metrics["seed"])

    @property
    def key(self) -> tuple[str, str, int]:
        """Dataset, tagger, seed: what makes a result unique."""
        return self.dataset, self.tagger, self.seed


@dataclass(frozen=True)
class DatasetResult:
    """All taggers on one dataset, in the order of the comparison."""

    name: str
    results: list[TaggerResult]

    @property
    def states(self) -> list[str]:
        """Letters of the states, in state order."""
        return list(self.results[0].metrics["states"])

    @property
    def state_names(self) -> dict[str, str]:
        """Letter of each state to its meaning."""
        return dict(self.results[0].metrics["state_names"])

    def reference(self, of: str) -> TaggerResult | None:
        """Return the result that *is* the `exact` or `filtered` posterior, where it was run.

        It is known by its numbers: an HMM whose KL from that posterior is 0 (where two are, the
        one so named).
        """
        same = [
            result
            for result in self.results
            if result.metrics["kind"] == "hmm"
            and result.metrics[f"kl_{of}"] is not None
            and abs(result.metrics[f"kl_{of}"]["value"]) < 1e-9
        ]
        return min(same, key=lambda result: result.tagger != of, default=None)

    def ceiling(self, of: str) -> dict[str, float] | None:
        """Return accuracy and cross-entropy of the `exact` or `filtered` posterior, if known."""
        for result in self.results:
            stored = result.metrics["ceiling"]
            if stored is not None and stored["of"] == of:
                return {key: float(stored[key]) for key in ("accuracy", "cross_entropy")}
        result_itself = self.reference(of)
        if result_itself is None:
            return None
        return {
            key: float(result_itself.metrics[key]["value"]) for key in ("accuracy", "cross_entropy")
        }

    @property
    def prior_cross_entropy(self) -> float | None:
        """Cross-entropy of the constant tagger nearest the labels (nats), if one was run."""
        constants = [
            float(result.metrics["cross_entropy"]["value"])
            for result in self.results
            if result.metrics["kind"] == "constant"
        ]
        return min(constants, default=None)


@dataclass(frozen=True)
class Axis:
    """What a sweep varies.

    Parameters
    ----------
    column : str
        Its column in the rows: `key` behind "dataset." or "tagger.".
    key : str
        The key of the config below the dataset or tagger, its parts joined by dots.
    of_dataset : bool
        Whether datasets vary it, and not taggers.
    unit : str
        Unit of its values; "" where they have none.
    values : list of str
        Its values as they stand in the rows, in the order of the config.
    """

    column: str
    key: str
    of_dataset: bool
    unit: str
    values: list[str]

    @property
    def numeric(self) -> bool:
        """Whether every value is a number."""
        try:
            return all(math.isfinite(float(value)) for value in self.values)
        except ValueError:
            return False


@dataclass(frozen=True)
class SweepResult:
    """The table of a sweep: a row for each of its datasets, taggers and seeds.

    Parameters
    ----------
    name : str
        Its name in the config.
    axes : list of Axis
        What is varied, datasets' first.
    rows : list of dict
        The columns of the comparison, `dataset_base` and `tagger_base` (what was varied), and a
        column for each axis, empty where the row's dataset or tagger does not vary it.
    """

    name: str
    axes: list[Axis]
    rows: list[dict[str, str]]


@dataclass(frozen=True)
class ReportData:
    """Everything on the page."""

    datasets: list[DatasetResult]
    comparison_columns: list[str]
    comparison: list[dict[str, str]]
    annotations: list[Annotation]
    agreements: list[dict[str, str]]
    regions: list[ShownRegion]
    provenance: Provenance
    config_text: str
    sweeps: list[SweepResult] = field(default_factory=list)
    differences: list[dict[str, str]] = field(default_factory=list)
    variances: list[dict[str, str]] = field(default_factory=list)


def read_report_data(
    comparison_path: str | Path,
    metrics_paths: Iterable[str | Path],
    *,
    history_paths: Iterable[str | Path] = (),
    tracks_paths: Iterable[str | Path] = (),
    annotation_folders: Iterable[str | Path] = (),
    agreement_paths: Iterable[str | Path] = (),
    region_paths: Iterable[str | Path] = (),
    alphabets: Mapping[str, str] | None = None,
    sweep_paths: Iterable[str | Path] = (),
    sweep_units: Mapping[str, Mapping[str, str]] | None = None,
    differences_path: str | Path | None = None,
    variance_path: str | Path | None = None,
    provenance: Provenance,
    config_text: str,
) -> ReportData:
    """Read the result files of a run and check them against each other.

    Parameters
    ----------
    comparison_path : path
        comparison.tsv; its order is the order of the page.
    metrics_paths : paths
        metrics.json of every tagger; each says in itself whose it is.
    history_paths, tracks_paths : paths
        ``…/{dataset}/{tagger}/seed{seed}/history.tsv`` and ``tracks.npz``; the folders say whose.
    annotation_folders : paths
        ``…/{genome}/{dataset}/{tagger}/seed{seed}``, each with the files of an annotation.
    agreement_paths : paths
        agreement.tsv of each genome.
    region_paths : paths
        regions.npz of each genome.
    alphabets : mapping of str to str, optional
        Dataset to the name of its alphabet; `dna` for those left out.
    sweep_paths : paths
        ``…/{sweep}.tsv`` of each sweep.
    sweep_units : mapping of str to mapping, optional
        Sweep to axis, as its column is called, to unit.
    differences_path, variance_path : path, optional
        differences.tsv, how taggers differ, and variance.tsv, where variance comes from.
    provenance : mapping
        Heading to a line of text, lines of code, or a table of names and values.
    config_text : str
        The config of the run, as YAML.

    Raises
    ------
    InputError
        For a file that cannot be read, a row without its file, or a figure that its own counts
        or the comparison contradict.
    """
    metrics: dict[tuple[str, str, int], dict[str, Any]] = {}
    for path in map(Path, metrics_paths):
        read = _read_metrics(path)
        key = (str(read["dataset"]), str(read["tagger"]), int(read["seed"]))
        if key in metrics:
            raise InputError(f"a second file for {'/'.join(map(str, key))}", file=path)
        check_identities(read, path)
        metrics[key] = read
    histories = {_owner(path): _read_history(Path(path)) for path in history_paths}
    names = alphabets or {}
    tracks = {
        _owner(path): _read_tracks(Path(path), Alphabet.named(names.get(_owner(path)[0], "dna")))
        for path in tracks_paths
    }
    columns, rows = _read_table(Path(comparison_path))
    datasets: dict[str, list[TaggerResult]] = {}
    for number, row in enumerate(rows, start=2):
        key = (row["dataset"], row["tagger"], int(row["seed"]))
        if key not in metrics:
            raise InputError(
                f"no metrics.json was given for {'/'.join(map(str, key))}",
                file=comparison_path,
                line=number,
            )
        _check_row(row, metrics[key], Path(comparison_path), number)
        result = TaggerResult(metrics[key], histories.get(key, []), tracks.get(key))
        datasets.setdefault(key[0], []).append(result)
    missing = metrics.keys() - {result.key for group in datasets.values() for result in group}
    if missing:
        raise InputError(
            f"no row for {', '.join('/'.join(map(str, key)) for key in sorted(missing))}",
            file=comparison_path,
        )
    differences = _read_table(Path(differences_path))[1] if differences_path else []
    if differences_path:
        check_differences(differences, metrics, Path(differences_path))
    return ReportData(
        datasets=[DatasetResult(name, results) for name, results in datasets.items()],
        comparison_columns=columns,
        comparison=rows,
        annotations=[read_annotation(Path(folder)) for folder in annotation_folders],
        agreements=[row for path in agreement_paths for row in _read_table(Path(path))[1]],
        regions=[region for path in region_paths for region in read_regions(Path(path))],
        provenance=provenance,
        config_text=config_text,
        sweeps=[_read_sweep(Path(path), sweep_units or {}) for path in sweep_paths],
        differences=differences,
        variances=_read_table(Path(variance_path))[1] if variance_path else [],
    )


def check_identities(metrics: Mapping[str, Any], path: str | Path) -> None:
    """Recompute each figure of a metrics.json that its own counts and sums determine.

    Raises
    ------
    InputError
        At the first figure that differs from what the counts give.
    """

    def check(name: str, stored: float, recomputed: float) -> None:
        if not math.isclose(stored, recomputed, rel_tol=_JSON_TOLERANCE, abs_tol=_JSON_TOLERANCE):
            raise InputError(
                f"{name} is {stored!r}, and the counts beside it give {recomputed!r}",
                file=path,
                advice="the file is damaged or was edited: delete it and run again",
            )

    confusion = np.array(metrics["confusion"], dtype=np.int64)  # (states, states)
    bases = int(metrics["test"]["bases"])
    matches = int(np.trace(confusion))
    sums = metrics["sums"]
    check("the sum of the confusion matrix", int(confusion.sum()), bases)
    for state, count, row in zip(
        metrics["states"], metrics["label_counts"], confusion.sum(axis=1), strict=True
    ):
        check(f"the label count of {state}", count, int(row))
    check("accuracy", metrics["accuracy"]["value"], matches / bases)
    check("cross_entropy", metrics["cross_entropy"]["value"], sums["cross_entropy"] / bases)
    check("brier", metrics["brier"]["value"], sums["brier"] / bases)
    check("mcc", metrics["mcc"]["value"], _matthews(confusion))
    check_measures(metrics, check)
    for of, attained in (("exact", "attained"), ("filtered", "attained_filtered")):
        if metrics[f"kl_{of}"] is not None:
            check(f"kl_{of}", metrics[f"kl_{of}"]["value"], sums[f"kl_{of}"] / bases)
        if metrics[attained] is not None:
            share = 1 - sums[f"kl_{of}"] / sums[f"kl_{of}_prior"]
            check(attained, metrics[attained]["value"], share)
    shares = confusion.sum(axis=1) / bases, confusion.sum(axis=0) / bases
    independent = {"uniform": 1 / len(confusion), "frequencies": float(shares[0] @ shares[1])}
    for name, null in metrics["chance"].items():
        if null is not None:
            check(f"observed_matches of the null {name}", null["observed_matches"], matches)
            check(f"length of the null {name}", null["length"], bases)
            _check_null(name, null, independent.get(name), check)
    for name, control in (metrics["controls"] or {}).items():
        if control is not None:
            _check_control(check, f"of the {name} control", control)


def _check_null(
    name: str,
    null: Mapping[str, Any],
    probability: float | None,
    check: Callable[[str, float, float], None],
) -> None:
    """Recompute what the other figures of a null distribution of matches determine.

    `probability` is that of a match where all bases are independent.
    """
    observed, mean, sd = (null[key] for key in ("observed_matches", "mean_matches", "sd_matches"))
    m, length = null["pairs"], null["length"]
    smallest = 1 / (m + 1)
    if null["log10_effective_shifts"] is not None:
        smallest = max(smallest, 10 ** -min(null["log10_effective_shifts"], 300))
    figures = {
        "accuracy": mean / length,
        "smallest_p": smallest,
        "p": max((null["at_least_observed"] + 1) / (m + 1), smallest),
        "z": (observed - mean) / sd if sd else math.nan,
        "effect": (observed - mean) / (length - mean) if mean < length else math.nan,
        "effective_sample_size": mean * (length - mean) / sd**2 if sd else math.nan,
    }
    if probability is not None:
        figures["accuracy"] = probability
    if null["binomial_log10_p"] is not None and probability is not None:
        figures["binomial_log10_p"] = binomial_log10_tail(observed, length, probability)
    check(f"the sum of the histogram of the null {name}", sum(null["counts"]), m)
    tested = not (null["too_short"] or null["constant"])
    check(f"the number of p-values of the null {name}", null["p"] is not None, tested)
    for figure, recomputed in figures.items():
        if null[figure] is not None:
            check(f"{figure} of the null {name}", null[figure], recomputed)


def _check_control(
    check: Callable[[str, float, float], None], where: str, control: Mapping[str, Any]
) -> None:
    """Recompute the figures of one negative control from its counts."""
    n, false = int(control["bases"]), int(control["false_segments"])
    rate = false / n * 1e6
    check(f"false_segments {where}", false, control["segments"] - control["records"])
    check(f"per_mb {where}", control["per_mb"]["value"], rate)
    check(f"the sum of the called bases {where}", sum(control["called"]), n)
    check(f"other_share {where}", control["other_share"], 1 - max(control["called"]) / n)
    if control["reference"] is not None:
        beside = control["reference_false_segments"] / n * 1e6
        check(f"reference_per_mb {where}", control["reference_per_mb"]["value"], beside)
        if control["ratio"] is not None and beside:
            check(f"ratio {where}", control["ratio"]["value"], rate / beside)
    above = control["ratio"] is not None and (control["ratio"]["low"] or 0) > 1
    check(f"flagged {where}", control["flagged"], above)


def _matthews(confusion: NDArray[np.int64]) -> float:
    """Matthews correlation of K classes (Gorodkin 2004), 0 where it is not defined."""
    counts = [[int(value) for value in row] for row in confusion]  # exact at any size
    n = sum(map(sum, counts))
    true = [sum(row) for row in counts]
    called = [sum(column) for column in zip(*counts, strict=True)]
    agreement = n * sum(counts[i][i] for i in range(len(counts))) - sum(
        a * b for a, b in zip(true, called, strict=True)
    )
    spread = (n * n - sum(a * a for a in called)) * (n * n - sum(a * a for a in true))
    return agreement / math.sqrt(spread) if spread else 0.0


def _check_row(row: Mapping[str, str], metrics: Mapping[str, Any], path: Path, line: int) -> None:
    """Raise InputError where a row of the comparison contradicts the tagger's metrics."""
    controls = (metrics["controls"] or {}).items()
    rates = {
        f"false_segments_per_mb_{name}": found["per_mb"]["value"]
        for name, found in controls
        if found
    }
    for column, text in row.items():
        name, _, end = column.rpartition("_")
        place = NUMBERS.get(column, (column,))
        if column in FIGURES:
            place = (*FIGURES[column], "value")
        elif name in FIGURES and end in ("low", "high"):
            place = (*FIGURES[name], end)
        value = found_at(metrics, place) if place[0] in metrics else rates.get(column)
        if not text or isinstance(value, str) or not isinstance(value, int | float):
            continue
        if not math.isclose(float(text), value, rel_tol=_TABLE_TOLERANCE, abs_tol=1e-12):
            raise InputError(
                f"{column} is {text}, and metrics.json of {row['dataset']}/{row['tagger']} "
                f"says {value!r}",
                file=path,
                line=line,
                advice="delete the table and run again",
            )


def _owner(path: str | Path) -> tuple[str, str, int]:
    """Return dataset, tagger and seed from ``…/{dataset}/{tagger}/seed{seed}/file``."""
    parts = Path(path).absolute().parts
    if len(parts) < 4 or not parts[-2].removeprefix("seed").isdigit():
        raise InputError("expected a path that ends in dataset/tagger/seed1/file", file=path)
    return parts[-4], parts[-3], int(parts[-2].removeprefix("seed"))


def _read_metrics(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read as JSON: {error}", file=path) from error
    if not isinstance(value, dict):
        raise InputError("expected a JSON object", file=path)
    return value


def _read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise InputError("the row has another number of fields", file=path, line=number)
    return list(reader.fieldnames or ()), rows


def _read_history(path: Path) -> list[dict[str, float]]:
    return [
        {column: float(text) if text else math.nan for column, text in row.items()}
        for row in _read_table(path)[1]
    ]


def _read_tracks(path: Path, alphabet: Alphabet) -> Tracks:
    with np.load(path, allow_pickle=False) as arrays:
        lengths = arrays["lengths"]
        cuts = np.cumsum(lengths)[:-1]
        hidden = arrays["hidden"].astype(np.float32) if "hidden" in arrays else None
        return Tracks(
            names=[str(name) for name in arrays["names"]],
            starts=[int(start) for start in arrays["segment_start"]],
            sequences=[alphabet.decode(piece) for piece in np.split(arrays["tokens"], cuts)],
            labels=np.split(arrays["labels"], cuts),
            posteriors=np.split(arrays["posterior"], cuts),
            calls=np.split(arrays["calls"], cuts),
            hidden=np.split(hidden, cuts) if hidden is not None and hidden.shape[1] else None,
        )


def _read_sweep(path: Path, units: Mapping[str, Mapping[str, str]]) -> SweepResult:
    columns, rows = _read_table(path)
    axes = []
    for column in columns:
        side, dot, key = column.partition(".")
        if not dot or side not in ("dataset", "tagger"):
            continue
        values = list(dict.fromkeys(row[column] for row in rows if row[column]))
        unit = units.get(path.stem, {}).get(column, "")
        axes.append(Axis(column, key, side == "dataset", unit, values))
    return SweepResult(path.stem, axes, rows)
