"""Plan sweeps of a thousand trainings, without running a job; print how long each dry run takes.

    python benchmarks/sweep_plan.py > benchmarks/sweep_plan.md
    python benchmarks/sweep_plan.py --workflow OTHER    # of another checkout

Seconds are those of the processor (one core is used), so that other work on the machine does not
enter; where it is idle they are those of the clock.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine  # noqa: E402

BASE = {
    "datasets": {"blocks": {"simulate": {"hmm": "blocks", "records": 100, "length": 10_000}}},
    "taggers": {
        "bilstm": {"cell": "lstm", "hidden": 8, "bidirectional": True},
        **{name: {"baseline": name} for name in ("exact", "filtered", "hmm_counts", "majority")},
    },
    "training": {"bases": 100_000},
}
TEN = list(range(1, 11))
SWEEPS = {
    "1,000 taggers on 1 dataset": {
        "datasets": {"blocks": {}},
        "taggers": {
            "bilstm": {
                "hidden": TEN,
                "training.bases": [100_000 * n for n in TEN],
                "training.learning_rate": [0.001 * n for n in TEN],
            }
        },
    },
    "25 taggers on 20 datasets, 2 seeds": {
        "datasets": {
            "blocks": {
                "simulate.mean_length": [10, 30, 100, 300, 1000],
                "simulate.contrast": [0.25, 0.5, 0.75, 1.0],
            }
        },
        "taggers": {
            "bilstm": {
                "hidden": [2, 4, 8, 16, 32],
                "training.bases": [1_000_000 * 2**n for n in range(5)],
            },
            "hmm_counts": {},
        },
        "seeds": [1, 2],
    },
    "1 tagger on 1,000 datasets": {
        "datasets": {
            "blocks": {
                "simulate.mean_length": [10 * n for n in TEN],
                "simulate.contrast": [n / 10 for n in TEN],
                "simulate.seed": TEN,
            }
        },
        "taggers": {"bilstm": {}},
    },
}


def plan(workflow: Path, config: dict) -> tuple[float, str, str]:
    """Return the seconds of a dry run, and how many jobs, and of these trainings, it plans."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sweep.yaml")
        file.write_text(yaml.safe_dump(config))
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow / "Snakefile")]
        command += ["--dry-run", "--quiet", "rules", "--cores", "2", "--configfile", str(file)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", run.stdout, re.M))
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, jobs["total"], jobs["train_tagger"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workflow", type=Path, default=ROOT, help="folder of the Snakefile")
    workflow = parser.parse_args().workflow.resolve()
    print("# Planning a sweep\n")
    print("`python benchmarks/sweep_plan.py`\n")
    print(f"{describe_machine('snakemake')}\n")
    print("| sweep | trainings | jobs | dry run |")
    print("|---|---|---|---|")
    for name, sweep in SWEEPS.items():
        seconds, jobs, trainings = plan(workflow, BASE | {"sweeps": {"grid": sweep}})
        print(f"| {name} | {trainings} | {jobs} | {seconds:.1f} s |", flush=True)


if __name__ == "__main__":
    main()
