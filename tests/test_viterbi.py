"""The most probable path, by all paths counted out, by hmmlearn, and by states made into copies."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag import viterbi
from basetag.alphabet import DNA
from basetag.errors import InputError
from basetag.exact_inference import path_log_probability, smoothed_posterior
from basetag.run_length import LONGEST_MINIMUM
from basetag.viterbi import Chain, most_probable_path, viterbi_path
from tests.test_exact_inference import oracle, preset, random_hmm, random_tokens

ROOT = Path(__file__).parent.parent


def decode_posteriors(posterior, lengths, prior, start, transition, minimum_lengths=None):
    chain = Chain.of_posterior(posterior, prior, start, transition)
    return most_probable_path(chain, lengths, minimum_lengths)


def chain_of(likelihood, start, transition, labels=None):
    """A chain of given numbers, a row of likelihoods for each base."""
    n_states = len(start)
    labels = np.arange(n_states) if labels is None else np.asarray(labels)
    return Chain(
        np.asarray(start, dtype=float), np.asarray(transition, dtype=float),
        labels.astype(np.uint8), np.asarray(likelihood, dtype=float), None, np.ones(n_states), 0.0,
        lambda base: (f"base {base} has no state", ""),
    )  # fmt: skip


def runs_of(path):
    """Return label and length of each run."""
    return [(int(label), len(list(run))) for label, run in itertools.groupby(path)]


def is_long_enough(path, minimum_lengths):
    """Whether all runs but the first and the last have their least length."""
    return all(length >= minimum_lengths[label] for label, length in runs_of(path)[1:-1])


def scores_of_labels(chain, minimum_lengths):
    """Return the best log score of each allowed path of labels, by going through all of states."""
    with np.errstate(divide="ignore"):
        start, step, rows = (np.log(a) for a in (chain.start, chain.transition, chain.rows))
    best = {}
    for path in itertools.product(range(chain.n_states), repeat=len(rows)):
        labels = tuple(chain.labels[list(path)].tolist())
        if is_long_enough(labels, minimum_lengths):
            score = start[path[0]] + rows[0, path[0]]
            for t in range(1, len(path)):
                score += step[path[t - 1], path[t]] + rows[t, path[t]]
            best[labels] = max(best.get(labels, -np.inf), score)
    return best


@st.composite
def small_chains(draw):
    """A chain of few bases, some of its probabilities 0, and least lengths of its labels."""
    n_states = draw(st.integers(2, 3))
    n_labels = draw(st.integers(2, n_states))
    labels = draw(st.permutations([*range(n_labels), *[0] * (n_states - n_labels)]))
    n_bases = draw(st.integers(1, 8))
    cells = st.lists(st.integers(0, 5), min_size=n_states, max_size=n_states).filter(any)
    rows = np.array(draw(st.lists(cells, min_size=n_bases, max_size=n_bases)), dtype=float)
    step = np.array(draw(st.lists(cells, min_size=n_states, max_size=n_states)), dtype=float)
    start = np.array(draw(cells), dtype=float)
    minimum_lengths = draw(st.lists(st.integers(1, 6), min_size=n_labels, max_size=n_labels))
    chain = chain_of(rows / 5, start / 5, step / 5, labels)
    return chain, np.array(minimum_lengths), draw(st.integers(1, 4))


@given(small_chains())
@settings(deadline=None, max_examples=150)
def test_the_path_is_the_best_of_all_that_have_the_least_lengths(problem):
    chain, minimum_lengths, block = problem
    with pytest.MonkeyPatch.context() as patched:
        # A few bases a block, and scores counted anew at about every base.
        patched.setattr(viterbi, "_BLOCK_POINTERS", 2 * block * chain.n_states)
        patched.setattr(viterbi.math, "isqrt", lambda _: 0)
        patched.setattr(viterbi, "_REBASE", block)
        scores = scores_of_labels(chain, minimum_lengths)
        best = max(scores.values(), default=-np.inf)
        lengths = np.array([len(chain.rows)])
        if best == -np.inf:
            with pytest.raises(InputError):
                most_probable_path(chain, lengths, minimum_lengths)
            return
        path = most_probable_path(chain, lengths, minimum_lengths)
    assert scores[tuple(path.tolist())] == pytest.approx(best, rel=1e-12, abs=1e-9)


def test_a_base_that_no_state_explains_is_told_whatever_stood_where_labels_go():
    rows = np.array([[1.0, 0.5], [0.0, 0.0], [1.0, 1.0]])
    chain = chain_of(rows, np.array([0.5, 0.5]), np.full((2, 2), 0.5), [1, 0])
    with pytest.raises(InputError, match="base 1 has no state"):
        most_probable_path(chain, np.array([3]), out=np.full(3, 200, dtype=np.uint8))


def expanded(hmm, minimum_lengths, n_bases):
    """Each state as a row of copies that are gone through one by one, the last of which may stay.

    As runs may be cut off at both ends, the model may begin in any copy, and end in any.
    """
    first = np.concatenate([[0], np.cumsum(minimum_lengths)])
    size = first[-1]
    last = first[1:] - 1
    start, step = np.zeros(size), np.zeros((size, size))
    start[last] = hmm.start
    for state, (low, high) in enumerate(zip(first[:-1], last, strict=True)):
        for copy in range(low, high):
            step[copy, copy + 1] = hmm.transition[state, state]
        step[high, high] = hmm.transition[state, state]
        for other in range(hmm.n_states):
            if other != state:
                step[high, first[other]] = hmm.transition[state, other]
    likelihood = np.repeat(hmm.token_likelihood, minimum_lengths, axis=1)
    labels = np.repeat(np.arange(hmm.n_states), minimum_lengths)
    return chain_of(likelihood, start, step, labels)


@pytest.mark.parametrize(
    ("n_states", "minimum_lengths"),
    [(2, [7, 3]), (2, [1, 12]), (3, [5, 5, 5]), (4, [2, 9, 1, 17]), (2, [40, 40])],
)
def test_the_path_is_that_of_a_model_whose_states_are_made_into_copies(n_states, minimum_lengths):
    hmm = random_hmm(n_states, seed=n_states)
    tokens = random_tokens(hmm, 3000, seed=9, ambiguous=0.01)
    minimum_lengths = np.array(minimum_lengths)
    copies = expanded(hmm, minimum_lengths, tokens.size)
    rows = copies.rows[tokens]
    copies = chain_of(rows, copies.start, copies.transition, copies.labels)
    lengths = np.array([3000])
    expected = most_probable_path(copies, lengths)
    path = most_probable_path(Chain.of_hmm(hmm, tokens), lengths, minimum_lengths)
    assert is_long_enough(path, minimum_lengths)
    found, score = (path_log_probability(hmm, tokens, lengths, p)[0] for p in (path, expected))
    assert found == pytest.approx(score, rel=1e-12)


def test_labels_of_several_states_have_runs_of_all_of_them():
    # States a and b take turns; together they are one label, which goes on through both.
    step = [[0.0, 0.9, 0.1], [0.9, 0.0, 0.1], [0.05, 0.05, 0.9]]
    rows = np.tile([0.5, 0.5, 0.05], (40, 1))
    rows[10:14] = rows[20:30] = [0.05, 0.05, 0.5]
    chain = chain_of(rows, [0.5, 0.5, 0.0], step, labels=[0, 0, 1])
    lengths = np.array([40])
    free = [(0, 10), (1, 4), (0, 6), (1, 10), (0, 10)]
    assert runs_of(most_probable_path(chain, lengths)) == free
    assert runs_of(most_probable_path(chain, lengths, np.array([6, 4]))) == free
    # A run of the first label too many: seven bases are made of the six, at the least cost.
    path = most_probable_path(chain, lengths, np.array([7, 1]))
    assert [label for label, _ in runs_of(path)] == [0, 1, 0, 1, 0]
    assert runs_of(path)[2] == (0, 7)


@pytest.mark.parametrize("n_states", [2, 3, 5])
def test_a_least_length_of_one_changes_nothing(n_states):
    hmm = random_hmm(n_states, seed=n_states)
    lengths = np.array([1, 0, 500, 3000, 2])
    tokens = random_tokens(hmm, lengths.sum(), seed=1)
    chain = Chain.of_hmm(hmm, tokens)
    free = most_probable_path(chain, lengths)
    ones = np.ones(n_states, dtype=np.int64)
    np.testing.assert_array_equal(most_probable_path(chain, lengths, ones), free)
    # And none is felt where all runs are longer by themselves.
    hmm = preset("lambda")
    tokens, _ = oracle(hmm).sample(20_000, random_state=1)
    chain = Chain.of_hmm(hmm, tokens[:, 0].astype(np.uint8))
    free = most_probable_path(chain, np.array([20_000]))
    assert min(length for _, length in runs_of(free)) > 20
    felt = most_probable_path(chain, np.array([20_000]), np.array([20, 20]))
    np.testing.assert_array_equal(felt, free)


@pytest.mark.parametrize("minimum_lengths", [[2, 2], [30, 50], [1, 200], [LONGEST_MINIMUM, 5]])
def test_no_run_is_shorter_than_asked_for_but_at_the_ends(minimum_lengths):
    hmm = preset("blocks")
    lengths = np.array([5000, 1, 37, 0, 20_000])
    tokens = random_tokens(hmm, lengths.sum(), seed=3)
    path = most_probable_path(Chain.of_hmm(hmm, tokens), lengths, np.array(minimum_lengths))
    for part in np.split(path, np.cumsum(lengths)[:-1]):
        assert is_long_enough(part, minimum_lengths)


def test_runs_that_an_end_cuts_off_may_be_short():
    rows = np.full((30, 2), [0.9, 0.1])
    rows[:3] = rows[-2:] = [0.1, 0.9]
    rows[10:13] = [0.1, 0.9]
    half = np.full((2, 2), 0.5)
    path = most_probable_path(chain_of(rows, half[0], half), np.array([30]), np.array([10, 10]))
    assert runs_of(path) == [(1, 3), (0, 25), (1, 2)]


def test_a_sequence_is_called_alike_alone_and_among_others_by_any_threads_and_blocks(monkeypatch):
    hmm = random_hmm(3, seed=4)
    lengths = np.array([700, 0, 1, 64, 65, 3000, 128])
    tokens = random_tokens(hmm, lengths.sum(), seed=2, ambiguous=0.05)
    minimum_lengths = np.array([5, 1, 70])

    def called(threads):
        chain = Chain.of_hmm(hmm, tokens)
        return most_probable_path(chain, lengths, minimum_lengths, threads)

    whole = called(threads=1)
    for block in (1, 7, 64):
        monkeypatch.setattr(viterbi, "_BLOCK_POINTERS", 6 * block)
        monkeypatch.setattr(viterbi.math, "isqrt", lambda _: 0)
        for threads in (1, 2, 5):
            np.testing.assert_array_equal(called(threads), whole)
    parts = np.split(tokens, np.cumsum(lengths)[:-1])
    alone = [
        most_probable_path(Chain.of_hmm(hmm, part), np.array([part.size]), minimum_lengths)
        for part in parts
    ]
    np.testing.assert_array_equal(np.concatenate(alone), whole)


def test_equal_paths_are_told_apart_by_the_stated_rule():
    # Nothing tells the states apart, and a change costs nothing: the lower one is taken.
    rows, half = np.ones((12, 2)), np.full((2, 2), 0.5)
    chain = chain_of(rows, half[0], half)
    for minimum_lengths in (None, np.array([3, 3])):
        path = most_probable_path(chain, np.array([12]), minimum_lengths)
        assert runs_of(path) == [(0, 12)]


def test_a_chain_may_begin_otherwise_in_each_sequence():
    hmm = preset("blocks")
    tokens = np.zeros(6, dtype=np.uint8) + DNA.unknown
    start = np.array([[1.0, 0.0], [0.0, 1.0]])
    chain = Chain.of_hmm(hmm, tokens, start)
    for minimum_lengths in (None, np.array([2, 2])):
        path = most_probable_path(chain, np.array([3, 3]), minimum_lengths)
        assert path.tolist() == [0, 0, 0, 1, 1, 1]


def test_lengths_that_no_path_can_have_are_an_error_that_names_the_sequence():
    # A letter of one state alone, after which that state must be left at once.
    step = [[0.0, 1.0], [1.0, 0.0]]
    chain = chain_of(np.ones((12, 2)), [0.5, 0.5], step)
    with pytest.raises(InputError, match=r"^sequence 2, position 1: no path .* least length"):
        most_probable_path(chain, np.array([2, 10]), np.array([3, 3]))


def test_lengths_of_other_labels_or_beyond_bounds_are_refused():
    half = np.full((2, 2), 0.5)
    chain = chain_of(np.ones((4, 2)), half[0], half)
    for wrong in ([2, 2, 2], [0, 2], [2, LONGEST_MINIMUM + 1]):
        with pytest.raises(ValueError, match=r"least length|more than"):
            most_probable_path(chain, np.array([4]), np.array(wrong))


def test_memory_for_a_long_record_is_bounded_beyond_its_scores():
    # 20 Mb with windows of 100,000 bases: all pointers kept would take 80 MB, all windows far more.
    code = """
import resource, sys
import numpy as np
sys.path.insert(0, "scripts")
from basetag.viterbi import Chain, most_probable_path
def path(bases):
    posterior = np.full((bases, 2), 0.5, dtype=np.float32)
    transition = np.array([[0.999, 0.001], [0.001, 0.999]])
    half = np.array([0.5, 0.5])
    return Chain.of_posterior(posterior, half, half, transition), np.array([bases])
most = np.array([100_000, 50_000])
most_probable_path(*path(10), most)
chain, lengths = path(20_000_000)
out = np.empty(20_000_000, dtype=np.uint8)
now = [int(line.split()[1]) for line in open("/proc/self/status") if "VmData" in line][0]
limit = now * 1024 + 60_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
most_probable_path(chain, lengths, most, out=out)
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("the limit on memory is Linux's")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_scaled_likelihoods_decode_to_the_path_of_their_model():
    # For independent bases the posterior under the prior is exactly likelihood x prior / total.
    hmm = preset("blocks")
    lengths = np.array([3000, 0, 1, 2000])
    tokens = random_tokens(hmm, lengths.sum(), seed=4)
    prior = np.array([0.7, 0.3])
    posterior = hmm.token_likelihood[tokens] * prior
    posterior = (posterior / posterior.sum(axis=1, keepdims=True)).astype(np.float32)
    path = decode_posteriors(posterior, lengths, prior, hmm.start, hmm.transition)
    expected = path_log_probability(hmm, tokens, lengths, viterbi_path(hmm, tokens, lengths))
    found = path_log_probability(hmm, tokens, lengths, path)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_decoding_a_shattered_posterior_gives_whole_segments():
    rng = np.random.default_rng(1)
    truth = np.repeat([0, 1, 0], [4000, 3000, 5000])
    sure = np.clip(rng.normal(0.6, 0.15, truth.size), 0, 1)
    posterior = np.where(truth[:, None] == [0, 1], sure[:, None], 1 - sure[:, None])
    posterior = posterior.astype(np.float32)
    assert np.count_nonzero(np.diff(posterior.argmax(axis=1))) > 1000
    path = decode_posteriors(
        posterior,
        np.array([truth.size]),
        np.array([0.5, 0.5]),
        np.array([0.5, 0.5]),
        np.array([[0.999, 0.001], [0.001, 0.999]]),
    )
    assert np.count_nonzero(np.diff(path)) == 2
    assert np.mean(path == truth) > 0.99


def test_the_smoothed_posterior_of_a_model_decodes_to_its_own_segments():
    hmm = preset("isochores")
    tokens, truth = oracle(hmm).sample(50_000, random_state=2)
    tokens, lengths = tokens[:, 0].astype(np.uint8), np.array([50_000])
    posterior = smoothed_posterior(hmm, tokens, lengths)
    path = decode_posteriors(posterior, lengths, hmm.stationary(), hmm.start, hmm.transition)
    assert np.mean(path == viterbi_path(hmm, tokens, lengths)) > 0.98
    assert np.count_nonzero(np.diff(path)) <= 1.2 * np.count_nonzero(np.diff(truth))


def test_one_base_of_saturated_zero_does_not_break_a_path():
    posterior = np.full((100, 2), [1.0, 0.0], dtype=np.float32)
    posterior[50] = [0.0, 1.0]
    stay = np.array([[1.0, 0.0], [0.0, 1.0]])
    half = np.array([0.5, 0.5])
    assert not decode_posteriors(posterior, np.array([100]), half, half, stay).any()


def test_a_state_that_was_never_seen_in_training_is_never_called():
    posterior = np.full((10, 3), [0.1, 0.2, 0.7], dtype=np.float32)
    third = np.full(3, 1 / 3)
    path = decode_posteriors(
        posterior, np.array([10]), np.array([0.5, 0.5, 0.0]), third, np.tile(third, (3, 1))
    )
    assert (path == 1).all()


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.1, np.inf])
def test_a_posterior_that_is_no_probability_is_an_error_with_its_place(value):
    posterior = np.full((10, 2), 0.5, dtype=np.float32)
    posterior[7, 1] = value
    half = np.array([0.5, 0.5])
    with pytest.raises(InputError, match=r"^sequence 2, position 3: the posteriors "):
        decode_posteriors(posterior, np.array([5, 5]), half, half, np.full((2, 2), 0.5))


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.1, np.inf])
def test_so_it_is_with_least_lengths(value):
    posterior = np.full((10, 2), 0.5, dtype=np.float32)
    posterior[7, 1] = value
    half = np.array([0.5, 0.5])
    minimum_lengths = np.array([2, 2])
    with pytest.raises(InputError, match=r"^sequence 2, position 3: the posteriors "):
        decode_posteriors(
            posterior, np.array([5, 5]), half, half, np.full((2, 2), 0.5), minimum_lengths
        )
