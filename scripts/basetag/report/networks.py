"""The networks of the report: what they are made of, how far they look, and what they learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from basetag.report import numbers, wording
from basetag.report.context_charts import context_chart
from basetag.report.counted import counted, regresses, unit_of
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.drawing import LOWEST, Reference
from basetag.report.page import Page
from basetag.report.training_charts import (
    LearningCurve,
    Level,
    excess_chart,
    loss_chart,
    rate_chart,
)


def networks_view(page: Page, dataset: DatasetResult) -> dict[str, Any] | None:
    """Return the card of each network, and the chart of their contexts; None without networks."""
    results = [result for result in dataset.results if result.metrics["network"] is not None]
    if not results:
        return None
    labels = wording.tagger_labels([result.metrics for result in results])
    named = dict(zip(labels, results, strict=True))
    rows = []
    unit = unit_of(results[0].metrics)
    for label, result in named.items():
        network = result.metrics["network"]
        rows.append(
            {
                "label": label,
                "description": result.metrics["description"],
                "cells": [
                    numbers.count(result.metrics["parameters"]),
                    numbers.count(network["operations_per_base"]),
                    "the whole sequence"
                    if network["context"] is None
                    else wording.context(network["context"], unit),
                ],
            }
        )
    made = {result.tagger: result for result in results}
    return {
        "rows": rows,
        "parts": [
            {"tagger": name, "parts": result.metrics["network"]["parts"]}
            for name, result in made.items()
        ],
        "context": _context_figure(page, dataset, named),
    }


def _context_figure(
    page: Page, dataset: DatasetResult, named: Mapping[str, TaggerResult]
) -> dict[str, Any] | None:
    """Return how far networks look; None where all of them look at whole sequences."""
    named = {k: r for k, r in named.items() if r.metrics["network"]["context"] is not None}
    if not named:
        return None
    contexts = {label: result.metrics["network"]["context"] for label, result in named.items()}
    metrics = dataset.results[0].metrics
    words, unit = counted(metrics), unit_of(metrics)
    told = "; ".join(f"{label} {wording.context(own, unit)}" for label, own in contexts.items())
    first = next(iter(contexts.values()))
    chart = context_chart(
        contexts,
        [named[label].tagger for label in contexts],
        unit=unit,
        description=f"How much the posterior of a {words.one} of {dataset.name} changes when all "
        f"that is farther away than a distance is cut off. Context: {told}.",
    )
    return page.figure(
        chart,
        dataset.name,
        "context",
        f"{dataset.name}: mean KL divergence between what a network says of a {words.one} "
        f"given a piece of up to 10,000 {words.many} and given only those within a distance, with "
        f"95 % intervals, at {numbers.count(first['bases'])} {words.many} of the validation "
        "split, a line for each training. A network that cannot look to the right is cut on the "
        "left alone. The context is the distance from which on the divergence stays below "
        f"{first['threshold']:g} nats; what is below {LOWEST:.5f} is drawn at the lower edge. It "
        "is measured on this data, not guaranteed: a rare sequence may carry farther.",
    )


def loss_figure(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any] | None:
    """Return the figure of the losses; None where no network was trained.

    What is above the exact posterior, where there is one; else the cross-entropy itself.
    """
    trained = {label: result for label, result in networks.items() if result.history}
    if not trained:
        return None
    if regresses(dataset.results[0].metrics):
        return _squared_error_figure(page, dataset, trained)
    curves = [
        curve for label, result in trained.items() for curve in [_curve(label, result)] if curve
    ]
    if curves:
        return _excess_figure(page, dataset, named, trained, curves)
    return _cross_entropy_figure(page, dataset, trained)


def _curve(label: str, result: TaggerResult) -> LearningCurve | None:
    """Return a learning curve over the exact posterior, where its loss has one to be held against.

    A loss that weighs states has none.
    """
    validation = result.metrics["validation"]
    if validation is None or "exact" not in validation["references"]:
        return None
    exact = validation["references"]["exact"]["cross_entropy"]
    looks = [row for row in result.history if row["validation_loss"] == row["validation_loss"]]
    losses = [row["validation_loss"] for row in looks]
    ceiling = result.metrics["ceiling"]
    return LearningCurve(
        label,
        result.tagger,
        ceiling is not None and ceiling["of"] == "filtered",
        [row["bases"] for row in looks],
        losses,
        [loss - exact for loss in losses],
    )


def _excess_figure(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    trained: Mapping[str, TaggerResult],
    curves: Sequence[LearningCurve],
) -> dict[str, Any]:
    levels = []
    for label, result in named.items():
        validation = result.metrics["validation"]
        if label in trained or validation is None or result is dataset.reference("exact"):
            continue
        exact = validation["references"]["exact"]
        excess = validation["cross_entropy"] - exact["cross_entropy"]
        levels.append(Level(label, excess, exact["excess_error"]))
    filtered = next((level.excess for level in levels if level.name == "filtered"), None)
    by_tagger: dict[str, list[LearningCurve]] = {}
    for curve in curves:
        by_tagger.setdefault(curve.tagger, []).append(curve)
    told = "; ".join(_reached(seeds) for seeds in by_tagger.values())
    # The nearer a tagger comes, the less its excess varies: only the nearest one's error is noise.
    nearest = min(curves, key=lambda curve: min(curve.excess)).label
    noise = trained[nearest].metrics["validation"]["references"]["exact"]["excess_error"]
    total = numbers.count(trained[curves[0].label].metrics["validation"]["bases"])
    words = counted(dataset.results[0].metrics)
    chart = excess_chart(
        curves,
        levels,
        words,
        noise=noise,
        description=f"What is left to learn on {dataset.name} against the bases seen, both as "
        f"powers of ten: {told}.",
    )
    cut = trained[curves[0].label].metrics["validation"]["cut"]
    notes = [
        f"{dataset.name}: how far the validation loss is above that of the exact posterior on the "
        f"same {total} {words.many}. Lowest values, in nats: {told}. Dotted rules are baselines on "
        f"the same {words.many}.",
    ]
    if noise is not None:
        notes.append(
            f"The grey ground ends at {numbers.nats(noise)}, one standard error of the excess of "
            f"{nearest}, the nearest: what lies on it cannot be told from 0."
        )
    if filtered is not None and any(curve.one_way for curve in curves):
        notes.append(
            "For a network that reads in one direction (dashed) “filtered” is the ceiling; it "
            f"stands at {numbers.nats(filtered)}, and is passed by luck alone."
        )
    names = [level.name for level in levels if level.excess <= 0]
    names += [curve.label for curve in curves if min(curve.excess) <= 0]
    if names:
        notes.append(
            f"{wording.listed(names)} came out not above the exact posterior, as on few "
            f"{words.many} can happen by luck; such values have no place on an axis of powers of "
            "ten, and are drawn at its lower edge (triangles)."
        )
    if cut:
        notes.append(
            "The exact posterior and the baselines saw whole sequences, the losses pieces of "
            "10,000 bases, which adds a little at their ends."
        )
    weighted = [label for label in trained if label not in {curve.label for curve in curves}]
    if weighted:
        notes.append(f"The loss of {wording.listed(weighted)} weighs states and is not drawn.")
    return page.figure(chart, dataset.name, "loss", " ".join(notes))


def _reached(seeds: Sequence[LearningCurve]) -> str:
    """Say how low the curves of a tagger come, and after how many bases."""
    lowest = [min(zip(curve.excess, curve.bases, strict=True)) for curve in seeds]
    least, most = (numbers.nats(end(excess for excess, _ in lowest)) for end in (min, max))
    after = numbers.bases(max(bases for _, bases in lowest))
    if len(seeds) == 1:
        return f"{seeds[0].tagger} {least} after {after}"
    return f"{seeds[0].tagger} {least} to {most} ({len(seeds)} seeds) after at most {after}"


def _cross_entropy_figure(
    page: Page, dataset: DatasetResult, trained: Mapping[str, TaggerResult]
) -> dict[str, Any]:
    words = counted(dataset.results[0].metrics)
    references = {of: dataset.ceiling(of) for of in ("filtered", "exact")}
    prior = dataset.prior_cross_entropy
    rules = [Reference("prior", prior)] if prior is not None else []
    rules += [
        Reference(of, ceiling["cross_entropy"])
        for of, ceiling in references.items()
        if ceiling is not None
    ]
    last = ", ".join(
        f"{label} ends at {numbers.nats(result.history[-1]['validation_loss'])}"
        for label, result in trained.items()
    )
    chart = loss_chart(
        {label: result.history for label, result in trained.items()},
        rules,
        words.nats,
        description=f"Training and validation loss on {dataset.name} against the bases seen: "
        f"{last} {words.nats} on validation.",
    )
    known_prior = f"the prior ({words.given} frequencies alone)"
    known = (
        f"The rules are figures of the test split: {known_prior}, and the best possible, "
        "“filtered” for reading in one direction and “exact” for both."
        if references["exact"] is not None
        else f"The rule is {known_prior} on the test split; the best possible is not known for "
        "this data."
    )
    return page.figure(
        chart,
        dataset.name,
        "loss",
        f"{dataset.name}: {last} {words.nats} on validation. {known}",
    )


def _squared_error_figure(
    page: Page, dataset: DatasetResult, trained: Mapping[str, TaggerResult]
) -> dict[str, Any]:
    """Return the losses of networks that tell numbers; 1 is what the training split's mean has."""
    last = ", ".join(
        f"{label} ends at {numbers.nats(result.history[-1]['validation_loss'])}"
        for label, result in trained.items()
    )
    chart = loss_chart(
        {label: result.history for label, result in trained.items()},
        [],
        "squared error, in variances",
        description=f"Training and validation loss on {dataset.name} against the bases seen: "
        f"{last} on validation, where 1 is telling the mean.",
    )
    return page.figure(
        chart,
        dataset.name,
        "loss",
        f"{dataset.name}: mean squared error over the variance of the training split's numbers, so "
        f"that telling their mean has about 1: {last} on validation, by which the weights are "
        "chosen. The best possible is not known for this data.",
    )


def rate_figure(
    page: Page, dataset: DatasetResult, networks: Mapping[str, TaggerResult]
) -> dict[str, Any] | None:
    """Return the figure of the learning rates, one curve for all that share it.

    All seeds of a tagger are trained at the same rates. None where no network was trained.
    """
    sharing: dict[tuple[tuple[float, float], ...], dict[str, list[dict[str, float]]]] = {}
    for result in networks.values():
        if result.history:
            rates = tuple((row["bases"], row["learning_rate"]) for row in result.history)
            sharing.setdefault(rates, {}).setdefault(result.tagger, result.history)
    if not sharing:
        return None
    histories = {
        wording.listed(list(taggers)): next(iter(taggers.values())) for taggers in sharing.values()
    }
    told = "; ".join(
        f"{names} {numbers.nats(max(row['learning_rate'] for row in history))} at most, "
        f"{numbers.nats(history[-1]['learning_rate'])} at the end"
        for names, history in histories.items()
    )
    chart = rate_chart(
        histories, description=f"Learning rate on {dataset.name} against the bases seen: {told}."
    )
    return page.figure(
        chart,
        dataset.name,
        "rate",
        f"{dataset.name}: learning rate of the last step before each look at the validation "
        f"split: {told}.",
    )
