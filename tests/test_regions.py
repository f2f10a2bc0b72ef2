"""Regions of a genome, read back from its tracks for the report, and drawn."""

import numpy as np
import pytest

from basetag.errors import InputError
from basetag.region import Region
from basetag.report.page import Page
from basetag.report.region_charts import COLUMNS, columns_of, region_chart
from basetag.report.region_data import ShownTrack, read_regions
from basetag.report.regions import region_figures
from basetag.tracks import regions
from basetag.tracks.regions import AnnotationFiles, write_regions
from tests.tracks_fixture import genome_of, write_tracks

STATES = ["coding+", "not coding"]


@pytest.fixture(scope="module")
def phage(tmp_path_factory):
    """A genome whose first change of state is in its third record, and one annotation."""
    genome = genome_of({"empty": 0, "HLA:01": 300, "chr2": 1000})
    rng = np.random.default_rng(1)
    sure = rng.uniform(0.5, 1, 1300).astype(np.float32)
    path = np.repeat([0, 0, 1, 0], [300, 600, 250, 150])
    posterior = np.where(path[:, None] == [0, 1], sure[:, None], 1 - sure[:, None])
    folder = tmp_path_factory.mktemp("results") / "phage"
    place = folder / "toy/gru/seed1"
    write_tracks(place, genome, path, STATES, posterior.astype(np.float32))
    files = AnnotationFiles(
        "toy/gru/seed1", place / "segments.bed.gz", place / "posteriors", STATES
    )
    return genome, posterior, files, folder / "regions.npz"


def shown(phage, *texts):
    genome, _, files, path = phage
    write_regions(path, texts, genome, [files])
    return read_regions(path)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("chr1:1-20,000", Region("chr1", 0, 20_000)),
        ("HLA:01:5-5", Region("HLA:01", 4, 5)),
        ("chr1:0-5", None),
        ("chr1:9-5", None),
        ("chr1", None),
        ("chr1:-5", None),
        (":1-5", None),
        ("chr1:,-5", None),
    ],
)
def test_a_region_is_written_from_1_with_both_ends_in(text, region):
    assert Region.of_text(text) == region
    if region is not None:
        assert Region.of_text(str(region)) == region


def test_posteriors_and_segments_of_a_region_are_those_of_the_tracks(phage):
    (one,) = shown(phage, "chr2:551-900")
    assert (one.genome, one.region) == ("phage", Region("chr2", 550, 900))
    (track,) = one.tracks
    assert track.states == ["coding+", "not_coding"]
    expected = np.rint(phage[1][850:1200].astype(np.float64) * 1000)
    np.testing.assert_array_equal(track.posterior, expected)
    # The region begins within a segment, and ends within another.
    assert track.segments[:, :3].tolist() == [[0, 50, 0], [50, 300, 1], [300, 350, 0]]
    mean = phage[1][900:1150, 1].mean()
    assert track.segments[1, 3] == pytest.approx(1000 * mean, abs=0.51)


def test_without_a_choice_it_is_around_the_first_change_of_state(phage, monkeypatch):
    monkeypatch.setattr(regions, "DEFAULT_BASES", 100)
    (one,) = shown(phage)
    assert one.region == Region("chr2", 550, 650)
    monkeypatch.setattr(regions, "DEFAULT_BASES", 5000)
    (one,) = shown(phage)
    assert one.region == Region("chr2", 0, 1000)


def test_where_no_state_changes_it_is_the_beginning_of_the_longest_record(tmp_path):
    genome = genome_of({"short": 5, "long": 50})
    write_tracks(tmp_path / "one", genome, [0] * 55, STATES)
    files = AnnotationFiles(
        "one", tmp_path / "one/segments.bed.gz", tmp_path / "one/posteriors", STATES
    )
    assert write_regions(tmp_path / "x.npz", (), genome, [files]) == [Region("long", 0, 50)]


def test_names_beyond_ascii_are_found_in_the_tracks(tmp_path):
    genome = genome_of({"Überträger": 60, "染色体1": 30})
    write_tracks(tmp_path / "one", genome, [0] * 20 + [1] * 70, STATES)
    files = AnnotationFiles(
        "one", tmp_path / "one/segments.bed.gz", tmp_path / "one/posteriors", STATES
    )
    write_regions(tmp_path / "x.npz", ["染色体1:1-5"], genome, [files])
    assert write_regions(tmp_path / "x.npz", (), genome, [files]) == [Region("Überträger", 0, 60)]
    with np.load(tmp_path / "x.npz") as found:
        assert found["segments.0.0"][:, :3].tolist() == [[0, 20, 0], [20, 60, 1]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("chr3:1-50", "lies in no record of the genome; did you mean 'chr2'"),
        ("chr2:900-1001", "record 'chr2': the region chr2:900-1001 ends beyond.*1000 bases"),
        ("empty:1-1", "which has 0 bases"),
        ("chr2", "is no region; write it as"),
    ],
)
def test_a_region_that_the_genome_does_not_have_is_one_error_and_no_file(phage, text, told):
    path = phage[3]
    path.unlink(missing_ok=True)
    with pytest.raises(InputError, match=told):
        shown(phage, text)
    assert not path.exists()


def test_columns_are_means_of_bases_one_on_the_other(phage):
    n = 3 * COLUMNS - 1
    rng = np.random.default_rng(2)
    first = rng.integers(0, 1001, n)
    posterior = np.stack([first, 1000 - first], axis=1).astype(np.uint16)
    track = ShownTrack("gru", ["a", "b"], posterior, np.zeros((0, 4), dtype=np.int64))
    rows = columns_of(track, 500)
    assert len(rows) == 2 * COLUMNS
    for column in (0, 7, COLUMNS - 1):
        low, high = rows[2 * column : 2 * column + 2]
        mean = first[3 * column : 3 * column + 3].mean() / 1000
        assert (low["bottom"], high["top"]) == (0, 1)
        assert low["top"] == high["bottom"] == pytest.approx(mean, abs=1e-4)
        assert low["low"] == 500.5 + 3 * column
    assert rows[-1]["high"] == 500.5 + n
    assert rows[0]["positions"] == "501 to 503"


def test_the_chart_has_a_table_of_the_segments_and_the_page_every_base(phage):
    (one,) = shown(phage, "chr2:551-900")
    page = Page()
    (figure,) = region_figures(page, [one])
    assert figure["rows"][1][:5] == ["toy/gru/seed1", 600, 850, 250, "not_coding"]
    assert "chr2:551-900" in figure["description"]
    kept = page.regions["phage.region-1"]
    assert (kept["start"], kept["bases"], len(kept["tracks"])) == (550, 350, 1)
    chart = region_chart(one.tracks, "chr2", 550, description="")
    assert {row["state"] for row in chart.spec["datasets"]["segments"]} == set(one.tracks[0].states)
