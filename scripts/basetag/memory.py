"""How much memory a process has taken at most, as the operating system counted it."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_memory() -> int:
    """Return the most main memory that this process has held at once, in bytes.

    It is the peak of the resident set: what the process wrote, its code and libraries, and those
    pages of memory-mapped files that happened to be in memory, which the system would take back
    where another process needed them. So it is what a job took, and more than what it needs.
    """
    if sys.platform == "linux":
        # Not from getrusage: there a child starts with the peak of the process that started it.
        found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text("ascii"), re.MULTILINE)
        if found is not None:
            return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
