"""What a validation loss is held against: cross-entropies on the pieces that validation saw."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from basetag.corpus import UNLABELLED
from basetag.judgement.metrics import floored
from basetag.judgement.validation_ceiling import judge_on_validation
from tests.test_evaluation import Case


def judged(case, posterior, bases=10**6, **references):
    paths = {"exact": case.exact_path, "filtered": case.filtered_path} | references
    return judge_on_validation(
        case.corpus, case.segments, case.saved("judged", posterior), paths, bases
    )


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return Case(tmp_path_factory.mktemp("validation"))


def test_all_cross_entropies_are_those_of_the_definition(case):
    found = judged(case, case.prior)
    assert found["bases"] == len(case.labels)
    assert found["pieces"] == 30
    assert not found["cut"]
    assert found["cross_entropy"] == pytest.approx(log_loss(case.labels, case.prior))
    for name, of in (("exact", case.exact), ("filtered", case.filtered)):
        assert found["references"][name]["cross_entropy"] == pytest.approx(
            log_loss(case.labels, floored(of))
        )


def test_the_excess_of_the_exact_posterior_has_no_error_and_that_of_others_the_jackknifes(case):
    assert judged(case, case.exact)["references"]["exact"]["excess_error"] == 0
    losses = np.log(
        floored(case.exact)[np.arange(5700), case.labels]
        / floored(case.prior)[np.arange(5700), case.labels]
    ).reshape(30, 190)
    without = np.array([np.delete(losses, i, axis=0).mean() for i in range(30)])
    jackknife = np.sqrt(29 / 30 * ((without - without.mean()) ** 2).sum())
    found = judged(case, case.prior)["references"]["exact"]["excess_error"]
    assert found == pytest.approx(jackknife)


def test_only_the_pieces_of_validation_count(case):
    found = judged(case, case.exact, bases=600)
    assert found["pieces"] == 3
    rows = np.concatenate([np.arange(190) + 190 * i for i in (0, 14, 29)])
    assert found["cross_entropy"] == pytest.approx(
        log_loss(case.labels[rows], floored(case.exact)[rows])
    )


def test_without_an_exact_posterior_there_is_nothing_to_hold_against(case):
    assert judged(case, case.prior, exact=None, filtered=None)["references"] == {}


def test_unlabelled_bases_count_nothing_and_without_any_label_there_is_no_figure(tmp_path):
    bare = Case(tmp_path)
    bare.corpus.labels[::2] = UNLABELLED
    kept = bare.segments.gathered(bare.corpus.labels) != UNLABELLED
    assert judged(bare, bare.exact)["cross_entropy"] == pytest.approx(
        log_loss(bare.labels[kept], floored(bare.exact)[kept])
    )
    bare.corpus.labels[:] = UNLABELLED
    assert judged(bare, bare.exact) is None
