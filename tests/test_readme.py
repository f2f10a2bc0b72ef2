"""Every command and every snippet of the README, run as it stands there on a small config."""

import gzip
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from basetag.corpus import Corpus
from basetag.taggers import load_tagger
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text()
SMALL = {"bases": 40_000, "batch": 8, "window": 200, "validations": 2}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]
LOADS = re.findall(r"`(load_tagger\(path, .*?\))`", README)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone whose configs are the shipped ones with fewer and shorter records."""
    folder = tmp_path_factory.mktemp("readme") / "basetag"
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)

    for name in ("config.yaml", "examples/lambda.yaml"):
        config = yaml.safe_load((folder / name).read_text())
        for dataset in config["datasets"].values():
            dataset["simulate"] |= {"records": 40, "length": 500}
        config["training"] |= SMALL
        config["evaluation"]["controls"] = {"bases": 5000}
        (folder / name).write_text(yaml.safe_dump(config, sort_keys=False))

    for block in blocks("yaml"):
        name = re.match(r"# (\S+)\n", block)[1]
        config = yaml.safe_load(block)
        for dataset in config.get("datasets", {}).values():
            if "split" in dataset:
                config["training"] = SMALL
                dataset["split"] |= {"block": 200, "gap": 20}
        (folder / name).write_text(yaml.safe_dump(config))
    generator = np.random.default_rng(1)
    stretches = [
        "".join(generator.choice(list("ACGT"), size=400, p=p))
        for p in 4 * [[0.1, 0.4, 0.4, 0.1], [0.4, 0.1, 0.1, 0.4]]
    ]
    for name in ("lambda.fa", "target.fa", "genome.fa"):
        (folder / name).write_text(f">one\n{''.join(stretches)}\n")
    (folder / "states.fa").write_text(f">one\n{('H' * 400 + 'L' * 400) * 4}\n")
    genes = [
        f"one\tx\tCDS\t{at + 1}\t{at + 60}\t.\t{'+-'[at // 100 % 2]}\t0\tID=cds{at}\n"
        for at in range(0, 3200, 100)
    ]
    (folder / "genes.gff3").write_text("".join(["##gff-version 3\n", *genes]))
    intervals = [f"one\t{at}\t{at + 90}\t{at % 700}\n" for at in range(0, 3200, 100)]
    with gzip.open(folder / "phastcons.bedgraph.gz", "wt") as file:
        file.writelines(intervals)
    rows = [f"one\t{at % 5}\t{'NA' if at % 3 else at}\n" for at in range(3200)]
    (folder / "profile.tsv").write_text("".join(["record\ta\tb\n", *rows]))
    return folder


@pytest.fixture(scope="module")
def default_run(clone):
    """The first command, run."""
    return sh(COMMANDS[0], clone)


def python(code, folder):
    return subprocess.run(
        [folder / ".venv/bin/python", "-c", code], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}, check=False,
    )  # fmt: skip


def sh(command, folder):
    # Colours of make and friends aside, as a user at a shell would run it.
    environment = {**os.environ, "PATH": os.environ["PATH"]}
    environment.pop("MAKEFLAGS", None)
    environment.pop("MAKELEVEL", None)
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_the_commands_are_those_that_are_tested_here():
    assert COMMANDS == [
        "make run",
        "make example NAME=lambda",
        "make example NAME=lambda EXTRA=local.yaml",
        ".venv/bin/snakemake --configfile mine.yaml --directory runs/mine",
        ".venv/bin/snakemake --configfile genes.yaml --directory runs/genes",
        ".venv/bin/snakemake --configfile mine.yaml features.yaml --directory runs/mine",
        ".venv/bin/snakemake --configfile mine.yaml tuned.yaml --directory runs/mine",
        ".venv/bin/snakemake --configfile annotate.yaml --directory runs/target",
        ".venv/bin/snakemake --workflow-profile profiles/gpu",
        ".venv/bin/snakemake --workflow-profile profiles/gpu --resources gpu=2 --set-resources "
        "train_tagger:gpu=2 predict_network:gpu=1 annotate_part:gpu=1",
        ".venv/bin/snakemake --workflow-profile profiles/slurm",
        "make help",
        "make test",
        "make lint",
    ]


def test_the_default_run_ends_in_a_report(clone, default_run):
    assert default_run.returncode == 0, default_run.stderr
    assert "using profiles/" in default_run.stderr
    assert (clone / "results/report.html").exists()
    again = sh(COMMANDS[0], clone)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.usefixtures("default_run")
def test_the_python_snippet_runs_on_the_default_run(clone):
    (snippet,) = blocks("python")
    run = python(snippet, clone)
    assert run.returncode == 0, run.stderr
    states, shape = run.stdout.splitlines()
    assert re.fullmatch("[HL]{22}", states)
    assert shape == "(22, 2)"


@pytest.mark.usefixtures("default_run")
@pytest.mark.parametrize("call", LOADS)
def test_a_tagger_is_loaded_in_every_way_that_is_told(clone, call):
    (snippet,) = blocks("python")
    plain = re.search(r'load_tagger\((".*?")\)', snippet)
    run = python(snippet.replace(plain[0], call.replace("path", plain[1])), clone)
    if "gpus=1" in call:
        assert "DeviceError: the job asks for 1 GPU but torch" in run.stderr
    else:
        assert run.returncode == 0, run.stderr


def test_the_example_plans_to_fetch_its_genome_and_no_other_dataset(clone):
    plan = sh(f"{COMMANDS[1]} ARGS=--dry-run", clone)
    assert plan.returncode == 0, plan.stderr
    assert "fetch_genome" in plan.stdout
    assert "toy" not in plan.stdout


def test_the_example_runs_on_a_local_genome(clone):
    run = sh(COMMANDS[2], clone)
    assert run.returncode == 0, run.stderr
    results = clone / "runs/lambda/results"
    assert (results / "annotations/phage/lambda/bilstm/seed1/segments.bed.gz").exists()
    assert (results / "report.html").exists()


def test_a_users_own_sequences_run(clone):
    run = sh(COMMANDS[3], clone)
    assert run.returncode == 0, run.stderr
    results = clone / "runs/mine/results"
    assert (results / "annotations/target/mine/bilstm/seed1/segments.bed.gz").exists()
    assert (results / "comparison.tsv").exists()


def test_labels_come_from_an_annotation(clone):
    run = sh(COMMANDS[4], clone)
    assert run.returncode == 0, run.stderr
    corpus = Corpus.open(clone / "runs/genes/results/genes/corpus")
    assert [corpus.state_names[letter] for letter in corpus.states] == [
        "coding+", "coding-", "noncoding",
    ]  # fmt: skip
    expected = 8 * [*60 * [0], *40 * [2], *60 * [1], *40 * [2]] * 2
    assert corpus.labels.tolist() == expected


def test_a_users_own_features_are_read(clone):
    run = sh(COMMANDS[5], clone)
    assert run.returncode == 0, run.stderr
    results = clone / "runs/mine/results/mine"
    assert np.load(results / "corpus/features.npy").shape == (3200, 3)
    tagger = load_tagger(results / "bilstm_features/seed1/tagger.safetensors")
    assert tagger.feature_names == ("conservation", "profile.a", "profile.b")
    (prediction,) = tagger.predict(["ACGT"], features=[np.zeros((4, 3))])
    assert len(prediction.states) == 4


@pytest.mark.usefixtures("default_run")
def test_a_tagger_starts_from_one_of_the_default_run(clone):
    run = sh(COMMANDS[6], clone)
    assert run.returncode == 0, run.stderr
    first = load_file(clone / "results/blocks/bilstm/seed1/tagger.safetensors")
    tuned = load_file(clone / "runs/mine/results/mine/tuned/seed1/tagger.safetensors")
    for name, weights in tuned.items():
        assert np.array_equal(weights, first[name]) == name.startswith("layers."), name


@pytest.mark.usefixtures("default_run")
def test_a_genome_is_annotated_from_a_taggers_file_alone(clone):
    place = clone / "runs/ecoli/results/ecoli/codons/seed1"
    place.mkdir(parents=True)
    shutil.copy(clone / "results/blocks/bilstm/seed1/tagger.safetensors", place)
    run = sh(COMMANDS[7], clone)
    assert run.returncode == 0, run.stderr
    results = clone / "runs/target/results"
    assert (results / "annotations/target/files/codons/seed0/segments.bed.gz").exists()
    assert (results / "report.html").exists()


@pytest.mark.usefixtures("default_run")
@pytest.mark.parametrize(
    ("command", "target", "asked"),
    [
        (COMMANDS[8], "toy/gru/seed1/tagger.safetensors", "1 GPU"),
        (COMMANDS[9], "toy/gru/seed1/tagger.safetensors", "2 GPUs"),
        (COMMANDS[9], "blocks/bilstm/seed1/posteriors.npy", "1 GPU"),
    ],
)
def test_the_gpu_profile_asks_for_cards_and_stops_where_there_is_none(
    clone, command, target, asked
):
    run = sh(f"export CUDA_VISIBLE_DEVICES=; {command} --force results/{target}", clone)
    assert run.returncode == 1
    assert f"the job asks for {asked} but torch" in run.stderr
    assert "Pydantic" not in run.stderr


def test_a_gpu_is_not_taken_away_in_silence(clone):
    run = sh(f"{COMMANDS[8]} --resources gpu=0 --dry-run", clone)
    assert run.returncode == 1
    assert "--resources gpu=0 leaves none for train_tagger, which asks for 1" in run.stderr


def test_a_rule_that_is_left_out_of_the_list_of_gpus_is_told(clone):
    run = sh(f"{COMMANDS[8]} --set-resources train_tagger:gpu=2 --dry-run", clone)
    assert run.returncode == 1
    assert "gives GPUs to train_tagger, and does not say how many predict_network has" in run.stderr


@pytest.mark.usefixtures("default_run")
def test_a_run_that_moves_to_a_cluster_has_nothing_to_do_again(clone):
    """Jobs on a real Slurm: tests/cluster."""
    run = sh(f"{COMMANDS[10]} --dry-run", clone)
    assert run.returncode == 0, run.stderr
    assert "Nothing to be done" in run.stdout + run.stderr


def test_help_names_every_target(clone):
    run = sh(COMMANDS[11], clone)
    assert run.returncode == 0
    for target in ("run", "example", "test", "lint", "format", "schema", "setup", "clean"):
        assert f"make {target} " in run.stdout


@pytest.mark.parametrize("command", COMMANDS[12:])
def test_test_and_lint_are_targets(clone, command):
    """They are not run within a test: whoever runs this runs the one, and CI both."""
    plan = sh(f"{command} --dry-run", clone)
    assert plan.returncode == 0, plan.stderr
    assert ("pytest" if command == "make test" else "ruff check") in plan.stdout


def test_an_unknown_example_is_one_line_with_the_names(clone):
    run = sh("make example NAME=lamda", clone)
    assert run.returncode != 0
    assert "there is no examples/lamda.yaml; NAME is one of: ceiling cpg ecoli lambda" in run.stderr


def test_clean_keeps_results_with_taggers_where_nobody_can_be_asked(clone):
    results = clone / "runs/kept/results/a/b/seed1"
    results.mkdir(parents=True)
    (results / "tagger.safetensors").touch()
    (results / "history.tsv").touch()
    untrained = clone / "runs/untrained/results/a"
    untrained.mkdir(parents=True)
    run = sh("make clean </dev/null", clone)
    assert run.returncode == 0, run.stderr
    assert "kept runs/kept/results with its 1 trained taggers" in run.stdout
    assert sorted(path.name for path in results.iterdir()) == ["history.tsv", "tagger.safetensors"]
    assert not untrained.exists()
    assert not (clone / "logs").exists()


def test_the_schema_target_changes_nothing_that_is_up_to_date(clone):
    before = (clone / "docs/config.md").read_bytes()
    run = sh("make schema", clone)
    assert run.returncode == 0, run.stderr
    assert (clone / "docs/config.md").read_bytes() == before


def test_every_link_of_the_readme_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (REPOSITORY / target).exists(), target
