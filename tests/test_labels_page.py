"""The page about labels: each of its configs is right, and its example comes out as it says."""

import re

import pytest
import yaml

from basetag.config import load_config
from basetag.letters import UNLABELLED
from tests.conftest import REPOSITORY
from tests.labelled import codons_of, encoded, text_of

PAGE = (REPOSITORY / "docs/labels.md").read_text()
CONFIGS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
IN_A_TABLE = re.findall(r"`(labels: \{.*?\})` \|", PAGE)


def write_files(folder, text):
    for name in re.findall(r"[\w]+\.(?:fa|gff3|gtf|bed|bw|tsv|gb)\b", text):
        (folder / name).write_text("something")


@pytest.mark.parametrize("text", CONFIGS)
def test_every_config_is_right(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, text)
    config = yaml.safe_load(text) | {"taggers": {"majority": {"baseline": "majority"}}}
    assert len(load_config(config, [], REPOSITORY).states("mine")) >= 2


@pytest.mark.parametrize("text", IN_A_TABLE)
def test_every_line_of_the_table_is_right(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, text)
    if "…" in text:
        text = text.replace(", …", ", background: noncoding")
        (tmp_path / "genome.gb").write_text("something")
        own = {"genbank": "genome.gb"} | yaml.safe_load(text)
    else:
        (tmp_path / "genome.fa").write_text("something")
        own = {"fasta": "genome.fa"} | yaml.safe_load(text)
    config = {"datasets": {"mine": own}, "taggers": {"majority": {"baseline": "majority"}}}
    assert len(load_config(config, [], REPOSITORY).states("mine")) == 2


ROWS = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
ANNOTATIONS = re.findall(r"```gff\n(.*?)```", PAGE, re.DOTALL)
WITH_CODONS = [text for text in CONFIGS if "codon_positions" in text]


@pytest.mark.parametrize(
    ("rows", "annotation", "config"), list(zip(ROWS, ANNOTATIONS, WITH_CODONS, strict=True))
)
def test_each_example_comes_out_as_it_says(tmp_path, rows, annotation, config):
    bases, states, codons, *kinds = (line[8:].ljust(30) for line in rows.splitlines())
    (tmp_path / "genome.fa").write_text(f">one\n{bases}\n")
    (tmp_path / "genes.gff3").write_text(annotation)
    own = yaml.safe_load(config)["datasets"]["mine"]
    own["fasta"] = str(tmp_path / "genome.fa")
    own["labels"]["gff"] = str(tmp_path / "genes.gff3")
    corpus = encoded(tmp_path, own)
    assert text_of(corpus) == states
    found = [c if c in "123" else " " for c in codons_of(corpus)]
    assert "".join(found) == codons
    for row in kinds:
        assert "".join(map(kind_of, corpus.substates.labels, [corpus.substates.names] * 30)) == row


def kind_of(substate, names):
    """Return a letter of "sta" or "sto" for a base of a start or a stop codon."""
    name = "" if substate == UNLABELLED else names[substate]
    for codon, letters in (("start", "sta"), ("stop", "sto")):
        if codon in name:
            return letters[int(name[-1]) - 1]
    return " "
