"""Segments and boundaries: brute force over all pairs, and cases worked by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from basetag.corpus import UNLABELLED
from basetag.judgement.segment_measures import (
    TOLERANCES,
    SegmentScan,
    distance_table,
    length_table,
)

FARTHEST = 1000


def path_of(text):
    """H and L as states 0 and 1, a dot for no label."""
    return np.array([{"H": 0, "L": 1, "M": 2, ".": UNLABELLED}[c] for c in text], dtype=np.uint8)


def scanned(labels, calls, segment=None, unit=None, n_states=2, chunk=10**9):
    zeros = np.zeros(len(labels), dtype=np.int64)
    segment = zeros if segment is None else segment
    unit = zeros if unit is None else unit
    scan = SegmentScan(int(unit.max(initial=0)) + 1, n_states)
    for first in range(0, len(labels), chunk):
        here = slice(first, first + chunk)
        scan.add(labels[here], calls[here], segment[here], unit[here])
    return scan.counts()


def runs_of(path, start, end):
    cuts = [i for i in range(start + 1, end) if path[i] != path[i - 1]]
    bounds = [start, *cuts, end]
    return [(a, b, path[a]) for a, b in itertools.pairwise(bounds)]


def most_pairs(possible):
    """The size of the largest one-to-one matching of a boolean matrix."""
    weights = np.array(possible, dtype=float)
    return int(weights[linear_sum_assignment(-weights)].sum()) if weights.size else 0


def brute_force(labels, calls, segment):
    """Every pair of segments and of boundaries looked at, the best matching by an assignment."""
    stretches, current = [], None
    for i, label in enumerate(labels):
        if label == UNLABELLED:
            current = None
        elif current is None or segment[i] != segment[i - 1]:
            current = [i, i + 1]
            stretches.append(current)
        else:
            current[1] = i + 1
    found = np.zeros(3, dtype=int)  # true, called, matched segments
    boundaries = np.zeros(2 + len(TOLERANCES), dtype=int)
    distances = np.zeros(FARTHEST + 2, dtype=int)
    for start, end in stretches:
        true, called = runs_of(labels, start, end), runs_of(calls, start, end)
        overlaps = [
            [
                s == t and 2 * (common := min(b, d) - max(a, c)) >= b - a + d - c - common > 0
                for c, d, t in called
            ]
            for a, b, s in true
        ]
        found += len(true), len(called), most_pairs(overlaps)
        ends = [
            [(b[0], a[2], b[2]) for a, b in itertools.pairwise(runs)] for runs in (true, called)
        ]
        far = 10**9
        apart = [[abs(x - y) if p == q else far for y, *q in ends[1]] for x, *p in ends[0]]
        boundaries[:2] += len(ends[0]), len(ends[1])
        boundaries[2:] += [
            most_pairs([[distance <= tolerance for distance in row] for row in apart])
            for tolerance in TOLERANCES
        ]
        for row in apart:
            distances[min(min(row, default=far), FARTHEST + 1)] += 1
    return found, boundaries, distances


def random_case(seed):
    rng = np.random.default_rng(seed)
    n_states, bases = rng.integers(2, 5), rng.integers(1, 500)

    def path(mean):
        change = rng.random(bases) < 1 / mean
        return np.cumsum(change * rng.integers(1, n_states, bases)) % n_states

    labels = path(rng.choice([2, 6, 30])).astype(np.uint8)
    near = np.roll(labels, rng.integers(0, 15)) if rng.random() < 0.5 else labels
    calls = np.where(rng.random(bases) < 0.1, path(9), near).astype(np.uint8)
    if rng.random() < 0.5:
        labels[rng.random(bases) < 0.02] = UNLABELLED
    segment = np.sort(rng.integers(0, rng.choice([1, 5]), bases))
    return labels, calls, segment, np.sort(rng.integers(0, 4, bases)), int(n_states)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 300))
def test_counts_are_those_of_all_pairs_and_the_best_matching(seed, chunk):
    labels, calls, segment, unit, n_states = random_case(seed)
    counts = scanned(labels, calls, segment, unit, n_states, chunk)
    found, boundaries, distances = brute_force(labels, calls, segment)
    parts = counts.true, counts.called, counts.matched
    assert [own.sum() for own in parts] == found.tolist()
    assert counts.boundaries_true.sum() == boundaries[0]
    assert counts.boundaries_called.sum() == boundaries[1]
    assert counts.boundaries_matched.sum(axis=0).tolist() == boundaries[2:].tolist()
    assert np.array_equal(counts.distances, distances)
    assert (counts.matched <= counts.true).all()
    assert (counts.boundaries_matched <= counts.boundaries_true[:, None]).all()


def test_half_of_both_is_a_match_and_a_base_less_is_none():
    # 4 of 8 bases in common, then 4 of 9.
    assert scanned(path_of("HHHHHHHHLL"), path_of("HHHHLLLLLL")).matched.tolist() == [[1, 0]]
    assert scanned(path_of("HHHHHHHHHL"), path_of("HHHHLLLLLL")).matched.tolist() == [[0, 0]]


def test_a_segment_that_is_called_in_two_halves_matches_neither_by_less_than_half():
    counts = scanned(path_of("HHHHHHHHH"), path_of("HHHHLHHHH"))
    assert counts.called.tolist() == [[2, 1]]
    assert counts.matched.sum() == 0


def test_bases_without_a_label_end_segments_and_calls_there_count_for_nothing():
    labels = path_of("HHHH..HHHHLL")
    for calls in ("HHHHHHHHHHLL", "HHHHLLHHHHLL", "HHHHLHHHHHLL"):
        counts = scanned(labels, path_of(calls))
        assert counts.true.tolist() == counts.called.tolist() == counts.matched.tolist() == [[2, 1]]
        assert counts.boundaries_true.tolist() == counts.boundaries_called.tolist() == [1]


def test_segments_of_the_split_end_runs():
    labels = path_of("HHHHHH")
    counts = scanned(labels, labels, segment=np.array([4, 4, 4, 1, 1, 1]))
    assert counts.true.tolist() == counts.matched.tolist() == [[2, 0]]


def test_a_shift_by_one_base_is_told_by_boundaries_and_not_by_the_number_of_segments():
    labels = path_of("H" * 30 + "L" * 40 + "H" * 50 + "L" * 30)
    right = scanned(labels, labels)
    shifted = scanned(labels, np.concatenate([labels[:1], labels[:-1]]))
    assert right.boundaries_matched.tolist() == [[3, 3, 3, 3]]
    assert shifted.boundaries_matched.tolist() == [[0, 3, 3, 3]]
    assert (right.distances[0], shifted.distances[0], shifted.distances[1]) == (3, 0, 3)
    assert np.array_equal(shifted.called, right.called)
    assert np.array_equal(shifted.matched, right.matched)


def test_a_boundary_of_another_pair_is_none():
    labels, calls = path_of("HHHLLL"), path_of("LLLHHH")
    counts = scanned(labels, calls)
    assert counts.boundaries_matched.sum() == 0
    assert counts.distances[-1] == 1


def test_each_called_boundary_is_used_once():
    # Two true boundaries of the pair, one called between them.
    labels, calls = path_of("HLLHHHHHLLL"), path_of("HHHHHLLLLLL")
    counts = scanned(labels, calls)
    assert counts.boundaries_matched.tolist() == [[0, 1, 1, 1]]
    assert counts.distances[[3, 4]].tolist() == [1, 1]  # from base 8 and base 1 to base 5


def test_runs_belong_to_the_unit_in_which_they_begin():
    labels = path_of("HHHLLLLHHH")
    unit = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    counts = scanned(labels, labels, unit=unit)
    assert counts.true.tolist() == counts.matched.tolist() == [[1, 1], [1, 0]]
    assert counts.boundaries_true.tolist() == [1, 1]


def test_lengths_fall_between_powers_of_two():
    labels = path_of("H" + "L" * 2 + "H" * 3 + "L" * 4 + "H" * 7 + "L" * 8)
    table = length_table(scanned(labels, np.zeros_like(labels)), "HL")
    assert table["edges"] == [1, 2, 4, 8, 16, 32]
    assert table["true"] == {"H": [1, 1, 1, 0, 0], "L": [0, 1, 1, 1, 0]}
    assert table["called"] == {"H": [0, 0, 0, 0, 1], "L": [0] * 5}


def test_distances_fall_between_their_edges():
    bases = 6000
    labels, calls = np.zeros(bases, np.uint8), np.zeros(bases, np.uint8)
    for start, late in ((100, 0), (1500, 4), (3000, 999), (4500, 1000)):
        labels[start : start + 50] = 1
        calls[start + late : start + late + 50] = 1
    table = distance_table(scanned(labels, calls))
    assert table["edges"] == [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    # Both ends of each; those of the last are 1,000 away, those of the others nearer.
    assert table["counts"] == [2, 0, 2, 0, 0, 0, 0, 0, 0, 4]
    assert table["farther"] == 0
    assert distance_table(scanned(labels, np.zeros_like(labels)))["farther"] == 8


@pytest.mark.parametrize("n_states", [2, 32])
def test_nothing_scored_gives_nothing(n_states):
    labels = np.full(50, UNLABELLED, dtype=np.uint8)
    counts = scanned(labels, np.zeros_like(labels), n_states=n_states)
    assert not any(np.any(own) for own in vars(counts).values())
    assert length_table(counts, ["?"] * n_states)["edges"] == [1]
