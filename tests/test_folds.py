"""Folds: each record is tested once, copies lie together, classes are dealt out evenly."""

import numpy as np
import pytest

from basetag.alphabet import DNA
from basetag.classified_corpus import write_classified_table
from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.splits.choice import split_by_settings
from basetag.splits.table import SPLITS

N = 40


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Forty random records, a third of one class; the third is the first one's other strand."""
    folder = tmp_path_factory.mktemp("folds")
    rng = np.random.default_rng(1)
    rows = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(N)]
    rows[2] = rows[0][::-1].translate(str.maketrans("ACGT", "TGCA"))
    text = "".join(f"r{i},{row},{'+' if i % 3 else '-'}\n" for i, row in enumerate(rows))
    (folder / "x.csv").write_text("name,sequence,class\n" + text)
    columns = {"sequence": "sequence", "label": "class", "name": "name", "classes": ["+", "-"]}
    columns["context"] = None
    write_classified_table(folder / "c", folder / "x.csv", DNA, {"P": "p", "O": "o"}, columns)
    return Corpus.open(folder / "c")


def fold(corpus, **settings):
    split = split_by_settings(corpus, {"by": "fold", "validation": 0.1, "seed": 3} | settings)
    return {name: set(split.of(name).record.tolist()) for name in SPLITS}


@pytest.mark.parametrize("folds", [2, 7, 39, None])
def test_each_record_is_tested_once(corpus, folds):
    tested = []
    for number in range(folds or N - 1):
        split = fold(corpus, folds=folds, fold=number)
        assert set().union(*split.values()) == set(range(N))
        assert sum(map(len, split.values())) == N
        assert all(split.values())
        tested += split["test"]
    assert sorted(tested) == list(range(N))


def test_copies_lie_in_one_split(corpus):
    for number in range(N - 1):
        split = fold(corpus, folds=None, fold=number)
        assert any({0, 2} <= own for own in split.values())


def test_classes_are_dealt_out_evenly(corpus):
    negatives = [
        sum(record % 3 == 0 for record in fold(corpus, folds=7, fold=number)["test"])
        for number in range(7)
    ]
    assert max(negatives) - min(negatives) <= 1


def test_another_seed_makes_other_folds(corpus):
    assert fold(corpus, folds=4, fold=0) != fold(corpus, folds=4, fold=0, seed=4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": None, "fold": 39}, "39 records of different content have no fold 39 of 39"),
        ({"folds": 40, "fold": 1}, "have no fold 1 of 40; take fewer folds"),
        ({"folds": 2, "fold": 0, "validation": 0.99}, "too few for training and validation"),
    ],
)
def test_a_fold_that_cannot_be_is_an_error(corpus, settings, message):
    with pytest.raises(InputError, match=message):
        fold(corpus, **settings)


def test_near_copies_lie_in_one_fold(tmp_path):
    rng = np.random.default_rng(2)
    rows = ["".join(rng.choice(list("ACGT"), 300)) for _ in range(12)]
    rows[5] = rows[3][:250] + rows[5][:50]
    text = "".join(f"r{i},{row},{'+' if i % 2 else '-'}\n" for i, row in enumerate(rows))
    (tmp_path / "x.csv").write_text("name,sequence,class\n" + text)
    columns = {"sequence": "sequence", "label": "class", "name": "name", "classes": ["+", "-"]}
    columns["context"] = None
    write_classified_table(tmp_path / "c", tmp_path / "x.csv", DNA, {"P": "p", "O": "o"}, columns)
    corpus = Corpus.open(tmp_path / "c")
    for number in range(11):
        split = fold(corpus, folds=None, fold=number, near_copies=0.5)
        assert any({3, 5} <= own for own in split.values())
    assert len(fold(corpus, folds=None, fold=11, near_copies=None)["test"]) == 1
