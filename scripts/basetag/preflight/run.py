"""A whole run before it starts: all files of its users, its splits, its cost, its machine."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from basetag.alphabet import Alphabet
from basetag.corpus import CLASSIFY, NEXT_TOKEN, NEXT_VALUE, REGRESS
from basetag.errors import BasetagError
from basetag.feature_encoding import write_features
from basetag.intervals import check_names
from basetag.places import Places
from basetag.preflight import machine, remarks
from basetag.preflight.classified import look_at_classified
from basetag.preflight.costs import (
    Estimate,
    Sizes,
    estimates,
    size_text,
    time_text,
    total_disk,
    total_seconds,
)
from basetag.preflight.datasets import MOST_REHEARSED, Files, Look, look_at_dataset
from basetag.preflight.findings import Finding, in_order
from basetag.preflight.sequences import about_sequences, letters_with_case, survey_fasta
from basetag.region import region_within
from basetag.splits.table import SPLITS

log = logging.getLogger("basetag")

_WHOLE_RUN = "the run"


@dataclass(frozen=True)
class Preflight:
    """What was found.

    Parameters
    ----------
    findings : list of Finding
        Warnings first.
    datasets, genomes : dict
        Counts of each, by name.
    costs : list of Estimate
        By rule.
    """

    findings: list[Finding]
    datasets: dict[str, dict[str, Any]]
    genomes: dict[str, dict[str, Any]]
    costs: list[Estimate]

    def as_json(self) -> dict[str, Any]:
        """Return all of it as preflight.json has it."""
        return {
            "findings": [finding.as_json() for finding in self.findings],
            "datasets": self.datasets,
            "genomes": self.genomes,
            "estimates": [estimate.as_json() for estimate in self.costs],
        }


def preflight(
    settings: Mapping[str, Any],
    files: Sequence[Path],
    room: Path,
    *,
    gpus: int = 0,
    elsewhere: bool = False,
) -> Preflight:
    """Look at all that a run will read, and at what it will take.

    Every dataset and genome is looked at, and every file of sequences to be classified, whatever is
    wrong in the others; each mistake but the last is logged, and that one raised.

    Parameters
    ----------
    settings : mapping
        `config.preflight.preflight_settings`.
    files : sequence of Path
        The user's files, numbered by the settings.
    room : Path
        An existing folder on the disk of the results, for corpora that are thrown away.
    gpus : int
        GPUs that a job asks for.
    elsewhere : bool
        Whether jobs run on other machines than this one.

    Returns
    -------
    Preflight

    Raises
    ------
    InputError
        As the rules that read the files later.
    DeviceError
        Where this machine is to compute on GPUs that it does not show.
    """
    findings: list[Finding] = []
    errors: list[BasetagError] = []
    abouts: dict[str, dict[str, dict[str, Any]]] = {"datasets": {}, "genomes": {}}
    for kind, look in (("datasets", _look_at_dataset), ("genomes", _look_at_genome)):
        for name, own in settings[kind].items():
            try:
                found = look(name, own, files, room)
            except BasetagError as error:
                errors.append(error)
                continue
            abouts[kind][name] = found.about
            findings += found.notes
    for own in settings["classify"].values():
        try:
            look_at_classified(own, files[own["file"]])
        except BasetagError as error:
            errors.append(error)
    if not elsewhere:
        try:
            machine.check_gpus(gpus)
        except BasetagError as error:
            errors.append(error)
    if errors:
        *others, last = errors
        for other in others:
            log.error("%s", other)
        raise last
    findings += [
        Finding("note", f"dataset {dataset}", f"the tagger {tagger}", f"is not made: {why}")
        for dataset, tagger, why in settings["skipped"]
    ]
    findings += [
        finding for own in settings["generate"].items() for finding in remarks.on_generated(*own)
    ]
    costs = estimates(settings["work"], _sizes(settings, abouts))
    findings += _on_machine(costs, room, gpus, elsewhere=elsewhere)
    told = {n: a for n, a in abouts["datasets"].items() if not settings["datasets"][n]["of_sweep"]}
    return Preflight(in_order(findings), told, abouts["genomes"], costs)


def _look_at_dataset(
    name: str, settings: Mapping[str, Any], files: Sequence[Path], room: Path
) -> Look:
    where = f"dataset {name}"
    split = settings["split"]
    fractions = split.get("fractions")
    if settings["simulated"] is not None:
        about = {**settings["simulated"], "simulated": True}
        if settings["of_sweep"]:
            return Look(about, [])
        return Look(about, list(_on_simulated(where, about, split)))
    numbers = settings["files"]
    own = Files(
        sequences=files[numbers["sequences"]],
        labels=files[numbers["labels"]],
        table=None if numbers["table"] is None else files[numbers["table"]],
        features=[files[number] for number in numbers["features"]],
        heads=[files[number] for number in numbers["heads"]],
    )
    with tempfile.TemporaryDirectory(prefix=".preflight-", dir=room) as folder:
        look = look_at_dataset(name, settings, own, Path(folder))
    whole = look.about["task"] in (NEXT_TOKEN, NEXT_VALUE, CLASSIFY, REGRESS)
    about = {**look.about, "simulated": False, "unit": _unit(settings["encode"])}
    return Look(
        about,
        [
            *look.notes,
            *remarks.on_sequences(where, about, None if whole else settings["encode"]["leave_out"]),
            *remarks.on_labels(where, about),
            *remarks.on_splits(where, about, fractions),
        ],
    )


def _unit(encode: Mapping[str, Any]) -> str:
    """Return what records are made of, in words."""
    if "vocabulary" in encode:
        return str(encode["vocabulary"]["of"])
    if encode["labels"] == "next_value":
        return "numbers"
    return {"dna": "bases", "protein": "residues"}.get(encode["alphabet"], "letters")


def _on_simulated(
    where: str, about: Mapping[str, Any], split: Mapping[str, Any]
) -> Iterator[Finding]:
    """Yield what can be said of a split of sequences that are still to be simulated."""
    fractions = split.get("fractions")
    if fractions is None:
        return
    units = about["records"]
    if split["by"] == "block":
        units *= max(1, round(about["bases"] / units / split["block"]))
    yield from remarks.on_few_pieces(
        where, {name: round(units * fractions[name]) for name in ("validation", "test")}
    )


def _look_at_genome(
    name: str, settings: Mapping[str, Any], files: Sequence[Path], room: Path
) -> Look:
    where = f"genome {name}"
    if settings["file"] is None:
        fetched = Finding(
            "note", where, "sequences", "are fetched by their accession in the run",
            advice="nobody has looked at them yet, and what they will take is in no estimate",
        )  # fmt: skip
        return Look({"fetched": True}, [fetched])
    alphabet = Alphabet.named(settings["alphabet"])
    survey = survey_fasta(files[settings["file"]], letters_with_case(alphabet))
    about = {
        **about_sequences(survey, alphabet),
        "fetched": False,
        "unit": _unit({"labels": None, "alphabet": settings["alphabet"]}),
    }
    notes = list(remarks.on_sequences(where, about, None))
    check_names(survey.names, files[settings["file"]])
    for region in settings["regions"]:
        region_within(region, survey.names, survey.lengths)
    if settings["features"] and survey.letters <= MOST_REHEARSED:
        lengths = np.array(survey.lengths, dtype=np.int64)
        places = Places(survey.names, np.cumsum(lengths) - lengths, lengths)
        sources = [(feature, kind, files[number]) for feature, kind, number in settings["features"]]
        with tempfile.TemporaryDirectory(prefix=".preflight-", dir=room) as folder:
            write_features(folder, places, sources)
    return Look(about, notes)


def _sizes(
    settings: Mapping[str, Any], abouts: Mapping[str, Mapping[str, dict[str, Any]]]
) -> Sizes:
    shares = {}
    for name, about in abouts["datasets"].items():
        splits = about.get("splits")
        if splits:
            shares[name] = {s: splits[s]["bases"] / about["bases"] for s in SPLITS}
        else:
            given = settings["datasets"][name]["split"].get("fractions")
            shares[name] = dict(given or dict(zip(SPLITS, (0.8, 0.1, 0.1), strict=True)))
    return Sizes(
        {name: about["bases"] for name, about in abouts["datasets"].items()},
        shares,
        {n: about["bases"] for n, about in abouts["genomes"].items() if not about["fetched"]},
    )


def _on_machine(
    costs: Sequence[Estimate], room: Path, gpus: int, *, elsewhere: bool
) -> Iterator[Finding]:
    """Yield where the run may not fit onto its machine; what fits goes to the log alone.

    So that what is written is the same wherever there is room enough.
    """
    needed, free = total_disk(costs), machine.free_disk(room)
    log.info(
        "about %s on disk (%s are free), %s of one core%s",
        size_text(needed), size_text(free), time_text(total_seconds(costs)).removeprefix("about "),
        "; less on a GPU" if gpus else "",
    )  # fmt: skip
    if needed > free:
        yield Finding(
            "warning", _WHOLE_RUN, "room on disk", f"{size_text(free)} are free",
            f"about {size_text(needed)}", "make room, or run in a folder on another disk",
        )  # fmt: skip
    memory = None if elsewhere else machine.main_memory()
    for cost in costs:
        if memory is not None and cost.memory > memory:
            yield Finding(
                "warning", _WHOLE_RUN, f"memory of {cost.rule}",
                f"this machine has {size_text(memory)}", f"about {size_text(cost.memory)}",
                "make training: batch or window smaller, or take another machine",
            )  # fmt: skip
    if gpus and elsewhere:
        log.info("jobs run on other machines: nobody has looked for their GPUs")
