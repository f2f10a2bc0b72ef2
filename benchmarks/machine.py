"""What every benchmark says of the machine, and how it takes a time."""

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path


def describe_machine(*packages: str) -> str:
    """Return processor, cores and versions in one line."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    names = packages or ("numpy", "numba", "pysam", "hmmlearn")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return f"{model}, {cores} cores; Python {platform.python_version()}, {versions}."


def fastest(run: Callable[[], object], repeats: int) -> float:
    """Return the seconds of the fastest of `repeats` runs."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
