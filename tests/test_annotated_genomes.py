"""The labels of real genomes, base by base, against plain loops, Biopython and bedtools."""

import gzip
import shutil
import subprocess

import numpy as np
import pytest
from Bio import SeqIO
from Bio.Data import CodonTable
from Bio.Seq import Seq

from basetag.letters import UNLABELLED
from tests.labelled import encoded


def cover(covered, lines):
    """Mark the bases of CDS lines in (strands, positions in a codon, bases)."""
    for line in lines:
        fields = line.rstrip("\n").split("\t")
        if len(fields) == 9 and fields[2] == "CDS":
            start, end, phase = int(fields[3]) - 1, int(fields[4]), int(fields[7])
            bases = np.arange(start, end)
            bases = bases if fields[6] == "+" else bases[::-1]
            covered["+-".index(fields[6]), (np.arange(end - start) - phase) % 3, bases] = True


def assert_labels(corpus, covered):
    """Hold labels and substates against what covers each base."""
    plus, minus = covered.any(axis=1)
    labels = np.select([plus & minus, plus, minus], [UNLABELLED, 0, 1], 2)
    assert np.array_equal(corpus.labels, labels)
    finer = np.where(labels == 2, 6, UNLABELLED)
    for label, own in enumerate(covered):
        known = (labels == label) & (own.sum(axis=0) == 1)
        finer[known] = 3 * label + own.argmax(axis=0)[known]
    assert np.array_equal(corpus.substates.labels, finer)


def test_e_coli_has_the_label_and_the_codon_position_of_every_base(tmp_path, shared_data):
    path = shared_data / "ecoli_mg1655/GCF_000005845.2_ASM584v2_genomic"
    covered = np.zeros((2, 3, 4_641_652), dtype=bool)
    with gzip.open(f"{path}.gff.gz", "rt") as file:
        cover(covered, file)
    own = {
        "fasta": f"{path}.fna.gz",
        "labels": {
            "gff": f"{path}.gff.gz", "features": {"CDS": "coding"}, "stranded": True,
            "codon_positions": True, "background": "noncoding",
        },
    }  # fmt: skip
    corpus = encoded(tmp_path, own)
    assert_labels(corpus, covered)
    # prfB, on the minus strand: 25 codons, a base that the ribosome skips, 341 codons more.
    bases = corpus.substates.labels[3_035_183:3_036_282][::-1]
    assert bases.tolist() == 25 * [3, 4, 5] + [6] + 341 * [3, 4, 5]


def test_the_coding_sequences_of_e_coli_begin_and_end_with_such_codons(tmp_path, shared_data):
    """By Biopython's table of the genetic code of bacteria."""
    path = shared_data / "ecoli_mg1655/GCF_000005845.2_ASM584v2_genomic"
    own = {
        "fasta": f"{path}.fna.gz",
        "labels": {
            "gff": f"{path}.gff.gz", "features": {"CDS": "coding"}, "stranded": True,
            "codon_positions": "ends", "background": "noncoding",
        },
    }  # fmt: skip
    corpus = encoded(tmp_path, own)
    names, letters = corpus.substates.names, corpus.alphabet.decode(corpus.tokens)
    code = CodonTable.unambiguous_dna_by_id[11]
    for kind, codons in (("start", code.start_codons), ("stop", code.stop_codons)):
        n = 0
        for strand in "+-":
            own = [names.index(f"coding{strand}{kind}{k}") for k in "123"]
            own = own if strand == "+" else own[::-1]
            whole = np.lib.stride_tricks.sliding_window_view(corpus.substates.labels, 3) == own
            for at in np.flatnonzero(whole.all(axis=1)):
                codon = Seq(letters[at : at + 3])
                assert str(codon if strand == "+" else codon.reverse_complement()) in codons
                n += 1
        # Of 4,315; most others overlap with a neighbour in another frame.
        assert n > 3_400


@pytest.mark.parametrize("name", ["NC_000932.gb", "NC_001422.gbk", "NC_005816.gb"])
def test_a_genbank_file_has_the_labels_that_biopython_extracts(tmp_path, shared_data, name):
    """Biopython puts the bases of each feature together in the order in which they are read."""
    path = shared_data / "small_annotated" / name
    record = SeqIO.read(path, "genbank")
    covered = np.zeros((2, 3, len(record)), dtype=bool)
    for feature in record.features:
        if feature.type == "CDS":
            offset = int(feature.qualifiers.get("codon_start", ["1"])[0]) - 1
            n = 0
            for part in feature.location.parts:
                bases = range(int(part.start), int(part.end))
                strand = 0 if part.strand == 1 else 1
                for base in bases if part.strand == 1 else reversed(bases):
                    covered[strand, (n - offset) % 3, base] = True
                    n += 1
    own = {
        "genbank": str(path),
        "labels": {
            "features": {"CDS": "coding"}, "stranded": True, "codon_positions": True,
            "background": "noncoding",
        },
    }  # fmt: skip
    corpus = encoded(tmp_path, own)
    assert corpus.alphabet.decode(corpus.tokens) == str(record.seq)
    assert_labels(corpus, covered)


def test_cpg_islands_lie_where_bedtools_puts_them(tmp_path, shared_data):
    if shutil.which("bedtools") is None:
        pytest.skip("bedtools is not installed")
    folder = shared_data / "human_cpg"
    sequences = b""
    for name in ("chr3.42M", "chr4.103M"):
        sequences += gzip.decompress((folder / f"{name}.fa.gz").read_bytes())
    (tmp_path / "both.fa").write_bytes(sequences)
    own = {
        "fasta": str(tmp_path / "both.fa"),
        "labels": {
            "bed": str(folder / "islands.bed"), "features": "island", "background": "sea",
            "subset": True,
        },
    }  # fmt: skip
    corpus = encoded(tmp_path, own)
    tables = [f"{name}\t{n}\n" for name, n in zip(corpus.names, corpus.lengths, strict=True)]
    (tmp_path / "genome.txt").write_text("".join(tables))
    command = ["bedtools", "genomecov", "-bga", "-i", str(folder / "islands.bed"), "-g"]
    run = subprocess.run(
        [*command, str(tmp_path / "genome.txt")], capture_output=True, text=True, check=True
    )
    depths = {name: np.zeros(n) for name, n in zip(corpus.names, corpus.lengths, strict=True)}
    for line in run.stdout.splitlines():
        name, start, end, n = line.split("\t")
        depths[name][int(start) : int(end)] = int(n)
    covered = np.concatenate([depths[name] for name in corpus.names]) > 0
    assert np.array_equal(corpus.labels, np.where(covered, 0, 1))


def test_a_gtf_file_has_the_labels_of_its_cds_lines(tmp_path, shared_data):
    folder = shared_data / "small_annotated"
    path = folder / "ggal_1_48850000_49020000.bed.gff"
    fasta = folder / "ggal_1_48850000_49020000.Ggal71.500bpflank.fa"
    covered = np.zeros((2, 3, len(SeqIO.read(fasta, "fasta"))), dtype=bool)
    cover(covered, path.read_text().splitlines())
    own = {
        "fasta": str(fasta),
        "labels": {
            "gtf": str(path), "features": {"CDS": "coding"}, "stranded": True,
            "codon_positions": True, "background": "noncoding",
        },
    }  # fmt: skip
    assert_labels(encoded(tmp_path, own), covered)
