"""A genome shared out among jobs has the tracks of one that is annotated in one job."""

import gzip

import numpy as np
import pytest
import torch

from basetag.alphabet import DNA
from basetag.baselines import HMMTagger
from basetag.corpus import Corpus
from basetag.corpus_encoding import write_corpus
from basetag.errors import InputError
from basetag.network_tagger import NetworkTagger
from basetag.networks.tagger_network import TaggerNetwork
from basetag.tracks import packing
from basetag.tracks.plan import packs_of_part, write_plan
from tests.test_annotation import CARD, MODEL
from tests.tracks_fixture import annotate_by_scripts

#: Long, short, a single base, none, and many alike.
LENGTHS = [5000, 1, 0, 0, 700, *[40] * 60, 1, 2600, 0]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(1)
    letters = np.array(list("ACGTN"))
    with gzip.open(folder / "genome.fa.gz", "wt") as file:
        for number, length in enumerate(LENGTHS):
            sequence = "".join(rng.choice(letters, length, p=[0.2, 0.3, 0.3, 0.19, 0.01]))
            file.write(f">r{number}\n{sequence}\n")
    write_corpus(folder / "corpus", folder / "genome.fa.gz", DNA)
    return folder / "corpus"


@pytest.fixture(scope="module", params=["network", "hmm"])
def tagger(request, tmp_path_factory):
    path = tmp_path_factory.mktemp(request.param) / "tagger.safetensors"
    if request.param == "hmm":
        HMMTagger(CARD, MODEL).save(path)
        return path
    parts = {"cell": "lstm", "hidden": 4, "bidirectional": True}
    network = TaggerNetwork(DNA, 2, **parts)
    network.initialise(torch.Generator().manual_seed(5))
    card = {**CARD, "kind": "network", "both_strands": False, "architecture": parts}
    NetworkTagger(network, card, torch.device("cpu")).save(path)
    return path


@pytest.mark.parametrize("method", ["argmax", "viterbi"])
def test_jobs_together_give_every_file_of_one_job_byte_for_byte(
    corpus, tagger, method, tmp_path, monkeypatch
):
    monkeypatch.setattr(packing, "PACKED_BASES", 1000)
    settings = {"decoding": method, "both_strands": None}
    for name, bases_per_job in (("one", None), ("few", 3000), ("many", 1)):
        annotate_by_scripts(tmp_path / name, corpus, tagger, settings, bases_per_job)
    assert len(list((tmp_path / "many/parts").iterdir())) > 5
    files = [
        path.relative_to(tmp_path / "one")
        for path in (tmp_path / "one").rglob("*")
        if path.is_file() and "parts" not in path.parts[-4:] and path.name != "parts.tsv"
    ]
    # Two of segments with an index each, two of posteriors, two tables, and the composition.
    assert len(files) == 9
    for name in files:
        whole = (tmp_path / "one" / name).read_bytes()
        for folder in ("few", "many"):
            assert (tmp_path / folder / name).read_bytes() == whole, (folder, name)


def test_a_plan_of_another_genome_is_refused(corpus, tmp_path):
    genome = Corpus.open(corpus)
    assert write_plan(tmp_path / "parts.tsv", genome, None) == 1
    packs = packs_of_part(tmp_path / "parts.tsv", 0, genome)
    assert sum(pack.bases for pack in packs) == sum(LENGTHS)
    with pytest.raises(InputError, match="job 1"):
        packs_of_part(tmp_path / "parts.tsv", 1, genome)
    text = (tmp_path / "parts.tsv").read_text()
    (tmp_path / "parts.tsv").write_text(text.replace(str(sum(LENGTHS)), "7"))
    with pytest.raises(InputError, match=r"parts\.tsv: does not say what job 0"):
        packs_of_part(tmp_path / "parts.tsv", 0, genome)


def test_a_compressed_genome_is_encoded_without_a_copy_on_disk(corpus):
    # What lies beside the source is the corpus alone, at one byte a base.
    assert {path.name for path in corpus.parent.iterdir()} == {"genome.fa.gz", "corpus"}
    size = sum(path.stat().st_size for path in corpus.iterdir())
    assert size < sum(LENGTHS) + 4000
