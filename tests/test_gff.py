"""GFF3 and GTF as annotated features: held against pysam, bedtools, Biopython and lines of ours."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pysam
import pytest
from Bio.Seq import Seq
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag import fasta_text
from basetag.errors import InputError
from basetag.fasta import read_fasta
from basetag.labelling.genome_feature import Landmark
from basetag.labelling.gff import gff_landmarks, read_gff

WORD = st.from_regex(r"[A-Za-z][A-Za-z0-9_.]{0,8}", fullmatch=True)
TEXT = st.text(
    st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=8
)  # any, for GFF3 escapes what it must
PLAIN = st.from_regex(r"[A-Za-z0-9 _.,;=:#%-]{0,10}", fullmatch=True)
GENE = 'gene_id "g1"; transcript_id "t1";'


def written(folder: Path, content: str | bytes, name: str = "x.gff") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes, **how):
    return list(read_gff(written(folder, content), **how))


def row(**changes: object) -> str:
    columns = {
        "record": "chr1", "source": "x", "kind": "CDS", "start": 10, "end": 20, "score": ".",
        "strand": "+", "phase": 0, "attributes": "ID=c1",
    }  # fmt: skip
    return "\t".join(map(str, (columns | changes).values())) + "\n"


def error_of(folder: Path, content: str | bytes, **how) -> str:
    path = written(folder, content)
    with pytest.raises(InputError) as caught:
        list(read_gff(path, **how))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path)).removeprefix(", ").removeprefix(": ")


def escaped(text: str) -> str:
    return quote(text, safe=" ")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            TEXT.filter(lambda text: text.strip() == text),
            st.integers(0, 10**9),
            st.integers(1, 10**6),
            st.sampled_from("+-."),
            st.sampled_from(["0", "1", "2"]),
            st.dictionaries(WORD, st.lists(TEXT, min_size=1, max_size=3), min_size=1, max_size=4),
        ),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_gff3_written_as_lines_is_read_back(tmp_path_factory, rows):
    text = "##gff-version 3\n"
    for record, start, length, strand, phase, attributes in rows:
        pairs = ";".join(
            f"{name}={','.join(map(escaped, values))}" for name, values in attributes.items()
        )
        text += row(
            record=quote(record, safe=""), start=start + 1, end=start + length, strand=strand,
            phase=phase, attributes=pairs,
        )  # fmt: skip
    found = read(tmp_path_factory.mktemp("gff"), text)
    assert [
        (f.record, f.start, f.end - f.start, f.strand, str(f.phase), dict(f.attributes))
        for f in found
    ] == [
        (*others, {name: tuple(values) for name, values in attributes.items()})
        for *others, attributes in rows
    ]
    assert [f.line for f in found] == list(range(2, len(rows) + 2))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**9),
            st.integers(1, 10**6),
            st.sampled_from("+-."),
            st.sampled_from("012"),
            st.lists(
                st.tuples(WORD, st.one_of(PLAIN, st.integers(0, 30))), min_size=1, max_size=5
            ),
        ),
        min_size=1, max_size=6,
    ),
    st.sampled_from([";", "; ", " ; "]),
    st.booleans(),
)  # fmt: skip
def test_gtf_written_as_lines_is_read_back(tmp_path_factory, rows, between, ended):
    text = ""
    for start, length, strand, phase, pairs in rows:
        column = between.join(
            f"{name} {value}" if isinstance(value, int) else f'{name} "{value}"'
            for name, value in pairs
        )
        text += row(
            start=start + 1, end=start + length, strand=strand, phase=phase,
            attributes=column + ";" * ended,
        )  # fmt: skip
    found = read(tmp_path_factory.mktemp("gtf"), text)
    for feature, (start, length, strand, phase, pairs) in zip(found, rows, strict=True):
        assert (feature.start, feature.end) == (start, start + length)
        assert (feature.strand, feature.phase) == (strand, int(phase))
        assert dict(feature.attributes) == {
            name: tuple(str(value) for other, value in pairs if other == name) for name, _ in pairs
        }


def test_gtf_is_read_as_pysam_reads_it(tmp_path):
    text = "".join(
        row(
            record=f"chr{i % 3}", kind=kind, start=100 * i + 1, end=100 * i + 50,
            strand="+-"[i % 2], phase=i % 3,
            attributes=f'gene_id "g{i}"; transcript_id "t{i}"; exon_number "{i}"; note "a b=c";',
        )
        for i in range(50)
        for kind in ("exon", "CDS")
    )  # fmt: skip
    path = tmp_path / "x.gtf.gz"
    path.write_bytes(gzip.compress(text.encode()))
    with gzip.open(path, "rb") as file:
        oracle = [
            (o.contig, o.start, o.end, o.strand, o.feature, o.frame, o.gene_id, o.transcript_id)
            for o in pysam.tabix_iterator(file, pysam.asGTF())
        ]
    assert oracle == [
        (f.record, f.start, f.end, f.strand, f.kind, f.phase, f.attributes["gene_id"][0], f.group)
        for f in read_gff(path)
    ]


def test_which_dialect_a_file_is_its_first_attributes_say(tmp_path):
    (gff,) = read(tmp_path, row(attributes='ID=c1;Note="quoted" words'))
    assert gff.attributes == {"ID": ("c1",), "Note": ('"quoted" words',)}
    (gtf,) = read(tmp_path, row(attributes=' gene_id "a=b;c"; '))
    assert gtf.attributes == {"gene_id": ("a=b;c",)}
    augustus = row(kind="gene", attributes="g1") + row(attributes=GENE)
    assert [f.attributes.get("group") for f in read(tmp_path, augustus)] == [("g1",), None]
    bare, *_ = read(tmp_path, row(attributes=".") + row())
    assert (bare.attributes, bare.group) == ({}, None)


def test_parts_share_a_group_by_id_parent_or_transcript(tmp_path):
    def groups(*columns: str) -> list[str | None]:
        return [f.group for f in read(tmp_path, "".join(row(attributes=c) for c in columns))]

    assert groups("ID=c1;Parent=t1", "ID=c1;Parent=t1") == ["c1", "c1"]
    assert groups("Parent=t1,t2", "Parent=t1") == ["t1", "t1"]
    assert groups(GENE, 'gene_id "g"; transcript_id ""; protein_id "p";') == ["t1", "p"]
    assert groups("Note=alone") == [None]


def test_a_gtf_attribute_that_stands_several_times_has_several_values(tmp_path):
    text = row(attributes='tag "a"; level 2; tag "b";') + row(attributes='tag "c"; tag d;')
    one, other = read(tmp_path, text)
    assert one.attributes == {"tag": ("a", "b"), "level": ("2",)}
    assert other.attributes == {"tag": ("c", "d")}


def test_a_strand_that_nobody_knows_is_none(tmp_path):
    assert [f.strand for f in read(tmp_path, row(strand="?") + row(strand="."))] == [".", "."]


def test_sequences_directives_and_blank_lines_hold_no_features(tmp_path):
    text = "##gff-version 3\r\n\r\n" + row().replace("\n", "\r\n") + "###\r\n"
    assert [f.line for f in read(tmp_path, text + "##FASTA\r\n>chr1 a\r\nACGT\r\n\r\n")] == [3]
    assert [f.line for f in read(tmp_path, text + ">chr1 tab\tin it\nACGT\n")] == [3]


def test_a_feature_over_the_origin_ends_beyond_its_record(tmp_path):
    text = "##sequence-region p 1 1000\n"
    text += row(record="p", kind="region", start=1, end=1000, phase=".",
                attributes="ID=p;Is_circular=true")  # fmt: skip
    text += row(record="p", start=950, end=1100)
    path = written(tmp_path, text + "##sequence-region q%201 1 50\n")
    *_, cds = read_gff(path)
    assert (cds.start, cds.end) == (949, 1100)
    assert gff_landmarks(path) == {
        "p": Landmark("p", 1000, True, 2),
        "q 1": Landmark("q 1", 50, False, 4),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (row() + "chr1\tx\tCDS\t1\t9\n", "line 2: found 5 columns ('chr1\\tx\\tCDS\\t1\\t9'); a l"),
        (row().replace("\t", " "), "line 1: found 1 column ('chr1 x CDS"),
        (row(attributes="ID=a\tb"), "line 1: found 10 columns"),
        (row(start="ten"), "line 1: the start 'ten' is no position; GFF counts bases from 1"),
        (row(end="2_0"), "line 1: the end '2_0' is no position"),
        (row(end="9" * 30), "line 1: the end '99999"),
        (row() + row(start=0), "line 2: the start is 0; GFF counts bases from 1"),
        (row(start=30), "line 1: the interval from 30 to 20 is reversed; the start is the smaller"),
        (row(strand="forward"), "line 1: the strand is 'forward'; it is one of + - . ?"),
        (row(phase="."), "line 1: a CDS has no phase; it is 0, 1 or 2"),
        (row(phase="3"), "line 1: the phase is '3'; it is 0, 1 or 2"),
        (row(kind="exon", phase="x"), "line 1: the phase is 'x'; it is 0, 1, 2 or ."),
        (row(attributes="ID=a;b"), "line 1: the attribute 'b' is no name=value; attributes of GFF"),
        (row(attributes="ID=a;=b"), "line 1: the attribute '=b' is no name=value"),
        (row() + row(attributes=GENE), "line 2: the attribute 'gene_id"),
        (row(attributes=GENE) + row(), "line 2: the attribute 'ID=c1' cannot be read; attributes"),
        (row(attributes='gene_id "g1; x "y"'), "line 1: the attribute '"),
        (row(attributes='gene_id "g1'), "line 1: the attribute 'gene_id \"g1' cannot be read"),
        (row() + "##FASTA\n>a\nAC\n" + row(), "line 5: features stand behind the sequences, which"),
        (row() + "##FASTA\n>a\n##gff-version 3\n", "line 4: features stand behind the sequences"),
        (row() + "##FASTA\nACGT\n", "line 3: found 'ACGT' where a sequence should begin; behind"),
        ("##gff-version 3\n", "holds no features; is it the right file?"),
        ("", "holds no features"),
        ("##FASTA\n>a\nAC\n", "holds no features"),
        (row().encode("utf-16"), "line 1: is no text in UTF-8; save the file as UTF-8"),
        (row(attributes="ID=é").encode("latin-1"), "line 1: is no text in UTF-8"),
        (gzip.compress(row().encode() * 999)[:-9], "the compressed file is incomplete or damaged"),
    ],
)
def test_what_is_wrong_is_one_error_with_its_line(tmp_path, text, message):
    assert error_of(tmp_path, text).startswith(message)


def test_a_cds_may_lack_its_phase_where_nobody_needs_it(tmp_path):
    (feature,) = read(tmp_path, row(phase="."), phases=False)
    assert feature.phase is None
    assert error_of(tmp_path, row(phase="5"), phases=False).startswith("line 1: the phase is '5'")


def test_a_sequence_region_that_cannot_be_read_is_an_error(tmp_path):
    path = written(tmp_path, "##sequence-region chr1 1\n")
    with pytest.raises(InputError, match=r"line 1: '##sequence-region chr1 1' cannot be read"):
        gff_landmarks(path)


@pytest.mark.parametrize("block", [7, 1 << 18])
def test_lines_are_counted_right_in_compressed_files(tmp_path, monkeypatch, block):
    monkeypatch.setattr(fasta_text, "_BLOCK", block)  # no result may depend on where blocks end
    text = "".join(row(start=i, end=i + 9).replace("\n", "\r\n") for i in range(1, 99))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        file.write(text.encode())
    assert read(tmp_path, packed.getvalue()) == read(tmp_path, text)
    broken = gzip.compress((text + row(start="x")).encode())
    assert error_of(tmp_path, broken).startswith("line 99: the start 'x'")


def test_real_coding_sequences_translate_on_both_strands(shared_data):
    """E. coli: a wrong base, strand or phase would leave stops within nearly every protein."""
    folder = shared_data / "ecoli_mg1655"
    stem = "GCF_000005845.2_ASM584v2_genomic"
    (genome,) = (sequence for _, _, sequence in read_fasta(folder / f"{stem}.fna.gz"))
    path = folder / f"{stem}.gff.gz"
    assert gff_landmarks(path) == {"NC_000913.3": Landmark("NC_000913.3", 4641652, True, 8)}
    cds = [f for f in read_gff(path) if f.kind == "CDS" and "pseudo" not in f.attributes]
    assert len(cds) > 4000
    assert {f.strand for f in cds} == {"+", "-"}
    whole = inner_stops = 0
    for _, parts in groupby(cds, key=lambda f: f.group):
        (first, *others) = parts
        if others:
            continue  # programmed frameshifts
        sequence = Seq(genome[first.start : first.end])
        sequence = sequence if first.strand == "+" else sequence.reverse_complement()
        protein = str(sequence[first.phase :].translate(table=11))
        whole += protein.endswith("*")
        inner_stops += "*" in protein[:-1]
    assert whole > 4000
    assert inner_stops <= 3  # the selenoproteins


@pytest.mark.skipif(not shutil.which("bedtools"), reason="bedtools is not there")
def test_real_features_cover_what_bedtools_says_they_cover(shared_data, tmp_path):
    path = shared_data / "ecoli_mg1655" / "GCF_000005845.2_ASM584v2_genomic.gff.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    cds = "".join(f"{line}\n" for line in text.splitlines() if "\tCDS\t" in line)
    ordered = sorted(cds.splitlines(), key=lambda line: int(line.split("\t")[3]))
    written(tmp_path, "\n".join(ordered) + "\n")
    for strand in "+-":
        out = subprocess.run(
            ["bedtools", "merge", "-S", strand, "-i", str(tmp_path / "x.gff")],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        oracle = np.zeros(4641652, dtype=bool)
        for line in out.splitlines():
            oracle[slice(*map(int, line.split("\t")[1:3]))] = True
        covered = np.zeros(4641652, dtype=bool)
        for feature in read_gff(path):
            if feature.kind == "CDS" and feature.strand == strand:
                covered[feature.start : feature.end] = True
        np.testing.assert_array_equal(covered, oracle)


def test_a_real_file_called_gff_that_is_gtf_is_read(shared_data):
    path = shared_data / "small_annotated" / "ggal_1_48850000_49020000.bed.gff"
    found = list(read_gff(path))
    assert len(found) == len(path.read_text().splitlines())
    with path.open("rb") as file:
        oracle = [
            (o.contig, o.start, o.end, o.strand, o.feature, o.frame, o.transcript_id)
            for o in pysam.tabix_iterator(file, pysam.asGTF())
        ]
    assert oracle == [(f.record, f.start, f.end, f.strand, f.kind, f.phase, f.group) for f in found]
