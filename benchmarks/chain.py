"""Time the inference of a chain of states, and a loop of torch's logsumexp beside it.

    OMP_NUM_THREADS=1 python benchmarks/chain.py > benchmarks/chain.md

Megabases a second of one thread, the best of some runs; on a GPU with ``--device cuda``. Scores are
drawn, and in float32. What is timed:

- messages: `propagate` in both directions
- posterior: the same, and `posterior`
- loss: `log_partition` and its gradient by all scores
- viterbi: `viterbi`
- torch: the loss and its gradient by a loop over the bases, one `logsumexp` for each. The ratio is
  that of the two losses, timed in turn.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine  # noqa: E402

from basetag.devices import keep_freed_memory  # noqa: E402
from basetag.networks.chain import (  # noqa: E402
    Chain,
    log_partition,
    posterior,
    propagate,
    viterbi,
)

#: States, rows, bases a row. One row is a long record, whose bases can only be read in turn.
CASES = ((2, 256, 500), (2, 32, 4000), (2, 1, 200_000), (8, 128, 500), (32, 64, 200))
#: torch keeps some numbers for each step of its graph: of a long record a part is timed.
LOOP_BASES = 2000


def by_torch(emissions: Tensor, chain: Chain) -> Tensor:
    """Return the log partition of rows of one length, base by base."""
    forward = chain.start + emissions[0]
    for scores in emissions[1:]:
        forward = (forward[:, :, None] + chain.transition).logsumexp(1) + scores
    return (forward + chain.end).logsumexp(1)


def rates(n_states: int, rows: int, length: int, device: str, repeats: int) -> dict[str, float]:
    """Return the megabases a second of all that is timed."""
    torch.manual_seed(1)
    shapes = ((length, rows, n_states), (n_states, n_states), (n_states,), (n_states,))
    leaves = [torch.randn(shape, device=device, requires_grad=True) for shape in shapes]
    emissions, chain = leaves[0], Chain(*leaves[1:])
    active = np.full(length, rows)
    looped = min(length, LOOP_BASES)

    def messages() -> tuple[Tensor, Tensor]:
        rightward = propagate(emissions, chain, active)[0]
        return rightward, propagate(emissions, chain, active, leftward=True)[0]

    runs: dict[str, Callable[[], object]] = {
        "messages": messages,
        "posterior": lambda: posterior(emissions, *messages()),
        "loss": lambda: torch.autograd.grad(log_partition(emissions, chain, active).sum(), leaves),
        "viterbi": lambda: viterbi(emissions, chain, active),
        "torch": lambda: torch.autograd.grad(by_torch(emissions[:looped], chain).sum(), leaves),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats + 1):  # the first run compiles
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if device == "cuda":
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - start)
    found = {name: rows * length / min(taken[1:]) / 1e6 for name, taken in seconds.items()}
    found["torch"] *= looped / length
    return found


def main() -> None:
    """Time everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    print("# Inference in a chain of states\n")
    print(f"`{' '.join(['python benchmarks/chain.py', *sys.argv[1:]])}`\n")
    print(describe_machine("torch", "numba"))
    print(f"\nMb/s, float32, by one thread of the {options.device}.\n")
    columns = ("messages", "posterior", "loss", "viterbi", "torch")
    print(f"| states | rows x bases | {' | '.join(columns)} | loss / torch |")
    print("|---|---|---|---|---|---|---|---|")
    for n_states, rows, length in CASES:
        found = rates(n_states, rows, length, options.device, options.repeats)
        figures = " | ".join(f"{found[column]:.3g}" for column in columns)
        ratio = found["loss"] / found["torch"]
        print(f"| {n_states} | {rows} x {length:,} | {figures} | {ratio:.3g} |", flush=True)


if __name__ == "__main__":
    main()
