"""Numeric series: their tables, the taggers of the next number, networks, and their judgement."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from lightning_fabric import Fabric
from scipy.integrate import quad
from scipy.stats import norm

from basetag.alphabet import Alphabet
from basetag.baseline_fitting import fit_baseline
from basetag.baselines import load_baseline
from basetag.corpus import NEXT_VALUE, UNLABELLED, Corpus
from basetag.decoding import Decoding
from basetag.errors import InputError
from basetag.feature_scales import feature_scales
from basetag.judgement.evaluation import evaluate
from basetag.judgement.next_values import value_correlation_length
from basetag.label_statistics import target_scale
from basetag.network_tagger import NetworkTagger, build_network, load_network
from basetag.prediction import predict_segments
from basetag.segments import Segments
from basetag.series import FALLS, RISES, known_run, last_known, next_values
from basetag.series_corpus import write_series_corpus
from basetag.series_taggers import fitted_autoregression
from basetag.splits.drawing import make_split
from basetag.training.checkpoints import CheckpointFolder
from basetag.training.loop import train
from basetag.wave_model import WaveModel, simulate_waves

ALPHABET = Alphabet.named("01")
FRACTIONS = {"train": 0.6, "validation": 0.2, "test": 0.2}
STATES = {"R": "rises", "F": "falls"}
CPU = torch.device("cpu")
NAN = np.nan
WAVE = {"period": 12.5, "amplitude": 2.0, "noise": 0.3}
SETTINGS = {
    "bases": 60_000, "batch": 8, "window": 50, "learning_rate": 0.02, "weight_decay": 0.0,
    "clip": 1.0, "warmup": 0.1, "mask": 0.0, "validations": 3, "validation_bases": 10**6,
    "schedule": "one_cycle", "patience": None, "class_weights": None,
    "reverse_complement": False, "epochs": None, "labels": None,
}  # fmt: skip
NETWORK = {"cell": "gru", "hidden": 8, "layers": 1, "bidirectional": False, "features": ()}


def encoded(folder, text, value="value", record=None):
    path = folder / "series.tsv"
    path.write_text(text)
    scheme = {"value": value, "record": record}
    counts = write_series_corpus(folder / "corpus", path, ALPHABET, STATES, scheme)
    return Corpus.open(folder / "corpus"), counts


def of_waves(folder, records=40, length=60):
    settings = {"wave": WAVE, "records": records, "length": length, "seed": 4}
    simulate_waves(settings, folder / "waves.tsv")
    corpus, _ = encoded(folder, (folder / "waves.tsv").read_text(), record="record")
    split = make_split(corpus, fractions=FRACTIONS, seed=1)
    return corpus, {name: split.of(name) for name in ("train", "validation", "test")}


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    return of_waves(tmp_path_factory.mktemp("waves"))


# ---- Numbers in their order


def test_what_is_known_and_what_is_to_be_told_stays_within_a_series():
    values = np.array([NAN, 1, NAN, 3, 5, 7, NAN, 2], dtype=np.float32)
    lengths = np.array([4, 0, 4])
    np.testing.assert_array_equal(last_known(values, lengths), [NAN, 1, 1, 3, 5, 7, 7, 2])
    # Nothing is told before a number is known, of one that is missing, and at an end.
    np.testing.assert_array_equal(next_values(values, lengths), [NAN, NAN, 3, NAN, 7, NAN, 2, NAN])
    np.testing.assert_array_equal(known_run(values, lengths, 2), [0, 1, 0, 1, 1, 2, 0, 1])


def test_a_table_becomes_series_with_the_next_number_as_target_and_its_direction_as_label(tmp_path):
    rows = {"station": list("aaabb"), "level": ["1.5", "1.5", "1e-1", "NA", "4"]}
    corpus, counts = encoded(
        tmp_path, pd.DataFrame(rows).to_csv(index=False), value="level", record="station"
    )
    assert (corpus.task, corpus.names, corpus.lengths.tolist()) == (NEXT_VALUE, ["a", "b"], [3, 2])
    np.testing.assert_array_equal(
        corpus.targets, np.array([1.5, 0.1, NAN, NAN, NAN], dtype=np.float32)
    )
    assert corpus.labels.tolist() == [RISES, FALLS] + [UNLABELLED] * 3
    np.testing.assert_array_equal(
        np.asarray(corpus.features)[:, 0], np.array([1.5, 1.5, 0.1, NAN, 4], dtype=np.float32)
    )
    assert corpus.feature_names == ("value",)
    assert counts.labels == {"R": 1, "F": 1, ".": 3}


def test_a_table_of_one_column_is_one_series_and_an_empty_line_a_missing_number(tmp_path):
    corpus, _ = encoded(tmp_path, "value\n1\n\n2\n3\n")
    assert (corpus.names, corpus.lengths.tolist()) == (["series"], [4])
    np.testing.assert_array_equal(corpus.targets, np.float32([NAN, 2, 3, NAN]))


def test_a_step_whose_fields_are_all_empty_is_a_step_whose_numbers_are_missing(tmp_path):
    corpus, _ = encoded(tmp_path, "temp,rain\n1,2\n2,3\n,\n4,5\n5,6\n", "temp")
    np.testing.assert_array_equal(corpus.targets, np.float32([2, NAN, 4, 5, NAN]))


def test_series_that_differ_are_no_copies_although_their_tokens_say_nothing(waves):
    corpus, split = waves
    assert (corpus.tokens == ALPHABET.unknown).all()
    assert {name: len(part.record) for name, part in split.items()} == {
        "train": 24, "validation": 8, "test": 8,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("record\tvalue\na\t1\na\t1,5\n", ["series.tsv", "3", "'1,5'", "finite number", "point"]),
        ("record\tvalue\na\tinf\na\t1\n", ["2", "'inf'", "NA where nobody knows"]),
        ("record\tvalue\na\t1_0\na\t1\n", ["2", "'1_0'", "NA where nobody knows"]),
        ("record\tvalue\na\t1\nb\t1\na\t2\n", ["4", "stand together", "sort the table by record"]),
        ("record\tvalue\na\t1\n\t1\n", ["3", "'record' is empty", "name the record of every row"]),
        ("record\tlevel\na\t1\n", ["no column 'value'", "record, level"]),
        ("record\tvalue\na\t1\tx\n", ["2", "3 columns"]),
        ("record\tvalue\na\t1\nb\t2\n", ["two numbers in a row"]),
        ("record\tvalue\n", ["two numbers in a row"]),
    ],
)
def test_a_wrong_table_is_told_by_file_line_and_what_to_do(tmp_path, text, told):
    with pytest.raises(InputError) as caught:
        encoded(tmp_path, text, record="record")
    assert all(words in str(caught.value) for words in told)
    assert not (tmp_path / "corpus/tokens.npy").exists()


# ---- What is no network


def test_the_last_number_is_told_with_the_normal_distribution_of_its_errors(waves, tmp_path):
    corpus, split = waves
    fit_baseline("last", {}, corpus, split).save(tmp_path / "last.safetensors")
    tagger = load_baseline(tmp_path / "last.safetensors")
    values = np.float32([[NAN], [1.0], [NAN], [4.0]])
    tokens, lengths = np.full(4, ALPHABET.unknown, np.uint8), np.array([4])
    told, posterior = tagger.next_values(tokens, lengths, features=values)
    mean, _ = target_scale(corpus, split["train"])
    np.testing.assert_allclose(told, np.float32([mean, 1, 1, 4]))
    np.testing.assert_allclose(posterior, 0.5)
    targets = split["validation"].gathered(corpus.targets)
    own = split["validation"].gathered(np.asarray(corpus.features)[:, 0])
    error = np.sqrt(np.nanmean((own - targets) ** 2))  # nothing is missing here
    assert tagger.card["target"]["error"] == pytest.approx(error, rel=1e-5)


def test_an_autoregression_is_the_least_squares_solution_of_the_normal_equations():
    rng = np.random.default_rng(2)
    values = np.zeros(400, dtype=np.float32)
    for t in range(2, 400):
        values[t] = 0.5 + 1.2 * values[t - 1] - 0.6 * values[t - 2] + rng.normal(0, 0.2)
    lengths = np.array([250, 150])
    targets = next_values(values, lengths)
    found = fitted_autoregression(values, targets, lengths, 2)
    rows = [t for t in range(1, 399) if t not in (249, 250)]
    x = np.stack([np.ones(len(rows)), values[rows], values[np.array(rows) - 1]], axis=1)
    y = values[np.array(rows) + 1].astype(float)
    np.testing.assert_allclose(found[2], np.linalg.solve(x.T @ x, x.T @ y), rtol=1e-6)
    np.testing.assert_allclose(found[2], [0.5, 1.2, -0.6], atol=0.12)
    known = ~np.isnan(targets)
    slope, constant = np.polyfit(values[known].astype(float), targets[known].astype(float), 1)
    np.testing.assert_allclose(found[1], [constant, slope, 0], rtol=1e-6)
    np.testing.assert_allclose(found[0], [targets[known].mean(), 0, 0], rtol=1e-6)


def test_an_autoregression_of_numbers_far_from_0_is_that_of_the_numbers_less_their_mean():
    rng = np.random.default_rng(3)
    noise = np.round(rng.normal(0, 2, 4000)).astype(np.float32)
    lengths = np.array([4000])
    near, far = (
        fitted_autoregression(own, next_values(own, lengths), lengths, 3)
        for own in (noise, noise + np.float32(5_600_000))
    )
    np.testing.assert_allclose(far[:, 1:], near[:, 1:], atol=1e-6)
    constants = near[:, 0] + 5_600_000 * (1 - near[:, 1:].sum(axis=1))
    np.testing.assert_allclose(far[:, 0], constants, rtol=1e-9)


def test_an_autoregression_falls_back_where_numbers_are_missing(waves):
    corpus, split = waves
    tagger = fit_baseline("autoregression", {"order": 3}, corpus, split)
    coefficients = tagger.tensors["coefficients"]
    values = np.float32([2.0, NAN, 1.0, 3.0])
    told = tagger.told(values, np.array([4]))
    expected = [
        coefficients[1] @ [1, 2, 0, 0], coefficients[0, 0],
        coefficients[1] @ [1, 1, 0, 0], coefficients[2] @ [1, 3, 1, 0],
    ]  # fmt: skip
    np.testing.assert_allclose(told, expected, rtol=1e-6)


# ---- The exact model


def test_the_next_number_of_a_wave_follows_from_bayes_theorem_by_quadrature():
    model = WaveModel(**WAVE)
    values = np.float32(model.sample(6, np.random.default_rng(1)))
    values[2] = NAN
    told = model.tell(values, np.array([6]))
    for t in (0, 1, 2, 5):
        steps = [s for s in range(t + 1) if not np.isnan(values[s])]

        def clean(step, phase):
            return 2.0 * np.sin(2 * np.pi * step / 12.5 + phase)

        def density(phase, steps=steps):
            return np.prod([norm.pdf(values[s], clean(s, phase), 0.3) for s in steps])

        def mean(of, density=density):
            both = (lambda p: of(p) * density(p)), density
            above, below = (quad(f, 0, 2 * np.pi, limit=400, epsabs=0)[0] for f in both)
            return above / below

        last = values[steps[-1]]
        assert told.mean[t] == pytest.approx(mean(lambda p, t=t: clean(t + 1, p)), rel=1e-6)
        above = mean(lambda p, t=t, last=last: norm.sf(last, clean(t + 1, p), 0.3))
        assert told.rises[t] == pytest.approx(above, rel=1e-6)


def test_the_error_of_the_exact_model_falls_to_the_noise():
    model = WaveModel(period=25, amplitude=1, noise=0.1)
    rng = np.random.default_rng(5)
    series = np.stack([model.sample(200, rng) for _ in range(100)]).astype(np.float32)
    told = model.tell(series.ravel(), np.full(100, 200)).mean.reshape(series.shape)
    errors = told[:, :-1] - series[:, 1:]
    assert np.sqrt((errors[:, 100:] ** 2).mean()) == pytest.approx(0.1, rel=0.03)
    assert np.sqrt((errors[:, 0] ** 2).mean()) > 0.15  # one number leaves two phases


def test_waves_have_the_period_amplitude_and_noise_that_they_are_given(tmp_path):
    settings = {"wave": WAVE, "records": 200, "length": 50, "seed": 3}
    simulate_waves(settings, tmp_path / "w.tsv")
    table = pd.read_csv(tmp_path / "w.tsv", sep="\t")
    series = table["value"].to_numpy().reshape(200, 50)
    angle = 2 * np.pi * np.arange(50) / 12.5
    basis = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    fit, squares, _, _ = np.linalg.lstsq(basis, series.T, rcond=None)
    assert np.hypot(*fit).mean() == pytest.approx(2.0, abs=0.02)
    assert np.sqrt(squares.sum() / (200 * 48)) == pytest.approx(0.3, rel=0.03)
    phases = np.arctan2(fit[1], fit[0])
    assert abs(np.exp(1j * phases).mean()) < 0.2
    simulate_waves(settings, tmp_path / "again.tsv")
    assert (tmp_path / "w.tsv").read_bytes() == (tmp_path / "again.tsv").read_bytes()


# ---- Networks


def network_for(corpus, split, seed=1, **changes):
    torch.use_deterministic_algorithms(mode=True)
    architecture = NETWORK | changes
    network = build_network(
        corpus.alphabet, corpus.states, architecture, 1, threshold=corpus.threshold
    )
    network.initialise(torch.Generator().manual_seed(seed))
    network.features.start_from(*feature_scales(corpus, split["train"]))
    network.head.rescale(*target_scale(corpus, split["train"]), keep=False)
    return network, architecture


@pytest.fixture(scope="module")
def trained(waves, tmp_path_factory):
    corpus, split = waves
    network, architecture = network_for(corpus, split)
    folder = tmp_path_factory.mktemp("trained")
    run = train(
        Fabric(accelerator="cpu"), network, corpus, split["train"], split["validation"], SETTINGS,
        seed=1, checkpoints=CheckpointFolder(folder, "r"),
    )  # fmt: skip
    tagger = NetworkTagger.trained(network, corpus, split["train"], "gru", architecture, CPU)
    tagger.measure_error(corpus, split["validation"])
    tagger.save(folder / "gru.safetensors")
    return load_network(folder / "gru.safetensors", CPU), run


def rmse(told, targets):
    known = ~np.isnan(targets)
    return np.sqrt(((told[known] - targets[known]) ** 2).mean())


def told_of(tagger, corpus, segments):
    return tagger.next_values(
        segments.gathered(corpus.tokens), segments.lengths,
        features=segments.gathered_features(corpus),
    )  # fmt: skip


def test_a_network_learns_to_be_nearer_than_the_last_number_and_not_than_the_model(waves, trained):
    corpus, split = waves
    tagger, _ = trained
    targets = split["test"].gathered(corpus.targets)
    of = {
        name: fit_baseline(name, parameters, corpus, split)
        for name, parameters in (("last", {}), ("wave", {"wave": WAVE}), ("majority", {}))
    }
    errors = {
        name: rmse(told_of(own, corpus, split["test"])[0], targets)
        for name, own in {**of, "gru": tagger}.items()
    }
    assert 0.3 < errors["wave"] < errors["gru"] < errors["last"] < errors["majority"]


def test_the_validation_loss_is_the_squared_error_over_the_variance_of_the_targets(waves, trained):
    corpus, split = waves
    tagger, run = trained
    told = told_of(tagger, corpus, split["validation"])[0]
    error = rmse(told, split["validation"].gathered(corpus.targets))
    _, deviation = target_scale(corpus, split["train"])
    best = min(row.validation_loss for row in run.history)
    assert best == pytest.approx((error / deviation) ** 2, rel=1e-4)
    assert tagger.card["target"]["error"] == pytest.approx(error, rel=1e-5)


def test_what_a_network_tells_hangs_on_nothing_behind_the_place(waves, trained):
    corpus, split = waves
    tagger, _ = trained
    part = split["test"].chosen(np.array([0]))
    values = np.array(part.gathered_features(corpus), dtype=np.float32)
    tokens = part.gathered(corpus.tokens)
    told, posterior = tagger.next_values(tokens, part.lengths, features=values)
    other = values.copy()
    other[30:] += 5
    changed, _ = tagger.next_values(tokens, part.lengths, features=other)
    np.testing.assert_array_equal(told[:30], changed[:30])
    assert not np.allclose(told[30:], changed[30:])
    above = norm.cdf((told - values[:, 0]) / tagger.card["target"]["error"])
    np.testing.assert_allclose(posterior[:, RISES], above, atol=1e-5)
    np.testing.assert_array_equal(
        tagger.posterior(tokens, part.lengths, features=values), posterior
    )


def test_a_missing_number_is_neither_learnt_nor_hurts(tmp_path):
    rng = np.random.default_rng(3)
    words = [f"{v:.4f}" if rng.random() > 0.1 else "NA" for v in rng.normal(size=600)]
    rows = "".join(f"r{i // 30}\t{word}\n" for i, word in enumerate(words))
    corpus, _ = encoded(tmp_path, f"record\tvalue\n{rows}", record="record")
    split = make_split(corpus, fractions=FRACTIONS, seed=1)
    split = {name: split.of(name) for name in ("train", "validation", "test")}
    network, _ = network_for(corpus, split)
    run = train(
        Fabric(accelerator="cpu"), network, corpus, split["train"], split["validation"],
        SETTINGS | {"bases": 3000}, seed=1, checkpoints=CheckpointFolder(tmp_path, "r"),
    )  # fmt: skip
    assert all(np.isfinite(row.validation_loss) for row in run.history)
    assert all(parameter.isfinite().all() for parameter in network.parameters())


def test_what_reads_both_directions_cannot_tell_what_comes(waves):
    corpus, split = waves
    with pytest.raises(ValueError, match="one direction"):
        network_for(corpus, split, bidirectional=True)


# ---- The judgement


def judged(waves, tagger, folder, **more):
    corpus, split = waves
    paths = [folder / name for name in ("posteriors.npy", "calls.npy", "predictions.npy")]
    told = predict_segments(
        tagger, corpus, split["test"], *paths[:2], Decoding.of({"method": "argmax"}), 1
    )
    np.save(paths[2], told)
    found = evaluate(
        corpus, split["test"], *paths[:2], tagger.card, dataset="waves", seed=0,
        train=split["train"], predictions_path=paths[2], pairs=5, **more,
    )  # fmt: skip
    return json.loads(json.dumps(found.metrics)), told


def test_the_figures_are_those_of_the_places_with_a_number_behind_them(waves, tmp_path):
    corpus, split = waves
    tagger = fit_baseline("last", {}, corpus, split)
    metrics, told = judged(waves, tagger, tmp_path, noise=0.3)
    targets = split["test"].gathered(corpus.targets)
    own = metrics["regression"]
    assert own["sums"]["records"] == np.count_nonzero(~np.isnan(targets)) == 8 * 59
    assert own["rmse"]["value"] == pytest.approx(rmse(told, targets), rel=1e-6)
    beside = metrics["next_value"]
    assert beside["to_noise"]["value"] == pytest.approx(own["rmse"]["value"] / 0.3)
    stretch = beside["stretch"]
    assert stretch["told"][0] is None
    np.testing.assert_allclose(stretch["told"][1:], stretch["true"][:-1])  # the last one each time
    assert metrics["units"]["bases"] >= 10 * beside["correlation_length"] * 0.9
    assert metrics["ceiling"] is None or metrics["ceiling"]["of"] == "filtered"


def test_the_correlation_length_of_an_autoregression_is_that_of_the_books():
    rng = np.random.default_rng(6)
    values = np.zeros(60_000)
    for t in range(1, values.size):
        values[t] = 0.8 * values[t - 1] + rng.normal()
    found = value_correlation_length(values.astype(np.float32), np.array([values.size]))
    assert found == pytest.approx((1 + 0.8) / (1 - 0.8), rel=0.15)


def test_a_series_without_two_different_numbers_has_nothing_to_learn(tmp_path):
    corpus, _ = encoded(tmp_path, "value\n" + "2\n" * 50)
    whole = Segments(np.array([0]), np.array([0]), np.array([50]), np.array([0]))
    with pytest.raises(InputError, match="all 49 places of the training split have the number 2"):
        target_scale(corpus, whole)
