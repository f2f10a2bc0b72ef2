"""Differences between taggers, and where the variance of a figure comes from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_rel

from basetag.errors import InputError
from basetag.judgement.differences import MEASURES, Run, difference_rows, differences
from basetag.judgement.regression import number_sums
from basetag.judgement.unit_sums import UnitSums, mean_over
from basetag.judgement.variance_split import variance_rows, variance_split


def sums_of(seed=1, n=60, *, hardness=None, bases=1000, skill=0.0, luck=0.02, **changes):
    """Sums of a tagger over n units of equal size; `hardness` is what all taggers share."""
    rng = np.random.default_rng(seed)
    hard = np.zeros(n) if hardness is None else hardness
    accuracy = np.clip(0.8 + skill - 0.1 * hard + luck * rng.normal(size=n), 0, 1)
    correct = np.round(bases * accuracy)
    true = np.stack([np.full(n, 0.4 * bases), np.full(n, 0.6 * bases)], axis=1)
    right = np.stack([np.round(0.4 * correct), correct - np.round(0.4 * correct)], axis=1)
    confusion = np.zeros((n, 2, 2))
    for k in (0, 1):
        confusion[:, k, k], confusion[:, k, 1 - k] = right[:, k], true[:, k] - right[:, k]
    matched = np.stack([rng.binomial(10, accuracy), rng.binomial(10, accuracy)], axis=1)
    sums = {
        "bases": np.full(n, float(bases)),
        "correct": correct,
        "cross_entropy": bases * (0.5 - skill + 0.1 * hard + luck * rng.normal(size=n)),
        "brier": np.full(n, 300.0),
        "confusion": confusion,
        "segments_true": np.full((n, 2), 10.0),
        "segments_called": np.full((n, 2), 12.0),
        "segments_matched": matched.astype(float),
        "boundaries_true": np.full(n, 19.0),
        "boundaries_called": np.full(n, 23.0),
        "boundaries_matched": np.full((n, 4), 7.0),
    }
    return UnitSums(**sums | changes)


def run(tagger, sums, seed=0, dataset="blocks"):
    return Run(dataset, tagger, seed, sums, f"results/{dataset}/{tagger}/seed{seed}/units.npz")


HARD = np.random.default_rng(9).normal(size=60)


def test_a_difference_is_that_of_the_figures():
    first, second = sums_of(1, skill=0.05, hardness=HARD), sums_of(2, hardness=HARD)
    found = differences(first, second, seed=1)
    assert list(found) == ["accuracy", "cross_entropy", "segment_f1"]
    for name, own in (("accuracy", "correct"), ("cross_entropy", "cross_entropy")):
        of = [getattr(sums, own).sum() / sums.bases.sum() for sums in (first, second)]
        assert found[name].value == pytest.approx(of[0] - of[1])
    f1 = [2 * sums.segments_matched.sum() / (60 * 44) for sums in (first, second)]
    assert found["segment_f1"].value == pytest.approx(f1[0] - f1[1])
    assert found["accuracy"].low > 0.03


def test_a_paired_difference_is_surer_than_either_figure():
    first, second = sums_of(1, skill=0.02, hardness=HARD), sums_of(2, hardness=HARD)
    found = differences(first, second, seed=1)["cross_entropy"]
    oracle = ttest_rel(first.cross_entropy / 1000, second.cross_entropy / 1000)
    oracle = oracle.confidence_interval(0.95)
    width = oracle.high - oracle.low
    assert found.low == pytest.approx(oracle.low, abs=0.15 * width)
    assert found.high == pytest.approx(oracle.high, abs=0.15 * width)
    assert found.high < 0
    own_error = (first.cross_entropy / 1000).std(ddof=1) / np.sqrt(60)
    assert width < 4 * own_error / 2


def test_a_tagger_differs_from_itself_by_nothing():
    sums = sums_of()
    for figure in differences(sums, sums, seed=1).values():
        assert (figure.value, figure.low, figure.high) == (0, 0, 0)


def test_the_other_way_round_a_difference_has_the_other_sign():
    first, second = sums_of(1, skill=0.03), sums_of(2)
    one, other = differences(first, second, seed=1), differences(second, first, seed=1)
    for name in one:
        assert one[name].value == pytest.approx(-other[name].value)
        assert one[name].low == pytest.approx(-other[name].high)


def test_divergence_is_compared_where_both_have_one():
    first, second = (sums_of(seed, kl_exact=np.full(60, 5.0 + seed)) for seed in (1, 2))
    assert differences(first, second, seed=1)["kl_exact"].value == pytest.approx(-0.001)
    assert "kl_exact" not in differences(first, sums_of(), seed=1)


def test_told_numbers_are_compared_by_their_squared_errors_in_each_unit():
    rng = np.random.default_rng(3)
    unit = np.repeat(np.arange(600), 2)
    true = rng.normal(size=1200).astype(np.float32)
    one, other = (true + rng.normal(scale=s, size=1200).astype(np.float32) for s in (0.5, 1.0))
    scored = np.ones(600, dtype=bool)
    figure = differences(
        *(sums_of(1, 600, **number_sums(true, told, unit, scored)) for told in (one, other)), seed=1
    )["mean_squared_error"]
    apart = (one - true).astype(float) ** 2 - (other - true).astype(float) ** 2
    expected = ttest_1samp(apart.reshape(600, 2).mean(axis=1), 0).confidence_interval()
    assert figure.value == pytest.approx(apart.mean(), rel=1e-5)
    assert figure.low == pytest.approx(expected.low, rel=0.1)
    assert figure.high == pytest.approx(expected.high, rel=0.1)
    assert "mean_squared_error" not in differences(sums_of(1), sums_of(2), seed=1)


def test_every_pair_of_a_dataset_has_its_rows_and_seeds_are_averaged():
    runs = [run("gru", sums_of(s, skill=0.03), s) for s in (1, 2, 3)]
    runs += [run("exact", sums_of(4, skill=0.1)), run("majority", sums_of(5))]
    runs += [run("gru", sums_of(6), 1, "toy"), run("exact", sums_of(7), 0, "toy")]
    rows = difference_rows(runs, seed=1)
    pairs = [(row["dataset"], row["tagger"], row["other"]) for row in rows]
    assert list(dict.fromkeys(pairs)) == [
        ("blocks", "gru", "exact"),
        ("blocks", "gru", "majority"),
        ("blocks", "exact", "majority"),
        ("toy", "gru", "exact"),
    ]
    assert len(rows) == 4 * 3
    accuracy = np.mean([own.sums.correct.sum() for own in runs[:3]]) / 60_000
    expected = accuracy - runs[3].sums.correct.sum() / 60_000
    assert rows[0]["measure"] == "accuracy"
    assert rows[0]["difference"] == pytest.approx(expected)
    assert rows[0]["units"] == 60


def test_taggers_scored_on_other_bases_are_refused():
    longer, fewer = sums_of(bases=1200), sums_of(n=50)
    relabelled = sums_of()
    relabelled.confusion[3] = relabelled.confusion[3, ::-1, ::-1]
    for other in (longer, fewer, relabelled):
        with pytest.raises(InputError, match=r"exact/seed0/units\.npz: exact was scored on \d+ "):
            difference_rows([run("gru", sums_of(), 1), run("exact", other)], seed=1)


def test_few_units_carry_no_interval():
    found = differences(sums_of(1, n=9), sums_of(2, n=9), seed=1)
    assert all(figure.low is figure.high is None for figure in found.values())


def test_sums_come_back_from_their_file_and_as_the_same_bytes(tmp_path):
    sums = sums_of(kl_exact=np.arange(60.0))
    for name in ("one", "two"):
        sums.write(tmp_path / f"{name}.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    found = UnitSums.read(tmp_path / "one.npz")
    assert found.kl_filtered is None
    for name, array in vars(sums).items():
        assert np.array_equal(getattr(found, name), array)


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_a_file_that_holds_no_sums_is_named(tmp_path, content):
    path = tmp_path / "units.npz"
    if content is None:
        np.savez(path, bases=np.ones(3), nonsense=np.ones(3))
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"units\.npz: cannot be read as sums of units"):
        UnitSums.read(path)


def test_the_mean_over_seeds_is_taken_in_each_unit():
    sums = [sums_of(seed, kl_exact=np.arange(60.0)) for seed in (1, 2)]
    mean = mean_over(sums)
    assert np.array_equal(mean.correct, (sums[0].correct + sums[1].correct) / 2)
    assert np.array_equal(mean.kl_exact, np.arange(60.0))
    assert mean.kl_filtered is None
    assert mean_over([sums[0], sums_of(3)]).kl_exact is None


# Where variance comes from.


def nested(rng, n_datasets, n_seeds, units, *, data, seeds, shared, own):
    """Figures and influences of a nested design with known standard deviations."""
    parts = []
    for _ in range(n_datasets):
        of_all = rng.normal(0, shared, units)
        mean = rng.normal(0, data)
        each = of_all + rng.normal(0, own, (n_seeds, units))
        figures = 1 + mean + rng.normal(0, seeds, n_seeds) + each.mean(axis=1)
        parts.append((figures, (each - each.mean(axis=1, keepdims=True)) / units))
    return parts


@pytest.mark.parametrize(("data", "seeds"), [(0.05, 0.02), (0.0, 0.05), (0.05, 0.0)])
def test_known_parts_of_a_nested_design_are_found_on_average(data, seeds):
    rng = np.random.default_rng(4)
    units, shared, own = 50, 0.2, 0.1
    found = [
        variance_split(nested(rng, 4, 3, units, data=data, seeds=seeds, shared=shared, own=own))
        for _ in range(800)
    ]
    means = {name: np.mean([split[name] for split in found]) for name in found[0]}
    assert means["test_sampling"] == pytest.approx((shared**2 + own**2) / units, rel=0.05)
    # What is cut off at 0 lifts the mean of a part that is not there.
    assert means["initialisation"] == pytest.approx(seeds**2, rel=0.1, abs=5e-5)
    seen = data**2 + seeds**2 / 3 + shared**2 / units
    assert means["data"] == pytest.approx(data**2, rel=0.12, abs=0.4 * seen * (data == 0))


def test_seeds_that_differ_only_by_what_the_units_do_have_no_variance_of_their_own():
    rng = np.random.default_rng(5)
    found = [
        variance_split(nested(rng, 1, 5, 50, data=0, seeds=0, shared=0.5, own=0.02))
        for _ in range(300)
    ]
    # The test records' luck, which seeds share, would be 0.005.
    assert np.mean([split["initialisation"] for split in found]) < 1e-5


def test_what_was_not_measured_is_empty():
    rng = np.random.default_rng(6)
    settings = {"data": 0.1, "seeds": 0.1, "shared": 0.1, "own": 0.1}
    one = variance_split(nested(rng, 1, 1, 20, **settings))
    assert one["initialisation"] is one["data"] is None
    assert one["test_sampling"] > 0
    assert variance_split(nested(rng, 1, 2, 20, **settings))["data"] is None
    assert variance_split(nested(rng, 2, 1, 20, **settings))["initialisation"] is None
    few = variance_split(nested(rng, 2, 2, 9, **settings))
    assert set(few.values()) == {None}


def test_no_variance_is_below_zero():
    rng = np.random.default_rng(7)
    for _ in range(50):
        split = variance_split(nested(rng, 2, 2, 12, data=0, seeds=0, shared=1, own=1))
        assert min(split.values()) >= 0


def test_rows_are_of_groups_of_datasets_taggers_and_measures():
    runs = []
    for dataset in ("one", "two", "toy"):
        runs += [run("gru", sums_of(len(runs) + s), s, dataset) for s in (1, 2)]
        runs.append(run("majority", sums_of(len(runs)), 0, dataset))
    rows = variance_rows(runs, [["one", "two"], ["toy"]])
    assert [(row["datasets"], row["tagger"]) for row in rows[::3]] == [
        ("one,two", "gru"), ("one,two", "majority"), ("toy", "gru"), ("toy", "majority"),
    ]  # fmt: skip
    assert {row["measure"] for row in rows} == set(MEASURES) - {"kl_exact", "mean_squared_error"}
    first, *_, last = rows
    assert (first["n_datasets"], first["n_seeds"]) == (2, 2)
    assert first["data"] is not None
    assert (last["n_datasets"], last["n_seeds"], last["data"], last["initialisation"]) == (
        1, 1, None, None,
    )  # fmt: skip
    parts = [first[name] for name in ("test_sampling", "initialisation", "data")]
    assert first["sd_total"] ** 2 == pytest.approx(sum(parts))
    assert first["sd_data"] ** 2 == pytest.approx(first["data"])
    assert first["share_test_sampling"] == pytest.approx(parts[0] / sum(parts))
    assert (last["sd_data"], last["share_data"], last["share_test_sampling"]) == (None, None, 1)
    error = ttest_rel(runs[0].sums.correct / 1000, np.zeros(60)).confidence_interval(0.95)
    assert first["test_sampling"] == pytest.approx(((error.high - error.low) / 4) ** 2, rel=0.6)
