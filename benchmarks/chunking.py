"""Predict with trained networks in chunks and batches of all sizes, and print the differences.

    python benchmarks/chunking.py > benchmarks/chunking.md

Each network is trained for a moment, so that it has learnt to look far, and then reads: sequences
of its model in one long record and in many short ones, the repeat (AACC)n, in which states die out
slowest, and a sequence with runs of N of up to 50 kb. What is compared is the posterior of every
base with that of the record read as a whole.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402

from basetag.config.training import Training  # noqa: E402
from basetag.corpus import Corpus  # noqa: E402
from basetag.devices import keep_freed_memory  # noqa: E402
from basetag.hmm import HMM  # noqa: E402
from basetag.hmm_spec import load_hmm_spec  # noqa: E402
from basetag.inference import Predictor  # noqa: E402
from basetag.networks.tagger_network import TaggerNetwork  # noqa: E402
from basetag.segments import Segments  # noqa: E402
from basetag.simulation import sample_emissions, sample_paths  # noqa: E402
from basetag.training.checkpoints import CheckpointFolder  # noqa: E402
from basetag.training.loop import train  # noqa: E402

CHUNKS = (500, 5_000, 50_000, 1_000_000)
BATCHES = (1, 16, 256, 4096)
LONG, SHORT = 200_000, 4_500


def sequences(hmm: HMM) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return tokens and record lengths of what is predicted."""
    rng = np.random.default_rng(3)

    def drawn(lengths: np.ndarray) -> np.ndarray:
        return sample_emissions(hmm, sample_paths(hmm, lengths, rng), rng)

    long = np.array([LONG])
    short = rng.integers(1, 120, SHORT)
    gaps = drawn(long)
    for start, length in ((0, 50), (10_000, 1_000), (60_000, 50_000), (LONG - 7, 7)):
        gaps[start : start + length] = hmm.alphabet.unknown
    return {
        "data, one record": (drawn(long), long),
        f"data, {SHORT:,} records": (drawn(short), short),
        "(AACC)n": (hmm.alphabet.encode("AACC" * (LONG // 4)), long),
        "runs of N": (gaps, long),
    }


def trained(hmm: HMM, bases: int, **architecture: object) -> TaggerNetwork:
    """Return a network that was trained on sequences of the model."""
    rng = np.random.default_rng(1)
    lengths = np.full(40, 50_000)
    paths = sample_paths(hmm, lengths, rng)
    starts = np.cumsum(lengths) - lengths
    corpus = Corpus(
        alphabet=hmm.alphabet, states=hmm.states, state_names={s: s for s in hmm.states},
        names=[str(number) for number in range(40)], starts=starts, lengths=lengths,
        tokens=sample_emissions(hmm, paths, rng), labels=paths,
    )  # fmt: skip
    number, zero = np.arange(40), np.zeros(40, dtype=np.int64)
    records = Segments(record=number, start=zero, end=lengths, offset=starts)
    network = TaggerNetwork(hmm.alphabet, hmm.n_states, **architecture)
    network.initialise(torch.Generator().manual_seed(1))
    settings = Training(bases=bases, batch=16, window=4000, validations=2, validation_bases=50_000)
    with tempfile.TemporaryDirectory() as folder:
        train(
            Fabric(accelerator="cpu", devices=1), network, corpus,
            records.chosen(number[:38]), records.chosen(number[38:]), settings.model_dump(),
            seed=1, checkpoints=CheckpointFolder(Path(folder), "run"),
        )  # fmt: skip
    return network


def main() -> None:
    """Compare everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", type=int, default=2_000_000, help="bases of a training")
    parser.add_argument("--hidden", type=int, default=16)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    print("# Chunks and batches against whole records\n")
    print(f"`python benchmarks/{Path(__file__).name} {' '.join(sys.argv[1:])}`\n")
    print(describe_machine("torch", "numba"))
    print(
        f"\nHidden {options.hidden}, trained on {options.bases / 1e6:g} Mb. Largest difference of a"
    )
    print(f"posterior over chunks of {', '.join(f'{c:,}' for c in CHUNKS)} bases a row and batches")
    print(f"of {', '.join(f'{b:,}' for b in BATCHES)} rows, {LONG:,} bases a sequence.\n")
    cpu = torch.device("cpu")
    header = None
    for model in ("blocks", "isochores"):
        hmm = HMM.from_settings(load_hmm_spec(ROOT / f"resources/hmms/{model}.yaml").settings())
        cases = sequences(hmm)
        if header is None:
            header = " | ".join(cases)
            print(f"| model | network | {header} |")
            print("|---|---|" + "---|" * len(cases))
        for cell in ("gru", "lstm"):
            for both in (False, True):
                for layers in (1, 2):
                    network = trained(
                        hmm, options.bases, cell=cell, hidden=options.hidden, layers=layers,
                        bidirectional=both,
                    )  # fmt: skip
                    row = []
                    for tokens, lengths in cases.values():
                        whole = Predictor(network, cpu, rows=1, bases=10**9).posterior(
                            tokens, lengths
                        )
                        found = 0.0
                        for chunk in CHUNKS:
                            for rows in BATCHES if lengths.size > 1 else (1,):
                                parts = Predictor(network, cpu, rows=rows, bases=chunk * rows)
                                difference = parts.posterior(tokens, lengths) - whole
                                found = max(found, float(np.abs(difference).max()))
                        row.append(f"{found:.1e}")
                    name = f"{cell}, {2 if both else 1} direction(s), {layers} layer(s)"
                    print(f"| {model} | {name} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
