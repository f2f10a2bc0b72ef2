"""Measures that are functions of a confusion matrix, with their derivatives.

Each takes the sums of many confusion matrices at once, so that those of all resamples of an
interval are had together: bases of each state that match, that have it as label, and that are
called so, one behind the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: From sums, (n, 3 * states), to n figures and their derivatives by the sums.
ConfusionMeasure = Callable[[Floats], tuple[Floats, Floats]]


def confusion_sums(confusion: NDArray[Any]) -> Floats:
    """Return matches, labels and calls of each state of confusion matrices.

    Parameters
    ----------
    confusion : ndarray, (n, states, states)
        True states in rows, called ones in columns.

    Returns
    -------
    ndarray of float64, (n, 3 * states)
    """
    matches = np.diagonal(confusion, axis1=1, axis2=2)
    parts = matches, confusion.sum(axis=2), confusion.sum(axis=1)
    return np.concatenate(parts, axis=1).astype(np.float64)


def balanced_accuracy(sums: Floats) -> tuple[Floats, Floats]:
    """Mean recall of the states that occur among the labels."""
    matches, true, _ = _parts(sums)
    present = true > 0
    share = present / np.maximum(present.sum(axis=1, keepdims=True), 1)
    true = np.where(present, true, 1)
    recall = matches / true
    gradient = share / true, -share * recall / true, np.zeros_like(true)
    values = np.where(present.any(axis=1), (share * recall).sum(axis=1), np.nan)
    return values, np.concatenate(gradient, axis=1)


def macro_f1(sums: Floats) -> tuple[Floats, Floats]:
    """Mean F1 of the states that occur among labels or calls."""
    matches, true, called = _parts(sums)
    total = true + called
    present = total > 0
    share = present / np.maximum(present.sum(axis=1, keepdims=True), 1)
    total = np.where(present, total, 1)
    f1 = 2 * matches / total
    falls = -share * f1 / total
    values = np.where(present.any(axis=1), (share * f1).sum(axis=1), np.nan)
    return values, np.concatenate([2 * share / total, falls, falls], axis=1)


def matthews_correlation(sums: Floats) -> tuple[Floats, Floats]:
    """Matthews correlation of any number of states (Gorodkin 2004, Comput. Biol. Chem. 28:367).

    NaN where all labels, or all calls, are one state.
    """
    n_states = sums.shape[1] // 3
    bases = np.maximum(sums[:, n_states : 2 * n_states].sum(axis=1, keepdims=True), 1)
    matches, true, called = _parts(sums / bases)
    # Of shares, so that nothing overflows; N = 1 is written where it counts for the derivatives.
    covariance = matches.sum(axis=1) - (true * called).sum(axis=1)  # N * matches - true @ called
    of_true, of_called = 1 - (true**2).sum(axis=1), 1 - (called**2).sum(axis=1)  # N**2 - ...
    defined = of_true * of_called > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(of_true * of_called)
        values = np.where(defined, covariance / root, np.nan)
        of_true, of_called, root, factor = (
            own[:, None] for own in (of_true, of_called, root, values)
        )
        by_true = (matches.sum(axis=1, keepdims=True) - called) / root
        by_true -= factor * ((1 - true) / of_true + 1 / of_called)
        by_called = factor * called / of_called - true / root
        by_matches = np.broadcast_to(1 / root, true.shape)
    return values, np.concatenate([by_matches, by_true, by_called], axis=1) / bases


def _parts(sums: Floats) -> tuple[Floats, Floats, Floats]:
    n_states = sums.shape[1] // 3
    return sums[:, :n_states], sums[:, n_states : 2 * n_states], sums[:, 2 * n_states :]
