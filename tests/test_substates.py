"""Strands and substates of a corpus as its files say them."""

import json

import numpy as np
import pytest

from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED, Corpus
from basetag.corpus_encoding import write_corpus
from basetag.errors import InputError

STATES = {"N": "background", "P": "coding+", "M": "coding-"}
SUBSTATES = {
    "names": ["background", "coding+1", "coding+2", "coding-1", "coding-2"],
    "label_of": [0, 1, 1, 2, 2],
    "mirror": [0, 3, 4, 1, 2],
}


@pytest.fixture
def folder(tmp_path):
    """A corpus of four bases, of which nobody has said a word about strands."""
    (tmp_path / "bases.fa").write_text(">a\nACGT\n")
    (tmp_path / "states.fa").write_text(">a\nNPPM\n")
    write_corpus(
        tmp_path / "corpus", tmp_path / "bases.fa", DNA,
        labels=tmp_path / "states.fa", states=STATES,
    )  # fmt: skip
    return tmp_path / "corpus"


def say(folder, **changes):
    about = json.loads((folder / "corpus.json").read_text())
    (folder / "corpus.json").write_text(json.dumps(about | changes))


def test_without_a_word_every_label_is_its_own_mirror_image(folder):
    corpus = Corpus.open(folder)
    assert corpus.mirror == (0, 1, 2)
    assert corpus.substates is None


def test_mirror_and_substates_are_read_beside_the_labels(folder):
    np.save(folder / "substates.npy", np.array([0, 1, UNLABELLED, 3], dtype=np.uint8))
    say(folder, mirror=[0, 2, 1], substates=SUBSTATES)
    corpus = Corpus.open(folder)
    assert corpus.mirror == (0, 2, 1)
    assert corpus.substates.names == tuple(SUBSTATES["names"])
    assert corpus.substates.label_of == (0, 1, 1, 2, 2)
    assert corpus.substates.mirror == (0, 3, 4, 1, 2)
    assert corpus.substates.labels.tolist() == [0, 1, UNLABELLED, 3]
    assert isinstance(corpus.substates.labels.base, np.memmap)


@pytest.mark.parametrize(
    ("values", "changes", "told"),
    [
        (None, {"mirror": [0, 1]}, r"has the mirror \[0, 1\] of 3 labels"),
        (None, {"mirror": [1, 2, 0]}, r"has the mirror \[1, 2, 0\] of 3 labels"),
        (None, {"substates": SUBSTATES}, "has substates without all that they need"),
        ([0] * 4, {"substates": {"names": ["a"]}}, "has substates without all that they need"),
        ([0] * 3, {"substates": SUBSTATES}, "speaks of 4 bases, substates.npy holds 3 of uint8"),
        # Substates change strands, and the labels would not.
        ([0] * 4, {"mirror": [0, 1, 2], "substates": SUBSTATES}, "that do not fit its labels"),
        (
            [0] * 4,
            {"substates": SUBSTATES | {"label_of": [0, 1, 1, 1, 1]}},
            "that do not fit its labels",
        ),
    ],
)
def test_what_does_not_fit_together_is_told(folder, values, changes, told):
    if values is not None:
        np.save(folder / "substates.npy", np.array(values, dtype=np.uint8))
    say(folder, **{"mirror": [0, 2, 1]} | changes)
    with pytest.raises(InputError, match=rf"{told}.*; encode it again$"):
        Corpus.open(folder)
