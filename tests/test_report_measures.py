"""The report's sections on measures, calibration, segments and differences."""

import pytest

from basetag.errors import InputError
from basetag.report.calibration import calibration_sentence
from basetag.report.difference_charts import symlog_ticks
from basetag.report.differences import (
    best_of,
    difference_sentences,
    differences_from,
    missing_sources,
    variance_sentences,
)
from basetag.report.figure_text import interval, units_sentence, with_interval
from basetag.report.numbers import ratio, signed
from basetag.report.render import render_report
from basetag.report.segment_charts import distance_labels
from basetag.report.segments import decoding_note, segment_sentence
from tests.report_fixture import write_results
from tests.test_report import changed, chart, drawn, metrics_of, read, shown


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    return write_results(folder, datasets=("blocks",), records=10, seeds=(1, 2), annotate=False)


@pytest.fixture(scope="module")
def page(files, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    render_report(read(files), path)
    return path.read_text(encoding="utf-8")


def pairs(*rows):
    keys = ("tagger", "other", "difference", "low", "high")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def figure(value, low=None, high=None):
    return {"value": value, "low": low, "high": high}


def test_a_figure_is_written_with_its_interval_and_alone_where_it_has_none():
    assert with_interval(figure(0.87, 0.8575, 0.8837), ratio) == "0.870 (0.858 to 0.884)"
    assert with_interval(figure(0.87), ratio) == "0.870"
    assert with_interval(None, ratio) == "not defined"
    assert interval(figure(0.87), ratio) == ""


def test_a_ratio_that_rounds_to_nothing_has_no_minus_sign():
    assert ratio(-0.0002) == "0.000"
    assert ratio(-0.25) == "\N{MINUS SIGN}0.250"


def test_the_units_of_intervals_are_told():
    def said(kind, count, bases, correlation_length):
        units = {"kind": kind, "count": count, "bases": bases}
        return units_sentence({"units": units | {"correlation_length": correlation_length}})

    assert "of the 120 test records" in said("record", 120, 500.0, 2.0)
    assert "60 blocks of about 2,000 bases" in said("block", 60, 2000.0, 200.0)
    assert said("block", 60, 2000.0, 200.0).endswith("each 10 correlation lengths of the labels.")
    assert "1,000 groups of neighbouring" in said("group", 1000, 1500.0, 2.0)
    assert "no interval" in said("record", 1, 500.0, 2.0)


def test_the_page_has_precision_recall_and_f1_of_each_state_beside_their_counts(files, page):
    _, metrics = metrics_of(files, "blocks", "exact")
    (matches, missed), (false, _) = metrics["confusion"]
    precision, recall = matches / (matches + false), matches / (matches + missed)
    row = (
        f"H (GC-rich) {matches + missed:,} {matches + false:,} {matches:,} "
        f"{precision:.3f} {recall:.3f} {2 * precision * recall / (precision + recall):.3f} "
    )
    assert row in shown(page)


def test_the_chart_of_measures_draws_each_tagger_that_has_the_measure(page):
    rows = drawn(chart(page, "blocks.measures"), "kind")
    assert {row["tagger"] for row in rows} >= {"bilstm (seed 2)", "exact", "uniform"}
    assert len(rows) == 3 * 12


def test_a_network_that_was_too_sure_is_told_so_with_the_temperature_and_the_gain():
    metrics = {
        "ece": figure(0.05, 0.04, 0.06),
        "ceiling": {"of": "exact", "ece": 0.004},
        "cross_entropy": figure(0.34),
        "calibration": {
            "temperature": 1.5,
            "cross_entropy": figure(0.32),
            "ece": figure(0.01),
        },
    }
    text = calibration_sentence("gru", metrics)
    assert "off by 5.0 % on average (95 % interval 4.0 to 6.0 %)" in text
    assert "The exact posterior itself is off by 0.4 %" in text
    assert "it was too sure: the best temperature there is 1.50" in text
    assert "gains 0.0200 nats per base on the test split and leaves an error of 1.0 %" in text
    colder = metrics["calibration"] | {"temperature": 0.5, "cross_entropy": figure(0.35)}
    text = calibration_sentence("gru", metrics | {"calibration": colder})
    assert "not sure enough" in text
    assert "gains nothing on the test split" in text


def test_without_validation_labels_no_temperature_is_claimed():
    metrics = {"ece": figure(0.05), "ceiling": None, "calibration": None}
    text = calibration_sentence("gru", metrics)
    assert text == "gru: certainty is off by 5.0 % on average."


def test_segments_called_and_found_are_said_in_words():
    segments = {
        "per_mb": {"true": figure(9900.0), "called": figure(12300.0, 11800.0, 12800.0)},
        "true": 594,
        "called": 738,
        "recall": figure(0.41, 0.37, 0.45),
        "precision": figure(0.33, 0.29, 0.37),
    }
    assert segment_sentence("bilstm", segments) == (
        "bilstm calls 12,300 (11,800 to 12,800) segments per Mb where there are 9,900; "
        "41.0 % (37.0 to 45.0 %) of the 594 true ones are found (intersection over union of 0.5 "
        "or more), and 33.0 % (29.0 to 37.0 %) of the 738 called ones are true."
    )


def test_only_calls_of_each_base_alone_that_break_segments_are_advised_another_decoding():
    def metrics(decoding, called):
        return {
            "tagger": "gru",
            "decoding": decoding,
            "segments": {"called": called, "true": 100},
        }

    assert "Calls of gru take each base alone" in decoding_note([metrics("argmax", 400)])
    assert decoding_note([metrics("argmax", 120)]) == ""
    assert decoding_note([metrics("viterbi", 400)]) == ""


def test_bins_of_distances_are_named_by_whole_bases():
    labels = distance_labels([0, 1, 2, 5, 1000])
    assert labels == [
        "0", "1", "2\N{EN DASH}4", "5\N{EN DASH}1,000", "> 1,000, or none",
    ]  # fmt: skip


def test_lengths_are_drawn_with_the_exact_posterior_beside_a_network_and_not_beside_itself(page):
    def called_by(run):
        return {row["of"] for row in drawn(chart(page, f"blocks.lengths-{run}"), "segments")}

    assert called_by("gru-seed1") == {"true", "gru (seed 1)", "exact posterior"}
    assert called_by("exact-seed0") == {"true", "exact"}


def test_differences_are_turned_round_so_that_all_are_from_one_tagger():
    rows = pairs(("a", "b", "0.1", "0.05", "0.2"), ("c", "a", "-0.3", "-0.4", "-0.2"))
    found = {d.tagger: d for d in differences_from("a", rows, True)}
    assert (found["b"].value, found["b"].low, found["b"].high) == (-0.1, -0.2, -0.05)
    assert (found["c"].value, found["c"].low, found["c"].high) == (-0.3, -0.4, -0.2)


@pytest.mark.parametrize(
    ("low", "high", "more_is_better", "verdict"),
    [
        ("0.01", "0.03", True, "better"),
        ("0.01", "0.03", False, "worse"),
        ("-0.03", "-0.01", False, "better"),
        ("-0.01", "0.03", True, "cannot be told apart"),
        ("0", "0", True, "cannot be told apart"),
        ("", "", True, "not tested"),
    ],
)
def test_a_difference_is_called_real_only_beyond_its_interval(low, high, more_is_better, verdict):
    (found,) = differences_from("b", pairs(("a", "b", "0.02", low, high)), more_is_better)
    assert found.verdict == verdict
    (sentence,) = difference_sentences("b", "accuracy", [found])
    start = {
        "cannot be told apart": "Cannot be told from b by this test",
        "not tested": "Without an interval, and so not tested against b",
    }.get(verdict, f"{verdict.capitalize()} than b")
    assert sentence.startswith(start)
    assert f"a ({signed(0.02)})" in sentence


def test_others_are_held_against_the_network_that_no_other_is_better_than():
    rows = pairs(
        ("a", "b", "-0.1", "", ""), ("a", "c", "-0.05", "", ""), ("b", "c", "0.05", "", ""),
        ("a", "exact", "-0.2", "", ""), ("b", "exact", "-0.1", "", ""),
        ("c", "exact", "-0.15", "", ""),
    )  # fmt: skip
    assert best_of(["a", "b", "c"], rows, True) == "b"
    assert best_of(["a", "b", "c"], rows, False) == "a"
    assert best_of(["unknown"], rows, True) == "a"


def test_the_ticks_of_a_stretched_axis_are_powers_of_ten_around_0():
    constant, ticks = symlog_ticks(0.4)
    assert constant == pytest.approx(0.001)
    assert ticks == pytest.approx([-0.1, -0.01, -0.001, 0, 0.001, 0.01, 0.1])
    assert symlog_ticks(0.0) == (1.0, [0.0])


def test_parts_of_a_variance_are_said_as_shares_with_what_they_are_told_from():
    row = {"tagger": "gru", "test_sampling": "1e-06", "initialisation": "3e-06", "data": ""}
    (sentence,) = variance_sentences([row | {"n_seeds": "2", "n_datasets": "1"}])
    assert sentence == (
        "gru: of the variance, test sampling makes 25 %, initialisation makes 75 %; in all a "
        "standard deviation of 0.0020 (from 2 seeds, a rough figure)."
    )
    assert variance_sentences([row | {"initialisation": ""}]) == []


def test_what_is_not_measured_is_told_with_how_to_measure_it():
    row = {"test_sampling": "", "initialisation": "", "data": ""}
    few, seeds, data = missing_sources([row])
    assert "too few units" in few
    assert "two or more `seeds`" in seeds
    assert "“simulate.seed”" in data
    assert missing_sources([dict.fromkeys(row, "1e-6")]) == []


def test_the_page_says_which_taggers_differ_and_what_their_figures_vary_with(page):
    text = shown(page)
    assert "Which differences are real?" in text
    assert "Cannot be told from bilstm by this test: " in text
    assert "gru: of the variance, test sampling makes 25 %, initialisation makes 75 %" in text
    rows = drawn(chart(page, "blocks.differences-accuracy"), "verdict")
    assert {row["verdict"] for row in rows if row["tagger"] == "majority"} == {"worse"}
    assert len(rows) == 9


def test_without_a_table_of_differences_the_page_has_no_such_section(files, tmp_path):
    render_report(read(files, differences_path=None, variance_path=None), tmp_path / "r.html")
    assert "Which differences are real?" not in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("measure", ["accuracy", "cross_entropy", "kl_exact"])
def test_a_difference_that_the_figures_do_not_give_stops_the_report(files, measure):
    lines = files.differences.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if f"\t{measure}\t" in line)
    cells = lines[at].split("\t")
    cells[4] = f"{float(cells[4]) + 1e-4}"
    lines[at] = "\t".join(cells)
    with (
        changed(files.differences, "\n".join(lines) + "\n"),
        pytest.raises(InputError, match=rf"line {at + 1}: the difference in {measure} of gru"),
    ):
        read(files)


def test_a_difference_from_a_tagger_that_was_not_scored_stops_the_report(files):
    text = files.differences.read_text().replace("\tbilstm\t", "\tlost\t")
    with (
        changed(files.differences, text),
        pytest.raises(InputError, match=r"no metrics\.json was given for blocks/lost"),
    ):
        read(files)
