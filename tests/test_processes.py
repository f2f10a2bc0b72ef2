"""One job on several processes: the same training, one log, one end."""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file

from basetag.devices import Devices
from basetag.errors import BasetagError, DeviceError, InputError
from basetag.job_log import job_log
from basetag.networks.tagger_network import TaggerNetwork
from basetag.training import loop as training
from basetag.training.checkpoints import CheckpointFolder
from basetag.training.loop import train
from basetag.training.nodes import Node, run_on_all_nodes, this_node
from basetag.training.processes import launch
from tests.conftest import REPOSITORY
from tests.test_checkpoints import corpus_of
from tests.test_training import stretch

CPU = Devices("cpu")
SETTINGS = {
    "bases": 60 * 8 * 99, "batch": 7, "window": 100, "learning_rate": 0.02, "weight_decay": 0.01,
    "clip": 1.0, "warmup": 0.1, "mask": 0.01, "validations": 6, "validation_bases": 2000,
    "schedule": "one_cycle", "patience": None, "epochs": None, "labels": None,
    "class_weights": {"N": 1.0, "Y": 2.0},
    "reverse_complement": False,
}  # fmt: skip


def train_in(fabric, folder, seconds_a_step=0.0):
    """Train, in each process, and write what came of it in the first."""
    torch.set_num_threads(1)
    if seconds_a_step:
        draw = training.WindowSampler.draw

        def slowly(*arguments):
            (folder / "begun").touch()
            time.sleep(seconds_a_step)
            return draw(*arguments)

        training.WindowSampler.draw = slowly
    corpus = corpus_of()
    network = TaggerNetwork(corpus.alphabet, 2, cell="gru", hidden=8, bidirectional=True)
    network.initialise(torch.Generator().manual_seed(1))
    run = train(
        fabric, network, corpus, stretch(0, 8000), stretch(8000, 10_000), SETTINGS, seed=1,
        checkpoints=CheckpointFolder(folder / "checkpoints", "run"),
    )  # fmt: skip
    if fabric.is_global_zero:
        save_file(network.state_dict(), folder / "weights.safetensors")
        rows = [(row.train_loss, row.validation_loss, row.bases) for row in run.history]
        np.savetxt(folder / "history.txt", rows)


def fail_in_each(fabric):
    raise InputError(f"no label, says one of {fabric.world_size}", advice="label some")


def log_in_each(fabric):
    logging.getLogger("basetag.sub").info("process %d of %d", fabric.global_rank, 2)


def test_two_processes_follow_the_loss_curve_of_one(tmp_path):
    """By gloo, on a batch of seven windows that they share as four and three."""
    for processes in (1, 2):
        (tmp_path / str(processes)).mkdir()
        launch(CPU, "float32", train_in, tmp_path / str(processes), processes=processes)
    one, two = (np.loadtxt(tmp_path / name / "history.txt") for name in "12")
    assert one.shape == (6, 3)
    assert one[-1, 1] < 0.8 * one[0, 1]
    np.testing.assert_allclose(two, one, rtol=1e-5)
    weights, others = (load_file(tmp_path / name / "weights.safetensors") for name in "12")
    for name, value in weights.items():
        torch.testing.assert_close(others[name], value, rtol=0, atol=1e-4)


def test_an_error_in_the_processes_is_the_jobs_own():
    with pytest.raises(BasetagError, match=r"^no label, says one of 2; label some$"):
        launch(CPU, "float32", fail_in_each, processes=2)


def fail_in_the_second(fabric):
    if fabric.global_rank == 1:
        raise InputError("no label in the second")
    time.sleep(60)


def test_an_error_in_one_process_ends_the_others():
    began = time.monotonic()
    with pytest.raises(BasetagError, match=r"^no label in the second$"):
        launch(CPU, "float32", fail_in_the_second, processes=2)
    assert time.monotonic() - began < 50


def test_the_first_process_goes_on_in_the_log_of_the_job(tmp_path):
    with job_log(tmp_path / "log"):
        logging.getLogger("basetag").info("before")
        launch(CPU, "float32", log_in_each, processes=2)
        logging.getLogger("basetag").info("behind")
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.split(" INFO ")[1] for line in lines] == ["before", "process 0 of 2", "behind"]


def parent(folder):
    launch(CPU, "float32", train_in, folder, 0.05, processes=2)


def test_sigterm_reaches_all_processes_and_a_rerun_goes_on_to_the_same_bits(tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=parent, args=(tmp_path,))
    process.start()
    while not (tmp_path / "begun").exists():
        assert process.is_alive()
        time.sleep(0.05)
    time.sleep(0.3)
    process.terminate()
    process.join(60)
    assert process.exitcode == 128 + signal.SIGTERM
    last = CheckpointFolder(tmp_path / "checkpoints", "run").read_last()
    assert last.step in range(training.AGREED_STEPS, 60, training.AGREED_STEPS)
    launch(CPU, "float32", train_in, tmp_path, processes=2)
    (tmp_path / "undisturbed").mkdir()
    launch(CPU, "float32", train_in, tmp_path / "undisturbed", processes=2)
    for name in ("weights.safetensors", "history.txt"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


def test_bfloat16_without_a_gpu_is_refused():
    with pytest.raises(DeviceError, match="bfloat16 is for GPUs, and this job has none; set"):
        launch(CPU, "bfloat16", fail_in_each)


def test_a_job_on_one_device_runs_where_it_is():
    found = []
    launch(CPU, "float32", lambda fabric, what: found.append((fabric, what)), "given")
    assert isinstance(found[0][0], Fabric)
    assert found[0][1] == "given"
    assert found[0][0].world_size == 1


# ---- Several nodes

#: Starts the command once for each node, as srun does, all of them on this machine.
SRUN = """#!/bin/sh
while [ "${1#--}" != "$1" ]; do
    case "$1" in --ntasks=*) tasks=${1#--ntasks=} ;; esac
    shift
done
trap 'kill $running' TERM
for node in $(seq 0 $((tasks - 1))); do
    SLURM_NODEID=$node "$@" &
    running="$running $!"
done
status=0
for one in $running; do wait "$one" || status=$?; done
exit $status
"""

#: What an entry script does, by the training of these tests.
ENTRY = """
import sys
from pathlib import Path
from basetag.devices import Devices
from basetag.training.nodes import run_on_all_nodes, started_as, this_node
from basetag.training.processes import launch
from tests.test_processes import train_in

if __name__ == "__main__":
    status = run_on_all_nodes(2, started_as())
    if status is not None:
        print("all have ended", this_node())
        sys.exit(status)
    launch(Devices("cpu"), "float32", train_in, Path(sys.argv[1]))
"""


@pytest.fixture
def on_two_nodes(tmp_path):
    """A function that runs a training on what looks like two nodes of a job of Slurm's."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/srun").write_text(SRUN)
    (tmp_path / "bin/srun").chmod(0o755)
    (tmp_path / "entry.py").write_text(ENTRY)

    def run(*arguments):
        environment = {
            **os.environ,
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": f"{REPOSITORY / 'scripts'}:{REPOSITORY}",
            "SLURM_JOB_NUM_NODES": "2", "SLURMD_NODENAME": "localhost", "SLURM_NTASKS": "1",
            "SLURM_PROCID": "0", "SLURM_JOB_ID": "7",
        }  # fmt: skip
        command = [sys.executable, str(tmp_path / "entry.py"), *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def test_two_nodes_by_a_stand_in_for_srun_end_in_the_bits_of_two_processes(on_two_nodes, tmp_path):
    for name in ("nodes", "processes"):
        (tmp_path / name).mkdir()
    run = on_two_nodes(tmp_path / "nodes")
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("all have ended Node(count=1, rank=0)") == 1
    launch(CPU, "float32", train_in, tmp_path / "processes", processes=2)
    for name in ("weights.safetensors", "history.txt"):
        nodes, processes = (tmp_path / folder / name for folder in ("nodes", "processes"))
        assert nodes.read_bytes() == processes.read_bytes()


def test_gpus_are_shared_out_evenly_among_nodes():
    assert [Node(2, 1).share_of(gpus) for gpus in (0, 2, 8)] == [0, 1, 4]
    assert Node().share_of(3) == 3
    with pytest.raises(DeviceError, match="3 GPUs cannot be shared out evenly among 2 nodes; set"):
        Node(2, 0).share_of(3)


def test_a_job_on_one_node_starts_no_copies_also_in_a_shell_on_several(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "2")
    assert run_on_all_nodes(1, ["false"]) is None
    assert this_node() == Node(1, 0)


@pytest.mark.parametrize("given", [None, "1"])
def test_a_job_that_lacks_its_nodes_does_not_run_on_one(given, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_NUM_NODES", raising=False)
    if given:
        monkeypatch.setenv("SLURM_JOB_NUM_NODES", given)
    with pytest.raises(DeviceError, match=f"asks for 2 nodes, and Slurm gave it {given or 0}"):
        run_on_all_nodes(2, ["false"])


def test_what_a_shell_of_slurms_exports_changes_nothing_on_one_node(tmp_path, monkeypatch):
    """Of another job, or of a shell that somebody has opened in one."""
    (tmp_path / "plain").mkdir()
    launch(CPU, "float32", train_in, tmp_path / "plain", processes=2)
    others = {"NODE_RANK": "1", "GROUP_RANK": "1", "LOCAL_RANK": "1", "MASTER_ADDR": "nowhere",
              "MASTER_PORT": "1", "SLURM_NTASKS": "4", "SLURM_PROCID": "3", "SLURM_JOB_ID": "7",
              "SLURM_NODELIST": "nowhere"}  # fmt: skip
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "slurm").mkdir()
    launch(CPU, "float32", train_in, tmp_path / "slurm", processes=2)
    weights = [tmp_path / name / "weights.safetensors" for name in ("plain", "slurm")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
