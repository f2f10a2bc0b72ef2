"""What the page says of annotated genomes."""

import gzip

import pytest

from basetag.errors import InputError
from basetag.report.annotation_data import DRAWN_RECORDS, read_annotation
from basetag.report.genome_charts import Bin, distribution_chart
from tests.tracks_fixture import genome_of, write_tracks

BINS = [
    Bin("gru", "rich", "length", 1, 2, 3),
    Bin("gru", "rich", "length", 2, 3, 1),
    Bin("gru", "poor", "length", 6, 10, 5),
    Bin("gru", "rich", "gc", 0.5, 0.52, 4),
]


@pytest.fixture
def folder(tmp_path):
    """Nine records of 10, 20, … bases; each has two segments."""
    records = {f"r{number}": 10 * number for number in range(1, 10)}
    path = [label for n in records.values() for label in [0] * 4 + [1] * (n - 4)]
    place = tmp_path / "phage/toy/gru/seed1"
    return write_tracks(place, genome_of(records), path, ["GC rich", "GC poor"])


def test_of_many_records_the_longest_are_read_and_the_others_counted(folder):
    annotation = read_annotation(folder)
    assert list(annotation.records) == [f"r{n}" for n in range(9, 9 - DRAWN_RECORDS, -1)]
    assert annotation.records["r9"].ends.tolist() == [4, 90]
    assert (annotation.n_records, annotation.n_segments) == (9, 18)
    assert annotation.states == ["GC_rich", "GC_poor"]
    assert annotation.name == "toy/gru/seed1"


def test_segments_that_the_summary_does_not_speak_of_stop_the_report(folder):
    path = folder / "segments.bed.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    path.write_bytes(gzip.compress("\n".join(lines[:-1]).encode()))
    with pytest.raises(InputError, match=r"holds 17 segments, and summary.tsv speaks of 18"):
        read_annotation(folder)


def test_a_state_may_have_quotes_in_its_name(tmp_path):
    place = tmp_path / "phage/toy/gru/seed1"
    write_tracks(place, genome_of({"r": 9}), [0] * 4 + [1] * 5, ['5" UTR', '"other"'])
    annotation = read_annotation(place)
    assert annotation.states == ['5"_UTR', '"other"']
    assert {row["name"] for row in annotation.distributions} == {'5" UTR', '"other"'}
    assert annotation.n_segments == 2


def test_histograms_are_shares_of_each_states_segments():
    chart = distribution_chart(BINS, ["gru"], ["rich", "poor"], description="")
    rows = [row for rows in chart.spec["datasets"].values() for row in rows]
    shares = {(row["state"], row["at"]): row["share"] for row in rows if row["segments"]}
    assert shares == {("rich", 1): 0.75, ("rich", 2): 0.25, ("poor", 6): 1, ("rich", 0.5): 1}
    # Outlines begin and end at zero.
    assert {row["at"] for row in rows if not row["segments"]} == {1, 3, 6, 10, 0.5, 0.52}
    assert chart.rows[1] == ["gru", "rich", "length", 2, 3, 1]


def test_a_genome_without_gc_has_no_panel_of_it():
    chart = distribution_chart(BINS[:3], ["gru"], ["rich", "poor"], description="")
    (row,) = chart.spec["vconcat"]
    assert len(row["hconcat"]) == 1
