"""The parts of an annotation, put together and indexed for genome browsers."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from basetag.corpus import Corpus
from basetag.files import folder_written_whole, written_whole
from basetag.letters import one_word
from basetag.tracks.bgzf import index_names, join_bgzf, write_index
from basetag.tracks.bigwig import join_bigwig, safe_names
from basetag.tracks.part import BED, COUNTS, GFF3, POSTERIORS
from basetag.tracks.segment_lines import bed_header, gff3_header
from basetag.tracks.summary import read_counts, write_distributions, write_summary

log = logging.getLogger(__name__)

AnyPath = str | os.PathLike[str]


def gather(
    parts: Sequence[Path],
    genome: Corpus,
    about: Mapping[str, str],
    states: Mapping[str, str],
    *,
    bed: AnyPath,
    gff3: AnyPath,
    posteriors: AnyPath,
    summary: AnyPath,
    distributions: AnyPath,
) -> None:
    """Write the tracks of a genome from their parts; memory does not grow with these.

    Parameters
    ----------
    parts : sequence of Path
        Folders of `write_part`, in the genome's order.
    genome : Corpus
    about : mapping of str to str
        What stands above the segments: see `about_tracks`.
    states : mapping of str to str
        Letter to name of each state, in the order of labels.
    bed, gff3 : path-like
        Files of BGZF. Indices, .tbi, lie beside them; see `index_names`.
    posteriors : path-like
        A folder. It gets a bigWig of each state, called what `safe_names` makes of its name.
    summary, distributions : path-like
        Tables: see `basetag.tracks.summary`.
    """
    longest = int(genome.lengths.max(initial=0))
    indices = [index_names(path, longest) for path in (bed, gff3)]
    with (
        folder_written_whole(posteriors) as folder,
        written_whole(bed, gff3, summary, distributions, *indices[0], *indices[1]) as (
            bed_place,
            gff3_place,
            summary_place,
            distributions_place,
            *places,
        ),
    ):
        join_bgzf(bed_place, [bed_header(about)], [part / BED for part in parts])
        join_bgzf(
            gff3_place,
            gff3_header(about, genome.names, genome.lengths),
            [part / GFF3 for part in parts],
        )
        write_index(bed_place, "bed", places[: len(indices[0])])
        write_index(gff3_place, "gff", places[len(indices[0]) :])
        blocks = [part / POSTERIORS for part in parts]
        for label, name in enumerate(safe_names([one_word(name) for name in states.values()])):
            join_bigwig(folder / f"{name}.bw", genome.names, genome.lengths, blocks, label)
        counts = read_counts([part / COUNTS for part in parts])
        write_summary(summary_place, counts, states)
        write_distributions(distributions_place, counts, states)
    n_segments = sum(state.lengths.total() for state in counts.states)
    log.info("%d segments on %d bases", n_segments, genome.tokens.size)
