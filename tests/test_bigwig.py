"""bigWig files cut by a threshold: held against the numbers that were written."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyBigWig
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.errors import InputError
from basetag.labelling.bigwig import ABOVE, BELOW, MISSING, bigwig_records, runs_above

LENGTH = 200


def written(path, values, record="chr1"):
    """Write numbers of which NaN are left out."""
    with pyBigWig.open(str(path), "w") as file:
        file.addHeader([(record, len(values))])
        at = np.flatnonzero(~np.isnan(values))
        if len(at):
            file.addEntries(
                [record] * len(at), at.tolist(), ends=(at + 1).tolist(), values=values[at].tolist()
            )
    return path


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.5, 0.7, 1.0, np.nan, np.nan]), min_size=1, max_size=60),
    st.sampled_from([0.5, 0.7, 2.0]),
    st.integers(1, 70),
)
def test_runs_are_those_of_the_numbers_whatever_the_chunks(
    tmp_path_factory, values, threshold, chunk
):
    values = np.array([*values, 1.0])
    path = written(tmp_path_factory.mktemp("bw") / "x.bw", values)
    expected = np.where(np.isnan(values), MISSING, np.where(values >= threshold, ABOVE, BELOW))
    found = list(runs_above(path, "chr1", len(values), threshold, chunk=chunk))
    labels = np.concatenate([run.labels for run in found])
    starts = np.concatenate([run.starts for run in found])
    ends = np.concatenate([run.ends for run in found])
    np.testing.assert_array_equal(np.repeat(labels, ends - starts), expected)
    np.testing.assert_array_equal(starts[1:], ends[:-1])
    assert all(a != b for a, b in pairwise(labels.tolist()))


def test_a_number_equal_to_the_threshold_reaches_it(tmp_path):
    path = written(tmp_path / "x.bw", np.array([0.7, 0.69]))  # 0.7 is stored as 0.69999999
    runs = runs_above(path, "chr1", 2, 0.7)
    assert [label for run in runs for label in run.labels.tolist()] == [ABOVE, BELOW]


def test_a_record_that_the_file_does_not_have_is_missing_as_a_whole(tmp_path):
    path = written(tmp_path / "x.bw", np.ones(LENGTH))
    (runs,) = runs_above(path, "chr2", 50, 0.5, chunk=7)
    assert (runs.starts.tolist(), runs.ends.tolist(), runs.labels.tolist()) == (
        [0], [50], [MISSING],
    )  # fmt: skip
    assert list(runs_above(path, "chr2", 0, 0.5)) == []


def test_records_and_lengths_are_told(tmp_path):
    assert bigwig_records(written(tmp_path / "x.bw", np.ones(LENGTH))) == {"chr1": LENGTH}


def test_a_record_of_another_length_is_an_error(tmp_path):
    path = written(tmp_path / "x.bw", np.ones(LENGTH))
    with pytest.raises(InputError, match=r"record 'chr1': has 200 bases here, and 199 in the seq"):
        list(runs_above(path, "chr1", 199, 0.5))


def test_what_is_no_bigwig_is_an_error_without_further_words(tmp_path, capfd):
    (tmp_path / "x.bw").write_text("chr1\t0\t5\t1.0\n")
    with pytest.raises(InputError, match=r"x\.bw: is no bigWig file; give a bigWig"):
        bigwig_records(tmp_path / "x.bw")
    (tmp_path / "x.bb").write_bytes(bytes.fromhex("ebf28987") + bytes(100))
    with pytest.raises(InputError, match=r"x\.bb: is bigBed and no bigWig"):
        bigwig_records(tmp_path / "x.bb")
    with pytest.raises(InputError, match=r"y\.bw: cannot be read \(No such file"):
        bigwig_records(tmp_path / "y.bw")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_file_that_is_cut_off_is_an_error(tmp_path, share):
    content = written(tmp_path / "x.bw", np.random.default_rng(1).random(50_000)).read_bytes()
    (tmp_path / "cut.bw").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"cut\.bw: is damaged or incomplete; copy or download"):
        list(runs_above(tmp_path / "cut.bw", "chr1", 50_000, 0.5))


@pytest.mark.parametrize("kept", [4, 40, 64, 100, 200])
def test_a_file_that_is_cut_off_within_its_header_is_an_error(tmp_path, kept, capfd):
    # pyBigWig by itself ends the process at some of these.
    content = written(tmp_path / "x.bw", np.random.default_rng(1).random(5000)).read_bytes()
    (tmp_path / "cut.bw").write_bytes(content[:kept])
    with pytest.raises(InputError, match=r"cut\.bw: is damaged or incomplete; copy or download"):
        bigwig_records(tmp_path / "cut.bw")
    assert capfd.readouterr().err == ""


def test_a_file_of_records_without_any_number_is_no_damaged_one(tmp_path):
    path = written(tmp_path / "x.bw", np.full(LENGTH, np.nan))
    assert bigwig_records(path) == {"chr1": LENGTH}


def test_numbers_that_are_damaged_are_an_error(tmp_path):
    content = written(tmp_path / "x.bw", np.random.default_rng(1).random(50_000)).read_bytes()
    (tmp_path / "x.bw").write_bytes(content[:1000] + bytes(2000) + content[3000:])
    with pytest.raises(InputError, match=r"x\.bw, record 'chr1', position 1: the numbers of this"):
        list(runs_above(tmp_path / "x.bw", "chr1", 50_000, 0.5))
