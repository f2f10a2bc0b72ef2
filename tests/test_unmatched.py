"""Measures on the test bases that training does not have, held against those without the rest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn import metrics as oracle

from basetag.corpus import UNLABELLED
from basetag.errors import InputError
from basetag.judgement import evaluation
from basetag.judgement.comparison import comparison_row
from basetag.judgement.figure_places import OF_UNMATCHED
from basetag.judgement.matched_runs import read_matches
from basetag.judgement.metrics import floored
from basetag.judgement.units import choose_units
from basetag.report.identities import check_identities, check_row
from tests.test_evaluation import PRIOR, Case

pytestmark = pytest.mark.filterwarnings("error")

#: What the rule that judges adds to a judgement.
BESIDE: dict[str, None] = {"controls": None, "validation": None}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return Case(tmp_path_factory.mktemp("case"))


@pytest.fixture(scope="module")
def fair(case):
    return np.float32(0.6) * case.exact + np.float32(0.4) * case.prior


@pytest.fixture(scope="module")
def marks(case):
    """Marks in stretches of 31 bases and more, as matches leave them."""
    rng = np.random.default_rng(3)
    marked = np.zeros(len(case.labels), dtype=bool)
    for start in rng.integers(len(marked), size=40):
        marked[start : start + rng.integers(31, 90)] = True
    return marked


def saved(case, marks):
    path = case.folder / "matched.npy"
    np.save(path, marks)
    return path


def hidden(case, marks, folder):
    """The same case without the labels that a mask picks."""
    other = Case(folder)
    labels = other.corpus.labels.copy()
    rows = other.segments.gathered(np.arange(len(labels)))
    labels[rows[marks]] = UNLABELLED
    object.__setattr__(other.corpus, "labels", labels)
    return other


def runs_of(case):
    """Yield the rows of each run of equal labels within a segment of the split."""
    first = 0
    for length in case.segments.lengths:
        begin = first
        for row in range(first + 1, first + length + 1):
            if row == first + length or case.labels[row] != case.labels[begin]:
                yield slice(begin, row)
                begin = row
        first += length


def test_measures_are_those_of_their_definitions_on_the_other_bases(case, fair, marks):
    found = case.judged(fair, matched_path=saved(case, marks))
    own, rest = found["unmatched"], ~marks
    labels, p, q = case.labels[rest], floored(fair)[rest], floored(case.exact)[rest]
    calls = p.argmax(axis=1)
    assert found["test"]["matched_bases"] == marks.sum()
    assert own["test"]["bases"] == rest.sum()
    assert own["same"] is False
    assert own["confusion"] == oracle.confusion_matrix(labels, calls).tolist()
    assert own["accuracy"]["value"] == pytest.approx(oracle.accuracy_score(labels, calls))
    assert own["balanced_accuracy"]["value"] == pytest.approx(
        oracle.balanced_accuracy_score(labels, calls)
    )
    assert own["macro_f1"]["value"] == pytest.approx(
        oracle.f1_score(labels, calls, average="macro")
    )
    assert own["mcc"]["value"] == pytest.approx(oracle.matthews_corrcoef(labels, calls))
    assert own["cross_entropy"]["value"] == pytest.approx(oracle.log_loss(labels, p))
    assert own["brier"]["value"] == pytest.approx(2 * oracle.brier_score_loss(labels, p[:, 1]))
    assert own["auroc"]["value"] == pytest.approx(oracle.roc_auc_score(labels, p[:, 1]), abs=1e-3)
    kl, kl_prior = entropy(q, p, axis=1), entropy(q, floored(np.array(PRIOR))[None], axis=1)
    assert own["kl_exact"]["value"] == pytest.approx(kl.mean(), rel=1e-9)
    assert own["attained"]["value"] == pytest.approx(1 - kl.sum() / kl_prior.sum(), rel=1e-9)
    assert own["ceiling"]["accuracy"] == pytest.approx(np.mean(q.argmax(axis=1) == labels))
    for name in OF_UNMATCHED[:7]:
        assert own[name]["low"] < own[name]["value"] < own[name]["high"]


def test_measures_of_bases_are_those_of_unlabelled_matches(case, fair, marks, tmp_path):
    own = case.judged(fair, matched_path=saved(case, marks))["unmatched"]
    without = hidden(case, marks, tmp_path).judged(fair)
    for name in ("confusion", "label_counts", "sums", "reliability", "scores", "majority_accuracy"):
        assert own[name] == (
            pytest.approx(without[name], rel=1e-12) if name == "sums" else without[name]
        )
    assert own["ceiling"]["reliability"]["counts"] == without["ceiling"]["reliability"]["counts"]


def test_segments_count_as_wholes_where_less_than_half_is_matched(case, fair, marks, tmp_path):
    own = case.judged(fair, matched_path=saved(case, marks))["unmatched"]["segments"]
    aside = np.zeros(len(marks), dtype=bool)
    n_kept = 0
    for run in runs_of(case):
        aside[run] = 2 * marks[run].sum() >= run.stop - run.start
        n_kept += not aside[run.start]
    assert own["true"] == n_kept
    assert own["bases"] == (~aside).sum() != (~marks).sum()
    without = hidden(case, aside, tmp_path).judged(fair)["segments"]
    for name in ("true", "called", "matched", "classes", "lengths"):
        assert own[name] == without[name]
    for name in ("matched", "distances", "true", "called"):
        assert own["boundaries"][name] == without["boundaries"][name]
    assert own["f1"]["value"] == without["f1"]["value"]
    assert own["per_mb"]["true"]["value"] == pytest.approx(1e6 * n_kept / own["bases"])


@pytest.mark.parametrize("at_once", [1, 7, 100, 10**6])
def test_runs_are_decided_alike_in_chunks(case, marks, at_once):
    units = choose_units(case.segments, case.corpus.labels, 2)
    found = read_matches(case.corpus, units, marks, at_once)
    expected = [2 * marks[run].sum() >= run.stop - run.start for run in runs_of(case)]
    assert found.runs.tolist() == expected
    assert found.bases == marks.sum()


def test_no_figure_depends_on_the_chunks(case, fair, marks, monkeypatch):
    path = saved(case, marks)
    whole = case.judged(fair, matched_path=path)["unmatched"]
    monkeypatch.setattr(evaluation, "_VALUES_AT_ONCE", 402)
    parts = case.judged(fair, matched_path=path)["unmatched"]
    for name in ("confusion", "segments", "scores", "test"):
        assert parts[name] == whole[name]
    assert parts["sums"] == pytest.approx(whole["sums"], rel=1e-12)


def test_where_nothing_is_matched_it_is_said_that_all_is_the_same(case, fair):
    found = case.judged(fair, matched_path=saved(case, np.zeros(5700, bool)))
    assert found["test"]["matched_bases"] == 0
    assert found["unmatched"] == {"same": True}
    plain = case.judged(fair)
    assert plain["test"]["matched_bases"] is None
    assert plain["unmatched"] is None
    for judged in (found, plain):
        del judged["test"]["matched_bases"], judged["unmatched"]
    assert found == plain


def test_where_all_is_matched_nothing_is_measured(case, fair):
    found = case.judged(fair, matched_path=saved(case, np.ones(5700, bool)))
    assert found["test"]["matched_bases"] == found["test"]["bases"] == 5700
    assert found["unmatched"] is None


def test_unlabelled_bases_are_neither_matched_nor_unmatched(case, fair, marks, tmp_path):
    unlabelled = np.zeros(5700, bool)
    unlabelled[::3] = True
    found = hidden(case, unlabelled, tmp_path).judged(fair, matched_path=saved(case, marks))
    assert found["test"]["matched_bases"] == (marks & ~unlabelled).sum()
    assert found["unmatched"]["test"]["bases"] == (~marks & ~unlabelled).sum()


def test_segments_may_all_be_set_aside_while_bases_are_left(case, fair):
    # Half of each run and more.
    marks = np.zeros(5700, dtype=bool)
    for run in runs_of(case):
        marks[run.start : run.start + (run.stop - run.start + 1) // 2] = True
    found = case.judged(fair, matched_path=saved(case, marks))
    own = found["unmatched"]
    assert own["test"]["bases"] == (~marks).sum() > 0
    assert own["segments"]["true"] == own["segments"]["called"] == own["segments"]["bases"] == 0
    assert own["segments"]["f1"] is None
    assert own["segments"]["per_mb"] == {"true": None, "called": None}
    check_identities(found | {"controls": None}, "metrics.json")


def test_marks_of_another_split_are_refused(case, fair):
    with pytest.raises(InputError, match=r"matched\.npy: holds bool of the shape \(5699,\); marks"):
        case.judged(fair, matched_path=saved(case, np.zeros(5699, bool)))
    with pytest.raises(InputError, match=r"matched\.npy: holds uint8"):
        case.judged(fair, matched_path=saved(case, np.zeros(5700, np.uint8)))


def test_the_comparison_has_both_and_all_follow_from_their_counts(case, fair, marks, tmp_path):
    found = case.judged(fair, matched_path=saved(case, marks)) | BESIDE
    check_identities(found, "metrics.json")
    row = comparison_row(found, {}, {})
    assert row["matched_bases"] == marks.sum()
    assert row["unmatched_accuracy"] == found["unmatched"]["accuracy"]["value"]
    assert row["unmatched_segment_f1_low"] == found["unmatched"]["segments"]["f1"]["low"]
    texts = {name: "" if value is None else str(value) for name, value in row.items()}
    check_row(texts, found, tmp_path / "comparison.tsv", 2)
    with pytest.raises(InputError, match=r"unmatched_mcc is 0\.5, and metrics\.json"):
        check_row(texts | {"unmatched_mcc": "0.5"}, found, tmp_path / "comparison.tsv", 2)
    same = case.judged(fair, matched_path=saved(case, marks & False)) | BESIDE
    row = comparison_row(same, {}, {})
    assert all(row[f"unmatched_{name}"] == row[name] for name in OF_UNMATCHED)
    none = case.judged(fair, matched_path=saved(case, marks | True)) | BESIDE
    assert comparison_row(none, {}, {})["unmatched_accuracy"] is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda own: own["accuracy"].update(value=0.5), "of unmatched bases, accuracy is 0.5"),
        (lambda own: own["segments"].update(bases=9), "of unmatched bases, true segments per Mb"),
        (lambda own: own["test"].update(bases=9), "the sum of matched and unmatched bases is"),
        (lambda own: own.update(same=True), "whether all bases are unmatched is True"),
    ],
)
def test_a_figure_that_was_edited_is_seen(case, fair, marks, change, says):
    found = case.judged(fair, matched_path=saved(case, marks)) | BESIDE
    change(found["unmatched"])
    with pytest.raises(InputError, match=says):
        check_identities(found, "metrics.json")
