"""Every config that is shown is one, and the examples run."""

import re

import pytest
import yaml

from basetag.config import load_config
from basetag.config.datasets import VARIATIONS
from tests.conftest import REPOSITORY
from tests.workflow import copy_workflow, planned, snakemake

TAGGERS, SWEEPS, MODELS = (
    (REPOSITORY / f"docs/{page}.md").read_text() for page in ("taggers", "sweeps", "models")
)
#: What the taggers of the page are made for: beside segments, what rules and programs call.
SEGMENTS = {"blocks": {"simulate": {"hmm": "blocks", "records": 40, "length": 500}}}
CALLED = {
    "islands": {"simulate": {"hmm": "cpg", "records": 40, "length": 500}},
    "genes": {
        "fasta": "genome.fa.gz",
        "labels": {
            "gff": "genome.gff.gz",
            "features": {"CDS": "coding"},
            "stranded": True,
            "background": "noncoding",
        },
    },
}
SMALL = {"bases": 4000, "batch": 4, "window": 100, "validations": 2, "validation_bases": 500}


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", TAGGERS, re.DOTALL))
def test_the_taggers_of_the_page_are_a_config(text, tmp_path):
    config = yaml.safe_load(text)
    config.setdefault("datasets", SEGMENTS | (CALLED if "baseline:" in text else {}))
    for name in ("genome.fa.gz", "genome.gff.gz"):
        (tmp_path / name).touch()
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    checked = load_config(config, [tmp_path / "config.yaml"], REPOSITORY)
    assert {name for _, name, _ in checked.runs()} == set(config["taggers"])


def test_the_sweep_of_the_page_has_the_rows_and_names_that_it_tells(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", SWEEPS, re.DOTALL)
    config = yaml.safe_load((REPOSITORY / "config.yaml").read_text()) | yaml.safe_load(text)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    runs = load_config(config, [tmp_path / "config.yaml"], REPOSITORY).sweep_runs("wrong_model")
    (told,) = re.findall(r"(\d+) rows", SWEEPS)
    assert len(runs) == int(told)
    assert ("blocks-contrast0p5-mean_length100", "bilstm-bases4000000", 2) in runs


def test_the_variations_of_the_page_are_those_of_a_simulation(tmp_path):
    (text,) = re.findall(r"```yaml\n(datasets:.*?)```", MODELS, re.DOTALL)
    config = yaml.safe_load(text) | {"taggers": {"exact": {"baseline": "exact"}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    checked = load_config(config, [tmp_path / "config.yaml"], REPOSITORY)
    assert len(checked.simulate_settings("durations")["hmm"]["states"]) == 16
    assert tuple(re.findall(r"^\| `(\w+): \w`", MODELS, re.MULTILINE)) == VARIATIONS


@pytest.mark.parametrize("example", sorted(path.name for path in REPOSITORY.glob("examples/*")))
def test_an_example_can_be_planned(example, tmp_path):
    workflow = copy_workflow(tmp_path / "workflow")
    text = (REPOSITORY / "examples" / example).read_text()
    (tmp_path / example).write_text(text)
    assert {"train_tagger", "render_report"} <= planned(workflow, tmp_path / example)


def test_the_ceiling_in_small_ends_in_a_report(tmp_path):
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/ceiling.yaml").read_text())
    config["datasets"] = {"mean100": config["datasets"]["mean100"]}
    config["datasets"]["mean100"]["simulate"] |= {"records": 60, "length": 400}
    config["training"] |= SMALL
    config["seeds"] = [1]
    (tmp_path / "ceiling.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(workflow, tmp_path / "ceiling.yaml")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "results/report.html").stat().st_size > 100_000
    table = (tmp_path / "results/comparison.tsv").read_text()
    assert {line.split("\t")[1] for line in table.splitlines()[1:]} == set(config["taggers"])


@pytest.mark.parametrize("example", ["wrong_model", "sweeps"])
def test_the_sweeps_of_an_example_cover_what_it_says(example, tmp_path):
    path = REPOSITORY / f"examples/{example}.yaml"
    config = load_config(yaml.safe_load(path.read_text()), [path], REPOSITORY)
    axes = {
        axis.partition(".")[2]
        for sweep in config.plans
        for axis in config.summarise_sweep_settings(sweep)["axes"]
    }
    mapped = {"simulate.contrast", "simulate.mean_length", "training.bases"}
    figures = {"hidden", "layers", "training.bases", "simulate.mean_length", "cell"}
    assert axes == {"wrong_model": mapped, "sweeps": figures}[example]


def test_the_wrong_model_in_small_ends_in_a_table(tmp_path):
    workflow = copy_workflow(tmp_path / "workflow")
    config = yaml.safe_load((REPOSITORY / "examples/wrong_model.yaml").read_text())
    del config["datasets"]["flickers"], config["taggers"]["majority"]
    config["datasets"]["durations"]["simulate"] |= {"records": 100, "length": 2000}
    sweep = config["sweeps"]["explicit_duration"]
    config["sweeps"] = {"explicit_duration": sweep}
    sweep["datasets"]["durations"] = {"simulate.contrast": [1], "simulate.mean_length": [20]}
    sweep["taggers"]["bigru"]["training.bases"] = [4000]
    config["training"] |= SMALL
    (tmp_path / "wrong_model.yaml").write_text(yaml.safe_dump(config))
    target = "results/sweeps/explicit_duration.tsv"
    run = snakemake(workflow, tmp_path / "wrong_model.yaml", target)
    assert run.returncode == 0, run.stderr
    header, *lines = (tmp_path / target).read_text().splitlines()
    rows = [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]
    attained = {row["tagger_base"]: float(row["attained"]) for row in rows}
    assert attained["exact"] == 1
    assert 0 < attained["hmm_counts"] < 0.6  # of first order, and wrong
    assert {path.parts[-3] for path in (tmp_path / "results").glob("*/*/seed*/*.npy")} == {"exact"}
