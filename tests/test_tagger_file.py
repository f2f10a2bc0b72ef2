"""The file of a tagger: what is written comes back, and what cannot be read says so."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

from basetag import __version__
from basetag.errors import InputError
from basetag.tagger_file import FORMAT, read_tagger, write_tagger

CARD = {
    "kind": "rule",
    "name": "table",
    "description": "label frequencies of each base",
    "parameters": 4,
    "alphabet": "dna",
    "states": ["H", "L"],
    "state_names": {"H": "GC-rich", "L": "GC-poor"},
    "architecture": {"baseline": "base_table", "k": 1},
    "training": {"prior": [0.25, 0.75], "transition": [[0.5, 0.5], [0.5, 0.5]], "bases": 8},
}
TENSORS = {"counts": np.arange(8, dtype=np.int64).reshape(4, 2)}


def with_card(path, text):
    save_file(TENSORS, path, metadata={"basetag": text})
    return path


def test_a_tagger_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "deep" / "tagger.safetensors"
    write_tagger(path, TENSORS, CARD)
    tensors, card = read_tagger(path)
    assert card == {**CARD, "format": FORMAT, "basetag": __version__}
    assert tensors.keys() == TENSORS.keys()
    assert np.array_equal(tensors["counts"], TENSORS["counts"])
    assert tensors["counts"].dtype == np.int64


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8),
        hnp.arrays(
            st.sampled_from([np.float32, np.float64, np.int64, np.uint8]),
            hnp.array_shapes(min_dims=0, max_dims=3, max_side=4),
        ),
        max_size=4,
    )
)
def test_arrays_of_any_shape_and_type_come_back(tmp_path_factory, tensors):
    path = tmp_path_factory.mktemp("tagger") / "tagger.safetensors"
    write_tagger(path, tensors, CARD)
    found, _ = read_tagger(path)
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype


def test_a_transposed_view_is_written_as_it_reads(tmp_path):
    path = tmp_path / "tagger.safetensors"
    write_tagger(path, {"weight": TENSORS["counts"].T, "step": TENSORS["counts"][::2]}, CARD)
    tensors, _ = read_tagger(path)
    assert np.array_equal(tensors["weight"], TENSORS["counts"].T)
    assert np.array_equal(tensors["step"], TENSORS["counts"][::2])


def test_equal_taggers_give_equal_bytes_whatever_the_order_of_their_keys(tmp_path):
    more = {**TENSORS, "prior": np.array([0.25, 0.75]), "bias": np.zeros(3, np.float32)}
    contents = set()
    for index in range(10):
        path = tmp_path / f"{index}.safetensors"
        names = list(more)[index % 3 :] + list(more)[: index % 3]
        keys = list(CARD)[index % 5 :] + list(CARD)[: index % 5]
        write_tagger(path, {n: more[n] for n in names}, {key: CARD[key] for key in keys})
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_the_card_is_the_only_metadata_key(tmp_path):
    path = tmp_path / "tagger.safetensors"
    write_tagger(path, TENSORS, CARD)
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert list(header["__metadata__"]) == ["basetag"]


def test_a_card_that_lacks_a_key_is_not_written(tmp_path):
    path = tmp_path / "tagger.safetensors"
    with pytest.raises(ValueError, match="lacks states"):
        write_tagger(path, TENSORS, {k: v for k, v in CARD.items() if k != "states"})
    assert not path.exists()


def test_a_newer_format_is_refused_with_what_to_do(tmp_path):
    newer = json.dumps({**CARD, "format": FORMAT + 1, "basetag": "9.1.0"})
    path = with_card(tmp_path / "newer.safetensors", newer)
    with pytest.raises(InputError) as error:
        read_tagger(path)
    assert str(error.value) == (
        f"{path}: a tagger of format {FORMAT + 1}; Basetag {__version__} reads format "
        f"{FORMAT}; use Basetag 9.1.0 or later"
    )


def test_an_older_format_is_refused_with_what_to_do(tmp_path):
    path = with_card(tmp_path / "older.safetensors", json.dumps({**CARD, "format": FORMAT - 1}))
    with pytest.raises(InputError, match=r"a tagger of format 1; .* reads format 2; train it agai"):
        read_tagger(path)


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", '{"format": "1"}', '{"format": true}'])
def test_a_card_that_is_no_card_is_refused(tmp_path, text):
    path = with_card(tmp_path / "odd.safetensors", text)
    with pytest.raises(InputError, match="no card of a tagger"):
        read_tagger(path)


def test_a_card_without_states_is_refused(tmp_path):
    path = with_card(
        tmp_path / "odd.safetensors",
        json.dumps({**{k: v for k, v in CARD.items() if k != "states"}, "format": FORMAT}),
    )
    with pytest.raises(InputError, match=r"odd\.safetensors: the tagger's card lacks states"):
        read_tagger(path)


def test_another_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file(TENSORS, path, metadata={"format": "pt"})
    with pytest.raises(InputError, match="without the metadata key 'basetag'"):
        read_tagger(path)


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    path = tmp_path / "tagger.safetensors"
    write_tagger(path, TENSORS, CARD)
    content = path.read_bytes()
    for length in (0, 4, 8, 30, len(content) - 64, len(content) - 1):
        cut = tmp_path / "cut.safetensors"
        cut.write_bytes(content[:length])
        with pytest.raises(InputError, match="no safetensors file, or it is cut off"):
            read_tagger(cut)


def test_a_text_file_and_a_folder_are_refused(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a tagger, but long enough to be read as a header of some length\n")
    for path in (text, tmp_path):
        with pytest.raises(InputError, match="no safetensors file"):
            read_tagger(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.safetensors: there is no such file"):
        read_tagger(tmp_path / "none.safetensors")
