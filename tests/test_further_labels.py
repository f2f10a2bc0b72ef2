"""Further labels of the same bases: their keys in the config, and how they are encoded."""

import json

import numpy as np
import pytest

import encode_fasta
import encode_head
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.files import canonical_json
from basetag.preflight.datasets import Files, look_at_dataset
from tests.test_config import load, mistakes

TABLE = """\
datasets:
  proteins:
    table: p.csv
    columns: {sequence: input, states: expected, name: id}
    alphabet: protein
    states: {H: helix, C: coil}
    heads:
      surface: {column: rsa, states: {b: buried, e: exposed}, weight: 0.5}
      disorder: {column: dis, states: {o: ordered, d: disordered}}
taggers:
  gru: {cell: gru}
  alone: {cell: gru, joint: false}
  majority: {baseline: majority}
"""
FASTA = """\
datasets:
  proteins:
    fasta: p.fa
    labels: {fasta: states.fa, states: {H: helix, C: coil}}
    alphabet: protein
    heads:
      surface: {labels: rsa.fa, states: {b: buried, e: exposed}}
taggers:
  gru: {cell: gru}
"""
ROWS = [
    ("a", "ACDEF", "HHCC.", "bbe.e", "ooood"),
    ("b", "acdef", "HHHHH", "eeeee", "ddddd"),  # the sequence of the first
    ("c", "WXY", "CHC", "ebb", "..o"),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    write(tmp_path, ROWS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, rows):
    lines = ["id,input,expected,rsa,dis", *(",".join(row) for row in rows)]
    (folder / "data/p.csv").write_text("\n".join(lines) + "\n")
    for name, column in (("p.fa", 1), ("states.fa", 2), ("rsa.fa", 3)):
        text = "".join(f">{row[0]}\n{row[column]}\n" for row in rows)
        (folder / "data" / name).write_text(text)


def encoded(config, out, *heads):
    """Return the corpus and the heads of a config's dataset, as the rules encode them."""
    own = config.sequence_file("proteins"), config.label_file("proteins")
    encode_fasta.main(settings_of(config), *own, out)
    for head in heads:
        labels = config.head_file("proteins", head)
        encode_head.main(settings_of(config, head), own[0], labels, out, head)
    return Corpus.open(out, heads=heads)


def settings_of(config, head=None):
    found = (
        config.encode_settings("proteins")
        if head is None
        else config.encode_head_settings("proteins", head)
    )
    return json.loads(canonical_json(found))


def letters_of(further):
    names = dict(enumerate(further.states)) | {UNLABELLED: "."}
    return "".join(names[label] for label in further.labels.tolist())


@pytest.mark.parametrize("text", [TABLE, FASTA])
def test_further_labels_lie_aligned_beside_the_main_ones(folder, text):
    corpus = encoded(load(folder, text), folder / "corpus", "surface")
    (surface,) = corpus.further
    assert letters_of(surface) == "bbe.e" + "eeeee" + "ebb"
    assert (surface.states, surface.state_names["b"]) == (("b", "e"), "buried")
    assert surface.labels.dtype == np.uint8
    view = corpus.as_labelled_by(surface)
    assert (view.states, view.mirror, view.further) == (("b", "e"), (0, 1), ())
    np.testing.assert_array_equal(view.tokens, corpus.tokens)
    about = json.loads((folder / "corpus/labels.surface.json").read_text())
    assert about["label_counts"] == {"b": 4, "e": 8, ".": 1}


@pytest.mark.parametrize("text", [TABLE, FASTA])
def test_copies_and_bases_that_are_left_out_go_from_all_labels(folder, text):
    for key in ("leave_out: [unknown, masked]", "drop_duplicates: true"):
        own = key
        if text == FASTA and key.startswith("leave_out"):
            changed = text.replace("helix, C: coil}}", f"helix, C: coil}}, {own}}}")
        else:
            changed = text.replace("    alphabet:", f"    {own}\n    alphabet:")
        corpus = encoded(load(folder, changed), folder / key[:5], "surface")
        expected = "bbe.e" + "ebb" if key.startswith("drop") else "bbe.e" + "....." + "e.b"
        assert letters_of(corpus.further[0]) == expected


def test_heads_that_nobody_asks_for_are_not_opened(folder):
    corpus = encoded(load(folder, TABLE), folder / "corpus", "surface", "disorder")
    assert [own.name for own in corpus.further] == ["surface", "disorder"]
    (folder / "corpus/labels.surface.npy").unlink()
    assert [own.name for own in Corpus.open(folder / "corpus", heads=["disorder"]).further] == [
        "disorder"
    ]
    with pytest.raises(InputError, match=r"no complete labels of the head 'surface'"):
        Corpus.open(folder / "corpus", heads=["surface"])


def test_labels_of_another_corpus_are_refused(folder):
    config = load(folder, TABLE)
    encoded(config, folder / "corpus", "surface")
    write(folder, ROWS[:2])
    encode_fasta.main(settings_of(config), *[config.label_file("proteins")] * 2, folder / "corpus")
    with pytest.raises(InputError, match=r"has 10 bases, labels\.surface\.npy holds 13"):
        Corpus.open(folder / "corpus", heads=["surface"])


@pytest.mark.parametrize(
    ("text", "states", "message"),
    [
        (TABLE, "eb", "record 'c': column 'input' has 3 letters, and column 'rsa' has 2"),
        (TABLE, "exb", "p.csv, line 4, record 'c', position 2: column 'rsa' has 'x'"),
        (FASTA, "eb", "rsa.fa, record 'c': has 2 labels for the 3 bases in"),
        (FASTA, "exb", "rsa.fa, line 6, column 2, record 'c': 'x' is no letter of the states"),
    ],
)  # fmt: skip
def test_wrong_labels_are_told_by_file_record_and_position_and_leave_nothing(
    folder, text, states, message
):
    write(folder, [*ROWS[:2], (*ROWS[2][:3], states, "..o")])
    config = load(folder, text)
    with pytest.raises(InputError) as caught:
        encoded(config, folder / "corpus", "surface")
    assert message in str(caught.value)
    assert not list((folder / "corpus").glob("*surface*"))
    # And before the run, in the same words.
    settings = {
        "encode": settings_of(config), "split": config.split_settings("proteins"), "features": [],
        "heads": [["surface", settings_of(config, "surface")]],
    }  # fmt: skip
    files = Files(
        config.sequence_file("proteins"),
        config.label_file("proteins"),
        heads=[config.head_file("proteins", "surface")],
    )
    with pytest.raises(InputError) as before:
        look_at_dataset("proteins", settings, files, folder / "look")
    assert str(before.value) == str(caught.value)


def test_a_head_concerns_those_that_learn_it_alone(folder):
    config = load(folder, TABLE)
    other = load(folder, TABLE.replace("weight: 0.5", "weight: 2").replace("buried", "inside"))

    def of(own):
        return {
            "encode": own.encode_settings("proteins"),
            "surface": own.encode_head_settings("proteins", "surface"),
            "disorder": own.encode_head_settings("proteins", "disorder"),
            "gru": own.train_settings("gru", 1, "proteins"),
            "alone": own.train_settings("alone", 1, "proteins"),
            "majority": own.fit_settings("proteins", "majority"),
            "judged": own.evaluate_settings("proteins", "majority"),
        }

    changed = {key for key, value in of(config).items() if of(other)[key] != value}
    assert changed == {"surface", "gru"}
    assert config.train_settings("gru", 1, "proteins")["heads"] == [
        {"name": "disorder", "weight": 1.0}, {"name": "surface", "weight": 0.5},
    ]  # fmt: skip
    assert config.heads_of("proteins", "alone") == config.heads_of("proteins", "majority") == []


def test_the_config_on_the_page_keeps_the_order_of_a_heads_states(folder):
    changed = TABLE.replace("{b: buried, e: exposed}", "{e: exposed, b: buried}")
    config = load(folder, changed)
    again = load(folder, config.report_settings()["config"].replace("data/p.csv", "p.csv"))
    assert again.encode_head_settings("proteins", "surface")["states"] == ["e", "b"]
    assert again.train_settings("gru", 1, "proteins") == config.train_settings("gru", 1, "proteins")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("      surface: {column: rsa", "      surface: {column: expected",
         "datasets.proteins.heads.surface.column: 'expected' is the column of the main labels"),
        ("      surface:", "      validation:",
         "the name 'validation' is reserved: posteriors.validation.npy is another file"),
        ("      surface:", "      solvent access:", "datasets.proteins.heads"),
        ("weight: 0.5", "weight: -1", "datasets.proteins.heads.surface.weight"),
        ("      disorder:", "      Surface:", "differ only in case"),
        ("column: rsa", "colum: rsa", "did you mean column?"),
        ("{b: buried, e: exposed}", "{b: buried}", "datasets.proteins.heads.surface.states"),
        ("{b: buried, e: exposed}", "{b: buried, e: buried}",
         "datasets.proteins.heads.surface.states"),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_their_keys(folder, old, new, expected):
    (line,) = mistakes(folder, TABLE.replace(old, new))
    assert expected in line


def test_a_missing_file_of_a_head_is_a_mistake(folder):
    (line,) = mistakes(folder, FASTA.replace("labels: rsa.fa", "labels: rsb.fa"))
    assert "no such file: 'rsb.fa'" in line
    assert "did you mean 'rsa.fa'" in line


def test_heads_stand_beside_written_labels_alone(folder):
    changed = FASTA.replace(
        "{fasta: states.fa, states: {H: helix, C: coil}}",
        "{bed: states.fa, features: helix, background: coil}",
    )
    (line,) = mistakes(folder, changed)
    assert "datasets.proteins.heads: further labels stand beside labels that are written" in line
