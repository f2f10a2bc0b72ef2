"""The keys of numeric series: `task: next_value`, which tells the number behind each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag, model_validator

from basetag.config.columns import check_columns
from basetag.config.section import Section, Seed, chosen_by_source, mistake, one_of
from basetag.config.simulation import check_enough_records
from basetag.config.splits import OWN_SPLIT, SIMULATED_SPLIT, SimulatedSplit, Split, check_gap
from basetag.letters import state_letters

Task = Literal["next_value"]
_TASK = Field(description="`next_value`: what is told at each time step is the next number.")

#: A wave is told by phases on a grid of this many, at most.
MOST_PHASES = 1 << 15


class Wave(Section):
    """A sine with normal noise on it, which begins at any phase."""

    period: float = Field(
        default=25.0,
        gt=2,
        le=1e6,
        description="Time steps from one peak to the next.",
        json_schema_extra={"unit": "steps"},
    )
    amplitude: float = Field(default=1.0, gt=0, le=1e6, description="Height of a peak.")
    noise: float = Field(
        default=0.1,
        gt=0,
        le=1e6,
        description="Standard deviation of the noise on each number: no error can be lower.",
    )


class WaveSimulation(Section):
    """Waves of random phase, so that what can at best be told of the next number is known."""

    wave: Wave = Field(default=Wave(), description="The wave.")
    records: int = Field(
        ge=1, le=10**7, description="Number of series.", json_schema_extra={"unit": "records"}
    )
    length: int = Field(
        ge=2, le=10**7, description="Length of each.", json_schema_extra={"unit": "steps"}
    )
    seed: Seed = 1

    @model_validator(mode="after")
    def _check(self) -> WaveSimulation:
        if phases_needed(self.wave.noise / self.wave.amplitude, self.length) > MOST_PHASES:
            raise mistake(
                f"{self.length} steps with a noise of {self.wave.noise:g} on an amplitude of "
                f"{self.wave.amplitude:g} tell the phase too finely",
                "add noise, or make the series shorter",
                "wave",
                "noise",
            )
        return self


def phases_needed(noise: float, length: int) -> int:
    """Return the phases of a grid on which the posterior of a phase is smooth.

    After n steps its deviation is about noise * sqrt(2 / n), in radians, the amplitude being 1.
    """
    return max(64, int(2 * 6.3 / (noise * (2 / length) ** 0.5)))


class SeriesColumns(Section):
    """Columns of a table of series, by the names in its first line."""

    value: str = Field(default="value", min_length=1, description="Column of the numbers.")
    record: str | None = Field(
        default=None,
        min_length=1,
        description="Column that names the series of each row; the rows of one stand together. "
        "Without it all rows are one series.",
    )

    @model_validator(mode="after")
    def _check(self) -> SeriesColumns:
        check_columns({key: value for key, value in self if value is not None})
        return self


class _Series(Section):
    """What all series share."""

    task: Task = _TASK

    @property
    def alphabet(self) -> str:
        """Of the letters that stand at each place, all of them unknown."""
        return "01"

    def letters_and_names(self) -> dict[str, str]:
        """Return a letter for each direction, and its name."""
        return state_letters(["rises or stays", "falls"], {})


class WaveDataset(_Series):
    """A dataset of simulated series: waves with noise."""

    simulate: WaveSimulation = Field(description="The series to simulate.")
    split: SimulatedSplit = SIMULATED_SPLIT

    @model_validator(mode="after")
    def _check(self) -> WaveDataset:
        check_enough_records(self.simulate, self.split)
        check_gap(self.split, "step", "number")
        return self


class SeriesTable(_Series):
    """A dataset of your own series, a row of a table for each time step."""

    table: str = Field(
        min_length=1,
        description="Path of a table parted by tabs or commas, plain or compressed (gzip, BGZF), "
        "with a line of column names and a row for each time step, in order. A missing number is "
        "empty, NA, NaN or a point.",
    )
    columns: SeriesColumns = Field(
        default=SeriesColumns(), description="Where in the table things stand."
    )
    split: Split = OWN_SPLIT

    @model_validator(mode="after")
    def _check(self) -> SeriesTable:
        check_gap(self.split, "step", "number")
        return self


_SOURCES = ("simulate", "table")

NextValueDataset = WaveDataset | SeriesTable


#: The keys of a dataset whose task is to tell the next number.
NextValue = Annotated[
    Annotated[WaveDataset, Tag("<simulate>")] | Annotated[SeriesTable, Tag("<table>")],
    chosen_by_source(_SOURCES, "simulate"),
    one_of(*_SOURCES),
]
