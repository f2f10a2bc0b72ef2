"""The report's words on test bases that training has, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from basetag.judgement.figure_places import unmatched_measures
from basetag.report.counted import classifies, counted
from basetag.report.figure_text import mean, spread
from basetag.report.numbers import percent

Metrics = Mapping[str, Any]


def match_length(metrics: Metrics) -> str:
    """Return how long a match is: so many letters, or, of texts, words or characters."""
    of = (metrics.get("vocabulary") or {}).get("of", "letters")
    return f"{metrics['test']['match_letters']} {of}"


def match_sentences(seeds: Sequence[Metrics]) -> list[str]:
    """Say how good a tagger is where training has nothing like it, where it has some of the test.

    An empty list where it has none.
    """
    test = seeds[0]["test"]
    if not test["matched_bases"]:
        return []
    share = percent(test["matched_bases"] / test["bases"])
    words = counted(seeds[0])
    letters = match_length(seeds[0])
    known = f"Training has {share} of the test bases, inside a stretch of {letters}"
    if classifies(seeds[0]):
        known = f"{share} of the test sequences have a stretch of {letters} that training has, too"
    elsewhere = [own for own in map(unmatched_measures, seeds) if own is not None]
    if not elsewhere:
        return [f"{known}, and nothing is left to judge it by without them."]
    accuracies = [own["accuracy"] for own in elsewhere]
    matches = percent(mean([accuracy["value"] for accuracy in accuracies]))
    return [f"{known}; of all others {matches} {words.are_right}{spread(accuracies)}."]
