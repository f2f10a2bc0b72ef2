"""The leak canary: trained on labels that the sequence knows nothing of, nothing is attained.

Labels are shifted along each record's circle by any amount, all equally likely, and in each record
both states are as common. So the sequence says nothing of a base's label, not even by its
composition, and whatever a tagger seems to know of the test labels has leaked to it.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from tests.workflow import copy_workflow, snakemake

RECORDS, LENGTH, MEAN = 200, 800, 40
EMISSION = np.array([[0.1, 0.4, 0.4, 0.1], [0.4, 0.1, 0.1, 0.4]])
TAGGERS = {
    "gru": {"cell": "gru", "hidden": 8, "bidirectional": True},
    "hmm_counts": {"baseline": "hmm_counts"},
    "majority": {"baseline": "majority"},
}


def write_fasta(path, rows, letters):
    lines = [f">r{i}\n{''.join(letters[k] for k in row)}\n" for i, row in enumerate(rows)]
    path.write_text("".join(lines))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("canary")
    rng = np.random.default_rng(1)
    half = np.cumsum(rng.random((RECORDS, LENGTH // 2)) < 1 / MEAN, axis=1) % 2
    states = np.concatenate([half, 1 - half], axis=1)
    cumulative = EMISSION.cumsum(axis=1)[states]
    bases = (rng.random((RECORDS, LENGTH))[..., None] > cumulative[..., :3]).sum(axis=-1)
    shifts = rng.integers(0, LENGTH, RECORDS)
    shifted = [np.roll(row, shift) for row, shift in zip(states, shifts, strict=True)]
    write_fasta(folder / "genome.fa", bases, "ACGT")
    write_fasta(folder / "true.fa", states, "HL")
    write_fasta(folder / "shifted.fa", shifted, "HL")
    datasets = {
        name: {
            "fasta": "genome.fa",
            "labels": {"fasta": f"{name}.fa", "states": {"H": "GC-rich", "L": "GC-poor"}},
            "split": {"by": "record",
                      "fractions": {"train": 0.6, "validation": 0.1, "test": 0.3}},
        }
        for name in ("shifted", "true")
    }  # fmt: skip
    config = {
        "datasets": datasets,
        "taggers": TAGGERS,
        "training": {"bases": 400_000, "batch": 16, "window": 400, "validations": 2},
        "evaluation": {"pairs": 50},
    }
    path = folder / "canary.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    workflow = copy_workflow(folder / "workflow")
    seeds = {"gru": 1, "hmm_counts": 0, "majority": 0}
    runs = [("shifted", tagger) for tagger in TAGGERS] + [("true", "gru"), ("true", "hmm_counts")]
    targets = [f"results/{d}/{t}/seed{seeds[t]}/metrics.json" for d, t in runs]
    run = snakemake(workflow, path, *targets)
    assert run.returncode == 0, run.stderr
    return {
        run: json.loads((folder / target).read_text())
        for run, target in zip(runs, targets, strict=True)
    }


@pytest.mark.parametrize("tagger", ["gru", "hmm_counts"])
def test_on_shifted_labels_a_tagger_attains_nothing(results, tagger):
    metrics = results["shifted", tagger]
    prior = results["shifted", "majority"]["cross_entropy"]["value"]
    assert metrics["units"]["count"] >= 50
    assert metrics["cross_entropy"]["high"] > prior
    assert metrics["cross_entropy"]["value"] > prior - 0.001
    for name, chance in (("mcc", 0.0), ("auroc", 0.5), ("balanced_accuracy", 0.5)):
        figure = metrics[name]
        assert figure["value"] == chance or figure["low"] <= chance <= figure["high"]


@pytest.mark.parametrize("tagger", ["gru", "hmm_counts"])
def test_on_the_true_labels_the_same_taggers_attain_much(results, tagger):
    metrics = results["true", tagger]
    assert metrics["mcc"]["low"] > 0.5
    assert metrics["cross_entropy"]["high"] < 0.5
    assert metrics["auroc"]["low"] > 0.8
