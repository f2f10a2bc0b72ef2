"""One training on several nodes of a Slurm cluster, by its launcher.

Where a job has several nodes, the script that Snakemake starts on the first of them asks srun to
start it once on each, and waits. Each copy then starts a process for each of its GPUs, as a job on
one node does (`processes`), and all of them compute as one.

Tests run this with a stand-in for srun on one machine. Between machines it is untested.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from basetag.errors import DeviceError

# How many nodes a copy is one of, and which: the second name is lightning-fabric's.
_COUNT, _RANK = "BASETAG_NODES", "NODE_RANK"
#: What one copy fails of ends all; each step of a job may use all that the job has.
_SRUN = ("srun", "--overlap", "--kill-on-bad-exit=1", "--ntasks-per-node=1")


@dataclass(frozen=True)
class Node:
    """One of the nodes of a training.

    Parameters
    ----------
    count : int
        How many there are.
    rank : int
        Which of them this is, from 0.
    """

    count: int = 1
    rank: int = 0

    def share_of(self, gpus: int) -> int:
        """Return how many of a job's GPUs are on each node.

        Raises
        ------
        DeviceError
            If they cannot be shared out evenly.
        """
        if gpus % self.count:
            raise DeviceError(
                f"{gpus} GPUs cannot be shared out evenly among {self.count} nodes",
                advice="set the resource gpu to a multiple of nodes",
            )
        return gpus // self.count


def this_node(environment: Mapping[str, str] = os.environ) -> Node:
    """Return which node this process is on, of a job that `run_on_all_nodes` has started."""
    if _COUNT not in environment:
        return Node()
    return Node(int(environment[_COUNT]), int(environment[_RANK]))


def run_on_all_nodes(count: int, command: Sequence[str]) -> int | None:
    """Run `command` once on each node of the job, where it has several, and wait for all.

    Parameters
    ----------
    count : int
        How many nodes the job was to have (`resources: nodes`). Not read off Slurm's variables:
        a shell in an allocation of several has these, too.
    command : sequence of str
        What starts this process anew.

    Returns
    -------
    int or None
        The exit status. None where there is nothing to start: on one node, and in the copies
        themselves.

    Raises
    ------
    DeviceError
        If the job of Slurm's, where there is one, has another number of nodes.
    """
    if count == 1 or _COUNT in os.environ:
        return None
    given = os.environ.get("SLURM_JOB_NUM_NODES", "0")
    if int(given) != count:
        raise DeviceError(
            f"the job asks for {count} nodes, and Slurm gave it {given}",
            advice="ask for several nodes in a profile for Slurm alone",
        )
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    own = {
        _COUNT: str(count),
        # This script is on the first node, and so is the copy with rank 0.
        "MASTER_ADDR": os.environ.get("SLURMD_NODENAME") or socket.gethostname(),
        "MASTER_PORT": str(port),
    }
    ranked = ["sh", "-c", f'{_RANK}="$SLURM_NODEID" exec "$@"', "sh", *command]
    with subprocess.Popen(
        [*_SRUN, f"--nodes={count}", f"--ntasks={count}", *ranked], env={**os.environ, **own}
    ) as srun:

        def hand_on(number: int, _: FrameType | None) -> None:
            srun.send_signal(number)

        before = signal.signal(signal.SIGTERM, hand_on)
        try:
            status = srun.wait()
        finally:
            signal.signal(signal.SIGTERM, before)
    return status if status >= 0 else 128 - status


def started_as() -> list[str]:
    """Return the command that started this process."""
    return [sys.executable, *sys.argv]
