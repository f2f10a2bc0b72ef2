"""What is told of a run before it starts, held against what the run itself makes of it."""

import gzip
import json
import stat

import numpy as np
import pytest
from Bio import SeqIO

import encode_fasta
import split_records
from basetag.alphabet import DNA, Alphabet
from basetag.config import load_config
from basetag.config.preflight import preflight_files, preflight_settings
from basetag.corpus import Corpus
from basetag.errors import DeviceError, InputError
from basetag.files import canonical_json
from basetag.preflight import machine
from basetag.preflight.costs import COSTS, Sizes, estimates, size_text, time_text
from basetag.preflight.datasets import Files, look_at_dataset
from basetag.preflight.remarks import on_labels, on_sequences, on_splits
from basetag.preflight.run import preflight
from basetag.preflight.sequences import about_sequences, letters_with_case, survey_fasta
from basetag.report.preflight import preflight_view
from basetag.report.preflight_identities import check_preflight
from basetag.tagger_file import write_tagger
from tests.conftest import REPOSITORY
from tests.wrong_inputs import CODONS, TRACK, bigwig, gff

LETTERS = "ACGTNRacgtn"


def sequences(seed, n_records=30, longest=900):
    """Records of all lengths, 0 among them, and of all kinds of letters."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(0, longest, n_records)
    lengths[3] = 0
    return {
        f"r{index}": "".join(generator.choice(list(LETTERS), length))
        for index, length in enumerate(lengths)
    }


def write_fasta(path, records, width=60):
    lines = []
    for name, text in records.items():
        lines += [f">{name} of a test", *(text[i : i + width] for i in range(0, len(text), width))]
    path.write_text("\n".join(lines) + "\n")
    return path


def loaded(dataset, **more):
    whole = {"datasets": {"mine": dataset}, "taggers": {"majority": {"baseline": "majority"}}}
    return load_config(whole | more, [], REPOSITORY)


def as_settings(value):
    return json.loads(canonical_json(value))


def looked_at(config, room, **more):
    return preflight(as_settings(preflight_settings(config)), preflight_files(config), room, **more)


# ---- Sequences


@pytest.mark.parametrize("compressed", [False, True])
def test_records_letters_and_case_are_counted_as_biopython_reads_them(tmp_path, compressed):
    records = sequences(1)
    path = write_fasta(tmp_path / "a.fa", records)
    if compressed:
        path = tmp_path / "a.fa.gz"
        path.write_bytes(gzip.compress((tmp_path / "a.fa").read_bytes()))
    survey = survey_fasta(path, letters_with_case(DNA))
    about = about_sequences(survey, DNA)
    theirs = {r.id: str(r.seq) for r in SeqIO.parse(tmp_path / "a.fa", "fasta")}
    text = "".join(theirs.values())
    assert dict(zip(survey.names, survey.lengths, strict=True)) == {
        name: len(own) for name, own in theirs.items()
    }
    assert about == {
        "records": 30,
        "empty_records": sum(not own for own in theirs.values()),
        "bases": len(text),
        "letters": {letter: text.upper().count(letter) for letter in "ACGTRN"},
        "letters_of": len(text),
        "unknown": sum(text.upper().count(letter) for letter in "RN"),
        "lower_case": sum(letter.islower() for letter in text),
    }


def test_case_is_not_counted_where_it_tells_letters_apart(tmp_path):
    path = tmp_path / "a.fa"
    path.write_text(">a\nxyX\n")
    alphabet = Alphabet.of_letters("xyX")
    about = about_sequences(survey_fasta(path, letters_with_case(alphabet)), alphabet)
    assert about["letters"] == {"x": 1, "y": 1, "X": 1}
    assert about["lower_case"] is None


def test_of_a_long_file_names_and_lengths_are_read_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("basetag.fasta_text._BLOCK", 256)
    records = sequences(2) | {"last": "ACGT\tAC GT"}
    path = write_fasta(tmp_path / "a.fa", records)
    whole = survey_fasta(path, letters_with_case(DNA))
    part = survey_fasta(path, letters_with_case(DNA), most_letters=1000)
    assert (part.names, part.lengths) == (whole.names, whole.lengths)
    assert 1000 <= part.counts.sum() < 1300
    # Behind that, letters are not looked at, and names are.
    path.write_text(path.read_text() + ">odd\n!!!\n")
    assert survey_fasta(path, letters_with_case(DNA), most_letters=1000).lengths[-1] == 3
    path.write_text(path.read_text() + ">r1\nAC\n")
    with pytest.raises(InputError, match="record 'r1': a record of this name stands in line"):
        survey_fasta(path, letters_with_case(DNA), most_letters=1000)


# ---- Datasets


def annotated(folder):
    """A dataset of two records, of FASTA and GFF."""
    generator = np.random.default_rng(3)
    records = {n: "".join(generator.choice(list("ACGTn"), 2500)) for n in ("one", "two")}
    write_fasta(folder / "genome.fa", records)
    lines = [
        f"{name} x CDS {start + 1} {start + 90} . {strand} 0 ID={name}{start}"
        for name in records
        for start, strand in ((100, "+"), (400, "-"), (460, "+"), (1800, "-"))
    ]
    (folder / "genes.gff").write_text(gff(*lines))
    return {
        "fasta": str(folder / "genome.fa"),
        "labels": {"gff": str(folder / "genes.gff"), **CODONS},
        "split": {"by": "block", "block": 200},
    }


def labelled(folder):
    """A dataset of 30 records, of FASTA and FASTA."""
    records = sequences(4)
    write_fasta(folder / "genome.fa", records)
    states = dict.fromkeys(records, ("H" * 7 + "L" * 12 + ".") * 50)
    write_fasta(folder / "states.fa", {n: states[n][: len(t)] for n, t in records.items()})
    labels = {"fasta": str(folder / "states.fa"), "states": {"H": "rich", "L": "poor"}}
    return {"fasta": str(folder / "genome.fa"), "labels": {**labels, "leave_out": ["masked"]}}


def tracked(folder):
    """A dataset of one record, of FASTA and bigWig."""
    text = "".join(np.random.default_rng(5).choice(list("ACGT"), 2400))
    write_fasta(folder / "genome.fa", {"one": text})
    bigwig(("one", 2400))(folder / "track.bw")
    labels = {**TRACK, "bigwig": str(folder / "track.bw"), "missing": "background"}
    split = {"by": "block", "block": 100}
    return {"fasta": str(folder / "genome.fa"), "labels": labels, "split": split}


def test_numbers_that_are_all_the_same_end_the_preflight(tmp_path):
    rng = np.random.default_rng(6)
    rows = "".join(f"{''.join(rng.choice(list('ACGT'), 30))},1.5\n" for _ in range(60))
    (tmp_path / "same.csv").write_text("sequence,y\n" + rows)
    dataset = {
        "task": "regress", "table": str(tmp_path / "same.csv"), "threshold": 1,
        "columns": {"sequence": "sequence", "target": "y"},
    }  # fmt: skip
    words = "dataset mine: all .* records of the training split have the number 1.5"
    with pytest.raises(InputError, match=words):
        looked_at(loaded(dataset), tmp_path)


def test_a_further_head_whose_labels_no_training_record_has_ends_the_preflight(tmp_path):
    dataset = labelled(tmp_path)
    records = sequences(4)
    write_fasta(tmp_path / "rsa.fa", {name: "." * len(text) for name, text in records.items()})
    head = {"labels": str(tmp_path / "rsa.fa"), "states": {"e": "exposed", "b": "buried"}}
    words = "dataset mine: no base of the train split has a label of the head 'rsa'"
    with pytest.raises(InputError, match=words):
        looked_at(loaded(dataset | {"heads": {"rsa": head}}), tmp_path)
    some = {name: ("eb" * len(text))[: len(text)] for name, text in records.items()}
    write_fasta(tmp_path / "rsa.fa", some)
    looked_at(loaded(dataset | {"heads": {"rsa": head}}), tmp_path)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_split_without_any_label_ends_the_preflight_as_it_would_end_the_run(split, tmp_path):
    names = ("train", "validation", "test")
    write_fasta(tmp_path / "genome.fa", dict.fromkeys(names, "ACGT" * 40))
    states = dict.fromkeys(names, "HL" * 80) | {split: "." * 160}
    write_fasta(tmp_path / "states.fa", states)
    config = loaded(
        {
            "fasta": str(tmp_path / "genome.fa"),
            "labels": {"fasta": str(tmp_path / "states.fa"), "states": {"H": "rich", "L": "poor"}},
            "split": {"by": "name", **{name: [name] for name in states}},
        }
    )
    with pytest.raises(InputError, match=f"dataset mine: no base of the {split} split has a label"):
        looked_at(config, tmp_path)


@pytest.mark.parametrize("kind", [annotated, labelled, tracked])
def test_labels_and_splits_are_those_of_the_run(kind, tmp_path):
    config = loaded(kind(tmp_path))
    about = looked_at(config, tmp_path).datasets["mine"]
    encode_fasta.main(
        as_settings(config.encode_settings("mine")),
        config.sequence_file("mine"),
        config.label_file("mine"),
        tmp_path / "corpus",
    )
    split = tmp_path / "split.tsv"
    split_records.main(as_settings(config.split_settings("mine")), tmp_path / "corpus", None, split)
    corpus = Corpus.open(tmp_path / "corpus")
    names = [corpus.state_names[letter] for letter in corpus.states]
    counts = np.bincount(corpus.known_labels, minlength=256)
    assert about["states"] == dict(zip(names, counts[: len(names)].tolist(), strict=True))
    assert about["unlabelled"] == counts[255]
    start_of = dict(zip(corpus.names, corpus.starts.tolist(), strict=True))
    found = {}
    for row in split.read_text().splitlines()[1:]:
        record, start, end, name = row.split("\t")
        own = found.setdefault(name, {"pieces": 0, "bases": 0, "labels": np.zeros(256, int)})
        own["pieces"] += 1
        own["bases"] += int(end) - int(start)
        at = start_of[record]
        own["labels"] += np.bincount(
            corpus.known_labels[at + int(start) : at + int(end)], minlength=256
        )
    for name, own in found.items():
        assert about["splits"][name] == {
            "pieces": own["pieces"],
            "bases": own["bases"],
            "states": dict(zip(names, own["labels"][: len(names)].tolist(), strict=True)),
        }


@pytest.mark.parametrize("kind", [annotated, labelled, tracked])
def test_a_large_dataset_is_read_without_being_encoded(kind, tmp_path):
    config = loaded(kind(tmp_path))
    settings = as_settings(preflight_settings(config))["datasets"]["mine"]
    settings["encode"]["leave_out"] = []  # what has no label for its letter is not looked for
    files = Files(config.sequence_file("mine"), config.label_file("mine"))
    small = look_at_dataset("mine", settings, files, tmp_path / "room").about
    part = look_at_dataset("mine", settings, files, tmp_path / "none", most_rehearsed=1000)
    assert not (tmp_path / "none").exists()
    assert part.about["splits"] is None
    assert part.about["bases"] == small["bases"]
    if kind is labelled:  # a FASTA of states is read as the sequences are
        assert part.about["states"] == small["states"]
    else:
        assert 1000 <= part.about["labels_of"] <= small["labels_of"]
    (note,) = part.notes
    assert "too many to encode and split" in note.found


def test_nothing_is_left_of_a_look(tmp_path):
    room = tmp_path / "results"
    room.mkdir()
    looked_at(loaded(annotated(tmp_path)), room)
    assert list(room.iterdir()) == []


# ---- Remarks


def subjects(findings):
    return {(finding.level, finding.subject) for finding in findings}


def counts(**more):
    return {
        "records": 10, "empty_records": 0, "bases": 100_000, "letters_of": 100_000, "unknown": 0,
        "lower_case": 0, **more,
    }  # fmt: skip


def test_unknown_letters_are_a_warning_where_they_are_many_and_labelled():
    few, many = counts(unknown=100), counts(unknown=20_000)
    assert subjects(on_sequences("x", few, [])) == {("note", "unknown bases (N and other codes)")}
    (warning,) = on_sequences("x", many, [])
    assert (warning.level, warning.found) == ("warning", "20,000 bases (20 %)")
    assert "leave_out: [unknown]" in warning.advice
    for left_out in (["unknown"], None):
        (note,) = on_sequences("x", many, left_out)
        assert note.level == "note"


def test_findings_of_proteins_and_texts_are_told_in_residues_and_words():
    (protein,) = on_sequences("x", counts(unknown=100, unit="residues"), [])
    assert (protein.subject, protein.found) == (
        "unknown residues (X and other codes)", "100 residues (0.1 %)"
    )  # fmt: skip
    (text,) = on_sequences("x", counts(empty_records=2, unit="words"), [])
    assert text.found == "2 of 10 records have no words"


def test_records_with_classes_are_not_advised_to_be_cut():
    about = {
        "task": "classify", "bases": 90, "labels_of": 9, "unlabelled": 0, "copies": 0,
        "near_copies": 0, "in_no_split": 0, "states": {"yes": 6, "no": 3},
        "splits": {
            name: {"bases": 30, "pieces": 3, "states": {"yes": 3, "no": int(name == "train")}}
            for name in ("train", "validation", "test")
        },
    }  # fmt: skip
    told = [str(f) for f in (*on_labels("x", about), *on_splits("x", about, None))]
    assert any("3 sequences (33 %)" in one for one in told)
    assert any("no sequence of the class no" in one for one in told)
    assert not any("block" in one or "base" in one for one in told)


def test_few_rare_and_missing_states_are_warnings_and_a_common_one_a_note():
    states = {"a": 97_000, "b": 2900, "c": 99, "d": 0}
    about = counts(states=states, unlabelled=1, labels_of=100_000)
    assert subjects(on_labels("x", about)) == {
        ("note", "unlabelled bases"), ("warning", "the state c"), ("warning", "the state d"),
        ("note", "the state a"),
    }  # fmt: skip


def split(pieces, bases, **states):
    return {"pieces": pieces, "bases": bases, "states": states}


def test_splits_that_are_small_off_or_unlike_are_warnings():
    good = {
        "train": split(80, 80_000, a=40_000, b=40_000),
        "validation": split(10, 10_000, a=5000, b=5000),
        "test": split(10, 10_000, a=5000, b=5000),
    }
    fractions = {"train": 0.8, "validation": 0.1, "test": 0.1}
    about = counts(states={"a": 50_000, "b": 50_000}, copies=0, near_copies=0, splits=good)
    assert list(on_splits("x", about, fractions)) == []
    other = {**good, "test": split(9, 20_000, a=20_000, b=0)}
    found = [str(f) for f in on_splits("x", about | {"splits": other}, fractions)]
    assert len(found) == 5
    for told, words in zip(
        found,
        ("9 pieces", "train split: 73 % of the bases", "test split: 18 % of the bases",
         "no base of the state b", "50 % of its labels would have to change"),
        strict=True,
    ):  # fmt: skip
        assert words in told
    # A split that somebody gave has no fractions to miss.
    assert len(list(on_splits("x", about | {"splits": other}, None))) == 3
    copies = about | {"copies": 2, "near_copies": 3}
    assert ["5 pieces" in f.found for f in on_splits("x", copies, fractions)] == [True]


def test_simulations_of_few_records_are_told_before_they_are_drawn(tmp_path):
    simulate = {"hmm": "toy", "records": 60, "length": 200}
    found = looked_at(loaded({"simulate": simulate}), tmp_path)
    assert found.datasets["mine"]["bases"] == 12_000
    assert subjects(found.findings) == {
        ("warning", "the validation split"), ("warning", "the test split")
    }  # fmt: skip
    many = {"simulate": simulate | {"length": {"minimum": 100, "maximum": 300}, "records": 500}}
    found = looked_at(loaded(many), tmp_path)
    assert found.datasets["mine"]["bases"] == 100_000
    assert found.findings == []


def test_sequences_longer_than_what_a_network_learns_from_are_a_warning(tmp_path):
    config = load_config(
        {
            "datasets": {"letters": {"task": "next_token",
                                     "simulate": {"hmm": "toy", "records": 200, "length": 50}}},
            "taggers": {"gru": {"cell": "gru", "training": {"window": 40}}},
            "generate": {name: {"dataset": "letters", "tagger": "gru", "length": length}
                         for name, length in (("short", 40), ("long", 41))},
        },
        [], REPOSITORY,
    )  # fmt: skip
    told = [f for f in looked_at(config, tmp_path).findings if "generate" in f.where]
    assert [(f.level, f.where, f.found) for f in told] == [
        ("warning", "generate long", "41 letters")
    ]
    assert told[0].expected.startswith("40 at most")


def classifying(tmp_path, entry, text, **dataset):
    """A config that classifies a file of that text."""
    name = "new.fa" if "fasta" in entry else "new.csv"
    (tmp_path / name).write_text(text)
    motifs = {
        "task": "classify",
        "simulate": {"motif": "ATG", "place": "start", "records": 300, "length": 20},
    }
    entry = {key: str(tmp_path / name) if key in ("fasta", "table") else value
             for key, value in entry.items()}  # fmt: skip
    return load_config(
        {
            "datasets": {"motifs": dataset or motifs},
            "taggers": {"majority": {"baseline": "majority"}},
            "classify": {"new": entry | {"tagger": {"dataset": "motifs", "tagger": "majority"}}},
        },
        [], REPOSITORY,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "text", "words"),
    [
        ({"fasta": ""}, ">a\nACGT\n>b\nAC-GT\n", "new.fa, line 4, column 3, record 'b'"),
        ({"fasta": ""}, ">a\nACGT\n>b\n", "new.fa, record 'b': has no letters"),
        ({"fasta": ""}, "", "new.fa"),
        ({"table": "", "column": "dna"}, "dna\nACGT\nACJT\n", "new.csv, line 3, record 'row2'"),
        ({"table": "", "column": "seq"}, "dna\nACGT\n", "new.csv, line 1: has no column 'seq'"),
        ({"table": "", "column": "dna"}, 'dna\nACGT\n""\nAC\n', "line 3, record 'row2': has no"),
    ],
)
def test_what_is_wrong_in_sequences_to_be_classified_is_told_before_the_run(
    tmp_path, entry, text, words
):
    with pytest.raises(InputError) as error:
        looked_at(classifying(tmp_path, entry, text), tmp_path)
    assert words in str(error.value)


def test_texts_to_be_classified_need_words(tmp_path):
    (tmp_path / "texts.csv").write_text(
        "review,class\n" + "".join(f"a good film {n},g\na bad film {n},b\n" for n in range(60))
    )
    dataset = {
        "task": "classify", "table": str(tmp_path / "texts.csv"), "vocabulary": {"of": "words"},
        "columns": {"sequence": "review", "label": "class"}, "classes": {"g": "good", "b": "bad"},
    }  # fmt: skip
    entry = {"table": "", "column": "review"}
    looked_at(classifying(tmp_path, entry, "review\ngood\n", **dataset), tmp_path)
    with pytest.raises(InputError, match=r"line 3, record 'row2': has no words"):
        looked_at(classifying(tmp_path, entry, "review\ngood\n?!\n", **dataset), tmp_path)


def test_a_tagger_that_a_dataset_cannot_have_is_a_note(tmp_path):
    config = load_config(
        {
            "datasets": {"own": labelled(tmp_path),
                         "toy": {"simulate": {"hmm": "toy", "records": 500, "length": 50}}},
            "taggers": {"exact": {"baseline": "exact"}},
        },
        [], REPOSITORY,
    )  # fmt: skip
    told = [str(f) for f in looked_at(config, tmp_path).findings if "tagger" in f.subject]
    assert told == [
        "dataset own: the tagger exact: is not made: exact needs the HMM that simulates"
    ]


# ---- Costs


def work(*, kept=True, **taggers):
    return {
        "datasets": {"a": {"simulated": False, "states": 3, "substates": True, "features": 2}},
        "taggers": taggers,
        "runs": [["a", name, seeds, kept] for name, seeds in zip(taggers, (1, 3), strict=False)],
        "genomes": ["g", "unseen"],
        "annotations": [
            {"genome": genome, "states": 3, "network": tagger.get("network")}
            for genome in ("g", "unseen")
            for tagger in taggers.values()
        ],
        "generate": [],
        "controls": 500,
    }


NETWORK = {
    "cell": "lstm", "hidden": 32, "layers": 1, "directions": 2, "bases": 12_000_000, "batch": 64,
    "window": 1000,
}  # fmt: skip
SIZES = Sizes(
    {"a": 1_000_000}, {"a": {"train": 0.8, "validation": 0.1, "test": 0.1}}, {"g": 2_000_000}
)


def test_disk_is_what_the_files_of_each_rule_hold():
    found = {e.rule: e for e in estimates(work(majority={}, net={"network": NETWORK}), SIZES)}
    # Tokens, labels, substates: a byte each; a float32 for each feature.
    assert found["encode_fasta"].disk == 3_000_000
    assert found["encode_features"].disk == 8_000_000
    assert found["encode_genome"].disk == 2_000_000
    assert found["mark_matches"].disk == 100_000
    # Of test, validation and two controls: three float32 and a call.
    assert found["predict_baseline"].disk == 201_000 * 13
    assert found["predict_network"].disk == 3 * 201_000 * 13
    assert (found["predict_network"].jobs, found["annotate_part"].jobs) == (3, 2)


def test_posteriors_that_go_when_they_are_judged_take_no_room():
    kept, gone = (
        {
            e.rule: e
            for e in estimates(work(kept=kept, majority={}, net={"network": NETWORK}), SIZES)
        }
        for kept in (True, False)
    )
    assert (gone["predict_baseline"].disk, gone["predict_network"].disk) == (0, 0)
    for rule in kept:
        if not rule.startswith("predict"):
            assert gone[rule] == kept[rule]
    assert gone["predict_network"].seconds == kept["predict_network"].seconds


def test_a_cell_that_nobody_has_measured_is_taken_for_an_lstm():
    known, new = (work(net={"network": NETWORK | {"cell": cell}}) for cell in ("lstm", "new"))
    assert estimates(new, SIZES) == estimates(known, SIZES)


def test_taggers_by_their_files_alone_are_estimated_too(tmp_path):
    """A genome and two files, without datasets and taggers: the README's own way to annotate."""
    (tmp_path / "target.fa").write_text(">chr\n" + "ACGT" * 5000 + "\n")
    card = {
        "name": "n", "description": "d", "parameters": 1, "alphabet": "dna", "states": ["R", "P"],
        "state_names": {"R": "rich", "P": "poor"},
        "training": {"prior": [0.5, 0.5], "transition": [[0.9, 0.1], [0.1, 0.9]], "bases": 9,
                     "digest": "0"},
    }  # fmt: skip
    architecture = {"cell": "gru", "hidden": 64, "layers": 2, "bidirectional": True}
    write_tagger(
        tmp_path / "n.safetensors", {}, card | {"kind": "network", "architecture": architecture}
    )
    write_tagger(
        tmp_path / "h.safetensors",
        {},
        card | {"kind": "hmm", "architecture": {"baseline": "exact", "filtered": False}},
    )

    def cost(*names):
        files = [{"file": str(tmp_path / f"{name}.safetensors")} for name in names]
        genome = {"fasta": str(tmp_path / "target.fa"), "taggers": files}
        config = load_config({"annotate": {"target": genome}}, [], REPOSITORY)
        found = looked_at(config, tmp_path)
        return {e.rule: e for e in found.costs}["annotate_part"]

    assert (cost("n", "h").jobs, cost("h").jobs) == (2, 1)
    assert cost("n").seconds > cost("h").seconds
    assert cost("n").disk == 20_000 * 2 * 2.5


def test_further_heads_cost_an_encoding_each_and_a_prediction_by_each_that_learns_them():
    nets = {name: {"network": NETWORK | {"joint": joint}} for name, joint in (("a", True),
            ("b", False))}  # fmt: skip
    own = work(**nets)
    own["datasets"]["a"]["heads"] = [2, 4]
    found = {e.rule: e for e in estimates(own, SIZES)}
    assert (found["encode_head"].jobs, found["encode_head"].disk) == (2, 2_000_000)
    assert (found["predict_head"].jobs, found["predict_head"].disk) == (2, 100_000 * 4 * (2 + 4))


def test_generated_letters_are_estimated_within_their_order_of_magnitude():
    """By a GRU of 128: few sequences cost a step's time each letter, many what it computes."""
    gru = NETWORK | {"cell": "gru", "hidden": 128, "directions": 1}
    for records, seconds in ((10, 1.6), (256, 3.9), (2560, 39)):
        own = work() | {
            "generate": [{"network": gru, "records": records, "length": 4000, "rows": 256}]
        }
        (found,) = (e for e in estimates(own, SIZES) if e.rule == "generate_sequences")
        started = found.seconds - COSTS["generate_sequences"].start
        assert seconds / 3 < started < seconds * 3
        assert found.disk == round(0.3 * records * 4000)


def test_every_rule_that_is_estimated_is_one_of_the_workflow():
    text = "".join(path.read_text() for path in (REPOSITORY / "rules").glob("*.smk"))
    assert {rule for rule in COSTS if f"rule {rule}:" not in text} == set()


def test_the_table_of_costs_stands_in_the_docs():
    text = (REPOSITORY / "docs/preflight.md").read_text()
    for rule, cost in COSTS.items():
        row = (
            f"| `{rule}` | {cost.start:g} s | {cost.speed / 1e6:g} Mb | {cost.memory // 10**6} MB "
            f"| {cost.disk:g} | {cost.source} |"
        )
        assert row in text


def test_a_training_is_estimated_within_its_order_of_magnitude():
    """Against the processor's time of the default run: 15 s of GRU 16, 44 s of BiLSTM 32."""
    gru = NETWORK | {"cell": "gru", "hidden": 16, "directions": 1}
    for network, seconds, megabytes in ((gru, 15, 508), (NETWORK, 44, 705)):
        found = {e.rule: e for e in estimates(work(majority={}, net={"network": network}), SIZES)}
        own = found["train_tagger"]
        assert seconds / 3 < own.seconds / own.jobs < seconds * 3
        assert megabytes / 1.5 < own.memory / 1e6 < megabytes * 1.5


def test_sizes_and_times_are_told_in_words():
    assert [size_text(n) for n in (0, 999, 1500, 2.34e9, 45.6e9)] == [
        "0 bytes", "999 bytes", "1.5 kB", "2.3 GB", "46 GB",
    ]  # fmt: skip
    assert [time_text(s) for s in (3, 60, 200, 4000, 100_000, 864_000)] == [
        "less than a minute", "about 1 minute", "about 3 minutes", "about 1 hour", "about 1 day",
        "about 10 days",
    ]  # fmt: skip


# ---- The machine


@pytest.fixture
def cards(tmp_path, monkeypatch):
    """Put an nvidia-smi that shows some cards ahead of any other."""

    def show(n):
        tool = tmp_path / "bin" / "nvidia-smi"
        tool.parent.mkdir(exist_ok=True)
        lines = [f"GPU {i}: NVIDIA A100 (UUID: GPU-{i})\n  MIG 1g.5gb Device 0:" for i in range(n)]
        tool.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(lines) + "\nEND\n")
        tool.chmod(tool.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return show


def test_gpus_that_are_asked_for_are_looked_for(cards, tmp_path, monkeypatch):
    cards(2)
    machine.check_gpus(2)
    with pytest.raises(DeviceError, match=r"asks for 3 GPUs, and this machine shows 2;.*gpu=0"):
        machine.check_gpus(3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with pytest.raises(DeviceError, match=r"shows 1 \(CUDA_VISIBLE_DEVICES is '1'\)"):
        machine.check_gpus(2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(DeviceError, match="asks for 1 GPU, and this machine shows none"):
        machine.check_gpus(1)
    machine.check_gpus(0)


def test_gpus_of_other_machines_are_not_looked_for(cards, tmp_path):
    cards(0)
    config = loaded({"simulate": {"hmm": "toy", "records": 500, "length": 50}})
    looked_at(config, tmp_path, gpus=1, elsewhere=True)
    with pytest.raises(DeviceError):
        looked_at(config, tmp_path, gpus=1)


def test_too_little_room_and_memory_are_warnings_and_room_enough_is_no_finding(
    tmp_path, monkeypatch
):
    config = loaded({"simulate": {"hmm": "toy", "records": 500, "length": 50}})
    before = looked_at(config, tmp_path).as_json()
    monkeypatch.setattr(machine, "free_disk", lambda folder: 10**15)
    assert looked_at(config, tmp_path).as_json() == before
    monkeypatch.setattr(machine, "free_disk", lambda folder: 1000)
    monkeypatch.setattr(machine, "main_memory", lambda: 200_000_000)
    found = looked_at(config, tmp_path).findings
    assert ("warning", "room on disk") in subjects(found)
    assert ("warning", "memory of fit_baseline") in subjects(found)
    found = looked_at(config, tmp_path, elsewhere=True).findings
    assert subjects(found) == {("warning", "room on disk")}


# ---- The config, and the page


def test_settings_hold_no_paths_and_change_with_what_is_looked_at_alone(tmp_path):
    dataset = annotated(tmp_path)
    before = canonical_json(preflight_settings(loaded(dataset)))
    assert str(tmp_path) not in before
    same = loaded(dataset, training={"learning_rate": 0.5}, evaluation={"pairs": 7})
    assert canonical_json(preflight_settings(same)) == before
    for other in (
        loaded(dataset | {"split": {"by": "record"}}),
        loaded(dataset, evaluation={"controls": {"bases": 0}}),
        loaded(dataset | {"labels": dataset["labels"] | {"background": None}}),
    ):
        assert canonical_json(preflight_settings(other)) != before


def test_the_order_of_keys_changes_neither_settings_nor_files(tmp_path):
    (tmp_path / "b").mkdir()
    sections = {
        "datasets": {"b": annotated(tmp_path / "b"), "a": labelled(tmp_path)},
        "taggers": {name: {"baseline": name} for name in ("uniform", "exact", "majority")},
        "annotate": {
            genome: {"fasta": str(tmp_path / "genome.fa"),
                     "taggers": [{"dataset": "b", "tagger": "uniform"},
                                 {"dataset": "a", "tagger": "majority"}]}
            for genome in ("two", "one")
        },
    }  # fmt: skip
    simulated = {"simulate": {"hmm": "toy", "records": 500, "length": 50}}
    sections["datasets"]["c"] = simulated
    turned = {name: dict(reversed(own.items())) for name, own in sections.items()}
    found = [
        (canonical_json(preflight_settings(config)), preflight_files(config))
        for config in (load_config(own, [], REPOSITORY) for own in (sections, turned))
    ]
    assert found[0] == found[1]


def test_a_file_that_two_datasets_share_is_given_once(tmp_path):
    dataset = annotated(tmp_path)
    config = load_config(
        {"datasets": {"one": dataset, "two": dataset},
         "taggers": {"majority": {"baseline": "majority"}}},
        [], REPOSITORY,
    )  # fmt: skip
    assert [file.name for file in preflight_files(config)] == ["genome.fa", "genes.gff"]


def test_the_page_shows_the_counts_and_refuses_those_that_contradict_each_other(tmp_path):
    config = loaded(
        labelled(tmp_path),
        annotate={
            "g": {"fasta": str(tmp_path / "genome.fa"),
                  "taggers": [{"dataset": "mine", "tagger": "majority"}]},
            "later": {"accession": "NC_001416.1",
                      "taggers": [{"dataset": "mine", "tagger": "majority"}]},
        },
    )  # fmt: skip
    written = json.loads(json.dumps(looked_at(config, tmp_path).as_json()))
    check_preflight(written, "preflight.json")
    view = preflight_view(written)
    assert [row["name"] for row in view["files"]] == ["dataset mine", "genome g"]
    about = written["datasets"]["mine"]
    row = view["files"][0]
    assert row["bases"] == f"{about['bases']:,}"
    assert row["unknown"] == f"{100 * about['unknown'] / about['bases']:.1f} %"
    assert f"train {about['splits']['train']['bases']:,} in" in row["splits"]
    assert any("fetched by their accession" in note["found"] for note in view["notes"])
    assert preflight_view(None) is None
    for kind, key in (("datasets", "unlabelled"), ("genomes", "letters_of")):
        name = next(iter(written[kind]))
        broken = json.loads(json.dumps(written))
        broken[kind][name][key] += 1
        with pytest.raises(InputError, match="the counts beside it give"):
            check_preflight(broken, "preflight.json")


def test_a_region_that_a_genome_does_not_have_is_told_before_the_run(tmp_path):
    dataset = labelled(tmp_path)

    def look(region):
        use = {"dataset": "mine", "tagger": "majority"}
        genome = {"fasta": str(tmp_path / "genome.fa"), "regions": [region], "taggers": [use]}
        return looked_at(loaded(dataset, annotate={"g": genome}), tmp_path)

    name = (tmp_path / "genome.fa").read_text().split()[0].removeprefix(">")
    look(f"{name}:1-5")
    with pytest.raises(InputError, match="the region other:1-5 lies in no record of the genome"):
        look("other:1-5")
    with pytest.raises(InputError, match="ends beyond the record"):
        look(f"{name}:1-50000")
