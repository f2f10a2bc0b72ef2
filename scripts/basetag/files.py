"""Results that are written whole or not at all, and the canonical form of settings."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def written_whole(*paths: str | os.PathLike[str]) -> Iterator[tuple[Path, ...]]:
    """Yield temporary paths, one for each of `paths`, and rename them when the block succeeds.

    The temporary files lie in a hidden folder beside the first target, so that the renames stay
    on one file system; when the block fails, the folder and all in it are removed and no target
    is touched.

    Parameters
    ----------
    *paths : path-like
        The final targets. Their parent folders are made where missing.

    Yields
    ------
    tuple of Path
        Where to write, in the order of `paths`; the file names are those of the targets.

    Examples
    --------
    >>> with written_whole("a.txt") as (path,):  # doctest: +SKIP
    ...     path.write_text("whole")
    """
    targets = [Path(path) for path in paths]
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=targets[0].parent))
    try:
        places = []
        for index, target in enumerate(targets):
            (folder / str(index)).mkdir()
            places.append(folder / str(index) / target.name)
        yield tuple(places)
        for place, target in zip(places, targets, strict=True):
            place.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def folder_written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of `path` when the block succeeds.

    When the block fails, the temporary folder is removed and `path` is as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=target.parent))
    try:
        place = folder / target.name
        place.mkdir()
        yield place
        if target.exists():
            target.rename(folder / "before")
        place.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_table(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write rows as tab-separated text under a line of column names, at `path` itself."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)


def content_digest(*paths: str | os.PathLike[str]) -> str:
    """Return a digest of the content of files, in their order."""
    digests = []
    for path in paths:
        with Path(path).open("rb") as file:
            digests.append(hashlib.file_digest(file, "blake2b").hexdigest())
    return hashlib.blake2b("".join(digests).encode("ascii"), digest_size=16).hexdigest()


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no spaces: equal values, equal text.

    Raises
    ------
    ValueError
        For a number that JSON cannot hold (NaN, infinity).
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` to `path` as sorted, indented JSON, whole or not at all."""
    text = json.dumps(value, sort_keys=True, indent=1, allow_nan=False)
    with written_whole(path) as (place,):
        place.write_text(text + "\n", encoding="utf-8")
