"""A sweep of a thousand trainings: it is planned whole, and its posteriors never fill a disk."""

import re

import pytest
import yaml

from tests.workflow import copy_workflow, snakemake

BASE = {
    "datasets": {"toy": {"simulate": {"hmm": "toy", "records": 60, "length": 200}}},
    "taggers": {
        "net": {"cell": "lstm", "hidden": 8},
        "window": {"baseline": "gc_window"},
        "exact": {"baseline": "exact"},
    },
    "training": {"bases": 10_000, "batch": 4, "window": 100},
    "evaluation": {"pairs": 50, "controls": {"bases": 2000}},
}


def write(folder, **sweep):
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump(BASE | {"sweeps": {"grid": sweep}}))
    return path


@pytest.fixture
def workflow(tmp_path):
    return copy_workflow(tmp_path / "workflow")


def test_a_thousand_trainings_are_planned_each_with_posteriors_that_go(workflow, tmp_path):
    config = write(
        tmp_path,
        datasets={"toy": {}},
        taggers={
            "net": {
                "hidden": list(range(2, 12)),
                "training.bases": [1000 * n for n in range(1, 11)],
                "training.learning_rate": [0.001 * n for n in range(1, 11)],
            }
        },
    )
    run = snakemake(workflow, config, "--dry-run", "--quiet", "rules")
    assert run.returncode == 0, run.stderr
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", run.stdout, re.M))
    # With the base itself, its posteriors kept.
    assert (jobs["train_tagger"], jobs["predict_network_of_sweep"]) == ("1001", "1000")
    assert jobs["predict_network"] == "1"
    assert jobs["evaluate_tagger"] == "1003"


#: In place of every script of a rule. An evaluation counts the posteriors that lie there.
STAND_IN = """
from pathlib import Path
for name in snakemake.output:
    path = Path(name)
    path.mkdir() if path.name == "figures" else path.write_text("made")
if "metrics" in snakemake.output.keys():
    there = len(list(Path("results").glob("*/*-*/seed*/posteriors.npy")))
    with open("there.txt", "a") as file:
        print(there, file=file)
"""


def test_posteriors_of_points_are_judged_before_more_are_predicted(workflow, tmp_path):
    for script in (workflow / "scripts").glob("*.py"):
        script.write_text(STAND_IN)
    points = 12
    config = write(
        tmp_path, datasets={"toy": {}},
        taggers={"window": {"window": [11 + 2 * n for n in range(points)]}},
    )  # fmt: skip
    run = snakemake(workflow, config, "--quiet", "all")
    assert run.returncode == 0, run.stderr
    there = [int(line) for line in (tmp_path / "there.txt").read_text().split()]
    assert len(there) == points + 3
    assert max(there) <= 2  # one for each of the two cores
    assert not list(tmp_path.glob("results/*/*-*/seed*/*.npy"))
