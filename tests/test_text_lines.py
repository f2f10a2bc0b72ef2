"""Lines of text files, whatever ends them and wherever the blocks do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag import fasta_text, text_lines
from basetag.errors import InputError
from basetag.text_lines import blocks_of_lines, decoded_blocks


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=6)),
    st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1),
    st.integers(1, 9),
)
def test_lines_come_with_their_numbers(tmp_path_factory, lines, ends, block):
    path = tmp_path_factory.mktemp("lines") / "x"
    lines = [line.removeprefix("\ufeff") for line in lines]
    # A CR would make one line end with the line feed of an empty line that follows.
    ends = [end for end in ends if end != "\r" or "\n" not in ends]
    text = "".join(line + ends[i % len(ends)] for i, line in enumerate(lines))
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fasta_text, "_BLOCK", block)
        raw = list(blocks_of_lines(path))
        found = {
            number: line for first, own in raw for number, line in enumerate(own, first)
        }  # fmt: skip
    assert list(found) == list(range(1, len(found) + 1))
    expected = [line.encode() for line in lines]
    assert list(found.values())[: len(lines)] == expected
    assert not any(list(found.values())[len(lines) :])
    assert "\n".join(line for _, own in decoded_blocks(path) for line in own).rstrip("\n") == (
        "\n".join(lines).rstrip("\n")
    )


def test_a_line_that_is_no_utf8_is_told_by_its_number(tmp_path):
    (tmp_path / "x").write_bytes(b"a\nb\n\xe9\n")
    with pytest.raises(InputError, match="x, line 3: is no text in UTF-8; save the file as UTF-8"):
        list(decoded_blocks(tmp_path / "x"))


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(fasta_text, "_BLOCK", 100)
    monkeypatch.setattr(text_lines, "_LONGEST_LINE", 1000)
    (tmp_path / "x").write_bytes(b"a\n" + b"b" * 5000)
    with pytest.raises(InputError, match="x, line 2: a line of more than 16 million letters"):
        list(blocks_of_lines(tmp_path / "x"))
