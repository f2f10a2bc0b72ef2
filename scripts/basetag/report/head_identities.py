"""Each measure of a further head, recomputed from the counts that stand beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from basetag.report.measure_identities import Check, check_means, matthews


def check_head(name: str, head: Mapping[str, Any], check: Check) -> None:
    """Hold the measures of the further head `name` against its counts."""
    confusion = np.array(head["confusion"], dtype=np.int64)  # (states, states)
    bases = int(head["test"]["bases"])
    counts = confusion.sum(axis=1)
    of = f" of the head {name}"
    check(f"the sum of the confusion matrix{of}", int(confusion.sum()), bases)
    check(f"the label counts{of}", int(np.abs(counts - head["label_counts"]).sum()), 0)
    check(f"the bases of all units{of}", head["units"]["bases"] * head["units"]["count"], bases)
    check(f"accuracy{of}", head["accuracy"]["value"], int(np.trace(confusion)) / bases)
    check(f"mcc{of}", head["mcc"]["value"], matthews(confusion))
    check_means(of, head, head["states"], confusion, check)
    for measure, total in head["sums"].items():
        check(f"{measure}{of}", head[measure]["value"], total / bases)
    majority = head["majority_accuracy"]
    nearest = min(counts, key=lambda count: abs(count / bases - majority))
    check(f"majority_accuracy{of}", majority, float(nearest / bases))
    check(f"chance_accuracy{of}", head["chance_accuracy"], 1 / len(confusion))
