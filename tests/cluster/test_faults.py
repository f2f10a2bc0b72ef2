"""Whatever happens to a training on a cluster, it goes on from its checkpoint to the same results.

A real Slurm runs the workflow by profiles/slurm, and the faults are real: a signal, a limit, a node
that is gone. `tests.cluster.site` says what of the workflow is not as it is elsewhere.
"""

import os
import re
import signal

import pytest

from tests.cluster.site import (
    NETWORKS,
    PATIENCE,
    QUICK,
    set_up_site,
    table_of,
    wait_until,
)


def files_of(folder, tagger):
    run = folder / "results" / "toy" / tagger / "seed1"
    names = ("tagger.safetensors", "last.safetensors", "history.tsv")
    return {name: (run / name).read_bytes() for name in names}


def log_of(folder, tagger):
    path = folder / "logs" / "train_tagger" / f"toy.{tagger}.seed1.log"
    return path.read_text() if path.exists() else ""


def resumed_step(folder, tagger):
    found = re.search(r"resumed after step (\d+) of", log_of(folder, tagger))
    return int(found[1]) if found else 0


def last_checkpoint(folder, tagger):
    run = folder / "results" / "toy" / tagger / "seed1"
    files = run.glob("checkpoints/*/step*.safetensors")
    return max((int(file.stem[4:]) for file in files), default=0)


def jobs_of(cluster, tagger):
    """The jobs that train a tagger, the oldest first."""
    comment = f"rule_train_tagger_wildcards_toy_{tagger}_1"
    jobs = [job for job in cluster.jobs() if job.get("Comment") == comment]
    return sorted(jobs, key=lambda job: int(job["JobId"]))


def training_job(cluster, folder, tagger, run):
    """Wait until a training has a checkpoint; return its job."""
    wait_until(lambda: last_checkpoint(folder, tagger), PATIENCE, run)
    return jobs_of(cluster, tagger)[-1]


def trainer_of(cluster, job, run):
    """Return the process that trains."""

    def find():
        for process, words in cluster.processes_of(job["JobId"]).items():
            if re.search(r"\S+/\.snakemake/scripts/\S+train_tagger\.py", words):
                return process
        return None

    return wait_until(find, PATIENCE, run)


@pytest.fixture(scope="module")
def profile(site):
    return set_up_site(site.copy, QUICK)


@pytest.fixture(scope="module")
def disturbed(cluster, site, undisturbed, profile):
    """A whole run whose four trainings meet a fault each, and what was seen of them."""
    folder = site.new_run_with_data("disturbed", undisturbed)
    run = site.run(
        folder, "--workflow-profile", str(profile), "results/comparison.tsv",
        environment=cluster.environment,
    )  # fmt: skip
    waiting, steps = {"cancelled", "killed", "overdue"}, {}

    def next_to_meet_its_fault():
        return next((name for name in sorted(waiting) if last_checkpoint(folder, name)), None)

    try:
        while waiting:
            tagger = wait_until(next_to_meet_its_fault, PATIENCE, run)
            waiting.remove(tagger)
            job = jobs_of(cluster, tagger)[-1]
            process = trainer_of(cluster, job, run)
            if tagger == "cancelled":
                cluster.command("scancel", job["JobId"])
            elif tagger == "killed":
                os.kill(process, signal.SIGKILL)
            else:
                # It waits for the end of its time, which else it might not need. Slurm looks at
                # limits twice a minute; that it is to be warned is the profile's word.
                os.kill(process, signal.SIGSTOP)
                hours, minutes, _ = jobs_of(cluster, tagger)[-1]["RunTime"].split(":")
                limit = 60 * int(hours) + int(minutes) + 2
                cluster.command("scontrol", "update", f"JobId={job['JobId']}", f"TimeLimit={limit}")
            steps[tagger] = last_checkpoint(folder, tagger)
        assert run.wait(PATIENCE) == 0, run.log()
    finally:
        run.process.kill()
        run.process.wait()
        cluster.cancel_all()
    return folder, steps


def assert_it_went_on(cluster, disturbed, undisturbed, tagger):
    folder, steps = disturbed
    assert len(jobs_of(cluster, tagger)) > 1
    assert resumed_step(folder, tagger) >= max(1, steps.get(tagger, 1) - 1)
    assert files_of(folder, tagger) == files_of(undisturbed, tagger)


def test_a_cancelled_training_goes_on(cluster, disturbed, undisturbed):
    assert_it_went_on(cluster, disturbed, undisturbed, "cancelled")


def test_a_training_whose_process_was_killed_goes_on(cluster, disturbed, undisturbed):
    assert_it_went_on(cluster, disturbed, undisturbed, "killed")


def test_a_training_that_ran_out_of_time_was_warned_and_goes_on(cluster, disturbed, undisturbed):
    assert_it_went_on(cluster, disturbed, undisturbed, "overdue")
    # It had ended by itself, before its limit: Slurm calls that TIMEOUT else.
    assert jobs_of(cluster, "overdue")[0]["JobState"] == "FAILED"


def test_a_training_that_ran_out_of_memory_goes_on_with_more(cluster, disturbed, undisturbed):
    assert_it_went_on(cluster, disturbed, undisturbed, "greedy")
    first = QUICK["set-resources"]["train_tagger"]["first_mem_mb"]
    asked = [job["MinMemoryNode"] for job in jobs_of(cluster, "greedy")]
    assert asked == [f"{first}M", f"{2 * first}M"]


def test_a_training_that_stopped_in_peace_asks_for_no_more_memory(cluster, disturbed):
    for tagger in ("cancelled", "overdue"):
        asked = {job["MinMemoryNode"] for job in jobs_of(cluster, tagger)}
        assert len(asked) == 1


def test_all_faults_leave_the_comparison_as_it_is(disturbed, undisturbed):
    folder, _ = disturbed
    assert table_of(folder) == table_of(undisturbed)
    assert {row["tagger"] for row in table_of(folder)} == {*NETWORKS, "majority"}


def test_a_training_whose_node_is_lost_goes_on_elsewhere(quiet_cluster, site, undisturbed, profile):
    tagger = "killed"
    folder = site.new_run_with_data("lost", undisturbed)
    run = site.run(
        folder, "--workflow-profile", str(profile), f"results/toy/{tagger}/seed1/history.tsv",
        environment=quiet_cluster.environment,
    )  # fmt: skip
    try:
        job = training_job(quiet_cluster, folder, tagger, run)
        step = last_checkpoint(folder, tagger)
        quiet_cluster.lose_node(job["NodeList"])
        assert run.wait(PATIENCE) == 0, run.log()
    finally:
        run.process.kill()
        run.process.wait()
    assert jobs_of(quiet_cluster, tagger)[-1]["NodeList"] != job["NodeList"]
    assert resumed_step(folder, tagger) >= max(1, step - 1)
    assert files_of(folder, tagger) == files_of(undisturbed, tagger)


def test_a_killed_snakemake_is_restarted_and_submits_only_the_rest(
    quiet_cluster, site, undisturbed, profile
):
    """By the commands of docs/cluster.md: cancel what the dead one left, unlock, run again."""
    done, cut = "cancelled", "killed"
    folder = site.new_run_with_data("restarted", undisturbed)
    wanted = [f"results/toy/{tagger}/seed1/history.tsv" for tagger in (done, cut)]

    def start(*arguments):
        return site.run(
            folder, "--workflow-profile", str(profile), *arguments,
            environment=quiet_cluster.environment,
        )  # fmt: skip

    first = start(wanted[0])
    assert first.wait(PATIENCE) == 0, first.log()
    second = start(*wanted)
    try:
        training_job(quiet_cluster, folder, cut, second)
    finally:
        second.process.kill()
        second.process.wait()
    name = re.search(r"SLURM run ID: (\S+)", second.log())[1]
    assert name.startswith("basetag_")
    quiet_cluster.command("scancel", "--name", name)
    step = last_checkpoint(folder, cut)
    quiet_cluster.wait_until_idle()
    refused = start(*wanted)
    assert refused.wait(PATIENCE) != 0
    assert "--unlock" in refused.log()
    assert start("--unlock", *wanted).wait(PATIENCE) == 0
    last = start(*wanted)
    assert last.wait(PATIENCE) == 0, last.log()
    assert len(jobs_of(quiet_cluster, done)) >= 1
    assert f"{done}, seed 1" not in last.log()
    assert resumed_step(folder, cut) >= max(1, step)
    for tagger in (done, cut):
        assert files_of(folder, tagger) == files_of(undisturbed, tagger)
