"""Tables of sweeps of a thousand rows, made up from a formula, for the report's tests."""

import itertools
import math

import numpy as np

HIDDEN = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
RATES = tuple(float(f"{0.0001 * 2**n:.4g}") for n in range(10))
BASES = tuple(100_000 * 2**n for n in range(10))
LENGTHS = (3, 10, 30, 100, 300, 1000)
CONTRASTS = (0.25, 0.5, 0.75, 1.0)

FIGURES = (
    "kind", "parameters", "cross_entropy", "cross_entropy_low", "cross_entropy_high", "kl_exact",
    "kl_exact_low", "kl_exact_high", "kl_filtered", "attained", "attained_low", "attained_high",
    "validation_cross_entropy", "train_seconds", "device",
)  # fmt: skip


def excess(hidden, rate, bases):
    """Return the nats that a network is from the exact posterior: a valley in the learning rate."""
    best = 0.01 / math.sqrt(hidden)
    return 0.0008 / hidden + 400 / bases + 0.002 * math.log(rate / best) ** 2


def write_large_sweep(path, datasets=1, seeds=(1,), *, known=True, rival=True):
    """Write a sweep of 1,000 taggers on one dataset, or of 25 on each of several."""
    rng = np.random.default_rng(3)
    axes = ["tagger.hidden", "tagger.training.bases", "tagger.training.learning_rate"]
    grids = (HIDDEN, BASES, RATES)
    places = [("blocks", ())]
    if datasets > 1:
        axes = ["dataset.simulate.contrast", "dataset.simulate.mean_length", *axes[:2]]
        grids = (HIDDEN[::2], BASES[::2])
        places = [
            (f"blocks-contrast{c}-mean_length{n}".replace(".", "p"), (c, n))
            for c, n in itertools.product(CONTRASTS, LENGTHS)
        ][:datasets]
    lines = [
        "\t".join(("dataset", "tagger", "seed", "dataset_base", "tagger_base", *axes, *FIGURES))
    ]

    def add(dataset, tagger, seed, base, values, kind, parameters, kl, seconds, floor):
        ends = (0.9 * kl, 1.1 * kl)
        ce = floor + kl
        share = [1 - k / 0.08 for k in (kl, ends[1], ends[0])]
        figures = [kind, parameters, ce, ce - 0.001, ce + 0.001]
        figures += [kl, *ends, kl + 0.01, *share] if known else [""] * 7
        device = "CPU, 1 thread" if kind == "network" else "CPU"
        figures += [ce + 0.0002 * rng.standard_normal(), seconds, device]
        cells = [dataset, tagger, seed, "blocks", base, *values, *figures]
        lines.append("\t".join(f"{c:.10g}" if isinstance(c, float) else str(c) for c in cells))

    for dataset, own in places:
        contrast, length = own or (1.0, 100)
        floor = 0.69 - 0.1 * contrast - 0.01 * math.log(length)
        for values in itertools.product(*grids):
            hidden, bases, rate = (*values, 0.005)[:3]
            parts = zip(("hidden", "bases", "learning_rate"), values, strict=False)
            name = "bilstm-" + "-".join(f"{k}{v}" for k, v in parts).replace(".", "p")
            kl = excess(hidden, rate, bases) * contrast
            for seed in seeds:
                seconds = bases * (1 + hidden / 8) / 1e6 * float(rng.uniform(0.9, 1.1))
                noisy = kl * float(rng.uniform(0.97, 1.03))
                add(dataset, name, seed, "bilstm", (*own, *values), "network",
                    8 * hidden * (hidden + 6), noisy, seconds, floor)  # fmt: skip
        empty = [""] * len(grids)
        if rival:
            add(dataset, "hmm_counts", 0, "hmm_counts", (*own, *empty), "hmm", 8, 0.012, 0.1, floor)
        if known:
            add(dataset, "exact", 0, "exact", (*own, *empty), "hmm", 0, 0.0, 0.0, floor)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
