"""The taggers of the config: a network by its `cell`, a baseline or a program by its name."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Tag

from basetag.config.baselines import (
    Autoregression,
    BaseTable,
    CpGRule,
    Exact,
    Filtered,
    GCWindow,
    GivenHMM,
    HMMByCounts,
    HMMByEM,
    Last,
    Majority,
    Markov,
    Uniform,
)
from basetag.config.networks import Network
from basetag.config.presets import with_preset
from basetag.config.programs import Pyrodigal
from basetag.config.section import one_of


def baseline(value: Any) -> str | None:
    """Return the tag of a tagger: that of its baseline or program, else that of a network."""
    if isinstance(value, dict):
        if "cell" in value:
            return "<network>"
        return (
            f"<program:{value['program']}>" if "program" in value else f"<{value.get('baseline')}>"
        )
    if isinstance(value, Pyrodigal):
        return f"<program:{value.program}>"
    return f"<{getattr(value, 'baseline', 'network')}>"


Tagger = Annotated[
    Annotated[Network, Tag("<network>")]
    | Annotated[Exact, Tag("<exact>")]
    | Annotated[Filtered, Tag("<filtered>")]
    | Annotated[GivenHMM, Tag("<hmm>")]
    | Annotated[HMMByEM, Tag("<hmm_em>")]
    | Annotated[HMMByCounts, Tag("<hmm_counts>")]
    | Annotated[BaseTable, Tag("<base_table>")]
    | Annotated[GCWindow, Tag("<gc_window>")]
    | Annotated[CpGRule, Tag("<cpg_rule>")]
    | Annotated[Markov, Tag("<markov>")]
    | Annotated[Last, Tag("<last>")]
    | Annotated[Autoregression, Tag("<autoregression>")]
    | Annotated[Majority, Tag("<majority>")]
    | Annotated[Uniform, Tag("<uniform>")]
    | Annotated[Pyrodigal, Tag("<program:pyrodigal>")],
    Discriminator(baseline),
    one_of("cell", "baseline", "program"),
    BeforeValidator(with_preset),
]
