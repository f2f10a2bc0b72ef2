"""Words of sequences, counted against a loop over strings; and which genomes are told to differ."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from basetag.alphabet import DNA, Alphabet
from basetag.composition import (
    compare_composition,
    count_composition,
    divergence,
    gc_share,
    stretch,
    training_composition,
    warning,
    word_length,
    words_of,
)
from basetag.corpus import Corpus
from basetag.segments import Segments, whole_records

PROTEIN = Alphabet.of_letters("ACDEFGHIKLMNPQRSTVWY")


def corpus_of(sequences, alphabet=DNA):
    tokens = [alphabet.encode(sequence) for sequence in sequences]
    lengths = np.array([part.size for part in tokens], dtype=np.int64)
    names = [f"r{number}" for number in range(len(tokens))]
    starts = np.cumsum(lengths) - lengths
    return Corpus(alphabet, (), {}, names, starts, lengths, np.concatenate(tokens), None)


def drawn(seed, probabilities, bases, records=1):
    """Records of independent letters."""
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("ACGT"), (records, bases), p=probabilities)
    return corpus_of(["".join(row) for row in letters])


def canonical(word):
    return min(word, word[::-1].translate(str.maketrans("ACGT", "TGCA")))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text("ACGTN", max_size=30), min_size=1, max_size=5))
def test_words_are_those_of_either_strand_within_each_record_and_without_n(sequences):
    genome = corpus_of(sequences)
    expected = Counter(
        canonical(sequence[i : i + 5])
        for sequence in sequences
        for i in range(len(sequence) - 4)
        if "N" not in sequence[i : i + 5]
    )
    words, _ = words_of(DNA)
    found = count_composition(genome.tokens, genome.lengths, DNA)
    assert {word: n for word, n in zip(words, found.tolist(), strict=True) if n} == expected
    assert len(words) == 512


def test_words_of_proteins_are_shorter_and_of_one_strand():
    assert word_length(PROTEIN) == 2
    words, _ = words_of(PROTEIN)
    assert len(words) == 400
    genome = corpus_of(["MKMK"], PROTEIN)
    found = count_composition(genome.tokens, genome.lengths, PROTEIN)
    assert {word: n for word, n in zip(words, found, strict=True) if n} == {"MK": 2, "KM": 1}


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2).filter(
        lambda rows: all(sum(column) for column in zip(*rows, strict=True))
    )
)
def test_the_divergence_is_scipys(rows):
    one, other = (np.array(column) for column in zip(*rows, strict=True))
    assert divergence(one, other) == pytest.approx(jensenshannon(one, other) ** 2, abs=1e-12)


def test_a_stretch_runs_over_the_ends_of_segments():
    record, start, end = np.array([0, 1, 2]), np.array([2, 0, 5]), np.array([6, 3, 9])
    segments = Segments(record, start, end, np.array([2, 20, 35]))
    bases = np.arange(50)
    whole = segments.gathered(bases)
    for first in range(11):
        for last in range(first + 1, 12):
            found = stretch(segments, first, last)
            assert found.gathered(bases).tolist() == whole[first:last].tolist()
            assert (
                found.offset - found.start == (segments.offset - segments.start)[found.record]
            ).all()


def test_short_pieces_differ_more_as_chance_has_it():
    corpus = drawn(1, [0.25] * 4, 40_000, records=5)
    training = training_composition(corpus, whole_records(corpus))
    pieces = training["pieces"]
    assert pieces["lengths"] == [2**9, 2**11, 2**13, 2**15]
    assert sum(training["counts"]) == 5 * 39_996
    medians = [row[pieces["shares"].index(0.5)] for row in pieces["divergences"]]
    # Of n words of K kinds drawn twice, 2 JSD is near chi-square / 4 of (1/n + 1/m) (K - 1).
    for length, median in list(zip(pieces["lengths"], medians, strict=True))[2:]:
        expected = (1 / length + 1 / (200_000 - length)) * 511 / 8
        assert median == pytest.approx(expected, rel=0.15)


def trained_on(*arguments, **more):
    corpus = drawn(*arguments, **more)
    return training_composition(corpus, whole_records(corpus))


AT_RICH, EVEN = [0.35, 0.15, 0.15, 0.35], [0.25] * 4


@pytest.mark.parametrize("bases", [600, 5_000, 50_000, 1_000_000])
def test_a_genome_of_another_composition_is_told_to_differ_and_one_of_the_same_is_not(bases):
    training = trained_on(2, EVEN, 200_000)
    alike = compare_composition(training, drawn(3, EVEN, bases))
    other = compare_composition(training, drawn(4, AT_RICH, bases))
    assert alike["differs"] is False
    assert other["differs"] is True
    assert alike["length"] == min(bases - 4, 32_768)
    assert warning(alike) is None
    assert re.search(r"its GC is (28|29|30|31|32)\.\d %", warning(other))
    assert other["gc"] == pytest.approx(0.3, abs=0.03)
    assert other["most"][0][0] in ("AAAAA", "AATAA", "TTTTT", "ATATA", "AAATA", "AATTA", "TAATA")


def test_about_one_in_a_hundred_genomes_of_the_same_kind_is_told_to_differ():
    training = trained_on(5, EVEN, 200_000)
    told = [
        compare_composition(training, drawn(seed, EVEN, 2_000))["differs"]
        for seed in range(100, 400)
    ]
    assert sum(told) <= 12


def test_many_contigs_are_held_against_pieces_of_their_sum():
    training = trained_on(6, EVEN, 200_000)
    found = compare_composition(training, drawn(7, EVEN, 200, records=500))
    assert found["words"] == 500 * 196
    assert found["differs"] is False


def test_too_short_a_genome_and_too_few_training_data_are_not_judged():
    short = compare_composition(trained_on(8, EVEN, 200_000), drawn(9, AT_RICH, 100))
    assert short["differs"] is None
    assert short["divergence"] > 0
    few = compare_composition(trained_on(8, EVEN, 1000), drawn(9, AT_RICH, 10_000))
    assert few["differs"] is None
    nothing = compare_composition(trained_on(8, EVEN, 1000), corpus_of(["NNNNNNNN"]))
    assert nothing["divergence"] is None
    assert warning(nothing) is warning({"known": False}) is None


def test_a_tagger_of_an_earlier_version_has_no_composition():
    assert compare_composition(None, drawn(1, EVEN, 100)) == {"known": False}


def test_of_another_alphabet_no_gc_is_told():
    genome = corpus_of(["MKMKWWW"], PROTEIN)
    assert gc_share(count_composition(genome.tokens, genome.lengths, PROTEIN), PROTEIN) is None


def test_gaps_are_no_pieces():
    rng = np.random.default_rng(1)
    letters = "".join(rng.choice(list("ACGT"), 30_000))
    limits = []
    for gap in ("", "N" * 10_000):
        corpus = corpus_of([letters[:15_000] + gap + letters[15_000:]])
        limits.append(training_composition(corpus, whole_records(corpus))["pieces"])
    plain, with_gap = (pieces["divergences"][0] for pieces in limits)
    assert with_gap == pytest.approx(plain, rel=0.1)
