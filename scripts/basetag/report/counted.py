"""What the figures of a dataset count: bases and their states, sequences and their classes, others.

A dataset whose records have classes has no bases that are called: all that the page says of it is
said of sequences. The figures are the same, and stand in the same places of metrics.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from basetag.corpus import NEXT_TOKEN, NEXT_VALUE, REGRESS, TAG, is_of_records


@dataclass(frozen=True)
class Counted:
    """The words for what is counted.

    Parameters
    ----------
    one, many : str
        What is called, and several of it.
    label, labels : str
        What it is called, and several of them.
    given, given_many : str
        What stands in the data for it, and several: `label`, where a state is called.
    are_right : str
        What is said of those whose call is true: a share of them does it.
    was_right : str
        The same where nothing says what it is a share of.
    hits, misses : str
        Calls that are true, and those that are not.
    """

    one: str
    many: str
    label: str
    labels: str
    given: str
    given_many: str
    are_right: str
    was_right: str
    hits: str
    misses: str

    @property
    def nats(self) -> str:
        """The unit of a mean of logarithms."""
        return f"nats per {self.one}"

    @property
    def right_axis(self) -> str:
        """What an axis of accuracy is called."""
        return f"{self.many.capitalize()} that {self.are_right}"


BASES = Counted(
    "base", "bases", "state", "states", "label", "labels", "match", "match", "matches", "mismatches"
)
#: Of proteins.
RESIDUES = replace(BASES, one="residue", many="residues")
SEQUENCES = Counted(
    "sequence",
    "sequences",
    "class",
    "classes",
    "class",
    "classes",
    "are classified rightly",
    "classified rightly",
    "right",
    "mistakes",
)
#: Of numeric series, at each step of which is told whether it rises or falls to the next.
STEPS = Counted(
    "step",
    "steps",
    "direction",
    "directions",
    "direction",
    "directions",
    "have their direction told rightly",
    "of directions told rightly",
    "right",
    "mistakes",
)
LETTERS = Counted(
    "letter",
    "letters",
    "next letter",
    "next letters",
    "next letter",
    "next letters",
    "are followed by what is told",
    "told rightly",
    "right",
    "mistakes",
)
#: Of a page that has datasets of both kinds.
EITHER = Counted(
    "base or sequence",
    "bases or sequences",
    "state or class",
    "states or classes",
    "label or class",
    "labels or classes",
    "are called rightly",
    "called rightly",
    "right",
    "mistakes",
)


def classifies(metrics: Mapping[str, Any]) -> bool:
    """Tell whether a metrics.json is of a dataset whose records have classes.

    Those of records with numbers are above and below the threshold.
    """
    return is_of_records(metrics.get("task", TAG))


def regresses(metrics: Mapping[str, Any]) -> bool:
    """Tell whether what is told in a metrics.json are numbers, of records or of time steps."""
    return metrics.get("task", TAG) in (REGRESS, NEXT_VALUE)


def of_series(metrics: Mapping[str, Any]) -> bool:
    """Tell whether a metrics.json is of numeric series, whose next numbers are told."""
    return bool(metrics.get("task", TAG) == NEXT_VALUE)


def tells_next(metrics: Mapping[str, Any]) -> bool:
    """Tell whether a metrics.json is of a dataset whose letters tell the next ones."""
    return bool(metrics.get("task", TAG) == NEXT_TOKEN)


def has_segments(metrics: Mapping[str, Any]) -> bool:
    """Tell whether the labels of a metrics.json form segments: those of bases do.

    Runs of one letter are none, nor is the class of a record, nor the rise of a series.
    """
    return not (classifies(metrics) or tells_next(metrics) or of_series(metrics))


def labels_come_in_runs(metrics: Mapping[str, Any]) -> bool:
    """Tell whether neighbouring labels are alike, and nulls are to keep that."""
    return has_segments(metrics) or of_series(metrics)


def counted(metrics: Mapping[str, Any]) -> Counted:
    """Return the words for what a metrics.json counts."""
    if of_series(metrics):
        return STEPS
    if tells_next(metrics):
        return LETTERS
    if classifies(metrics):
        return SEQUENCES
    return RESIDUES if metrics.get("alphabet") == "protein" else BASES


def unit_of(metrics: Mapping[str, Any]) -> str:
    """Return the unit of a distance along a record, whatever a metrics.json counts."""
    if of_series(metrics):
        return "steps"
    if metrics.get("vocabulary") is not None:
        return str(metrics["vocabulary"]["of"])
    return {"dna": "bp", "protein": "residues"}.get(metrics.get("alphabet", "dna"), "letters")


def counted_of_all(every: Iterable[Mapping[str, Any]]) -> Counted:
    """Return the words for what several of them count, each a metrics.json of a dataset."""
    found = set(map(counted, every))
    if found <= {BASES, RESIDUES, LETTERS} and len(found) > 1:
        return BASES if BASES in found else RESIDUES
    return EITHER if len(found) > 1 else found.pop() if found else BASES
