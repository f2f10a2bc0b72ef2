"""Train on `blocks` until the exact posterior is nearly reached, and print how long it took.

    python benchmarks/time_to_ceiling.py > benchmarks/time_to_ceiling.md

The measure is KL(exact posterior || network), nats per base, on sequences that the training never
sees; 0.004 is 99 % of what can be known (attained 0.99).
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402

from basetag import training  # noqa: E402
from basetag.config.training import Training  # noqa: E402
from basetag.corpus import Corpus  # noqa: E402
from basetag.devices import compute_in_full, keep_freed_memory  # noqa: E402
from basetag.exact_inference import smoothed_posterior  # noqa: E402
from basetag.hmm import HMM  # noqa: E402
from basetag.hmm_spec import load_hmm_spec  # noqa: E402
from basetag.inference import Predictor  # noqa: E402
from basetag.networks.tagger_network import TaggerNetwork  # noqa: E402
from basetag.segments import Segments  # noqa: E402
from basetag.simulation import sample_emissions, sample_paths  # noqa: E402
from basetag.training.checkpoints import CheckpointFolder  # noqa: E402

RECORDS, LENGTH, TEST = 1200, 10_000, 50
GOAL = 0.004


def main() -> None:
    """Train each tagger once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    keep_freed_memory()
    compute_in_full()
    torch.set_num_threads(options.threads)
    print("# Time to the ceiling\n")
    print(f"`python benchmarks/{Path(__file__).name} {' '.join(sys.argv[1:])}`\n")
    print(describe_machine("torch", "numba", "lightning-fabric"))
    print(f"\nTraining until KL <= {GOAL} on {TEST * LENGTH / 1e6:g} Mb of `blocks` that are not")
    print(
        f"trained on; {options.threads} thread(s), the default settings of training; looks at the"
    )
    print("test sequences are not counted.\n")
    print("| tagger | bases of the cycle | Mb until then | seconds until then | KL in the end |")
    print("|---|---|---|---|---|")
    for cell, hidden, bases in (
        ("lstm", 32, 6_000_000),
        ("lstm", 32, 12_000_000),
        ("gru", 32, 6_000_000),
        ("gru", 32, 12_000_000),
    ):
        row = train(cell, hidden, bases, options.device)
        print(f"| {cell} {hidden}, two directions | {bases:,} | {row} |", flush=True)


def train(cell: str, hidden: int, bases: int, device: str) -> str:
    """Return megabases and seconds until the goal, and the last KL."""
    hmm = HMM.from_settings(load_hmm_spec(ROOT / "resources/hmms/blocks.yaml").settings())
    rng = np.random.default_rng(1)
    lengths = np.full(RECORDS, LENGTH)
    paths = sample_paths(hmm, lengths, rng)
    starts = np.cumsum(lengths) - lengths
    corpus = Corpus(
        alphabet=hmm.alphabet, states=hmm.states, state_names={s: s for s in hmm.states},
        names=[str(number) for number in range(RECORDS)], starts=starts, lengths=lengths,
        tokens=sample_emissions(hmm, paths, rng), labels=paths,
    )  # fmt: skip
    held = TEST * LENGTH
    exact = smoothed_posterior(hmm, corpus.tokens[:held], lengths[:TEST])
    network = TaggerNetwork(
        corpus.alphabet, hmm.n_states, cell=cell, hidden=hidden, bidirectional=True
    )
    network.initialise(torch.Generator().manual_seed(1))
    fabric = Fabric(accelerator=device, devices=1)
    fabric.launch()
    reached: list[tuple[float, float]] = []
    looked = 0.0
    divergence = np.inf

    class Watched(training.TrainingRun):
        def look(self, validation_loss: float, learning_rate: float):
            nonlocal looked, divergence
            row = super().look(validation_loss, learning_rate)
            began = time.perf_counter()
            found = Predictor(network, fabric.device).posterior(
                corpus.tokens[:held], lengths[:TEST]
            )
            terms = exact * np.log(np.maximum(exact, 1e-6) / np.maximum(found, 1e-6))
            divergence = float(terms.sum(axis=1).mean())
            looked += time.perf_counter() - began
            if divergence <= GOAL and not reached:
                reached.append((self.bases / 1e6, time.perf_counter() - started - looked))
            return row

    before, training.TrainingRun = training.TrainingRun, Watched
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        training.train(
            fabric, network, corpus, segments(starts, TEST + 50, RECORDS),
            segments(starts, TEST, TEST + 50), Training(bases=bases).model_dump(), seed=1,
            checkpoints=CheckpointFolder(Path(folder), "run"),
        )  # fmt: skip
    training.TrainingRun = before
    megabases, seconds = reached[0] if reached else (np.nan, np.nan)
    return f"{megabases:.1f} | {seconds:.1f} | {divergence:.5f}"


def segments(starts: np.ndarray, first: int, last: int) -> Segments:
    """Return the records from `first` to before `last`, whole."""
    number = np.arange(first, last)
    zero = np.zeros_like(number)
    return Segments(record=number, start=zero, end=zero + LENGTH, offset=starts[first:last])


if __name__ == "__main__":
    main()
