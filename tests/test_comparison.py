"""The comparison: one row for each tagger, from its own files."""

from __future__ import annotations

import csv
import json

import pytest

from basetag.errors import InputError
from basetag.judgement.comparison import COLUMNS, comparison_row, write_comparison

METRICS = {
    "dataset": "toy",
    "tagger": "gru",
    "seed": 1,
    "kind": "network",
    "decoding": "viterbi, runs of at least 50 bases",
    "parameters": 1234,
    "test": {"bases": 1200000, "segments": 2400},
    "accuracy": {"value": 0.598, "low": 0.59, "high": 0.6},
    "balanced_accuracy": 0.58,
    "macro_f1": 1 / 3,
    "mcc": -0.1,
    "cross_entropy": {"value": 0.6671234, "low": 0.66, "high": 0.67},
    "brier": 0.47,
    "ece": 0.002,
    "kl_exact": {"value": 1.5e-5, "low": None, "high": None},
    "attained": {"value": 0.99, "low": None, "high": None},
    "attained_filtered": None,
    "chance": {"accuracy": 0.5, "p": 1 / 1001},
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


def test_the_table_has_the_agreed_columns_in_order(tmp_path):
    write_comparison(tmp_path / "comparison.tsv", [])
    assert (tmp_path / "comparison.tsv").read_text() == (
        "dataset\ttagger\tseed\tkind\tdecoding\tparameters\ttest_bases\taccuracy\tbalanced_accuracy\t"
        "macro_f1\tmcc\tcross_entropy\tbrier\tece\tkl_exact\tattained\tattained_filtered\t"
        "segment_f1\tchance_accuracy\tp_chance\tp_shift\ttrain_seconds\ttrain_bases_per_second\t"
        "predict_bases_per_second\ttrain_peak_mb\ttrain_peak_gpu_mb\tpredict_peak_mb\t"
        "predict_peak_gpu_mb\tdevice\n"
    )


def test_a_row_holds_the_figures_of_its_files(tmp_path):
    files = [
        saved(tmp_path / f"{name}.json", content)
        for name, content in (("metrics", METRICS), ("timing", TIMING), ("predict", PREDICT))
    ]
    write_comparison(tmp_path / "comparison.tsv", [tuple(files), (files[0], None, None)])
    with (tmp_path / "comparison.tsv").open() as file:
        first, second = csv.DictReader(file, delimiter="\t")
    assert first == {
        "dataset": "toy",
        "tagger": "gru",
        "seed": "1",
        "kind": "network",
        "decoding": "viterbi, runs of at least 50 bases",
        "parameters": "1234",
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
        "segment_f1": "",
        "chance_accuracy": "0.5",
        "p_chance": "0.000999000999",
        "p_shift": "",
        "train_seconds": "61.5",
        "train_bases_per_second": "195121.951",
        "predict_bases_per_second": "2400000",
        "train_peak_mb": "512.3",
        "train_peak_gpu_mb": "",
        "predict_peak_mb": "700",
        "predict_peak_gpu_mb": "1.5",
        "device": "CPU, 1 thread",
    }
    clock = {"train_seconds", "train_bases_per_second", "predict_bases_per_second"}
    clock |= {"train_peak_mb", "predict_peak_mb", "predict_peak_gpu_mb", "device"}
    assert second == {key: "" if key in clock else value for key, value in first.items()}


def test_rows_stand_in_the_order_given(tmp_path):
    files = [saved(tmp_path / f"{n}.json", METRICS | {"tagger": n}) for n in ("b", "a", "c")]
    write_comparison(tmp_path / "comparison.tsv", [(file, None, None) for file in files])
    lines = (tmp_path / "comparison.tsv").read_text().splitlines()
    assert [line.split("\t")[1] for line in lines[1:]] == ["b", "a", "c"]


def test_what_does_not_apply_is_none():
    row = comparison_row(METRICS, {}, {})
    assert tuple(row) == COLUMNS
    assert row["attained_filtered"] is row["segment_f1"] is row["train_seconds"] is None


def test_a_file_that_is_no_json_is_named(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("{")
    with pytest.raises(InputError, match=r"metrics\.json: cannot be read as JSON"):
        write_comparison(tmp_path / "comparison.tsv", [(path, None, None)])
    assert not (tmp_path / "comparison.tsv").exists()
