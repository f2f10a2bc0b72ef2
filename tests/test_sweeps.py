"""Sweeps in a config: the datasets, taggers and runs that they give, and how mistakes are told."""

import pytest
import yaml

from basetag.config import load_config
from basetag.config.points import point_name
from basetag.errors import ConfigError
from tests.conftest import REPOSITORY

BASES = """\
datasets:
  blocks: {simulate: {hmm: blocks, records: 20, length: 500}}
  toy: {simulate: {hmm: toy, records: 20, length: 500}}
taggers:
  gru: {cell: gru, training: {learning_rate: 1e-3}}
  exact: {baseline: exact}
  hmm_counts: {baseline: hmm_counts}
training: {bases: 100_000, batch: 10, window: 100}
"""
SWEEPS = (
    BASES
    + """\
sweeps:
  wrong_model:
    datasets:
      blocks: {simulate.mean_length: [30, 100], simulate.contrast: [0.5, 1.0]}
    taggers:
      gru: {training.bases: [10_000, 20_000]}
      hmm_counts: {}
    seeds: [4, 5]
  size:
    datasets: {toy: {}}
    taggers: {gru: {hidden: [8, 16], cell: [gru, lstm]}}
"""
)


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load(text):
        file = tmp_path / "config.yaml"
        file.write_text(text)
        return load_config(yaml.load(text, yaml.FullLoader), [file], REPOSITORY)  # noqa: S506

    return load


@pytest.fixture
def mistakes(load):
    def mistakes(text):
        with pytest.raises(ConfigError) as caught:
            load(text)
        return str(caught.value).splitlines()

    return mistakes


def swept(*lines):
    return "\n".join([BASES + "sweeps:", "  one:", *(f"    {line}" for line in lines)]) + "\n"


def test_a_sweep_makes_every_dataset_with_every_tagger_and_seed_and_the_reference(load):
    config = load(SWEEPS)
    names = [
        f"blocks-contrast{contrast}-mean_length{length}"
        for contrast in ("0p5", "1p0")
        for length in (30, 100)
    ]
    assert config.sweep_runs("wrong_model") == [
        (dataset, tagger, seed)
        for dataset in names
        for tagger, seeds in (
            ("gru-bases10000", (4, 5)),
            ("gru-bases20000", (4, 5)),
            ("hmm_counts", (0,)),
            ("exact", (0,)),
        )
        for seed in seeds
    ]
    assert config.sweep_runs("size") == [
        ("toy", "gru-cellgru-hidden8", 1),
        ("toy", "gru-cellgru-hidden16", 1),
        ("toy", "gru-celllstm-hidden8", 1),
        ("toy", "gru-celllstm-hidden16", 1),
        ("toy", "exact", 0),
    ]


def test_the_run_itself_is_the_same_with_and_without_sweeps(load):
    config, without = load(SWEEPS), load(BASES)
    assert config.main_runs() == without.main_runs() == without.runs()
    assert config.runs()[: len(without.runs())] == without.runs()
    assert len(config.runs()) == len(set(config.runs())) == 6 + 24 + 4
    for dataset, tagger, _ in config.main_runs():
        assert config.datasets_of(tagger)[:2] == ["blocks", "toy"]
        assert config.keeps_posteriors(dataset, tagger)


def test_a_point_is_what_one_would_write_by_hand(load):
    config = load(SWEEPS)
    by_hand = load(
        BASES.replace(
            "length: 500}}\n  toy", "length: 500, mean_length: 30, contrast: 0.5}}\n  toy"
        ).replace("learning_rate: 1e-3", "learning_rate: 1e-3, bases: 20_000")
    )
    point = "blocks-contrast0p5-mean_length30"
    for stage in ("simulate", "encode", "split"):
        name = f"{stage}_settings"
        assert getattr(config, name)(point) == getattr(by_hand, name)("blocks")
    assert config.train_settings("gru-bases20000", 4) == by_hand.train_settings("gru", 4)
    assert config.fit_settings(point, "exact") == by_hand.fit_settings("blocks", "exact")


def test_posteriors_of_points_are_not_kept_but_those_of_the_reference(load):
    config = load(SWEEPS)
    point = "blocks-contrast0p5-mean_length30"
    assert not config.keeps_posteriors(point, "hmm_counts")
    assert not config.keeps_posteriors(point, "gru-bases10000")
    assert not config.keeps_posteriors("toy", "gru-cellgru-hidden8")
    assert config.keeps_posteriors(point, "exact")
    assert config.reference(point, "exact") == "exact"


def test_the_table_of_a_sweep_knows_what_each_run_varies(load):
    settings = load(SWEEPS).summarise_sweep_settings("wrong_model")
    axes = ["dataset.simulate.contrast", "dataset.simulate.mean_length"]
    assert settings["axes"] == [*axes, "tagger.training.bases"]
    assert settings["runs"][1] == {
        "dataset": "blocks-contrast0p5-mean_length30",
        "dataset_base": "blocks",
        "tagger": "gru-bases10000",
        "tagger_base": "gru",
        "seed": 5,
        "values": {axes[0]: 0.5, axes[1]: 30, "tagger.training.bases": 10_000},
    }
    assert settings["runs"][5]["tagger_base"] == "exact"
    assert settings["runs"][5]["values"] == {axes[0]: 0.5, axes[1]: 30}
    assert load(SWEEPS).sweep_units("wrong_model") == {
        axes[1]: "bases",
        "tagger.training.bases": "bases",
    }


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "gru"),
        ({"hidden": 8}, "gru-hidden8"),
        ({"training.learning_rate": 1e-05}, "gru-learning_rate0p00001"),
        ({"training.mask": 0.0, "bidirectional": True}, "gru-mask0p0-bidirectionaltrue"),
        ({"convolution.widths": [3, 7]}, "gru-widths3_7"),
        ({"convolution": None, "x": -1}, "gru-convolutionnull-xm1"),
        ({"init_from": "my runs/a.b"}, "gru-init_frommy_runs_a_b"),
        ({"embedding": {"k": 3, "dimensions": 4}}, "gru-embeddingdimensions_4_k_3"),
    ],
)
def test_a_point_is_named_after_its_base_and_values(values, name):
    assert point_name("gru", values) == name


def test_the_order_of_keys_changes_nothing(load):
    text = SWEEPS.replace(
        "{simulate.mean_length: [30, 100], simulate.contrast: [0.5, 1.0]}",
        "{simulate.contrast: [0.5, 1.0], simulate.mean_length: [30, 100]}",
    )
    assert text != SWEEPS
    one, other = load(SWEEPS), load(text)
    assert one.runs() == other.runs()
    assert one.report_settings() == other.report_settings()
    assert one.summarise_sweep_settings("wrong_model") == (
        other.summarise_sweep_settings("wrong_model")
    )


def test_a_model_may_be_varied_too_and_is_read_from_the_folder_of_the_config(load, tmp_path):
    preset = (REPOSITORY / "resources/hmms/toy.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(preset.replace("0.6", "0.7").replace("0.4", "0.3"))
    config = load(
        swept("datasets: {toy: {simulate.hmm: [cpg, mine.yaml]}}", "taggers: {hmm_counts: {}}")
    )
    assert list(config.states("toy-hmmcpg")) == ["I", "O"]
    assert config.simulate_settings("toy-hmmmine_yaml")["hmm"]["transition"][1] == [0.3, 0.7]


def test_a_missing_file_of_an_axis_is_told_where_it_stands(mistakes):
    (told,) = mistakes(
        swept("datasets: {toy: {}}", "taggers: {gru: {init_from: [gone.safetensors]}}")
    )
    place, key, problem, *_ = told.split(": ")
    assert place == "config.yaml, line 12"
    assert key == "sweeps.one.taggers.gru.init_from[0]"
    assert problem == "no such file"


def test_the_config_of_the_report_has_the_same_sweeps_and_no_points(load):
    text = SWEEPS.replace("cell: [gru, lstm]", "cell: [gru, none]").replace("hidden: [8, 16], ", "")
    config = load(text + "  odd:\n    datasets: {toy: {}}\n    taggers: {gru: {convolution: [null, "
                  "{widths: [3]}], decoding: [argmax]}}\n")  # fmt: skip
    saved = config.report_settings()
    again = load(saved["config"])
    assert set(yaml.safe_load(saved["config"])["taggers"]) == {"gru", "exact", "hmm_counts"}
    assert sorted(again.runs()) == sorted(config.runs())
    assert again.report_settings() == saved
    for dataset, tagger, seed in config.runs():
        assert again.predict_settings(dataset, tagger) == config.predict_settings(dataset, tagger)
        if config.is_network(tagger):
            assert again.train_settings(tagger, seed) == config.train_settings(tagger, seed)


def test_two_sweeps_share_the_points_that_they_have_in_common(load):
    both = "  two:\n    datasets: {toy: {}}\n    taggers: {gru: {hidden: [16, 32]}}\n"
    config = load(swept("datasets: {toy: {}}", "taggers: {gru: {hidden: [8, 16]}}") + both)
    runs = [run for run in config.runs() if run not in config.main_runs()]
    assert runs == [("toy", f"gru-hidden{n}", 1) for n in (8, 16, 32)]


def test_a_sweep_of_one_point_is_one(load):
    config = load(swept("datasets: {toy: {}}", "taggers: {hmm_counts: {}}"))
    assert config.sweep_runs("one") == [("toy", "hmm_counts", 0), ("toy", "exact", 0)]
    assert config.runs() == config.main_runs()


def test_a_tagger_that_cannot_be_made_for_a_dataset_is_left_out_there(load, tmp_path):
    preset = (REPOSITORY / "resources/hmms/toy.yaml").read_text()
    other = preset.replace("states:", "alphabet: ACGTX\nstates:", 1)
    (tmp_path / "mine.yaml").write_text(other)
    text = swept("datasets: {toy: {simulate.hmm: [toy, mine.yaml]}}", "taggers: {gc: {}}")
    text = text.replace("  exact:", "  gc: {baseline: gc_window}\n  exact:")
    runs = load(text).sweep_runs("one")
    assert [run[:2] for run in runs] == [
        ("toy-hmmtoy", "gc"), ("toy-hmmtoy", "exact"), ("toy-hmmmine_yaml", "exact"),
    ]  # fmt: skip


GRU = "taggers: {gru: {}}"
TOY = "datasets: {toy: {}}"


@pytest.mark.parametrize(
    ("lines", "line", "key", "words"),
    [
        (("datasets: {tiy: {}}", GRU), 11, "datasets.tiy", "did you mean toy?"),
        ((TOY, "taggers: {exact1: {}}"), 12, "taggers.exact1", "unknown tagger 'exact1'"),
        ((TOY, "taggers: {gru: {hiden: [8]}}"), 12, "gru.hiden[0]", "did you mean hidden?"),
        ((TOY, "taggers: {gru: {hiden: [8, 9]}}"), 12, "gru.hiden", "did you mean hidden?"),
        ((TOY, "taggers: {gru: {training.base: [8]}}"), 12, "training.base[0]", "mean bases?"),
        ((TOY, "taggers: {gru: {trainig.bases: [8]}}"), 12, "trainig.bases[0]", "mean training?"),
        ((TOY, "taggers: {gru: {hidden: [8, 0]}}"), 12, "gru.hidden[1]", "found 0"),
        ((TOY, "taggers: {gru: {hidden: [8, x]}}"), 12, "gru.hidden[1]", "a whole number"),
        ((TOY, "taggers: {gru: {hidden: []}}"), 12, "gru.hidden", "is empty"),
        ((TOY, "taggers: {gru: {hidden: 8}}"), 12, "gru.hidden", "in brackets: [8]"),
        ((TOY, "taggers: {gru: {training: {bases: [8]}}}"), 12, "gru.training", "by dots"),
        ((TOY, "taggers: {gru: {hidden: [8, 16, 8]}}"), 12, "hidden[2]", "8 stands twice"),
        ((TOY, "taggers: {gru: {cell: [gru, none], hidden: [8]}}"), 12, "gru.hidden[0]", "cell"),
        ((TOY, "taggers: {gru: {training.bases: [999, 1_000]}}"), 12, "bases[0]", "999"),
        ((TOY, "taggers: {gru: {training.batch: [10, 2000]}}"), 12, "taggers.gru",
         "gru-batch2000: training.bases: 100000 bases are less than one step"),
        ((TOY, "taggers: {gru: {training.window.x: [10]}}"), 12, "training.window.x[0]",
         "found a mapping"),
        ((TOY, "taggers: {gru: {cell.x: [10]}}"), 12, "gru.cell.x", "vary cell itself"),
        ((TOY, "taggers: {}"), 12, "sweeps.one.taggers", "is empty"),
        ((TOY, GRU, "seeds: [1, 1]"), 13, "sweeps.one.seeds[1]", "stands twice"),
        ((TOY, GRU, "seed: [1]"), 13, "sweeps.one.seed", "did you mean seeds?"),
        (("datasets: {toy: {simulate.contrast: [1.0, 6]}}", GRU), 11, "contrast[1]", "at most 5"),
        (("datasets: {toy: {simulate.mean_length: [1]}}", GRU), 11, "mean_length[0]", "above 1"),
        (("datasets: {toy: {simulate.dwell_shape: [2]}}", GRU), 11, "dwell_shape[0]",
         "take less than 2"),
        (("datasets: {toy: {simulate.hmm: [toi]}}", GRU), 11, "hmm[0]", "did you mean toy?"),
        (("datasets: {toy: {simulate.records: [5]}}", GRU), 11, "records[0]", "at least 10"),
        ((TOY, "taggers: {gru: {training.learning_rate: [0.12345678901234567], "
               "training.weight_decay: [0.12345678901234567]}}"), 12, "taggers.gru",
         "letters, and 64 are possible"),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line_with_the_sweep_the_axis_and_the_value(
    mistakes, lines, line, key, words
):
    (told,) = mistakes(swept(*lines))
    place, name, rest = told.split(": ", 2)
    assert place == f"config.yaml, line {line}"
    assert name.startswith("sweeps.one")
    assert name.endswith(key)
    assert words in rest


def test_a_mistake_of_a_base_is_told_once_and_not_of_its_points(mistakes):
    (told,) = mistakes(SWEEPS.replace("cell: gru, training", "cell: gru, layers: 0, training"))
    assert told.startswith("config.yaml, line 5: taggers.gru.layers: found 0")
    (told,) = mistakes(SWEEPS.replace("bases: 100_000", "bases: 1000, validations: 0"))
    assert "line 8: training.validations" in told


def test_a_value_that_is_wrong_in_many_points_is_told_once(mistakes):
    text = SWEEPS.replace("[0.5, 1.0]", "[0.5, 1.0, -2, 9]")
    told = mistakes(text)
    assert [line.split(": ")[1].rpartition(".")[2] for line in told] == ["contrast[2]"]
    (told,) = mistakes(text.replace("-2, ", ""))
    assert "contrast[2]: 9 times the differences" in told


def test_a_point_cannot_have_the_name_of_something_else(mistakes):
    text = swept(TOY, "taggers: {gru: {hidden: [8]}}")
    (told,) = mistakes(text.replace("  exact:", "  gru-hidden8: {cell: lstm}\n  exact:"))
    assert "its point gru-hidden8 has the name of another of these; rename one" in told
    two = swept("datasets: {toy: {simulate.seed: [3]}}", GRU)
    two += "  two:\n    datasets: {toy: {split.seed: [3]}}\n    taggers: {gru: {}}\n"
    (told,) = mistakes(two)
    assert "sweeps.two.datasets.toy: its point toy-seed3 has the name of another point of" in told
