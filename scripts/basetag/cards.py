"""Claims on the GPU cards of a machine, so that no two jobs land on one card.

Snakemake counts cards but hands none out: jobs that run side by side on one machine all see every
card. Each job therefore claims its own, by an advisory lock on one file per card in a folder that
all users of the machine share. The kernel drops a lock when its process ends, however it ends, so
no claim is ever left behind. What a card can do, and torch, are no matter of this module.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from basetag.errors import DeviceError

log = logging.getLogger("basetag")

#: Seconds between two tries, on average.
PAUSE = 0.5

# A lock lasts as long as its descriptor is open; and a second lock on the same file would wait
# for the first one even in the same process, so what is held must be known.
_HELD: dict[Path, int] = {}


def claim_cards(
    cards: Sequence[str], count: int, folder: Path | None = None, patience: float = 300.0
) -> tuple[int, ...]:
    """Claim cards that no other process has claimed, until this process ends.

    Where too few are free it waits, holding none of those that it lacks others for, and says so.
    Cards that this process has claimed before come first: a second call never waits for them.
    Child processes hold nothing, and have no need to: the claim stands while their parent lives.

    Parameters
    ----------
    cards : sequence of str
        What identifies each card on this machine (its UUID), in the process's own numbering.
    count : int
        How many to claim.
    folder : Path, optional
        Where the lock files lie; the same for all who share the cards. By default
        `basetag-cards` in the folder for temporary files.
    patience : float
        Seconds between two lines in the log that say what is waited for; the first comes at once.

    Returns
    -------
    tuple of int
        The claimed ones' indices in `cards`, in rising order.

    Raises
    ------
    ValueError
        If there are fewer different cards than `count`: no waiting would help.
    DeviceError
        If the lock files cannot be made, opened or locked.
    """
    if count > len(set(cards)):
        raise ValueError(f"{count} cards of {len(set(cards))} can never be claimed")
    folder = Path(tempfile.gettempdir()) / "basetag-cards" if folder is None else folder
    files = [folder.absolute() / f"{quote(card, safe='')}.lock" for card in cards]
    next_line = time.monotonic()
    while (claimed := _try_to_claim(files, count)) is None:
        if time.monotonic() >= next_line:
            # A warning is shown even where nobody has set up a log, as in a notebook.
            log.warning(
                "waiting for %d of %d GPUs: other jobs have claimed too many (%s)",
                count,
                len(files),
                folder,
            )
            next_line = time.monotonic() + patience
        # Two that want the same cards in opposite orders would else keep time and never agree.
        time.sleep(random.uniform(0.5 * PAUSE, 1.5 * PAUSE))  # noqa: S311 - no secret
    return claimed


def _try_to_claim(files: Sequence[Path], count: int) -> tuple[int, ...] | None:
    """Hold `count` of the files' locks and return their indices, or hold no new one."""
    claimed = [index for index, file in enumerate(files) if file in _HELD][:count]
    new: dict[Path, int] = {}
    with contextlib.ExitStack() as unless_enough:
        for index, file in enumerate(files):
            if len(claimed) == count:
                break
            if file in _HELD or (descriptor := _lock(file)) is None:
                continue
            unless_enough.callback(os.close, descriptor)
            new[file] = descriptor
            claimed.append(index)
        if len(claimed) < count:
            return None
        unless_enough.pop_all()
    _HELD.update(new)
    return tuple(sorted(claimed))


def _lock(file: Path) -> int | None:
    """Return an open descriptor that holds the file's lock, or None where another holds it."""
    try:
        _make_folder(file.parent)
        descriptor = _open(file)
    except OSError as error:
        raise _unusable(file, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # What tidies the folder may have removed the file since: its lock would bind nobody.
        if os.path.samestat(os.fstat(descriptor), file.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError as error:
        os.close(descriptor)
        raise _unusable(file, error) from error
    os.close(descriptor)
    return None


def _open(file: Path) -> int:
    # Where the kernel guards shared folders (fs.protected_regular), O_CREAT on a file that is
    # there and belongs to another user is refused. To lock a file it suffices to read it.
    # A link is refused: one that leads nowhere is neither missing nor there.
    while True:
        with contextlib.suppress(FileNotFoundError):
            return os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_EXCL)
            os.fchmod(descriptor, 0o666)  # the umask has no say in what all users share
            return descriptor


def _make_folder(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o1777)  # all may add files, and none may remove another's


def _unusable(file: Path, error: OSError) -> DeviceError:
    return DeviceError(
        f"cannot claim a GPU: {error.strerror}",
        file=file,
        advice="let all users of the machine write to its folder (chmod 1777), or name another"
        " in TMPDIR",
    )


def _forget() -> None:
    # A forked child would else keep the cards of a parent that has ended.
    for descriptor in _HELD.values():
        os.close(descriptor)
    _HELD.clear()


os.register_at_fork(after_in_child=_forget)
