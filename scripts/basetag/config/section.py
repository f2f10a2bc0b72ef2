"""What all sections of the config share: strictness, names that become folders, and seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    StringConstraints,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

LARGEST_SEED = 2**32 - 1
MAXIMUM_NAME = 64


class Section(BaseModel):
    """A part of the config: no unknown keys, no conversions, no changes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


Seed = Annotated[
    int,
    Field(ge=0, le=LARGEST_SEED, description="Seed of the random numbers."),
]


def mistake(problem: str, advice: str, *below: str | int) -> PydanticCustomError:
    """Return the error for `problem`, at the keys `below` the value that is validated."""
    context = {"problem": problem, "advice": advice, "below": below}
    return PydanticCustomError("mistake", "{problem}; {advice}", context)


def _check_seeds(seeds: tuple[int, ...]) -> tuple[int, ...]:
    for index, seed in enumerate(seeds):
        if seed in seeds[:index]:
            raise mistake(f"the seed {seed} stands twice", "name each seed once", index)
    return seeds


#: Seeds of trainings, each once.
Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0, le=LARGEST_SEED)], ...],
    Strict(False),
    Field(min_length=1),
    AfterValidator(_check_seeds),
]

#: A name that becomes a folder, and a wildcard of the workflow.
Name = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$", max_length=MAXIMUM_NAME)
]


def not_reserved(*reserved: str) -> AfterValidator:
    """Return the check that a name is none of `reserved`, in whatever case."""

    def check(name: str) -> str:
        if name.casefold() in reserved:
            raise mistake(
                f"the name {name!r} is reserved for a folder of the results",
                f"choose another, such as {name}1",
            )
        return name

    return AfterValidator(check)


def distinct(names: dict[str, Any]) -> dict[str, Any]:
    """Refuse names that are one folder where a file system does not tell cases apart."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            raise mistake(
                f"{name!r} and {other!r} differ only in case, and would share a folder on some "
                "file systems",
                "rename one of them",
                name,
            )
    return names


def every_section(of: type[Section] = Section) -> Iterator[type[Section]]:
    """Yield every kind of section that there is."""
    for section in of.__subclasses__():
        yield section
        yield from every_section(section)


def one_of(*keys: str) -> BeforeValidator:
    """Return the check that exactly one of `keys` is given; a null counts as not given."""

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        given = [key for key in keys if value.get(key) is not None]
        if len(given) != 1:
            raise PydanticCustomError("one_of", "one of {keys}", {"keys": keys, "given": given})
        return {key: item for key, item in value.items() if key not in keys or item is not None}

    return BeforeValidator(check)


def chosen_by(key: str, default: str | None = None) -> Discriminator:
    """Return what chooses a union's model: the model's tag is the value of `key` in <>."""

    def tag(value: Any) -> str | None:
        found = value.get(key, default) if isinstance(value, dict) else getattr(value, key, default)
        return None if found is None else f"<{found}>"

    tag.__name__ = key  # pydantic's errors name the function, so they name the key
    return Discriminator(tag)


def chosen_by_source(sources: Sequence[str], default: str) -> Discriminator:
    """Return what chooses a dataset's model: the first of `sources` that it has, in <>."""

    def _source(value: Any) -> str:
        has = value.__contains__ if isinstance(value, dict) else lambda key: hasattr(value, key)
        return f"<{next((key for key in sources if has(key)), default)}>"

    return Discriminator(_source)


def range_text(field: FieldInfo) -> str:
    """Return the range and unit of `field` in words: "1 to 4096 units", or "" for none."""
    bounds: dict[str, Any] = {}
    for constraint in field.metadata:
        for kind in ("ge", "gt", "le", "lt"):
            if getattr(constraint, kind, None) is not None:
                bounds[kind] = getattr(constraint, kind)
    parts = []
    if "ge" in bounds and "le" in bounds:
        parts.append(f"{bounds['ge']} to {bounds['le']}")
    else:
        words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
        parts.append(
            " and ".join(f"{words[kind]} {bounds[kind]}" for kind in words if kind in bounds)
        )
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "unit" in extra:
        parts.append(str(extra["unit"]))
    return " ".join(part for part in parts if part)
