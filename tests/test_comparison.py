"""The comparison: one row for each tagger, from its own files."""

from __future__ import annotations

import csv
import json

import pytest

from basetag.errors import InputError
from basetag.judgement.comparison import (
    COLUMNS,
    comparison_row,
    write_comparison,
    write_differences,
)
from tests.test_differences import sums_of


def figure(value, low=None, high=None):
    return {"value": value, "low": low, "high": high}


METRICS = {
    "dataset": "toy",
    "tagger": "gru",
    "seed": 1,
    "kind": "network",
    "decoding": "viterbi, runs of at least 50 bases",
    "parameters": 1234,
    "learnt_labels": 9600000,
    "test": {"bases": 1200000, "segments": 2400, "matched_bases": 0},
    "unmatched": {"same": True},
    "next_token": None,
    "regression": None,
    "validation": {"bases": 200000, "cross_entropy": 0.6681234},
    "units": {"count": 1000, "kind": "group", "bases": 1200.0, "correlation_length": 1.25},
    "accuracy": figure(0.598, 0.59, 0.6),
    "balanced_accuracy": figure(0.58, 0.57, 0.59),
    "macro_f1": figure(1 / 3),
    "mcc": figure(-0.1, -0.2, 0.0),
    "cross_entropy": figure(0.6671234, 0.66, 0.67),
    "brier": figure(0.47),
    "ece": figure(0.002, 0.0, 0.004),
    "kl_exact": figure(1.5e-5),
    "kl_filtered": None,
    "attained": figure(0.99),
    "attained_filtered": None,
    "auroc": figure(0.61, 0.6, 0.62),
    "auprc": figure(0.55),
    "calibration": {
        "temperature": 1.02,
        "cross_entropy": figure(0.667, 0.66, 0.67),
        "ece": figure(0.001),
    },
    "segments": {
        "f1": figure(0.25, 0.24, 0.26),
        "precision": figure(0.2),
        "recall": figure(0.3),
        "overlap": {"sov": figure(0.7, 0.6, 0.8)},
        "per_mb": {"true": figure(450.0), "called": figure(90.5, 80.0, 100.0)},
        "boundaries": {"f1": [figure(0.125), figure(0.5, 0.4, 0.6), figure(0.75), figure(1.0)]},
    },
    "chance": {
        "uniform": {"accuracy": 0.5, "p": 1 / 1001},
        "frequencies": {"accuracy": 0.51, "p": 2 / 1001},
        "shift": {"accuracy": 0.52, "p": 3 / 1001, "effective_sample_size": 893252.25},
        "resimulated": {"accuracy": 0.5, "p": 0.005, "effective_sample_size": 1136337.5},
    },
    "controls": {
        "homogeneous": {"per_mb": {"value": 12300.5, "low": 12e3, "high": 13e3}, "flagged": True},
        "shuffled": {"per_mb": {"value": 10400, "low": 10e3, "high": 11e3}, "flagged": False},
    },
}
TIMING = {
    "train_seconds": 61.5,
    "train_bases_per_second": 195121.951,
    "device": "CPU, 1 thread",
    "peak_memory_bytes": 512_345_678,
    "peak_gpu_memory_bytes": None,
}
PREDICT = {
    "predict_seconds": 0.5,
    "predict_bases_per_second": 2400000.0,
    "peak_memory_bytes": 700_000_000,
    "peak_gpu_memory_bytes": 1_500_000,
}


def saved(path, content):
    path.write_text(json.dumps(content))
    return path


def test_the_table_begins_with_the_agreed_columns_in_order(tmp_path):
    write_comparison(tmp_path / "comparison.tsv", [])
    (header,) = (tmp_path / "comparison.tsv").read_text().splitlines()
    assert header.startswith(
        "dataset\ttagger\tseed\tkind\tdecoding\tparameters\ttest_bases\taccuracy\tbalanced_accuracy\t"
        "macro_f1\tmcc\tcross_entropy\tbrier\tece\tkl_exact\tattained\tattained_filtered\t"
        "segment_f1\tchance_accuracy\tp_chance\tp_shift\tp_resimulated\teffective_sample_size\t"
        "false_segments_per_mb_homogeneous\tfalse_segments_per_mb_shuffled\tflagged\t"
        "train_seconds\ttrain_bases_per_second\t"
        "predict_bases_per_second\ttrain_peak_mb\ttrain_peak_gpu_mb\tpredict_peak_mb\t"
        "predict_peak_gpu_mb\tdevice\t"
    )
    columns = header.split("\t")
    assert tuple(columns) == COLUMNS
    assert len(set(columns)) == len(columns)


def test_a_row_holds_the_figures_of_its_files(tmp_path):
    files = [
        saved(tmp_path / f"{name}.json", content)
        for name, content in (("metrics", METRICS), ("timing", TIMING), ("predict", PREDICT))
    ]
    write_comparison(tmp_path / "comparison.tsv", [tuple(files), (files[0], None, None)])
    with (tmp_path / "comparison.tsv").open() as file:
        first, second = csv.DictReader(file, delimiter="\t")
    expected = {
        "dataset": "toy",
        "tagger": "gru",
        "seed": "1",
        "kind": "network",
        "decoding": "viterbi, runs of at least 50 bases",
        "parameters": "1234",
        "learnt_labels": "9600000",
        "test_bases": "1200000",
        "accuracy": "0.598",
        "balanced_accuracy": "0.58",
        "macro_f1": "0.3333333333",
        "mcc": "-0.1",
        "cross_entropy": "0.6671234",
        "brier": "0.47",
        "ece": "0.002",
        "kl_exact": "1.5e-05",
        "attained": "0.99",
        "attained_filtered": "",
        "segment_f1": "0.25",
        "chance_accuracy": "0.5",
        "p_chance": "0.000999000999",
        "p_shift": "0.002997002997",
        "p_resimulated": "0.005",
        "effective_sample_size": "893252.25",
        "false_segments_per_mb_homogeneous": "12300.5",
        "false_segments_per_mb_shuffled": "10400",
        "flagged": "homogeneous",
        "train_seconds": "61.5",
        "train_bases_per_second": "195121.951",
        "predict_bases_per_second": "2400000",
        "segment_precision": "0.2",
        "sov": "0.7",
        "sov_low": "0.6",
        "boundary_f1_within_0": "0.125",
        "boundary_f1_within_10": "0.5",
        "segments_per_mb": "90.5",
        "true_segments_per_mb": "450",
        "auroc": "0.61",
        "kl_filtered": "",
        "temperature": "1.02",
        "scaled_cross_entropy": "0.667",
        "validation_cross_entropy": "0.6681234",
        "units": "1000",
        "units_kind": "group",
        "correlation_length": "1.25",
        "accuracy_low": "0.59",
        "accuracy_high": "0.6",
        "macro_f1_low": "",
        "segment_f1_high": "0.26",
        "boundary_f1_within_10_low": "0.4",
        "train_peak_mb": "512.3",
        "train_peak_gpu_mb": "",
        "predict_peak_mb": "700",
        "predict_peak_gpu_mb": "1.5",
        "device": "CPU, 1 thread",
    }
    assert {name: first[name] for name in expected} == expected
    clock = {"train_seconds", "train_bases_per_second", "predict_bases_per_second"}
    clock |= {"train_peak_mb", "predict_peak_mb", "predict_peak_gpu_mb", "device"}
    assert second == {key: "" if key in clock else value for key, value in first.items()}


def test_rows_stand_in_the_order_given(tmp_path):
    files = [saved(tmp_path / f"{n}.json", METRICS | {"tagger": n}) for n in ("b", "a", "c")]
    write_comparison(tmp_path / "comparison.tsv", [(file, None, None) for file in files])
    lines = (tmp_path / "comparison.tsv").read_text().splitlines()
    assert [line.split("\t")[1] for line in lines[1:]] == ["b", "a", "c"]


def test_means_over_seeds_stand_beside_each_of_them_and_not_beside_a_single_one(tmp_path):
    contents = [METRICS | {"seed": seed, "accuracy": figure(0.5 + seed / 10)} for seed in (1, 2)]
    contents.append(METRICS | {"tagger": "majority", "seed": 0})
    files = [saved(tmp_path / f"{i}.json", content) for i, content in enumerate(contents)]
    write_comparison(tmp_path / "comparison.tsv", [(file, None, None) for file in files])
    with (tmp_path / "comparison.tsv").open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    assert [row["accuracy_seed_mean"] for row in rows] == ["0.65", "0.65", ""]
    assert [row["attained_filtered_seed_mean"] for row in rows] == ["", "", ""]


def test_what_does_not_apply_is_none():
    bare = METRICS | {"calibration": None, "auroc": None}
    assert comparison_row(bare, {}, {})["temperature"] is None
    assert comparison_row(bare, {}, {})["auroc_low"] is None
    row = comparison_row(METRICS, {}, {})
    assert tuple(row) == COLUMNS
    assert row["attained_filtered"] is row["kl_filtered_low"] is row["train_seconds"] is None


@pytest.mark.parametrize("task", ["classify", "regress", "next_token", "next_value"])
def test_what_has_no_segments_has_no_figures_of_them(task):
    row = comparison_row(METRICS | {"task": task}, {}, {})
    assert row["accuracy"] == METRICS["accuracy"]["value"]
    for name in ("segment_f1", "segments_per_mb", "sov", "boundary_f1_within_10"):
        assert row[name] is None


def test_a_null_that_says_nothing_leaves_its_columns_empty():
    shift = {"accuracy": 0.5, "p": None, "effective_sample_size": None}
    chance = METRICS["chance"] | {"shift": shift, "resimulated": None}
    row = comparison_row(METRICS | {"chance": chance}, {}, {})
    assert row["p_shift"] is row["p_resimulated"] is row["effective_sample_size"] is None
    assert row["p_chance"] == 1 / 1001


def test_a_file_that_is_no_json_is_named(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("{")
    with pytest.raises(InputError, match=r"metrics\.json: cannot be read as JSON"):
        write_comparison(tmp_path / "comparison.tsv", [(path, None, None)])
    assert not (tmp_path / "comparison.tsv").exists()


@pytest.mark.parametrize("controls", [None, {"homogeneous": None, "shuffled": None}])
def test_without_controls_their_columns_are_empty(tmp_path, controls):
    file = saved(tmp_path / "metrics.json", METRICS | {"controls": controls})
    write_comparison(tmp_path / "comparison.tsv", [(file, None, None)])
    with (tmp_path / "comparison.tsv").open() as table:
        (row,) = csv.DictReader(table, delimiter="\t")
    names = ("false_segments_per_mb_homogeneous", "false_segments_per_mb_shuffled", "flagged")
    assert [row[name] for name in names] == ["", "", ""]


def test_differences_and_variance_are_read_from_the_files_of_all_taggers(tmp_path):
    files = []
    for number, tagger in enumerate(("gru", "exact")):
        metrics = METRICS | {"tagger": tagger, "seed": number}
        sums_of(number).write(tmp_path / f"{tagger}.npz")
        files.append((saved(tmp_path / f"{tagger}.json", metrics), tmp_path / f"{tagger}.npz"))
    paths = tmp_path / "differences.tsv", tmp_path / "variance.tsv"
    write_differences(*paths, files, [["toy"]], seed=1)
    tables = [list(csv.DictReader(path.open(), delimiter="\t")) for path in paths]
    assert [row["measure"] for row in tables[0]] == ["accuracy", "cross_entropy", "segment_f1"]
    assert {(row["tagger"], row["other"], row["units"]) for row in tables[0]} == {
        ("gru", "exact", "60")
    }
    low, value, high = (float(tables[0][0][key]) for key in ("low", "difference", "high"))
    assert low < value < high
    assert [row["tagger"] for row in tables[1]] == ["gru"] * 3 + ["exact"] * 3
    assert {(row["datasets"], row["data"], row["initialisation"]) for row in tables[1]} == {
        ("toy", "", "")
    }
    assert all(float(row["test_sampling"]) > 0 for row in tables[1])
