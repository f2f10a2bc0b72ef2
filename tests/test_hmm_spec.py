"""What `basetag.hmm_spec` promises: a model is right, or the file's mistake is one line."""

import copy
import math
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from basetag.errors import ConfigError
from basetag.hmm_spec import HMMSpec, load_hmm_spec

ROOT = Path(__file__).parent.parent
PRESETS = ROOT / "resources" / "hmms"
MODEL = {
    "name": "mine",
    "states": {"H": "GC-rich", "L": "GC-poor"},
    "start": "stationary",
    "transition": {"H": {"H": 0.9, "L": 0.1}, "L": {"H": 0.2, "L": 0.8}},
    "emission": {
        "H": {"A": 0.2, "C": 0.3, "G": 0.3, "T": 0.2},
        "L": {"A": 0.3, "C": 0.2, "G": 0.2, "T": 0.3},
    },
}
#: Of three states, the first and the last bear one label.
GROUPED = {
    "name": "grouped",
    "alphabet": "01",
    "states": {"in1": "first", "out": "between", "in2": "second"},
    "labels": {
        "O": {"name": "outside", "states": ["out"]},
        "I": {"name": "inside", "states": ["in2", "in1"]},
    },
    "start": {"in1": 0.2, "out": 0.8},
    "transition": {
        "in1": {"in2": 1},
        "out": {"out": 0.5, "in1": 0.5},
        "in2": {"in2": 0.7, "out": 0.3},
    },
    "emission": {"in1": {"0": 1}, "out": {"0": 0.5, "1": 0.5}, "in2": {"1": 1}},
}

#: Durbin, Eddy, Krogh & Mitchison (1998), section 3.1: rows and columns A C G T.
INSIDE = [
    [0.180, 0.274, 0.426, 0.120],
    [0.171, 0.368, 0.274, 0.188],
    [0.161, 0.339, 0.375, 0.125],
    [0.079, 0.355, 0.384, 0.182],
]
OUTSIDE = [
    [0.300, 0.205, 0.285, 0.210],
    [0.322, 0.298, 0.078, 0.302],
    [0.248, 0.246, 0.298, 0.208],
    [0.177, 0.239, 0.292, 0.292],
]


def write(tmp_path, model):
    path = tmp_path / "mine.yaml"
    path.write_text(model if isinstance(model, str) else yaml.safe_dump(model, sort_keys=False))
    return path


def message(tmp_path, model):
    path = write(tmp_path, model)
    with pytest.raises(ConfigError) as raised:
        load_hmm_spec(path)
    text = str(raised.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text.removeprefix(str(path))


def changed(*keys, to, model=MODEL):
    model = copy.deepcopy(model)
    place = model
    for key in keys[:-1]:
        place = place[key]
    if to is None:
        del place[keys[-1]]
    else:
        place[keys[-1]] = to
    return model


@pytest.mark.parametrize("name", ["toy", "patches", "blocks", "isochores", "lambda"])
def test_every_preset_is_a_model_with_its_source(name):
    spec = load_hmm_spec(PRESETS / f"{name}.yaml")
    assert spec.name == name
    assert spec.source
    assert spec.label_names == {"H": "GC-rich", "L": "GC-poor"}


def test_the_families_of_isochores_go_from_low_to_high_by_steps():
    spec = load_hmm_spec(PRESETS / "isochore_families.yaml")
    assert spec.source
    assert spec.label_names == {"L": "low GC", "M": "medium GC", "H": "high GC"}
    settings = spec.settings()
    gc = [row[1] + row[2] for row in settings["emission"]]
    assert gc == pytest.approx([0.36, 0.44, 0.55])
    assert [1 - row[i] for i, row in enumerate(settings["transition"])] == pytest.approx([1e-3] * 3)
    assert settings["transition"][0][2] == settings["transition"][2][0] == 0


def test_the_model_of_cpg_islands_is_that_of_the_books_tables_and_two_switches():
    spec = load_hmm_spec(PRESETS / "cpg.yaml")
    assert spec.source
    assert spec.label_names == {"I": "island", "O": "non-island"}
    settings = spec.settings()
    assert settings["states"] == list("IIIIOOOO")
    assert settings["labels"] == ["I", "O"]
    tables, ends = (INSIDE, OUTSIDE), (1 / 1000, 1 / 4000)
    for state, row in enumerate(settings["transition"]):
        side, letter = divmod(state, 4)
        expected = []
        for other in (0, 1):
            weight = 1 - ends[side] if other == side else ends[side]
            total = sum(tables[other][letter])  # one printed row has the sum 1.001
            expected += [weight * p / total for p in tables[other][letter]]
        assert row == pytest.approx(expected, abs=1e-9)
        assert settings["emission"][state] == [float(letter == i) for i in range(4)]


def test_every_preset_is_named_where_presets_are_listed():
    names = {path.stem for path in PRESETS.glob("*.yaml")}
    table = re.findall(r"^\| `(\w+)` \| (.*?) \|", (ROOT / "docs/models.md").read_text(), re.M)
    presets = [(name, labels.split(", ")) for name, labels in table if len(labels) < 20]
    assert {name for name, _ in presets} == names
    for name, labels in presets:
        assert list(load_hmm_spec(PRESETS / f"{name}.yaml").label_names) == labels
    description = re.search(r"resources/hmms \((.*?)\)", (ROOT / "docs/config.md").read_text())[1]
    assert set(description.split(", ")) == names


def test_the_example_of_the_documentation_is_a_model(tmp_path):
    (text,) = re.findall(
        r"```yaml\n(name:.*?)```", (ROOT / "docs/models.md").read_text(), re.DOTALL
    )
    settings = load_hmm_spec(write(tmp_path, text)).settings()
    assert settings["states"] == ["I", "I", "O"]


def test_the_toy_model_has_the_numbers_of_the_book():
    assert load_hmm_spec(PRESETS / "toy.yaml").settings() == {
        "alphabet": "dna",
        "states": ["H", "L"],
        "start": [0.5, 0.5],
        "transition": [[0.5, 0.5], [0.4, 0.6]],
        "emission": [[0.2, 0.3, 0.3, 0.2], [0.3, 0.2, 0.2, 0.3]],
    }


@pytest.mark.parametrize(
    ("name", "length"), [("patches", 10), ("blocks", 100), ("isochores", 1000), ("lambda", 5000)]
)
def test_presets_have_the_mean_lengths_that_they_state(name, length):
    (stay, leave), (enter, stay_there) = load_hmm_spec(PRESETS / f"{name}.yaml").settings()[
        "transition"
    ]
    assert leave == enter == pytest.approx(1 / length)
    assert stay == stay_there


def test_words_change_no_settings_and_numbers_do(tmp_path):
    plain = load_hmm_spec(write(tmp_path, MODEL)).settings()
    told = MODEL | {"name": "other", "description": "words", "source": "a book"}
    told["states"] = {"H": "rich", "L": "poor"}
    assert load_hmm_spec(write(tmp_path, told)).settings() == plain
    other = changed("start", to={"H": 0.5, "L": 0.5})
    assert load_hmm_spec(write(tmp_path, other)).settings() != plain


def test_the_order_of_the_states_is_kept_and_counts(tmp_path):
    swapped = changed("states", to={"L": "GC-poor", "H": "GC-rich"})
    settings = load_hmm_spec(write(tmp_path, swapped)).settings()
    assert settings["states"] == ["L", "H"]
    assert settings["transition"] == [[0.8, 0.2], [0.1, 0.9]]


def test_settings_say_which_label_each_state_bears(tmp_path):
    assert load_hmm_spec(write(tmp_path, GROUPED)).settings() == {
        "alphabet": "01",
        "states": ["I", "O", "I"],
        "labels": ["O", "I"],
        "start": [0.2, 0.8, 0.0],
        "transition": [[0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [0.0, 0.3, 0.7]],
        "emission": [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]],
    }
    assert load_hmm_spec(write(tmp_path, GROUPED)).label_names == {"O": "outside", "I": "inside"}


def test_names_of_hidden_states_change_no_settings_and_the_order_of_labels_does(tmp_path):
    plain = load_hmm_spec(write(tmp_path, GROUPED)).settings()
    renamed = yaml.safe_dump(GROUPED, sort_keys=False).replace("in1", "A+").replace("out", "A-")
    assert load_hmm_spec(write(tmp_path, renamed)).settings() == plain
    labels = dict(reversed(GROUPED["labels"].items()))
    swapped = load_hmm_spec(write(tmp_path, GROUPED | {"labels": labels})).settings()
    assert swapped == plain | {"labels": ["I", "O"]}


def test_a_label_for_each_state_is_the_same_as_none(tmp_path):
    words = {"H": "rich_state", "L": "poor_state"}
    labels = {letter: {"name": name, "states": [words[letter]]} for letter, name in
              MODEL["states"].items()}  # fmt: skip
    model = {
        "name": "long names",
        "states": dict.fromkeys(words.values(), ""),
        "labels": labels,
        "transition": {
            words[a]: {words[b]: p for b, p in row.items()}
            for a, row in MODEL["transition"].items()
        },
        "emission": {words[a]: row for a, row in MODEL["emission"].items()},
    }
    found, plain = (load_hmm_spec(write(tmp_path, given)) for given in (model, MODEL))
    assert found.settings() == plain.settings()
    assert found.label_names == plain.label_names


@pytest.mark.parametrize(
    ("keys", "to", "parts"),
    [
        (("labels", "O", "states"), ["ou"], [": labels.O.states.ou: ", "did you mean out?"]),
        (("labels", "O", "states"), ["zzz"], [": 'zzz' is no state", "in1, out, in2"]),
        (("labels", "I", "states"), ["in1"], [": labels: the state in2 bears no label; add it"]),
        (("labels", "O", "states"), ["out", "in1"], [": labels.I.states.in1: ", "label O already"]),
        (("labels", "O", "states"), ["out", "out"], [": labels.O.states.out: ", "each state once"]),
        (("labels", "O", "states"), [], [": labels.O.states: no state bears the label"]),
        (("labels", "O", "states"), "out", [": labels.O.states: ", "'out'", "as a list"]),
        (("labels", "O", "states"), [1], [": labels.O.states.0: ", "found 1", "in quotes"]),
        (("labels", "O", "states"), None, [": labels.O.states: is missing", "as a list"]),
        (("labels", "O", "name"), None, [": labels.O.name: is missing; What the label means"]),
        (("labels", "O", "name"), " ", [": labels.O: the state has no name"]),
        (("labels", "O", "name"), "inside", [": labels.I: the name 'inside' in a BED file"]),
        (("labels", "O", "nmae"), "x", [": labels.O.nmae: is no key of a label", "mean name?"]),
        (("labels", "O"), "out", [": labels.O: 'out' is no label; A letter for each label"]),
        (("labels", "Out"), {"name": "x", "states": []}, [": labels.Out: 'Out' cannot stand for"]),
        (("labels",), {}, [": labels: 0 labels were given; 2 at least"]),
        (
            ("labels",),
            {"I": {"name": "inside", "states": ["in1", "in2", "out"]}},
            [": labels: 1 labels were given; 2 at least"],
        ),
        (("labels",), ["I", "O"], [": labels: ", "dictionary"]),
        (("labels",), None, [": states.in1: 'in1' cannot stand for one base"]),
        (("states", "a b"), "x", [": states: 'a b' is no name of a state; use one word"]),
        (("emission", "in3"), {"0": 1}, [": emission.in3: ", "did you mean in2?"]),
    ],
)
def test_each_mistake_in_labels_is_one_line_with_its_key(tmp_path, keys, to, parts):
    text = message(tmp_path, changed(*keys, to=to, model=GROUPED))
    for part in parts:
        assert part in text


def test_what_a_row_leaves_out_has_probability_zero(tmp_path):
    spec = load_hmm_spec(write(tmp_path, changed("transition", "H", to={"L": 1})))
    assert spec.settings()["transition"][0] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("keys", "to", "parts"),
    [
        (("transitions",), {}, [": transitions: is no key", "did you mean transition?"]),
        (("zzz",), 1, [": zzz: is no key", "the keys are name, "]),
        (("name",), None, [": name: is missing"]),
        (("emission",), None, [": emission: is missing", "each letter"]),
        (("emission", "L"), None, [": emission.L: is missing; every state needs a row"]),
        (("transition", "H"), None, [": transition.H: is missing"]),
        (
            ("emission", "H", "A"),
            0.3,
            [": emission.H: the probabilities sum to 1.1, not to 1 (0.3 + 0.3 + 0.3 + 0.2)"],
        ),
        (("transition", "L", "L"), 0.7, [": transition.L: the probabilities sum to 0.9"]),
        (("start",), {"H": 0.5, "L": 0.4}, [": start: the probabilities sum to 0.9"]),
        (("transition", "H", "L"), -0.1, [": transition.H.L: ", "-0.1", "0 to 1"]),
        (("emission", "H", "A"), "much", [": emission.H.A: ", "'much'"]),
        (("emission", "H", "A"), True, [": emission.H.A: ", "True"]),
        (("emission", "H", "A"), "0.2", [": emission.H.A: ", "'0.2'"]),
        (("start",), "steady", [": start: 'steady' is no start; write stationary"]),
        (("start",), [0.5, 0.5], [": start: a list is no start"]),
        (("start",), {"H": -1, "L": 2}, [": start.H: ", "-1"]),
        (("start",), {"H": 0.5, "X": 0.5}, [": start.X: 'X' is no state", "H, L"]),
        (("emission", "H", "X"), 0.0, [": emission.H.X: 'X' is no letter", "A, C, G, T"]),
        (("emission", "H", "a"), 0.0, [": emission.H.a: ", "did you mean A?"]),
        (("emission", "h"), {"A": 1}, [": emission.h: ", "did you mean H?"]),
        (("transition", "H", "M"), 0.0, [": transition.H.M: 'M' is no state"]),
        (("transition",), {"H": {"H": 1}, "L": {"L": 1}}, ["from H, never reached: L"]),
        (("transition", "L"), {"L": 1}, ["not ergodic: from L, never reached: H"]),
        (("transition",), {"H": {"L": 1}, "L": {"H": 1}}, ["only every 2 bases"]),
        (("transition",), [1], [": transition: ", "dictionary"]),
        (("states",), {"H": "rich"}, [": states: 1 states were given; 2 to 32"]),
        (("states",), {"H": "a", "LL": "b"}, [": states.LL: 'LL' cannot stand for one base"]),
        (("states",), {"H": "a", ">": "b"}, [": states.>: "]),
        (("states",), {"H": "a", ";": "b"}, [": states.;: "]),
        (("states",), {"H": "a", "é": "b"}, [": states.é: "]),
        (("states",), {"H": "a", "L": " "}, [": states.L: the state has no name"]),
        (("states",), {"H": "GC rich", "L": "GC_rich"}, [": states.L: the name 'GC_rich' in"]),
        (("alphabet",), "DNA", [": alphabet: 'DNA' is not known; did you mean dna?"]),
        (("alphabet",), "ACGA", [": alphabet: the letter 'A' stands twice"]),
        (("alphabet",), "AC ", [": alphabet: ' ' cannot"]),
        (("alphabet",), "A", [": alphabet: has fewer than 2 letters"]),
        (("alphabet",), "A?*", [": alphabet: has both"]),
        (("alphabet",), "01", [": emission.H.A: 'A' is no letter", "0, 1"]),
    ],
)
def test_each_mistake_is_one_line_with_its_key(tmp_path, keys, to, parts):
    text = message(tmp_path, changed(*keys, to=to))
    for part in parts:
        assert part in text


def test_thirds_written_with_six_digits_are_a_distribution(tmp_path):
    third = {"A": 0.333333, "C": 0.333333, "G": 0.333333}
    spec = load_hmm_spec(write(tmp_path, changed("emission", "H", to=third)))
    assert spec.settings()["emission"][0] == [0.333333, 0.333333, 0.333333, 0.0]


@pytest.mark.parametrize("text", ["", "[1, 2]", "stationary"])
def test_a_file_that_is_no_mapping_is_told_the_keys(tmp_path, text):
    assert "is not a mapping of keys to values; keys: name, " in message(tmp_path, text)


def test_a_row_that_stands_twice_is_an_error_with_its_line(tmp_path):
    text = yaml.safe_dump(MODEL) + "name: again\n"
    assert f"line {text.count(chr(10))}, column 1: the key 'name' stands twice" in message(
        tmp_path, text
    )


def test_digits_and_no_may_be_letters(tmp_path):
    path = write(
        tmp_path,
        """
        name: coins
        alphabet: "01"
        states: {n: fair, y: loaded}
        transition: {n: {n: .5, y: .5}, y: {n: .5, y: .5}}
        emission: {n: {0: .5, 1: .5}, y: {0: 1e-1, 1: 9e-1}}
        """,
    )
    settings = load_hmm_spec(path).settings()
    assert settings["states"] == ["n", "y"]
    assert settings["emission"] == [[0.5, 0.5], [0.1, 0.9]]


@given(st.integers(2, 6), st.data())
def test_a_chain_is_accepted_just_when_a_power_of_its_matrix_is_positive(n, data):
    # Perron-Frobenius: a non-negative matrix is primitive if and only if its power
    # (n - 1)^2 + 1 is positive (Wielandt 1950).
    edges = [
        data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=2, unique=True))
        for _ in range(n)
    ]
    reached = [{start} for start in range(n)]
    for _ in range((n - 1) ** 2 + 1):
        reached = [{end for state in states for end in edges[state]} for states in reached]
    primitive = all(len(states) == n for states in reached)
    names = "abcdef"[:n]
    model = {
        "name": "random",
        "alphabet": "01",
        "states": {name: name for name in names},
        "transition": {names[i]: {names[j]: 1 / len(edges[i]) for j in edges[i]} for i in range(n)},
        "emission": {name: {"0": 0.5, "1": 0.5} for name in names},
    }
    if primitive:
        rows = HMMSpec.model_validate(model).settings()["transition"]
        assert all(math.isclose(sum(row), 1) for row in rows)
    else:
        with pytest.raises(ValidationError, match="not ergodic"):
            HMMSpec.model_validate(model)
