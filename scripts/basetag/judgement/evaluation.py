"""The judgement of one tagger on the test split.

Puts sums, figures, segments, calibration and chance together into metrics.json: every figure that
the report shows, beside the counts from which it follows. Each tagger, network or not, comes here
as a file of posteriors and one of calls; nothing here knows how they were made. The table of all
taggers lies in `comparison`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np

from basetag.corpus import NEXT_TOKEN, NEXT_VALUE, UNLABELLED, Corpus
from basetag.errors import InputError
from basetag.hmm import HMM
from basetag.judgement.calibration import fit_temperature
from basetag.judgement.groups import Grouping
from basetag.judgement.heads import JudgedHead, judge_head
from basetag.judgement.matched_runs import RunCounter, open_matches, read_matches
from basetag.judgement.metrics_sections import next_token_section
from basetag.judgement.next_values import (
    next_value_section,
    places_with_numbers,
    series_values,
    value_correlation_length,
)
from basetag.judgement.nulls import chance_figures
from basetag.judgement.prediction_files import (
    AnyPath,
    check_rows,
    open_calls,
    open_posterior,
    row_chunks,
)
from basetag.judgement.regression import number_sums, read_predictions, regression_section
from basetag.judgement.tally import Tally
from basetag.judgement.unit_sums import UnitSums
from basetag.judgement.units import choose_units
from basetag.segments import Segments
from basetag.splits.kmers import KmerCode

# Posterior values held at a time: 8 MB in double precision.
_VALUES_AT_ONCE = 1 << 20

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
    matched_path: AnyPath | None = None,
    predictions_path: AnyPath | None = None,
    groupings: Sequence[Grouping] = (),
    heads: Sequence[JudgedHead] = (),
    noise: float | None = None,
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
    matched_path : path-like, optional
        .npy of bool, (bases of the split,), whether each base lies inside a match to training; all
        but those are then judged once more, by themselves.
    predictions_path : path-like, optional
        .npy of float32, (records of the split,), what the tagger tells of records that have a
        number each, of series (places,), of the next number of each; needed where the corpus has
        numbers.
    groupings : sequence of Grouping
        Groups of states that are judged as well.
    heads : sequence of JudgedHead
        Further labels that the tagger tells; they need the training split.
    noise : float, optional
        Deviation of the noise on simulated series.
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
    # Of a network that learnt from a part of the training split, that of the whole.
    prior = np.array(card["training"].get("split_prior", card["training"]["prior"]))
    temperature = None
    if validation is not None:
        own = open_posterior(validation[1], corpus, validation[0])
        temperature = fit_temperature(own, corpus, validation[0])
    alike = 1.0
    if corpus.of_values:
        alike = value_correlation_length(series_values(corpus, segments), segments.lengths)
    units = choose_units(segments, corpus.known_labels, len(corpus.states), alike)
    at_once = _VALUES_AT_ONCE // len(corpus.states)
    matches = None
    if matched_path is not None:
        marks = open_matches(matched_path, segments)
        matches = read_matches(corpus, units, marks, at_once)
    likeliest = decoding == "argmax"
    how = units, prior, tuple(references), temperature, groupings, likeliest
    everything = Tally(*how)
    unmatched = Tally(*how) if matches is not None and matches.bases else None
    runs = RunCounter()
    for rows, piece, bases in row_chunks(units.pieces, at_once):
        labels = corpus.known_labels[bases]
        chunk, called = posterior[rows], calls[rows]
        check_rows(chunk, posterior_path, corpus, bases)
        beside = {name: array[rows] for name, array in references.items()}
        everything.add(piece, labels, called, chunk, beside)
        if matches is not None and unmatched is not None:
            elsewhere = np.where(marks[rows], UNLABELLED, labels).astype(np.uint8)
            aside = matches.runs[runs.numbers(labels, units.segment[piece])]
            whole = np.where(aside, UNLABELLED, labels).astype(np.uint8)
            unmatched.add(piece, elsewhere, called, chunk, beside, whole)
    if not everything.bases:
        raise InputError(
            f"no base of the test split of {dataset!r} has a label",
            advice="give labels for its records, or choose another split",
        )
    # Whoever tells the next letter, or number, sees those before it alone.
    ahead = corpus.task in (NEXT_TOKEN, NEXT_VALUE)
    ceiling = "filtered" if ahead else ceiling_of(card)
    of_card = corpus.states, ceiling
    measures, sums = everything.measures(*of_card, seed=draws_seed)
    code = KmerCode.of(corpus.alphabet)
    measures["test"] |= {
        "matched_bases": None if matches is None else matches.bases,
        "match_letters": code.k,
        "match_strands": 2 if code.complement.size else 1,
    }
    without: dict[str, Any] | None = None
    if unmatched is not None and unmatched.bases:
        without = {"same": False} | unmatched.measures(*of_card, seed=draws_seed)[0]
    elif matches is not None and not matches.bases:
        without = {"same": True}
    confusion = np.array(measures["confusion"])
    regression: dict[str, Any] | None = None
    next_value: dict[str, Any] | None = None
    if corpus.of_values:
        assert predictions_path is not None  # noqa: S101 - a series has them
        told = read_predictions(predictions_path, segments.bases)
        known, targets, unit = places_with_numbers(corpus, segments, units)
        regression = regression_section(
            targets, told[known], unit,
            threshold=None, error=card.get("target", {}).get("error"), seed=draws_seed,
        )  # fmt: skip
        sums = replace(sums, **number_sums(targets, told[known], unit, everything.scored_units))
        next_value = next_value_section(
            corpus, segments, told, regression["rmse"], noise=noise, correlation_length=alike
        )
    elif corpus.targets is not None and corpus.threshold is not None:
        assert predictions_path is not None  # noqa: S101 - the caller has it where there are numbers
        targets = corpus.targets[segments.record]
        told = read_predictions(predictions_path, segments.record.size)
        sums = replace(sums, **number_sums(targets, told, units.unit, everything.scored_units))
        regression = regression_section(
            targets,
            told,
            units.unit,
            threshold=corpus.threshold,
            error=card.get("target", {}).get("error"),
            seed=draws_seed,
        )
    metrics = {
        "dataset": dataset,
        "tagger": card["name"],
        "seed": seed,
        **{key: card[key] for key in ("kind", "description", "parameters")},
        "decoding": decoding,
        "network": {key: card[key] for key in _OF_NETWORKS} if card["kind"] == "network" else None,
        "learnt_labels": card["training"].get("labels"),
        "task": corpus.task,
        "alphabet": corpus.alphabet.plain_name,
        "states": list(corpus.states),
        "state_names": dict(corpus.state_names),
        **measures,
        "regression": regression,
        "next_token": next_token_section(measures, card) if corpus.task == NEXT_TOKEN else None,
        "next_value": next_value,
        "unmatched": without,
        "heads": {
            head.labels.name: judge_head(corpus, segments, train, head, seed=draws_seed)
            for head in heads
            if train is not None
        },
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
    # A chain on top looks at all bases of a record, and so do pooling and a mean over both strands.
    one_way = (
        card["kind"] == "network"
        and not architecture.get("bidirectional")
        and architecture.get("head", "softmax") == "softmax"
        and architecture.get("pooling") is None
        and not card.get("both_strands")
    )
    return "filtered" if one_way or architecture.get("baseline") == "filtered" else "exact"
