"""Taggers that a config names by their files, and datasets by an accession."""

import numpy as np
import pytest
import yaml

from basetag.config import load_config
from basetag.errors import ConfigError
from basetag.tagger_card import read_card
from basetag.tagger_file import write_tagger
from tests.conftest import REPOSITORY
from tests.test_tagger_file import CARD

ALONE = """\
annotate:
  target:
    fasta: target.fa
    taggers:
      - {file: first.safetensors}
      - {file: first.safetensors, name: again}
"""
GENES = """\
datasets:
  genes:
    accession: NC_000913.3
    labels: {features: {CDS: coding}, stranded: true, codon_positions: true, background: other}
taggers:
  majority: {baseline: majority}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "target.fa").write_text(">a\nACGT\n")
    write_tagger(tmp_path / "first.safetensors", {"a": np.zeros(1)}, CARD)
    return tmp_path


def load(folder, *texts):
    config, files = {}, []
    for index, text in enumerate(texts):
        files.append(folder / f"config{index}.yaml")
        files[-1].write_text(text)
        merge(config, yaml.safe_load(text))
    return load_config(config, files, REPOSITORY)


def merge(below, above):
    for key, value in above.items():
        if isinstance(value, dict):
            merge(below.setdefault(key, {}), value)
        else:
            below[key] = value


def mistake(folder, *texts):
    with pytest.raises(ConfigError) as caught:
        load(folder, *texts)
    (line,) = str(caught.value).splitlines()
    return line


def test_a_genome_can_be_annotated_without_datasets_and_taggers(folder):
    config = load(folder, ALONE)
    assert config.runs() == []
    assert config.annotations() == [
        ("target", "files", "first", 0),
        ("target", "files", "again", 0),
    ]
    assert config.use("target", "files", "again").file == "first.safetensors"
    assert config.encode_genome_settings("target") == {"alphabet": CARD["alphabet"]}
    names = [CARD["state_names"][state] for state in CARD["states"]]
    assert config.compare_annotations_settings("target")["state_names"] == sorted(names)


def test_a_file_has_no_decoding_but_the_genomes(folder):
    argmax = {"method": "argmax", "minimum_length": 1}
    settings = load(folder, ALONE).annotate_settings("target", "files", "first")
    assert settings == {"decoding": argmax, "both_strands": None}
    state = CARD["states"][0]
    decoding = f"    decoding: {{method: viterbi, minimum_length: {{{state}: 5}}}}\n"
    settings = load(folder, ALONE + decoding).annotate_settings("target", "files", "first")
    assert settings["decoding"] == {"method": "viterbi", "minimum_length": {state: 5}}


def test_what_is_said_again_is_a_config(folder):
    config = load(folder, ALONE)
    (folder / "again.yaml").write_text(config.report_settings()["config"])
    text = (folder / "again.yaml").read_text()
    assert load(folder, text).annotations() == config.annotations()


def test_a_taggers_file_annotates_beside_the_taggers_of_the_config(folder):
    text = f"""\
datasets: {{toy: {{simulate: {{hmm: toy, records: 20, length: 500}}}}}}
taggers: {{exact: {{baseline: exact}}}}
{ALONE}      - {{dataset: toy, tagger: exact}}
"""
    assert load(folder, text).annotations()[-1] == ("target", "toy", "exact", 0)


@pytest.mark.parametrize(
    ("old", "new", "key", "told"),
    [
        ("first.safe", "lost.safe", "[0].file", "no such file"),
        ("first.safe", "other.safe", "[0].file", "is no safetensors file"),
        (", name: again", "", "[1]", "a second tagger called 'first'"),
        ("name: again", "name: a b", "[1].name", "found 'a b'"),
        ("name: again", "nam: x", "[1].nam", "did you mean name?"),
    ],
)
def test_a_mistake_stands_at_the_file_that_makes_it(folder, old, new, key, told):
    (folder / "other.safetensors").write_bytes(b"no tagger")
    line = mistake(folder, ALONE.replace(old, new, 1))
    assert line.startswith("config0.yaml, line ")
    assert f": annotate.target.taggers{key}: " in line
    assert told in line


@pytest.mark.parametrize(
    ("card", "key", "told"),
    [
        ({"features": ["x"]}, "[0].file", "'other' reads the feature 'x', which the genome lacks"),
        ({"alphabet": "HP"}, "[1].file", "'again' is written in 'dna', and 'other'"),
    ],
)
def test_a_card_that_does_not_fit_is_told(folder, card, key, told):
    write_tagger(folder / "other.safetensors", {"a": np.zeros(1)}, CARD | card)
    line = mistake(folder, ALONE.replace("first.safe", "other.safe", 1))
    assert f": annotate.target.taggers{key}: {told}" in line


def test_without_a_taggers_file_datasets_and_taggers_are_needed(folder):
    own = ALONE.replace("{file: first.safetensors}", "{dataset: toy, tagger: exact}")
    assert "datasets: is missing" in mistake(folder, own)
    assert "datasets: is missing" in mistake(folder, "training: {bases: 1000000}")
    assert "datasets: is empty" in mistake(folder, "datasets: {}\ntaggers: {}\n")


def test_the_card_is_what_was_written(folder):
    assert read_card(folder / "first.safetensors") | CARD == read_card("first.safetensors")


def test_a_dataset_by_accession_is_fetched_as_genbank(folder):
    config = load(folder, GENES)
    assert config.is_fetched("genes")
    assert config.sequence_file("genes") is None
    assert config.label_file("genes") is None
    assert config.has_substates("genes")
    assert config.fetch_dataset_settings("genes") == {"accession": "NC_000913.3"}
    settings = config.encode_settings("genes")
    assert (settings["sequences"], settings["labels"]) == ("genbank", "genbank")
    assert list(settings["state_names"].values()) == ["coding+", "coding-", "other"]


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        ("{genbank: target.fa}", ("genbank", "genbank")),
        ("{fasta: target.fa, labels: {gff: target.fa}}", ("fasta", "gff")),
    ],
)
def test_files_take_the_place_of_an_accession(folder, files, kinds):
    config = load(folder, GENES, f"datasets: {{genes: {files}}}")
    assert not config.is_fetched("genes")
    settings = config.encode_settings("genes")
    assert (settings["sequences"], settings["labels"]) == kinds
    assert config.has_substates("genes")


def test_an_assembly_is_no_dataset(folder):
    line = mistake(folder, GENES.replace("NC_000913.3", "GCF_000005845.2"))
    assert line.startswith("config0.yaml, line 3: datasets.genes.accession: ")
    assert "is an assembly" in line
