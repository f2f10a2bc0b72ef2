"""Logging of a job: to the rule's log file and to stderr, uncaught errors in both."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from basetag.errors import BasetagError

log = logging.getLogger("basetag")


@contextlib.contextmanager
def job_log(path: str | os.PathLike[str]) -> Iterator[None]:
    """Log to `path` and stderr while the block runs, and end the process where it fails.

    A `BasetagError` is the user's to mend and is logged as its one line; anything else is ours
    and is logged with its traceback. Both end the process with exit status 1. SIGTERM unwinds the
    block, so that what it was writing is removed, and ends the process with exit status 143.

    Parameters
    ----------
    path : path-like
        The rule's log file; its folder is made where missing.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("")
    # Appending, because processes that a job starts write to the same file.
    handlers: list[logging.Handler] = [logging.FileHandler(path, mode="a", encoding="utf-8")]
    handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    except BasetagError as error:
        log.error("%s", error)
        sys.exit(1)
    except Exception:
        log.exception("unexpected error")
        sys.exit(1)
    finally:
        signal.signal(signal.SIGTERM, before)
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not stop the tidying up
    log.error("ended by a signal (SIGTERM)")
    sys.exit(128 + number)
