"""Chosen regions of an annotated genome, read back from its tracks for the report."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.files import written_whole
from basetag.intervals import read_bed
from basetag.letters import one_word
from basetag.region import Region, region_within
from basetag.tracks.bigwig import safe_names
from basetag.tracks.bigwig_blocks import ONE

#: Bases of the region that is shown where none is chosen.
DEFAULT_BASES = 20_000


@dataclass(frozen=True)
class AnnotationFiles:
    """The tracks of one annotation.

    Parameters
    ----------
    name : str
        Dataset, tagger and seed.
    bed : Path
        Indexed.
    posteriors : Path
        Folder of the bigWig files.
    states : sequence of str
        Names of the states, by label.
    """

    name: str
    bed: Path
    posteriors: Path
    states: Sequence[str]


def write_regions(
    path: Path, regions: Sequence[str], genome: Corpus, annotations: Sequence[AnnotationFiles]
) -> list[Region]:
    """Write what each annotation says of some regions, as `read_regions` of the report reads it.

    Parameters
    ----------
    path : Path
        A .npz, written whole or not at all: `records`, `starts`, `ends` (regions,); `annotations`;
        of annotation i its `states.i`; of region r and annotation i `posterior.r.i`, uint16
        (bases, states) in thousandths, and `segments.r.i`, int64 (segments, 4): start and end,
        within the region, label, and score of 1,000.
    regions : sequence of str
        As `Region` reads them; none of them takes `DEFAULT_BASES` around the first change of state
        that the first annotation has.
    genome : Corpus
    annotations : sequence of AnnotationFiles
        At least one.

    Returns
    -------
    list of Region

    Raises
    ------
    InputError
        For a region of a record that the genome does not have, or beyond its end.
    """
    lengths = genome.lengths.tolist()
    chosen = [region_within(text, genome.names, lengths) for text in regions]
    chosen = chosen or [_default(genome, annotations[0])]
    arrays: dict[str, Any] = {
        "records": np.array([region.record for region in chosen]),
        "starts": np.array([region.start for region in chosen], dtype=np.int64),
        "ends": np.array([region.end for region in chosen], dtype=np.int64),
        "annotations": np.array([annotation.name for annotation in annotations]),
    }
    for number, annotation in enumerate(annotations):
        arrays[f"states.{number}"] = np.array([one_word(state) for state in annotation.states])
        for place, region in enumerate(chosen):
            arrays[f"posterior.{place}.{number}"] = _posterior(annotation, region)
            arrays[f"segments.{place}.{number}"] = np.array(
                list(_segments(annotation, region)), dtype=np.int64
            ).reshape(-1, 4)
    with written_whole(path) as (target,):
        np.savez_compressed(target, allow_pickle=False, **arrays)
    return chosen


def _default(genome: Corpus, annotation: AnnotationFiles) -> Region:
    """Return what lies around the first change of state, or the longest record's beginning."""
    record, at = genome.names[int(genome.lengths.argmax())], 0
    for name, runs in read_bed(annotation.bed, annotation.states):
        if len(runs.starts) > 1:
            record, at = name, int(runs.ends[0])
            break
    length = int(genome.lengths[genome.names.index(record)])
    end = min(max(at - DEFAULT_BASES // 2, 0) + DEFAULT_BASES, length)
    return Region(record, max(end - DEFAULT_BASES, 0), end)


def _posterior(annotation: AnnotationFiles, region: Region) -> NDArray[np.uint16]:
    import pyBigWig

    columns = []
    for name in safe_names([one_word(state) for state in annotation.states]):
        with pyBigWig.open(os.fspath(annotation.posteriors / f"{name}.bw")) as bigwig:
            columns.append(bigwig.values(region.record, region.start, region.end, numpy=True))
    values = np.stack(columns, axis=1).astype(np.float64) * ONE
    return np.asarray(np.rint(values), dtype=np.uint16)


def _segments(annotation: AnnotationFiles, region: Region) -> Iterator[tuple[int, int, int, int]]:
    import pysam

    label_of = {one_word(state): label for label, state in enumerate(annotation.states)}
    with pysam.TabixFile(os.fspath(annotation.bed), encoding="utf-8") as bed:
        for line in bed.fetch(region.record, region.start, region.end):
            _, start, end, name, score, *_ = line.split("\t")
            yield (
                max(int(start), region.start) - region.start,
                min(int(end), region.end) - region.start,
                label_of[name],
                int(score),
            )
