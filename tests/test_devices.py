"""Jobs of one machine: which devices each computes on, and that no two share a card."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from types import SimpleNamespace

import pytest
import torch

from basetag.cards import claim_cards
from basetag.devices import (
    Devices,
    choose_device,
    choose_devices,
    describe_devices,
    is_out_of_memory,
)
from basetag.errors import DeviceError
from tests.conftest import REPOSITORY

#: Claims cards, says which, and holds them until its standard input ends.
JOB = """
import signal, sys
from pathlib import Path
from basetag.cards import claim_cards

signal.alarm(60)  # what would wait for ever ends, and its test fails
folder, count, *cards = sys.argv[1:]
print(*claim_cards(cards, int(count), Path(folder)), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Start a job that claims `count` of `cards`, as a process of its own."""
    jobs = []

    def start(count, cards, folder=tmp_path, code=JOB):
        job = subprocess.Popen(
            [sys.executable, "-c", code, folder, str(count), *cards],
            env={"PYTHONPATH": str(REPOSITORY / "scripts")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        jobs.append(job)
        return job

    yield start
    for job in jobs:
        job.kill()
        with job:
            pass  # closes its pipes and waits for it


def claimed(job):
    return [int(index) for index in job.stdout.readline().split()]


def waits(job):
    return "waiting" in job.stderr.readline()


def end(job):
    job.stdin.close()
    assert job.wait(timeout=30) == 0


def kill(job):
    job.send_signal(signal.SIGKILL)
    job.wait()


# Claims.


def test_jobs_that_start_together_get_a_card_each(start):
    jobs = [start(1, "abcd") for _ in range(4)]
    assert sorted(index for job in jobs for index in claimed(job)) == [0, 1, 2, 3]


def test_jobs_that_number_the_cards_differently_get_different_cards(start):
    assert claimed(start(1, "ab")) == [0]
    assert claimed(start(1, "ba")) == [0]


def test_a_job_waits_for_a_card_and_says_so(start):
    first, second = start(1, "ab"), start(1, "ab")
    (freed,), (kept,) = claimed(first), claimed(second)
    third = start(1, "ab")
    assert waits(third)
    end(first)
    assert claimed(third) == [freed] != [kept]


def test_a_killed_job_frees_its_card(start):
    first = start(1, "a")
    assert claimed(first) == [0]
    second = start(1, "a")
    assert waits(second)
    kill(first)
    assert claimed(second) == [0]


def test_a_process_that_a_killed_job_leaves_behind_holds_no_card(start):
    forks = "import os; os.fork(); print(flush=True); sys.stdin.read()"
    first = start(1, "a", code=JOB.replace("sys.stdin.read()", forks))
    assert claimed(first) == [0]
    assert [first.stdout.readline() for _ in range(2)] == ["\n", "\n"]
    kill(first)
    assert claimed(start(1, "a")) == [0]


def test_a_job_that_lacks_one_of_its_cards_leaves_the_others_to_the_rest(start):
    first = start(1, "abc")
    assert claimed(first) == [0]
    pair = start(3, "abc")
    assert waits(pair)
    second = start(2, "abc")
    assert claimed(second) == [1, 2]
    end(first)
    end(second)
    assert claimed(pair) == [0, 1, 2]


def test_jobs_that_want_the_same_cards_in_opposite_orders_both_get_them(start):
    first = start(1, "ab")
    assert claimed(first) == [0]
    jobs = [start(2, "ab"), start(2, "ba")]
    assert all(waits(job) for job in jobs)
    end(first)
    for job in jobs:
        job.stdin.close()
    assert [claimed(job) for job in jobs] == [[0, 1], [0, 1]]


def test_a_second_claim_of_a_process_takes_the_cards_that_it_has(tmp_path, start):
    assert claimed(start(1, "abc", tmp_path)) == [0]
    assert claim_cards("abc", 1, tmp_path) == (1,)
    assert claim_cards("abc", 1, tmp_path) == (1,)
    assert claim_cards("abc", 2, tmp_path) == (1, 2)
    assert claim_cards("cba", 1, tmp_path) == (0,)


def test_cards_whose_names_are_no_file_names_are_told_apart(tmp_path):
    assert claim_cards(["MIG-GPU-1/0/0", "MIG-GPU-1_0_0", ".."], 3, tmp_path) == (0, 1, 2)
    assert len(list(tmp_path.iterdir())) == 3


def test_the_locks_are_made_for_all_users_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        claim_cards("a", 1, tmp_path / "cards")
    finally:
        os.umask(before)
    (file,) = (tmp_path / "cards").iterdir()
    assert stat.S_IMODE((tmp_path / "cards").stat().st_mode) == 0o1777
    assert stat.S_IMODE(file.stat().st_mode) == 0o666


def test_a_lock_that_may_only_be_read_is_claimed(tmp_path, start):
    end(start(1, "a"))
    (file,) = tmp_path.iterdir()
    file.chmod(0o444)
    assert claimed(start(1, "a")) == [0]


@pytest.mark.parametrize("there", ["a file in the folder's place", "a link that leads nowhere"])
def test_a_folder_that_holds_no_locks_is_told_in_one_line(tmp_path, there):
    folder = tmp_path / "cards"
    if there.startswith("a file"):
        folder.write_text("")
    else:
        folder.mkdir()
        (folder / "a.lock").symlink_to(tmp_path / "gone")
    with pytest.raises(DeviceError, match=r"a\.lock: cannot claim a GPU: .*; .*TMPDIR"):
        claim_cards("a", 1, folder)


def test_more_cards_than_there_are_is_no_claim_to_wait_for(tmp_path):
    with pytest.raises(ValueError, match="2 cards of 1"):
        claim_cards("aa", 2, tmp_path)


# Devices.


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Make torch see so many cards, and return the folder of their locks."""

    def machine(cards, names=("NVIDIA H200",) * 8):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(cards))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(cards))
        monkeypatch.setattr(
            torch.cuda, "get_device_properties", lambda card: SimpleNamespace(uuid=cards[card])
        )
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda card: names[card])
        return tmp_path / "basetag-cards"

    return machine


def test_no_gpu_asked_for_is_the_cpu_and_one_asked_for_is_never_the_cpu(machine):
    machine([])
    assert choose_devices(0) == Devices("cpu")
    assert choose_device(0) == torch.device("cpu")
    with pytest.raises(DeviceError, match=r"1 GPU but torch .* sees no CUDA device.*gpu=0"):
        choose_devices(1)
    machine(["one"])
    assert choose_devices(1) == Devices("cuda", (0,))
    assert choose_device(1) == torch.device("cuda", 0)


def test_a_job_computes_on_the_cards_that_no_other_job_has(machine, start):
    folder = machine("abcd")
    assert claimed(start(1, "a", folder)) == [0]
    assert claimed(start(1, "c", folder)) == [0]
    devices = choose_devices(2)
    assert devices == Devices("cuda", (1, 3))
    assert devices.first == torch.device("cuda", 1)


def test_more_gpus_than_torch_sees_are_refused_with_what_hides_the_others(machine, monkeypatch):
    machine("ab")
    with pytest.raises(DeviceError, match=r"asks for 3 GPUs but torch sees 2; .*2 at most"):
        choose_devices(3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    with pytest.raises(DeviceError, match=r"torch sees 2 \(CUDA_VISIBLE_DEVICES is '4,5'\)"):
        choose_devices(3)


def test_prediction_is_refused_more_than_one_gpu(machine):
    machine("ab")
    with pytest.raises(DeviceError, match=r"asks for 2 GPUs; a tagger predicts on one"):
        choose_device(2)


def test_slices_of_one_card_are_claimed_apart(machine, monkeypatch, start):
    folder = machine(["whole"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1")
    assert claimed(start(1, ["whole MIG-2"], folder)) == [0]
    assert choose_devices(1) == Devices("cuda", (0,))
    assert claimed(start(1, ["whole MIG-1", "whole MIG-3"], folder)) == [1]


def test_devices_are_described_in_words(machine):
    machine("abcd", ["NVIDIA H200", "NVIDIA H200", "NVIDIA L4", "NVIDIA H200"])
    assert describe_devices(Devices("cpu"), 1) == "CPU, 1 thread"
    assert describe_devices(Devices("cpu"), 2) == "CPU, 2 threads"
    assert describe_devices(Devices("cuda", (1,)), 2) == "NVIDIA H200"
    assert describe_devices(Devices("cuda", (0, 1, 3)), 2) == "3 x NVIDIA H200"
    assert describe_devices(Devices("cuda", (0, 1, 2)), 2) == "2 x NVIDIA H200 + NVIDIA L4"


# Errors.


def test_a_tensor_larger_than_the_memory_is_out_of_memory():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    ],
)
def test_memory_that_cuda_and_its_libraries_lack_is_out_of_memory(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize("compute", [
    lambda: torch.ones(2, 3) @ torch.ones(2, 3),
    lambda: torch.empty(2**63 - 1),
    lambda: torch.ones(2).view(3),
])  # fmt: skip
def test_other_errors_of_torch_are_not_out_of_memory(compute):
    with pytest.raises(RuntimeError) as caught:
        compute()
    assert not is_out_of_memory(caught.value)


def test_an_error_that_only_speaks_of_memory_is_not_out_of_memory():
    assert not is_out_of_memory(ValueError("out of memory"))
