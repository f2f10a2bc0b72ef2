"""The pieces that are looked at: by validation, and by the report."""

import numpy as np
import pytest

from basetag.corpus import UNLABELLED
from basetag.errors import InputError
from basetag.pieces import first_rows, shown_segments, spread_pieces
from basetag.segments import Segments


def stretch(start, end):
    return Segments(*(np.array([value], dtype=np.int64) for value in (0, start, end, start)))


def test_validation_looks_at_labelled_pieces_from_all_over_the_split():
    labels = np.zeros(200_000, dtype=np.uint8)
    labels[:50_000] = UNLABELLED
    pieces = spread_pieces(stretch(0, 200_000), labels, 60_000)
    assert pieces.bases == 60_000
    assert pieces.start[0] == 50_000
    assert pieces.end[-1] == 200_000
    assert spread_pieces(stretch(0, 200_000), labels, 10**9).bases == 150_000


def test_a_validation_split_without_labels_is_refused():
    labels = np.full(1000, UNLABELLED, dtype=np.uint8)
    with pytest.raises(InputError, match="no base of the validation split has a label"):
        spread_pieces(stretch(0, 1000), labels, 500)


#: Three segments of a corpus, not in its order; the offsets are those of records at 0 and 1000.
SEGMENTS = Segments(
    np.array([1, 0, 0]), np.array([100, 700, 0]), np.array([400, 900, 500]),
    np.array([1100, 700, 0]),
)  # fmt: skip


def test_the_report_shows_the_beginnings_of_the_first_segments():
    whole, shown = shown_segments(SEGMENTS, 2, 250)
    assert whole.lengths.tolist() == [300, 200]
    assert shown.lengths.tolist() == [250, 200]
    assert shown.offset.tolist() == [1100, 700]
    assert shown_segments(SEGMENTS, 99, 10**6)[1].bases == SEGMENTS.bases


def test_pieces_are_found_in_an_array_over_their_segments():
    values = np.arange(2000)
    of_segments = SEGMENTS.gathered(values)
    pieces = SEGMENTS.cut(120).chosen(np.array([8, 0, 4, 3]))
    for row, at in zip(first_rows(pieces, SEGMENTS), pieces.offset, strict=True):
        assert of_segments[row] == values[at]
