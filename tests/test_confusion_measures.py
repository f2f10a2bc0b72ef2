"""Measures of a confusion matrix: scikit-learn, published figures, and their derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from basetag.judgement.confusion_measures import (
    balanced_accuracy,
    confusion_sums,
    macro_f1,
    matthews_correlation,
)

MEASURES = (balanced_accuracy, macro_f1, matthews_correlation)


def of_confusion(measure, confusion):
    return float(measure(confusion_sums(confusion[None]))[0][0])


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_measures_are_those_of_scikit_learn_also_where_states_are_absent(pairs):
    labels, called = np.array(pairs).T
    confusion = oracle.confusion_matrix(labels, called, labels=range(4))
    assert of_confusion(balanced_accuracy, confusion) == pytest.approx(
        oracle.balanced_accuracy_score(labels, called)
    )
    assert of_confusion(macro_f1, confusion) == pytest.approx(
        oracle.f1_score(labels, called, average="macro")
    )
    correlation = of_confusion(matthews_correlation, confusion)
    if np.unique(labels).size > 1 and np.unique(called).size > 1:
        assert correlation == pytest.approx(oracle.matthews_corrcoef(labels, called), abs=1e-12)
    else:
        assert math.isnan(correlation)


def test_measures_of_a_confusion_matrix_worked_by_hand():
    confusion = np.array([[90, 10], [30, 70]])
    assert of_confusion(balanced_accuracy, confusion) == pytest.approx(0.8)
    assert of_confusion(macro_f1, confusion) == pytest.approx((180 / 220 + 140 / 180) / 2)
    assert of_confusion(matthews_correlation, confusion) == pytest.approx(
        (90 * 70 - 10 * 30) / math.sqrt(120 * 80 * 100 * 100)
    )


def test_published_figures_are_reproduced():
    """Chicco and Jurman 2020, BMC Genomics 21:6, use cases A1 and A2: TP, FN, TN, FP."""
    for (tp, fn, tn, fp), f1, correlation in (
        ((90, 1, 0, 9), 0.95, -0.03),
        ((5, 70, 19, 6), 0.12, -0.24),
    ):
        confusion = np.array([[tp, fn], [fp, tn]])
        assert round(2 * tp / (2 * tp + fp + fn), 2) == f1
        assert round(of_confusion(matthews_correlation, confusion), 2) == correlation


def test_a_billion_bases_do_not_overflow_the_correlation():
    confusion = np.array([[9, 1], [3, 7]])
    assert of_confusion(matthews_correlation, confusion * 10**9) == pytest.approx(
        of_confusion(matthews_correlation, confusion)
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.sampled_from(MEASURES))
def test_derivatives_are_those_of_small_steps(seed, n_states, measure):
    confusion = np.random.default_rng(seed).integers(1, 100, (1, n_states, n_states))
    sums = confusion_sums(confusion)
    _, gradient = measure(sums)
    steps = 1e-4 * np.eye(3 * n_states)
    expected = (measure(sums + steps)[0] - measure(sums - steps)[0]) / 2e-4
    assert gradient[0] == pytest.approx(expected, abs=1e-9)
    assert measure(7 * sums)[0] == pytest.approx(measure(sums)[0])
    # What grows with all sums alike changes nothing, which intervals rely upon.
    assert float((gradient * sums).sum()) == pytest.approx(0, abs=1e-12)


def test_many_matrices_at_once_are_as_each_alone():
    confusions = np.random.default_rng(2).integers(0, 50, (9, 3, 3))
    for measure in MEASURES:
        together = measure(confusion_sums(confusions))[0]
        alone = [of_confusion(measure, confusion) for confusion in confusions]
        assert together == pytest.approx(alone)
