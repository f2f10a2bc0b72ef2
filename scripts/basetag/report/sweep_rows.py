"""The rows of a sweep: whose they are, what they say over seeds, and how its axes are written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from basetag.report import numbers
from basetag.report.data import Axis, SweepResult
from basetag.report.sweep_charts import Along

#: The tagger that networks are held against in the map, where a sweep has it.
RIVAL = "hmm_counts"
#: What chooses among points: the test split must not.
VALIDATION = "validation_cross_entropy"
# An axis of numbers stands on powers from this many decades on.
_DECADES = 2
#: Nats under which two figures are the same.
NAT = 1e-9

Row = Mapping[str, str]
#: Mean over seeds, and the ends.
Figure = tuple[float, float | None, float | None]


@dataclass(frozen=True)
class Quality:
    """By what the points of a sweep are compared.

    Attributes
    ----------
    column : str
        The figure of the test split that is shown.
    title : str
        What it is called, with its unit.
    more_is_better : bool
    on_validation : bool
        Whether validation says which is the best; else the figure itself does.
    """

    column: str
    title: str
    more_is_better: bool
    on_validation: bool

    @property
    def chosen_by(self) -> str:
        """By what the best is chosen, in words."""
        return "by cross-entropy on validation" if self.on_validation else "by the test split"

    def rank(self, rows: Sequence[Row]) -> float:
        """Return what is the lower the better rows of one point are, their mean."""
        if self.on_validation:
            return over_seeds(rows, VALIDATION)[0]
        value = over_seeds(rows, self.column)[0]
        return -value if self.more_is_better else value

    def text(self, value: float, digits: int = 1) -> str:
        """Return a value of the figure in words, a share as percent with so many decimals."""
        return numbers.percent(value, digits) if self.more_is_better else numbers.nats(value)


def quality_of(rows: Sequence[Row]) -> Quality:
    """Return by what rows are compared: the information attained, or where unknown the CE."""
    on_validation = all(row.get(VALIDATION) for row in rows)
    if all(row.get("attained") for row in rows):
        return Quality("attained", "Information attained", True, on_validation)
    return Quality("cross_entropy", "Cross-entropy (nats per base)", False, on_validation)


def networks_of(sweep: SweepResult) -> list[str]:
    """Return the networks of a sweep, as its config calls them."""
    return list(dict.fromkeys(row["tagger_base"] for row in sweep.rows if row["kind"] == "network"))


def rival_of(sweep: SweepResult) -> str | None:
    """Return the tagger that networks are held against: `hmm_counts`, or another fitted HMM."""
    names = [
        row["tagger_base"] for row in sweep.rows if row["kind"] == "hmm" and not is_ceiling(row)
    ]
    return RIVAL if RIVAL in names else next(iter(names), None)


def is_ceiling(row: Row) -> bool:
    """Say whether a row is that of the exact or the filtered posterior itself."""
    known = [row.get(key, "") for key in ("kl_exact", "kl_filtered")]
    return row["kind"] == "hmm" and any(text and abs(float(text)) < NAT for text in known)


def over_seeds(rows: Sequence[Row], column: str, *, spread: bool = False) -> Figure:
    """Return the mean over seeds, with ends.

    Of one seed they are those of its 95 % interval. Of several they are, with `spread`, the
    smallest and the largest value, and else the ends of all their intervals together.
    """
    values = [float(row[column]) for row in rows]
    mean = sum(values) / len(values)
    if spread and len(rows) > 1:
        return mean, min(values), max(values)
    ends = [(row.get(f"{column}_low", ""), row.get(f"{column}_high", "")) for row in rows]
    if not all(low and high for low, high in ends):
        return mean, None, None
    return mean, min(float(low) for low, _ in ends), max(float(high) for _, high in ends)


def along_of(axis: Axis) -> Along:
    """Return an axis as charts draw it."""
    title = axis.key if axis.unit in ("", axis.key) else f"{axis.key} ({axis.unit})"
    values, texts = list(axis.values), texts_of(axis)
    if not axis.numeric:
        return Along(title, values, texts, False, False)
    sizes = [float(value) for value in values]
    order = sorted(range(len(values)), key=lambda i: sizes[i])
    positive = min(sizes) > 0
    wide = positive and math.log10(max(sizes) / min(sizes)) >= _DECADES
    powers = wide or (positive and _is_bases(axis))
    return Along(title, [values[i] for i in order], [texts[i] for i in order], powers, True)


def _is_bases(axis: Axis) -> bool:
    return axis.unit == "bases"


def texts_of(axis: Axis) -> list[str]:
    """Return the values of an axis as they are written, each another."""
    texts = [_text(axis, value) for value in axis.values]
    return texts if len(set(texts)) == len(texts) else list(axis.values)


def _text(axis: Axis, value: str) -> str:
    if not axis.numeric:
        return value
    number = float(value)
    if _is_bases(axis) and number >= 1000:
        return numbers.bases(number)
    return f"{number:,.10g}".replace("-", numbers.MINUS)


def short_name(axis: Axis) -> str:
    """Return what an axis is called where there is little room."""
    return axis.key.rpartition(".")[2] if axis.of_dataset else axis.key
