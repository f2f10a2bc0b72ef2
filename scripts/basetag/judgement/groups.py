"""States judged in groups: the eight classes of secondary structure as three, say.

What a tagger says of a group follows from what it says of the states: a group's probability is the
sum of its states'. Where a base is called its likeliest state, it is called its likeliest group;
three rare states can be likelier together than the commonest one alone. Where calls are a path,
the group is that of the called state. So nothing is trained or predicted again, and the figures are
those that a tagger of the groups would get, over the same bases and units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED
from basetag.judgement.figures import class_figures, headline_figures
from basetag.judgement.metrics import Counts, Floats, floored
from basetag.judgement.segment_overlap import OverlapScan, overlap_section
from basetag.judgement.unit_sums import UnitSums

_HEADLINES = ("accuracy", "balanced_accuracy", "macro_f1", "mcc", "cross_entropy", "brier")


@dataclass(frozen=True)
class Grouping:
    """One way to put states together.

    Parameters
    ----------
    name : str
        What the config calls it.
    groups : tuple of str
        Names of the groups, in order.
    group_of_state : ndarray of uint8, (states,)
        Group of each state.
    """

    name: str
    groups: tuple[str, ...]
    group_of_state: NDArray[np.uint8]

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> Grouping:
        """Return one of what `Config.groupings` says of a dataset."""
        of_state = np.array(settings["group_of_state"], dtype=np.uint8)
        return cls(settings["name"], tuple(settings["groups"]), of_state)

    @property
    def membership(self) -> Floats:
        """Whether each state is of each group: 0 or 1, (states, groups)."""
        return np.eye(len(self.groups))[self.group_of_state]


class GroupScores:
    """Running sums of one grouping, beside those of the states.

    Parameters
    ----------
    grouping : Grouping
    n_units : int
        Number of units of the split.
    prior : ndarray of float64, (states,)
        Label frequencies of the training split.
    by_probability : bool
        Whether a base is called its likeliest group, and not that of its called state.

    Attributes
    ----------
    cross_entropy, brier : ndarray of float64, (units,)
        As `metrics.Scores` has them, of the groups.
    """

    def __init__(
        self, grouping: Grouping, n_units: int, prior: Floats, *, by_probability: bool
    ) -> None:
        self._grouping = grouping
        self._membership = grouping.membership
        self._likeliest = int((prior @ self._membership).argmax())
        self._overlap = OverlapScan(n_units, len(grouping.groups))
        # The groups of states, and no group where there is no label.
        self._group = np.full(256, UNLABELLED, dtype=np.uint8)
        self._group[: grouping.group_of_state.size] = grouping.group_of_state
        self._by_probability = by_probability
        self._confusion: Counts = np.zeros((n_units, *[len(grouping.groups)] * 2), dtype=np.int64)
        self.cross_entropy: Floats = np.zeros(n_units)
        self.brier: Floats = np.zeros(n_units)

    def add(
        self,
        runs: NDArray[np.uint8],
        labels: NDArray[np.uint8],
        calls: NDArray[np.uint8],
        posterior: NDArray[np.float32],
        segment: NDArray[np.int64],
        unit: NDArray[np.int64],
    ) -> None:
        """Add bases that follow those added before.

        Parameters
        ----------
        runs, labels, calls : ndarray of uint8, (bases,)
            True states of runs, true states that are scored, and called ones; 255 for no label.
        posterior : ndarray of float32, (bases, states)
        segment, unit : ndarray of int64, (bases,)
            As `segment_overlap.OverlapScan` has them.
        """
        sums = posterior @ self._membership
        called = self._group[calls]
        if self._by_probability:
            called = sums.argmax(axis=1).astype(np.uint8)
        self._overlap.add(self._group[runs], called, segment, unit)
        scored = labels != UNLABELLED
        unit, called, label = unit[scored], called[scored], self._group[labels[scored]]
        p = floored(sums[scored])
        of_label = p[np.arange(label.size), label]
        np.add.at(self._confusion, (unit, label, called), 1)
        count = len(self.cross_entropy)
        self.cross_entropy -= np.bincount(unit, np.log(of_label), minlength=count)
        squares = (p * p).sum(axis=1) - 2 * of_label + 1
        self.brier += np.bincount(unit, squares, minlength=count)

    def section(
        self, sums: UnitSums, scored: NDArray[np.bool_], states: Sequence[str], *, seed: int
    ) -> dict[str, Any]:
        """Return the figures and the counts that they follow from, as they stand in metrics.json.

        Parameters
        ----------
        sums : UnitSums
            Those of the states, of the units that have a scored base.
        scored : ndarray of bool, (units,)
            Which these are.
        states : sequence of str
            Letters of the states.
        seed : int
            Seed of the draws of intervals.
        """
        confusion = self._confusion[scored].astype(np.float64)
        own = replace(
            sums,
            confusion=confusion,
            correct=np.trace(confusion, axis1=1, axis2=2),
            cross_entropy=self.cross_entropy[scored],
            brier=self.brier[scored],
        )
        figures = headline_figures(own, {}, {}, {}, seed=seed)
        total = self._confusion.sum(axis=0)
        label_counts = total.sum(axis=1)
        groups = self._grouping.groups
        members = self._grouping.group_of_state
        return {
            # The order counts, and that of a mapping is lost in JSON.
            "groups": list(groups),
            "members": {
                group: [state for state, of in zip(states, members, strict=True) if of == index]
                for index, group in enumerate(groups)
            },
            "called_by": "probability" if self._by_probability else "state",
            "confusion": total.tolist(),
            "label_counts": label_counts.tolist(),
            **{name: figures[name] for name in _HEADLINES},
            "majority_accuracy": float(label_counts[self._likeliest] / label_counts.sum()),
            "classes": dict(zip(groups, class_figures(own, seed=seed), strict=True)),
            "overlap": overlap_section(self._overlap, groups, seed=seed),
            "sums": {
                "cross_entropy": float(own.cross_entropy.sum()),
                "brier": float(own.brier.sum()),
            },
        }
