"""How sure a tagger is of its matches and mismatches, held against SciPy and finite differences."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from basetag.judgement.certainty import certainty_difference, certainty_figures


def unit_sums(sure, match, units):
    """Return what `certainty_figures` takes, of bases that lie in `units` in equal numbers."""
    sure, match = sure.reshape(units, -1), match.reshape(units, -1)
    sums = np.stack([(sure * match).sum(axis=1), (sure * ~match).sum(axis=1)], axis=1)
    return sums, match.sum(axis=1).astype(float), np.full(units, float(sure.shape[1]))


@pytest.fixture
def bases():
    rng = np.random.default_rng(1)
    match = rng.random(4000) < 0.7
    return np.where(match, rng.beta(6, 2, 4000), rng.beta(4, 3, 4000)), match


def test_the_means_are_those_of_the_matches_and_of_the_mismatches(bases):
    sure, match = bases
    found = certainty_figures(*unit_sums(sure, match, 40), seed=1)
    assert found["on_matches"]["value"] == pytest.approx(sure[match].mean(), rel=1e-12)
    assert found["on_mismatches"]["value"] == pytest.approx(sure[~match].mean(), rel=1e-12)
    apart = sure[match].mean() - sure[~match].mean()
    assert found["difference"]["value"] == pytest.approx(apart, rel=1e-12)
    assert found["sums"]["matches"] == pytest.approx(sure[match].sum(), rel=1e-12)


def test_the_interval_of_independent_bases_is_that_of_welch(bases):
    sure, match = bases
    found = certainty_figures(*unit_sums(sure, match, 400), seed=1)["difference"]
    welch = ttest_ind(sure[match], sure[~match], equal_var=False).confidence_interval(0.95)
    width = welch.high - welch.low
    assert found["low"] == pytest.approx(welch.low, abs=0.1 * width)
    assert found["high"] == pytest.approx(welch.high, abs=0.1 * width)


def test_the_derivatives_are_those_of_finite_differences():
    sums = np.array([[700.0, 210.0, 900.0, 310.0], [12.0, 3.0, 20.0, 5.0]])
    values, derivatives = certainty_difference(sums)
    for i in range(4):
        step = np.zeros(4)
        step[i] = 1e-5 * sums[0, i]
        risen = certainty_difference(sums + step)[0]
        assert (risen - values) / step[i] == pytest.approx(derivatives[:, i], rel=1e-3)


def test_what_is_always_as_sure_differs_by_nothing_and_has_no_interval(bases):
    _, match = bases
    found = certainty_figures(*unit_sums(np.full(4000, 0.6), match, 40), seed=1)
    assert found["difference"]["value"] == pytest.approx(0, abs=1e-12)
    assert found["difference"]["low"] is None


def test_there_is_no_answer_where_every_call_matches(bases):
    sure, _ = bases
    assert certainty_figures(*unit_sums(sure, np.full(4000, True), 40), seed=1) is None
