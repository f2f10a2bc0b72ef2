"""The taggers of the config: a network by its `cell`, or a baseline by its name."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from basetag.config.baselines import (
    BaseTable,
    Exact,
    Filtered,
    GCWindow,
    HMMByCounts,
    HMMByEM,
    Majority,
    Uniform,
)
from basetag.config.networks import Network
from basetag.config.section import one_of


def baseline(value: Any) -> str | None:
    """Return the tag of a tagger: that of its baseline, else that of a network."""
    if isinstance(value, dict):
        return "<network>" if "cell" in value else f"<{value.get('baseline')}>"
    return f"<{getattr(value, 'baseline', 'network')}>"


Tagger = Annotated[
    Annotated[Network, Tag("<network>")]
    | Annotated[Exact, Tag("<exact>")]
    | Annotated[Filtered, Tag("<filtered>")]
    | Annotated[HMMByEM, Tag("<hmm_em>")]
    | Annotated[HMMByCounts, Tag("<hmm_counts>")]
    | Annotated[BaseTable, Tag("<base_table>")]
    | Annotated[GCWindow, Tag("<gc_window>")]
    | Annotated[Majority, Tag("<majority>")]
    | Annotated[Uniform, Tag("<uniform>")],
    Discriminator(baseline),
    one_of("cell", "baseline"),
]
