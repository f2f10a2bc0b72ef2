"""What `basetag.yaml_file` promises: nothing in a YAML file is misread without a word."""

import pytest
import yaml

from basetag.errors import ConfigError
from basetag.yaml_file import load_yaml


def load(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_yaml(path)


def message(tmp_path, text):
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    text = str(raised.value)
    assert "\n" not in text
    return text.replace(str(tmp_path), "")


def test_words_that_yaml_1_1_takes_for_booleans_stay_words(tmp_path):
    letters = ["y", "Y", "n", "N", "yes", "No", "on", "OFF"]
    text = "keys: {" + ", ".join(f"{letter}: 1" for letter in letters) + "}\n"
    text += "values: [" + ", ".join(letters) + "]\n"
    assert load(tmp_path, text) == {"keys": dict.fromkeys(letters, 1), "values": letters}


def test_the_plain_loader_of_other_code_is_left_as_it_is():
    assert yaml.safe_load("on: 010") == {True: 8}


def test_keys_are_the_text_that_stands_there(tmp_path):
    assert load(tmp_path, "{1: a, 0.5: b, true: c, ~: d, 2020-01-01: e}") == {
        "1": "a",
        "0.5": "b",
        "true": "c",
        "~": "d",
        "2020-01-01": "e",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-2", 0.01),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-2.", -2.0),
        ("1.5e+3", 1500.0),
        ("12_000_000", 12_000_000),
        ("0", 0),
        ("-7", -7),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("010", "010"),
        ("0x10", "0x10"),
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ("NC_001416.1", "NC_001416.1"),
        ("'1'", "1"),
        ("1e", "1e"),
        ("-", [None]),
    ],
)
def test_scalars_are_those_of_yaml_1_2_and_underscored_numbers(tmp_path, text, value):
    found = load(tmp_path, text if text == "-" else f"key: {text}")
    found = found if text == "-" else found["key"]
    assert found == value
    assert type(found) is type(value)


def test_a_key_that_stands_twice_is_an_error_with_its_place(tmp_path):
    text = message(tmp_path, "a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert text.startswith("/config.yaml, line 4, column 3: the key 'b' stands twice")
    assert "line 2" in text


def test_a_quoted_and_a_plain_key_are_the_same_key(tmp_path):
    assert "stands twice" in message(tmp_path, "{1: a, '1': b}")


def test_merged_keys_may_be_overridden(tmp_path):
    text = "base: &b {x: 1, y: 2}\nmine: {<<: *b, y: 3}\n"
    assert load(tmp_path, text)["mine"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1, 2\n", "line 2, column 1"),
        ("a: 1\n\tb: 2\n", "line 2, column 1"),
        ("a: b: c\n", "line 1, column 5"),
        ("[1, 2]: 3\n", "line 1, column 1"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1"),
        ("a: !!python/object:os.system {}\n", "line 1, column 4"),
        (b"a: 1\nb: \xff\n", "line 2"),
        ("a: 1\nb: \x00\n", "line 2"),
    ],
)
def test_what_is_no_yaml_is_one_line_with_its_place(tmp_path, text, place):
    assert message(tmp_path, text).startswith(f"/config.yaml, {place}: ")


def test_tabs_get_the_advice_to_use_spaces(tmp_path):
    assert "indent with spaces" in message(tmp_path, "a:\n\tb: 2\n")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read: No such file"):
        load_yaml(tmp_path / "absent.yaml")


def test_an_empty_file_holds_nothing_and_a_byte_order_mark_is_no_letter(tmp_path):
    assert load(tmp_path, "") is None
    assert load(tmp_path, b"\xef\xbb\xbfa: 1\n") == {"a": 1}
