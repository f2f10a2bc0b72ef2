"""The machine that plans a run: room on its disk, its memory, and the GPUs that it shows."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from basetag.errors import DeviceError

_SECONDS = 30  # that nvidia-smi may take: it can be slow where no driver keeps the cards awake


def free_disk(folder: Path) -> int:
    """Return the bytes that fit on the disk of `folder`, or of the first folder above that is."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def main_memory() -> int | None:
    """Return the bytes of main memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def visible_gpus() -> int:
    """Return how many GPUs a job of this machine would see: by nvidia-smi, without torch.

    `CUDA_VISIBLE_DEVICES` hides all that it does not name.
    """
    try:
        listed = subprocess.run(
            ["nvidia-smi", "-L"],  # noqa: S607 - wherever the driver put it
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    present = sum(line.startswith("GPU ") for line in listed.splitlines())
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return present
    return min(present, sum(bool(name.strip()) for name in named.split(",")))


def check_gpus(asked: int) -> None:
    """Refuse to go on where jobs ask for more GPUs than there are.

    Raises
    ------
    DeviceError
        With what was asked for and what is there.
    """
    if not asked:
        return
    seen = visible_gpus()
    if seen < asked:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        where = "" if hidden is None else f" (CUDA_VISIBLE_DEVICES is {hidden!r})"
        raise DeviceError(
            f"a job asks for {asked} {'GPU' if asked == 1 else 'GPUs'}, and this machine shows "
            f"{seen or 'none'}{where}",
            advice="check `nvidia-smi -L`, or run on the CPU with `--workflow-profile "
            "profiles/default`, which asks for gpu=0",
        )
