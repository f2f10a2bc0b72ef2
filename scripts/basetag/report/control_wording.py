"""What a verdict says of the negative controls: where a tagger sees structure that is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from basetag.report.figure_text import mean, spread
from basetag.report.numbers import rate

#: What each negative control is made of.
_CONTROLS = {
    "homogeneous": "sequence without structure",
    "shuffled": "test sequence whose letters are shuffled",
}


def control_sentences(seeds: Sequence[Mapping[str, Any]]) -> list[str]:
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
            f"{rate(mean([one['value'] for one in rates]))} false segments per Mb of {words}"
            f"{spread(rates, rate)}, where {found[0]['reference']} calls "
            f"{rate(found[0]['reference_per_mb']['value'])}."
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


def flagged_note(others: Sequence[Mapping[str, Any]]) -> str:
    """Name the taggers without a verdict that see structure in a negative control, or nothing."""
    named = []
    for m in others:
        rates = [
            f"{rate(judged['per_mb']['value'])} per Mb of {_CONTROLS[control]} "
            f"({judged['reference']}: {rate(judged['reference_per_mb']['value'])})"
            for control, judged in _flagged(m).items()
        ]
        if rates:
            named.append(f"{m['tagger']}, {' and '.join(rates)}")
    if not named:
        return ""
    return f"False segments where there is no structure, more than need be: {'; '.join(named)}."


def _flagged(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the negative controls on which a tagger is flagged, by name."""
    controls = metrics["controls"] or {}
    return {name: judged for name, judged in controls.items() if judged and judged["flagged"]}
