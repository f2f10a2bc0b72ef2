"""The temperature: known answers, and that it is taken from the validation split."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED, Corpus
from basetag.judgement.calibration import fit_temperature
from basetag.judgement.metrics import floored
from basetag.segments import Segments


def a_case(n_states=2, bases=60_000, seed=1):
    """Calibrated posteriors of moderate certainty, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    posterior = softmax(1.2 * rng.normal(size=(bases, n_states)), axis=1)
    labels = (rng.random(bases)[:, None] > posterior.cumsum(axis=1)).sum(axis=1)
    return posterior, labels.clip(0, n_states - 1).astype(np.uint8)


def corpus_of(labels, records=6):
    length = len(labels) // records
    starts = np.arange(records, dtype=np.int64) * length
    lengths = np.full(records, length, dtype=np.int64)
    states = tuple("HLABCDEF"[: max(2, int(labels[labels < 255].max(initial=0)) + 1)])
    names = [f"r{i}" for i in range(records)]
    tokens = np.zeros(len(labels), dtype=np.uint8)
    corpus = Corpus(DNA, states, {}, names, starts, lengths, tokens, labels)
    # Last to first: rows of the posteriors are in the order of the split, not of the corpus.
    order = np.arange(records)[::-1]
    return corpus, Segments(order, np.zeros(records, np.int64), lengths, starts[order])


def fitted(posterior, labels):
    corpus, split = corpus_of(labels)
    rows = split.gathered(posterior)
    return fit_temperature(rows.astype(np.float32), corpus, split)


@pytest.mark.parametrize("n_states", [2, 4])
@pytest.mark.parametrize("sharpened", [0.4, 1.0, 1.7, 3.0])
def test_a_posterior_sharpened_by_a_known_factor_gives_it_back(n_states, sharpened):
    posterior, labels = a_case(n_states)
    found = fitted(softmax(sharpened * np.log(posterior), axis=1), labels)
    assert found.value == pytest.approx(sharpened, rel=0.04)
    assert found.bases == len(labels)


def test_no_other_temperature_costs_less():
    posterior, labels = a_case()
    sharp = softmax(2.5 * np.log(posterior), axis=1)
    found = fitted(sharp, labels).value

    def cost(temperature):
        return log_loss(labels, floored(softmax(np.log(floored(sharp)) / temperature, axis=1)))

    assert cost(found) <= min(cost(t) for t in np.geomspace(0.3, 10, 60)) + 1e-7


def test_where_all_temperatures_are_as_good_it_is_one():
    _, labels = a_case(bases=600)
    assert fitted(np.full((600, 2), 0.5), labels).value == 1


def test_a_hard_caller_is_made_less_sure():
    _, labels = a_case(bases=6000)
    right = np.random.default_rng(2).random(6000) < 0.8
    calls = np.where(right, labels, 1 - labels)
    found = fitted(np.eye(2)[calls], labels)
    sure = 1 / (1 + 1e-6 ** (1 / found.value))
    assert sure == pytest.approx(right.mean(), abs=0.005)


def test_unlabelled_bases_say_nothing():
    posterior, labels = a_case()
    sharp = softmax(2 * np.log(posterior), axis=1)
    hidden = labels.copy()
    hidden[::3] = UNLABELLED
    wrong = sharp.copy()
    wrong[::3] = wrong[::3, ::-1]
    assert fitted(wrong, hidden) == fitted(sharp, hidden)
    assert fitted(sharp, hidden).bases == np.count_nonzero(hidden != UNLABELLED)


def test_without_labels_there_is_no_temperature():
    labels = np.full(600, UNLABELLED, dtype=np.uint8)
    assert fitted(np.full((600, 2), 0.5), labels) is None


def test_of_a_long_split_so_many_bases_are_looked_at():
    posterior, labels = a_case(bases=600_000)
    found = fitted(softmax(2 * np.log(posterior), axis=1), labels)
    assert 150_000 <= found.bases <= 250_000
    assert found.value == pytest.approx(2, rel=0.03)
