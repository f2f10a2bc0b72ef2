"""Sections of metrics.json, laid out from sums and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from basetag.judgement.calibration import Temperature
from basetag.judgement.figures import segment_figures
from basetag.judgement.metrics import Scores
from basetag.judgement.segment_measures import (
    TOLERANCES,
    SegmentCounts,
    distance_table,
    length_table,
)
from basetag.judgement.unit_sums import UnitSums

_DIVERGENCES = ("kl_exact", "kl_exact_prior", "kl_filtered", "kl_filtered_prior")


def total_sums(sums: UnitSums) -> dict[str, float | None]:
    """Return the sums over all scored bases from which the figures follow."""
    found = {}
    for name in ("cross_entropy", "brier", *_DIVERGENCES):
        own = getattr(sums, name)
        found[name] = None if own is None else float(own.sum())
    return found


def ceiling_section(scores: Scores, of: str) -> dict[str, Any] | None:
    """Return the figures of the exact posterior that sees what the tagger sees."""
    best = scores.references.get(of)
    if best is None:
        return None
    total = int(scores.bases.sum())
    return {
        "of": of,
        "accuracy": float(best.correct.sum() / total),
        "cross_entropy": float(best.cross_entropy.sum() / total),
        "brier": float(best.brier.sum() / total),
        "ece": best.reliability.calibration_error,
        "reliability": best.reliability.table(),
    }


def calibration_section(
    scores: Scores, temperature: Temperature | None, figures: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what the posteriors cost at the temperature fitted on validation."""
    if temperature is None:
        return None
    return {
        "temperature": temperature.value,
        "fitted_on_bases": temperature.bases,
        "cross_entropy": figures["cross_entropy_scaled"],
        "ece": figures["ece_scaled"],
        "cross_entropy_sum": float(scores.scaled_cross_entropy.sum()),
        "reliability": scores.scaled_reliability.table(),
    }


def next_token_section(measures: Mapping[str, Any], card: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a letter costs in bits, by the cross-entropy, and the order of a Markov model.

    `order` is None of other taggers.
    """
    nats = measures["cross_entropy"]
    bits = {name: None if value is None else value / math.log(2) for name, value in nats.items()}
    architecture = card["architecture"]
    is_markov = architecture.get("baseline") == "markov"
    return {"bits": bits, "order": architecture["order"] if is_markov else None}


def segment_section(
    counts: SegmentCounts, sums: UnitSums, states: Sequence[str], seed: int
) -> dict[str, Any]:
    """Return the figures of segments and boundaries, and the counts that they follow from.

    `sums` are those of the units that have bases in which segments were looked for.
    """
    figures = segment_figures(sums, seed=seed)
    by_state = zip(
        states,
        *(own.sum(axis=0).tolist() for own in (counts.true, counts.called, counts.matched)),
        strict=True,
    )
    return {
        "bases": int(sums.bases.sum()),
        **{name: figures[name] for name in ("precision", "recall", "f1", "per_mb")},
        **{
            name: int(own.sum())
            for name, own in (
                ("true", counts.true),
                ("called", counts.called),
                ("matched", counts.matched),
            )
        },
        "classes": {
            state: {"true": true, "called": called, "matched": matched}
            for state, true, called, matched in by_state
        },
        "lengths": length_table(counts, states),
        "boundaries": {
            "true": int(counts.boundaries_true.sum()),
            "called": int(counts.boundaries_called.sum()),
            "tolerances": list(TOLERANCES),
            "matched": counts.boundaries_matched.sum(axis=0).tolist(),
            "f1": figures["boundary_f1"],
            "distances": distance_table(counts),
        },
    }
