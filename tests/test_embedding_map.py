"""The map of learned vectors: principal components, one sign, labels of any text."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from basetag.judgement.embedding_map import MOST, embedding_map, embedding_of
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.embeddings import HYDROPATHY, colouring, embeddings_view
from basetag.report.page import Page
from basetag.vocabulary import Vocabulary


def vectors_of(n, dimensions, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, dimensions)) * np.geomspace(3, 1, dimensions)


@pytest.mark.parametrize("shape", [(4, 3), (64, 8), (20, 2), (3, 30)])
def test_places_and_shares_are_those_of_scikit_learn(shape):
    vectors = vectors_of(*shape)
    found = embedding_map(vectors, [str(i) for i in range(len(vectors))])
    pca = PCA(2, svd_solver="full").fit(vectors)
    expected = pca.transform(vectors)
    # Signs are a matter of choice.
    signs = np.sign((expected * np.array(found["places"])).sum(axis=0))
    assert np.array(found["places"]) == pytest.approx(expected * signs)
    assert found["shares"] == pytest.approx(pca.explained_variance_ratio_)


def test_the_sign_follows_from_the_vectors_and_not_from_their_order():
    vectors = vectors_of(30, 5)
    labels = [str(i) for i in range(30)]
    found = embedding_map(vectors, labels)
    order = np.random.default_rng(2).permutation(30)
    again = embedding_map(vectors[order], [labels[i] for i in order])
    assert np.array(again["places"]) == pytest.approx(np.array(found["places"])[order])
    turned = embedding_map(-vectors, labels)
    # The directions are the same, so that what lay right lies left.
    assert np.array(turned["places"]) == pytest.approx(-np.array(found["places"]))


def test_vectors_of_one_number_lie_on_a_line_and_equal_ones_in_a_point():
    line = embedding_map(np.array([[1.0], [2.0], [6.0]]), ["a", "b", "c"])
    assert line["places"] == [[-2.0, 0.0], [-1.0, 0.0], [3.0, 0.0]]
    assert line["shares"] == [1.0, 0.0]
    point = embedding_map(np.ones((3, 4)), ["a", "b", "c"])
    assert point["places"] == [[0.0, 0.0]] * 3
    assert point["shares"] == [0.0, 0.0]


def test_of_many_words_the_farthest_are_shown_and_all_are_counted():
    vectors = np.concatenate([vectors_of(500, 3), 50 + vectors_of(3, 3)])
    labels = [f"word {i}" for i in range(503)]
    found = embedding_map(vectors, labels)
    assert len(found["labels"]) == len(found["places"]) == MOST
    assert found["labels"][-3:] == labels[-3:]
    assert found["vectors"] == 503


def card_of(alphabet, k, kind="network"):
    return {"kind": kind, "alphabet": alphabet, "architecture": {"embedding": {"k": k}}}


@pytest.mark.parametrize(("k", "last"), [(1, "T"), (2, "TT"), (3, "TTT")])
def test_words_stand_in_the_order_of_the_network(k, last):
    found = embedding_of({"embedding.weight": vectors_of(4**k, 3)}, card_of("dna", k))
    assert found["labels"][:2] == ["A" * k, "A" * (k - 1) + "C"]
    assert found["labels"][-1] == last


def test_a_tagger_without_learned_vectors_has_no_map():
    assert embedding_of({}, card_of("dna", 1)) is None
    assert embedding_of({"embedding.weight": vectors_of(9, 3)}, card_of("dna", 1)) is None
    assert embedding_of({"embedding.weight": vectors_of(4, 3)}, card_of("dna", 1, "hmm")) is None


def test_words_are_coloured_by_g_and_c_residues_by_hydropathy_and_other_texts_not():
    words = colouring(["AA", "AC", "GC", "GT"], "dna")
    assert words.values == [0.0, 0.5, 1.0, 0.5]
    residues = colouring([*"ARNDCQEGHILKMFPSTWYV", "X"], "protein")
    assert residues.values[:2] == [1.8, -4.5]
    assert residues.values[-1] is None
    # Neither words nor characters of a text are residues, though all these letters be among them.
    for text in (["the", "film", "A"], [*"ARNDCQEGHILKMFPSTWYV", "z"], ["A", "C"]):
        assert colouring(text, "23 characters (vocabulary 1a2b)") is None
    # The mean over the twenty, by hand from the paper's table.
    assert sum(HYDROPATHY.values()) / 20 == pytest.approx(-0.49)


@pytest.mark.parametrize("labels", [["AA", "CC", "GG"], ["good </script>", "bad", "ugly"]])
def test_a_map_has_its_labels_and_says_what_part_it_shows(labels):
    found = embedding_map(np.array([[0.0, 0.0, 1.0], [2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), labels)
    metrics = {"dataset": "d", "tagger": "gru", "seed": 1, "alphabet": "dna", "embedding": found}
    result = TaggerResult(metrics)
    page = Page()
    view = embeddings_view(page, DatasetResult("d", [result]), {"gru": result})
    (figure,) = view["figures"]
    assert [row[0] for row in figure["rows"]] == labels
    shares = PCA(2).fit(np.array([[0, 0, 1], [2, 0, 0], [0, 1, 0]])).explained_variance_ratio_
    assert (
        f"{100 * shares[0]:.0f} % and {100 * shares[1]:.0f} % of the variance" in figure["caption"]
    )
    plain = TaggerResult(metrics | {"embedding": None})
    assert embeddings_view(page, DatasetResult("d", [plain]), {"gru": plain}) is None


def test_the_words_of_a_vocabulary_and_what_sequences_come_with_are_called_by_name():
    vocabulary = Vocabulary(["good", "bad", "not"], "words", fold_case=True)
    found = embedding_of({"embedding.weight": vectors_of(4, 3)}, card_of("", 1) |
                         vocabulary.description)  # fmt: skip
    assert found["labels"][1:] == ["good", "bad", "not"]
    tissues = card_of("dna;blood;skin", 1)
    found = embedding_of({"embedding.weight": vectors_of(6, 3)}, tissues)
    assert found["labels"] == [*"ACGT", "blood", "skin"]
