"""Records whose sequence an earlier one has, taken out."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag import duplicates
from basetag.config import load_config
from basetag.corpus import Corpus
from basetag.dataset_corpus import write_dataset_corpus
from basetag.duplicates import find_duplicates, keep_records
from basetag.feature_encoding import write_features
from basetag.features import open_features
from basetag.places import Places
from basetag.preflight.datasets import Files, look_at_dataset
from basetag.splits.given import split_by_name, split_by_table
from tests.conftest import REPOSITORY

SEQUENCES = ">a\nACGT\n>b\nGGG\n>copy\nacgt\n>none\n>other\nACGA\n>again\nACGT\n>empty\n"
STATES = ">a\nHHLL\n>b\nHHH\n>copy\nHHLL\n>none\n>other\nLLLL\n>again\nHLLH\n>empty\n"


def encoded(folder, dataset, sequences, labels):
    """Encode a dataset as the rule does; return the corpus, its counts and its settings."""
    config = {"datasets": {"mine": dataset}, "taggers": {"majority": {"baseline": "majority"}}}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    checked = load_config(config, [path], REPOSITORY)
    own = checked.encode_settings("mine")
    counts, _ = write_dataset_corpus(own, folder / sequences, folder / labels, folder / "corpus")
    return Corpus.open(folder / "corpus"), counts, checked


@pytest.fixture
def fasta(tmp_path):
    (tmp_path / "a.fa").write_text(SEQUENCES)
    (tmp_path / "s.fa").write_text(STATES)
    labels = {"fasta": "s.fa", "states": {"H": "rich", "L": "poor"}}
    return tmp_path, {"fasta": "a.fa", "labels": labels, "drop_duplicates": True}


def test_copies_go_and_the_first_stays_with_its_labels(fasta):
    folder, dataset = fasta
    corpus, counts, _ = encoded(folder, dataset, "a.fa", "s.fa")
    assert corpus.names == ["a", "b", "none", "other", "empty"]
    assert corpus.lengths.tolist() == [4, 3, 0, 4, 0]
    assert corpus.alphabet.decode(corpus.tokens) == "ACGTGGGACGA"
    assert "".join("HL"[label] for label in corpus.labels) == "HHLLHHHLLLL"
    assert corpus.duplicates == {"copy": "a", "again": "a"}
    assert counts.symbols == {"A": 3, "C": 2, "G": 5, "T": 1}
    assert counts.labels == {"H": 5, "L": 6}
    assert str(counts.dropped) == (
        "2 records have the sequence of an earlier one, and were dropped; 5 are left. The labels of"
        " 1 differ from those of the first, at 2 bases; those of the first stay"
    )


def test_without_the_key_all_records_stay(fasta):
    folder, dataset = fasta
    corpus, counts, _ = encoded(folder, dataset | {"drop_duplicates": False}, "a.fa", "s.fa")
    assert len(corpus.names) == 7
    assert corpus.duplicates == {}
    assert counts.dropped is None


def test_case_tells_no_copy_from_another_where_it_is_kept_for_masking(fasta):
    folder, dataset = fasta
    dataset["labels"]["leave_out"] = ["masked"]
    corpus, counts, _ = encoded(folder, dataset, "a.fa", "s.fa")
    assert set(corpus.duplicates) == {"copy", "again"}
    assert counts.left_out == {"masked": 0}


def test_of_a_table_and_of_intervals_copies_go_too(tmp_path):
    (tmp_path / "rows.csv").write_text("id,dna,hidden_state\nx,ACG,HHL\ny,ACG,HHL\nz,AC,LL\n")
    table = {
        "table": "rows.csv", "columns": {"name": "id"}, "states": {"H": "h", "L": "l"},
        "drop_duplicates": True,
    }  # fmt: skip
    corpus, counts, _ = encoded(tmp_path, table, "rows.csv", "rows.csv")
    assert corpus.names == ["x", "z"]
    assert "1 record has the sequence of an earlier one, and was dropped; 2" in str(counts.dropped)
    (tmp_path / "a.fa").write_text(">x\nACGTA\n>y\nACGTA\n>z\nGG\n")
    (tmp_path / "i.bed").write_text("x\t0\t2\ny\t3\t5\n")
    bed = {"bed": "i.bed", "features": "island", "background": "sea"}
    fasta = {"fasta": "a.fa", "labels": bed, "drop_duplicates": True}
    corpus, counts, _ = encoded(tmp_path, fasta, "a.fa", "i.bed")
    assert corpus.labels.tolist() == [0, 0, 1, 1, 1, 1, 1]
    assert (counts.dropped.relabelled_records, counts.dropped.relabelled_bases) == (1, 4)


def test_splits_and_features_may_still_name_what_went(fasta):
    folder, dataset = fasta
    corpus, *_ = encoded(folder, dataset, "a.fa", "s.fa")
    names = {"train": ["a", "copy"], "validation": ["b"], "test": ["other", "again"]}
    assert split_by_name(corpus, names).segments.bases == 11
    rows = "a train;copy test;b validation;other test;again train".replace(" ", "\t")
    table = "\n".join(["record\tsplit", *rows.split(";")])
    (folder / "split.tsv").write_text(table + "\n")
    values = {"train": ["train"], "validation": ["validation"], "test": ["test"]}
    found = split_by_table(
        corpus, folder / "split.tsv", record="record", column="split", values=values
    )
    assert found.segments.bases == 11
    places = Places(corpus.names, corpus.starts, corpus.lengths, corpus.duplicates)
    (folder / "f.tsv").write_text("record\tx\n" + "".join(
        f"{name}\t{name in corpus.names:d}\n" * n
        for name, n in (("a", 4), ("b", 3), ("copy", 4), ("other", 4), ("again", 4))
    ))  # fmt: skip
    (folder / "f.bg").write_text("a 0 4 2\ncopy 0 4 3\nagain 0 9 3\n")
    sources = [("t", "table", folder / "f.tsv"), ("b", "bedgraph", folder / "f.bg")]
    assert write_features(folder / "corpus", places, sources) == {"t.x": 11, "b": 4}
    values, _ = open_features(folder / "corpus", 11)
    assert (values[:, 0] == 1).all()
    assert np.nanmax(values[:, 1]) == 2


def test_the_preflight_tells_of_them(fasta):
    folder, dataset = fasta
    dataset["split"] = {"by": "name", "train": ["a"], "validation": ["b"], "test": ["other"]}
    *_, checked = encoded(folder, dataset, "a.fa", "s.fa")
    own = {
        "encode": checked.encode_settings("mine"), "split": checked.split_settings("mine"),
        "features": [],
    }  # fmt: skip
    files = Files(folder / "a.fa", folder / "s.fa")
    look = look_at_dataset("mine", own, files, folder / "look")
    (note,) = look.notes
    assert (note.level, note.subject) == ("note", "duplicates")
    assert note.found.startswith("2 records have the sequence of an earlier one")
    assert look.about["records"] == 5


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text("AC", max_size=3), min_size=1, max_size=12), st.integers(1, 4))
def test_what_stays_is_the_first_of_each_sequence(tmp_path_factory, sequences, chunk):
    lengths = [len(sequence) for sequence in sequences]
    tokens = np.array([ord(letter) for letter in "".join(sequences)], dtype=np.uint8)
    names = [str(index) for index in range(len(sequences))]
    path = tmp_path_factory.mktemp("array") / "tokens.npy"
    np.save(path, tokens)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_CHUNK", chunk)
        found = find_duplicates(tokens, np.arange(tokens.size, dtype=np.uint8), names, lengths)
        if tokens.size:
            gone = keep_records(path, lengths, found.kept)
            assert gone.sum() == tokens.size - np.load(path).size
    first = [i for i, own in enumerate(sequences) if not own or own not in sequences[:i]]
    assert found.kept == first
    if tokens.size:
        assert np.load(path).tobytes().decode() == "".join(sequences[i] for i in first)
    assert found.relabelled_bases == sum(lengths) - sum(lengths[i] for i in first)


def test_the_real_proteins_lose_their_170_copies(tmp_path, shared_data):
    path = shared_data / "protein_ss/cb6133filtered.csv.gz"
    states = {letter: f"state {letter}" for letter in "HGIEBTSL"}
    table = {
        "table": str(path), "columns": {"sequence": "input", "states": "expected", "name": "id"},
        "states": states, "alphabet": "protein", "drop_duplicates": True,
    }  # fmt: skip
    corpus, counts, _ = encoded(tmp_path, table, path, path)
    with gzip.open(path, "rt") as file:
        distinct = {line.split(",")[2] for line in file} - {"input"}
    assert len(corpus.names) == len(distinct) == 5534 - 170
    assert corpus.tokens.size == sum(map(len, distinct))
    assert str(counts.dropped).startswith("170 records have the sequence of an earlier one")
