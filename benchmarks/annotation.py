"""Annotate one long record, and many short ones, under a limit on anonymous memory.

    python benchmarks/annotation.py > benchmarks/annotation.md

A genome is simulated into a gzipped FASTA file; then a process of its own encodes it, annotates it
by Viterbi's path and gathers all tracks, as the rules of the workflow do. The limit is the
kernel's (RLIMIT_DATA: private memory that can be written, as soon as it is asked for, used or
not); what is mapped from files does not count. The network has weights that were drawn and not
trained: its posteriors change from base to base, which makes bigWig files as large as they get.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

import pysam  # noqa: E402
from benchmarks.machine import describe_machine  # noqa: E402

import annotate_part  # noqa: E402
import gather_annotation  # noqa: E402
from basetag.alphabet import DNA  # noqa: E402
from basetag.corpus import Corpus  # noqa: E402
from basetag.corpus_encoding import write_corpus  # noqa: E402
from basetag.hmm import HMM  # noqa: E402
from basetag.hmm_spec import load_hmm_spec  # noqa: E402
from basetag.simulation import sample_emissions, sample_paths  # noqa: E402
from basetag.tracks.plan import write_plan  # noqa: E402

SETTINGS = {"decoding": {"method": "viterbi", "minimum_length": 1}, "both_strands": None}
WILDCARDS = {"genome": "simulated", "dataset": "blocks", "seed": "1"}
CONTIG = 200
AT_ONCE = 5_000_000
TAGGERS = ("lstm", "exact")


def model() -> HMM:
    """Return the model of the preset `blocks`."""
    return HMM.from_settings(load_hmm_spec(ROOT / "resources/hmms/blocks.yaml").settings())


def write_genome(path: Path, bases: int, contigs: int) -> None:
    """Simulate one record, or so many contigs of 200 bases, and compress them."""
    hmm, rng = model(), np.random.default_rng(1)
    letters = np.frombuffer(DNA.symbols.encode(), dtype=np.uint8)
    total, length = (contigs * CONTIG, CONTIG) if contigs else (bases, AT_ONCE)
    with pysam.BGZFile(str(path), "wb", None) as file:
        if not contigs:
            file.write(b">long\n")
        for start in range(0, total, AT_ONCE):
            part = min(AT_ONCE, total - start)
            lengths = np.full(-(-part // length), min(length, part))
            tokens = letters[sample_emissions(hmm, sample_paths(hmm, lengths, rng), rng)]
            if not contigs:
                file.write(tokens.tobytes() + b"\n")
                continue
            rows = tokens.reshape(-1, CONTIG)
            first = start // CONTIG
            file.write(
                b"".join(b">contig%d\n%b\n" % (first + i, row) for i, row in enumerate(rows))
            )


def write_taggers(folder: Path) -> None:
    """Write a network with drawn weights, and the simulating model."""
    import torch

    from basetag.baselines import HMMTagger
    from basetag.network_tagger import NetworkTagger
    from basetag.networks.tagger_network import TaggerNetwork

    hmm = model()
    card = {
        "name": "blocks", "description": "", "parameters": 0, "alphabet": "dna",
        "states": list(hmm.states), "state_names": {state: state for state in hmm.states},
        "training": {"prior": [0.5, 0.5], "transition": [[0.99, 0.01], [0.01, 0.99]]},
    }  # fmt: skip
    parts = {"cell": "lstm", "hidden": 32, "bidirectional": True}
    network = TaggerNetwork(DNA, 2, **parts)
    network.initialise(torch.Generator().manual_seed(1))
    of_network = {"kind": "network", "both_strands": False, "architecture": parts}
    NetworkTagger(network, card | of_network, torch.device("cpu")).save(folder / "lstm")
    tensors = {"start": hmm.start, "transition": hmm.transition, "emission": hmm.emission}
    of_model = {"kind": "hmm", "architecture": {"baseline": "exact"}}
    HMMTagger(card | of_model, tensors).save(folder / "exact")


class PeakMemory:
    """The most anonymous memory that this process had at any time that was looked at."""

    def __init__(self) -> None:
        self.bytes = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            text = Path("/proc/self/status").read_text()
            kilobytes = int(text.split("RssAnon:")[1].split()[0])
            self.bytes = max(self.bytes, kilobytes * 1024)
            time.sleep(0.1)


def annotate(folder: Path, tagger: Path, bases_per_job: int | None, memory: int) -> None:
    """Encode, annotate and gather; print what each step took as a line of JSON."""
    peak = PeakMemory()
    seconds = {}

    @contextmanager
    def timed(step: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        seconds[step] = seconds.get(step, 0.0) + time.perf_counter() - began

    corpus = folder / "corpus"
    with timed("encode"):
        write_corpus(corpus, folder / "genome.fa.gz", DNA)
    genome = Corpus.open(corpus)
    n_parts = write_plan(folder / "parts.tsv", genome, bases_per_job)
    parts = [folder / "parts" / str(number) for number in range(n_parts)]
    for number, part in enumerate(parts):
        with timed("annotate"):
            annotate_part.main(
                SETTINGS, 0, memory // 2**20, 1, corpus, tagger, folder / "parts.tsv", number, part
            )
    out = folder / "tracks"
    with timed("gather"):
        outputs = {
            name: out / name
            for name in (
                "bed.gz",
                "gff3.gz",
                "posteriors",
                "summary",
                "distributions",
                "composition",
            )
        }
        gather_annotation.main(
            SETTINGS, WILDCARDS | {"tagger": tagger.name}, parts, corpus, tagger,
            {name.split(".")[0]: path for name, path in outputs.items()},
        )  # fmt: skip
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(
        json.dumps(
            {
                "bases": int(genome.lengths.sum()),
                "jobs": n_parts,
                "seconds": seconds,
                "peak": peak.bytes,
                "size": size,
            }
        )
    )


def main() -> None:
    """Annotate each genome with each tagger."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--bases", type=int, default=1_000_000_000, help="of the long record; 0 for none"
    )
    parser.add_argument(
        "--contigs", type=int, default=1_000_000, help="of 200 bases each; 0 for none"
    )
    parser.add_argument("--limit", type=int, default=3000, help="megabytes of anonymous memory")
    parser.add_argument("--bases-per-job", type=int, default=250_000_000)
    parser.add_argument("--taggers", nargs="+", choices=TAGGERS, default=TAGGERS)
    parser.add_argument("--folder", help="where the files lie meanwhile; about 25 bytes a base")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        resource.setrlimit(resource.RLIMIT_DATA, (options.limit * 10**6,) * 2)
        folder, tagger = map(Path, options.child)
        # As the rules have it: the job stays below this, whatever the limit.
        annotate(folder, tagger, options.bases_per_job, memory=1500 * 2**20)
        return
    print("# Annotating a long record, and many short ones\n")
    print(f"`python benchmarks/{Path(__file__).name} {' '.join(sys.argv[1:])}`\n")
    print(describe_machine("torch", "numba"))
    print(f"\nUnder a limit of {options.limit} MB on anonymous memory, one thread.\n")
    print("| genome | tagger | jobs | encode, s | annotate, s | gather, s | annotate, kb/s |"
          " peak of anonymous memory | all tracks, bytes a base |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    genomes = {
        f"one record of {options.bases / 1e6:g} Mb": (options.bases, 0),
        f"{options.contigs:,} contigs of {CONTIG} bp": (0, options.contigs),
    }
    genomes = {name: sizes for name, sizes in genomes.items() if any(sizes)}
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        write_taggers(Path(place))
        for number, (name, (bases, contigs)) in enumerate(genomes.items()):
            for tagger in options.taggers:
                folder = Path(place, f"{number}{tagger}")
                folder.mkdir()
                write_genome(folder / "genome.fa.gz", bases, contigs)
                run = subprocess.run(
                    [
                        sys.executable, __file__, "--limit", str(options.limit),
                        "--bases-per-job", str(options.bases_per_job),
                        "--child", str(folder), str(Path(place, tagger)),
                    ],
                    stdout=subprocess.PIPE, text=True, check=True,
                )  # fmt: skip
                found = json.loads(run.stdout)
                took = found["seconds"]
                print(
                    f"| {name} | {tagger} | {found['jobs']} | {took['encode']:.0f} |"
                    f" {took['annotate']:.0f} | {took['gather']:.0f} |"
                    f" {found['bases'] / took['annotate'] / 1e3:,.0f} |"
                    f" {found['peak'] / 1e6:.0f} MB | {found['size'] / found['bases']:.2f} |",
                    flush=True,
                )
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()
