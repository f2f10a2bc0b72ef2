"""The peak of a process's memory, held against what the process took."""

import resource
import subprocess
import sys

from tests.conftest import REPOSITORY

COUNT = "from basetag.memory import peak_memory; print(peak_memory())"
TAKE = "taken = b'1' * 100_000_000; del taken; " + COUNT


def peak_of(code):
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(REPOSITORY / "scripts")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(run.stdout)


def test_the_peak_holds_what_was_taken_and_given_back():
    more = peak_of(TAKE) - peak_of(COUNT)
    assert 90_000_000 <= more < 200_000_000


def test_the_peak_is_that_of_the_process_and_not_of_the_one_that_started_it():
    own = b"1" * 100_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > len(own)
    assert peak_of(COUNT) < len(own)
