"""The report: its words, its figures against their counts, its page."""

import base64
import contextlib
import html
import json
import re
import struct
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest

from basetag.errors import InputError
from basetag.report.data import Tracks
from basetag.report.numbers import duration, with_interval
from basetag.report.reading import read_report_data
from basetag.report.render import render_report
from basetag.report.sequences import hidden_view, ordered_units
from basetag.report.stills import coloured, png_address
from basetag.report.wording import baseline_line, rule_note, unlabelled_note
from tests import report_fixture
from tests.report_fixture import control_of, write_results


def read(files, **changes):
    tables = {"differences_path": files.differences, "variance_path": files.variance}
    tables["preflight_path"] = files.preflight
    return read_report_data(
        files.comparison, files.metrics, history_paths=files.histories, tracks_paths=files.tracks,
        annotation_folders=files.annotations, agreement_paths=files.agreements,
        region_paths=files.regions,
        sweep_paths=files.sweeps,
        provenance={"Written by": {"basetag": "0"}}, config_text="seeds: [1]\n",
        **(tables | changes),
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Files of one dataset, for tests that change one and put it back."""
    folder = tmp_path_factory.mktemp("small")
    return write_results(folder, datasets=("toy",), records=10, annotate=False)


@contextlib.contextmanager
def changed(path, text):
    before = path.read_text()
    path.write_text(text)
    try:
        yield
    finally:
        path.write_text(before)


@pytest.fixture(scope="module")
def page(files, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    render_report(read(files), path)
    return path.read_text(encoding="utf-8")


def metrics_of(files, dataset, tagger):
    (path,) = [p for p in files.metrics if p.parts[-4:-2] == (dataset, tagger)]
    return path, json.loads(path.read_text())


def shown(page):
    """The page's text without its data and scripts."""
    text = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", text).split()))


def test_a_verdict_says_matches_chance_and_the_ceiling_in_words(files, page):
    _, metrics = metrics_of(files, "blocks", "bilstm")
    _, exact = metrics_of(files, "blocks", "exact")
    matches, best = (100 * m["accuracy"]["value"] for m in (metrics, exact))
    assert re.search(
        rf"bilstm on blocks: {matches:.1f} % of bases match \(95 % interval [\d.]+ to [\d.]+ %\); "
        rf"chance is 50\.0 %; no method can pass {best:.1f} %",
        shown(page),
    )


def front(page, dataset):
    """The first page's section of a dataset, as text."""
    part = page.partition(f'aria-labelledby="verdicts-{dataset}"')[2].partition("</section>")[0]
    return shown(f"<p {part}")


def test_the_first_page_has_one_sentence_for_each_tagger(files, page):
    text = front(page, "blocks")
    for tagger in ("gru", "bilstm"):
        assert len(re.findall(rf"\b{tagger} on blocks: [\d.]+ % of bases match", text)) == 1
    for tagger in ("filtered", "hmm_em", "hmm_counts", "base_table", "gc_window", "majority"):
        _, metrics = metrics_of(files, "blocks", tagger)
        matches = f"{100 * metrics['accuracy']['value']:.1f} % match"
        assert len(re.findall(rf"\b{tagger} : {matches}", text)) == 1
    assert "exact : " in text
    assert ", the best possible (" in text


def test_baselines_that_know_nothing_are_told_so():
    metrics = {"accuracy": {"value": 0.553}, "kind": "rule", "ceiling": {"of": "exact"}}
    for attained, words in (
        (-0.2, "55.3 % match; worse than the label frequencies"),
        (-0.0003, "55.3 % match; no better than the label frequencies"),
        (0.42, "55.3 % match; 42.0 % attained"),
    ):
        assert baseline_line(metrics | {"attained": {"value": attained}}, None) == words
    assert baseline_line(metrics | {"ceiling": None, "attained": None}, None) == "55.3 % match"


def test_many_networks_are_folded_but_for_the_first_eight(tmp_path):
    files = write_results(
        tmp_path, datasets=("toy",), records=10, annotate=False, more_networks=True
    )
    render_report(read(files), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(re.findall(r"\w+ on toy: [\d.]+ % of bases match", front(page, "toy"))) == 12
    assert "The other 4 networks" in front(page, "toy")
    rows = {row["tagger"] for row in drawn(chart(page, "toy.scale"), "outside")}
    assert {"gru", "bilstm", "gru_17", "exact"} <= rows


def test_the_picture_has_a_row_for_each_tagger_whatever_its_seeds(tmp_path):
    files = write_results(tmp_path, datasets=("toy",), records=10, annotate=False, seeds=(1, 2, 3))
    render_report(read(files), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    rows = [row for row in drawn(chart(page, "toy.scale"), "seeds") if row["tagger"] == "bilstm"]
    assert [row["seeds"] for row in rows] == [3, 3]  # one for each measure
    rows.sort(key=lambda row: row["text"].endswith("%"), reverse=True)
    every = [json.loads(path.read_text()) for path in files.metrics if path.parts[-3] == "bilstm"]
    for row, measure in zip(rows, ("accuracy", "cross_entropy"), strict=True):
        figures = [metrics[measure] for metrics in every]
        assert row["value"] == pytest.approx(np.mean([figure["value"] for figure in figures]))
        assert row["low"] == min(figure["low"] for figure in figures)
        assert row["high"] == max(figure["high"] for figure in figures)
    assert "each seed is a dot under it" in shown(page)
    assert "each seed is a dot" not in front(page, "mine")


def test_a_tagger_far_worse_than_chance_is_drawn_at_the_edge_and_leaves_room_to_the_rest(page):
    rows = [row for row in drawn(chart(page, "toy.scale"), "outside") if row["outside"]]
    assert {row["tagger"] for row in rows} == {"gc_window", "uniform"}
    assert "are farther off, and drawn at the edge" in front(page, "toy")
    spec = json.dumps(chart(page, "toy.scale"))
    ends = [json.loads(found) for found in re.findall(r'"domain": (\[0[^\]]+\])', spec)]
    widest = max(high for _, high in ends)
    assert widest < 0.72 < max(row["value"] for row in rows)


def test_an_interval_is_written_with_digits_that_show_it():
    assert with_interval(0.5979, (0.5964, 0.599), in_percent=True) == "59.8 (59.6\N{EN DASH}59.9) %"
    narrow = with_interval(0.5979, (0.59781, 0.59799), in_percent=True)
    assert narrow == "59.79 (59.78\N{EN DASH}59.80) %"
    assert (
        with_interval(0.66712, (0.66, 0.67), in_percent=False) == "0.6671 (0.6600\N{EN DASH}0.6700)"
    )
    assert with_interval(0.25, (0.25, 0.25), in_percent=True) == "25.0 (25.0\N{EN DASH}25.0) %"
    assert with_interval(0.25, None, in_percent=True) == "25.0 %"


def test_a_one_directional_network_is_held_against_its_own_ceiling(page):
    assert "It reads in one direction, so its own ceiling is “filtered”" in shown(page)


def test_the_page_says_how_calls_are_made_where_it_is_not_the_likeliest_state(page, tmp_path):
    assert "calls by" not in shown(page).replace("column “calls by”", "")
    files = write_results(tmp_path / "results", datasets=("blocks",), annotate=False)
    words = "viterbi, runs of at least 50 bases"
    path, metrics = metrics_of(files, "blocks", "gru")
    path.write_text(json.dumps(metrics | {"decoding": words}))
    table = files.comparison.read_text()
    row = re.search(r"^blocks\tgru\t.*$", table, re.MULTILINE)[0]
    files.comparison.write_text(table.replace(row, row.replace("argmax", words)))
    render_report(read(files), tmp_path / "report.html")
    text = shown((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert f"network {words}" in text
    assert "rule argmax" in text
    assert f"Its calls are made by {words}, along whole sequences" in text


def test_the_page_says_what_was_known_before_the_run(files, page, tmp_path):
    text = shown(page)
    for words in (
        "Before the run",
        "dataset mine the test split 3 pieces 10 at least give more records",
        "genome phage empty records 1 of 2 records <have> no bases",
        "dataset mine 12 1,000 1.0 % 0.0 % GC-rich 25.0 %, GC-poor 70.0 %, unlabelled 5.0 % "
        "train 780 in 6, validation 100 in 3, test 100 in 3",
        "About 2 hours of one core, 14 kB on disk, at most 2.5 GB of memory for a job",
        "train_tagger 1,234 about 2 hours 2.5 GB",
    ):
        assert words in text
    render_report(read(files, preflight_path=None), tmp_path / "report.html")
    assert "Before the run" not in (tmp_path / "report.html").read_text()


def test_without_an_exact_posterior_the_page_claims_no_ceiling(page):
    (headline,) = re.findall(r"bilstm on mine: [^.]*\.[^.]*\.[^.]*\.[^.]*", shown(page))
    assert "no method can pass" not in headline
    assert "the best possible is not known" in shown(page)


def test_a_tagger_that_sees_structure_in_a_control_is_named_with_its_rate_and_the_best(
    tmp_path, page, monkeypatch
):
    def wavering(tagger, name, known):
        own = "gc_window" if (tagger, name) == ("bilstm", "shuffled") else tagger
        return control_of(own, name, known)

    # A tagger without a verdict of its own is named below them.
    assert (
        "False segments where there is no structure, more than need be: gc_window, 24,000 per Mb "
        "of sequence without structure (exact: 5,200) and 24,000 per Mb of test sequence whose "
        "letters are shuffled (exact: 5,200)." in shown(page)
    )
    assert "bilstm sees structure" not in shown(page)
    monkeypatch.setattr(report_fixture, "control_of", wavering)
    files = write_results(tmp_path / "results", datasets=("blocks",), annotate=False)
    render_report(read(files), tmp_path / "report.html")
    text = shown((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert re.search(
        r"bilstm sees structure where there is none: 24,000 false segments per Mb of test sequence "
        r"whose letters are shuffled \(95 % interval [\d,]+ to [\d,]+\), where exact calls 5,200\.",
        text,
    )
    assert re.search(r"has reached its ceiling[^,]*, but sees structure where there is none", text)
    assert "the most probable path (“decoding: viterbi”) keeps segments whole" in text
    assert "per Mb of sequence without structure (95" not in text


def test_a_report_without_controls_says_nothing_of_them(tmp_path):
    files = write_results(tmp_path / "results", datasets=("blocks",), annotate=False)
    for path in files.metrics:
        path.write_text(json.dumps(json.loads(path.read_text()) | {"controls": None}))
    render_report(read(files), tmp_path / "report.html")
    text = shown((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "sees structure where there is none" not in text
    assert "more than need be" not in text


def cells(page, dataset):
    """Headings of the comparison, and each row's cells: their classes and their texts."""
    table = re.search(rf'id="comparison-{dataset}">(.*?)</table>', page, re.DOTALL)[1]
    headings = re.findall(r"<th scope=\"col\"[^>]*?(extra)?\"?><button[^>]*>(.*?)</button>", table)
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", table)
    return (
        [(bool(extra), shown(text).replace("\xad", "")) for extra, text in headings],
        [re.findall(r"<t[dh]([^>]*)>(.*?)</t[dh]>", row) for row in rows],
    )


def test_the_comparison_shows_telling_columns_first_and_unknown_ones_with_their_names(page):
    headings, rows = cells(page, "blocks")
    first = [text for extra, text in headings if not extra]
    assert first[:4] == ["tagger", "kind", "parameters", "accuracy (%)"]
    assert len(first) <= 14
    assert (True, "of another version") in headings
    assert (True, "Brier") in headings
    (at,) = [i for i, (_, text) in enumerate(headings) if text == "of another version"]
    assert {row[at][1] for row in rows} == {"0.1235"}
    assert all("extra" in row[at][0] for row in rows)


def test_the_ends_of_an_interval_stand_under_their_figure_and_in_no_column(files, page):
    _, metrics = metrics_of(files, "blocks", "gru")
    headings, (row, *_) = cells(page, "blocks")
    assert not any("low" in text or "high" in text for _, text in headings)
    (at,) = [i for i, (_, text) in enumerate(headings) if text == "accuracy (%)"]
    value, low, high = (f"{100 * metrics['accuracy'][key]:.2f}" for key in ("value", "low", "high"))
    assert row[at][1] == f"{value}<small>{low} to {high}</small>"


def test_costs_are_told_with_their_units(page):
    text = shown(page).partition("Cost Times are those")[2]
    assert "gru 1,266 41 s 290 kb/s 612 MB 2.4 Mb/s 1.43 GB CPU, 1 thread" in text
    assert "hmm_counts 9 0.015 s 290 kb/s 151 MB 2.4 Mb/s 166 MB CPU" in text
    assert "GPU" not in text.partition("Provenance")[0].replace("what a GPU held", "")
    rows = {row["tagger"]: row for row in drawn(chart(page, "blocks.cost"), "seconds")}
    assert rows["gru"]["seconds"] == 41.25
    assert "Of the networks, bilstm came farthest" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0004, "under 0.001 s"), (0.0213, "0.021 s"), (41.25, "41 s"), (119.6, "2 min 0 s"),
     (200, "3 min 20 s"), (7500, "2 h 5 min")],
)  # fmt: skip
def test_a_duration_has_the_units_that_fit_it(seconds, words):
    assert duration(seconds) == words


def test_the_primary_measure_is_declared_for_each_dataset(page):
    text = shown(page).partition("Primary measure")[2].partition("Written by")[0]
    assert "toy KL divergence from the exact posterior" in text
    assert "mine cross-entropy (column CE): there is no exact posterior" in text


def test_every_chart_is_a_file_that_says_what_it_shows(files, page, tmp_path):
    results = read(files)
    for folder in ("first", "second"):
        render_report(results, tmp_path / "report.html", tmp_path / folder)
    names = {path.stem for path in (tmp_path / "first").iterdir()}
    charts = set(
        json.loads(re.search(r'id="page-data">(.*?)</script>', page, re.DOTALL)[1])["charts"]
    )
    assert charts < names
    assert names - charts == {
        f"{dataset}.{still}"
        for dataset in ("toy", "blocks", "mine")
        for still in ("tracks", "hidden")
    }
    for path in (tmp_path / "first").iterdir():
        assert re.fullmatch(r"[A-Za-z0-9_-]+\.[a-z]+[A-Za-z0-9_-]*\.svg", path.name)
        root = ElementTree.fromstring(path.read_bytes())  # noqa: S314 (ours)
        title, description = root[0], root[1]
        assert title.tag.endswith("title")
        assert description.tag.endswith("desc")
        assert title.text
        assert title.text in shown(page) or path.stem not in charts
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_figures_are_written_all_or_none(files, tmp_path, monkeypatch):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/old.svg").write_text("<svg/>")
    drawn = []

    def fails_at_last(spec):
        drawn.append(spec)
        if len(drawn) > 3:
            raise RuntimeError
        return "<svg></svg>"

    monkeypatch.setattr("basetag.report.figures.svg_of", fails_at_last)
    with pytest.raises(RuntimeError):
        render_report(read(files), tmp_path / "report.html", tmp_path / "figures")
    assert [path.name for path in tmp_path.iterdir()] == ["figures"]
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["old.svg"]


def test_a_map_in_a_file_has_the_colours_of_its_values():
    levels = np.array([[0, 127, 254], [64, 190, 127]], dtype=np.uint8)
    image = coloured(levels)
    assert image[0].tolist() == [[64, 0, 75], [255, 255, 255], [0, 68, 27]]
    content = base64.b64decode(png_address(image, times=2).removeprefix("data:image/png;base64,"))
    # Read as the standard says: header, then lines with a filter byte before each.
    assert struct.unpack(">II", content[16:24]) == (6, 4)
    at = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[at - 4 : at])
    lines = np.frombuffer(zlib.decompress(content[at + 4 : at + 4 + length]), dtype=np.uint8)
    lines = lines.reshape(4, 1 + 6 * 3)
    assert not lines[:, 0].any()
    assert np.array_equal(lines[:, 1:].reshape(4, 6, 3)[::2, ::2], image)


def test_no_p_value_is_zero(page):
    assert "p < 1/" in shown(page)
    assert not re.search(r"p = 0(\.0+)?\b(?!\.)", shown(page))


def test_a_rule_nearly_as_good_is_named_and_explained_only_where_it_knows_almost_all():
    network = [{"cross_entropy": {"value": 0.6670}}]
    rule = {
        "tagger": "base_table", "description": "label frequencies", "attained": {"value": 0.98},
        "cross_entropy": {"value": 0.6672},
    }  # fmt: skip
    note = rule_note(network, [rule], 0.687)
    assert "0.00020 nats per base behind. Almost all that can be known" in note
    one_sided = rule | {"attained": {"value": 0.64}}
    assert rule_note(network, [one_sided], 0.687).endswith("0.00020 nats per base behind.")
    assert rule_note(network, [rule | {"cross_entropy": {"value": 0.680}}], 0.687) is None


@pytest.mark.parametrize(
    ("keys", "change"),
    [
        (("accuracy", "value"), 0.01),
        (("cross_entropy", "value"), 0.01),
        (("brier", "value"), 0.01),
        (("mcc", "value"), 0.01),
        (("balanced_accuracy", "value"), 0.01),
        (("macro_f1", "value"), 0.01),
        (("ece", "value"), 0.01),
        (("auroc", "value"), 0.01),
        (("auprc", "value"), 0.01),
        (("classes", "H", "precision", "value"), 0.01),
        (("classes", "L", "recall", "value"), 0.01),
        (("classes", "L", "f1", "value"), 0.01),
        (("classes", "H", "auroc", "value"), 0.01),
        (("classes", "L", "auprc", "value"), 0.01),
        (("units", "count"), 1),
        (("ceiling", "ece"), 0.01),
        (("ceiling", "accuracy"), 0.01),
        (("ceiling", "cross_entropy"), 0.01),
        (("excess", "exact", "value"), 0.01),
        (("majority_accuracy",), 0.01),
        (("calibration", "ece", "value"), 0.01),
        (("calibration", "cross_entropy", "value"), 0.01),
        (("segments", "f1", "value"), 0.01),
        (("segments", "precision", "value"), 0.01),
        (("segments", "recall", "value"), 0.01),
        (("segments", "matched"), 1),
        (("segments", "classes", "H", "called"), 1),
        (("segments", "per_mb", "called", "value"), 1.0),
        (("segments", "lengths", "true", "L", 0), 1),
        (("segments", "boundaries", "f1", 0, "value"), 0.01),
        (("segments", "boundaries", "distances", "farther"), 1),
        (("kl_exact", "value"), 0.01),
        (("attained", "value"), -0.01),
        (("sums", "cross_entropy"), 5.0),
        (("confusion", 0, 0), 1),
        (("label_counts", 0), 1),
        (("reliability", "counts", 9), 1),
        (("chance", "uniform", "p"), 0.01),
        (("chance", "uniform", "binomial_log10_p"), -0.01),
        (("chance", "frequencies", "accuracy"), 0.01),
        (("chance", "frequencies", "effect"), 0.01),
        (("chance", "shift", "observed_matches"), 1),
        (("chance", "shift", "effective_sample_size"), 1),
        (("chance", "shift", "smallest_p"), 0.01),
        (("chance", "resimulated", "z"), 0.01),
        (("chance", "resimulated", "counts", 3), 1),
        (("controls", "homogeneous", "segments"), 1),
        (("controls", "shuffled", "per_mb", "value"), 1.0),
        (("controls", "shuffled", "called", 1), 1),
        (("controls", "shuffled", "other_share"), 0.01),
        (("controls", "homogeneous", "reference_false_segments"), 1),
        (("controls", "homogeneous", "ratio", "value"), 0.01),
        (("controls", "homogeneous", "flagged"), 1),
    ],
)
def test_a_figure_that_its_counts_do_not_give_stops_the_report(small, keys, change):
    path, metrics = metrics_of(small, "toy", "bilstm")
    section = metrics
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] += change
    with (
        changed(path, json.dumps(metrics)),
        pytest.raises(InputError, match=r"metrics\.json: .* is .*gives? "),
    ):
        read(small)


def test_a_p_value_that_is_missing_without_a_reason_stops_the_report(small):
    path, metrics = metrics_of(small, "toy", "bilstm")
    metrics["chance"]["shift"] |= {"p": None, "p_text": None}
    with (
        changed(path, json.dumps(metrics)),
        pytest.raises(InputError, match="the number of p-values of the null shift is False"),
    ):
        read(small)


def test_figures_that_their_counts_give_are_read(small):
    assert read(small).datasets[0].name == "toy"


def test_scores_that_their_bases_do_not_give_stop_the_report(small):
    path, metrics = metrics_of(small, "toy", "bilstm")
    first, *rest = metrics["scores"]["L"]["own"].split()
    metrics["scores"]["L"]["own"] = " ".join([str(int(first) + 1), *rest])
    with (
        changed(path, json.dumps(metrics)),
        pytest.raises(InputError, match=r"the sum of the scores of L is"),
    ):
        read(small)


@pytest.mark.parametrize("column", ["accuracy", "accuracy_low", "p_shift"])
def test_a_cell_that_is_empty_where_there_is_a_figure_stops_the_report(small, column):
    header, first, *rest = small.comparison.read_text().splitlines()
    cells = first.split("\t")
    cells[header.split("\t").index(column)] = ""
    text = "\n".join([header, "\t".join(cells), *rest]) + "\n"
    with (
        changed(small.comparison, text),
        pytest.raises(InputError, match=rf"line 2: {column} is empty"),
    ):
        read(small)


@pytest.mark.parametrize(
    "column",
    [
        "accuracy", "accuracy_low", "segment_f1", "auroc", "false_segments_per_mb_shuffled",
        "chance_accuracy", "p_chance", "effective_sample_size",
    ],
)  # fmt: skip
def test_a_table_that_contradicts_its_metrics_stops_the_report(small, column):
    header, first, *rest = small.comparison.read_text().splitlines()
    cells = first.split("\t")
    at = header.split("\t").index(column)
    cells[at] = f"{float(cells[at]) * 1.001:.6g}"
    text = "\n".join([header, "\t".join(cells), *rest]) + "\n"
    with (
        changed(small.comparison, text),
        pytest.raises(InputError, match=rf"line 2: {column} is"),
    ):
        read(small)


def test_the_table_of_the_page_has_no_columns_of_interval_ends(page):
    assert "accuracy_low" not in page
    assert "segment F1" in shown(page)


def test_a_row_without_its_file_and_a_file_without_its_row_are_refused(tmp_path):
    files = write_results(tmp_path, datasets=("toy",), records=10, annotate=False)
    lost = files.metrics.pop()
    with pytest.raises(InputError, match=r"no metrics\.json was given for toy/"):
        read(files)
    files.metrics.append(lost)
    lines = files.comparison.read_text().splitlines()
    files.comparison.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(InputError, match="no row for toy/"):
        read(files)


def test_the_page_asks_nothing_of_a_network(page):
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=[\"']?(https?:)?//", page)
    assert len(page) < 10_000_000


def test_every_chart_has_words_and_a_table_behind_it(page):
    charts = re.findall(r'<div class="chart" id="([^"]+)"[^>]*data-description="([^"]*)"', page)
    assert len(charts) > 10
    assert all(description for _, description in charts)
    figures = re.findall(r"<figure.*?</figure>", page, flags=re.DOTALL)
    for figure in figures:
        if 'data-chart="' in figure:
            assert "The figures behind this chart" in figure


def test_names_cannot_break_out_of_the_page(tmp_path):
    files = write_results(tmp_path, datasets=("toy",), records=10)
    hostile = "</script><script>alert(1)</script>"
    for path in files.metrics:
        metrics = json.loads(path.read_text())
        metrics["state_names"]["H"] = hostile
        metrics["description"] = hostile
        path.write_text(json.dumps(metrics))
    render_report(read(files), tmp_path / "report.html")
    assert hostile not in (tmp_path / "report.html").read_text()


def test_equal_results_give_equal_pages(files, page, tmp_path):
    render_report(read(files), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page


def test_an_hmm_that_lost_the_states_is_named():
    lost = {"tagger": "hmm_em", "kind": "hmm", "attained": {"value": -4.6}}
    assert unlabelled_note([lost]).startswith(" hmm_em is worse than the label frequencies")
    assert unlabelled_note([lost | {"attained": {"value": 0.9}}]) == ""
    assert unlabelled_note([lost | {"attained": None}]) == ""
    assert unlabelled_note([lost | {"kind": "constant"}]) == ""


def test_states_have_one_colour_on_the_whole_page(page):
    """Annotations name their states in state order, not in that of the alphabet or the genome."""
    data = json.loads(re.search(r'id="page-data">(.*?)</script>', page, re.DOTALL)[1])
    spec = data["charts"]["phage.annotation-1"]
    assert '"domain": ["GC-rich", "GC-poor"]' in json.dumps(spec)


def chart(page, name):
    data = json.loads(re.search(r'id="page-data">(.*?)</script>', page, re.DOTALL)[1])
    return data["charts"][name]


def drawn(spec, key):
    """All rows of a chart's data that have a value of the key."""
    return [row for rows in spec["datasets"].values() for row in rows if key in row]


def test_a_network_has_a_card_with_its_parts_its_cost_and_its_measured_context(page):
    text = shown(page)
    assert "GRU of 16 units, one direction 1,266 672 32 bp on the left" in text
    assert "9,858 2,688 more than 32 bp on either side" in text
    assert "head softmax over 2 labels, each base for itself 34 32" in text
    assert "It is measured on this data, not guaranteed" in text


def test_losses_are_drawn_above_the_exact_posterior_on_the_same_bases(files, page):
    _, metrics = metrics_of(files, "blocks", "bilstm")
    (path,) = [p for p in files.histories if p.parts[-4:-2] == ("blocks", "bilstm")]
    losses = [float(line.split("\t")[2]) for line in path.read_text().splitlines()[1:]]
    exact = metrics["validation"]["references"]["exact"]["cross_entropy"]
    rows = [r for r in drawn(chart(page, "blocks.loss"), "bases") if r["label"] == "bilstm"]
    assert [row["excess"] for row in rows] == pytest.approx([loss - exact for loss in losses])
    assert [row["bases"] for row in rows] == [600_000 * i for i in range(1, 21)]
    assert {row["ceiling"] for row in rows} == {"exact"}
    levels = {row["name"]: row["excess"] for row in drawn(chart(page, "blocks.loss"), "name")}
    _, majority = metrics_of(files, "blocks", "majority")
    assert levels["majority"] == pytest.approx(majority["validation"]["cross_entropy"] - exact)
    assert "filtered (ceiling of one direction)" in levels
    assert not any(name.startswith(("exact", "gru")) for name in levels)


def test_a_one_directional_network_is_drawn_with_the_filtered_posterior_as_its_ceiling(page):
    rows = drawn(chart(page, "blocks.loss"), "bases")
    assert {row["ceiling"] for row in rows if row["label"] == "gru"} == {"filtered"}
    assert "For a network that reads in one direction (dashed) “filtered” is the ceiling" in shown(
        page
    )


def test_without_an_exact_posterior_the_cross_entropy_itself_is_drawn(page):
    spec = chart(page, "mine.loss")
    assert {row["split"] for row in drawn(spec, "split")} == {"train", "validation"}
    assert "mine: gru ends at" in shown(page)


def test_a_loss_not_above_the_exact_posterior_is_told_and_drawn_at_the_edge(tmp_path):
    files = write_results(tmp_path, datasets=("toy",), records=10, annotate=False)
    (path,) = [p for p in files.histories if p.parts[-3] == "gru"]
    header, *rows, last = path.read_text().splitlines()
    cells = last.split("\t")
    cells[2] = "0.001"
    path.write_text("\n".join([header, *rows, "\t".join(cells)]) + "\n")
    render_report(read(files), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    lowest = min(drawn(chart(page, "toy.loss"), "bases"), key=lambda row: row["excess"])
    assert lowest["excess"] < 0 < lowest["drawn"]
    assert lowest["at"] == "the lower edge"
    assert re.search(r"gru came out not above the exact posterior|gru.* came out not", shown(page))


def test_a_loss_that_weighs_states_is_not_held_against_the_exact_posterior(tmp_path):
    files = write_results(tmp_path, datasets=("toy",), records=10, annotate=False)
    path, metrics = metrics_of(files, "toy", "gru")
    path.write_text(json.dumps(metrics | {"validation": None}))
    render_report(read(files), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert {row["label"] for row in drawn(chart(page, "toy.loss"), "bases")} == {"bilstm"}
    assert "The loss of gru weighs states and is not drawn." in shown(page)


def test_learning_rates_are_drawn_as_the_history_has_them(files, page):
    (path,) = [p for p in files.histories if p.parts[-4:-2] == ("blocks", "gru")]
    header, *lines = [line.split("\t") for line in path.read_text().splitlines()]
    column = header.index("learning_rate")
    rows = drawn(chart(page, "blocks.rate"), "rate")
    assert {row["tagger"] for row in rows} == {"gru and bilstm"}  # one curve, for it is the same
    assert [row["rate"] for row in rows] == [float(line[column]) for line in lines]


def hidden_tracks(hidden, posterior=None):
    if posterior is None:
        posterior = np.full((len(hidden), 2), 0.5, dtype=np.float32)
    labels = np.zeros(len(hidden), dtype=np.uint8)
    calls = posterior.argmax(axis=1).astype(np.uint8)
    return Tracks(["r"], [0], ["A" * len(hidden)], [labels], [posterior], [calls], [hidden])


def test_hidden_states_are_binned_and_come_back_within_half_a_level():
    rng = np.random.default_rng(1)
    hidden = rng.uniform(-2, 2, (600, 5)).astype(np.float32)
    view = hidden_view(hidden_tracks(hidden))
    (record,) = view["records"]
    assert record["bin"] == 3  # 600 bases in at most 250 columns
    means = hidden.reshape(200, 3, 5).mean(axis=1)
    levels = np.frombuffer(base64.b64decode(record["values"]), dtype=np.uint8).reshape(5, 200)
    found = (levels.astype(float) - 127) / 127 * view["most"]
    expected = means[:, np.array(view["units"]) - 1].T
    within = np.abs(expected) <= view["most"]
    assert within.mean() > 0.99
    assert np.abs(found - expected)[within].max() <= view["most"] / 127
    norms = np.sqrt((hidden**2).sum(axis=1)).reshape(200, 3).mean(axis=1)
    assert record["norm"] == pytest.approx(norms, rel=6e-3)


def test_units_that_go_alike_stand_side_by_side_and_those_that_rise_with_the_state_on_top():
    rng = np.random.default_rng(1)
    state, other = rng.normal(size=(2, 400))
    kinds = (state, other, -state)
    units = np.stack([kinds[i % 3] + 0.1 * rng.normal(size=400) for i in range(9)], axis=1)
    units[:, 4] = 0.3  # never varies
    order = ordered_units(units, state).tolist()
    assert order[-1] == 4
    assert [i % 3 for i in order[:-1]] == [0, 0, 0, 1, 1, 2, 2, 2]


def test_of_many_units_those_are_shown_that_vary_most():
    rng = np.random.default_rng(1)
    units = rng.normal(size=(300, 100)) * np.arange(1, 101)
    assert sorted(ordered_units(units, units[:, 0])) == list(range(36, 100))
    view = hidden_view(hidden_tracks(units.astype(np.float32)))
    assert (len(view["units"]), view["of"]) == (64, 100)


def test_a_tagger_without_hidden_states_has_none_on_the_page(page):
    data = json.loads(re.search(r'id="page-data">(.*?)</script>', page, re.DOTALL)[1])
    taggers = {tagger["label"]: tagger for tagger in data["explore"]["blocks"]["taggers"]}
    assert taggers["exact"]["hidden"] is None
    assert taggers["bilstm"]["hidden"]["of"] == 64
