"""The fit of a semi-Markov chain to labels: by hand, against SciPy, and where the law is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED
from basetag.hmm import HMM
from basetag.judgement import semi_markov as module
from basetag.judgement.path_law import PathLaw
from basetag.judgement.path_null import path_null
from basetag.judgement.semi_markov import count_runs, fit_semi_markov, kaplan_meier
from basetag.segments import Segments
from basetag.simulation import sample_paths


def labels_of(text):
    return np.array([UNLABELLED if c == "." else int(c) for c in text], dtype=np.uint8)


def records_of(lengths):
    lengths = np.array(lengths, dtype=np.int64)
    start = np.zeros(len(lengths), dtype=np.int64)
    return Segments(np.arange(len(lengths)), start, lengths, np.cumsum(lengths) - lengths)


def counted(text, segments):
    runs, counts = count_runs(labels_of(text), segments)
    return {tuple(run): count for run, count in zip(runs.tolist(), counts.tolist(), strict=True)}


def test_runs_are_counted_with_what_is_known_of_their_ends():
    # Label, bases, whether its beginning is seen, and what follows.
    assert counted("0011122.0011200" + "11", records_of([15, 2])) == {
        (0, 2, 0, 1): 2,  # at a record's beginning, and behind an unlabelled base
        (1, 3, 1, 2): 1,
        (2, 2, 1, UNLABELLED): 1,
        (1, 2, 1, 2): 1,
        (2, 1, 1, 0): 1,
        (0, 2, 1, UNLABELLED): 1,
        (1, 2, 0, UNLABELLED): 1,
    }


@pytest.mark.parametrize("at_once", [1, 2, 5, 100])
def test_runs_are_the_same_whatever_is_read_at_once(monkeypatch, at_once):
    rng = np.random.default_rng(1)
    text = "".join(rng.choice(list("000111222."), 300))
    segments = records_of([50, 1, 200, 49])
    whole = counted(text, segments)
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    assert counted(text, segments) == whole


def test_blocks_that_touch_do_not_cut_a_run():
    cuts = np.array([0, 4, 9])
    blocks = Segments(np.zeros(3, dtype=np.int64), cuts, np.array([4, 9, 12]), cuts)
    assert counted("000111110011", blocks) == counted("000111110011", records_of([12]))


def test_the_curve_of_kaplan_and_meier_by_hand():
    # Ended: 1, 2, 2, 4. Cut off: 2 (so more than 1), 5 (so more than 4).
    lengths, counts = np.array([1, 2, 4, 2, 5]), np.array([1, 2, 1, 1, 1])
    law = kaplan_meier(lengths, counts, np.array([True, True, True, False, False]))
    assert law.lengths.tolist() == [1, 2, 4]
    assert law.survival == pytest.approx([5 / 6, 5 / 6 * 2 / 4, 5 / 6 * 2 / 4 * 1 / 2])
    assert law.last == 4
    assert law.stay == pytest.approx((5 / 24) ** (1 / 4))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=40).filter(
        lambda runs: any(ended for _, ended in runs)
    )
)
def test_the_curve_of_kaplan_and_meier_is_scipys(runs):
    lengths, ended = (np.array(column) for column in zip(*runs, strict=True))
    law = kaplan_meier(lengths, np.ones(len(runs), dtype=np.int64), ended)
    # A run cut off behind n bases was seen not to end behind n - 1.
    oracle = ecdf(CensoredData(uncensored=lengths[ended], right=lengths[~ended] - 1)).sf
    assert law.survival == pytest.approx(oracle.evaluate(law.lengths), abs=1e-12)


def test_runs_that_are_never_seen_to_end_go_on_for_ever():
    law = kaplan_meier(np.array([3, 9]), np.array([2, 1]), np.array([False, False]))
    assert law.mean == math.inf


LEAVE = np.array([0.05, 0.02])
CHAIN = HMM(
    DNA,
    ("H", "L"),
    np.array([2 / 7, 5 / 7]),
    np.stack([[1 - LEAVE[0], LEAVE[0]], [LEAVE[1], 1 - LEAVE[1]]]),
    np.full((2, 4), 0.25),
)


@pytest.mark.parametrize(("records", "length"), [(1, 1_000_000), (4000, 250), (25_000, 40)])
def test_the_mean_length_is_found_however_often_runs_are_cut(records, length):
    labels = sample_paths(CHAIN, np.full(records, length), np.random.default_rng(2))
    law = fit_semi_markov(labels, records_of([length] * records), 2, 1)
    assert law is not None
    assert law.source == "semi_markov"
    for state, leave in enumerate(LEAVE):
        assert law.runs[state].mean == pytest.approx(1 / leave, rel=0.05)
    assert law.start[0] == pytest.approx(CHAIN.start, abs=0.02)


def test_paths_of_the_fit_match_as_often_as_those_of_the_chain():
    rng = np.random.default_rng(3)
    train, test = records_of([500] * 2000), records_of([500] * 20)
    fit = fit_semi_markov(sample_paths(CHAIN, train.lengths, rng), train, 2, 20)
    calls = sample_paths(CHAIN, test.lengths, rng)
    laws = [fit, PathLaw.of_hmm(CHAIN, test.start)]
    found, exact = (path_null(calls, calls, test, law, 4000, rng) for law in laws)
    assert found.mean == pytest.approx(exact.mean, rel=0.01)
    assert found.sd == pytest.approx(exact.sd, rel=0.06)


def test_the_order_of_labels_is_that_of_the_data():
    law = fit_semi_markov(labels_of("0011220011220011"), records_of([16]), 3, 1)
    assert law is not None
    assert law.jump.tolist() == [[0, 3, 0], [0, 0, 2], [2, 0, 0]]


def test_records_of_one_label_each_stay_so():
    text = "0" * 30 + "1" * 10
    law = fit_semi_markov(labels_of(text), records_of([10] * 4), 2, 4)
    assert law is not None
    calls = np.zeros(40, dtype=np.uint8)
    null = path_null(calls, calls, records_of([10] * 4), law, 2000, np.random.default_rng(4))
    assert set(null.draws.tolist()) == {0, 10, 20, 30, 40}
    assert null.mean == pytest.approx(30, abs=4.5 * math.sqrt(4 * 100 * 3 / 16 / 2000))


def test_without_a_label_there_is_nothing_to_fit():
    assert fit_semi_markov(labels_of("...."), records_of([4]), 2, 1) is None
    assert fit_semi_markov(labels_of(""), records_of([]).chosen(np.arange(0)), 2, 1) is None
