"""What `basetag.exact_inference` promises, by hmmlearn and by sums over all paths."""

import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hmmlearn.hmm import CategoricalHMM
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag import exact_inference, viterbi
from basetag.alphabet import DNA, Alphabet
from basetag.errors import InputError
from basetag.exact_inference import (
    filtered_posterior,
    log_likelihood,
    path_log_probability,
    smoothed_posterior,
)
from basetag.hmm import HMM
from basetag.hmm_spec import load_hmm_spec
from basetag.viterbi import Chain, most_probable_path, viterbi_path

ROOT = Path(__file__).parent.parent
DATA = os.environ.get("BASETAG_DATA")
N = DNA.unknown


def preset(name):
    return HMM.from_settings(load_hmm_spec(ROOT / f"resources/hmms/{name}.yaml").settings())


def random_hmm(n_states, seed, alphabet=DNA):
    rng = np.random.default_rng(seed)
    ones = np.ones(n_states)
    return HMM(
        alphabet,
        tuple("abcdefghijklmnopqrstuvwxyz"[:n_states]),
        rng.dirichlet(ones),
        rng.dirichlet(ones, n_states),
        rng.dirichlet(np.ones(alphabet.n_letters), n_states),
    )


def random_tokens(hmm, bases, seed, ambiguous=0.0):
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, hmm.alphabet.n_letters, bases)
    codes = rng.integers(hmm.alphabet.n_letters, hmm.alphabet.n_tokens, bases)
    return np.where(rng.random(bases) < ambiguous, codes, tokens).astype(np.uint8)


def oracle(hmm):
    model = CategoricalHMM(hmm.n_states, n_features=hmm.alphabet.n_letters)
    model.startprob_ = hmm.start
    model.transmat_ = hmm.transition
    model.emissionprob_ = hmm.emission
    return model


def all_paths(hmm, tokens):
    """Return every path and its joint probability, by multiplying out."""
    paths = np.array(list(itertools.product(range(hmm.n_states), repeat=len(tokens))))
    likelihood = hmm.alphabet.membership @ hmm.emission.T
    probability = hmm.start[paths[:, 0]] * likelihood[tokens[0], paths[:, 0]]
    for t in range(1, len(tokens)):
        probability *= hmm.transition[paths[:, t - 1], paths[:, t]]
        probability *= likelihood[tokens[t], paths[:, t]]
    return paths, probability


@st.composite
def small_problems(draw):
    """A model of 2 or 3 states with zeros here and there, and a short sequence with codes."""
    n_states = draw(st.integers(2, 3))

    def rows(n, size):
        weight = st.integers(0, 5)
        cells = st.lists(weight, min_size=size, max_size=size).filter(any)
        table = np.array(draw(st.lists(cells, min_size=n, max_size=n)), dtype=float)
        return table / table.sum(axis=1, keepdims=True)

    hmm = HMM(
        DNA,
        tuple("abc"[:n_states]),
        rows(1, n_states)[0],
        rows(n_states, n_states),
        rows(n_states, 4),
    )
    tokens = draw(st.lists(st.integers(0, DNA.n_tokens - 1), min_size=1, max_size=6))
    return hmm, np.array(tokens, dtype=np.uint8)


@given(small_problems())
@settings(deadline=None, max_examples=60)
def test_posteriors_likelihood_and_path_are_those_of_all_paths_summed(problem):
    hmm, tokens = problem
    lengths = np.array([len(tokens)])
    paths, probability = all_paths(hmm, tokens)
    total = probability.sum()
    if total == 0:
        prefixes = [all_paths(hmm, tokens[: n + 1])[1].sum() for n in range(len(tokens))]
        position = prefixes.index(0) + 1
        for infer in (filtered_posterior, smoothed_posterior, log_likelihood, viterbi_path):
            with pytest.raises(InputError, match=f"^sequence 1, position {position}: "):
                infer(hmm, tokens, lengths)
        return
    assert log_likelihood(hmm, tokens, lengths)[0] == pytest.approx(np.log(total), rel=1e-12)
    smoothed = smoothed_posterior(hmm, tokens, lengths)
    filtered = filtered_posterior(hmm, tokens, lengths)
    for t in range(len(tokens)):
        prefix_paths, prefix = all_paths(hmm, tokens[: t + 1])
        for state in range(hmm.n_states):
            expected = probability[paths[:, t] == state].sum() / total
            assert smoothed[t, state] == pytest.approx(expected, abs=1e-6)
            expected = prefix[prefix_paths[:, t] == state].sum() / prefix.sum()
            assert filtered[t, state] == pytest.approx(expected, abs=1e-6)
    path = viterbi_path(hmm, tokens, lengths)
    found = path_log_probability(hmm, tokens, lengths, path)[0]
    assert found == pytest.approx(np.log(probability.max()), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("n_states", [2, 3, 7])
def test_posteriors_and_likelihoods_are_those_of_hmmlearn(n_states):
    hmm = random_hmm(n_states, seed=n_states)
    lengths = np.array([1, 5000, 0, 70, 40000])
    tokens = random_tokens(hmm, lengths.sum(), seed=1)
    expected, posterior = oracle(hmm).score_samples(tokens[:, None], lengths[lengths > 0])
    assert np.abs(smoothed_posterior(hmm, tokens, lengths) - posterior).max() < 1e-6
    found = log_likelihood(hmm, tokens, lengths)
    assert found.sum() == pytest.approx(expected, rel=1e-9)
    assert found[2] == 0


@pytest.mark.parametrize("name", ["toy", "blocks", "isochores", "lambda", "isochore_families"])
def test_each_preset_has_the_posterior_and_the_path_of_hmmlearn(name):
    hmm = preset(name)
    lengths = np.array([30000, 500])
    tokens, _ = oracle(hmm).sample(lengths.sum(), random_state=3)
    tokens = tokens[:, 0].astype(np.uint8)
    _, posterior = oracle(hmm).score_samples(tokens[:, None], lengths)
    assert np.abs(smoothed_posterior(hmm, tokens, lengths) - posterior).max() < 1e-6
    expected, _ = oracle(hmm).decode(tokens[:, None], lengths)
    path = viterbi_path(hmm, tokens, lengths)
    found = path_log_probability(hmm, tokens, lengths, path).sum()
    assert found == pytest.approx(expected, rel=1e-12)


def summed(hmm, posterior):
    """Add the columns of the states of each label up, (bases, labels)."""
    return np.stack(
        [posterior[:, hmm.label_of_state == i].sum(axis=1) for i in range(hmm.n_labels)], axis=1
    )


def test_islands_have_the_posterior_of_hmmlearn_summed_over_their_states():
    hmm = preset("cpg")
    lengths = np.array([30000, 1, 500])
    tokens, path = oracle(hmm).sample(lengths.sum(), random_state=3)
    tokens = tokens[:, 0].astype(np.uint8)
    assert np.count_nonzero(np.diff(hmm.label_of_state[path])) > 5
    expected, posterior = oracle(hmm).score_samples(tokens[:, None], lengths)
    found = smoothed_posterior(hmm, tokens, lengths)
    assert found.shape == (lengths.sum(), 2)
    assert np.abs(found - summed(hmm, posterior)).max() < 1e-6
    assert log_likelihood(hmm, tokens, lengths).sum() == pytest.approx(expected, rel=1e-12)
    expected, path = oracle(hmm).decode(tokens[:, None], lengths)
    found = viterbi_path(hmm, tokens, lengths)
    assert path_log_probability(hmm, tokens, lengths, found).sum() == pytest.approx(expected)
    labels = most_probable_path(Chain.of_hmm(hmm, tokens), lengths)
    np.testing.assert_array_equal(labels, hmm.label_of_state[path])


@given(st.integers(0, 1000), st.lists(st.integers(0, DNA.n_tokens - 1), min_size=1, max_size=4))
@settings(deadline=None, max_examples=20)
def test_islands_and_ambiguous_letters_have_the_posterior_of_all_paths_summed(position, codes):
    hmm = preset("cpg").started_at(position)
    tokens, lengths = np.array(codes, dtype=np.uint8), np.array([len(codes)])
    paths, probability = all_paths(hmm, tokens)
    labels = hmm.label_of_state[paths]
    smoothed = smoothed_posterior(hmm, tokens, lengths)
    filtered = filtered_posterior(hmm, tokens, lengths)
    for t in range(len(tokens)):
        prefix_paths, prefix = all_paths(hmm, tokens[: t + 1])
        prefix_labels = hmm.label_of_state[prefix_paths]
        for label in (0, 1):
            expected = probability[labels[:, t] == label].sum() / probability.sum()
            assert smoothed[t, label] == pytest.approx(expected, abs=1e-6)
            expected = prefix[prefix_labels[:, t] == label].sum() / prefix.sum()
            assert filtered[t, label] == pytest.approx(expected, abs=1e-6)


@given(st.integers(2, 6), st.integers(0, 1000), st.data())
@settings(deadline=None, max_examples=30)
def test_a_label_for_each_state_in_any_order_is_the_same_as_none(n_states, seed, data):
    hmm = random_hmm(n_states, seed)
    labels = tuple(data.draw(st.permutations(hmm.states)))
    grouped = replace(hmm, labels=labels)
    order = [hmm.states.index(letter) for letter in labels]
    tokens, lengths = random_tokens(hmm, 200, seed, ambiguous=0.1), np.array([80, 0, 120])
    for infer in (filtered_posterior, smoothed_posterior):
        expected = infer(hmm, tokens, lengths)[:, order]
        assert np.abs(infer(grouped, tokens, lengths) - expected).max() < 1e-6
    path = viterbi_path(hmm, tokens, lengths)
    np.testing.assert_array_equal(viterbi_path(grouped, tokens, lengths), path)
    labels = most_probable_path(Chain.of_hmm(grouped, tokens), lengths)
    np.testing.assert_array_equal(np.array(order)[labels], path)


def test_unknown_bases_say_nothing_of_islands():
    hmm = preset("cpg")
    posterior = smoothed_posterior(hmm, np.full(5000, N, dtype=np.uint8), np.array([5000]))
    # What an island's end and begin have in balance: 1/1000 and 1/4000 a base.
    np.testing.assert_allclose(posterior, np.tile([0.2, 0.8], (5000, 1)), atol=1e-6)


def test_a_long_path_becomes_one_of_labels_block_by_block(monkeypatch):
    monkeypatch.setattr(viterbi, "_BLOCK_POINTERS", 64)
    hmm, lengths = preset("cpg"), np.array([1000])
    tokens = np.random.default_rng(1).integers(0, 4, 1000).astype(np.uint8)
    labels = most_probable_path(Chain.of_hmm(hmm, tokens), lengths)
    np.testing.assert_array_equal(labels, viterbi_path(hmm, tokens, lengths) // 4)


def test_the_last_filtered_posterior_of_every_prefix_is_its_smoothed_one():
    hmm = preset("blocks")
    tokens = random_tokens(hmm, 300, seed=5, ambiguous=0.1)
    filtered = filtered_posterior(hmm, tokens, np.array([300]))
    for end in (1, 2, 150, 300):
        smoothed = smoothed_posterior(hmm, tokens[:end], np.array([end]))
        assert np.abs(filtered[end - 1] - smoothed[-1]).max() < 1e-6


@pytest.mark.parametrize(("n_states", "n_labels"), [(2, 2), (4, 4), (4, 2)])
def test_nothing_depends_on_the_block_size_or_the_threads(monkeypatch, n_states, n_labels):
    hmm = random_hmm(n_states, seed=1)
    bearing = tuple("abcd"[state % n_labels] for state in range(n_states))
    hmm = replace(hmm, states=bearing, labels=())
    lengths = np.array([0, 1, 700, 64, 0, 65, 63, 128, 300, 0])
    tokens = random_tokens(hmm, lengths.sum(), seed=2, ambiguous=0.05)

    def results(threads):
        return [
            smoothed_posterior(hmm, tokens, lengths, threads=threads),
            filtered_posterior(hmm, tokens, lengths, threads=threads),
            log_likelihood(hmm, tokens, lengths, threads=threads),
            viterbi_path(hmm, tokens, lengths, threads=threads),
        ]

    whole = results(threads=1)
    for block in (1, 2, 64):
        monkeypatch.setattr(exact_inference, "_BLOCK_NUMBERS", block * n_states)
        monkeypatch.setattr(viterbi, "_BLOCK_POINTERS", block * n_states)
        for threads in (1, 2, 5):
            for found, expected in zip(results(threads), whole, strict=True):
                np.testing.assert_array_equal(found, expected)


def test_sequences_know_nothing_of_each_other():
    hmm = preset("blocks")
    tokens = random_tokens(hmm, 900, seed=7)
    together = smoothed_posterior(hmm, tokens, np.array([400, 500]))
    apart = [
        smoothed_posterior(hmm, part, np.array([part.size])) for part in np.split(tokens, [400])
    ]
    np.testing.assert_array_equal(together, np.concatenate(apart))


def test_unknown_bases_are_no_evidence():
    hmm = preset("toy")
    tokens = np.full(50, N, dtype=np.uint8)
    posterior = smoothed_posterior(hmm, tokens, np.array([50]))
    expected = [hmm.start @ np.linalg.matrix_power(hmm.transition, t) for t in range(50)]
    assert np.abs(posterior - np.array(expected)).max() < 1e-6
    assert log_likelihood(hmm, tokens, np.array([50]))[0] == pytest.approx(0, abs=1e-12)


def test_a_purine_code_is_the_sum_over_a_and_g():
    hmm = preset("toy")
    tokens = DNA.encode("R")
    posterior = smoothed_posterior(hmm, tokens, np.array([1]))
    np.testing.assert_allclose(posterior, [[0.5, 0.5]], atol=1e-7)
    assert log_likelihood(hmm, tokens, np.array([1]))[0] == pytest.approx(np.log(0.5))


def test_ten_million_bases_keep_the_likelihood_of_independent_bases():
    # With equal rows the bases are independent, so that the sum has a closed form.
    emission = np.array([[0.2, 0.3, 0.3, 0.2], [0.1, 0.4, 0.4, 0.1]])
    hmm = HMM(DNA, ("a", "b"), np.array([0.5, 0.5]), np.full((2, 2), 0.5), emission)
    tokens = np.random.default_rng(1).integers(0, 4, 10_000_000).astype(np.uint8)
    expected = np.bincount(tokens) @ np.log(emission.mean(axis=0))
    found = log_likelihood(hmm, tokens, np.array([tokens.size]))[0]
    assert found == pytest.approx(expected, rel=1e-12)
    posterior = smoothed_posterior(hmm, tokens, np.array([tokens.size]))
    expected = (emission / emission.sum(axis=0))[:, tokens].T
    assert np.abs(posterior - expected).max() < 1e-6


def test_emissions_and_transitions_may_be_very_small():
    hmm = HMM(
        DNA,
        ("a", "b"),
        np.array([1.0, 0.0]),
        np.array([[1.0, 1e-150], [0.0, 1.0]]),
        np.array([[1 - 1e-100, 1e-100, 0, 0], [0, 0.5, 0.5, 0]]),
    )
    tokens = DNA.encode("AAACCCCCCCCG")
    posterior = smoothed_posterior(hmm, tokens, np.array([12]))
    paths = [np.array([0] * switch + [1] * (12 - switch)) for switch in range(3, 12)]
    weights = np.array([1e-100 ** (switch - 3) * 0.5 ** (12 - switch) for switch in range(3, 12)])
    expected = sum(w * (path == 1) for w, path in zip(weights, paths, strict=True)) / weights.sum()
    np.testing.assert_allclose(posterior[:, 1], expected, atol=1e-6)
    np.testing.assert_array_equal(viterbi_path(hmm, tokens, np.array([12])), paths[0])


def test_an_impossible_base_is_named_with_its_sequence_and_position():
    hmm = HMM(
        Alphabet.of_letters("xyz"),
        ("a", "b"),
        np.array([1.0, 0.0]),
        np.array([[0.5, 0.5], [0.5, 0.5]]),
        np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]),
    )
    tokens = np.array([0, 1, 0, 1, 1, 2, 0, 2], dtype=np.uint8)
    for threads in (1, 2):
        with pytest.raises(InputError) as raised:
            smoothed_posterior(hmm, tokens, np.array([2, 0, 5, 1]), threads=threads)
        assert str(raised.value).startswith("sequence 3, position 4: the model gives 'z' the ")


def test_nothing_in_nothing_out():
    hmm = preset("toy")
    tokens = np.empty(0, dtype=np.uint8)
    for lengths in ([], [0, 0]):
        lengths = np.array(lengths, dtype=np.int64)
        assert smoothed_posterior(hmm, tokens, lengths).shape == (0, 2)
        assert viterbi_path(hmm, tokens, lengths).shape == (0,)
        np.testing.assert_array_equal(log_likelihood(hmm, tokens, lengths), np.zeros(lengths.size))


def test_memory_maps_are_read_and_written_in_place(tmp_path):
    hmm = preset("blocks")
    tokens = random_tokens(hmm, 1000, seed=1)
    np.save(tmp_path / "tokens.npy", tokens)
    mapped = np.load(tmp_path / "tokens.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(
        tmp_path / "posteriors.npy", mode="w+", dtype=np.float32, shape=(1000, 2)
    )
    assert smoothed_posterior(hmm, mapped, np.array([1000]), out=out) is out
    out.flush()
    np.testing.assert_array_equal(
        np.load(tmp_path / "posteriors.npy"), smoothed_posterior(hmm, tokens, np.array([1000]))
    )


def test_wrong_lengths_tokens_and_results_are_refused():
    hmm = preset("toy")
    tokens = np.zeros(4, dtype=np.uint8)
    with pytest.raises(ValueError, match="lengths sum to 3, but there are 4 bases"):
        smoothed_posterior(hmm, tokens, np.array([3]))
    with pytest.raises(ValueError, match="lengths sum"):
        smoothed_posterior(hmm, tokens, np.array([5, -1]))
    with pytest.raises(ValueError, match="lie below 15"):
        smoothed_posterior(hmm, tokens + 15, np.array([4]))
    with pytest.raises(ValueError, match="out needs float32"):
        smoothed_posterior(hmm, tokens, np.array([4]), out=np.zeros((4, 2)))


@pytest.mark.parametrize("name", ["blocks", "cpg"])
def test_memory_beyond_the_result_is_checkpoints_alone(name):
    # 20 Mb with 160 MB of posteriors; forward vectors kept whole would take 320 MB more.
    code = """
import resource, sys
import numpy as np
sys.path.insert(0, "scripts")
from basetag.exact_inference import smoothed_posterior
from basetag.hmm import HMM
from basetag.hmm_spec import load_hmm_spec
from basetag.viterbi import viterbi_path
hmm = HMM.from_settings(load_hmm_spec(f"resources/hmms/{sys.argv[1]}.yaml").settings())
tokens = np.zeros(20_000_000, dtype=np.uint8)
out = np.empty((tokens.size, 2), dtype=np.float32)
few = np.zeros(10, dtype=np.uint8)
smoothed_posterior(hmm, few, np.array([10]))
viterbi_path(hmm, few, np.array([10]))
now = [int(line.split()[1]) for line in open("/proc/self/status") if "VmData" in line][0]
limit = now * 1024 + 40_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
smoothed_posterior(hmm, tokens, np.array([tokens.size]), out=out)
assert out[-1].sum() > 0.99
viterbi_path(hmm, tokens, np.array([tokens.size]))
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("the limit on memory is Linux's")
    subprocess.run([sys.executable, "-c", code, name], cwd=ROOT, check=True)


@pytest.mark.skipif(DATA is None, reason="BASETAG_DATA names no folder of test data")
def test_the_lambda_phage_has_seven_segments():
    folder = Path(DATA) / "lambda_phage"
    lines = (folder / "NC_001416.1.fasta").read_text().splitlines()
    tokens = DNA.encode("".join(lines[1:]))
    lengths = np.array([tokens.size])
    hmm = preset("lambda")
    path = viterbi_path(hmm, tokens, lengths)
    assert path_log_probability(hmm, tokens, lengths, path)[0] == pytest.approx(-66701.95, abs=0.01)
    table = (folder / "reference_segments_2state.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in table if line and line[0].isdigit()]
    cuts = np.flatnonzero(np.diff(path)) + 1
    starts, ends = np.r_[0, cuts], np.r_[cuts, path.size]
    found = [(str(a + 1), str(b), "HL"[path[a]]) for a, b in zip(starts, ends, strict=True)]
    assert found == [tuple(row[:3]) for row in rows]
    assert len(found) == 7
