"""A run's config: what it gives to the rules, and how each mistake is told."""

import copy
import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml

from basetag.config import Config, InvalidConfigError, load_config
from basetag.errors import ConfigError
from basetag.files import canonical_json
from basetag.yaml_file import load_yaml

ROOT = Path(__file__).parents[1]

SMALL = """\
datasets:
  toy: {simulate: {hmm: toy, records: 20, length: 500, seed: 1}}
  mine:
    fasta: genome.fa
    labels: {fasta: states.fa, states: {L: low, H: high}}
    split: {by: block, block: 1000, gap: 10}
taggers:
  gru: {cell: gru, hidden: 16, training: {bases: 2_000_000, learning_rate: 1e-3}}
  lstm: {cell: lstm}
  exact: {baseline: exact}
  majority: {baseline: majority}
seeds: [2, 3]
training: {bases: 1_000_000}
annotate:
  phage:
    accession: NC_001416.1
    taggers: [{dataset: toy, tagger: gru}, {dataset: toy, tagger: exact}]
"""


GRU_LSTM = ("gru", "lstm")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    for name in ("genome.fa", "states.fa"):
        (tmp_path / "data" / name).write_text(">a\nACGT\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(folder, *texts, command_line=None):
    """Load config files of `texts`, merged as Snakemake merges them."""
    config, files = {}, []
    for index, text in enumerate(texts):
        file = folder / "data" / f"config{index}.yaml"
        file.write_text(text)
        files.append(file)
        _update(config, yaml.load(text, yaml.FullLoader))  # noqa: S506
    _update(config, command_line or {})
    return load_config(config, files, ROOT)


def _update(config, other):
    for key, value in other.items():
        if isinstance(value, dict):
            _update(config.setdefault(key, {}), value)
        else:
            config[key] = value


def mistakes(folder, *texts, **more):
    with pytest.raises(ConfigError) as caught:
        load(folder, *texts, **more)
    return str(caught.value).splitlines()


def test_the_default_config_is_right():
    file = ROOT / "config.yaml"
    config = load_config(load_yaml(file), [file], ROOT)
    assert {dataset for dataset, _, _ in config.runs()} == {"toy", "blocks"}
    assert len(config.runs()) == 20


def test_runs_are_in_order_and_exact_baselines_need_a_simulation(folder):
    assert load(folder, SMALL).runs() == [
        *(("toy", tagger, seed) for tagger in ("gru", "lstm") for seed in (2, 3)),
        ("toy", "exact", 0),
        ("toy", "majority", 0),
        *(("mine", tagger, seed) for tagger in ("gru", "lstm") for seed in (2, 3)),
        ("mine", "majority", 0),
    ]


def test_calls_on_controls_are_held_against_exact_else_against_counted_hmms(folder):
    config = load(folder, SMALL)
    assert config.control_reference("toy", "gru") == "exact"
    assert config.control_reference("mine", "gru") is None
    more = """
  counted: {baseline: hmm_counts}
  decoded: {baseline: hmm_counts, decoding: viterbi}
  exact_path: {baseline: exact, decoding: viterbi}
  path: {cell: gru, decoding: viterbi}
"""
    assert "taggers:\n" in SMALL
    config = load(folder, SMALL.replace("taggers:\n", f"taggers:{more}", 1))
    found = {
        name: [config.control_reference(dataset, name) for dataset in ("toy", "mine")]
        for name in ("gru", "path", "majority")
    }
    # Of several the one that calls states in the same way.
    assert found == {
        "gru": ["exact", "counted"], "path": ["exact_path", "decoded"],
        "majority": ["exact", "counted"],
    }  # fmt: skip


def test_annotations_take_the_first_seed_and_zero_for_baselines(folder):
    assert load(folder, SMALL).annotations() == [
        ("phage", "toy", "gru", 2),
        ("phage", "toy", "exact", 0),
    ]


def test_a_taggers_own_training_lies_over_the_section(folder):
    config = load(folder, SMALL)
    training = config.train_settings("gru", 2)["training"]
    assert (training["bases"], training["learning_rate"], training["batch"]) == (
        2_000_000,
        1e-3,
        64,
    )
    assert config.train_settings("lstm", 2)["training"]["bases"] == 1_000_000


def test_a_dataset_has_the_labels_of_its_model_and_not_its_hidden_states(folder):
    config = load(folder, SMALL.replace("hmm: toy", "hmm: cpg"))
    names = {"I": "island", "O": "non-island"}
    assert config.states("toy") == names
    assert config.encode_settings("toy")["states"] == ["I", "O"]
    assert config.encode_settings("toy")["state_names"] == names
    for settings in (config.simulate_settings("toy"), config.fit_settings("toy", "exact")):
        assert settings["hmm"]["states"] == list("IIIIOOOO")
        assert settings["hmm"]["labels"] == ["I", "O"]


def test_a_least_length_is_one_for_all_states_or_one_for_each_that_the_dataset_has(folder):
    text = "{cell: lstm, decoding: {method: viterbi, minimum_length: %s}}"
    mine = SMALL.replace("{L: low, H: high}", "{L: low, X: high}")
    for given, toy, own in (
        ("50", 50, 50),
        ("{H: 200, X: 50}", {"H": 200}, {"X": 50}),
        ("{X: 50, L: 1}", 1, {"X": 50}),
    ):
        config = load(folder, mine.replace("{cell: lstm}", text % given))
        found = [config.decoding(dataset, "lstm") for dataset in ("toy", "mine")]
        assert found == [{"method": "viterbi", "minimum_length": n} for n in (toy, own)]
    config = load(folder, SMALL.replace("{cell: lstm}", "{cell: lstm, decoding: viterbi}"))
    assert config.decoding("toy", "lstm") == {"method": "viterbi", "minimum_length": 1}
    assert config.decoding("toy", "majority") == {"method": "argmax", "minimum_length": 1}


def test_a_genomes_decoding_takes_the_place_of_its_taggers(folder):
    text = SMALL.replace("{baseline: exact}", "{baseline: exact, decoding: viterbi}")
    called = load(folder, text).annotate_settings("phage", "toy", "exact")["decoding"]
    assert called == {"method": "viterbi", "minimum_length": 1}
    text = text.replace("accession:", "decoding: argmax\n    accession:")
    called = load(folder, text).annotate_settings("phage", "toy", "exact")["decoding"]
    assert called == {"method": "argmax", "minimum_length": 1}


def test_datasets_that_differ_by_seeds_alone_are_draws_of_the_same(folder):
    drawn = "{{simulate: {{hmm: {}, records: {}, length: 500, seed: {}}}{}}}"
    more = {
        "two": drawn.format("toy", 20, 2, ""),
        "again": drawn.format("toy", 20, 3, ", split: {seed: 5}"),
        "resplit": drawn.format("toy", 20, 1, ", split: {seed: 5}"),
        "longer": drawn.format("toy", 21, 2, ""),
        "other": drawn.format("blocks", 20, 2, ""),
        "halves": drawn.format(
            "toy", 20, 4, ", split: {fractions: {train: 0.5, validation: 0.25, test: 0.25}}"
        ),
    }
    lines = "".join(f"  {name}: {text}\n" for name, text in more.items())
    found = load(folder, SMALL.replace("datasets:\n", f"datasets:\n{lines}")).compare_settings()
    # The same sequences in another split are no draw of their own.
    groups = [sorted(names) for names in found["replicates"]]
    assert len(groups) == 6
    assert ["halves"] in groups
    assert ["longer"] in groups
    assert ["mine"] in groups
    assert ["other"] in groups
    assert ["again", "resplit", "two"] in groups
    assert ["toy"] in groups
    assert found["seed"] == 1


def test_settings_keep_the_order_of_states(folder):
    encode = load(folder, SMALL).encode_settings("mine")
    assert json.loads(canonical_json(encode))["states"] == ["L", "H"]


def test_the_settings_of_a_training_hold_no_path_and_name_frozen_layers_in_any_order(folder):
    text = "{cell: lstm, init_from: genome.fa, frozen: [layers.1, layers.0, layers.1]}"
    config = load(folder, SMALL.replace("{cell: lstm}", text))
    assert config.initial_tagger("lstm") == "data/genome.fa"
    assert config.initial_tagger("gru") is None
    assert config.initial_tagger("exact") is None
    settings = config.train_settings("lstm", 2)
    assert settings.keys() == {"architecture", "training", "both_strands", "frozen", "seed"}
    assert settings["architecture"] == {
        "embedding": {"k": 1, "dimensions": None}, "convolution": None, "features": (),
        "cell": "lstm", "hidden": 32, "layers": 1, "bidirectional": False,
        "dropout": 0.0, "residual": False, "normalised": False, "longest_memory": None,
        "head": "softmax", "pooling": None, "substates": False,
    }  # fmt: skip
    assert settings["frozen"] == ["layers.0", "layers.1"]
    assert "genome" not in canonical_json(settings)


def test_a_taggers_own_weights_take_the_place_of_the_sections_in_whole(folder):
    text = SMALL.replace("training: {bases: 1_", "training: {class_weights: balanced, bases: 1_")
    text = text.replace("{cell: lstm}", "{cell: lstm, training: {class_weights: {L: 1, H: 3}}}")
    config = load(folder, text)
    weights = [config.train_settings(name, 2)["training"]["class_weights"] for name in GRU_LSTM]
    assert weights == ["balanced", {"L": 1.0, "H": 3.0}]


def test_the_order_of_weights_does_not_count_and_their_states_do(folder):
    def text(weights):
        own = f"{{cell: lstm, training: {{class_weights: {weights}}}}}"
        config = load(folder, SMALL.replace("{cell: lstm}", own))
        return canonical_json(config.train_settings("lstm", 2)), config.report_settings()

    assert text("{L: 1, H: 3}") == text("{H: 3.0, L: 1.0}")
    assert text("{L: 1, H: 3}")[0] != text("{L: 3, H: 1}")[0]


def test_a_tagger_starts_from_one_that_this_config_makes(folder):
    made = "results/toy/gru/seed3/tagger.safetensors"
    (folder / "elsewhere").symlink_to(folder)
    for spelling in (
        f"../{made}",
        f".././data/../{made}",
        str(folder / made),
        str(folder / "elsewhere" / made),
    ):
        config = load(
            folder,
            SMALL.replace("{cell: lstm}", f"{{cell: gru, hidden: 16, init_from: {spelling}}}"),
        )
        assert config.initial_tagger("lstm") == made
        assert config.initial_run("lstm") == ("toy", "gru", 3)


def test_weights_that_would_not_fit_are_told_before_anything_is_trained(folder):
    start = "init_from: {dataset: toy, tagger: gru, seed: 2}"
    (told,) = mistakes(folder, SMALL.replace("{cell: lstm}", f"{{cell: gru, hidden: 7, {start}}}"))
    assert told == (
        "data/config0.yaml, line 9: taggers.lstm.init_from: 'gru' has hidden: 16, and 'lstm' has "
        "hidden: 7, into which its weights do not fit; give 'lstm' hidden: 16, or name another "
        "tagger"
    )
    # What lies between layers, and the head, may differ.
    load(folder, SMALL.replace("{cell: lstm}", f"{{cell: gru, hidden: 16, head: crf, {start}}}"))
    written = SMALL.replace("    split:", "    alphabet: ACGTX\n    split:")
    (told,) = mistakes(
        folder, written.replace("{cell: lstm}", f"{{cell: gru, hidden: 16, {start}}}")
    )
    assert "'gru' reads 'dna', and the dataset 'mine' is written in 'ACGTX'" in told


def test_a_tagger_starts_from_a_file_in_the_results_that_this_config_does_not_make(folder):
    path = folder / "results/toy/yesterday/seed1/tagger.safetensors"
    path.parent.mkdir(parents=True)
    path.touch()
    own = "../results/toy/yesterday/seed1/tagger.safetensors"
    config = load(folder, SMALL.replace("{cell: lstm}", f"{{cell: lstm, init_from: {own}}}"))
    assert config.initial_tagger("lstm") == own.removeprefix("../")
    assert config.initial_run("lstm") is None


def test_taggers_that_start_from_one_another_in_a_circle_are_one_mistake(folder):
    def start(tagger):
        return f"init_from: ../results/toy/{tagger}/seed2/tagger.safetensors"

    text = SMALL.replace("cell: gru", f"cell: gru, {start('rnn')}").replace(
        "  lstm: {cell: lstm}",
        f"  lstm: {{cell: gru, hidden: 16, {start('gru')}}}\n"
        f"  rnn: {{cell: gru, hidden: 16, {start('lstm')}}}\n"
        f"  last: {{cell: gru, hidden: 16, {start('rnn')}}}",
    )
    (told,) = mistakes(folder, text)
    assert told == (
        "data/config0.yaml, line 8: taggers.gru.init_from: 'gru' would start from itself through "
        "'rnn', 'lstm'; name another, or let one of them start anew"
    )


def test_a_tagger_cannot_start_from_another_seed_of_itself_even_if_it_is_there(folder):
    path = folder / "results/toy/lstm/seed3/tagger.safetensors"
    path.parent.mkdir(parents=True)
    path.touch()
    (told,) = mistakes(folder, SMALL.replace("cell: lstm", f"cell: lstm, init_from: {path}"))
    assert "'lstm' would start from itself; name another" in told


def test_both_strands_need_an_alphabet_with_two(folder):
    text = SMALL.replace("    split:", "    alphabet: ACGTX\n    split:")
    (told,) = mistakes(folder, text.replace("cell: lstm", "cell: lstm, both_strands: true"))
    assert told == (
        "data/config0.yaml, line 10: taggers.lstm.both_strands: the dataset 'mine' is written in "
        "'ACGTX', which has no second strand; remove it"
    )
    genome = text.replace("accession:", "both_strands: true\n    accession:")
    genome = genome.replace(", {dataset: toy, tagger: exact}", "")
    load(folder, genome)
    (told,) = mistakes(folder, genome.replace("{dataset: toy,", "{dataset: mine,"))
    assert told == (
        "data/config0.yaml, line 17: annotate.phage.both_strands: the dataset 'mine' is written in "
        "'ACGTX', which has no second strand; remove it"
    )


def test_a_genome_whose_strands_are_averaged_is_annotated_by_networks_alone(folder):
    text = SMALL.replace("accession:", "both_strands: true\n    accession:")
    (told,) = mistakes(folder, text)
    assert told == (
        "data/config0.yaml, line 16: annotate.phage.both_strands: only networks average strands, "
        "and 'exact' is a baseline; remove it, or give the genome a second entry, without it, for "
        "baselines"
    )
    more = text.replace("tagger: exact}", "tagger: exact}, {dataset: mine, tagger: majority}")
    (told,) = mistakes(folder, more)
    assert "and 'exact', 'majority' are baselines; " in told
    load(folder, text.replace("tagger: exact", "tagger: lstm"))


def test_weights_that_leave_out_a_state_of_another_dataset_are_a_mistake(folder):
    text = SMALL.replace("{L: low, H: high}", "{L: low, X: high}")
    text = text.replace("training: {bases: 1_", "training: {class_weights: {L: 1, H: 2}, bases: 1_")
    (told,) = mistakes(folder, text)
    assert told == (
        "data/config0.yaml, line 13: training.class_weights: X of the dataset 'mine' has no "
        "weight; give every state a number; 1 leaves it as it is"
    )
    load(folder, text.replace("H: 2}", "H: 2, X: 2}"))


def test_a_relative_path_starts_from_the_file_that_names_it(folder):
    config = load(folder, SMALL)
    assert config.sequence_file("mine") == Path("data/genome.fa")
    assert config.label_file("mine") == Path("data/states.fa")
    assert config.sequence_file("toy") is None


def test_a_path_on_the_command_line_starts_from_the_current_folder(folder):
    (folder / "here.fa").write_text(">a\nAC\n")
    config = load(folder, SMALL, command_line={"datasets": {"mine": {"fasta": "here.fa"}}})
    assert config.sequence_file("mine") == Path("here.fa")
    assert config.label_file("mine") == Path("data/states.fa")


def test_an_absolute_path_stays_absolute(folder):
    text = SMALL.replace("genome.fa", str(folder / "data/genome.fa"))
    assert load(folder, text).sequence_file("mine") == folder / "data/genome.fa"


def test_a_users_own_model_is_a_path(folder):
    preset = ROOT / "resources/hmms/toy.yaml"
    (folder / "data/own.yaml").write_text(preset.read_text() + "# a comment\n")
    own = load(folder, SMALL.replace("hmm: toy", "hmm: own.yaml"))
    assert own.simulate_settings("toy") == load(folder, SMALL).simulate_settings("toy")


def test_a_later_file_lies_over_an_earlier_one(folder):
    config = load(folder, SMALL, "training: {batch: 8}\nannotate: {phage: {fasta: genome.fa}}\n")
    assert config.train_settings("lstm", 2)["training"]["batch"] == 8
    assert config.genome("phage").accession is None
    assert config.genome_file("phage") == Path("data/genome.fa")


def all_settings(config: Config):
    runs = config.runs()
    return {
        **{("simulate", "toy"): config.simulate_settings("toy")},
        **{("encode", d): config.encode_settings(d) for d, _, _ in runs},
        **{("split", d): config.split_settings(d) for d, _, _ in runs},
        **{("train", t, s): config.train_settings(t, s) for _, t, s in runs if s},
        **{("fit", d, t): config.fit_settings(d, t) for d, t, s in runs if not s},
        **{("predict", d, t): config.predict_settings(d, t) for d, t, _ in runs},
        **{("evaluate", d, t): config.evaluate_settings(d, t) for d, t, _ in runs},
        **{("controls", d): config.controls_settings(d) for d, _, _ in runs},
        ("compare",): config.compare_settings(),
        ("fetch",): config.fetch_settings("phage"),
        ("plan",): config.plan_annotation_settings("phage"),
        ("regions",): config.show_regions_settings("phage"),
        ("annotate",): [
            config.annotate_settings(genome, d, t) for genome, d, t, _ in config.annotations()
        ],
    }


EVALUATED_NETWORKS, PREDICTED = (
    {(stage, dataset, name) for dataset in ("toy", "mine") for name in GRU_LSTM}
    for stage in ("evaluate", "predict")
)
EVALUATED = EVALUATED_NETWORKS | {("evaluate", "toy", "exact")}
EVALUATED |= {("evaluate", dataset, "majority") for dataset in ("toy", "mine")}
CONTROLS = {("controls", dataset) for dataset in ("toy", "mine")}
GRU, LSTM = ({("train", name, seed) for seed in (2, 3)} for name in GRU_LSTM)
#: What hangs on how lstm, which annotates nothing, calls states: no training.
DECODED_LSTM = {(s, d, "lstm") for s in ("predict", "evaluate") for d in ("toy", "mine")}


def the_same_again(folder, config: Config) -> Config:
    """Load what the report tells to save as again.yaml."""
    text = config.report_settings()["config"]
    return load_config(yaml.safe_load(text), [_written(folder / "again.yaml", text)], ROOT)


@pytest.mark.parametrize(
    "tagger",
    [
        "{cell: none, head: crf, bidirectional: true}",
        "{cell: gru, embedding: {k: 3, dimensions: 4}, convolution: {widths: [3, 7]}}",
        "{cell: mingru, layers: 2, residual: true, head: {states: {L: [a, b], H: [c]}, "
        "allowed: {a: [b]}}, decoding: {method: viterbi, minimum_length: {H: 5}}}",
    ],
)
def test_the_config_of_the_report_has_the_same_parts(folder, tagger):
    config = load(folder, SMALL.replace("{cell: lstm}", tagger))
    assert all_settings(the_same_again(folder, config)) == all_settings(config)


def test_units_without_a_cell_are_a_mistake(folder):
    for key in ("hidden: 8", "layers: 1"):
        (told,) = mistakes(folder, SMALL.replace("{cell: lstm}", f"{{cell: none, {key}}}"))
        assert "without a cell there are no units; remove it" in told


def test_the_config_of_the_report_gives_every_rule_the_same_settings(folder):
    preset = (ROOT / "resources/hmms/toy.yaml").read_text()
    (folder / "data/own.yaml").write_text(preset)
    text = SMALL.replace("hmm: toy", "hmm: own.yaml").replace(
        "{cell: lstm}",
        "{cell: lstm, both_strands: true, init_from: genome.fa, frozen: [layers.0], "
        "training: {class_weights: {L: 1, H: 2}, patience: 3}}",
    )
    config = load(folder, text)
    again = the_same_again(folder, config)
    assert again.train_settings("gru", 2)["training"]["bases"] == 2_000_000
    assert again.encode_settings("mine")["states"] == ["L", "H"]
    assert again.initial_tagger("lstm") == "data/genome.fa"
    assert all_settings(again) == all_settings(config)
    assert again.report_settings() == config.report_settings()


def test_a_taggers_own_training_hides_no_later_change_of_the_section(folder):
    config = load(
        folder, SMALL.replace("training: {bases: 1_0", "training: {batch: 32, bases: 1_0")
    )
    again = the_same_again(folder, config)
    assert again.train_settings("gru", 2)["training"]["batch"] == 32


def test_the_default_config_comes_back_from_the_report(folder):
    file = ROOT / "config.yaml"
    config = load_config(load_yaml(file), [file], ROOT)
    again = the_same_again(folder, config)
    assert again.model == config.model
    assert [again.train_settings(*run[1:]) for run in again.runs() if run[2]] == [
        config.train_settings(*run[1:]) for run in again.runs() if run[2]
    ]


def test_nothing_warns_of_the_config(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        file = ROOT / "config.yaml"
        for config in (load_config(load_yaml(file), [file], ROOT), load(folder, SMALL)):
            config.report_settings()
            for stage in ("simulate", "encode", "split"):
                getattr(config, f"{stage}_settings")("toy")


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("records: 20", "records: 21", {("simulate", "toy")}),
        (
            "hmm: toy",
            "hmm: blocks",
            {("simulate", "toy"), ("fit", "toy", "exact")} | {e for e in EVALUATED if "toy" in e},
        ),
        ("block: 1000", "block: 1001", {("split", "mine")}),
        ("low", "lower", {("encode", "mine")}),
        ("hidden: 16", "hidden: 17", {("train", "gru", 2), ("train", "gru", 3)}),
        ("cell: lstm", "cell: lstm, layers: 2", {("train", "lstm", 2), ("train", "lstm", 3)}),
        ("bases: 1_000_000", "bases: 1_000_001", {("train", "lstm", 2), ("train", "lstm", 3)}),
        ("seeds: [2", "evaluation: {pairs: 9}\nseeds: [2", EVALUATED),
        ("seeds: [2", "evaluation: {shown_bases: 99}\nseeds: [2", EVALUATED | PREDICTED),
        ("seeds: [2", "evaluation: {controls: {bases: 0}}\nseeds: [2", CONTROLS),
        (
            "seeds: [2",
            "evaluation: {seed: 5}\nseeds: [2",
            EVALUATED | CONTROLS | {("compare",)},
        ),
        ("bases: 1_", "validation_bases: 100, bases: 1_", GRU | LSTM | EVALUATED),
        ("accession:", "decoding: viterbi\n    accession:", {("annotate",)}),
        ("accession:", "decoding: argmax\n    accession:", set()),  # the taggers' own
        ("accession:", "bases_per_job: null\n    accession:", {("plan",)}),
        ("accession:", "regions: ['x:1-9']\n    accession:", {("regions",)}),
        ("{cell: lstm}", "{cell: lstm, decoding: viterbi}", DECODED_LSTM),
        (
            "{cell: lstm}",
            "{cell: lstm, decoding: {method: viterbi, minimum_length: 9}}",
            DECODED_LSTM,
        ),
        (
            "{baseline: exact}",
            "{baseline: exact, decoding: viterbi}",
            {("predict", "toy", "exact"), ("evaluate", "toy", "exact"), ("annotate",)},
        ),
        ("tagger: exact}]", "tagger: exact}]\n    decoding: argmax", set()),
        (
            "tagger: exact}]",
            "tagger: lstm}]\n    both_strands: true",
            {("annotate",), ("regions",)},
        ),
        ("{cell: lstm}", "{cell: lstm, both_strands: true}", LSTM),
        ("{cell: lstm}", "{cell: lstm, init_from: genome.fa}", set()),
        ("{cell: lstm}", "{cell: lstm, init_from: genome.fa, frozen: [head]}", LSTM),
        ("bases: 1_", "schedule: cosine, bases: 1_", GRU | LSTM),
        ("bases: 1_", "patience: 4, bases: 1_", GRU | LSTM),
        ("bases: 1_", "reverse_complement: true, bases: 1_", GRU | LSTM),
        # Of a weighted loss nothing is held against the exact posterior.
        ("bases: 1_", "class_weights: balanced, bases: 1_", GRU | LSTM | EVALUATED_NETWORKS),
        ("bases: 1_", "precision: bfloat16, bases: 1_", GRU | LSTM),
        ("seeds: [2", "# a comment\nseeds: [2", set()),
    ],
)
def test_a_value_changes_the_settings_of_its_rule_alone(folder, old, new, changed):
    before = all_settings(load(folder, SMALL))
    assert old in SMALL
    after = all_settings(load(folder, SMALL.replace(old, new, 1)))
    keys = before.keys() | after.keys()
    texts = [{key: canonical_json(s.get(key)) for key in keys} for s in (before, after)]
    assert {key for key in keys if texts[0][key] != texts[1][key]} == changed


def test_two_equal_values_swapped_change_the_settings_and_reordered_keys_do_not(folder):
    def text(tagger):
        config = load(folder, SMALL.replace("{cell: lstm}", tagger))
        return canonical_json(config.train_settings("lstm", 2))

    assert text("{cell: lstm, hidden: 1, layers: 2}") != text("{cell: lstm, hidden: 2, layers: 1}")
    assert text("{cell: lstm, hidden: 1, layers: 2}") == text("{layers: 2, cell: lstm, hidden: 1}")


def made(run):
    return f"../results/{run}/tagger.safetensors"


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "words"),
    [
        ("hidden: 16", "hiden: 16", 8, "taggers.gru.hiden", "did you mean hidden?"),
        ("training: {bases: 1_", "trainin: {bases: 1_", 13, "trainin", "did you mean training?"),
        ("{cell: lstm}", "{cel: lstm}", 9, "taggers.lstm.cel", "did you mean cell?"),
        ("records: 20", "records: '20'", 2, "records", "whole number, found the text '20'"),
        ("records: 20", "records: 20.0", 2, "records", "whole number, found 20.0"),
        ("records: 20", "records: true", 2, "records", "whole number, found true"),
        ("records: 20", "records: 0", 2, "records", "found 0; expected 1 to 100000000 records"),
        ("length: 500", "length: {minimum: 9, maximum: 3}", 2, "length", "above the maximum 3"),
        ("length: 500", "length: {minimum: 9, maxmum: 30}", 2, "maxmum", "did you mean maximum?"),
        ("records: 20", "records: 5", 2, "records", "at least 10 records"),
        (", length: 500", "", 2, "simulate.length", "is missing"),
        ("hmm: toy", "hmm: toi", 2, "simulate.hmm", "did you mean toy?"),
        ("hmm: toy", "hmm: own/toy.yaml", 2, "simulate.hmm", "no such file: 'own/toy.yaml'"),
        ("genome.fa", "gone.fa", 4, "datasets.mine.fasta", "no such file: 'gone.fa'"),
        ("genome.fa", ".", 4, "datasets.mine.fasta", "is a folder"),
        ("{L: low", "{LL: low", 5, "states.LL", "one printable character"),
        ("by: block", "by: blok", 6, "split.by", "did you mean block?"),
        ("{L: low", "{L: ' '", 5, "states.L", "the state has no name; say what it means"),
        ("{L: low, H: high", "{L: a b, H: a_b", 5, "states.H", "'a_b' in a BED file"),
        ("gap: 10", "gap: 500", 6, "split.gap", "not shorter than half a block"),
        ("    split:", "    alphabet: DNA\n    split:", 6, "mine.alphabet", "did you mean dna?"),
        ("    split:", "    alphabet: Protein\n    split:", 6, "alphabet", "did you mean protein?"),
        (
            "    split:",
            "    alphabet: proteins\n    split:",
            6,
            "alphabet",
            "did you mean protein?",
        ),
        ("    split:", "    alphabet: ABA\n    split:", 6, "mine.alphabet", "'A' stands twice"),
        ("    split:", "    alphabet: ABÄ\n    split:", 6, "mine.alphabet", "'Ä' cannot stand"),
        (
            "gap: 10",
            "fractions: {train: 0.8, validation: 0.1, test: 0.2}",
            6,
            "split.fractions",
            "sum to 1.1, not to 1",
        ),
        ("  mine:", "  generated:", 3, "datasets.generated", "reserved"),
        ("  mine:", "  genomes:", 3, "datasets.genomes", "reserved"),
        ("  mine:", "  Genomes:", 3, "datasets.Genomes", "reserved"),
        ("  mine:", "  TOY:", 3, "datasets.TOY", "differ only in case"),
        ("  mine:", "  my genome:", 3, "datasets.my genome", "write my_genome"),
        ("  mine:", "  -mine:", 3, "datasets.-mine", "write mine"),
        ("  lstm:", "  corpus:", 9, "taggers.corpus", "reserved"),
        ("  phage:", "  ../phage:", 15, "annotate.../phage", "write _phage"),
        ("cell: lstm", "cell: ltsm", 9, "taggers.lstm.cell", "did you mean lstm?"),
        ("baseline: exact", "baseline: exat", 10, "taggers.exact.baseline", "did you mean exact?"),
        ("cell: lstm", "cell: lstm, pooling: man", 9, "lstm.pooling", "did you mean mean?"),
        ("{cell: lstm}", "{cell: none, pooling: last}", 9, "lstm.pooling", "no last state"),
        ("cell: lstm", "cell: lstm, pooling: max, head: crf", 9, "lstm.head", "head: softmax"),
        ("cell: lstm", "cell: lstm, pooling: max, substates: true", 9, "lstm.substates", "remove"),
        ("cell: lstm", "cell: lstm, pooling: max, decoding: viterbi", 9, "decoding", "no path of"),
        ("{cell: lstm}", "{cell: lstm, baseline: exact}", 9, "taggers.lstm", "has both"),
        ("{cell: lstm}", "{}", 9, "taggers.lstm", "has neither cell nor baseline"),
        ("{cell: lstm}", "null", 9, "taggers.lstm", "found nothing"),
        ("{cell: lstm}", "{baseline: base_table, k: 4}", 9, "taggers.lstm.k", "3 or 5"),
        ("    fasta: genome.fa", "    fasta: genome.fa\n    simulate: {}", 3, "mine", "has both"),
        ("{cell: lstm}", "{cell: lstm, frozen: [head]}", 9, "lstm.frozen", "without init_from"),
        ("{cell: lstm}", "{cell: lstm, frozen: head}", 9, "lstm.frozen", "expected a list"),
        ("cell: lstm", "cell: lstm, init_from: gone.st", 9, "lstm.init_from", "no such file"),
        ("cell: lstm", "cell: lstm, init_from: ../results", 9, "init_from", "no such file"),
        (
            "cell: lstm",
            f"cell: lstm, init_from: {made('toy/gru/seed1')}",
            9,
            "init_from",
            "no seed",
        ),
        ("cell: lstm", f"cell: lstm, init_from: {made('toy/gr/seed2')}", 9, "init_from", "gru?"),
        ("cell: lstm", f"cell: lstm, init_from: {made('to/gru/seed2')}", 9, "init_from", "toy?"),
        (
            "cell: lstm",
            f"cell: lstm, init_from: {made('toy/lstm/seed2')}",
            9,
            "init_from",
            "itself",
        ),
        (
            "cell: lstm",
            f"cell: lstm, init_from: {made('toy/exact/seed0')}",
            9,
            "init_from",
            "'exact' is a baseline",
        ),
        ("bases: 1_", "schedule: cosin, bases: 1_", 13, "training.schedule", "mean cosine?"),
        ("bases: 1_", "precision: bf16, bases: 1_", 13, "training.precision", "mean bfloat16?"),
        ("bases: 1_", "patience: 0, bases: 1_", 13, "training.patience", "1 to 10000 validations"),
        (
            "bases: 1_",
            "class_weights: even, bases: 1_",
            13,
            "class_weights",
            "expected balanced or",
        ),
        ("bases: 1_", "class_weights: 2, bases: 1_", 13, "class_weights", "expected balanced or"),
        ("bases: 1_", "class_weights: {}, bases: 1_", 13, "class_weights", "is empty"),
        ("bases: 1_", "class_weights: {L: 0, H: 1}, bases: 1_", 13, "weights.L", "found 0; "),
        ("bases: 1_", "class_weights: {L: 1, H: -1}, bases: 1_", 13, "weights.H", "found -1; "),
        ("bases: 1_", "class_weights: {L: 1, H: x}, bases: 1_", 13, "weights.H", "a number"),
        ("bases: 1_", "class_weights: {L: 1, HH: 1}, bases: 1_", 13, "weights.HH", "one printable"),
        ("bases: 1_", "class_weights: {L: 1, X: 1}, bases: 1_", 13, "weights.X", "are H, L"),
        ("bases: 1_", "class_weights: {L: 1}, bases: 1_", 13, "class_weights", "H of the dataset"),
        (
            "cell: lstm",
            "cell: lstm, training: {class_weights: {L: 0, H: 1}}",
            9,
            "lstm.training.class_weights.L",
            "above 0",
        ),
        ("cell: lstm", "cell: lstm, decoding: viterby", 9, "lstm.decoding", "mean viterbi?"),
        ("cell: lstm", "cell: lstm, decoding: 3", 9, "lstm.decoding", "argmax, viterbi or a map"),
        ("cell: lstm", "cell: lstm, decodin: viterbi", 9, "lstm.decodin", "mean decoding?"),
        ("baseline: maj", "decoding: viterbi, baseline: maj", 11, "decoding", "unknown key"),
        *(
            ("cell: lstm", f"cell: lstm, decoding: {{{text}}}", 9, key, words)
            for text, key, words in (
                ("method: viterbi, minimum_lenth: 5", "lstm.decoding.minimum_lenth", "_length?"),
                ("method: vitebi", "decoding.method", "did you mean viterbi?"),
                ("method: argmax, minimum_length: 5", "decoding.method", "no minimum_length; take"),
                ("minimum_length: 5", "decoding.method", "is missing"),
                ("method: viterbi, minimum_length: 0", "minimum_length", "found 0; expected at"),
                ("method: viterbi, minimum_length: 100001", "minimum_length", "at most 100000"),
                ("method: viterbi, minimum_length: 5.5", "minimum_length", "a whole number"),
                ("method: viterbi, minimum_length: {}", "minimum_length", "is empty"),
                ("method: viterbi, minimum_length: {H: 0}", "minimum_length.H", "found 0; "),
                ("method: viterbi, minimum_length: {HH: 5}", "length.HH", "one printable"),
                ("method: viterbi, minimum_length: {X: 5}", "minimum_length.X", "are H, L"),
            )
        ),
        (
            "accession: NC",
            "decoding: {method: viterbi, minimum_length: {X: 5}}\n    accession: NC",
            16,
            "phage.decoding.minimum_length.X",
            "the states are H, L",
        ),
        ("[2, 3]", "[2, 2]", 12, "seeds[1]", "the seed 2 stands twice"),
        ("[2, 3]", "[]", 12, "seeds", "is empty"),
        ("[2, 3]", "3", 12, "seeds", "expected a list, found 3"),
        ("bases: 1_000_000", "bases: 10_000", 13, "training.bases", "batch x window = 64000"),
        ("bases: 2_000_000", "batch: 60_000", 8, "gru.training.bases", "batch x window = 60000000"),
        ("{dataset: toy, tagger: gru}", "{dataset: tou, tagger: gru}", 17, "dataset", "mean toy?"),
        ("{dataset: toy, tagger: gru}", "{dataset: toy, tagger: gr}", 17, "tagger", "mean gru?"),
        ("tagger: gru}", "tagger: gru, seed: 1}", 17, "taggers[0].seed", "its seeds are 2, 3"),
        ("tagger: exact}", "tagger: exact, seed: 2}", 17, "taggers[1].seed", "is a baseline"),
        ("tagger: exact}", "tagger: gru, seed: 2}", 17, "taggers[1]", "stands twice"),
        (
            "{dataset: toy, tagger: exact",
            "{dataset: mine, tagger: exact",
            17,
            "[1].tagger",
            "cannot",
        ),
        ("NC_001416.1", "GCF_000001405.40", 16, "phage.accession", "is an assembly"),
        ("NC_001416.1", "lambda", 16, "annotate.phage.accession", "NC_001416.1"),
        ("accession: NC_001416.1", "decoding: viterbi", 15, "annotate.phage", "has neither"),
        (
            "accession: NC_001416.1",
            "accession: NC_001416.1\n    regions: [chr1]",
            17,
            "annotate.phage.regions[0]",
            "'chr1' is no region; write it as chr1:1-20000",
        ),
        (
            "accession: NC_001416.1",
            "accession: NC_001416.1\n    regions: ['x:1-9', 'x:1-90000']",
            17,
            "annotate.phage.regions[1]",
            "has 90000 bases",
        ),
    ],
)
def test_each_mistake_is_one_line_with_file_line_and_key(folder, old, new, line, key, words):
    assert old in SMALL
    (told,) = mistakes(folder, SMALL.replace(old, new, 1))
    place, name, rest = told.split(": ", 2)
    assert place == f"data/config0.yaml, line {line}"
    assert name.endswith(key)
    assert words in rest


def test_a_network_that_pools_fits_neither_bases_nor_a_genome(folder):
    told = mistakes(folder, SMALL.replace("baseline: exact", "cell: gru, pooling: max", 1))
    assert "taggers.exact.pooling" in told[0]
    assert "a label for each base" in told[0]
    assert any("taggers[1].tagger" in line and "whole records" in line for line in told)


def test_a_name_twice_is_a_mistake_with_its_line(folder):
    (told,) = mistakes(folder, SMALL.replace("  lstm:", "  gru:"))
    assert "line 9" in told
    assert "'gru' stands twice" in told


def test_a_section_that_is_empty_or_missing_is_a_mistake(folder):
    text = SMALL[: SMALL.index("annotate:")]
    start, end = text.index("taggers:"), text.index("seeds:")
    (told,) = mistakes(folder, text[:start] + "taggers: {}\n" + text[end:])
    assert told == "data/config0.yaml, line 7: taggers: is empty; name at least one"
    (told,) = mistakes(folder, text[:start] + text[end:])
    assert told.startswith("data/config0.yaml: taggers: is missing")


PROTEINS = SMALL.replace("    split:", "    alphabet: protein\n    split:")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "{cell: lstm}",
            "{cell: lstm, both_strands: true}",
            "'protein', which has no second strand",
        ),
        ("{cell: lstm}", "{baseline: gc_window}", "counts G and C, and needs the alphabet dna"),
        ("{cell: lstm}", "{program: pyrodigal}", "looks for genes, and needs the alphabet dna"),
        ("bases: 1_000_000", "reverse_complement: true", "'protein', which has no second strand"),
        (
            "{fasta: states.fa, states: {L: low, H: high}}",
            "{bed: states.fa, features: a, stranded: true, background: b}",
            "'protein' has no second strand",
        ),
    ],
)
def test_what_needs_strands_or_bases_is_refused_for_proteins(folder, old, new, expected):
    text = PROTEINS.replace(
        "  toy: {simulate: {hmm: toy, records: 20, length: 500, seed: 1}}\n", ""
    )
    text = text.replace("  exact: {baseline: exact}\n", "").partition("annotate:")[0]
    load(folder, text)
    (told,) = mistakes(folder, text.replace(old, new))
    assert expected in told


def of_groups(groups):
    return SMALL.replace("    split:", f"    groups: {groups}\n    split:")


def test_groups_of_states_go_by_letters_or_names_and_only_to_the_judgement(folder):
    config = load(folder, of_groups("{two: {up: [high], down: [L]}}"))
    (found,) = config.evaluate_settings("mine", "gru")["groupings"]
    assert found == {"name": "two", "groups": ["up", "down"], "group_of_state": [1, 0]}
    assert config.evaluate_settings("toy", "gru")["groupings"] == []
    assert config.encode_settings("mine") == load(folder, SMALL).encode_settings("mine")


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (
            "{two: {up: [H], down: [H, L]}}",
            "down[0]: the state 'H' stands twice, in 'up' and 'down'",
        ),
        ("{two: {up: [H], down: [high, L]}}", "the state 'high' stands in two groups"),
        ("{two: {up: [H], down: [lo]}}", "has no state 'lo'; did you mean low?"),
        ("{two: {up: [H], down: [T]}}", "has no state 'T'; its states are L (low), H (high)"),
        ("{two: {up: [H, L]}}", "datasets.mine.groups.two"),
        ("{two: {up: [H], down: []}}", "datasets.mine.groups.two.down"),
        ("{two words: {up: [H], down: [L]}}", "datasets.mine.groups"),
    ],
)
def test_groups_that_do_not_hold_every_state_once_are_mistakes(folder, groups, expected):
    (told,) = mistakes(folder, of_groups(groups))
    assert expected in told


def test_a_state_in_no_group_is_named(folder):
    three = of_groups("{two: {up: [H], down: [M]}}").replace("H: high", "H: high, M: middle")
    (told,) = mistakes(folder, three)
    assert (
        "datasets.mine.groups.two: no group has L (low); every state belongs to one group" in told
    )


def test_lower_case_residues_can_be_left_out_and_letters_of_an_own_alphabet_not(folder):
    text = PROTEINS.replace("high}}", "high}, leave_out: [masked]}")
    assert load(folder, text).encode_settings("mine")["leave_out"] == ["masked"]
    (told,) = mistakes(folder, text.replace("protein", "MKa"))
    assert "in 'MKa' a lower-case letter is a letter of its own" in told


def test_a_table_too_large_for_an_alphabet_is_a_mistake(folder):
    letters = SMALL.replace("    split:", "    alphabet: ACDEFGHIKLMNPQRSTVWY\n    split:")
    load(folder, letters.replace("{cell: lstm}", "{baseline: base_table, k: 3}"))
    (told,) = mistakes(folder, letters.replace("{cell: lstm}", "{baseline: base_table, k: 5}"))
    assert told == (
        "data/config0.yaml, line 10: taggers.lstm.k: words of 5 of the 20 letters of 'mine' are "
        "too many for a table; take a smaller k"
    )


def test_a_genome_is_annotated_in_one_alphabet(folder):
    text = SMALL.replace("    split:", "    alphabet: ACGTX\n    split:")
    text = text.replace("{dataset: toy, tagger: exact}", "{dataset: mine, tagger: gru}")
    (told,) = mistakes(folder, text)
    assert told == (
        "data/config0.yaml, line 18: annotate.phage.taggers[1].dataset: 'mine' is written in "
        "'ACGTX', and 'toy', which annotates the same genome, in 'dna'; give the genome a second "
        "entry under another name"
    )


def test_an_exact_baseline_without_any_simulated_dataset_is_a_mistake(folder):
    text = SMALL.replace("  toy: {simulate: {hmm: toy, records: 20, length: 500, seed: 1}}\n", "")
    (told,) = mistakes(folder, text[: text.index("annotate:")])
    assert told.startswith("data/config0.yaml, line 9: taggers.exact.baseline: exact needs the HMM")


def test_a_mistake_within_a_model_names_the_models_file(folder):
    preset = (ROOT / "resources/hmms/toy.yaml").read_text()
    (folder / "data/own.yaml").write_text(preset.replace("0.4", "0.5"))
    (told,) = mistakes(folder, SMALL.replace("hmm: toy", "hmm: own.yaml"))
    assert "own.yaml" in told
    assert "sum to 1.1" in told


def test_all_mistakes_are_told_in_the_order_of_the_file(folder):
    text = SMALL.replace("hidden: 16", "hidden: 0").replace("records: 20", "record: 20")
    told = mistakes(folder, text.replace("seeds: [2", "seeds: [-2"))
    assert [line.split(": ")[0].split()[-1] for line in told] == ["2", "8", "12"]


def test_a_mistake_in_a_later_file_names_that_file(folder):
    (told,) = mistakes(folder, SMALL, "training:\n  batch: 0\n")
    assert told.startswith("data/config1.yaml, line 2: training.batch: found 0")


def test_text_from_the_command_line_advises_a_file(folder):
    (told,) = mistakes(folder, SMALL, command_line={"training": {"batch": "16"}})
    assert told.startswith("--config: training.batch: expected a whole number")
    assert "--configfile" in told


def test_numbers_that_snakemake_reads_as_text_are_numbers(folder):
    assert load(folder, SMALL).train_settings("gru", 2)["training"]["learning_rate"] == 0.001


def test_a_config_that_is_no_mapping_or_missing_is_told(folder):
    with pytest.raises(ConfigError, match="is not a mapping"):
        load_config({}, [_written(folder / "list.yaml", "- a\n")], ROOT)
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot be read"):
        load_config({}, [folder / "gone.yaml"], ROOT)


def _written(path, text):
    path.write_text(text)
    return path


def test_the_given_config_is_left_as_it_was(folder):
    config = yaml.safe_load(SMALL)
    before = copy.deepcopy(config)
    load_config(config, [_written(folder / "data/c.yaml", SMALL)], ROOT)
    assert config == before


def test_all_mistakes_are_kept_one_by_one(folder):
    with pytest.raises(InvalidConfigError) as caught:
        load(folder, SMALL.replace("hidden: 16", "hidden: 0").replace("records: 20", "records: 0"))
    assert len(caught.value.errors) == 2


def test_importing_the_config_brings_no_arrays():
    command = "import sys, basetag.config; print('numpy' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", command],
        cwd=ROOT / "scripts",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "False"]


BY_BLOCK = "split: {by: block, block: 1000, gap: 10}"


def with_split(folder, text):
    (folder / "data" / "folds.tsv").write_text("record\tsplit\na\ttest\n")
    assert BY_BLOCK in SMALL
    return load(folder, SMALL.replace(BY_BLOCK, f"split: {text}"))


def test_near_copies_are_kept_together_in_own_data_and_not_looked_for_in_simulated(folder):
    config = with_split(folder, "{by: record}")
    assert config.split_settings("mine")["near_copies"] == 0.5
    assert config.split_settings("toy")["near_copies"] is None
    without = load(folder, SMALL.replace(f"    {BY_BLOCK}\n", ""))
    assert without.split_settings("mine") == config.split_settings("mine")
    for text in ("{near_copies: null}", "{near_copies: 0.9}"):
        assert with_split(folder, text).split_settings("mine")["near_copies"] in (None, 0.9)
    asked = SMALL.replace("seed: 1}}", "seed: 1}, split: {near_copies: 0.3}}", 1)
    assert load(folder, asked).split_settings("toy")["near_copies"] == 0.3


def test_a_split_by_names_takes_whole_numbers_for_names_and_their_order_counts_for_nothing(folder):
    one = with_split(folder, '{by: name, train: [1, "chr2*"], validation: [X], test: ["03"]}')
    two = with_split(folder, '{test: ["03"], by: name, train: ["chr2*", "1"], validation: [X]}')
    assert one.split_settings("mine") == two.split_settings("mine")
    assert one.split_settings("mine") == {
        "by": "name", "train": ["1", "chr2*"], "validation": ["X"], "test": ["03"], "rest": None,
    }  # fmt: skip
    rest = with_split(folder, "{by: name, rest: train, validation: [X], test: [Y]}")
    assert rest.split_settings("mine")["rest"] == "train"


def test_a_split_by_a_table_has_its_path_as_an_input_and_not_in_its_settings(folder):
    config = with_split(folder, "{by: table, table: folds.tsv, values: {train: [train, 2, 1]}}")
    assert config.split_table("mine") == Path("data/folds.tsv")
    assert config.split_table("toy") is None
    assert config.split_settings("mine") == {
        "by": "table", "record": "record", "column": "split",
        "values": {
            "train": ["1", "2", "train"], "validation": ["validation"], "test": ["test"],
            "unused": [],
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "{near_copies: null}",
        "{near_copies: 0.25, seed: 4}",
        "{by: name, rest: train, validation: [1], test: ['2*']}",
        "{by: table, table: folds.tsv, column: fold, values: {test: [3]}}",
    ],
)
def test_the_config_of_the_report_has_the_same_split(folder, text):
    config = with_split(folder, text)
    again = the_same_again(folder, config)
    assert all_settings(again) == all_settings(config)
    assert again.split_table("mine") == config.split_table("mine")


@pytest.mark.parametrize(
    ("split", "key", "words"),
    [
        ("{by: nmae}", "split.by", "did you mean name?"),
        ("{near_copies: 0}", "split.near_copies", "found 0; expected above 0"),
        ("{near_copies: 1.5}", "split.near_copies", "found 1.5"),
        ("{by: block, block: 1000, near_copies: 0.5}", "split.near_copies", "unknown key"),
        ("{by: name, train: [a], test: [b]}", "split.validation", "validation names no record"),
        ("{by: name, train: [a], validation: [c], test: [a]}", "split.test[0]", "in train already"),
        ("{by: name, train: [a, a], validation: [c], test: [b]}", "train[1]", "stands here alr"),
        ("{by: name, train: a, validation: [c], test: [b]}", "split.train", "expected a list"),
        ("{by: name, train: [1.5], validation: [c], test: [b]}", "train[0]", "expected text, fo"),
        ("{by: name, train: [''], validation: [c], test: [b]}", "train[0]", "letters; expected at"),
        ("{by: name, rest: tran, validation: [c], test: [b]}", "split.rest", "did you mean train?"),
        ("{by: table}", "split.table", "is missing"),
        ("{by: table, table: gone.tsv}", "split.table", "no such file: 'gone.tsv'"),
        ("{by: table, table: folds.tsv, colum: x}", "split.colum", "did you mean column?"),
        ("{by: table, table: folds.tsv, values: {test: []}}", "values.test", "is empty"),
        ("{by: table, table: folds.tsv, values: {test: [train]}}", "test[0]", "in train already"),
        ("{by: table, table: folds.tsv, values: {tets: [1]}}", "values.tets", "mean test?"),
    ],
)
def test_a_mistake_in_a_split_is_one_line_with_its_key(folder, split, key, words):
    (folder / "data" / "folds.tsv").write_text("record\tsplit\n")
    (told,) = mistakes(folder, SMALL.replace(BY_BLOCK, f"split: {split}"))
    place, name, rest = told.split(": ", 2)
    assert place == "data/config0.yaml, line 6"
    assert name.endswith(key)
    assert words in rest
