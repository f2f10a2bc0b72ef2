"""The corpus: a dataset's letters and labels as memory-mapped integers, and its record table.

All records' bases lie one behind the other in `tokens.npy`; `labels.npy`, where there are labels,
is aligned with it; `records.tsv` says where each record begins. A corpus knows nothing of splits,
and nothing of it is ever held in memory as a whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import Alphabet
from basetag.corpus_files import (
    DESCRIPTION,
    LABELS,
    RECORDS,
    TARGETS,
    TOKENS,
    read_records,
)
from basetag.duplicates import mapping_of
from basetag.errors import InputError
from basetag.features import FeatureColumns, chosen_features, open_features
from basetag.further_labels import FurtherLabels, open_further_labels
from basetag.letters import UNLABELLED
from basetag.places import Places
from basetag.series import VALUE
from basetag.substates import Substates, mirror_of, open_substates
from basetag.vocabulary import alphabet_of

__all__ = [
    "CLASSIFY", "NEXT_TOKEN", "NEXT_VALUE", "REGRESS", "TAG", "UNLABELLED", "Corpus",
    "is_of_records",
]  # fmt: skip

#: Tasks: a label for each base; a class or a number for each record; of each letter, or number, the
#: one behind it.
TAG, CLASSIFY, REGRESS, NEXT_TOKEN = "tag", "classify", "regress", "next_token"
NEXT_VALUE = "next_value"


def is_of_records(task: str) -> bool:
    """Whether what a task tells is of each record as a whole, and stands at its last base."""
    return task in (CLASSIFY, REGRESS)


@dataclass(frozen=True)
class Corpus:
    """An encoded dataset.

    Parameters
    ----------
    alphabet : Alphabet
        What the tokens mean.
    states : tuple of str
        Letter of each state, in the order of the labels; empty without labels.
    state_names : dict of str to str
        Letter to meaning.
    names : list of str
        Name of each record.
    starts, lengths : ndarray of int64, (records,)
        Where each record's bases begin in the corpus, and how many there are (0 is possible).
    tokens : ndarray of uint8, (bases,)
        Memory-mapped; of uint16 where a vocabulary has more words than that.
    labels : ndarray of uint8, (bases,), or None
        Memory-mapped; index of the state, or `UNLABELLED`. None where nobody gave labels.
    features : FeatureColumns of float32, (bases, features), or None
        Memory-mapped; NaN where a number is missing. None where nobody asked for them.
    feature_names : tuple of str
        Those that were asked for, by column.
    mirror : tuple of int
        The label that each one becomes on the other strand; itself where nobody says otherwise.
    substates : Substates, or None
        Finer states than the labels; None where nobody gave them.
    task : str
        What the labels are of: `tag`, bases; `classify`, records, each at its last base;
        `regress`, the same, 0 where the record's number is at or above the threshold and 1 below;
        `next_token`, the letters behind the bases; `next_value`, whether a series falls from the
        last known number to that behind the place: 0 where it does not, 1 where it does.
    duplicates : dict of str to str
        Names of records that were dropped, as their sequence is that of the record named.
    targets : ndarray of float32, (records,) or (bases,), or None
        The number of each record, for `regress`; of `next_value` that behind each place, NaN where
        there is none; else None.
    threshold : float or None
        What parts the two classes there: of `next_value` the changes from the last known number.
    further : tuple of FurtherLabels
        The labels of further heads, those that were asked for.
    """

    alphabet: Alphabet
    states: tuple[str, ...]
    state_names: dict[str, str]
    names: list[str]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    tokens: NDArray[Any]
    labels: NDArray[np.uint8] | None
    features: FeatureColumns | None = None
    feature_names: tuple[str, ...] = ()
    mirror: tuple[int, ...] = ()
    substates: Substates | None = None
    task: str = TAG
    duplicates: Mapping[str, str] = field(default_factory=dict)
    targets: NDArray[np.float32] | None = None
    threshold: float | None = None
    further: tuple[FurtherLabels, ...] = ()

    def __post_init__(self) -> None:
        if not self.mirror:
            object.__setattr__(self, "mirror", tuple(range(len(self.states))))

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        features: Sequence[str] = (),
        heads: Sequence[str] = (),
    ) -> Corpus:
        """Open the corpus that `write_corpus` made in `folder`.

        Parameters
        ----------
        folder : path-like
        features : sequence of str
            Those of its features that are to be read, by their names or by that of their table.
            Others, and those that an earlier config left there, are not looked at.
        heads : sequence of str
            Names of the further labels that are to be read; others are not looked at.

        Raises
        ------
        InputError
            Where a file is missing, or the files do not belong together, or there is no such
            feature.
        """
        folder = Path(folder)
        try:
            about = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
            # A plain array over the map: slicing a memmap costs ten times as much.
            tokens = np.asarray(np.load(folder / TOKENS, mmap_mode="r"))
            labels = (
                np.asarray(np.load(folder / LABELS, mmap_mode="r")) if about["labelled"] else None
            )
            names, starts, lengths = read_records(folder / RECORDS)
            task = about.get("task", TAG)
            targets = np.load(folder / TARGETS) if task in (REGRESS, NEXT_VALUE) else None
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"is no complete corpus ({error})", file=folder, advice="encode it again"
            ) from error
        bases = int(lengths.sum())
        for name, values in ((TOKENS, tokens), (LABELS, labels)):
            if values is not None and values.shape != (bases,):
                raise InputError(
                    f"{RECORDS} speaks of {bases} bases, {name} holds {values.size}",
                    file=folder,
                    advice="encode it again",
                )
        numbered = lengths.size if task == REGRESS else bases
        if targets is not None and targets.shape != (numbered,):
            what = "records" if task == REGRESS else "places"
            raise InputError(
                f"{RECORDS} speaks of {numbered} {what}, {TARGETS} of {targets.size}",
                file=folder,
                advice="encode it again",
            )
        mirror = mirror_of(about, folder)
        read: FeatureColumns | None = None
        read_names: tuple[str, ...] = ()
        if task == NEXT_VALUE:
            features = (VALUE,)  # without them there is nothing to read
        if features:
            values, known = open_features(folder, bases)
            read_names = chosen_features(features, known, folder)
            read = FeatureColumns(values, np.array([known.index(name) for name in read_names]))
        return cls(
            alphabet=alphabet_of(about),
            states=tuple(about["states"]),
            state_names=about["state_names"],
            names=names,
            starts=starts,
            lengths=lengths,
            tokens=tokens,
            labels=labels,
            features=read,
            feature_names=read_names,
            mirror=mirror,
            substates=open_substates(about, mirror, folder, bases),
            task=task,
            duplicates=mapping_of(about),
            targets=targets,
            threshold=about.get("threshold"),
            further=tuple(open_further_labels(folder, head, bases) for head in heads),
        )

    def as_labelled_by(self, further: FurtherLabels) -> Corpus:
        """Return a view of the corpus whose labels are those of a further head.

        On the other strand they are what they are, and of substates nobody knows.
        """
        return replace(
            self,
            states=further.states,
            state_names=dict(further.state_names),
            labels=further.labels,
            mirror=tuple(range(len(further.states))),
            substates=None,
            further=(),
        )

    @property
    def of_records(self) -> bool:
        """Whether labels are of records as wholes, each at its last base."""
        return is_of_records(self.task)

    @property
    def of_values(self) -> bool:
        """Whether each place has a number, and what is told of it is the next one."""
        return self.task == NEXT_VALUE

    @property
    def places(self) -> Places:
        """Where the bases of each record lie, and their letters, for who reads numbers for them."""
        return Places(
            self.names,
            self.starts,
            self.lengths,
            self.duplicates,
            lambda record: self.alphabet.decode(
                self.tokens[self.starts[record] : self.starts[record] + self.lengths[record]]
            ),
        )

    @property
    def known_labels(self) -> NDArray[np.uint8]:
        """The labels of a corpus that must have some.

        Raises
        ------
        InputError
            Where nobody gave labels.
        """
        if self.labels is None:
            raise InputError(
                "the corpus has no labels", advice="give `labels:` with the dataset in the config"
            )
        return self.labels
