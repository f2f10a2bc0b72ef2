"""States judged in groups, held against scikit-learn on the collapsed labels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as oracle

from basetag.alphabet import PROTEIN
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.judgement.evaluation import evaluate
from basetag.judgement.groups import Grouping
from basetag.judgement.metrics import floored
from basetag.report.groups import groups_views
from basetag.report.identities import check_identities
from basetag.report.render import render_report
from basetag.segments import Segments
from tests.report_fixture import write_results
from tests.test_report_matches import named, read

STATES = "HGIEBTSL"
Q3 = Grouping("Q3", ("H", "E", "C"), np.array([0, 0, 0, 1, 1, 2, 2, 2], dtype=np.uint8))
RECORDS, LENGTH = 60, 50


class Case:
    """Random proteins with eight states, and a tagger that knows a little of them."""

    def __init__(self, folder):
        rng = np.random.default_rng(5)
        bases = RECORDS * LENGTH
        self.labels = rng.choice(8, bases, p=[0.34, 0.04, 0.01, 0.21, 0.01, 0.11, 0.08, 0.2])
        self.labels = self.labels.astype(np.uint8)
        self.labels[::17] = UNLABELLED
        self.scored = self.labels != UNLABELLED
        scores = rng.normal(size=(bases, 8))
        scores[np.arange(bases), self.labels % 8] += 1.5
        self.posterior = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        self.posterior = self.posterior.astype(np.float32)
        self.calls = self.posterior.argmax(axis=1).astype(np.uint8)
        starts = np.arange(RECORDS, dtype=np.int64) * LENGTH
        self.corpus = Corpus(
            PROTEIN,
            tuple(STATES),
            {state: f"state {state}" for state in STATES},
            [f"p{i}" for i in range(RECORDS)],
            starts,
            np.full(RECORDS, LENGTH, dtype=np.int64),
            rng.integers(0, 20, bases).astype(np.uint8),
            self.labels,
        )
        self.folder = folder

    def judged(self, *groupings, decoding="argmax"):
        records = np.arange(RECORDS)
        whole = Segments(
            records, np.zeros(RECORDS, np.int64), self.corpus.lengths, self.corpus.starts
        )
        np.save(self.folder / "posterior.npy", self.posterior)
        np.save(self.folder / "calls.npy", self.calls)
        prior = np.bincount(self.labels[self.scored], minlength=8) / self.scored.sum()
        card = {
            "kind": "rule", "name": "mine", "description": "a tagger", "parameters": 3,
            "architecture": {}, "training": {"prior": prior.tolist()},
        }  # fmt: skip
        return evaluate(
            self.corpus, whole, self.folder / "posterior.npy", self.folder / "calls.npy", card,
            dataset="proteins", seed=1, train=whole, groupings=groupings, pairs=20,
            decoding=decoding,
        ).metrics  # fmt: skip


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return Case(tmp_path_factory.mktemp("case"))


@pytest.fixture(scope="module")
def metrics(case):
    return case.judged(Q3)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("called_by", ["probability", "state"])
def test_measures_of_groups_are_those_of_scikit_learn_on_the_collapsed_labels(
    called_by, case, metrics
):
    sums = np.stack([case.posterior[:, Q3.group_of_state == k].sum(axis=1) for k in range(3)], 1)
    labels = Q3.group_of_state[case.labels[case.scored]]
    of_states = Q3.group_of_state[case.calls[case.scored]]
    likeliest = sums[case.scored].argmax(axis=1)
    assert 0.01 < np.mean(of_states != likeliest) < 0.5
    if called_by == "probability":
        calls = likeliest
    else:
        calls, metrics = of_states, case.judged(Q3, decoding="viterbi, runs of at least 2 bases")
    found = metrics["groups"]["Q3"]
    p = floored(sums[case.scored])
    assert found["called_by"] == called_by
    assert found["groups"] == ["H", "E", "C"]
    assert found["members"] == {"H": ["H", "G", "I"], "E": ["E", "B"], "C": ["T", "S", "L"]}
    assert found["confusion"] == oracle.confusion_matrix(labels, calls).tolist()
    expected = {
        "accuracy": oracle.accuracy_score(labels, calls),
        "balanced_accuracy": oracle.balanced_accuracy_score(labels, calls),
        "macro_f1": oracle.f1_score(labels, calls, average="macro"),
        "mcc": oracle.matthews_corrcoef(labels, calls),
        "cross_entropy": oracle.log_loss(labels, p),
        "brier": np.square(p - np.eye(3)[labels]).sum(axis=1).mean(),
    }
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value, rel=1e-6), name
        assert found[name]["low"] < value < found[name]["high"]
    each = oracle.precision_recall_fscore_support(labels, calls)
    for k, group in enumerate("HEC"):
        values = [found["classes"][group][name]["value"] for name in ("precision", "recall", "f1")]
        assert values == pytest.approx([own[k] for own in each[:3]])
    assert found["majority_accuracy"] == pytest.approx(np.bincount(labels).max() / labels.size)


def test_a_group_for_each_state_gives_the_figures_of_the_states(case):
    alone = Grouping("Q8", tuple(STATES), np.arange(8, dtype=np.uint8))
    found = case.judged(alone)
    names = "accuracy", "balanced_accuracy", "macro_f1", "mcc", "cross_entropy", "brier"
    for name in names:
        own, of_states = found["groups"]["Q8"][name], found[name]
        for part in ("value", "low", "high"):
            assert own[part] == pytest.approx(of_states[part], rel=1e-6), name


def test_groups_change_nothing_else_and_are_plain_json(case, metrics):
    without = case.judged()
    assert without["groups"] == {}
    assert {**metrics, "groups": {}} == without
    json.dumps(metrics, allow_nan=False)


def test_an_edited_figure_of_a_group_stops_the_report(metrics):
    # As it is read from a file, in which keys are sorted.
    complete = json.loads(
        json.dumps(metrics | {"controls": None, "validation": None}, sort_keys=True)
    )
    check_identities(complete, "metrics.json")
    for change in (
        lambda own: own["accuracy"].update(value=0.99),
        lambda own: own["mcc"].update(value=0.99),
        lambda own: own["cross_entropy"].update(value=0.01),
        lambda own: own["classes"]["E"]["recall"].update(value=0.99),
        lambda own: own["confusion"].reverse(),
        lambda own: own["confusion"][0].reverse(),
        lambda own: own.update(majority_accuracy=0.123),
    ):
        copied = json.loads(json.dumps(complete))
        change(copied["groups"]["Q3"])
        with pytest.raises(InputError, match="Q3"):
            check_identities(copied, "metrics.json")


def test_the_page_has_a_table_of_each_grouping_where_there_is_one(tmp_path):
    files = write_results(tmp_path, datasets=("toy", "mine"), records=12, annotate=False)
    data = read(files)
    toy, mine = data.datasets
    assert groups_views(toy, named(toy), named(toy)) == []
    (view,) = groups_views(mine, named(mine), named(mine))
    metrics = named(mine)["gru"].metrics
    assert view["sentence"].startswith("In GC, rich is H; poor is L.")
    row = next(row for row in view["rows"] if row["tagger"] == "gru")
    assert row["cells"][0]["text"] == f"{100 * metrics['accuracy']['value']:.1f} %"
    render_report(data, tmp_path / "report.html")
    assert "States in groups: GC" in (tmp_path / "report.html").read_text()
