"""The keys `labels.features`: which state each annotated feature gives to its bases."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Strict,
    StringConstraints,
    Tag,
)

from basetag.config.section import Section, mistake
from basetag.letters import one_word

#: In place of a state: bases of the feature get no label, nor are they background.
UNLABELLED_STATE = "unlabelled"

#: GFF's and GenBank's word for the parts of a coding sequence.
CODING_SEQUENCE = "CDS"


def _check_state(name: str) -> str:
    if not one_word(name):
        raise mistake("the state has no name", "say what it means")
    if name == "none":
        raise mistake(
            "'none' would be the name of a state",
            f"write null for no background, {UNLABELLED_STATE} for a feature without a label",
        )
    return name


StateName = Annotated[str, StringConstraints(max_length=64), AfterValidator(_check_state)]


def _as_texts(value: Any) -> Any:
    """Return what attributes may be given as (text, a number, true, a list) as a list of texts."""
    values = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(item, str | int) for item in values):
        raise mistake(
            "expected text, a whole number, true or false, or a list of them",
            "quote the value as it stands in the file",
        )
    return tuple(str(v).lower() if isinstance(v, bool) else str(v) for v in values)


class FeatureRule(Section):
    """Which features a rule is for, and the state that it gives them."""

    type: str | None = Field(
        default=None,
        min_length=1,
        description="Type of the features: column 3 of GFF and GTF, the key in GenBank, the name "
        "(column 4) in BED; null for all.",
    )
    attributes: dict[
        str,
        Annotated[tuple[str, ...], BeforeValidator(_as_texts), Strict(False), Field(min_length=1)],
    ] = Field(
        default={},
        description="Attributes that such a feature has, each with a value or a list of possible "
        "values, as in `{gene_biotype: [protein_coding, lncRNA]}`.",
    )
    without: Annotated[tuple[str, ...], Strict(False)] = Field(
        default=(), description="Attributes that such a feature has not, as in `[pseudo]`."
    )
    strand: Literal["+", "-"] | None = Field(
        default=None, description="Strand of the features; null for any."
    )
    state: StateName = Field(
        description="The state of their bases; `unlabelled` for no label, not even the background.",
    )


def _features_tag(value: Any) -> str:
    if isinstance(value, dict):
        return "<types>"
    return "<state>" if isinstance(value, str) else "<rules>"


_ByType = Annotated[
    Annotated[dict[Annotated[str, Field(min_length=1)], StateName], Field(min_length=1)],
    Tag("<types>"),
]
_ByRules = Annotated[
    Annotated[tuple[FeatureRule, ...], Strict(False), Field(min_length=1)], Tag("<rules>")
]

#: Of a format whose features have types.
TypedFeatures = Annotated[
    _ByType | _ByRules,
    Discriminator(lambda value: "<types>" if isinstance(value, dict) else "<rules>"),
]
#: Of BED, where every line may mean the same.
NamedFeatures = Annotated[
    _ByType | _ByRules | Annotated[StateName, Tag("<state>")], Discriminator(_features_tag)
]


def rules_of(features: Any) -> tuple[FeatureRule, ...]:
    """Return any form of the key `features` as rules, in the order in which they are tried."""
    if isinstance(features, str):
        return (FeatureRule(state=features),)
    if isinstance(features, dict):  # types are distinct, so that their order does not count
        return tuple(FeatureRule(type=name, state=features[name]) for name in sorted(features))
    return tuple(features)
