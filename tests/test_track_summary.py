"""What is told of a genome's segments, against a plain list of them."""

import csv
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basetag.alphabet import Alphabet
from basetag.tracks.summary import quantiles
from tests.tracks_fixture import genome_of, write_tracks


def table_of(path):
    with path.open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A genome of three records, its segments as a list, and the tables."""
    genome = genome_of({"one": 30_000, "empty": 0, "two": 9_000, "three": 1})
    rng = np.random.default_rng(3)
    path = (np.cumsum(rng.random(39_001) < 0.02) % 2).astype(np.uint8)
    posterior = rng.uniform(0.5, 1, path.size).astype(np.float32)
    both = np.stack([posterior, 1 - posterior], axis=1)
    both[path == 1] = both[path == 1, ::-1]
    folder = write_tracks(tmp_path_factory.mktemp("summary"), genome, path, ["rich", "poor"], both)
    segments = []
    for start, length in zip(genome.starts, genome.lengths, strict=True):
        at = start
        for label, run in groupby(path[start : start + length].tolist()):
            here = slice(at, at := at + len(list(run)))
            gc = np.isin(genome.tokens[here], [1, 2])  # C and G
            segments.append((label, here.stop - here.start, posterior[here], gc))
    return segments, folder


@pytest.mark.parametrize("label", [0, 1])
def test_a_row_has_counts_lengths_confidence_and_gc_of_a_state(ran, label):
    segments, folder = ran
    own = [segment[1:] for segment in segments if segment[0] == label]
    lengths, posteriors, gc = zip(*own, strict=True)
    row = table_of(folder / "summary.tsv")[label]
    assert (row["segments"], row["bases"]) == (str(len(own)), str(sum(lengths)))
    assert float(row["fraction"]) == pytest.approx(sum(lengths) / 39_001, rel=1e-5)
    assert float(row["mean_length"]) == pytest.approx(np.mean(lengths), rel=1e-5)
    assert float(row["mean_posterior"]) == pytest.approx(
        np.concatenate(posteriors).mean(), rel=1e-5
    )
    assert float(row["gc"]) == pytest.approx(np.concatenate(gc).mean(), rel=1e-5)

    def quantile(values, share):
        return np.quantile(values, share, method="inverted_cdf")

    names = {"shortest": 0, "length_q05": 0.05, "length_q25": 0.25, "median_length": 0.5,
             "length_q75": 0.75, "length_q95": 0.95, "longest": 1}  # fmt: skip
    for name, share in names.items():
        assert int(row[name]) == quantile(lengths, share)
    means, shares = ([np.mean(part) for part in parts] for parts in (posteriors, gc))
    for name, share in (("q05", 0.05), ("median", 0.5), ("q95", 0.95)):
        found = float(row[f"segment_posterior_{name}"])
        assert found == pytest.approx(quantile(means, share), abs=0.00051)
        assert float(row[f"segment_gc_{name}"]) == pytest.approx(quantile(shares, share), abs=6e-4)


def test_histograms_hold_each_segment_once(ran):
    segments, folder = ran
    rows = table_of(folder / "distributions.tsv")
    for label, letter in enumerate("AB"):
        lengths = [segment[1] for segment in segments if segment[0] == label]
        for measure in ("length", "mean_posterior", "gc"):
            own = [row for row in rows if (row["state"], row["measure"]) == (letter, measure)]
            assert sum(int(row["segments"]) for row in own) == len(lengths)
            assert all(a["high"] == b["low"] for a, b in pairwise(own))
        for row in rows:
            if (row["state"], row["measure"]) == (letter, "length"):
                low, high = float(row["low"]), float(row["high"])
                assert int(row["segments"]) == sum(low <= length < high for length in lengths)


def test_several_jobs_count_what_one_counts(tmp_path):
    genome = genome_of({f"r{number}": 50 + number for number in range(40)})
    path = np.random.default_rng(1).integers(0, 2, genome.tokens.size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("basetag.tracks.packing.PACKED_BASES", 300)
        for name, bases in (("one", None), ("many", 500)):
            write_tracks(tmp_path / name, genome, path, ["rich", "poor"], bases_per_job=bases)
    assert len(list((tmp_path / "many/parts").iterdir())) > 3
    for name in ("summary.tsv", "distributions.tsv"):
        one, many = (tmp_path / folder / name for folder in ("one", "many"))
        assert one.read_bytes() == many.read_bytes()


def test_a_state_that_is_never_called_has_an_empty_row(tmp_path):
    folder = write_tracks(tmp_path, genome_of({"one": 9}), [0] * 9, ["rich", "poor"])
    row = table_of(folder / "summary.tsv")[1]
    assert [row[name] for name in ("segments", "bases", "fraction")] == ["0", "0", "0"]
    assert row["median_length"] == row["gc"] == row["mean_posterior"] == ""


def test_of_another_alphabet_no_gc_is_told(tmp_path):
    genome = genome_of({"one": 9}, alphabet=Alphabet.named("123456"))
    row = table_of(write_tracks(tmp_path, genome, [0] * 9, ["a"]) / "summary.tsv")[0]
    assert row["gc"] == row["segment_gc_median"] == ""


@given(st.lists(st.integers(1, 9), min_size=1), st.lists(st.integers(0, 100), min_size=1))
def test_quantiles_of_counts_are_numpys(values, percents):
    counted = {value: values.count(value) for value in set(values)}
    shares = np.array(percents) / 100
    expected = np.quantile(values, shares, method="inverted_cdf")
    assert quantiles(counted, shares) == expected.tolist()
