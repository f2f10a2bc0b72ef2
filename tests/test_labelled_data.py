"""What a start is worth by the number of labels: pairs of seeds, their interval, honest words."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from scipy import stats

from basetag.config import load_config
from basetag.config.mistakes import InvalidConfigError
from basetag.report.data import Axis, ReportData, SweepResult
from basetag.report.labelled import labelled_views, mean_over_seeds
from basetag.report.page import Page
from tests.conftest import REPOSITORY

SEEDS = range(1, 6)
TOLD = {"bits_per_token": "1.9"}
START = {
    "tagger": "tuned", "fresh": "fresh", "line": "tuned", "fresh_line": "fresh",
    "draws_labels": True, "one_way": True, "frozen": False,
}  # fmt: skip


def row(dataset, tagger, seed, labels, value, **more):
    return {
        "dataset": dataset, "dataset_base": dataset, "tagger": tagger, "seed": str(seed),
        "learnt_labels": str(labels), "attained": "0.5", "attained_filtered": repr(float(value)),
        "accuracy": "0.9", "bits_per_token": "",
    } | more  # fmt: skip


def data_of(rows, starts=(START,), sweeps=()):
    return ReportData([], [], list(rows), [], [], [], {}, "", list(sweeps), starts=list(starts))


def views_of(*given, **more):
    page = Page()
    return page, labelled_views(page, data_of(*given, **more))


def two_taggers(fresh, tuned, labels=10_000):
    return [
        row("genes", name, seed, labels, value)
        for name, values in (("fresh", fresh), ("tuned", tuned))
        for seed, value in zip(SEEDS, values, strict=False)
    ]


@pytest.mark.parametrize("n", [2, 3, 5])
def test_an_interval_over_seeds_is_students(n):
    values = np.random.default_rng(n).normal(0.4, 0.1, n)
    mean, low, high = mean_over_seeds(values.tolist())
    expected = stats.t.interval(0.95, n - 1, values.mean(), stats.sem(values))
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(expected)


def test_of_one_seed_there_is_no_interval():
    assert mean_over_seeds([0.3]) == (0.3, None, None)
    _, (view,) = views_of(two_taggers([0.3], [0.5]))
    assert "of one seed nobody knows" in view["sentences"][0]


def test_the_difference_is_paired_by_seed():
    fresh, tuned = [0.1, 0.3, 0.2, 0.5, 0.4], [0.22, 0.4, 0.33, 0.6, 0.52]
    page, (view,) = views_of(two_taggers(fresh, tuned))
    expected = stats.ttest_rel(tuned, fresh).confidence_interval()
    (found,) = view["figures"][1]["rows"]
    assert found[2] == pytest.approx(np.mean(tuned) - np.mean(fresh))
    assert found[3:5] == pytest.approx([expected.low, expected.high])
    assert expected.low > 0  # though the figures of both overlap by far
    assert "With 10,000 labels, tuned is above fresh (+11.4 points" in view["sentences"][0]
    assert {"genes.labelled-1", "genes.labelled-1-gain"} == set(page.figures)


@pytest.mark.parametrize(
    ("tuned", "words"),
    [
        ([0.2, 0.3, 0.1, 0.3, 0.2], "cannot be told from fresh"),
        ([0.1, 0.11, 0.1, 0.12, 0.1], "tuned is below fresh"),
    ],
)
def test_what_spans_zero_is_said_to_be_no_difference(tuned, words):
    _, (view,) = views_of(two_taggers([0.22, 0.21, 0.2, 0.21, 0.22], tuned))
    assert words in view["sentences"][0]


def test_datasets_that_differ_in_size_are_one_line_and_letters_have_no_labels():
    rows = []
    for records in (10, 20):
        for found in two_taggers([0.2, 0.3], [0.4, 0.5], 100 * records):
            rows.append(
                found | {"dataset": f"genes-{records}", "dataset.simulate.records": str(records)}
            )
    axis = Axis("dataset.simulate.records", "simulate.records", True, "", ["10", "20"])
    letters = [row("letters", name, 1, 10, 0.3, **TOLD) for name in ("fresh", "tuned")]
    _, (view,) = views_of(letters, sweeps=[SweepResult("sizes", [axis], rows)])
    assert [cells[0] for cells in view["rows"]] == ["1,000", "2,000"]
    assert [cells[-1] for cells in view["rows"]] == ["2", "2"]


def test_without_an_exact_posterior_accuracy_is_held_against_labels():
    rows = [found | {"attained": "", "attained_filtered": ""}
            for found in two_taggers([0.2, 0.3], [0.4, 0.5])]  # fmt: skip
    _, (view,) = views_of(rows)
    assert view["figures"][0]["header"][2] == "Accuracy"


def test_taggers_that_no_start_tells_apart_have_no_section():
    assert views_of(two_taggers([0.2], [0.3]), starts=())[1] == []


def config_of(folder, **taggers):
    config = {
        "datasets": {
            "letters": {
                "task": "next_token",
                "simulate": {"hmm": "toy", "records": 40, "length": 100},
            },
            "labels": {"simulate": {"hmm": "toy", "records": 40, "length": 100}},
        },
        "taggers": {"body": {"cell": "gru", "training": {"bases": 100_000}}} | taggers,
        "seeds": [1],
    }
    config["sweeps"] = {
        "few": {
            "datasets": {"labels": {}},
            "taggers": {name: {"training.labels": [100, 200]} for name in taggers},
        }
    }
    (folder / "c.yaml").write_text(yaml.safe_dump(config))
    return load_config(config, [folder / "c.yaml"], REPOSITORY)


BODY = {"dataset": "letters", "tagger": "body", "seed": 1}


def test_taggers_are_paired_with_their_like_of_the_same_labels(tmp_path):
    tuned = {"cell": "gru", "init_from": BODY}
    config = config_of(
        tmp_path,
        fresh={"cell": "gru"},
        tuned=tuned,
        kept=tuned | {"frozen": ["layers"]},
        other=tuned | {"head": "crf"},
    )
    assert config.initial_run("tuned") == ("letters", "body", 1)
    found = {start["tagger"]: start for start in config.starts()}
    assert {name: start["fresh"] for name, start in found.items()} == {
        "tuned": "fresh", "kept": "fresh",
        "tuned-labels100": "fresh-labels100", "tuned-labels200": "fresh-labels200",
        "kept-labels100": "fresh-labels100", "kept-labels200": "fresh-labels200",
    }  # fmt: skip
    assert found["tuned-labels100"]["line"] == "tuned"
    assert found["kept-labels100"]["frozen"]
    assert found["tuned"]["one_way"]
    assert not found["tuned"]["draws_labels"]
    assert found["tuned-labels100"]["draws_labels"]


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ({"dataset": "letters", "tagger": "body"}, "expected dataset, tagger and seed"),
        (BODY | {"seed": "1"}, "expected dataset, tagger and seed"),
        (BODY | {"tagger": "bdy"}, "body"),
        (BODY | {"seed": 7}, "has no seed 7"),
    ],
)
def test_a_start_that_is_none_is_told(start, words, tmp_path):
    with pytest.raises(InvalidConfigError, match=words):
        config_of(tmp_path, tuned={"cell": "gru", "init_from": start})
