"""Time the simulator against hmmlearn's `sample`, and print a table in Markdown.

    python benchmarks/simulate.py > benchmarks/simulate.md

Both draw from the same models in the same run, so that the ratios hold whatever the machine.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine, fastest  # noqa: E402
from hmmlearn.hmm import CategoricalHMM  # noqa: E402

from basetag.hmm import HMM  # noqa: E402
from basetag.hmm_spec import load_hmm_spec  # noqa: E402
from basetag.simulation import (  # noqa: E402
    CHUNK_BASES,
    sample_emissions,
    sample_paths,
    simulate_to_fasta,
)

# Name, bases of a record.
PRESETS = {"toy": 500, "blocks": 10_000, "isochores": 50_000, "lambda": 50_000}


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", type=int, default=20_000_000, help="bases written to files")
    parser.add_argument("--hmmlearn-bases", type=int, default=60_000)
    parser.add_argument("--large", type=int, default=1_000_000_000, help="0: leave it out")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print("# Simulator against hmmlearn's `sample`\n")
    print(f"`python benchmarks/{Path(__file__).name} {' '.join(sys.argv[1:])}`\n")
    print(describe_machine() + "\n")
    print("Mb/s, the fastest of", options.repeats, "runs. `drawn`: states and bases in memory, one")
    print("core; `written`: both FASTA files, BGZF-compressed, with one and with two threads.\n")
    print("| model | hmmlearn | drawn | ratio | written, 1 | ratio | written, 2 | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for name, length in PRESETS.items():
        measure_preset(name, length, options)
    if options.large:
        measure_memory(options.large)


def measure_preset(name: str, length: int, options: argparse.Namespace) -> None:
    """Print the rows of one model."""
    hmm = HMM.from_settings(load_hmm_spec(ROOT / "resources" / "hmms" / f"{name}.yaml").settings())
    oracle = CategoricalHMM(hmm.n_states, n_features=4)
    oracle.startprob_, oracle.transmat_, oracle.emissionprob_ = (
        hmm.start,
        hmm.transition,
        hmm.emission,
    )
    theirs = options.hmmlearn_bases / fastest(
        lambda: oracle.sample(options.hmmlearn_bases, random_state=1), options.repeats
    )
    lengths = np.full(CHUNK_BASES // length, length)
    rng = np.random.default_rng(1)

    def draw() -> None:
        sample_emissions(hmm, sample_paths(hmm, lengths, rng), rng)

    draw()  # compiles
    rates = [lengths.sum() / fastest(draw, options.repeats)]
    lengths = np.full(options.bases // length, length)
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder) / "sequences.fa.gz", Path(folder) / "states.fa.gz"
        for threads in (1, 2):
            seconds = fastest(
                lambda threads=threads: simulate_to_fasta(hmm, lengths, 1, *paths, threads=threads),
                options.repeats,
            )
            rates.append(lengths.sum() / seconds)
    cells = [f"{rate / 1e6:.0f} | {rate / theirs:,.0f}" for rate in rates]
    print(f"| {name} | {theirs / 1e6:.3f} | {' | '.join(cells)} |", flush=True)


LIMITED = """
import resource, sys, time
import numpy as np
from basetag.hmm import HMM
from basetag.hmm_spec import load_hmm_spec
from basetag.simulation import simulate_to_fasta
bases, limit = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
hmm = HMM.from_settings(load_hmm_spec(sys.argv[3]).settings())
start = time.perf_counter()
simulate_to_fasta(hmm, np.array([bases]), 1, *sys.argv[4:6], threads=2)
print(time.perf_counter() - start)
"""


def measure_memory(bases: int) -> None:
    """Say under which limit on all private memory one record of `bases` bases is written."""
    model = str(ROOT / "resources" / "hmms" / "isochores.yaml")
    print(f"\nOne record of {bases / 1e6:,.0f} Mb (isochores, two threads), under a limit on all")
    print("private memory (`RLIMIT_DATA`; libraries, stacks and compiled code included):\n")
    print("| limit, MB | outcome |")
    print("|---|---|")
    for limit in (200, 300, 400, 500, 1000, 1500):
        with tempfile.TemporaryDirectory() as folder:
            paths = [str(Path(folder) / name) for name in ("a.fa.gz", "b.fa.gz")]
            done = subprocess.run(
                [sys.executable, "-c", LIMITED, str(bases), str(limit * 10**6), model, *paths],
                env={"PYTHONPATH": str(ROOT / "scripts"), "OPENBLAS_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode == 0:
            print(f"| {limit} | written in {float(done.stdout):.0f} s |", flush=True)
            break
        print(f"| {limit} | out of memory |", flush=True)


if __name__ == "__main__":
    main()
