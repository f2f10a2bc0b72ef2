"""Labels of bases by annotations of every format, computed by hand, and by other tools."""

import logging

import numpy as np
import pyBigWig
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basetag.errors import InputError
from basetag.intervals import Runs
from basetag.labelling import painting
from basetag.letters import UNLABELLED
from tests.labelled import codons_of, encoded, text_of


@pytest.fixture(params=[7, 1 << 20], ids=["tiny chunks", "usual chunks"], autouse=True)
def chunk(request, monkeypatch):
    """No label may depend on where chunks end."""
    monkeypatch.setattr(painting, "_CHUNK", request.param)


def written(folder, name, text):
    (folder / name).write_text(text)
    return str(folder / name)


def dataset(folder, sequences, kind, text, **labels):
    return {
        "fasta": written(folder, "genome.fa", sequences),
        "labels": {kind: written(folder, f"annotation.{kind}", text), **labels},
    }


ONE = ">one\nACGTACGTACGTACGTACGT\n"  # 20 bases


def gff(*rows, record="one"):
    """Lines of type, start, end (from 1, inclusive), strand, phase, attributes."""
    lines = [f"{record}\tx\t{k}\t{s}\t{e}\t.\t{strand}\t{p}\t{a}" for k, s, e, strand, p, a in rows]
    return "##gff-version 3\n" + "\n".join(lines) + "\n"


def test_bed_counts_from_zero_and_leaves_its_end_out(tmp_path):
    bed = "one\t0\t3\none\t17\t20\ntwo\t1\t2\n"
    own = dataset(
        tmp_path, ONE + ">two\nACG\n>bare\nA\n", "bed", bed, features="island", background="sea"
    )
    corpus = encoded(tmp_path, own)
    assert text_of(corpus) == "IIISSSSSSSSSSSSSSIII" + "SIS" + "S"
    assert corpus.states == ("I", "S")
    assert corpus.state_names == {"I": "island", "S": "sea"}
    assert corpus.mirror == (0, 1)
    assert corpus.names == ["one", "two", "bare"]


def test_gff_counts_from_one_with_its_end_and_without_background_nothing_is_negative(tmp_path):
    text = gff(("gene", 2, 4, "+", ".", "ID=a"), ("tRNA", 20, 20, "-", ".", "ID=b"))
    own = dataset(tmp_path, ONE, "gff", text, features={"gene": "gene", "tRNA": "tRNA"})
    corpus = encoded(tmp_path, own)
    assert text_of(corpus) == "." + "GGG" + 15 * "." + "T"
    assert corpus.states == ("G", "T")


def test_states_of_each_strand_are_each_others_mirror(tmp_path):
    text = gff(("gene", 2, 4, "+", ".", "ID=a"), ("gene", 18, 20, "-", ".", "ID=b"))
    own = dataset(
        tmp_path,
        ONE,
        "gff",
        text,
        features={"gene": "gene"},
        stranded=True,
        background="none of it",
    )
    corpus = encoded(tmp_path, own)
    assert text_of(corpus) == "N" + "GGG" + 13 * "N" + "ggg"
    assert corpus.state_names == {"G": "gene+", "g": "gene-", "N": "none of it"}
    assert corpus.mirror == (1, 0, 2)


def test_codon_positions_on_both_strands_of_gff(tmp_path):
    text = gff(
        ("CDS", 2, 7, "+", "0", "ID=a"),
        ("CDS", 10, 12, "-", "0", "ID=b"),
        # Two parts on the minus strand, the codon cut at the intron: read from 20 downwards.
        ("CDS", 19, 20, "-", "0", "ID=c"),
        ("CDS", 14, 17, "-", "1", "ID=c"),
    )
    own = dataset(
        tmp_path, ONE, "gff", text, features={"CDS": "coding"}, stranded=True,
        codon_positions=True, background="noncoding",
    )  # fmt: skip
    corpus = encoded(tmp_path, own)
    assert text_of(corpus) == "NCCCCCCNNcccNccccNcc"
    assert codons_of(corpus) == "g123123gg321g3213g21"
    assert corpus.substates.names == (
        "coding+1", "coding+2", "coding+3", "coding-1", "coding-2", "coding-3", "noncoding",
    )  # fmt: skip
    assert corpus.substates.label_of == (0, 0, 0, 1, 1, 1, 2)
    assert corpus.substates.mirror == (3, 4, 5, 0, 1, 2, 6)


def test_gtf_joins_the_parts_of_a_transcript(tmp_path):
    def line(kind, start, end, phase, transcript):
        return (
            f"one\tx\t{kind}\t{start}\t{end}\t.\t+\t{phase}\t"
            f'gene_id "g"; transcript_id "{transcript}"; gene_biotype "protein_coding";\n'
        )

    text = line("exon", 1, 9, ".", "t") + line("CDS", 3, 6, "0", "t") + line("CDS", 9, 10, "2", "t")
    own = dataset(
        tmp_path, ONE, "gtf", text, features={"CDS": "coding", "exon": "coding"}, stranded=True,
        codon_positions=True, background="other",
    )  # fmt: skip
    corpus = encoded(tmp_path, own)
    # Where only the exon lies, nobody knows the position in a codon.
    assert text_of(corpus) == 10 * "C" + 10 * "O"
    assert codons_of(corpus) == "..1231..23" + 10 * "r"


GENBANK = """\
LOCUS       one                       20 bp    DNA     circular BCT 01-JAN-2000
DEFINITION  Made up.
ACCESSION   one
VERSION     one.1
FEATURES             Location/Qualifiers
     source          1..20
     CDS             join(18..20,1..3)
                     /codon_start=1
     CDS             complement(6..11)
     CDS             join(12..13,15..18)
                     /ribosomal_slippage
     tRNA            complement(join(4..4,5..5))
                     /pseudo
ORIGIN
        1 acgtacgtac gtacgtacgt
//
"""


def test_a_genbank_file_brings_its_sequences(tmp_path):
    own = {
        "genbank": written(tmp_path, "one.gb", GENBANK),
        "labels": {
            "features": [
                {"type": "CDS", "state": "coding"},
                {"type": "tRNA", "without": ["pseudo"], "state": "tRNA"},
                {"type": "tRNA", "attributes": {"pseudo": True}, "state": "unlabelled"},
            ],
            "stranded": True,
            "codon_positions": True,
            "background": "other",
            "letters": {"tRNA+": "R", "tRNA-": "r"},
        },
    }
    with pytest.raises(InputError, match="no feature gives the state 'tRNA'"):
        encoded(tmp_path, own)
    del own["labels"]["features"][1], own["labels"]["letters"]
    corpus = encoded(tmp_path, own)
    assert corpus.names == ["one.1"]
    assert corpus.alphabet.decode(corpus.tokens) == "ACGTACGTACGTACGTACGT"
    assert text_of(corpus) == "CCC..ccccccCCOCCCCCC"
    # The base 18 is the end of one coding sequence and the first of another: 3 and 1.
    assert codons_of(corpus) == "123..32132112r312.23"


def test_an_open_end_in_genbank_makes_a_coding_sequence_partial(tmp_path):
    own = {
        "genbank": "",
        "labels": {
            "features": {"CDS": "coding"}, "stranded": True, "codon_positions": True,
            "background": "other",
        },
    }  # fmt: skip
    own["genbank"] = written(tmp_path, "one.gb", GENBANK.replace("(6..11)", "(6..>10)"))
    assert codons_of(encoded(tmp_path, own))[5:10] == "21321"
    own["genbank"] = written(tmp_path, "one.gb", GENBANK.replace("(6..11)", "(6..10)"))
    with pytest.raises(InputError, match=r"line 9: this CDS has 5 bases, no multiple of 3"):
        encoded(tmp_path, own)


def test_labels_of_a_fasta_file_may_come_from_a_genbank_file_beside_it(tmp_path):
    own = dataset(tmp_path, ONE, "genbank", GENBANK, features={"CDS": "coding"},
                  background="other", strip=["version"])  # fmt: skip
    assert text_of(encoded(tmp_path, own)) == "CCCOOCCCCCCCCOCCCCCC"


def test_a_feature_goes_around_a_circular_record(tmp_path):
    region = ("region", 1, 20, ".", ".", "ID=one;Is_circular=true")
    for text, more in (
        (gff(region, ("CDS", 19, 24, "+", "0", "ID=a")), {}),
        (gff(("CDS", 19, 24, "+", "0", "ID=a")), {"circular": True}),
        # The same in two lines, as some programs write it.
        (gff(region, ("CDS", 1, 4, "+", "1", "ID=a"), ("CDS", 19, 20, "+", "0", "ID=a")), {}),
    ):
        own = dataset(
            tmp_path, ONE, "gff", text, features={"CDS": "coding"}, stranded=True,
            codon_positions=True, background="other", **more,
        )  # fmt: skip
        corpus = encoded(tmp_path, own)
        assert text_of(corpus) == "CCCC" + 14 * "O" + "CC"
        assert codons_of(corpus) == "3123" + 14 * "r" + "12"
    minus = dataset(
        tmp_path, ONE, "gff", gff(region, ("CDS", 19, 24, "-", "0", "ID=a")),
        features={"CDS": "coding"}, stranded=True, codon_positions=True, background="other",
    )  # fmt: skip
    assert codons_of(encoded(tmp_path, minus)) == "1321" + 14 * "r" + "32"


def bigwig(path, *intervals, length=20):
    import pyBigWig

    with pyBigWig.open(str(path), "w") as file:
        file.addHeader([("one", length)])
        starts, ends, values = (list(column) for column in zip(*intervals, strict=True))
        file.addEntries(["one"] * len(starts), starts, ends=ends, values=values)
    return str(path)


@pytest.mark.parametrize(("missing", "elsewhere"), [({}, "."), ({"missing": "background"}, "L")])
def test_a_bigwig_track_is_high_or_low(tmp_path, missing, elsewhere):
    path = bigwig(tmp_path / "x.bw", (2, 5, 0.5), (5, 9, 0.49), (9, 10, 3.0))
    own = {
        "fasta": written(tmp_path, "genome.fa", ONE + ">two\nACG\n"),
        "labels": {"bigwig": path, "threshold": 0.5, "state": "high", "background": "low"}
        | missing,
    }
    corpus = encoded(tmp_path, own)
    e = elsewhere
    assert text_of(corpus) == 2 * e + "HHHLLLLH" + 10 * e + 3 * e
    own["labels"]["threshold"] = 5
    with pytest.raises(InputError, match="no base reaches the threshold 5; look at the numbers"):
        encoded(tmp_path, own)


def test_a_table_of_sequences_and_states(tmp_path):
    table = "id\tdna\thidden_state\nx\tACGTN\tHHLL.\ny\tgg\tLH\n"
    own = {
        "table": written(tmp_path, "rows.tsv", table),
        "columns": {"name": "id"},
        "states": {"L": "GC-poor", "H": "GC-rich"},
    }
    corpus = encoded(tmp_path, own)
    assert text_of(corpus) == "HHLL.LH"
    assert corpus.names == ["x", "y"]
    assert corpus.alphabet.decode(corpus.tokens) == "ACGTNGG"
    assert corpus.states == ("L", "H")
    left = encoded(tmp_path, own | {"leave_out": ["masked", "unknown"]})
    assert text_of(left) == "HHLL..."
    assert left.alphabet.decode(left.tokens) == "ACGTNGG"
    with pytest.raises(InputError, match=r"rows\.tsv, line 2, record 'x', position 2: .*'X'"):
        encoded(
            tmp_path, own | {"table": written(tmp_path, "rows.tsv", table.replace("ACG", "AXG"))}
        )


def test_masked_and_unknown_bases_can_be_left_out_of_every_kind(tmp_path):
    sequences = ">one\nACgtNACRTacgtACGTACG\n>two\nnn\n"
    bed = "one\t0\t20\ntwo\t0\t2\n"
    for leave_out, expected in (
        ([], 20 * "I" + "II"),
        (["masked"], "II..IIIII....IIIIIII" + ".."),
        (["unknown"], "IIII.II.IIIIIIIIIIII" + ".."),
        (["unknown", "masked"], "II...II.I....IIIIIII" + ".."),
    ):
        own = dataset(
            tmp_path,
            sequences,
            "bed",
            bed,
            features="island",
            background="sea",
            leave_out=leave_out,
        )
        corpus = encoded(tmp_path, own)
        assert text_of(corpus) == expected
        assert corpus.alphabet.decode(corpus.tokens) == "ACGTNACRTACGTACGTACGNN"
        states = written(tmp_path, "states.fa", f">one\n{20 * 'I'}\n>two\nII\n")
        own["labels"] = {
            "fasta": states, "states": {"I": "island", "S": "sea"}, "leave_out": leave_out
        }  # fmt: skip
        corpus = encoded(tmp_path, own)
        assert text_of(corpus) == expected
        assert corpus.alphabet.decode(corpus.tokens) == "ACGTNACRTACGTACGTACGNN"


def test_what_was_counted_is_in_the_log_and_beside_the_corpus(tmp_path, caplog):
    text = gff(
        ("gene", 1, 10, "+", ".", "ID=a"),
        ("rRNA", 6, 12, "+", ".", "ID=b"),
        ("region", 1, 20, "+", ".", "ID=c"),
    )
    own = dataset(
        tmp_path, ">one\nACGTACGTACGTACGTACNN\n>two\nA\n", "gff", text,
        features={"gene": "gene", "rRNA": "rRNA"}, background="other", leave_out=["unknown"],
    )  # fmt: skip
    with caplog.at_level(logging.INFO, logger="basetag"):
        encoded(tmp_path, own)
    assert "states: {'G': 5, 'R': 2, 'O': 7, '.': 7}" in caplog.text
    for words in (
        "1 features meet 'gene': gene",
        "passed over: region (1)",
        "1 records have no feature that gives a state",
        "5 bases are unlabelled: features of several states overlap",
        "2 bases are unlabelled, as they are unknown",
    ):
        assert words in caplog.text


GOOD = gff(("CDS", 2, 7, "+", "0", "ID=a"))
CODONS = {"stranded": True, "codon_positions": True}


@pytest.mark.parametrize(
    ("old", "new", "labels", "words"),
    [
        ("", "", {"features": {"CDs": "x"}}, "'x': none meets 'CDs'; did you mean 'CDS'?"),
        ("", "", {"features": {"tRNA": "x"}}, "none meets 'tRNA'; its other features are CDS (1)"),
        ("one\t", "chr_one\t", {}, "the sequences have no record 'chr_one'"),
        ("one\t", "else\t", {"subset": True}, "all 1 that could are of records that the"),
        ("\t7\t", "\t21\t", {}, "line 2, record 'one': from base 2 to base 21 reaches beyond the"),
        ("\t7\t", "\t22\t", {"circular": True}, "more than once around the record's 20 bases"),
        ("+", ".", {"stranded": True}, "line 2, record 'one': this feature has no strand, and x"),
        ("\t2\t7\t", "\t4\t8\t", CODONS, "line 2: this CDS has 5 bases, no multiple of 3; where"),
        (
            "#",
            "##sequence-region one 1 21\n#",
            {},
            "line 1, record 'one': is said to have 21 bases",
        ),
        ("", "", {"rename": {"a": "two"}}, "no such record"),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_nothing(tmp_path, old, new, labels, words):
    text = GOOD.replace(old, new, 1)
    own = dataset(
        tmp_path, ONE, "gff", text, **{"features": {"CDS": "x"}, "background": "other"} | labels
    )
    with pytest.raises(InputError) as caught:
        encoded(tmp_path, own)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "corpus").glob("**/*"))


def test_names_of_records_agree_by_map_by_prefix_and_by_version(tmp_path):
    sequences = ">chr1 x\nACGT\n>chr2\nACGT\n"
    expected = "GGOO" + "OOOO"
    for name, labels in (
        ("1", {"strip": ["chr"]}),
        ("1.3", {"strip": ["chr", "version"]}),
        ("first", {"rename": {"first": "chr1"}}),
        (1, {"rename": {1: "chr1"}}),
    ):
        own = dataset(
            tmp_path, sequences, "gff", gff(("gene", 1, 2, "+", ".", "ID=a"), record=name),
            features={"gene": "gene"}, background="other", **labels,
        )  # fmt: skip
        assert text_of(encoded(tmp_path, own)) == expected
    twice = dataset(
        tmp_path, sequences + ">2\nA\n", "gff", gff(("gene", 1, 2, "+", ".", ""), record="1"),
        features={"gene": "gene"}, background="other", strip=["chr"],
    )  # fmt: skip
    with pytest.raises(InputError, match="the records 'chr2' and '2' have one name without chr"):
        encoded(tmp_path, twice)
    out = dataset(
        tmp_path, ">b\nACGT\n", "gff",
        gff(("gene", 1, 2, "+", ".", "")) + gff(("gene", 3, 4, "+", ".", ""), record="b"),
        features={"gene": "gene"}, background="other", rename={"one": None},
    )  # fmt: skip
    assert text_of(encoded(tmp_path, out)) == "OOGG"


def test_of_several_beginnings_of_names_that_do_not_count_the_longest_goes(tmp_path):
    text = gff(("gene", 1, 2, "+", ".", "ID=a"), record="chromosome1")
    text += gff(("gene", 3, 3, "+", ".", "ID=b"), record="chr1")
    own = dataset(
        tmp_path, ">1\nACGT\n", "gff", text, features={"gene": "gene"}, background="other",
        strip=["chr", "chromosome"],
    )  # fmt: skip
    assert text_of(encoded(tmp_path, own)) == "GGGO"


def test_two_names_of_a_track_that_become_one_record_are_an_error(tmp_path):
    path = tmp_path / "x.bw"
    with pyBigWig.open(str(path), "w") as file:
        file.addHeader([("1", 20), ("chr1", 20)])
        file.addEntries(["1", "chr1"], [0, 5], ends=[20, 6], values=[1.0, 0.0])
    labels = {"bigwig": str(path), "threshold": 0.5, "state": "high", "background": "low"}
    own = {
        "fasta": written(tmp_path, "genome.fa", ONE.replace("one", "chr1")),
        "labels": {**labels, "strip": ["chr"]},
    }
    with pytest.raises(InputError, match=r"x\.bw: '1' and 'chr1' both stand for .* 'chr1'"):
        encoded(tmp_path, own)


@pytest.mark.parametrize(
    ("rows", "codons"),
    [
        # As one ID, or none beside the parent, would say it: 5 bases, and 4 that go on.
        ([(2, 6, "+", 0, "ID=m.1;Parent=m"), (9, 12, "+", 1, "ID=m.2;Parent=m")],
         "r12312rr3123rrrrrrrr"),
        ([(2, 5, "-", 1, "ID=m.2;Parent=m"), (9, 13, "-", 0, "ID=m.1;Parent=m")],
         "r3213rrr21321rrrrrrr"),
        # Two sequences of one gene that overlap are two, and each is whole.
        ([(2, 7, "+", 0, "ID=a;Parent=g"), (3, 8, "+", 0, "ID=b;Parent=g")],
         "r1.....3rrrrrrrrrrrr"),
    ],
)  # fmt: skip
def test_parts_that_bear_an_id_each_are_joined_by_their_parent(tmp_path, rows, codons):
    text = gff(*(("CDS", start, end, strand, p, a) for start, end, strand, p, a in rows))
    own = dataset(
        tmp_path, ONE, "gff", text, features={"CDS": "coding"}, stranded=True,
        codon_positions=True, background="other",
    )  # fmt: skip
    assert codons_of(encoded(tmp_path, own)) == codons


def test_parts_joined_by_their_parent_must_fit_as_others_do(tmp_path):
    rows = [(5, 9, 0, "ID=m.1;Parent=m"), (12, 15, 2, "ID=m.2;Parent=m")]
    text = gff(*(("CDS", start, end, "+", p, a) for start, end, p, a in rows))
    own = dataset(
        tmp_path, ONE, "gff", text, features={"CDS": "coding"}, stranded=True,
        codon_positions=True, background="other",
    )  # fmt: skip
    with pytest.raises(InputError, match=r"line 3: the phase of this CDS is 2, .* leave 1"):
        encoded(tmp_path, own)
    alone = text.replace("m.2;Parent=m", "m.2;Parent=n")
    own["labels"]["gff"] = written(tmp_path, "annotation.gff", alone)
    with pytest.raises(InputError, match=r"line 2: this CDS has 5 bases, no multiple of 3"):
        encoded(tmp_path, own)


LETTERS = "ABCDE"


@st.composite
def labelled_records(draw):
    """State of each base of some records, among some states, with and without strands."""
    stranded = draw(st.booleans())
    n_states = draw(st.integers(2, 5))
    records = draw(
        st.lists(
            st.lists(
                st.tuples(st.sampled_from([*range(n_states), UNLABELLED]), st.integers(1, 5)),
                max_size=8,
            ),
            min_size=1,
            max_size=3,
        )
    )
    paths = [[label for label, n in runs for _ in range(n)] for runs in records]
    if not sum(map(len, paths)):
        paths[0] = [0]
    return stranded, n_states, paths


def names_of(stranded, n_states):
    names = [LETTERS[i // 2] + "+-"[i % 2] if stranded else LETTERS[i] for i in range(n_states)]
    return names, sorted({name[0] for name in names})


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(labelled_records())
def test_labels_come_back_from_bed_and_gff_as_they_were(tmp_path, drawn):
    stranded, n_states, paths = drawn
    names, features = names_of(stranded, n_states)
    present = {names[label][0] for path in paths for label in path if label != UNLABELLED}
    features = {name: name for name in features if name in present}
    columns = [n for name in features for n in ([name + "+", name + "-"] if stranded else [name])]
    if len(columns) < 2:
        return
    bed, gff3 = [], ["##gff-version 3"]
    for number, path in enumerate(paths):
        runs = Runs.of_path(np.array(path, dtype=np.uint8))
        for start, end, label in zip(runs.starts, runs.ends, runs.labels, strict=True):
            if label == UNLABELLED:
                continue
            name = names[label]
            strand = name[1] if stranded else "."
            bed.append(f"r{number}\t{start}\t{end}\t{name[0]}\t0\t{strand}")
            gff3.append(f"r{number}\tx\t{name[0]}\t{start + 1}\t{end}\t.\t{strand}\t.\tID=x")
    sequences = "".join(f">r{i}\n{'A' * len(path)}\n" for i, path in enumerate(paths))
    for kind, lines in (("bed", bed), ("gff", gff3)):
        own = dataset(
            tmp_path, sequences, kind, "\n".join(lines) + "\n", features=features, stranded=stranded
        )
        corpus = encoded(tmp_path, own)
        assert [corpus.state_names[letter] for letter in corpus.states] == columns
        expected = [
            label if label == UNLABELLED else columns.index(names[label])
            for path in paths
            for label in path
        ]
        assert corpus.labels.tolist() == expected
