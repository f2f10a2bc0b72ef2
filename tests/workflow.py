"""Running the workflow as a user does: a copy of it, a config, and Snakemake as a process."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.conftest import REPOSITORY

PARTS = ("Snakefile", "config.yaml", "rules", "scripts", "envs", "resources", "report", "profiles")

#: A run of every rule but the fetching one, in well under a minute.
TINY = {
    "datasets": {
        "tiny": {"simulate": {"hmm": "toy", "records": 60, "length": 200, "seed": 1}},
        "own": {
            "fasta": "own.fa",
            "labels": {"fasta": "own.states.fa", "states": {"H": "GC-rich", "L": "GC-poor"}},
            "split": {"by": "block", "block": 100, "gap": 10},
        },
    },
    "taggers": {
        "gru": {"cell": "gru", "hidden": 3, "layers": 2},
        "exact": {"baseline": "exact"},
        "majority": {"baseline": "majority"},
    },
    "seeds": [1],
    "training": {"bases": 10_000, "batch": 4, "window": 100, "validations": 2},
    "evaluation": {
        "pairs": 50,
        "seed": 1,
        "shown_records": 1,
        "shown_bases": 120,
        "controls": {"bases": 2000},
    },
    "annotate": {
        "phage": {
            "fasta": "phage.fa",
            "taggers": [{"dataset": "tiny", "tagger": name} for name in ("gru", "exact")],
        }
    },
    "sweeps": {"size": {"datasets": {"tiny": {}}, "taggers": {"gru": {"hidden": [2]}}}},
}


def copy_workflow(folder: Path) -> Path:
    """Copy what the workflow needs into `folder`, without what a run left there.

    What was compiled goes with its sources, whose dates are kept: the jobs need not compile it
    anew. Files that are being written then may be gone when they are copied.
    """
    folder.mkdir()
    ignored = shutil.ignore_patterns(".snakemake", "*.tmp.*", "*.pyc.*")
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignored)
        else:
            shutil.copy2(source, folder / part)
    return folder


def write_config(folder: Path, config: dict) -> Path:
    """Write `config` and the small FASTA files that `TINY` names into `folder`."""
    rich, poor = "GGCCGCGAGC" * 30, "ATTAATCTAA" * 30
    (folder / "own.fa").write_text(f">one\n{rich}{poor}\n>two\n{poor}{rich}N\n")
    (folder / "own.states.fa").write_text(
        f">one\n{'H' * 300}{'L' * 300}\n>two\n{'L' * 300}{'H' * 300}.\n"
    )
    (folder / "phage.fa").write_text(f">phage first\n{rich}{poor}{rich}\n>empty\n>one_base\nA\n")
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def snakemake(
    workflow: Path,
    config: Path,
    *arguments: str,
    over: Path | None = None,
    environment: dict | None = None,
) -> subprocess.CompletedProcess:
    """Run Snakemake in the folder of `config`, `over` laid over it, with two cores."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow / "Snakefile")]
    command += ["--cores", "2", *arguments]
    # The last option: Snakemake takes every word behind it for one more config.
    command += ["--configfile", str(config), *([str(over)] if over else [])]
    return subprocess.run(
        command,
        cwd=config.parent,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def planned(workflow: Path, config: Path, *arguments: str, over: Path | None = None) -> set[str]:
    """Return the rules that a dry run would run, the target rule apart."""
    run = snakemake(workflow, config, "--dry-run", *arguments, over=over)
    assert run.returncode == 0, run.stderr
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total ", run.stdout, re.DOTALL | re.MULTILINE)
    if table is None:
        assert "Nothing to be done" in run.stdout + run.stderr
        return set()
    return {line.split()[0] for line in table[1].splitlines()} - {"all"}
