"""The report of a dataset whose sequences have classes: its words, its charts, what is left out."""

import json
import re

import numpy as np
import pytest

from basetag.report.classes import ends_of, shown_sequences
from basetag.report.counted import BASES, EITHER, SEQUENCES, counted, counted_of_all, unit_of
from basetag.report.data import Tracks
from basetag.report.render import render_report
from tests.class_fixture import CLASSES, LENGTH, NETWORK, N, write_class_results
from tests.test_report import read, shown


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_class_results(tmp_path_factory.mktemp("classes"))


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    return tmp_path_factory.mktemp("figures") / "figures"


@pytest.fixture(scope="module")
def page(files, figures, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    render_report(read(files), path, figures)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """The page of a run with a dataset of classes and one of states."""
    folder = tmp_path_factory.mktemp("mixed")
    render_report(read(write_class_results(folder, seeds=(1,), other="toy")), folder / "r.html")
    return (folder / "r.html").read_text(encoding="utf-8")


def metrics_of(files, tagger):
    (path, *_) = [p for p in files.metrics if p.parts[-3] == tagger]
    return json.loads(path.read_text())


def section(page, name):
    return page.partition(f'<section id="{name}"')[2].partition("</section>")[0]


def specs(page):
    text = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', page, re.S)
    return json.loads(text[1])["charts"]


def rows_of(spec, part):
    """The rows that a part of a chart draws."""
    return (
        spec["datasets"][part["data"]["name"]] if "name" in part["data"] else part["data"]["values"]
    )


def test_figures_of_a_file_without_a_task_are_those_of_bases():
    assert counted({}) is BASES
    assert counted({"task": "classify"}) is SEQUENCES
    assert counted_of_all([{}, {"task": "tag"}]) is BASES
    assert counted_of_all([{}, {"task": "classify"}]) is EITHER
    protein = {"task": "tag", "alphabet": "protein"}
    assert (counted(protein).many, counted_of_all([protein, {}])) == ("residues", BASES)


@pytest.mark.parametrize(
    ("metrics", "unit"),
    [
        ({"task": "tag", "alphabet": "dna"}, "bp"),
        ({"task": "next_token", "alphabet": "protein"}, "residues"),
        ({"task": "tag", "alphabet": "HTx"}, "letters"),
        ({"task": "classify", "alphabet": "9 words", "vocabulary": {"of": "words"}}, "words"),
        ({"task": "next_value", "alphabet": "dna"}, "steps"),
    ],
)
def test_distances_are_told_in_what_records_are_made_of(metrics, unit):
    assert unit_of(metrics) == unit
    assert counted_of_all([]) is BASES


def test_the_verdict_says_how_many_sequences_are_classified_rightly(files, page):
    best = 100 * metrics_of(files, "exact")["accuracy"]["value"]
    assert re.search(
        rf"{NETWORK} on motifs: [\d.]+ % of {N} test sequences are classified rightly "
        rf"\(mean of 2 seeds, [\d.]+ to [\d.]+ %\); chance is 50\.0 %; "
        rf"the best possible is {best:.1f} %, and the rest is luck",
        shown(page),
    )
    assert f"Measured on {N} test sequences that no tagger was trained on" in shown(page)
    assert re.search(r"exact : [\d.]+ % classified rightly, the best possible", shown(page))


def test_no_word_is_left_that_speaks_of_bases_or_states(page):
    text = shown(page.partition('<section id="preflight"')[0])
    # What a network learns from is told in bases, whatever it is asked for.
    for known in ("Training bases seen", "each base for itself"):
        text = text.replace(known, "")
    assert re.findall(r"[^.]*\b(?:states?|segments?|bases match|test bases)\b[^.]*\.", text) == []
    assert not re.search(r"\{\w+\.\w+\}", text)


def test_sections_of_segments_and_of_bases_are_left_out(page):
    for name in ("segments", "controls", "inside"):
        assert f'id="{name}"' not in page
        assert f'href="#{name}"' not in page
    for name in ("verdicts", "comparison", "networks", "loss", "confusion", "measures", "chance",
                 "certainty", "classes", "cost", "provenance"):  # fmt: skip
        assert f'<section id="{name}"' in page
    heads = re.findall(r'<button type="button" title="[^"]*">([^<]*)', section(page, "comparison"))
    assert not [head for head in heads if "segment" in head or "shift" in head]
    assert "p, chance" in [head.replace("\xad", "").strip() for head in heads]


def test_only_the_two_nulls_that_are_fair_to_classes_are_shown(page):
    text = shown(section(page, "chance"))
    assert "two strings, classes equally likely" in text
    assert "Each sequence is a draw of its own" in text
    assert "shifted calls" not in text
    assert "fresh paths" not in text


def test_all_networks_of_a_dataset_are_on_one_chart_of_losses(page):
    names = [name for name in specs(page) if name.startswith("motifs.loss")]
    assert names == ["motifs.loss"]
    text = json.dumps(specs(page)["motifs.loss"])
    assert f"{NETWORK} (seed 1)" in text
    assert f"{NETWORK} (seed 2)" in text
    assert "nats per sequence" in text


def test_accuracy_stands_beside_the_commonest_class_and_the_best_possible(files, page):
    spec = json.dumps(specs(page)["motifs.accuracies"])
    for tagger in ("exact", "majority"):
        value = metrics_of(files, tagger)["accuracy"]["value"]
        assert f'"name": "{tagger}", "value": {value}' in spec
    caption = re.search(r"motifs: share of the 120 test sequences[^<]*", page)[0]
    assert "majority, always the commonest class" in caption


def test_each_class_has_its_measures_and_its_support(files, page):
    metrics = metrics_of(files, "exact")
    table = section(page, "measures").partition('id="motifs.classes"')[2]
    row = re.search(r"<tr><td>exact</td><td>H \(promoter\)</td>(.*?)</tr>", table)[1]
    cells = [float(cell.replace(",", "")) for cell in re.findall(r">([\d.,]+)<", row)]
    own = metrics["classes"]["H"]
    assert cells[0] == metrics["label_counts"][0]
    assert cells[1:] == pytest.approx([own[k]["value"] for k in ("precision", "recall", "f1")],
                                      abs=1e-4)  # fmt: skip


def test_the_shown_sequences_have_their_probabilities_and_wrong_calls_are_marked(files, page):
    (path, *_) = [p for p in files.tracks if p.parts[-3] == "exact"]
    arrays = np.load(path)
    each = slice(None, None, LENGTH)
    labels, calls = arrays["labels"][each], arrays["calls"][each]
    table = section(page, "classes").partition('id="motifs.sequences-exact-seed0"')[2]
    table = table.partition("</table>")[0]
    rows = re.findall(r"<tr><td>(s\d+)</td>(.*?)</tr>", table)
    assert [name for name, _ in rows] == arrays["names"].tolist()
    assert ["wrong" in row for _, row in rows] == (labels != calls).tolist()
    p = float(re.findall(r">([\d.]+)<", rows[0][1])[-2])
    assert p == pytest.approx(float(arrays["posterior"][0, 0]), abs=1e-3)


def test_mutagenesis_marks_the_own_letters_and_names_the_strongest_substitution(page):
    charts = specs(page)
    assert sorted(n for n in charts if n.startswith("motifs.mutagenesis")) == [
        f"motifs.mutagenesis-{NETWORK}-seed1-{number}"
        for number in (1, 2, 3)
    ]  # fmt: skip
    text = section(page, "classes")
    assert re.search(r"Most against it: \w at position 3 to \w, .4\.250", text) or re.search(
        r"most for it: \w at position 3 to \w, 4\.250", text
    )
    spec = charts[f"motifs.mutagenesis-{NETWORK}-seed1-1"]
    cells, own = (
        {(row["position"], row["to"]) for row in rows_of(spec, part)} for part in spec["layer"]
    )
    assert (len(cells), len(own)) == (3 * LENGTH, LENGTH)
    assert not cells & own


def test_attention_is_drawn_over_the_letters_of_those_sequences_that_have_it(page):
    charts = specs(page)
    assert len([name for name in charts if name.startswith("motifs.attention")]) == 3
    spec = charts[f"motifs.attention-{NETWORK}-seed1-1"]
    drawn = rows_of(spec, spec)
    assert [v["position"] for v in drawn] == list(range(1, LENGTH + 1))
    assert "Most weight, 0.700, is at position 2" in page


def test_every_chart_of_classes_is_a_file_with_its_caption(figures, page):
    names = {path.name for path in figures.iterdir()}
    for kind in ("accuracies", "classes", f"sequences-{NETWORK}-seed1", "sequences-exact-seed0",
                 f"attention-{NETWORK}-seed1-1", f"mutagenesis-{NETWORK}-seed1-3"):  # fmt: skip
        assert f"motifs.{kind}.svg" in names
    assert "tracks" not in " ".join(names)


def test_a_run_may_have_datasets_of_both_kinds(mixed):
    text = shown(mixed)
    assert f"{NETWORK} on motifs:" in text
    assert re.search(rf"{NETWORK} on toy: [\d.]+ % of bases match", text)
    assert "Measures per state or class" in text
    for name in ("segments", "inside", "classes", "controls"):
        assert f'<section id="{name}"' in mixed
    assert ">motifs<" not in section(mixed, "segments").replace("<h3>", ">").replace("</h3>", "<")
    assert "shifted calls" in shown(section(mixed, "chance"))


def test_a_long_sequence_is_told_by_its_ends():
    assert ends_of("A" * 21) == "A" * 21
    assert ends_of("A" * 11 + "C" * 11) == "A" * 10 + "…" + "C" * 10


def test_a_shown_sequence_has_what_stands_at_its_letters():
    row = np.array([[0.2, 0.8]] * 3, dtype=np.float32)
    tracks = Tracks(["a"], [0], ["ACG"], [np.full(3, 255)], [row], [np.ones(3, dtype=np.uint8)])
    (one,) = shown_sequences(tracks)
    assert (one.name, one.length, one.true, one.called) == ("a", 3, 255, 1)
    assert one.probabilities == pytest.approx([0.2, 0.8])
    assert list(CLASSES) == ["H", "L"]
