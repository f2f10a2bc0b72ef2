"""Every result file of a run read, and what they say held against each other."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.errors import InputError
from basetag.report.annotation_data import read_annotation
from basetag.report.data import (
    Axis,
    DatasetResult,
    Provenance,
    ReportData,
    SweepResult,
    TaggerResult,
    Tracks,
)
from basetag.report.difference_identities import check_differences, check_seed_means
from basetag.report.identities import check_identities, check_row
from basetag.report.preflight_identities import check_preflight
from basetag.report.region_data import read_regions


def read_report_data(
    comparison_path: str | Path,
    metrics_paths: Iterable[str | Path],
    *,
    history_paths: Iterable[str | Path] = (),
    tracks_paths: Iterable[str | Path] = (),
    annotation_folders: Iterable[str | Path] = (),
    agreement_paths: Iterable[str | Path] = (),
    region_paths: Iterable[str | Path] = (),
    sweep_paths: Iterable[str | Path] = (),
    sweep_units: Mapping[str, Mapping[str, str]] | None = None,
    differences_path: str | Path | None = None,
    variance_path: str | Path | None = None,
    preflight_path: str | Path | None = None,
    starts: Iterable[Mapping[str, Any]] = (),
    generated_paths: Iterable[str | Path] = (),
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
    sweep_paths : paths
        ``…/{sweep}.tsv`` of each sweep.
    sweep_units : mapping of str to mapping, optional
        Sweep to axis, as its column is called, to unit.
    differences_path, variance_path : path, optional
        differences.tsv, how taggers differ, and variance.tsv, where variance comes from.
    preflight_path : path, optional
        preflight.json, what was known before the run.
    starts : iterable of mapping
        Taggers that differ in the weights that they start from: `Config.starts`.
    generated_paths : paths
        The summary of each set of generated sequences.
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
        read = _read_json(path)
        key = (str(read["dataset"]), str(read["tagger"]), int(read["seed"]))
        if key in metrics:
            raise InputError(f"a second file for {'/'.join(map(str, key))}", file=path)
        check_identities(read, path)
        metrics[key] = read
    histories = {_owner(path): _read_history(Path(path)) for path in history_paths}
    tracks = {_owner(path): _read_tracks(Path(path)) for path in tracks_paths}
    columns, rows = _read_table(Path(comparison_path))
    check_seed_means(rows, Path(comparison_path))
    datasets: dict[str, list[TaggerResult]] = {}
    for number, row in enumerate(rows, start=2):
        key = (row["dataset"], row["tagger"], int(row["seed"]))
        if key not in metrics:
            raise InputError(
                f"no metrics.json was given for {'/'.join(map(str, key))}",
                file=comparison_path,
                line=number,
            )
        check_row(row, metrics[key], Path(comparison_path), number)
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
    preflight = None
    if preflight_path:
        preflight = _read_json(Path(preflight_path))
        check_preflight(preflight, preflight_path)
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
        preflight=preflight,
        starts=[dict(start) for start in starts],
        generated=[_read_json(Path(path)) for path in generated_paths],
    )


def _owner(path: str | Path) -> tuple[str, str, int]:
    """Return dataset, tagger and seed from ``…/{dataset}/{tagger}/seed{seed}/file``."""
    parts = Path(path).absolute().parts
    if len(parts) < 4 or not parts[-2].removeprefix("seed").isdigit():
        raise InputError("expected a path that ends in dataset/tagger/seed1/file", file=path)
    return parts[-4], parts[-3], int(parts[-2].removeprefix("seed"))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read as JSON: {error}", file=path) from error
    if not isinstance(value, dict):
        raise InputError("expected a JSON object", file=path)
    return value


def _read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t")
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


def _read_tracks(path: Path) -> Tracks:
    with np.load(path, allow_pickle=False) as arrays:
        alphabet = None if "words" in arrays else Alphabet.named(str(arrays["alphabet"]))
        cuts = np.cumsum(arrays["lengths"])[:-1]
        # What a sequence comes with is no letter of it: it is told with the name.
        before = 1 if alphabet is not None and alphabet.contexts else 0

        def parted(name: str) -> list[NDArray[Any]] | None:
            if name not in arrays:
                return None
            return [piece[before:] for piece in np.split(arrays[name], cuts)]

        names = [str(name) for name in arrays["names"]]
        known = {name: parted(name) or [] for name in ("tokens", "labels", "posterior", "calls")}
        if alphabet is None:
            sequences: list[Sequence[str]] = [piece.tolist() for piece in parted("words") or []]
            letters: Sequence[str] = arrays["put"].tolist()
        else:
            sequences = [alphabet.decode(piece) for piece in known["tokens"]]
            letters = alphabet.of_sequences
            if alphabet.contexts:
                first = arrays["tokens"][np.r_[0, cuts]] - len(alphabet.of_sequences)
                names = [
                    f"{name}, {alphabet.contexts[token]}"
                    for name, token in zip(names, first, strict=True)
                ]
        hidden = parted("hidden")
        return Tracks(
            names=names,
            starts=[int(start) for start in arrays["segment_start"]],
            sequences=sequences,
            labels=known["labels"],
            posteriors=known["posterior"],
            calls=known["calls"],
            hidden=[piece.astype(np.float32) for piece in hidden]
            if hidden is not None and arrays["hidden"].shape[1]
            else None,
            letters=letters,
            attention=parted("attention"),
            mutagenesis=parted("mutagenesis"),
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
