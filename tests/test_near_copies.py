"""Near copies: records joined by the k-mers that they share, held against Python's own sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import DNA, Alphabet
from basetag.errors import InputError
from basetag.segments import whole_records
from basetag.splits import near_copies
from basetag.splits.copies import groups_of_copies
from basetag.splits.drawing import make_split
from basetag.splits.near_copies import FEWEST_KMERS, groups_of_near_copies
from tests.test_splits import corpus_of

COMPLEMENT = str.maketrans("ACGT", "TGCA")


def kmers_of(sequence, k=31, *, strands=True, letters="ACGT"):
    """Return the distinct k-mers, each the smaller of it and its reverse complement."""
    words = [sequence[i : i + k] for i in range(len(sequence) - k + 1)]
    words = [word for word in words if set(word) <= set(letters)]
    if not strands:
        return set(words)
    return {min(word, word.translate(COMPLEMENT)[::-1]) for word in words}


def expected_groups(sequences, share, **how):
    """Return groups by comparing all pairs."""
    sets = [kmers_of(sequence, **how) for sequence in sequences]
    group = list(range(len(sets)))
    for i, one in enumerate(sets):
        for j, other in enumerate(sets[:i]):
            fewer = min(len(one), len(other))
            if fewer >= FEWEST_KMERS and len(one & other) >= share * fewer:
                group = [group[j] if g == group[i] else g for g in group]
    return group


def same_groups(found, expected):
    pairs = set(zip(found, expected, strict=True))
    return len(pairs) == len(set(found)) == len(set(expected))


def found_groups(sequences, share, alphabet=DNA, **more):
    corpus = corpus_of(sequences, alphabet=alphabet)
    records = whole_records(corpus)
    exact = groups_of_copies(corpus, records.offset, records.lengths)
    return groups_of_near_copies(corpus, records, exact, share, **more).tolist()


def random_text(rng, length, letters="ACGT"):
    return "".join(rng.choice(list(letters), size=length))


def mutated(sequence, rate, rng):
    letters = np.array(list(sequence))
    hit = rng.random(len(letters)) < rate
    letters[hit] = [rng.choice([x for x in "ACGT" if x != old]) for old in letters[hit]]
    return "".join(letters)


def family_of_records(rng, n=40, length=120):
    """Return records that are pieces of, mutated forms of and mirror images of each other."""
    sequences = []
    for _ in range(n):
        kind = rng.integers(5) if sequences else 0
        old = sequences[rng.integers(len(sequences))] if sequences else ""
        new = random_text(rng, int(rng.integers(10, length)))
        if kind == 1:
            new = mutated(old, 0.02, rng)
        elif kind == 2:
            new = old[: len(old) // 2] + new
        elif kind == 3:
            new = old.translate(COMPLEMENT)[::-1][5:] + new[:20]
        elif kind == 4:
            new = old.replace("A", "N", 1) + new
        sequences.append(new)
    return sequences


@given(seed=st.integers(0, 10_000), share=st.sampled_from([1e-9, 0.1, 0.3, 0.5, 0.9, 1.0]))
@settings(max_examples=60, deadline=None)
def test_groups_are_those_of_all_pairs_of_sets(seed, share):
    sequences = family_of_records(np.random.default_rng(seed))
    found = found_groups(sequences, share)
    exact = found_groups(sequences, 1.0)
    # Exact copies are together whatever they share; sets know nothing of those without k-mers.
    expected = expected_groups(sequences, share)
    corpus = corpus_of(sequences)
    records = whole_records(corpus)
    copies = groups_of_copies(corpus, records.offset, records.lengths)
    for number in set(copies.tolist()):
        members = {expected[i] for i in np.flatnonzero(copies == number)}
        expected = [min(members) if group in members else group for group in expected]
    assert same_groups(found, expected)
    assert len(set(exact)) >= len(set(found))


def test_groups_are_numbered_in_order_of_first_appearance():
    rng = np.random.default_rng(3)
    one, two = random_text(rng, 200), random_text(rng, 200)
    other = random_text(rng, 200)
    assert found_groups([one, two, other, two[:150], one[20:]], 0.5) == [0, 1, 2, 1, 0]


def test_what_is_joined_with_one_is_joined_with_all_of_its_group():
    rng = np.random.default_rng(4)
    first, second, third = (random_text(rng, 300) for _ in range(3))
    chain = [first + second, second + third, third + first[:40]]
    # The first and the third share no k-mer but few.
    assert len(kmers_of(chain[0]) & kmers_of(chain[2])) < 0.1 * 309
    assert found_groups(chain, 0.4) == [0, 0, 0]
    assert found_groups([chain[0], chain[2]], 0.4) == [0, 1]


@pytest.mark.parametrize("pieces", [64, 1 << 22])
def test_a_sample_finds_what_all_kmers_do_and_pieces_lose_none(pieces, monkeypatch):
    monkeypatch.setattr(near_copies, "_BASES_AT_ONCE", pieces)
    monkeypatch.setattr(near_copies, "LEAST_OF_EACH", 1)
    rng = np.random.default_rng(5)
    originals = [random_text(rng, 5000) for _ in range(12)]
    # 1 % of changes leave 0.99 ** 31 = 73 % of the k-mers, 4 % leave 28 %.
    near, far = ([mutated(text, rate, rng) for text in originals] for rate in (0.01, 0.04))
    sequences = [*originals, *near, *far]
    n_kmers = 36 * 4970
    for most in (n_kmers, n_kmers // 10):
        found = found_groups(sequences, 0.5, most_sampled=most)
        assert found[:12] == found[12:24] == list(range(12))
        assert len(set(found)) == 24


def test_a_kmer_that_very_many_records_have_still_joins_them():
    rng = np.random.default_rng(6)
    shared = random_text(rng, 200)
    sequences = [shared + random_text(rng, 40) for _ in range(150)]
    assert set(found_groups(sequences, 0.5)) == {0}
    sequences = [shared[:40] + random_text(rng, 200) for _ in range(150)]
    assert len(set(found_groups(sequences, 0.5))) == 150


def test_simple_repeats_join_nobody():
    rng = np.random.default_rng(7)
    tails = [random_text(rng, 300) + "A" * 60 for _ in range(5)]
    assert found_groups([*tails, "A" * 100, "AC" * 50], 0.5) == list(range(7))


def test_letters_without_strands_have_shorter_kmers_read_one_way():
    rng = np.random.default_rng(8)
    letters = "ACDEFGHIKLMNPQRSTVWY"
    alphabet = Alphabet.named(letters)
    one = random_text(rng, 80, letters)
    sequences = [one, one[::-1], one[10:] + "ACDEF", random_text(rng, 80, letters), one[:40] + "?"]
    expected = expected_groups(sequences, 0.5, k=12, strands=False, letters=letters)
    assert same_groups(found_groups(sequences, 0.5, alphabet), expected)
    assert expected == [0, 1, 0, 3, 0]


def test_records_without_kmers_are_left_alone():
    assert found_groups(["A", "ACGT", "N" * 200, "ACGT", "N" * 200], 0.5) == [0, 1, 2, 1, 3]
    assert found_groups(["ACGT" * 30], 0.5) == [0]


def test_near_copies_stay_on_one_side_of_a_split_and_exact_ones_anyway():
    rng = np.random.default_rng(9)
    originals = [random_text(rng, 400) for _ in range(30)]
    near = [mutated(text, 0.01, rng).translate(COMPLEMENT)[::-1] for text in originals[:20]]
    corpus = corpus_of([*originals, *near, originals[25]])
    fractions = {"train": 0.6, "validation": 0.2, "test": 0.2}
    apart = 0
    for seed in range(4):
        split = make_split(corpus, fractions=fractions, seed=seed, near_copies=0.5)
        assert (split.assignment[:20] == split.assignment[30:50]).all()
        assert split.assignment[25] == split.assignment[50]
        assert split.duplicates + split.near_copies == 42
        assert set(split.assignment) == {0, 1, 2}
        blind = make_split(corpus, fractions=fractions, seed=seed)
        assert (blind.duplicates, blind.near_copies) == (split.duplicates, 0)
        apart += int((blind.assignment[:20] != blind.assignment[30:50]).sum())
    assert apart > 0


def test_without_near_copies_a_split_is_drawn_as_if_nobody_had_looked():
    corpus = corpus_of([random_text(np.random.default_rng(i), 100) for i in range(30)])
    fractions = {"train": 0.8, "validation": 0.1, "test": 0.1}
    blind, seeing = (
        make_split(corpus, fractions=fractions, seed=1, near_copies=share) for share in (None, 0.5)
    )
    assert blind.assignment.tolist() == seeing.assignment.tolist()


def test_records_that_are_all_near_copies_cannot_be_split_and_the_key_is_named():
    rng = np.random.default_rng(10)
    text = random_text(rng, 500)
    corpus = corpus_of([mutated(text, 0.005, rng) for _ in range(8)])
    fractions = {"train": 0.8, "validation": 0.1, "test": 0.1}
    with pytest.raises(InputError, match=r"1 records of different content .*near_copies: null"):
        make_split(corpus, fractions=fractions, seed=1, near_copies=0.5)


def test_near_copies_of_blocks_are_not_looked_for():
    corpus = corpus_of([random_text(np.random.default_rng(11), 2000)])
    with pytest.raises(ValueError, match="nearly all blocks"):
        make_split(
            corpus,
            fractions={"train": 0.8, "validation": 0.1, "test": 0.1},
            seed=1,
            by="block",
            block=100,
            near_copies=0.5,
        )
