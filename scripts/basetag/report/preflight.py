"""What was known before the run: what the files hold, what was expected, what it was to take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from basetag.preflight.costs import size_text, time_text
from basetag.report import numbers

_SPLITS = ("train", "validation", "test")


def preflight_view(preflight: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what the section shows of a preflight.json; None where there is none."""
    if preflight is None:
        return None
    findings = preflight["findings"]
    costs = preflight["estimates"]
    return {
        "warnings": [f for f in findings if f["level"] == "warning"],
        "notes": [f for f in findings if f["level"] != "warning"],
        "files": [*_rows("dataset", preflight["datasets"]), *_rows("genome", preflight["genomes"])],
        "costs": [
            {
                "rule": cost["rule"],
                "jobs": numbers.count(cost["jobs"]),
                "time": time_text(cost["seconds"]),
                "memory": size_text(cost["memory"]),
                "disk": size_text(cost["disk"]) if cost["disk"] else "",
            }
            for cost in costs
        ],
        "total": {
            "time": time_text(sum(cost["seconds"] for cost in costs)),
            "memory": size_text(max((cost["memory"] for cost in costs), default=0)),
            "disk": size_text(sum(cost["disk"] for cost in costs)),
        },
    }


def _rows(kind: str, entries: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for name, about in entries.items():
        if "bases" not in about:  # of a genome that was yet to be fetched
            continue
        yield {
            "name": f"{kind} {name}",
            "records": numbers.count(about["records"]),
            "bases": numbers.count(about["bases"]),
            "unknown": _share(about, "unknown"),
            "lower_case": _share(about, "lower_case"),
            "states": _states(about),
            "splits": _splits(about),
        }


def _share(about: Mapping[str, Any], key: str) -> str:
    """Return the share of some letters; empty where nobody counted them."""
    n = about.get(key)
    return "" if n is None else numbers.percent(n / about["letters_of"])


def _states(about: Mapping[str, Any]) -> str:
    if "states" not in about:
        return ""
    of = about["labels_of"]
    parts = [f"{state} {numbers.percent(n / of)}" for state, n in about["states"].items()]
    if about["unlabelled"]:
        parts.append(f"unlabelled {numbers.percent(about['unlabelled'] / of)}")
    return ", ".join(parts)


def _splits(about: Mapping[str, Any]) -> str:
    splits = about.get("splits")
    if not splits:
        return ""
    return ", ".join(
        f"{name} {numbers.count(splits[name]['bases'])} in {numbers.count(splits[name]['pieces'])}"
        for name in _SPLITS
    )
