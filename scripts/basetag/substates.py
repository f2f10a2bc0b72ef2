"""Finer states of a corpus than its labels, on which a network may train: codon positions, say.

`substates.npy` lies beside the labels, and corpus.json says what its numbers mean: the label that
each substate is part of, and what it becomes on the other strand. Whoever writes a corpus may leave
them out. A base's label may be known and its substate not, as where two reading frames overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus_files import RECORDS, SUBSTATES
from basetag.errors import InputError
from basetag.letters import UNLABELLED

#: Substates of all labels together.
MOST_SUBSTATES = 64


@dataclass(frozen=True)
class Substates:
    """Finer states of a corpus.

    Parameters
    ----------
    names : tuple of str
        What each is called, such as ``coding+1``.
    label_of : tuple of int
        The label that each is part of.
    mirror : tuple of int
        What each becomes on the other strand.
    labels : ndarray of uint8, (bases,)
        Memory-mapped; a base's substate, or 255 where that is not known.
    """

    names: tuple[str, ...]
    label_of: tuple[int, ...]
    mirror: tuple[int, ...]
    labels: NDArray[np.uint8]


def told_states(label_of: Sequence[int]) -> NDArray[np.bool_]:
    """Return which states each number stands for that a base is told, (256, states).

    A base is told its label, by its index, or its state, by the number of labels + its index. By
    any other number it is told nothing: every state may be the one.

    Parameters
    ----------
    label_of : sequence of int
        The label of each state.
    """
    n_labels, n_states = max(label_of) + 1, len(label_of)
    told = np.ones((UNLABELLED + 1, n_states), dtype=bool)
    told[:n_labels] = np.array(label_of) == np.arange(n_labels)[:, None]
    told[n_labels : n_labels + n_states] = np.eye(n_states, dtype=bool)
    return told


def mirror_of(about: Mapping[str, Any], folder: Path) -> tuple[int, ...]:
    """Return the label that each one becomes on the other strand, of what corpus.json says.

    Raises
    ------
    InputError
        Where it is no permutation that undoes itself.
    """
    n_labels = len(about["states"])
    mirror = tuple(about.get("mirror", range(n_labels)))
    if not _undoes_itself(mirror, n_labels):
        raise _broken(folder, f"the mirror {list(mirror)} of {n_labels} labels")
    return mirror


def open_substates(
    about: Mapping[str, Any], mirror: Sequence[int], folder: Path, bases: int
) -> Substates | None:
    """Return the substates of a corpus of `bases` bases, memory-mapped; None where it has none.

    Parameters
    ----------
    about : mapping
        What corpus.json says.
    mirror : sequence of int
        That of the labels.
    folder : Path
    bases : int

    Raises
    ------
    InputError
        Where the file is missing, or does not fit the corpus or what corpus.json says of it.
    """
    given = about.get("substates")
    if given is None:
        return None
    try:
        names, label_of, own_mirror = (tuple(given[key]) for key in ("names", "label_of", "mirror"))
        labels = np.asarray(np.load(folder / SUBSTATES, mmap_mode="r"))
    except (OSError, ValueError, KeyError) as error:
        raise _broken(folder, f"substates without all that they need ({error})") from error
    if labels.shape != (bases,) or labels.dtype != np.uint8:
        raise InputError(
            f"{RECORDS} speaks of {bases} bases, {SUBSTATES} holds {labels.size} of {labels.dtype}",
            file=folder,
            advice="encode it again",
        )
    fits = (
        len(names) == len(label_of) <= MOST_SUBSTATES
        and set(label_of) == set(range(len(mirror)))
        and _undoes_itself(own_mirror, len(names))
        and all(label_of[own_mirror[s]] == mirror[label_of[s]] for s in range(len(names)))
    )
    if not fits:
        raise _broken(folder, "substates that do not fit its labels and their mirror")
    return Substates(names, label_of, own_mirror, labels)


def _undoes_itself(mirror: Sequence[int], n: int) -> bool:
    return sorted(mirror) == list(range(n)) and all(mirror[mirror[i]] == i for i in range(n))


def _broken(folder: Path, found: str) -> InputError:
    return InputError(f"has {found}", file=folder, advice="encode it again")
