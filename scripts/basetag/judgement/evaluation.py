"""The judgement of one tagger on the test split.

Puts sums, figures, segments, calibration and chance together into metrics.json: every figure that
the report shows, beside the counts from which it follows. Each tagger, network or not, comes here
as a file of posteriors and one of calls; nothing here knows how they were made. The table of all
taggers lies in `comparison`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.hmm import HMM
from basetag.judgement.calibration import Temperature, fit_temperature
from basetag.judgement.certainty import certainty_figures
from basetag.judgement.figures import class_figures, headline_figures, plain
from basetag.judgement.metrics import Scores
from basetag.judgement.metrics_sections import (
    calibration_section,
    ceiling_section,
    segment_section,
    total_sums,
)
from basetag.judgement.nulls import chance_figures
from basetag.judgement.prediction_files import (
    AnyPath,
    check_rows,
    open_calls,
    open_posterior,
    row_chunks,
)
from basetag.judgement.ranking import ScoreHistograms, histogram_json
from basetag.judgement.segment_measures import SegmentCounts, SegmentScan
from basetag.judgement.unit_sums import UnitSums
from basetag.judgement.units import choose_units
from basetag.segments import Segments

# Posterior values held at a time: 8 MB in double precision.
_VALUES_AT_ONCE = 1 << 20

_HEADLINES = ("accuracy", "balanced_accuracy", "macro_f1", "mcc", "cross_entropy", "brier", "ece")
# What the card of a network says besides.
_OF_NETWORKS = ("parts", "operations_per_base", "context")


class Judgement(NamedTuple):
    """What is found of one tagger.

    Parameters
    ----------
    metrics : dict
        The content of metrics.json: plain JSON, null where a figure does not apply.
    units : UnitSums
        The content of units.npz.
    """

    metrics: dict[str, Any]
    units: UnitSums


def evaluate(
    corpus: Corpus,
    segments: Segments,
    posterior_path: AnyPath,
    calls_path: AnyPath,
    card: Mapping[str, Any],
    *,
    dataset: str,
    seed: int,
    decoding: str = "argmax",
    exact_path: AnyPath | None = None,
    filtered_path: AnyPath | None = None,
    hmm: HMM | None = None,
    train: Segments | None = None,
    validation: tuple[Segments, AnyPath] | None = None,
    pairs: int = 1000,
    draws_seed: int = 1,
) -> Judgement:
    """Judge a tagger's posteriors and calls on the test split.

    What counts matches is taken from the calls; what weighs probabilities (cross-entropy, Brier
    score, calibration, divergences) from the posteriors.

    Parameters
    ----------
    corpus : Corpus
        With labels; unlabelled bases are not scored.
    segments : Segments
        The test split.
    posterior_path : path-like
        .npy of float32, (bases of the split, states), in the order of the split.
    calls_path : path-like
        .npy of uint8, (bases of the split,), the called states in the same order.
    card : mapping
        The card of the tagger whose posteriors they are.
    dataset : str
        Its name in the config.
    seed : int
        Seed of the tagger's training; 0 for deterministic baselines.
    decoding : str
        How the calls were made, in words.
    exact_path, filtered_path : path-like, optional
        Posteriors of the simulating HMM on the same split, smoothed and filtered.
    hmm : HMM, optional
        The model that the dataset was simulated from.
    train : Segments, optional
        The training split; its labels are read where there is no model, for what chance does.
    validation : (Segments, path-like), optional
        The validation split and the tagger's posteriors of it, to fit a temperature on.
    pairs : int
        Draws of each null that chance is told by.
    draws_seed : int
        Seed of chance and of the intervals.

    Returns
    -------
    Judgement

    Raises
    ------
    InputError
        Where nothing is labelled, or a file does not hold posteriors or calls of this split.
    """
    paths = {"exact": exact_path, "filtered": filtered_path}
    references = {
        name: open_posterior(path, corpus, segments)
        for name, path in paths.items()
        if path is not None
    }
    posterior = open_posterior(posterior_path, corpus, segments)
    calls = open_calls(calls_path, corpus, segments)
    prior = np.array(card["training"]["prior"])
    n_states = len(corpus.states)
    temperature = None
    if validation is not None:
        own = open_posterior(validation[1], corpus, validation[0])
        temperature = fit_temperature(own, corpus, validation[0])
    units = choose_units(segments, corpus.known_labels, n_states)
    scores = Scores(
        units.count, prior, tuple(references), None if temperature is None else temperature.value
    )
    histograms = ScoreHistograms(n_states, units.count)
    scan = SegmentScan(units.count, n_states)
    for rows, piece, bases in row_chunks(units.pieces, _VALUES_AT_ONCE // n_states):
        labels = corpus.known_labels[bases]
        chunk, called = posterior[rows], calls[rows]
        check_rows(chunk, posterior_path, corpus, bases)
        unit = units.unit[piece]
        scan.add(labels, called, units.segment[piece], unit)
        beside = {name: array[rows] for name, array in references.items()}
        scored = labels != UNLABELLED
        if not scored.all():
            unit, labels = unit[scored], labels[scored]
            chunk, called = chunk[scored], called[scored]
            beside = {name: array[scored] for name, array in beside.items()}
        histograms.add(scores.add(unit, labels, called, chunk, beside), labels, unit)
    if not scores.bases.any():
        raise InputError(
            f"no base of the test split of {dataset!r} has a label",
            advice="give labels for its records, or choose another split",
        )
    counts = scan.counts()
    sums = _unit_sums(scores, counts)
    figures = _headlines(scores, sums, temperature, draws_seed)
    confusion = scores.confusion.sum(axis=0)
    total = int(scores.bases.sum())
    label_counts = confusion.sum(axis=1)
    rankings, auroc, auprc = histograms.rankings()
    metrics = {
        "dataset": dataset,
        "tagger": card["name"],
        "seed": seed,
        **{key: card[key] for key in ("kind", "description", "parameters")},
        "decoding": decoding,
        "network": {key: card[key] for key in _OF_NETWORKS} if card["kind"] == "network" else None,
        "states": list(corpus.states),
        "state_names": dict(corpus.state_names),
        "test": {"bases": total, "segments": units.n_records},
        "units": {
            "count": len(sums.bases),
            "kind": units.kind,
            "bases": total / len(sums.bases),
            "correlation_length": units.correlation_length,
        },
        "confusion": confusion.tolist(),
        "confusion_shares": (confusion / np.maximum(label_counts, 1)[:, None]).tolist(),
        "label_counts": label_counts.tolist(),
        **{name: figures[name] for name in _HEADLINES},
        "majority_accuracy": float(label_counts[int(prior.argmax())] / total),
        "auroc": plain(auroc),
        "auprc": plain(auprc),
        "classes": {
            state: {**own, "auroc": plain(ranking.auroc), "auprc": plain(ranking.auprc)}
            for state, own, ranking in zip(
                corpus.states, class_figures(sums, seed=draws_seed), rankings, strict=True
            )
        },
        "scores": histogram_json(rankings, corpus.states),
        "sums": total_sums(sums),
        "kl_exact": figures.get("kl_exact"),
        "kl_filtered": figures.get("kl_filtered"),
        "attained": figures.get("attained_exact"),
        "attained_filtered": figures.get("attained_filtered"),
        "excess": {name: figures[f"excess_{name}"] for name in references} or None,
        "ceiling": ceiling_section(scores, ceiling_of(card)),
        "reliability": scores.reliability.table(),
        "certainty": certainty_figures(
            scores.sure[scores.bases > 0], sums.correct, sums.bases, seed=draws_seed
        ),
        "calibration": calibration_section(scores, temperature, figures),
        "segments": segment_section(counts, sums, corpus.states, draws_seed),
        "chance": chance_figures(
            corpus, segments, calls, confusion, hmm=hmm, train=train, pairs=pairs, seed=draws_seed
        ),
    }
    return Judgement(metrics, sums)


def ceiling_of(card: Mapping[str, Any]) -> Literal["exact", "filtered"]:
    """Return which exact posterior sees what a tagger sees.

    The filtered one for what reads in one direction, else the smoothed one.
    """
    architecture = card["architecture"]
    # A chain on top looks at all bases of a record, and so does a mean over both strands.
    one_way = (
        card["kind"] == "network"
        and not architecture.get("bidirectional")
        and architecture.get("head", "softmax") == "softmax"
        and not card.get("both_strands")
    )
    return "filtered" if one_way or architecture.get("baseline") == "filtered" else "exact"


def _unit_sums(scores: Scores, counts: SegmentCounts) -> UnitSums:
    """Return the sums of the units that have a scored base."""
    scored = scores.bases > 0
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
    return UnitSums(**{name: own[scored].astype(np.float64) for name, own in sums.items()})


def _headlines(
    scores: Scores, sums: UnitSums, temperature: Temperature | None, seed: int
) -> dict[str, Any]:
    """Return the figures of all bases; those at the temperature have names that end in _scaled."""
    scored = scores.bases > 0
    excess = {
        name: sums.cross_entropy - reference.cross_entropy[scored]
        for name, reference in scores.references.items()
    }
    reliability = {"ece": scores.reliability.chosen(scored)}
    further = {}
    if temperature is not None:
        reliability["ece_scaled"] = scores.scaled_reliability.chosen(scored)
        further["cross_entropy_scaled"] = scores.scaled_cross_entropy[scored]
    return headline_figures(sums, excess, reliability, further, seed=seed)
