"""The report: its words, its figures against their counts, its page."""

import html
import json
import re

import pytest

from basetag.errors import InputError
from basetag.report import render_report
from basetag.report_data import read_report_data
from basetag.wording import rule_note, unlabelled_note
from tests.report_fixture import write_results


def read(files, **changes):
    return read_report_data(
        files.comparison, files.metrics, history_paths=files.histories, tracks_paths=files.tracks,
        annotation_folders=files.annotations, agreement_paths=files.agreements,
        provenance={"Written by": {"basetag": "0"}}, config_text="seeds: [1]\n", **changes,
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("results"))


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
        (("brier",), 0.01),
        (("mcc",), 0.01),
        (("kl_exact", "value"), 0.01),
        (("attained", "value"), -0.01),
        (("sums", "cross_entropy"), 5.0),
        (("confusion", 0, 0), 1),
        (("label_counts", 0), 1),
        (("reliability", "counts", 9), 1),
        (("chance", "p"), 0.01),
        (("chance", "observed_matches"), 1),
    ],
)
def test_a_figure_that_its_counts_do_not_give_stops_the_report(tmp_path, keys, change):
    files = write_results(tmp_path, datasets=("toy",), records=10, annotate=False)
    read(files)
    path, metrics = metrics_of(files, "toy", "bilstm")
    section = metrics
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] += change
    path.write_text(json.dumps(metrics))
    with pytest.raises(InputError, match=r"metrics\.json: .* is .*gives? "):
        read(files)


def test_a_table_that_contradicts_its_metrics_stops_the_report(tmp_path):
    files = write_results(tmp_path, datasets=("toy",), records=10, annotate=False)
    header, first, *rest = files.comparison.read_text().splitlines()
    cells = first.split("\t")
    at = header.split("\t").index("accuracy")
    cells[at] = f"{float(cells[at]) + 0.001:.6g}"
    files.comparison.write_text("\n".join([header, "\t".join(cells), *rest]) + "\n")
    with pytest.raises(InputError, match=r"line 2: accuracy is"):
        read(files)


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
