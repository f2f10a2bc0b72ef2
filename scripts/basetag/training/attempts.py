"""How the attempts at a training ended: what the next one's request for memory goes by.

An attempt that was asked to stop (SIGTERM: its time was up, it was preempted or cancelled) needed
no more memory than it had. One that ended in any other way may have been killed for it. Neither
the system nor a cluster's scheduler says so reliably, so each attempt leaves a note when it begins
and another one when it stops in peace. The notes lie beside the checkpoints and go with them.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

_NOTES = "attempts"
_BEGUN = "begun"
_STOPPED = "stopped"


@contextlib.contextmanager
def noted_attempt(checkpoints: Path) -> Iterator[None]:
    """Note in the folder `checkpoints` that an attempt begins, and whether it stops in peace.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    checkpoints.mkdir(parents=True, exist_ok=True)
    notes = checkpoints / _NOTES
    _append(notes, _BEGUN)
    try:
        yield
    except SystemExit as end:
        if end.code == 128 + signal.SIGTERM:
            with contextlib.suppress(FileNotFoundError):  # it had finished all the same
                _append(notes, _STOPPED)
        raise


def killed_attempts(checkpoints: Path) -> int:
    """Return how many attempts began and neither finished nor stopped in peace.

    One that is going on counts, too; where a training has finished, the count is 0.
    """
    try:
        lines = (checkpoints / _NOTES).read_text("ascii").split()
    except OSError:
        return 0
    return lines.count(_BEGUN) - lines.count(_STOPPED)


def memory_of_attempt(first: int, attempt: int, checkpoints: Path) -> int:
    """Return the main memory to ask for: as much again for each attempt that was killed.

    Parameters
    ----------
    first : int
        For the first attempt, in any unit.
    attempt : int
        Number of the one that is asked for, from 1 on. No more kills than there were attempts
        before it count: a new run begins at `first`, whatever happened to earlier ones.
    checkpoints : Path
        The folder of the training's checkpoints.

    Returns
    -------
    int
        In the unit of `first`.
    """
    if attempt == 1:
        return first  # and a thousand trainings are planned without a look at the disk
    return first * (1 + min(attempt - 1, killed_attempts(checkpoints)))


def _append(notes: Path, word: str) -> None:
    with notes.open("a", encoding="ascii") as file:
        file.write(word + "\n")
