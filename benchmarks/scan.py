"""Time minGRU's recurrence against plain loops and the compiled GRU, and print tables in Markdown.

    python benchmarks/scan.py > benchmarks/scan.md

All take the same rows in turn in one process. The loop in torch takes a step of all rows at once
by elementwise operations. The GRU is read as a network's first layer reads it, from a table, or as
a later one does, base by base; its input products are part of its time, as minGRU's are not.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine  # noqa: E402

from basetag.devices import keep_freed_memory  # noqa: E402
from basetag.networks.activations import Activations  # noqa: E402
from basetag.networks.cells import GRU  # noqa: E402
from basetag.networks.scan import linear_scan, read_mingru  # noqa: E402

LETTERS = 15


def gates(inputs: torch.Tensor, entries: torch.Tensor, of_each_base: bool) -> list[torch.Tensor]:
    """Return z and the candidates of all bases."""
    length, rows = entries.shape
    if of_each_base:
        z, candidates = inputs.view(2, length, rows, -1)
    else:
        z, candidates = (nn.functional.embedding(entries, gate) for gate in inputs)
    return [torch.sigmoid(z), candidates]


def readings(
    options: argparse.Namespace, hidden: int, of_each_base: bool
) -> dict[str, Callable[[], torch.Tensor]]:
    """Return what computes the hidden states, by name."""
    length, rows = options.window, options.batch
    generator = torch.Generator().manual_seed(1)
    if of_each_base:
        dense = torch.randn(length, rows, hidden, generator=generator)
        features = Activations.of_bases(dense)
    else:
        entries = torch.randint(LETTERS, (length, rows), generator=generator).to(torch.int32)
        features = Activations(torch.rand(LETTERS, 4, generator=generator), entries)
    inputs = torch.randn(2, features.table.shape[0], hidden, generator=generator).requires_grad_()
    cell = GRU(features.width, hidden)
    cell.initialise(generator)
    active = np.full(length, rows)

    def compiled() -> torch.Tensor:
        return read_mingru(inputs, features.entries, active, of_each_base=of_each_base)[0]

    def loop() -> torch.Tensor:
        z, candidates = gates(inputs, features.entries, of_each_base)
        state, states = torch.zeros(rows, hidden), []
        # Indexing would have the gradient of each step fill an array of all steps.
        for opened, candidate in zip(z.unbind(), candidates.unbind(), strict=True):
            state = torch.lerp(state, candidate, opened)
            states.append(state)
        return torch.stack(states)

    def scanned() -> torch.Tensor:
        z, candidates = gates(inputs, features.entries, of_each_base)
        return linear_scan(1 - z, z * candidates)[0]

    def gru() -> torch.Tensor:
        return cell.read(features, active)[0]

    return {"compiled": compiled, "torch loop": loop, "scan": scanned, "GRU": gru}


def measure(runs: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each, taken in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats + 2):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return {name: float(np.median(taken[2:])) for name, taken in seconds.items()}


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--window", type=int, default=1000)
    parser.add_argument("--hidden", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    print("# minGRU's recurrence on the CPU\n")
    print(f"`python benchmarks/{Path(__file__).name} {' '.join(sys.argv[1:])}`\n")
    print(describe_machine("torch", "numba", "numpy") + "\n")
    print(f"Batch {options.batch} x {options.window:,}, {options.threads} thread(s); kb/s, medians")
    print(f"of {options.repeats} runs taken in turn. Ratios are of the compiled loops to each.\n")
    print("| hidden | inputs | task | compiled | torch loop | scan | GRU | ratios |")
    print("|---|---|---|---|---|---|---|---|")
    weights = {
        hidden: torch.rand(options.window, options.batch, hidden) for hidden in options.hidden
    }
    kilobases = options.batch * options.window / 1000
    for hidden in options.hidden:
        for of_each_base in (False, True):
            found = readings(options, hidden, of_each_base)
            with torch.no_grad():
                same = found["compiled"]() - found["torch loop"]()
            assert same.abs().max() < 1e-5

            def forward(run: Callable[[], torch.Tensor]) -> None:
                with torch.no_grad():
                    run()

            def both(run: Callable[[], torch.Tensor], hidden: int = hidden) -> None:
                run().backward(weights[hidden])

            for task, take in (("forward", forward), ("forward + backward", both)):
                taken = measure(
                    {name: lambda run=run, take=take: take(run) for name, run in found.items()},
                    options.repeats,
                )
                ours, *others = taken.values()
                cells = [
                    f"{hidden}", "each base" if of_each_base else f"{LETTERS} letters", task,
                    *(f"{kilobases / seconds:,.0f}" for seconds in taken.values()),
                    ", ".join(f"{seconds / ours:.1f}" for seconds in others),
                ]  # fmt: skip
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
