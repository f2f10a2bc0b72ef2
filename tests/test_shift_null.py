"""The null of circular shifts: against loops over all of them, and closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED
from basetag.hmm import HMM
from basetag.judgement import shift_null as module
from basetag.judgement.shift_null import effective_shifts, matches_at_all_shifts, shift_null
from basetag.segments import Segments
from basetag.simulation import sample_paths


def chain(leave):
    transition = np.array([[1 - leave, leave], [leave, 1 - leave]])
    return HMM(DNA, ("H", "L"), np.full(2, 0.5), transition, np.full((2, 4), 0.25))


def records_of(lengths):
    """Whole records, one behind the other."""
    lengths = np.array(lengths, dtype=np.int64)
    start = np.zeros(len(lengths), dtype=np.int64)
    return Segments(np.arange(len(lengths)), start, lengths, np.cumsum(lengths) - lengths)


def figures_of(labels, calls, segments, pairs=200, n_states=2, seed=1):
    null = shift_null(labels, calls, segments, n_states, pairs, np.random.default_rng(seed))
    scored = labels != UNLABELLED
    return null.figures(int((labels == calls)[scored].sum()), int(scored.sum()))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 5), st.integers(1, 4), st.integers(1, 70), st.booleans(), st.integers(0, 10**6)
)
def test_matches_at_all_shifts_are_those_of_a_loop(n_states, rows, length, gaps, seed):
    rng = np.random.default_rng(seed)
    labels, calls = rng.integers(n_states, size=(2, rows, length)).astype(np.uint8)
    if gaps:
        labels[rng.random(labels.shape) < 0.3] = UNLABELLED
    expected = [
        [int((labels[row] == np.roll(calls[row], s)).sum()) for s in range(length)]
        for row in range(rows)
    ]
    assert matches_at_all_shifts(labels, calls, n_states).tolist() == expected


@pytest.mark.parametrize("length", [99_991, 100_000, 65_537])
def test_long_stretches_match_as_in_a_loop_at_some_shifts(length):
    rng = np.random.default_rng(2)
    labels, calls = rng.integers(3, size=(2, length)).astype(np.uint8)
    found = matches_at_all_shifts(labels[None], calls[None], 3)[0]
    for shift in [0, 1, 2, length // 2, length - 1, *rng.integers(length, size=20)]:
        assert found[shift] == (labels == np.roll(calls, shift)).sum()


@pytest.mark.parametrize("length", [40, 41, 97])
def test_effective_shifts_are_those_of_the_definition(length):
    rng = np.random.default_rng(3)
    matches = np.cumsum(rng.integers(-3, 4, size=(6, length)), axis=1) + 500
    expected = []
    for row in matches:
        centred = row - row.mean()
        ratio = [centred @ np.roll(centred, lag) / (centred @ centred) for lag in range(length)]
        positive = itertools.takewhile(lambda value: value > 0, ratio[1 : length // 2 + 1])
        expected.append(length / (1 + 2 * sum(positive)))
    assert effective_shifts(matches) == pytest.approx(expected)


def test_shifts_of_what_never_changes_are_one():
    assert effective_shifts(np.full((2, 9), 4)).tolist() == [1, 1]
    assert effective_shifts(np.array([[3], [1]])).tolist() == [1, 1]


def test_mean_spread_and_law_are_those_of_all_combinations_of_shifts():
    rng = np.random.default_rng(4)
    lengths = [5, 7, 5]
    labels, calls = rng.integers(3, size=(2, 17)).astype(np.uint8)
    labels[6] = UNLABELLED
    ends = np.cumsum(lengths)[:-1]
    every = [
        [int((a == np.roll(b, s)).sum()) for s in range(len(a))]
        for a, b in zip(np.split(labels, ends), np.split(calls, ends), strict=True)
    ]
    sums = np.array([sum(each) for each in itertools.product(*every)])
    null = shift_null(labels, calls, records_of(lengths), 3, 20_000, np.random.default_rng(5))
    assert null.mean == pytest.approx(sums.mean())
    assert null.sd == pytest.approx(sums.std())
    values, expected = np.unique(sums, return_counts=True)
    observed = np.array([(null.draws == value).sum() for value in values])
    assert observed.sum() == 20_000
    assert chisquare(observed, expected / expected.sum() * 20_000).pvalue > 1e-4


def test_independent_chains_say_as_much_as_bartletts_formula_tells():
    # Bartlett (1935, J R Stat Soc 98:536): n (1 - r s) / (1 + r s) for correlations r^k, s^k.
    length, leave = 1_000_000, 0.01
    rng = np.random.default_rng(6)
    labels, calls = (sample_paths(chain(leave), np.array([length]), rng) for _ in range(2))
    found = figures_of(labels, calls, records_of([length]))
    square = (1 - 2 * leave) ** 2
    assert found["effective_sample_size"] == pytest.approx(
        length * (1 - square) / (1 + square), rel=0.1
    )
    # The sum of the autocorrelation of the matches along the shifts, in closed form.
    ratio = 1 - 2 * leave
    scale = ((1 + ratio) / (1 - ratio)) ** 2 * (1 - square) / (1 + square)
    assert 10 ** found["log10_effective_shifts"] == pytest.approx(length / scale, rel=0.2)


def test_independent_bases_say_as_much_as_they_are():
    rng = np.random.default_rng(7)
    labels, calls = rng.integers(2, size=(2, 100_000)).astype(np.uint8)
    found = figures_of(labels, calls, records_of([1000] * 100))
    assert found["effective_sample_size"] == pytest.approx(100_000, rel=0.05)


def test_what_is_aligned_is_seen():
    labels = sample_paths(chain(0.01), np.full(20, 1000), np.random.default_rng(8))
    found = figures_of(labels, labels, records_of([1000] * 20))
    assert found["p"] == 1 / 201
    assert found["p_text"] == "< 1/200"
    assert found["effect"] == 1


def test_the_same_numbers_come_in_batches_of_any_size(monkeypatch):
    rng = np.random.default_rng(9)
    lengths = [30, 17, 30, 64, 30, 17, 30, 1]
    labels, calls = rng.integers(4, size=(2, sum(lengths))).astype(np.uint8)
    labels[::5] = UNLABELLED
    whole = shift_null(labels, calls, records_of(lengths), 4, 50, np.random.default_rng(1))
    for values in (1, 70, 129):
        monkeypatch.setattr(module, "_AT_ONCE", values)
        parts = shift_null(labels, calls, records_of(lengths), 4, 50, np.random.default_rng(1))
        assert parts.draws.tolist() == whole.draws.tolist()
        assert parts.mean == whole.mean
        assert parts.sd == pytest.approx(whole.sd, rel=1e-12)
        assert parts.log10_effective_shifts == pytest.approx(whole.log10_effective_shifts)
        assert parts.seam_share == whole.seam_share


def test_blocks_that_touch_are_one_stretch_and_long_ones_are_cut(monkeypatch):
    rng = np.random.default_rng(10)
    labels, calls = rng.integers(2, size=(2, 120)).astype(np.uint8)
    one = figures_of(labels, calls, records_of([120]))
    cuts = np.array([0, 50, 80])
    blocks = Segments(np.zeros(3, dtype=np.int64), cuts, np.array([50, 80, 120]), cuts)
    assert figures_of(labels, calls, blocks) == one
    monkeypatch.setattr(module, "LONGEST", 50)
    assert figures_of(labels, calls, blocks) == figures_of(labels, calls, records_of([50, 50, 20]))


@pytest.mark.parametrize("still", ["labels", "calls"])
def test_where_one_side_is_constant_nothing_is_tested(still):
    strings = {name: np.tile([0, 1], 500).astype(np.uint8) for name in ("labels", "calls")}
    strings[still] = np.zeros(1000, dtype=np.uint8)
    found = figures_of(segments=records_of([500, 500]), **strings)
    assert found["constant"]
    assert not found["too_short"]
    assert found["p"] is None
    assert found["sd_matches"] == 0


def test_a_record_of_two_segments_is_too_short_to_test():
    labels = np.repeat([0, 1], 30).astype(np.uint8)
    found = figures_of(labels, np.roll(labels, 7), records_of([60]))
    assert 1 < 10 ** found["log10_effective_shifts"] < 20
    assert found["too_short"]
    assert found["p"] is found["p_text"] is None


def test_many_records_of_one_segment_are_too_short_to_test():
    # Their ends, where the circle closes, are most of the changes that there are.
    rng = np.random.default_rng(11)
    labels, calls = (sample_paths(chain(0.001), np.full(200, 500), rng) for _ in range(2))
    found = figures_of(labels, calls, records_of([500] * 200))
    assert found["log10_effective_shifts"] > 10
    assert found["seam_share"] > 0.3
    assert found["too_short"]
    assert found["p"] is found["effective_sample_size"] is None


def test_a_base_without_a_label_hides_no_seam():
    rng = np.random.default_rng(12)
    labels, calls = (sample_paths(chain(1 / 200), np.full(100, 200), rng) for _ in range(2))
    whole = figures_of(labels, calls, records_of([200] * 100))
    labels[::200] = UNLABELLED
    found = figures_of(labels, calls, records_of([200] * 100))
    assert found["seam_share"] == pytest.approx(whole["seam_share"], abs=0.03)
    assert found["too_short"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from([0.0, 0.3, 0.9]))
def test_seams_and_changes_are_those_of_a_loop(seed, length, gaps):
    rng = np.random.default_rng(seed)
    states = rng.integers(3, size=(4, length)).astype(np.uint8)
    states[rng.random(states.shape) < gaps] = UNLABELLED
    seams = changes = 0
    for row in states:
        known = [state for state in row if state != UNLABELLED]
        seams += bool(known) and known[0] != known[-1]
        changes += sum(a != b for a, b in zip(known, known[1:] + known[:1], strict=True))
    assert module._changes(states) == [seams, changes]


def test_rare_islands_in_records_are_not_too_short():
    rng = np.random.default_rng(12)
    strings = np.zeros((2, 50, 1000), dtype=np.uint8)
    for string in strings.reshape(-1, 1000)[::2]:
        begin = rng.integers(100, 800)
        string[begin : begin + 100] = 1
    found = figures_of(*strings.reshape(2, -1), records_of([1000] * 50))
    assert found["seam_share"] == 0
    assert not found["too_short"]


def test_no_shift_lets_an_unlabelled_base_match():
    labels = np.full(40, UNLABELLED, dtype=np.uint8)
    labels[3] = 1
    calls = np.zeros(40, dtype=np.uint8)
    calls[10] = 1
    matches = matches_at_all_shifts(labels[None], calls[None], 2)[0]
    assert matches.tolist() == [int(shift == 33) for shift in range(40)]
    assert math.isclose(matches.sum(), 1)
