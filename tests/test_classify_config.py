"""The section `classify` of a config: sequences, and who tells their classes."""

import numpy as np
import pytest
import yaml

from basetag.config import load_config
from basetag.errors import ConfigError
from basetag.tagger_file import write_tagger
from tests.conftest import REPOSITORY
from tests.test_tagger_file import CARD

CONFIG = """\
datasets:
  motifs:
    task: classify
    simulate: {motif: ATG, records: 100, length: 50}
  blocks:
    simulate: {hmm: toy, records: 10, length: 500}
taggers:
  pooled: {cell: gru, pooling: max}
  majority: {baseline: majority}
seeds: [3, 4]
classify:
  new: {fasta: new.fa, tagger: {dataset: motifs, tagger: pooled}}
"""
ALONE = "classify:\n  new: {fasta: new.fa, tagger: {file: made.safetensors}}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.fa").write_text(">a\nACGT\n")
    for name, architecture in (("made", {"pooling": "max"}), ("bases", {})):
        card = CARD | {"kind": "network", "architecture": architecture}
        write_tagger(tmp_path / f"{name}.safetensors", {"a": np.zeros(1)}, card)
    return tmp_path


def load(folder, text):
    path = folder / "config.yaml"
    path.write_text(text)
    return load_config(yaml.safe_load(text), [path], REPOSITORY)


def test_a_tagger_of_the_run_is_named_by_dataset_tagger_and_seed(folder):
    config = load(folder, CONFIG)
    assert config.classifier("new") == "results/motifs/pooled/seed3/tagger.safetensors"
    chosen = CONFIG.replace("tagger: pooled}}", "tagger: pooled, seed: 4}}")
    assert config.model.classify["new"].fasta == "new.fa"
    assert load(folder, chosen).classifier("new").endswith("pooled/seed4/tagger.safetensors")


@pytest.mark.parametrize("key", ["column", "name", "context"])
def test_fasta_has_no_columns(key, folder):
    with pytest.raises(ConfigError, match=f"{key}.*a FASTA file has none"):
        load(folder, CONFIG.replace("fasta: new.fa,", f"fasta: new.fa, {key}: k,"))


def test_a_tagger_by_its_file_needs_no_dataset(folder):
    config = load(folder, ALONE)
    assert config.classifier("new") == "made.safetensors"
    assert list(config.datasets) == []


def test_what_says_the_same_of_every_sequence_may_classify_too(folder):
    config = load(folder, CONFIG.replace("tagger: pooled}}", "tagger: majority}}"))
    assert config.classifier("new") == "results/motifs/majority/seed0/tagger.safetensors"


@pytest.mark.parametrize(
    ("text", "was", "now", "message"),
    [
        (CONFIG, "dataset: motifs, tagger", "dataset: blocks, tagger",
         "classify.new.tagger.dataset: 'blocks' has a label for each base"),
        (CONFIG, "dataset: motifs, tagger", "dataset: motif, tagger", "did you mean motifs?"),
        (CONFIG, "tagger: pooled}}", "tagger: pooled, seed: 9}}", "'pooled' has no seed 9"),
        (CONFIG, "fasta: new.fa", "fasta: old.fa", "no such file: 'old.fa'"),
        (ALONE, "made.safetensors", "bases.safetensors", "labels bases, and no sequence"),
        (ALONE, "made.safetensors", "new.fa", "no safetensors file"),
        (CONFIG, "classify:\n  new: {fasta: new.fa, tagger: {dataset: motifs, tagger: pooled}}",
         "annotate:\n  g: {fasta: new.fa, taggers: [{dataset: motifs, tagger: majority}]}",
         "name it in the section classify"),
        (CONFIG, "  motifs:\n", "  classified:\n", "classified"),
    ],
)  # fmt: skip
def test_what_cannot_classify_is_refused_with_its_key(folder, text, was, now, message):
    assert was in text
    with pytest.raises(ConfigError) as told:
        load(folder, text.replace(was, now))
    assert message in str(told.value)


@pytest.mark.parametrize(
    "keys",
    [
        "training: {reverse_complement: true}\n",
        "taggers: {net: {cell: gru, pooling: max, bidirectional: true, both_strands: true}}\n",
    ],
)
def test_what_a_sequence_comes_with_lies_in_front_on_one_strand_alone(folder, keys):
    (folder / "sites.tsv").write_text("sequence\tclass\tassay\nACGT\ty\tone\n")
    text = (
        "datasets:\n  sites:\n    task: classify\n    table: sites.tsv\n"
        "    columns: {context: assay}\n    classes: [y, n]\n"
        "taggers: {net: {cell: gru, pooling: max}}\n"
    )
    load(folder, text)
    if keys.startswith("taggers"):
        text = text[: text.index("taggers")]
    with pytest.raises(ConfigError, match="where no other strand has it; remove it"):
        load(folder, text + keys)


def test_new_sequences_come_with_what_those_of_the_training_came_with(folder):
    (folder / "sites.tsv").write_text("sequence\tclass\tassay\nACGT\ty\tone\n")
    text = (
        "datasets:\n  sites:\n    task: classify\n    table: sites.tsv\n"
        "    columns: {context: assay}\n    classes: [y, n]\n"
        "taggers: {net: {cell: gru, pooling: max}}\n"
        "classify:\n"
        "  new: {table: sites.tsv, context: assay, tagger: {dataset: sites, tagger: net}}\n"
    )
    settings = {"column": "sequence", "name": None, "context": "assay"}
    assert load(folder, text).classify_settings("new") == settings
    with pytest.raises(ConfigError, match="'assay' in front of each sequence, and here is none"):
        load(folder, text.replace("sites.tsv, context: assay, tagger", "sites.tsv, tagger"))
    with pytest.raises(ConfigError, match="'sites' has no column of what its sequences come with"):
        load(folder, text.replace("columns: {context: assay}", "columns: {}"))
    with pytest.raises(ConfigError, match="given by number and by name"):
        load(folder, text.replace("context: assay, tagger", "context: 3, tagger"))
