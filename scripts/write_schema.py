"""Write schemas/config.schema.json and docs/config.md from the models of the config.

Run by `make schema`, with the repository's folder as the only argument. Both files are kept in
the repository, so that editors and readers have them; a test fails when they no longer fit.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from basetag.config.model import ConfigModel
from basetag.files import written_whole

SCHEMA = Path("schemas/config.schema.json")
REFERENCE = Path("docs/config.md")

_OPENING = """\
# The config, key by key

Written by `make schema` from the models in `scripts/basetag/config`; do not edit it here.

A config is a YAML file, given with `snakemake --configfile my.yaml`. It is checked before any job
starts, and each mistake is told as one line with its file, line and key. A key that is not in these
tables is a mistake; so is text in place of a number. A config given like this stands alone;
with two of them the later one is laid over the earlier one key by key, and `null` takes a value
away.

A relative path starts from the folder of the file that names it, and on the command line from
the current folder. Names of datasets, taggers, genomes and sweeps become folders and files: letters
A-Z a-z, digits, `_` and `-`, not beginning with `-`. `annotations`, `genomes` and `sweeps` are no
names of datasets, `corpus` and `controls` none of taggers.

Nothing about machines stands in a config: see `profiles/`.
"""


def schema() -> dict[str, Any]:
    """Return the JSON schema of the config."""
    document = ConfigModel.model_json_schema()
    for value in document["properties"].values():
        if "patternProperties" in value:  # names: no others than those of the pattern
            value["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document}


def reference() -> str:
    """Return the reference of the config as Markdown: a table of keys for each section."""
    document = schema()
    parts = [_OPENING, _section("The whole", document)]
    sections = _sections(document)
    paths = [path for _, path in sections]
    for name, path in sections:
        part = document["$defs"][name]
        title = f"`{path}`"
        if paths.count(path) > 1:  # kinds of section, told apart by their first key
            key, value = next(iter(part["properties"].items()))
            choice = f"{key}: {value['const']}" if "const" in value else key
            title += f" with `{choice}`"
        parts.append(_section(title, part))
    return "\n".join(parts)


def main(folder: Path) -> None:
    texts = {
        folder / SCHEMA: json.dumps(schema(), indent=2) + "\n",
        folder / REFERENCE: reference(),
    }
    with written_whole(*texts) as places:
        for place, text in zip(places, texts.values(), strict=True):
            place.write_text(text, encoding="utf-8")


def _sections(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return each section's name in the schema and the keys that lead to it, top down."""
    found: dict[str, str] = {}

    def descend(part: dict[str, Any], path: str) -> None:
        for key, value in part.get("properties", {}).items():
            visit(value, f"{path}.{key}" if path else key)

    def visit(value: Any, path: str) -> None:
        if "$ref" in value:
            name = value["$ref"].rpartition("/")[2]
            # A section shown before (a tagger's own training) is not shown again.
            if name not in found:
                found[name] = path
                descend(document["$defs"][name], path)
        for option in (*value.get("oneOf", ()), *value.get("anyOf", ())):
            visit(option, path)
        for item in value.get("patternProperties", {}).values():
            visit(item, f"{path}.NAME")
        if isinstance(value.get("items"), dict):
            visit(value["items"], f"{path}[]")

    top = document["properties"]
    # `training` goes first to the section of that name, and not to a tagger's own.
    visit(top["training"], "training")
    descend(document, "")
    order = {key: place for place, key in enumerate(top)}
    return sorted(found.items(), key=lambda item: order[item[1].split(".")[0]])


def _section(title: str, part: dict[str, Any]) -> str:
    lines = [f"## {title}", "", *([part["description"], ""] if "description" in part else [])]
    lines += ["| key | kind | default | range | meaning |", "|---|---|---|---|---|"]
    required = part.get("required", [])
    for key, value in part.get("properties", {}).items():
        default = "needed" if key in required else _default(value)
        cells = (f"`{key}`", _kind(value), default, _range(value), value.get("description", ""))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _default(value: dict[str, Any]) -> str:
    if value.get("default") is None:
        return ""
    if isinstance(value["default"], dict):
        return "see its section"
    return f"`{json.dumps(value['default'])}`"


def _kind(value: dict[str, Any]) -> str:
    options = [*value.get("oneOf", ()), *value.get("anyOf", ())]
    if options:
        kinds = [_kind(option) for option in options if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    if "$ref" in value:
        return "section"
    if "items" in value:
        return f"list of {_kind(value['items'])}s"
    words = {
        "integer": "whole number",
        "string": "text",
        "boolean": "true or false",
        "object": "mapping",
    }
    kind = str(value["type"])
    return words.get(kind, kind)


def _range(value: dict[str, Any]) -> str:
    bounds = [value, *value.get("oneOf", ()), *value.get("anyOf", ())]
    if "items" in value:
        bounds.append(value["items"])
    words = {
        "minimum": "from",
        "exclusiveMinimum": "above",
        "maximum": "to",
        "exclusiveMaximum": "and below",
        "minItems": "entries: at least",
        "minProperties": "entries: at least",
        "maxProperties": "to",
    }
    parts = [f"{word} {b[key]:,}" for b in bounds for key, word in words.items() if key in b]
    unit = [value["unit"]] if "unit" in value else []
    return " ".join([*parts, *unit])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
