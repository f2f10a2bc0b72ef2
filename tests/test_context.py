"""The measured context: known answers from taggers whose reach is known."""

import numpy as np
import pytest
import torch

from basetag import context
from basetag.alphabet import DNA
from basetag.context import measure_context, reach_of
from basetag.corpus import UNLABELLED, Corpus
from basetag.network_tagger import NetworkTagger, build_network
from basetag.segments import Segments

CPU = torch.device("cpu")


def corpus_of(bases=6000, records=3, seed=1):
    rng = np.random.default_rng(seed)
    starts = np.arange(records, dtype=np.int64) * (bases // records)
    return Corpus(
        DNA, ("H", "L"), {"H": "rich", "L": "poor"}, [f"r{i}" for i in range(records)],
        starts, np.full(records, bases // records, dtype=np.int64),
        rng.integers(4, size=bases).astype(np.uint8), rng.integers(2, size=bases).astype(np.uint8),
    )  # fmt: skip


def whole(corpus):
    zeros = np.zeros_like(corpus.starts)
    return Segments(np.arange(corpus.starts.size), zeros, corpus.lengths, corpus.starts)


class SeesOneBase:
    """Calls by a base at a fixed distance; knows nothing where there is none. Keeps a count."""

    def __init__(self, distance):
        self.distance, self.card, self.bases_read = distance, {}, 0

    def posterior(self, tokens, lengths, threads=1, positions=None, out=None, features=None):
        self.bases_read += tokens.size
        found = []
        for part in np.split(tokens, np.cumsum(lengths)[:-1]):
            high = np.full(part.size, 0.5)
            seen = np.arange(part.size) + self.distance
            there = (seen >= 0) & (seen < part.size)
            high[there] = np.where(part[seen[there]] < 2, 0.9, 0.1)
            found.append(np.stack([high, 1 - high], axis=1))
        return np.concatenate(found).astype(np.float32)


def measured(tagger, corpus=None, left=False, **settings):
    corpus = corpus or corpus_of()
    return measure_context(
        tagger, corpus, whole(corpus), looks_left_alone=left, threads=1, **settings
    )


@pytest.mark.parametrize(("distance", "reach"), [(0, 0), (-1, 1), (5, 8), (-64, 64), (100, 128)])
def test_the_context_of_a_tagger_that_sees_one_base_is_where_that_lies(distance, reach):
    found = measured(SeesOneBase(distance))
    assert found["reach"] == reach
    lost = np.log(2) + 0.9 * np.log(0.9) + 0.1 * np.log(0.1)  # KL(0.9, 0.1 || 0.5, 0.5)
    for d, kl in zip(found["distances"], found["kl"], strict=True):
        # Bases near an end of their record have nothing there, either way.
        assert kl == pytest.approx(lost, rel=0.15) if d < reach else kl == 0
    assert found["distances"] == [0, *(2**i for i in range(13))][: len(found["distances"])]
    assert found["distances"][-1] == reach  # nothing farther is tried


def test_what_reads_leftward_alone_is_cut_on_the_left_alone():
    tagger = SeesOneBase(-10)
    found = measured(tagger, left=True)
    assert found["reach"] == 16
    assert found["sides"] == "left"
    drawn, windows = found["bases"], sum(d + 1 for d in found["distances"])
    assert tagger.bases_read <= 6000 + drawn * windows


def test_beyond_the_farthest_distance_no_number_is_claimed(monkeypatch):
    monkeypatch.setattr(context, "FARTHEST", 32)
    found = measured(SeesOneBase(300))
    assert found["reach"] is None
    assert found["distances"][-1] == 32


def test_a_window_as_long_as_every_piece_shows_nothing_and_is_not_tried():
    corpus = corpus_of(600, records=20)
    found = measured(SeesOneBase(29), corpus)
    assert found["distances"] == [0, 1, 2, 4, 8, 16]
    assert found["reach"] is None


def test_no_more_than_three_million_bases_or_so_are_read():
    corpus = corpus_of(400_000, records=20)
    tagger = SeesOneBase(4097)
    assert measured(tagger, corpus)["distances"][-1] == 4096
    assert tagger.bases_read <= 3_100_000


def test_the_reach_is_the_distance_from_which_on_all_lies_below():
    assert reach_of([0, 1, 2, 4], [0.5, 0.0005, 0.002, 0.0001]) == 4
    assert reach_of([0, 1, 2], [0.5, 0.0009, 0.0001]) == 1
    assert reach_of([0, 1], [0.5, 0.4]) is None


def test_only_labelled_bases_are_drawn():
    corpus = corpus_of()
    corpus.labels[:] = UNLABELLED
    corpus.labels[[1000, 3000, 5000]] = 1
    assert measured(SeesOneBase(3), corpus)["bases"] == 3


def test_a_network_is_measured_to_the_same_numbers_twice_and_to_its_own_reach():
    architecture = {
        "cell": "none", "bidirectional": True,
        "embedding": {"k": 1, "dimensions": 3}, "convolution": {"widths": [9], "channels": 4},
    }  # fmt: skip
    network = build_network(DNA, "HL", architecture)
    network.initialise(torch.Generator().manual_seed(1))
    corpus = corpus_of()
    tagger = NetworkTagger.trained(network, corpus, whole(corpus), "wide", architecture, CPU)
    found = measured(tagger, corpus)
    assert found == measured(tagger, corpus)
    assert found["reach"] == 4  # kernels of 9 bases see 4 to either side
    assert found["kl"][-1] == pytest.approx(0, abs=1e-12)
    assert found["kl"][-2] > 0.001
