"""Start and stop codons as finer states: by hand, and against a plain loop over bases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.errors import InputError
from basetag.labelling import painting
from basetag.labelling.annotation import read_annotation
from basetag.labelling.genome_feature import GenomeFeature
from basetag.labelling.painting import Stretches
from basetag.labelling.record_lookup import RecordLookup
from basetag.labelling.state_rules import Rule, StateRules
from basetag.letters import UNLABELLED
from basetag.network_tagger import build_network, card_of_substates
from basetag.networks.activations import active_rows
from basetag.segments import Segments
from basetag.steps import training_steps
from basetag.training.initial_weights import draw_weights
from tests.labelled import encoded, text_of

#: How the substates are drawn here: a to c a start codon, x to z a stop codon, 1 to 3 all others.
DRAWN = {"start": "abc", "stop": "xyz", "": "123"}
GENOME = ">one\nACGTACGTACGTACGTACGTACGTACGTAC\n"  # 30 bases
KEYS = {
    "features": {"CDS": "coding"}, "stranded": True, "codon_positions": "ends",
    "background": "noncoding",
}  # fmt: skip


@pytest.fixture(params=[7, 1 << 20], ids=["tiny chunks", "usual chunks"], autouse=True)
def chunk(request, monkeypatch):
    """No label may depend on where chunks end."""
    monkeypatch.setattr(painting, "_CHUNK", request.param)


def lines(*rows):
    """Lines of start, end (from 1, inclusive), strand, phase, attributes."""
    return "".join(f"one\tx\tCDS\t{s}\t{e}\t.\t{strand}\t{p}\t{a}\n" for s, e, strand, p, a in rows)


def drawn(folder, text, kind="gff", **keys):
    """Return the substates of a genome with this annotation as a text."""
    return drawing_of(corpus_of(folder, text, kind, **keys))


def corpus_of(folder, text, kind="gff", **keys):
    (folder / "genome.fa").write_text(GENOME)
    (folder / "annotation").write_text(text)
    labels = {kind: str(folder / "annotation"), **KEYS, **keys}
    return encoded(folder, {"fasta": str(folder / "genome.fa"), "labels": labels})


def drawing_of(corpus):
    letters = {UNLABELLED: "."}
    for index, name in enumerate(corpus.substates.names):
        codon = name.rstrip("123").removeprefix("coding+").removeprefix("coding-")
        letters[index] = DRAWN[codon][int(name[-1]) - 1] if codon in DRAWN else "-"
    return "".join(letters[substate] for substate in corpus.substates.labels.tolist())


def test_the_first_and_the_last_codon_of_each_strand_have_states_of_their_own(tmp_path):
    corpus = corpus_of(tmp_path, lines((5, 13, "+", 0, "ID=a"), (17, 25, "-", 0, "ID=b")))
    assert drawing_of(corpus) == "----abc123xyz---zyx321cba-----"
    assert text_of(corpus) == "NNNNCCCCCCCCCNNNcccccccccNNNNN"
    found = corpus.substates
    codons = ("1", "2", "3", "start1", "start2", "start3", "stop1", "stop2", "stop3")
    assert found.names == (
        *(f"coding+{codon}" for codon in codons), *(f"coding-{codon}" for codon in codons),
        "noncoding",
    )  # fmt: skip
    assert found.label_of == (*9 * [0], *9 * [1], 2)
    assert found.mirror == (*range(9, 18), *range(9), 18)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(5, 6, 0), (9, 13, 1), (16, 17, 2)], "----ab--c123x--yz-------------"),
        ([(5, 5, 0), (7, 7, 2), (9, 15, 1)], "----a-b-c123xyz---------------"),
        # An intron behind the first codon, and one before the last.
        ([(5, 7, 0), (9, 11, 0), (13, 15, 0)], "----abc-123-xyz---------------"),
        # A ribosome that slips reads the base 10 twice.
        ([(5, 10, 0), (10, 15, 0)], "----abc12.23xyz---------------"),
    ],
)
@pytest.mark.parametrize("strand", ["+", "-"])
def test_codons_go_on_over_joined_parts(tmp_path, rows, expected, strand):
    if strand == "-":
        rows = [(31 - end, 31 - start, phase) for start, end, phase in rows]
        expected = expected[::-1]
    text = lines(*((start, end, strand, phase, "ID=a") for start, end, phase in rows))
    assert drawn(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(28, 36, 0)], "123xyz" + 21 * "-" + "abc"),
        ([(29, 37, 0)], "c123xyz" + 21 * "-" + "ab"),
        ([(24, 32, 0)], "yz" + 21 * "-" + "abc123x"),
        # The same in two lines, whose phases alone do not tell with which it begins.
        ([(1, 6, 0), (28, 30, 0)], "123xyz" + 21 * "-" + "abc"),
        ([(1, 7, 1), (29, 30, 0)], "c123xyz" + 21 * "-" + "ab"),
        # Introns: the longest gap is what is not transcribed.
        ([(2, 4, 0), (8, 10, 0), (25, 27, 0)], "-123---xyz" + 14 * "-" + "abc---"),
    ],
)
@pytest.mark.parametrize("strand", ["+", "-"])
def test_a_coding_sequence_goes_around_a_circular_record(tmp_path, rows, expected, strand):
    if strand == "-":
        turned = [(31 - end, 31 - start, phase) for start, end, phase in rows]
        rows = [(s + 30, e + 30, p) if s < 1 else (s, e, p) for s, e, p in turned]
        expected = expected[::-1]
    text = lines(*((start, end, strand, phase, "ID=a") for start, end, phase in rows))
    assert drawn(tmp_path, text, circular=True) == expected


BODY, BEGUN, ENDED, WHOLE = "123123123", "abc123123", "123123xyz", "abc123xyz"


@pytest.mark.parametrize(
    ("attributes", "plus", "minus"),
    [
        ("partial=false", WHOLE, WHOLE),
        ("exception=ribosomal slippage", WHOLE, WHOLE),
        ("transl_except=(pos:14..16%2Caa:Sec)", WHOLE, WHOLE),
        ("exception=trans-splicing", BODY, BODY),
        ("partial=true", BODY, BODY),
        ("pseudo=true", BODY, BODY),
        ("partial=true;start_range=.,11", ENDED, BEGUN),
        ("partial=true;end_range=19,.", BEGUN, ENDED),
        ("partial=true;start_range=.,11;end_range=19,.", BODY, BODY),
        ("partial=00", WHOLE, WHOLE),
        ("partial=10", ENDED, BEGUN),
        ("partial=01", BEGUN, ENDED),
        ("partial=11", BODY, BODY),
        ("tag=basic,cds_start_NF", ENDED, ENDED),
        ("tag=mRNA_end_NF", BEGUN, BEGUN),
    ],
)
def test_an_end_that_is_not_known_has_no_codon_of_its_own(tmp_path, attributes, plus, minus):
    for strand, expected in (("+", plus), ("-", minus[::-1])):
        text = lines((11, 19, strand, 0, "ID=a;" + attributes))
        assert drawn(tmp_path, text) == 10 * "-" + expected + 11 * "-"


@pytest.mark.parametrize(
    ("start", "strand", "expected"),
    [(1, "+", ENDED), (1, "-", BEGUN), (22, "+", BEGUN), (22, "-", ENDED), (4, "+", WHOLE)],
)
def test_what_reaches_an_end_of_its_record_may_go_on_beyond_it(tmp_path, start, strand, expected):
    found = drawn(tmp_path, lines((start, start + 8, strand, 0, "ID=a")))
    assert found.strip("-") == (expected if strand == "+" else expected[::-1])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Nothing is made of an end within a codon, nor of a sequence of one codon.
        ([(11, 21, "+", 0, "ID=a;exception=x")], "abc12312312"),
        ([(11, 21, "+", 2, "ID=a")], "23123123xyz"),
        ([(11, 13, "+", 0, "ID=a")], "123"),
        ([(11, 13, "+", 0, "ID=a;partial=01")], "abc"),
        # Parts that do not fit each other: the first codon is not read through.
        ([(11, 12, "+", 0, "ID=a;pseudo=false;exception=x"), (13, 18, "+", 0, "ID=a")], "12123xyz"),
        # Isoforms in one frame: where one begins and the other goes on, nobody knows.
        ([(11, 22, "+", 0, "ID=a"), (14, 22, "+", 0, "ID=b")], "abc...123xyz"),
        ([(11, 22, "+", 0, "ID=a"), (11, 19, "+", 0, "ID=b")], "abc123...xyz"),
        # ATGA: in two frames.
        ([(11, 19, "+", 0, "ID=a"), (16, 24, "+", 0, "ID=b")], "abc12....23xyz"),
        ([(11, 16, "+", 0, "ID=a"), (17, 22, "+", 0, "ID=b")], "abcxyzabcxyz"),
    ],
)
def test_what_is_told_of_other_coding_sequences(tmp_path, rows, expected):
    assert drawn(tmp_path, lines(*rows)).strip("-") == expected


GENBANK = """\
LOCUS       one                       30 bp    DNA     linear   BCT 01-JAN-2000
DEFINITION  Made up.
ACCESSION   one
VERSION     one.1
FEATURES             Location/Qualifiers
     source          1..30
     CDS             {}
ORIGIN
        1 acgtacgtac gtacgtacgt acgtacgtac
//
"""


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("11..19", WHOLE),
        ("<11..19", ENDED),
        ("11..>19", BEGUN),
        ("complement(<11..19)", BEGUN[::-1]),
        ("complement(11..>19)", ENDED[::-1]),
        ("<11..>19", BODY),
        ("join(11..12,15..21)", "ab--c123xyz"),
        ("complement(join(11..12,15..21))", "zy--x321cba"),
        # Exons of both strands, read in the order in which they stand.
        ("join(complement(11..13),15..20)", "cba-123xyz"),
    ],
)
def test_genbank_says_which_end_is_open(tmp_path, location, expected):
    (tmp_path / "one.gb").write_text(GENBANK.format(location))
    own = encoded(tmp_path, {"genbank": str(tmp_path / "one.gb"), "labels": KEYS})
    assert "".join(drawing_of(own)).strip("-") == expected


def gtf(*rows):
    """Lines of kind, start, end, strand, phase of one transcript."""
    end = 'gene_id "g"; transcript_id "t";'
    return "".join(f"one\tx\t{k}\t{s}\t{e}\t.\t{d}\t{p}\t{end}\n" for k, s, e, d, p in rows)


WITH_STOPS = {"features": {"CDS": "coding", "stop_codon": "coding"}}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("CDS", 11, 16, 0), ("stop_codon", 17, 19, 0)], "abc123xyz"),
        # Some programs count the stop codon among the CDS.
        ([("CDS", 11, 19, 0), ("stop_codon", 17, 19, 0)], "abc123xyz"),
        ([("CDS", 11, 16, 0), ("stop_codon", 17, 17, 0), ("stop_codon", 20, 21, 2)], "abc123x--yz"),
        (
            [("stop_codon", 19, 19, "."), ("CDS", 11, 13, 0), ("stop_codon", 16, 17, ".")],
            "abc--xy-z",
        ),
        # No codon: bases of the state, of which nobody knows more.
        ([("CDS", 11, 16, 0), ("stop_codon", 17, 18, 0)], "abc123.."),
    ],
)
@pytest.mark.parametrize("strand", ["+", "-"])
def test_in_gtf_stop_codons_are_features_of_their_own(tmp_path, rows, expected, strand):
    if strand == "-":
        rows = [(kind, 31 - end, 31 - start, phase) for kind, start, end, phase in rows]
        expected = expected[::-1]
    text = gtf(*((kind, start, end, strand, phase) for kind, start, end, phase in rows))
    for kind in ("gtf", "gff"):
        assert drawn(tmp_path, text, kind, **WITH_STOPS).strip("-") == expected


def test_in_gtf_the_last_codon_of_a_transcript_without_stop_codon_is_none(tmp_path):
    text = gtf(("CDS", 11, 16, "+", 0), ("stop_codon", 17, 19, "+", 0))
    other = gtf(("CDS", 21, 26, "+", 0)).replace('"t"', '"u"')
    assert drawn(tmp_path, text + other, "gtf", **WITH_STOPS).strip("-") == "abc123xyz-abc123"


def test_gtf_whose_stop_codons_give_no_coding_state_is_an_error(tmp_path):
    text = gtf(("CDS", 11, 16, "+", 0), ("stop_codon", 17, 19, "+", 0))
    with pytest.raises(
        InputError, match="no feature 'stop_codon' gives a coding state, and in GTF"
    ):
        drawn(tmp_path, text, "gtf")
    assert drawn(tmp_path, text, "gtf", codon_positions=True).strip("-") == "123123"


def test_in_gff3_a_stop_codon_is_part_of_the_cds_whatever_else_is_said(tmp_path):
    text = lines((11, 19, "+", 0, "ID=a;Parent=t"))
    text += "one\tx\tstop_codon\t17\t19\t.\t+\t0\tID=b;Parent=t\n"
    assert drawn(tmp_path, text, **WITH_STOPS).strip("-") == WHOLE


LENGTH = 60
RULES = StateRules(
    states=("c+", "c-", "r"),
    rules=(Rule("c", type="CDS"),),
    stranded=frozenset("c"),
    coding=frozenset("c"),
    ends=True,
    background="r",
)
GENES = st.tuples(
    st.integers(0, LENGTH - 1),
    st.sampled_from("+-"),
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(1, 8), st.integers(1, 4)), max_size=3),
    st.sampled_from(["", "partial", "start_range", "end_range"]),
)


def placed(gene, circular):
    """Return the bases of a gene in the order in which they are read, its strand and attribute.

    It takes up at most half of the record; None where it does not fit a linear one.
    """
    start, strand, codons, exons, attribute = gene
    bases, at = [], start
    for exon, intron in [*exons, (3 * codons, 0)]:
        exon = min(exon, 3 * codons - len(bases))
        bases += range(at, at + exon)
        at += exon + intron
    if bases[-1] >= LENGTH and not circular:
        return None
    if bases[-1] - bases[0] >= LENGTH // 2:
        return None
    return (bases if strand == "+" else bases[::-1]), strand, attribute


def features_of(bases, strand, attribute, name):
    """Yield the parts of a gene, in the order in which they are read."""
    step = 1 if strand == "+" else -1
    cuts = [i for i in range(1, len(bases)) if bases[i] - bases[i - 1] != step]
    for first, last in zip([0, *cuts], [*cuts, len(bases)], strict=True):
        own = sorted(bases[first:last])
        start, end = own[0], own[-1] + 1
        if start >= LENGTH:
            start, end = start - LENGTH, end - LENGTH
        attributes = {attribute: ("true",)} if attribute else {}
        yield GenomeFeature("one", start, end, strand, "CDS", -first % 3, attributes, 1, name)


def substates_of(genes, circular):
    """Return the substate of each base, one base after the other."""
    told = [set() for _ in range(LENGTH)]
    for bases, strand, attribute in genes:
        low, high = attribute != "start_range", attribute != "end_range"
        if attribute == "partial":
            low = high = False
        if not circular:
            low, high = low and min(bases) >= 3, high and max(bases) < LENGTH - 3
        begins, ends = (low, high) if strand == "+" else (high, low)
        for place, base in enumerate(bases):
            codon, kind = place // 3, 0
            if begins and codon == 0:
                kind = 1
            if ends and codon == len(bases) // 3 - 1:
                kind = 0 if kind == 1 else 2
            told[base % LENGTH].add(("+-".index(strand), kind, place % 3))
    found = []
    for own in told:
        if not own:
            found.append(18)
        elif len(own) == 1:
            ((strand, kind, position),) = own
            found.append(9 * strand + 3 * kind + position)
        else:
            found.append(UNLABELLED)
    return found


@settings(deadline=None)
@given(st.lists(GENES, min_size=1, max_size=5), st.booleans(), st.booleans(), st.randoms())
def test_substates_are_what_a_loop_over_codons_says(genes, circular, in_order, random):
    found = [own for gene in genes if (own := placed(gene, circular)) is not None]
    if not found:
        return
    features = [list(features_of(*own, str(n))) for n, own in enumerate(found)]
    features = [feature for own in features for feature in own]
    if not in_order:
        random.shuffle(features)
    lookup = RecordLookup(["one"], Path("x.gff"), rename={}, strip=[], subset=False)
    annotation = read_annotation(
        features, RULES, lookup, [LENGTH], np.array([circular]), in_order=in_order
    )
    stretches = Stretches.of_intervals(annotation.of_record(0), LENGTH, RULES)
    substates = np.concatenate([own for _, own in stretches.chunks(RULES)])
    assert substates.tolist() == substates_of(found, circular)


OVERLAPPING = (
    (2, 4, "+", 0, "ID=z"),
    (5, 13, "+", 0, "ID=a"),
    (10, 18, "+", 0, "ID=b"),  # ATGA
    (19, 27, "-", 0, "ID=c"),
)


@pytest.mark.parametrize("both_strands", [False, True])
def test_a_chain_bears_genes_that_overlap(tmp_path, both_strands):
    """Behind an overlap the chain is in another frame, and has seen neither start nor stop."""
    corpus = corpus_of(tmp_path, lines(*OVERLAPPING))
    assert drawing_of(corpus) == "-xyzabc12....23xyzzyx321cba---"
    whole = Segments(*(np.array([n]) for n in (0, 0, 30, 0)))
    steps = training_steps(corpus, whole, both_strands=both_strands)
    architecture = {"cell": "gru", "hidden": 2, "layers": 1, "bidirectional": True, "head": "crf"}
    network = build_network(
        corpus.alphabet, corpus.states, architecture, substates=card_of_substates(corpus, steps)
    )
    draw_weights(network, steps, torch.Generator().manual_seed(1))
    n_labels, n_states = 3, 19
    substates = corpus.substates.labels
    told = np.where(substates == UNLABELLED, corpus.labels, substates + n_labels)
    scores = torch.zeros(30, 1, n_states)
    loss = network.head.loss(
        scores, torch.from_numpy(told.astype(np.uint8))[:, None], active_rows(np.array([30])),
        torch.ones(n_labels),
    )  # fmt: skip
    # That of a record without a path would be 0, or infinite.
    assert 0 < loss.item() < 30 * np.log(n_states)
