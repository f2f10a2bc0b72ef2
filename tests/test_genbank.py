"""GenBank as annotated features and sequences: held against Biopython and known translations."""

from __future__ import annotations

import gzip
from itertools import groupby
from pathlib import Path

import pytest
from Bio import SeqIO
from Bio.Seq import Seq
from Bio.SeqFeature import CompoundLocation, SeqFeature, SimpleLocation
from Bio.SeqRecord import SeqRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.errors import InputError
from basetag.labelling.genbank import genbank_landmarks, read_genbank, read_genbank_sequences
from basetag.labelling.genome_feature import Landmark

REAL = ("NC_000932.gb", "NC_001422.gbk", "NC_005816.gb")

RECORD = """\
LOCUS       AB000001                  60 bp    DNA     {shape} BCT 01-JAN-2020
DEFINITION  A made-up plasmid.
ACCESSION   AB000001
VERSION     AB000001.2
FEATURES             Location/Qualifiers
     source          1..60
                     /mol_type="genomic DNA"
     {feature}
ORIGIN
        1 atgaaacccg ggtttaaacc cgggtttaaa cccgggttta aacccgggtt taaacccgta
//
"""


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "x.gb"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def record(feature: str = "CDS             1..9", shape: str = "linear  ") -> str:
    return RECORD.format(feature=feature, shape=shape)


def parts(folder: Path, feature: str, shape: str = "linear  ") -> list[tuple]:
    found = list(read_genbank(written(folder, record(feature, shape))))
    return [(f.start, f.end, f.strand, f.phase) for f in found if f.kind != "source"]


def error_of(folder: Path, content: str | bytes, reader=read_genbank) -> str:
    path = written(folder, content)
    with pytest.raises(InputError) as caught:
        list(reader(path))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path)).removeprefix(", ").removeprefix(": ")


def test_a_feature_has_the_record_s_versioned_name_its_key_line_and_qualifiers(tmp_path):
    notes = "".join(f'\n{21 * " "}/note="{note}"' for note in "ab")
    source, cds = read_genbank(written(tmp_path, record(f"CDS             1..9{notes}")))
    assert (source.kind, source.start, source.end, source.phase) == ("source", 0, 60, None)
    assert (cds.record, cds.kind, cds.line) == ("AB000001.2", "CDS", 8)
    assert cds.attributes == {"note": ("a", "b")}
    assert source.group != cds.group


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("1..9", [(0, 9, "+", 0)]),
        ("complement(1..9)", [(0, 9, "-", 0)]),
        ("join(1..4,7..10)", [(0, 4, "+", 0), (6, 10, "+", 2)]),
        ("complement(join(1..4,7..10))", [(6, 10, "-", 0), (0, 4, "-", 2)]),
        ("join(complement(7..10),complement(1..4))", [(6, 10, "-", 0), (0, 4, "-", 2)]),
        ("join(complement(7..10),20..30)", [(6, 10, "-", 0), (19, 30, "+", 2)]),
        ("order(1..3,10..12)", [(0, 3, "+", 0), (9, 12, "+", 0)]),
        ("join(1..2,2..9)", [(0, 2, "+", 0), (1, 9, "+", 1)]),
        ("join(1..1,5..5,8..20)", [(0, 1, "+", 0), (4, 5, "+", 2), (7, 20, "+", 1)]),
        ("join(51..60,1..5)", [(50, 60, "+", 0), (0, 5, "+", 2)]),
        ("<3..>8", [(2, 8, "+", 0)]),
        ("7", [(6, 7, "+", 0)]),
        ("5^6", []),
        ("join(J00194.1:1..4,7..9)", [(6, 9, "+", 2)]),
    ],
)
def test_locations_become_the_parts_that_the_format_means(tmp_path, location, expected):
    assert parts(tmp_path, f"CDS             {location}", "circular") == expected


@pytest.mark.parametrize(("start", "phases"), [(1, [0, 2]), (2, [1, 0]), (3, [2, 1])])
def test_codon_start_is_the_phase_of_the_part_that_is_read_first(tmp_path, start, phases):
    feature = f"CDS             complement(join(1..4,7..10))\n{21 * ' '}/codon_start={start}"
    assert [phase for *_, phase in parts(tmp_path, feature)] == phases


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, -1]),
            st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=4),
        ),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_features_that_biopython_writes_are_read_back(tmp_path_factory, features):
    sequence = Seq("ACGTTGCA" * 40)
    content = SeqRecord(sequence, id="AB1.1", name="AB1", annotations={"molecule_type": "DNA"})
    for strand, gaps in features:
        at, places = 0, []
        for gap, length in gaps:
            places.append(SimpleLocation(at + gap, at + gap + length, strand))
            at += gap + length
        places = places[::strand]
        location = CompoundLocation(places) if len(places) > 1 else places[0]
        content.features.append(SeqFeature(location, type="CDS"))
    path = tmp_path_factory.mktemp("gb") / "x.gb"
    SeqIO.write(content, path, "genbank")
    groups = [list(own) for _, own in groupby(read_genbank(path), key=lambda f: f.group)]
    assert len(groups) == len(features)
    for found, feature in zip(groups, content.features, strict=True):
        spliced = Seq("")
        for part in found:
            assert part.phase == -len(spliced) % 3
            stretch = sequence[part.start : part.end]
            spliced += stretch if part.strand == "+" else stretch.reverse_complement()
        assert spliced == feature.extract(sequence)
    assert [(name, letters) for name, _, letters in read_genbank_sequences(path)] == [
        ("AB1.1", bytes(sequence))
    ]


def test_records_follow_each_other_and_count_their_lines(tmp_path):
    second = record().replace("AB000001", "AB000002")
    text = record() + "\n" + second
    for content in (text, text.replace("\n", "\r\n"), gzip.compress(text.encode())):
        path = written(tmp_path, content)
        found = list(read_genbank(path))
        assert [(f.record, f.line) for f in found] == [
            ("AB000001.2", 6), ("AB000001.2", 8), ("AB000002.2", 18), ("AB000002.2", 20),
        ]  # fmt: skip
        assert [name for name, _, _ in read_genbank_sequences(path)] == ["AB000001.2", "AB000002.2"]


def test_landmarks_say_length_and_shape(tmp_path):
    path = written(tmp_path, record() + record(shape="circular").replace("AB000001", "AB000002"))
    assert genbank_landmarks(path) == {
        "AB000001.2": Landmark("AB000001.2", 60, False, 1),
        "AB000002.2": Landmark("AB000002.2", 60, True, 12),
    }


def test_a_record_without_a_version_bears_the_name_of_its_locus(tmp_path):
    text = record().replace("VERSION     AB000001.2\n", "").replace("ACCESSION   AB000001\n", "")
    assert {f.record for f in read_genbank(written(tmp_path, text))} == {"AB000001"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">chr1\nACGT\n", "line 1: found '>chr1' where a record should begin; a record of GenBank"),
        (record() + "more\n", "line 12: found 'more' where a record should begin"),
        ("", "holds no record; GenBank begins with a line LOCUS"),
        (record().replace("//\n", ""), "the last record has no end (a line //); is the file compl"),
        (record("CDS             1..nine"), "line 8, record 'AB000001.2': the location of this CD"),
        (record("CDS             30..20"), "line 8, record 'AB000001.2': the location of this CDS"),
        (record(f"CDS             1..9\n{21 * ' '}/codon_start=4"), "line 8, record 'AB000001.2':"),
        ("LOCUS\n//\n", "line 1"),
        (record().replace("     CDS             1..9\n", "").replace(
            '     source          1..60\n                     /mol_type="genomic DNA"\n', ""),
         "holds no features"),
        (b"LOCUS \xff\n", "line 1: is no text in UTF-8"),
        (gzip.compress(record().encode() * 99)[:-9], "the compressed file is incomplete or damage"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_error(tmp_path, text, message):
    assert error_of(tmp_path, text).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (record().replace("taaacccgta\n", "\n"), "line 1, record 'AB000001.2': has 50 letters, an"),
        (record() + record(), "line 12, record 'AB000001.2': a record of this name stands"),
        (record().split("ORIGIN")[0] + "ORIGIN\n//\n", "line 1, record 'AB000001.2': has no sequ"),
        (record().split("ORIGIN")[0] + "CONTIG      join(U1.1:1..60)\n//\n", "line 1, record 'AB"),
    ],
)  # fmt: skip
def test_sequences_that_are_not_whole_are_an_error(tmp_path, text, message):
    assert error_of(tmp_path, text, read_genbank_sequences).startswith(message)


@pytest.mark.parametrize("name", REAL)
def test_real_coding_sequences_translate_to_the_proteins_that_the_file_gives(shared_data, name):
    path = shared_data / "small_annotated" / name
    ((record_name, _, sequence),) = read_genbank_sequences(path)
    oracle = SeqIO.read(path, "genbank")
    assert (record_name, sequence) == (oracle.id, bytes(oracle.seq))
    found = list(read_genbank(path))
    lines = path.read_text().splitlines()
    assert all(lines[f.line - 1].startswith(f"     {f.kind} ") for f in found)
    translated = 0
    for _, own in groupby(found, key=lambda f: f.group):
        pieces = list(own)
        if "translation" not in pieces[0].attributes:
            continue
        spliced = Seq("")
        for part in pieces:
            assert part.phase == -len(spliced) % 3
            stretch = Seq(sequence[part.start : part.end])
            spliced += stretch if part.strand == "+" else stretch.reverse_complement()
        protein = str(spliced.translate(table=11)).rstrip("*")
        # The first codon may be another start than ATG, and RNA editing changes a few.
        (expected,) = pieces[0].attributes["translation"]
        assert len(protein) == len(expected)
        assert sum(a != b for a, b in zip(protein, expected, strict=True)) <= 2
        translated += 1
    assert translated == sum("translation" in f.qualifiers for f in oracle.features) > 5
