"""BED as annotated features: held against bedtools, and against lines written here."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag import fasta_text
from basetag.errors import InputError
from basetag.labelling.bed import read_bed

WORD = st.from_regex(r"[A-Za-z0-9_.|]{1,8}", fullmatch=True)


def written(folder: Path, content: str | bytes, name: str = "x.bed") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes):
    return list(read_bed(written(folder, content)))


def error_of(folder: Path, content: str | bytes) -> str:
    path = written(folder, content)
    with pytest.raises(InputError) as caught:
        list(read_bed(path))
    message = str(caught.value)
    assert message.startswith(str(path))
    return message.removeprefix(str(path)).removeprefix(", ").removeprefix(": ")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(WORD, st.integers(0, 10**9), st.integers(1, 10**6), WORD, st.sampled_from("+-.")),
        min_size=1,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(3, 6),
)
def test_features_written_as_lines_are_read_back(tmp_path_factory, rows, end, columns):
    folder = tmp_path_factory.mktemp("bed")
    text = "".join(
        "\t".join([record, str(start), str(start + length), kind, "0", strand][:columns]) + end
        for record, start, length, kind, strand in rows
    )
    found = read(folder, text)
    assert [(f.record, f.start, f.end, f.kind, f.strand, f.line) for f in found] == [
        (
            record, start, start + length,
            kind if columns > 3 else "", strand if columns > 5 else ".", number,
        )
        for number, (record, start, length, kind, strand) in enumerate(rows, 1)
    ]  # fmt: skip


def test_headers_blank_lines_and_a_byte_order_mark_are_passed_over(tmp_path):
    text = "\ufeffbrowser position chr1\ntrack name=x\n# a comment\n\nchr1\t0\t5\ntrack1\t2\t3\n"
    assert [(f.record, f.line) for f in read(tmp_path, text)] == [("chr1", 5), ("track1", 6)]


def test_columns_may_be_parted_by_blanks(tmp_path):
    (feature,) = read(tmp_path, "chr1  3 9 exon 0 -\n")
    assert (feature.record, feature.start, feature.end, feature.strand) == ("chr1", 3, 9, "-")


def test_further_columns_are_attributes(tmp_path):
    (nine,) = read(tmp_path, "a\t0\t9\tn\t7\t+\t1\t8\t255,0,0\n")
    assert nine.attributes["score"] == ("7",)
    assert nine.attributes["itemRgb"] == ("255,0,0",)
    (peak,) = read(tmp_path, "a\t0\t9\tn\t7\t.\t4.5\t3\t2\t5\n")
    assert peak.attributes["column7"] == ("4.5",)


def test_blocks_are_the_parts_of_one_feature(tmp_path):
    line = "chr1\t100\t200\tgene\t0\t-\t100\t200\t0\t2\t10,20,\t0,80,\n"
    found = read(tmp_path, line)
    assert [(f.start, f.end, f.strand, f.line) for f in found] == [
        (100, 110, "-", 1),
        (180, 200, "-", 1),
    ]
    assert found[0].group == found[1].group is not None


@pytest.mark.skipif(not shutil.which("bedtools"), reason="bedtools is not there")
@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(
            WORD,
            st.integers(0, 10**6),
            st.sampled_from("+-"),
            st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=5),
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_blocks_are_those_of_bedtools(tmp_path_factory, genes):
    folder = tmp_path_factory.mktemp("bed")
    lines = []
    for record, start, strand, blocks in genes:
        sizes, starts, at = [], [], -blocks[0][0]
        for gap, size in blocks:
            at += gap
            starts.append(str(at))
            sizes.append(str(size))
            at += size
        columns = (record, start, start + at, "g", 0, strand, start, start, 0, len(blocks))
        lines.append("\t".join([*map(str, columns), ",".join(sizes), ",".join(starts)]))
    path = written(folder, "\n".join(lines))
    out = subprocess.run(
        ["bedtools", "bed12tobed6", "-i", str(path)], capture_output=True, text=True, check=True
    ).stdout
    oracle = [
        (f[0], int(f[1]), int(f[2]), f[5])
        for f in (line.split("\t") for line in out.splitlines())
    ]  # fmt: skip
    assert [(f.record, f.start, f.end, f.strand) for f in read_bed(path)] == oracle


@pytest.mark.parametrize("how", ["gzip", "BGZF"])
def test_compressed_files_read_alike_and_count_their_lines(tmp_path, monkeypatch, how):
    monkeypatch.setattr(fasta_text, "_BLOCK", 64)  # no result may depend on where blocks end
    text = "".join(f"chr{i}\t{i}\t{i + 5}\n" for i in range(500))

    def compressed(text: str) -> bytes:
        if how == "gzip":
            return gzip.compress(text.encode())
        with pysam.BGZFile(str(tmp_path / "b"), "wb", None) as file:
            file.write(text.encode())
        return (tmp_path / "b").read_bytes()

    assert read(tmp_path, compressed(text)) == read(tmp_path, text)
    assert error_of(tmp_path, compressed(text + "chr1\tx\t5\n")).startswith("line 501: the start")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\t1\t5\na\t7\n", "line 2: found 2 columns ('a\\t7'); a line of BED is record"),
        ("a\t1.5\t5\n", "line 1: the start '1.5' is no position; if this line names"),
        ("a\t1\t5\na\t1\t5e3\n", "line 2: the end '5e3' is no position; BED counts"),
        ("a\t1\t5\na\t-1\t5\n", "line 2: the start '-1' is no position"),
        ("a\t9\t5\n", "line 1: the interval from 9 to 5 is reversed; BED counts bases from 0"),
        ("a\t5\t5\n", "line 1: the interval from 5 to 5 is empty; BED counts bases from 0"),
        ("a\t1\t5\tn\t0\tplus\n", "line 1: the strand is 'plus'; it is one of + - . ?"),
        ("a\tsrc\tCDS\t1\t5\t.\t+\t0\tID=x\n", "line 1: the start 'src' is no position; this"),
        ("chrom\tstart\tend\n", "line 1: the start 'start' is no position; if this line names"),
        ("a\t0\t9\tn\t0\t+\t0\t9\t0\t2\t5,\t0,4\n", "line 1: '2' blocks of sizes '5,' at '0,4'"),
        ("a\t0\t9\tn\t0\t+\t0\t9\t0\t2\t5,5\t0,4\n", "line 1: the block of 5 at 4 overlaps"),
        ("", "holds no features; is it the right file?"),
        ("# nothing\n\n", "holds no features"),
        (b"a\t0\t5\t\xff\n", "line 1: is no text in UTF-8; save the file as UTF-8"),
        (gzip.compress(b"a\t0\t5\n" * 999)[:-9], "the compressed file is incomplete or damaged"),
    ],
)
def test_what_is_wrong_is_one_error_with_its_line(tmp_path, text, message):
    assert error_of(tmp_path, text).startswith(message)


def test_a_missing_file_is_told_with_the_one_like_it(tmp_path):
    written(tmp_path, "a\t0\t5\n", "islands.bed")
    with pytest.raises(InputError, match=r"island\.bed: there is no such file.*'islands\.bed'"):
        list(read_bed(tmp_path / "island.bed"))


def test_real_islands_are_read(shared_data):
    path = shared_data / "human_cpg" / "islands.bed"
    found = list(read_bed(path))
    assert len(found) == len(path.read_text().splitlines())
    assert (found[0].record, found[0].start, found[0].end) == ("chr3", 2847, 3907)
