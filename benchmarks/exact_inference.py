"""Time exact inference against hmmlearn's, and print a table in Markdown.

    python benchmarks/exact_inference.py > benchmarks/exact_inference.md

Both run on the same data in the same run, and the greatest difference of their posteriors is told.
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

from basetag.alphabet import DNA  # noqa: E402
from basetag.exact_inference import (  # noqa: E402
    filtered_posterior,
    log_likelihood,
    path_log_probability,
    smoothed_posterior,
)
from basetag.hmm import HMM  # noqa: E402
from basetag.hmm_spec import load_hmm_spec  # noqa: E402
from basetag.simulation import sample_emissions, sample_paths  # noqa: E402
from basetag.viterbi import Chain, most_probable_path, viterbi_path  # noqa: E402

COLD = """
import sys, time
import numpy as np
from basetag.exact_inference import smoothed_posterior
from basetag.hmm import HMM
from basetag.hmm_spec import load_hmm_spec
from basetag.viterbi import viterbi_path
hmm = HMM.from_settings(load_hmm_spec(sys.argv[1]).settings())
tokens, lengths = np.zeros(10, dtype=np.uint8), np.array([10])
start = time.perf_counter()
smoothed_posterior(hmm, tokens, lengths)
viterbi_path(hmm, tokens, lengths)
print(time.perf_counter() - start)
"""


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print("# Exact inference against hmmlearn\n")
    print(f"`python benchmarks/{Path(__file__).name} {' '.join(sys.argv[1:])}`\n")
    print(describe_machine() + "\n")
    print(f"{options.bases / 1e6:g} Mb simulated from each model; Mb/s, the fastest of", end=" ")
    print(f"{options.repeats} runs; the ratio is to hmmlearn\non the same data. hmmlearn: ", end="")
    print('`CategoricalHMM(implementation="scaling")`.\n')
    print("| model | record | task | hmmlearn | 1 thread | ratio | 2 threads | ratio | agreement |")
    print("|---|---|---|---|---|---|---|---|---|")
    rng = np.random.default_rng(1)
    ones = np.ones(4)
    four = HMM(DNA, tuple("abcd"), ones / 4, rng.dirichlet(ones, 4), rng.dirichlet(ones, 4))
    for name, hmm, length in (
        ("toy", preset("toy"), 500),
        ("blocks", preset("blocks"), 10_000),
        ("isochores", preset("isochores"), options.bases),
        ("4 states", four, 10_000),
    ):
        measure(name, hmm, length, options)
    cold, warm = cold_and_warm()
    print(f"\nThe first call of a smoothed posterior and a path takes {cold:.1f} s to compile, and")
    print(f"{warm:.2f} s in later processes, which find the compiled form on disk.")


def preset(name: str) -> HMM:
    """Return the model that the repository ships as `name`."""
    return HMM.from_settings(load_hmm_spec(ROOT / "resources" / "hmms" / f"{name}.yaml").settings())


def measure(name: str, hmm: HMM, length: int, options: argparse.Namespace) -> None:
    """Print the rows of one model."""
    rng = np.random.default_rng(2)
    lengths = np.full(options.bases // length, length)
    tokens = sample_emissions(hmm, sample_paths(hmm, lengths, rng), rng)
    column = tokens[:, None]
    oracle = CategoricalHMM(hmm.n_states, n_features=4, implementation="scaling")
    oracle.startprob_, oracle.transmat_, oracle.emissionprob_ = (
        hmm.start,
        hmm.transition,
        hmm.emission,
    )
    their_likelihood, their_posterior = oracle.score_samples(column, lengths)
    their_path, _ = oracle.decode(column, lengths)
    posterior = smoothed_posterior(hmm, tokens, lengths)
    path = viterbi_path(hmm, tokens, lengths)
    likelihood = log_likelihood(hmm, tokens, lengths).sum()
    path_probability = path_log_probability(hmm, tokens, lengths, path).sum()
    prior = np.bincount(path, minlength=hmm.n_states) / path.size
    chain = Chain.of_posterior(posterior, prior, hmm.start, hmm.transition)

    posteriors = fastest(lambda: oracle.score_samples(column, lengths), options.repeats)
    scores = fastest(lambda: oracle.score(column, lengths), options.repeats)
    paths = fastest(lambda: oracle.decode(column, lengths), options.repeats)
    for task, theirs, ours, agreement in (
        (
            "smoothed",
            posteriors,
            lambda threads: smoothed_posterior(hmm, tokens, lengths, posterior, threads=threads),
            f"{np.abs(posterior - their_posterior).max():.0e}",
        ),
        (
            "filtered",
            None,
            lambda threads: filtered_posterior(hmm, tokens, lengths, posterior, threads=threads),
            "",
        ),
        (
            "log-likelihood",
            scores,
            lambda threads: log_likelihood(hmm, tokens, lengths, threads=threads),
            f"{abs(likelihood / their_likelihood - 1):.0e} of it",
        ),
        (
            "Viterbi",
            paths,
            lambda threads: viterbi_path(hmm, tokens, lengths, threads=threads),
            f"{abs(path_probability / their_path - 1):.0e} of log P",
        ),
        (
            "posteriors decoded",
            None,
            lambda threads: most_probable_path(chain, lengths, threads=threads),
            "",
        ),
        *(
            (
                f"the same, runs of {least:,} or more",
                None,
                lambda threads, least=least: most_probable_path(
                    chain, lengths, np.full(hmm.n_states, least), threads=threads
                ),
                "",
            )
            for least in (50, 5000)
        ),
    ):
        ours(1)  # compiles
        cells = [f"{options.bases / theirs / 1e6:.1f}" if theirs else ""]
        for threads in (1, 2):
            seconds = fastest(lambda threads=threads: ours(threads), options.repeats)  # noqa: B023
            cells.append(f"{options.bases / seconds / 1e6:.0f}")
            cells.append(f"{theirs / seconds:.1f}" if theirs else "")
        print(f"| {name} | {length:,} | {task} | {' | '.join(cells)} | {agreement} |", flush=True)


def cold_and_warm() -> tuple[float, float]:
    """Return the seconds of a first call with nothing compiled yet, and of one with all."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PYTHONPATH": str(ROOT / "scripts"), "NUMBA_CACHE_DIR": folder}
        model = str(ROOT / "resources" / "hmms" / "blocks.yaml")
        command = [sys.executable, "-c", COLD, model]
        cold, warm = (
            float(subprocess.run(command, env=environment, stdout=-1, check=True).stdout)
            for _ in range(2)
        )
    return cold, warm


if __name__ == "__main__":
    main()
