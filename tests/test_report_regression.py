"""The report of a dataset whose records have numbers: its words, its table, its charts."""

import json
import re

import numpy as np
import pytest
from scipy.stats import entropy

from basetag.errors import InputError
from basetag.report.regression_charts import scatter_chart
from basetag.report.render import render_report
from basetag.report.wording import _badge, least_constant
from tests.class_fixture import NETWORK, N, write_class_results
from tests.test_report import read, shown
from tests.test_report_classes import section, specs


def regression_of(told, true):
    """The section of a metrics.json, in plain numpy."""
    left = told - true
    a, b = true - true.mean(), told - true.mean()
    n = true.size
    varies = told.std() > 0
    r = float(np.corrcoef(true, told)[0, 1]) if varies else None

    def figure(value):
        return {"value": value, "low": value - 0.01, "high": value + 0.01}

    return {
        "pearson": figure(r) if varies else None,
        "spearman": figure(0.5) if varies else None,
        "r2": figure(float(1 - (left**2).sum() / (a**2).sum())),
        "rmse": figure(float(np.sqrt((left**2).mean()))),
        "mae": figure(float(np.abs(left).mean())),
        "threshold": 0.426,
        "validation_rmse": 0.2,
        "sums": {
            "records": n, "centre": float(true.mean()), "true": float(a.sum()),
            "told": float(b.sum()), "true_squared": float((a**2).sum()),
            "told_squared": float((b**2).sum()), "product": float((a * b).sum()),
            "absolute_error": float(np.abs(left).sum()), "squared_error": float((left**2).sum()),
        },
        "residuals": {
            "mean": float(left.mean()),
            "quantiles": dict(
                zip(
                    ("0.05", "0.25", "0.5", "0.75", "0.95"),
                    np.quantile(left, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist(), strict=True,
                )
            ),
        },
        "points": np.stack([true, told], axis=1).tolist(),
        "grid": None,
    }  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Those of classes, as if these were the two sides of a threshold."""
    made = write_class_results(tmp_path_factory.mktemp("numbers"), seeds=(1,))
    rng = np.random.default_rng(3)
    true = rng.random(N)
    for path in made.metrics:
        metrics = json.loads(path.read_text())
        told = true + rng.normal(0, 0.1, N) if metrics["kind"] == "network" else np.full(N, 0.5)
        metrics |= {"task": "regress", "regression": regression_of(told, true)}
        path.write_text(json.dumps(metrics))
    return made


@pytest.fixture(scope="module")
def page(files, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    render_report(read(files), path)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("high", "units", "badge"), [
    (0.60, 20, "better than the class frequencies"),
    (0.65, 20, "not better than the class frequencies"),
    (0.60, 9, "too little to tell"),
])  # fmt: skip
def test_the_badge_goes_by_the_primary_measure_against_the_test_frequencies(high, units, badge):
    own = {
        "task": "classify", "alphabet": "dna", "regression": None, "confusion": [[4, 2], [1, 2]],
        "units": {"count": units}, "cross_entropy": {"value": 0.5, "low": 0.4, "high": high},
    }  # fmt: skip
    assert least_constant(own) == pytest.approx(entropy([6, 3]))  # 0.637 nats
    assert _badge([], [own])[0] == badge


def test_every_section_is_in_the_navigation(page):
    navigation = page[page.index("<nav") : page.index("</nav>")]
    linked = re.findall(r'href="#([\w-]+)"', navigation)
    assert re.findall(r'<section id="([\w-]+)"', page) == linked
    assert "numbers" in linked


def metrics_of(files, tagger):
    (path, *_) = [p for p in files.metrics if p.parts[-3] == tagger]
    return json.loads(path.read_text())


def test_the_table_has_the_figures_of_each_tagger_and_a_dash_for_none(files, page):
    own = metrics_of(files, NETWORK)["regression"]
    text = shown(section(page, "numbers"))
    assert f"{own['pearson']['value']:.4g}" in text
    assert f"{own['rmse']['value']:.4g}" in text
    assert f"{own['residuals']['quantiles']['0.95']:.4g}".rstrip("0") in text
    row = re.search(r"<th scope=\"row\">majority</th>(.*?)</tr>", section(page, "numbers"), re.S)
    assert row[1].count("—") == 2  # no correlation with what never varies


def test_each_tagger_has_a_chart_of_told_against_true_with_words_and_a_table(files, page):
    drawn = specs(page)
    names = [name for name in drawn if ".numbers-" in name]
    assert sorted(names) == sorted(
        f"motifs.numbers-{p.parts[-3]}-{p.parts[-2]}" for p in files.metrics
    )
    numbers = section(page, "numbers")
    assert numbers.count('data-description="Numbers that') == len(names)
    assert numbers.count("The figures behind this chart") == len(names)
    assert (
        "The dashed lines are the threshold, 0.426, from which on a sequence is promoter"
        in shown(numbers)
    )


def test_the_verdict_begins_with_the_numbers_and_holds_them_against_the_mean(files, page):
    own = metrics_of(files, NETWORK)["regression"]
    text = shown(page)
    assert f"Numbers that {NETWORK} tells of motifs, held against the true: r = " in text
    assert f"R² = {own['r2']['value']:.3f}" in text
    assert "better than the mean" in text
    assert "root mean squared error of the numbers told" in text


def test_losses_are_those_of_squared_errors(page):
    assert "1 is telling the mean" in page
    assert "squared error, in variances" in json.dumps(specs(page)["motifs.loss"])


def test_a_grid_has_a_square_for_each_filled_cell():
    counts = np.zeros((40, 40), dtype=int)
    counts[3, 4], counts[20, 20] = 7, 2000
    grid = {"low": -1.0, "high": 3.0, "counts": counts.tolist()}
    chart = scatter_chart({"threshold": 0.5, "grid": grid, "points": None}, description="words")
    assert chart.rows == [
        [pytest.approx(1.0), pytest.approx(1.1), pytest.approx(1.0), pytest.approx(1.1), 2000],
        [pytest.approx(-0.7), pytest.approx(-0.6), pytest.approx(-0.6), pytest.approx(-0.5), 7],
    ]


@pytest.mark.parametrize("name", ["pearson", "r2", "rmse", "mae"])
def test_a_figure_that_its_sums_do_not_give_stops_the_report(files, name):
    (path, *_) = [p for p in files.metrics if p.parts[-3] == NETWORK]
    text = path.read_text()
    metrics = json.loads(text)
    metrics["regression"][name]["value"] += 0.01
    path.write_text(json.dumps(metrics))
    try:
        with pytest.raises(InputError, match=f"{name} of the numbers is"):
            read(files)
    finally:
        path.write_text(text)
