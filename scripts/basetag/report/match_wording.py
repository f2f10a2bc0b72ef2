"""The report's words on test bases that training has, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from basetag.judgement.figure_places import unmatched_measures
from basetag.report.figure_text import mean, spread
from basetag.report.numbers import percent

Metrics = Mapping[str, Any]


def match_sentences(seeds: Sequence[Metrics]) -> list[str]:
    """Say how good a tagger is where training has nothing like it, where it has some of the test.

    An empty list where it has none.
    """
    test = seeds[0]["test"]
    if not test["matched_bases"]:
        return []
    share = percent(test["matched_bases"] / test["bases"])
    known = f"Training has {share} of the test bases, inside a stretch of 31 letters"
    elsewhere = [own for own in map(unmatched_measures, seeds) if own is not None]
    if not elsewhere:
        return [f"{known}, and nothing is left to judge it by without them."]
    accuracies = [own["accuracy"] for own in elsewhere]
    matches = percent(mean([accuracy["value"] for accuracy in accuracies]))
    return [f"{known}; of all others {matches} match{spread(accuracies)}."]
