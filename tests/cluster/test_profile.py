"""profiles/slurm on a real Slurm: the results of a local run, and GPUs as they were asked for."""

import itertools
import os
from datetime import datetime

import pytest

from tests.cluster.site import NETWORKS, PATIENCE, QUICK, set_up_site, table_of

#: Memory of a training, so that none needs a second attempt.
ENOUGH = {"set-resources": {"train_tagger": {"first_mem_mb": 4000}}}

PREDICTIONS = ("posteriors*", "calls*", "hidden.npz", "predict_timing.json")


def of_rule(jobs, rule):
    return [job for job in jobs if job["Comment"].startswith(f"rule_{rule}_wildcards_")]


@pytest.fixture(scope="module")
def by_slurm(cluster, site, undisturbed):
    """The whole workflow through the profile, and the jobs that it made."""
    folder = site.new_run("by_slurm")
    profile = set_up_site(site.copy, QUICK, ENOUGH)
    run = site.run(
        folder, "--workflow-profile", str(profile), "results/comparison.tsv",
        environment=cluster.environment,
    )  # fmt: skip
    assert run.wait(PATIENCE) == 0, run.log()
    return folder, cluster.jobs()


@pytest.fixture(scope="module")
def asked_otherwise(cluster, site, undisturbed):
    """A training and predictions at a site that wants its GPUs named, by model or by gres."""
    folder = site.new_run_with_data("asked", undisturbed, without=(NETWORKS[0], *PREDICTIONS))
    profile = set_up_site(
        site.copy,
        QUICK,
        ENOUGH,
        {
            "set-resources": {
                "train_tagger": {"gpu_model": "fake", "slurm_partition": "gpu"},
                "predict_network": {"gpu": None, "gres": "'gpu:fake:1'"},
            }
        },
    )
    before = {job["JobId"] for job in cluster.jobs()}
    targets = [f"results/toy/{tagger}/seed1/predict_timing.json" for tagger in NETWORKS]
    run = site.run(
        folder, "--workflow-profile", str(profile), *targets, environment=cluster.environment
    )
    assert run.wait(PATIENCE) == 0, run.log()
    return [job for job in cluster.jobs() if job["JobId"] not in before]


def test_the_comparison_is_that_of_a_local_run(by_slurm, undisturbed):
    folder, _ = by_slurm
    assert table_of(folder) == table_of(undisturbed)


def test_short_steps_share_a_job(by_slurm):
    _, jobs = by_slurm
    comments = [job["Comment"] for job in jobs]
    for group, rules in (
        ("data", ("simulate_hmm", "encode_fasta", "split_records", "make_controls")),
        ("baselines", ("fit_baseline", "predict_baseline")),
        ("judgement", ("evaluate_tagger",)),
    ):
        assert any(text.startswith(f"rule_{group}_") for text in comments), comments
        for rule in rules:
            assert not of_rule(jobs, rule)


def test_trainings_and_predictions_ask_for_a_gpu_and_nothing_else_does(by_slurm):
    _, jobs = by_slurm
    assert len(of_rule(jobs, "train_tagger")) == len(NETWORKS)
    on_gpus = [job for job in jobs if "TresPerJob" in job or "TresPerNode" in job]
    expected = of_rule(jobs, "train_tagger") + of_rule(jobs, "predict_network")
    assert {job["JobId"] for job in on_gpus} == {job["JobId"] for job in expected}
    assert {job["TresPerJob"] for job in on_gpus} == {"gres:gpu:1"}


def test_the_fake_gpu_of_a_node_has_one_job_at_a_time(by_slurm, site):
    """By Slurm's own times; and no job found its card locked: it would have failed."""
    _, jobs = by_slurm
    spans = sorted(
        (job["NodeList"], *(datetime.fromisoformat(job[key]) for key in ("StartTime", "EndTime")))
        for job in jobs
        if job.get("TresPerJob") == "gres:gpu:1"
    )
    assert {node for node, *_ in spans} == {"n1", "n2"}
    for (node, _, end), (next_node, start, _) in itertools.pairwise(spans):
        assert node != next_node or end <= start
    assert {file.name for file in (site.copy / "cards").iterdir()} >= {"n1.0", "n2.0"}


def test_a_gpu_can_be_asked_for_by_its_model(asked_otherwise):
    (job,) = of_rule(asked_otherwise, "train_tagger")
    assert job["TresPerJob"] == "gres:gpu:fake:1"
    assert job["Partition"] == "gpu"


def test_a_gpu_can_be_asked_for_by_gres_alone(asked_otherwise):
    """The job computes on it: the stand-in for CUDA holds the count against what it was granted."""
    jobs = of_rule(asked_otherwise, "predict_network")
    assert {job["TresPerNode"] for job in jobs} == {"gres:gpu:fake:1"}
    assert not any("TresPerJob" in job for job in jobs)


def test_no_job_is_a_member_of_an_array(by_slurm):
    """In the plugin's arrays one member deletes the outputs of another: docs/cluster.md."""
    _, jobs = by_slurm
    assert not any("ArrayJobId" in job for job in jobs)


@pytest.mark.parametrize("gpus", [1, 2])
def test_a_local_run_has_no_more_jobs_on_gpus_than_its_cap(site, undisturbed, gpus):
    """Of two trainings on one card the second finds it locked, unless it waits for its turn."""
    folder = site.new_run_with_data(f"local{gpus}", undisturbed, without=NETWORKS)
    targets = [f"results/toy/{tagger}/seed1/history.tsv" for tagger in NETWORKS[:2]]
    run = site.run(
        folder, "--workflow-profile", "profiles/gpu", "--cores", "2",
        "--resources", f"gpu={gpus}", "--", *targets,
        environment=os.environ | {"CUDA_VISIBLE_DEVICES": "0"},
    )  # fmt: skip
    assert (run.wait(PATIENCE) == 0) == (gpus == 1), run.log()
    assert ("BlockingIOError" in run.log()) == (gpus == 2)
