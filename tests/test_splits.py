"""Splits: what they promise about bases, copies and fractions; and what is counted on them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag import label_statistics
from basetag.alphabet import DNA, Alphabet
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.label_statistics import count_transitions, label_counts, label_frequencies
from basetag.segments import Segments, whole_records
from basetag.splits import copies
from basetag.splits.blocks import blocks
from basetag.splits.drawing import make_split
from basetag.splits.table import SPLITS, read_split, write_split

FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def corpus_of(sequences, labels=None, alphabet=DNA, states=("H", "L")) -> Corpus:
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    return Corpus(
        alphabet=alphabet,
        states=states,
        state_names={state: state for state in states},
        names=[f"r{number}" for number in range(len(sequences))],
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        tokens=alphabet.encode("".join(sequences)),
        labels=None if labels is None else np.array(labels, dtype=np.uint8),
    )


def random_corpus(lengths, seed=0) -> Corpus:
    rng = np.random.default_rng(seed)
    return corpus_of(["".join(rng.choice(list("ACGT"), size=n)) for n in lengths])


def owners(corpus, split) -> np.ndarray:
    """Return how many splits each base of the corpus belongs to."""
    count = np.zeros(len(corpus.tokens), dtype=int)
    for name in SPLITS:
        segments = split.of(name)
        for offset, length in zip(segments.offset, segments.lengths, strict=True):
            count[offset : offset + length] += 1
    return count


def shares(corpus, split) -> dict[str, float]:
    return {name: split.of(name).bases / len(corpus.tokens) for name in SPLITS}


def test_every_base_of_a_split_by_record_belongs_to_exactly_one():
    corpus = random_corpus([30, 0, 50, 70, 20, 20])
    split = make_split(corpus, fractions=FRACTIONS, seed=1)
    assert (owners(corpus, split) == 1).all()
    assert split.left_out == 0
    assert len(split.segments.record) == 5  # the empty record is in none


@given(
    lengths=st.lists(st.integers(0, 200), min_size=1, max_size=12),
    block=st.integers(1, 60),
    gap_share=st.floats(0, 0.49),
    seed=st.integers(0, 5),
)
@settings(max_examples=150)
def test_blocks_never_share_a_base_and_gaps_lie_between_splits_alone(
    lengths, block, gap_share, seed
):
    corpus = random_corpus(lengths)
    gap = int(gap_share * block)
    try:
        split = make_split(corpus, fractions=FRACTIONS, seed=seed, by="block", block=block, gap=gap)
    except InputError:
        return  # too few blocks of different content
    count = owners(corpus, split)
    assert count.max(initial=0) <= 1
    assert (count == 0).sum() == split.left_out
    segments = split.segments
    assert (segments.lengths >= 1).all()
    whole = corpus.lengths[segments.record]
    assert ((segments.lengths >= block / 2 - gap / 2 - 1) | (segments.lengths == whole)).all()
    assert (segments.lengths < 1.5 * block).all()
    neighbours = segments.record[1:] == segments.record[:-1]
    between = segments.start[1:] - segments.end[:-1]
    differ = split.assignment[1:] != split.assignment[:-1]
    assert (between[neighbours & differ] == gap).all()
    assert (between[neighbours & ~differ] == 0).all()


def test_a_short_last_block_joins_the_one_before_it():
    corpus = random_corpus([124, 125, 30])
    split = make_split(corpus, fractions={"test": 1.0}, seed=1, by="block", block=50)
    assert split.segments.lengths.tolist() == [50, 74, 50, 50, 25, 30]


@pytest.mark.parametrize("by", ["record", "block"])
def test_fractions_are_met_in_bases(by):
    corpus = random_corpus(np.random.default_rng(2).integers(100, 900, size=400))
    split = make_split(corpus, fractions=FRACTIONS, seed=3, by=by, block=100)
    for name, share in shares(corpus, split).items():
        assert share == pytest.approx(FRACTIONS[name], abs=0.006)


def test_every_split_gets_a_record_even_when_there_are_three():
    corpus = random_corpus([1000, 5, 7])
    split = make_split(corpus, fractions=FRACTIONS, seed=1)
    assert sorted(split.assignment.tolist()) == [0, 1, 2]
    assert split.of("train").bases == 1000  # the nearest to the fractions


def test_a_split_of_fraction_zero_is_empty():
    corpus = random_corpus([10, 20, 30])
    split = make_split(corpus, fractions={"train": 0.5, "test": 0.5}, seed=1)
    assert split.of("validation").bases == 0
    assert split.of("validation").gathered(corpus.tokens).tolist() == []


def test_the_seed_alone_decides():
    corpus = random_corpus([20] * 50)
    first, again, other = (
        make_split(corpus, fractions=FRACTIONS, seed=seed).assignment for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_every_record_can_land_on_every_side():
    corpus = random_corpus([20] * 10)
    drawn = np.array(
        [make_split(corpus, fractions=FRACTIONS, seed=seed).assignment for seed in range(300)]
    )
    # Each of 10 records is in the test split with probability 0.1: 30 of 300, sd 5.2.
    assert np.abs((drawn == 2).sum(axis=0) - 30).max() < 5 * 5.2


def test_fewer_units_than_splits_are_an_error_with_advice():
    with pytest.raises(InputError, match=r"2 records of different content .* 3 splits; .*blocks"):
        make_split(random_corpus([10, 10]), fractions=FRACTIONS, seed=1)


@pytest.mark.parametrize(
    "settings",
    [
        {"fractions": {"train": 0.5, "test": 0.6}},
        {"fractions": FRACTIONS, "by": "block", "block": 10, "gap": 5},
        {"fractions": FRACTIONS, "by": "block"},
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings):
    with pytest.raises(ValueError, match=r"sum to 1|half a block"):
        make_split(random_corpus([10] * 5), seed=1, **settings)


@pytest.mark.parametrize("chunk", [3, 1 << 22])
def test_copies_and_reverse_complements_stay_on_one_side(chunk, monkeypatch):
    monkeypatch.setattr(copies, "_CHUNK", chunk)
    rng = np.random.default_rng(4)
    sequences = ["".join(rng.choice(list("ACGTRN"), size=30)) for _ in range(20)]
    mirror = [DNA.decode(DNA.complement[DNA.encode(s)][::-1]) for s in sequences]
    corpus = corpus_of([*sequences, *mirror, *sequences[:5]])
    for seed in range(5):
        split = make_split(corpus, fractions=FRACTIONS, seed=seed)
        assert split.duplicates == 45
        first, second, third = np.split(split.assignment, [20, 40])
        assert (first == second).all()
        assert (first[:5] == third).all()
        assert set(split.assignment) == {0, 1, 2}


def test_copies_among_blocks_stay_on_one_side_too():
    rng = np.random.default_rng(5)
    pieces = ["".join(rng.choice(list("ACGT"), size=50)) for _ in range(12)]
    mirror = DNA.decode(DNA.complement[DNA.encode(pieces[3])][::-1])
    # A transposon that fills a block of two chromosomes, say, and another one on both strands.
    corpus = corpus_of(
        ["".join([*pieces[:8], pieces[0]]), "".join([*pieces[8:], pieces[0], mirror])]
    )
    for seed in range(8):
        split = make_split(
            corpus, fractions={"train": 0.6, "validation": 0.2, "test": 0.2}, seed=seed,
            by="block", block=50, gap=10,
        )  # fmt: skip
        assert split.duplicates == 5
        assert len(set(split.assignment[[0, 8, 13]])) == 1
        assert split.assignment[3] == split.assignment[14]


def test_copies_are_named_where_they_shall_be_refused():
    corpus = corpus_of(["AACC", "GATTACA", "TGTAATC", "CCCC"])
    with pytest.raises(InputError, match=r"'r2' \(bases 0 to 7\) is a copy .* 'r1'") as caught:
        make_split(corpus, fractions=FRACTIONS, seed=1, duplicates="refuse")
    assert "keep_together" in str(caught.value)


def test_a_strand_is_read_backwards_only_where_there_is_one():
    corpus = corpus_of(["ab", "ba", "aa"], alphabet=Alphabet.named("ab"))
    assert make_split(corpus, fractions=FRACTIONS, seed=1).duplicates == 0


def test_stretches_of_unknown_bases_are_nobodys_copies():
    corpus = corpus_of(["N" * 50 + "ACGTTACATT"])
    split = make_split(
        corpus, fractions=FRACTIONS, seed=1, by="block", block=10, duplicates="refuse"
    )
    assert split.duplicates == 0


def test_whole_records_are_those_that_have_bases():
    records = whole_records(random_corpus([130, 0, 70]))
    assert records.record.tolist() == [0, 2]
    assert (records.start.tolist(), records.end.tolist()) == ([0, 0], [130, 70])
    assert records.offset.tolist() == [0, 130]


def test_a_written_split_is_read_again(tmp_path):
    corpus = random_corpus([130, 0, 70, 200])
    split = make_split(corpus, fractions=FRACTIONS, seed=1, by="block", block=20, gap=4)
    write_split(tmp_path / "split.tsv", corpus, split)
    lines = (tmp_path / "split.tsv").read_text().splitlines()
    assert lines[0] == "record\tstart\tend\tsplit"
    assert len(lines) == 1 + len(split.segments.record)
    found = read_split(tmp_path / "split.tsv", corpus)
    for name in SPLITS:
        expected = split.of(name)
        for field in ("record", "start", "end", "offset"):
            np.testing.assert_array_equal(getattr(found[name], field), getattr(expected, field))


@pytest.mark.parametrize("odd", ["\u2028", "\u0085", "\x0b", "\x1c"])
def test_a_name_may_hold_what_python_takes_for_the_end_of_a_line(tmp_path, odd):
    corpus = random_corpus([130, 70, 200])
    corpus.names[0] = f"chr{odd}1"
    split = make_split(corpus, fractions=FRACTIONS, seed=1, by="block", block=20, gap=4)
    write_split(tmp_path / "split.tsv", corpus, split)
    found = read_split(tmp_path / "split.tsv", corpus)
    assert sum(segments.bases for segments in found.values()) == split.segments.bases


def test_blocks_that_touch_are_joined_and_others_are_not():
    record = np.array([0, 0, 0, 1, 2, 2])
    start = np.array([0, 10, 30, 0, 5, 8])
    end = np.array([10, 20, 40, 7, 8, 9])
    joined = Segments(record, start, end, 100 * record + start).joined()
    assert joined.record.tolist() == [0, 0, 1, 2]
    assert joined.start.tolist() == [0, 30, 0, 5]
    assert joined.end.tolist() == [20, 40, 7, 9]
    assert joined.offset.tolist() == [0, 30, 100, 205]
    assert joined.chosen(np.arange(0)).joined().bases == 0


def test_gathered_bases_are_those_of_the_segments(tmp_path):
    corpus = corpus_of(["ACGTACGT", "GGGG"])
    path = tmp_path / "split.tsv"
    path.write_text("record\tstart\tend\tsplit\nr1\t1\t3\ttest\nr0\t2\t6\ttest\nr0\t0\t2\ttrain\n")
    segments = read_split(path, corpus)["test"]
    assert DNA.decode(segments.gathered(corpus.tokens)) == "GGGTAC"
    assert segments.lengths.tolist() == [2, 4]


BAD_ROWS = {
    "no header": ("", "line 1: the columns are not record, start, end, split"),
    "columns": ("record\tstart\tend\tsplit\nr0\t0\t4\n", "line 2: has 3 columns for 4"),
    "number": ("record\tstart\tend\tsplit\nr0\t0\tx\ttest\n", "line 2: '0' and 'x' are no"),
    "split": ("record\tstart\tend\tsplit\nr0\t0\t4\ttst\n", "line 2: 'tst' is none of train"),
    "record": ("record\tstart\tend\tsplit\nr7\t0\t4\ttest\n", "the corpus has no record 'r7'"),
    "outside": ("record\tstart\tend\tsplit\nr0\t0\t9\ttest\n", "0 to 9 does not lie in its 8"),
    "empty": ("record\tstart\tend\tsplit\nr0\t4\t4\ttest\n", "4 to 4 does not lie in its 8"),
    "shared": (
        "record\tstart\tend\tsplit\nr0\t3\t8\ttest\nr0\t0\t4\ttrain\n",
        "line 2, record 'r0': shares bases with line 3",
    ),
}


@pytest.mark.parametrize(("text", "says"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_split_table_is_one_clear_error(tmp_path, text, says):
    path = tmp_path / "split.tsv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_split(path, corpus_of(["ACGTACGT", "GGGG"]))
    assert says in str(caught.value)


U = UNLABELLED


@pytest.fixture(params=[1, 2, 3, 1 << 22])
def chunk(request, monkeypatch):
    """No count may depend on how much is counted at once."""
    monkeypatch.setattr(label_statistics, "_CHUNK", request.param)


def test_transitions_are_counted_within_segments_and_not_over_unlabelled_bases(tmp_path, chunk):
    # Six of the test split and two of training in r0, four of the test split in r1.
    labels = [*(0, 0, 1, U, 1, 0), *(1, 1), *(1, 1, 0, 0)]
    corpus = corpus_of(["ACGTACGT", "GGGG"], labels)
    path = tmp_path / "split.tsv"
    path.write_text("record\tstart\tend\tsplit\nr0\t0\t6\ttest\nr0\t6\t8\ttrain\nr1\t0\t4\ttest\n")
    segments = read_split(path, corpus)
    # 0-0, 0-1, (1-U, U-1), 1-0 | 1-1, 1-0, 0-0
    assert count_transitions(corpus, segments["test"]).tolist() == [[2, 1], [2, 1]]
    assert count_transitions(corpus, segments["train"]).tolist() == [[0, 0], [0, 1]]
    assert label_counts(corpus, segments["test"]).tolist() == [5, 4]
    assert label_frequencies(corpus, segments["test"]).tolist() == [5 / 9, 4 / 9]


def test_transitions_of_random_labels_are_those_of_a_loop(chunk):
    rng = np.random.default_rng(5)
    lengths = [40, 1, 0, 25]
    labels = rng.choice([0, 1, 2, U], size=sum(lengths))
    corpus = corpus_of(["A" * n for n in lengths], labels, states=("a", "b", "c"))
    segments = blocks(corpus, 10)
    expected = np.zeros((3, 3), dtype=int)
    for offset, length in zip(segments.offset, segments.lengths, strict=True):
        part = labels[offset : offset + length]
        for before, behind in pairwise(part):
            if U not in (before, behind):
                expected[before, behind] += 1
    np.testing.assert_array_equal(count_transitions(corpus, segments), expected)


def test_a_split_without_labels_has_no_frequencies():
    corpus = corpus_of(["ACGT"], [U] * 4)
    with pytest.raises(InputError, match="no base of this split has a label"):
        label_frequencies(corpus, whole_records(corpus))
