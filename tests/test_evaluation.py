"""The judgement of a tagger: right on known answers, and moved by every way to break it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy
from sklearn import metrics as oracle

from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.exact_inference import filtered_posterior, smoothed_posterior
from basetag.hmm import HMM
from basetag.judgement import evaluation
from basetag.judgement.evaluation import ceiling_of, evaluate
from basetag.judgement.figure_places import FIGURES
from basetag.judgement.metrics import floored
from basetag.judgement.tracks import write_tracks
from basetag.segments import Segments

MODEL = HMM(
    DNA,
    ("H", "L"),
    np.array([0.4, 0.6]),
    np.array([[0.94, 0.06], [0.04, 0.96]]),
    np.array([[0.1, 0.4, 0.4, 0.1], [0.35, 0.15, 0.15, 0.35]]),
)
PRIOR = [0.4, 0.6]


def card_of(kind="rule", prior=PRIOR, **architecture):
    return {
        "kind": kind,
        "name": "mine",
        "description": "a tagger",
        "parameters": 3,
        "architecture": architecture,
        "training": {"prior": list(prior)},
        **({"parts": [], "operations_per_base": 7, "context": {}} if kind == "network" else {}),
    }


class Case:
    """A simulated corpus, a test split of it, and posteriors as files."""

    def __init__(self, folder, records=30, length=400, seed=1):
        rng = np.random.default_rng(seed)
        bases = records * length
        states = np.zeros((records, length), dtype=np.uint8)
        states[:, 0] = rng.random(records) < MODEL.start[1]
        draws = rng.random((records, length))
        for i in range(1, length):
            states[:, i] = draws[:, i] < MODEL.transition[states[:, i - 1], 1]
        labels = states.ravel()
        cumulative = MODEL.emission.cumsum(axis=1)[labels]
        tokens = (rng.random(bases)[:, None] > cumulative).sum(axis=1).astype(np.uint8)
        starts = np.arange(records, dtype=np.int64) * length
        self.corpus = Corpus(
            DNA,
            ("H", "L"),
            {"H": "GC-rich", "L": "GC-poor"},
            [f"r{i}" for i in range(records)],
            starts,
            np.full(records, length, dtype=np.int64),
            tokens,
            labels,
        )
        # Two blocks of each second record, with a gap, and the records last to first.
        record = np.repeat(np.arange(records - 1, -1, -2), 2)
        start = np.tile([0, length // 2 + 10], len(record) // 2)
        end = np.tile([length // 2 - 10, length], len(record) // 2)
        self.segments = Segments(record, start, end, starts[record] + start)
        self.labels = self.segments.gathered(labels)
        here = self.segments.gathered(tokens), self.segments.lengths
        self.exact = smoothed_posterior(MODEL, *here)
        self.filtered = filtered_posterior(MODEL, *here)
        self.prior = np.tile(np.float32(PRIOR), (len(self.labels), 1))
        self.folder = folder
        self.exact_path = self.saved("exact", self.exact)
        self.filtered_path = self.saved("filtered", self.filtered)

    def saved(self, name, posterior):
        path = self.folder / f"{name}.npy"
        np.save(path, posterior)
        return path

    def judged(self, posterior, card=None, calls=None, **settings):
        posterior = np.asarray(posterior, dtype=np.float32)
        path = self.saved("judged", posterior)
        if calls is None:
            calls = posterior.argmax(axis=1).astype(np.uint8)
        calls_path = self.saved("calls", calls)
        given = {"exact_path": self.exact_path, "filtered_path": self.filtered_path, "pairs": 200}
        given["hmm"] = MODEL
        return evaluate(
            self.corpus,
            self.segments,
            path,
            calls_path,
            card or card_of(),
            dataset="blocks",
            seed=1,
            **given | settings,
        ).metrics


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return Case(tmp_path_factory.mktemp("case"))


def calls_of(case, posterior):
    return case.saved("shown_calls", posterior.argmax(axis=1).astype(np.uint8))


@pytest.fixture(scope="module")
def fair(case):
    """A tagger between the prior and the exact posterior."""
    return np.float32(0.6) * case.exact + np.float32(0.4) * case.prior


def test_every_measure_is_that_of_its_definition(case, fair):
    found = case.judged(fair)
    p, q, f = (floored(rows) for rows in (fair, case.exact, case.filtered))
    calls, labels = p.argmax(axis=1), case.labels
    prior = floored(np.array(PRIOR))[None]
    assert found["confusion"] == oracle.confusion_matrix(labels, calls).tolist()
    assert found["label_counts"] == np.bincount(labels).tolist()
    assert found["accuracy"]["value"] == pytest.approx(oracle.accuracy_score(labels, calls))
    assert found["balanced_accuracy"]["value"] == pytest.approx(
        oracle.balanced_accuracy_score(labels, calls)
    )
    assert found["macro_f1"]["value"] == pytest.approx(
        oracle.f1_score(labels, calls, average="macro")
    )
    assert found["mcc"]["value"] == pytest.approx(oracle.matthews_corrcoef(labels, calls))
    assert found["majority_accuracy"] == pytest.approx(np.mean(labels == 1))
    assert found["cross_entropy"]["value"] == pytest.approx(oracle.log_loss(labels, p))
    assert found["brier"]["value"] == pytest.approx(2 * oracle.brier_score_loss(labels, p[:, 1]))
    each = oracle.precision_recall_fscore_support(labels, calls)
    areas = [oracle.roc_auc_score(labels == k, p[:, k]) for k in (0, 1)]
    precisions = [oracle.average_precision_score(labels == k, p[:, k]) for k in (0, 1)]
    for k, state in enumerate("HL"):
        figures = {name: own["value"] for name, own in found["classes"][state].items()}
        assert figures == {
            "precision": pytest.approx(each[0][k]),
            "recall": pytest.approx(each[1][k]),
            "f1": pytest.approx(each[2][k]),
            "auroc": pytest.approx(areas[k], abs=1e-3),
            "auprc": pytest.approx(precisions[k], abs=1e-3),
        }
    assert found["auroc"]["value"] == pytest.approx(np.mean(areas), abs=1e-3)
    assert found["auprc"]["value"] == pytest.approx(np.mean(precisions), abs=1e-3)
    kl, kl_prior = entropy(q, p, axis=1), entropy(q, prior, axis=1)
    assert found["kl_exact"]["value"] == pytest.approx(kl.mean(), rel=1e-9)
    assert found["attained"]["value"] == pytest.approx(1 - kl.sum() / kl_prior.sum(), rel=1e-9)
    assert found["kl_filtered"]["value"] == pytest.approx(entropy(f, p, axis=1).mean(), rel=1e-9)
    assert found["attained_filtered"]["value"] == pytest.approx(
        1 - entropy(f, p, axis=1).sum() / entropy(f, prior, axis=1).sum(), rel=1e-9
    )
    excess = oracle.log_loss(labels, p) - oracle.log_loss(labels, q)
    assert found["excess"]["exact"]["value"] == pytest.approx(excess)
    assert found["excess"]["filtered"]["value"] == pytest.approx(
        oracle.log_loss(labels, p) - oracle.log_loss(labels, f)
    )
    ceiling = found["ceiling"]
    assert ceiling["of"] == "exact"
    assert ceiling["accuracy"] == pytest.approx(np.mean(q.argmax(axis=1) == labels))
    assert ceiling["cross_entropy"] == pytest.approx(oracle.log_loss(labels, q))
    assert ceiling["brier"] == pytest.approx(2 * oracle.brier_score_loss(labels, q[:, 1]))


HARD = (
    *("confusion", "confusion_shares", "certainty", "accuracy", "balanced_accuracy", "macro_f1"),
    *("mcc", "chance", "decoding", "classes", "segments"),
)


def test_calls_decide_what_matches_and_posteriors_what_they_cost(case, fair):
    calls = np.random.default_rng(1).integers(0, 2, len(fair)).astype(np.uint8)
    found, by_argmax = case.judged(fair, calls=calls, decoding="viterbi"), case.judged(fair)
    labels = case.labels
    assert found["decoding"] == "viterbi"
    assert found["confusion"] == oracle.confusion_matrix(labels, calls).tolist()
    assert found["accuracy"]["value"] == pytest.approx(oracle.accuracy_score(labels, calls))
    assert found["balanced_accuracy"]["value"] == pytest.approx(
        oracle.balanced_accuracy_score(labels, calls)
    )
    assert found["macro_f1"]["value"] == pytest.approx(
        oracle.f1_score(labels, calls, average="macro")
    )
    assert found["mcc"]["value"] == pytest.approx(oracle.matthews_corrcoef(labels, calls))
    shares = oracle.confusion_matrix(labels, calls, normalize="true")
    assert np.array(found["confusion_shares"]) == pytest.approx(shares)
    match, sure = calls == labels, fair[np.arange(len(calls)), calls]
    assert found["certainty"]["on_matches"]["value"] == pytest.approx(sure[match].mean(), rel=1e-5)
    for null in found["chance"].values():
        assert null["observed_matches"] == (calls == labels).sum()
    rest = found.keys() - set(HARD)
    assert {name: found[name] for name in rest} == {name: by_argmax[name] for name in rest}


#: That nobody looked for copies of training, and what would have been one.
MATCHES = {"matched_bases": None, "match_letters": 31, "match_strands": 2}


def test_reported_figures_follow_from_the_stored_counts(case, fair):
    found = case.judged(fair)
    bases = found["test"]["bases"]
    sums, confusion = found["sums"], np.array(found["confusion"])
    assert bases == len(case.labels) == confusion.sum()
    assert found["test"] == {"bases": bases, "segments": 30, **MATCHES}
    assert found["accuracy"]["value"] == pytest.approx(np.trace(confusion) / bases)
    assert found["cross_entropy"]["value"] == pytest.approx(sums["cross_entropy"] / bases)
    assert found["brier"]["value"] == pytest.approx(sums["brier"] / bases)
    assert found["kl_exact"]["value"] == pytest.approx(sums["kl_exact"] / bases)
    assert found["attained"]["value"] == pytest.approx(
        1 - sums["kl_exact"] / sums["kl_exact_prior"]
    )
    table = found["reliability"]
    assert sum(table["counts"]) == bases
    assert len(table["edges"]) == 11
    filled = [i for i, count in enumerate(table["counts"]) if count]
    assert found["ece"]["value"] == pytest.approx(
        sum(table["counts"][i] * abs(table["accuracy"][i] - table["confidence"][i]) for i in filled)
        / bases
    )
    assert table["accuracy"][0] is None
    for null in found["chance"].values():
        assert sum(null["counts"]) == null["pairs"] == 200
        assert null["observed_matches"] == np.trace(confusion)
        assert null["length"] == bases


def test_it_is_plain_json_and_the_same_twice(case, fair):
    first, second = (json.dumps(case.judged(fair), allow_nan=False) for _ in range(2))
    assert first == second


def test_intervals_hold_their_figures(case, fair):
    found = case.judged(fair)
    names = [name for name in FIGURES if name in found]
    assert len(names) == 13
    figures = [found[name] for name in names] + list(found["excess"].values())
    figures += [figure for own in found["classes"].values() for figure in own.values()]
    segments = found["segments"]
    figures += [segments[name] for name in ("precision", "recall", "f1")]
    figures += [*segments["per_mb"].values(), *segments["boundaries"]["f1"]]
    for figure in figures:
        assert figure["low"] < figure["value"] < figure["high"]


def test_chance_is_that_of_random_strings_as_long_as_the_test_split(case, fair):
    chance = case.judged(fair, pairs=1000)["chance"]["uniform"]
    n, matches = len(case.labels), chance["observed_matches"]
    assert (chance["accuracy"], chance["length"], chance["pairs"]) == (0.5, n, 1000)
    assert chance["mean_matches"] == pytest.approx(n / 2, abs=4 * math.sqrt(n / 4 / 1000))
    assert chance["sd_matches"] == pytest.approx(math.sqrt(n / 4), rel=0.1)
    assert chance["p_text"] == "< 1/1000"
    assert chance["p"] == 1 / 1001
    at_least = sum(math.comb(n, x) for x in range(matches, n + 1))
    exact = math.log10(at_least) - n * math.log10(2)
    assert chance["binomial_log10_p"] == pytest.approx(exact, rel=1e-9)
    assert chance["edges"][0] <= chance["mean_matches"] <= chance["edges"][-1]


def test_fresh_paths_come_from_the_model_or_else_from_the_training_labels(case, fair):
    train = case.corpus.starts, case.corpus.lengths
    train = Segments(np.arange(30), np.zeros(30, dtype=np.int64), train[1], train[0])
    by_model = case.judged(fair, train=train)["chance"]["resimulated"]
    by_labels = case.judged(fair, train=train, hmm=None)["chance"]["resimulated"]
    assert (by_model["source"], by_labels["source"]) == ("hmm", "semi_markov")
    assert by_labels["mean_matches"] == pytest.approx(by_model["mean_matches"], rel=0.02)
    assert by_labels["sd_matches"] == pytest.approx(by_model["sd_matches"], rel=0.3)
    for unknown in (None, train.chosen(np.arange(0))):
        found = case.judged(fair, hmm=None, train=unknown)["chance"]
        assert found["resimulated"] is None
        assert found["shift"] == case.judged(fair)["chance"]["shift"]


def test_the_posterior_is_better_than_chance_by_every_null_and_unrelated_calls_by_none(case):
    exact = case.judged(case.exact)["chance"]
    assert all(null["p_text"] == "< 1/200" for null in exact.values())
    other = Case(case.folder / "..", seed=2)
    unrelated = case.judged(other.exact)["chance"]
    assert all(unrelated[name]["p"] > 0.01 for name in ("shift", "resimulated"))
    assert exact["shift"]["effective_sample_size"] < 0.3 * exact["shift"]["length"]


def test_the_exact_posterior_attains_all_and_diverges_by_nothing(case):
    found = case.judged(case.exact)
    assert found["kl_exact"] == {"value": 0, "low": 0, "high": 0}
    assert found["attained"] == {"value": 1, "low": 1, "high": 1}
    assert found["excess"]["exact"] == {"value": 0, "low": 0, "high": 0}
    assert found["cross_entropy"]["value"] == found["ceiling"]["cross_entropy"]
    assert found["accuracy"]["value"] == found["ceiling"]["accuracy"]
    assert found["excess"]["filtered"]["high"] < 0


def test_the_prior_attains_nothing(case):
    found = case.judged(case.prior)
    assert found["attained"] == {"value": 0, "low": 0, "high": 0}
    assert found["attained_filtered"] == {"value": 0, "low": 0, "high": 0}
    assert found["accuracy"]["value"] == found["majority_accuracy"]
    assert found["mcc"] == {"value": 0, "low": None, "high": None}
    assert found["auroc"]["value"] == 0.5


def test_worse_than_the_prior_is_negative(case):
    assert case.judged(1 - case.exact)["attained"]["high"] < 0


def test_a_one_directional_tagger_is_held_against_the_filtered_posterior(case):
    for card, expected in (
        (card_of("network", bidirectional=False), "filtered"),
        (card_of("network", bidirectional=True), "exact"),
        # A chain's later bases tell of the earlier ones, and the other strand begins at the end.
        (card_of("network", bidirectional=False, head="crf"), "exact"),
        (card_of("network", bidirectional=False) | {"both_strands": True}, "exact"),
        (card_of("hmm", baseline="filtered"), "filtered"),
        (card_of("hmm", baseline="hmm_counts"), "exact"),
        (card_of("constant", baseline="majority"), "exact"),
    ):
        assert ceiling_of(card) == expected
    found = case.judged(case.filtered, card_of("network", bidirectional=False))
    assert found["ceiling"]["of"] == "filtered"
    assert found["attained_filtered"]["value"] == 1
    assert found["attained"]["value"] < 1
    assert found["ceiling"]["cross_entropy"] == found["cross_entropy"]["value"]
    assert found["network"] == {"parts": [], "operations_per_base": 7, "context": {}}


def test_without_an_exact_posterior_there_is_nothing_to_attain(case, fair):
    found = case.judged(fair, exact_path=None, filtered_path=None)
    for name in ("kl_exact", "kl_filtered", "attained", "attained_filtered", "excess", "ceiling"):
        assert found[name] is None
    assert found["sums"]["kl_exact"] is None
    assert found["accuracy"] == case.judged(fair)["accuracy"]


def test_where_the_posterior_hardly_leaves_the_prior_attained_is_empty(case):
    dull = case.prior + np.float32([0.01, -0.01])
    found = case.judged(case.prior, exact_path=case.saved("dull", dull), filtered_path=None)
    assert found["kl_exact"]["value"] < 1e-3
    assert found["attained"] is None


# The judgement is tested by breaking it.


def within_records(case, change):
    """Change each segment of the exact posterior alone."""
    ends = np.cumsum(case.segments.lengths)
    return np.concatenate([change(part) for part in np.split(case.exact, ends[:-1])])


def test_an_off_by_one_shift_is_seen(case):
    right = case.judged(case.exact)
    late = within_records(case, lambda rows: np.concatenate([rows[:1], rows[:-1]]))
    found = case.judged(late)
    assert found["kl_exact"]["low"] > 0.01
    exactly = [judged["segments"]["boundaries"]["matched"][0] for judged in (right, found)]
    assert exactly[1] < 0.9 * exactly[0]
    near = [judged["segments"]["boundaries"]["f1"][1]["value"] for judged in (right, found)]
    assert near[1] == pytest.approx(near[0], abs=0.02)
    called = [judged["segments"]["per_mb"]["called"]["value"] for judged in (right, found)]
    assert called[1] == pytest.approx(called[0], rel=0.02)
    assert found["attained"]["high"] < 0.97
    assert found["excess"]["exact"]["low"] > 0


def test_swapped_states_are_seen(case):
    found = case.judged(case.exact[:, ::-1])
    assert found["mcc"]["high"] < -0.5
    assert found["auroc"]["high"] < 0.2
    assert found["segments"]["f1"]["value"] < 0.05
    assert found["segments"]["boundaries"]["matched"][0] == 0
    assert found["segments"]["per_mb"] == case.judged(case.exact)["segments"]["per_mb"]
    assert found["attained"]["high"] < 0
    assert found["cross_entropy"]["low"] > math.log(2)
    assert all(null["p"] == 1 for null in found["chance"].values())


def test_reversed_records_are_seen(case):
    found = case.judged(within_records(case, lambda rows: rows[::-1]))
    assert found["attained"]["high"] < 0.2
    assert found["accuracy"]["high"] < found["ceiling"]["accuracy"] - 0.1
    right = case.judged(case.exact)["segments"]
    for measure in ("f1", "precision"):
        assert found["segments"][measure]["high"] < right[measure]["low"]
    assert found["segments"]["called"] == right["called"]


def test_a_flipped_strand_is_seen(case):
    # The posterior of the reverse complement, in whose emissions A and T, C and G change places,
    # written down without turning it round.
    here = case.segments.gathered(case.corpus.tokens)
    ends = np.cumsum(case.segments.lengths)
    flipped = np.concatenate([3 - part[::-1] for part in np.split(here, ends[:-1])])
    rows = smoothed_posterior(MODEL, flipped.astype(np.uint8), case.segments.lengths)
    found, right = case.judged(rows), case.judged(case.exact)
    assert found["attained"]["high"] < 0.2
    assert found["mcc"]["high"] < right["mcc"]["low"]
    assert (
        found["segments"]["boundaries"]["f1"][1]["high"]
        < (right["segments"]["boundaries"]["f1"][1]["low"])
    )


def test_one_reversed_record_is_seen(case):
    broken = case.exact.copy()
    broken[:190] = broken[:190][::-1]
    assert case.judged(broken)["attained"]["value"] < 0.99


def test_segments_in_another_order_are_seen(case):
    broken = np.roll(case.exact, case.segments.lengths[0], axis=0)
    assert case.judged(broken)["attained"]["high"] < 0.2


def test_a_posterior_that_is_too_sure_is_seen_by_calibration_and_not_by_ranking(case):
    right = case.judged(case.exact)
    odds = 3 * np.log(floored(case.exact))
    sure = softmax(odds, axis=1)
    found = case.judged(sure)
    assert found["ece"]["low"] > right["ece"]["high"]
    assert found["cross_entropy"]["low"] > right["cross_entropy"]["value"]
    assert found["auroc"]["value"] == pytest.approx(right["auroc"]["value"], abs=2e-3)
    assert found["confusion"] == right["confusion"]
    assert found["segments"] == right["segments"]


def test_a_caller_of_too_many_segments_is_seen_by_segments_first(case):
    calls = case.exact.argmax(axis=1).astype(np.uint8)
    noisy = calls.copy()
    noisy[::25] ^= 1
    right, found = case.judged(case.exact, calls=calls), case.judged(case.exact, calls=noisy)
    assert found["accuracy"]["value"] > right["accuracy"]["value"] - 0.04
    assert found["segments"]["precision"]["high"] < right["segments"]["precision"]["low"]
    assert found["segments"]["per_mb"]["called"]["low"] > 40_000
    assert found["segments"]["per_mb"]["true"] == right["segments"]["per_mb"]["true"]
    assert found["cross_entropy"] == right["cross_entropy"]


# What a temperature mends.


def judged_with_validation(case, posterior):
    """Judge a posterior of the whole corpus, whose other halves of records are validation."""
    rest = Segments(
        np.arange(0, 30, 2), np.zeros(15, np.int64), np.full(15, 400), np.arange(0, 30, 2) * 400
    )
    path = case.saved("validation", rest.gathered(posterior))
    return case.judged(case.segments.gathered(posterior), validation=(rest, path))


def test_a_temperature_fitted_on_validation_mends_certainty_on_test(case):
    lengths = case.corpus.lengths
    exact = smoothed_posterior(MODEL, case.corpus.tokens, lengths)
    for factor in (1.0, 3.0):
        rows = softmax(factor * np.log(floored(exact)), axis=1).astype(np.float32)
        found = judged_with_validation(case, rows)
        calibration = found["calibration"]
        assert calibration["temperature"] == pytest.approx(factor, rel=0.2)
        assert calibration["fitted_on_bases"] == 6000
        expected = judged_with_validation(case, exact)["cross_entropy"]["value"]
        assert calibration["cross_entropy"]["value"] == pytest.approx(expected, abs=0.01)
        assert calibration["cross_entropy_sum"] == pytest.approx(
            calibration["cross_entropy"]["value"] * 5700
        )
        assert sum(calibration["reliability"]["counts"]) == 5700
    assert calibration["ece"]["high"] < found["ece"]["low"]
    assert case.judged(case.exact)["calibration"] is None


def test_the_exact_posteriors_own_calibration_stands_beside(case, fair):
    ceiling, own = case.judged(fair)["ceiling"], case.judged(case.exact)
    assert ceiling["ece"] == pytest.approx(own["ece"]["value"])
    assert ceiling["reliability"] == own["reliability"]
    assert case.judged(fair)["ece"]["value"] > 3 * ceiling["ece"]


# Units.


def test_thirty_short_blocks_make_units_that_all_taggers_share(case, fair):
    one, other = case.judged(fair), case.judged(case.prior)
    assert one["units"] == other["units"]
    # 190 bases are no ten correlation lengths (1 + 2 * 0.9 / 0.1 = 19 bases, here a few more),
    # so that the two blocks of each record are one unit.
    assert one["units"]["kind"] == "group"
    assert (one["units"]["count"], one["units"]["bases"]) == (15, 380)
    assert one["units"]["correlation_length"] == pytest.approx(19, rel=0.25)


def test_a_record_in_blocks_has_intervals(tmp_path):
    single = Case(tmp_path, records=2, length=30_000)
    found = single.judged(single.exact)
    assert found["test"]["segments"] == 2
    assert found["units"]["kind"] == "block"
    assert found["units"]["count"] > 100
    figure = found["accuracy"]
    assert 0.005 < figure["high"] - figure["low"] < 0.05


def test_the_sums_of_the_units_are_those_of_the_figures(case, fair):
    judged = case.judged(fair)
    paths = case.saved("judged", fair), calls_of(case, fair)
    units = evaluate(
        case.corpus, case.segments, *paths, card_of(), dataset="blocks", seed=1,
        exact_path=case.exact_path, pairs=200,
    ).units  # fmt: skip
    assert units.bases.sum() == judged["test"]["bases"]
    assert units.correct.sum() / 5700 == pytest.approx(judged["accuracy"]["value"])
    assert units.confusion.sum(axis=0).tolist() == judged["confusion"]
    assert units.kl_exact.sum() == pytest.approx(judged["sums"]["kl_exact"])
    assert units.kl_filtered is None
    assert units.segments_matched.sum() == judged["segments"]["matched"]
    assert (
        units.boundaries_matched.sum(axis=0).tolist()
        == (judged["segments"]["boundaries"]["matched"])
    )


# What is scored.


def test_unlabelled_bases_are_never_scored(case, fair, tmp_path):
    hidden = Case(tmp_path)
    labels = hidden.corpus.labels.copy()
    labels[::3] = UNLABELLED
    object.__setattr__(hidden.corpus, "labels", labels)
    known = hidden.segments.gathered(labels) != UNLABELLED
    found = hidden.judged(fair)
    assert found["test"]["bases"] == known.sum() < len(known)
    assert np.array(found["confusion"]).shape == (2, 2)
    assert found["cross_entropy"]["value"] == pytest.approx(
        oracle.log_loss(case.labels[known], floored(fair)[known])
    )
    nonsense = np.where(known[:, None], fair, fair[:, ::-1])
    other = hidden.judged(nonsense)
    # Shifts lay the calls of unlabelled bases on labelled ones.
    shifts = [judged["chance"].pop("shift") for judged in (found, other)]
    assert other == found
    assert shifts[0]["observed_matches"] == shifts[1]["observed_matches"]
    assert shifts[0]["length"] == shifts[1]["length"] == known.sum()


def test_segments_without_a_label_count_as_no_segment(fair, tmp_path):
    hidden = Case(tmp_path)
    labels = hidden.corpus.labels.copy()
    starts = hidden.segments.offset[:25]
    for start in starts:
        labels[start : start + 190] = UNLABELLED
    object.__setattr__(hidden.corpus, "labels", labels)
    found = hidden.judged(fair)
    assert found["test"]["segments"] == 5
    assert found["accuracy"]["low"] is None
    assert found["attained"]["high"] is None
    assert found["auroc"]["low"] is found["classes"]["H"]["auprc"]["high"] is None


def test_no_figure_depends_on_the_chunks(case, fair, monkeypatch):
    whole = case.judged(fair)
    for values in (2, 14, 402, 1000):
        monkeypatch.setattr(evaluation, "_VALUES_AT_ONCE", values)
        parts = case.judged(fair) if values > 2 else whole
        assert parts["confusion"] == whole["confusion"]
        assert parts["reliability"]["counts"] == whole["reliability"]["counts"]
        assert parts["sums"] == pytest.approx(whole["sums"], rel=1e-12)
        assert parts["segments"] == whole["segments"]
        assert parts["scores"] == whole["scores"]
        assert parts["attained"] == pytest.approx(whole["attained"], rel=1e-9)


def test_a_tagger_without_a_mistake_has_no_interval_of_its_accuracy(case):
    perfect = np.eye(2, dtype=np.float32)[case.labels]
    found = case.judged(perfect)
    assert found["accuracy"] == {"value": 1.0, "low": None, "high": None}
    assert found["cross_entropy"]["low"] is None
    assert found["attained"]["low"] is not None


def test_what_is_so_by_identity_is_exact(case):
    exact, prior = case.judged(case.exact), case.judged(case.prior)
    assert exact["kl_exact"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert exact["attained"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert exact["excess"]["exact"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert prior["attained"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert exact["accuracy"]["low"] < exact["accuracy"]["value"] < exact["accuracy"]["high"]


# Errors.


def test_posteriors_of_another_split_are_refused(case, fair):
    with pytest.raises(InputError, match=r"judged\.npy: holds float32 of the shape \(5699, 2\)"):
        case.judged(fair[1:])
    with pytest.raises(InputError, match=r"posteriors of this split are float32 of the shape"):
        case.judged(np.tile(fair, 2))


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        (
            np.zeros(5699, np.uint8),
            r"calls\.npy: holds uint8 of the shape \(5699,\); calls of this",
        ),
        (np.zeros(5700, np.int64), r"calls\.npy: holds int64"),
        (np.full(5700, 2, np.uint8), r"calls\.npy: calls the state 2, and the last .* is 1"),
    ],
)
def test_calls_of_another_split_type_or_state_are_refused(case, fair, calls, words):
    with pytest.raises(InputError, match=words):
        case.judged(fair, calls=calls)


def test_posteriors_of_another_type_are_refused(case, fair):
    path = case.saved("double", fair.astype(np.float64))
    with pytest.raises(InputError, match=r"double\.npy: holds float64"):
        case.judged(fair, exact_path=path)


def test_a_file_that_is_no_array_is_refused(case, fair):
    path = case.folder / "text.npy"
    path.write_text("no array")
    with pytest.raises(InputError, match=r"text\.npy: cannot be read as an array"):
        case.judged(fair, exact_path=path)
    with pytest.raises(InputError, match=r"gone\.npy: cannot be read as an array"):
        case.judged(fair, exact_path=case.folder / "gone.npy")


@pytest.mark.parametrize("row", [[np.nan, np.nan], [0.5, 0.6], [1.5, -0.5], [0, 0], [np.inf, 0]])
def test_a_row_that_is_no_probability_is_named_with_its_record_and_position(case, fair, row):
    broken = fair.copy()
    broken[200] = row
    # Row 200 is the twentieth base or so of the second block of the last record.
    with pytest.raises(InputError, match=r"record 'r29', position 221: the posterior .* no prob"):
        case.judged(broken)


def test_a_dataset_without_labels_cannot_be_judged(tmp_path, fair):
    bare = Case(tmp_path)
    object.__setattr__(bare.corpus, "labels", None)
    with pytest.raises(InputError, match="the corpus has no labels"):
        bare.judged(fair)


def test_a_test_split_without_a_label_cannot_be_judged(tmp_path, fair):
    bare = Case(tmp_path)
    object.__setattr__(bare.corpus, "labels", np.full(12_000, UNLABELLED, np.uint8))
    with pytest.raises(InputError, match="no base of the test split of 'blocks' has a label"):
        bare.judged(fair)


def test_an_empty_test_split_cannot_be_judged(tmp_path):
    bare = Case(tmp_path)
    bare.segments = bare.segments.chosen(np.zeros(30, bool))
    empty = np.zeros((0, 2), np.float32)
    with pytest.raises(InputError, match="no base of the test split"):
        bare.judged(empty, exact_path=None, filtered_path=None)


# Tracks.


def test_tracks_hold_the_first_segments_base_by_base(case, fair):
    path = case.folder / "tracks.npz"
    posterior, calls = case.saved("shown", fair), calls_of(case, fair)
    write_tracks(path, case.corpus, case.segments, posterior, calls, records=3, bases=150)
    with np.load(path, allow_pickle=False) as tracks:
        assert tracks["names"].tolist() == ["r29", "r29", "r27"]
        assert tracks["segment_start"].tolist() == [0, 210, 0]
        assert tracks["lengths"].tolist() == [150, 150, 150]
        rows = np.concatenate([np.arange(150), 190 + np.arange(150), 380 + np.arange(150)])
        assert np.array_equal(tracks["posterior"], fair[rows])
        assert np.array_equal(tracks["calls"], fair.argmax(axis=1)[rows])
        assert np.array_equal(tracks["labels"], case.labels[rows])
        tokens = case.segments.gathered(case.corpus.tokens)
        assert np.array_equal(tracks["tokens"], tokens[rows])
        assert tracks["posterior"].dtype == np.float32


def test_tracks_show_no_more_than_there_is(case, fair):
    path = case.folder / "tracks.npz"
    posterior, calls = case.saved("shown", fair), calls_of(case, fair)
    write_tracks(path, case.corpus, case.segments, posterior, calls, records=99, bases=10**6)
    with np.load(path, allow_pickle=False) as tracks:
        assert tracks["lengths"].tolist() == case.segments.lengths.tolist()
        assert np.array_equal(tracks["posterior"], fair)


def test_tracks_of_a_network_hold_its_hidden_states(case, fair):
    posterior, calls = case.saved("shown", fair), calls_of(case, fair)
    hidden = case.folder / "hidden.npz"
    states = np.arange(300 * 4, dtype=np.float16).reshape(300, 4)
    np.savez(hidden, lengths=np.array([150, 150]), hidden=states)
    path = case.folder / "tracks.npz"
    write_tracks(
        path, case.corpus, case.segments, posterior, calls, records=2, bases=150, hidden_path=hidden
    )
    with np.load(path, allow_pickle=False) as tracks:
        assert np.array_equal(tracks["hidden"], states)
    with pytest.raises(InputError, match="of 300 bases, and 298 are shown"):
        write_tracks(
            path,
            case.corpus,
            case.segments,
            posterior,
            calls,
            records=2,
            bases=149,
            hidden_path=hidden,
        )


def test_equal_tracks_give_equal_bytes(case, fair):
    posterior, calls = case.saved("shown", fair), calls_of(case, fair)
    contents = set()
    for name in ("one", "two"):
        path = case.folder / f"{name}.npz"
        write_tracks(path, case.corpus, case.segments, posterior, calls, records=2, bases=100)
        contents.add(path.read_bytes())
    assert len(contents) == 1
