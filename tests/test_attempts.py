"""What a training asks for after attempts that were killed, or that stopped in peace."""

import signal
import sys

import pytest

from basetag.gpu_request import gpus_asked
from basetag.training.attempts import killed_attempts, memory_of_attempt, noted_attempt


class KilledError(BaseException):
    """Raised in the place of a SIGKILL: what is below gets no word in."""


def attempt(folder, end):
    with pytest.raises(type(end)), noted_attempt(folder):
        raise end


STOPPED = SystemExit(128 + signal.SIGTERM)


@pytest.mark.parametrize(
    ("ends", "memory"),
    [
        ([STOPPED], 1000),
        ([KilledError()], 2000),
        ([SystemExit(1)], 2000),
        ([MemoryError()], 2000),
        ([STOPPED, STOPPED, STOPPED], 1000),
        ([KilledError(), STOPPED], 2000),
        ([KilledError(), STOPPED, KilledError()], 3000),
    ],
)
def test_memory_grows_with_each_attempt_that_did_not_stop_in_peace(tmp_path, ends, memory):
    for end in ends:
        attempt(tmp_path, end)
    assert memory_of_attempt(1000, len(ends) + 1, tmp_path) == memory


def test_a_new_run_begins_with_the_memory_of_the_first_attempt(tmp_path):
    for _ in range(3):
        attempt(tmp_path, KilledError())
    assert memory_of_attempt(1000, 1, tmp_path) == 1000
    assert memory_of_attempt(1000, 2, tmp_path) == 2000


def test_where_nothing_is_noted_nothing_was_killed(tmp_path):
    assert killed_attempts(tmp_path / "checkpoints") == 0
    assert memory_of_attempt(1000, 3, tmp_path / "checkpoints") == 1000


def test_a_training_that_finished_and_removed_its_checkpoints_leaves_no_note(tmp_path):
    folder = tmp_path / "checkpoints"

    def finish_and_be_stopped():
        (folder / "attempts").unlink()
        folder.rmdir()
        sys.exit(128 + signal.SIGTERM)

    with pytest.raises(SystemExit), noted_attempt(folder):
        finish_and_be_stopped()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("gpu", "gres", "count"),
    [
        (0, None, 0),
        (2, None, 2),
        (0, "gpu", 1),
        (0, "gpu:3", 3),
        (0, "gpu:a100", 1),
        (0, "gpu:a100:4", 4),
        (0, "'gpu:a100:4'", 4),
        (1, "gpu:a100:4", 1),
        (0, "nvme:2", 0),
    ],
)
def test_gpus_are_asked_for_by_number_or_as_slurm_writes_them(gpu, gres, count):
    assert gpus_asked(gpu, gres) == count
