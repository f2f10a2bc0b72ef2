"""The table of a sweep: what was varied, and the figures of the comparison."""

from __future__ import annotations

import csv
import json

import pytest

from basetag.errors import InputError
from basetag.judgement.comparison import COLUMNS, write_comparison
from basetag.judgement.sweep_table import write_sweep
from basetag.report.data import Axis
from basetag.report.reading import read_report_data
from tests.report_fixture import write_results
from tests.test_comparison import METRICS, PREDICT, TIMING

AXES = ["dataset.simulate.mean_length", "tagger.decoding", "tagger.convolution"]


def run(tagger="gru-x", base="gru", **values):
    return {
        "dataset": "toy-mean_length100", "dataset_base": "toy", "seed": 1,
        "tagger": tagger, "tagger_base": base, "values": values,
    }  # fmt: skip


def write(folder, runs, axes=AXES):
    files = []
    for index, one in enumerate(runs):
        paths = []
        told = {key: one[key] for key in ("dataset", "tagger", "seed")}
        for name, content in (("m", METRICS | told), ("t", TIMING), ("p", PREDICT)):
            paths.append(folder / f"{name}{index}.json")
            paths[-1].write_text(json.dumps(content))
        files.append(tuple(paths))
    write_sweep(folder / "one.tsv", axes, runs, files)
    with (folder / "one.tsv").open() as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)), files


def test_a_row_has_the_figures_of_the_comparison_and_what_was_varied(tmp_path):
    values = {AXES[0]: 100, AXES[1]: "viterbi", AXES[2]: {"widths": [3, 7]}}
    (row, other), files = write(tmp_path, [run(**values), run("exact", "exact", **{AXES[0]: 0.5})])
    write_comparison(tmp_path / "comparison.tsv", files[:1])
    with (tmp_path / "comparison.tsv").open() as file:
        (compared,) = csv.DictReader(file, delimiter="\t")
    assert {key: row[key] for key in COLUMNS} == compared
    assert list(row)[:8] == ["dataset", "tagger", "seed", "dataset_base", "tagger_base", *AXES]
    assert [row[axis] for axis in AXES] == ["100", "viterbi", '{"widths":[3,7]}']
    assert (row["dataset_base"], row["tagger_base"]) == ("toy", "gru")
    assert [other[axis] for axis in AXES] == ["0.5", "", ""]


def test_what_is_no_number_and_no_text_stands_as_json(tmp_path):
    values = [None, True, [1, 2], "a\tb", 1.0, 12_000_000]
    rows, _ = write(tmp_path, [run(**{"tagger.x": value}) for value in values], ["tagger.x"])
    cells = ["null", "true", "[1,2]", '"a\\tb"', "1", "12000000"]
    assert [row["tagger.x"] for row in rows] == cells


def test_a_file_of_another_run_is_refused(tmp_path):
    _, files = write(tmp_path, [run()])
    with pytest.raises(InputError, match=r"m0\.json: tagger is 'gru-x', not 'gru-y'"):
        write_sweep(tmp_path / "two.tsv", AXES, [run("gru-y")], files)
    assert not (tmp_path / "two.tsv").exists()


def test_the_report_knows_the_axes_of_a_sweep_their_units_and_values(tmp_path):
    lengths = [{AXES[0]: length, "tagger.decoding": how} for length in (100, 30) for how in "xy"]
    write(tmp_path, [run(**values) for values in lengths], AXES[:2])
    files = write_results(tmp_path / "results", datasets=("toy",), annotate=False)
    data = read_report_data(
        files.comparison,
        files.metrics,
        sweep_paths=[tmp_path / "one.tsv"],
        sweep_units={"one": {AXES[0]: "bases"}},
        provenance={},
        config_text="",
    )
    (sweep,) = data.sweeps
    assert sweep.name == "one"
    assert sweep.axes == [
        Axis(AXES[0], "simulate.mean_length", True, "bases", ["100", "30"]),
        Axis(AXES[1], "decoding", False, "", ["x", "y"]),
    ]
    assert [axis.numeric for axis in sweep.axes] == [True, False]
    assert [row[AXES[0]] for row in sweep.rows] == ["100", "100", "30", "30"]
