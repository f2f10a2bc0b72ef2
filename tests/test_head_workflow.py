"""Further labels through the whole chain: encoded, learnt, predicted, judged, shown, rerun."""

import copy
import csv
import json
import re

import numpy as np
import pytest
import yaml

from basetag.letters import UNLABELLED
from basetag.tagger_file import read_tagger
from tests.workflow import TINY, copy_workflow, planned, snakemake, write_config

HEADS = {
    "rich": {"labels": "rich.fa", "states": {"r": "G or C", "p": "A or T"}},
    "place": {"labels": "place.fa", "states": {"a": "first", "b": "second"}, "weight": 0.25},
}
CONFIG = {
    "datasets": {"own": TINY["datasets"]["own"] | {"heads": HEADS, "split": {"by": "record"}}},
    "taggers": {
        "gru": {"cell": "gru", "hidden": 4, "decoding": "viterbi"},
        "alone": {"cell": "gru", "hidden": 4, "joint": False},
        "majority": {"baseline": "majority"},
    },
    "training": TINY["training"] | {"learning_rate": 0.02, "bases": 60_000},
    "evaluation": TINY["evaluation"],
}
# What hangs on the training of the network that has the heads.
FOLLOWING = {
    "train_tagger", "predict_network", "predict_head", "evaluate_tagger", "compare_taggers",
    "render_report",
}  # fmt: skip


def write(folder, config):
    """Write a config and its files: one further label is a function of the letter."""
    path = write_config(folder, config)
    rng = np.random.default_rng(1)
    texts = {"own.fa": [], "own.states.fa": [], "rich.fa": [], "place.fa": []}
    for number in range(40):
        halves = [rng.choice(list("ACGT"), 50, p=p) for p in ([0.1, 0.4, 0.4, 0.1], [0.25] * 4)]
        sequence = "".join(np.concatenate(halves))
        rich = "".join("r" if letter in "CG" else "p" for letter in sequence)
        own = (f"N{sequence}", f".{'H' * 50}{'L' * 50}", f".{rich}", f".{'a' * 50}{'b' * 50}")
        for lines, text in zip(texts.values(), own, strict=True):
            lines += [f">{number}", text]
    for name, lines in texts.items():
        (folder / name).write_text("\n".join([*lines, ""]))
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A finished run: the workflow's copy, the config, the results."""
    folder = tmp_path_factory.mktemp("heads")
    workflow = copy_workflow(folder / "workflow")
    (folder / "work").mkdir()
    config = write(folder / "work", CONFIG)
    run = snakemake(workflow, config)
    assert run.returncode == 0, run.stderr
    return workflow, config, folder / "work" / "results"


def metrics_of(results, tagger, seed):
    return json.loads((results / f"own/{tagger}/seed{seed}/metrics.json").read_text())


def test_what_is_a_function_of_the_letter_is_learnt(ran):
    results = ran[2]
    labels = np.load(results / "own/corpus/labels.rich.npy")
    tokens = np.load(results / "own/corpus/tokens.npy")
    known = tokens < 4
    np.testing.assert_array_equal(labels[known], np.array([1, 0, 0, 1])[tokens[known]])
    assert known.sum() == 4000
    assert (labels[~known] == UNLABELLED).all()
    heads = metrics_of(results, "gru", 1)["heads"]
    assert list(heads) == ["place", "rich"]
    assert heads["rich"]["accuracy"]["value"] > 0.98
    assert (heads["place"]["weight"], heads["place"]["state_names"]["a"]) == (0.25, "first")
    folder = results / "own/gru/seed1"
    posterior = np.load(folder / "posteriors.rich.npy")
    assert posterior.dtype == np.float32
    assert posterior.shape == np.load(folder / "posteriors.npy").shape
    _, card = read_tagger(folder / "tagger.safetensors")
    assert [head["name"] for head in card["heads"]] == ["place", "rich"]


def test_who_learns_the_main_labels_alone_tells_no_others(ran):
    results = ran[2]
    for tagger, seed in (("alone", 1), ("majority", 0)):
        assert metrics_of(results, tagger, seed)["heads"] == {}
        assert not list((results / f"own/{tagger}/seed{seed}").glob("posteriors.rich*"))


def test_the_comparison_has_columns_for_each_head(ran):
    with (ran[2] / "comparison.tsv").open() as file:
        rows = {row["tagger"]: row for row in csv.DictReader(file, delimiter="\t")}
    told = metrics_of(ran[2], "gru", 1)["heads"]
    for head in ("place", "rich"):
        assert float(rows["gru"][f"accuracy.{head}"]) == pytest.approx(
            told[head]["accuracy"]["value"]
        )
        assert rows["alone"][f"accuracy.{head}"] == rows["majority"][f"mcc.{head}"] == ""
        assert int(rows["gru"][f"test_bases.{head}"]) == told[head]["test"]["bases"]


def test_the_page_has_a_section_on_further_heads(ran):
    page = (ran[2] / "report.html").read_text()
    section = re.search(r'<section id="heads".*?</section>', page, re.DOTALL)[0]
    assert "Its states are r (G or C) and p (A or T)." in section
    assert section.count(">gru</th>") == 4  # two tables for each head
    assert ">alone</th>" not in section
    assert "Beside the main labels, gru learns place (its loss times 0.25) and rich" in page
    assert '<a href="#heads">Further heads</a>' in page


def test_a_second_run_does_nothing(ran):
    assert planned(*ran[:2]) == set()


@pytest.mark.parametrize(
    ("change", "rerun"),
    [
        (("rich", "states", {"r": "rich", "p": "poor"}), FOLLOWING | {"encode_head", "preflight"}),
        (("rich", "weight", 0.5), FOLLOWING),
        (("order", None, None), set()),
    ],
)
def test_a_change_of_a_head_reruns_who_learns_it_alone(ran, change, rerun):
    workflow, path, _ = ran
    config = copy.deepcopy(CONFIG)
    head, key, value = change
    heads = config["datasets"]["own"]["heads"]
    if key is None:
        config["datasets"]["own"]["heads"] = dict(reversed(heads.items()))
    else:
        heads[head][key] = value
    other = path.with_name("changed.yaml")
    other.write_text(yaml.safe_dump(config, sort_keys=False))
    assert planned(workflow, other) == rerun
    for tagger, seed in (("alone", 1), ("majority", 0)):
        target = f"results/own/{tagger}/seed{seed}/metrics.json"
        assert planned(workflow, other, target) == set()


def test_gpus_are_asked_for_on_every_rule_that_computes_on_them(ran):
    run = snakemake(
        *ran[:2], "--dry-run", "--set-resources", "train_tagger:gpu=1", "predict_network:gpu=1",
        "annotate_part:gpu=1",
    )  # fmt: skip
    assert run.returncode == 1
    assert "does not say how many predict_head has" in run.stderr
