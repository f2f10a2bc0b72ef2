"""Are mismatches less certain: the interval holds the truth where states last long, too."""

from __future__ import annotations

import math

import numpy as np
import pytest

from basetag.report.certainty import certainty_interval


def runs(bases, mean, rng):
    """Return a chain of two states that last `mean` bases on average."""
    return (np.cumsum(rng.random(bases) < 1 / mean) + rng.integers(2)) % 2


@pytest.mark.parametrize("mean", [10, 100, 1000])
def test_certainty_that_knows_nothing_of_mismatches_is_seldom_told_to(mean):
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(400):
        match = runs(20_000, mean, rng).astype(bool)
        low, high = certainty_interval(0.7 + 0.2 * runs(20_000, mean, rng), match, mean / 2)
        wrong += low > 0 or high < 0
    assert wrong / 400 < 0.08


def test_a_difference_is_held_and_seen():
    rng = np.random.default_rng(2)
    match = runs(20_000, 20, rng).astype(bool)
    sure = np.where(match, 0.8, 0.7) + 0.05 * rng.random(20_000)
    low, high = certainty_interval(sure, match, 10)
    assert 0.09 < low < 0.1 < high < 0.11


def test_fewer_than_ten_blocks_tell_nothing():
    rng = np.random.default_rng(3)
    match = rng.random(2000) < 0.5
    sure = rng.random(2000)
    assert certainty_interval(sure, match, 21) == (-math.inf, math.inf)
    assert math.isfinite(certainty_interval(sure, match, 20)[0])
