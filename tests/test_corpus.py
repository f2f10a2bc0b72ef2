"""The corpus on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from basetag import fasta_text
from basetag.alphabet import DNA, PROTEIN, Alphabet
from basetag.corpus import UNLABELLED, Corpus
from basetag.corpus_encoding import write_corpus, write_tokens
from basetag.errors import InputError

STATES = {"L": "GC-poor", "H": "GC-rich"}


@pytest.fixture(params=[7, 1 << 18], ids=["tiny blocks", "usual blocks"], autouse=True)
def block_size(request, monkeypatch):
    """No result may depend on where the blocks end."""
    monkeypatch.setattr(fasta_text, "_BLOCK", request.param)


def made(
    folder: Path,
    sequences: str,
    labels: str | None = None,
    alphabet: Alphabet = DNA,
    leave_out: tuple[str, ...] = (),
):
    (folder / "bases.fa").write_text(sequences)
    if labels is not None:
        (folder / "states.fa").write_text(labels)
    return write_corpus(
        folder / "corpus",
        folder / "bases.fa",
        alphabet,
        labels=folder / "states.fa" if labels is not None else None,
        states=STATES if labels is not None else None,
        leave_out=leave_out,
    )


def test_bases_and_labels_lie_in_order_with_their_record_table(tmp_path):
    made(tmp_path, ">a x\nACGT\nUNR\n>b\n>c\nGG\n", ">a\nHHLL.H\n-\n>b\n>c\nLH\n")
    corpus = Corpus.open(tmp_path / "corpus")
    assert DNA.decode(corpus.tokens) == "ACGTTNRGG"
    assert corpus.labels.tolist() == [1, 1, 0, 0, UNLABELLED, 1, UNLABELLED, 0, 1]
    assert corpus.states == ("L", "H")
    assert corpus.state_names == STATES
    assert corpus.names == ["a", "b", "c"]
    assert corpus.starts.tolist() == [0, 7, 7]
    assert corpus.lengths.tolist() == [7, 0, 2]
    assert corpus.alphabet is DNA


def test_the_files_are_those_of_the_contract(tmp_path):
    made(tmp_path, ">a\nACGT\n>b\nGG\n", ">a\nHHLL\n>b\nLH\n")
    folder = tmp_path / "corpus"
    assert sorted(path.name for path in folder.iterdir()) == [
        "corpus.json",
        "labels.npy",
        "records.tsv",
        "tokens.npy",
    ]
    assert (folder / "records.tsv").read_text() == "record\tstart\tlength\na\t0\t4\nb\t4\t2\n"
    tokens = np.load(folder / "tokens.npy", mmap_mode="r")
    assert isinstance(tokens, np.memmap)
    assert tokens.dtype == np.uint8
    assert tokens.tolist() == [0, 1, 2, 3, 2, 2]


def test_every_symbol_and_label_is_counted(tmp_path):
    counts = made(tmp_path, ">a\nACGTNNry\n>b\n>c\naa\n", ">a\nHHHLL...\n>b\n>c\n-L\n")
    assert counts.symbols == {"A": 3, "C": 1, "G": 1, "T": 1, "R": 1, "Y": 1, "N": 2}
    assert counts.labels == {"L": 3, "H": 3, ".": 4}
    assert (counts.records, counts.empty_records, counts.bases) == (3, 1, 10)
    about = json.loads((tmp_path / "corpus" / "corpus.json").read_text())
    assert about["counts"] == counts.symbols


def test_without_labels_there_is_no_file_of_them(tmp_path):
    made(tmp_path, ">a\nACGT\n")
    assert not (tmp_path / "corpus" / "labels.npy").exists()
    corpus = Corpus.open(tmp_path / "corpus")
    assert corpus.labels is None
    assert corpus.states == ()


def test_a_corpus_written_from_tokens_is_that_of_the_same_letters(tmp_path):
    made(tmp_path, ">a\nACGTN\n>b\n>c\nGG\n")
    records = [(name, DNA.encode(text)) for name, text in (("a", "ACGTN"), ("b", ""), ("c", "GG"))]
    write_tokens(tmp_path / "again", DNA, iter(records))
    for path in (tmp_path / "corpus").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
    assert len(list((tmp_path / "again").iterdir())) == 3


def test_any_alphabet_comes_back_by_its_name(tmp_path):
    made(tmp_path, ">a\nxyzx?\n", alphabet=Alphabet.named("xyz"))
    corpus = Corpus.open(tmp_path / "corpus")
    assert corpus.alphabet.decode(corpus.tokens) == "xyzx?"


def test_of_proteins_what_stands_for_several_residues_can_be_left_out(tmp_path):
    kinds = "unknown", "masked"
    counts = made(tmp_path, ">a\nMKxBUO\n", ">a\nLLLHHH\n", PROTEIN, leave_out=kinds)
    assert counts.left_out == {"unknown": 2, "masked": 1}
    corpus = Corpus.open(tmp_path / "corpus")
    assert corpus.labels.tolist() == [0, 0, 255, 255, 1, 1]
    assert corpus.alphabet.decode(corpus.tokens) == "MKXBUO"


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    contents = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        made(folder, ">a\nACGT\n>b\nGG\n", ">a\nHHLL\n>b\nLH\n")
        contents.append([p.read_bytes() for p in sorted((folder / "corpus").iterdir())])
    assert contents[0] == contents[1]


ERRORS = {
    "another name": (">a\nHHLL\n>x\nLH\n", r"record number 2 is 'x' here and is 'b' in"),
    "another order": (">b\nLH\n>a\nHHLL\n", r"record number 1 is 'b' here and is 'a' in"),
    "one missing": (">a\nHHLL\n", r"record number 2 is missing here and is 'b' in"),
    "one too many": (">a\nHHLL\n>b\nLH\n>c\n", r"record number 3 is 'c' here and is missing in"),
    "another length": (">a\nHHLL\n>b\nLHH\n", r"record 'b': has 3 labels for the 2 bases in"),
    "unknown state": (">a\nHHLL\n>b\nLX\n", r"line 4, column 2, record 'b': 'X' is no letter of "),
    "lower case": (
        ">a\nHHlL\n>b\nLH\n",
        r"line 2, column 3, .*letters are L, H and \. for unlabelled; did you mean 'L'",
    ),
}


@pytest.mark.parametrize(("labels", "says"), ERRORS.values(), ids=ERRORS)
def test_labels_that_do_not_fit_are_one_clear_error(tmp_path, labels, says):
    with pytest.raises(InputError, match=says) as caught:
        made(tmp_path, ">a\nACGT\n>b\nGG\n", labels)
    assert str(caught.value).startswith(str(tmp_path / "states.fa"))
    assert "\n" not in str(caught.value)


def test_a_failure_leaves_nothing_and_touches_nothing(tmp_path):
    made(tmp_path, ">a\nACGT\n")
    before = {path: path.read_bytes() for path in (tmp_path / "corpus").iterdir()}
    with pytest.raises(InputError):
        made(tmp_path, ">a\nACGT\nAC!\n")
    assert {path: path.read_bytes() for path in (tmp_path / "corpus").iterdir()} == before


def test_a_file_of_empty_records_is_an_error(tmp_path):
    with pytest.raises(InputError, match="all of its 2 records are empty"):
        made(tmp_path, ">a\n>b\n")


def test_a_corpus_without_one_of_its_files_is_an_error(tmp_path):
    made(tmp_path, ">a\nACGT\n", ">a\nHHLL\n")
    (tmp_path / "corpus" / "labels.npy").unlink()
    with pytest.raises(InputError, match="is no complete corpus"):
        Corpus.open(tmp_path / "corpus")


def test_files_of_two_corpora_are_told_apart(tmp_path):
    made(tmp_path, ">a\nACGT\n")
    (tmp_path / "corpus" / "records.tsv").write_text("record\tstart\tlength\na\t0\t5\n")
    with pytest.raises(InputError, match="speaks of 5 bases"):
        Corpus.open(tmp_path / "corpus")


def test_a_label_is_its_own_mirror_unless_the_corpus_says_otherwise(tmp_path):
    made(tmp_path, ">a\nACGT\n", ">a\nHHLL\n")
    path = tmp_path / "corpus" / "corpus.json"
    assert Corpus.open(path.parent).mirror == (0, 1)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"mirror": [1, 0]}))
    assert Corpus.open(path.parent).mirror == (1, 0)


def test_finer_states_lie_beside_the_labels(tmp_path):
    made(tmp_path, ">a\nACGT\n", ">a\nHHLL\n")
    folder = tmp_path / "corpus"
    assert Corpus.open(folder).substates is None
    finer = {"names": ["l", "h1", "h2"], "label_of": [0, 1, 1], "mirror": [0, 2, 1]}
    about = json.loads((folder / "corpus.json").read_text()) | {"substates": finer}
    (folder / "corpus.json").write_text(json.dumps(about))
    np.save(folder / "substates.npy", np.array([1, UNLABELLED, 0, 0], dtype=np.uint8))
    substates = Corpus.open(folder).substates
    assert (substates.names, substates.label_of) == (("l", "h1", "h2"), (0, 1, 1))
    assert substates.mirror == (0, 2, 1)
    assert substates.labels.tolist() == [1, UNLABELLED, 0, 0]
    np.save(folder / "substates.npy", np.zeros(3, dtype=np.uint8))
    with pytest.raises(InputError, match=r"4 bases, substates\.npy holds 3"):
        Corpus.open(folder)
