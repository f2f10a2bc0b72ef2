"""Training windows: inside their segment, even over the bases, a function of seed and step."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from basetag.corpus import UNLABELLED
from basetag.splits import Segments
from basetag.windows import draw_windows, masked_runs, step_generator


def segments_of(lengths, gap=3):
    lengths = np.asarray(lengths, dtype=np.int64)
    offset = np.cumsum(lengths + gap) - lengths
    zero = np.zeros_like(lengths)
    return Segments(record=zero, start=offset, end=offset + lengths, offset=offset)


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    length=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_window_never_leaves_its_segment(lengths, length, seed):
    segments = segments_of(lengths)
    total = int(segments.end.max())
    labels = np.full(total, 9, dtype=np.uint8)  # 9 marks a base outside every segment
    for number, (start, end) in enumerate(zip(segments.start, segments.end, strict=True)):
        labels[start:end] = number
    windows = draw_windows(
        segments,
        np.zeros(total, dtype=np.uint8),
        labels,
        rows=5,
        length=length,
        mask=0.0,
        unknown=14,
        generator=step_generator(seed, 1),
    )
    for row, size in zip(windows.labels, windows.lengths, strict=True):
        assert len(set(row[:size])) == 1
        assert row[0] != 9
        assert size == min(length, lengths[row[0]])
        assert (row[size:] == UNLABELLED).all()


def test_short_and_long_segments_are_drawn_by_their_bases():
    segments = segments_of([100, 300, 600])
    labels = np.zeros(int(segments.end.max()), dtype=np.uint8)
    for number, (start, end) in enumerate(zip(segments.start, segments.end, strict=True)):
        labels[start:end] = number
    windows = draw_windows(
        segments, labels, labels, rows=3000, length=50, mask=0.0, unknown=14,
        generator=step_generator(1, 1),
    )  # fmt: skip
    drawn = np.bincount(windows.labels[:, 0], minlength=3)
    assert stats.chisquare(drawn, 3000 * np.array([0.1, 0.3, 0.6])).pvalue > 1e-3


def test_a_step_is_drawn_without_the_steps_before_it():
    generators = [step_generator(5, 12) for _ in range(2)]
    generators[1].bit_generator.random_raw(0)
    first, second = (g.integers(2**60, size=8) for g in generators)
    assert (first == second).all()
    assert (first != step_generator(5, 13).integers(2**60, size=8)).any()
    assert (first != step_generator(6, 12).integers(2**60, size=8)).any()


def test_masked_runs_cover_the_fraction_asked_for():
    covered = masked_runs((200, 1000), 0.01, np.random.default_rng(1)).mean()
    # About 2,000 runs of mean and standard deviation 10: the mean is within 10 %.
    assert 0.009 < covered < 0.011
    assert not masked_runs((10, 10), 0.0, np.random.default_rng(1)).any()
