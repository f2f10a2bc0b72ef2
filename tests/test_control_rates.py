"""False segments on the negative controls: their rates, and who is flagged for them."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chi2, norm

from basetag.alphabet import DNA
from basetag.baseline_fitting import fit_baseline
from basetag.baselines import HMMTagger
from basetag.controls import homogeneous_tokens, open_controls, write_controls
from basetag.corpus import Corpus
from basetag.decoding import ARGMAX
from basetag.errors import InputError
from basetag.exact_inference import smoothed_posterior
from basetag.hmm import HMM
from basetag.judgement.control_rates import (
    ControlCalls,
    count_borders,
    judge_controls,
    poisson_interval,
    rate_of,
    rate_ratio,
)
from basetag.judgement.intervals import Figure
from basetag.prediction import predict_controls
from basetag.segments import whole_records
from basetag.simulation import sample_emissions, sample_paths


def calls_of(false, length=10_000):
    false = np.asarray(false, dtype=np.int64)
    bases = np.full(false.size, length, dtype=np.int64)
    return ControlCalls(bases, false, np.array([bases.sum(), 0]))


def test_borders_are_counted_within_records_and_not_between_them():
    calls = np.array([0, 0, 1, 1, 1, 0, 1, 0, 1, 2], dtype=np.uint8)
    # 0 0 1 1 | 1 0 1 | (nothing) | 0 | 1 2
    assert count_borders(calls, np.array([4, 3, 0, 1, 2])).tolist() == [1, 2, 0, 0, 1]
    assert count_borders(np.zeros(0, dtype=np.uint8), np.array([0])).tolist() == [0]


def test_borders_are_those_of_a_plain_loop():
    rng = np.random.default_rng(1)
    lengths = rng.integers(0, 30, 200)
    calls = rng.integers(0, 3, lengths.sum()).astype(np.uint8)
    expected = []
    for own in np.split(calls, np.cumsum(lengths)[:-1]):
        expected.append(sum(a != b for a, b in pairwise(own)))
    assert count_borders(calls, lengths).tolist() == expected


def test_the_interval_of_a_poisson_count_is_that_of_the_tables():
    """Garwood (1936), as reprinted in Pearson and Hartley's Biometrika Tables, table 40."""
    for count, low, high in (
        (0, 0, 3.69),
        (1, 0.0253, 5.57),
        (10, 4.80, 18.39),
        (50, 37.11, 65.92),
    ):
        assert poisson_interval(count) == pytest.approx((low, high), rel=2e-3)
    assert poisson_interval(7)[0] == pytest.approx(chi2.ppf(0.025, 14) / 2)


def test_a_rate_is_counts_over_bases_with_an_interval_of_its_spread_over_records():
    rng = np.random.default_rng(1)
    false = rng.poisson(30, 50)
    rate = rate_of(calls_of(false))
    assert rate.value == pytest.approx(false.sum() / 500_000 * 1e6)
    error = norm.ppf(0.975) * false.std(ddof=1) / math.sqrt(50) / 10_000 * 1e6
    assert rate.low == pytest.approx(rate.value - error, abs=0.25 * error)
    assert rate.high == pytest.approx(rate.value + error, abs=0.25 * error)


def test_records_all_alike_have_the_interval_of_a_poisson_count():
    assert rate_of(calls_of([0] * 50)) == Figure(0, 0, pytest.approx(3.689 / 0.5, rel=1e-3))
    everywhere = rate_of(calls_of([9999] * 50))
    assert everywhere.value == pytest.approx(999_900)
    assert 997_000 < everywhere.low < 999_900 < everywhere.high < 1_003_000


def test_fewer_than_ten_records_carry_no_interval_and_flag_nobody():
    few = rate_of(calls_of([30] * 9))
    assert (few.low, few.high) == (None, None)
    assert rate_ratio(few, Figure(1, 0.5, 1.5)) is None


def test_the_ratio_of_two_normal_rates_has_fiellers_interval():
    """Fieller (1954): the roots of (r - x s)^2 = z^2 (v + x^2 w), for independent r and s."""
    r, s, error, other = 30.0, 20.0, 2.0, 1.5
    z = norm.ppf(0.975)
    ratio = rate_ratio(
        Figure(r, r - z * error, r + z * error), Figure(s, s - z * other, s + z * other)
    )
    roots = np.roots([s**2 - (z * other) ** 2, -2 * r * s, r**2 - (z * error) ** 2])
    assert ratio.value == 1.5
    assert [ratio.low, ratio.high] == pytest.approx(sorted(roots))


def test_the_ratio_lies_above_one_where_the_difference_lies_above_zero():
    rng = np.random.default_rng(1)
    above = 0
    for _ in range(2000):
        r, s = rng.gamma(2, 10, 2) * (rng.random(2) > 0.1)
        below, beyond = r * rng.random(), s * rng.exponential() + 0.1
        ratio = rate_ratio(Figure(r, r - below, r + 1), Figure(s, s / 2, s + beyond))
        difference = r - s - math.hypot(below, beyond)  # Zou and Donner (2008)
        assert (ratio is not None and ratio.low > 1) == (difference > 0)
        above += difference > 0
    assert 100 < above < 1900


def test_no_false_segments_at_all_are_held_against_nobody():
    nothing, few, many = (rate_of(calls_of(n)) for n in ([0] * 50, [1] + [0] * 49, [2, 3, 4] * 17))
    assert rate_ratio(nothing, nothing) is None
    assert rate_ratio(nothing, many).high < 1
    assert rate_ratio(few, nothing).low < 1
    flagged = rate_ratio(many, nothing)
    assert flagged.low > 1
    assert flagged.value == math.inf


def test_the_ratio_covers_one_and_flags_by_chance_no_more_often_than_said():
    """500 pairs of equal rates, alike and clumped, with 10 and with 50 records."""
    rng = np.random.default_rng(2)
    flagged, covered, repeats = 0, 0, 500
    for repeat in range(repeats):
        n = (10, 50)[repeat % 2]
        means = rng.choice([0.5, 5, 50]) * rng.gamma(2, 0.5, (2, n))
        pair = [rate_of(calls_of(false), repeat) for false in rng.poisson(means)]
        ratio = rate_ratio(*pair)
        flagged += ratio is not None and ratio.low > 1
        covered += ratio is None or ratio.low <= 1 <= ratio.high
    assert flagged / repeats < 0.04
    assert covered / repeats > 0.93


# ---- Taggers on simulated data -------------------------------------------------------------------


def blocks(mean, emission=((0.2, 0.3, 0.3, 0.2), (0.3, 0.2, 0.2, 0.3))):
    """The model of `blocks` and `isochores`, with another mean length."""
    switch = np.array([[1 - 1 / mean, 1 / mean], [1 / mean, 1 - 1 / mean]])
    return HMM(DNA, ("H", "L"), np.array([0.5, 0.5]), switch, np.array(emission))


class EveryOther:
    """Calls the states in turn: structure everywhere."""

    def __init__(self, card):
        self.card = card

    def posterior(self, tokens, lengths, threads=1, positions=None, out=None, features=None):
        out[:] = np.eye(2, dtype=np.float32)[np.arange(tokens.size) % 2]
        return out


def judged(folder, mean, seed, bases=500_000):
    """Judge taggers on the controls of 500 kb, simulated from `seed`; 400 kb of it train."""
    model, rng = blocks(mean), np.random.default_rng(seed)
    lengths = np.full(100, 5000)
    states = sample_paths(model, lengths, rng)
    corpus = Corpus(
        DNA, ("H", "L"), {"H": "GC-rich", "L": "GC-poor"}, [f"r{i}" for i in range(100)],
        np.arange(100) * 5000, lengths, sample_emissions(model, states, rng), states,
    )  # fmt: skip
    records = whole_records(corpus)
    bounds = {"train": (0, 80), "validation": (80, 90), "test": (90, 100)}
    split = {name: records.chosen(np.arange(*bound)) for name, bound in bounds.items()}
    write_controls(folder, corpus, split, bases=bases, seed=seed)
    counted = fit_baseline("hmm_counts", {"pseudocount": 1.0}, corpus, split)
    simulating = {name: getattr(model, name) for name in ("start", "transition", "emission")}
    taggers = {
        "exact": HMMTagger(counted.card, counted.tensors | simulating),
        "hmm_counts": counted,
        "gc_window": fit_baseline("gc_window", {"window": 11}, corpus, split),
        "everywhere": EveryOther(counted.card),
        "majority": fit_baseline("majority", {}, corpus, split),
    }
    controls = open_controls(folder, corpus)
    found = {}
    for name, tagger in taggers.items():
        places = folder / f"{name}.posteriors.npy", folder / f"{name}.npy"
        predict_controls(tagger, corpus, folder, *places, ARGMAX, threads=1)
        found[name] = judge_controls(
            controls, places[1], 2, reference="exact", reference_path=folder / "exact.npy"
        )
    return found


@pytest.fixture(scope="module")
def repeats(tmp_path_factory):
    """Seven simulated datasets of each mean length: 21 in all."""
    return {
        mean: [judged(tmp_path_factory.mktemp("judged"), mean, seed) for seed in range(7)]
        for mean in (10, 100, 1000)
    }


def flags(repeats, tagger):
    """Return whether a tagger is flagged, by mean length, dataset and control."""
    return [
        control["flagged"]
        for found in repeats.values()
        for one in found
        for control in one[tagger].values()
    ]


@pytest.mark.parametrize("tagger", ["everywhere", "gc_window"])
def test_a_tagger_that_sees_structure_everywhere_is_flagged(repeats, tagger):
    assert all(flags(repeats, tagger))


def test_an_hmm_counted_from_the_labels_is_not_flagged(repeats):
    """Of 42 controls chance would flag one; the two taggers call the same sequences, so none."""
    assert sum(flags(repeats, "hmm_counts")) <= 1


@pytest.mark.parametrize("tagger", ["exact", "majority"])
def test_the_exact_posterior_and_who_calls_one_state_alone_are_never_flagged(repeats, tagger):
    assert not any(flags(repeats, tagger))


@pytest.mark.parametrize(("mean", "expected"), [(100, 10_404), (1000, 2701)])
def test_the_exact_posterior_itself_sees_some_structure_in_noise(mean, expected):
    """Its rates as they were measured before, more than it calls in data of its own model."""
    rng, lengths = np.random.default_rng(1), np.full(40, 100_000)
    model = blocks(mean)
    noise = homogeneous_tokens(np.ones(4, dtype=np.int64), lengths.sum(), rng)
    data = sample_emissions(model, sample_paths(model, lengths, rng), rng)
    rates = []
    for tokens in (noise, data):
        calls = smoothed_posterior(model, tokens, lengths).argmax(axis=1).astype(np.uint8)
        false = count_borders(calls, lengths)
        rates.append(rate_of(ControlCalls(lengths, false, np.bincount(calls))))
    assert rates[0].value == pytest.approx(expected, rel=0.03)
    assert rates[1].high < rates[0].low


def test_figures_follow_from_the_counts_beside_them(repeats):
    one = repeats[100][0]
    for name in ("homogeneous", "shuffled"):
        own, exact = one["gc_window"][name], one["exact"][name]
        assert own["bases"] == sum(own["called"]) == 500_000
        assert own["records"] == 100
        assert own["segments"] == own["records"] + own["false_segments"]
        assert own["per_mb"]["value"] == pytest.approx(own["false_segments"] * 2)
        assert own["other_share"] == pytest.approx(min(own["called"]) / 500_000)
        assert own["reference"] == "exact"
        assert own["reference_false_segments"] == exact["false_segments"]
        assert own["reference_per_mb"] == exact["per_mb"]
        ratio = own["false_segments"] / exact["false_segments"]
        assert own["ratio"]["value"] == pytest.approx(ratio)
        assert exact["ratio"]["value"] == 1
    everywhere = one["everywhere"]["homogeneous"]
    assert everywhere["false_segments"] == 500_000 - 100
    assert everywhere["other_share"] == 0.5
    assert one["majority"]["homogeneous"]["false_segments"] == 0
    assert json.loads(json.dumps(one, allow_nan=False)) == one


# ---- What files may hold -------------------------------------------------------------------------


def corpora(**lengths):
    return {
        name: Corpus(
            DNA, (), {}, [f"{name}{i}" for i in range(len(own))], np.cumsum(own) - own,
            np.array(own), np.zeros(sum(own), dtype=np.uint8), None,
        )
        for name, own in lengths.items()
    }  # fmt: skip


def saved(path, values):
    np.save(path, np.array(values, dtype=np.uint8))
    return path


def test_without_a_reference_nobody_is_flagged(tmp_path):
    controls = corpora(homogeneous=[4], shuffled=[4])
    calls = saved(tmp_path / "calls.npy", [0, 1, 0, 1] * 2)
    found = judge_controls(controls, calls, 2)
    for control in found.values():
        assert control["false_segments"] == 3
        nothing = ("reference", "reference_false_segments", "reference_per_mb", "ratio")
        assert [control[name] for name in nothing] == [None] * 4
        assert not control["flagged"]


def test_a_control_that_is_left_out_has_no_figures_and_is_nobodys_reference(tmp_path):
    controls = corpora(homogeneous=[4], shuffled=[4])
    left_out = saved(tmp_path / "calls.npy", [255] * 4 + [0, 0, 1, 1])
    both = saved(tmp_path / "other.npy", [0] * 8)
    found = judge_controls(controls, left_out, 2, reference="exact", reference_path=both)
    assert found["homogeneous"] is None
    assert found["shuffled"]["false_segments"] == 1
    found = judge_controls(controls, both, 2, reference="exact", reference_path=left_out)
    assert found["homogeneous"]["reference"] is None
    assert found["shuffled"]["reference"] == "exact"


def test_controls_without_records_are_not_judged(tmp_path):
    controls = corpora(homogeneous=[], shuffled=[])
    assert judge_controls(controls, saved(tmp_path / "calls.npy", []), 2) is None


@pytest.mark.parametrize(
    ("values", "said"), [([0] * 7, "of the shape"), ([0, 1, 2, 0] * 2, "calls the state 2")]
)
def test_calls_of_something_else_are_refused(tmp_path, values, said):
    controls = corpora(homogeneous=[4], shuffled=[4])
    with pytest.raises(InputError, match=rf"calls\.npy: .*{said}"):
        judge_controls(controls, saved(tmp_path / "calls.npy", values), 2)
