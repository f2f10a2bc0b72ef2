"""Calls on a genome: the HMM's own path, a path over posteriors, and how far two agree."""

import csv
import shutil
from dataclasses import fields

import numpy as np
import pytest
import torch

from basetag import annotation
from basetag.agreement import compare_annotations, count_agreement
from basetag.alphabet import DNA, Alphabet
from basetag.annotation import annotate_part, call_packs
from basetag.baselines import ConstantTagger, HMMTagger
from basetag.corpus import Corpus
from basetag.corpus_encoding import write_corpus
from basetag.decoding import Decoding
from basetag.errors import InputError
from basetag.hmm import HMM
from basetag.intervals import Runs, read_bed
from basetag.network_tagger import NetworkTagger
from basetag.networks.tagger_network import TaggerNetwork
from basetag.taggers import LoadedTagger
from basetag.tracks import segments
from basetag.tracks.gather import gather
from basetag.tracks.packing import packs_of
from basetag.tracks.segments import segments_of
from basetag.viterbi import path_of_posterior, viterbi_path
from tests.tracks_fixture import annotate_by_scripts, outputs_in

NAMES = ["GC-rich", "GC-poor"]
CARD = {
    "kind": "hmm", "name": "exact", "description": "", "parameters": 9, "alphabet": "dna",
    "states": ["H", "L"], "state_names": {"H": "GC-rich", "L": "GC-poor"},
    "architecture": {"baseline": "exact"},
    "training": {"prior": [0.5, 0.5], "transition": [[0.99, 0.01], [0.01, 0.99]]},
}  # fmt: skip
MODEL = {
    "start": np.array([0.5, 0.5]),
    "transition": np.array([[0.99, 0.01], [0.01, 0.99]]),
    "emission": np.array([[0.1, 0.4, 0.4, 0.1], [0.4, 0.1, 0.1, 0.4]]),
}

DECODINGS = ["argmax", "viterbi", {"method": "viterbi", "minimum_length": {"H": 9, "L": 30}}]


class Wavering:
    """Right on the whole, but on every third base sure of the other state."""

    def __init__(self, truth, card=CARD):
        self.card = card
        self.truth = truth

    def posterior(self, tokens, lengths, threads=1, positions=None, out=None, features=None):
        sure = np.where(np.arange(tokens.size) % 3 == 1, 0.4, 0.9)
        right = np.eye(2, dtype=np.float32)[np.resize(self.truth, tokens.size)]
        out[:] = right * sure[:, None] + (1 - right) * (1 - sure[:, None])
        return out

    def most_probable_path(
        self, tokens, lengths, posterior, minimum_lengths,
        threads=1, positions=None, out=None, features=None,
    ):  # fmt: skip
        return path_of_posterior(self.card, posterior, lengths, minimum_lengths, threads, out)


@pytest.fixture
def genome(tmp_path):
    (tmp_path / "genome.fa").write_text(f">one\n{'GC' * 60}{'AT' * 60}\n>empty\n>two\n{'A' * 50}\n")
    write_corpus(tmp_path / "corpus", tmp_path / "genome.fa", DNA)
    return Corpus.open(tmp_path / "corpus")


def annotate(tagger, genome, folder, decoding="viterbi"):
    """Annotate a genome in one job; return what its BED says."""
    loaded = LoadedTagger(tagger, Decoding.of(decoding))
    annotate_part(loaded, genome, packs_of(genome.lengths), folder / "parts/0")
    states = {letter: tagger.card["state_names"][letter] for letter in tagger.card["states"]}
    gather([folder / "parts/0"], genome, {}, states, **outputs_in(folder))
    shutil.rmtree(folder / "parts")
    return dict(read_bed(folder / "segments.bed.gz", NAMES))


def test_an_hmm_is_called_by_its_own_most_probable_path(genome, tmp_path):
    found = annotate(HMMTagger(CARD, MODEL), genome, tmp_path / "hmm")
    hmm = HMM(DNA, ("H", "L"), *MODEL.values())
    path = viterbi_path(hmm, genome.tokens[:240], np.array([240]))
    assert (found["one"].label_at(np.arange(240)) == path).all()
    assert found["one"].ends.tolist() == [120, 240]
    assert sorted(found) == ["one", "two"]


def test_a_path_over_posteriors_keeps_segments_whole_that_argmax_shatters(genome, tmp_path):
    tagger = Wavering(np.repeat([0, 1], 120))
    whole = annotate(tagger, genome, tmp_path / "viterbi")
    shattered = annotate(tagger, genome, tmp_path / "argmax", decoding="argmax")
    assert whole["one"].ends.tolist() == [120, 240]
    assert len(shattered["one"].ends) > 100


def test_no_segment_is_shorter_than_its_least_length_but_at_the_ends(genome, tmp_path):
    decoding = {"method": "viterbi", "minimum_length": 150}
    found = annotate(HMMTagger(CARD, MODEL), genome, tmp_path / "hmm", decoding=decoding)
    # Both halves of 120 bases are cut off by an end; a third segment would not be.
    assert found["one"].ends.tolist() == [120, 240]
    tagger = Wavering(np.repeat([0, 1, 0, 1], 60))
    assert annotate(tagger, genome, tmp_path / "free")["one"].ends.tolist() == [60, 120, 180, 240]
    kept = annotate(tagger, genome, tmp_path / "kept", decoding=decoding)["one"]
    kept = kept.ends - kept.starts
    assert all(length >= 150 for length in kept[1:-1])


def test_the_summary_counts_segments_and_bases_of_each_state(genome, tmp_path):
    annotate(HMMTagger(CARD, MODEL), genome, tmp_path / "hmm")
    with (tmp_path / "hmm/summary.tsv").open() as file:
        rich, poor = csv.DictReader(file, delimiter="\t")
    assert (rich["name"], rich["segments"], rich["bases"]) == ("GC-rich", "1", "120")
    assert (poor["segments"], poor["bases"], poor["mean_length"]) == ("2", "170", "85")
    assert float(rich["fraction"]) == pytest.approx(120 / 290, abs=1e-6)
    assert (tmp_path / "hmm/segments.bed.gz.tbi").exists()


def test_a_genome_of_another_alphabet_is_refused_and_nothing_is_written(tmp_path):
    (tmp_path / "dice.fa").write_text(">rolls\n123456\n")
    write_corpus(tmp_path / "corpus", tmp_path / "dice.fa", Alphabet.named("123456"))
    with pytest.raises(InputError, match=r"written in '123456'.*reads 'dna'"):
        annotate(HMMTagger(CARD, MODEL), Corpus.open(tmp_path / "corpus"), tmp_path / "out")
    assert not list((tmp_path / "out/parts").iterdir())


@pytest.mark.parametrize("decoding", DECODINGS, ids=str)
def test_a_base_that_a_model_cannot_emit_is_named_with_its_record(tmp_path, decoding):
    (tmp_path / "genome.fa").write_text(">one\nAACC\n>two\nACCAATC\n")
    write_corpus(tmp_path / "corpus", tmp_path / "genome.fa", DNA)
    emission = np.array([[0.2, 0.4, 0.4, 0.0], [0.8, 0.1, 0.1, 0.0]])
    tagger = HMMTagger(CARD, MODEL | {"emission": emission})
    with pytest.raises(InputError, match=r"^record 'two', position 6: the model gives 'T' the pro"):
        annotate(tagger, Corpus.open(tmp_path / "corpus"), tmp_path / "out", decoding=decoding)


def taggers_of_every_kind():
    network = TaggerNetwork(DNA, 2, cell="gru", hidden=4, layers=2, bidirectional=True)
    network.initialise(torch.Generator().manual_seed(3))
    constant = ConstantTagger(CARD, {"probabilities": np.array([0.3, 0.7])})
    return [
        NetworkTagger(
            network, {**CARD, "kind": "network", "both_strands": False}, torch.device("cpu")
        ),
        HMMTagger(CARD, MODEL),
        constant,
        Wavering(np.repeat([0, 1], 120)),
    ]


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("asked", [None, False, True])
def test_both_strands_are_averaged_where_the_genome_or_the_tagger_asks_for_it(
    asked, own, genome, tmp_path
):
    network = TaggerNetwork(DNA, 2, cell="gru", hidden=4)
    network.initialise(torch.Generator().manual_seed(5))
    card = {**CARD, "kind": "network", "both_strands": own}
    card["architecture"] = {"cell": "gru", "hidden": 4, "layers": 1, "bidirectional": False}
    NetworkTagger(network, card, torch.device("cpu")).save(tmp_path / "tagger.safetensors")
    settings = {"decoding": {"method": "argmax", "minimum_length": 1}, "both_strands": asked}
    tagger = tmp_path / "tagger.safetensors"
    annotate_by_scripts(tmp_path, tmp_path / "corpus", tagger, settings)
    found = dict(read_bed(tmp_path / "segments.bed.gz", NAMES))
    for both_strands in (False, True):
        tagger = NetworkTagger(network, card, torch.device("cpu"), both_strands=both_strands)
        called = annotate(tagger, genome, tmp_path / str(both_strands), decoding="argmax")
        same = found["one"].ends.tolist() == called["one"].ends.tolist()
        assert same == (both_strands == (own if asked is None else asked))


def called_segments(loaded, genome, scratch):
    """Return all fields of all segments, pack by pack."""
    rows = []
    for called in call_packs(loaded, genome, packs_of(genome.lengths), scratch=scratch):
        for found in segments_of(called, genome.alphabet):
            columns = (getattr(found, field.name).tolist() for field in fields(found))
            rows += zip(*columns, strict=True)
    return rows


@pytest.mark.parametrize("decoding", DECODINGS, ids=str)
@pytest.mark.parametrize(
    "tagger", taggers_of_every_kind(), ids=lambda tagger: type(tagger).__name__
)
def test_a_record_too_long_for_memory_gets_the_same_segments(
    tagger, decoding, genome, tmp_path, monkeypatch
):
    loaded = LoadedTagger(tagger, Decoding.of(decoding))
    in_memory = called_segments(loaded, genome, tmp_path)
    monkeypatch.setattr(annotation, "PACKED_BASES", 100)
    monkeypatch.setattr(segments, "BLOCK_BASES", 7)
    assert called_segments(loaded, genome, tmp_path) == in_memory
    assert [row[0] for row in in_memory] == sorted(row[0] for row in in_memory)
    assert {row[0] for row in in_memory} == {0, 2}


def test_what_does_not_fit_in_memory_leaves_no_file_behind(genome, tmp_path, monkeypatch):
    whole = annotate(HMMTagger(CARD, MODEL), genome, tmp_path / "memory")
    monkeypatch.setattr(annotation, "PACKED_BASES", 100)
    found = annotate(HMMTagger(CARD, MODEL), genome, tmp_path / "disk")
    assert found["one"].ends.tolist() == whole["one"].ends.tolist()
    names = {path.name for path in (tmp_path / "disk").iterdir()}
    assert names == {
        "segments.bed.gz", "segments.bed.gz.tbi", "segments.gff3.gz", "segments.gff3.gz.tbi",
        "posteriors", "summary.tsv", "distributions.tsv",
    }  # fmt: skip


def test_agreement_counts_the_bases_that_both_call():
    def runs(*rows):
        starts, ends, labels = (np.array(column) for column in zip(*rows, strict=True))
        return Runs(starts, ends, labels.astype(np.uint8))

    first = runs((0, 10, 0), (10, 30, 1))
    second = runs((0, 15, 0), (20, 40, 1))
    # 0-10 agree, 10-15 differ, 15-20 is called once, 20-30 agree, 30-40 is called once.
    assert count_agreement(first, second) == (25, 20)
    assert count_agreement(second, first) == (25, 20)


def test_every_pair_of_annotations_has_a_row(genome, tmp_path):
    hmm = HMMTagger(CARD, MODEL)
    constant = {**CARD, "kind": "constant", "architecture": {"baseline": "majority"}}
    poor = ConstantTagger(constant, {"probabilities": np.array([0.1, 0.9])})
    for name, tagger in (("hmm", hmm), ("poor", poor)):
        annotate(tagger, genome, tmp_path / name, decoding="argmax")
    beds = [(name, tmp_path / name / "segments.bed.gz") for name in ("hmm", "poor", "hmm")]
    compare_annotations("phage", beds, NAMES, tmp_path / "agreement.tsv")
    with (tmp_path / "agreement.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["first"], row["second"], row["agreeing"]) for row in rows] == [
        ("hmm", "poor", "170"), ("hmm", "hmm", "290"), ("poor", "hmm", "170"),
    ]  # fmt: skip
