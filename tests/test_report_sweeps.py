"""The report's section on sweeps: who is better where, along what, and by how sure a difference."""

import csv

import pytest

from basetag.report.data import Axis, ReportData, SweepResult
from basetag.report.page import Page
from basetag.report.render import render_report
from basetag.report.sweep_best import candidates_of
from basetag.report.sweep_maps import cells_of, strongest, winner_of
from basetag.report.sweep_rows import over_seeds, quality_of, rival_of
from basetag.report.sweeps import points_along, sweep_views
from tests.large_sweep import write_large_sweep
from tests.report_fixture import write_results, write_sweep
from tests.test_report import read

LENGTH, CONTRAST = "dataset.simulate.mean_length", "dataset.simulate.contrast"
BASES = "tagger.training.bases"
MINUS = "\N{MINUS SIGN}"


def sweep_of(path, keep=lambda row: True):
    """Return a sweep as `data` reads it, of the rows that are kept."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if keep(row)]
    axes = [
        Axis(column, column.partition(".")[2], column.startswith("dataset"), unit,
             list(dict.fromkeys(row[column] for row in rows if row[column])))
        for column, unit in ((LENGTH, "bases"), (CONTRAST, ""), (BASES, "bases"))
    ]  # fmt: skip
    return SweepResult(path.stem, axes, rows)


@pytest.fixture
def sweep(tmp_path):
    return sweep_of(write_sweep(tmp_path / "wrong.tsv"))


def views(*sweeps):
    page = Page()
    data = ReportData([], [], [], [], [], [], {}, "", list(sweeps))
    return page, sweep_views(page, data)


@pytest.mark.parametrize(
    ("own", "other", "winner"),
    [
        ((0.50, 0.49, 0.51), (0.53, 0.52, 0.54), "net"),
        ((0.50, 0.49, 0.51), (0.47, 0.46, 0.48), "hmm"),
        ((0.50, 0.49, 0.51), (0.52, 0.505, 0.54), "tie"),
        ((0.50, None, None), (0.53, 0.52, 0.54), "net?"),
    ],
)
def test_who_is_better_is_said_only_where_intervals_part(own, other, winner):
    assert winner_of(own, other, "net", "hmm") == winner


def test_several_seeds_have_their_mean_and_all_their_intervals_or_their_range():
    rows = [
        {"ce": "0.5", "ce_low": "0.48", "ce_high": "0.51"},
        {"ce": "0.6", "ce_low": "0.59", "ce_high": "0.63"},
    ]
    assert over_seeds(rows, "ce") == pytest.approx((0.55, 0.48, 0.63))
    assert over_seeds(rows, "ce", spread=True) == pytest.approx((0.55, 0.5, 0.6))
    assert over_seeds([*rows, {"ce": "0.7", "ce_low": "", "ce_high": ""}], "ce")[1:] == (None, None)


def test_a_cell_of_the_map_is_the_difference_in_cross_entropy_of_two_on_the_same_data(sweep):
    cells, several = cells_of(sweep, "bilstm", "hmm_counts", sweep.axes)
    assert not several
    assert len(cells) == 3 * 2 * 2
    (cell,) = [c for c in cells if (c.x, c.y, c.facet) == ("30", "1", "200 kb")]
    # 4000 / 200,000 and the mean of 0.0005 and 0.0010 over two seeds, against 0.006.
    assert cell.difference == pytest.approx(0.02 + 0.00075 - 0.006)
    assert (cell.winner, cell.text) == ("hmm_counts", "+0.0147")
    (cell,) = [c for c in cells if (c.x, c.y, c.facet) == ("300", "1", "4 Mb")]
    assert cell.difference == pytest.approx(0.0001 + 0.00075 - 0.006)
    assert (cell.winner, cell.text) == ("bilstm", f"{MINUS}0.0051")


def test_the_map_counts_who_is_better_and_where_it_cannot_be_told(sweep):
    _, ((view),) = views(sweep)
    cells, _ = cells_of(sweep, "bilstm", "hmm_counts", sweep.axes)
    counts = [sum(c.winner == name for c in cells) for name in ("bilstm", "hmm_counts", "tie")]
    assert min(counts) > 0
    assert (
        f"of 12 points, bilstm is better at {counts[0]}, hmm_counts at {counts[1]}; at "
        f"{counts[2]} their intervals overlap (a tie)" in " ".join(view["sentences"])
    )


def test_three_axes_have_a_map_with_a_panel_for_each_value_of_the_third(sweep):
    page, ((view),) = views(sweep)
    (figure,) = view["figures"]
    panels = page.figures[figure["id"]].spec["concat"]
    assert [panel["title"]["text"] for panel in panels] == [
        "training.bases = 200 kb", "training.bases = 4 Mb",
    ]  # fmt: skip
    assert len(figure["rows"]) == 12


def test_white_stands_for_no_difference(sweep):
    page, ((view),) = views(sweep)
    spec = page.figures[view["figures"][0]["id"]].spec
    scale = spec["concat"][0]["layer"][0]["encoding"]["color"]["scale"]
    low, high = scale["domain"]
    assert low == -high
    assert scale["domainMid"] == 0
    assert scale["range"][len(scale["range"]) // 2] == "#FFFFFF"


def test_two_axes_have_a_figure_along_each_and_a_map(tmp_path):
    path = write_sweep(tmp_path / "two.tsv")
    two = sweep_of(path, lambda row: row[CONTRAST] == "1")
    _, ((view),) = views(two)
    assert [figure["id"] for figure in view["figures"]] == [
        "two.sweep-dataset-simulate-mean_length",
        "two.sweep-tagger-training-bases",
        "two.sweep-map-bilstm",
    ]
    assert "Throughout, simulate.contrast is 1." in view["sentences"][0]


def test_one_axis_has_a_line_with_the_range_over_seeds(tmp_path):
    path = write_sweep(tmp_path / "one.tsv")
    keep = ("", "4000000")
    one = sweep_of(path, lambda row: row[CONTRAST] == "1" and row[BASES] in keep)
    points = points_along(one, one.axes[0], None, "kl_exact")
    assert {point.tagger for point in points} == {"bilstm", "hmm_counts"}  # exact is the zero
    (point,) = [p for p in points if (p.tagger, p.at) == ("bilstm", "30")]
    assert (point.value, point.low, point.high) == pytest.approx((0.00175, 0.0015, 0.002))
    (point,) = [p for p in points if (p.tagger, p.at) == ("hmm_counts", "30")]
    assert (point.low, point.high) == pytest.approx((0.0054, 0.0066))
    _, ((view),) = views(one)
    (figure,) = view["figures"]
    assert "bars are the range over 2 seeds" in figure["caption"]
    assert "the exact posterior is at 0" in figure["caption"]


def test_what_does_not_vary_along_an_axis_is_a_line_across_it(tmp_path):
    path = write_sweep(tmp_path / "bases.tsv")
    one = sweep_of(path, lambda row: row[CONTRAST] == "1" and row[LENGTH] == "100")
    points = points_along(one, one.axes[2], None, "kl_exact")
    assert [point.at for point in points if point.tagger == "hmm_counts"] == [None]
    _, ((view),) = views(one)
    assert "A dashed line is a tagger in which this does not vary" in view["figures"][0]["caption"]


def test_without_an_exact_posterior_cross_entropy_is_drawn_and_no_ceiling_claimed(tmp_path):
    path = write_sweep(tmp_path / "own.tsv", known=False)
    one = sweep_of(
        path,
        lambda row: row[CONTRAST] == "1" and row[LENGTH] == "100" and row["tagger"] != "exact",
    )
    _, ((view),) = views(one)
    caption = view["figures"][0]["caption"]
    assert "Cross-entropy (nats per base)" in caption
    assert "the best possible is not known" in caption


def test_without_intervals_nobody_wins_for_sure(tmp_path):
    unsure = sweep_of(write_sweep(tmp_path / "few.tsv", intervals=False))
    cells, _ = cells_of(unsure, "bilstm", "hmm_counts", unsure.axes)
    assert {cell.winner for cell in cells} == {"bilstm?", "hmm_counts?"}
    _, ((view),) = views(unsure)
    assert "At 12 there is no interval to tell by" in " ".join(view["sentences"])


def test_the_posteriors_themselves_are_no_rivals(tmp_path):
    path = write_sweep(tmp_path / "wrong.tsv")
    assert rival_of(sweep_of(path)) == "hmm_counts"
    alone = sweep_of(path, lambda row: row["tagger"] != "hmm_counts")
    assert rival_of(alone) is None
    _, ((view),) = views(alone)
    assert "No fitted HMM is in the sweep to hold bilstm against." in view["sentences"]


def test_a_sweep_of_words_is_drawn_in_their_order(tmp_path):
    path = write_sweep(tmp_path / "words.tsv", seeds=(1,))
    names = {"200000": "viterbi", "4000000": "argmax"}
    words = sweep_of(path, lambda row: row[CONTRAST] == "1" and row[LENGTH] == "30")
    for row in words.rows:
        row[BASES] = names.get(row[BASES], "")
    axis = Axis(BASES, "decoding", False, "", ["viterbi", "argmax"])
    page, ((view),) = views(SweepResult("words", [axis], words.rows))
    x = page.figures[view["figures"][0]["id"]].spec["layer"][0]["encoding"]["x"]
    assert (x["type"], x["sort"]) == ("nominal", ["viterbi", "argmax"])


def test_values_that_read_alike_are_written_out(tmp_path):
    path = write_sweep(tmp_path / "near.tsv")
    near = sweep_of(path, lambda row: row[CONTRAST] == "1")
    for row in near.rows:
        row[BASES] = {"200000": "4000001"}.get(row[BASES], row[BASES])
    near.axes[2] = Axis(BASES, "training.bases", False, "bases", ["4000001", "4000000"])
    cells, _ = cells_of(near, "bilstm", "hmm_counts", [near.axes[0], near.axes[2]])
    assert {cell.y for cell in cells} == {"4000001", "4000000"}


def test_a_sweep_of_the_exact_posterior_alone_leaves_nothing_to_draw(tmp_path):
    path = write_sweep(tmp_path / "exact.tsv")
    exact = sweep_of(path, lambda row: row["tagger"] == "exact" and row[CONTRAST] == "1")
    _, ((view),) = views(exact)
    assert view["figures"] == []
    assert "There is nothing to draw; the table has all figures." in view["sentences"]


# ---- a thousand points


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A sweep of 1,000 taggers, as it is read."""
    path = tmp_path_factory.mktemp("large") / "large.tsv"
    write_large_sweep(path)
    return read_sweep(path)


def read_sweep(path):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    axes = [
        Axis(column, column.partition(".")[2], column.startswith("dataset"), "",
             list(dict.fromkeys(row[column] for row in rows if row[column])))
        for column in rows[0] if "." in column
    ]  # fmt: skip
    return SweepResult(path.stem, axes, rows)


def test_the_best_points_are_chosen_by_validation_and_told_by_test(large):
    _, (view,) = views(large)
    rows = [row for row in large.rows if row["tagger_base"] == "bilstm"]
    expected = sorted(rows, key=lambda row: float(row["validation_cross_entropy"]))[:10]
    shown = view["best"]["rows"]
    assert len(shown) == 10
    for cells, row in zip(shown, expected, strict=True):
        assert cells[1] == row["tagger.hidden"]
        assert cells[5] == f"{100 * float(row['attained']):.2f} %"
    assert "The best 10 of 1,001 points, by cross-entropy on validation" in view["best"]["note"]


def test_without_validation_the_note_says_that_the_test_split_chose(large):
    rows = [row | {"validation_cross_entropy": ""} for row in large.rows]
    _, (view,) = views(SweepResult("large", large.axes, rows))
    assert "by the test split" in view["best"]["note"]
    assert "flatter the best of so many" in view["best"]["note"]


def test_no_point_is_both_cheaper_and_better_than_one_on_the_front(large):
    page, (view,) = views(large)
    rows = [row for row in large.rows if row["tagger"] != "exact"]
    costs = {row["tagger"]: (float(row["train_seconds"]), -float(row["attained"])) for row in rows}
    front = {
        own
        for own, (seconds, loss) in costs.items()
        if not any(
            s <= seconds and q <= loss and (s, q) != (seconds, loss) for s, q in costs.values()
        )
    }
    figure = view["best"]["figure"]
    assert {row[0] for row in figure["rows"] if row[4] == "yes"} == front
    assert f"{len(front)} of 1,001 points are on the front" in figure["caption"]
    # The baseline says CPU, and networks how many threads: that is no other device.
    assert "different devices" not in figure["caption"]
    assert len(view["best"]["front"]) == 15 < len(front)
    assert len(page.figures["large.sweep-front"].spec["layer"]) == 3


def test_over_several_datasets_a_point_is_a_tagger_and_its_figure_the_mean(tmp_path):
    path = tmp_path / "grid.tsv"
    write_large_sweep(path, datasets=20, seeds=(1, 2))
    sweep = read_sweep(path)
    candidates, left_out = candidates_of(
        [row for row in sweep.rows if row["tagger"] != "exact"], quality_of(sweep.rows)
    )
    assert (len(candidates), left_out) == (26, 0)
    best = candidates[0].tagger
    own = [float(row["attained"]) for row in sweep.rows if row["tagger"] == best]
    assert len(own) == 40
    assert candidates[0].quality == pytest.approx(sum(own) / 40)
    # On half of the datasets alone, it is held against nobody.
    rows = [row for row in sweep.rows if row["tagger"] != best or "0p25" in row["dataset"]]
    candidates, left_out = candidates_of(
        [row for row in rows if row["tagger"] != "exact"], quality_of(rows)
    )
    assert (len(candidates), left_out) == (25, 1)


def test_a_large_map_has_small_squares_without_words(large):
    page, (view,) = views(large)
    ids = [figure["id"] for figure in view["figures"]]
    assert ids == ["large.sweep-map-bilstm"]
    panels = page.figures[ids[0]].spec["concat"]
    assert len(panels) == 10
    assert panels[0]["width"]["step"] < 30
    texts = [layer["encoding"]["text"]["field"] for layer in panels[0]["layer"][1:]]
    assert texts == ["tie"]


def test_of_more_axes_than_a_map_has_room_for_the_two_that_matter_most_are_drawn(tmp_path):
    path = tmp_path / "grid.tsv"
    write_large_sweep(path, datasets=20)
    sweep = read_sweep(path)
    _, (view,) = views(sweep)
    (figure,) = view["figures"]
    rows = [row for row in sweep.rows if row["kind"] == "network"]
    assert {axis.key for axis in strongest(rows, sweep.axes, "attained")} == {
        "simulate.contrast", "training.bases",
    }  # fmt: skip
    assert figure["header"][:2] == ["simulate.contrast", "training.bases"]
    x, y, value = figure["rows"][0][:3]
    cell = [row for row in rows if row["dataset.simulate.contrast"] == x]
    cell = [row for row in cell if row["tagger.training.bases"] == y.replace(",", "")]
    best = {}
    for row in cell:
        known = best.get(row["dataset"])
        if known is None or float(row["validation_cross_entropy"]) < float(
            known["validation_cross_entropy"]
        ):
            best[row["dataset"]] = row
    assert len(best) == 6
    assert value == pytest.approx(sum(float(row["attained"]) for row in best.values()) / 6)
    assert "simulate.mean_length and hidden" in figure["caption"]


def test_without_a_rival_the_map_shows_how_good_the_network_is(tmp_path):
    path = tmp_path / "own.tsv"
    write_large_sweep(path, known=False, rival=False)
    _, (view,) = views(read_sweep(path))
    (figure,) = view["figures"]
    assert figure["header"][3] == "Cross-entropy (nats per base)"
    assert figure["left_out"] == 500
    assert "No fitted HMM is in the sweep to hold bilstm against." in view["sentences"]


def test_two_axes_of_many_values_are_a_map_and_not_as_many_panels(tmp_path):
    path = tmp_path / "two.tsv"
    write_large_sweep(path)
    sweep = read_sweep(path)
    rows = [row for row in sweep.rows if row["tagger.hidden"] in ("8", "")]
    two = SweepResult("two", sweep.axes[1:], rows)
    _, (view,) = views(two)
    assert [figure["id"] for figure in view["figures"]] == ["two.sweep-map-bilstm"]


def test_few_points_need_no_choice(sweep):
    assert views(sweep)[1][0]["best"] is None


def test_a_page_with_a_thousand_rows_stays_below_ten_megabytes(tmp_path):
    files = write_results(tmp_path, datasets=("toy",), annotate=False)
    files.sweeps.append(tmp_path / "sweeps/large.tsv")
    write_large_sweep(files.sweeps[0])
    render_report(read(files), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 10e6
