"""Matches to training, base by base, held against Python's own sets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import Alphabet
from basetag.segments import Segments
from basetag.splits.matches import mark_matches, write_matches
from basetag.splits.table import read_split
from tests.test_near_copies import COMPLEMENT, kmers_of, mutated, random_text
from tests.test_splits import corpus_of


def stretches(corpus, rows):
    """Return segments of (record, start, end)."""
    record, start, end = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return Segments(record, start, end, corpus.starts[record] + start)


def found_marks(corpus, training, test, **more):
    marks = np.zeros(test.bases, dtype=bool)
    mark_matches(corpus, training, test, marks, **more)
    return marks


def expected_marks(corpus, training, test, k=31, **how):
    """Mark the bases of every k-mer of each test stretch that any training stretch has."""
    texts = [corpus.alphabet.decode(corpus.tokens[o : o + n]) for o, n in places(training.joined())]
    known = set().union(*(kmers_of(text, k, **how) for text in texts))
    marks = []
    for offset, length in places(test.joined()):
        text = corpus.alphabet.decode(corpus.tokens[offset : offset + length])
        own = np.zeros(length, dtype=bool)
        for i in range(length - k + 1):
            if kmers_of(text[i : i + k], k, **how) & known:
                own[i : i + k] = True
        marks.append(own)
    return np.concatenate(marks)


def places(segments):
    return zip(segments.offset.tolist(), segments.lengths.tolist(), strict=True)


@given(seed=st.integers(0, 10_000), slots=st.sampled_from([4, 64, 1 << 26]))
@settings(max_examples=60, deadline=None)
def test_marks_are_those_of_a_search_for_each_kmer(seed, slots):
    rng = np.random.default_rng(seed)
    pool = [random_text(rng, 70) for _ in range(4)] + ["A" * 50, "ACG" * 15, "N" * 35]
    sequences = []
    for _ in range(12):
        parts = [pool[i] for i in rng.integers(len(pool), size=rng.integers(1, 4))]
        parts = [p if rng.random() < 0.5 else p.translate(COMPLEMENT)[::-1] for p in parts]
        text = mutated("".join(parts).replace("N", "A"), 0.02, rng)
        cut = int(rng.integers(len(text)))
        sequences.append(text[:cut] + "N" * int(rng.integers(3)) + text[cut:])
    corpus = corpus_of(sequences)
    rows = {"train": [], "test": []}
    for record, text in enumerate(sequences):
        # Neighbouring blocks, some of them of one split.
        bounds = np.unique([0, *rng.integers(len(text), size=3), len(text)])
        for start, end in pairwise(bounds):
            rows[["train", "test"][rng.integers(2)]].append((record, start, end))
    if not all(rows.values()):
        return
    rows["test"] = rows["test"][::-1] if seed % 2 else rows["test"]
    training, test = (stretches(corpus, rows[name]) for name in ("train", "test"))
    found = found_marks(corpus, training, test, most_slots=slots)
    assert found.tolist() == expected_marks(corpus, training, test).tolist()


def pair(training, test):
    """Return the marks of one test record, one training record beside it, as text."""
    corpus = corpus_of([training, test])
    rows = [(0, 0, len(training))], [(1, 0, len(test))]
    marks = found_marks(corpus, *(stretches(corpus, row) for row in rows))
    return "".join("x" if mark else "." for mark in marks)


RNG = np.random.default_rng(1)
TEXT = random_text(RNG, 31)
LEFT, RIGHT = random_text(RNG, 40), random_text(RNG, 50)


def test_a_match_of_31_letters_marks_its_bases_and_one_of_30_none():
    assert pair(f"{RIGHT}{TEXT}", f"{LEFT}{TEXT}{LEFT}").count("x") == 31
    assert pair(TEXT, f"N{TEXT}N") == f".{'x' * 31}."
    assert pair(TEXT[:30], f"N{TEXT}N") == "." * 33
    assert pair(TEXT, f"N{TEXT[1:]}N") == "." * 32


def test_a_match_on_the_other_strand_counts():
    assert pair(TEXT.translate(COMPLEMENT)[::-1], f"N{TEXT}N") == f".{'x' * 31}."


def test_an_ambiguous_letter_matches_nothing_not_even_itself():
    broken = f"{TEXT[:15]}R{TEXT[16:]}"
    assert pair(broken, broken) == "." * 31
    assert pair(f"{LEFT}R{RIGHT}", f"{LEFT}R{RIGHT}") == f"{'x' * 40}.{'x' * 50}"


def test_records_and_stretches_shorter_than_a_kmer_match_nothing():
    assert pair("ACGT" * 7, "ACGT" * 7) == "." * 28
    corpus = corpus_of([TEXT, TEXT[:20], TEXT[20:]])
    test = stretches(corpus, [(1, 0, 20), (2, 0, 11)])
    assert not found_marks(corpus, stretches(corpus, [(0, 0, 31)]), test).any()


def test_neighbouring_blocks_of_one_split_are_one_stretch():
    corpus = corpus_of([TEXT, TEXT])
    whole, blocks = [(0, 0, 31)], [(1, 0, 12), (1, 12, 31)]
    assert found_marks(corpus, stretches(corpus, whole), stretches(corpus, blocks)).all()
    blocks = [(0, 0, 12), (0, 12, 31)]
    assert found_marks(corpus, stretches(corpus, blocks), stretches(corpus, [(1, 0, 31)])).all()
    apart = [(0, 0, 12), (0, 13, 31)]
    assert not found_marks(corpus, stretches(corpus, apart), stretches(corpus, [(1, 0, 31)])).any()


def test_other_alphabets_have_one_strand_and_shorter_kmers():
    letters = "ACDEFGHIKLMNPQRSTVWY"
    word = letters[:12]
    corpus = corpus_of(
        [f"WW{word}", f"{word}W", word[::-1], word[1:]], alphabet=Alphabet.named(letters)
    )
    test = stretches(corpus, [(1, 0, 13), (2, 0, 12), (3, 0, 11)])
    marks = found_marks(corpus, stretches(corpus, [(0, 0, 14)]), test)
    assert marks.tolist() == [True] * 12 + [False] * 24


@pytest.mark.parametrize("missing", ["train", "test"])
def test_an_empty_split_matches_nothing(tmp_path, missing):
    corpus = corpus_of([TEXT])
    other = {"train": "test", "test": "train"}[missing]
    (tmp_path / "split.tsv").write_text(f"record\tstart\tend\tsplit\nr0\t0\t31\t{other}\n")
    split = read_split(tmp_path / "split.tsv", corpus)
    assert write_matches(tmp_path / "m.npy", corpus, split["train"], split["test"]) == 0
    marks = np.load(tmp_path / "m.npy")
    assert marks.dtype == bool
    assert marks.shape == (split["test"].bases,)


def test_the_file_has_a_bool_for_each_base_in_the_order_of_the_split(tmp_path):
    corpus = corpus_of([f"{LEFT}{TEXT}", TEXT, f"C{TEXT}G"])
    (tmp_path / "split.tsv").write_text(
        "record\tstart\tend\tsplit\nr2\t0\t33\ttest\nr1\t0\t31\ttrain\nr0\t0\t71\ttest\n"
    )
    split = read_split(tmp_path / "split.tsv", corpus)
    n_marked = write_matches(tmp_path / "m.npy", corpus, split["train"], split["test"])
    marks = np.load(tmp_path / "m.npy", mmap_mode="r", allow_pickle=False)
    expected = expected_marks(corpus, split["train"], split["test"])
    assert marks.tolist() == expected.tolist()
    assert n_marked == expected.sum() == 62


def test_two_genomes_of_one_phage_match_where_a_search_says_so(shared_data):
    folder = shared_data / "lambda_phage"
    texts = [
        "".join(line for line in (folder / name).read_text().split() if line.isalpha())
        for name in ("NC_001416.1.fasta", "lambda_virus.fa")
    ]
    texts = [text[text.index("GGGCGGCGACCTCGCGGGTTTTCG") :].upper() for text in texts]
    corpus = corpus_of([texts[0][:30_000], texts[1]])
    training = stretches(corpus, [(0, 0, 30_000)])
    test = stretches(corpus, [(1, 0, len(texts[1]))])
    marks = found_marks(corpus, training, test)
    assert marks.tolist() == expected_marks(corpus, training, test).tolist()
    assert 0.55 < marks.mean() < 0.65
