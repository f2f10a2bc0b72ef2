"""BigWig files of posteriors, as pyBigWig reads them."""

import string

import numpy as np
import pyBigWig
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from basetag.tracks import bigwig_blocks
from basetag.tracks.bigwig import safe_names
from tests.tracks_fixture import genome_of, write_tracks

STATES = ["GC-rich", "coding+"]


def tracks_of(folder, genome, of_first):
    """Write the tracks whose first state has these posteriors, and open its bigWig."""
    of_first = np.asarray(of_first, dtype=np.float32)
    posterior = np.stack([of_first, 1 - of_first], axis=1)
    path = posterior.argmax(axis=1)
    write_tracks(folder, genome, path, STATES, posterior)
    return pyBigWig.open(str(folder / "posteriors/GC-rich.bw"))


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Two records, longer than a stretch; smooth at first, then different from base to base."""
    genome = genome_of({"zebra": 2_500_000, "empty": 0, "ant": 300_000})
    rng = np.random.default_rng(1)
    smooth = np.repeat(rng.random(20_000), 100)
    values = np.concatenate([smooth, rng.random(800_000)]).astype(np.float32)
    return values, tracks_of(tmp_path_factory.mktemp("long"), genome, values)


def test_values_are_the_posteriors_rounded_to_three_digits(long):
    values, bigwig = long
    expected = np.round(values.astype(np.float64), 3).astype(np.float32)
    zebra, ant = np.split(expected, [2_500_000])
    assert bigwig.chroms() == {"zebra": zebra.size, "ant": ant.size}
    for name, start, end, own in (
        ("zebra", 0, zebra.size, zebra),
        ("zebra", 1_048_000, 1_049_000, zebra),
        ("ant", 0, ant.size, ant),
    ):
        found = bigwig.values(name, start, end, numpy=True)
        np.testing.assert_array_equal(found, own[start:end])


def test_runs_of_equal_values_are_one_item(long):
    values, bigwig = long
    found = bigwig.intervals("zebra", 0, 1000)
    assert [item[:2] for item in found] == [(start, start + 100) for start in range(0, 1000, 100)]
    assert found[3][2] == pytest.approx(values[300], abs=0.0005)


def test_the_header_has_the_sums_of_all_values(long):
    values, bigwig = long
    rounded = np.round(values.astype(np.float64), 3)
    header = bigwig.header()
    assert header["nBasesCovered"] == values.size
    assert header["sumData"] == pytest.approx(rounded.sum(), abs=1)
    assert header["sumSquared"] == pytest.approx((rounded**2).sum(), abs=1)
    assert (header["nLevels"], header["version"]) == (7, 4)


@pytest.mark.parametrize("kind", ["mean", "min", "max", "std"])
def test_summaries_say_what_the_values_say(long, kind):
    values, bigwig = long
    # A bin of 2^18 bases is read from summaries, and these end where it does.
    found = bigwig.stats("zebra", 0, 9 * 2**18, type=kind, nBins=9)
    exact = bigwig.stats("zebra", 0, 9 * 2**18, type=kind, nBins=9, exact=True)
    bins = np.round(values[: 9 * 2**18].astype(np.float64), 3).reshape(9, -1)
    assert found == pytest.approx(getattr(bins, kind)(axis=1), abs=2e-3)
    assert found == pytest.approx(exact, abs=2e-3)


def test_a_hundred_thousand_contigs_are_found_by_their_names(tmp_path):
    # Of so many, both trees have nodes on three levels.
    genome = genome_of({f"contig{number}": number % 3 for number in range(100_000)})
    values = np.random.default_rng(2).integers(0, 1001, genome.tokens.size) / 1000
    bigwig = tracks_of(tmp_path, genome, values)
    assert len(bigwig.chroms()) == (genome.lengths > 0).sum()
    for record in (1, 2, 65_000, 65_537, 99_998):
        start, length = genome.starts[record], genome.lengths[record]
        found = bigwig.values(genome.names[record], 0, int(length))
        assert found == pytest.approx(values[start : start + length])


def _known(genome):
    records = zip(genome.names, genome.lengths.tolist(), strict=True)
    return {name: length for name, length in records if length}


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(1, 9), st.data())
@example([0, 1, 0], 1, None)
def test_any_records_in_any_blocks_come_back(tmp_path_factory, lengths, items, data):
    genome = genome_of({f"r{number}": length for number, length in enumerate(lengths)})
    n = sum(lengths)
    digits = st.integers(0, 3)
    values = [data.draw(digits) / 3 for _ in range(n)] if data else [0.5] * n
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bigwig_blocks, "BLOCK_ITEMS", items)
        patch.setattr(bigwig_blocks, "REDUCTIONS", (2, 8))
        bigwig = tracks_of(tmp_path_factory.mktemp("any"), genome, values)
    assert bigwig.chroms() == _known(genome)
    for name, start, length in zip(genome.names, genome.starts, lengths, strict=True):
        if length:
            expected = values[start : start + length]
            assert bigwig.values(name, 0, length) == pytest.approx(expected, abs=0.0005)
            assert bigwig.stats(name, 0, length)[0] == pytest.approx(np.mean(expected), abs=0.0006)


def test_names_of_files_are_safe_and_no_two_are_alike():
    states = ["GC-rich", "coding+", "coding-", "a/b", "-x", ".", "Exon", "exon", "=45xon", "é"]
    names = safe_names(states)
    assert names[:4] == ["GC-rich", "coding=2b", "coding-", "a=2fb"]
    assert len({name.casefold() for name in names}) == len(states)
    for name in names:
        assert set(name) <= set(string.ascii_letters + string.digits + "_=.-")
        assert name[0] not in "-."


@given(st.lists(st.text(min_size=1, max_size=6), min_size=2, max_size=6, unique=True))
def test_any_two_states_have_files_of_their_own(states):
    assert len({name.casefold() for name in safe_names(states)}) == len(states)
