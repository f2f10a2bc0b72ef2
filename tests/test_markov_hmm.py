"""HMMs whose emissions look back, against hmmlearn on the states unfolded by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hmmlearn.hmm import CategoricalHMM

from basetag import markov_hmm
from basetag.alphabet import DNA, Alphabet
from basetag.baseline_fitting import fit_baseline
from basetag.baselines import load_baseline
from basetag.corpus import UNLABELLED
from basetag.errors import SequenceError
from basetag.exact_inference import filtered_posterior, log_likelihood, smoothed_posterior
from basetag.hmm import HMM
from basetag.hmm_fitting import fit_counts, fit_word_counts
from basetag.hmm_spec import load_hmm_spec
from basetag.markov_hmm import MarkovHMM, WordsBefore
from basetag.viterbi import Chain, most_probable_path, viterbi_path
from tests.conftest import REPOSITORY
from tests.test_baselines import a_corpus, split_of


def words_up_to(order, letters="ACGT"):
    """Words in the order of their numbers: shorter ones first, then by the alphabet."""
    return ["".join(word) for n in range(order + 1) for word in product(letters, repeat=n)]


def a_model(order, n_states=2, seed=1):
    rng = np.random.default_rng(seed)
    words = len(words_up_to(order))
    transition = rng.dirichlet(np.ones(n_states), n_states) / 20 + np.eye(n_states) * 19 / 20
    emission = rng.dirichlet(np.ones(4) * 2, (words, n_states))
    return MarkovHMM(
        DNA, tuple("XYZ"[:n_states]), rng.dirichlet(np.ones(n_states)), transition, emission[0],
        word_emission=emission,
    )  # fmt: skip


def unfolded(model, order):
    """The same model with a state for each state and the last letters, up to `order` of them."""
    words = words_up_to(order)
    states = [(s, word) for s in range(model.n_states) for word in words[1:]]
    number = {state: i for i, state in enumerate(states)}
    oracle = CategoricalHMM(len(states), n_features=4, init_params="", implementation="scaling")
    oracle.startprob_ = np.zeros(len(states))
    oracle.transmat_ = np.zeros((len(states), len(states)))
    oracle.emissionprob_ = np.zeros((len(states), 4))
    emission = {
        (s, word): model.word_emission[w, s]
        for w, word in enumerate(words)
        for s in range(model.n_states)
    }
    for s, word in states:
        oracle.emissionprob_[number[s, word], "ACGT".index(word[-1])] = 1
        for x, letter in enumerate("ACGT"):
            for after in range(model.n_states):
                to = number[after, (word + letter)[-order:]]
                oracle.transmat_[number[s, word], to] += (
                    model.transition[s, after] * emission[after, word][x]
                )
        if len(word) == 1:
            x = "ACGT".index(word)
            oracle.startprob_[number[s, word]] = model.start[s] * emission[s, ""][x]
    return oracle, np.array([s for s, _ in states])


@pytest.mark.parametrize(("order", "n_states"), [(1, 2), (1, 3), (2, 2), (3, 2)])
def test_inference_is_that_of_hmmlearn_on_the_unfolded_states(order, n_states):
    model = a_model(order, n_states)
    oracle, state_of = unfolded(model, order)
    rng = np.random.default_rng(2)
    lengths = np.array([400, 1, 2, 300])
    tokens = rng.integers(4, size=lengths.sum()).astype(np.uint8)
    log_probability, posterior = oracle.score_samples(tokens[:, None], lengths)
    summed = posterior @ np.eye(n_states)[state_of]
    assert log_likelihood(model, tokens, lengths).sum() == pytest.approx(log_probability)
    np.testing.assert_allclose(smoothed_posterior(model, tokens, lengths), summed, atol=1e-6)
    # hmmlearn's best path of unfolded states is one of states: the letters say the rest.
    _, path = oracle.decode(tokens[:, None], lengths)
    assert np.array_equal(viterbi_path(model, tokens, lengths), state_of[path])
    for end in (1, 2, 7):
        last = oracle.predict_proba(tokens[:end, None])[-1] @ np.eye(n_states)[state_of]
        found = filtered_posterior(model, tokens, lengths)
        np.testing.assert_allclose(found[end - 1], last, atol=1e-6)


def test_the_eight_states_of_the_book_are_two_of_first_order():
    """The preset `cpg` unfolded by its authors, and folded here, says the same of every base."""
    spec = load_hmm_spec(REPOSITORY / "resources/hmms/cpg.yaml")
    eight = HMM.from_settings(spec.settings())
    switch = np.array([[0.999, 0.001], [0.00025, 0.99975]])
    blocks = eight.transition.reshape(2, 4, 2, 4)
    tables = np.stack([blocks[s, :, s] / switch[s, s] for s in (0, 1)], axis=1)  # (word, s, next)
    first = eight.start.reshape(2, 4)
    emission = np.concatenate([(first / first.sum(axis=1, keepdims=True))[None], tables])
    two = MarkovHMM(DNA, ("I", "O"), first.sum(axis=1), switch, emission[0], word_emission=emission)
    rng = np.random.default_rng(4)
    tokens = np.concatenate(
        [rng.choice(4, 1500, p=p) for p in ([0.3, 0.2, 0.2, 0.3], [0.15, 0.35, 0.35, 0.15])]
    ).astype(np.uint8)
    lengths = np.array([tokens.size])
    expected = smoothed_posterior(eight, tokens, lengths)
    np.testing.assert_allclose(smoothed_posterior(two, tokens, lengths), expected, atol=1e-5)


def test_a_word_ends_at_the_beginning_of_a_sequence_and_at_an_ambiguous_code():
    sequences = ["ACGTNAC", "", "T", "RCA"]
    before = ["", "A", "AC", "CG", "GT", "", "A", "", "", "", "C"]
    tokens = DNA.encode("".join(sequences))
    lengths = np.array([len(sequence) for sequence in sequences])
    words = WordsBefore(DNA, 2)
    found = np.concatenate([word for _, word in words.of_bases(tokens, lengths)])
    assert [words_up_to(2)[word] for word in found] == before
    assert words.size == len(words_up_to(2))


def test_words_do_not_depend_on_the_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    tokens = rng.integers(6, size=90).astype(np.uint8)
    lengths = np.array([0, 40, 1, 49])
    for order in (0, 1, 4):
        words = WordsBefore(DNA, order)
        monkeypatch.setattr(markov_hmm, "_BASES_AT_ONCE", 1 << 18)
        (_, whole), *_ = words.of_bases(tokens, lengths)
        for size in (1, 2, 3, 32):
            monkeypatch.setattr(markov_hmm, "_BASES_AT_ONCE", size)
            parts = [word for _, word in words.of_bases(tokens, lengths)]
            assert np.array_equal(np.concatenate(parts), whole)


def test_rows_on_disk_are_those_in_memory(monkeypatch):
    model = a_model(3)
    tokens = np.random.default_rng(3).integers(15, size=5000).astype(np.uint8)
    lengths = np.array([2000, 3000])
    expected = smoothed_posterior(model, tokens, lengths)
    monkeypatch.setattr(markov_hmm, "_IN_MEMORY_BASES", 100)
    rows = model.rows_of(tokens, lengths)
    assert isinstance(rows, np.memmap)
    assert rows.dtype == np.uint16
    assert np.array_equal(smoothed_posterior(model, tokens, lengths), expected)


def test_an_ambiguous_base_is_the_sum_over_its_letters_and_forgets_what_was_before():
    model = a_model(2)
    r, n = DNA.symbols.index("R"), DNA.unknown
    lengths = np.array([2])

    def likelihood(*tokens):
        return np.exp(log_likelihood(model, np.array(tokens, dtype=np.uint8), lengths))[0]

    assert likelihood(1, r) == pytest.approx(likelihood(1, 0) + likelihood(1, 2))
    assert likelihood(1, n) == pytest.approx(np.exp(log_likelihood(
        model, np.array([1], dtype=np.uint8), np.array([1])))[0])  # fmt: skip
    # Behind a code the next base has no word before it.
    chain = model.start @ model.transition @ model.emission
    assert likelihood(n, 2) == pytest.approx(chain[2])


def test_least_lengths_hold_for_models_that_look_back():
    model = a_model(1)
    tokens = np.random.default_rng(8).integers(4, size=3000).astype(np.uint8)
    lengths = np.array([1000, 2000])
    chain = Chain.of_hmm(model, tokens, lengths=lengths)
    path = most_probable_path(chain, lengths, np.array([40, 40]))
    for part in np.split(path, [1000]):
        assert np.diff(np.flatnonzero(np.diff(part))).min(initial=40) >= 40
    assert np.array_equal(
        most_probable_path(chain, lengths, np.array([1, 1])), viterbi_path(model, tokens, lengths)
    )


def test_an_impossible_letter_is_told_with_its_place():
    emission = a_model(1).word_emission.copy()
    emission[2] = [0.5, 0.5, 0, 0]  # behind C only A and C
    model = a_model(1)
    model = MarkovHMM(
        DNA, model.states, model.start, model.transition, emission[0], word_emission=emission
    )
    with pytest.raises(SequenceError, match=r"sequence 2, position 3: the model gives 'G'"):
        smoothed_posterior(model, DNA.encode("AACCG"), np.array([2, 3]))


def test_counts_are_those_of_a_plain_loop():
    rng = np.random.default_rng(6)
    sequences = ["".join(rng.choice(list("ACGTN"), n)) for n in (0, 50, 1, 200)]
    labels = ["".join(rng.choice(list("XY."), len(s), p=[0.5, 0.4, 0.1])) for s in sequences]
    tokens = DNA.encode("".join(sequences))
    of_label = {"X": 0, "Y": 1, ".": UNLABELLED}
    given = np.array([of_label[x] for x in "".join(labels)], dtype=np.uint8)
    lengths = np.array([len(s) for s in sequences])
    for order in (1, 2, 3):
        model = fit_word_counts(tokens, given, lengths, DNA, ("X", "Y"), order, 0.5)
        for w, word in enumerate(words_up_to(order)):
            for s, state in enumerate("XY"):
                seen = [
                    sequence[i]
                    for sequence, label in zip(sequences, labels, strict=True)
                    for i in range(len(word), len(sequence))
                    if sequence[:i].endswith(word) and label[i] == state and sequence[i] != "N"
                ]
                counts = np.array([seen.count(letter) for letter in "ACGT"]) + 0.5
                np.testing.assert_allclose(model.word_emission[w, s], counts / counts.sum())
        plain = fit_counts(tokens, given, lengths, DNA, ("X", "Y"), 0.5)
        for name in ("start", "transition", "emission"):
            np.testing.assert_allclose(getattr(model, name), getattr(plain, name))


def test_the_baseline_of_an_order_is_read_back_from_its_file(tmp_path):
    rng = np.random.default_rng(9)
    truth = a_model(1)
    sequences, labels = [], []
    for _ in range(20):
        state, letters, path = 0, [], []
        for _ in range(1000):
            state = rng.choice(2, p=truth.transition[state])
            word = 0 if not letters else 1 + letters[-1]
            letters.append(rng.choice(4, p=truth.word_emission[word, state]))
            path.append(state)
        sequences.append("".join("ACGT"[x] for x in letters))
        labels.append("".join("XY"[s] for s in path))
    corpus = a_corpus(sequences, labels, "XY")
    split = split_of(corpus, range(16), [16, 17], [18, 19])
    parameters = {"order": 1, "pseudocount": 1.0}
    fitted = fit_baseline("hmm_counts", parameters, corpus, split)
    np.testing.assert_allclose(fitted.hmm.word_emission[1:], truth.word_emission[1:], atol=0.05)
    assert fitted.card["parameters"] == 1 + 2 + 2 * 4 * 3
    assert "the 1 before" in fitted.description
    fitted.save(tmp_path / "tagger.safetensors")
    loaded = load_baseline(tmp_path / "tagger.safetensors")
    test = split["test"]
    tokens, lengths = test.gathered(corpus.tokens), test.lengths
    posterior = loaded.posterior(tokens, lengths)
    assert np.array_equal(posterior, fitted.posterior(tokens, lengths))
    plain = fit_baseline("hmm_counts", {"order": 0, "pseudocount": 1.0}, corpus, split)
    given = test.gathered(corpus.labels)
    right = [
        np.mean(tagger.posterior(tokens, lengths).argmax(axis=1) == given)
        for tagger in (loaded, plain)
    ]
    assert right[0] > right[1] + 0.05
    # A block that begins within its record, and the path of its own chain.
    positions = np.array([0, 300])
    shifted = loaded.posterior(tokens, lengths, positions=positions)
    later = loaded.hmm.started_at(300)
    expected = smoothed_posterior(later, tokens[1000:], lengths[1:])
    np.testing.assert_allclose(shifted[1000:], expected, atol=1e-6)
    ones = np.ones(2, dtype=np.int64)
    path = loaded.most_probable_path(tokens, lengths, posterior, ones)
    assert np.array_equal(path, viterbi_path(loaded.hmm, tokens, lengths))


def test_other_alphabets_have_words_too():
    alphabet = Alphabet.of_letters("xyz")
    corpus = a_corpus(["xyzxyzzzxx"] * 2, ["AABBAABBAA"] * 2, "AB", alphabet)
    split = split_of(corpus, [0], [1])
    fitted = fit_baseline("hmm_counts", {"order": 2, "pseudocount": 1.0}, corpus, split)
    posterior = fitted.posterior(corpus.tokens, corpus.lengths)
    np.testing.assert_allclose(posterior.sum(axis=1), 1, atol=1e-6)


def test_tables_that_are_no_distributions_are_refused():
    model = a_model(1)
    arrays = (DNA, model.states, model.start, model.transition, model.emission)
    with pytest.raises(ValueError, match="no probability distribution"):
        MarkovHMM(*arrays, word_emission=model.word_emission * 2)
    with pytest.raises(ValueError, match="has the shape"):
        MarkovHMM(*arrays, word_emission=model.word_emission[:3])
