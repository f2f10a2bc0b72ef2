"""The keys of `training`: how networks are trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from basetag.config.section import Section, mistake
from basetag.letters import letters_problem


def _check_balanced(value: Any) -> Any:
    if value != "balanced":
        raise mistake(
            f"found {value!r}, expected balanced or a mapping of state letters to numbers",
            "for two states write {H: 3, L: 1}",
        )
    return value


def _check_letters(weights: dict[str, float]) -> dict[str, float]:
    found = letters_problem(weights)
    if found is not None:
        raise mistake(found.problem, found.advice, *found.keys)
    return weights


ClassWeights = Annotated[
    Annotated[Literal["balanced"], BeforeValidator(_check_balanced), Tag("<balanced>")]
    | Annotated[
        Annotated[
            dict[str, Annotated[float, Field(gt=0, le=1e6)]],
            Field(min_length=1),
            AfterValidator(_check_letters),
        ],
        Tag("<weights>"),
    ],
    Discriminator(lambda value: "<weights>" if isinstance(value, dict) else "<balanced>"),
]


class Training(Section):
    """How networks are trained: by AdamW, on windows of the records."""

    bases: int = Field(
        default=12_000_000,
        ge=1000,
        le=10**12,
        description="Bases to train on in all; when more than the training split has, it is gone "
        "through again.",
        json_schema_extra={"unit": "bases"},
    )
    epochs: float | None = Field(
        default=None,
        gt=0,
        le=1e6,
        description="Times that the training split is gone through, in place of `bases`; null "
        "trains on that many.",
        json_schema_extra={"unit": "epochs"},
    )
    labels: int | None = Field(
        default=None,
        ge=1,
        le=10**12,
        description="Learn from this many labelled bases of the training split and no more "
        "(records, where these are classified), which ones each seed draws anew; null takes all.",
        json_schema_extra={"unit": "bases"},
    )
    batch: int = Field(
        default=64,
        ge=1,
        le=65536,
        description="Windows in each step.",
        json_schema_extra={"unit": "windows"},
    )
    window: int = Field(
        default=1000,
        ge=10,
        le=100_000,
        description="Longest stretch that a network is trained on at once; longer records are cut, "
        "but where they are classified.",
        json_schema_extra={"unit": "bases"},
    )
    schedule: Literal["one_cycle", "cosine"] = Field(
        default="one_cycle",
        description="How the learning rate moves: `one_cycle` rises to the highest and falls to "
        "nearly nothing, both by cosines; `cosine` rises to it on a straight line and falls by a "
        "cosine to a hundredth of it.",
    )
    learning_rate: float = Field(
        default=0.01, gt=0, le=1, description="Highest learning rate of the schedule."
    )
    weight_decay: float = Field(default=0.0, ge=0, le=1, description="Weight decay of AdamW.")
    clip: float = Field(
        default=1.0, gt=0, le=1000, description="Largest norm of a step's gradient; beyond, scaled."
    )
    warmup: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="Share of the steps in which the learning rate rises; then it falls.",
    )
    mask: float = Field(
        default=0.01,
        ge=0,
        le=0.5,
        description="Share of the training bases that are hidden as N, in runs, so that a network "
        "learns that N says nothing.",
    )
    reverse_complement: bool = Field(
        default=False,
        description="Whether each training window is read on the other strand with probability "
        "1/2, its labels turned with it; DNA and RNA only. Right where a label says the same on "
        "both strands, or the dataset's labels are stranded.",
    )
    validations: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="How often in a training the loss on the validation split is measured; the "
        "best of these states is kept.",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Training ends early when the validation loss has not improved for this many "
        "validations; null never does.",
        json_schema_extra={"unit": "validations"},
    )
    validation_bases: int = Field(
        default=500_000,
        ge=100,
        le=10**10,
        description="At most this many bases of the validation split are used each time.",
        json_schema_extra={"unit": "bases"},
    )
    class_weights: ClassWeights | None = Field(
        default=None,
        description="Weights of the states in the loss, for rare ones: `balanced` weights each by "
        "the inverse of its frequency in the training split, as scikit-learn does; or a number "
        "above 0 for each state letter. Probabilities are then those of a population in which the "
        "states are as common as their weights make them.",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="`bfloat16`: matrix products in bfloat16 (mixed precision), on GPUs only; a "
        "job without a GPU refuses it.",
    )
    threads: int = Field(
        default=1,
        ge=1,
        le=256,
        description="CPU threads of one training. A scientific setting: it changes the last bits "
        "of the weights.",
        json_schema_extra={"unit": "threads"},
    )

    def as_given(self) -> dict[str, Any]:
        """Return the values that the config itself gives, the defaults apart."""
        return self.model_dump(exclude_unset=True)
