"""All sums of one tagger over bases that stream through, and the measures that follow from them.

What is judged once over all bases of the test split and once over those that training does not
have goes through the same code: a `Tally` each, the same bases with other labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED
from basetag.judgement.calibration import Temperature
from basetag.judgement.certainty import certainty_figures
from basetag.judgement.figures import class_figures, headline_figures, plain
from basetag.judgement.groups import Grouping, GroupScores
from basetag.judgement.metrics import Counts, Floats, Scores
from basetag.judgement.metrics_sections import (
    calibration_section,
    ceiling_section,
    segment_section,
    total_sums,
)
from basetag.judgement.ranking import ScoreHistograms, histogram_json
from basetag.judgement.segment_measures import SegmentCounts, SegmentScan
from basetag.judgement.segment_overlap import OverlapScan, overlap_section
from basetag.judgement.unit_sums import UnitSums
from basetag.judgement.units import Units

_HEADLINES = ("accuracy", "balanced_accuracy", "macro_f1", "mcc", "cross_entropy", "brier", "ece")


class Tally:
    """Sums over the labelled bases of those that are added.

    Parameters
    ----------
    units : Units
    prior : ndarray of float64, (states,)
        Label frequencies of the training split.
    references : sequence of str
        Names of the exact posteriors.
    temperature : Temperature, optional
        At which posteriors are scored once more.
    groupings : sequence of Grouping
        Groups of states that are judged, too.
    likeliest : bool
        Whether each call is the likeliest state of its base, and not of a path.
    """

    def __init__(
        self,
        units: Units,
        prior: Floats,
        references: Sequence[str],
        temperature: Temperature | None,
        groupings: Sequence[Grouping] = (),
        likeliest: bool = True,
    ) -> None:
        self._units = units
        self._prior = prior
        self._temperature = temperature
        value = None if temperature is None else temperature.value
        self._scores = Scores(units.count, prior, references, value)
        self._histograms = ScoreHistograms(len(prior), units.count)
        self._groups = {
            own.name: GroupScores(own, units.count, prior, by_probability=likeliest)
            for own in groupings
        }
        self._scan = SegmentScan(units.count, len(prior))
        self._overlap = OverlapScan(units.count, len(prior))
        self._scanned: Counts = np.zeros(units.count, dtype=np.int64)
        self._has_label = np.zeros(int(units.segment.max(initial=-1)) + 1, dtype=np.bool_)

    def add(
        self,
        piece: NDArray[np.int64],
        labels: NDArray[np.uint8],
        calls: NDArray[np.uint8],
        posterior: NDArray[np.float32],
        references: Mapping[str, NDArray[np.float32]],
        segment_labels: NDArray[np.uint8] | None = None,
    ) -> None:
        """Add bases that follow those added before.

        Parameters
        ----------
        piece : ndarray of int64, (bases,)
            Piece of the units of each base.
        labels, calls : ndarray of uint8, (bases,)
            True states, 255 where none is to be scored, and called ones.
        posterior : ndarray of float32, (bases, states)
        references : mapping of str to ndarray of float32, (bases, states)
        segment_labels : ndarray of uint8, (bases,), optional
            The labels whose segments are counted, where they are others.
        """
        unit, segment = self._units.unit[piece], self._units.segment[piece]
        runs = labels if segment_labels is None else segment_labels
        self._scan.add(runs, calls, segment, unit)
        self._overlap.add(runs, calls, segment, unit)
        for groups in self._groups.values():
            groups.add(runs, labels, calls, posterior, segment, unit)
        self._scanned += np.bincount(unit[runs != UNLABELLED], minlength=self._units.count)
        scored = labels != UNLABELLED
        self._has_label[segment[scored]] = True
        if not scored.all():
            unit, labels, calls = unit[scored], labels[scored], calls[scored]
            posterior = posterior[scored]
            references = {name: array[scored] for name, array in references.items()}
        p = self._scores.add(unit, labels, calls, posterior, references)
        self._histograms.add(p, labels, unit)

    @property
    def bases(self) -> int:
        """Scored bases."""
        return int(self._scores.bases.sum())

    @property
    def scored_units(self) -> NDArray[np.bool_]:
        """Whether each unit has a scored base, and so a row in the sums, (units,)."""
        scored: NDArray[np.bool_] = self._scores.bases > 0
        return scored

    def measures(
        self, states: Sequence[str], ceiling_of: str, *, seed: int
    ) -> tuple[dict[str, Any], UnitSums]:
        """Return the measures as they stand in metrics.json, and the sums of the units.

        Nothing can be added any more, and there must be a scored base.

        Parameters
        ----------
        states : sequence of str
            Letters of the states.
        ceiling_of : str
            Name of the exact posterior that sees what the tagger sees.
        seed : int
            Seed of the draws of intervals.
        """
        scores, total = self._scores, self.bases
        counts = self._scan.counts()
        sums = _unit_sums(scores, counts, self.scored_units)
        # Segments can lie elsewhere than scored bases.
        scanned = self._scanned > 0
        of_segments = replace(
            _unit_sums(scores, counts, scanned), bases=self._scanned[scanned].astype(np.float64)
        )
        figures = self._headlines(sums, seed)
        confusion = scores.confusion.sum(axis=0)
        label_counts = confusion.sum(axis=1)
        rankings, auroc, auprc = self._histograms.rankings()
        measures = {
            "test": {"bases": total, "segments": int(self._has_label.sum())},
            "units": {
                "count": len(sums.bases),
                "kind": self._units.kind,
                "bases": total / len(sums.bases),
                "correlation_length": self._units.correlation_length,
            },
            "confusion": confusion.tolist(),
            "confusion_shares": (confusion / np.maximum(label_counts, 1)[:, None]).tolist(),
            "label_counts": label_counts.tolist(),
            **{name: figures[name] for name in _HEADLINES},
            "majority_accuracy": float(label_counts[int(self._prior.argmax())] / total),
            "auroc": plain(auroc),
            "auprc": plain(auprc),
            "classes": {
                state: {**own, "auroc": plain(ranking.auroc), "auprc": plain(ranking.auprc)}
                for state, own, ranking in zip(
                    states, class_figures(sums, seed=seed), rankings, strict=True
                )
            },
            "scores": histogram_json(rankings, states),
            "sums": total_sums(sums),
            "kl_exact": figures.get("kl_exact"),
            "kl_filtered": figures.get("kl_filtered"),
            "attained": figures.get("attained_exact"),
            "attained_filtered": figures.get("attained_filtered"),
            "excess": {name: figures[f"excess_{name}"] for name in scores.references} or None,
            "ceiling": ceiling_section(scores, ceiling_of),
            "reliability": scores.reliability.table(),
            "certainty": certainty_figures(
                scores.sure[scores.bases > 0], sums.correct, sums.bases, seed=seed
            ),
            "calibration": calibration_section(scores, self._temperature, figures),
            "segments": segment_section(counts, of_segments, states, seed)
            | {"overlap": overlap_section(self._overlap, states, seed=seed)},
            "groups": {
                name: groups.section(sums, scores.bases > 0, states, seed=seed)
                for name, groups in self._groups.items()
            },
        }
        return measures, sums

    def _headlines(self, sums: UnitSums, seed: int) -> dict[str, Any]:
        """Return the figures of all bases; those at the temperature have names in _scaled."""
        scores = self._scores
        scored = scores.bases > 0
        excess = {
            name: sums.cross_entropy - reference.cross_entropy[scored]
            for name, reference in scores.references.items()
        }
        reliability = {"ece": scores.reliability.chosen(scored)}
        further = {}
        if self._temperature is not None:
            reliability["ece_scaled"] = scores.scaled_reliability.chosen(scored)
            further["cross_entropy_scaled"] = scores.scaled_cross_entropy[scored]
        return headline_figures(sums, excess, reliability, further, seed=seed)


def _unit_sums(scores: Scores, counts: SegmentCounts, chosen: NDArray[np.bool_]) -> UnitSums:
    """Return the sums of the units that a mask picks."""
    sums: dict[str, NDArray[Any]] = {
        "bases": scores.bases,
        "correct": scores.correct,
        "cross_entropy": scores.cross_entropy,
        "brier": scores.brier,
        "confusion": scores.confusion,
        "segments_true": counts.true,
        "segments_called": counts.called,
        "segments_matched": counts.matched,
        "boundaries_true": counts.boundaries_true,
        "boundaries_called": counts.boundaries_called,
        "boundaries_matched": counts.boundaries_matched,
    }
    for name, reference in scores.references.items():
        sums |= {f"kl_{name}": reference.kl, f"kl_{name}_prior": reference.kl_prior}
    return UnitSums(**{name: own[chosen].astype(np.float64) for name, own in sums.items()})
