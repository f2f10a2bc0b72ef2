"""Records in packs, packs in jobs, and the segments of a pack, against loops over bases."""

from itertools import groupby

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import DNA, Alphabet
from basetag.annotation import call_packs
from basetag.baselines import ConstantTagger
from basetag.corpus import Corpus
from basetag.network_tagger import NetworkTagger
from basetag.networks.tagger_network import TaggerNetwork
from basetag.taggers import LoadedTagger
from basetag.tracks import packing, segments
from basetag.tracks.packing import Pack, packs_of, parts_of
from basetag.tracks.segments import CalledPack, segments_of

CARD = {
    "kind": "constant", "name": "constant", "description": "", "parameters": 1, "alphabet": "dna",
    "states": ["H", "L"], "state_names": {"H": "GC-rich", "L": "GC-poor"},
    "architecture": {"baseline": "uniform"}, "both_strands": False,
    "training": {"prior": [0.5, 0.5], "transition": [[0.9, 0.1], [0.1, 0.9]]},
}  # fmt: skip


def genome_of(lengths, seed=1):
    lengths = np.array(lengths, dtype=np.int64)
    tokens = np.random.default_rng(seed).integers(0, 4, lengths.sum(), dtype=np.uint8)
    names = [f"contig{number}" for number in range(len(lengths))]
    return Corpus(DNA, (), {}, names, np.cumsum(lengths) - lengths, lengths, tokens, None)


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), max_size=60), st.none() | st.integers(1, 100))
def test_packs_and_jobs_take_each_record_once_and_in_order(lengths, bases_per_job):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "PACKED_BASES", 20)
        packs = packs_of(np.array(lengths, dtype=np.int64))
    records = [record for pack in packs for record in range(pack.first, pack.end)]
    assert records == list(range(len(lengths)))
    for pack in packs:
        assert pack.start == sum(lengths[: pack.first])
        assert pack.bases == sum(lengths[pack.first : pack.end])
        assert pack.bases <= 20 or pack.end - pack.first == 1
    parts = parts_of(packs, bases_per_job)
    assert [pack for part in parts for pack in part] == packs
    if bases_per_job is None:
        assert len(parts) == 1
    for part in parts[:-1]:
        assert sum(pack.bases for pack in part) >= bases_per_job
        assert sum(pack.bases for pack in part[:-1]) < bases_per_job


def test_ten_thousand_contigs_are_one_call_of_the_tagger():
    calls = []

    class Counting(ConstantTagger):
        def posterior(self, tokens, lengths, *arguments, **more):
            calls.append(lengths.size)
            return super().posterior(tokens, lengths, *arguments, **more)

    loaded = LoadedTagger(Counting(CARD, {"probabilities": np.array([0.3, 0.7])}))
    genome = genome_of([200] * 10_000)
    (called,) = call_packs(loaded, genome, packs_of(genome.lengths))
    assert calls == [10_000]
    assert called.path.size == 2_000_000


def test_a_network_calls_records_in_a_pack_as_it_calls_each_alone():
    network = TaggerNetwork(DNA, 2, cell="gru", hidden=4, bidirectional=True)
    network.initialise(torch.Generator().manual_seed(3))
    loaded = LoadedTagger(NetworkTagger(network, {**CARD, "kind": "network"}, torch.device("cpu")))
    genome = genome_of([300, 0, 1, 40, 1, 0, 217])
    (packed,) = call_packs(loaded, genome, packs_of(genome.lengths))
    alone = [
        Pack(number, number + 1, int(start), int(length))
        for number, (start, length) in enumerate(zip(genome.starts, genome.lengths, strict=True))
    ]
    posterior = np.concatenate([c.posterior for c in call_packs(loaded, genome, alone)])
    np.testing.assert_allclose(packed.posterior, posterior, atol=1e-6)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_segments_are_those_of_a_loop_over_the_bases_whatever_the_blocks(data):
    lengths = np.array(data.draw(st.lists(st.integers(0, 12), min_size=1, max_size=6)))
    n = int(lengths.sum())
    path = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)), dtype=np.uint8)
    symbols = st.integers(0, DNA.n_tokens - 1)
    tokens = np.array(data.draw(st.lists(symbols, min_size=n, max_size=n)), dtype=np.uint8)
    posterior = np.random.default_rng(n).random((n, 3), dtype=np.float32)
    called = CalledPack(Pack(5, 5 + len(lengths), 0, n), lengths, tokens, path, posterior)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "BLOCK_BASES", data.draw(st.integers(1, 30)))
        found = [
            row
            for part in segments_of(called, DNA)
            for row in zip(
                part.records, part.starts, part.ends, part.labels, part.mean_posteriors,
                part.gc, part.known, strict=True,
            )
        ]  # fmt: skip
    expected = []
    first = 0
    for number, length in enumerate(lengths.tolist()):
        start = 0
        for label, run in groupby(path[first : first + length].tolist()):
            end = start + len(list(run))
            here = slice(first + start, first + end)
            letters = DNA.decode(tokens[here])
            gc, at = sum(map(letters.count, "GCS")), sum(map(letters.count, "ATW"))
            mean = pytest.approx(posterior[here, label].mean(), abs=1e-6)
            expected.append((5 + number, start, end, label, mean, gc, gc + at))
            start = end
        first += length
    assert found == expected


def test_a_pack_of_empty_records_has_no_segments():
    nothing = np.zeros(0, dtype=np.uint8)
    called = CalledPack(
        Pack(0, 3, 0, 0), np.zeros(3, dtype=np.int64), nothing, nothing, np.zeros((0, 2), "f4")
    )
    assert list(segments_of(called, DNA)) == []


def test_of_another_alphabet_no_share_of_gc_is_told():
    dice = Alphabet.named("123456")
    path = np.zeros(4, dtype=np.uint8)
    called = CalledPack(Pack(0, 1, 0, 4), np.array([4]), path, path, np.ones((4, 1), "f4"))
    (found,) = segments_of(called, dice)
    assert (found.gc.tolist(), found.known.tolist()) == ([0], [0])
