"""Each wrong input is told in one line that says where, what and what to do, and leaves nothing."""

import json
from pathlib import Path

import pytest
import yaml

import encode_fasta
import encode_features
import encode_genome
import preflight
import split_records
from basetag.config import load_config
from basetag.config.preflight import preflight_files, preflight_settings
from basetag.errors import ConfigError
from basetag.files import canonical_json
from basetag.job_log import job_log
from tests.conftest import REPOSITORY
from tests.workflow import copy_workflow, snakemake
from tests.wrong_inputs import GENOME, IN_CONFIG, IN_FILES, STATES, Wrong

RESULTS = Path("results")


def lay_out(folder, wrong: Wrong):
    """Write the files of a case and its config, and return the latter's path."""
    for name, content in ({"genome.fa": GENOME, "states.fa": STATES} | wrong.files).items():
        path = folder / name
        if isinstance(content, str):
            path.write_text(content)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content(path)
    taggers = {"majority": {"baseline": "majority"}}
    config = {"datasets": {"mine": wrong.dataset}, "taggers": taggers, **wrong.sections}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def loaded(path):
    return load_config(yaml.safe_load(path.read_text()), [path], REPOSITORY)


def assert_tells(line: str, wrong: Wrong) -> None:
    """The words of the case stand in `line`, one behind the other."""
    at = 0
    for words in wrong.tells:
        found = line.find(words, at)
        assert found >= 0, f"{words!r} is missing, or too early, in: {line}"
        at = found + len(words)


def as_settings(value):
    """What a rule's param says: without tuples, and in the order of its keys."""
    return json.loads(canonical_json(value))


def run_preflight(config):
    preflight.main(
        as_settings(preflight_settings(config)),
        preflight_files(config),
        RESULTS / "preflight.json",
        RESULTS / "preflight.tsv",
        gpus=0,
        elsewhere=False,
    )


def run_jobs(config):
    """Do what the rules that read the user's files do, one after the other."""
    corpus = RESULTS / "mine" / "corpus"
    encode_fasta.main(
        as_settings(config.encode_settings("mine")),
        config.sequence_file("mine"),
        config.label_file("mine"),
        corpus,
    )
    if config.feature_files("mine"):
        settings = as_settings(config.encode_features_settings("mine"))
        encode_features.main(settings, corpus, config.feature_files("mine"))
    split_records.main(
        as_settings(config.split_settings("mine")),
        corpus,
        config.split_table("mine"),
        RESULTS / "mine" / "split.tsv",
    )
    for name in config.model.annotate:
        settings = as_settings(config.encode_genome_settings(name))
        encode_genome.main(settings, config.genome_file(name), RESULTS / "genomes" / name)


def failing(job, config, capsys) -> str:
    """Run what must end with status 1 and one line of error, and return the line."""
    with pytest.raises(SystemExit) as ended, job_log("logs/job.log"):
        job(config)
    assert ended.value.code == 1
    (line,) = [text for text in capsys.readouterr().err.splitlines() if " INFO " not in text]
    assert Path("logs/job.log").read_text().splitlines()[-1] == line
    _, _, level, told = line.split(" ", 3)
    assert level == "ERROR"
    return told


@pytest.mark.parametrize("wrong", IN_CONFIG, ids=lambda wrong: wrong.called)
def test_a_wrong_config_is_told_in_one_line(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = lay_out(tmp_path, wrong)
    with pytest.raises(ConfigError) as caught:
        loaded(path)
    assert "\n" not in str(caught.value)
    assert_tells(str(caught.value), wrong)


@pytest.mark.parametrize("wrong", IN_FILES, ids=lambda wrong: wrong.called)
def test_a_wrong_file_ends_preflight_and_its_rule_with_the_same_line_and_leaves_nothing(
    wrong, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    config = loaded(lay_out(tmp_path, wrong))
    told = failing(run_preflight, config, capsys)
    assert_tells(told, wrong)
    assert list(RESULTS.iterdir()) == []
    told_later = failing(run_jobs, config, capsys)
    assert told.removeprefix("dataset mine: ") == told_later
    left = {path.relative_to(RESULTS).as_posix() for path in RESULTS.rglob("*") if path.is_file()}
    # What stood before the wrong file was read is whole.
    whole = {f"mine/corpus/{name}" for name in WHOLE_CORPUS}
    later = wrong.dataset.keys() & {"split", "features"}
    assert left - {"mine/split.tsv"} == (whole if later else set())


#: What encode_fasta writes.
WHOLE_CORPUS = ("corpus.json", "labels.npy", "records.tsv", "tokens.npy")

BY_SNAKEMAKE = (
    "a letter that is none",
    "a BGZF without its end",
    "NC_000001.11 for chr1",
    "a bigWig of another genome",
    "a value that stands for no split",
)


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    return copy_workflow(tmp_path_factory.mktemp("wrong") / "workflow")


@pytest.mark.parametrize("called", BY_SNAKEMAKE)
def test_a_wrong_file_ends_a_run_before_anything_is_computed(called, workflow, tmp_path):
    (wrong,) = [wrong for wrong in IN_FILES if wrong.called == called]
    run = snakemake(workflow, lay_out(tmp_path, wrong))
    assert run.returncode == 1
    (line,) = [text for text in run.stderr.splitlines() if " ERROR " in text]
    assert_tells(line, wrong)
    assert "Traceback" not in run.stderr
    assert "Looking at the files" in run.stderr + run.stdout
    assert "Encoding" not in run.stderr + run.stdout
    assert [path for path in (tmp_path / "results").rglob("*") if path.is_file()] == []


def test_all_that_is_wrong_is_told_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    wrong = {case.called: case for case in IN_FILES}
    path = lay_out(tmp_path, wrong["proteins to annotate"])
    (tmp_path / "genome.fa").write_text(">a\nAC!GT\n")
    config = loaded(path)
    with pytest.raises(SystemExit), job_log("logs/job.log"):
        run_preflight(config)
    first, second = capsys.readouterr().err.splitlines()
    assert "genome.fa, line 2, column 3" in first
    assert "other.fa, line 2" in second
