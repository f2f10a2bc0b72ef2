"""What the page says of test bases that training has, too."""

import json
import re

import pytest

from basetag.errors import InputError
from basetag.report.match_wording import match_sentences
from basetag.report.matches import matches_view
from basetag.report.reading import read_report_data
from basetag.report.render import render_report
from basetag.report.table import comparison_view
from tests.report_fixture import write_results
from tests.test_report import shown


def read(files):
    return read_report_data(
        files.comparison, files.metrics, history_paths=files.histories, tracks_paths=files.tracks,
        differences_path=files.differences, variance_path=files.variance,
        provenance={"Written by": {"basetag": "0"}}, config_text="seeds: [1]\n",
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two datasets; of `mine` training has a quarter of the test split."""
    folder = tmp_path_factory.mktemp("results")
    return write_results(folder, datasets=("toy", "mine"), records=12, annotate=False)


@pytest.fixture(scope="module")
def data(files):
    return read(files)


def named(dataset):
    return {result.tagger: result for result in dataset.results}


def test_a_verdict_says_how_many_bases_match_where_training_has_none_of_them(data):
    toy, mine = data.datasets
    assert match_sentences([named(toy)["gru"].metrics]) == []
    metrics = named(mine)["gru"].metrics
    (sentence,) = match_sentences([metrics])
    matches = 100 * metrics["unmatched"]["accuracy"]["value"]
    assert re.fullmatch(
        r"Training has 25\.0 % of the test bases, inside a stretch of 31 letters; of all others "
        rf"{matches:.1f} % match \(95 % interval [\d.]+ to [\d.]+ %\)\.",
        sentence,
    )
    all_matched = {"test": {"bases": 9, "matched_bases": 9, "match_letters": 31}, "unmatched": None}
    (sentence,) = match_sentences([all_matched])
    assert "nothing is left to judge it by" in sentence


def test_the_table_has_all_bases_and_unmatched_ones_of_each_tagger(data):
    toy, mine = data.datasets
    assert matches_view(toy, named(toy)) is None
    view = matches_view(mine, named(mine))
    assert view["sentence"].startswith("4,500 of the 18,000 test bases (25.0 %)")
    assert "KL (nats)" not in view["header"]  # there is no exact posterior
    gru = next(tagger for tagger in view["taggers"] if tagger["tagger"] == "gru")
    metrics = named(mine)["gru"].metrics
    assert [row["of"] for row in gru["rows"]] == ["all", "unmatched"]
    for row, own in zip(gru["rows"], (metrics, metrics["unmatched"]), strict=True):
        assert row["cells"][0]["text"] == f"{100 * own['accuracy']['value']:.1f} %"
        assert row["cells"][-1]["text"] == f"{own['segments']['f1']['value']:.3f}"


def test_the_comparison_has_columns_of_unmatched_bases_only_where_some_are_matched(data):
    views = {dataset.name: comparison_view(dataset, data) for dataset in data.datasets}
    names = {name: [c["name"] for c in view["columns"]] for name, view in views.items()}
    assert not any(name.startswith("unmatched") for name in names["toy"])
    assert {"unmatched_accuracy", "unmatched_segment_f1"} <= set(names["mine"])
    headings = {c["name"]: c["heading"] for c in views["mine"]["columns"]}
    assert headings["unmatched_segment_f1"] == "segment F1, unmatched"
    assert any("matched to training 4,500" in text for text in views["mine"]["shared"])


def test_the_page_shows_them(data, tmp_path):
    render_report(data, tmp_path / "report.html")
    text = shown((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert text.count("Without what training has") == 1
    assert "4,500 of the 18,000 test bases (25.0 %) lie inside a stretch of 31 letters" in text
    assert text.count("Training has 25.0 % of the test bases") == 2  # the verdicts on two networks


def test_an_edited_figure_of_unmatched_bases_stops_the_report(files):
    (path,) = [path for path in files.metrics if path.parts[-4:-2] == ("mine", "gru")]
    before = path.read_text()
    metrics = json.loads(before)
    metrics["unmatched"]["brier"]["value"] += 1e-6
    try:
        path.write_text(json.dumps(metrics))
        with pytest.raises(InputError, match="of unmatched bases, brier is"):
            read(files)
    finally:
        path.write_text(before)
