"""A job that is ended from outside leaves nothing half-written."""

import signal
import subprocess
import sys
import time

from basetag.job_log import job_log
from tests.conftest import REPOSITORY

JOB = """
import sys, time
from basetag.files import written_whole
from basetag.job_log import job_log

with job_log("job.log"), written_whole("result.txt") as (place,):
    place.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def test_sigterm_removes_what_was_being_written(tmp_path):
    job = subprocess.Popen(
        [sys.executable, "-c", JOB],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY / "scripts")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert job.stdout.readline() == "writing\n"
    began = time.monotonic()
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=30)
    assert job.returncode == 143
    assert time.monotonic() - began < 20
    assert [path.name for path in tmp_path.iterdir()] == ["job.log"]
    assert "SIGTERM" in (tmp_path / "job.log").read_text()


def test_sigterm_after_the_job_is_what_it_was_before(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with job_log(tmp_path / "job.log"):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
