"""Runs and BED files."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basetag.errors import InputError
from basetag.files import written_whole
from basetag.intervals import Runs, index_suffix, read_bed, write_bed

STATES = ("GC rich", "GC-poor", "other")
PATHS = st.lists(st.integers(0, 2), max_size=60).map(lambda p: np.array(p, dtype=np.uint8))


def posteriors(path, seed=0) -> np.ndarray:
    """Return float32 posteriors, (bases, states), in which any state may be called."""
    return np.random.default_rng(seed).dirichlet(np.ones(3), size=len(path)).astype(np.float32)


def test_runs_of_a_path_by_hand():
    runs = Runs.of_path(
        np.array([1, 1, 0, 0, 0, 1], dtype=np.uint8),
        np.array([[0, 1], [0.5, 0.5], [1, 0], [0.5, 0.5], [0.75, 0.25], [0, 1]], np.float32),
        offset=10,
    )
    assert runs.starts.tolist() == [10, 12, 15]
    assert runs.ends.tolist() == [12, 15, 16]
    assert runs.labels.tolist() == [1, 0, 1]
    assert runs.mean_posteriors.tolist() == [0.75, 0.75, 1.0]


@given(PATHS)
def test_a_path_comes_back_from_its_runs(path):
    runs = Runs.of_path(path, posteriors(path))
    np.testing.assert_array_equal(runs.to_path(len(path)), path)
    assert (runs.labels[1:] != runs.labels[:-1]).all()


@given(PATHS, st.lists(st.integers(0, 60)))
def test_chunks_make_the_same_runs_and_sums_as_the_whole(path, cuts):
    posterior = posteriors(path)
    borders = sorted({0, len(path), *(cut for cut in cuts if cut < len(path))})
    parts = [
        Runs.of_path(path[start:end], posterior[start:end], offset=start)
        for start, end in pairwise(borders)
    ]
    joined, whole = Runs.joined(parts), Runs.of_path(path, posterior)
    for field in ("starts", "ends", "labels", "posterior_sums"):
        np.testing.assert_array_equal(getattr(joined, field), getattr(whole, field))


def bed_of(folder, records, states=STATES, suffix=".tbi"):
    path = folder / "segments.bed.gz"
    with written_whole(path, f"{path}{suffix}") as (place, index):
        write_bed(place, index, records, states)
    return path


@given(st.dictionaries(st.sampled_from(["chr2", "chr1", "chr10", "x|y"]), PATHS, min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_paths_come_back_from_a_bed_file(tmp_path, paths):
    path = bed_of(tmp_path, [(name, Runs.of_path(p, posteriors(p))) for name, p in paths.items()])
    found = read_bed(path, STATES)
    assert list(found) == [name for name, p in paths.items() if len(p)]
    for name, runs in found.items():
        np.testing.assert_array_equal(runs.to_path(len(paths[name])), paths[name])
        original = Runs.of_path(paths[name], posteriors(paths[name]))
        np.testing.assert_allclose(runs.mean_posteriors, original.mean_posteriors, atol=0.0006)


def test_a_line_has_nine_columns_with_the_mean_posterior_as_score(tmp_path):
    states = np.array([0, 0, 1], dtype=np.uint8)
    posterior = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], dtype=np.float32)
    path = bed_of(tmp_path, [("chr1", Runs.of_path(states, posterior))], STATES[:2])
    with pysam.BGZFile(str(path)) as file:
        assert file.read().decode().splitlines() == [
            "chr1\t0\t2\tGC_rich\t750\t.\t0\t2\t213,94,0",
            "chr1\t2\t3\tGC-poor\t800\t.\t2\t3\t0,114,178",
        ]


def test_tabix_finds_the_segments_of_a_region(tmp_path):
    states = np.repeat(np.array([0, 1, 0, 1], dtype=np.uint8), 100_000)
    path = bed_of(tmp_path, [("b", Runs.of_path(states)), ("a", Runs.of_path(states[:150_000]))])
    with pysam.TabixFile(str(path)) as file:
        assert file.contigs == ["b", "a"]
        rows = [row.split("\t")[:4] for row in file.fetch("b", 199_999, 200_001)]
        assert rows == [["b", "100000", "200000", "GC-poor"], ["b", "200000", "300000", "GC_rich"]]
        assert len(list(file.fetch("a"))) == 2


def test_records_beyond_the_reach_of_tbi_get_a_csi(tmp_path):
    assert index_suffix((1 << 29) - 1) == ".tbi"
    assert index_suffix(1 << 29) == ".csi"
    far = Runs.of_path(np.array([0, 1], dtype=np.uint8), offset=1 << 30)
    path = bed_of(tmp_path, [("long", far)], suffix=".csi")
    with pysam.TabixFile(str(path), index=f"{path}.csi") as file:
        assert len(list(file.fetch("long", (1 << 30) + 1, (1 << 30) + 2))) == 1


def test_a_file_without_any_segment_is_indexed_too(tmp_path):
    path = bed_of(tmp_path, [("empty", Runs.of_path(np.zeros(0, dtype=np.uint8)))])
    assert read_bed(path, STATES) == {}
    with pysam.TabixFile(str(path)) as file:
        assert file.contigs == []


def test_the_same_runs_give_the_same_bytes(tmp_path):
    path = np.array([0, 1, 1, 2], dtype=np.uint8)
    first, second = (
        bed_of(tmp_path / folder, [("r", Runs.of_path(path, posteriors(path)))]) for folder in "ab"
    )
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.skipif(not shutil.which("tabix"), reason="no tabix on this machine")
def test_the_tabix_program_reads_the_file(tmp_path):
    path = bed_of(tmp_path, [("r", Runs.of_path(np.array([0, 1, 1], dtype=np.uint8)))])
    found = subprocess.run(
        ["tabix", str(path), "r:2-3"], capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith("r\t1\t3\tGC-poor\t1000\t")


@pytest.mark.skipif(not shutil.which("bedtools"), reason="no bedtools on this machine")
def test_the_bedtools_program_reads_the_file(tmp_path):
    path = bed_of(tmp_path, [("r", Runs.of_path(np.array([0, 1, 1], dtype=np.uint8)))])
    found = subprocess.run(
        ["bedtools", "merge", "-i", str(path)], capture_output=True, text=True, check=True
    )
    assert found.stdout == "r\t0\t3\n"


def test_foreign_bed_files_are_read_plain_with_their_track_lines(tmp_path):
    path = tmp_path / "x.bed"
    path.write_text("track name=x\n#c\nr\t0\t5\tGC_rich\nr\t5\t9\tGC_rich\nr\t20\t30\tother\n")
    runs = read_bed(path, STATES)["r"]
    assert runs.starts.tolist() == [0, 20]
    assert runs.ends.tolist() == [9, 30]
    assert runs.to_path(32).tolist() == [0] * 9 + [255] * 11 + [2] * 10 + [255] * 2


BAD_LINES = {
    "columns": ("r\t0\t5\n", "line 1: is no line of a BED file with names"),
    "number": ("r\tx\t5\tother\n", "line 1: is no line of a BED file with names"),
    "state": ("r\t0\t5\tGC_rch\n", "line 1: 'GC_rch' is none of the states .*'GC_rich'"),
    "overlap": ("r\t0\t5\tother\nr\t4\t6\tother\n", "line 2, record 'r': 4 to 6 overlaps"),
    "backwards": ("r\t5\t4\tother\n", "line 1, record 'r': 5 to 4 overlaps"),
}


@pytest.mark.parametrize(("text", "says"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_bed_line_is_one_clear_error(tmp_path, text, says):
    path = tmp_path / "x.bed"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_bed(path, STATES)


def test_a_missing_bed_file_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read as BED"):
        read_bed(tmp_path / "no.bed", STATES)
