"""Baselines: each gives the probabilities that its definition says, before and after its file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from basetag.alphabet import DNA, Alphabet
from basetag.baseline_fitting import fit_baseline
from basetag.baselines import BASELINES, load_baseline
from basetag.corpus import UNLABELLED, Corpus
from basetag.decoding import Decoding, call_states
from basetag.errors import ConfigError, InputError
from basetag.exact_inference import filtered_posterior, smoothed_posterior
from basetag.hmm import HMM
from basetag.segments import Segments
from basetag.tagger_file import read_tagger, write_tagger
from basetag.viterbi import path_of_posterior, viterbi_path

BLOCKS = {
    "alphabet": "dna",
    "states": ["H", "L"],
    "start": "stationary",
    "transition": [[0.95, 0.05], [0.05, 0.95]],
    "emission": [[0.1, 0.4, 0.4, 0.1], [0.4, 0.1, 0.1, 0.4]],
}
PARAMETERS = {
    "exact": {},
    "filtered": {},
    "motif": {"motif": {"motif": "ATG", "place": "start", "noise": 0.1, "share": 0.5, "gc": 0.4}},
    "next_letter": {},
    "markov": {"order": 2},
    "hmm": {},
    "hmm_em": {"restarts": 2, "iterations": 30, "bases": 20_000, "seed": 1},
    "hmm_counts": {"order": 0, "pseudocount": 1.0},
    "base_table": {"k": 3},
    "gc_window": {"window": 11},
    "cpg_rule": {
        "state": "H",
        "window": 20,
        "gc": 0.5,
        "ratio": 0.6,
        "minimum_length": 20,
        "whole_windows": False,
    },
    "majority": {},
    "uniform": {},
    "pyrodigal": {
        "meta": True,
        "translation_table": None,
        "forward": "H",
        "reverse": "H",
        "background": "L",
    },
}


#: Those of letters; what tells the next number of a series is in test_series.
OF_LETTERS = [name for name in BASELINES if name not in ("last", "autoregression", "wave")]


def a_corpus(sequences, labels, states="HL", alphabet=DNA):
    """A corpus of plain strings; '.' is unlabelled."""
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    label_of = {state: index for index, state in enumerate(states)} | {".": UNLABELLED}
    return Corpus(
        alphabet=alphabet,
        states=tuple(states),
        state_names={state: f"state {state}" for state in states},
        names=[f"r{i}" for i in range(len(sequences))],
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        tokens=alphabet.encode("".join(sequences)),
        labels=None
        if labels is None
        else np.array([label_of[label] for label in "".join(labels)], dtype=np.uint8),
    )


def whole_records(corpus, records):
    record = np.array(records, dtype=np.int64)
    return Segments(record, record * 0, corpus.lengths[record], corpus.starts[record])


def split_of(corpus, train, validation=(), test=()):
    parts = {"train": train, "validation": validation, "test": test}
    return {name: whole_records(corpus, list(records)) for name, records in parts.items()}


@pytest.fixture(scope="module")
def simulated():
    """Forty records of 500 bases from an HMM that is easy to see through, and their split."""
    rng = np.random.default_rng(5)
    sequences, labels = [], []
    for _ in range(40):
        states = np.cumsum(rng.random(500) < 0.05) + rng.integers(2)
        emission = np.array(BLOCKS["emission"])[states % 2]
        letters = (rng.random(500)[:, None] > emission.cumsum(axis=1)).sum(axis=1)
        sequences.append("".join("ACGT"[letter] for letter in letters))
        labels.append("".join("HL"[state] for state in states % 2))
    corpus = a_corpus(sequences, labels)
    return corpus, split_of(corpus, range(30), range(30, 35), range(35, 40))


def suited(name, simulated):
    """The corpus, with the letters behind its bases as labels where these are what is told."""
    corpus, split = simulated
    if name not in ("next_letter", "markov"):
        return corpus, split
    following = np.append(corpus.tokens[1:], UNLABELLED)
    following[corpus.starts + corpus.lengths - 1] = UNLABELLED
    names = {letter: letter for letter in "ACGT"}
    return replace(corpus, states=tuple("ACGT"), state_names=names, labels=following), split


def held_out(simulated):
    corpus, split = simulated
    test = split["test"]
    return test.gathered(corpus.tokens), test.lengths, test.gathered(corpus.labels)


@pytest.mark.parametrize("name", OF_LETTERS)
def test_a_baseline_gives_the_same_probabilities_after_its_file(name, simulated, tmp_path):
    corpus, split = suited(name, simulated)
    fitted = fit_baseline(name, PARAMETERS[name], corpus, split, BLOCKS, tagger="mine")
    tokens, lengths, _ = held_out(simulated)
    posterior = fitted.posterior(tokens, lengths)
    assert posterior.dtype == np.float32
    assert posterior.shape == (tokens.size, len(corpus.states))
    np.testing.assert_allclose(posterior.sum(axis=1), 1, atol=1e-6)
    fitted.save(tmp_path / "tagger.safetensors")
    loaded = load_baseline(tmp_path / "tagger.safetensors")
    assert np.array_equal(loaded.posterior(tokens, lengths), posterior)
    assert loaded.kind == fitted.kind
    assert loaded.card["parameters"] == fitted.card["parameters"]
    assert loaded.description == fitted.description
    assert "\n" not in loaded.description
    assert loaded.card["name"] == "mine"
    again = fit_baseline(name, PARAMETERS[name], corpus, split, BLOCKS, tagger="mine")
    again.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (
        tmp_path / "tagger.safetensors"
    ).read_bytes()


def test_kinds_and_numbers_of_parameters(simulated):
    found = {}
    for name in OF_LETTERS:
        corpus, split = suited(name, simulated)
        fitted = fit_baseline(name, PARAMETERS[name], corpus, split, BLOCKS)
        found[name] = (fitted.kind, fitted.card["parameters"])
    hmm = 1 + 2 * 1 + 2 * 3
    assert found == {
        "exact": ("hmm", hmm),
        "filtered": ("hmm", hmm),
        "motif": ("rule", 0),
        "next_letter": ("hmm", 0),
        # A word of no letter, of one and of two letters, each with what follows it.
        "markov": ("rule", (1 + 4 + 16) * 3),
        "hmm": ("hmm", hmm),
        "hmm_em": ("hmm", hmm),
        "hmm_counts": ("hmm", hmm),
        "base_table": ("rule", 64),
        "gc_window": ("rule", 1 + 2),
        "cpg_rule": ("rule", 2),
        "majority": ("constant", 1),
        "uniform": ("constant", 0),
        "pyrodigal": ("rule", 2),
    }


def test_the_card_says_what_decoding_needs(simulated):
    corpus, split = simulated
    training = fit_baseline("uniform", {}, corpus, split).card["training"]
    labels = split["train"].gathered(corpus.labels).reshape(30, 500)
    share = np.count_nonzero(labels == 0) / labels.size
    assert training["prior"] == pytest.approx([share, 1 - share])
    stay = np.count_nonzero((labels[:, :-1] == 0) & (labels[:, 1:] == 0)) + 1
    leave = np.count_nonzero((labels[:, :-1] == 0) & (labels[:, 1:] == 1)) + 1
    assert training["transition"][0] == pytest.approx(
        [stay / (stay + leave), leave / (stay + leave)]
    )
    assert training["bases"] == 15_000


def test_the_digest_tells_training_data_apart(simulated):
    corpus, split = simulated
    less = {**split, "train": whole_records(corpus, range(29))}
    digests = {
        fit_baseline("uniform", {}, corpus, given).card["training"]["digest"]
        for given in (split, split, less)
    }
    assert len(digests) == 2


def test_exact_and_filtered_are_the_simulating_hmms_posteriors(simulated):
    corpus, split = simulated
    tokens, lengths, _ = held_out(simulated)
    hmm = HMM.from_settings(BLOCKS)
    exact = fit_baseline("exact", {}, corpus, split, BLOCKS)
    filtered = fit_baseline("filtered", {}, corpus, split, BLOCKS)
    assert np.array_equal(
        exact.posterior(tokens, lengths), smoothed_posterior(hmm, tokens, lengths)
    )
    assert np.array_equal(
        filtered.posterior(tokens, lengths), filtered_posterior(hmm, tokens, lengths)
    )


def test_an_hmm_is_decoded_by_its_own_chain_begun_where_each_sequence_stands(simulated):
    corpus, split = simulated
    tokens, lengths, _ = held_out(simulated)
    exact = fit_baseline("exact", {}, corpus, split, BLOCKS)
    posterior = exact.posterior(tokens, lengths)
    ones = np.ones(2, dtype=np.int64)
    path = exact.most_probable_path(tokens, lengths, posterior, ones)
    assert np.array_equal(path, viterbi_path(exact.hmm, tokens, lengths))
    positions = np.arange(lengths.size) % 3 * 4
    found = exact.most_probable_path(tokens, lengths, posterior, ones, positions=positions)
    cuts = np.cumsum(lengths)[:-1]
    for position, part, called in zip(
        positions, np.split(tokens, cuts), np.split(found, cuts), strict=True
    ):
        hmm = exact.hmm.started_at(int(position))
        assert np.array_equal(called, viterbi_path(hmm, part, np.array([part.size])))
    long = exact.most_probable_path(tokens, lengths, posterior, ones * 30)
    for called in np.split(long, cuts):
        inner = np.diff(np.flatnonzero(np.diff(called)))
        assert inner.min(initial=30) >= 30


def test_a_rule_is_decoded_by_its_posteriors(simulated):
    corpus, split = simulated
    tokens, lengths, _ = held_out(simulated)
    rule = fit_baseline("base_table", {"k": 3}, corpus, split)
    posterior = rule.posterior(tokens, lengths)
    path = rule.most_probable_path(tokens, lengths, posterior, np.array([1, 1]))
    assert np.array_equal(path, path_of_posterior(rule.card, posterior, lengths))
    shattered = posterior.argmax(axis=1)
    assert np.count_nonzero(np.diff(path)) < np.count_nonzero(np.diff(shattered)) / 2


#: Two states of islands, of which the second emits no T, and one of what lies between.
ISLANDS = {
    "alphabet": "dna",
    "states": ["I", "O", "I"],
    "labels": ["I", "O"],
    "start": [0.5, 0.5, 0.0],
    "transition": [[0.0, 0.0, 1.0], [0.05, 0.95, 0.0], [0.0, 0.05, 0.95]],
    "emission": [[0.1, 0.8, 0.05, 0.05], [0.4, 0.1, 0.1, 0.4], [0.1, 0.45, 0.45, 0.0]],
}


def of_labels(hmm, order):
    """The columns of a posterior over the states, added up by label; and the labels of a path."""
    label = np.array([order.index(letter) for letter in hmm.states])
    return label, np.eye(len(order))[label]


@pytest.mark.parametrize("order", ["IO", "OI"])
def test_where_states_share_labels_exact_is_the_sum_over_them_in_the_corpus_order(order, tmp_path):
    hmm = HMM.from_settings(ISLANDS)
    apart = HMM(hmm.alphabet, ("a", "b", "c"), hmm.start, hmm.transition, hmm.emission)
    label, add_up = of_labels(hmm, order)
    corpus = a_corpus(["ACGTNCCGGATTA", "TTAAGCGCNR"], ["OIIOOIIIIOOOO", "OOOOIIIIOO"], order)
    split = split_of(corpus, [0, 1], [0], [1])
    tokens, lengths = corpus.tokens, corpus.lengths
    positions = np.array([7, 0])
    for name, infer in (("exact", smoothed_posterior), ("filtered", filtered_posterior)):
        fitted = fit_baseline(name, {}, corpus, split, ISLANDS)
        assert fitted.card["parameters"] == 2 + 3 * 2 + 3 * 3
        fitted.save(tmp_path / name)
        for tagger in (fitted, load_baseline(tmp_path / name)):
            posterior = tagger.posterior(tokens, lengths)
            expected = infer(apart, tokens, lengths) @ add_up
            np.testing.assert_allclose(posterior, expected, atol=1e-6)
            expected[:13] = infer(apart.started_at(7), tokens[:13], lengths[:1]) @ add_up
            shifted = tagger.posterior(tokens, lengths, positions=positions)
            np.testing.assert_allclose(shifted, expected, atol=1e-6)
            path = viterbi_path(apart, tokens, lengths)
            any_length = np.ones(2, dtype=np.int64)
            called = tagger.most_probable_path(tokens, lengths, posterior, any_length)
            assert np.array_equal(called, label[path])
            assert len(set(path)) == 3


def test_a_given_hmm_is_what_it_was_given_in_the_corpus_order(simulated):
    corpus, split = simulated
    tokens, lengths, _ = held_out(simulated)
    turned = {**BLOCKS, "states": ["L", "H"], "emission": BLOCKS["emission"][::-1]}
    given = fit_baseline("hmm", {}, corpus, split, turned)
    expected = smoothed_posterior(HMM.from_settings(BLOCKS), tokens, lengths)
    np.testing.assert_allclose(given.posterior(tokens, lengths), expected, atol=1e-6)
    with pytest.raises(ConfigError, match=r"the HMM has the states X, L, the dataset H, L"):
        fit_baseline("hmm", {}, corpus, split, BLOCKS | {"states": ["X", "L"]})


@pytest.mark.parametrize("name", ["hmm_counts", "hmm_em"])
def test_hmms_that_are_fitted_have_a_state_for_each_label(name, simulated):
    corpus, split = simulated
    grouped = BLOCKS | {"states": ["H", "L"], "labels": ["L", "H"]}
    fitted = fit_baseline(name, PARAMETERS[name], corpus, split, grouped)
    assert fitted.hmm.states == fitted.hmm.labels == ("H", "L")


def test_counting_gives_the_simulating_probabilities_back(simulated):
    corpus, split = simulated
    hmm = fit_baseline("hmm_counts", {"pseudocount": 1.0}, corpus, split).hmm
    np.testing.assert_allclose(hmm.emission, BLOCKS["emission"], atol=0.02)
    np.testing.assert_allclose(hmm.transition, BLOCKS["transition"], atol=0.01)


def test_expectation_maximisation_finds_the_states_and_names_them_right(simulated):
    corpus, split = simulated
    for seed in (1, 2, 3):
        fitted = fit_baseline("hmm_em", PARAMETERS["hmm_em"] | {"seed": seed}, corpus, split)
        np.testing.assert_allclose(fitted.hmm.emission, BLOCKS["emission"], atol=0.05)
        tokens, lengths, labels = held_out(simulated)
        assert np.mean(fitted.posterior(tokens, lengths).argmax(axis=1) == labels) > 0.8


def test_expectation_maximisation_sees_no_more_bases_than_it_may(simulated):
    corpus, split = simulated
    few = PARAMETERS["hmm_em"] | {"bases": 1234}
    cut = whole_records(corpus, [0, 1, 2])
    cut = Segments(cut.record, cut.start, np.array([500, 500, 234]), cut.offset)
    for_all = fit_baseline("hmm_em", PARAMETERS["hmm_em"], corpus, {**split, "train": cut})
    some = fit_baseline("hmm_em", few, corpus, split)
    for name, array in some.tensors.items():
        assert np.array_equal(array, for_all.tensors[name])


def test_expectation_maximisation_needs_a_label_to_name_its_states():
    corpus = a_corpus(["ACGTACGTGG", "ACG"], ["." * 10, "HHL"])
    with pytest.raises(InputError, match=r"first 8 bases .* have no label; let it use more"):
        fit_baseline(
            "hmm_em", PARAMETERS["hmm_em"] | {"bases": 8}, corpus, split_of(corpus, [0, 1])
        )


def test_the_states_of_an_hmm_stand_in_the_order_of_the_labels(simulated):
    corpus, split = simulated
    turned = {
        **BLOCKS,
        "states": ["L", "H"],
        "emission": BLOCKS["emission"][::-1],
    }
    tokens, lengths, _ = held_out(simulated)
    one, other = (
        fit_baseline("exact", {}, corpus, split, settings).posterior(tokens, lengths)
        for settings in (BLOCKS, turned)
    )
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_table_of_single_bases_holds_their_label_frequencies():
    corpus = a_corpus(["AAACNGA"], ["HHLL.LH"])
    table = fit_baseline("base_table", {"k": 1}, corpus, split_of(corpus, [0]))
    tokens = DNA.encode("ACGTNM")
    posterior = table.posterior(tokens, np.array([4, 2]))
    # A: 3 H, 1 L; C, G: 1 L; T: none; N is all of these; M is A or C. One added to each.
    expected = [[4 / 6, 2 / 6], [1 / 3, 2 / 3], [1 / 3, 2 / 3], [1 / 2, 1 / 2]]
    expected += [[4 / 8, 4 / 8], [4 / 7, 3 / 7]]
    np.testing.assert_allclose(posterior, expected, rtol=1e-6)


def test_the_gc_window_finds_threshold_and_orientation():
    rng = np.random.default_rng(3)
    for rich, poor in ("HL", "LH"):
        sequences, labels = [], []
        for record in range(20):
            gc_rich = record % 2 == 0
            share = 0.7 if gc_rich else 0.3
            gc = rng.random(400) < share
            sequences.append("".join(rng.choice(list("GC" if g else "AT")) for g in gc))
            labels.append((rich if gc_rich else poor) * 400)
        corpus = a_corpus(sequences, labels)
        split = split_of(corpus, range(10), range(10, 16), range(16, 20))
        rule = fit_baseline("gc_window", {"window": 101}, corpus, split)
        high, low = rule.posterior(DNA.encode("G" * 200 + "A" * 200), np.array([200, 200]))[
            [100, 300]
        ]
        assert "HL"[high.argmax()] == rich
        assert "HL"[low.argmax()] == poor
        assert f"{poor} below" in rule.description
        assert rule.description.endswith(f"else {rich}")


def test_a_hard_call_is_as_probable_as_on_validation():
    # Training separates H (GC) from L (AT); on validation 3 of 4 calls of H are right, 1 of 1 of L.
    corpus = a_corpus(["GCGCATAT", "GGGGA"], ["HHHHLLLL", "HHHLL"])
    rule = fit_baseline("gc_window", {"window": 1}, corpus, split_of(corpus, [0], [1]))
    posterior = rule.posterior(DNA.encode("GT"), np.array([2]))
    np.testing.assert_allclose(posterior, [[4 / 6, 2 / 6], [1 / 3, 2 / 3]], rtol=1e-6)


def test_a_rule_that_is_mostly_wrong_still_calls_what_it_calls():
    # On validation 1 of 4 calls of H is right, and each call of L.
    corpus = a_corpus(["GCGCATAT", "GGGGAAAA"], ["HHHHLLLL", "HLLLLLLL"])
    rule = fit_baseline("gc_window", {"window": 1}, corpus, split_of(corpus, [0], [1]))
    tokens, lengths = DNA.encode("GTTC"), np.array([4])
    posterior = rule.posterior(tokens, lengths)
    np.testing.assert_allclose(posterior[:2], [[2 / 6, 4 / 6], [1 / 6, 5 / 6]], rtol=1e-6)
    called = call_states(rule, tokens, lengths, posterior, Decoding("argmax"))
    assert called.tolist() == [0, 1, 1, 0]


def test_calls_that_are_worth_the_same_are_told_apart():
    corpus = a_corpus(["GCGCATAT", "GAGA"], ["HHHHLLLL", "HHLL"])
    rule = fit_baseline("gc_window", {"window": 1}, corpus, split_of(corpus, [0], [1]))
    tokens, lengths = DNA.encode("GTTCA"), np.array([2, 3])
    posterior = rule.posterior(tokens, lengths)
    assert (posterior == 0.5).all()
    called = call_states(rule, tokens, lengths, posterior, Decoding("argmax"))
    assert called.tolist() == [0, 1, 1, 0, 1]
    path = call_states(rule, tokens, lengths, posterior, Decoding("viterbi"))
    assert np.array_equal(path, path_of_posterior(rule.card, posterior, lengths))


def test_the_gc_window_knows_three_states():
    states = "XYZ"
    sequences = ["A" * 60, "ACTG" * 15, "G" * 60] * 2
    labels = [state * 60 for state in states] * 2
    corpus = a_corpus(sequences, labels, states)
    rule = fit_baseline("gc_window", {"window": 5}, corpus, split_of(corpus, range(3), range(3, 6)))
    tokens = DNA.encode("".join(sequences[:3]))
    calls = rule.posterior(tokens, np.full(3, 60)).argmax(axis=1)
    assert np.array_equal(calls, np.repeat([0, 1, 2], 60))


def test_majority_has_exactly_the_training_labels_frequencies():
    corpus = a_corpus(["ACGTACGT", "AC"], ["HHHLL...", "LL"])
    constant = fit_baseline("majority", {}, corpus, split_of(corpus, [0], [1]))
    posterior = constant.posterior(DNA.encode("ANT"), np.array([3]))
    np.testing.assert_array_equal(posterior, np.float32([[0.6, 0.4]] * 3))
    assert constant.card["training"]["prior"] == [0.6, 0.4]


def test_uniform_gives_each_state_the_same():
    corpus = a_corpus(["ACG"], ["XYZ"], "XYZ")
    constant = fit_baseline("uniform", {}, corpus, split_of(corpus, [0]))
    np.testing.assert_array_equal(
        constant.posterior(DNA.encode("A"), np.array([1])), np.full((1, 3), np.float32(1 / 3))
    )


@pytest.mark.parametrize("name", OF_LETTERS)
def test_no_base_and_empty_sequences_have_no_probabilities(name, simulated):
    corpus, split = suited(name, simulated)
    fitted = fit_baseline(name, PARAMETERS[name], corpus, split, BLOCKS)
    empty = fitted.posterior(np.zeros(0, np.uint8), np.array([0, 0]))
    assert empty.shape == (0, len(corpus.states))
    one = fitted.posterior(DNA.encode("A"), np.array([0, 1, 0]))
    assert one.shape == (1, len(corpus.states))


@pytest.mark.parametrize("name", ["exact", "filtered"])
def test_a_dataset_that_is_not_simulated_has_no_exact_posterior(name, simulated):
    with pytest.raises(ConfigError, match="the dataset is not simulated; take hmm, hmm_counts"):
        fit_baseline(name, {}, *simulated)


def test_without_labels_nothing_is_fitted():
    corpus = a_corpus(["ACG"], None)
    with pytest.raises(InputError, match="the dataset has none; give `labels:`"):
        fit_baseline("majority", {}, corpus, split_of(corpus, [0]))


@pytest.mark.parametrize("name", ["majority", "base_table", "hmm_counts"])
def test_a_training_split_without_a_label_is_refused(name):
    corpus = a_corpus(["ACG", "ACG"], ["...", "HHL"])
    with pytest.raises(InputError, match="no base of this split has a label"):
        fit_baseline(name, PARAMETERS[name], corpus, split_of(corpus, [0], [1]))


def test_a_gc_window_without_validation_labels_is_refused():
    corpus = a_corpus(["ACG", "ACG"], ["HHL", "..."])
    with pytest.raises(InputError, match="validation split, and no base of it has a label"):
        fit_baseline("gc_window", {"window": 3}, corpus, split_of(corpus, [0], [1]))


def test_a_gc_window_needs_g_and_c():
    alphabet = Alphabet.of_letters("xyz")
    corpus = a_corpus(["xyz", "xyz"], ["HHL", "HHL"], alphabet=alphabet)
    with pytest.raises(ConfigError, match="needs the letters G and C, and the alphabet is 'xyz'"):
        fit_baseline("gc_window", {"window": 3}, corpus, split_of(corpus, [0], [1]))


def test_a_table_of_too_many_words_is_refused():
    alphabet = Alphabet.of_letters("ACDEFGHIKLMNPQRSTVWY")
    corpus = a_corpus(["ACDEF"], ["HHLLL"], alphabet=alphabet)
    with pytest.raises(ConfigError, match=r"k: 7 makes .* words of 20 letters"):
        fit_baseline("base_table", {"k": 7}, corpus, split_of(corpus, [0]))


def test_a_network_is_no_baseline(simulated, tmp_path):
    card = fit_baseline("uniform", {}, *simulated).card
    network = {**card, "kind": "network", "architecture": {"cell": "gru"}}
    write_tagger(tmp_path / "network.safetensors", {}, network)
    assert read_tagger(tmp_path / "network.safetensors")[1]["kind"] == "network"
    with pytest.raises(InputError, match="holds a network tagger, not a baseline"):
        load_baseline(tmp_path / "network.safetensors")


@pytest.mark.parametrize("name", ["exact", "filtered"])
def test_a_block_begins_in_what_the_model_expects_there(simulated, name):
    """A block from position t has the posterior of t unknown bases and then the block."""
    corpus, split = simulated
    asymmetric = {**BLOCKS, "start": [0.0, 1.0], "transition": [[0.9, 0.1], [0.02, 0.98]]}
    tagger = fit_baseline(name, {}, corpus, split, asymmetric)
    generator = np.random.default_rng(2)
    blocks = [generator.integers(4, size=size).astype(np.uint8) for size in (30, 7, 0, 12)]
    positions = np.array([3, 0, 5, 3])
    found = tagger.posterior(np.concatenate(blocks), np.array([30, 7, 0, 12]), positions=positions)
    expected = [
        tagger.posterior(
            np.concatenate([np.full(position, DNA.unknown, dtype=np.uint8), block]),
            np.array([position + block.size]),
        )[position:]
        for position, block in zip(positions, blocks, strict=True)
    ]
    np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-6)
    without = tagger.posterior(np.concatenate(blocks), np.array([30, 7, 0, 12]))
    assert np.abs(found - without).max() > 0.05
