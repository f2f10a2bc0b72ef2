"""Config files laid over one another, and where each key stands.

Snakemake merges its config files and what its command line adds, but keeps no record of which
value came from where, and its YAML lets a key stand twice. So the files are read again here,
strictly; what they do not explain in Snakemake's merged config came from the command line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from basetag.errors import ConfigError
from basetag.yaml_file import load_yaml

#: Keys from the top of the config down to a value; whole numbers are places in a list.
Keys = tuple[str | int, ...]

COMMAND_LINE = "--config"

# A later file's choice takes the place of an earlier file's other choice.
_ALTERNATIVES = ("accession", "fasta", "genbank", "table")


@dataclass(frozen=True)
class Layers:
    """Config files in order, later ones laid over earlier ones, then the command line.

    Attributes
    ----------
    files : tuple of Path
        The files.
    contents : tuple of dict
        What stands in each.
    command_line : dict
        What the command line adds to them.
    """

    files: tuple[Path, ...]
    contents: tuple[dict[str, Any], ...]
    command_line: dict[str, Any]

    @classmethod
    def read(cls, config: Mapping[str, Any], files: Sequence[Path]) -> Layers:
        """Read `files`, and find out what `config`, merged by Snakemake, has beyond them.

        Raises
        ------
        ConfigError
            For a file that is missing, is no YAML, has a key twice or is no mapping.
        """
        contents = []
        for file in files:
            content = load_yaml(file)
            if not isinstance(content, dict):
                raise ConfigError("is not a mapping of keys to values", file=shown(file))
            contents.append(content)
        layers = cls(tuple(files), tuple(contents), {})
        if config == layers.merged:
            return layers
        loose: dict[str, Any] = {}
        for file in files:
            loose = _laid_over(loose, _as_snakemake_reads(file))
        return cls(tuple(files), tuple(contents), _beyond(config, loose))

    @cached_property
    def merged(self) -> dict[str, Any]:
        """The config that the files and the command line give together."""
        merged: dict[str, Any] = {}
        for content in (*self.contents, self.command_line):
            merged = _laid_over(merged, content, alternatives=_ALTERNATIVES)
        return merged

    def from_command_line(self, keys: Keys) -> bool:
        """Whether the value at `keys` was given on the command line."""
        return _holds(self.command_line, keys)

    def file_of(self, keys: Keys) -> Path | None:
        """Return the file that gives `keys` its value; None for the command line's and unknown."""
        if self.from_command_line(keys):
            return None
        for file, content in zip(reversed(self.files), reversed(self.contents), strict=True):
            if _holds(content, keys):
                return file
        return None

    def place_of(self, keys: Keys) -> tuple[str | None, int | None]:
        """Return file and line of `keys`, or of the nearest key above that stands anywhere."""
        for end in range(len(keys), 0, -1):
            if self.from_command_line(keys[:end]):
                return COMMAND_LINE, None
            file = self.file_of(keys[:end])
            if file is not None:
                return shown(file), _line(file, keys[:end])
        return (shown(self.files[-1]) if self.files else None), None

    def order_of(self, keys: Keys) -> tuple[str, int]:
        """Return what sorts mistakes by file and line."""
        file, line = self.place_of(keys)
        return file or "", line or 0


def shown(file: Path) -> str:
    """Return `file` as people name it: from the current folder where it lies below."""
    here = Path.cwd()
    absolute = Path(os.path.normpath(here / file))
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def _laid_over(
    lower: Mapping[str, Any], upper: Mapping[str, Any], alternatives: tuple[str, ...] = ()
) -> dict[str, Any]:
    merged = dict(lower)
    chosen = [key for key in alternatives if upper.get(key) is not None]
    if len(chosen) == 1:
        merged = {key: value for key, value in merged.items() if key not in alternatives}
    for key, value in upper.items():
        below = merged.get(key)
        if isinstance(value, Mapping):
            below = below if isinstance(below, Mapping) else {}
            merged[key] = _laid_over(below, value, alternatives)
        else:
            merged[key] = value
    return merged


def _as_snakemake_reads(file: Path) -> dict[Any, Any]:
    text = file.read_text(encoding="utf-8-sig")
    try:
        content = json.loads(text)
    except ValueError:
        content = yaml.load(text, yaml.FullLoader)  # noqa: S506 - as Snakemake does; no objects
    return content if isinstance(content, dict) else {}


def _beyond(config: Mapping[Any, Any], files: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what `config` has beyond `files`: keys that they lack, and other values."""
    beyond: dict[str, Any] = {}
    for key, value in config.items():
        below = files.get(key)
        if isinstance(value, Mapping):
            inner = _beyond(value, below if isinstance(below, Mapping) else {})
            if inner or not isinstance(below, Mapping):
                beyond[str(key)] = inner
        elif key not in files or value != below or type(value) is not type(below):
            beyond[str(key)] = value
    return beyond


def _holds(content: Any, keys: Keys) -> bool:
    for key in keys:
        if isinstance(content, list):
            within = isinstance(key, int) and key < len(content)
        else:
            within = isinstance(content, dict) and key in content
        if not within:
            return False
        content = content[key]
    return True


def _line(file: Path, keys: Keys) -> int | None:
    """Return the line of `file` in which the last of `keys` stands."""
    node = yaml.compose(file.read_text(encoding="utf-8-sig"), yaml.SafeLoader)
    line = None
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            entries = {entry.value: (entry, value) for entry, value in node.value}
            if key not in entries:  # it stands behind an alias
                return line
            entry, node = entries[key]
            line = entry.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
            line = node.start_mark.line + 1
    return line
