"""What the report shows, as its sections are given it: datasets, taggers, genomes and sweeps.

`reading` makes it from files and `identities` checks it. How things look and what is said about
them is the business of the charts, of `wording` and of `render`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.report.annotation_data import Annotation
from basetag.report.counted import classifies
from basetag.report.region_data import ShownRegion

#: What a run records of itself: heading to a line, to lines of code, or to a table.
Provenance = Mapping[str, str | Sequence[str] | Mapping[str, str]]


@dataclass(frozen=True)
class Tracks:
    """The records that the report shows, with one tagger's posterior and calls on them.

    Parameters
    ----------
    names : list of str
        Name of the record that each piece comes from.
    starts : list of int
        Position of the first base of each piece in its record, from 0.
    sequences : list of str, or of lists of str
        The bases of each piece; of texts their words.
    labels : list of ndarray of uint8, (length,)
        Index of the true state of each base; 255 where there is none.
    posteriors : list of ndarray of float32, (length, states)
        Probability of each state.
    calls : list of ndarray of uint8, (length,)
        Index of the called state.
    hidden : list of ndarray of float32, (length, units), or None
        What the head of a network reads of each base; None where there is nothing.
    letters : str, or list of str
        Plain letters of the alphabet; of texts what was put in the place of words.
    attention : list of ndarray of float32, (length,), or None
        What each base weighs in its record, of a network that pools by attention; NaN in a record
        for which it was not asked.
    mutagenesis : list of ndarray of float32, (length, letters, classes), or None
        By how much each substitution changes the log-odds of each class, of a network that pools;
        NaN in a record for which it was not made.
    """

    names: list[str]
    starts: list[int]
    sequences: Sequence[Sequence[str]]
    labels: list[NDArray[np.uint8]]
    posteriors: list[NDArray[np.float32]]
    calls: list[NDArray[np.uint8]]
    hidden: list[NDArray[np.float32]] | None = None
    letters: Sequence[str] = ""
    attention: list[NDArray[np.float32]] | None = None
    mutagenesis: list[NDArray[np.float32]] | None = None


@dataclass(frozen=True)
class TaggerResult:
    """One tagger on one dataset: its metrics.json, its loss history, its tracks."""

    metrics: dict[str, Any]
    history: list[dict[str, float]] = field(default_factory=list)
    tracks: Tracks | None = None

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return str(self.metrics["dataset"])

    @property
    def tagger(self) -> str:
        """Name of the tagger in the config."""
        return str(self.metrics["tagger"])

    @property
    def seed(self) -> int:
        """Seed of the training; 0 for a deterministic baseline."""
        return int(self.metrics["seed"])

    @property
    def key(self) -> tuple[str, str, int]:
        """Dataset, tagger, seed: what makes a result unique."""
        return self.dataset, self.tagger, self.seed


@dataclass(frozen=True)
class DatasetResult:
    """All taggers on one dataset, in the order of the comparison."""

    name: str
    results: list[TaggerResult]

    @property
    def states(self) -> list[str]:
        """Letters of the states, in state order."""
        return list(self.results[0].metrics["states"])

    @property
    def state_names(self) -> dict[str, str]:
        """Letter of each state to its meaning."""
        return dict(self.results[0].metrics["state_names"])

    @property
    def state_names_in_order(self) -> dict[str, str]:
        """Letter of each state to its meaning, in state order."""
        return {state: self.state_names[state] for state in self.states}

    def reference(self, of: str) -> TaggerResult | None:
        """Return the result that *is* the `exact` or `filtered` posterior, where it was run.

        It is known by its numbers: an HMM whose KL from that posterior is 0 (where two are, the
        one so named). Where records have classes, that is told by a rule.
        """
        kind = "rule" if classifies(self.results[0].metrics) else "hmm"
        same = [
            result
            for result in self.results
            if result.metrics["kind"] == kind
            and result.metrics[f"kl_{of}"] is not None
            and abs(result.metrics[f"kl_{of}"]["value"]) < 1e-9
        ]
        return min(same, key=lambda result: result.tagger != of, default=None)

    def ceiling(self, of: str) -> dict[str, float] | None:
        """Return accuracy and cross-entropy of the `exact` or `filtered` posterior, if known."""
        for result in self.results:
            stored = result.metrics["ceiling"]
            if stored is not None and stored["of"] == of:
                return {key: float(stored[key]) for key in ("accuracy", "cross_entropy")}
        result_itself = self.reference(of)
        if result_itself is None:
            return None
        return {
            key: float(result_itself.metrics[key]["value"]) for key in ("accuracy", "cross_entropy")
        }

    @property
    def prior_cross_entropy(self) -> float | None:
        """Cross-entropy of the constant tagger nearest the labels (nats), if one was run."""
        constants = [
            float(result.metrics["cross_entropy"]["value"])
            for result in self.results
            if result.metrics["kind"] == "constant"
        ]
        return min(constants, default=None)


@dataclass(frozen=True)
class Axis:
    """What a sweep varies.

    Parameters
    ----------
    column : str
        Its column in the rows: `key` behind "dataset." or "tagger.".
    key : str
        The key of the config below the dataset or tagger, its parts joined by dots.
    of_dataset : bool
        Whether datasets vary it, and not taggers.
    unit : str
        Unit of its values; "" where they have none.
    values : list of str
        Its values as they stand in the rows, in the order of the config.
    """

    column: str
    key: str
    of_dataset: bool
    unit: str
    values: list[str]

    @property
    def numeric(self) -> bool:
        """Whether every value is a number."""
        try:
            return all(math.isfinite(float(value)) for value in self.values)
        except ValueError:
            return False


@dataclass(frozen=True)
class SweepResult:
    """The table of a sweep: a row for each of its datasets, taggers and seeds.

    Parameters
    ----------
    name : str
        Its name in the config.
    axes : list of Axis
        What is varied, datasets' first.
    rows : list of dict
        The columns of the comparison, `dataset_base` and `tagger_base` (what was varied), and a
        column for each axis, empty where the row's dataset or tagger does not vary it.
    """

    name: str
    axes: list[Axis]
    rows: list[dict[str, str]]


@dataclass(frozen=True)
class ReportData:
    """Everything on the page."""

    datasets: list[DatasetResult]
    comparison_columns: list[str]
    comparison: list[dict[str, str]]
    annotations: list[Annotation]
    agreements: list[dict[str, str]]
    regions: list[ShownRegion]
    provenance: Provenance
    config_text: str
    sweeps: list[SweepResult] = field(default_factory=list)
    differences: list[dict[str, str]] = field(default_factory=list)
    variances: list[dict[str, str]] = field(default_factory=list)
    preflight: dict[str, Any] | None = None
    starts: list[dict[str, Any]] = field(default_factory=list)
    generated: list[dict[str, Any]] = field(default_factory=list)
