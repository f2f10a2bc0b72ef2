"""Outside programs as taggers: what Pyrodigal says by itself is what its tagger calls."""

from __future__ import annotations

import gzip
import sys

import numpy as np
import pyrodigal
import pytest

from basetag import gene_finder
from basetag.alphabet import DNA
from basetag.baseline_fitting import fit_baseline
from basetag.baselines import load_baseline
from basetag.config.programs import TranslationTable
from basetag.decoding import Decoding, call_states
from basetag.errors import InputError
from basetag.gene_finder import Pyrodigal
from basetag.programs import ProgramCalls
from basetag.segments import Segments
from basetag.tagger_file import read_tagger
from basetag.taggers import load_tagger
from tests.test_baselines import a_corpus, split_of

STATES = "N+-"
SETTINGS = {
    "meta": False,
    "translation_table": 11,
    "forward": "+",
    "reverse": "-",
    "background": "N",
}
STOPS = {"TAA", "TAG", "TGA"}
CODON_PLACES = ((0.2, 0.2, 0.4, 0.2), (0.32, 0.22, 0.16, 0.3), (0.08, 0.44, 0.36, 0.12))


def opposite(sequence):
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def an_artificial_genome(genes, seed):
    """Return genes on both strands, each behind a ribosome's binding site, and their labels."""
    rng = np.random.default_rng(seed)
    codons = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    codons = [codon for codon in codons if codon not in STOPS]
    # G first, and G or C last, as in a bacterium of high GC: by that Prodigal finds its feet.
    places = [dict(zip("ACGT", p, strict=True)) for p in CODON_PLACES]
    usage = np.array([np.prod([p[x] for p, x in zip(places, c, strict=True)]) for c in codons])
    usage /= usage.sum()
    sequence, labels = [], []
    for _ in range(genes):
        between = "".join(rng.choice(list("ACGT"), rng.integers(60, 160), p=[0.3, 0.2, 0.2, 0.3]))
        body = "".join(rng.choice(codons, rng.integers(150, 400), p=usage))
        gene = f"ATG{body}TAA"
        lead = "AGGAGGTAACAA"
        forward = rng.random() < 0.5
        sequence += [between, lead + gene if forward else opposite(lead + gene)]
        marks = "N" * len(lead) + "+" * len(gene)
        labels += ["N" * len(between), marks if forward else marks[::-1].replace("+", "-")]
    return "".join(sequence), "".join(labels)


@pytest.fixture(scope="module")
def genome():
    """Three records, for train, validation and test."""
    made = [an_artificial_genome(genes, seed) for seed, genes in enumerate((150, 30, 30))]
    corpus = a_corpus(*(list(part) for part in zip(*made, strict=True)), STATES)
    return corpus, split_of(corpus, [0], [1], [2])


@pytest.fixture(scope="module")
def fitted(genome):
    return fit_baseline("pyrodigal", SETTINGS, *genome, tagger="genes")


def record(corpus, number):
    start, length = corpus.starts[number], corpus.lengths[number]
    return corpus.tokens[start : start + length], corpus.lengths[[number]]


def calls_of(tagger, tokens, lengths):
    posterior = tagger.posterior(tokens, lengths)
    return call_states(tagger, tokens, lengths, posterior, Decoding("argmax"))


def drawn(genes, length):
    """The states of the bases under genes that do not overlap; None where they do."""
    states: list[int | None] = [0] * length
    for gene in genes:
        for base in range(gene.begin - 1, gene.end):
            own = 1 if gene.strand == 1 else 2
            states[base] = own if states[base] in (0, own) else None
    return states


def assert_calls_are_genes(calls, genes):
    expected = drawn(genes, len(calls))
    clear = [i for i, state in enumerate(expected) if state is not None]
    assert len(clear) > 0.99 * len(calls)
    assert calls[clear].tolist() == [expected[i] for i in clear]


def test_calls_are_the_genes_that_pyrodigal_finds_by_itself(genome, fitted):
    corpus, _ = genome
    alone = pyrodigal.GeneFinder()
    alone.train(DNA.decode(record(corpus, 0)[0]))
    tokens, lengths = record(corpus, 2)
    genes = alone.find_genes(DNA.decode(tokens))
    assert len(genes) > 20
    assert {gene.strand for gene in genes} == {1, -1}
    assert_calls_are_genes(calls_of(fitted, tokens, lengths), genes)


def test_it_finds_the_genes_of_an_artificial_genome(genome, fitted):
    corpus, split = genome
    tokens, lengths = record(corpus, 2)
    labels = split["test"].gathered(corpus.labels)
    assert np.mean(calls_of(fitted, tokens, lengths) == labels) > 0.95


def test_a_gene_that_an_end_cuts_off_is_called(genome, fitted):
    corpus, _ = genome
    tokens, _ = record(corpus, 2)
    labels = corpus.labels[corpus.starts[2] :]
    (begins,) = np.nonzero((labels[1:] == 1) & (labels[:-1] != 1))
    middle = int(begins[0]) + 200
    calls = calls_of(fitted, tokens[middle : middle + 100], np.array([100]))
    assert np.count_nonzero(calls == 1) > 90


def test_a_call_is_as_probable_as_on_validation(genome, fitted):
    corpus, split = genome
    tokens, lengths = record(corpus, 1)
    labels = split["validation"].gathered(corpus.labels)
    calls = calls_of(fitted, tokens, lengths)
    counts = np.array([[np.sum((calls == c) & (labels == y)) for y in range(3)] for c in range(3)])
    expected = (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.posterior(tokens, lengths), expected[calls], rtol=1e-6)


def test_what_it_learnt_comes_back_from_its_file_bit_for_bit(genome, fitted, tmp_path):
    corpus, split = genome
    places = [tmp_path / name for name in ("one.safetensors", "two.safetensors")]
    fitted.save(places[0])
    fit_baseline("pyrodigal", SETTINGS, corpus, split, tagger="genes").save(places[1])
    assert places[0].read_bytes() == places[1].read_bytes()
    alone = pyrodigal.GeneFinder().train(DNA.decode(record(corpus, 0)[0]))
    tensors, card = read_tagger(places[0])
    for name, value in alone.to_dict().items():
        assert np.array_equal(tensors[name], value), name
    assert card["kind"] == "rule"
    assert pyrodigal.__version__ in card["description"]
    tokens, lengths = record(corpus, 2)
    loaded = load_baseline(places[0])
    assert np.array_equal(loaded.posterior(tokens, lengths), fitted.posterior(tokens, lengths))


def test_a_stranger_annotates_from_the_file_alone(genome, fitted, tmp_path):
    fitted.save(tmp_path / "tagger.safetensors")
    tokens, lengths = record(genome[0], 2)
    loaded = load_tagger(tmp_path / "tagger.safetensors")
    (found,) = loaded.predict([DNA.decode(tokens)])
    assert found.states == "".join(STATES[call] for call in calls_of(fitted, tokens, lengths))


def test_metagenomic_mode_is_that_of_pyrodigal_and_needs_no_training_bases(genome):
    corpus, split = genome
    few = Segments(*(np.array([n]) for n in (0, 0, 100, 0)))
    settings = SETTINGS | {"meta": True, "translation_table": None}
    tagger = fit_baseline("pyrodigal", settings, corpus, {**split, "train": few})
    assert tagger.card["parameters"] == 3 * 2
    tokens, lengths = record(corpus, 2)
    genes = pyrodigal.GeneFinder(meta=True).find_genes(DNA.decode(tokens))
    assert_calls_are_genes(calls_of(tagger, tokens, lengths), genes)


def test_neighbouring_blocks_are_trained_on_as_one_stretch(genome, fitted):
    corpus, split = genome
    length = corpus.lengths[0]
    cuts = np.array([0, 5000, 9001])
    blocks = Segments(cuts * 0, cuts, np.append(cuts[1:], length), cuts)
    again = fit_baseline("pyrodigal", SETTINGS, corpus, {**split, "train": blocks})
    for name, array in fitted.tensors.items():
        assert np.array_equal(again.tensors[name], array)


def test_more_than_one_stretch_is_trained_on_as_pyrodigal_does(genome):
    corpus, split = genome
    tagger = fit_baseline(
        "pyrodigal", SETTINGS, corpus, {**split, "train": split_of(corpus, [0, 1])["train"]}
    )
    parts = [DNA.decode(record(corpus, number)[0]) for number in (0, 1)]
    alone = pyrodigal.GeneFinder().train(*parts)
    assert np.array_equal(tagger.tensors["coding_statistics"], alone.coding_statistics)


def test_another_genetic_code_is_trained_with(genome):
    tagger = fit_baseline("pyrodigal", SETTINGS | {"translation_table": 4}, *genome)
    assert tagger.tensors["translation_table"] == 4


def test_genes_of_both_strands_may_be_one_state():
    sequence, labels = an_artificial_genome(60, 5)
    labels = labels.replace("-", "+")
    corpus = a_corpus([sequence, sequence[:9000]], [labels, labels[:9000]], "N+")
    split = split_of(corpus, [0], [1])
    tagger = fit_baseline("pyrodigal", SETTINGS | {"reverse": "+"}, corpus, split)
    calls = calls_of(tagger, *record(corpus, 1))
    assert np.mean(calls == split["validation"].gathered(corpus.labels)) > 0.95


def test_empty_and_tiny_sequences_are_read(fitted):
    lengths = np.array([0, 1, 2, 0, 5])
    tokens = np.full(8, DNA.unknown, dtype=np.uint8)
    assert calls_of(fitted, tokens, lengths).tolist() == [0] * 8


class Halves:
    """A program that gives base i the role i // 100 of the sequence that it is given."""

    longest, margin = 1000, 50

    def __init__(self):
        self.given = []

    def groups(self, sequence):
        self.given.append(len(sequence))
        return (np.arange(len(sequence)) // 100).astype(np.uint8)


def test_long_sequences_are_read_in_pieces_with_a_margin():
    program = Halves()
    tokens = np.zeros(2500 + 300, dtype=np.uint8)
    found = list(ProgramCalls(program, DNA).of_bases(tokens, np.array([2500, 300])))
    assert program.given == [1050, 1100, 550, 300]
    assert [(here.start, here.stop) for here, _ in found] == [
        (0, 1000), (1000, 2000), (2000, 2500), (2500, 2800),
    ]  # fmt: skip
    second = found[1][1]
    assert second.tolist() == [(i + 50) // 100 for i in range(1000)]


def test_genes_do_not_depend_on_the_pieces(genome, fitted, monkeypatch):
    tokens, lengths = record(genome[0], 2)
    whole = calls_of(fitted, tokens, lengths)
    monkeypatch.setattr(Pyrodigal, "longest", 7000)
    monkeypatch.setattr(Pyrodigal, "margin", 4000)
    assert np.mean(calls_of(fitted, tokens, lengths) == whole) > 0.999


def test_too_little_to_train_on_is_told(genome):
    corpus, split = genome
    few = Segments(*(np.array([n]) for n in (0, 0, 19_999, 0)))
    with pytest.raises(InputError, match=r"20,000 bases or more, .* has 19,999; take `meta: true`"):
        fit_baseline("pyrodigal", SETTINGS, corpus, {**split, "train": few})


def test_validation_labels_are_needed(genome):
    corpus, split = genome
    with pytest.raises(InputError, match="validation split, and no base of it has a label"):
        fit_baseline(
            "pyrodigal", SETTINGS, corpus, {**split, "validation": split_of(corpus, [])["train"]}
        )


def test_where_pyrodigal_is_not_installed_that_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyrodigal", None)
    with pytest.raises(InputError, match="not installed; install the package pyrodigal"):
        Pyrodigal()


def test_the_config_knows_the_genetic_codes_that_pyrodigal_has():
    assert set(TranslationTable.__args__) == set(pyrodigal.TRANSLATION_TABLES)
    info = pyrodigal.TrainingInfo(0.5)
    assert set(info.to_dict()) == set(gene_finder._LEARNT)


def test_genes_of_e_coli_are_those_that_pyrodigal_finds_by_itself(shared_data):
    path = shared_data / "ecoli_mg1655" / "GCF_000005845.2_ASM584v2_genomic.fna.gz"
    with gzip.open(path, "rt") as file:
        sequence = "".join(line.strip() for line in file if line[0] != ">")[:600_000]
    parts = [sequence[:400_000], sequence[400_000:450_000], sequence[450_000:]]
    corpus = a_corpus(parts, [("N+-" * len(part))[: len(part)] for part in parts], STATES)
    tagger = fit_baseline("pyrodigal", SETTINGS, corpus, split_of(corpus, [0], [1], [2]))
    alone = pyrodigal.GeneFinder()
    alone.train(parts[0])
    genes = alone.find_genes(parts[2])
    assert len(genes) > 100
    assert_calls_are_genes(calls_of(tagger, *record(corpus, 2)), genes)
