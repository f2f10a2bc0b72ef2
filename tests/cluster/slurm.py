"""A Slurm cluster of this machine alone: two nodes with a fake GPU each, on loopback.

The daemons are those of Debian's packages slurmctld, slurmd and munge; they run in the foreground
as children of the tests, as whoever runs these, with key, sockets and logs in one folder. No
accounting: jobs are asked for by squeue, and none is forgotten, as busy as the machine may be. A
fake GPU is a character device that nobody opens: Slurm counts it, hands it out and names it in
CUDA_VISIBLE_DEVICES, and that is all that it can do.
"""

from __future__ import annotations

import contextlib
import ctypes
import getpass
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

#: What the cluster needs, and how Debian calls the packages.
PROGRAMS = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "munged": "munge",
    "sbatch": "slurm-client",
}

NODES = ("n1", "n2")

#: Seconds within which the daemons must answer.
_PATIENCE = 120.0

_CONFIG = """\
ClusterName=basetag
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,bf_interval=2,sched_interval=2
SlurmdTimeout=10
MinJobAge=86400
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
GresTypes=gpu
{nodes}
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=n1,n2 MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """Return the packages that a cluster needs and this machine lacks."""
    return [package for name, package in PROGRAMS.items() if _program(name) is None]


class Cluster:
    """A running cluster; a context manager, which stops every daemon however the block ends.

    Attributes
    ----------
    folder : Path
        Everything of the cluster.
    environment : dict of str to str
        In which its commands work.
    """

    def __init__(self) -> None:
        # Not below a folder of the tests: the path of a socket has a hundred letters at most.
        self.folder = Path(tempfile.mkdtemp(prefix="basetag-slurm-"))
        self.environment = os.environ | {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
        }
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Cluster:
        try:
            self._write_files()
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def command(self, *words: str) -> str:
        """Run a command of Slurm and return what it says."""
        done = subprocess.run(
            words, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    def jobs(self) -> list[dict[str, str]]:
        """Return every job that the controller remembers, by the keys of `scontrol show job`."""
        text = self.command("scontrol", "-o", "show", "job")
        return [
            dict(word.partition("=")[::2] for word in line.split() if "=" in word)
            for line in text.splitlines()
            if line.startswith("JobId=")
        ]

    def cancel_all(self) -> None:
        """Cancel all jobs and wait until none is left."""
        self.command("scancel", "--user", getpass.getuser())
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Wait until no job is left in the queue."""
        self._wait_for(lambda: not self.command("squeue", "--noheader").strip(), "jobs to end")

    def runs(self, node: str) -> bool:
        """Tell whether a node's daemon is there."""
        return node in self._daemons

    def start_node(self, name: str) -> None:
        """Start a node, or start it again, and wait until it takes jobs."""
        self._launch(name, "slurmd", "-D", "-N", name)
        self._wait_for(lambda: name in self._idle_nodes(), f"node {name}")

    def lose_node(self, name: str) -> None:
        """Take a node from the cluster as a power cut does: nothing on it gets to say a word."""
        theirs = [
            job["JobId"]
            for job in self.jobs()
            if "RUNNING" in job["JobState"] and job["NodeList"] == name
        ]
        daemon = self._daemons.pop(name)
        daemon.kill()
        daemon.wait()
        for step, job in self._steps().items():
            if job in theirs:
                _kill_with_descendants(step)

    def stop(self) -> None:
        """Stop the jobs and every daemon, and remove the folder."""
        try:
            if "slurmctld" in self._daemons:
                self.cancel_all()
        except (AssertionError, subprocess.TimeoutExpired):
            pass  # the daemons go all the same, and the steps after them
        finally:
            for name in (*NODES, "slurmctld", "munged"):
                if (daemon := self._daemons.pop(name, None)) is not None:
                    daemon.terminate()
                    try:
                        daemon.wait(20)
                    except subprocess.TimeoutExpired:
                        daemon.kill()
                        daemon.wait()
            # Also what has lost its step, as a job that was cancelled in the midst of its start.
            for process in filter(self._is_own, _processes()):
                _kill_with_descendants(process)
            shutil.rmtree(self.folder, ignore_errors=True)

    def logs(self) -> str:
        """Return the last of what each daemon said."""
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}"
            for path in sorted(self.folder.glob("*.log"))
        )

    def processes_of(self, job: str) -> dict[int, str]:
        """Return the processes of a running job, with their command lines."""
        return {
            process: words
            for step, number in self._steps().items()
            if number == job
            for process, words in descendants(step).items()
        }

    def _steps(self) -> dict[int, str]:
        """Return the processes of this cluster that watch over a step each, and their jobs."""
        titles = {
            process: re.match(r"slurmstepd: \[(\d+)\.", words)
            for process, (_, words) in _processes().items()
        }
        return {
            process: title[1]
            for process, title in titles.items()
            if title is not None and self._is_own(process)
        }

    def _is_own(self, process: int) -> bool:
        """Whether a process was started in this cluster's environment."""
        try:
            environment = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
        except OSError:
            return False  # it has ended meanwhile, or is somebody else's
        return f"SLURM_CONF={self.folder}/slurm.conf".encode() in environment

    def _write_files(self) -> None:
        for name in ("munge", "state", "bin"):
            (self.folder / name).mkdir()
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        # As munged demands of the folders of its key and its socket.
        self.folder.chmod(0o755)
        (self.folder / "munge").chmod(0o711)

        host = socket.gethostname().split(".")[0]
        ports = _free_ports(1 + len(NODES))
        nodes = [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8"
            " RealMemory=64000 Gres=gpu:fake:1 State=UNKNOWN"
            for name, port in zip(NODES, ports[1:], strict=True)
        ]
        (self.folder / "slurm.conf").write_text(
            _CONFIG.format(
                host=host, user=getpass.getuser(), folder=self.folder, ports=ports,
                nodes="\n".join(nodes),
            )
        )  # fmt: skip
        # A GPU has to be a character device; it is looked at and never opened.
        device = next(path for path in ("/dev/full", "/dev/null") if _is_device(path))
        (self.folder / "gres.conf").write_text(
            "".join(f"NodeName={name} Name=gpu Type=fake File={device}\n" for name in NODES)
        )
        # slurm-jobstep 0.6.1 calls srun without SLURM_CONF. A site has its file where Slurm looks
        # for it; this cluster has not.
        srun = self.folder / "bin" / "srun"
        srun.write_text(
            f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {_program("srun")} "$@"\n'
        )
        srun.chmod(0o755)

    def _start(self) -> None:
        munge = self.folder / "munge"
        self._launch(
            "munged", "munged", "--foreground", f"--key-file={munge}/key",
            f"--socket={munge}/socket", f"--pid-file={munge}/pid", f"--log-file={munge}/log",
            f"--seed-file={munge}/seed",
        )  # fmt: skip
        self._wait_for((munge / "socket").exists, "munged")
        self._launch("slurmctld", "slurmctld", "-D", "-c")
        self._wait_for(self._answers, "slurmctld")
        for name in NODES:
            self.start_node(name)

    def _launch(self, name: str, program: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                [str(_program(program)), *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )

    def _answers(self) -> bool:
        return subprocess.run(
            ["scontrol", "ping"], env=self.environment, capture_output=True, check=False
        ).returncode == 0  # fmt: skip

    def _idle_nodes(self) -> list[str]:
        return self.command("sinfo", "-h", "-N", "-t", "idle,mix,alloc", "-o", "%N").split()

    def _wait_for(self, condition, what: str) -> None:
        end = time.monotonic() + _PATIENCE
        while not condition():
            for name, daemon in self._daemons.items():
                assert daemon.poll() is None, f"{name} has ended\n{self.logs()}"
            assert time.monotonic() < end, f"waited for {what} in vain\n{self.logs()}"
            time.sleep(0.1)


def _program(name: str) -> str | None:
    # An ordinary user's PATH often lacks the folders of the daemons.
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def _die_with_parent() -> None:
    """Have the kernel stop this process when its parent has gone: also where tests are killed."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _is_device(path: str) -> bool:
    return Path(path).exists() and stat.S_ISCHR(Path(path).stat().st_mode)


def _processes() -> dict[int, tuple[int, str]]:
    """Return each process's parent and command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue  # it has ended meanwhile
        found[int(folder.name)] = parent, words.decode(errors="replace")
    return found


def _descendants(process: int) -> list[int]:
    parents = {child: parent for child, (parent, _) in _processes().items()}
    found, new = [], [process]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        found += new
    return found


def descendants(process: int) -> dict[int, str]:
    """Return all processes below `process`, with their command lines."""
    every = _processes()
    return {child: every[child][1] for child in _descendants(process) if child in every}


def _kill_with_descendants(process: int) -> None:
    for one in [process, *_descendants(process)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
