"""Predict one long record under a limit on anonymous memory, and print time and memory.

    python benchmarks/long_record.py > benchmarks/long_record.md

The limit is the kernel's (RLIMIT_DATA: private memory that can be written). Tokens and posteriors
are mapped files, as in the workflow's jobs.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine  # noqa: E402

from basetag.alphabet import DNA  # noqa: E402
from basetag.devices import keep_freed_memory  # noqa: E402
from basetag.inference import Predictor  # noqa: E402
from basetag.networks.tagger_network import TaggerNetwork  # noqa: E402


def private_memory() -> float:
    """Return this process's anonymous memory in megabytes, as the kernel counts it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise OSError("no RssAnon")


def main() -> None:
    """Predict with each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", type=int, default=200_000_000)
    parser.add_argument("--limit", type=int, default=1500, help="megabytes of anonymous memory")
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_DATA, (options.limit * 10**6,) * 2)
    print("# One long record\n")
    print(f"`python benchmarks/{Path(__file__).name} {' '.join(sys.argv[1:])}`\n")
    print(describe_machine("torch", "numba"))
    print(f"\nOne record of {options.bases / 1e6:g} Mb under a limit of {options.limit} MB on")
    print("anonymous memory, one thread.\n")
    print("| network | seconds | kb/s | anonymous memory behind it |")
    print("|---|---|---|---|")
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        tokens = np.memmap(Path(folder, "tokens"), np.uint8, "w+", shape=options.bases)
        for start in range(0, options.bases, 10**6):
            tokens[start : start + 10**6] = rng.integers(4, size=tokens[start:][: 10**6].size)
        shape = (options.bases, 2)
        out = np.memmap(Path(folder, "posteriors"), np.float32, "w+", shape=shape)
        for cell, hidden, layers, both in (
            ("gru", 16, 1, False),
            ("lstm", 32, 1, True),
            ("lstm", 16, 2, True),
        ):
            network = TaggerNetwork(
                DNA, 2, cell=cell, hidden=hidden, layers=layers, bidirectional=both
            )
            network.initialise(torch.Generator().manual_seed(1))
            predictor = Predictor(network, torch.device("cpu"), memory=options.limit * 10**6)
            began = time.perf_counter()
            predictor.posterior(tokens, np.array([options.bases]), out)
            seconds = time.perf_counter() - began
            name = f"{cell} {hidden}, {layers} layer(s), {2 if both else 1} direction(s)"
            speed = options.bases / seconds / 1e3
            print(
                f"| {name} | {seconds:.0f} | {speed:,.0f} | {private_memory():.0f} MB |", flush=True
            )


if __name__ == "__main__":
    main()
