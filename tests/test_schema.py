"""The schema and the reference say what the models say."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest

import write_schema
from basetag.yaml_file import load_yaml

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def validator():
    schema = json.loads((ROOT / "schemas/config.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", [write_schema.SCHEMA, write_schema.REFERENCE])
def test_the_files_in_the_repository_are_those_that_the_models_give(path, tmp_path):
    write_schema.main(tmp_path)
    advice = "run `make schema`"
    assert (ROOT / path).read_text(encoding="utf-8") == (tmp_path / path).read_text(), advice


def test_the_default_config_fits_the_schema(validator):
    validator.validate(load_yaml(ROOT / "config.yaml"))


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("datasets", "toy", "simulate", "records"), 0),
        (("datasets", "toy", "simulate", "hmn"), "toy"),
        (("datasets", "a name"), {"simulate": {"hmm": "toy", "records": 9, "length": 9}}),
        (("taggers", "gru", "cell"), "gruu"),
        (("taggers", "gru", "hidden"), "16"),
        (("taggers", "uniform", "window"), 5),
        (("training", "learning_rate"), 2),
        (("seeds",), []),
        (("annotate",), {"phage": {"accession": "NC_001416.1", "taggers": []}}),
    ],
)
def test_the_schema_refuses_what_the_models_refuse(validator, keys, value):
    config = copy.deepcopy(load_yaml(ROOT / "config.yaml"))
    place = config
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    assert not validator.is_valid(config)


def _properties(part):
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict):
            yield from part["properties"].items()
        for value in part.values():
            yield from _properties(value)


def test_every_key_has_a_description_and_every_number_its_range():
    for key, value in _properties(write_schema.schema()):
        assert value.get("description"), key
        if value.get("type") in ("integer", "number"):
            assert {"minimum", "exclusiveMinimum"} & value.keys(), key
            assert {"maximum", "exclusiveMaximum"} & value.keys(), key


def test_every_key_stands_in_the_reference():
    reference = write_schema.reference()
    for key, _ in _properties(write_schema.schema()):
        assert f"| `{key}` |" in reference
