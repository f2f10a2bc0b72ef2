"""Records with a motif: held against Bayes' theorem letter by letter, and against counting."""

import csv
import gzip
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import DNA
from basetag.motif_model import MotifModel, simulate_motif_records

PLACES = ("start", "anywhere")


def probability_with(model, word):
    """P(word | it has the motif), place by place and letter by letter."""
    size = len(model.motif)
    places = [0] if model.place == "start" else range(len(word) - size + 1)
    total = 0.0
    for place in places:
        own = 1.0
        for index, letter in enumerate(word):
            if place <= index < place + size:
                same = letter == model.motif[index - place]
                own *= 1 - model.noise if same else model.noise / 3
            else:
                own *= model.gc / 2 if letter in "GC" else (1 - model.gc) / 2
        total += own / len(places)
    return total


def probability_without(model, word):
    plain = 1.0
    for letter in word:
        plain *= model.gc / 2 if letter in "GC" else (1 - model.gc) / 2
    if model.place == "anywhere":
        return plain
    if word.startswith(model.motif):
        return 0.0
    begins = 1.0
    for letter in model.motif:
        begins *= model.gc / 2 if letter in "GC" else (1 - model.gc) / 2
    return plain / (1 - begins)


@settings(max_examples=60, deadline=None)
@given(
    st.text("ACGT", min_size=1, max_size=4),
    st.sampled_from(PLACES),
    st.sampled_from([0.0, 0.1, 0.7]),
    st.floats(0.05, 0.95),
    st.floats(0.05, 0.95),
    st.lists(st.text("ACGT", min_size=4, max_size=12), min_size=1, max_size=6),
)
def test_the_posterior_is_that_of_bayes_theorem(motif, place, noise, share, gc, words):
    model = MotifModel(motif, place, noise, share, gc)
    tokens = np.concatenate([DNA.encode(word) for word in words])
    found = model.posterior(tokens, np.array([len(word) for word in words]))
    for own, word in zip(found, words, strict=True):
        with_it = share * probability_with(model, word)
        without = (1 - share) * probability_without(model, word)
        if with_it + without == 0:
            continue  # no record is like that
        assert own == pytest.approx(with_it / (with_it + without), abs=1e-12)


@pytest.mark.parametrize("place", PLACES)
def test_both_classes_are_distributions(place):
    model = MotifModel("ACA", place, 0.2, 0.4, 0.3)
    words = ["".join(letters) for letters in itertools.product("ACGT", repeat=5)]
    for probability in (probability_with, probability_without):
        assert sum(probability(model, word) for word in words) == pytest.approx(1)


@pytest.mark.parametrize("place", PLACES)
def test_records_are_drawn_as_the_model_says(place):
    """Each word of four letters as often as it should be, in both classes: a chi-square."""
    model = MotifModel("CA", place, 0.2, 0.3, 0.6)
    rng = np.random.default_rng(5)
    lengths = np.full(60_000, 4)
    tokens, has_motif = model.sample(lengths, rng)
    number = tokens.reshape(-1, 4) @ np.array([64, 16, 4, 1])
    words = ["".join(letters) for letters in itertools.product("ACGT", repeat=4)]
    assert abs(has_motif.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / lengths.size)
    for chosen, probability in ((has_motif, probability_with), (~has_motif, probability_without)):
        counts = np.bincount(number[chosen], minlength=256)
        expected = np.array([probability(model, word) for word in words]) * chosen.sum()
        possible = expected > 0
        assert not counts[~possible].any()
        statistic = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
        degrees = possible.sum() - 1
        assert abs(statistic - degrees) < 5 * np.sqrt(2 * degrees)


def test_the_posterior_is_calibrated_on_what_is_drawn():
    model = MotifModel("TATAAT", "anywhere", 0.1, 0.5, 0.5)
    lengths = np.random.default_rng(2).integers(30, 80, size=20_000)
    tokens, has_motif = model.sample(lengths, np.random.default_rng(3))
    posterior = model.posterior(tokens, lengths)
    for low, high in itertools.pairwise(np.linspace(0, 1, 11)):
        here = (posterior >= low) & (posterior < high + (high == 1))
        error = np.sqrt((posterior[here] * (1 - posterior[here])).sum()) / here.sum()
        assert abs(has_motif[here].mean() - posterior[here].mean()) < 4.5 * error


def test_an_unknown_letter_says_nothing():
    model = MotifModel("ATG", "start", 0.1, 0.5, 0.5)
    found = model.posterior(DNA.encode("NNNACGT"), np.array([7]))
    begins = 0.25**3
    # Without a look at its first letters, a record without the motif is as likely as it is.
    assert found[0] == pytest.approx(1 / (1 + 1 / (1 - begins)))


def test_a_record_too_short_for_the_motif_has_none():
    model = MotifModel("ATG", "anywhere", 0.0, 0.5, 0.5)
    assert model.posterior(DNA.encode("ATATG"), np.array([2, 3])).tolist()[0] == 0


def test_sequences_and_classes_agree_and_come_back_from_the_seed(tmp_path):
    settings = {
        "motif": "ATG", "place": "start", "noise": 0.0, "share": 0.5, "gc": 0.5,
        "records": 300, "length": {"minimum": 3, "maximum": 90}, "seed": 4,
    }  # fmt: skip
    simulate_motif_records(settings, tmp_path / "a.fa.gz", tmp_path / "a.tsv")
    with gzip.open(tmp_path / "a.fa.gz", "rt") as file:
        records = [part.split("\n", 1) for part in file.read().split(">")[1:]]
    with (tmp_path / "a.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [name for name, _ in records] == [row["record"] for row in rows]
    for (_, text), row in zip(records, rows, strict=True):
        assert (row["class"] == "with") == text.replace("\n", "").startswith("ATG")
    simulate_motif_records(settings, tmp_path / "b.fa.gz", tmp_path / "b.tsv")
    for end in ("fa.gz", "tsv"):
        assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes()
