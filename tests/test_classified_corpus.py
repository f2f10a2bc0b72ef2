"""Corpora of records with classes: from one table, or FASTA and a table; and the view of them."""

import gzip
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import DNA
from basetag.corpus import CLASSIFY, UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.label_statistics import label_counts
from basetag.record_classes import judged_corpus, judged_segments
from basetag.segments import whole_records
from basetag.splits.copies import groups_of_copies
from basetag.splits.kmers import KmerCode
from tests.record_corpora import corpus_of_fasta, corpus_of_table

STATES = {"P": "promoter", "O": "other"}
TABLE = {
    "sequence": "sequence",
    "label": "class",
    "name": "name",
    "classes": ["+", "-"],
    "context": None,
}
FASTA = {"record": "record", "label": "class", "classes": ["+", "-"]}


of_table = partial(corpus_of_table, STATES, TABLE)
of_fasta = partial(corpus_of_fasta, STATES, FASTA)

ROWS = st.lists(
    st.tuples(st.text("ACGTN", min_size=1, max_size=20), st.sampled_from("+-")),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from("\t,;"))
def test_a_table_that_pandas_writes_becomes_its_sequences_and_classes(tmp_path_factory, rows, sign):
    folder = tmp_path_factory.mktemp("table")
    names = [f"r{index}" for index in range(len(rows))]
    table = pd.DataFrame(rows, columns=["sequence", "class"]).assign(name=names)
    corpus = of_table(folder, table.to_csv(sep=sign, index=False))
    assert corpus.task == CLASSIFY
    assert corpus.names == names
    judged = judged_corpus(corpus)
    assert ["+-"[label] for label in judged.labels] == [value for _, value in rows]
    for index, (sequence, _) in enumerate(rows):
        own = slice(corpus.starts[index], corpus.starts[index] + len(sequence))
        assert DNA.decode(corpus.tokens[own]) == sequence
        assert (corpus.labels[own][:-1] == UNLABELLED).all()


def test_fasta_and_a_table_of_classes_in_any_order_become_the_same_as_one_table(tmp_path):
    one = of_table(tmp_path, "name,sequence,class\na,ACG,+\nb,TTTT,-\n")
    files = {path.name: path.read_bytes() for path in (tmp_path / "corpus").iterdir()}
    two = of_fasta(tmp_path, ">a\nAC\nG\n>b more\nTTTT\n", "record\tclass\nb\t-\na\t+\n")
    assert one.names == two.names
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "corpus").iterdir()}


def test_a_table_without_column_names_is_read_by_numbers(tmp_path):
    corpus = of_table(
        tmp_path, "+,S10,\t\ttacta\n-,S11,\tgg\n", label=1, name=2, sequence=3
    )  # as the promoters of the UCI repository are written
    assert corpus.names == ["S10", "S11"]
    assert DNA.decode(corpus.tokens) == "TACTAGG"
    assert judged_corpus(corpus).labels.tolist() == [0, 1]


def test_what_a_sequence_comes_with_is_a_letter_in_front(tmp_path):
    text = "name,sequence,class,allele\na,ACG,+,HLA-2\nb,T,-,DRB1_1\nc,GG,-,HLA-2\n"
    corpus = of_table(tmp_path, text, context="allele")
    assert corpus.alphabet.contexts == ("DRB1_1", "HLA-2")
    assert corpus.lengths.tolist() == [4, 2, 3]
    first = [corpus.alphabet.contexts[token - 4] for token in corpus.tokens[corpus.starts]]
    assert first == ["HLA-2", "DRB1_1", "HLA-2"]
    # Codes come behind the letters, and so behind those of contexts.
    assert corpus.alphabet.encode("ACGTN").tolist() == [0, 1, 2, 3, corpus.alphabet.unknown]
    assert corpus.alphabet.decode(corpus.tokens[1:4]) == "ACG"
    assert Corpus.open(tmp_path / "corpus").alphabet == corpus.alphabet


def test_what_a_sequence_comes_with_makes_no_kmer_shorter_and_no_copy_another_sequence(tmp_path):
    text = "name,sequence,class,allele\na,ACGGT,+,x\nb,ACCGT,-,x\nc,ACGGT,+,y\nd,TTT,-,y\n"
    corpus = of_table(tmp_path, text, context="allele")
    assert KmerCode.of(corpus.alphabet).k == KmerCode.of(DNA).k == 31
    # b is the reverse complement of a, and c is a with another one.
    groups = groups_of_copies(corpus, corpus.starts, corpus.lengths)
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_too_many_contexts_are_an_error(tmp_path):
    rows = [f"r{n},ACG,+,allele{n}" for n in range(95)]
    words = "table.csv: column .* there are 95 different contexts; there can be 94"
    with pytest.raises(InputError, match=words):
        of_table(tmp_path, "\n".join(["name,sequence,class,allele", *rows]), context="allele")


def test_the_view_has_a_base_for_each_record(tmp_path):
    corpus = of_table(tmp_path, "name,sequence,class\na,ACG,+\nb,TTTT,-\nc,A,-\n")
    records = whole_records(corpus).chosen(np.array([2, 0]))
    view, segments = judged_corpus(corpus), judged_segments(corpus, records)
    assert segments.gathered(view.known_labels).tolist() == [1, 0]
    assert segments.lengths.tolist() == [1, 1]
    assert label_counts(corpus, records).tolist() == label_counts(view, segments).tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name,sequence,class\na,ACG,+\nb,AC,x\n",
            "line 3, record 'b': 'x' is no class; the config's classes are '+', '-'",
        ),
        ("name,sequence,class\na,ACG,\n", "line 2, record 'a': column 'class' is empty"),
        (
            "name,sequence,class\na,,+\n",
            "line 2, record 'a': has no letters, and nothing to classify; remove it",
        ),
        (
            "name,sequence,class\na,AXG,+\n",
            "line 2, record 'a', position 2: column 'sequence' has 'X', which is no letter",
        ),
        ("name,sequence,klass\na,AG,+\n", "line 1: has no column 'class'; did you mean 'klass'?"),
        ("name,sequence,class\na,AG,+\na,AG,+\n", "line 3, record 'a': a row of this name"),
        ("name,sequence,class\n", "holds no rows"),
        (gzip.compress(b"name,sequence,class\n" * 99)[:-9], "the compressed file is incomplete"),
    ],
)
def test_a_wrong_table_is_one_error_with_its_place(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        of_table(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "table.csv"))
    assert message in str(caught.value)
    assert not (tmp_path / "corpus" / "tokens.npy").exists()


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("+,ACG\n", {"label": 1, "sequence": 3}, "has no column 3: its first line has 2"),
        ("+,ACG\n+,ACG,x\n", {"label": 1, "sequence": 2}, "line 2: found 3 columns"),
        ("+,AXG\n", {"label": 1, "sequence": 2}, "line 1, record 'row1', position 2"),
    ],
)
def test_a_wrong_table_without_names_is_one_error(tmp_path, text, columns, message):
    with pytest.raises(InputError, match=r"^[^\n]*$") as caught:
        of_table(tmp_path, text, name=None, **columns)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("sequences", "classes", "place", "message"),
    [
        (
            ">chr1\nAC\n", "record\tclass\nchr1\t+\nchr_1\t+\n",
            "x.tsv, line 3", "has no record 'chr_1'; did you mean 'chr1'?",
        ),
        (
            ">a\nAC\n>b\nA\n>c\nA\n", "record\tclass\na\t+\n",
            "x.tsv", "has no row for the record 'b'",
        ),
        (
            ">a\nAC\n", "record\tclass\na\t+\na\t-\n",
            "x.tsv, line 3, record 'a'", "another row gives it another class",
        ),
        (">a\n\n>b\nA\n", "record\tclass\na\t+\nb\t+\n", "x.fa, record 'a'", "has no letters"),
        (">a\nAC\n", "record\tclass\na\tplus\n", "x.tsv, line 2, record 'a'", "'plus' is no class"),
    ],
)  # fmt: skip
def test_files_that_do_not_agree_are_one_error(tmp_path, sequences, classes, place, message):
    with pytest.raises(InputError) as caught:
        of_fasta(tmp_path, sequences, classes)
    assert str(caught.value).startswith(f"{tmp_path}/{place}")
    assert message in str(caught.value)
    assert not (tmp_path / "corpus" / "tokens.npy").exists()
