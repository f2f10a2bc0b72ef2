"""The units of the intervals, and the correlation length that blocks are cut by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.corpus import UNLABELLED
from basetag.judgement.intervals import ratio_figures
from basetag.judgement.units import (
    BLOCK_CORRELATION_LENGTHS,
    FEWEST_RECORDS,
    MOST_UNITS,
    choose_units,
    correlation_length,
)
from basetag.segments import Segments


def segments_of(lengths):
    lengths = np.array(lengths, dtype=np.int64)
    offset = np.cumsum(lengths) - lengths
    return Segments(np.arange(lengths.size), np.zeros_like(lengths), lengths, offset)


def chain(bases, mean, n_states=2, seed=1):
    """A chain that stays in each state for `mean` bases, and then goes to any other."""
    rng = np.random.default_rng(seed)
    change = (rng.random(bases) < 1 / mean) * rng.integers(1, n_states, bases)
    return (np.cumsum(change) % n_states).astype(np.uint8)


@pytest.mark.parametrize(("mean", "expected"), [(2, 1), (20, 19), (100, 99)])
def test_the_correlation_length_of_a_two_state_chain_is_its_mean_length_less_one(mean, expected):
    labels = chain(1_000_000, mean)
    found = correlation_length(segments_of([1_000_000]), labels, 2)
    assert found == pytest.approx(expected, rel=0.15, abs=0.1)


@pytest.mark.parametrize("n_states", [3, 5])
def test_that_of_more_states_follows_from_the_second_eigenvalue(n_states):
    # All other states equally likely: one eigenvalue, r = 1 - K / ((K - 1) d).
    r = 1 - n_states / ((n_states - 1) * 30)
    labels = chain(1_000_000, 30, n_states)
    found = correlation_length(segments_of([1_000_000]), labels, n_states)
    assert found == pytest.approx((1 + r) / (1 - r), rel=0.15)


def test_it_is_the_same_from_many_records_and_with_labels_missing():
    labels = chain(1_000_000, 50)
    records = segments_of([2000] * 500)
    assert correlation_length(records, labels, 2) == pytest.approx(49, rel=0.15)
    labels[np.random.default_rng(2).random(labels.size) < 0.3] = UNLABELLED
    assert correlation_length(records, labels, 2) == pytest.approx(49, rel=0.15)


def test_independent_and_unvarying_labels_have_a_correlation_length_of_one():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 100_000).astype(np.uint8)
    assert correlation_length(segments_of([100_000]), labels, 2) < 1.05
    assert correlation_length(segments_of([100]), np.zeros(100, np.uint8), 2) == 1
    assert correlation_length(segments_of([100]), np.full(100, UNLABELLED, np.uint8), 2) == 1
    assert correlation_length(segments_of([]), np.zeros(0, np.uint8), 2) == 1


def check_partition(units, segments):
    """Pieces are the segments' bases in order, and units ascend from 0."""
    rows = [np.arange(at, at + n) for at, n in zip(segments.offset, segments.lengths, strict=True)]
    pieces = units.pieces
    found = [np.arange(at, at + n) for at, n in zip(pieces.offset, pieces.lengths, strict=True)]
    assert np.array_equal(np.concatenate(found), np.concatenate(rows))
    assert np.array_equal(
        pieces.start - pieces.offset, (segments.start - segments.offset)[units.segment]
    )
    assert np.array_equal(np.unique(units.unit), np.arange(units.count))
    assert (np.diff(units.unit) >= 0).all()


def test_fifty_records_are_the_units():
    segments = segments_of([200] * FEWEST_RECORDS)
    units = choose_units(segments, chain(10_000, 3), 2)
    assert (units.kind, units.count, units.n_records) == ("record", 50, 50)
    check_partition(units, segments)


def test_fewer_records_are_cut_into_blocks_of_ten_correlation_lengths_at_least():
    segments = segments_of([100_000, 40_000, 300])
    units = choose_units(segments, chain(140_300, 100), 2)
    assert units.kind == "block"
    least = BLOCK_CORRELATION_LENGTHS * units.correlation_length
    lengths = units.pieces.lengths
    assert lengths[units.segment < 2].min() >= int(least)
    assert lengths.max() < 2.2 * least
    assert (units.segment == 2).sum() == 1
    assert units.n_records == 3
    check_partition(units, segments)


def test_of_short_correlations_there_are_no_more_than_about_two_hundred_blocks():
    segments = segments_of([1_000_000])
    units = choose_units(segments, chain(1_000_000, 2), 2)
    assert (units.kind, units.count) == ("block", 200)


def test_records_too_short_to_cut_stay_as_they_are():
    segments = segments_of([1000] * 12)
    units = choose_units(segments, chain(12_000, 100), 2)
    assert (units.kind, units.count) == ("record", 12)


def test_very_many_records_are_grouped_evenly_by_their_labelled_bases():
    rng = np.random.default_rng(4)
    lengths = rng.integers(1, 200, 5000)
    segments = segments_of(lengths)
    labels = chain(int(lengths.sum()), 5)
    labels[: labels.size // 4] = UNLABELLED
    units = choose_units(segments, labels, 2)
    assert units.kind == "group"
    assert MOST_UNITS - 5 <= units.count <= MOST_UNITS
    check_partition(units, segments)
    size = np.repeat(units.unit, units.pieces.lengths)[labels != UNLABELLED]
    counts = np.bincount(size, minlength=units.count)
    assert counts.max() < counts.mean() + 400


def test_records_without_a_label_are_none():
    labels = chain(20_000, 3)
    labels[10_000:] = UNLABELLED
    units = choose_units(segments_of([200] * 100), labels, 2)
    assert units.n_records == 50
    assert units.count == 50


def test_blocks_without_a_label_are_none():
    labels = chain(400_000, 3)
    labels[150_000:350_000] = UNLABELLED
    units = choose_units(segments_of([400_000]), labels, 2)
    assert units.kind == "block"
    of = np.repeat(units.unit, units.pieces.lengths)[labels != UNLABELLED]
    assert np.array_equal(np.unique(of), np.arange(units.count))


def spread_blocks(length, fraction, seed):
    """Blocks of one record, in random places, each as likely as any other."""
    rng = np.random.default_rng(seed)
    start = np.sort(rng.choice(2000, int(2000 * fraction), replace=False)) * length
    return Segments(np.zeros_like(start), start, start + length, start)


def test_blocks_of_one_record_that_say_much_of_their_neighbours_are_one_unit():
    segments = spread_blocks(1000, 0.1, 1)
    units = choose_units(segments, chain(2_000_000, 10_000), 2)
    assert (units.kind, units.n_records) == ("group", 200)
    bases = np.bincount(units.unit, segments.lengths)
    assert bases.min() >= BLOCK_CORRELATION_LENGTHS * units.correlation_length - 1000
    check_partition(units, segments)
    units = choose_units(segments, chain(2_000_000, 20), 2)
    assert (units.kind, units.count) == ("record", 200)


def test_intervals_over_blocks_shorter_than_the_runs_hold_the_truth():
    held = []
    for seed in range(100):
        labels = chain(2_000_000, 10_000, seed=seed)
        segments = spread_blocks(1000, 0.1, seed)
        units = choose_units(segments, labels, 2)
        of = np.repeat(units.unit, 1000)
        ones = np.bincount(of, segments.gathered(labels)).astype(float)
        share = ratio_figures({"share": (ones, np.bincount(of).astype(float))}, seed=1)["share"]
        if share.low is not None:
            held.append(share.low <= 0.5 <= share.high)
    assert np.mean(held) >= 0.9


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=70), st.integers(2, 40))
def test_units_are_all_bases_in_order(lengths, mean):
    segments = segments_of(lengths)
    units = choose_units(segments, chain(sum(lengths), mean), 2)
    check_partition(units, segments)
