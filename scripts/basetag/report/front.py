"""The first page: a sentence for each tagger, and all of them on a line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from basetag.report import numbers, wording
from basetag.report.control_wording import flagged_note
from basetag.report.counted import counted, of_series
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.drawing import Reference
from basetag.report.page import Page
from basetag.report.scale_charts import Scored, Seed, scale_chart


def front_view(
    page: Page, dataset: DatasetResult, networks: Mapping[str, TaggerResult]
) -> dict[str, Any]:
    """Return the verdicts on the networks, a line for each baseline, and the picture of all."""
    by_tagger: dict[str, list[TaggerResult]] = {}
    for result in dataset.results:
        by_tagger.setdefault(result.tagger, []).append(result)
    judged = {result.tagger for result in networks.values()}
    return {
        "verdicts": [
            _verdict(dataset, seeds) for tagger, seeds in by_tagger.items() if tagger in judged
        ],
        "baselines": [
            _baseline(dataset, seeds[0])
            for tagger, seeds in by_tagger.items()
            if tagger not in judged
        ],
        "flagged": flagged_note(
            [result.metrics for result in dataset.results if result.tagger not in judged]
        ),
        "scale": _scale_figure(page, dataset, by_tagger),
    }


def _verdict(dataset: DatasetResult, seeds: list[TaggerResult]) -> wording.Verdict:
    return wording.verdict(
        [result.metrics for result in seeds],
        ceiling=dataset.ceiling("exact"),
        prior_cross_entropy=dataset.prior_cross_entropy,
        rules=[
            result.metrics
            for result in dataset.results
            if result.metrics["kind"] == "rule"
            and result is not seeds[0]
            and result is not dataset.reference("exact")
        ],
    )


def _baseline(dataset: DatasetResult, result: TaggerResult) -> dict[str, str]:
    of = next((of for of in ("exact", "filtered") if dataset.reference(of) is result), None)
    return {
        "tagger": result.tagger,
        "description": str(result.metrics["description"]),
        "line": wording.baseline_line(result.metrics, of),
    }


def _scale_figure(
    page: Page, dataset: DatasetResult, by_tagger: Mapping[str, list[TaggerResult]]
) -> dict[str, Any]:
    def scored(key: str, *, in_percent: bool) -> list[Scored]:
        every = []
        for tagger, results in by_tagger.items():
            figures = [result.metrics[key] for result in results]
            seeds = [Seed(float(f["value"]), f["low"], f["high"]) for f in figures]
            one = Scored(tagger, str(results[0].metrics["kind"]), seeds, "")
            text = numbers.with_interval(one.mean, one.ends, in_percent=in_percent)
            every.append(one._replace(text=text))
        return every

    first = dataset.results[0].metrics
    words = counted(first)
    accuracy = [
        Reference("chance", float(first["chance"]["uniform"]["accuracy"])),
        Reference("majority", float(first["majority_accuracy"])),
    ]
    entropy = [Reference("chance", math.log(len(dataset.states)))]
    if dataset.prior_cross_entropy is not None:
        entropy.append(Reference("majority", dataset.prior_cross_entropy))
    for of in ("filtered", "exact"):
        ceiling = dataset.ceiling(of)
        if ceiling is not None:
            accuracy.append(Reference(of, ceiling["accuracy"]))
            entropy.append(Reference(of, ceiling["cross_entropy"]))
    # Of what comes next nobody can know more than what came before tells.
    best = dataset.ceiling("filtered" if of_series(first) else "exact")
    known = (
        f"The exact posterior, the best possible, reaches {numbers.percent(best['accuracy'])} "
        f"and {numbers.nats(best['cross_entropy'])} nats."
        if best is not None
        else "The best possible is not known for this data."
    )
    chart, outside = scale_chart(
        scored("accuracy", in_percent=True),
        scored("cross_entropy", in_percent=False),
        accuracy,
        entropy,
        titles=(
            f"{words.right_axis} (accuracy)",
            f"Cross-entropy ({words.nats}; less is better)",
        ),
        description=f"Accuracy and cross-entropy of {len(by_tagger)} taggers on {dataset.name}, "
        f"with 95 % intervals, beside chance and the best possible. {known}",
    )
    notes = [
        f"{dataset.name}: every tagger between chance and the best possible, the lowest "
        "cross-entropy on top. "
        "The black line through a mark, and the numbers in brackets, are its 95 % interval."
    ]
    if any(len(results) > 1 for results in by_tagger.values()):
        notes.append(
            "Where a tagger was trained with several seeds, the mark is their mean, each seed is a "
            "dot under it, and the line reaches from the lowest to the highest end of their "
            "intervals."
        )
    if outside:
        notes.append(
            f"{wording.listed(outside)} {'is' if len(outside) == 1 else 'are'} farther off, and "
            "drawn at the edge (triangles)."
        )
    lost = wording.unlabelled_note([result.metrics for result in dataset.results])
    return page.figure(chart, dataset.name, "scale", f"{' '.join(notes)} {known}{lost}")
