"""The keys of the section `generate`: sequences drawn from a network that tells the next letter."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from basetag.config.section import LARGEST_SEED, Section, Seed, mistake

#: Sequences that are drawn side by side, by random numbers of their own.
ROWS = 256


class Generation(Section):
    """Sequences drawn letter by letter from a network of a dataset with `task: next_token`."""

    dataset: str = Field(description="Dataset that the network is trained on.")
    tagger: str = Field(description="Name of the network.")
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = Field(
        default=None, description="Which of the seeds; the first where none is given."
    )
    records: int = Field(
        default=100,
        ge=1,
        le=100_000,
        description="Sequences that are drawn.",
        json_schema_extra={"unit": "records"},
    )
    length: int = Field(
        default=1000,
        ge=1,
        le=10**7,
        description="Length of each, the prompt included. Beyond `training.window` what the "
        "network tells is not learnt.",
        json_schema_extra={"unit": "letters"},
    )
    temperature: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="1 draws by the network's probabilities p, other ones by p^(1/temperature): "
        "below 1 likely letters come more often still, above 1 less; 0 takes the likeliest.",
    )
    prompt: str | None = Field(
        default=None,
        min_length=1,
        max_length=100_000,
        description="Letters that each sequence begins with; without it, one that is drawn by the "
        "frequencies of the training split's letters.",
    )
    draws_seed: Seed = 1

    @model_validator(mode="after")
    def _check(self) -> Generation:
        if self.prompt is not None and len(self.prompt) > self.length:
            raise mistake(
                f"the prompt has {len(self.prompt)} letters, and the sequences {self.length}",
                "make them longer",
                "length",
            )
        return self
