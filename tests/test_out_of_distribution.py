"""A tagger of one kind of sequences on a genome of its own kind, and on one of another."""

import json

import numpy as np
import pytest
import torch

from basetag.alphabet import DNA
from basetag.baseline_fitting import fit_baseline
from basetag.corpus import Corpus
from basetag.corpus_encoding import write_corpus
from basetag.hmm import HMM
from basetag.hmm_spec import load_hmm_spec
from basetag.network_tagger import NetworkTagger
from basetag.networks.tagger_network import TaggerNetwork
from basetag.report.annotation_data import read_annotation
from basetag.report.compositions import composition_view
from basetag.report.page import Page
from basetag.segments import whole_records
from basetag.simulation import sample_emissions, sample_paths
from basetag.tagger_file import FORMAT, read_tagger, write_tagger
from tests.conftest import REPOSITORY
from tests.tracks_fixture import annotate_by_scripts

SETTINGS = {"decoding": "argmax", "both_strands": None}


def simulated(preset, seed, records, length):
    """Draw a corpus from a preset of the workflow."""
    settings = load_hmm_spec(REPOSITORY / f"resources/hmms/{preset}.yaml").settings()
    hmm, rng = HMM.from_settings(settings), np.random.default_rng(seed)
    lengths = np.full(records, length)
    paths = sample_paths(hmm, lengths, rng)
    names = {state: state for state in hmm.states}
    return Corpus(
        DNA, tuple(hmm.states), names, [f"r{n}" for n in range(records)],
        np.cumsum(lengths) - lengths, lengths, sample_emissions(hmm, paths, rng), paths,
    )  # fmt: skip


@pytest.fixture(scope="module", params=["network", "hmm_counts"])
def tagger(request, tmp_path_factory):
    """A tagger of the toy model, as the rules save it."""
    corpus = simulated("toy", 1, 400, 500)
    path = tmp_path_factory.mktemp(request.param) / "tagger.safetensors"
    training = whole_records(corpus)
    if request.param == "network":
        parts = {"cell": "gru", "hidden": 3, "layers": 1, "bidirectional": False}
        network = TaggerNetwork(DNA, 2, **parts)
        network.initialise(torch.Generator().manual_seed(1))
        device = torch.device("cpu")
        NetworkTagger.trained(network, corpus, training, "gru", parts, device).save(path)
    else:
        split = dict.fromkeys(("train", "validation", "test"), training)
        fit_baseline("hmm_counts", {"pseudocount": 1.0}, corpus, split).save(path)
    return path


@pytest.fixture(scope="module")
def genomes(tmp_path_factory):
    """Genomes of 40 kb: of the tagger's own kind, and with islands of CpG."""
    folder = tmp_path_factory.mktemp("genomes")
    for name, preset in (("own", "toy"), ("other", "cpg")):
        tokens = simulated(preset, 2, 1, 40_000).tokens
        (folder / f"{name}.fa").write_text(f">{name}\n{DNA.decode(tokens)}\n")
        write_corpus(folder / name, folder / f"{name}.fa", DNA)
    return folder


def annotated(folder, genome, tagger):
    place = folder / "phage/toy/gru/seed1"
    place.mkdir(parents=True)
    return annotate_by_scripts(place, genome, tagger, SETTINGS)


def test_a_genome_of_the_taggers_own_kind_brings_no_warning(tagger, genomes, tmp_path, caplog):
    folder = annotated(tmp_path, genomes / "own", tagger)
    found = json.loads((folder / "composition.json").read_text())
    assert found["differs"] is False
    assert found["warning"] is None
    assert "unlike" not in caplog.text
    view = composition_view(Page(), "phage", [read_annotation(folder)])
    assert "is like the training data of toy" in view["told"][0]["text"]


def test_a_genome_of_another_kind_warns_in_the_log_the_file_and_the_report(
    tagger, genomes, tmp_path, caplog
):
    folder = annotated(tmp_path, genomes / "other", tagger)
    found = json.loads((folder / "composition.json").read_text())
    assert found["differs"] is True
    assert found["divergence"] > 3 * found["threshold"]
    assert found["warning"] in caplog.text
    view = composition_view(Page(), "phage", [read_annotation(folder)])
    assert view["told"][0]["differs"]
    assert "is unlike the training data of toy" in view["told"][0]["text"]
    assert view["figure"]["rows"][-1][:4] == ["toy", "phage", 39_996, found["divergence"]]


def test_a_file_without_a_composition_is_read_and_says_so(tagger, genomes, tmp_path):
    tensors, card = read_tagger(tagger)
    assert card["format"] == FORMAT
    del card["training"]["composition"]
    write_tagger(tmp_path / "old.safetensors", tensors, card)
    folder = annotated(tmp_path, genomes / "other", tmp_path / "old.safetensors")
    found = json.loads((folder / "composition.json").read_text())
    assert found == {"known": False, "warning": None}
    view = composition_view(Page(), "phage", [read_annotation(folder)])
    assert "is not known" in view["told"][0]["text"]
    assert view["figure"] is None
