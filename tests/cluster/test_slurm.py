"""The tests' own cluster leaves nothing behind."""

import time
from pathlib import Path

import pytest

from tests.cluster.slurm import Cluster, missing_programs


@pytest.mark.skipif(bool(missing_programs()), reason="no Slurm on this machine")
def test_what_has_lost_its_step_goes_with_the_cluster(tmp_path):
    """A job's process that has no parent any more: Slurm itself does not find it."""
    note = tmp_path / "process"
    with Cluster() as cluster:
        script = tmp_path / "job.sh"
        script.write_text(
            f"#!/bin/sh\nsetsid sh -c 'echo $$ > {note}; exec sleep 600' &\nsleep 1\n"
        )
        cluster.command("sbatch", "--output=/dev/null", f"--chdir={tmp_path}", str(script))
        end = time.monotonic() + 60
        while not (note.exists() and note.read_text()):
            assert time.monotonic() < end, cluster.logs()
            time.sleep(0.1)
        process = Path("/proc", note.read_text().strip())
        cluster.wait_until_idle()
        assert process.exists()
    end = time.monotonic() + 10
    while process.exists() and "State:\tZ" not in (process / "status").read_text():
        assert time.monotonic() < end
        time.sleep(0.1)
