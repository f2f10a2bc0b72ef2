"""The parts of an annotation, put together and indexed for genome browsers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from basetag.corpus import Corpus
from basetag.files import folder_written_whole, written_whole
from basetag.letters import one_word
from basetag.tracks.bgzf import index_names, join_bgzf, write_index
from basetag.tracks.bigwig import join_bigwig, safe_names
from basetag.tracks.part import BED, GFF3, POSTERIORS
from basetag.tracks.segment_lines import bed_header, gff3_header

AnyPath = str | os.PathLike[str]


def gather(
    parts: Sequence[Path],
    genome: Corpus,
    about: Mapping[str, str],
    states: Sequence[str],
    *,
    bed: AnyPath,
    gff3: AnyPath,
    posteriors: AnyPath,
) -> None:
    """Write the tracks of a genome from their parts; memory does not grow with these.

    Parameters
    ----------
    parts : sequence of Path
        Folders of `write_part`, in the genome's order.
    genome : Corpus
    about : mapping of str to str
        What stands above the segments: see `about_tracks`.
    states : sequence of str
        Names of the states, by label.
    bed, gff3 : path-like
        Files of BGZF. Indices, .tbi, lie beside them; see `index_names`.
    posteriors : path-like
        A folder. It gets a bigWig of each state, called what `safe_names` makes of its name.
    """
    longest = int(genome.lengths.max(initial=0))
    indices = [index_names(path, longest) for path in (bed, gff3)]
    with (
        folder_written_whole(posteriors) as folder,
        written_whole(bed, gff3, *indices[0], *indices[1]) as (bed_place, gff3_place, *places),
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
        for label, name in enumerate(safe_names([one_word(state) for state in states])):
            join_bigwig(folder / f"{name}.bw", genome.names, genome.lengths, blocks, label)
