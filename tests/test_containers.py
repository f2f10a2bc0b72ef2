"""The Dockerfile, as far as it can be checked without building it."""

import json
import re
import shlex
import subprocess
from collections import defaultdict

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.workflow import TINY, copy_workflow, snakemake, write_config

INSTRUCTIONS = {"FROM", "ARG", "ENV", "RUN", "COPY", "WORKDIR", "ENTRYPOINT"}

#: Answers what Snakemake asks of conda, and makes what it is told to create.
CONDA = """#!/bin/sh
case "$*" in
    "info --json") echo '{"conda_prefix": "/nowhere", "platform": "linux-64"}' ;;
    --version) echo "conda 99.1.1" ;;
    "config --get"*) echo '{"get": {"channel_priority": "strict"}}' ;;
    "env create --prefix "*) test -f "$6" && echo "$CONDA_OVERRIDE_CUDA" > "$4/made" ;;
    "clean --all --yes") ;;
    *) exit 1 ;;
esac
"""


def instructions():
    """Return the stages of the Dockerfile: of each its instructions, as (word, text) in order."""
    text = (REPOSITORY / "Dockerfile").read_text()
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    stages = defaultdict(list)
    name = None
    for line in re.sub(r"\\\n", "", text).splitlines():
        if not line.strip():
            continue
        word, rest = line.split(maxsplit=1)
        assert word in INSTRUCTIONS, line
        if word == "FROM":
            name = re.fullmatch(r"\S+ AS (\w+)", rest)[1]
        stages[name].append((word, rest))
    return stages


STAGES = instructions()


def of(word):
    return [rest for stage in STAGES.values() for own, rest in stage if own == word]


@pytest.fixture
def conda(tmp_path):
    """A folder to put on the PATH, with a conda that makes nothing."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/conda").write_text(CONDA)
    (tmp_path / "bin/conda").chmod(0o755)
    return tmp_path / "bin"


def test_there_is_an_image_for_cpus_one_for_gpus_and_one_of_conda_environments():
    assert set(STAGES) == {"base", "cpu", "cuda", "conda"}
    known = set()
    for name, stage in STAGES.items():
        image = stage[0][1].split()[0]
        assert image in known or re.fullmatch(r"[a-z][a-z0-9/]*(:[\w.-]+)?", image)
        known.add(name)


def test_what_is_copied_is_there_and_sent_to_the_builder():
    sent = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert sent[0] == "*"
    for copied in of("COPY"):
        *sources, _ = copied.split()
        for source in sources:
            assert (REPOSITORY / source).exists(), source
            assert f"!{source}" in sent


def test_the_image_has_all_parts_of_the_workflow(tmp_path):
    copied = {source for text in of("COPY") for source in text.split()[:-1]}
    parts = copy_workflow(tmp_path / "workflow").iterdir()
    assert {part.name for part in parts} <= copied


def test_every_version_comes_from_the_lock_file():
    installed = [text for text in of("RUN") if "pip install" in text]
    assert installed
    for text in installed:
        wanted = re.findall(r"pip install (.*?)(?:;|&&|$)", text)
        assert wanted[-1].split() == ["-r", "requirements.lock"]
        for other in wanted[:-1]:
            assert "grep '^torch==' requirements.lock" in other
    python = re.match(r"python:(\d+\.\d+)-slim$", STAGES["base"][0][1].split()[0])[1]
    for path in (REPOSITORY / "envs").glob("*.yaml"):
        assert f"python ={python}" in yaml.safe_load(path.read_text())["dependencies"]


def test_commands_are_valid_for_a_shell():
    for text in of("RUN"):
        run = subprocess.run(["sh", "-n", "-c", text], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(("stage", "profile"), [("cpu", "default"), ("cuda", "gpu")])
def test_an_image_runs_the_workflow_by_the_profile_of_its_devices(stage, profile):
    (entry,) = (json.loads(text) for word, text in STAGES[stage] if word == "ENTRYPOINT")
    assert entry == [
        "snakemake", "--snakefile", "/basetag/Snakefile",
        "--workflow-profile", f"/basetag/profiles/{profile}",
    ]  # fmt: skip
    assert (REPOSITORY / "profiles" / profile / "profile.yaml").exists()


def test_environments_lie_where_snakemake_looks_for_them(conda, tmp_path):
    """Held against the Dockerfile that Snakemake itself writes of the same environments."""
    path = {"PATH": f"{conda}:/usr/bin:/bin"}
    (script,) = (text for word, text in STAGES["conda"] if word == "RUN")
    script = script.replace("/envs/*", f"{REPOSITORY}/envs/*")
    script = script.replace("/conda-envs/", f"{tmp_path}/conda-envs/")
    subprocess.run(["sh", "-c", script], env={**path, "CUDA": "12.9"}, check=True)
    config = write_config(tmp_path, TINY)
    workflow = copy_workflow(tmp_path / "workflow")
    run = snakemake(workflow, config, "--containerize", "dockerfile", environment=path)
    assert run.returncode == 0, run.stderr
    wanted = dict(re.findall(r"^COPY (\S+) /conda-envs/(\w+)/environment.yaml$", run.stdout, re.M))
    assert len(wanted) == 3
    for source, prefix in wanted.items():
        made = tmp_path / "conda-envs" / prefix
        assert (made / "made").read_text() == "12.9\n"
        name = source.rpartition("/")[2]
        own = (REPOSITORY / "envs" / name).read_text()
        assert (made / "environment.yaml").read_text() == own


def test_jobs_run_in_the_image_where_apptainer_is_asked_for(tmp_path):
    """A stand-in for apptainer tells what it is given, and runs it without an image."""
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin/apptainer"
    stand_in.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = --version ]; then echo "apptainer version 1.4.0"; exit; fi\n'
        f'echo "$@" | tr "\\n" " " >> {shlex.quote(str(tmp_path / "asked"))}\n'
        "exit 1\n"
    )
    stand_in.chmod(0o755)
    workflow = copy_workflow(tmp_path / "workflow")
    config = write_config(tmp_path, TINY)
    run = snakemake(
        workflow, config, "results/tiny/sequences.fa.gz", "--sdm", "apptainer",
        environment={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"},
    )  # fmt: skip
    assert run.returncode == 1
    asked = (tmp_path / "asked").read_text()
    assert asked.split()[0] == "exec"
    assert f"{workflow}/basetag.sif" in asked
    assert "simulate_hmm.py" in asked
