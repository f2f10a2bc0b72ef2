"""The points of sweeps: ordinary datasets and taggers, made from those of a config by a grid.

They are written as somebody would write them by hand, into the same sections, and are checked with
these. What is then wrong in a point is told at the value of the sweep that made it so.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from basetag.config.layers import Keys
from basetag.config.mistakes import Mistake, dotted, unknown
from basetag.config.section import MAXIMUM_NAME
from basetag.config.sweeps import Sweep

#: The sections that have points.
SECTIONS = ("datasets", "taggers")

_SWEEPS: TypeAdapter[dict[str, Sweep]] = TypeAdapter(dict[str, Sweep])


@dataclass(frozen=True)
class Point:
    """A dataset or tagger of a sweep.

    Parameters
    ----------
    name : str
        Its own; that of its base where nothing is varied.
    base : str
        The dataset or tagger that it is made from.
    values : mapping of str to JSON value
        What is varied: dotted key to value, sorted by key.
    """

    name: str
    base: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """A sweep's points in the order of its bases, and of each with the last sorted key fastest."""

    datasets: tuple[Point, ...]
    taggers: tuple[Point, ...]
    seeds: tuple[int, ...] | None


@dataclass(frozen=True)
class _Origin:
    """Where a point comes from: its sweep, its base, and the place of each of its values."""

    sweep: str
    base: str
    places: Mapping[str, int]


@dataclass
class Grid:
    """All sweeps of a config, laid out.

    Attributes
    ----------
    values : dict
        The config as it was given, its points added to the sections `datasets` and `taggers`.
    plans : dict of str to Plan
        The points of each sweep.
    mistakes : list of Mistake
        What is wrong in the sweeps themselves.
    """

    values: dict[str, Any]
    plans: dict[str, Plan] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    _origins: dict[Keys, _Origin] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Grid:
        """Lay out the sweeps of `values`; those that are no sweeps are left to the config's check.

        Parameters
        ----------
        values : mapping
            A config before it is checked, its paths resolved.
        """
        grid = cls(dict(values))
        try:
            sweeps = _SWEEPS.validate_python(values.get("sweeps", {}))
        except ValidationError:
            return grid
        for section in SECTIONS:
            if not isinstance(values.get(section), dict):
                return grid
            grid.values[section] = dict(values[section])
        for name, sweep in sweeps.items():
            points = {section: tuple(grid._add(name, sweep, section)) for section in SECTIONS}
            grid.plans[name] = Plan(points["datasets"], points["taggers"], sweep.seeds)
        return grid

    def is_point(self, section: str, name: str) -> bool:
        """Whether `name` in `section` is made by a sweep."""
        return (section, name) in self._origins

    def told(self, mistakes: Iterable[Mistake]) -> list[Mistake]:
        """Return `mistakes` as those of what somebody wrote: none is of a point, none said twice.

        Parameters
        ----------
        mistakes : iterable of Mistake
            Of the config with its points.
        """
        of_points: list[tuple[Keys, Mistake]] = []
        own: list[Mistake] = []
        for mistake in mistakes:
            if mistake.keys[:2] in self._origins:
                of_points.append((mistake.keys[:2], mistake))
            else:
                own.append(mistake)
        said = {(mistake.keys, mistake.problem) for mistake in own}
        found: dict[Keys, Mistake] = {}
        for point, mistake in of_points:
            section, name = (str(key) for key in point)
            origin, below = self._origins[point], mistake.keys[2:]
            if ((section, origin.base, *below), mistake.problem) in said:
                continue
            keys: Keys = ("sweeps", origin.sweep, section, origin.base)
            axis, inside = _axis_of(below, origin.places)
            problem = mistake.problem
            if axis is not None:
                keys = (*keys, axis, origin.places[axis], *inside)
            elif own:  # what is wrong in the base may be so in each of its points
                continue
            else:
                problem = ": ".join(text for text in (name, dotted(below), problem) if text)
            found.setdefault(keys, Mistake(keys, problem, mistake.advice))
        return [*own, *_once_per_axis(found.values())]

    def _add(self, sweep_name: str, sweep: Sweep, section: str) -> Iterator[Point]:
        """Add the points of one section of a sweep to the config, and yield them."""
        for base, given in getattr(sweep, section).items():
            axes = dict(sorted(given.items()))  # their order must not change a name
            keys: Keys = ("sweeps", sweep_name, section, base)
            written = self.values[section]
            if base not in written or self.is_point(section, base):
                choices = [name for name in written if not self.is_point(section, name)]
                self.mistakes.append(
                    Mistake(keys, *unknown(section.removesuffix("s"), base, choices))
                )
                continue
            repeated = [
                mistake
                for axis, values in axes.items()
                for mistake in _repeated((*keys, axis), values)
            ]
            self.mistakes.extend(repeated)
            if repeated:
                continue
            places = [range(len(values)) for values in axes.values()]
            for chosen in itertools.product(*places):
                values = {
                    axis: options[place]
                    for (axis, options), place in zip(axes.items(), chosen, strict=True)
                }
                point = Point(point_name(base, values), base, values)
                if values:
                    origin = _Origin(sweep_name, base, dict(zip(axes, chosen, strict=True)))
                    problem = self._write(section, point, origin)
                    if problem is not None:
                        self.mistakes.append(problem)
                        break
                yield point

    def _write(self, section: str, point: Point, origin: _Origin) -> Mistake | None:
        """Write a point into its section; return what keeps it from there."""
        keys: Keys = ("sweeps", origin.sweep, section, origin.base)
        written = self.values[section]
        entry = written[origin.base]
        if not isinstance(entry, dict):
            return None  # the base is told to be wrong
        for axis, value in point.values.items():
            try:
                entry = _with(entry, axis.split("."), value)
            except _NothingBelowError as error:
                return Mistake(
                    (*keys, axis),
                    f"{error.key} of {origin.base!r} is {error.found!r}, with no keys below it",
                    f"vary {error.key} itself",
                )
        if len(point.name) > MAXIMUM_NAME:
            return Mistake(
                keys,
                f"the name of its point {point.name} has {len(point.name)} letters, and "
                f"{MAXIMUM_NAME} are possible",
                f"give {origin.base!r} a shorter name, or vary fewer keys at once",
            )
        if point.name in written and written[point.name] != entry:
            whose = self._origins.get((section, point.name))
            other = f"another point of the sweep {whose.sweep!r}" if whose else "another of these"
            return Mistake(keys, f"its point {point.name} has the name of {other}", "rename one")
        if point.name not in written:
            written[point.name] = entry
            self._origins[section, point.name] = origin
        return None


def point_name(base: str, values: Mapping[str, Any]) -> str:
    """Return the name of the point of `base` at `values`: ``blocks-contrast0p5-mean_length100``.

    Of each key its last part stands there, and each value in letters that a folder may bear.
    """
    parts = (f"{axis.rpartition('.')[2]}{_text(value)}" for axis, value in values.items())
    return "-".join((base, *(re.sub(r"[^A-Za-z0-9_]", "_", part) for part in parts)))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return format(Decimal(repr(value)), "f").replace(".", "p").replace("-", "m")
    if isinstance(value, list | tuple):
        return "_".join(map(_text, value))
    if isinstance(value, dict):
        return "_".join(f"{key}_{_text(item)}" for key, item in sorted(value.items()))
    return "null" if value is None else str(value)


class _NothingBelowError(Exception):
    """A key is to be set below something that is no mapping."""

    def __init__(self, key: str, found: Any) -> None:
        self.key, self.found = key, found


def _with(entry: Mapping[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    """Return a copy of `entry` with `value` at `keys`; mappings on the way are made."""
    key, *below = keys
    if below:
        inner = entry.get(key)
        if inner is not None and not isinstance(inner, dict):
            raise _NothingBelowError(key, inner)
        try:
            value = _with(inner or {}, below, value)
        except _NothingBelowError as error:
            raise _NothingBelowError(f"{key}.{error.key}", error.found) from None
    return {**entry, key: value}


def _repeated(keys: Keys, values: tuple[Any, ...]) -> Iterator[Mistake]:
    """Yield values that stand twice, or that would give two points one name."""
    for index, value in enumerate(values):
        for other in values[:index]:
            same = value == other and isinstance(value, bool) == isinstance(other, bool)
            if same or point_name("", {"": value}) == point_name("", {"": other}):
                problem = (
                    f"the value {value!r} stands twice"
                    if same
                    else f"{value!r} and {other!r} would give two points one name"
                )
                yield Mistake((*keys, index), problem, "remove or change one of them")
                break


def _axis_of(below: Keys, places: Mapping[str, int]) -> tuple[str | None, Keys]:
    """Return the axis that sets the key `below`, or one under it, and the keys within its value."""
    for axis in places:
        parts = tuple(axis.split("."))
        if below[: len(parts)] == parts:
            return axis, below[len(parts) :]
    for axis in places:
        parts = tuple(axis.split("."))
        if below and parts[: len(below)] == below:
            return axis, ()
    return None, ()


def _once_per_axis(mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
    """Yield what is wrong with several values of an axis, in the same words, once."""
    groups: dict[tuple[Keys, str], list[Mistake]] = {}
    for mistake in mistakes:
        groups.setdefault((mistake.keys[:5], mistake.problem), []).append(mistake)
    for (keys, problem), group in groups.items():
        yield group[0] if len(group) == 1 else Mistake(keys, problem, group[0].advice)
