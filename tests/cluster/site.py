"""A workflow on a site of the tests: its copy of the workflow and of the profile, and its runs.

Three things are not as in the repository. Checkpoints come every second and not every minute, so
that a short training has some. Since a fake GPU has no CUDA, `choose_devices` of the copy ends in
the CPU: up to there all is as ever, and it is held against what Slurm has granted. The count that
the rule was given must be that of CUDA_VISIBLE_DEVICES, and the card must be free: a lock of the
whole machine on the node's card is taken at once or not at all. What stays unseen is torch's own
use of a card, which tests on a real one have to show. And a tagger that is called `greedy` takes
2 GB when it has written its first checkpoint, and waits for Slurm to see it, so that a job dies of
its memory in the midst of training.
"""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.workflow import copy_workflow

_STAND_IN = '''

def choose_devices(gpus: int) -> Devices:
    """Stand in for CUDA: claim the cards that this job was granted, and compute on the CPU."""
    import fcntl
    import time
    from pathlib import Path

    if gpus:
        visible = [card for card in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if card]
        if len(visible) != gpus:
            raise DeviceError(f"{gpus} asked for, CUDA_VISIBLE_DEVICES={visible}", advice="none")
        node = os.environ.get("SLURMD_NODENAME", "local")
        for card in visible:
            file = Path("@CARDS@", f"{node}.{card}").open("a")
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.write(f"{os.environ.get('SLURM_JOB_ID')} {os.getpid()}\\n")
            file.flush()
            _FILES.append(file)
    return Devices("cpu")


_FILES = []
'''


_GREED = """\
                if "greedy" in checkpoints.root.parts and not _BALLAST:
                    _BALLAST.append(torch.ones(500_000_000))
                    time.sleep(5)
"""


def copy_for_fake_gpus(folder: Path) -> Path:
    """Copy the workflow into `folder`, its GPUs replaced as this module says."""
    copy = copy_workflow(folder)
    library = copy / "scripts" / "basetag"
    cards = folder / "cards"
    cards.mkdir()
    devices = library / "devices.py"
    devices.write_text(devices.read_text() + _STAND_IN.replace("@CARDS@", str(cards)))
    loop = library / "training" / "loop.py"
    text = loop.read_text()
    rest = "                written = time.perf_counter()\n"
    for old, new in (
        (
            "CHECKPOINT_SECONDS = 60.0",
            "CHECKPOINT_SECONDS = 1.0\n_BALLAST: list[torch.Tensor] = []",
        ),
        (rest, rest + _GREED),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    loop.write_text(text)
    return copy


def set_up_site(copy: Path, *changes: Mapping[str, Any]) -> Path:
    """Write a site's own profile beside the workflow's: the same, with `changes` laid over it.

    Mappings are laid over those of the profile key by key, as somebody would edit the file; None
    stands for a line that is taken out.
    """
    profile = yaml.safe_load((copy / "profiles" / "slurm" / "profile.yaml").read_text())
    for change in changes:
        profile = _laid_over(profile, change)
    folder = copy / "profiles" / f"site{len(list((copy / 'profiles').glob('site*')))}"
    folder.mkdir()
    (folder / "profile.yaml").write_text(yaml.safe_dump(profile, sort_keys=False))
    return folder


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(below.get(key), dict):
            result[key] = _laid_over(below[key], value)
        else:
            result[key] = value
    return result


#: What makes a run on a small cluster of one machine quick, and changes nothing else.
QUICK = {
    "slurm-init-seconds-before-status-checks": 5,
    "latency-wait": 10,
    "default-resources": {"mem_mb": "1200 * attempt", "runtime": 10},
    "set-resources": {"train_tagger": {"first_mem_mb": 2000, "runtime": 10}},
}

#: Columns of comparison.tsv that clocks and the system's own counts have a say in.
_CLOCK = {
    "train_seconds", "train_bases_per_second", "predict_bases_per_second",
    "train_peak_mb", "predict_peak_mb",
}  # fmt: skip

#: Seconds that a run may take before it counts as stuck.
PATIENCE = 1200

#: What the tests train: each of these meets another fault.
NETWORKS = ("cancelled", "killed", "greedy", "overdue")

#: A training of some ten seconds, by which a fault has time to come.
_CONFIG = {
    "datasets": {"toy": {"simulate": {"hmm": "toy", "records": 100, "length": 500, "seed": 1}}},
    "taggers": {
        **{name: {"cell": "lstm", "hidden": 8, "bidirectional": True} for name in NETWORKS},
        "majority": {"baseline": "majority"},
    },
    "training": {"bases": 1_500_000, "batch": 8, "window": 200, "validations": 3},
    "evaluation": {
        "pairs": 20, "seed": 1, "shown_records": 1, "shown_bases": 100,
        "controls": {"bases": 2000},
    },
}  # fmt: skip


class Site:
    """A copy of the workflow, and the runs in folders beside it."""

    def __init__(self, copy: Path, folder: Path) -> None:
        self.copy = copy
        self.folder = folder

    def new_run(self, name: str) -> Path:
        """Make a folder with the config of the tests."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "small.yaml").write_text(yaml.safe_dump(_CONFIG, sort_keys=False))
        return folder

    def new_run_with_data(
        self, name: str, other: Path, without: Sequence[str] = (*NETWORKS, "majority")
    ) -> Path:
        """Make a folder that has the results of another run but for what `without` names."""
        folder = self.new_run(name)
        shutil.copytree(
            other / "results" / "toy",
            folder / "results" / "toy",
            ignore=shutil.ignore_patterns(*without),
        )
        return folder

    def run(self, folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> Run:
        """Start Snakemake in `folder`; a relative folder of a profile is one of the copy's."""
        command = [sys.executable, "-m", "snakemake", "--configfile", "small.yaml"]
        command += ["--snakefile", f"{self.copy}/Snakefile"]
        command += [
            str(self.copy / word) if word.startswith("profiles/") else word for word in arguments
        ]
        return Run(command, folder, environment)


class Run:
    """Snakemake as a process of its own, its words in a file."""

    def __init__(
        self, command: list[str], folder: Path, environment: dict[str, str] | None
    ) -> None:
        self.folder = folder
        self._file = folder / f"snakemake{len(list(folder.glob('snakemake*.log')))}.log"
        with self._file.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**(environment or os.environ), "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self, seconds: float) -> int:
        """Return the exit status; a run that takes longer is ended as a user would, by Ctrl-C."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)
            raise AssertionError(f"not done within {seconds} s\n{self.log()}") from None

    def log(self) -> str:
        """Return what Snakemake has said."""
        return self._file.read_text(errors="replace")


def table_of(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a run's comparison as text, the clock's columns apart."""
    with (folder / "results" / "comparison.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [{key: row[key] for key in row if key not in _CLOCK} for row in rows]


def wait_until(condition: Callable[[], Any], seconds: float, run: Run) -> Any:
    """Return the first true value of `condition`, which must come while `run` goes on."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert run.process.poll() is None, f"Snakemake has ended\n{run.log()}"
        assert time.monotonic() < end, f"waited in vain for {seconds} s\n{run.log()}"
        time.sleep(0.1)
