"""Hidden states of shown records: those of the textbook, of whole segments, for what is shown."""

import numpy as np
import pytest
import torch

from basetag import sequence_effects
from basetag.alphabet import DNA
from basetag.errors import InputError
from basetag.hidden_states import read_effects, read_hidden_states, write_hidden_states
from basetag.inference import Predictor
from basetag.network_tagger import NetworkTagger, build_network
from basetag.networks.tagger_network import TaggerNetwork
from basetag.pieces import shown_segments
from basetag.sequence_effects import mutagenesis
from tests.test_context import CPU, corpus_of, whole

DEEP = {
    "cell": "gru", "hidden": 3, "layers": 2, "bidirectional": True, "residual": True,
    "normalised": True, "embedding": {"k": 3, "dimensions": 2},
    "convolution": {"widths": [5], "channels": 4},
}  # fmt: skip


def make(**architecture):
    network = TaggerNetwork(DNA, 3, **architecture)
    network.initialise(torch.Generator().manual_seed(3))
    return network.double().eval()


def tagger_of(architecture):
    network = build_network(DNA, "HL", architecture)
    network.initialise(torch.Generator().manual_seed(3))
    corpus = corpus_of()
    return NetworkTagger.trained(network, corpus, whole(corpus), "n", architecture, CPU), corpus


@pytest.mark.parametrize("head", [None, {"label_of": [0, 1, 2]}])
@pytest.mark.parametrize(
    "architecture", [DEEP, {"cell": "lstm", "hidden": 4}, DEEP | {"cell": "none"}]
)
def test_the_head_makes_the_scores_from_the_hidden_states(architecture, head):
    network = make(**architecture, head=head)
    tokens = np.random.default_rng(1).integers(DNA.n_tokens, size=90).astype(np.uint8)
    lengths = np.array([40, 0, 50])
    predictor = Predictor(network, CPU)
    hidden = predictor.hidden(tokens, lengths, lengths)
    made = network.head(torch.from_numpy(hidden).double()).detach().numpy()
    np.testing.assert_allclose(made, predictor.scores(tokens, lengths), atol=1e-5)


@pytest.mark.parametrize("bases", [16, 50, 10**6])
def test_only_the_beginnings_are_kept_and_chunks_change_nothing(bases):
    network = make(**DEEP)
    tokens = np.random.default_rng(1).integers(DNA.n_tokens, size=730).astype(np.uint8)
    lengths = np.array([400, 330])
    all_of_it = Predictor(network, CPU).hidden(tokens, lengths, lengths)
    shown = np.array([37, 0])
    found = Predictor(network, CPU, bases=bases).hidden(tokens, lengths, shown)
    assert found.shape == (37, 6)
    np.testing.assert_allclose(found, all_of_it[:37], atol=1e-6)


def test_the_file_holds_what_is_shown_as_the_whole_segment_gives_it(tmp_path):
    tagger, corpus = tagger_of(DEEP)
    segments = whole(corpus)
    path = tmp_path / "hidden.npz"
    write_hidden_states(path, tagger, corpus, segments, records=2, bases=100, threads=1)
    _, shown = shown_segments(segments, 2, 100)
    found = read_hidden_states(path, shown)
    assert found.dtype == np.float16
    complete = tagger.hidden(corpus.tokens, segments.lengths, segments.lengths)
    expected = np.concatenate([complete[:100], complete[2000:2100]])
    np.testing.assert_allclose(found, expected, atol=2e-3)
    cut_out = tagger.hidden(corpus.tokens[:100], np.array([100]), np.array([100]))
    assert np.abs(cut_out[-1] - expected[99]).max() > 0.01  # bases behind the cut are read
    _, other = shown_segments(segments, 2, 99)
    with pytest.raises(InputError, match="of 200 bases, and 198 are shown; predict again"):
        read_hidden_states(path, other)


def test_a_network_that_reads_letters_alone_has_no_hidden_states(tmp_path):
    tagger, corpus = tagger_of({"cell": "none", "bidirectional": False})
    path = tmp_path / "hidden.npz"
    write_hidden_states(path, tagger, corpus, whole(corpus), records=1, bases=60, threads=1)
    _, shown = shown_segments(whole(corpus), 1, 60)
    assert read_hidden_states(path, shown).shape == (60, 0)


def test_a_file_of_something_else_is_refused(tmp_path):
    _, corpus = tagger_of({"cell": "none", "bidirectional": False})
    np.savez(tmp_path / "hidden.npz", other=np.zeros(3))
    with pytest.raises(InputError, match="cannot be read as hidden states"):
        read_hidden_states(tmp_path / "hidden.npz", whole(corpus))


POOLED = {"cell": "gru", "hidden": 3, "layers": 1, "bidirectional": True}


@pytest.mark.parametrize("pooling", ["max", "attention"])
def test_a_network_that_labels_records_says_what_their_bases_do(pooling, tmp_path):
    tagger, corpus = tagger_of(POOLED | {"pooling": pooling})
    segments = whole(corpus).cut(200)
    path = tmp_path / "hidden.npz"
    write_hidden_states(path, tagger, corpus, segments, records=2, bases=50, threads=1)
    _, shown = shown_segments(segments, 2, 50)
    assert read_hidden_states(path, shown).shape == (100, 6)
    found = read_effects(path, shown)
    assert set(found) == {"mutagenesis"} | ({"attention"} if pooling == "attention" else set())
    for name, array in found.items():
        parts = [
            mutagenesis(tagger, part)[:50]
            if name == "mutagenesis"
            else tagger.attention(part, np.array([200]))[:50]
            for part in (corpus.tokens[:200], corpus.tokens[200:400])
        ]
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, np.concatenate(parts), atol=1e-5)  # batches differ


def test_substitutions_that_would_take_too_long_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(sequence_effects, "MOST_BASES", 150 * 50 * 3)
    tagger, corpus = tagger_of(POOLED | {"pooling": "mean"})
    segments = whole(corpus).cut(200).first(350)  # 200 and 150 bases
    path = tmp_path / "hidden.npz"
    write_hidden_states(path, tagger, corpus, segments, records=2, bases=50, threads=1)
    effects = read_effects(path, shown_segments(segments, 2, 50)[1])["mutagenesis"]
    assert effects.shape == (100, 4, 2)
    assert np.isnan(effects[:50]).all()
    assert np.isfinite(effects[50:]).all()


def test_a_network_that_labels_bases_says_no_such_thing(tmp_path):
    tagger, corpus = tagger_of(DEEP)
    path = tmp_path / "hidden.npz"
    write_hidden_states(path, tagger, corpus, whole(corpus), records=1, bases=60, threads=1)
    assert read_effects(path, shown_segments(whole(corpus), 1, 60)[1]) == {}
