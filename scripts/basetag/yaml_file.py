"""YAML files read strictly: what is written is what is meant, or it is an error with its place.

Plain ``yaml.safe_load`` drops all but the last of two equal keys, reads ``no`` and ``on`` as
booleans, 010 as eight, and 1e-2 as text. Here equal keys are an error, every key is
the text that stands in the file, only ``true`` and ``false`` are booleans, and numbers are those of
YAML 1.2 with underscores allowed (12_000_000). What the values mean is not known here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml

from basetag.errors import ConfigError

_STRING = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"


def load_yaml(path: str | os.PathLike[str]) -> Any:
    """Return what the YAML file `path` holds; None for an empty one.

    Parameters
    ----------
    path : path-like
        A file of one YAML document in UTF-8.

    Returns
    -------
    dict, list, str, int, float, bool or None
        All keys are strings. Dates stay text.

    Raises
    ------
    ConfigError
        For a file that cannot be read, is not YAML, or has a key twice; with line and column.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror or error}", file=path, advice="check its name"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"is not UTF-8 text: byte {error.object[error.start]:#04x}",
            file=path,
            line=error.object[: error.start].count(b"\n") + 1,
            advice="save it as UTF-8",
        ) from None
    try:
        return yaml.load(text, _StrictLoader)  # noqa: S506 - a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        advice = "indent with spaces" if "'\\t'" in (error.problem or "") else None
        raise ConfigError(
            error.problem or error.context or "is not YAML",
            file=path,
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
            advice=advice,
        ) from None
    except yaml.reader.ReaderError as error:
        raise ConfigError(
            f"character {error.character!r} is not allowed in YAML",
            file=path,
            line=text[: error.position].count("\n") + 1,
            advice="remove it",
        ) from None
    except RecursionError:
        raise ConfigError("is nested too deeply", file=path) from None


class _StrictLoader(yaml.SafeLoader):
    """The safe loader with YAML 1.2's scalars, textual keys, and no key twice."""

    # Own table: adding to the inherited one would change yaml.safe_load for everybody.
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.composer.ComposerError(
                    None, None, "a key is a word, not a list or a mapping", key.start_mark
                )
            if key.value in lines:
                raise yaml.composer.ComposerError(
                    None,
                    None,
                    f"the key {key.value!r} stands twice, first in line {lines[key.value]}; "
                    "keep one of them",
                    key.start_mark,
                )
            lines[key.value] = key.start_mark.line + 1
            if key.tag != _MERGE:
                key.tag = _STRING
        return node


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0|[1-9][0-9_]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*\.[0-9_]*|[0-9][0-9_]*(?=[eE]))([eE][-+]?[0-9]+)?",
        "-+.0123456789",
    ),
    ("merge", r"<<", "<"),
):
    _StrictLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first)
    )
