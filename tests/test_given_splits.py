"""Splits that somebody gives: by the names of records, and by a column of a table."""

from __future__ import annotations

import csv
import gzip

import pytest

from basetag.errors import InputError
from basetag.splits.given import split_by_name, split_by_table
from basetag.splits.table import SPLITS, read_split, write_split
from tests.test_splits import corpus_of

CHROMOSOMES = ["chr1", "chr2", "chr2_random", "chr3", "chr4", "chrM", "empty"]


@pytest.fixture
def corpus():
    made = corpus_of(["A" * 10, "C" * 20, "G" * 3, "T" * 40, "AC" * 5, "GG", ""])
    made.names[:] = CHROMOSOMES
    return made


def names_in(corpus, split):
    return {name: [corpus.names[r] for r in split.of(name).record] for name in SPLITS}


NAMES = {"train": ["chr1", "chr2*"], "validation": ["chr3"], "test": ["chr4"]}


def test_records_go_to_the_list_that_names_them_and_others_nowhere(corpus):
    split = split_by_name(corpus, NAMES)
    assert names_in(corpus, split) == {
        "train": ["chr1", "chr2", "chr2_random"], "validation": ["chr3"], "test": ["chr4"],
    }  # fmt: skip
    assert split.left_out == 2
    assert [split.of(name).bases for name in SPLITS] == [33, 40, 10]


def test_what_no_list_names_goes_to_the_rest(corpus):
    names = {"train": [], "validation": ["chr3"], "test": ["chr[24]"]}
    split = split_by_name(corpus, names, rest="train")
    assert names_in(corpus, split) == {
        "train": ["chr1", "chr2_random", "chrM"], "validation": ["chr3"], "test": ["chr2", "chr4"],
    }  # fmt: skip
    assert split.left_out == 0


def test_a_name_that_looks_like_a_pattern_is_a_name_first(corpus):
    corpus.names[0] = "chr[1]"
    split = split_by_name(corpus, NAMES | {"train": ["chr[1]"]})
    assert names_in(corpus, split)["train"] == ["chr[1]"]


def test_a_given_split_is_written_and_read_as_any_other(corpus, tmp_path):
    split = split_by_name(corpus, NAMES)
    write_split(tmp_path / "split.tsv", corpus, split)
    found = read_split(tmp_path / "split.tsv", corpus)
    for name in SPLITS:
        assert found[name].record.tolist() == split.of(name).record.tolist()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"test": ["chr5"]}, "test names 'chr5', and no record is called so; did you mean 'chr"),
        ({"test": ["Chr4"]}, "no record is called so; did you mean 'chr4'?"),
        ({"test": ["X*"]}, "test names 'X*', and no record is called so; the records are chr1,"),
        (
            {"test": ["chr2"]},
            "record 'chr2': train (by 'chr2*') and test (by 'chr2') both name it; name each record",
        ),
        ({"test": ["empty"]}, "no record but empty ones belongs to the split test"),
        ({"test": []}, "no record belongs to the split test; name other records"),
    ],
)
def test_a_wrong_list_of_names_is_one_clear_error(corpus, changes, says):
    with pytest.raises(InputError) as caught:
        split_by_name(corpus, NAMES | changes)
    assert says in str(caught.value)


VALUES = {"train": ["train", "1", "2"], "validation": ["3"], "test": ["test"]}
ROWS = [
    ("chr1", "train"), ("chr2", "1"), ("chr2_random", "2"), ("chr3", "3"), ("chr4", "test"),
    ("chrM", "test"),
]  # fmt: skip


def written(path, rows, sign="\t", header=("record", "split")):
    path.write_text("\n".join(sign.join(row) for row in [header, *rows]) + "\n")
    return path


def by_table(corpus, path, **changes):
    columns = {"record": "record", "column": "split", "values": VALUES}
    return split_by_table(corpus, path, **columns | changes)


@pytest.mark.parametrize("sign", ["\t", ",", ";"])
def test_records_go_where_their_row_says(corpus, tmp_path, sign):
    split = by_table(corpus, written(tmp_path / "t", ROWS, sign))
    assert names_in(corpus, split) == {
        "train": ["chr1", "chr2", "chr2_random"], "validation": ["chr3"], "test": ["chr4", "chrM"],
    }  # fmt: skip


def test_a_table_may_have_other_columns_quotes_compression_and_windows_ends(corpus, tmp_path):
    path = tmp_path / "table.csv.gz"
    rows = [f'"a, b",{value},"{name}"' for name, value in reversed(ROWS)]
    text = "\ufeffnote,fold,name\r\n" + "\r\n".join(rows) + "\r\n\r\n"
    path.write_bytes(gzip.compress(text.encode()))
    split = by_table(corpus, path, record="name", column="fold")
    assert names_in(corpus, split) == names_in(corpus, by_table(corpus, written(
        tmp_path / "t", ROWS)))  # fmt: skip


def test_a_table_may_hold_long_sequences_beside_the_split(corpus, tmp_path):
    before = csv.field_size_limit(131_072)  # as in a new process, whatever other tests left
    path = tmp_path / "t"
    lines = ["record\tsplit\tdna", *(f"{n}\t{value}\t{200_000 * 'A'}" for n, value in ROWS)]
    path.write_text("\n".join(lines))
    split = by_table(corpus, path)
    csv.field_size_limit(before)
    assert names_in(corpus, split) == names_in(corpus, by_table(corpus, written(
        tmp_path / "u", ROWS)))  # fmt: skip


def test_a_value_may_stand_for_no_split(corpus, tmp_path):
    path = written(tmp_path / "t", [*ROWS[:-1], ("chrM", "bad")])
    split = by_table(corpus, path, values=VALUES | {"unused": ["bad"]})
    assert names_in(corpus, split)["test"] == ["chr4"]
    assert split.left_out == 2


def test_a_record_may_have_several_rows_that_agree(corpus, tmp_path):
    split = by_table(corpus, written(tmp_path / "t", [*ROWS, ROWS[2]]))
    assert names_in(corpus, split)["train"] == ["chr1", "chr2", "chr2_random"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([*ROWS, ("chr7", "1")], "t, line 8: the sequences have no record 'chr7'; did you mean '"),
        (ROWS[1:], "t: has no row for the record 'chr1'; give every record"),
        (ROWS[3:], "has no row for the record 'chr1' (nor 2 others)"),
        (
            [("chr1", "trian"), *ROWS[1:]],
            "line 2, record 'chr1': 'trian' stands for no split; split.values has 'train', '1', "
            "'2', '3', 'test'; add it",
        ),
        ([("chr1", ""), *ROWS[1:]], "line 2, record 'chr1': column 'split' is empty"),
        (
            [*ROWS, ("chr1", "test")],
            "line 8, record 'chr1': is 'test' here and 'train' in line 2; give each record one",
        ),
        ([*ROWS[:3], ("chr3",), *ROWS[4:]], "line 5: found 1 column, and the first line names 2"),
        (
            [row if row[1] != "3" else ("chr3", "1") for row in ROWS],
            "t: no record belongs to the split validation; correct split.values, or the table",
        ),
        (
            [('"chr1', "train"), *ROWS[1:]],
            "cannot be read (unexpected end of data); is a double quote missing?",
        ),
    ],
)
def test_a_wrong_table_is_one_clear_error_with_its_line(corpus, tmp_path, rows, says):
    with pytest.raises(InputError) as caught:
        by_table(corpus, written(tmp_path / "t", rows))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (("record", "splits"), "t, line 1: has no column 'split'; did you mean 'splits'?"),
        (("name", "split"), "has no column 'record'; the first line names name, split"),
        (("split", "split"), "2 columns are called 'split'; rename one"),
    ],
)
def test_a_missing_column_is_told_with_those_there_are(corpus, tmp_path, header, says):
    path = written(tmp_path / "t", ROWS, header=header)
    wanted = {"record": "split"} if header == ("split", "split") else {}
    with pytest.raises(InputError) as caught:
        by_table(corpus, path, **wanted)
    assert says in str(caught.value)


def test_a_file_that_is_not_there_or_empty_is_one_clear_error(corpus, tmp_path):
    with pytest.raises(InputError, match="gone"):
        by_table(corpus, tmp_path / "gone")
    (tmp_path / "t").write_text("")
    with pytest.raises(InputError, match="has no column 'record'"):
        by_table(corpus, tmp_path / "t")
