"""Which state a feature gives, and which label a base has where features overlap."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.errors import InputError
from basetag.labelling.codon_positions import CodingPart, reading_of
from basetag.labelling.genome_feature import GenomeFeature
from basetag.labelling.painting import NO_FRAME, Intervals, Stretches
from basetag.labelling.state_rules import NO_STATE, Rule, StateRules
from basetag.letters import UNLABELLED

CDS = GenomeFeature(
    "one", 0, 9, "+", "CDS", 0, {"biotype": ("protein", "x"), "pseudo": ("",)}, 1, None
)


@pytest.mark.parametrize(
    ("rule", "meets"),
    [
        ({}, True),
        ({"type": "CDS"}, True),
        ({"type": "cds"}, False),
        ({"type": "gene"}, False),
        ({"strand": "+"}, True),
        ({"strand": "-"}, False),
        ({"attributes": {"biotype": ["protein"]}}, True),
        ({"attributes": {"biotype": ["rna", "x"]}}, True),
        ({"attributes": {"biotype": ["rna"]}}, False),
        ({"attributes": {"biotype": ["x"], "other": ["x"]}}, False),
        ({"attributes": {"pseudo": ["true"]}}, True),
        ({"without": ["pseudo"]}, False),
        ({"without": ["partial"]}, True),
        ({"type": "CDS", "strand": "-", "attributes": {"biotype": ["x"]}}, False),
    ],
)
def test_a_rule_is_for_features_that_meet_all_of_it(rule, meets):
    assert Rule(state="s", **rule).meets(CDS) == meets


def test_the_first_rule_that_a_feature_meets_counts():
    rules = StateRules(
        states=("a+", "a-", "b"),
        rules=(
            Rule("b", type="gene"),
            Rule(NO_STATE, without=("biotype",)),
            Rule("a", type="CDS"),
            Rule("b"),
        ),
        stranded=frozenset("a"),
    )
    assert rules.rule_of(CDS) == 2
    assert rules.label_of(2, "+") == 0
    assert rules.label_of(2, "-") == 1
    assert rules.rule_of(replace(CDS, attributes={})) == 1
    assert rules.label_of(1, ".") == UNLABELLED
    assert rules.label_of(0, ".") == 2
    with pytest.raises(ValueError, match="a is a state of each strand"):
        rules.label_of(2, ".")


def painted(rules, length, *intervals):
    """Labels and substates of a record under intervals of (start, end, label[, frame])."""
    rows = [(*row, NO_FRAME)[:4] for row in intervals]
    columns = list(zip(*rows, strict=True)) or [()] * 4
    stretches = Stretches.of_intervals(
        Intervals(
            np.array(columns[0], dtype=np.int64),
            np.array(columns[1], dtype=np.int64),
            np.array(columns[2], dtype=np.uint8),
            np.array(columns[3], dtype=np.uint8),
        ),
        length,
        rules,
    )
    chunks = [*stretches.chunks(rules), 2 * (np.zeros(0, dtype=np.uint8),)]
    labels, substates = (np.concatenate(parts).tolist() for parts in zip(*chunks, strict=True))
    return labels, substates, stretches


U = UNLABELLED


def test_where_states_overlap_none_wins_unless_priority_says_so():
    plain = StateRules(states=("a", "b", "c", "rest"), rules=(), background="rest")
    overlapping = ((0, 4, 0), (2, 6, 1), (5, 8, 2), (1, 3, 0))
    assert painted(plain, 9, *overlapping)[0] == [0, 0, U, U, 1, U, 2, 2, 3]
    ranked = replace(plain, priority=(("b",),))
    assert painted(ranked, 9, *overlapping)[0] == [0, 0, 1, 1, 1, 1, 2, 2, 3]
    both = replace(plain, priority=(("c",), ("a", "b")))
    assert painted(both, 9, *overlapping)[0] == [0, 0, U, U, 1, 2, 2, 2, 3]
    stretches = painted(both, 9, *overlapping)[2]
    assert np.diff(stretches.borders)[stretches.undecided].sum() == 2
    # A winner over two that are undecided leaves nothing undecided.
    three = painted(replace(plain, priority=(("c",),)), 3, (0, 3, 0), (0, 3, 1), (1, 2, 2))
    assert three[0] == [U, 2, U]


def test_a_feature_without_a_state_keeps_the_background_away_and_no_state():
    rules = StateRules(states=("a", "rest"), rules=(), background="rest")
    assert painted(rules, 6, (1, 3, 0), (2, 5, U))[0] == [1, 0, 0, U, U, 1]
    without = replace(rules, states=("a", "b"), background=None)
    assert painted(without, 4, (1, 3, 0))[0] == [U, 0, 0, U]


def test_an_empty_record_and_a_bare_one():
    rules = StateRules(states=("a", "rest"), rules=(), background="rest")
    assert painted(rules, 0)[0] == []
    assert painted(rules, 3)[0] == [1, 1, 1]


CODING = StateRules(
    states=("c+", "c-", "r"),
    rules=(),
    stranded=frozenset("c"),
    coding=frozenset("c"),
    background="r",
)


def test_two_reading_frames_of_a_state_leave_its_label_and_no_position_in_a_codon():
    labels, substates, _ = painted(CODING, 9, (0, 6, 0, 0), (3, 9, 0, 1))
    assert labels == 9 * [0]
    assert substates == [0, 1, 2, U, U, U, 1, 2, 0]
    labels, substates, _ = painted(CODING, 9, (0, 6, 0, 0), (3, 9, 0, 0))
    assert substates == 3 * [0, 1, 2]
    labels, substates, _ = painted(CODING, 6, (0, 4, 0, 0), (2, 6, 1, 0))
    assert labels == [0, 0, U, U, 1, 1]
    assert substates == [0, 1, U, U, 5, 4]
    # A state that wins takes the frame of the other away, too.
    ranked = replace(CODING, states=("c+", "c-", "x"), background=None, priority=(("x",),))
    assert painted(ranked, 4, (0, 4, 0, 0), (1, 3, 2))[1] == [0, 6, 6, 0]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 30), st.sampled_from([0, 1, 2, 3, U])),
        max_size=12,
    ),
    st.permutations(["a", "b", "c", "d"]),
    st.integers(0, 4),
    st.booleans(),
)
def test_stretches_are_what_each_base_alone_would_say(rows, order, n_ranked, with_background):
    states = ("a", "b", "c", "d")
    rules = StateRules(
        states=states,
        rules=(),
        background="d" if with_background else None,
        priority=tuple((name,) for name in order[:n_ranked]),
    )
    intervals = [(start, min(start + n, 40), label) for start, n, label in rows]
    found, _, _ = painted(rules, 40, *intervals)
    for base in range(40):
        over = {label for start, end, label in intervals if start <= base < end}
        named = [states.index(name) for name in order[:n_ranked]]
        winner = next((label for label in named if label in over), None)
        own = over - {U}
        if winner is not None:
            expected = winner
        elif own:
            expected = own.pop() if len(own) == 1 else U
        else:
            expected = U if over or not with_background else 3
        assert found[base] == expected


def part(start, end, strand, phase, line=1, excused=False):
    return CodingPart(start, end, strand, phase, line, excused)


def positions(parts, frames):
    """Position in a codon of each base, in the order in which the strand reads them."""
    found = []
    for one, frame in zip(parts, frames, strict=True):
        sign = 1 if one.strand == "+" else -1
        bases = range(one.start, one.end)[::sign]
        found.append([(sign * base + frame) % 3 for base in bases])
    return found


FILE = Path("genes.gff")


def test_codons_go_on_over_the_parts_of_either_strand():
    plus = [part(10, 14, "+", 0), part(20, 25, "+", 2)]
    assert positions(plus, reading_of(plus, FILE, in_order=False, circular=False).frames) == [
        [0, 1, 2, 0],
        [1, 2, 0, 1, 2],
    ]
    # Given in any order, and without the phases that the lengths tell.
    minus = [part(10, 15, "-", None), part(20, 24, "-", 0)]
    assert positions(minus, reading_of(minus, FILE, in_order=False, circular=False).frames) == [
        [1, 2, 0, 1, 2],
        [0, 1, 2, 0],
    ]


def test_a_first_part_with_a_phase_begins_within_a_codon():
    one = [part(10, 15, "+", 2)]
    assert positions(one, reading_of(one, FILE, in_order=False, circular=False).frames) == [
        [1, 2, 0, 1, 2]
    ]


def test_ribosomes_that_slip_go_on_with_the_next_codon():
    """PrfB of E. coli leaves a base out, dnaX reads one twice; the file joins the parts so."""
    out = [part(10, 16, "-", 0), part(17, 23, "-", 0)]
    assert positions(out, reading_of(out, FILE, in_order=False, circular=False).frames) == [
        [0, 1, 2, 0, 1, 2],
        [0, 1, 2, 0, 1, 2],
    ]
    twice = [part(10, 16, "+", 0), part(15, 21, "+", 0)]
    assert positions(twice, reading_of(twice, FILE, in_order=False, circular=False).frames) == [
        [0, 1, 2, 0, 1, 2],
        [0, 1, 2, 0, 1, 2],
    ]


def test_a_phase_that_the_parts_before_contradict_is_an_error_with_its_line():
    parts = [part(10, 14, "-", 0, line=5), part(20, 25, "-", 0, line=6)]
    with pytest.raises(InputError) as caught:
        reading_of(parts, FILE, in_order=False, circular=False)
    assert str(caught.value).startswith(
        "genes.gff, line 5: the phase of this CDS is 0, and the parts before it (the last in line"
        " 6) leave 1; on the minus strand"
    )
    # What the file excuses keeps the phases that it has.
    excused = [replace(parts[0], excused=True), parts[1]]
    assert positions(excused, reading_of(excused, FILE, in_order=False, circular=False).frames) == [
        [0, 1, 2, 0],
        [0, 1, 2, 0, 1],
    ]


@pytest.mark.parametrize(
    ("attributes", "start", "end"),
    [
        ({"partial": ("true",)}, 100, 110),
        ({"pseudo": ("",)}, 100, 110),
        ({"exception": ("ribosomal slippage",)}, 100, 110),
        ({"tag": ("basic", "cds_end_NF")}, 100, 110),
        ({}, 2, 12),
        ({}, 988, 998),
    ],
)
def test_what_is_not_whole_need_be_no_multiple_of_three(attributes, start, end):
    feature = GenomeFeature("one", start, end, "+", "CDS", 0, attributes, 3, None)
    parts = [CodingPart.of_feature(feature, 1000, circular=False)]
    assert len(reading_of(parts, FILE, in_order=False, circular=False).frames) == 1
    whole = replace(feature, attributes={"partial": ("false",)}, start=100, end=110)
    parts = [CodingPart.of_feature(whole, 1000, circular=False)]
    with pytest.raises(InputError, match=r"line 3: this CDS has 10 bases, no multiple of 3"):
        reading_of(parts, FILE, in_order=False, circular=False)
