"""The report's section on negative controls: who is flagged, against what, in which words."""

import json

import pytest

from basetag.report.controls import controls_view, rate_words
from basetag.report.page import Page
from basetag.report.reading import read_report_data
from tests.report_fixture import write_results


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("controls")
    return write_results(folder, datasets=("blocks",), records=10, shown=(1, 60), annotate=False)


@pytest.fixture
def dataset(files):
    """Read anew for each test, because some change it."""
    data = read_report_data(files.comparison, files.metrics, provenance={}, config_text="")
    return data.datasets[0]


def view_of(dataset, page=None):
    return controls_view(page or Page(), dataset, {r.tagger: r for r in dataset.results})


def test_a_flagged_tagger_is_named_with_its_rate_the_reference_and_the_interval(dataset):
    text = " ".join(view_of(dataset)["sentences"])
    assert (
        "gc_window is flagged: 24,000 per Mb of “letters drawn one by one” (4.62 times as many as "
        "exact, 95 % interval 4.34 to 4.89)" in text
    )
    assert text.count("is flagged") == 1


def test_the_page_says_that_the_reference_calls_false_segments_too(dataset):
    text = " ".join(view_of(dataset)["sentences"])
    assert "exact calls 5,200 false segments per Mb of “letters drawn one by one”" in text
    assert "no tagger is asked for none" in text


def test_a_flag_is_a_shape_and_words_not_a_colour_alone(dataset):
    page = Page()
    view = view_of(dataset, page)
    spec = json.dumps(page.figures[view["figure"]["id"]].spec)
    assert "24,000, flagged: 4.62" in spec
    assert "triangle-up" in spec


def test_without_a_reference_nobody_is_flagged_and_the_page_says_so(dataset):
    nothing = dict.fromkeys(
        ("reference", "reference_false_segments", "reference_per_mb", "ratio"), None
    )
    for result in dataset.results:
        for control in result.metrics["controls"].values():
            control |= nothing | {"flagged": False}
    sentences = view_of(dataset)["sentences"]
    assert sentences == [
        "There is neither an exact posterior nor an HMM counted in the labels to hold taggers "
        "against, so nobody is flagged."
    ]


def test_a_tagger_that_cannot_explain_a_control_is_named(dataset):
    (result,) = [r for r in dataset.results if r.tagger == "hmm_em"]
    result.metrics["controls"]["shuffled"] = None
    view = view_of(dataset)
    assert (
        "Left out on “test sequences, letters shuffled”: hmm_em, whose model forbids letters in "
        "such an order." in view["sentences"]
    )
    assert sum(row[1] == "hmm_em" for row in view["figure"]["rows"]) == 1


def test_a_reference_of_no_false_segment_leaves_no_ratio_to_tell():
    control = {"per_mb": {"value": 12.0}, "flagged": True, "ratio": {"value": None, "low": 1.5}}
    assert rate_words(control) == "12, flagged"


def test_without_controls_there_is_no_section(dataset):
    for result in dataset.results:
        result.metrics["controls"] = None
    assert view_of(dataset) is None
