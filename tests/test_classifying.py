"""Classes of new sequences: from a tagger's file, for strings, and for a FASTA file as a table."""

import csv

import numpy as np
import pytest

from basetag.alphabet import DNA
from basetag.classifying import classify_fasta, classify_table
from basetag.errors import ConfigError, InputError
from basetag.tagger_card import labels_records, tells_classes
from basetag.tagger_file import write_tagger
from basetag.taggers import load_tagger
from tests.test_network_tagger import tagger_of

POOLED = {"cell": "gru", "hidden": 4, "layers": 1, "bidirectional": False, "pooling": "max"}
MOTIF = {"motif": "ATG", "place": "start", "noise": 0.0, "share": 0.5, "gc": 0.5}


@pytest.fixture
def motif(tmp_path):
    """The file of the exact classifier of sequences that begin with ATG, or do not."""
    card = tagger_of().card | {
        "kind": "rule", "name": "exact", "states": ["A", "O"],
        "state_names": {"A": "start codon", "O": "other"},
        "architecture": {"baseline": "motif", "motif": MOTIF},
    }  # fmt: skip
    path = tmp_path / "motif.safetensors"
    write_tagger(path, {"unused": np.zeros(1)}, card)
    return path


@pytest.fixture
def majority(tmp_path):
    card = tagger_of().card
    card |= {"kind": "constant", "name": "majority", "architecture": {"baseline": "majority"}}
    path = tmp_path / "majority.safetensors"
    write_tagger(path, {"probabilities": np.array([0.4, 0.6])}, card)
    return path


def test_each_sequence_has_one_class_and_a_probability_of_each(motif):
    told = load_tagger(motif).classify(["ATGCC", "acgtacgt", "ATG"])
    assert [one.called for one in told] == ["start codon", "other", "start codon"]
    for one in told:
        assert list(one.probabilities) == ["start codon", "other"]
        assert sum(one.probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert load_tagger(motif).classify([]) == []


def test_what_says_the_same_of_every_base_says_it_of_a_sequence(majority):
    (one,) = load_tagger(majority).classify(["ACGT"])
    assert list(one.probabilities.values()) == pytest.approx([0.4, 0.6])


def test_bases_are_not_asked_of_what_classifies_nor_classes_of_what_labels_bases(motif, tmp_path):
    with pytest.raises(ConfigError, match="labels no base; take classify"):
        load_tagger(motif).predict(["ACGT"])
    tagger_of().save(tmp_path / "bases.safetensors")
    with pytest.raises(ConfigError, match="no sequence as a whole; take predict"):
        load_tagger(tmp_path / "bases.safetensors").classify(["ACGT"])


def test_a_card_says_whether_its_tagger_tells_classes():
    network = {"kind": "network", "architecture": {"pooling": "max"}}
    assert labels_records(network)
    assert tells_classes(network)
    constant = {"kind": "constant", "architecture": {"baseline": "uniform"}}
    assert (labels_records(constant), tells_classes(constant)) == (False, True)
    rule = {"kind": "rule", "architecture": {"baseline": "base_table"}}
    assert (labels_records(rule), tells_classes(rule)) == (False, False)


def test_the_table_of_a_fasta_file_has_a_row_for_each_record(motif, tmp_path):
    (tmp_path / "new.fa").write_text(">one first\nATGA\nCC\n>two\nCCCATG\n>three\natg\n")
    loaded = load_tagger(motif)
    assert classify_fasta(loaded, tmp_path / "new.fa", tmp_path / "all.tsv") == 3
    with (tmp_path / "all.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["record"] for row in rows] == ["one", "two", "three"]
    assert [row["class"] for row in rows] == ["start codon", "other", "start codon"]
    told = loaded.classify(["ATGACC", "CCCATG", "atg"])
    for row, one in zip(rows, told, strict=True):
        for name, probability in one.probabilities.items():
            assert float(row[f"p_{name}"]) == pytest.approx(probability, rel=1e-5)


def test_how_many_letters_are_read_at_a_time_changes_nothing(motif, tmp_path):
    lines = [f">r{i}\n{'ATG' * (1 + i % 3)}{'C' * i}\n" for i in range(20)]
    (tmp_path / "new.fa").write_text("".join(lines))
    for name, letters in (("all", 1 << 20), ("few", 7)):
        classify_fasta(load_tagger(motif), tmp_path / "new.fa", tmp_path / name,
                       letters_at_once=letters)  # fmt: skip
    assert (tmp_path / "all").read_bytes() == (tmp_path / "few").read_bytes()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">a\nACGT\n>b\n\n>c\nA\n", r"new\.fa: record 'b': has no letters"),
        (">a\nACGT\n>b\nAC!T\n", r"new\.fa: record 'b', position 3: '!' is no letter"),
    ],
)
def test_what_cannot_be_classified_is_told_with_its_file_and_record(motif, tmp_path, text, message):
    (tmp_path / "new.fa").write_text(text)
    with pytest.raises(InputError, match=message):
        classify_fasta(load_tagger(motif), tmp_path / "new.fa", tmp_path / "out.tsv")
    assert not (tmp_path / "out.tsv").exists()


def test_what_a_sequence_comes_with_is_read_in_front_of_it(tmp_path):
    alphabet = DNA.with_contexts(["blood", "skin"])
    pooled = tagger_of(POOLED, alphabet)
    pooled.save(tmp_path / "tagger.safetensors")
    loaded = load_tagger(tmp_path / "tagger.safetensors")
    (tmp_path / "new.tsv").write_text("site\ttissue\nACGT\tskin\nACGT\tblood\n")
    assert classify_table(loaded, tmp_path / "new.tsv", tmp_path / "told.tsv", column="site",
                          context="tissue") == 2  # fmt: skip
    with (tmp_path / "told.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row, context in zip(rows, ("skin", "blood"), strict=True):
        tokens = np.append(alphabet.context_token(context), DNA.encode("ACGT")).astype(np.uint8)
        expected = pooled.posterior(tokens, np.array([5]))[-1]
        assert [float(row["p_L"]), float(row["p_H"])] == pytest.approx(expected.tolist(), abs=1e-6)
    assert rows[0]["p_L"] != rows[1]["p_L"]
    with pytest.raises(InputError, match=r"'s1': comes with 'skim', which .*did you mean 'skin'\?"):
        loaded.classify(["ACGT"], records=["s1"], contexts=["skim"])
    with pytest.raises(ConfigError, match="trained with a column of what each sequence comes with"):
        loaded.classify(["ACGT"])
    tagger_of(POOLED).save(tmp_path / "plain.safetensors")
    with pytest.raises(ConfigError, match="trained with no column of what each sequence comes"):
        load_tagger(tmp_path / "plain.safetensors").classify(["ACGT"], contexts=["skin"])
