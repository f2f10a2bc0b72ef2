"""Sequences without labels: what is told of each letter, and who can tell it."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.alphabet import DNA, Alphabet
from basetag.baseline_fitting import fit_baseline
from basetag.baselines import load_baseline
from basetag.config import load_config
from basetag.corpus import NEXT_TOKEN, UNLABELLED, Corpus
from basetag.errors import ConfigError, InputError
from basetag.hmm import HMM
from basetag.judgement.comparison import comparison_row
from basetag.judgement.evaluation import evaluate
from basetag.next_letter import Followers, next_letter_posterior
from basetag.next_token_corpus import next_letters, write_next_token_corpus
from basetag.report.identities import check_identities
from basetag.simulation import simulate_to_fasta
from tests.conftest import REPOSITORY
from tests.test_baselines import split_of

LETTERS = {letter: letter for letter in "ACGT"}
MODEL = {
    "alphabet": "dna",
    "states": ["H", "L", "M"],
    "start": [0.5, 0.3, 0.2],
    "transition": [[0.9, 0.06, 0.04], [0.05, 0.9, 0.05], [0.2, 0.1, 0.7]],
    "emission": [[0.1, 0.4, 0.4, 0.1], [0.4, 0.1, 0.1, 0.4], [0.7, 0.1, 0.1, 0.1]],
}
DATASETS = {
    "letters": {"task": "next_token", "simulate": {"hmm": "toy", "records": 40, "length": 100}}
}


def corpus_of(folder, text, alphabet=DNA):
    (folder / "x.fa").write_text(text)
    states = {letter: letter for letter in alphabet.letters}
    write_next_token_corpus(folder / "corpus", folder / "x.fa", alphabet, states)
    return Corpus.open(folder / "corpus")


def test_the_label_of_a_letter_is_the_plain_letter_behind_it_in_its_record(tmp_path):
    corpus = corpus_of(tmp_path, ">a\nACGT\n>none\n>b\nGNNa\n>c\nT\n")
    told = "".join("ACGT."[min(label, 4)] for label in corpus.labels)
    assert told == "CGT." + "..A." + "."
    assert corpus.task == NEXT_TOKEN
    assert corpus.states == tuple("ACGT")


def test_labels_do_not_depend_on_where_a_file_is_cut_into_chunks(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    text = "".join(f">r{i}\n{''.join(rng.choice(list('ACGTN'), i))}\n" for i in range(30))
    whole = np.array(corpus_of(tmp_path, text).labels)
    for size in (1, 7, 64):
        monkeypatch.setattr("basetag.next_token_corpus._AT_ONCE", size)
        assert np.array_equal(corpus_of(tmp_path, text).labels, whole)


def slow_probabilities(training, order, letters="ACGT"):
    """Return P(next | text so far) by dictionaries of words, as Witten and Bell mix them."""
    seen = defaultdict(Counter)
    for text in training:
        for place in range(len(text) - 1):
            if text[place + 1] in letters:
                for size in range(order + 1):
                    word = text[max(0, place + 1 - size) : place + 1]
                    if len(word) == size and all(letter in letters for letter in word):
                        seen[word][text[place + 1]] += 1

    def probabilities(text, word=None):
        if word is None:
            word = ""
            while len(word) < min(order, len(text)) and text[-1 - len(word)] in letters:
                word = text[len(text) - len(word) - 1 :]
        shorter = (
            dict.fromkeys(letters, 1 / len(letters)) if not word else probabilities(text, word[1:])
        )
        found = seen[word]
        kinds, total = len(found), sum(found.values())
        if not total:
            return shorter
        return {x: (found[x] + kinds * shorter[x]) / (total + kinds) for x in letters}

    return probabilities


@settings(deadline=None)
@given(
    training=st.lists(st.text("ACGTN", max_size=30), min_size=1, max_size=4),
    read=st.text("ACGTN", min_size=1, max_size=15),
    order=st.integers(0, 5),
)
def test_a_markov_model_is_a_loop_over_dictionaries(training, read, order):
    tokens = DNA.encode("".join(training))
    lengths = np.array([len(text) for text in training], dtype=np.int64)
    labels = next_letters(tokens, lengths, 4) if tokens.size else tokens
    followers = Followers.counted([(tokens, labels, lengths)], 4, order)
    found = followers.probabilities(DNA.encode(read), np.array([len(read)]))
    slow = slow_probabilities(training, order)
    for place in range(len(read)):
        expected = slow(read[: place + 1])
        assert found[place] == pytest.approx([expected[x] for x in "ACGT"], abs=1e-6)


def test_sequences_are_told_apart_and_batches_add_up():
    rng = np.random.default_rng(2)
    tokens = rng.integers(0, 4, 900).astype(np.uint8)
    lengths = np.array([500, 0, 400])
    labels = next_letters(tokens, lengths, 4)
    whole = Followers.counted([(tokens, labels, lengths)], 4, 3)
    parts = [(tokens[:500], labels[:500], lengths[:1]), (tokens[500:], labels[500:], lengths[2:])]
    apart = Followers.counted(parts, 4, 3)
    assert np.array_equal(whole.words, apart.words)
    assert np.array_equal(whole.counts, apart.counts)
    both = whole.probabilities(tokens, lengths)
    assert np.array_equal(both[500:], whole.probabilities(tokens[500:], lengths[2:]))


def mean_bits(posterior, labels):
    known = labels != UNLABELLED
    return float(-np.log2(posterior[known, labels[known]]).mean())


def test_independent_letters_cost_their_entropy():
    rng = np.random.default_rng(3)
    share = np.array([0.1, 0.2, 0.3, 0.4])
    tokens = rng.choice(4, 400_000, p=share).astype(np.uint8)
    half = np.array([200_000])
    labels = next_letters(tokens, np.repeat(half, 2), 4)
    followers = Followers.counted([(tokens[:200_000], labels[:200_000], half)], 4, 0)
    found = mean_bits(followers.probabilities(tokens[200_000:], half), labels[200_000:])
    assert found == pytest.approx(-(share * np.log2(share)).sum(), abs=0.005)


def test_a_markov_chain_costs_its_entropy_rate_from_its_order_on():
    rng = np.random.default_rng(4)
    # The letter behind two letters: by the first of them alone, which order 1 does not see.
    step = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.2, 0.2, 0.3, 0.3], [0.25] * 4])
    draws = rng.random(400_000)
    thresholds = np.cumsum(step, axis=1)
    tokens = np.zeros(draws.size, dtype=np.uint8)
    for place in range(2, draws.size):
        tokens[place] = np.searchsorted(thresholds[tokens[place - 2]], draws[place])
    values, vectors = np.linalg.eig(step.T)
    stationary = np.real(vectors[:, np.argmax(values.real)])
    stationary /= stationary.sum()
    rate = -(stationary[:, None] * step * np.log2(step)).sum()
    half = np.array([200_000])
    labels = next_letters(tokens, np.repeat(half, 2), 4)
    bits = []
    for order in range(5):
        followers = Followers.counted([(tokens[:200_000], labels[:200_000], half)], 4, order)
        found = followers.probabilities(tokens[200_000:], half)
        bits.append(mean_bits(found, labels[200_000:]))
    independent = -(stationary * np.log2(stationary)).sum()
    assert bits[:2] == pytest.approx([independent] * 2, abs=0.005)
    assert bits[2] == pytest.approx(rate, abs=0.005)
    assert bits[2] <= min(bits[3:])  # more letters only cost more to learn


def test_order_12_of_dna_is_counted_and_order_6_of_20_letters_is_refused():
    tokens = np.tile(np.arange(4, dtype=np.uint8), 20)
    lengths = np.array([80])
    followers = Followers.counted([(tokens, next_letters(tokens, lengths, 4), lengths)], 4, 12)
    assert followers.probabilities(tokens, lengths)[-2].argmax() == 3
    with pytest.raises(ConfigError, match="too many to count"):
        Followers.counted([], 20, 6)


def test_the_next_letter_of_a_model_is_that_of_all_paths():
    hmm = HMM.from_settings(MODEL)
    rng = np.random.default_rng(5)
    tokens = rng.integers(0, 4, 12).astype(np.uint8)
    lengths = np.array([5, 7])

    def probability(letters):
        return sum(
            hmm.start[path[0]]
            * np.prod([hmm.transition[a, b] for a, b in itertools.pairwise(path)])
            * np.prod([hmm.emission[s, x] for s, x in zip(path, letters, strict=True)])
            for path in itertools.product(range(3), repeat=len(letters))
        )

    found = next_letter_posterior(hmm, tokens, lengths)
    for sequence in (tokens[:5], tokens[5:]):
        own = found[:5] if sequence.size == 5 else found[5:]
        for place in range(sequence.size):
            read = sequence[: place + 1].tolist()
            expected = [probability([*read, x]) / probability(read) for x in range(4)]
            assert own[place] == pytest.approx(expected, rel=1e-5)


def test_states_of_one_label_emit_their_own_letters_behind_it():
    grouped = HMM.from_settings(MODEL | {"states": ["H", "L", "H"]})
    tokens = np.random.default_rng(6).integers(0, 4, 50).astype(np.uint8)
    lengths = np.array([50])
    expected = next_letter_posterior(HMM.from_settings(MODEL), tokens, lengths)
    assert np.array_equal(next_letter_posterior(grouped, tokens, lengths), expected)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("letters")
    hmm = HMM.from_settings(MODEL)
    simulate_to_fasta(hmm, np.full(8, 5000), 1, folder / "x.fa", folder / "s.fa")
    write_next_token_corpus(folder / "corpus", folder / "x.fa", DNA, LETTERS)
    return Corpus.open(folder / "corpus")


def test_no_markov_model_beats_the_model_that_emits_the_letters(simulated, tmp_path):
    split = split_of(simulated, range(6), [6], [7])
    test = split["test"]
    tokens, labels = test.gathered(simulated.tokens), test.gathered(simulated.labels)
    bits = {}
    for name, parameters in (
        ("next_letter", {}),
        *(("markov", {"order": order}) for order in range(5)),
        ("majority", {}),
    ):
        made = fit_baseline(name, parameters, simulated, split, MODEL)
        made.save(tmp_path / "x.safetensors")
        read = load_baseline(tmp_path / "x.safetensors")
        posterior = read.posterior(tokens, test.lengths)
        assert np.array_equal(posterior, made.posterior(tokens, test.lengths))
        assert posterior.sum(axis=1) == pytest.approx(1, abs=1e-5)
        bits[name, parameters.get("order")] = mean_bits(posterior, labels)
    best = bits.pop(("next_letter", None))
    assert best < min(bits.values())
    # Of order 0 the mixture with letters that are all alike is next to nothing.
    assert bits["markov", 0] == pytest.approx(bits["majority", None], abs=1e-4)
    assert bits["markov", 3] < bits["markov", 0] - 0.01


def test_a_ceiling_from_the_middle_of_a_record_knows_where_it_is(simulated):
    split = split_of(simulated, range(6), [6], [7])
    made = fit_baseline("next_letter", {}, simulated, split, MODEL)
    tokens = np.array([0, 1, 2], dtype=np.uint8)
    lengths = np.array([3])
    hmm = HMM.from_settings(MODEL)
    found = made.posterior(tokens, lengths, positions=np.array([4]))
    assert np.array_equal(found, next_letter_posterior(hmm.started_at(4), tokens, lengths))
    assert not np.array_equal(found, made.posterior(tokens, lengths))


def checked(folder, **config):
    config = {"datasets": DATASETS, "taggers": {"m": {"baseline": "markov"}}} | config
    (folder / "c.yaml").write_text(yaml.safe_dump(config))
    return load_config(config, [folder / "c.yaml"], REPOSITORY)


@pytest.mark.parametrize(
    ("tagger", "words"),
    [
        ({"cell": "gru", "bidirectional": True}, "bidirectional: what is told of a letter"),
        ({"cell": "gru", "head": "crf"}, "a CRF reads a record as a whole"),
        ({"cell": "gru", "pooling": "max"}, "pooling sums up a record as a whole"),
        ({"cell": "gru", "both_strands": True}, "the other strand begins behind the letter"),
        ({"cell": "gru", "decoding": "viterbi"}, "a path of them is found from both its ends"),
        ({"cell": "gru", "training": {"reverse_complement": True}}, "lies before it"),
        ({"baseline": "exact"}, "which it has no way to tell"),
        ({"baseline": "hmm_counts"}, "which it has no way to tell"),
        ({"baseline": "gc_window"}, "which it has no way to tell"),
    ],
)
def test_what_looks_ahead_cannot_tell_the_next_letter(tagger, words, tmp_path):
    with pytest.raises(ConfigError) as error:
        checked(tmp_path, taggers={"t": tagger})
    assert words in str(error.value)


def test_turned_windows_are_refused_wherever_they_are_asked_for(tmp_path):
    training = {"reverse_complement": True}
    with pytest.raises(ConfigError, match="in a turned window that lies before it"):
        checked(tmp_path, taggers={"g": {"cell": "gru"}}, training=training)
    own = {"g": {"cell": "gru", "training": {"reverse_complement": False}}}
    assert checked(tmp_path, taggers=own, training=training).main_runs()


@pytest.mark.parametrize(
    "tagger",
    [
        {"cell": "lstm", "layers": 2, "dropout": 0.1},
        {"cell": "mingru", "embedding": {"k": 3, "dimensions": 4}},
        {"cell": "none", "convolution": {"widths": [3, 7]}},
        {"baseline": "filtered"},
        {"baseline": "markov", "order": 12},
        {"baseline": "majority"},
        {"baseline": "uniform"},
    ],
)
def test_what_looks_back_can_tell_it(tagger, tmp_path):
    assert checked(tmp_path, taggers={"t": tagger}).main_runs()


def test_a_markov_model_tells_no_labels(tmp_path):
    tagged = {"x": {"simulate": {"hmm": "toy", "records": 40, "length": 100}}}
    with pytest.raises(ConfigError, match="markov tells the next letter"):
        checked(tmp_path, datasets=tagged)
    config = checked(tmp_path, datasets=tagged | DATASETS, taggers={
        "m": {"baseline": "markov"}, "exact": {"baseline": "exact"},
        "filtered": {"baseline": "filtered"},
    })  # fmt: skip
    assert set(config.main_runs()) == {
        ("x", "exact", 0), ("x", "filtered", 0), ("letters", "m", 0), ("letters", "filtered", 0)
    }  # fmt: skip
    assert config.fit_settings("x", "filtered")["baseline"] == "filtered"
    assert config.fit_settings("letters", "filtered")["baseline"] == "next_letter"
    assert config.evaluate_settings("letters", "m")["hmm"] is None
    assert config.controls_settings("letters")["bases"] == 0


def test_an_order_of_too_many_words_is_told_before_anything_runs(tmp_path):
    (tmp_path / "p.fa").write_text(">a\nACDE\n")
    datasets = {"p": {"task": "next_token", "fasta": "p.fa", "alphabet": "ACDEFGHIKLMNPQRSTVWY"}}
    taggers = {"m": {"baseline": "markov", "order": 6}}
    with pytest.raises(ConfigError, match="words of 6 of the 20 letters of 'p' are too many"):
        checked(tmp_path, datasets=datasets, taggers=taggers)
    config = checked(tmp_path, datasets=datasets, taggers={"m": {"baseline": "markov", "order": 5}})
    assert list(config.states("p")) == list("ACDEFGHIKLMNPQRSTVWY")


@pytest.mark.parametrize("source", [{"fasta": "p.fa"}, {"accession": "NC_000913.3"}])
def test_blocks_need_a_gap_as_each_would_be_told_the_first_letter_of_the_next(source, tmp_path):
    (tmp_path / "p.fa").write_text(">a\nACGT\n")
    datasets = {"p": {"task": "next_token", **source, "split": {"by": "block", "block": 100}}}
    with pytest.raises(ConfigError, match=r"told the first letter of the next one.*add gap: 1"):
        checked(tmp_path, datasets=datasets)


def test_a_fetched_record_is_read_without_its_features(tmp_path):
    datasets = {"ecoli": {"task": "next_token", "accession": "NC_000913.3"}}
    config = checked(tmp_path, datasets=datasets)
    assert config.is_fetched("ecoli")
    settings = config.encode_settings("ecoli")
    assert (settings["sequences"], settings["labels"]) == ("genbank", "next_token")
    assert config.fetch_dataset_settings("ecoli") == {"accession": "NC_000913.3"}


def test_a_tagger_of_letters_annotates_no_genome(tmp_path):
    (tmp_path / "g.fa").write_text(">a\nACGT\n")
    use = {"g": {"fasta": "g.fa", "taggers": [{"dataset": "letters", "tagger": "m"}]}}
    with pytest.raises(ConfigError, match="tell the next letter of each, and label no bases"):
        checked(tmp_path, annotate=use)


def test_letters_of_an_own_alphabet_are_its_states(tmp_path):
    alphabet = Alphabet.named("xyz")
    corpus = corpus_of(tmp_path, ">a\nxyzzy\n", alphabet)
    assert [corpus.states[label] for label in corpus.labels[:-1]] == list("yzzy")


def test_a_letter_costs_the_bits_that_its_probability_says(simulated, tmp_path):
    split = split_of(simulated, range(5), [5], [6, 7])
    test = split["test"]
    made = fit_baseline("markov", {"order": 2}, simulated, split)
    tokens, labels = test.gathered(simulated.tokens), test.gathered(simulated.labels)
    posterior = made.posterior(tokens, test.lengths)
    np.save(tmp_path / "p.npy", posterior)
    np.save(tmp_path / "c.npy", posterior.argmax(axis=1).astype(np.uint8))
    ceiling = fit_baseline("next_letter", {}, simulated, split, MODEL)
    np.save(tmp_path / "f.npy", ceiling.posterior(tokens, test.lengths))
    found = evaluate(
        simulated, test, tmp_path / "p.npy", tmp_path / "c.npy", made.card,
        dataset="letters", seed=0, filtered_path=tmp_path / "f.npy", train=split["train"],
        pairs=20,
    ).metrics  # fmt: skip
    told = found["next_token"]
    assert told["order"] == 2
    assert told["bits"]["value"] == pytest.approx(mean_bits(posterior, labels), rel=1e-6)
    assert told["bits"]["low"] < told["bits"]["value"] < told["bits"]["high"]
    assert found["test"]["bases"] == np.count_nonzero(labels != UNLABELLED)
    assert found["chance"]["resimulated"] is None  # letters form no path of labels
    trained_on = split["train"].gathered(simulated.known_labels)
    assert found["learnt_labels"] == np.count_nonzero(trained_on != UNLABELLED)
    # Held against the letters' own ceiling, whatever the tagger is.
    assert found["ceiling"]["of"] == "filtered"
    assert 0 < found["attained_filtered"]["value"] < 1
    row = comparison_row(found | {"validation": None, "controls": None}, {}, {})
    assert row["bits_per_token"] == told["bits"]["value"]
    assert row["bits_per_token_high"] == told["bits"]["high"]
    whole = found | {"validation": None, "controls": None}
    check_identities(whole, tmp_path)
    np.save(tmp_path / "m.npy", np.arange(labels.size) % 90 < 30)
    matched = evaluate(
        simulated, test, tmp_path / "p.npy", tmp_path / "c.npy", made.card,
        dataset="letters", seed=0, train=split["train"], pairs=20, matched_path=tmp_path / "m.npy",
    ).metrics  # fmt: skip
    assert 0 < matched["unmatched"]["test"]["bases"] < matched["test"]["bases"]
    check_identities(matched | {"validation": None, "controls": None}, tmp_path)
    whole["next_token"]["bits"]["value"] += 1e-4
    with pytest.raises(InputError, match="bits a letter"):
        check_identities(whole, tmp_path)
