"""Sequences with classes: how many are right, class by class, and the shown ones one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from basetag.corpus import UNLABELLED
from basetag.report import class_charts, numbers
from basetag.report.class_charts import ShownSequence, drawn_at_most
from basetag.report.data import DatasetResult, TaggerResult, Tracks
from basetag.report.drawing import Reference
from basetag.report.figure_text import with_interval
from basetag.report.page import Page
from basetag.vocabulary import UNKNOWN_WORD

# Letters at either end of a sequence that is too long to be shown whole.
_AT_ENDS = 10


def classes_view(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any]:
    """Return the charts of accuracy and of each class, and those of the shown sequences.

    Returns
    -------
    dict
        `accuracy` and `measures`, figures; `panels`, for each tagger a sentence and the figure of
        the shown sequences; `effects`, for the first seed of each network and each shown sequence
        the figures of what its letters do, as far as there are some. `vocabulary` says in words
        which words are known, None where sequences are no texts.
    """
    metrics = {label: result.metrics for label, result in named.items()}
    tracked = {label: result for label, result in named.items() if result.tracks is not None}
    first = next((label for label in networks if label in tracked), None)
    return {
        "vocabulary": vocabulary_in_words(next(iter(metrics.values()))),
        "accuracy": _accuracy_figure(page, dataset, metrics),
        "measures": _measures_figure(page, dataset, metrics),
        "panels": [
            {
                **_probabilities_figure(page, dataset, label, result),
                "tagger": label,
                "shown": label == first or (first is None and index == 0),
            }
            for index, (label, result) in enumerate(tracked.items())
        ],
        "effects": [
            effect
            for label, result in _first_seeds(tracked).items()
            for effect in _effects(page, dataset, label, result)
        ],
    }


def _first_seeds(named: Mapping[str, TaggerResult]) -> dict[str, TaggerResult]:
    """Return the first result of each tagger: a page of all its seeds would be too large."""
    first: dict[str, str] = {}
    for label, result in named.items():
        first.setdefault(result.tagger, label)
    return {label: named[label] for label in first.values()}


def vocabulary_in_words(metrics: Mapping[str, Any]) -> str | None:
    """Return how many words the vocabulary of texts has, where from, and how many lack in it."""
    found = metrics.get("vocabulary")
    if found is None:
        return None
    of, test, unknown = found["of"], found["test_words"], found["test_unknown"]
    share = numbers.percent(unknown / test) if test else "none"
    case = "upper and lower case being one" if found["fold_case"] else "case being told apart"
    return (
        f"Sequences are read as {of}, {case}. The vocabulary has {numbers.count(found['size'])} "
        f"{of}, all of the training split, and vocabulary.tsv beside the corpus lists them. Of the "
        f"{numbers.count(test)} {of} of the test split {numbers.count(unknown)} ({share}) are not "
        f"in it, and all of these are read as one, “{UNKNOWN_WORD}”; of the "
        f"{numbers.count(found['training_words'])} of the training split "
        f"{numbers.count(found['training_unknown'])} are."
    )


def _accuracy_figure(
    page: Page, dataset: DatasetResult, metrics: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    first = next(iter(metrics.values()))
    majority = float(first["majority_accuracy"])
    references = [Reference("majority", majority)]
    best = dataset.ceiling("exact")
    known = ""
    if best is not None:
        references.append(Reference("exact", best["accuracy"]))
        known = f", and exact, the best possible, {numbers.percent(best['accuracy'])}"
    total = numbers.count(first["test"]["bases"])
    told = "; ".join(
        f"{label} {with_interval(own['accuracy'], numbers.percent)}"
        for label, own in metrics.items()
    )
    lines = f"majority, always the commonest class, {numbers.percent(majority)}{known}"
    chart = class_charts.accuracy_chart(
        metrics,
        references,
        description=f"How many of {total} test sequences of {dataset.name} are classified "
        f"rightly: {told}. Lines across: {lines}.",
    )
    return page.figure(
        chart,
        dataset.name,
        "accuracies",
        f"{dataset.name}: share of the {total} test sequences that are classified rightly, with "
        f"95 % intervals. Lines across: {lines}.",
    )


def _measures_figure(
    page: Page, dataset: DatasetResult, metrics: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    support = ", ".join(
        f"{numbers.count(count)} of {letter} ({dataset.state_names[letter]})"
        for letter, count in zip(
            dataset.states, next(iter(metrics.values()))["label_counts"], strict=True
        )
    )
    chart = class_charts.class_measures_chart(
        metrics,
        dataset.state_names_in_order,
        description=f"Precision, recall and F1 of each class of {dataset.name}, for "
        f"{len(metrics)} taggers. Test sequences: {support}. The table behind has the figures.",
    )
    return page.figure(
        chart,
        dataset.name,
        "classes",
        f"{dataset.name}: precision, recall and F1 of each class, with 95 % intervals where there "
        f"are some. Test sequences (support): {support}. A class that is never called has no "
        "precision.",
    )


def shown_sequences(tracks: Tracks) -> list[ShownSequence]:
    """Return the sequences of tracks, each with its classes and their probabilities.

    Parameters
    ----------
    tracks : Tracks
        What is told of a sequence stands at each of its letters.
    """
    return [
        ShownSequence(
            name,
            ends_of(sequence),
            len(sequence),
            int(labels[0]),
            int(calls[0]),
            [float(p) for p in posterior[0]],
        )
        for name, sequence, labels, calls, posterior in zip(
            tracks.names,
            tracks.sequences,
            tracks.labels,
            tracks.calls,
            tracks.posteriors,
            strict=True,
        )
    ]


def ends_of(sequence: Sequence[str]) -> str:
    """Return the first and the last letters of a sequence, or all where these are most of it."""
    sequence = sequence if isinstance(sequence, str) else " ".join(sequence)
    if len(sequence) <= 2 * _AT_ENDS + 1:
        return sequence
    return f"{sequence[:_AT_ENDS]}…{sequence[-_AT_ENDS:]}"


def _probabilities_figure(
    page: Page, dataset: DatasetResult, label: str, result: TaggerResult
) -> dict[str, Any]:
    assert result.tracks is not None  # noqa: S101 (the caller has looked)
    shown = shown_sequences(result.tracks)
    wrong = [one for one in shown if one.true not in (one.called, UNLABELLED)]
    told = "none of them wrongly"
    if wrong:
        names = ", ".join(
            f"{one.name} ({dataset.states[one.called]} instead of {dataset.states[one.true]})"
            for one in wrong
        )
        told = f"{numbers.count(len(wrong))} of them wrongly: {names}"
    sentence = f"{label} classifies {numbers.count(len(shown))} shown sequences, {told}."
    chart = class_charts.probabilities_chart(
        shown,
        dataset.state_names_in_order,
        description=f"Probability of each class of the first {len(shown)} test sequences of "
        f"{dataset.name}. {sentence}",
    )
    return page.figure(
        chart,
        dataset.name,
        f"sequences-{result.tagger}-seed{result.seed}",
        f"{dataset.name}: probability of each class by {label}, for the first test sequences; "
        f"beside each bar its first and last letters and the call, wrong ones with "
        f"\N{BALLOT X}. {sentence}",
    )


def _effects(
    page: Page, dataset: DatasetResult, label: str, result: TaggerResult
) -> list[dict[str, Any]]:
    """Return for each sequence what its letters weigh and what their substitutions do."""
    tracks = result.tracks
    assert tracks is not None  # noqa: S101 (the caller has looked)
    found = []
    run = f"{result.tagger}-seed{result.seed}"
    for index, one in enumerate(shown_sequences(tracks)):
        sequence = tracks.sequences[index]
        of = f"{one.name} ({label})"
        unit, most = "letter" if isinstance(sequence, str) else "word", drawn_at_most(sequence)
        more = (
            f" Only the first {most} {unit}s are drawn; the table has more."
            if len(sequence) > most
            else ""
        )
        figures = []
        weights = None if tracks.attention is None else tracks.attention[index]
        if weights is not None and np.isfinite(weights).all():
            heaviest = int(weights.argmax())
            told = (
                f"Most weight, {weights[heaviest]:.3f}, is at position {heaviest + 1} "
                f"({sequence[heaviest]})."
            )
            chart = class_charts.attention_chart(
                sequence, weights, description=f"Attention along {of}. {told}"
            )
            figures.append(
                page.figure(
                    chart,
                    dataset.name,
                    f"attention-{run}-{index + 1}",
                    f"{of}: what each {unit} weighs in the mean that the class is told from; all "
                    f"weights of a sequence sum to 1. {told} What is at a position has read its "
                    f"neighbours, too: the weight is not that of the {unit} alone.{more}",
                )
            )
        changes = None if tracks.mutagenesis is None else tracks.mutagenesis[index]
        if changes is not None and np.isfinite(changes).all():
            own = changes[:, :, one.called]
            done = "each single substitution" if unit == "letter" else "leaving out each word"
            called = (
                f"{dataset.states[one.called]} ({dataset.state_names[dataset.states[one.called]]})"
            )
            chart = class_charts.mutagenesis_chart(
                sequence,
                tracks.letters,
                own,
                description=f"In-silico mutagenesis of {of}: change in the log-odds of {called} by "
                f"{done}. {_strongest(sequence, tracks.letters, own)}",
            )
            figures.append(
                page.figure(
                    chart,
                    dataset.name,
                    f"mutagenesis-{run}-{index + 1}",
                    f"{of}: by how much {done} changes the log-odds of the "
                    f"called class, {called}. Purple: it is called less surely then; green: more "
                    f"surely. The {unit}s are the sequence's own. "
                    f"{_strongest(sequence, tracks.letters, own)}{more}",
                )
            )
        if figures:
            found.append(
                {
                    "id": f"{run}-{index + 1}",
                    "choice": f"{label}, {one.name}",
                    "figures": figures,
                }
            )
    return found


def _strongest(sequence: Sequence[str], letters: Sequence[str], changes: Any) -> str:
    """Say which substitution lowers the log-odds most, and which raises them most."""
    told = []
    for word, at in (("Most against it", changes.argmin()), ("most for it", changes.argmax())):
        position, letter = divmod(int(at), changes.shape[1])
        value = numbers.ratio(float(changes[position, letter]))
        told.append(
            f"{word}: {sequence[position]} at position {position + 1} to {letters[letter]}, {value}"
        )
    return f"{'; '.join(told)}."
