"""The report: its words, its figures against their counts, its page."""

import base64
import contextlib
import html
import json
import re

import numpy as np
import pytest

from basetag.errors import InputError
from basetag.report.data import Tracks, read_report_data
from basetag.report.render import render_report
from basetag.report.sequences import hidden_view, ordered_units
from basetag.report.wording import rule_note, unlabelled_note
from tests.report_fixture import write_results


def read(files, **changes):
    tables = {"differences_path": files.differences, "variance_path": files.variance}
    return read_report_data(
        files.comparison, files.metrics, history_paths=files.histories, tracks_paths=files.tracks,
        annotation_folders=files.annotations, agreement_paths=files.agreements,
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


def test_without_an_exact_posterior_the_page_claims_no_ceiling(page):
    (headline,) = re.findall(r"bilstm on mine: [^.]*\.[^.]*\.[^.]*\.[^.]*", shown(page))
    assert "no method can pass" not in headline
    assert "the best possible is not known" in shown(page)


def test_a_tagger_that_sees_structure_in_a_control_is_named_with_its_rate_and_the_best(tmp_path):
    files = write_results(tmp_path / "results", datasets=("blocks",), annotate=False)
    path, metrics = metrics_of(files, "blocks", "bilstm")
    render_report(read(files), tmp_path / "report.html")
    text = shown((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "bilstm sees structure" not in text
    # A tagger without a verdict of its own is named below them.
    assert (
        "False segments where there is no structure, more than need be: gc_window, 24,000 per Mb "
        "of sequence without structure (exact: 5,200) and 24,000 per Mb of test sequence whose "
        "letters are shuffled (exact: 5,200)." in text
    )
    window = metrics_of(files, "blocks", "gc_window")[1]["controls"]["shuffled"]
    path.write_text(json.dumps(metrics | {"controls": metrics["controls"] | {"shuffled": window}}))
    render_report(read(files), tmp_path / "report.html")
    text = shown((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert re.search(
        r"bilstm sees structure where there is none: 24,000 false segments per Mb of test sequence "
        r"whose letters are shuffled \(95 % interval [\d,]+ to [\d,]+\), where exact calls 5,200\.",
        text,
    )
    assert "but sees structure where there is none" in text
    assert "the most probable path (`decoding: viterbi`) keeps segments whole" in text
    assert "per Mb of sequence without structure (95" not in text


def test_a_report_without_controls_says_nothing_of_them(tmp_path):
    files = write_results(tmp_path / "results", datasets=("blocks",), annotate=False)
    for path in files.metrics:
        path.write_text(json.dumps(json.loads(path.read_text()) | {"controls": None}))
    render_report(read(files), tmp_path / "report.html")
    text = shown((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "sees structure where there is none" not in text
    assert "more than need be" not in text


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


@pytest.mark.parametrize("column", ["accuracy", "accuracy_low", "segment_f1", "auroc"])
def test_a_table_that_contradicts_its_metrics_stops_the_report(small, column):
    header, first, *rest = small.comparison.read_text().splitlines()
    cells = first.split("\t")
    at = header.split("\t").index(column)
    cells[at] = f"{float(cells[at]) + 0.001:.6g}"
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
    spec = data["charts"]["genome-phage-0"]
    assert '"domain": ["GC-rich", "GC-poor"]' in json.dumps(spec)


def chart(page, name):
    data = json.loads(re.search(r'id="page-data">(.*?)</script>', page, re.DOTALL)[1])
    return data["charts"][name]


def drawn(spec, key):
    """All rows of a chart's data that have a value of the key."""
    return [row for rows in spec["datasets"].values() for row in rows if key in row]


def test_a_network_has_a_card_with_its_parts_its_cost_and_its_measured_context(page):
    text = shown(page)
    assert "GRU of 16 units, one direction 1,266 672 32 bp on the left 290 kb/s 2.4 Mb/s" in text
    assert "9,858 2,688 more than 32 bp on either side" in text
    assert "head softmax over 2 labels, each base for itself 34 32" in text
    assert "It is measured on this data, not guaranteed" in text


def test_losses_are_drawn_above_the_exact_posterior_on_the_same_bases(files, page):
    _, metrics = metrics_of(files, "blocks", "bilstm")
    (path,) = [p for p in files.histories if p.parts[-4:-2] == ("blocks", "bilstm")]
    losses = [float(line.split("\t")[2]) for line in path.read_text().splitlines()[1:]]
    exact = metrics["validation"]["references"]["exact"]["cross_entropy"]
    rows = [r for r in drawn(chart(page, "loss-blocks"), "bases") if r["label"] == "bilstm"]
    assert [row["excess"] for row in rows] == pytest.approx([loss - exact for loss in losses])
    assert [row["bases"] for row in rows] == [600_000 * i for i in range(1, 21)]
    assert {row["ceiling"] for row in rows} == {"exact"}
    levels = {row["name"]: row["excess"] for row in drawn(chart(page, "loss-blocks"), "name")}
    _, majority = metrics_of(files, "blocks", "majority")
    assert levels["majority"] == pytest.approx(majority["validation"]["cross_entropy"] - exact)
    assert "filtered (ceiling of one direction)" in levels
    assert not any(name.startswith(("exact", "gru")) for name in levels)


def test_a_one_directional_network_is_drawn_with_the_filtered_posterior_as_its_ceiling(page):
    rows = drawn(chart(page, "loss-blocks"), "bases")
    assert {row["ceiling"] for row in rows if row["label"] == "gru"} == {"filtered"}
    assert "For a network that reads in one direction (dashed) “filtered” is the ceiling" in shown(
        page
    )


def test_without_an_exact_posterior_the_cross_entropy_itself_is_drawn(page):
    spec = chart(page, "loss-mine")
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
    lowest = min(drawn(chart(page, "loss-toy"), "bases"), key=lambda row: row["excess"])
    assert lowest["excess"] < 0 < lowest["drawn"]
    assert lowest["at"] == "the lower edge"
    assert re.search(r"gru came out not above the exact posterior|gru.* came out not", shown(page))


def test_a_loss_that_weighs_states_is_not_held_against_the_exact_posterior(tmp_path):
    files = write_results(tmp_path, datasets=("toy",), records=10, annotate=False)
    path, metrics = metrics_of(files, "toy", "gru")
    path.write_text(json.dumps(metrics | {"validation": None}))
    render_report(read(files), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert {row["label"] for row in drawn(chart(page, "loss-toy"), "bases")} == {"bilstm"}
    assert "The loss of gru weighs states and is not drawn." in shown(page)


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
