"""Variations of models, by closed forms, by simulation, and by sums over all strings of labels.

Seeds are fixed; a sound sampler would fail a test at the threshold for one seed in a thousand.
"""

import itertools
from collections import Counter
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from basetag.exact_inference import filtered_posterior, log_likelihood, smoothed_posterior
from basetag.hmm import HMM
from basetag.hmm_fitting import fit_counts
from basetag.hmm_spec import load_hmm_spec
from basetag.hmm_variations import ImpossibleVariationError, varied
from basetag.simulation import sample_emissions, sample_paths

THRESHOLD = 1e-3
ROOT = Path(__file__).parent.parent


def preset(name):
    return load_hmm_spec(ROOT / f"resources/hmms/{name}.yaml").settings()


def model(name, **variations):
    return HMM.from_settings(varied(preset(name), **variations))


#: Three labels whose runs last 4, 5 and 10 bases; a is not followed by c.
THREE = {
    "alphabet": "wdx",
    "states": ["a", "b", "c"],
    "start": [0.5, 0.3, 0.2],
    "transition": [[0.75, 0.25, 0.0], [0.05, 0.8, 0.15], [0.06, 0.04, 0.9]],
    "emission": [[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]],
}


def label_frequencies(hmm):
    return np.bincount(hmm.label_of_state, weights=hmm.stationary(), minlength=hmm.n_labels)


def runs(labels):
    """Return label and length of every run that no end of `labels` cuts off."""
    cuts = np.flatnonzero(np.diff(labels)) + 1
    return labels[cuts[:-1]], np.diff(cuts)


def simulated_labels(hmm, bases, seed):
    path = sample_paths(hmm, np.array([bases]), np.random.default_rng(seed))
    return hmm.label_of_state[path]


def test_nothing_varied_changes_nothing():
    for name in ("toy", "lambda", "cpg", "isochore_families"):
        assert varied(preset(name)) == preset(name)


@given(st.floats(1.5, 1e6))
def test_every_run_has_the_mean_length_that_is_asked_for(mean):
    hmm = HMM.from_settings(varied(THREE, mean_length=mean))
    assert 1 / (1 - np.diag(hmm.transition)) == pytest.approx(np.full(3, mean), rel=1e-6)
    given_rows, rows = np.array(THREE["transition"]), hmm.transition.copy()
    for matrix in (given_rows, rows):
        np.fill_diagonal(matrix, 0)
        matrix /= matrix.sum(axis=1, keepdims=True)
    assert rows == pytest.approx(given_rows)


def test_blocks_of_ten_bases_are_the_patches():
    assert varied(preset("blocks"), mean_length=10) == preset("patches")


def test_contrast_stretches_the_emissions_around_their_mean():
    hmm = model("blocks", contrast=4)
    assert hmm.emission == pytest.approx(
        np.array([[0.05, 0.45, 0.45, 0.05], [0.45, 0.05, 0.05, 0.45]])
    )
    assert model("blocks", contrast=5).emission.min() == 0
    halved = HMM.from_settings(varied(THREE, contrast=0.5))
    emission = np.array(THREE["emission"])
    assert halved.emission == pytest.approx((emission + emission.mean(axis=0)) / 2)


def test_without_contrast_nothing_can_be_known():
    hmm = model("isochore_families", contrast=0)
    rng = np.random.default_rng(1)
    tokens = sample_emissions(hmm, sample_paths(hmm, np.array([500]), rng), rng)
    posterior = smoothed_posterior(hmm, tokens, np.array([500]))
    assert posterior == pytest.approx(np.tile(hmm.stationary(), (500, 1)), abs=1e-6)


@pytest.mark.parametrize("shape", [2, 8])
def test_runs_of_an_explicit_duration_are_negative_binomial(shape):
    mean = 40
    labels = simulated_labels(
        model("blocks", mean_length=mean, dwell_shape=shape), 4_000_000, seed=shape
    )
    of, lengths = runs(labels)
    for label in (0, 1):
        found = lengths[of == label]
        variance = mean**2 / shape - mean
        n = found.size
        assert found.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / n))
        assert found.var() == pytest.approx(variance, rel=0.05)
        # SciPy counts what comes beside the `shape` bases that a run has at least.
        law = stats.nbinom(shape, shape / mean, loc=shape)
        edges = np.unique(law.ppf(np.linspace(0, 1, 21)[1:-1]))
        counts = np.bincount(np.searchsorted(edges, found), minlength=edges.size + 1)
        expected = n * np.diff(np.r_[0, law.cdf(edges), 1])
        assert stats.chisquare(counts, expected).pvalue > THRESHOLD


def test_a_second_order_model_has_the_transitions_of_its_formula_and_the_mean_run():
    strength, mean = 0.6, 20
    labels = simulated_labels(
        model("blocks", mean_length=mean, second_order=strength), 4_000_000, seed=3
    )
    _, lengths = runs(labels)
    leave = 1 / mean
    seen = Counter(zip(labels[:-2] == labels[1:-1], labels[1:-1] == labels[2:], strict=True))
    for old, stay in ((False, (1 - strength) * (1 - leave)), (True, 1 - (1 - strength) * leave)):
        n = seen[old, True] + seen[old, False]
        assert seen[old, True] / n == pytest.approx(stay, abs=4 * np.sqrt(stay * (1 - stay) / n))
    assert lengths.mean() == pytest.approx(mean, abs=4 * lengths.std() / np.sqrt(lengths.size))
    assert (lengths == 1).mean() == pytest.approx(leave + strength * (1 - leave), abs=0.005)


def test_a_second_order_depends_on_no_label_before_the_two():
    labels = simulated_labels(model("blocks", mean_length=5, second_order=0.5), 2_000_000, seed=4)
    windows = np.lib.stride_tricks.sliding_window_view(labels, 4)
    for two in itertools.product((0, 1), repeat=2):
        after = [
            windows[(windows[:, :3] == (before, *two)).all(axis=1), 3].astype(float).mean()
            for before in (0, 1)
        ]
        assert after[0] == pytest.approx(after[1], abs=0.01)


@pytest.mark.parametrize("variation", [{"dwell_shape": 3}, {"second_order": 0.7}])
def test_labels_are_as_common_as_they_were_and_follow_each_other_as_they_did(variation):
    hmm, before = HMM.from_settings(varied(THREE, **variation)), HMM.from_settings(THREE)
    assert label_frequencies(hmm) == pytest.approx(before.stationary())
    # Labels are counted as if they were of first order: the same transitions.
    flow = np.zeros((3, 3))
    joint = hmm.stationary()[:, None] * hmm.transition
    np.add.at(flow, (hmm.label_of_state[:, None], hmm.label_of_state[None, :]), joint)
    assert flow / flow.sum(axis=1, keepdims=True) == pytest.approx(before.transition)
    start = np.bincount(hmm.label_of_state, weights=hmm.start)
    assert start == pytest.approx(before.start)


def test_a_stationary_start_stays_stationary():
    for variation in ({"dwell_shape": 5}, {"second_order": 0.5}):
        hmm = model("blocks", **variation)
        assert hmm.start @ hmm.transition == pytest.approx(hmm.start)


# An explicit-duration model written by runs, and a second-order one by its conditionals: nothing
# of them has hidden states beside the labels. A record begins anywhere in a run, so its first run
# has the stationary residual length P(residual = d) = P(run >= d) / mean.


def duration_law(mean, shape):
    """Return P(run = d) for d = 0 to 200, of a sum of `shape` geometric lengths."""
    one = np.r_[0.0, (shape / mean) * (1 - shape / mean) ** np.arange(200)]
    law = np.array([1.0])
    for _ in range(shape):
        law = np.convolve(law, one)[:201]
    return law


def probability_by_durations(labels, start, following, laws, means):
    """Return P(labels) of a semi-Markov chain in equilibrium within its first run."""
    pieces = [(label, len(list(group))) for label, group in itertools.groupby(labels)]
    total = 1.0
    for index, (label, length) in enumerate(pieces):
        law, mean = laws[label], means[label]
        beyond = law[::-1].cumsum()[::-1]  # P(run >= d)
        first, last = index == 0, index == len(pieces) - 1
        if first and last:  # the record lies in one run: sum over its residual lengths
            total *= beyond[length:].sum() / mean
        elif first:
            total *= beyond[length] / mean
        elif last:
            total *= beyond[length]
        else:
            total *= law[length]
        if not last:
            total *= following[label][pieces[index + 1][0]]
    return start[pieces[0][0]] * total


def probability_by_order(labels, start, following, leave, strength):
    """Return P(labels) of a chain in which a label follows the two before it."""
    p = start[labels[0]]
    first = labels[0]
    # Of the bases of a label, as many begin a run as there are runs.
    ages = [(leave[first], 1), (1 - leave[first], 2)]
    total = 0.0
    for share, age in ages:
        q, old = share, age > 1
        for here, after in itertools.pairwise(labels):
            stay = 1 - (1 - strength) * leave[here] if old else (1 - strength) * (1 - leave[here])
            q *= stay if after == here else (1 - stay) * following[here][after]
            old = after == here
        total += q
    return p * total


def following_of(transition):
    rows = np.array(transition)
    np.fill_diagonal(rows, 0)
    return rows / rows.sum(axis=1, keepdims=True)


def enumerated(tokens, emission, probability):
    """Return P(tokens) and P(label of each base | tokens) by summing over all label strings."""
    n = len(emission)
    total = np.zeros((len(tokens), n))
    for labels in itertools.product(range(n), repeat=len(tokens)):
        joint = probability(labels) * prod(
            emission[k][t] for k, t in zip(labels, tokens, strict=True)
        )
        for position, label in enumerate(labels):
            total[position, label] += joint
    evidence = total[0].sum()
    return evidence, total / evidence


@pytest.mark.parametrize("shape", [2, 3])
def test_the_exact_posterior_of_an_explicit_duration_is_that_of_all_label_strings(shape):
    hmm = HMM.from_settings(varied(THREE, dwell_shape=shape))
    transition = np.array(THREE["transition"])
    means = 1 / (1 - np.diag(transition))
    laws = [duration_law(mean, shape) for mean in means]
    following = following_of(transition)
    tokens = np.array([0, 0, 1, 2, 2, 1, 0, 2], dtype=np.uint8)
    evidence, posterior = enumerated(
        tokens, THREE["emission"],
        lambda labels: probability_by_durations(labels, THREE["start"], following, laws, means),
    )  # fmt: skip
    lengths = np.array([len(tokens)])
    assert np.exp(log_likelihood(hmm, tokens, lengths)[0]) == pytest.approx(evidence)
    assert smoothed_posterior(hmm, tokens, lengths) == pytest.approx(posterior, abs=1e-6)
    assert filtered_posterior(hmm, tokens, lengths)[-1] == pytest.approx(posterior[-1], abs=1e-6)


def test_the_exact_posterior_of_a_second_order_is_that_of_all_label_strings():
    strength = 0.7
    hmm = HMM.from_settings(varied(THREE, second_order=strength))
    transition = np.array(THREE["transition"])
    leave, following = 1 - np.diag(transition), following_of(transition)
    tokens = np.array([0, 1, 1, 2, 0, 2, 2, 1], dtype=np.uint8)
    evidence, posterior = enumerated(
        tokens, THREE["emission"],
        lambda labels: probability_by_order(labels, THREE["start"], following, leave, strength),
    )  # fmt: skip
    lengths = np.array([len(tokens)])
    assert np.exp(log_likelihood(hmm, tokens, lengths)[0]) == pytest.approx(evidence)
    assert smoothed_posterior(hmm, tokens, lengths) == pytest.approx(posterior, abs=1e-6)


def test_a_model_of_first_order_falls_short_of_the_truth_where_it_is_wrong_and_not_where_right():
    lengths = np.full(40, 10_000)
    lost = {}
    for shape in (1, 8):
        hmm = model("blocks", mean_length=50, dwell_shape=shape)
        rng = np.random.default_rng(5)
        path = sample_paths(hmm, lengths, rng)
        tokens, labels = sample_emissions(hmm, path, rng), hmm.label_of_state[path]
        counted = fit_counts(tokens, labels, lengths, hmm.alphabet, hmm.labels, 1.0)
        exact = smoothed_posterior(hmm, tokens, lengths).astype(np.float64)
        other = smoothed_posterior(counted, tokens, lengths)
        lost[shape] = (exact * np.log(exact / other)).sum(axis=1).mean()
    assert lost[1] < 1e-4
    assert lost[8] > 0.1


@pytest.mark.parametrize(
    ("name", "variations", "key", "words"),
    [
        ("cpg", {"mean_length": 10}, "mean_length", "several states of the model bear one label"),
        ("cpg", {"contrast": 0.5}, "contrast", "several states"),
        ("cpg", {"dwell_shape": 2}, "dwell_shape", "several states"),
        ("cpg", {"second_order": 0.1}, "second_order", "several states"),
        ("blocks", {"contrast": 5.1}, "contrast", "this model has at most 5"),
        ("isochore_families", {"contrast": 20}, "contrast", "this model has at most"),
        ("toy", {"dwell_shape": 2}, "dwell_shape", "take less than 2, or a longer mean_length"),
        ("isochore_families", {"dwell_shape": 11}, "dwell_shape", "take at most 10"),
        ("blocks", {"dwell_shape": 2, "second_order": 0.1}, "second_order", "remove one"),
    ],
)
def test_a_variation_that_a_model_does_not_have_is_refused_by_its_key(name, variations, key, words):
    with pytest.raises(ImpossibleVariationError) as caught:
        varied(preset(name), **variations)
    assert caught.value.key == key
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["blocks", "isochore_families"])
def test_the_largest_contrast_that_is_told_is_possible(name):
    with pytest.raises(ImpossibleVariationError) as caught:
        varied(preset(name), contrast=900)
    largest = float(caught.value.advice.rpartition(" ")[2])
    assert HMM.from_settings(varied(preset(name), contrast=largest)).emission.min() < 0.01
