"""Scores of PSI-BLAST beside a protein: files as `psiblast -out_ascii_pssm` writes them."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from basetag.alphabet import PROTEIN
from basetag.config.features import kind_and_path
from basetag.corpus import Corpus
from basetag.corpus_encoding import write_corpus
from basetag.errors import InputError
from basetag.feature_encoding import write_features
from basetag.features import open_features
from basetag.places import Places
from basetag.pssm_text import PSSM_COLUMNS, read_pssm
from tests.test_config import load, mistakes

#: In the order in which PSI-BLAST has them.
COLUMNS = "ARNDCQEGHILKMFPSTWYV"
HEADING = (
    "\nLast position-specific scoring matrix computed, weighted observed percentages rounded down,"
    " information per position, and relative weight of gapless real matches to pseudocounts\n"
)
FOOT = """
                      K         Lambda
Standard Ungapped    0.1334     0.3166
Standard Gapped      0.0410     0.2670
PSI Ungapped         0.1702     0.3179
PSI Gapped           0.0519     0.2670
"""


def pssm(sequence, scores, columns=COLUMNS):
    """A file of PSI-BLAST 2.2.27 and later, (residues, 20) scores in the order of `columns`."""
    header = " " * 9 + "".join(f"{letter:>4}" for letter in columns * 2)
    rows = [
        f"{number:5d} {letter}  "
        + "".join(f"{score:>4}" for score in own)
        + "".join(f"{5:4d}" for _ in columns)
        + "  0.62 0.13"
        for number, (letter, own) in enumerate(zip(sequence, scores, strict=True), 1)
    ]
    return HEADING + "\n".join([header, *rows]) + "\n" + FOOT


def random_scores(n, seed=1):
    return np.random.default_rng(seed).integers(-12, 14, (n, 20))


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "a.fa").write_text(">one\nMKVL\n>none\n>two\nWUx\n")
    write_corpus(tmp_path / "corpus", tmp_path / "a.fa", PROTEIN)
    (tmp_path / "pssm").mkdir()
    (tmp_path / "pssm/one.pssm").write_text(pssm("MKVL", random_scores(4)))
    with gzip.open(tmp_path / "pssm/two.pssm.gz", "wt") as file:
        file.write(pssm("WXX", random_scores(3, 2)))
    return Corpus.open(tmp_path / "corpus")


def told(corpus, path):
    with pytest.raises(InputError) as caught:
        list(read_pssm(path, corpus.places))
    return str(caught.value)


def test_scores_become_features_by_the_residues_names_whatever_the_order_of_a_file(
    corpus, tmp_path
):
    known = write_features(tmp_path / "corpus", corpus.places, [("p", "pssm", tmp_path / "pssm")])
    assert list(known) == [f"p.{letter}" for letter in PROTEIN.letters]
    assert set(known.values()) == {7}
    values, names = open_features(tmp_path / "corpus", 7)
    expected = np.concatenate([random_scores(4), random_scores(3, 2)])
    for index, name in enumerate(names):
        assert values[:, index].tolist() == expected[:, COLUMNS.index(name[2:])].tolist()
    alphabetic = "".join(PSSM_COLUMNS)
    (tmp_path / "pssm/one.pssm").write_text(pssm("MKVL", random_scores(4), alphabetic))
    (start, first), _ = read_pssm(tmp_path / "pssm", corpus.places)
    assert (start, first.tolist()) == (0, random_scores(4).tolist())


def test_the_file_of_the_only_record_needs_no_folder(corpus, tmp_path):
    places = Places(["x"], np.array([0]), np.array([4]))
    ((start, values),) = read_pssm(tmp_path / "pssm/one.pssm", places)
    assert (start, values.shape) == (0, (4, 20))
    assert "one file has the scores of one record, and there are 2" in told(
        corpus, tmp_path / "pssm/one.pssm"
    )


def test_minus_infinity_is_a_missing_number(corpus, tmp_path):
    scores = random_scores(4).astype(object)
    scores[2, 0] = "-I"
    (tmp_path / "pssm/one.pssm").write_text(pssm("MKVL", scores))
    (_, first), _ = read_pssm(tmp_path / "pssm", corpus.places)
    assert np.argwhere(np.isnan(first)).tolist() == [[2, 0]]


WRONG = {
    "letters": (pssm("MKIL", random_scores(4)), "line 6, record 'one': the row is of 'I', and"
                " residue 3 is 'V'; is it the matrix of another sequence?"),
    "longer": (pssm("MKVLA", random_scores(5)), "line 8, record 'one': this is one row more than"),
    "shorter": (pssm("MKV", random_scores(3)), "record 'one': has 3 rows for its 4 residues; is the"
                " file cut short"),
    "cut within a row": (pssm("MKVL", random_scores(4)).partition("    3 V")[0] + "    3 V  1  2",
                         "columns, and 22 are the least"),
    "no scores": ("nothing\n", "has no line with the twenty residues; is it what psiblast"),
    "no number": (pssm("MKVL", [["?"] * 20] * 4), "line 4, record 'one': '?' is no score"),
    "rows in disorder": (pssm("MKVL", random_scores(4)).replace("    2 K", "    3 K"),
                         "line 5, record 'one': found the row '3' behind the row 1"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), WRONG.values(), ids=WRONG)
def test_a_file_that_is_not_the_records_is_told(corpus, tmp_path, content, expected):
    (tmp_path / "pssm/one.pssm").write_text(content)
    assert expected in told(corpus, tmp_path / "pssm")


def test_a_record_without_a_file_is_named_with_what_is_like_it(corpus, tmp_path):
    (tmp_path / "pssm/one.pssm").rename(tmp_path / "pssm/One.pssm")
    message = told(corpus, tmp_path / "pssm")
    assert "record 'one': the folder has no file one.pssm; did you mean 'One.pssm'?" in message


CONFIG = """\
datasets:
  mine:
    fasta: a.fa
    alphabet: protein
    labels: {fasta: s.fa, states: {H: helix, C: coil}}
    features: {profile: {pssm: pssm}}
taggers:
  gru: {cell: gru, features: [profile]}
"""


def test_the_config_takes_a_folder_whose_files_are_inputs(corpus, tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    for name in ("a.fa", "s.fa"):
        (data / name).touch()
    (tmp_path / "pssm/notes.txt").touch()
    (tmp_path / "pssm").rename(data / "pssm")
    monkeypatch.chdir(tmp_path)
    config = load(tmp_path, CONFIG)
    assert config.encode_features_settings("mine") == {"features": [["profile", "pssm"]]}
    assert [str(path) for path in config.feature_files("mine")] == ["data/pssm"]
    assert [path.name for path in config.matrix_files("mine")] == ["one.pssm", "two.pssm.gz"]
    assert kind_and_path(config.feature_sources("mine")["profile"]) == ("pssm", "data/pssm")
    (message,) = mistakes(tmp_path, CONFIG.replace("pssm: pssm", "pssm: psm"))
    assert "no such file: 'psm'" in message
    (message,) = mistakes(tmp_path, CONFIG.replace("pssm: pssm", "table: pssm"))
    assert "'pssm' is a folder, not a file" in message
