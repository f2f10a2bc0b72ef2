"""What a run will take, about: time, memory and disk of each rule, from what was measured before.

One table says what a base costs in each rule, and where that was measured; the rest is sums. Disk
is near the truth, memory within a half of it. Time is an order of magnitude: it is that of one core
of the server in benchmarks/, and neither a GPU nor other work on the machine enters it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

_MB = 10**6


@dataclass(frozen=True)
class Cost:
    """What a rule costs.

    Parameters
    ----------
    start : float
        Seconds of a job before its first base: libraries, compiled code.
    speed : float
        Bases in a second.
    memory : int
        Bytes that a job takes, whatever its bases.
    disk : float
        Bytes on disk for each base.
    source : str
        Where the figures are from.
    """

    start: float
    speed: float
    memory: int
    disk: float
    source: str


# `logs`: the benchmark files that a run leaves in logs/, of the default run (config.yaml: 12 Mb
# twice) where nothing else is said; an AMD EPYC, seconds of the processor.
COSTS: dict[str, Cost] = {
    "simulate_hmm": Cost(1, 50e6, 260 * _MB, 0.4, "benchmarks/simulate.md; logs"),
    "encode_fasta": Cost(1, 150e6, 150 * _MB, 2, "benchmarks/encode.md"),
    "encode_head": Cost(1, 150e6, 150 * _MB, 1, "as encode_fasta"),
    "encode_genome": Cost(1, 200e6, 150 * _MB, 1, "benchmarks/encode.md"),
    "encode_features": Cost(1, 5e6, 200 * _MB, 4, "four bytes for each number"),
    "split_records": Cost(1, 40e6, 600 * _MB, 0, "logs of 100 Mb in 5,000 records"),
    "mark_matches": Cost(1, 40e6, 500 * _MB, 1, "logs of 100 Mb in 5,000 records"),
    "make_controls": Cost(1, 15e6, 150 * _MB, 1, "benchmarks/controls.md"),
    "fit_baseline": Cost(1, 25e6, 300 * _MB, 0, "logs; benchmarks/exact_inference.md"),
    "predict_baseline": Cost(1, 50e6, 200 * _MB, 1, "benchmarks/exact_inference.md; logs"),
    "train_tagger": Cost(5, 1.3e6, 400 * _MB, 0, "benchmarks/training.md; logs"),
    "predict_network": Cost(4, 4e6, 550 * _MB, 1, "benchmarks/training.md, long_record.md"),
    "predict_head": Cost(4, 4e6, 550 * _MB, 0, "as predict_network"),
    "evaluate_tagger": Cost(1, 3e6, 250 * _MB, 0, "benchmarks/chance.md; logs"),
    "generate_sequences": Cost(4, 4e6, 450 * _MB, 0.3, "benchmarks/generation.md"),
    # What a part leaves goes when the parts are gathered; both lie there for a moment.
    "annotate_part": Cost(3, 4e6, 650 * _MB, 2.5, "benchmarks/long_record.md; bytes by state"),
    "gather_annotation": Cost(2, 10e6, 300 * _MB, 2.5, "bytes of a bigWig, by state"),
}

#: Bytes of a posterior: float32.
_NUMBER = 4

# Of a network's cell, relative to an LSTM of the same size, and what its gates hold in memory. A
# cell that nobody has measured is taken to be as an LSTM.
_LSTM = (1.0, 4)
_CELLS = {"none": (0.1, 1), "rnn": (0.4, 1), "mingru": (0.2, 2), "gru": (1.1, 3), "lstm": _LSTM}
# Microseconds of training for a base, a direction and a unit, and for each pair of units; and by
# how much validation, batches and the optimiser make it longer: benchmarks/training.md, and logs.
_UNIT, _PAIR, _LONGER = 0.0224, 8.1e-5, 2.5
_LAYER = 2.0  # a further layer reads numbers, and not the letters of a small table
_PREDICTION = 8.0  # times as many bases as in training
_STEP = 4e-4  # seconds of a letter of all sequences drawn side by side, however small the network
_ARRAYS = 5  # copies of all activations that training holds at once


@dataclass(frozen=True)
class Estimate:
    """What all jobs of a rule will take.

    Parameters
    ----------
    rule : str
    jobs : int
    seconds : float
        Of one core, all jobs together.
    memory : int
        Bytes that the largest of them takes.
    disk : int
        Bytes of what they leave on disk.
    """

    rule: str
    jobs: int
    seconds: float
    memory: int
    disk: int

    def as_json(self) -> dict[str, Any]:
        """Return the estimate as preflight.json has it, the seconds to two digits."""
        return asdict(self) | {"seconds": float(f"{self.seconds:.2g}")}


@dataclass(frozen=True)
class Sizes:
    """How much there is to work on.

    Parameters
    ----------
    bases : mapping of str to int
        Of each dataset.
    shares : mapping of str to mapping of str to float
        Of each dataset, the shares of train, validation and test.
    genomes : mapping of str to int
        Bases of the genomes that are to be annotated; without those that nobody has seen yet.
    """

    bases: Mapping[str, int]
    shares: Mapping[str, Mapping[str, float]]
    genomes: Mapping[str, int]


def estimates(work: Mapping[str, Any], sizes: Sizes) -> list[Estimate]:
    """Return what each rule of a run will take, in the order of `COSTS`.

    Parameters
    ----------
    work : mapping
        `Config.preflight_settings()["work"]`.
    sizes : Sizes
    """
    jobs = list(_jobs(work, sizes))
    found = []
    for rule in COSTS:
        own = [job for job in jobs if job.rule == rule]
        if own:
            found.append(
                Estimate(
                    rule,
                    sum(job.jobs for job in own),
                    sum(job.seconds for job in own),
                    max(job.memory for job in own),
                    sum(job.disk for job in own),
                )
            )
    return found


def _jobs(work: Mapping[str, Any], sizes: Sizes) -> Iterator[Estimate]:
    """Yield what alike jobs take, rule by rule and tagger by tagger."""
    for dataset, bases in sizes.bases.items():
        about = work["datasets"][dataset]
        if about["simulated"]:
            yield _plain("simulate_hmm", bases)
        yield _plain("encode_fasta", bases, disk=3 if about["substates"] else None)
        for _ in about.get("heads", ()):
            yield _plain("encode_head", bases)
        if about["features"]:
            yield _plain("encode_features", bases * about["features"])
        yield _plain("split_records", bases)
        yield _plain("mark_matches", bases, disk=sizes.shares[dataset]["test"])
        yield _plain("make_controls", 2 * work["controls"])
    for dataset, tagger, seeds, kept in work["runs"]:
        shares, bases = sizes.shares[dataset], sizes.bases[dataset]
        training = int(bases * shares["train"])
        predicted = int(bases * (shares["validation"] + shares["test"])) + 2 * work["controls"]
        # Those of a sweep's points go as soon as they are judged.
        disk = _NUMBER * work["datasets"][dataset]["states"] + 1 if kept else 0
        network = work["taggers"][tagger].get("network")
        if network is None:
            yield _plain("fit_baseline", _fitted(work["taggers"][tagger], training), seeds)
            yield _plain("predict_baseline", predicted, seeds, disk=disk)
        else:
            yield _training(network, seeds)
            yield _prediction("predict_network", network, predicted, seeds, disk)
            tested = int(bases * shares["test"])
            for states in (
                work["datasets"][dataset].get("heads", ()) if network.get("joint") else ()
            ):
                disk = _NUMBER * states if kept else 0
                yield _prediction("predict_head", network, tested, seeds, disk)
        yield _plain("evaluate_tagger", int(bases * shares["test"]), seeds)
    for drawn in work["generate"]:
        yield _generation(**drawn)
    for genome in work["genomes"]:
        if genome in sizes.genomes:
            yield _plain("encode_genome", sizes.genomes[genome])
    for use in work["annotations"]:
        if use["genome"] not in sizes.genomes:
            continue
        bases, network = sizes.genomes[use["genome"]], use["network"]
        for rule in ("annotate_part", "gather_annotation"):
            disk = use["states"] * COSTS[rule].disk
            if rule == "annotate_part" and network is not None:
                yield _prediction(rule, network, bases, 1, disk)
            else:
                yield _plain(rule, bases, disk=disk)


def _plain(rule: str, bases: int, jobs: int = 1, *, disk: float | None = None) -> Estimate:
    cost = COSTS[rule]
    each = cost.disk if disk is None else disk
    seconds = jobs * (cost.start + bases / cost.speed)
    return Estimate(rule, jobs, seconds, cost.memory, int(jobs * bases * each))


def _fitted(tagger: Mapping[str, Any], training: int) -> int:
    """Return the bases that fitting a baseline goes through, all passes together."""
    return int(tagger.get("passes", 1)) * min(training, tagger.get("bases") or training)


def microseconds(network: Mapping[str, Any]) -> float:
    """Return what a base costs in the training of a network, in microseconds of one core.

    Parameters
    ----------
    network : mapping
        `cell`, `hidden`, `layers`, `directions`.
    """
    hidden = float(network["hidden"])
    layer = _CELLS.get(network["cell"], _LSTM)[0] * (_UNIT * hidden + _PAIR * hidden**2)
    layers = 1 + _LAYER * (int(network["layers"]) - 1)
    return _LONGER * int(network["directions"]) * layers * layer


def _training(network: Mapping[str, Any], jobs: int) -> Estimate:
    cost = COSTS["train_tagger"]
    each = max(1 / cost.speed, microseconds(network) / 1e6)
    _, gates = _CELLS.get(network["cell"], _LSTM)
    activations = (
        network["batch"] * network["window"] * network["hidden"] * gates * network["directions"]
        * network["layers"] * _NUMBER
    )  # fmt: skip
    seconds = jobs * (cost.start + network["bases"] * each)
    return Estimate("train_tagger", jobs, seconds, cost.memory + _ARRAYS * activations, 0)


def _prediction(
    rule: str, network: Mapping[str, Any], bases: int, jobs: int, disk: float
) -> Estimate:
    cost = COSTS[rule]
    each = max(1 / cost.speed, microseconds(network) / 1e6 / _PREDICTION)
    seconds = jobs * (cost.start + bases * each)
    return Estimate(rule, jobs, seconds, cost.memory, int(jobs * bases * disk))


def _generation(network: Mapping[str, Any], records: int, length: int, rows: int) -> Estimate:
    rule = "generate_sequences"
    drawn = _prediction(rule, network, records * length, 1, COSTS[rule].disk)
    steps = -(-records // rows) * length
    return replace(drawn, seconds=drawn.seconds + steps * _STEP)


def total_disk(found: Sequence[Estimate]) -> int:
    """Return the bytes that a run leaves on disk."""
    return sum(estimate.disk for estimate in found)


def total_seconds(found: Sequence[Estimate]) -> float:
    """Return the seconds that a run takes one core."""
    return sum(estimate.seconds for estimate in found)


def size_text(n_bytes: float) -> str:
    """Return bytes in words: ``1.2 GB``."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= size:
            n = n_bytes / size
            return f"{n:.1f} {unit}" if n < 10 else f"{n:.0f} {unit}"
    return f"{n_bytes:.0f} bytes"


def time_text(seconds: float) -> str:
    """Return seconds in words, to one digit: ``about 3 minutes``."""
    for unit, size in (("day", 86400.0), ("hour", 3600.0), ("minute", 60.0)):
        if seconds >= size:
            n = float(f"{seconds / size:.1g}")
            return f"about {n:,.0f} {unit}{'' if n == 1 else 's'}"
    return "less than a minute"
