"""Which states of a dataset a tagger means, and how it is told where there are none such."""

import pytest
import yaml

from basetag.config import load_config
from basetag.config.state_roles import matched_labels
from basetag.errors import ConfigError
from tests.conftest import REPOSITORY
from tests.test_config import the_same_again

OWN = """\
datasets:
  own:
    fasta: genome.fa
    labels: {{fasta: states.fa, states: {states}}}
taggers:
  it: {tagger}
  all: {{baseline: uniform}}
"""
ISLANDS = "{O: sea, I: island}"
GENES = "{c: coding+, n: noncoding, r: coding-}"

SIMULATED = "  cpg: {simulate: {hmm: cpg, records: 20, length: 500}}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for name in ("genome.fa", "states.fa"):
        (tmp_path / name).write_text(">a\nACGT\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(folder, text):
    file = folder / "config.yaml"
    file.write_text(text)
    return load_config(yaml.safe_load(text), [file], REPOSITORY)


def own(states, tagger):
    return OWN.format(states=states, tagger=tagger)


def fit(folder, states, tagger):
    return loaded(folder, own(states, tagger)).fit_settings("own", "it")


def mistakes(folder, text):
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("state", ["I", "island"])
def test_the_state_of_islands_goes_by_letter_or_name(folder, state):
    found = fit(folder, ISLANDS, f"{{baseline: cpg_rule, state: {state}, gc: 0.55}}")
    assert found == {
        "baseline": "cpg_rule", "state": "I", "window": 200, "gc": 0.55, "ratio": 0.6,
        "minimum_length": 200, "whole_windows": False,
    }  # fmt: skip


def test_a_state_that_no_dataset_has_is_told(folder):
    (told,) = mistakes(folder, own(ISLANDS, "{baseline: cpg_rule, state: iland}"))
    assert "line 6: taggers.it.state: the dataset 'own' has no state 'iland'" in told
    assert told.endswith("did you mean island?")
    (told,) = mistakes(folder, own(ISLANDS, "{baseline: cpg_rule, state: xyz}"))
    assert told.endswith("its states are O (sea), I (island)")
    (told,) = mistakes(folder, own(ISLANDS, "{baseline: cpg_rule}"))
    assert "taggers.it.state: is missing" in told


@pytest.mark.parametrize("tagger", ["{baseline: cpg_rule, state: I}", "{program: pyrodigal}"])
def test_islands_and_genes_need_dna(folder, tagger):
    text = own(ISLANDS, tagger).replace("    labels", "    alphabet: xyz\n    labels")
    (told,) = mistakes(folder, text)
    assert "needs the alphabet dna; remove it" in told


def test_a_tagger_is_made_where_the_states_are_and_nowhere_else(folder):
    text = own(GENES, "{baseline: cpg_rule, state: island}").replace(
        "taggers:", f"{SIMULATED}taggers:"
    )
    config = loaded(folder, text)
    assert config.has("cpg", "it")
    assert not config.has("own", "it")
    assert ("own", "it", 0) not in config.runs()


NAMES = {"I": "island", "O": "non-island"}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"I": "island", "O": "non-island"}, {"I": "I", "O": "O"}),
        ({"O": "Island", "I": "Non-Island"}, {"I": "O", "O": "I"}),
        ({"O": "open sea", "I": "CpG"}, {"I": "I", "O": "O"}),
        ({"I": "island", "X": "non-island"}, {"I": "I", "O": "X"}),
        ({"I": "island", "X": "sea"}, None),
        ({"I": "island", "O": "non-island", "S": "shore"}, None),
    ],
)
def test_labels_of_a_model_go_by_their_names_or_else_by_their_letters(states, expected):
    assert matched_labels(NAMES, states) == expected


def test_a_given_model_has_the_letters_of_the_dataset(folder):
    found = fit(folder, "{x: non-island, y: island}", "{baseline: hmm, hmm: cpg}")
    assert found["hmm"]["states"] == ["y"] * 4 + ["x"] * 4
    assert found["hmm"]["labels"] == ["y", "x"]
    found = fit(folder, "{a: GC-poor, b: GC-rich}", "{baseline: hmm, hmm: toy}")
    assert found["hmm"]["states"] == ["b", "a"]
    assert set(found) == {"baseline", "hmm"}


def test_a_models_own_file_is_found_beside_the_config_and_leaves_no_path(folder):
    text = (REPOSITORY / "resources/hmms/toy.yaml").read_text()
    (folder / "mine.yaml").write_text(text)
    named = fit(folder, "{H: h, L: l}", "{baseline: hmm, hmm: mine.yaml}")
    assert named == fit(folder, "{H: h, L: l}", "{baseline: hmm, hmm: toy}")


@pytest.mark.parametrize(
    ("tagger", "told"),
    [
        ("{baseline: hmm, hmm: toy}", "taggers.it.hmm: the model tells H (GC-rich), L (GC-poor) "
         "apart, and the dataset 'own' O (sea), I (island); give the states of both the same "
         "names, or the same letters"),
        ("{baseline: hmm, hmm: cgp}", "taggers.it.hmm: unknown model 'cgp'; did you mean cpg?"),
        ("{baseline: hmm, hmm: no.yaml}", "taggers.it.hmm: no such file: 'no.yaml'"),
        ("{baseline: hmm}", "taggers.it.hmm: is missing"),
    ],
)  # fmt: skip
def test_a_model_that_does_not_go_with_the_dataset_is_told(folder, tagger, told):
    (found,) = mistakes(folder, own(ISLANDS, tagger))
    assert told in found


def test_a_model_of_another_alphabet_is_told(folder):
    text = own("{H: h, L: l}", "{baseline: hmm, hmm: toy}")
    (told,) = mistakes(folder, text.replace("    labels", "    alphabet: xyz\n    labels"))
    assert "the model emits 'dna', and the dataset 'own' is written in 'xyz'" in told


def test_models_may_be_swept(folder):
    text = own(ISLANDS, "{baseline: hmm, hmm: cpg}").replace("O: sea", "O: non-island")
    text += "sweeps: {s: {datasets: {own: {}}, taggers: {it: {hmm: [cpg, mine.yaml]}}}}\n"
    model = (REPOSITORY / "resources/hmms/cpg.yaml").read_text()
    (folder / "mine.yaml").write_text(model.replace("0.001", "0.002"))
    config = loaded(folder, text)
    runs = [tagger for _, tagger, _ in config.sweep_runs("s")]
    assert len(runs) == 2
    assert all(config.fit_settings("own", tagger)["hmm"]["labels"] == ["I", "O"] for tagger in runs)


def test_words_too_long_for_a_table_are_told(folder):
    assert fit(folder, ISLANDS, "{baseline: hmm_counts, order: 8}")["order"] == 8
    text = own(ISLANDS, "{baseline: hmm_counts, order: 8}")
    text = text.replace("    labels", f"    alphabet: {'ABCDEFGH'}\n    labels")
    (told,) = mistakes(folder, text)
    assert "taggers.it.order: words of 8 of the 8 letters of 'own' are too many" in told
    (told,) = mistakes(folder, own(ISLANDS, "{baseline: hmm_counts, order: 9}"))
    assert "expected 0 to 8 bases" in told


def test_genes_go_by_the_ends_of_the_states_names(folder):
    assert fit(folder, GENES, "{program: pyrodigal}") == {
        "baseline": "pyrodigal", "meta": False, "translation_table": 11,
        "forward": "c", "reverse": "r", "background": "n",
    }  # fmt: skip
    found = fit(folder, GENES, "{program: pyrodigal, meta: true}")
    assert found["translation_table"] is None


def test_states_of_genes_may_be_named(folder):
    states = "{a: rna+, c: coding+, n: between, r: coding-, s: rna-}"
    tagger = "{program: pyrodigal, forward: coding+, reverse: r, background: between}"
    found = fit(folder, states, tagger)
    assert [found[key] for key in ("forward", "reverse", "background")] == ["c", "r", "n"]
    both = "{program: pyrodigal, forward: coding, reverse: coding}"
    found = fit(folder, "{c: coding, n: noncoding}", both)
    assert [found[key] for key in ("forward", "reverse", "background")] == ["c", "c", "n"]


@pytest.mark.parametrize(
    ("states", "tagger", "told"),
    [
        (ISLANDS, "{program: pyrodigal}", "taggers.it.program: the dataset 'own' has no state "
         "whose name ends in +: O (sea), I (island); name one with forward"),
        ("{a: x+, b: y+, c: z-}", "{program: pyrodigal}", "has 2 states whose name ends in +"),
        ("{a: x+, b: y, c: z-, d: w}", "{program: pyrodigal}", "has 2 states left for all other "
         "bases: a (x+), b (y), c (z-), d (w); name one with background"),
        (GENES, "{program: pyrodigal, reverse: codin-}", "taggers.it.reverse: the dataset 'own' "
         "has no state 'codin-'; did you mean coding-?"),
        (GENES, "{program: pyrodigal, background: c}", "taggers.it.background: coding+ is the "
         "state of genes, too; name another"),
        (GENES, "{program: pyrodigal, meta: true, translation_table: 4}",
         "taggers.it.translation_table: the profiles of the metagenomic mode have genetic codes"),
        (GENES, "{program: pyrodigal, translation_table: 7}", "taggers.it.translation_table: "
         "found 7, expected one of 1, 2, 3"),
        (GENES, "{program: prodigal}", "taggers.it.program: found 'prodigal', expected one of "
         "pyrodigal; did you mean pyrodigal?"),
        (GENES, "{baseline: pyrodigal}", "taggers.it.baseline: found 'pyrodigal', expected one of "
         "exact"),
        (GENES, "{program: pyrodigal, baseline: uniform}", "has both baseline and program"),
        (GENES, "{program: pyrodigal, closed: true}", "unknown key 'closed'"),
    ],
)  # fmt: skip
def test_genes_without_their_states_are_told(folder, states, tagger, told):
    (found,) = mistakes(folder, own(states, tagger))
    assert told in found


@pytest.mark.parametrize(
    ("states", "tagger"),
    [
        (GENES, "{program: pyrodigal}"),
        (GENES, "{program: pyrodigal, meta: true, decoding: viterbi}"),
        ("{c: coding, n: noncoding}", "{program: pyrodigal, forward: c, reverse: c}"),
        (ISLANDS, "{baseline: cpg_rule, state: island, minimum_length: 500}"),
        ("{H: h, L: l}", "{baseline: hmm, hmm: toy}"),
        (ISLANDS, "{baseline: hmm_counts, order: 3}"),
    ],
)
def test_the_config_of_the_report_fits_the_same(folder, states, tagger):
    config = loaded(folder, own(states, tagger))
    again = the_same_again(folder, config)
    assert again.fit_settings("own", "it") == config.fit_settings("own", "it")
    assert again.decoding("own", "it") == config.decoding("own", "it")
