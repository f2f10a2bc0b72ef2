"""Time sequences drawn letter by letter, and print a table in Markdown.

    python benchmarks/generation.py > benchmarks/generation.md

A letter is drawn by a network that keeps its state, and by one that reads the whole sequence again
for each letter, as what has no state to keep must; both draw the same letters.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine  # noqa: E402

from basetag.alphabet import DNA  # noqa: E402
from basetag.generation import draw_letters, generate  # noqa: E402
from basetag.networks.tagger_network import TaggerNetwork  # noqa: E402


@torch.inference_mode()
def read_again(
    network: TaggerNetwork, prompts: np.ndarray, length: int, generator: np.random.Generator
) -> np.ndarray:
    """Draw what `generate` draws, by reading all letters before each one."""
    rows = len(prompts)
    out = prompts
    while out.shape[1] < length:
        lengths = np.full(rows, out.shape[1])
        scores = network(torch.from_numpy(np.ascontiguousarray(out.T)), lengths)[-1]
        probabilities = torch.softmax(scores, dim=-1).numpy()
        out = np.column_stack([out, draw_letters(probabilities, 1.0, generator)])
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"# Generated letters\n\n`python benchmarks/generation.py {' '.join(sys.argv[1:])}`\n")
    print(describe_machine("torch", "numba", "numpy"))
    print(
        f"\nSequences of {options.length:,} letters from one, side by side; 1 thread; the fastest "
        f"of {options.repeats} runs taken in turn.\n"
    )
    print("| cell | hidden | sequences | ms a step | kb/s | read again, kb/s | ratio |")
    print("|---|---|---|---|---|---|---|")
    for cell, hidden in (("gru", 32), ("gru", 128), ("lstm", 128)):
        network = TaggerNetwork(DNA, 4, cell=cell, hidden=hidden)
        network.initialise(torch.Generator().manual_seed(1))
        for rows in (1, 10, 256):
            prompts = np.zeros((rows, 1), dtype=np.uint8)
            draws = {
                "kept": lambda n=network, p=prompts: generate(
                    n, p, options.length, 1.0, np.random.default_rng(1)
                ),
            }
            if rows <= 10:
                draws["again"] = lambda n=network, p=prompts: read_again(
                    n, p, options.length, np.random.default_rng(1)
                )
            seconds = dict.fromkeys(draws, np.inf)
            drawn = {name: draw() for name, draw in draws.items()}  # what is compiled, is now
            for _ in range(options.repeats):
                for name, draw in draws.items():
                    began = time.perf_counter()
                    drawn[name] = draw()
                    seconds[name] = min(seconds[name], time.perf_counter() - began)
            bases = rows * options.length
            row = [cell, str(hidden), str(rows), f"{1e3 * seconds['kept'] / options.length:.2f}"]
            row.append(f"{bases / seconds['kept'] / 1e3:.1f}")
            if "again" in drawn:
                alike = (drawn["kept"] == drawn["again"]).all()
                row += [f"{bases / seconds['again'] / 1e3:.2f}"]
                row += [f"{seconds['again'] / seconds['kept']:.0f}" + ("" if alike else ", differ")]
            else:
                row += ["", ""]
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
