"""What one job makes of its records: lines of segments, blocks of posteriors, and counts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from basetag.corpus import Corpus
from basetag.intervals import check_names
from basetag.tracks.bigwig_blocks import PosteriorBlocks
from basetag.tracks.segment_lines import bed_lines, gff3_lines
from basetag.tracks.segments import CalledPack, segments_of
from basetag.tracks.summary import SegmentCounts, StateCounts

BED, GFF3, POSTERIORS = "segments.bed.gz", "segments.gff3.gz", "posteriors"
COUNTS = "counts.json"


def write_part(
    folder: Path, called: Iterable[CalledPack], genome: Corpus, states: Sequence[str]
) -> None:
    """Write what is called of some packs into a folder, for `gather` to put together.

    Nothing in it depends on which other packs the job has: parts of a genome, put together, have
    the same bytes as one that has it all.

    Parameters
    ----------
    folder : Path
        An empty one.
    called : iterable of CalledPack
        In order.
    genome : Corpus
    states : sequence of str
        Names of the states, by label.
    """
    import pysam

    check_names(genome.names)
    (folder / POSTERIORS).mkdir()
    counts = SegmentCounts([StateCounts() for _ in states])
    with (
        pysam.BGZFile(os.fspath(folder / BED), "wb", None) as bed,
        pysam.BGZFile(os.fspath(folder / GFF3), "wb", None) as gff3,
        PosteriorBlocks(folder / POSTERIORS, len(states), genome.lengths) as posteriors,
    ):
        for pack in called:
            for segments in segments_of(pack, genome.alphabet):
                counts.add(segments)
                bed.write(bed_lines(segments, genome.names, states))
                gff3.write(gff3_lines(segments, genome.names, states))
            bed.flush()
            gff3.flush()
            posteriors.add(pack)
    counts.write(folder / COUNTS)
