"""SOV'99: the paper's own examples, a case worked by hand, and a slow loop over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.corpus import UNLABELLED
from basetag.judgement.segment_overlap import OverlapScan, overlap_section, segment_overlap
from tests.overlap_oracle import overlap_of_records


def path_of(text):
    return np.array([{"C": 0, "H": 1, "E": 2, ".": UNLABELLED}[c] for c in text], dtype=np.uint8)


def scanned(labels, calls, records, units=None, n_states=3, chunk=10**9):
    units = np.zeros(len(labels), dtype=np.int64) if units is None else units
    scan = OverlapScan(int(units.max(initial=0)) + 1, n_states)
    for first in range(0, len(labels), chunk):
        here = slice(first, first + chunk)
        scan.add(labels[here], calls[here], records[here], units[here])
    return scan


@pytest.mark.parametrize(
    ("called", "expected"),
    [
        ("CHCHCHCHCHCC", 12.5),
        ("CHHHCHHHCHHC", 40.6),
        ("CHHCCHHHHHCC", 52.3),
        ("CCCHHHHCCCCC", 54.4),
        ("CCCHHHHHCCCC", 63.2),
        ("CCCHHHHHHCCC", 80.6),
        ("CCCHHHHHHHCC", 90.3),
        ("CCCHHHHHHHHC", 94.4),
    ],
)
def test_a_helix_of_ten_called_in_eight_ways_has_the_published_values(called, expected):
    """Zemla et al. 1999, and again Liu & Wang 2018, Source Code Biol Med 13:1, SOV'99."""
    value, _ = segment_overlap(path_of("CHHHHHHHHHHC"), path_of(called), 3)
    assert 100 * value == pytest.approx(expected, abs=0.051)


def test_a_case_worked_by_hand():
    labels, calls = path_of("CCCHHHHCCEEE"), path_of("CCHHHHHHHCCC")
    value, (coil, helix, strand) = segment_overlap(labels, calls, 3)
    # The helix of 4 within one of 7: minov 4, maxov 7, delta min(3, 4, 2, 3) = 2, so 6/7 * 4.
    assert helix == pytest.approx(6 / 7)
    # The coil of 3 with 2 in common (delta 1) adds 3; that of 2 is all helix, and adds its
    # length below the line alone.
    assert coil == pytest.approx(3 / 5)
    assert strand == 0.0
    assert value == pytest.approx((4 * 6 / 7 + 3) / 12)


def test_a_copy_is_one_and_a_state_without_bases_has_no_value():
    value, parts = segment_overlap(path_of("CCHHHC"), path_of("CCHHHC"), 3)
    assert (value, parts) == (1.0, [1.0, 1.0, None])


cases = st.tuples(st.integers(0, 10**6), st.integers(1, 60), st.floats(0.02, 0.9))


def random_case(seed, bases, change):
    rng = np.random.default_rng(seed)

    def path():
        jumps = rng.random(bases) < change
        return rng.integers(0, 3, bases).astype(np.uint8)[np.maximum.accumulate(
            np.where(jumps, np.arange(bases), 0))]  # fmt: skip

    labels = path()
    calls = np.where(rng.random(bases) < rng.random(), labels, path()).astype(np.uint8)
    labels[rng.random(bases) < 0.1 * rng.random()] = UNLABELLED
    records = np.sort(rng.integers(0, 4, bases))
    return labels, calls, records


@settings(max_examples=150, deadline=None)
@given(cases, st.integers(1, 9))
def test_it_is_that_of_all_pairs_whatever_the_chunks(case, chunk):
    labels, calls, records = random_case(*case)
    expected = overlap_of_records(labels, calls, records, 3)
    for size in (chunk, 10**9):
        sums, weights = scanned(labels, calls, records, chunk=size).sums()
        assert sums.sum(axis=0) == pytest.approx(expected[0])
        assert weights.sum(axis=0).tolist() == expected[1].tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_long_runs_within_each_other_are_told_from_their_longest_alone(seed):
    """A called run nearly as long as the true one, and the reverse, with others beside it."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 30, 8)
    other = np.repeat(np.tile([0, 1], 4), lengths).astype(np.uint8)
    outer = np.ones(other.size, dtype=np.uint8)
    outer[: rng.integers(0, 4)] = 2
    records = np.zeros(other.size, dtype=np.int64)
    for labels, calls in ((outer, other), (other, outer)):
        expected = overlap_of_records(labels, calls, records, 3)[0]
        assert scanned(labels, calls, records).sums()[0][0] == pytest.approx(expected)


def test_a_record_counts_for_the_unit_in_which_its_labels_begin():
    labels, calls = path_of("..HHHCCCHH"), path_of("HHHHCCCCHH")
    records = np.repeat([0, 1], [7, 3])
    units = np.array([0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    sums, weights = scanned(labels, calls, records, units).sums()
    assert weights[:, -1].tolist() == [0, 5, 3]
    assert sums[:, -1].sum() == pytest.approx(overlap_of_records(labels, calls, records, 3)[0][-1])


def test_figures_are_means_over_records_by_their_bases_with_intervals():
    labels, calls, _ = random_case(3, 900, 0.1)
    records = np.repeat(np.arange(30), 30)
    found = overlap_section(scanned(labels, calls, records, records), "CHE", seed=1)
    sums, weights = overlap_of_records(labels, calls, records, 3)
    assert found["sov"]["value"] == pytest.approx(sums[-1] / weights[-1])
    assert found["sov"]["low"] < found["sov"]["value"] < found["sov"]["high"]
    for index, state in enumerate("CHE"):
        own = found["classes"][state]
        assert own["sov"]["value"] == pytest.approx(sums[index] / weights[index])
        assert (own["sum"], own["bases"]) == (pytest.approx(sums[index]), weights[index])
