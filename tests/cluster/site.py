"""A workflow on a site of the tests: its copy of the workflow and of the profile, and its runs.

Three things are not as in the repository. Checkpoints come every second and not every minute, so that
a short training has some. And since a fake GPU has no CUDA, `choose_devices` of the copy ends in the
CPU: up to there all is as ever, and it is held against what Slurm has granted. The count that the
rule was given must be that of CUDA_VISIBLE_DEVICES, and the card must be free: a lock of the whole
machine on the node's card is taken at once or not at all. What stays unseen is torch's own use of a
card, which tests on a real one have to show. And a tagger that is called `greedy` takes 2 GB when
it has written its first checkpoint, so that a job dies of its memory in the midst of training.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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


_GREED = '''\
                if "greedy" in checkpoints.root.parts and not _BALLAST:
                    _BALLAST.append(torch.ones(500_000_000))
'''


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
        ("CHECKPOINT_SECONDS = 60.0", "CHECKPOINT_SECONDS = 1.0\n_BALLAST: list[torch.Tensor] = []"),
        (rest, rest + _GREED),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    loop.write_text(text)
    return copy


def set_up_site(copy: Path, **changes: object) -> Path:
    """Write a site's own profile beside the workflow's: the same, with `changes` laid over it.

    Mappings are laid over those of the profile key by key, as somebody would edit the file.
    """
    text = (copy / "profiles" / "slurm" / "profile.yaml").read_text()
    profile = _laid_over(yaml.safe_load(text), changes)
    folder = copy / "profiles" / f"site{len(list((copy / 'profiles').glob('site*')))}"
    folder.mkdir()
    (folder / "profile.yaml").write_text(yaml.safe_dump(profile, sort_keys=False))
    return folder


def _laid_over(below: dict, above: dict) -> dict:
    result = dict(below)
    for key, value in above.items():
        mapping = isinstance(value, dict) and isinstance(below.get(key), dict)
        result[key] = _laid_over(below[key], value) if mapping else value
    return result


#: What makes a run on a small cluster of one machine quick, and changes nothing else.
QUICK = {
    "slurm-init-seconds-before-status-checks": 5,
    "latency-wait": 10,
    "default-resources": {"mem_mb": "1200 * attempt", "runtime": 10},
    "set-resources": {"train_tagger": {"first_mem_mb": 1500, "runtime": 10}},
}
