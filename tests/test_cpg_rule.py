"""CpG islands by rule, against the paper's sums done by hand and a plain loop over the bases."""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag import cpg_rule
from basetag.alphabet import DNA
from basetag.baseline_fitting import fit_baseline
from basetag.cpg_rule import CpGRule
from basetag.decoding import Decoding, call_states
from basetag.errors import ConfigError, InputError
from tests.test_baselines import a_corpus, split_of

SEQUENCES = st.lists(st.text("ACGTCGCGCGN", max_size=30), min_size=1, max_size=4)


def islands(rule, sequences):
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    found = [island for _, island in rule.of_bases(DNA.encode("".join(sequences)), lengths)]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def is_rich(window, gc, ratio):
    c, g, pairs = (window.count(word) for word in ("C", "G", "CG"))
    plain = sum(letter in "ACGT" for letter in window)
    share = Fraction(c + g, len(window))
    return share > Fraction(str(gc)) and c * g and Fraction(pairs * plain, c * g) > Fraction(ratio)


def by_loop(sequence, window, gc, ratio, minimum_length, whole_windows=False):
    rich = [False] * len(sequence)
    for base in range(len(sequence)):
        start = max(0, min(base - window // 2, len(sequence) - window))
        bases = sequence[start : start + window]
        if is_rich(bases, gc, str(ratio)):
            own = range(start, start + len(bases)) if whole_windows else [base]
            for marked in own:
                rich[marked] = True
    island = []
    for value, run in groupby(rich):
        length = len(list(run))
        island += [int(value and length >= minimum_length)] * length
    return island


def test_a_window_is_held_against_both_thresholds_exactly():
    # 10 bases, 3 C, 3 G and 2 CpG: 60 % of G and C, ratio 2 * 10 / (3 * 3) = 20 / 9.
    sequence = ["ACGTCGATGC"]
    for gc, expected in ((0.59, 1), (0.6, 0), (0.61, 0)):
        assert set(islands(CpGRule(DNA, 10, gc, 0.6, 1), sequence)) == {expected}
    for ratio, expected in ((2.2, 1), (2.222222, 1), (2.222223, 0)):
        assert set(islands(CpGRule(DNA, 10, 0.5, ratio, 1), sequence)) == {expected}
    # 1 CpG of 2 C and 5 G in 10 bases is a ratio of exactly 1, which does not lie above 1.
    assert set(islands(CpGRule(DNA, 10, 0.5, 1.0, 1), ["CGCTGGATGG"])) == {0}
    assert set(islands(CpGRule(DNA, 10, 0.5, 0.999999, 1), ["CGCTGGATGG"])) == {1}


def test_the_rule_of_the_paper_finds_a_planted_island_to_within_half_a_window():
    rng = np.random.default_rng(3)
    sea = ["".join(rng.choice(list("ACGT"), 1000, p=[0.3, 0.2, 0.2, 0.3])) for _ in range(2)]
    sea = [part.replace("CG", "TG") for part in sea]
    island = "".join(rng.choice(["CG", "GC", "A", "T", "C", "G"], 600))
    found = islands(CpGRule(DNA, 200, 0.5, 0.6, 200), [sea[0] + island + sea[1]])
    (first,), (last,) = np.flatnonzero(np.diff(found) == 1), np.flatnonzero(np.diff(found) == -1)
    assert abs(first - 1000) < 100
    assert abs(last - 1000 - len(island)) < 100


def test_a_stretch_one_base_too_short_is_no_island():
    sequence = ["A" * 40 + "CG" * 20 + "T" * 40]
    rich = islands(CpGRule(DNA, 10, 0.5, 0.6, 1), sequence).sum()
    # Windows from 5 before to 4 behind a base have 6 or more of the 40 around bases 41 to 79.
    assert rich == 39
    # Whole windows reach beyond their middles: 5 bases to the left, 4 to the right.
    assert islands(CpGRule(DNA, 10, 0.5, 0.6, 1, whole_windows=True), sequence).sum() == rich + 9
    assert islands(CpGRule(DNA, 10, 0.5, 0.6, int(rich)), sequence).sum() == rich
    assert islands(CpGRule(DNA, 10, 0.5, 0.6, int(rich) + 1), sequence).sum() == 0


def test_unknown_bases_make_no_island():
    assert not islands(CpGRule(DNA, 20, 0.5, 0.6, 1), ["N" * 20 + "CG" + "N" * 20]).any()
    assert not islands(CpGRule(DNA, 20, 0.5, 0.6, 1), ["N" * 50]).any()


@settings(max_examples=150, deadline=None)
@given(
    SEQUENCES, st.integers(2, 12), st.sampled_from([0.0, 0.5, 0.55, 0.57]),
    st.sampled_from([0.0, 0.6, 0.65, 1.0]), st.integers(1, 12), st.booleans(),
)  # fmt: skip
def test_islands_are_those_of_a_plain_loop(sequences, window, gc, ratio, least, whole_windows):
    given = (window, gc, ratio, least, whole_windows)
    expected = [call for sequence in sequences for call in by_loop(sequence, *given)]
    rule = CpGRule(DNA, *given)
    assert islands(rule, sequences).tolist() == expected


@pytest.mark.parametrize("whole_windows", [False, True])
def test_no_call_depends_on_the_blocks(whole_windows, monkeypatch):
    rng = np.random.default_rng(1)
    sequences = ["".join(rng.choice(list("ACGCGTN"), n)) for n in (0, 1, 200, 7, 0, 90)]
    rule = CpGRule(DNA, 6, 0.5, 0.6, 9, whole_windows)
    whole = islands(rule, sequences).tolist()
    assert 0 < sum(whole) < len(whole)
    for size in (1, 2, 3, 50):
        monkeypatch.setattr(cpg_rule, "_BASES_AT_ONCE", size)
        assert islands(rule, sequences).tolist() == whole


PARAMETERS = {"state": "I", "window": 4, "gc": 0.5, "ratio": 0.6, "minimum_length": 4}
PARAMETERS["whole_windows"] = False


def test_the_tagger_calls_islands_and_is_as_sure_as_on_validation():
    # On validation 4 bases are called I, of which 3 are, and 8 O, of which 7 are.
    corpus = a_corpus(["AAAACGCGTTTT", "AATTCGCGAATT"], ["O" * 12, "OOOIIIIOOOOO"], "OI")
    rule = fit_baseline("cpg_rule", PARAMETERS, corpus, split_of(corpus, [0], [1]))
    tokens, lengths = corpus.tokens[:12], corpus.lengths[:1]
    expected = by_loop("AAAACGCGTTTT", 4, 0.5, 0.6, 4)
    posterior = rule.posterior(tokens, lengths)
    calls = call_states(rule, tokens, lengths, posterior, Decoding("argmax"))
    assert calls.tolist() == expected
    called = by_loop("AATTCGCGAATT", 4, 0.5, 0.6, 4)
    labels = [0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    for call in (0, 1):
        counts = [sum(c == call and x == y for c, x in zip(called, labels, strict=True))
                  for y in (0, 1)]  # fmt: skip
        share = (np.array(counts) + 1) / (sum(counts) + 2)
        found = posterior[np.array(expected) == call]
        np.testing.assert_allclose(found, np.tile(share, (len(found), 1)), rtol=1e-6)


def test_beside_islands_the_commonest_other_state_is_called():
    corpus = a_corpus(["AAAACGCGTTTT"] * 2, ["XXYYIIIIYYYY"] * 2, "XYI")
    rule = fit_baseline("cpg_rule", PARAMETERS, corpus, split_of(corpus, [0], [1]))
    tokens, lengths = DNA.encode("TTTT"), np.array([4])
    posterior = rule.posterior(tokens, lengths)
    assert call_states(rule, tokens, lengths, posterior, Decoding("argmax")).tolist() == [1] * 4


def test_it_needs_c_and_g_and_validation_labels():
    from basetag.alphabet import Alphabet

    corpus = a_corpus(["xyz", "xyz"], ["IOO"] * 2, "IO", alphabet=Alphabet.of_letters("xyz"))
    with pytest.raises(ConfigError, match="cpg_rule needs the letters G and C"):
        fit_baseline("cpg_rule", PARAMETERS, corpus, split_of(corpus, [0], [1]))
    corpus = a_corpus(["ACG", "ACG"], ["IOO", "..."], "IO")
    with pytest.raises(InputError, match="validation split, and no base of it has a label"):
        fit_baseline("cpg_rule", PARAMETERS, corpus, split_of(corpus, [0], [1]))


def test_islands_of_human_windows_are_those_of_a_plain_loop(shared_data):
    import gzip

    with gzip.open(shared_data / "human_cpg" / "chr3.42M.fa.gz", "rt") as file:
        sequence = "".join(line.strip() for line in file if line[0] != ">")[:100_000].upper()
    for rule in ((200, 0.5, 0.6, 200), (200, 0.55, 0.65, 500, True)):
        assert islands(CpGRule(DNA, *rule), [sequence]).tolist() == by_loop(sequence, *rule)
