"""Could it be chance? The four nulls of each tagger: a chart, a table and the words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from basetag.judgement.null_figures import FEWEST_SHIFTS, MOST_AT_SEAMS
from basetag.report import numbers, wording
from basetag.report.chance_charts import NullRow, nulls_chart
from basetag.report.counted import BASES, Counted, counted, labels_come_in_runs
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.page import Page

#: The nulls by their names in metrics.json: as they are called, what is drawn, what they ask.
NULLS = {
    "uniform": (
        "uniform",
        "two strings, {labels} equally likely",
        "Is the tagger better than {given_many} drawn without looking?",
    ),
    "frequencies": (
        "frequencies",
        "two strings, {labels} as common as here",
        "Is it better than calling the common {label} often? The effect is the kappa of Cohen.",
    ),
    "shift": (
        "shifted calls",
        "its own calls, moved along the records",
        "Do the calls lie where they lie for a reason?",
    ),
    "resimulated": (
        "fresh paths",
        "new labels with segments like these",
        "Would the calls match the labels of another sequence of this kind as well?",
    ),
}
# Those that take each base for a draw of its own, so that n bases are n observations.
_INDEPENDENT = ("uniform", "frequencies")
# What fresh paths are drawn from.
_LAWS = {
    "hmm": "the simulating HMM",
    "semi_markov": "a semi-Markov chain fitted to the training labels",
}
# From this share of the bases on, their effective number is as good as theirs.
_AS_GOOD_AS_INDEPENDENT = 0.8


def chance_view(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any]:
    """Return a panel for each tagger, and the table of all taggers and nulls."""
    ceiling = dataset.ceiling("exact")
    words = counted(dataset.results[0].metrics)
    nulls = nulls_of(words, independent=not labels_come_in_runs(dataset.results[0].metrics))
    panels = []
    for label, result in named.items():
        chance = {key: result.metrics["chance"][key] for key in nulls}
        sentences = chance_sentences(label, chance, words)
        chart = nulls_chart(
            [
                NullRow(name, drawn, chance[key], null_words(key, chance[key]))
                for key, (name, drawn, _) in nulls.items()
            ],
            words,
            tagger=label,
            ceiling=ceiling["accuracy"] if ceiling is not None else None,
            description=f"Share of {words.many} that {words.are_right} under {len(nulls)} nulls, "
            f"and of {label} on {dataset.name}. {' '.join(sentences)}",
        )
        figure = page.figure(
            chart,
            dataset.name,
            f"chance-{result.tagger}-seed{result.seed}",
            _caption(label, dataset.name, chance, words, known=ceiling is not None),
        )
        panels.append(
            {**figure, "tagger": label, "sentences": sentences,
             "shown": label == next(iter(networks), None)}
        )  # fmt: skip
    return {
        "panels": panels,
        "groups": [{"name": name, "columns": _columns(key)} for key, (name, *_) in nulls.items()],
        "rows": [
            {
                "tagger": label,
                "groups": [_cells(key, result.metrics["chance"][key]) for key in nulls],
            }
            for label, result in named.items()
        ],
        "notes": table_notes(named, tuple(nulls)),
    }


def nulls_of(words: Counted, *, independent: bool) -> dict[str, tuple[str, str, str]]:
    """Return `NULLS` in words, or those of them that take each observation for a draw of its own.

    Where sequences have classes each one is, and there are no segments to be kept; nor are there
    where letters tell the next ones.
    """
    return {
        key: (name, *(text.format(**vars(words)) for text in texts))  # type: ignore[misc]
        for key, (name, *texts) in NULLS.items()
        if key in _INDEPENDENT or not independent
    }


def _caption(
    tagger: str, dataset: str, chance: Mapping[str, Any], words: Counted, *, known: bool
) -> str:
    draws = {NULLS[key][0]: null["pairs"] for key, null in chance.items() if null is not None}
    if len(set(draws.values())) == 1:
        told = f"{numbers.count(next(iter(draws.values())))} draws of each null"
    else:
        told = "draws: " + ", ".join(f"{numbers.count(n)} of {name}" for name, n in draws.items())
    fresh = chance.get("resimulated")
    law = ""
    if fresh is not None:
        law = " Fresh paths are those of " + _LAWS.get(fresh["source"], str(fresh["source"])) + "."
    ceiling = " and of the exact posterior, the best possible (black, dashed)" if known else ""
    return (
        f"{dataset}: how often labels match that know nothing of one another (grey; {told}; each "
        f"null at its own height), beside the rate of {tagger} (blue){ceiling}.{law} sd: standard "
        "deviation; z: distance from the mean in standard deviations; effect: 0 at the mean of "
        f"the null, 1 where every {words.one} matches; p: share of draws that match as often, "
        "one-sided."
    )


def null_words(key: str, null: Mapping[str, Any] | None) -> list[str]:
    """Return the figures of one null in two short lines."""
    if null is None:
        return ["not drawn: there is neither a model", "nor a training label to draw from"]
    first = f"mean {numbers.percent(null['accuracy'])}"
    if null["constant"]:
        return [f"{first}, in every draw", f"no p: {_why_constant(key)}"]
    first += f", sd {deviation(null['sd_matches'] / null['length'])}, z {z_text(null['z'])}"
    second = "" if null["effect"] is None else f"effect {effect_text(null['effect'])}, "
    return [first, second + ("no p: too short" if null["too_short"] else wording.probability(null))]


def chance_sentences(tagger: str, chance: Mapping[str, Any], words: Counted = BASES) -> list[str]:
    """Say how often a tagger matches, what that is worth, and why where there is no p."""
    chance = _in_order(chance)
    fair = [key for key in chance if key not in _INDEPENDENT] or list(chance)
    first = chance["uniform"]
    n, observed = int(first["length"]), int(first["observed_matches"])
    tested = [
        f"{wording.probability(null)} against {NULLS[key][0]}"
        for key, null in chance.items()
        if key in fair and null is not None and null["p"] is not None
    ]
    sentences = [
        f"{tagger} {_is_right(words)} {numbers.count(observed)} of {numbers.count(n)} test "
        f"{words.many} "
        f"({numbers.percent(observed / n)})"
        + (f"; {' and '.join(tested)}." if tested else "; neither fair null can test that.")
    ]
    sizes = {
        NULLS[key][0]: float(null["effective_sample_size"])
        for key, null in chance.items()
        if key not in _INDEPENDENT and null is not None and null["effective_sample_size"]
    }
    if sizes:
        told = " or ".join(
            f"{numbers.count(size)} independent ones (against {name})"
            for name, size in sizes.items()
        )
        sentences.append(
            f"States come in segments, so these {numbers.count(n)} bases say as much as {told}: "
            "independent draws flatter it."
            if min(sizes.values()) < _AS_GOOD_AS_INDEPENDENT * n
            else f"States change so often here that these {numbers.count(n)} bases say about as "
            f"much as independent ones: as {told.replace(' independent ones', '')}."
        )
    sentences += [
        f"No p against {NULLS[key][0]}: {why}."
        for key, null in chance.items()
        for why in [_why_untested(key, null)]
        if why
    ]
    return sentences


def _is_right(words: Counted) -> str:
    return "matches at" if words is BASES else "is right on"


def table_notes(
    named: Mapping[str, TaggerResult], nulls: Sequence[str] = tuple(NULLS)
) -> list[str]:
    """Return why cells of the table have no p, each reason once, with its taggers."""
    taggers: dict[str, list[str]] = {}
    for label, result in named.items():
        for key, null in _in_order(result.metrics["chance"]).items():
            if null is None or key not in nulls:
                continue
            if null["constant"]:
                reason = f"No p against {NULLS[key][0]} (constant: {_why_constant(key)})"
            elif null["too_short"]:
                reason = f"No p against {NULLS[key][0]} (too short to test: {_why_short(null)})"
            else:
                continue
            taggers.setdefault(reason, []).append(label)
    notes = [f"{reason}: {', '.join(labels)}." for reason, labels in taggers.items()]
    if any(
        (null["effective_sample_size"] or 0) > 1.005 * null["length"]
        for result in named.values()
        for key, null in _in_order(result.metrics["chance"]).items()
        if null is not None and key in nulls and key not in _INDEPENDENT
    ):
        notes.append(
            "More effective bases than there are bases: matches of this null scatter less than "
            "those of independent draws would, as where a tagger hardly ever changes its call."
        )
    return notes


def _why_untested(key: str, null: Mapping[str, Any] | None) -> str:
    if null is None:
        return "there is neither a model nor a training label to draw paths from"
    if null["constant"]:
        return _why_constant(key)
    return f"the data is too short to test: {_why_short(null)}" if null["too_short"] else ""


def _why_constant(key: str) -> str:
    if key == "shift":
        return "calls or labels never change"
    return "all draws are alike"


def _why_short(null: Mapping[str, Any]) -> str:
    seams = null["seam_share"]
    if seams is not None and seams > MOST_AT_SEAMS:
        return (
            f"{numbers.percent(seams, 0)} of the changes of state would lie where the end of a "
            f"moved record meets its beginning, more than {numbers.percent(MOST_AT_SEAMS, 0)}"
        )
    shifts = 10 ** float(null["log10_effective_shifts"])
    return (
        f"only about {shifts:.0f} shifts really differ, and p could not reach 0.05 with fewer "
        f"than {FEWEST_SHIFTS}"
    )


def _in_order(chance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nulls in the order of the page; a file has them in that of their names."""
    return {key: chance[key] for key in NULLS if key in chance}


def _columns(key: str) -> list[str]:
    return ["p", "z", "effect", *([] if key in _INDEPENDENT else ["effective bases"])]


def _cells(key: str, null: Mapping[str, Any] | None) -> list[str]:
    columns = _columns(key)
    if null is None:
        return ["not drawn", *[""] * (len(columns) - 1)]
    p = str(null["p_text"])
    if null["p"] is None:
        p = "constant" if null["constant"] else "too short to test"
    size = null["effective_sample_size"]
    cells = [
        p,
        "" if null["z"] is None else z_text(null["z"]),
        "" if null["effect"] is None else effect_text(null["effect"]),
        "" if size is None else numbers.count(size),
    ]
    return cells[: len(columns)]


def z_text(z: float) -> str:
    """Return a distance in standard deviations: one decimal, none from 100 on."""
    text = f"{abs(z):,.0f}" if abs(z) >= 99.95 else f"{abs(z):.1f}"
    return f"{numbers.MINUS if z < 0 and float(text.replace(',', '')) else ''}{text}"


def effect_text(effect: float) -> str:
    """Return an effect with three decimals."""
    text = f"{abs(effect):.3f}"
    return f"{numbers.MINUS if effect < 0 and float(text) else ''}{text}"


def deviation(share: float) -> str:
    """Return a standard deviation in percent with two significant digits."""
    digits = max(0, 1 - math.floor(math.log10(100 * share)))
    return f"{100 * share:.{digits}f} %"
