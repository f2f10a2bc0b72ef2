"""The report's words: the sentences that say how good a tagger is.

Every sentence is computed from the figures of metrics.json; where a figure does not exist, the
sentence changes and says so. What is measured, and how, is not decided here. The thresholds are
of the words alone, and stand below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from basetag.judgement.figure_places import FEWEST_UNITS
from basetag.report.control_wording import control_sentences
from basetag.report.counted import classifies, counted, of_series, regresses
from basetag.report.figure_text import mean, spread
from basetag.report.match_wording import match_sentences
from basetag.report.numbers import count, nats, percent, ratio, signed

Metrics = Mapping[str, Any]

#: From this share of the attainable information on, a tagger "has reached" its ceiling.
AT_CEILING = 0.985
#: From this share on, it is "close to" its ceiling; below `AT_PRIOR`, it knows next to nothing.
NEAR_CEILING = 0.80
AT_PRIOR = 0.05
#: A rule without memory counts as nearly as good as the network when it lacks at most this share
#: of the cross-entropy that the network gains over the prior.
NEARLY_AS_GOOD = 0.05
#: Up to so many times the noise an error is near its floor.
NEAR_NOISE = 1.1
#: From this share on, what a rule reads holds "almost all" of what can be known.
ALMOST_ALL = 0.95


@dataclass(frozen=True)
class Verdict:
    """What the first page says of one tagger on one dataset.

    Parameters
    ----------
    tagger, dataset : str
        Names from the config.
    badge : str
        The verdict in a few words.
    level : str
        `good`, `fair`, `poor` or `unknown`: how the badge is coloured.
    headline : str
        One sentence: matches, chance, and the best possible.
    details : list of str
        What else there is to say, a sentence or two each.
    """

    tagger: str
    dataset: str
    badge: str
    level: str
    headline: str
    details: list[str]


def context(measured: Mapping[str, Any] | None, unit: str = "bp") -> str:
    """Return the measured context of a network: ``64 bp on either side``.

    None is that of one that labels records as wholes.
    """
    if measured is None:
        return "whole records"
    side = "on the left" if measured["sides"] == "left" else "on either side"
    if measured["reach"] is None:
        return f"more than {count(measured['distances'][-1])} {unit} {side}"
    return f"{count(measured['reach'])} {unit} {side}"


def listed(names: Sequence[str]) -> str:
    """Return names as a clause: ``gru, bilstm and exact``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def probability(chance: Mapping[str, Any]) -> str:
    """Return the p-value of the simulation as a clause: ``p < 1/1000`` or ``p = 0.023``."""
    text = str(chance["p_text"])
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def tagger_labels(metrics: Sequence[Metrics]) -> list[str]:
    """Return a name for each result of one dataset; the seed is told where a name has several."""
    names = [str(m["tagger"]) for m in metrics]
    return [
        name if names.count(name) == 1 else f"{name} (seed {m['seed']})"
        for name, m in zip(names, metrics, strict=True)
    ]


def own_attained(metrics: Metrics) -> Mapping[str, float] | None:
    """Return `attained` against the tagger's own ceiling, or None where it is not known."""
    one_way = metrics["ceiling"] is not None and metrics["ceiling"]["of"] == "filtered"
    attained: Mapping[str, float] | None = metrics["attained_filtered" if one_way else "attained"]
    return attained


def verdict(
    seeds: Sequence[Metrics],
    *,
    ceiling: Mapping[str, float] | None,
    prior_cross_entropy: float | None,
    rules: Sequence[Metrics] = (),
) -> Verdict:
    """Say how good one tagger is on one dataset.

    Parameters
    ----------
    seeds : sequence of metrics.json
        The tagger's results, one for each seed.
    ceiling : mapping or None
        Accuracy and cross-entropy of the exact posterior; None where there is none.
    prior_cross_entropy : float or None
        Cross-entropy of the training labels' frequencies, nats per base.
    rules : sequence of metrics.json
        The rules without memory that were run on the same dataset.
    """
    first = seeds[0]
    name, dataset = str(first["tagger"]), str(first["dataset"])
    accuracy = mean([m["accuracy"]["value"] for m in seeds])
    words = counted(first)
    of = f"{count(first['test']['bases'])} test sequences" if classifies(first) else words.many
    known = (
        f"{name} on {dataset}: {percent(accuracy)} of {of} {words.are_right}"
        f"{spread([m['accuracy'] for m in seeds])}; "
        f"chance is {percent(first['chance']['uniform']['accuracy'])}"
    )
    own = first["ceiling"]
    if of_series(first) and own is not None:
        headline = f"{known}; no method can pass {percent(own['accuracy'])} in expectation."
    elif ceiling is None:
        headline = f"{known}; the best possible is not known for this data."
    elif round(accuracy, 3) <= round(ceiling["accuracy"], 3):
        headline = f"{known}; no method can pass {percent(ceiling['accuracy'])}."
    else:
        headline = (
            f"{known}; the best possible is {percent(ceiling['accuracy'])}, and the rest is luck."
        )
    one_way = own is not None and own["of"] == "filtered" and first["decoding"] == "argmax"
    if one_way and not of_series(first):
        headline = f"{headline[:-1]}, or {percent(own['accuracy'])} reading in one direction."
    if regresses(first):
        headline = f"{_numbers_sentence(seeds)} {headline}"
    attained = [own for own in map(own_attained, seeds) if own is not None]
    badge, level = _badge(attained, seeds)
    if attained and level != "poor":
        badge += f" ({percent(mean([own['value'] for own in attained]))} attained)"
    details = [*_attained_sentences(seeds), _majority_sentence(first, accuracy)]
    worst = max((m["chance"]["uniform"] for m in seeds), key=lambda null: float(null["p"]))
    better = float(worst["p"]) <= 0.05
    details.append(
        f"{'Better' if better else 'Not shown to be better'} than {words.given_many} drawn without "
        f"looking: {probability(worst)}."
    )
    note = rule_note(seeds, rules, prior_cross_entropy)
    if note:
        details.append(note)
    details += match_sentences(seeds)
    false = control_sentences(seeds)
    if false:
        but = "but" if level in ("good", "fair") else "and"
        badge += f", {but} sees structure where there is none"
        level = "fair" if level == "good" else level
    return Verdict(name, dataset, badge, level, headline, [*details, *false])


def primary_measure(*, known: bool, numbers: bool = False) -> str:
    """Return the measure by which taggers are held against each other, declared beforehand."""
    if numbers:
        return "root mean squared error of the numbers told (column RMSE; R² is the same, scaled)"
    return (
        "KL divergence from the exact posterior (column KL; attained is the same, scaled)"
        if known
        else "cross-entropy (column CE): there is no exact posterior"
    )


def baseline_line(metrics: Metrics, reference: str | None) -> str:
    """Say in one short sentence how good a baseline is.

    Parameters
    ----------
    metrics : metrics.json
    reference : {"exact", "filtered"} or None
        Which ceiling it is, if it is one.
    """
    words = counted(metrics)
    known = f"{percent(metrics['accuracy']['value'])} {words.was_right}"
    attained = own_attained(metrics)
    if reference == "exact":
        return f"{known}, the best possible"
    if reference == "filtered":
        return f"{known}, the best possible from left to right"
    if metrics["kind"] == "constant" or attained is None:
        return known
    share = float(attained["value"])
    if share < 0.005:
        than = f"than the {words.given} frequencies"
        return f"{known}; {'worse' if share < -0.005 else 'no better'} {than}"
    return f"{known}; {percent(share)} attained"


def rule_note(
    seeds: Sequence[Metrics], rules: Sequence[Metrics], prior_cross_entropy: float | None
) -> str | None:
    """Say so where a rule without memory is nearly as good as the network, and why.

    The rule is nearly as good when its cross-entropy is above the network's by at most
    `NEARLY_AS_GOOD` of what the network gains over the prior.
    """
    if not rules or prior_cross_entropy is None:
        return None
    network = mean([m["cross_entropy"]["value"] for m in seeds])
    gain = prior_cross_entropy - network
    best = min(rules, key=lambda m: float(m["cross_entropy"]["value"]))
    behind = float(best["cross_entropy"]["value"]) - network
    if gain <= 0 or behind > NEARLY_AS_GOOD * gain:
        return None
    unit = counted(seeds[0]).nats
    difference = f"{nats(behind)} {unit} behind" if behind > 0 else "not even behind"
    note = (
        f"{best['tagger']} ({best['description']}), a rule without memory, is nearly as good: "
        f"{difference}."
    )
    if best["attained"] is None or best["attained"]["value"] < ALMOST_ALL:
        return note
    return (
        f"{note} Almost all that can be known about a label here lies in the few bases that this "
        "rule reads, and the sequence around them adds next to nothing. That is a property of the "
        "data, not a fault of the network."
    )


def unlabelled_note(taggers: Sequence[Metrics]) -> str:
    """Say so where an HMM that was fitted without labels knows less than their frequencies.

    Its likelihood is then as good as that of the true model, or better, with other states: these
    cannot be told from the sequence alone.
    """
    lost = [
        m["tagger"]
        for m in taggers
        if m["kind"] == "hmm" and m["attained"] is not None and m["attained"]["value"] < 0
    ]
    if not lost:
        return ""
    return (
        f" {' and '.join(lost)} is worse than the label frequencies: what it took for states are "
        "not those of the labels, which this data hardly shows without them."
    )


def _attained_sentences(seeds: Sequence[Metrics]) -> list[str]:
    first = seeds[0]
    words = counted(first)
    if first["ceiling"] is None:
        return ["What share of the attainable information it has cannot be said without that."]
    attained = [own for own in map(own_attained, seeds) if own is not None]
    if not attained:
        return [
            f"There is less than 0.001 {words.nats} to know about these {words.given_many}, too "
            "little to say what share of it a tagger has."
        ]
    share = f"{percent(mean([own['value'] for own in attained]))}{spread(attained)}"
    of = str(first["ceiling"]["of"])
    sentences = []
    if of == "exact":
        sentences.append(f"It has {share} of the information that any method could get.")
    else:
        sentences.append(
            "It reads in one direction, so its own ceiling is “filtered”, the best that can be "
            f"said from the {words.many} up to the one that is labelled: "
            f"{percent(first['ceiling']['accuracy'])} of {words.many} {words.are_right}. "
            f"It has {share} of the "
            "information that any such method could get."
        )
        if first["decoding"] != "argmax":
            sentences.append(
                f"Its calls are made by {first['decoding']}, along whole sequences, and can match "
                "more often than that."
            )
        if first["attained"] is not None:
            any_method = mean([m["attained"]["value"] for m in seeds])
            sentences.append(
                f"Held against methods that read both ways it has {percent(any_method)}."
            )
    if first["excess"] is not None:
        gaps = [m["excess"][of] for m in seeds]
        gap = mean([g["value"] for g in gaps])
        sentences.append(
            f"Its cross-entropy differs from that ceiling's by {signed(gap)} {words.nats}"
            f"{spread(gaps, signed)}."
        )
    return sentences


def _majority_sentence(metrics: Metrics, accuracy: float) -> str:
    majority = float(metrics["majority_accuracy"])
    relation = "above" if accuracy > majority else "not above"
    would = "be right" if classifies(metrics) else "match"
    given = counted(metrics).given
    return (
        f"Always giving the commonest {given} would {would} at {percent(majority)}; "
        f"{percent(accuracy)} is {relation} that."
    )


def _numbers_sentence(seeds: Sequence[Metrics]) -> str:
    """Say how near the numbers that a tagger tells come to the true ones."""
    first = seeds[0]
    parts = []
    for name, called in (
        ("pearson", "r"),
        ("spearman", "\N{GREEK SMALL LETTER RHO}"),
        ("r2", "R²"),
    ):
        figures = [m["regression"][name] for m in seeds]
        if all(figure is not None for figure in figures):
            value = mean([figure["value"] for figure in figures])
            parts.append(f"{called} = {ratio(value)}{spread(figures, ratio)}")
    told = listed(parts) if parts else "none of them differs from the others"
    of = f"Numbers that {first['tagger']} tells of {first['dataset']}"
    if of_series(first) and first["next_value"]["to_noise"] is not None:
        figures = [m["next_value"]["to_noise"] for m in seeds]
        times = f"{ratio(mean([own['value'] for own in figures]))} times the noise"
        return f"{of}: the error is {times}{spread(figures, ratio)}; {told}."
    return f"{of}, held against the true: {told}."


def end_of(figure: Mapping[str, float | None], end: str) -> float:
    """Return an end of a figure's interval; of one without, as of a constant, the figure."""
    found = figure["value"] if figure[end] is None else figure[end]
    assert found is not None  # noqa: S101 - a figure has a value
    return found


def least_constant(metrics: Metrics) -> float:
    """Return the cross-entropy of the test labels' own frequencies, nats: no constant has less."""
    counts = [sum(row) for row in metrics["confusion"]]
    return -math.fsum(n / sum(counts) * math.log(n / sum(counts)) for n in counts if n)


def _shown(what: str, *, better: bool, few: bool) -> tuple[str, str]:
    """Return what a tagger was shown to be, or not, and how good that is."""
    if few:
        return "too little to tell", "unknown"
    return (what, "unknown") if better else (f"not {what}", "poor")


def _badge(attained: Sequence[Mapping[str, float]], seeds: Sequence[Metrics]) -> tuple[str, str]:
    words = counted(seeds[0])
    if of_series(seeds[0]) and seeds[0]["next_value"]["to_noise"] is not None:
        times = mean([m["next_value"]["to_noise"]["value"] for m in seeds])
        return f"error {ratio(times)} times the noise", "good" if times <= NEAR_NOISE else "fair"
    few = any(m["units"]["count"] < FEWEST_UNITS for m in seeds)
    if regresses(seeds[0]):
        shares = [m["regression"]["r2"] for m in seeds]
        better = all(own is not None and end_of(own, "low") > 0 for own in shares)
        return _shown("better than the mean", better=better, few=few)
    if not attained:
        # The primary measure, against the best that can be said without looking at any letter.
        better = all(end_of(m["cross_entropy"], "high") < least_constant(m) for m in seeds)
        return _shown(f"better than the {words.given} frequencies", better=better, few=few)
    share = mean([own["value"] for own in attained])
    if share >= AT_CEILING:
        return "has reached its ceiling", "good"
    if share >= NEAR_CEILING:
        return "close to its ceiling", "good"
    if share >= AT_PRIOR:
        return "part of the way to its ceiling", "fair"
    if share >= 0:
        return "knows next to nothing", "poor"
    return f"worse than the {words.given} frequencies", "poor"
