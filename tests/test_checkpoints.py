"""A training run that is cut off anywhere goes on to the same bits."""

import multiprocessing
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file

from basetag.corpus import Corpus
from basetag.training import loop as training
from basetag.training.checkpoints import Checkpoint, CheckpointFolder, checkpoint_digest

STEPS = 240

#: Processes that can be killed; they are forked from one that has imported torch already.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.test_checkpoints"])


class CutError(Exception):
    """Raised in the place of a crash."""


def corpus_of():
    from basetag.alphabet import DNA

    tokens = np.random.default_rng(1).integers(4, size=12_000).astype(np.uint8)
    labels = np.concatenate([[0], tokens[:-1] == 2]).astype(np.uint8)
    return Corpus(
        alphabet=DNA, states=("N", "Y"), state_names={"N": "no", "Y": "yes"}, names=["one"],
        starts=np.array([0]), lengths=np.array([tokens.size]), tokens=tokens, labels=labels,
    )  # fmt: skip


def train_in(folder, checkpoint_seconds, reverse_complement=False):
    from basetag.networks.tagger_network import TaggerNetwork
    from basetag.segments import Segments

    training.CHECKPOINT_SECONDS = checkpoint_seconds
    torch.set_num_threads(1)
    corpus = corpus_of()

    def stretch(start, end):
        start, end = np.array([start]), np.array([end])
        return Segments(record=np.zeros(1, dtype=np.int64), start=start, end=end, offset=start)

    settings = {
        "bases": STEPS * 8 * 99, "batch": 8, "window": 100, "learning_rate": 0.02,
        "weight_decay": 0.01, "clip": 1.0, "warmup": 0.1, "mask": 0.01, "validations": 5,
        "validation_bases": 2000, "schedule": "one_cycle", "patience": None, "epochs": None,
        "labels": None,
        "class_weights": None, "reverse_complement": reverse_complement,
    }  # fmt: skip
    network = TaggerNetwork(corpus.alphabet, 2, cell="lstm", hidden=8, bidirectional=True)
    network.initialise(torch.Generator().manual_seed(1))
    run = training.train(
        Fabric(accelerator="cpu", devices=1), network, corpus, stretch(0, 8000),
        stretch(8000, 10_000), settings, seed=1,
        checkpoints=CheckpointFolder(folder / "checkpoints", "run"),
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    save_file(network.state_dict(), folder / "weights.safetensors")
    (folder / "history.txt").write_text("\n".join(map(repr, run.history)))
    return network, run


def start(folder):
    """Train in a process of its own that writes a checkpoint after every step."""
    process = PROCESSES.Process(target=train_in, args=(folder, 0.0))
    process.start()
    return process


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Weights and history of a run that nothing cut off."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return train_in(folder, 1e9)


def same(network, history, undisturbed):
    expected, run = undisturbed
    weights = expected.state_dict()
    return history == run.history and all(
        torch.equal(value, weights[name]) for name, value in network.state_dict().items()
    )


@pytest.mark.parametrize("step", [1, 47, 48, 49, 100, 239])
def test_a_crash_after_any_step_changes_no_bit(tmp_path, undisturbed, monkeypatch, step):
    """Before, at and after a validation; with and without losses not yet in the history."""
    write = CheckpointFolder.write

    def write_and_crash(self, checkpoint):
        write(self, checkpoint)
        if checkpoint.step == step:
            raise CutError

    monkeypatch.setattr(CheckpointFolder, "write", write_and_crash)
    with pytest.raises(CutError):
        train_in(tmp_path, 0.0)
    monkeypatch.setattr(CheckpointFolder, "write", write)
    network, run = train_in(tmp_path, 1e9)
    assert same(network, run.history, undisturbed)


def test_windows_of_both_strands_are_the_same_ones_when_a_run_goes_on(tmp_path, monkeypatch):
    whole = train_in(tmp_path / "whole", 1e9, reverse_complement=True)
    write = CheckpointFolder.write

    def write_and_crash(self, checkpoint):
        write(self, checkpoint)
        if checkpoint.step % 50 == 0:
            raise CutError

    monkeypatch.setattr(CheckpointFolder, "write", write_and_crash)
    for _ in range(STEPS // 50):
        with pytest.raises(CutError):
            train_in(tmp_path / "cut", 0.0, reverse_complement=True)
    network, run = train_in(tmp_path / "cut", 1e9, reverse_complement=True)
    assert same(network, run.history, whole)


def test_a_process_killed_at_random_moments_ends_in_the_same_bits(tmp_path, undisturbed):
    """Twenty times SIGKILL, some of them while a checkpoint is being written."""
    moments = np.random.default_rng(1)
    folder = CheckpointFolder(tmp_path / "checkpoints", "run")

    def newest():
        return max((path.name for path in folder.path.glob("step*")), default="")

    for _ in range(20):
        process, before = start(tmp_path), newest()
        while newest() == before:
            assert process.is_alive()
            time.sleep(0.001)
        time.sleep(moments.uniform(0.0, 0.02))
        process.kill()
        process.join()
    assert 20 <= folder.read_last().step < STEPS
    process = start(tmp_path)
    process.join()
    assert process.exitcode == 0
    expected, run = undisturbed
    weights = load_file(tmp_path / "weights.safetensors")
    assert all(torch.equal(value, weights[name]) for name, value in expected.state_dict().items())
    assert (tmp_path / "history.txt").read_text() == "\n".join(map(repr, run.history))


def terminated(folder):
    """Train in a process that SIGTERM ends behind its first checkpoint; return its exit code."""
    process = start(folder)
    while process.is_alive() and not list((folder / "checkpoints").glob("*/step*")):
        time.sleep(0.01)
    process.terminate()
    process.join()
    return process.exitcode


def test_sigterm_ends_the_step_leaves_a_checkpoint_and_says_so(tmp_path, undisturbed):
    # On a busy machine a training may end before the signal is sent: then another one is tried.
    folders = (tmp_path / str(attempt) for attempt in range(10))
    folder = next(folder for folder in folders if terminated(folder) == 128 + signal.SIGTERM)
    last = CheckpointFolder(folder / "checkpoints", "run").read_last()
    assert 1 <= last.step < STEPS
    network, run = train_in(folder, 1e9)
    assert same(network, run.history, undisturbed)


def test_a_checkpoint_cut_while_it_is_written_is_none(tmp_path, monkeypatch):
    folder = CheckpointFolder(tmp_path, "run")
    folder.write(Checkpoint(1, {"a": torch.ones(3)}, {"seconds": 1.0}))

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        folder.write(Checkpoint(2, {"a": torch.zeros(3)}, {"seconds": 2.0}))
    last = folder.read_last()
    assert last.step == 1
    assert torch.equal(last.tensors["a"], torch.ones(3))
    assert [path.name for path in folder.path.iterdir()] == ["step000000000001.safetensors"]


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path):
    folder = CheckpointFolder(tmp_path, "run")
    for step in (1, 2):
        folder.write(Checkpoint(step, {"a": torch.full((3,), float(step))}, {}))
    path = folder.path / "step000000000002.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    assert folder.read_last().step == 1


def test_the_last_two_checkpoints_are_kept_and_all_go_in_the_end(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints", "run")
    for step in range(1, 6):
        folder.write(Checkpoint(step, {"a": torch.ones(1)}, {"history": []}))
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "step000000000004.safetensors", "step000000000005.safetensors",
    ]  # fmt: skip
    folder.remove()
    assert not (tmp_path / "checkpoints").exists()


def test_a_run_with_other_data_settings_or_code_has_another_folder():
    parts = ("settings", "code", "data")
    digests = {checkpoint_digest(*parts)}
    for changed in range(3):
        other = list(parts)
        other[changed] += "!"
        digests.add(checkpoint_digest(*other))
    digests.add(checkpoint_digest("settingscode", "", "data"))
    assert len(digests) == 5
