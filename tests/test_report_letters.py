"""The section on the next letter: bits of each tagger in words, in a chart and in its table."""

import math

import pytest

from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.letters import letters_view
from basetag.report.page import Page


def figure(value):
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def result(tagger, bits, order=None, kind="rule", attained=None):
    return TaggerResult(
        {
            "tagger": tagger, "seed": 0, "kind": kind, "task": "next_token",
            "next_token": {"bits": figure(bits), "order": order},
            "attained_filtered": None if attained is None else figure(attained),
            "units": {"count": 20, "kind": "record", "bases": 10.0, "correlation_length": 1.0},
        }
    )  # fmt: skip


@pytest.fixture
def named():
    found = [
        result("gru", 1.91, kind="network", attained=0.5),
        result("markov4", 1.95, 4),
        result("markov0", 1.98, 0),
        result("markov12", 1.99, 12),
        result("majority", 1.981, kind="constant"),
    ]
    return {one.metrics["tagger"]: one for one in found}


def dataset_of(named, states="ACGT"):
    for one in named.values():
        one.metrics["states"] = list(states)
    return DatasetResult("ecoli", list(named.values()))


def test_models_go_by_their_order_and_others_are_lines(named):
    page = Page()
    view = letters_view(page, dataset_of(named), named)
    rows = view["figure"]["rows"]
    assert [row[:3] for row in rows] == [
        ["markov0", 0, 1.98], ["markov4", 4, 1.95], ["markov12", 12, 1.99],
        ["gru", None, 1.91], ["majority", None, 1.981],
    ]  # fmt: skip
    assert view["figure"]["header"][2] == "bits per base"
    assert "ecoli.letters" in page.figures
    marks = [layer["mark"]["type"] for layer in page.figures["ecoli.letters"].spec["layer"]]
    assert marks == ["rule", "line", "rule", "point"]


def test_it_is_said_in_words_which_order_costs_least(named):
    view = letters_view(Page(), dataset_of(named), named)
    assert (
        "gru: 1.9100 (1.9000 to 1.9200) bits per base, 50.0 % of what there is"
        in (view["sentences"][0])
    )
    caption = view["figure"]["caption"]
    assert "4 letters that are all alike cost 2.0000" in caption
    assert "that of order 4 costs least, 1.9500 (1.9400 to 1.9600): longer words" in caption
    assert "ecoli" in view["figure"]["description"]


def test_other_alphabets_have_letters_and_need_no_markov_model(named):
    own = {"gru": named["gru"]}
    view = letters_view(Page(), dataset_of(own, "xyz"), own)
    assert "bits per letter" in view["sentences"][0]
    assert f"cost {math.log2(3):.4f}." in view["figure"]["caption"]


def test_a_dataset_with_labels_has_no_such_section(named):
    own = {"gru": TaggerResult(named["gru"].metrics | {"next_token": None})}
    assert letters_view(Page(), dataset_of(own), own) is None
