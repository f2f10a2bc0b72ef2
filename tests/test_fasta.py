"""Reading, encoding and writing FASTA, held against Biopython and samtools."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pysam
import pytest
from Bio import SeqIO
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basetag import fasta_text
from basetag.alphabet import DNA, PROTEIN
from basetag.errors import InputError
from basetag.fasta import LetterTable, encode_fasta, read_fasta, write_fasta

TABLE = LetterTable.of_alphabet(DNA)
IUPAC = "ACGTRYSWKMBDHVN"


def encoded(path: Path) -> dict[str, str]:
    """Return what `encode_fasta` makes of a file, decoded again, by record."""
    names: list[str] = []
    lengths: list[int] = []
    values = b""
    for block in encode_fasta(path, TABLE):
        if block.continued:
            lengths[-1] += block.continued
        names += block.names
        lengths += block.lengths
        values += block.values
    ends = np.cumsum(lengths)
    text = DNA.decode(np.frombuffer(values, dtype=np.uint8))
    assert len(text) == sum(lengths)
    return {n: text[e - length : e] for n, e, length in zip(names, ends, lengths, strict=True)}


def written(folder: Path, content: bytes, name: str = "x.fa") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def error_of(folder: Path, content: bytes) -> str:
    path = written(folder, content)
    with pytest.raises(InputError) as caught:
        list(encode_fasta(path, TABLE))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(str(path)).removeprefix(", ").removeprefix(": ")


@pytest.fixture(params=[7, 1 << 18], ids=["tiny blocks", "usual blocks"])
def block_size(request, monkeypatch):
    """No result may depend on where the blocks end."""
    monkeypatch.setattr(fasta_text, "_BLOCK", request.param)


@st.composite
def fasta_files(draw) -> tuple[dict[str, str], bytes]:
    """Records, and one of the many files that hold them."""
    names = draw(st.lists(st.from_regex(r"[!-=?-~]{1,8}", fullmatch=True), unique=True, min_size=1))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    records = {}
    text = "".join(f"{line}{end}" for line in draw(st.lists(st.sampled_from(["", "; > a", ";"]))))
    for name in names:
        sequence = draw(st.text(alphabet=IUPAC + IUPAC.lower() + "Uu", max_size=60))
        records[name] = sequence
        text += ">" + draw(st.sampled_from(["", " "])) + name
        text += draw(st.sampled_from(["", " described; as > this", "\ttab"])) + end
        width = draw(st.integers(1, 70))
        for start in range(0, len(sequence), width):
            line = sequence[start : start + width]
            at = draw(st.integers(0, len(line)))
            text += line[:at] + draw(st.sampled_from(["", "", " ", "\t"])) + line[at:] + end
            text += draw(st.sampled_from(["", "", end, f"; comment > {end}"]))
    if draw(st.booleans()):
        text = text.removesuffix(end)
    data = draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode()
    packed = draw(st.sampled_from(["plain", "gzip", "two members"]))
    if packed == "gzip":
        data = gzip.compress(data)
    elif packed == "two members":
        half = len(data) // 2
        data = gzip.compress(data[:half]) + gzip.compress(data[half:])
    return records, data


@given(made=fasta_files(), block=st.sampled_from([3, 5, 17, 1 << 18]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_any_layout_of_a_file_gives_its_sequences(tmp_path, made, block):
    records, data = made
    path = written(tmp_path, data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fasta_text, "_BLOCK", block)
        expected = {name: seq.upper().replace("U", "T") for name, seq in records.items()}
        assert encoded(path) == expected
        assert {name: seq.decode() for name, _, seq in read_fasta(path)} == records


VALID = {
    "wrapped": b">a one\nACGT\nAC\n>b\nGG\n",
    "one line": b">a\nACGTAC\n",
    "lower case": b">a\nacgtn\nACGTN\n",
    "crlf": b">a\r\nACGT\r\nAC\r\n>b\r\nGG\r\n",
    "no last line end": b">a\nACGT\nAC",
    "blank lines between": b">a\nACGT\n\n>b\nGG\n\n",
    "blank before the name": b">  a one\nACGT\n",
    "tab behind the name": b">a\tone\nACGT\n",
    "'>' in the header": b">a 3'->5' >x\nACGT\n",
    "';' in the header": b">a;b; c\nACGT\n",
    "blanks at the end": b">a\nACGT  \nAC\n",
}


@pytest.mark.parametrize("content", VALID.values(), ids=VALID)
def test_valid_files_read_as_biopython_and_samtools_read_them(tmp_path, content, block_size):
    path = written(tmp_path, content)
    by_biopython = {r.id: str(r.seq).upper() for r in SeqIO.parse(path, "fasta")}
    with pysam.FastaFile(str(path)) as file:
        by_samtools = {name: file.fetch(name).upper() for name in file.references}
    assert encoded(path) == by_biopython == by_samtools


def test_lone_carriage_returns_end_lines_as_in_biopython(tmp_path, block_size):
    path = written(tmp_path, b">a\rACGT\rAC\r>b\rGG\r")
    assert encoded(path) == {r.id: str(r.seq) for r in SeqIO.parse(path, "fasta")}


def test_empty_records_are_kept(tmp_path, block_size):
    assert encoded(written(tmp_path, b">a\n>b\n\n>c\nA\n>d")) == {
        "a": "",
        "b": "",
        "c": "A",
        "d": "",
    }


def test_bgzf_is_known_by_its_bytes_and_not_by_its_name(tmp_path):
    write_fasta(tmp_path / "x.fa", [("a", b"ACGT")])
    assert (tmp_path / "x.fa").read_bytes()[:2] == b"\x1f\x8b"
    assert encoded(tmp_path / "x.fa") == {"a": "ACGT"}


def test_a_plain_file_may_be_called_gz(tmp_path):
    assert encoded(written(tmp_path, b">a\nAC\n", "x.fa.gz")) == {"a": "AC"}


@given(
    records=st.dictionaries(
        st.from_regex(r"[!-=?-~]{1,8}", fullmatch=True),
        st.text(alphabet="ACGTacgtN", max_size=300).map(str.encode),
        min_size=1,
    ),
    width=st.integers(1, 100),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_what_is_written_is_read_again_also_by_biopython(tmp_path, records, width):
    path = tmp_path / "x.fa.gz"
    write_fasta(path, records.items(), line_width=width)
    assert {name: sequence for name, _, sequence in read_fasta(path)} == records
    with gzip.open(path, "rt") as file:
        assert {r.id: str(r.seq).encode() for r in SeqIO.parse(file, "fasta")} == records


def test_a_description_is_the_rest_of_the_header(tmp_path):
    path = written(tmp_path, b">a  the first > one \r\nAC\n>b\nG\n")
    assert list(read_fasta(path)) == [("a", "the first > one", b"AC"), ("b", "", b"G")]


# Each error: what is in the file, and what the message says of it.
ERRORS = {
    "letter": (b">a\nACGT\nACXT\n", "line 3, column 3, record 'a': 'X' is no letter of the"),
    "letter behind crlf": (b">a\r\nACGT\r\nACXT\r\n", "line 3, column 3, record 'a': 'X'"),
    "letter behind cr": (b">a\rACGT\rACXT\r", "line 3, column 3, record 'a': 'X'"),
    "letter behind comment": (b";c\n>a\n;c\nAC\n;c\nAC!T\n", "line 6, column 3, record 'a': '!'"),
    "letter behind a mark": (b"\xef\xbb\xbf>a\nX\n", "line 2, column 1, record 'a': 'X'"),
    "second record": (b">a\nAC\n>b x\nACGT\nJ\n>c\nA\n", "line 5, column 1, record 'b': 'J'"),
    "before a new record": (b">a\nAC\nAC1\n>b\nA", "line 3, column 3, record 'a': '1'"),
    "letter of two bytes": (b">a\nAC\xc3\xa9X\n", "line 2, column 3, record 'a': 'é'"),
    "comment within a line": (b">a\nAC;T\n", "line 2, column 3, record 'a': ';'"),
    "its letters": (b">a\nX\n", "the letters are ACGTRYSWKMBDHVN"),
    "unknown base": (b">a\nX\n", "write N for an unknown base"),
    "protein": (b">a\nMKLV\n", "'L' is no letter of the alphabet 'dna'"),
    "protein advice": (b">a\nMKLV\n", "is it a protein file?"),
    "gap": (b">a\nAC-GT\n", "Remove them"),
    "number": (b">a\n1 ACGT\n", "Remove the numbers"),
    "header within a line": (b">a\nACGT>b\nAC\n", "a header must begin its line"),
    "no header": (b"\n\nACGT\n>a\nAC\n", "line 3: found 'ACGT' before any header"),
    "no name": (b">a\nA\n> \nAC\n", "line 3: the header has no name"),
    "name that is no text": (b">a\nA\n>\xe9\nAC\n", "line 3: the record's name is not UTF-8"),
    "two of one name": (b">a\nA\n>b\n>a x\nC\n", "line 4, record 'a': a record of this name"),
    "the first of two": (b";\n>a\nA\n>b\n>a x\nC\n", "stands in line 2 already"),
    "empty": (b"", "holds no sequence"),
    "comments alone": (b";a\n;b", "holds no sequence"),
    "fastq": (b"@r1\nACGT\n+\nIIII\n", "line 1: this is FASTQ, not FASTA"),
    "genbank": (b"LOCUS       NC_001416\n", "line 1: this is GenBank, not FASTA"),
    "binary": (b"\x93NUMPY\x01\x00v\x00", "line 1: this is a binary file, not FASTA"),
    "other": (b"Dear\ncolleague\n", "line 1: found 'Dear' before any header"),
}


@pytest.mark.parametrize(("content", "says"), ERRORS.values(), ids=ERRORS)
def test_an_error_says_where_and_what(tmp_path, content, says, block_size):
    assert says in error_of(tmp_path, content)


@pytest.mark.parametrize("block", range(3, 12))
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("letter", [b"!", b">", b";"])
def test_no_place_of_an_error_depends_on_the_blocks(tmp_path, monkeypatch, block, end, letter):
    monkeypatch.setattr(fasta_text, "_BLOCK", block)
    lines = [b";c", b">a", b"ACGT", b"", b">b x", b"AC", b"ACGTACGTACGTA" + letter + b"CGTACGT"]
    message = error_of(tmp_path, end.join(lines))
    assert message.startswith(f"line 7, column 14, record 'b': '{letter.decode()}'")


@pytest.mark.parametrize("pack", [gzip.compress, None], ids=["gzip", "plain"])
def test_an_error_far_into_a_file_has_the_line_and_column_of_its_text(tmp_path, pack):
    lines = [b">a"] + [b"ACGT" * 20] * 20_000 + [b">b"] + [b"ACGT" * 20] * 5_000
    lines[23_456] = lines[23_456][:41] + b"?" + lines[23_456][42:]
    content = b"\r\n".join(lines)
    message = error_of(tmp_path, pack(content) if pack else content)
    assert message.startswith("line 23457, column 42, record 'b': '?'")


def test_a_record_of_one_long_line_is_searched_to_the_column(tmp_path):
    content = b">a\n" + b"ACGT" * 1_000_000 + b"!"
    assert error_of(tmp_path, content).startswith("line 2, column 4000001, record 'a': '!'")


def test_a_missing_file_is_named_with_one_like_it(tmp_path):
    written(tmp_path, b">a\nA\n", "genome.fa")
    with pytest.raises(InputError, match=r"genom\.fa: there is no such file.*'genome\.fa'"):
        list(encode_fasta(tmp_path / "genom.fa", TABLE))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        list(encode_fasta(tmp_path, TABLE))


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_truncated_gzip_file_is_an_error(tmp_path, kept):
    data = gzip.compress(b">a\n" + os.urandom(3000).hex().encode().translate(None, b"0123456789ef"))
    path = written(tmp_path, data[: int(len(data) * kept)], "x.fa.gz")
    with pytest.raises(InputError, match="incomplete or damaged"):
        list(read_fasta(path))


def test_a_bgzf_file_cut_between_two_blocks_is_an_error(tmp_path):
    write_fasta(tmp_path / "x.fa.gz", [("a", b"ACGT" * 50_000)])
    data = (tmp_path / "x.fa.gz").read_bytes()
    second_block = int.from_bytes(data[16:18], "little") + 1
    path = written(tmp_path, data[:second_block], "cut.fa.gz")
    with pytest.raises(InputError, match="incomplete or damaged"):
        list(read_fasta(path))


def test_a_header_that_never_ends_is_an_error_and_not_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(fasta_text, "_BLOCK", 1000)
    monkeypatch.setattr(fasta_text, "_LONGEST_HEADER", 5000)
    assert "is a line end missing?" in error_of(tmp_path, b">a\nA\n>" + b"x" * 9000)


# Real files with every oddity, where the data folder is there.

DATA = os.environ.get("BASETAG_DATA")
ODD = sorted((Path(DATA) / "odd_fasta").glob("*")) if DATA else []
PROTEINS = ("bp_f001", "bp_f003", "bp_protein_lib", "seqkit_titin", "bp_flowers")


@pytest.mark.skipif(not DATA, reason="BASETAG_DATA names no data folder")
@pytest.mark.parametrize("path", ODD, ids=lambda path: path.name)
def test_an_odd_file_reads_as_biopython_reads_it_or_gives_one_clear_error(path):
    try:
        found = encoded(path)
    except InputError as error:
        message = str(error)
        assert message.startswith(f"{path}, line ")
        assert "\n" not in message
        if path.name.startswith(PROTEINS):
            assert "is no letter of the alphabet 'dna'" in message
        return
    assert not path.name.startswith(PROTEINS)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt") as file:
        expected = {r.id: str(r.seq).upper().replace("U", "T") for r in SeqIO.parse(file, "fasta")}
    assert found == expected


def test_a_stop_in_a_protein_is_told_with_what_to_do(tmp_path):
    path = written(tmp_path, b">a\nMKV\n>b\nMKLV\nEN*\n")
    with pytest.raises(InputError, match=r"line 5, column 3, record 'b': '\*' .*remove a \* at"):
        list(encode_fasta(path, LetterTable.of_alphabet(PROTEIN)))
