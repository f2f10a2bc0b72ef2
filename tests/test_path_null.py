"""The null of fresh paths: against plain sampling and the closed form of the chain's moments."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

from basetag.alphabet import Alphabet
from basetag.corpus import UNLABELLED
from basetag.hmm import HMM
from basetag.hmm_spec import load_hmm_spec
from basetag.judgement import path_null as module
from basetag.judgement.path_law import PathLaw, Survival
from basetag.judgement.path_null import draws_of, path_null
from basetag.segments import Segments
from basetag.simulation import sample_paths

ROOT = Path(__file__).parent.parent


def preset(name):
    return HMM.from_settings(load_hmm_spec(ROOT / f"resources/hmms/{name}.yaml").settings())


#: Three states; the first never stays, and one transition is forbidden. Far from stationary.
WEATHER = HMM(
    Alphabet.of_letters("wdx"),
    ("s", "c", "r"),
    np.array([1.0, 0.0, 0.0]),
    np.array([[0.0, 0.7, 0.3], [0.1, 0.8, 0.1], [0.0, 0.4, 0.6]]),
    np.array([[0.1, 0.9, 0.0], [0.3, 0.3, 0.4], [1.0, 0.0, 0.0]]),
)
MODELS = {"toy": preset("toy"), "blocks": preset("blocks"), "cpg": preset("cpg"), "own": WEATHER}

#: Blocks of records: their lengths, and where they begin in their records.
LENGTHS = [1, 60, 35, 120]
POSITIONS = [0, 0, 3, 1000]


def blocks_of(lengths, positions):
    lengths, start = np.array(lengths), np.array(positions, dtype=np.int64)
    return Segments(np.arange(len(lengths)), start, start + lengths, np.cumsum(lengths) - lengths)


def case(hmm, seed=1):
    """Labels of which only it counts which are unknown, and calls that change now and then."""
    rng = np.random.default_rng(seed)
    bases = sum(LENGTHS)
    labels = np.zeros(bases, dtype=np.uint8)
    labels[rng.random(bases) < 0.1] = UNLABELLED
    calls = np.repeat(rng.integers(hmm.n_labels, size=bases), rng.integers(1, 30, size=bases))
    return labels, calls[:bases].astype(np.uint8)


def exact_moments(hmm, labels, calls, lengths, positions):
    """Mean and variance of the matches, from the chain itself."""
    mean = variance = 0.0
    begin = 0
    for length, position in zip(lengths, positions, strict=True):
        here = slice(begin, begin + length)
        begin += length
        # (bases, states): whether a state's label is the call, and the base is counted
        hit = (hmm.label_of_state[None] == calls[here, None]) & (labels[here, None] != UNLABELLED)
        now = hmm.start @ np.linalg.matrix_power(hmm.transition, position)
        chances = []
        for _ in range(length):
            chances.append(now)
            now = now @ hmm.transition
        matching = np.array([p @ h for p, h in zip(chances, hit, strict=True)])
        mean += matching.sum()
        variance += (matching - matching**2).sum()
        for t in range(length):
            ahead = chances[t] * hit[t]
            for later in range(t + 1, length):
                ahead = ahead @ hmm.transition
                variance += 2 * (ahead @ hit[later] - matching[t] * matching[later])
    return mean, variance


@pytest.mark.parametrize("piece", [1 << 15, 16])
@pytest.mark.parametrize("name", MODELS)
def test_moments_are_those_of_the_chain(name, piece, monkeypatch):
    monkeypatch.setattr(module, "PIECE", piece)
    hmm = MODELS[name]
    labels, calls = case(hmm)
    stretches = blocks_of(LENGTHS, POSITIONS)
    m = 20_000
    law = PathLaw.of_hmm(hmm, stretches.start)
    null = path_null(labels, calls, stretches, law, m, np.random.default_rng(2))
    mean, variance = exact_moments(hmm, labels, calls, LENGTHS, POSITIONS)
    assert null.draws.size == m
    assert null.source == "hmm"
    assert null.mean == pytest.approx(mean, abs=4.5 * math.sqrt(variance / m))
    fourth = float(((null.draws - null.mean) ** 4).mean())
    spread = math.sqrt((fourth - variance**2) / m)
    assert null.sd**2 == pytest.approx(variance, abs=4.5 * spread)


@pytest.mark.parametrize("name", MODELS)
def test_draws_are_distributed_as_those_of_sampled_paths(name):
    hmm = MODELS[name]
    labels, calls = case(hmm, seed=3)
    stretches = blocks_of(LENGTHS, [0, 0, 0, 0])
    rng = np.random.default_rng(4)
    m = 4000
    paths = hmm.label_of_state[sample_paths(hmm, np.tile(LENGTHS, m), rng)].reshape(m, -1)
    plain = ((paths == calls) & (labels != UNLABELLED)).sum(axis=1)
    law = PathLaw.of_hmm(hmm, stretches.start)
    found = path_null(labels, calls, stretches, law, m, np.random.default_rng(5)).draws
    assert ks_2samp(plain, found).pvalue > 1e-3


def test_the_same_paths_come_in_batches_of_any_size(monkeypatch):
    hmm = MODELS["own"]
    labels, calls = case(hmm)
    stretches = blocks_of(LENGTHS, POSITIONS)
    law = PathLaw.of_hmm(hmm, stretches.start)
    monkeypatch.setattr(module, "PIECE", 16)
    whole = path_null(labels, calls, stretches, law, 50, np.random.default_rng(1))
    for bases in (1, 17, 64):
        monkeypatch.setattr(module, "_AT_ONCE", bases)
        parts = path_null(labels, calls, stretches, law, 50, np.random.default_rng(1))
        assert parts.draws.tolist() == whole.draws.tolist()


def test_fewer_paths_are_drawn_where_runs_are_short():
    law = PathLaw.of_hmm(MODELS["toy"], np.zeros(1, dtype=np.int64))
    # Runs of 2 and of 2.5 bases, in states of the frequencies 4/9 and 5/9.
    assert law.runs_per_base() == pytest.approx(0.5 / 2 + 0.5 / 2.5)
    assert draws_of(law, 1000, 1000) == 1000
    assert draws_of(law, 10**6, 1000) == 222
    assert draws_of(law, 10**9, 1000) == 200
    assert draws_of(law, 10**9, 50) == 50


# Laws that are no Markov chain.

#: Runs of 2 or 5 bases; of 1 to 3, or geometric beyond 4; for ever.
TWO_LENGTHS = Survival(np.array([2, 5]), np.array([0.7, 0.0]), 5, 0.0)
WITH_TAIL = Survival(np.array([1, 3]), np.array([0.5, 0.4]), 4, 0.8)


def lengths_of(law, n, rng):
    """Draw whole runs, plainly."""
    steps = -np.diff(np.concatenate([[1.0], law.survival]))
    kind = rng.choice(len(steps) + 1, size=n, p=[*steps, max(0.0, 1 - steps.sum())])
    tail = law.last + rng.geometric(1 - law.stay, size=n)
    return np.where(kind < len(steps), np.append(law.lengths, 0)[kind], tail)


def plain_paths(laws, frequencies, length, m, rng):
    """Draw paths base by base, the first run as the one of many around a random base."""
    pools = [lengths_of(law, 200_000, rng) for law in laws]
    ends = [np.cumsum(pool) for pool in pools]
    paths = np.empty((m, length), dtype=np.uint8)
    for path in paths:
        state = int(rng.choice(len(laws), p=frequencies))
        base = rng.integers(ends[state][-1])  # of all runs, laid one behind the other
        run = int(ends[state][np.searchsorted(ends[state], base, side="right")] - base)
        t = 0
        while t < length:
            path[t : t + run] = state
            t += run
            state = 1 - state
            run = int(rng.choice(pools[state]))
    return paths


def test_a_survival_curve_has_the_mean_of_its_law():
    assert TWO_LENGTHS.mean == pytest.approx(0.3 * 2 + 0.7 * 5)
    # 1, 3, or more than 4: 4 + a geometric number of mean 5.
    assert WITH_TAIL.mean == pytest.approx(0.5 * 1 + 0.1 * 3 + 0.4 * (4 + 5))
    assert Survival.geometric(0.9).mean == pytest.approx(10)
    assert Survival.geometric(1.0).mean == math.inf


def test_runs_of_any_law_are_drawn_and_the_first_is_met_at_a_random_base():
    laws = [TWO_LENGTHS, WITH_TAIL]
    means = np.array([law.mean for law in laws])
    frequencies = means / means.sum()
    law = PathLaw(
        "semi_markov", np.array([0, 1], dtype=np.uint8), frequencies[None],
        np.zeros(1, dtype=np.int64), np.array([[0.0, 1.0], [1.0, 0.0]]), laws,
    )  # fmt: skip
    length, m = 30, 4000
    labels = np.zeros(length, dtype=np.uint8)
    calls = np.repeat([0, 1, 0], [7, 12, 11]).astype(np.uint8)
    rng = np.random.default_rng(6)
    plain = (plain_paths(laws, frequencies, length, m, rng) == calls).sum(axis=1)
    stretch = blocks_of([length], [0])
    found = path_null(labels, calls, stretch, law, m, np.random.default_rng(7)).draws
    assert ks_2samp(plain, found).pvalue > 1e-3
    # Stationary: the same frequency of states at every base.
    for base in (0, 1, 4, 29):
        known = np.full(length, UNLABELLED, dtype=np.uint8)
        known[base] = 0
        there = path_null(
            known, np.zeros(length, np.uint8), stretch, law, 20_000, np.random.default_rng(8)
        )
        error = math.sqrt(frequencies[0] * frequencies[1] / 20_000)
        assert there.mean == pytest.approx(frequencies[0], abs=4.5 * error)


def test_runs_that_never_end_fill_their_stretches(monkeypatch):
    monkeypatch.setattr(module, "PIECE", 10)
    forever = Survival.geometric(1.0)
    law = PathLaw(
        "semi_markov", np.array([0, 1], dtype=np.uint8), np.array([[0.25, 0.75]]),
        np.zeros(2, dtype=np.int64), np.zeros((2, 2)), [forever, forever],
    )  # fmt: skip
    calls = np.zeros(75, dtype=np.uint8)
    null = path_null(calls, calls, blocks_of([25, 50], [0, 0]), law, 4000, np.random.default_rng(9))
    values, counts = np.unique(null.draws, return_counts=True)
    assert values.tolist() == [0, 25, 50, 75]
    expected = 4000 * np.array([9, 3, 3, 1]) / 16
    assert np.all(abs(counts - expected) < 4.5 * np.sqrt(expected))
