"""The keys of labels and of datasets of one file: what they give the rules, and each mistake."""

from pathlib import Path

import pytest
import yaml

from basetag.config import load_config
from basetag.files import canonical_json
from basetag.labelling.state_rules import StateRules
from basetag.letters import state_letters
from tests.test_config import load, mistakes

CONFIG = """\
datasets:
  mine:
    fasta: genome.fa
    labels: {gff: genes.gff, features: {CDS: coding, rRNA: rRNA}, background: rest}
    split: {by: block, block: 1000, gap: 10}
taggers:
  majority: {baseline: majority}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    for name in ("genome.fa", "genes.gff", "genes.gtf", "x.bed", "x.bw", "x.gb", "x.tsv"):
        (tmp_path / "data" / name).write_text("something")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def with_labels(labels):
    return CONFIG.replace(
        "{gff: genes.gff, features: {CDS: coding, rRNA: rRNA}, background: rest}", labels
    )


def states(folder, labels):
    return load(folder, with_labels(labels)).states("mine")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("{bed: x.bed, features: island, background: sea}", {"I": "island", "S": "sea"}),
        # By name, whatever their order; the background is the last.
        (
            "{gff: genes.gff, features: {b: zinc, a: iron, c: zone}, background: air}",
            {"I": "iron", "Z": "zinc", "O": "zone", "A": "air"},
        ),
        (
            "{gff: genes.gff, features: {CDS: coding, rRNA: rRNA}, stranded: true, background: no}",
            {"C": "coding+", "c": "coding-", "R": "rRNA+", "r": "rRNA-", "N": "no"},
        ),
        # Those of priority as they are listed there.
        (
            "{gff: genes.gff, features: {CDS: coding, rRNA: rRNA}, stranded: true, "
            "priority: [rRNA, coding-]}",
            {"R": "rRNA+", "r": "rRNA-", "c": "coding-", "C": "coding+"},
        ),
        # A feature may give the background's state, which has no strand.
        (
            "{gff: genes.gff, features: {CDS: coding, tRNA: no}, stranded: true, background: no}",
            {"C": "coding+", "c": "coding-", "N": "no"},
        ),
        (
            "{gff: genes.gff, features: {CDS: coding, gene: unlabelled}, background: other, "
            "letters: {other: C}}",
            {"O": "coding", "C": "other"},
        ),
        (
            "{bigwig: x.bw, threshold: 0.5, state: open, background: closed, letters: {open: '1'}}",
            {"1": "open", "C": "closed"},
        ),
        (
            "{gtf: genes.gtf, features: [{type: CDS, state: a}, {state: b}]}",
            {"A": "a", "B": "b"},
        ),
    ],
)
def test_states_have_names_letters_and_an_order(folder, labels, expected):
    assert list(states(folder, labels).items()) == list(expected.items())


def test_a_letter_is_the_first_free_one_of_its_name_and_of_the_alphabet():
    names = ["alpha+", "alpha-", "apple", "a-", "aa", "1 x", "aaa", "aaaa"]
    assert state_letters(names, {"apple": "B"}) == {
        "A": "alpha+", "a": "alpha-", "B": "apple", "C": "a-", "D": "aa", "1": "1 x",
        "E": "aaa", "F": "aaaa",
    }  # fmt: skip


def test_settings_do_not_depend_on_spelling_and_depend_on_all_that_counts(folder):
    def text(labels):
        return canonical_json(load(folder, with_labels(labels)).encode_settings("mine"))

    one = "{gff: genes.gff, features: {CDS: coding, rRNA: rRNA}, background: rest}"
    assert text(one) == text(
        "{background: rest, stranded: false, features: {rRNA: rRNA, CDS: coding}, gff: genes.gff, "
        "priority: [], leave_out: [], letters: {}, rename: {}, strip: [], subset: false}"
    )
    assert text(one) == text(
        "{gff: genes.gff, background: rest, features: "
        "[{type: CDS, state: coding}, {type: rRNA, state: rRNA}]}"
    )
    changed = [
        one.replace("{CDS: coding", "{CDS: codons"),
        one.replace("{CDS: coding", "{gene: coding"),
        one.replace("rest", "other"),
        one.replace(", background: rest", ""),
        *(
            one.replace(", background", f", {more}, background")
            for more in (
                "stranded: true",
                "priority: [rRNA]",
                "priority: [coding]",
                "leave_out: [masked]",
                "letters: {rest: X}",
                "rename: {a: b}",
                "rename: {a: null}",
                "strip: [chr]",
                "subset: true",
                "circular: true",
                "stranded: true, codon_positions: true",
                "stranded: true, codon_positions: ends",
            )
        ),
        "{gtf: genes.gtf, features: {CDS: coding, rRNA: rRNA}, background: rest}",
        "{gff: genes.gff, background: rest, features: "
        "[{type: CDS, state: coding, without: [pseudo]}, {type: rRNA, state: rRNA}]}",
    ]
    texts = [text(one), *map(text, changed)]
    assert len(set(texts)) == len(texts)
    assert "genes" not in "".join(texts)


def test_rules_are_tried_in_their_order(folder):
    rules = "{type: CDS, attributes: {pseudo: true, n: [1, x]}, state: unlabelled}"
    labels = f"{{gff: genes.gff, features: [{rules}, {{strand: '-', state: b}}], background: c}}"
    scheme = load(folder, with_labels(labels)).encode_settings("mine")["scheme"]
    plain = {"type": None, "attributes": {}, "without": [], "strand": None}
    assert scheme["rules"] == [
        plain
        | {"type": "CDS", "attributes": {"pseudo": ["true"], "n": ["1", "x"]}}
        | {"state": "unlabelled"},
        plain | {"strand": "-", "state": "b"},
    ]


def test_codon_positions_are_finer_states(folder):
    labels = (
        "{gff: genes.gff, features: {CDS: coding, rRNA: rRNA}, background: rest, stranded: true"
    )
    config = load(folder, with_labels(labels + ", codon_positions: true}"))
    assert config.has_substates("mine")
    assert not load(folder, with_labels(labels + "}")).has_substates("mine")
    scheme = config.encode_settings("mine")["scheme"]
    assert (scheme["codons"], scheme["ends"]) == (["coding"], False)
    scheme = load(folder, with_labels(labels + ", codon_positions: ends}")).encode_settings("mine")
    assert (scheme["scheme"]["codons"], scheme["scheme"]["ends"]) == (["coding"], True)
    assert config.dataset("mine").labels.substates() == [
        "coding+1", "coding+2", "coding+3", "coding-1", "coding-2", "coding-3", "rRNA+", "rRNA-",
        "rest",
    ]  # fmt: skip


def test_the_substates_of_the_config_are_those_of_the_labels(folder):
    """Two modules name them: the config counts them before any file is read."""
    labels = (
        "{gff: genes.gff, features: {CDS: coding, rRNA: rRNA}, background: rest, stranded: true"
    )
    for form in ("true", "ends"):
        config = load(folder, with_labels(f"{labels}, codon_positions: {form}}}"))
        settings = config.encode_settings("mine")
        states = [settings["state_names"][letter] for letter in settings["states"]]
        rules = StateRules.of_settings(states, settings["scheme"])
        assert config.dataset("mine").labels.substates() == rules.substates["names"]


GENBANK = "genbank: x.gb\n    labels: {features: {CDS: coding}, background: rest}"
TABLE = "table: x.tsv\n    states: {H: rich, L: poor}"
FIRST = CONFIG[CONFIG.index("fasta:") : CONFIG.index("\n    split:")]


@pytest.mark.parametrize(
    ("own", "kinds", "names"),
    [(GENBANK, ("genbank", "genbank"), ["C", "R"]), (TABLE, ("table", "table"), ["H", "L"])],
)
def test_one_file_can_hold_sequences_and_labels(folder, own, kinds, names):
    config = load(folder, CONFIG.replace(FIRST, own))
    settings = config.encode_settings("mine")
    assert (settings["sequences"], settings["labels"]) == kinds
    assert settings["states"] == names
    path = Path("data") / own.split()[1]
    assert config.sequence_file("mine") == config.label_file("mine") == path
    assert config.alphabet("mine") == "dna"


@pytest.mark.parametrize(
    "own",
    [
        GENBANK,
        TABLE,
        TABLE + "\n    columns: {sequence: s, states: t, name: n}\n    leave_out: [masked]",
        "fasta: genome.fa\n    labels: {bigwig: x.bw, threshold: 0.5, state: a, background: b}",
        "fasta: genome.fa\n    labels: {bed: x.bed, features: island, background: b}",
        "fasta: genome.fa\n    labels: {gff: genes.gff, rename: {b: null, a: c}, priority: [y], "
        "features: [{type: CDS, attributes: {z: 1, p: true}, state: y}, {state: x}]}",
    ],
)
def test_the_config_of_the_report_gives_the_same_labels(folder, own):
    config = load(folder, CONFIG.replace(FIRST, own))
    text = config.report_settings()["config"]
    (folder / "again.yaml").write_text(text)
    again = load_config(yaml.safe_load(text), [folder / "again.yaml"], Path(__file__).parents[1])
    assert again.encode_settings("mine") == config.encode_settings("mine")
    assert again.report_settings() == config.report_settings()


STRANDED = "stranded: true, background: rest}"
GFF = "{gff: genes.gff, features: {CDS: coding, rRNA: rRNA}, "


@pytest.mark.parametrize(
    ("labels", "key", "words"),
    [
        ("{gff: genes.gf, features: {CDS: a, b: c}}", "labels.gff", "no such file: 'genes.gf'"),
        ("{gff: genes.gff, bed: x.bed, features: {CDS: a}}", "labels", "has both gff and bed"),
        ("{features: {CDS: a}}", "labels", "has neither fasta nor gff nor gtf nor bed nor"),
        ("{gff3: genes.gff}", "labels.gff3", "unknown key 'gff3'; did you mean gff?"),
        ("{gff: genes.gff, features: {}}", "labels.features", "is empty"),
        ("{gff: genes.gff, features: coding}", "labels.features", "expected a list"),
        ("{gff: genes.gff, features: {CDS: ' '}}", "features.CDS", "the state has no name"),
        ("{gff: genes.gff, features: {CDS: none}}", "features.CDS", "'none' would be the name"),
        ("{gff: genes.gff, features: {CDS: 1}}", "features.CDS", "expected text, found 1"),
        ("{gff: genes.gff, features: [{typ: CDS, state: a}]}", "features[0].typ", "mean type?"),
        ("{gff: genes.gff, features: [{type: CDS}]}", "features[0].state", "is missing"),
        (
            "{gff: genes.gff, features: [{attributes: {a: 1.5}, state: a}]}",
            "features[0].attributes.a",
            "expected text, a whole number, true or false",
        ),
        ("{gff: genes.gff, features: {CDS: a}}", "labels", "'a' would be the only state; name a"),
        ("{gff: genes.gff, features: {CDS: unlabelled}}", "labels", "there is no state"),
        (GFF + "background: none}", "labels.background", "write null for no background"),
        (GFF + "background: unlabelled}", "background", "leave the background out"),
        (GFF + "priority: [codin]}", "priority[0]", "no feature gives the state 'codin'; did you"),
        (GFF + "priority: [rest], background: rest}", "priority[0]", "the background yields"),
        (GFF + "priority: [coding, coding]}", "priority[1]", "'coding' stands twice"),
        (GFF + f"priority: [coding+, coding], {STRANDED}", "priority[1]", "'coding' stands twice"),
        (GFF + "letters: {codin: X}}", "letters.codin", "there is no state 'codin'; did you mean"),
        (GFF + f"letters: {{coding: X}}, {STRANDED}", "letters.coding", "did you mean coding"),
        (GFF + "letters: {coding: XX}}", "letters.coding", "one printable character"),
        (GFF + "letters: {coding: X, rRNA: X}}", "letters.rRNA", "the letter of 'coding' already"),
        (GFF + "leave_out: [maskd]}", "leave_out[0]", "did you mean masked?"),
        (GFF + "codon_positions: true}", "codon_positions", "add stranded: true"),
        (GFF + "codon_positions: ends}", "codon_positions", "add stranded: true"),
        (
            GFF + "codon_positions: end, " + STRANDED,
            "codon_positions",
            "found 'end', expected true, false or ends",
        ),
        (GFF + "codon_positions: 1, " + STRANDED, "codon_positions", "found 1, expected true"),
        (
            "{gff: genes.gff, features: [{type: CDS, strand: '+', state: a}, {type: CDS, state: b}]"
            ", codon_positions: ends, " + STRANDED,
            "labels.features",
            "37 states in all are more than 32",
        ),
        (
            "{gff: genes.gff, features: {gene: g}, codon_positions: true, " + STRANDED,
            "codon_positions",
            "no rule of features gives a state to the type CDS",
        ),
        (
            "{gff: genes.gff, features: {CDS: coding+}, " + STRANDED,
            "labels.features",
            "'coding+' would become coding++ and coding+-; name it coding",
        ),
        ("{gff: genes.gff, features: {CDS: a b, rRNA: a_b}}", "labels", "'a_b' in a BED file"),
        ("{bed: x.bed, features: a, codon_positions: true}", "codon_positions", "unknown key"),
        (GFF + "strip: ['']}", "labels.strip", "is empty"),
        ("{bigwig: x.bw, threshold: 1, state: a}", "labels", "'a' would be the only state"),
        ("{bigwig: x.bw, state: a, background: b}", "labels.threshold", "is missing"),
        (
            "{bigwig: x.bw, threshold: 1, state: a, background: a}",
            "background",
            "of the other bases, too",
        ),
        (
            "{gff: genes.gff, features: {" + ", ".join(f"t{i}: s{i}" for i in range(33)) + "}}",
            "labels.features",
            "33 states are more than 32",
        ),
    ],
)
def test_each_mistake_is_one_line_with_its_key(folder, labels, key, words):
    (told,) = mistakes(folder, with_labels(labels))
    place, name, rest = told.split(": ", 2)
    assert place == "data/config0.yaml, line 4"
    assert name.endswith(key), told
    assert words in rest


def test_own_alphabets_have_neither_strands_nor_masked_letters(folder):
    text = with_labels(GFF + STRANDED).replace("    split", "    alphabet: ABC\n    split")
    (told,) = mistakes(folder, text)
    assert "labels.stranded: 'ABC' has no second strand; remove it" in told
    text = with_labels(GFF + "leave_out: [masked]}").replace(
        "    split", "    alphabet: ab\n    split"
    )
    (told,) = mistakes(folder, text)
    assert "labels.leave_out: in 'ab' a lower-case letter is a letter of its own" in told


def test_a_dataset_has_one_source_of_sequences(folder):
    (told,) = mistakes(
        folder, CONFIG.replace("fasta: genome.fa", "fasta: genome.fa\n    table: x.tsv")
    )
    assert "datasets.mine: has both fasta and table" in told
    (told,) = mistakes(folder, CONFIG.replace(FIRST, TABLE.replace("states:", "stats:")))
    assert "datasets.mine.stats: unknown key 'stats'; did you mean states?" in told
