"""Where the vectors that networks learnt for letters or words lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from basetag.report import embedding_charts, numbers
from basetag.report.data import DatasetResult, TaggerResult
from basetag.report.embedding_charts import Colouring
from basetag.report.page import Page

#: Hydropathy of the residues: Kyte J, Doolittle RF (1982) J Mol Biol 157:105.
HYDROPATHY = {
    "I": 4.5, "V": 4.2, "L": 3.8, "F": 2.8, "C": 2.5, "M": 1.9, "A": 1.8, "G": -0.4, "T": -0.7,
    "S": -0.8, "W": -0.9, "Y": -1.3, "P": -1.6, "H": -3.2, "E": -3.5, "Q": -3.5, "D": -3.5,
    "N": -3.5, "K": -3.9, "R": -4.5,
}  # fmt: skip
_NUCLEOTIDES = frozenset("ACGTU")


def embeddings_view(
    page: Page, dataset: DatasetResult, named: Mapping[str, TaggerResult]
) -> dict[str, Any] | None:
    """Return a map for each network with learned vectors; None where no one has some."""
    figures = []
    for label, result in named.items():
        found = result.metrics.get("embedding")
        if found is not None:
            figures.append(_figure(page, dataset, label, result, found))
    return {"figures": figures} if figures else None


def colouring(labels: Sequence[str], alphabet: str) -> Colouring | None:
    """Return a number for each label: of words their share of G and C, of residues hydropathy.

    None of any other alphabet, which has no such order.
    """
    if alphabet == "dna" and all(label and set(label) <= _NUCLEOTIDES for label in labels):
        shares = [sum(letter in "GC" for letter in label) / len(label) for label in labels]
        return Colouring("Share of G and C", shares, (0.0, 1.0))
    if alphabet == "protein" and HYDROPATHY.keys() <= set(labels):
        # Of X, B and their like, and of what a protein comes with, there is no such figure.
        return Colouring("Hydropathy", [HYDROPATHY.get(label) for label in labels], (-4.5, 4.5))
    return None


def _figure(
    page: Page, dataset: DatasetResult, label: str, result: TaggerResult, found: Mapping[str, Any]
) -> dict[str, Any]:
    colours = colouring(found["labels"], result.metrics["alphabet"])
    shares = [numbers.percent(share, 0) for share in found["shares"]]
    total, shown = int(found["vectors"]), len(found["labels"])
    caption = (
        f"{dataset.name}: the {numbers.count(total)} vectors of {found['dimensions']} numbers that "
        f"{label} learnt for what it reads, along the two directions in which they differ most "
        f"(principal components; {shares[0]} and {shares[1]} of the variance). What lies together "
        "is read alike; directions have no meaning of their own, and what they leave out is not "
        "seen."
    )
    if shown < total:
        caption += f" Shown are the {shown} that are farthest from the mean."
    if colours is not None and colours.title == "Hydropathy":
        caption += " Hydropathy is that of Kyte & Doolittle (1982, J Mol Biol 157:105)."
    chart = embedding_charts.embedding_chart(
        found["labels"],
        found["places"],
        [f"Component {i} ({share} of the variance)" for i, share in enumerate(shares, start=1)],
        colours,
        description=f"Map of the vectors that {label} learnt on {dataset.name}: "
        f"{shares[0]} and {shares[1]} of the variance.",
    )
    return page.figure(chart, dataset.name, f"embedding-{result.tagger}-seed{result.seed}", caption)
