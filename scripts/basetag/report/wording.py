"""The report's words: numbers as text, and the sentences that say how good a tagger is.

Every sentence is computed from the figures of metrics.json; where a figure does not exist, the
sentence changes and says so. What is measured, and how, is not decided here. The thresholds are
of the words alone, and stand below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Metrics = Mapping[str, Any]

#: From this share of the attainable information on, a tagger "has reached" its ceiling.
AT_CEILING = 0.985
#: From this share on, it is "close to" its ceiling; below `AT_PRIOR`, it knows next to nothing.
NEAR_CEILING = 0.80
AT_PRIOR = 0.05
#: A rule without memory counts as nearly as good as the network when it lacks at most this share
#: of the cross-entropy that the network gains over the prior.
NEARLY_AS_GOOD = 0.05
#: From this share on, what a rule reads holds "almost all" of what can be known.
ALMOST_ALL = 0.95

#: What each negative control is made of.
_CONTROLS = {
    "homogeneous": "sequence without structure",
    "shuffled": "test sequence whose letters are shuffled",
}

#: The minus sign of print, and the times sign: a hyphen and an x read badly in a table.
MINUS = "\N{MINUS SIGN}"
_TIMES = "\N{MULTIPLICATION SIGN}"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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


def percent(value: float, digits: int = 1) -> str:
    """Return a fraction as percent: 0.598 as ``59.8 %``."""
    rounded = round(100 * value, digits)
    return f"{MINUS if rounded < 0 else ''}{abs(rounded):.{digits}f} %"


def count(value: float) -> str:
    """Return a count with separated thousands."""
    return f"{int(value):,}"


def nats(value: float) -> str:
    """Return nats with four decimals, or two significant digits where four would say 0."""
    size = abs(value)
    sign = MINUS if value < 0 else ""
    if size < 5e-10:
        return "0"
    if size >= 0.001:
        return f"{sign}{size:.4f}"
    if size >= 1e-5:
        return f"{sign}{size:.{1 - math.floor(math.log10(size))}f}"
    return sign + power_of_ten(math.log10(size))


def power_of_ten(log10: float) -> str:
    """Return 10**log10 as text, also where the number itself is below the smallest float."""
    if log10 > -3:
        return f"{10**log10:.3f}"
    exponent = math.floor(log10)
    mantissa = f"{10 ** (log10 - exponent):.1f}"
    if mantissa == "10.0":
        mantissa, exponent = "1.0", exponent + 1
    return f"{mantissa} {_TIMES} 10{str(exponent).translate(_SUPERSCRIPTS)}"


def speed(value: float) -> str:
    """Return bases per second with its unit: ``290 kb/s``."""
    for unit, size in (("Gb", 1e9), ("Mb", 1e6), ("kb", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}/s"
    return f"{value:.3g} b/s"


def duration(seconds: float) -> str:
    """Return a time in the units that fit it: ``0.02 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds >= 0.001 else "under 0.001 s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def megabytes(value: float) -> str:
    """Return an amount of memory with its unit (of 1000): ``512 MB``, ``1.5 GB``."""
    return f"{value / 1000:.3g} GB" if value >= 1000 else f"{value:.3g} MB"


def bases(value: float) -> str:
    """Return a number of bases with its unit: ``1.5 Mb``."""
    for unit, size in (("Gb", 1e9), ("Mb", 1e6), ("kb", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f} bases"


def context(measured: Mapping[str, Any]) -> str:
    """Return the measured context of a network: ``64 bp on either side``."""
    side = "on the left" if measured["sides"] == "left" else "on either side"
    if measured["reach"] is None:
        return f"more than {count(measured['distances'][-1])} bp {side}"
    return f"{count(measured['reach'])} bp {side}"


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
    accuracy = _mean([m["accuracy"]["value"] for m in seeds])
    majority = float(first["majority_accuracy"])
    known = (
        f"{name} on {dataset}: {percent(accuracy)} of bases match"
        f"{_spread([m['accuracy'] for m in seeds])}; "
        f"chance is {percent(first['chance']['uniform']['accuracy'])}"
    )
    if ceiling is None:
        headline = f"{known}; the best possible is not known for this data."
    elif round(accuracy, 3) <= round(ceiling["accuracy"], 3):
        headline = f"{known}; no method can pass {percent(ceiling['accuracy'])}."
    else:
        headline = (
            f"{known}; the best possible is {percent(ceiling['accuracy'])}, and the rest is luck."
        )
    own = first["ceiling"]
    if own is not None and own["of"] == "filtered" and first["decoding"] == "argmax":
        headline = f"{headline[:-1]}, or {percent(own['accuracy'])} reading in one direction."
    attained = [own for own in map(own_attained, seeds) if own is not None]
    badge, level = _badge(attained, seeds, majority)
    if attained and level != "poor":
        badge += f" ({percent(_mean([own['value'] for own in attained]))} attained)"
    details = [*_attained_sentences(seeds), _majority_sentence(accuracy, majority)]
    worst = max((m["chance"]["uniform"] for m in seeds), key=lambda null: float(null["p"]))
    better = float(worst["p"]) <= 0.05
    details.append(
        f"{'Better' if better else 'Not shown to be better'} than labels drawn without looking: "
        f"{probability(worst)}."
    )
    note = rule_note(seeds, rules, prior_cross_entropy)
    if note:
        details.append(note)
    false = control_sentences(seeds)
    if false:
        but = "but" if level in ("good", "fair") else "and"
        badge += f", {but} sees structure where there is none"
        level = "fair" if level == "good" else level
    return Verdict(name, dataset, badge, level, headline, [*details, *false])


def control_sentences(seeds: Sequence[Metrics]) -> list[str]:
    """Name the negative controls in which one tagger sees structure, with its rate and the best.

    Parameters
    ----------
    seeds : sequence of metrics.json
        The tagger's results, one for each seed.
    """
    sentences = []
    for control, words in _CONTROLS.items():
        found = [judged for m in seeds for judged in [_flagged(m).get(control)] if judged]
        if not found:
            continue
        which = "" if len(seeds) == 1 else f" with {len(found)} of {len(seeds)} seeds"
        every = [(m["controls"] or {}).get(control) for m in seeds]
        rates = [judged["per_mb"] for judged in every if judged]
        sentences.append(
            f"{seeds[0]['tagger']} sees structure where there is none{which}: "
            f"{_rate(_mean([rate['value'] for rate in rates]))} false segments per Mb of {words}"
            f"{_spread(rates, _rate)}, where {found[0]['reference']} calls "
            f"{_rate(found[0]['reference_per_mb']['value'])}."
        )
    ceiling = seeds[0]["ceiling"]
    if sentences and ceiling is not None and ceiling["of"] == "filtered":
        sentences.append(
            "What reads in one direction wavers more than what reads in both; the comparison has "
            "the rates of “filtered”, the best of its kind."
        )
    if sentences and seeds[0]["decoding"] == "argmax":
        sentences.append(
            "Its calls take each base alone; the most probable path (“decoding: viterbi”) keeps "
            "segments whole."
        )
    return sentences


def flagged_note(others: Sequence[Metrics]) -> str:
    """Name the taggers without a verdict that see structure in a negative control, or nothing."""
    named = []
    for m in others:
        rates = [
            f"{_rate(judged['per_mb']['value'])} per Mb of {_CONTROLS[control]} "
            f"({judged['reference']}: {_rate(judged['reference_per_mb']['value'])})"
            for control, judged in _flagged(m).items()
        ]
        if rates:
            named.append(f"{m['tagger']}, {' and '.join(rates)}")
    if not named:
        return ""
    return f"False segments where there is no structure, more than need be: {'; '.join(named)}."


def _flagged(metrics: Metrics) -> dict[str, Mapping[str, Any]]:
    """Return the negative controls on which a tagger is flagged, by name."""
    controls = metrics["controls"] or {}
    return {name: judged for name, judged in controls.items() if judged and judged["flagged"]}


def primary_measure(*, known: bool) -> str:
    """Return the measure by which taggers are held against each other, declared beforehand."""
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
    known = f"{percent(metrics['accuracy']['value'])} match"
    attained = own_attained(metrics)
    if reference == "exact":
        return f"{known}, the best possible"
    if reference == "filtered":
        return f"{known}, the best possible from left to right"
    if metrics["kind"] == "constant" or attained is None:
        return known
    share = float(attained["value"])
    if share < 0.005:
        return f"{known}; {'worse' if share < -0.005 else 'no better'} than the label frequencies"
    return f"{known}; {percent(share)} attained"


def with_interval(value: float, ends: tuple[float, float] | None, *, in_percent: bool) -> str:
    """Return a figure with its interval, short: ``59.8 (59.6 to 60.0) %``."""
    scale = 100 if in_percent else 1
    unit = " %" if in_percent else ""
    digits = 1 if in_percent else 4
    if ends is None:
        return f"{scale * value:.{digits}f}{unit}"
    # One more digit where the ends would else be the same.
    while digits < 6 and round(scale * ends[0], digits) == round(scale * ends[1], digits):
        if ends[0] == ends[1]:
            break
        digits += 1
    numbers = [f"{scale * number:.{digits}f}" for number in (value, *ends)]
    return f"{numbers[0]} ({numbers[1]}\N{EN DASH}{numbers[2]}){unit}"


def rule_note(
    seeds: Sequence[Metrics], rules: Sequence[Metrics], prior_cross_entropy: float | None
) -> str | None:
    """Say so where a rule without memory is nearly as good as the network, and why.

    The rule is nearly as good when its cross-entropy is above the network's by at most
    `NEARLY_AS_GOOD` of what the network gains over the prior.
    """
    if not rules or prior_cross_entropy is None:
        return None
    network = _mean([m["cross_entropy"]["value"] for m in seeds])
    gain = prior_cross_entropy - network
    best = min(rules, key=lambda m: float(m["cross_entropy"]["value"]))
    behind = float(best["cross_entropy"]["value"]) - network
    if gain <= 0 or behind > NEARLY_AS_GOOD * gain:
        return None
    difference = f"{nats(behind)} nats per base behind" if behind > 0 else "not even behind"
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


def certainty_sentence(tagger: str, certainty: Mapping[str, Any]) -> str:
    """Answer in words whether mismatches are less certain.

    Parameters
    ----------
    tagger : str
        Name.
    certainty : mapping
        The part `certainty` of metrics.json.
    """
    on_matches, on_mismatches = certainty["on_matches"], certainty["on_mismatches"]
    apart = certainty["difference"]
    difference = f"difference {_points(apart['value'])} points"
    if apart["low"] is None:
        answer = "It cannot be told from these bases whether mismatches are less certain"
        difference += "; no interval: too few records, or all alike"
    else:
        answer = (
            "Yes, mismatches are less certain"
            if apart["low"] > 0
            else "No, mismatches are more certain"
            if apart["high"] < 0
            else "It cannot be told from these bases whether mismatches are less certain"
        )
        difference += f", 95 % interval {_points(apart['low'])} to {_points(apart['high'])}"
    return (
        f"{tagger}: {answer}. The called state has a mean probability of "
        f"{percent(on_matches['value'])} where it is right and {percent(on_mismatches['value'])} "
        f"where it is wrong ({difference})."
    )


def _attained_sentences(seeds: Sequence[Metrics]) -> list[str]:
    first = seeds[0]
    if first["ceiling"] is None:
        return ["What share of the attainable information it has cannot be said without that."]
    attained = [own for own in map(own_attained, seeds) if own is not None]
    if not attained:
        return [
            "There is less than 0.001 nats per base to know about these labels, too little to "
            "say what share of it a tagger has."
        ]
    share = f"{percent(_mean([own['value'] for own in attained]))}{_spread(attained)}"
    of = str(first["ceiling"]["of"])
    sentences = []
    if of == "exact":
        sentences.append(f"It has {share} of the information that any method could get.")
    else:
        sentences.append(
            "It reads in one direction, so its own ceiling is “filtered”, the best that can be "
            "said from the bases up to the one that is labelled: "
            f"{percent(first['ceiling']['accuracy'])} of bases match. It has {share} of the "
            "information that any such method could get."
        )
        if first["decoding"] != "argmax":
            sentences.append(
                f"Its calls are made by {first['decoding']}, along whole sequences, and can match "
                "more often than that."
            )
        if first["attained"] is not None:
            any_method = _mean([m["attained"]["value"] for m in seeds])
            sentences.append(
                f"Held against methods that read both ways it has {percent(any_method)}."
            )
    if first["excess"] is not None:
        gaps = [m["excess"][of] for m in seeds]
        gap = _mean([g["value"] for g in gaps])
        sentences.append(
            f"Its cross-entropy differs from that ceiling's by {_signed(gap)} nats per base"
            f"{_spread(gaps, _signed)}."
        )
    return sentences


def _majority_sentence(accuracy: float, majority: float) -> str:
    relation = "above" if accuracy > majority else "not above"
    return (
        f"Always giving the commonest label would match at {percent(majority)}; "
        f"{percent(accuracy)} is {relation} that."
    )


def _badge(
    attained: Sequence[Mapping[str, float]], seeds: Sequence[Metrics], majority: float
) -> tuple[str, str]:
    if not attained:
        better = all((m["accuracy"]["low"] or m["accuracy"]["value"]) > majority for m in seeds)
        return (
            ("better than the commonest label", "unknown")
            if better
            else ("not better than the commonest label", "poor")
        )
    share = _mean([own["value"] for own in attained])
    if share >= AT_CEILING:
        return "has reached its ceiling", "good"
    if share >= NEAR_CEILING:
        return "close to its ceiling", "good"
    if share >= AT_PRIOR:
        return "part of the way to its ceiling", "fair"
    if share >= 0:
        return "knows next to nothing", "poor"
    return "worse than the label frequencies", "poor"


def _spread(figures: Sequence[Mapping[str, Any]], form: Any = percent) -> str:
    """Return the interval of one figure, or the range over seeds of several, in brackets."""
    if len(figures) == 1:
        if figures[0]["low"] is None:
            return " (no interval: too few records, or all alike)"
        low, high = form(figures[0]["low"]), form(figures[0]["high"])
        return f" (95 % interval {low.removesuffix(' %')} to {high})"
    values = [figure["value"] for figure in figures]
    low, high = form(min(values)), form(max(values))
    return f" (mean of {len(values)} seeds, {low.removesuffix(' %')} to {high})"


def _rate(value: float) -> str:
    return f"{value:,.0f}"


def _signed(value: float) -> str:
    text = nats(value)
    return f"+{text}" if value > 0 and text != "0" else text


def _points(value: float) -> str:
    return percent(value).removesuffix(" %")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
