"""BED and GFF3 of an annotation, as other programs read them."""

import gzip
import re
import shutil
import subprocess
from itertools import groupby, pairwise
from urllib.parse import unquote

import numpy as np
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import DNA
from basetag.decoding import Decoding
from basetag.errors import InputError
from basetag.intervals import read_bed
from basetag.labelling.bed import read_bed as read_bed_features
from basetag.labelling.gff import read_gff
from basetag.state_colours import STATE_COLOURS
from basetag.tracks import bgzf, segments
from basetag.tracks.about import about_tracks
from tests.labelled import encoded
from tests.tracks_fixture import ABOUT, genome_of, write_tracks

STRANDED = ["coding+", "coding-", "non coding"]


def run(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def lines_of(path):
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def rows_of(path):
    return [line.split("\t") for line in lines_of(path) if not line.startswith("#")]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Three records, one of them without bases and one of a single base, and stranded states."""
    genome = genome_of({"chr1": 12, "empty": 0, "one|base": 1})
    path = [2] * 3 + [0] * 4 + [1] * 5 + [1]
    posterior = np.full((13, 3), 0.1, dtype=np.float32)
    posterior[np.arange(13), path] = 0.8
    posterior[3, 0] = 0.4
    return write_tracks(tmp_path_factory.mktemp("small"), genome, path, STRANDED, posterior)


def test_bed_counts_from_0_and_has_strand_score_and_colour_of_each_state(small):
    orange, blue, green = "213,94,0", "86,180,233", "0,158,115"
    assert rows_of(small / "segments.bed.gz") == [
        ["chr1", "0", "3", "non_coding", "800", ".", "0", "3", green],
        ["chr1", "3", "7", "coding+", "700", "+", "3", "7", orange],
        ["chr1", "7", "12", "coding-", "800", "-", "7", "12", blue],
        ["one|base", "0", "1", "coding-", "800", "-", "0", "1", blue],
    ]


def test_gff3_counts_from_1_on_both_strands_and_names_the_state(small):
    assert rows_of(small / "segments.gff3.gz") == [
        ["chr1", "basetag", "region", "1", "3", "0.8000", ".", ".", "Name=non_coding"],
        ["chr1", "basetag", "region", "4", "7", "0.7000", "+", ".", "Name=coding+"],
        ["chr1", "basetag", "region", "8", "12", "0.8000", "-", ".", "Name=coding-"],
        ["one|base", "basetag", "region", "1", "1", "0.8000", "-", ".", "Name=coding-"],
    ]


def test_headers_say_whose_the_segments_are_and_how_long_the_records(small):
    about = [f"# {name}: {value}" for name, value in ABOUT.items()]
    assert lines_of(small / "segments.bed.gz")[:3] == about
    assert lines_of(small / "segments.gff3.gz")[:6] == [
        "##gff-version 3", *about, "##sequence-region chr1 1 12", "##sequence-region one|base 1 1",
    ]  # fmt: skip


def test_bedtools_reads_the_bed_and_the_gff3_as_the_same_intervals(small):
    bed, gff3 = (str(small / f"segments.{kind}.gz") for kind in ("bed", "gff3"))
    # Each segment lies over its own self, on its strand, from end to end.
    found = run("bedtools", "intersect", "-a", bed, "-b", gff3, "-s", "-f", "1", "-r", "-wa", "-wb")
    stranded = [line.split("\t") for line in found.splitlines()]
    assert [(row[0], row[3]) for row in stranded] == [
        ("chr1", "coding+"), ("chr1", "coding-"), ("one|base", "coding-"),
    ]  # fmt: skip
    merged = run("bedtools", "merge", "-i", bed)
    assert merged.splitlines() == ["chr1\t0\t12", "one|base\t0\t1"]


def test_tabix_finds_what_overlaps_a_place(small):
    for kind, names in (("bed", "\tcoding+\t"), ("gff3", "Name=coding+")):
        found = run("tabix", str(small / f"segments.{kind}.gz"), "chr1:4-5").splitlines()
        assert len(found) == 1
        assert names in found[0]
        header = run("tabix", "-H", str(small / f"segments.{kind}.gz")).splitlines()
        assert f"# genome: {ABOUT['genome']}" in header


def test_gt_holds_the_gff3_to_be_valid(small, tmp_path):
    plain = tmp_path / "segments.gff3"
    plain.write_text("\n".join(lines_of(small / "segments.gff3.gz")) + "\n")
    assert "input is valid" in run("gt", "gff3validator", "-typecheck", "so", str(plain))


def test_names_that_gff3_forbids_are_escaped_and_bed_has_them_as_they_are(tmp_path):
    names = ["a;b=c", "chr%20", "gi|7|é", ">x", "HLA-A*01:01"]
    genome = genome_of(dict.fromkeys(names, 3))
    folder = write_tracks(tmp_path, genome, [0] * 15, ["odd;state,one=%", "other"])
    assert [row[0] for row in rows_of(folder / "segments.bed.gz")] == names
    rows = rows_of(folder / "segments.gff3.gz")
    assert [unquote(row[0]) for row in rows] == names
    assert all(re.fullmatch(r"[a-zA-Z0-9.:^*$@!+_?|%-]+", row[0]) for row in rows)
    assert {row[8] for row in rows} == {"Name=odd%3Bstate%2Cone%3D%25"}
    plain = tmp_path / "segments.gff3"
    plain.write_text("\n".join(lines_of(folder / "segments.gff3.gz")) + "\n")
    assert "input is valid" in run("gt", "gff3validator", "-typecheck", "so", str(plain))


def test_a_name_that_every_reader_takes_for_a_comment_is_refused(tmp_path):
    with pytest.raises(InputError, match="begins with #"):
        write_tracks(tmp_path, genome_of({"#one": 3}), [0] * 3, ["H", "L"])


def test_a_record_beyond_what_a_tbi_reaches_gets_a_csi(tmp_path, monkeypatch):
    monkeypatch.setattr(bgzf, "TBI_REACH", 100)
    folder = write_tracks(tmp_path, genome_of({"long": 200}), [0] * 150 + [1] * 50, ["H", "L"])
    for kind in ("bed", "gff3"):
        path = folder / f"segments.{kind}.gz"
        assert path.with_name(f"{path.name}.csi").exists()
        for end in ("csi", "tbi"):
            index = str(path.with_name(f"{path.name}.{end}"))
            with pysam.TabixFile(str(path), index=index) as tabix:
                assert len(list(tabix.fetch("long", 160, 170))) == 1


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_labels_come_back_from_bed_and_gff3_as_they_were(tmp_path_factory, data):
    lengths = data.draw(st.lists(st.integers(0, 25), min_size=1, max_size=5))
    n = sum(lengths)
    path = data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    genome = genome_of({f"r {number}".replace(" ", "_"): n for number, n in enumerate(lengths)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "BLOCK_BASES", data.draw(st.integers(1, 40)))
        folder = write_tracks(tmp_path_factory.mktemp("round"), genome, path, STRANDED)
    runs = []
    first = 0
    for name, length in zip(genome.names, lengths, strict=True):
        start = 0
        for label, run_ in groupby(path[first : first + length]):
            runs.append((name, start, start := start + len(list(run_)), label))
        first += length
    from_bed = [
        (name, *row)
        for name, found in read_bed(folder / "segments.bed.gz", STRANDED)
        for row in zip(found.starts, found.ends, found.labels, strict=True)
    ]
    assert from_bed == runs
    from_gff3 = [
        (row[0], int(row[3]) - 1, int(row[4]), ["+", "-", "."].index(row[6]))
        for row in rows_of(folder / "segments.gff3.gz")
    ]
    assert from_gff3 == runs
    for one, other in pairwise(runs):
        assert one[0] != other[0] or one[3] != other[3]


def test_a_minimum_length_and_both_strands_stand_in_the_header_where_they_are_set(tmp_path):
    (tmp_path / "tagger").write_bytes(b"abc")
    card = {"states": ["H", "L"], "state_names": {"H": "GC rich", "L": "poor"}}

    def about(decoding, **more):
        run = ("phage", "toy/gru/seed1", tmp_path / "tagger", card)
        return about_tracks(*run, Decoding.of(decoding), **more)

    plain = about("argmax")
    assert plain["decoding"] == "argmax"
    # The SHA-256 of "abc" is the first example of FIPS 180-2.
    assert plain["tagger sha256"].startswith("ba7816bf8f01cfea414140de5dae2223")
    assert "minimum length" not in plain
    assert "strands" not in plain
    set_ = about({"method": "viterbi", "minimum_length": {"H": 9}}, both_strands=True)
    assert set_["minimum length"].startswith("GC_rich 9, poor 1 bases")
    assert set_["strands"] == "the mean of both"


def test_twelve_states_have_colours_of_their_own():
    assert len(set(STATE_COLOURS)) == 12


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_labels_go_through_tracks_into_a_corpus_as_they_were(tmp_path_factory, data):
    # An annotation without any feature of a state is a mistake, so that one record has them all.
    lengths = [2, *data.draw(st.lists(st.integers(1, 25), min_size=1, max_size=4))]
    n = sum(lengths[1:])
    path = [0, 1, *data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))]
    genome = genome_of({f"r;{number}": length for number, length in enumerate(lengths)})
    folder = write_tracks(tmp_path_factory.mktemp("corpus"), genome, path, STRANDED)
    records = zip(genome.names, genome.starts, lengths, strict=True)
    (folder / "genome.fa").write_text(
        "".join(f">{r}\n{DNA.decode(genome.tokens[s : s + n])}\n" for r, s, n in records)
    )
    for kind, features in (
        ("bed", {"coding+": "coding", "coding-": "coding"}),
        ("gff", [{"attributes": {"Name": ["coding+", "coding-"]}, "state": "coding"}]),
    ):
        name = {"bed": "segments.bed.gz", "gff": "segments.gff3.gz"}[kind]
        labels = {
            kind: str(folder / name), "features": features, "stranded": True,
            "background": "non coding",
        }  # fmt: skip
        corpus = encoded(folder, {"fasta": str(folder / "genome.fa"), "labels": labels})
        label_of = {name: label for label, name in enumerate(STRANDED)}
        names = [corpus.state_names[state] for state in corpus.states]
        found = [label_of[names[label]] for label in corpus.known_labels.tolist()]
        assert found == path
        assert corpus.names == genome.names


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.booleans())
def test_the_readers_of_annotations_give_back_each_segment(tmp_path_factory, path, odd):
    name = "chr 1;%".replace(" ", "_") if odd else "chr1"
    folder = write_tracks(
        tmp_path_factory.mktemp("read"), genome_of({name: len(path)}), path, STRANDED
    )
    expected = []
    start = 0
    for label, group in groupby(path):
        end = start + len(list(group))
        expected.append((name, start, end, "+-."[label], STRANDED[label].replace(" ", "_")))
        start = end
    from_bed = [
        (f.record, f.start, f.end, f.strand, f.kind)
        for f in read_bed_features(folder / "segments.bed.gz")
    ]
    from_gff = [
        (f.record, f.start, f.end, f.strand, *f.attributes["Name"])
        for f in read_gff(folder / "segments.gff3.gz")
    ]
    assert from_bed == from_gff == expected
