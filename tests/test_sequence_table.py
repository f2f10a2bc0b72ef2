"""Tables of sequences and states: held against pandas, which writes them, and lines of ours."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import DNA
from basetag.errors import InputError
from basetag.fasta import LetterTable
from basetag.labelling.sequence_table import read_sequence_table

LETTERS = LetterTable.of_alphabet(DNA)


def written(folder: Path, content: str | bytes, name: str = "x.tsv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def error_of(folder: Path, content: str | bytes, **how) -> str:
    path = written(folder, content)
    with pytest.raises(InputError) as caught:
        list(read_sequence_table(path, **how))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path)).removeprefix(", ").removeprefix(": ")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text("ACGT", max_size=30), min_size=1, max_size=10),
    st.sampled_from("\t,;"),
    st.sampled_from([0, 1]),  # quotes where needed, or everywhere
    st.text(st.sampled_from('ab" ,;\t'), max_size=6),
)
def test_a_table_that_pandas_writes_is_read_back(tmp_path_factory, sequences, sign, quoting, note):
    folder = tmp_path_factory.mktemp("table")
    states = [sequence.translate(str.maketrans("ACGT", "LHHL")) for sequence in sequences]
    names = [f"s{i}" for i in range(len(sequences))]
    table = pd.DataFrame(
        {"note": note, "hidden_state": states, "name": names, "dna": sequences, "fold": "2"}
    )
    table.to_csv(folder / "x", sep=sign, index=False, quoting=quoting)
    found = list(read_sequence_table(folder / "x", name="name", others=["fold"], letters=LETTERS))
    assert [(r.name, r.sequence, r.states, r.others) for r in found] == [
        (name, sequence, state, ("2",))
        for name, sequence, state in zip(names, sequences, states, strict=True)
    ]


def test_rows_are_counted_where_no_column_names_them(tmp_path):
    found = list(read_sequence_table(written(tmp_path, "dna\thidden_state\nAC\tHL\n\nG\tH\n")))
    assert [(r.name, r.states, r.line) for r in found] == [("row1", "HL", 2), ("row2", "H", 4)]


def test_a_table_may_have_no_states(tmp_path):
    path = written(tmp_path, "id,seq\na,ACGT\n")
    (found,) = read_sequence_table(path, sequence="seq", states=None, name="id")
    assert (found.name, found.sequence, found.states) == ("a", "ACGT", None)


def test_compressed_tables_with_crlf_and_a_byte_order_mark_read_alike(tmp_path):
    text = "\ufeffdna,hidden_state\r\nACGT,HHLL\r\n"
    (found,) = read_sequence_table(written(tmp_path, gzip.compress(text.encode())))
    assert (found.sequence, found.states, found.line) == ("ACGT", "HHLL", 2)


def test_a_field_may_be_longer_than_the_csv_module_likes(tmp_path):
    (found,) = read_sequence_table(written(tmp_path, f"dna\thidden_state\n{'A' * 300_000}\t"
                                                     f"{'H' * 300_000}\n"))  # fmt: skip
    assert len(found.sequence) == 300_000


def test_lines_within_quotes_are_counted(tmp_path):
    text = 'dna,hidden_state,note\nAC,HH,"a\nb"\nAC,H,c\n'
    message = error_of(tmp_path, text)
    assert message.startswith("line 4, record 'row2': column 'dna' has 2 letters, and column")


@pytest.mark.parametrize(
    ("text", "how", "message"),
    [
        ("dna\thidden_states\nA\tH\n", {}, "line 1: has no column 'hidden_state'; did you mean 'h"),
        ("DNA\thidden_state\nA\tH\n", {}, "line 1: has no column 'dna'; did you mean 'DNA'? The f"),
        ("dna hidden_state\nA H\n", {}, "line 1: has no column 'dna'; "),
        ("dna\tdna\thidden_state\nA\tA\tH\n", {}, "line 1: 2 columns bear the name 'dna'; rename"),
        ("dna\thidden_state\nAC\tH\n", {}, "line 2, record 'row1': column 'dna' has 2 letters, and "
         "column 'hidden_state' has 1; every letter has one state"),
        ("dna\thidden_state\nAC\n", {}, "line 2: found 1 column, and the first line names 2"),
        ("dna\thidden_state\nAC\tHH\tx\n", {}, "line 2: found 3 columns, and the first line names"),
        ("dna\thidden_state\nA\tH\nA!C\tHHH\n", {"letters": LETTERS}, "line 3, record 'row2', "
         "position 2: column 'dna' has '!', which is no letter of the alphabet 'dna'; the letters"),
        ("dna\thidden_state\nAé\tHH\n", {"letters": LETTERS}, "line 2, record 'row1', position 2: "
         "column 'dna' has 'é'"),
        ("dna\thidden_state\nA C\tHHH\n", {"letters": LETTERS}, "line 2, record 'row1', position 2:"
         " column 'dna' has ' '"),
        ("dna\thidden_state\nAC\tHX\n", {"state_letters": LetterTable(
            bytes(0 if chr(b) in "HL" else 1 for b in range(256)), 1, "the states", "HL")},
         "line 2, record 'row1', position 2: column 'hidden_state' has 'X', which is no letter of"),
        ("n\tdna\thidden_state\na\tA\tH\na\tA\tH\n", {"name": "n"}, "line 3, record 'a': a row of "
         "this name stands in line 2 already"),
        ("n\tdna\thidden_state\n\tA\tH\n", {"name": "n"}, "line 2: column 'n' is empty; give ever"),
        ("n\tdna\thidden_state\na b\tA\tH\n", {"name": "n"}, "line 2: the name 'a b' has blanks"),
        ('dna,hidden_state\n"A,H\n', {}, "line 2: cannot be read (unexpected end of data); is a d"),
        ("dna\thidden_state\n", {}, "holds no rows; is it the right file?"),
        ("", {}, "line 1: has no column names in its first line"),
        (b"dna\thidden_state\nA\t\xff\n", {}, "line 2: is no text in UTF-8; save the file as UTF-"),
        (gzip.compress(b"dna\n" * 999)[:-9], {}, "the compressed file is incomplete or damaged"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_error_with_its_place(tmp_path, text, how, message):
    assert error_of(tmp_path, text, **how).startswith(message)


def test_real_proteins_are_read(shared_data):
    path = shared_data / "protein_ss" / "cb6133filtered.csv.gz"
    oracle = pd.read_csv(path, dtype=str, keep_default_na=False)
    found = list(read_sequence_table(path, sequence="input", states="expected"))
    assert [r.sequence for r in found] == oracle["input"].tolist()
    assert [r.states for r in found] == oracle["expected"].tolist()
