"""Every config that is shown is one, and the examples run."""

import re

import pytest
import yaml

from basetag.config import load_config
from tests.conftest import REPOSITORY
from tests.workflow import copy_workflow, planned, snakemake

TAGGERS = (REPOSITORY / "docs/taggers.md").read_text()
SMALL = {"bases": 4000, "batch": 4, "window": 100, "validations": 2, "validation_bases": 500}


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", TAGGERS, re.DOTALL))
def test_the_taggers_of_the_page_are_a_config(text, tmp_path):
    config = yaml.safe_load(text)
    config |= {
        "datasets": {"blocks": {"simulate": {"hmm": "blocks", "records": 40, "length": 500}}}
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    checked = load_config(config, [tmp_path / "config.yaml"], REPOSITORY)
    assert {name for _, name, _ in checked.runs()} == set(config["taggers"])


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
