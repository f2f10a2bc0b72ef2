"""Where the figures of comparison.tsv lie in metrics.json, and which have intervals.

Who writes the table and who holds it against its sources read the same; nothing else is here, so
that neither pays for what the other needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Fewer units than this carry no interval.
FEWEST_UNITS = 10

#: The columns that hold a figure of metrics.json, and where it lies there.
FIGURES: dict[str, tuple[str | int, ...]] = {
    "accuracy": ("accuracy",),
    "balanced_accuracy": ("balanced_accuracy",),
    "macro_f1": ("macro_f1",),
    "mcc": ("mcc",),
    "cross_entropy": ("cross_entropy",),
    "brier": ("brier",),
    "ece": ("ece",),
    "kl_exact": ("kl_exact",),
    "attained": ("attained",),
    "attained_filtered": ("attained_filtered",),
    "segment_f1": ("segments", "f1"),
    "segment_precision": ("segments", "precision"),
    "segment_recall": ("segments", "recall"),
    "boundary_f1_within_0": ("segments", "boundaries", "f1", 0),
    "boundary_f1_within_10": ("segments", "boundaries", "f1", 1),
    "boundary_f1_within_50": ("segments", "boundaries", "f1", 2),
    "boundary_f1_within_100": ("segments", "boundaries", "f1", 3),
    "segments_per_mb": ("segments", "per_mb", "called"),
    "true_segments_per_mb": ("segments", "per_mb", "true"),
    "sov": ("segments", "overlap", "sov"),
    "auroc": ("auroc",),
    "auprc": ("auprc",),
    "kl_filtered": ("kl_filtered",),
    "pearson": ("regression", "pearson"),
    "spearman": ("regression", "spearman"),
    "rmse": ("regression", "rmse"),
    "r2": ("regression", "r2"),
    "scaled_cross_entropy": ("calibration", "cross_entropy"),
    "scaled_ece": ("calibration", "ece"),
    "bits_per_token": ("next_token", "bits"),
}
#: Of these there is a column for the bases that training does not have, too, UNMATCHED before it.
UNMATCHED = "unmatched_"
OF_UNMATCHED = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "mcc",
    "cross_entropy",
    "brier",
    "ece",
    "kl_exact",
    "attained",
    "attained_filtered",
    "segment_f1",
)
#: Of each further head there are columns of these figures and numbers, a dot and its name behind.
OF_HEADS = ("accuracy", "balanced_accuracy", "macro_f1", "mcc", "cross_entropy")
NUMBERS_OF_HEADS: dict[str, tuple[str | int, ...]] = {
    "test_bases": ("test", "bases"),
    "majority_accuracy": ("majority_accuracy",),
}
#: The columns of other numbers, and where they lie.
NUMBERS: dict[str, tuple[str | int, ...]] = {
    "learnt_labels": ("learnt_labels",),
    "test_bases": ("test", "bases"),
    "matched_bases": ("test", "matched_bases"),
    "temperature": ("calibration", "temperature"),
    "validation_cross_entropy": ("validation", "cross_entropy"),
    "units": ("units", "count"),
    "units_kind": ("units", "kind"),
    "correlation_length": ("units", "correlation_length"),
    "chance_accuracy": ("chance", "uniform", "accuracy"),
    "p_chance": ("chance", "uniform", "p"),
    "p_shift": ("chance", "shift", "p"),
    "p_resimulated": ("chance", "resimulated", "p"),
    "effective_sample_size": ("chance", "shift", "effective_sample_size"),
}


def figures_of(metrics: Mapping[str, Any]) -> dict[str, tuple[str | int, ...]]:
    """Return those of `FIGURES` that say something of a metrics.json.

    Those of segments do where neighbouring bases have one label: not where records have classes,
    nor where the next letter or number is told.
    """
    in_segments = metrics.get("task", "tag") == "tag"
    return {name: place for name, place in FIGURES.items() if in_segments or place[0] != "segments"}


def found_at(metrics: Mapping[str, Any], place: Sequence[str | int]) -> Any:
    """Return what lies at a place of metrics.json; None where a part on the way is null."""
    found: Any = metrics
    for key in place:
        if found is None:
            return None
        found = found[key]
    return found


def head_columns(heads: Sequence[str]) -> dict[str, tuple[str | int, ...]]:
    """Return the columns of further heads, and where they lie in a metrics.json that has them."""
    places: dict[str, tuple[str | int, ...]] = {}
    for head in heads:
        for name in OF_HEADS:
            places[f"{name}.{head}"] = ("heads", head, name, "value")
            places |= {
                f"{name}.{head}_{end}": ("heads", head, name, end) for end in ("low", "high")
            }
        for name, place in NUMBERS_OF_HEADS.items():
            places[f"{name}.{head}"] = ("heads", head, *place)
    return places


def found_of_head(metrics: Mapping[str, Any], place: Sequence[str | int]) -> Any:
    """Return what lies at a place of `head_columns`; None where a tagger has no such head."""
    return None if place[1] not in heads_of(metrics) else found_at(metrics, place)


def heads_of(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the measures of each further head of a tagger, by name; none for most."""
    heads: Mapping[str, Any] = metrics.get("heads", {})
    return heads


def unmatched_measures(metrics: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the measures of the bases that training does not have.

    Those of all bases where it has none; None where it has all, or nobody looked.
    """
    unmatched: Mapping[str, Any] | None = metrics["unmatched"]
    return metrics if unmatched is not None and unmatched["same"] else unmatched
