"""What the config says of strands and of finer states, and how mistakes in it are told."""

import pytest

from tests.test_config import SMALL, folder, load, mistakes  # noqa: F401

GENES = SMALL.replace(
    "labels: {fasta: states.fa, states: {L: low, H: high}}",
    "labels: {gff: genes.gff, features: {CDS: coding}, stranded: true, codon_positions: true,"
    " background: noncoding}",
).replace("  toy: {simulate: {hmm: toy, records: 20, length: 500, seed: 1}}\n", "")
GENES = GENES[: GENES.index("annotate:")].replace("  exact: {baseline: exact}\n", "")


@pytest.fixture
def genes(folder):  # noqa: F811
    (folder / "data/genes.gff").write_text("##gff-version 3\n")
    return folder


def test_substates_are_learnt_where_a_dataset_has_some(genes):
    config = load(genes, GENES.replace("{cell: lstm}", "{cell: lstm, substates: true}"))
    assert config.learns_substates("mine", "lstm")
    assert not config.learns_substates("mine", "gru")
    assert not config.learns_substates("mine", "majority")
    assert config.train_settings("lstm", 1)["architecture"]["substates"] is True


def test_a_dataset_without_substates_beside_one_with_them_is_learnt_by_its_labels(genes):
    both = GENES.replace(
        "datasets:\n", "datasets:\n  toy: {simulate: {hmm: toy, records: 20, length: 500}}\n"
    )
    config = load(genes, both.replace("{cell: lstm}", "{cell: lstm, substates: true}"))
    assert config.learns_substates("mine", "lstm")
    assert not config.learns_substates("toy", "lstm")


def test_substates_that_no_dataset_has_are_a_mistake(genes):
    text = SMALL.replace("{cell: lstm}", "{cell: lstm, substates: true}")
    (told,) = mistakes(genes, text)
    assert told == (
        "data/config0.yaml, line 9: taggers.lstm.substates: no dataset has finer states than its "
        "labels; remove it, or give a dataset labels with codon_positions: true"
    )


def test_substates_and_hidden_states_of_ones_own_are_a_mistake(genes):
    tagger = "{cell: lstm, substates: true, head: {states: {L: [l], H: [h, i]}}}"
    (told,) = mistakes(genes, GENES.replace("{cell: lstm}", tagger))
    assert (
        "taggers.lstm.substates: the head's hidden states would be the dataset's substates; remove "
        "it, or take head: crf"
    ) in told


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (
            "training: {bases: 1_0",
            "training: {reverse_complement: true, bases: 1_0",
            "line 14: training.reverse_complement",
        ),
        (
            "{cell: lstm}",
            "{cell: lstm, training: {reverse_complement: true}}",
            "line 10: taggers.lstm.training.reverse_complement",
        ),
    ],
)
def test_the_other_strand_is_read_where_there_is_one(folder, old, new, place):  # noqa: F811
    load(folder, SMALL.replace(old, new))
    text = SMALL.replace("    split:", "    alphabet: ACGTX\n    split:").replace(old, new)
    (told,) = mistakes(folder, text)
    assert told == (
        f"data/config0.yaml, {place}: the dataset 'mine' is written in 'ACGTX', which has no "
        "second strand; remove it"
    )


def test_what_no_network_does_on_a_dataset_is_no_mistake(folder):  # noqa: F811
    text = SMALL.replace("training: {bases: 1_0", "training: {reverse_complement: true, bases: 1_0")
    text = text.replace("    split:", "    alphabet: ACGTX\n    split:")
    own = text.replace("learning_rate: 1e-3", "reverse_complement: false").replace(
        "{cell: lstm}", "{cell: lstm, training: {reverse_complement: false}}"
    )
    load(folder, own)
