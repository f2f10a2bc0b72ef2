"""Records with a number each: their corpora, what of a config they need, and what is refused."""

import gzip
from functools import partial

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.classified_corpus import ABOVE, BELOW
from basetag.config import load_config
from basetag.corpus import REGRESS, UNLABELLED
from basetag.errors import ConfigError, InputError
from basetag.label_statistics import target_scale
from basetag.record_classes import judged_corpus
from basetag.segments import whole_records
from tests.conftest import REPOSITORY
from tests.record_corpora import corpus_of_fasta, corpus_of_table

STATES = {"A": "above", "B": "below"}
TABLE = {"sequence": "sequence", "target": "y", "name": "name", "context": None, "threshold": 0.5}
FASTA = {"record": "record", "target": "y", "threshold": 0.5}


of_table = partial(corpus_of_table, STATES, TABLE)
of_fasta = partial(corpus_of_fasta, STATES, FASTA)

ROWS = st.lists(
    st.tuples(
        st.text("ACGTN", min_size=1, max_size=20),
        st.floats(-1e30, 1e30, allow_subnormal=False) | st.sampled_from([0.5, 0.1, 0.0]),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from("\t,;"), st.sampled_from([0.5, 0.1, -3.0]))
def test_a_table_that_pandas_writes_becomes_its_numbers_and_their_classes(
    tmp_path_factory, rows, sign, threshold
):
    folder = tmp_path_factory.mktemp("table")
    names = [f"r{index}" for index in range(len(rows))]
    table = pd.DataFrame(rows, columns=["sequence", "y"]).assign(name=names)
    corpus = of_table(folder, table.to_csv(sep=sign, index=False), threshold=threshold)
    assert (corpus.task, corpus.of_records, corpus.threshold) == (REGRESS, True, threshold)
    expected = np.array([value for _, value in rows], dtype=np.float32)
    assert corpus.targets.dtype == np.float32
    assert np.array_equal(corpus.targets, expected)
    labels = np.where(expected >= np.float32(threshold), ABOVE, BELOW)
    assert np.array_equal(judged_corpus(corpus).labels, labels)
    last = corpus.starts + corpus.lengths - 1
    assert np.array_equal(np.flatnonzero(corpus.labels != UNLABELLED), last)
    written = pd.read_csv(folder / "corpus" / "targets.tsv", sep="\t", dtype={"record": str})
    assert written["record"].tolist() == names
    assert np.array_equal(written["target"].to_numpy(dtype=np.float32), expected)


def test_fasta_and_a_table_of_numbers_in_any_order_become_the_same_as_one_table(tmp_path):
    one = of_table(tmp_path, "name,sequence,y\na,ACG,0.25\nb,TTTT,1e3\n")
    files = {path.name: path.read_bytes() for path in (tmp_path / "corpus").iterdir()}
    two = of_fasta(tmp_path, ">a\nAC\nG\n>b more\nTTTT\n", "record\ty\nb\t1000\na\t0.25\n")
    assert one.targets.tolist() == two.targets.tolist() == [0.25, 1000]
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "corpus").iterdir()}


def test_a_table_without_column_names_is_read_by_numbers(tmp_path):
    corpus = of_table(tmp_path, "0.7,tacta\n0.1,gg\n", target=1, sequence=2, name=None)
    assert corpus.names == ["row1", "row2"]
    assert corpus.targets.tolist() == np.float32([0.7, 0.1]).tolist()


def test_a_context_is_read_as_a_letter_in_front_of_the_sequence(tmp_path):
    text = "name,sequence,y,allele\na,ACG,0.7,DRB1\nb,AC,0.1,DPA1\n"
    corpus = of_table(tmp_path, text, context="allele")
    assert corpus.lengths.tolist() == [4, 3]
    assert corpus.alphabet.contexts == ("DPA1", "DRB1")
    assert judged_corpus(corpus).labels.tolist() == [ABOVE, BELOW]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name,sequence,y\na,ACG,1\nb,AC,high\n",
            "line 3, record 'b': column 'y' has 'high', which is no finite number; give every",
        ),
        ("name,sequence,y\na,ACG,nan\n", "line 2, record 'a': column 'y' has 'nan', which is no"),
        ("name,sequence,y\na,ACG,-inf\n", "line 2, record 'a': column 'y' has '-inf', which is no"),
        ("name,sequence,y\na,ACG,1_0\n", "line 2, record 'a': column 'y' has '1_0', which is no"),
        ("name,sequence,y\na,ACG,1e39\n", "line 2, record 'a': column 'y' has '1e39', which is no"),
        ('name,sequence,y\na,ACG,"0,5"\n', "line 2, record 'a': column 'y' has '0,5', which is no"),
        ("name,sequence,y\na,ACG,\n", "line 2, record 'a': column 'y' is empty"),
        ("name,sequence,y\na,,1\n", "line 2, record 'a': has no letters, and nothing to tell a"),
        ("name,sequence,z\na,AG,1\n", "line 1: has no column 'y'"),
        (gzip.compress(b"name,sequence,y\n" * 99)[:-9], "the compressed file is incomplete"),
    ],
)
def test_a_wrong_table_is_one_error_with_its_place(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        of_table(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "table.csv"))
    assert message in str(caught.value)
    assert not list(tmp_path.glob("corpus/t*"))


@pytest.mark.parametrize(
    ("targets", "place", "message"),
    [
        ("record\ty\na\t1\n", "x.tsv", "has no row for the record 'b'"),
        (
            "record\ty\na\t1\na\t2\nb\t1\n",
            "x.tsv, line 3, record 'a'", "another row gives it another number",
        ),
        ("record\ty\na\t1\nb\tx\n", "x.tsv, line 3, record 'b'", "'x', which is no finite number"),
        ("record\ty\na\t1\nb\t1\nc\t1\n", "x.tsv, line 4", "has no record 'c'"),
    ],
)  # fmt: skip
def test_files_that_do_not_agree_are_one_error(tmp_path, targets, place, message):
    with pytest.raises(InputError) as caught:
        of_fasta(tmp_path, ">a\nAC\n>b\nG\n", targets)
    assert str(caught.value).startswith(f"{tmp_path}/{place}")
    assert message in str(caught.value)


def test_targets_that_are_all_the_same_leave_nothing_to_learn(tmp_path):
    corpus = of_table(tmp_path, "name,sequence,y\na,ACG,0.3\nb,AC,0.3\nc,AC,0.5\n")
    records = whole_records(corpus)
    with pytest.raises(InputError, match=r"all 2 records .* have the number 0\.3; there is"):
        target_scale(corpus, records.chosen(np.array([0, 1])))
    mean, deviation = target_scale(corpus, records)
    assert mean == pytest.approx(corpus.targets.astype(float).mean())
    assert deviation == pytest.approx(corpus.targets.astype(float).std())


# ---- The config

DATASET = {"task": "regress", "table": "t.csv", "threshold": 6.5}
NETWORK = {"cell": "gru", "hidden": 4, "pooling": "mean"}


def config_of(folder, dataset, taggers=None, **sections):
    for name in ("t.csv", "x.fa"):
        (folder / name).touch()
    taggers = taggers or {"gru": NETWORK, "majority": {"baseline": "majority"}}
    config = {"datasets": {"own": dataset}, "taggers": taggers, **sections}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return load_config(config, [folder / "config.yaml"], REPOSITORY)


@pytest.mark.parametrize(
    "classes", [{"above": "x y", "below": "x_y"}, {"above": "below"}, {"below": "above"}]
)
def test_two_classes_have_two_names(classes, tmp_path):
    with pytest.raises(ConfigError, match="both classes would be called"):
        config_of(tmp_path, DATASET | {"classes": classes})


def test_a_config_says_where_numbers_stand_and_what_parts_them(tmp_path):
    config = config_of(
        tmp_path, DATASET | {"columns": {"target": "y"}, "classes": {"above": "binder"}}
    )
    assert config.states("own") == {"B": "binder", "E": "below"}
    encode = config.encode_settings("own")
    assert (encode["sequences"], encode["labels"]) == ("table", "targets")
    assert encode["scheme"] == {
        "sequence": "sequence", "target": "y", "name": None, "context": None, "threshold": 6.5,
    }  # fmt: skip
    assert config.controls_settings("own")["bases"] == 0
    assert {tagger for _, tagger, _ in config.runs()} == {"gru", "majority"}
    fasta = {"task": "regress", "fasta": "x.fa", "labels": {"table": "t.csv"}, "threshold": 1}
    encode = config_of(tmp_path, fasta).encode_settings("own")
    assert (encode["sequences"], encode["labels"]) == ("fasta", "targets")
    assert encode["scheme"] == {"record": "record", "target": "target", "threshold": 1.0}


@pytest.mark.parametrize(
    ("dataset", "more", "message"),
    [
        ({"threshold": None}, {}, "threshold"),
        ({"split": {"by": "block", "block": 500}}, {}, "of a whole record, which no split may cut"),
        ({"columns": {"target": 2}}, {}, "columns are given by number and by name"),
        ({"classes": {"high": "binder"}}, {}, "classes.high"),
        ({}, {"training": {"class_weights": "balanced"}}, "have numbers, which are of no state"),
        (
            {}, {"taggers": {"gru": NETWORK, "uniform": {"baseline": "uniform"}}},
            "it tells no number, and the records of the dataset 'own' have a number each",
        ),
        (
            {}, {"taggers": {"gru": {"cell": "gru", "hidden": 4}}},
            "have a number each, and the network tells a label for each base",
        ),
        (
            {}, {"taggers": {"gru": NETWORK, "gc": {"baseline": "gc_window"}}},
            "it labels bases, and the records of the dataset 'own' have a number each",
        ),
    ],
)  # fmt: skip
def test_what_numbers_cannot_have_is_refused(tmp_path, dataset, more, message):
    given = {key: value for key, value in (DATASET | dataset).items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        config_of(tmp_path, given, **more)
    assert message in str(caught.value)


@given(st.integers(1, 9999))
@settings(max_examples=60, deadline=None)
def test_a_number_written_as_the_threshold_is_above(tmp_path_factory, digits):
    """Of some, the nearest float32 lies below the number itself."""
    folder = tmp_path_factory.mktemp("equal")
    text = f"{digits / 10_000!r}"
    corpus = of_table(folder, f"name,sequence,y\na,A,{text}\n", threshold=float(text))
    assert judged_corpus(corpus).labels.tolist() == [ABOVE]


def test_numbers_that_single_precision_cannot_tell_apart_are_refused(tmp_path):
    rows = "".join(f"ACGT,{100_000_000 + number}\n" for number in range(100))
    with pytest.raises(InputError) as error:
        of_table(tmp_path, f"sequence,y\n{rows}", name=None)
    assert "the numbers of column 'y' lie close together around 1e+08" in str(error.value)
    assert "in steps of 8 there" in str(error.value)
    assert list(tmp_path.glob("corpus/*")) == []
    rows = "".join(f"ACGT,{100 + number / 100}\n" for number in range(100))
    assert of_table(tmp_path, f"sequence,y\n{rows}", name=None).targets.size == 100
