"""The judgement of one tagger on the test split.

Puts sums and counts (`metrics`) and chance (`nulls`) together into metrics.json: every figure
that the report shows, beside the counts from which it follows. Each tagger, network or not, comes
here as a file of posteriors and one of calls; nothing here knows how they were made. The table of
all taggers lies in `comparison`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.files import written_whole
from basetag.hidden_states import read_hidden_states
from basetag.hmm import HMM
from basetag.judgement.metrics import (
    N_BINS,
    Figure,
    Scores,
    balanced_accuracy,
    calibration_error,
    macro_f1,
    matthews_correlation,
    ratio_figures,
)
from basetag.judgement.nulls import chance_figures
from basetag.pieces import first_rows, shown_segments
from basetag.splits import Segments

#: Below this many nats a base there is nothing to attain, and `attained` stays empty.
LEAST_ATTAINABLE = 1e-3

AnyPath = str | os.PathLike[str]

# Posterior values held at a time: 8 MB in double precision.
_VALUES_AT_ONCE = 1 << 20

# What the card of a network says besides.
_OF_NETWORKS = ("parts", "operations_per_base", "context")

_BOUNDS = {
    "accuracy": (0.0, 1.0),
    "cross_entropy": (0.0, math.inf),
    "kl": (0.0, math.inf),
    "unattained": (0.0, math.inf),
}


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
    pairs: int = 1000,
    draws_seed: int = 1,
) -> dict[str, Any]:
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
    pairs : int
        Draws of each null that chance is told by.
    draws_seed : int
        Seed of chance and of the intervals.

    Returns
    -------
    dict
        The content of metrics.json: plain JSON, null where a figure does not apply.

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
    scores = Scores(len(segments.offset), prior, tuple(references))
    for rows, segment, bases in _chunks(segments, _VALUES_AT_ONCE // len(corpus.states)):
        labels = _labels(corpus)[bases]
        chunk, called = posterior[rows], calls[rows]
        _check_rows(chunk, posterior_path, corpus, bases)
        beside = {name: array[rows] for name, array in references.items()}
        scored = labels != UNLABELLED
        if not scored.all():
            segment, labels = segment[scored], labels[scored]
            chunk, called = chunk[scored], called[scored]
            beside = {name: array[scored] for name, array in beside.items()}
        scores.add(segment, labels, called, chunk, beside)
    if not scores.bases.any():
        raise InputError(
            f"no base of the test split of {dataset!r} has a label",
            advice="give labels for its records, or choose another split",
        )
    figures = _figures(scores, draws_seed)
    confusion = scores.confusion
    total = int(scores.bases.sum())
    label_counts = confusion.sum(axis=1)
    ceiling = ceiling_of(card)
    best = scores.references.get(ceiling)
    return {
        "dataset": dataset,
        "tagger": card["name"],
        "seed": seed,
        **{key: card[key] for key in ("kind", "description", "parameters")},
        "decoding": decoding,
        "network": {key: card[key] for key in _OF_NETWORKS} if card["kind"] == "network" else None,
        "states": list(corpus.states),
        "state_names": dict(corpus.state_names),
        "test": {"bases": total, "segments": int(np.count_nonzero(scores.bases))},
        "confusion": confusion.tolist(),
        "label_counts": label_counts.tolist(),
        "accuracy": figures["accuracy"],
        "balanced_accuracy": balanced_accuracy(confusion),
        "macro_f1": macro_f1(confusion),
        "mcc": matthews_correlation(confusion),
        "majority_accuracy": float(label_counts[int(prior.argmax())] / total),
        "cross_entropy": figures["cross_entropy"],
        "brier": float(scores.brier.sum() / total),
        "ece": calibration_error(scores.bin_counts, scores.bin_confidence, scores.bin_correct),
        "sums": _sums(scores),
        "kl_exact": figures.get("kl_exact"),
        "kl_filtered": figures.get("kl_filtered"),
        "attained": figures.get("attained_exact"),
        "attained_filtered": figures.get("attained_filtered"),
        "excess": {name: figures[f"excess_{name}"] for name in references} or None,
        "ceiling": None
        if best is None
        else {
            "accuracy": float(best.correct.sum() / total),
            "cross_entropy": float(best.cross_entropy.sum() / total),
            "of": ceiling,
        },
        "reliability": _reliability(scores),
        "chance": chance_figures(
            corpus, segments, calls, confusion, hmm=hmm, train=train, pairs=pairs, seed=draws_seed
        ),
    }


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


def _figures(scores: Scores, seed: int) -> dict[str, dict[str, float | None]]:
    """Return the figures that carry an interval, as plain JSON."""
    scored = scores.bases > 0
    bases = scores.bases[scored].astype(np.float64)
    cross_entropy = scores.cross_entropy[scored]
    ratios = {"accuracy": (scores.correct[scored], bases), "cross_entropy": (cross_entropy, bases)}
    for name, sums in scores.references.items():
        kl, kl_prior = sums.kl[scored], sums.kl_prior[scored]
        ratios[f"kl_{name}"] = (kl, bases)
        ratios[f"excess_{name}"] = (cross_entropy - sums.cross_entropy[scored], bases)
        if kl_prior.sum() >= LEAST_ATTAINABLE * bases.sum():
            ratios[f"unattained_{name}"] = (kl, kl_prior)
    # A posterior is the exact one, or the prior, on every segment only where it is so by identity.
    identities = [name for name in ratios if name not in ("accuracy", "cross_entropy")]
    figures = {}
    for name, figure in ratio_figures(ratios, seed=seed, identities=identities).items():
        within = _BOUNDS.get(name, _BOUNDS.get(name.partition("_")[0], (-math.inf, math.inf)))
        if figure.low is not None and figure.high is not None:
            figure = replace(
                figure, low=max(figure.low, within[0]), high=min(figure.high, within[1])
            )
        if name.startswith("unattained_"):
            name, figure = name.removeprefix("un"), _one_minus(figure)
        figures[name] = {"value": figure.value, "low": figure.low, "high": figure.high}
    return figures


def _one_minus(figure: Figure) -> Figure:
    if figure.low is None or figure.high is None:
        return Figure(1 - figure.value, None, None)
    return Figure(1 - figure.value, 1 - figure.high, 1 - figure.low)


def _sums(scores: Scores) -> dict[str, float | None]:
    """Return the sums over all scored bases from which the figures follow."""
    sums: dict[str, float | None] = {
        "cross_entropy": float(scores.cross_entropy.sum()),
        "brier": float(scores.brier.sum()),
    }
    for name in ("exact", "filtered"):
        reference = scores.references.get(name)
        sums[f"kl_{name}"] = None if reference is None else float(reference.kl.sum())
        sums[f"kl_{name}_prior"] = None if reference is None else float(reference.kl_prior.sum())
    return sums


def _reliability(scores: Scores) -> dict[str, list[Any]]:
    """Return the reliability table: calls by their posterior, and how many of them are right."""
    counts = scores.bin_counts
    means = [
        [float(total / n) if n else None for total, n in zip(sums, counts, strict=True)]
        for sums in (scores.bin_confidence, scores.bin_correct)
    ]
    return {
        "edges": [edge / N_BINS for edge in range(N_BINS + 1)],
        "counts": counts.tolist(),
        "confidence": means[0],
        "accuracy": means[1],
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
