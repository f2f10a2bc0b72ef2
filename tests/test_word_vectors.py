"""Vectors of words from a file, and what is told where it is wrong."""

import gzip

import numpy as np
import pytest

from basetag.alphabet import DNA
from basetag.errors import InputError
from basetag.word_vectors import read_word_vectors

WORDS = [first + second for first in "ACGT" for second in "ACGT"]
LINES = [f"{word} {number} {-number / 2}" for number, word in enumerate(WORDS)]


def read(path, lines, k=2, dimensions=2):
    path.write_text("\n".join(lines) + "\n")
    return read_word_vectors(path, DNA, k, dimensions)


@pytest.mark.parametrize("header", [[], ["16 2"]])
def test_words_in_any_order_and_case_are_read_in_that_of_the_alphabet(tmp_path, header):
    shuffled = [line.lower() for line in LINES[::-1]]
    found = read(tmp_path / "words.txt", [*header, *shuffled, "ACG 1 1", "NA 3 3", "<s> 1 1", ""])
    np.testing.assert_array_equal(found, [[n, -n / 2] for n in range(16)])


def test_a_gzipped_file_is_read(tmp_path):
    with gzip.open(tmp_path / "words.txt.gz", "wt") as file:
        file.write("\n".join(LINES))
    assert read_word_vectors(tmp_path / "words.txt.gz", DNA, 2, 2)[15].tolist() == [15, -7.5]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (LINES[:5] + LINES[6:], "of the 16 words of 2 letters 1 are missing, the first is CC; add"),
        ([*LINES, "AA 1 2"], "line 17: AA is given twice"),
        (["AA 1 2 3", *LINES[1:]], "line 1: AA has 3 numbers, and 2 dimensions were asked for; "
                                   "give dimensions: 3"),
        (["AA 1 x", *LINES[1:]], "line 1: what follows AA are no finite numbers"),
        (["AA 1 nan", *LINES[1:]], "line 1: what follows AA are no finite numbers"),
        (["A! 1 2", *LINES[1:]], "line 1: 'A!' is no word of the alphabet 'dna'; its letters are"),
        (["Aé 1 2", *LINES[1:]], "line 1: 'Aé' is no word of the alphabet 'dna'"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_in_one_line(tmp_path, lines, told):
    with pytest.raises(InputError) as error:
        read(tmp_path / "words.txt", lines)
    assert told in str(error.value)
    assert "words.txt" in str(error.value)


@pytest.mark.parametrize("damage", [lambda data: b"\x00\xff", lambda data: data[:-12],
                                    lambda data: data[:30] + b"\x55\xaa" + data[32:]])  # fmt: skip
def test_a_file_that_is_no_text_is_told(tmp_path, damage):
    whole = gzip.compress("\n".join(f"ACG {n} {n * n}" for n in range(400)).encode())
    (tmp_path / "words.gz").write_bytes(damage(whole))
    with pytest.raises(InputError, match=r"words\.gz: cannot be read as text"):
        read_word_vectors(tmp_path / "words.gz", DNA, 2, 2)
