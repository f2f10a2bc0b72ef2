"""The judgement of one tagger on the test split.

Puts sums, figures, segments, calibration and chance together into metrics.json: every figure that
the report shows, beside the counts from which it follows. Each tagger, network or not, comes here
as a file of posteriors and one of calls; nothing here knows how they were made. The table of all
taggers lies in `comparison`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.files import written_whole
from basetag.hidden_states import read_hidden_states
from basetag.hmm import HMM
from basetag.judgement.calibration import Temperature, fit_temperature
from basetag.judgement.certainty import certainty_figures
from basetag.judgement.figures import (
    class_figures,
    headline_figures,
    plain,
    segment_figures,
)
from basetag.judgement.metrics import Scores
from basetag.judgement.nulls import chance_figures
from basetag.judgement.ranking import ScoreHistograms, histogram_json
from basetag.judgement.segment_measures import (
    TOLERANCES,
    SegmentCounts,
    SegmentScan,
    distance_table,
    length_table,
)
from basetag.judgement.unit_sums import UnitSums
from basetag.judgement.units import choose_units
from basetag.pieces import first_rows, shown_segments
from basetag.splits import Segments

AnyPath = str | os.PathLike[str]

# Posterior values held at a time: 8 MB in double precision.
_VALUES_AT_ONCE = 1 << 20

_HEADLINES = ("accuracy", "balanced_accuracy", "macro_f1", "mcc", "cross_entropy", "brier", "ece")
_DIVERGENCES = ("kl_exact", "kl_exact_prior", "kl_filtered", "kl_filtered_prior")
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
    calls = _open_calls(calls_path, corpus, segments)
    prior = np.array(card["training"]["prior"])
    n_states = len(corpus.states)
    temperature = None
    if validation is not None:
        own = open_posterior(validation[1], corpus, validation[0])
        temperature = fit_temperature(own, corpus, validation[0])
    units = choose_units(segments, _labels(corpus), n_states)
    scores = Scores(
        units.count, prior, tuple(references), None if temperature is None else temperature.value
    )
    histograms = ScoreHistograms(n_states, units.count)
    scan = SegmentScan(units.count, n_states)
    for rows, piece, bases in _chunks(units.pieces, _VALUES_AT_ONCE // n_states):
        labels = _labels(corpus)[bases]
        chunk, called = posterior[rows], calls[rows]
        _check_rows(chunk, posterior_path, corpus, bases)
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
        "sums": _sums(sums),
        "kl_exact": figures.get("kl_exact"),
        "kl_filtered": figures.get("kl_filtered"),
        "attained": figures.get("attained_exact"),
        "attained_filtered": figures.get("attained_filtered"),
        "excess": {name: figures[f"excess_{name}"] for name in references} or None,
        "ceiling": _ceiling(scores, ceiling_of(card)),
        "reliability": scores.reliability.table(),
        "certainty": certainty_figures(
            scores.sure[scores.bases > 0], sums.correct, sums.bases, seed=draws_seed
        ),
        "calibration": _calibration(scores, temperature, figures),
        "segments": _segments(counts, sums, corpus.states, draws_seed),
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


def write_tracks(
    path: AnyPath,
    corpus: Corpus,
    segments: Segments,
    posterior_path: AnyPath,
    calls_path: AnyPath,
    *,
    records: int,
    bases: int,
    hidden_path: AnyPath | None = None,
) -> None:
    """Write what the report shows base by base: the first segments of the split.

    Parameters
    ----------
    path : path-like
        The target, tracks.npz: `names` (segments,), `segment_start` and `lengths` int64
        (segments,), `tokens` and `labels` uint8 (bases,), `posterior` float32 (bases, states),
        `calls` uint8 (bases,), the segments one behind the other; of a network also `hidden`
        float16 (bases, units).
    corpus, segments, posterior_path, calls_path
        As for `evaluate`.
    records, bases : int
        See `shown_segments`.
    hidden_path : path-like, optional
        The network's hidden.npz.
    """
    posterior = open_posterior(posterior_path, corpus, segments)
    calls = _open_calls(calls_path, corpus, segments)
    _, shown = shown_segments(segments, records, bases)
    places = list(zip(first_rows(shown, segments), shown.lengths, strict=True))
    arrays: dict[str, NDArray[Any]] = {
        "names": np.array([corpus.names[record] for record in shown.record]),
        "segment_start": shown.start.astype(np.int64),
        "lengths": shown.lengths.astype(np.int64),
        "tokens": shown.gathered(corpus.tokens),
        "labels": shown.gathered(_labels(corpus)),
        "posterior": np.concatenate([posterior[row : row + n] for row, n in places]),
        "calls": np.concatenate([calls[row : row + n] for row, n in places]),
    }
    if hidden_path is not None:
        arrays["hidden"] = read_hidden_states(hidden_path, shown)
    with written_whole(path) as (place,):
        np.savez(place, allow_pickle=False, **arrays)


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


def _sums(sums: UnitSums) -> dict[str, float | None]:
    """Return the sums over all scored bases from which the figures follow."""
    found = {}
    for name in ("cross_entropy", "brier", *_DIVERGENCES):
        own = getattr(sums, name)
        found[name] = None if own is None else float(own.sum())
    return found


def _ceiling(scores: Scores, of: str) -> dict[str, Any] | None:
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


def _calibration(
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


def _segments(
    counts: SegmentCounts, sums: UnitSums, states: Sequence[str], seed: int
) -> dict[str, Any]:
    """Return the figures of segments and boundaries, and the counts that they follow from."""
    figures = segment_figures(sums, seed=seed)
    by_state = zip(
        states,
        *(own.sum(axis=0).tolist() for own in (counts.true, counts.called, counts.matched)),
        strict=True,
    )
    return {
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


def _labels(corpus: Corpus) -> NDArray[np.uint8]:
    if corpus.labels is None:
        raise InputError(
            "the dataset has no labels, so nothing can be judged on it",
            advice="give `labels:` in the config",
        )
    return corpus.labels


def open_posterior(path: AnyPath, corpus: Corpus, segments: Segments) -> NDArray[np.float32]:
    """Map a file of posteriors, (bases, states), and hold its shape against the split's."""
    shape = int(segments.bases), len(corpus.states)
    return open_array(path, "posteriors", np.dtype(np.float32), shape)


def _open_calls(path: AnyPath, corpus: Corpus, segments: Segments) -> NDArray[np.uint8]:
    """Map a file of called states, (bases,), and hold it against the split and the states."""
    calls = open_array(path, "calls", np.dtype(np.uint8), (int(segments.bases),))
    largest = int(calls.max(initial=0))
    if largest >= len(corpus.states):
        raise InputError(
            f"calls the state {largest}, and the last of the dataset is {len(corpus.states) - 1}",
            file=Path(path),
            advice="predict again",
        )
    return calls


def open_array(
    path: AnyPath, kind: str, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> NDArray[Any]:
    """Map an array of predictions, and hold its type and shape against what they should be."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"cannot be read as an array ({error})", file=Path(path)) from None
    if array.shape != shape or array.dtype != dtype:
        raise InputError(
            f"holds {array.dtype} of the shape {array.shape}; {kind} of this split are "
            f"{dtype} of the shape {shape}",
            file=Path(path),
            advice="predict again with the same split",
        )
    return np.asarray(array)


def _check_rows(
    posterior: NDArray[np.float32],
    path: AnyPath,
    corpus: Corpus,
    bases: NDArray[np.int64],
) -> None:
    """Raise an error at the first row that is no probability distribution."""
    by_state = np.ascontiguousarray(posterior.T)  # sums of long rows, not of two numbers
    good = (np.abs(by_state.sum(axis=0) - 1) < 1e-3) & (by_state.min(axis=0) >= 0)
    if not good.all():
        row = int(np.argmin(good))
        record = int(np.searchsorted(corpus.starts, bases[row], side="right")) - 1
        raise InputError(
            f"the posterior {posterior[row].tolist()} is no probability distribution",
            file=Path(path),
            record=corpus.names[record],
            position=int(bases[row] - corpus.starts[record]) + 1,
        )


def _chunks(
    segments: Segments, bases_at_once: int
) -> Iterator[tuple[slice, NDArray[np.int64], NDArray[np.int64]]]:
    """Yield rows of the split's posteriors, and segment and place in the corpus of each row."""
    ends = np.cumsum(segments.lengths)
    total = int(ends[-1]) if len(ends) else 0
    for first in range(0, total, bases_at_once):
        rows = slice(first, min(first + bases_at_once, total))
        touched = np.arange(
            np.searchsorted(ends, first, side="right"),
            np.searchsorted(ends, rows.stop, side="left") + 1,
        )
        begins = ends[touched] - segments.lengths[touched]
        inside = np.minimum(ends[touched], rows.stop) - np.maximum(begins, first)
        shift = np.repeat(segments.offset[touched] - begins, inside)
        yield rows, np.repeat(touched, inside), np.arange(first, rows.stop) + shift
