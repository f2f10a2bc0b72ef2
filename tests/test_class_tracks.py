"""What the report shows of sequences with classes: tracks.npz."""

import numpy as np
import pytest

from basetag.alphabet import DNA
from basetag.classified_corpus import write_classified_table
from basetag.corpus import Corpus
from basetag.judgement.tracks import FEWEST_SEQUENCES, write_tracks
from basetag.segments import whole_records

RECORDS = 25
SCHEME = {"sequence": "sequence", "label": "class", "name": None, "classes": ["yes", "no"]}


@pytest.fixture
def corpus(tmp_path):
    rng = np.random.default_rng(2)
    rows = ["sequence\tclass"]
    for number in range(RECORDS):
        letters = "".join(rng.choice(list("ACGT"), 5 + number % 3))
        rows.append(f"{letters}\t{'yes' if number % 4 else 'no'}")
    (tmp_path / "all.tsv").write_text("\n".join(rows) + "\n")
    states = {"Y": "yes", "N": "no"}
    write_classified_table(tmp_path / "corpus", tmp_path / "all.tsv", DNA, states, SCHEME)
    return Corpus.open(tmp_path / "corpus")


@pytest.fixture
def files(corpus, tmp_path):
    rng = np.random.default_rng(3)
    posterior = rng.dirichlet([1, 1], RECORDS).astype(np.float32)
    np.save(tmp_path / "posteriors.npy", posterior)
    np.save(tmp_path / "calls.npy", posterior.argmax(axis=1).astype(np.uint8))
    lengths = corpus.lengths[:3]
    bases = int(lengths.sum())
    effects = {
        "attention": rng.random(bases, dtype=np.float32),
        "mutagenesis": rng.random((bases, 4, 2), dtype=np.float32),
    }
    hidden = np.zeros((bases, 6), np.float16)
    np.savez(tmp_path / "hidden.npz", lengths=lengths, hidden=hidden, **effects)
    return tmp_path, posterior, effects


def shown(corpus, folder, hidden):
    segments = whole_records(corpus)
    paths = folder / "posteriors.npy", folder / "calls.npy"
    write_tracks(folder / "tracks.npz", corpus, segments, *paths, records=3, bases=60,
                 hidden_path=hidden)  # fmt: skip
    with np.load(folder / "tracks.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays}


def test_what_is_told_of_a_sequence_stands_at_each_of_its_letters(corpus, files):
    folder, posterior, _ = files
    found = shown(corpus, folder, None)
    assert list(found["lengths"]) == list(corpus.lengths[:FEWEST_SEQUENCES])
    at = np.repeat(np.arange(FEWEST_SEQUENCES), found["lengths"])
    assert np.array_equal(found["posterior"], posterior[at])
    assert np.array_equal(found["calls"], posterior.argmax(axis=1)[at])
    truth = np.array([0 if number % 4 else 1 for number in range(RECORDS)])
    assert np.array_equal(found["labels"], truth[at])
    assert set(found) & {"hidden", "attention", "mutagenesis"} == set()


def test_what_letters_do_is_there_for_the_sequences_that_it_was_asked_of(corpus, files):
    folder, _, effects = files
    found = shown(corpus, folder, folder / "hidden.npz")
    assert "hidden" not in found
    for name, own in effects.items():
        assert np.array_equal(found[name][: len(own)], own)
        assert len(found[name]) == found["lengths"].sum()
        assert np.isnan(found[name][len(own) :]).all()
