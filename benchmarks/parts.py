"""What each part of a tagger buys: how near it comes to the exact posterior without it.

    python benchmarks/parts.py > benchmarks/parts.md

Three models that simulate, of mean length 10, 100 and 1,000 bases. Every row changes one thing of
the first. The measure is KL(exact posterior || network), nats per base, on sequences that no
training sees; for networks of one direction it is KL(filtered posterior || network).
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402

from basetag.config.networks import ARCHITECTURE, Network  # noqa: E402
from basetag.config.training import Training  # noqa: E402
from basetag.corpus import Corpus  # noqa: E402
from basetag.devices import compute_in_full, keep_freed_memory  # noqa: E402
from basetag.exact_inference import filtered_posterior, smoothed_posterior  # noqa: E402
from basetag.hmm import HMM  # noqa: E402
from basetag.hmm_spec import load_hmm_spec  # noqa: E402
from basetag.inference import Predictor  # noqa: E402
from basetag.network_tagger import build_network  # noqa: E402
from basetag.segments import Segments  # noqa: E402
from basetag.simulation import sample_emissions, sample_paths  # noqa: E402
from basetag.steps import training_steps  # noqa: E402
from basetag.training.checkpoints import CheckpointFolder  # noqa: E402
from basetag.training.initial_weights import draw_weights  # noqa: E402
from basetag.training.loop import train  # noqa: E402

LENGTH, TEST, VALIDATION = 10_000, 100, 50
MEAN_LENGTHS = (10, 100, 1000)
BILSTM = {"cell": "lstm", "hidden": 32, "bidirectional": True}
LSTM = {"cell": "lstm", "hidden": 32}

#: What is changed: of the network and of its training. Keys of docs/config.md.
Case = tuple[dict[str, Any], dict[str, Any]]


def cases() -> Iterator[tuple[str, str, Case]]:
    """Yield group, name and changes."""
    two, one = (BILSTM, {}), (LSTM, {})
    yield "two directions", "BiLSTM 32", two
    yield "cell", "BiGRU 32", ({**BILSTM, "cell": "gru"}, {})
    yield "cell", "BiRNN 32", ({**BILSTM, "cell": "rnn"}, {})
    yield "cell", "minGRU 32, 3 residual normalised layers", (
        {**BILSTM, "cell": "mingru", "layers": 3, "residual": True, "normalised": True}, {},
    )  # fmt: skip
    yield "size", "16 units", ({**BILSTM, "hidden": 16}, {})
    yield "size", "64 units", ({**BILSTM, "hidden": 64}, {})
    yield "size", "2 layers", ({**BILSTM, "layers": 2}, {})
    yield "front", "3-mers in 16 dimensions", (
        {**BILSTM, "embedding": {"k": 3, "dimensions": 16}}, {},
    )  # fmt: skip
    yield "front", "32 kernels of 3, 7 and 11", (
        {**BILSTM, "convolution": {"widths": [3, 7, 11]}}, {},
    )  # fmt: skip
    yield "initialisation", "chrono, 2,000", ({**BILSTM, "longest_memory": 2000}, {})
    yield "initialisation", "BiGRU 32, chrono, 2,000", (
        {**BILSTM, "cell": "gru", "longest_memory": 2000}, {},
    )  # fmt: skip
    yield "window", "250 (256 a step)", (BILSTM, {"window": 250, "batch": 256})
    yield "window", "4,000 (16 a step)", (BILSTM, {"window": 4000, "batch": 16})
    yield "batch", "16 windows of 1,000", (BILSTM, {"batch": 16})
    yield "batch", "256 windows of 1,000", (BILSTM, {"batch": 256})
    yield "schedule", "cosine", (BILSTM, {"schedule": "cosine"})
    yield "schedule", "rate 0.003", (BILSTM, {"learning_rate": 0.003})
    yield "schedule", "rate 0.03", (BILSTM, {"learning_rate": 0.03})
    yield "mask", "nothing hidden", (BILSTM, {"mask": 0.0})
    yield "head", "CRF", ({**BILSTM, "head": "crf"}, {})
    yield "head", "CRF without recurrence", (
        {"cell": "none", "bidirectional": True, "head": "crf"}, {},
    )  # fmt: skip
    yield "one direction", "LSTM 32", one
    yield "one direction", "GRU 32", ({**LSTM, "cell": "gru"}, {})
    yield "one direction", "LSTM 32, 4,000 (16 a step)", (LSTM, {"window": 4000, "batch": 16})


def main() -> None:
    """Train each case on each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", type=int, default=12_000_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--groups", nargs="+", help="only these")
    parser.add_argument("--lengths", nargs="+", type=int, default=MEAN_LENGTHS)
    options = parser.parse_args()
    keep_freed_memory()
    compute_in_full()
    torch.set_num_threads(1)
    print("# What each part of a tagger buys\n")
    print(f"`python benchmarks/{Path(__file__).name} {' '.join(sys.argv[1:])}`\n")
    print(describe_machine("torch", "numba", "lightning-fabric"))
    print(f"\nKL in nats per base on {TEST * LENGTH / 1e6:g} Mb; {options.bases:,} training bases,")
    print(f"seeds 1 to {options.seeds}: lowest to highest; one thread. Every row changes one thing")
    print("of BiLSTM 32, or of LSTM 32, trained with the default settings.\n")
    print("| part | | " + " | ".join(f"mean length {n:,}" for n in options.lengths) + " | kb/s |")
    print("|---|---|" + "---|" * (len(options.lengths) + 1))
    for group, name, (architecture, changes) in cases():
        if options.groups and group not in options.groups:
            continue
        cells, speeds = [], []
        for mean_length in options.lengths:
            found = []
            for seed in range(1, options.seeds + 1):
                began = time.perf_counter()
                found.append(trained(mean_length, architecture, changes, options.bases, seed))
                speeds.append(options.bases / (time.perf_counter() - began))
            low, high = min(found), max(found)
            cells.append(f"{low:.5f}" + (f" to {high:.5f}" if len(found) > 1 else ""))
        print(f"| {group} | {name} | {' | '.join(cells)} | {np.median(speeds) / 1e3:,.0f} |",
              flush=True)  # fmt: skip


def trained(
    mean_length: int, architecture: dict[str, Any], changes: dict[str, Any], bases: int, seed: int
) -> float:
    """Return the KL of a network on the test sequences."""
    corpus, exact, filtered = data(mean_length, bases)
    network_settings = Network.model_validate(architecture)
    parts = network_settings.model_dump(include=set(ARCHITECTURE), exclude={"embedding": {"table"}})
    network = build_network(corpus.alphabet, corpus.states, parts)
    records = segments(corpus, TEST + VALIDATION, None)
    steps = training_steps(corpus, records)
    draw_weights(network, steps, torch.Generator().manual_seed(seed))
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    settings = Training(**{"bases": bases, **changes}).model_dump()
    with tempfile.TemporaryDirectory() as folder:
        train(
            fabric, network, corpus, records,
            segments(corpus, TEST, TEST + VALIDATION), settings, seed=seed,
            checkpoints=CheckpointFolder(Path(folder), "run"),
        )  # fmt: skip
    held = slice(0, TEST * LENGTH)
    found = Predictor(network, fabric.device).posterior(corpus.tokens[held], corpus.lengths[:TEST])
    # With a chain on top, a network of one direction sees what lies to the right, too.
    sees_all = network_settings.bidirectional or network_settings.head != "softmax"
    reference = exact if sees_all else filtered
    terms = reference * np.log(np.maximum(reference, 1e-6) / np.maximum(found, 1e-6))
    return float(terms.sum(axis=1, dtype=np.float64).mean())


@cache
def data(mean_length: int, bases: int) -> tuple[Corpus, np.ndarray, np.ndarray]:
    """Return a corpus and, of its test records, the exact and the filtered posterior."""
    settings = load_hmm_spec(ROOT / "resources/hmms/blocks.yaml").settings()
    leave = 1 / mean_length
    settings["transition"] = [[1 - leave, leave], [leave, 1 - leave]]
    hmm = HMM.from_settings(settings)
    records = TEST + VALIDATION + bases // LENGTH
    lengths = np.full(records, LENGTH)
    rng = np.random.default_rng(mean_length)
    paths = sample_paths(hmm, lengths, rng)
    tokens = sample_emissions(hmm, paths, rng)
    corpus = Corpus(
        alphabet=hmm.alphabet, states=hmm.states, state_names={s: s for s in hmm.states},
        names=[str(number) for number in range(records)], starts=np.cumsum(lengths) - lengths,
        lengths=lengths, tokens=tokens, labels=paths,
    )  # fmt: skip
    held = tokens[: TEST * LENGTH]
    exact = smoothed_posterior(hmm, held, lengths[:TEST])
    return corpus, exact, filtered_posterior(hmm, held, lengths[:TEST])


def segments(corpus: Corpus, first: int, last: int | None) -> Segments:
    """Return the records from `first` to before `last`, whole."""
    number = np.arange(first, len(corpus.names) if last is None else last)
    zero = np.zeros_like(number)
    return Segments(record=number, start=zero, end=zero + LENGTH, offset=corpus.starts[number])


if __name__ == "__main__":
    main()
