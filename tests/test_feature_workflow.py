"""Features through the whole chain: encoded once, read by who asks for them, rerun when changed."""

import copy
import gzip
import os

import numpy as np
import pytest
import yaml

from basetag.tagger_file import read_tagger
from tests.workflow import TINY, copy_workflow, planned, snakemake, write_config

SOURCES = {
    "conservation": {"bedgraph": "own.bedgraph.gz"},
    "profile": {"table": "own.tsv"},
}
OF_GENOME = {
    "conservation": {"bedgraph": "phage.bedgraph"},
    "profile": {"table": "phage.tsv"},
}
GRU = {"cell": "gru", "hidden": 3}
FEATURED = {
    "datasets": {"own": TINY["datasets"]["own"] | {"features": SOURCES}},
    "taggers": {
        "both": GRU | {"features": ["profile", "conservation"]},
        "letters": GRU,
        "majority": {"baseline": "majority"},
    },
    "training": TINY["training"],
    "evaluation": TINY["evaluation"],
    "annotate": {
        "phage": {
            "fasta": "phage.fa",
            "features": OF_GENOME,
            "taggers": [{"dataset": "own", "tagger": name} for name in ("both", "letters")],
        }
    },
}

READERS = {
    "train_tagger", "predict_network", "evaluate_tagger", "compare_taggers", "annotate_part",
    "gather_annotation", "compare_annotations", "show_regions", "render_report",
}  # fmt: skip


def write(folder, config):
    """Write a config and its files; conservation is high where the label is H."""
    path = write_config(folder, config)
    with gzip.open(folder / "own.bedgraph.gz", "wt") as file:
        file.write("track type=bedGraph\none\t0\t300\t5\none\t300\t600\t0\ntwo\t310\t600\t5.5\n")
    rows = [f"two\t{i % 3}\t{i}" for i in range(601)] + [f"one\tNA\t{i}" for i in range(600)]
    (folder / "own.tsv").write_text("\n".join(["record\ta\tb", *rows, ""]))
    (folder / "phage.bedgraph").write_text("phage 0 450 5\none_base 0 1 0\n")
    rows = ["one_base\t1\t1", *(f"phage\t{i % 3}\t{i}" for i in range(900))]
    (folder / "phage.tsv").write_text("\n".join(["record\ta\tb", *rows, ""]))
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A finished run: the workflow's copy, the config, the results."""
    folder = tmp_path_factory.mktemp("features")
    workflow = copy_workflow(folder / "workflow")
    (folder / "work").mkdir()
    config = write(folder / "work", FEATURED)
    run = snakemake(workflow, config)
    assert run.returncode == 0, run.stderr
    return workflow, config, folder / "work" / "results"


def test_features_lie_beside_the_corpora(ran):
    results = ran[2]
    own = np.load(results / "own/corpus/features.npy")
    assert own.shape == (1201, 3)
    assert own.dtype == np.float32
    assert own[[0, 299, 300, 599, 910, 1199], 0].tolist() == [5, 5, 0, 0, 5.5, 5.5]
    assert np.isnan(own[600:910, 0]).all()
    assert np.isnan(own[:600, 1]).all()
    np.testing.assert_array_equal(own[:, 2], [*range(600), *range(601)])
    genome = np.load(results / "genomes/phage/corpus/features.npy")
    assert genome.shape == (901, 3)
    assert genome[900].tolist() == [0, 1, 1]


def test_every_tagger_reads_what_it_asks_for_and_is_judged(ran):
    results = ran[2]
    for name, features in (("both", ["profile.a", "profile.b", "conservation"]), ("letters", [])):
        _, card = read_tagger(results / f"own/{name}/seed1/tagger.safetensors")
        assert card["features"] == features
        assert (results / f"annotations/phage/own/{name}/seed1/segments.bed.gz").exists()
    assert (results / "report.html").exists()


def test_a_second_run_does_nothing(ran):
    assert planned(*ran[:2]) == set()


@pytest.mark.parametrize(
    ("name", "old", "new", "rerun"),
    [
        ("own.tsv", "one\tNA\t7", "one\tNA\t8",
         READERS | {"encode_features", "preflight"}),
        ("phage.tsv", "phage\t0\t3", "phage\t0\t4",
         {"encode_features", "annotate_part", "gather_annotation", "compare_annotations",
          "show_regions",
          "preflight", "render_report"}),
        ("phage.tsv", "", "", set()),
    ],
)  # fmt: skip
def test_the_content_of_a_source_reruns_its_readers_alone(ran, name, old, new, rerun):
    workflow, config, _ = ran
    path = config.with_name(name)
    before = path.read_text()
    try:
        path.write_text(before.replace(old, new, 1))
        os.utime(path)
        assert planned(workflow, config) == rerun
        letters = "results/own/letters/seed1/posteriors.npy"
        assert planned(workflow, config, letters) == set()
    finally:
        path.write_text(before)


@pytest.mark.parametrize(
    ("keys", "value", "rerun"),
    [
        (("taggers", "both", "features"), ["profile"], READERS),
        (("datasets", "own", "features"), SOURCES | {"more": {"bedgraph": "own.bedgraph.gz"}},
         READERS | {"encode_features", "preflight"}),
        (("datasets", "own", "features"), dict(reversed(SOURCES.items())), set()),
    ],
)  # fmt: skip
def test_a_value_reruns_its_rule_and_what_hangs_on_it(ran, keys, value, rerun):
    workflow, path, _ = ran
    config = copy.deepcopy(FEATURED)
    place = config
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    other = path.with_name("changed.yaml")
    other.write_text(yaml.safe_dump(config, sort_keys=False))
    assert planned(workflow, other) == rerun


@pytest.mark.parametrize(
    ("code", "others"),
    [("encode_features.py", set()), ("basetag/feature_text.py", {"preflight"})],
)
def test_the_code_of_the_encoding_reruns_it_and_its_readers(ran, code, others):
    workflow, config, _ = ran
    path = workflow / "scripts" / code
    before = path.read_text()
    try:
        path.write_text(f"{before}\n\n_CHANGED = 1\n")
        assert planned(workflow, config) == READERS | {"encode_features"} | others
    finally:
        path.write_text(before)


def test_features_that_no_tagger_reads_are_not_encoded(ran, tmp_path):
    config = copy.deepcopy(FEATURED)
    del config["taggers"]["both"]
    config["annotate"]["phage"]["taggers"] = [{"dataset": "own", "tagger": "letters"}]
    assert "encode_features" not in planned(ran[0], write(tmp_path, config))


def test_what_an_earlier_config_left_is_in_nobodys_way(ran, tmp_path):
    """Sequences of another length, while features of the old ones still lie there."""
    workflow, _, results = ran
    here = write(tmp_path, {**FEATURED, "taggers": {"letters": GRU}, "annotate": {}})
    (tmp_path / "results/own/corpus").mkdir(parents=True)
    for name in ("features.npy", "features.json"):
        (tmp_path / "results/own/corpus" / name).write_bytes(
            (results / "own/corpus" / name).read_bytes()
        )
    for name, letters in (("own.fa", "ACGT"), ("own.states.fa", "HHLL")):
        path = here.with_name(name)
        path.write_text(path.read_text() + f">three\n{letters}\n")
    run = snakemake(workflow, here, "results/own/letters/seed1/posteriors.npy")
    assert run.returncode == 0, run.stderr


def test_a_wrong_source_is_one_line_and_leaves_no_file(ran, tmp_path):
    path = write(tmp_path, FEATURED)
    (tmp_path / "phage.bedgraph").write_text("phage 0 450 5\nphge 450 460 5\n")
    run = snakemake(ran[0], path, "results/genomes/phage/corpus/features.npy")
    assert run.returncode == 1
    (line,) = [text for text in run.stderr.splitlines() if "ERROR" in text and "phage.bed" in text]
    assert "line 2: the sequences have no record 'phge'; did you mean 'phage'?" in line
    assert "Traceback" not in run.stderr
    assert not list((tmp_path / "results/genomes/phage/corpus").glob("features*"))
