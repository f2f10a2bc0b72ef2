"""Training windows: inside their segment, even over the bases, a function of seed and step."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from basetag.alphabet import DNA
from basetag.corpus import UNLABELLED
from basetag.features import FeatureColumns
from basetag.segments import Segments
from basetag.substates import Substates
from basetag.training.windows import WindowReader, WindowSampler, masked_runs, step_generator


def segments_of(lengths, gap=3):
    lengths = np.asarray(lengths, dtype=np.int64)
    offset = np.cumsum(lengths + gap) - lengths
    zero = np.zeros_like(lengths)
    return Segments(record=zero, start=offset, end=offset + lengths, offset=offset)


def numbered(segments):
    """Return labels that number the segments; 9 marks a base outside all of them."""
    labels = np.full(int(segments.end.max(initial=0)) + 1, 9, dtype=np.uint8)
    for number, (start, end) in enumerate(zip(segments.start, segments.end, strict=True)):
        labels[start:end] = number
    return labels


@given(
    lengths=st.lists(st.integers(0, 60), min_size=1, max_size=8).filter(any),
    length=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_window_never_leaves_its_segment(lengths, length, seed):
    segments = segments_of(lengths)
    labels = numbered(segments)
    generator = step_generator(seed, 1)
    starts, sizes = WindowSampler(segments, length).draw(5, generator)
    reader = WindowReader(np.zeros_like(labels), labels, 14, torch.device("cpu"))
    windows = reader.read(starts, sizes, 0.0, generator)
    assert (np.diff(windows.lengths) <= 0).all()
    for row, size in zip(windows.labels.numpy(), windows.lengths, strict=True):
        assert len(set(row[:size])) == 1
        assert row[0] != 9
        assert 1 <= size <= length
        assert size == lengths[row[0]] or lengths[row[0]] > length
        assert (row[size:] == UNLABELLED).all()


@pytest.mark.parametrize("lengths", [[1000], [100, 300, 600], [50, 50, 50], [20] * 30 + [2000]])
def test_every_base_is_covered_equally_often(lengths):
    segments = segments_of(lengths)
    sampler = WindowSampler(segments, 50)
    starts, sizes = sampler.draw(200_000, np.random.default_rng(1))
    size = int(segments.end.max())
    begun, ended = (np.bincount(at, minlength=size + 1) for at in (starts, starts + sizes))
    coverage = np.cumsum(begun - ended)[:size][numbered(segments)[:size] != 9]
    # A base is covered by about a binomial number of the windows.
    mean = coverage.mean()
    assert np.abs(coverage - mean).max() < 6 * np.sqrt(mean)
    assert sizes.mean() == pytest.approx(sampler.expected_bases, rel=0.01)


def test_a_step_is_drawn_without_the_steps_before_it():
    generators = [step_generator(5, 12) for _ in range(2)]
    generators[1].bit_generator.random_raw(0)
    first, second = (g.integers(2**60, size=8) for g in generators)
    assert (first == second).all()
    assert (first != step_generator(5, 13).integers(2**60, size=8)).any()
    assert (first != step_generator(6, 12).integers(2**60, size=8)).any()


def test_masked_runs_cover_the_fraction_asked_for():
    labels = np.zeros(1000, dtype=np.uint8)
    reader = WindowReader(np.zeros_like(labels), labels, 14, torch.device("cpu"))
    starts, lengths = np.zeros(200, dtype=np.int64), np.full(200, 1000)

    def covered(mask):
        windows = reader.read(starts, lengths, mask, np.random.default_rng(1))
        return (windows.tokens == 14).float().mean()

    # About 2,000 runs of mean and standard deviation 10: the mean is within 10 %.
    assert 0.009 < covered(0.01) < 0.011
    assert covered(0.0) == 0


def test_masked_runs_end_with_the_batch():
    starts, ends = masked_runs(100, 0.5, np.random.default_rng(1))
    assert starts.size
    assert (starts < ends).all()
    assert ends.max() <= 100


def test_parts_of_a_batch_are_its_rows():
    labels = np.arange(100, dtype=np.uint8)
    reader = WindowReader(labels, labels, 200, torch.device("cpu"))
    starts, lengths = np.array([0, 50, 10, 90]), np.array([5, 20, 1, 10])
    windows = reader.read(starts, lengths, 0.0, np.random.default_rng(1))
    rows = [
        row[:size].tolist()
        for index in range(3)
        for part in [windows.part(index, 3)]
        for row, size in zip(part.labels, part.lengths, strict=True)
    ]
    expected = [list(range(s, s + n)) for s, n in zip(starts, lengths, strict=True)]
    assert sorted(rows) == sorted(expected)
    assert windows.part(1, 3).labels.shape == (1, 10)
    assert windows.part(4, 8).lengths.size == 0


def stranded_reader(**options):
    """Read DNA whose labels are numbers modulo 3, of which 1 and 2 change with the strand."""
    tokens = np.random.default_rng(1).integers(DNA.n_tokens, size=300).astype(np.uint8)
    labels = np.arange(300, dtype=np.uint8) % 3
    labels[::7] = UNLABELLED
    return (
        WindowReader(
            tokens, labels, DNA.unknown, torch.device("cpu"),
            complement=DNA.complement, mirror=(0, 2, 1), **options,
        ),
        tokens,
        labels,
    )  # fmt: skip


def test_half_of_the_windows_are_read_on_the_other_strand_with_all_that_belongs_to_them():
    numbers = np.arange(600, dtype=np.float32).reshape(300, 2)
    reader, tokens, labels = stranded_reader(
        features=FeatureColumns(numbers, np.array([1, 0])),
    )  # fmt: skip
    generator = np.random.default_rng(2)
    starts, lengths = generator.integers(200, size=1000), generator.integers(10, 100, size=1000)
    windows = reader.read(starts, lengths, 0.0, generator)
    other_labels = np.array([0, 2, 1, *[UNLABELLED] * 253], dtype=np.uint8)
    n_turned = 0
    for row, source in enumerate(np.argsort(-lengths, kind="stable")):
        n = lengths[source]
        own = slice(starts[source], starts[source] + n)
        forward = tokens[own], labels[own], numbers[own][:, ::-1]
        backward = DNA.complement[tokens[own]], other_labels[labels[own]], forward[2]
        found = [
            values[row, :n].numpy() for values in (windows.tokens, windows.labels, windows.features)
        ]
        turned = all(
            np.array_equal(*pair) for pair in zip([v[::-1] for v in found], backward, strict=True)
        )
        assert turned or all(np.array_equal(*pair) for pair in zip(found, forward, strict=True))
        assert (windows.labels[row, n:] == UNLABELLED).all()
        assert (windows.tokens[row, n:] == DNA.unknown).all()
        n_turned += turned
    assert abs(n_turned - 500) < 4 * np.sqrt(250)  # of a binomial number


def test_a_base_is_told_its_substate_where_that_is_known_and_else_its_label():
    substates = np.arange(300, dtype=np.uint8) % 4
    substates[::5] = UNLABELLED
    reader, _, labels = stranded_reader(
        substates=Substates(tuple("abcd"), (0, 0, 1, 2), (1, 0, 3, 2), substates)
    )
    starts, lengths = np.arange(100), np.full(100, 200)
    windows = reader.read(starts, lengths, 0.0, np.random.default_rng(2)).labels.numpy()
    known = (labels != UNLABELLED) & (substates != UNLABELLED)
    told = np.where(known, substates + 3, labels).astype(np.uint8)
    other = {0: 0, 1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5, UNLABELLED: UNLABELLED}
    for start, row in zip(starts, windows, strict=True):
        own = told[start : start + 200]
        mirrored = [other[value] for value in own[::-1].tolist()]
        assert np.array_equal(row, own) or row.tolist() == mirrored
    assert {tuple(row) for row in windows} - {tuple(told[s : s + 200]) for s in starts}


def test_strands_are_a_function_of_seed_and_step():
    reader, _, _ = stranded_reader()
    starts, lengths = np.zeros(50, dtype=np.int64), np.full(50, 40)
    first, again, other = (
        reader.read(starts, lengths, 0.1, step_generator(5, step)).tokens for step in (12, 12, 13)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
