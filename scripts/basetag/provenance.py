"""What a result depends on besides its inputs and settings: library versions and the processor.

Equal inputs give equal bytes on one instruction set and one set of library versions; this module
says which those were.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from basetag import __version__
from basetag.files import canonical_json
from basetag.tagger_file import read_tagger

#: Distributions whose version can change a number.
LIBRARIES = (
    "numpy",
    "numba",
    "torch",
    "scipy",
    "scikit-learn",
    "hmmlearn",
    "biopython",
    "pysam",
    "pyrodigal",
)

# From the widest on: the first that a processor has is the one that kernels are written for.
_INSTRUCTION_SETS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "asimd": "NEON"}


def instruction_set() -> str:
    """Return the processor's architecture and its widest vector instructions, where it says."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.machine()
    flags = {
        flag
        for line in text.splitlines()
        if line.lower().startswith(("flags", "features"))
        for flag in line.partition(":")[2].split()
    }
    widest = next((name for flag, name in _INSTRUCTION_SETS.items() if flag in flags), None)
    return f"{platform.machine()} with {widest}" if widest else platform.machine()


def environment() -> dict[str, str]:
    """Return the versions of Python, Basetag and the libraries, and the instruction set."""
    versions = {"processor": instruction_set(), "python": platform.python_version()}
    versions["basetag"] = __version__
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # a conda environment of a lighter weight class
    return versions


def provenance(
    taggers: Iterable[Path], timings: Iterable[Path], others: Iterable[Path] = ()
) -> Mapping[str, str | Sequence[str] | Mapping[str, str]]:
    """Return what the report's last section says: commands, versions, digests.

    Parameters
    ----------
    taggers : iterable of Path
        ``…/{dataset}/{tagger}/seed{seed}/tagger.safetensors`` of every tagger on the page.
    timings : iterable of Path
        The timing.json beside each, which holds the environment that made the tagger.
    others : iterable of Path
        Taggers by whose files alone genomes were annotated.
    """
    # All taggers of a dataset are fitted on one training split.
    digests: dict[str, str] = {}
    files: dict[str, str] = {}
    scored: Counter[str] = Counter()
    for path in taggers:
        dataset, *run = path.absolute().parts[-4:-1]
        scored[dataset] += 1
        digests[dataset] = read_tagger(path)[1]["training"]["digest"]
        files["/".join((dataset, *run))] = _sha256(path)
    files |= {str(path): _sha256(path) for path in others}
    found: dict[str, str | Sequence[str] | Mapping[str, str]] = {
        "The same again": [
            f"make setup   # in a clone of Basetag {__version__}",
            "# save the config below as again.yaml, beside the files that it names, then",
            ".venv/bin/snakemake --configfile again.yaml",
        ],
        "Written by": environment(),
        **_other_makers(timings),
        "Test evaluations": _evaluations(scored),
        "Digest of the training data (BLAKE2b)": digests,
        "Digest of each tagger.safetensors (SHA-256)": files,
    }
    return {title: about for title, about in found.items() if about}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _evaluations(scored: Mapping[str, int]) -> dict[str, str]:
    """Return how often each test split was looked at; nothing where there is none."""
    if not scored:
        return {}
    return {
        **{
            dataset: f"the test split was scored {number} times for this page: once for each "
            "tagger and seed"
            for dataset, number in scored.items()
        },
        "not counted": "runs before this one, with other settings or code. Who looks at the test "
        "figures and then chooses by them has used the test split up",
    }


def _other_makers(timings: Iterable[Path]) -> dict[str, dict[str, str]]:
    """Return each environment, other than that of this process, in which taggers were made."""
    own = environment()
    made: dict[str, list[str]] = {}
    for path in timings:
        maker = json.loads(path.read_text(encoding="utf-8"))["environment"]
        if maker != own:
            name = "/".join(path.absolute().parts[-4:-1])
            made.setdefault(canonical_json(maker), []).append(name)
    return {f"Made by: {', '.join(names)}": json.loads(maker) for maker, names in made.items()}
