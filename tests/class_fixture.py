"""Result files of a dataset whose sequences have classes, as `report_fixture` makes those of bases.

Sequences with and without a motif at their beginning; the taggers are the truth with noise.
"""

from __future__ import annotations

import json

import numpy as np

from tests import report_fixture
from tests.report_fixture import COLUMNS, ResultFiles, _score, _write_differences, _write_table

CLASSES = {"H": "promoter", "L": "other"}
MOTIF = [0, 3, 2]  # ATG
N, LENGTH, SHOWN = 120, 25, 20
NETWORK = "bilstm"
LETTERS = "ACGT"


def _sequences(rng):
    """Return tokens, (N, LENGTH), and classes; the last shown sequence is longer than it looks."""
    labels = (rng.random(N) < 0.4).astype(np.uint8)
    tokens = rng.integers(0, 4, (N, LENGTH)).astype(np.uint8)
    tokens[labels == 0, :3] = MOTIF
    return tokens, labels


def _metrics(tagger, seed, posterior, best, prior, labels, rng):
    fresh = rng.integers(0, 2, (200, N)).astype(np.uint8)
    references = {"exact": best, "filtered": best}
    metrics = _score("motifs", tagger, seed, posterior, references, prior, labels, 1, fresh, rng)
    metrics |= {
        "learnt_labels": 100,
        "task": "classify",
        "state_names": CLASSES,
        "kind": {NETWORK: "network", "exact": "rule"}.get(tagger, "constant"),
        "controls": None,
        "kl_filtered": None,
        "attained_filtered": None,
        "excess": {"exact": metrics["excess"]["exact"]},
        "unmatched": {"same": True},
    }
    metrics["sums"] |= {"kl_filtered": None, "kl_filtered_prior": None}
    metrics["test"]["matched_bases"] = 0
    metrics["validation"]["references"].pop("filtered")
    metrics["chance"]["resimulated"] = None
    if metrics["network"] is not None:
        metrics["network"]["context"] = None
    return metrics


def write_class_results(folder, seeds=(1, 2), other=None) -> ResultFiles:
    """Write result files of the dataset `motifs` under `folder`, beside those of `other`."""
    rng = np.random.default_rng(11)
    tokens, labels = _sequences(rng)
    sure = 1 / (1 + np.exp(-(1.5 - 3.0 * labels + rng.standard_normal(N))))
    best = np.stack([sure, 1 - sure], axis=1)
    prior = np.bincount(labels, minlength=2) / N
    posteriors = {
        NETWORK: report_fixture._noisy(best, 0.6, rng),
        "exact": best,
        "majority": np.broadcast_to(prior, best.shape),
    }
    tables = folder / "differences.tsv", folder / "variance.tsv"
    files = ResultFiles(folder / "comparison.tsv", [], [], [], [], [], [], *tables)
    rows = []
    if other is not None:
        more, paths = report_fixture._write_dataset(
            folder, other, 12, (2, 240), (1,), np.random.default_rng(7), False
        )
        rows += more
        files.metrics.extend(paths["metrics"])
        files.histories.extend(paths["histories"])
        files.tracks.extend(paths["tracks"])
    for tagger, posterior in posteriors.items():
        for seed in seeds if tagger == NETWORK else (0,):
            place = folder / "motifs" / tagger / f"seed{seed}"
            place.mkdir(parents=True)
            metrics = _metrics(tagger, seed, posterior, best, prior, labels, rng)
            (place / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
            files.metrics.append(place / "metrics.json")
            files.tracks.append(place / "tracks.npz")
            at_each = np.repeat(np.arange(SHOWN), LENGTH)
            effects = {}
            if tagger == NETWORK:
                weights = np.full((SHOWN, LENGTH), np.nan, np.float32)
                weights[:3] = 0.3 / (LENGTH - 1)
                weights[:3, 1] = 0.7
                changes = np.full((SHOWN, LENGTH, 4, 2), np.nan, np.float32)
                changes[:3] = 0.01
                changes[0, 2, :, 0], changes[0, 2, :, 1] = -4.25, 4.25
                effects = {"attention": weights.ravel(), "mutagenesis": changes.reshape(-1, 4, 2)}
                _write_table(
                    place / "history.tsv",
                    ("step", "train_loss", "validation_loss", "bases", "learning_rate"),
                    [(s, 0.7 / s, 0.75 / s + 0.01, 1000 * s, 0.01) for s in range(1, 6)],
                )
                files.histories.append(place / "history.tsv")
            np.savez(
                place / "tracks.npz",
                alphabet=np.array("dna"),
                names=np.array([f"s{i + 1}" for i in range(SHOWN)]),
                segment_start=np.zeros(SHOWN, dtype=np.int64),
                lengths=np.full(SHOWN, LENGTH, dtype=np.int64),
                tokens=tokens[:SHOWN].ravel(),
                labels=labels[at_each],
                posterior=posterior[at_each].astype(np.float32),
                calls=posterior.argmax(axis=1).astype(np.uint8)[at_each],
                **effects,
            )
            values = {
                "dataset": "motifs", "tagger": tagger, "seed": seed, "test_bases": N,
                "matched_bases": 0, "chance_accuracy": 0.5, "train_seconds": 3.0,
                "p_chance": metrics["chance"]["uniform"]["p"],
                "p_shift": metrics["chance"]["shift"]["p"],
                "effective_sample_size": metrics["chance"]["shift"]["effective_sample_size"],
                "predict_bases_per_second": 1e6,
            }  # fmt: skip
            figures = metrics | {"unmatched_accuracy": metrics["accuracy"]}
            for column in COLUMNS:
                name, _, end = column.rpartition("_")
                if column not in values and column in figures:
                    figure = figures[column]
                    values[column] = figure["value"] if isinstance(figure, dict) else figure
                elif end in ("low", "high") and figures.get(name) is not None:
                    values[column] = figures[name][end]
            rows.append([values.get(column) for column in COLUMNS])
    _write_table(files.comparison, COLUMNS, rows)
    _write_differences(files)
    files.preflight.write_text(json.dumps(report_fixture.PREFLIGHT))
    return files
