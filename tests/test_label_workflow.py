"""The workflow on annotated genomes: from GFF, GenBank and a table to the judgement."""

import json

import numpy as np
import pytest

from basetag.corpus import Corpus
from tests.workflow import copy_workflow, planned, snakemake

GENES = 12


def genome():
    """A genome of 3,600 bases with a gene of 60 codons in each 300, every second on the minus."""
    generator = np.random.default_rng(5)
    complement = str.maketrans("ACGT", "TGCA")
    text, rows = "", []
    for index in range(GENES):
        gene = "".join(generator.choice(["GCA", "GCG", "GTG", "CTG"], 60))
        strand = "+-"[index % 2]
        gene = gene if strand == "+" else gene.translate(complement)[::-1]
        start = len(text) + 61
        text += "".join(generator.choice(list("AT"), 60)) + gene
        text += "".join(generator.choice(list("AT"), 60))
        rows.append(f"1\tx\tCDS\t{start}\t{start + 179}\t.\t{strand}\t0\tID=gene{index}")
    return text, "##gff-version 3\n" + "\n".join(rows) + "\n"


CONFIG = """\
datasets:
  genes:
    fasta: genome.fa
    labels:
      gff: genes.gff
      features: {CDS: coding}
      stranded: true
      codon_positions: true
      background: noncoding
      strip: [chr]
    split: {by: block, block: 300}
  rows:
    table: rows.csv
    columns: {sequence: sequence, states: labels}
    states: {H: rich, L: poor}
taggers:
  majority: {baseline: majority}
  base_table: {baseline: base_table, k: 3}
evaluation: {pairs: 20, controls: {bases: 0}}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run."""
    folder = tmp_path_factory.mktemp("labels")
    workflow = copy_workflow(folder / "workflow")
    text, gff = genome()
    (folder / "genome.fa").write_text(f">chr1\n{text}\n")
    (folder / "genes.gff").write_text(gff)
    generator = np.random.default_rng(6)
    rows = [
        "".join([*generator.choice(list("CG"), 40), *generator.choice(list("AT"), 60)])
        for _ in range(20)
    ]
    states = 40 * "H" + 60 * "L"
    lines = ["sequence,labels", *(f"{row},{states}" for row in rows)]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    (folder / "config.yaml").write_text(CONFIG)
    finished = snakemake(workflow, folder / "config.yaml")
    assert finished.returncode == 0, finished.stderr
    return workflow, folder


def test_annotated_genomes_and_tables_are_judged_like_any_other_dataset(run):
    _, folder = run
    for dataset, states in (("genes", ["C", "c", "N"]), ("rows", ["H", "L"])):
        metrics = {
            tagger: json.loads(
                (folder / f"results/{dataset}/{tagger}/seed0/metrics.json").read_text()
            )
            for tagger in ("majority", "base_table")
        }
        assert list(metrics["majority"]["states"]) == states
    assert (folder / "results/report.html").exists()


def test_only_what_has_finer_states_has_a_file_of_them(run):
    _, folder = run
    corpora = {name: Corpus.open(folder / f"results/{name}/corpus") for name in ("genes", "rows")}
    assert (folder / "results/genes/corpus/substates.npy").exists()
    assert corpora["genes"].mirror == (1, 0, 2)
    assert np.bincount(corpora["genes"].substates.labels).tolist() == [*6 * [360], 1440]
    assert corpora["rows"].substates is None
    log = (folder / "logs/encode_fasta/genes.log").read_text()
    assert "12 features meet 'CDS': coding" in log


def test_a_changed_rule_or_annotation_encodes_again_and_nothing_else(run):
    workflow, folder = run
    config = folder / "config.yaml"
    assert planned(workflow, config) == set()
    encoded = {"encode_fasta", "encode_fasta_finer"}
    text = config.read_text()
    config.write_text(text.replace("{CDS: coding}", "{CDS: genic}"))
    assert planned(workflow, config) & encoded == {"encode_fasta_finer"}
    config.write_text(text)
    (folder / "rows.csv").write_text((folder / "rows.csv").read_text() + "GG,HH\n")
    assert planned(workflow, config) & encoded == {"encode_fasta"}
