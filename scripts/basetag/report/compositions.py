"""Is an annotated genome like what its taggers were trained on? Words and figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from basetag.report import numbers, wording
from basetag.report.annotation_data import Annotation
from basetag.report.composition_charts import composition_chart
from basetag.report.page import Page

_NAMED_WORDS = 3
# In place of a dataset's name: see `basetag.config.model`.
TAGGER_FILES = "files"


def composition_view(page: Page, genome: str, annotations: Sequence[Annotation]) -> dict[str, Any]:
    """Return what is said of a genome's composition, once for each dataset, and the figure."""
    found = _by_training(annotations)
    told: list[dict[str, Any]] = [
        {"text": _sentence(genome, dataset, one), "differs": bool(one.get("differs"))}
        for dataset, one in found.items()
    ]
    judged = {dataset: one for dataset, one in found.items() if one.get("threshold") is not None}
    if not judged:
        return {"told": told, "figure": None}
    chart = composition_chart(
        genome,
        judged,
        description=f"How far {genome} differs from the training data, beside pieces of these by "
        "their length. " + " ".join(entry["text"] for entry in told),
    )
    names = wording.listed(list(judged))
    caption = (
        f"How far {genome} differs from the training data of {names} (point), and how far pieces "
        "of these differ from the rest: half of them less than the grey line, 99 % less than the "
        "dashed one. Shorter sequences differ more by chance alone. Differences are "
        "Jensen-Shannon divergences of the words of five letters, on either strand; 0.69 nats is "
        "the most there can be."
    )
    if any(one["k"] != 5 for one in judged.values()):
        lengths = wording.listed(sorted({str(one["k"]) for one in judged.values()}))
        caption = caption.replace("words of five letters", f"words of {lengths} letters")
    return {"told": told, "figure": page.figure(chart, genome, "composition", caption)}


def _by_training(annotations: Sequence[Annotation]) -> dict[str, Mapping[str, Any]]:
    """Return the compositions by the dataset, or by the tagger where its file alone is known.

    All taggers of a dataset were trained on the same split.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for annotation in annotations:
        dataset, tagger, _ = annotation.name.split("/")
        found[tagger if dataset == TAGGER_FILES else dataset] = annotation.composition
    return found


def _sentence(genome: str, dataset: str, found: Mapping[str, Any]) -> str:
    """Say whether the genome is like the training data of a dataset."""
    if not found["known"]:
        return (
            f"Whether {genome} is like the training data of {dataset} is not known: the tagger's "
            "file says nothing of them. Train it again."
        )
    if found["threshold"] is None:
        return (
            f"Whether {genome} is like the training data of {dataset} cannot be told: one of the "
            "two is too short."
        )
    limit = (
        f"{numbers.nats(found['divergence'])} nats, where 99 % of pieces of "
        f"{numbers.count(found['length'])} bp of the training data differ by less than "
        f"{numbers.nats(found['threshold'])}"
    )
    if not found["differs"]:
        return f"{genome} is like the training data of {dataset}: its words differ by {limit}."
    gc = ""
    if found["gc"] is not None:
        shares = numbers.percent(found["gc"]), numbers.percent(found["training_gc"])
        gc = f" Its GC is {shares[0]}, that of the training data {shares[1]}."
    words = wording.listed(
        [
            f"{word} ({numbers.percent(own, 2)} here, {numbers.percent(trained, 2)} there)"
            for word, own, trained in found["most"][:_NAMED_WORDS]
        ]
    )
    return (
        f"{genome} is unlike the training data of {dataset}: its words differ by {limit}.{gc} "
        f"Most different are {words}. The posteriors on such a genome may be wrong, however sure."
    )
