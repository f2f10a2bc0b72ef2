"""AUROC and AUPRC from histograms: scikit-learn, hand-worked cases, and what is stored."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from basetag.judgement.metrics import floored
from basetag.judgement.ranking import (
    ScoreHistograms,
    auprc,
    auroc,
    histogram_json,
    merged,
)


def a_case(seed, n_states, bases=60_000, spread=1.5, rare=0.0):
    """Labels drawn from the posterior itself; `rare` makes the first state so."""
    rng = np.random.default_rng(seed)
    evidence = spread * rng.normal(size=(n_states, bases))
    evidence[0] -= rare
    p = np.exp(evidence)
    p = floored(p / p.sum(axis=0), axis=0)
    labels = (rng.random(bases) > p.cumsum(axis=0)).sum(axis=0).clip(0, n_states - 1)
    return p, labels.astype(np.uint8)


def ranked(p, labels, n_units=30, chunk=7_000):
    histograms = ScoreHistograms(len(p), n_units)
    unit = np.arange(labels.size) * n_units // labels.size
    for first in range(0, labels.size, chunk):
        here = slice(first, first + chunk)
        histograms.add(p[:, here], labels[here], unit[here])
    return histograms.rankings()


@pytest.mark.parametrize("n_states", [2, 3, 5])
@pytest.mark.parametrize("spread", [0.02, 0.5, 1.5, 6.0])
@pytest.mark.parametrize("rare", [0.0, 4.0])
def test_areas_are_those_of_scikit_learn_within_a_thousandth(n_states, spread, rare):
    p, labels = a_case(1, n_states, spread=spread, rare=rare)
    rankings, mean_auroc, mean_auprc = ranked(p, labels)
    areas = [roc_auc_score(labels == k, p[k]) for k in range(n_states)]
    precisions = [average_precision_score(labels == k, p[k]) for k in range(n_states)]
    for ranking, area, precision in zip(rankings, areas, precisions, strict=True):
        assert ranking.auroc.value == pytest.approx(area, abs=1e-3)
        assert ranking.auprc.value == pytest.approx(precision, abs=1e-3)
    assert mean_auroc.value == pytest.approx(np.mean(areas), abs=1e-3)
    assert mean_auprc.value == pytest.approx(np.mean(precisions), abs=1e-3)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=60))
def test_ties_count_as_those_of_scikit_learn(bases):
    score, own = np.array(bases).T
    counts = [np.bincount(score[own == k], minlength=7) for k in (0, 1)]
    if counts[0].any() and counts[1].any():
        assert auroc(*counts) == pytest.approx(roc_auc_score(own, score))
        assert auprc(*counts) == pytest.approx(average_precision_score(own, score))
    else:
        assert math.isnan(auroc(*counts))


def test_areas_worked_by_hand():
    # Scores of Fawcett 2006, Pattern Recognition Letters 27:861, figure 3: 20 instances.
    classes = "ppnpppnnpnpnpnnnpnpn"
    own = np.array([c == "p" for c in reversed(classes)], dtype=np.int64)
    pairs_won = sum(
        1
        for i, one in enumerate(classes)
        for other in classes[i + 1 :]
        if (one, other) == ("p", "n")
    )
    assert auroc(1 - own, own) == pytest.approx(pairs_won / 100) == pytest.approx(0.68)
    # Two of three found before the first mistake, the third behind it.
    order = np.array([1, 0, 1, 1])[::-1].copy()
    assert auprc(1 - order, order) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_nothing_but_ties_ranks_as_chance_does():
    counts = np.array([70]), np.array([30])
    assert auroc(*counts) == 0.5
    assert auprc(*counts) == pytest.approx(0.3)


def test_of_two_states_one_ranks_as_the_other():
    p, labels = a_case(2, 2)
    (first, second), area, _ = ranked(p, labels)
    assert first.auroc.value == pytest.approx(second.auroc.value)
    assert first.own.sum() == second.others.sum() == (labels == 0).sum()
    assert area.low < area.value < area.high


def test_swapped_states_rank_the_other_way_round():
    p, labels = a_case(3, 2)
    area = ranked(p, labels)[1].value
    assert ranked(p[::-1], labels)[1].value == pytest.approx(1 - area, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3000), st.integers(2, 4))
def test_no_area_depends_on_the_chunks(chunk, n_states):
    p, labels = a_case(4, n_states, bases=3000)
    whole, parts = ranked(p, labels, chunk=3000), ranked(p, labels, chunk=chunk)
    assert whole[1:] == parts[1:]
    assert np.array_equal(whole[0][0].own, parts[0][0].own)


def test_stored_histograms_give_the_same_areas_and_are_few_bins():
    p, labels = a_case(5, 3)
    rankings, *_ = ranked(p, labels)
    text = json.dumps(histogram_json(rankings, "ABC"))
    assert len(text) < 120_000
    for ranking, stored in zip(rankings, json.loads(text).values(), strict=True):
        others, own = (np.array(stored[name].split(), dtype=int) for name in ("others", "own"))
        assert auroc(others, own) == ranking.auroc.value
        assert auprc(others, own) == ranking.auprc.value
        assert own.size <= 4000
    of_b = json.loads(text)["B"]["own"].split()
    assert sum(map(int, of_b)) == (labels == 1).sum()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(4, 200))
def test_merged_bins_hold_the_same_bases_and_no_large_share_of_them(seed, most):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(0.3, 5, 1000)), rng.poisson(rng.gamma(0.3, 5, 1000))
    found = merged(*counts, most)
    for before, after in zip(counts, found, strict=True):
        assert after.sum() == before.sum()
        assert after.max() <= 2 * before.max() + 2 / most * before.sum()
    assert abs(auroc(*found) - auroc(*counts)) < 2 / most


def test_a_state_that_no_base_or_every_base_has_is_not_ranked():
    p, _ = a_case(6, 3)
    labels = np.zeros(p.shape[1], dtype=np.uint8)
    labels[::2] = 1
    rankings, area, _ = ranked(p, labels)
    assert rankings[2].auroc is None
    assert area.value == pytest.approx((rankings[0].auroc.value + rankings[1].auroc.value) / 2)
    rankings, area, precision = ranked(p, labels * 0)
    assert rankings[0].auprc is area is precision is None


def test_few_units_carry_no_interval():
    p, labels = a_case(7, 2)
    area = ranked(p, labels, n_units=9)[1]
    assert area.low is area.high is None
