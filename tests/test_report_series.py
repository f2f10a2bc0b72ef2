"""The report of numeric series: errors beside the noise, and a stretch with what was told of it."""

import json

import numpy as np
import pytest

from basetag.errors import InputError
from basetag.report.regression_charts import scatter_chart
from basetag.report.render import render_report
from tests.class_fixture import NETWORK, N, write_class_results
from tests.test_report import read, shown
from tests.test_report_classes import section, specs
from tests.test_report_regression import regression_of

NOISE = 0.1
TRUE = [0.5, None, 0.25, 1.0]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Those of classes, as if these were the directions of waves."""
    made = write_class_results(tmp_path_factory.mktemp("series"), seeds=(1,))
    rng = np.random.default_rng(3)
    true = rng.random(N)
    for path in made.metrics:
        metrics = json.loads(path.read_text())
        told = true + rng.normal(0, 0.1, N) if metrics["kind"] == "network" else np.full(N, 0.5)
        own = regression_of(told, true) | {"threshold": None}
        beside = {end: value / NOISE for end, value in own["rmse"].items()}
        metrics |= {
            "task": "next_value",
            "regression": own,
            "next_value": {
                "noise": NOISE,
                "to_noise": beside,
                "correlation_length": 5.0,
                "stretch": {"record": "w1", "start": 10, "true": TRUE, "told": [None, 1, 2, 0.5]},
            },
        }
        path.write_text(json.dumps(metrics))
    return made


@pytest.fixture(scope="module")
def page(files, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    render_report(read(files), path)
    return path.read_text(encoding="utf-8")


def metrics_of(files, tagger):
    (path, *_) = [p for p in files.metrics if p.parts[-3] == tagger]
    return path, json.loads(path.read_text())


def test_each_tagger_has_its_error_in_terms_of_the_noise(files, page):
    own = metrics_of(files, NETWORK)[1]["next_value"]["to_noise"]["value"]
    text = shown(section(page, "series"))
    assert f"{own:.3f} times the noise" in text
    assert "no error is lower in expectation" in text
    assert f"error {own:.3f} times the noise" in shown(section(page, "verdicts"))


def test_the_stretch_has_a_row_for_each_step_and_a_column_for_each_tagger(files, page):
    drawn = specs(page)["motifs.stretch"]
    taggers = {path.parts[-3] for path in files.metrics}
    assert len(drawn["vconcat"]) == len(taggers)
    of_first = drawn["datasets"][drawn["vconcat"][0]["data"]["name"]]
    shown_steps = [value["step"] for value in of_first]
    assert shown_steps == [11, 12, 13, 14]
    assert "series (w1, from step 11 on)" in shown(section(page, "series"))


def test_what_is_of_segments_and_letters_is_not_on_the_page(page):
    for name in ("segments", "controls", "inside", "letters"):
        assert f'<section id="{name}"' not in page
    assert "have their direction told rightly" in shown(section(page, "verdicts"))


def test_numbers_without_a_threshold_are_drawn_without_one():
    points = {"threshold": None, "grid": None, "points": [[0.0, 0.5], [1.0, 0.5]]}
    text = json.dumps(scatter_chart(points, description="words").spec)
    assert "told = true" in text
    assert "threshold" not in text


def test_an_error_in_terms_of_another_noise_stops_the_report(files):
    path, metrics = metrics_of(files, NETWORK)
    text = path.read_text()
    metrics["next_value"]["noise"] = 0.2
    path.write_text(json.dumps(metrics))
    try:
        with pytest.raises(InputError, match="the error in terms of the noise is"):
            read(files)
    finally:
        path.write_text(text)
