"""Further labels of a corpus' bases, learnt jointly with the main ones: one head for each.

`labels.{head}.npy` is aligned with `labels.npy` and means by `labels.{head}.json` what that means
by corpus.json. They lie in files of their own, so that a change of one head concerns who reads it
and nobody else.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError
from basetag.files import written_whole


@dataclass(frozen=True)
class FurtherLabels:
    """The labels of one head.

    Parameters
    ----------
    name : str
        What the config calls the head.
    states : tuple of str
        Letter of each state, in the order of the labels.
    state_names : dict of str to str
        Letter to meaning.
    labels : ndarray of uint8, (bases,)
        Memory-mapped; index of the state, or `UNLABELLED`.
    """

    name: str
    states: tuple[str, ...]
    state_names: dict[str, str]
    labels: NDArray[np.uint8]


def label_files(folder: Path, head: str) -> tuple[Path, Path]:
    """Return where the labels of a head lie beside a corpus, and what they mean."""
    return folder / f"labels.{head}.npy", folder / f"labels.{head}.json"


def open_further_labels(folder: Path, head: str, bases: int) -> FurtherLabels:
    """Map the labels of a head of the corpus in `folder`.

    Raises
    ------
    InputError
        Where a file is missing, or is of another number of bases than the corpus.
    """
    path, about_path = label_files(folder, head)
    try:
        about = json.loads(about_path.read_text(encoding="utf-8"))
        labels = np.asarray(np.load(path, mmap_mode="r"))
        states, state_names = tuple(about["states"]), dict(about["state_names"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"has no complete labels of the head {head!r} ({error})",
            file=folder,
            advice="encode them again",
        ) from error
    if labels.shape != (bases,) or labels.dtype != np.uint8:
        raise InputError(
            f"the corpus has {bases} bases, {path.name} holds {labels.size}",
            file=folder,
            advice="encode it again",
        )
    return FurtherLabels(head, states, state_names, labels)


def keep_further_labels(
    labels: Path, folder: Path, head: str, states: Mapping[str, str], counts: Mapping[str, int]
) -> None:
    """Copy an array of labels beside the corpus in `folder`, and say what they mean.

    Parameters
    ----------
    labels : Path
        .npy of uint8, (bases,).
    folder : Path
    head : str
    states : mapping of str to str
        Letters and meanings, in the order of the labels.
    counts : mapping of str to int
        How often each letter occurs; `.` is unlabelled.
    """
    about = {
        "name": head,
        "states": list(states),
        "state_names": dict(states),
        "label_counts": dict(counts),
    }
    with written_whole(*label_files(folder, head)) as (path, about_path):
        shutil.copyfile(labels, path)
        about_path.write_text(json.dumps(about, sort_keys=True, indent=1) + "\n", encoding="utf-8")
