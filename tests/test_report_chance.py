"""The report's section on chance: its words beside the figures that they are made of."""

import json

import pytest

from basetag.report.chance import chance_sentences, chance_view, deviation, null_words, z_text
from basetag.report.page import Page
from basetag.report.reading import read_report_data
from basetag.report.wording import tagger_labels
from tests.report_fixture import write_results


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chance")
    files = write_results(folder, datasets=("blocks",), records=10, shown=(1, 60), annotate=False)
    data = read_report_data(files.comparison, files.metrics, provenance={}, config_text="")
    return data.datasets[0]


@pytest.fixture
def chance(blocks):
    """The part of one tagger, for tests that change it."""
    (result,) = [result for result in blocks.results if result.tagger == "bilstm"]
    return json.loads(json.dumps(result.metrics["chance"]))


def view_of(dataset, page):
    labels = tagger_labels([result.metrics for result in dataset.results])
    named = dict(zip(labels, dataset.results, strict=True))
    networks = {label: r for label, r in named.items() if r.metrics["kind"] == "network"}
    return chance_view(page, dataset, named, networks)


def test_each_tagger_has_a_panel_and_the_first_network_is_shown(blocks):
    page = Page()
    view = view_of(blocks, page)
    assert [panel["tagger"] for panel in view["panels"]] == [r.tagger for r in blocks.results]
    assert [panel["tagger"] for panel in view["panels"] if panel["shown"]] == ["gru"]
    assert all(len(panel["rows"]) == 4 for panel in view["panels"])


def test_all_nulls_stand_on_one_axis_that_holds_every_draw_and_the_ceiling(blocks):
    page = Page()
    (panel,) = [p for p in view_of(blocks, page)["panels"] if p["tagger"] == "bilstm"]
    spec = page.figures[panel["id"]].spec
    domains = [layer["layer"][0]["encoding"]["x"]["scale"]["domain"] for layer in spec["vconcat"]]
    assert len(domains) == 4
    assert domains.count(domains[0]) == 4
    low, high = domains[0]
    for result in blocks.results:
        if result.tagger == "bilstm":
            for null in result.metrics["chance"].values():
                assert low <= null["edges"][0] / null["length"]
                assert high >= null["edges"][-1] / null["length"]
    assert low < blocks.ceiling("exact")["accuracy"] < high


def test_a_null_is_told_by_mean_sd_z_effect_and_p():
    null = {
        "accuracy": 0.5, "sd_matches": 21, "length": 10_000, "z": -3.21, "effect": -0.0135,
        "constant": False, "too_short": False, "p": 0.9, "p_text": "0.9",
    }  # fmt: skip
    assert null_words("shift", null) == [
        "mean 50.0 %, sd 0.21 %, z \N{MINUS SIGN}3.2", "effect \N{MINUS SIGN}0.013, p = 0.9",
    ]  # fmt: skip


def test_the_effective_sample_size_is_told_beside_the_bases(chance):
    chance["shift"]["effective_sample_size"] = 433.2
    chance["resimulated"]["effective_sample_size"] = 501.9
    text = " ".join(chance_sentences("bilstm", chance))
    assert (
        "these 20,000 bases say as much as 433 independent ones (against shifted calls) or 501 "
        "independent ones (against fresh paths): independent draws flatter it." in text
    )


def test_nulls_are_told_in_one_order_whatever_that_of_the_file(chance):
    turned = dict(sorted(chance.items()))
    assert chance_sentences("bilstm", turned) == chance_sentences("bilstm", chance)


def test_where_bases_are_nearly_independent_nobody_is_said_to_be_flattered(chance):
    for key in ("shift", "resimulated"):
        chance[key]["effective_sample_size"] = 19_000
    text = " ".join(chance_sentences("bilstm", chance))
    assert "flatter" not in text
    assert "about as much as independent ones: as 19,000 (against shifted calls)" in text


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"too_short": True, "seam_share": 0.314}, "31 % of the changes of state"),
        (
            {"too_short": True, "log10_effective_shifts": 1.08, "seam_share": 0.01},
            "only about 12 shifts really differ",
        ),
        ({"constant": True, "sd_matches": 0.0, "z": None}, "calls or labels never change"),
    ],
)
def test_a_missing_p_is_explained(chance, changes, why):
    chance["shift"] |= changes | {"p": None, "p_text": None}
    (sentence,) = [s for s in chance_sentences("bilstm", chance) if s.startswith("No p against")]
    assert why in sentence
    assert "no p: " in " ".join(null_words("shift", chance["shift"]))


def test_the_table_says_in_words_what_was_not_tested_and_why(blocks):
    view = view_of(blocks, Page())
    (row,) = [row for row in view["rows"] if row["tagger"] == "majority"]
    assert row["groups"][2][0] == "constant"
    (note,) = view["notes"]
    assert "majority" in note
    assert "calls or labels never change" in note


def test_data_without_a_law_of_paths_leaves_the_row_empty(blocks, chance):
    chance["resimulated"] = None
    assert "No p against fresh paths: there is neither a model" in " ".join(
        chance_sentences("bilstm", chance)
    )
    assert null_words("resimulated", None)[0].startswith("not drawn")


@pytest.mark.parametrize(
    ("share", "text"), [(0.0021, "0.21 %"), (0.0321, "3.2 %"), (0.123, "12 %"), (2e-6, "0.00020 %")]
)
def test_a_standard_deviation_has_two_digits(share, text):
    assert deviation(share) == text


@pytest.mark.parametrize(
    ("z", "text"), [(12.34, "12.3"), (1234.5, "1,234"), (-0.01, "0.0"), (99.97, "100")]
)
def test_z_has_no_more_digits_than_it_is_worth(z, text):
    assert z_text(z) == text
