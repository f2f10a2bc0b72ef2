"""Mistakes in a config, each told as one line: file, line, key, what is wrong, what would be right.

Turns what pydantic finds into the words of somebody who writes a config. What is a mistake is
not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from basetag.config.layers import Keys, Layers
from basetag.config.model import ConfigModel
from basetag.config.section import MAXIMUM_NAME, every_section, range_text
from basetag.errors import ConfigError, nearest

_SHOWN = 60
_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "tuple_type": "a list",
}
_RANGES = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}


class InvalidConfigError(ConfigError):
    """All mistakes of a config, one line each.

    Attributes
    ----------
    errors : tuple of ConfigError
        The mistakes, in the order in which they are told.
    """

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors = tuple(errors)
        # Not through the parent, which makes one line of all.
        Exception.__init__(self, "\n".join(str(error) for error in self.errors))


@dataclass(frozen=True)
class Mistake:
    """Something wrong at `keys`."""

    keys: Keys
    problem: str
    advice: str | None = None

    def error(self, layers: Layers) -> ConfigError:
        """Return the error that says so, with the place where the key stands in `layers`."""
        file, line = layers.place_of(self.keys)
        name = dotted(self.keys)
        message = f"{name}: {self.problem}" if name else self.problem
        return ConfigError(message, file=file, line=line, advice=self.advice)


def dotted(keys: Keys) -> str:
    """Return `keys` as one writes them: ``annotate.phage.taggers[0].seed``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")


def unknown(kind: str, found: str, choices: Iterable[str]) -> tuple[str, str]:
    """Return problem and advice where `found` is none of `choices`."""
    choices = list(choices)
    close = nearest(found, choices)
    listed = f"the {kind}s are {', '.join(choices)}" if choices else f"there are no {kind}s"
    return f"unknown {kind} {found!r}", f"did you mean {close}?" if close else listed


def mistakes_of(error: ValidationError, layers: Layers) -> list[Mistake]:
    """Return what is wrong according to pydantic's `error`."""
    details = error.errors(include_url=False)
    # A misspelt key is both unknown and missing: the unknown one says what to do.
    misspelt = set()
    for detail in details:
        if detail["type"] == "extra_forbidden":
            *above, key = detail["loc"]
            misspelt.add((*above, nearest(str(key), _names_at(tuple(above)))))
    mistakes = []
    for detail in details:
        follows = detail["type"] == "missing" and detail["loc"] in misspelt
        # A list of wrong entries counts as empty to pydantic.
        if detail["type"] == "too_short":
            follows = len(detail["input"]) >= detail["ctx"]["min_length"]
        if not follows:
            mistakes.append(_mistake(detail, layers))
    return mistakes


def _mistake(detail: ErrorDetails, layers: Layers) -> Mistake:
    """Return what one of pydantic's errors says, in our words."""
    location = detail["loc"]
    keys = tuple(part for part in location if not _is_tag(part) and part != "[key]")
    kind, found, context = detail["type"], detail["input"], detail.get("ctx", {})
    field = _field_at(location)
    if kind == "mistake":
        return Mistake(keys + tuple(context["below"]), context["problem"], context["advice"])
    if kind == "extra_forbidden":
        return Mistake(keys, *unknown("key", str(keys[-1]), _names_at(location[:-1])))
    if kind == "missing":
        return Mistake(keys, "is missing", f"add it: {_meaning(field)}")
    if kind == "one_of":
        return _one_of(keys, found, context)
    if kind.startswith("union_tag"):
        key = context["discriminator"].strip("'").removesuffix("()")
        if not isinstance(found, dict):
            return Mistake(keys, _expected("a mapping of keys to values", found))
        # A tag of the form key:value is one by another key.
        tags = re.findall(r"<(\w+:)?(\w+)>", context.get("expected_tags", ""))
        key = next((other[:-1] for other, _ in tags if other and other[:-1] in found), key)
        own = f"{key}:" if any(other == f"{key}:" for other, _ in tags) else ""
        choices = [tag for other, tag in tags if other == own and tag != "network"]
        return Mistake((*keys, key), *_none_of(found.get(key), choices))
    if kind == "literal_error":
        # Of an entry of a list pydantic alone knows them.
        choices = _choices(field) or re.findall(r"'([^']*)'", context["expected"])
        return Mistake(keys, *_none_of(found, choices))
    if kind == "string_pattern_mismatch" and location[-1] == "[key]":
        safe = re.sub(r"[^A-Za-z0-9_-]+", "_", found).lstrip("-") or "name"
        return Mistake(
            keys,
            f"the name {_shown(found)} has other characters than A-Z a-z 0-9 _ -, or begins with -",
            f"write {safe[:MAXIMUM_NAME]}",
        )
    if kind == "string_pattern_mismatch":
        return Mistake(keys, f"found {_shown(found)}", f"expected: {_meaning(field)}")
    if kind in _RANGES:
        return Mistake(keys, f"found {_shown(found)}", f"expected {_range(kind, context, field)}")
    if kind.endswith(("too_short", "too_long")):
        return _wrong_size(keys, kind, found, context)
    if kind in _EXPECTED:
        advice = _meaning(field) if field else None
        if isinstance(found, str) and layers.from_command_line(keys):
            advice = "the command line gives text here: write it in a file and add --configfile"
        return Mistake(keys, _expected(_EXPECTED[kind], found), advice)
    return Mistake(keys, f"{detail['msg']}, found {_shown(found)}")


def _one_of(keys: Keys, found: dict[str, Any], context: dict[str, Any]) -> Mistake:
    choices = list(context["keys"])
    if context["given"]:
        both = " and ".join(context["given"])
        advice = "remove one of them, or set it to null where it stands in a lower file"
        return Mistake(keys, f"has both {both}", advice)
    known = {name for section in every_section() for name in section.model_fields}
    for key in found:
        close = nearest(str(key), choices)
        if close is not None and key not in known:
            return Mistake((*keys, key), f"unknown key {key!r}", f"did you mean {close}?")
    return Mistake(keys, f"has neither {' nor '.join(choices)}", "add one of them")


def _none_of(found: Any, choices: list[str]) -> tuple[str, str | None]:
    close = nearest(str(found), choices)
    problem = f"found {_shown(found)}, expected one of {', '.join(choices)}"
    return problem, f"did you mean {close}?" if close else None


def _wrong_size(keys: Keys, kind: str, found: Any, context: dict[str, Any]) -> Mistake:
    if isinstance(found, str):
        bound = context.get("min_length", context.get("max_length"))
        limit = "at least" if kind.endswith("short") else "at most"
        return Mistake(
            keys, f"{_shown(found)} has {len(found)} letters", f"expected {limit} {bound}"
        )
    if not found:
        return Mistake(keys, "is empty", "name at least one")
    if "min_length" in context:
        return Mistake(keys, f"has {len(found)} entries", f"at least {context['min_length']}")
    return Mistake(keys, f"has {len(found)} entries", f"at most {context['max_length']}")


def _expected(expected: str, found: Any) -> str:
    return f"expected {expected}, found {_kind(found)}"


def _kind(value: Any) -> str:
    """Return `value` with the kind of thing that it is."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, str):
        return f"the text {_shown(value)}"
    return _shown(value)


def _shown(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _range(kind: str, context: dict[str, Any], field: FieldInfo | None) -> str:
    key, words = _RANGES[kind]
    has_bounds = field is not None and any(hasattr(part, key) for part in field.metadata)
    if field is not None and has_bounds:
        return range_text(field)
    return f"{words} {context[key]}"


def _meaning(field: FieldInfo | None) -> str:
    if field is None:
        return "it is needed"
    text = (field.description or "").rstrip(".")
    limits = range_text(field)
    return f"{text} ({limits})" if limits else text


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and part.startswith("<") and part.endswith(">")


def _field_at(location: Keys) -> FieldInfo | None:
    """Return the field that pydantic's `location` leads to, if it is one."""
    end = len(location)
    while end and _is_tag(location[end - 1]):
        end -= 1
    model = _model_at(location[: end - 1]) if end else None
    return model.model_fields.get(str(location[end - 1])) if model is not None else None


def _names_at(location: Keys) -> list[str]:
    model = _model_at(location)
    return list(model.model_fields) if model is not None else []


def _choices(field: FieldInfo | None) -> list[str]:
    if field is None:
        return []
    return [str(choice) for choice in get_args(_plain(field.annotation))]


def _model_at(location: Keys) -> type[BaseModel] | None:
    """Return the model whose keys stand at pydantic's `location`."""
    annotation: Any = ConfigModel
    for part in location:
        if _is_tag(part):
            annotation = _tagged(annotation, str(part))
            continue
        annotation = _plain(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(str(part))
            annotation = field.annotation if field is not None else None
        elif get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
        elif get_origin(annotation) is tuple:
            annotation = get_args(annotation)[0]
        else:
            return None
    annotation = _plain(annotation)
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model else None


def _plain(annotation: Any) -> Any:
    """Return `annotation` without what is annotated to it, and without `None` beside it."""
    while hasattr(annotation, "__metadata__"):
        annotation = get_args(annotation)[0]
    options = [option for option in get_args(annotation) if option is not type(None)]
    if len(options) == 1 and type(None) in get_args(annotation):
        return _plain(options[0])
    return annotation


def _tagged(annotation: Any, tag: str) -> Any:
    """Return the option of the union `annotation` that bears `tag`."""
    for option in get_args(_plain(annotation)):
        if any(getattr(extra, "tag", None) == tag for extra in getattr(option, "__metadata__", ())):
            return option
    return None
