"""Files of lines that are compressed in blocks (BGZF) and indexed for genome browsers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal

#: From this length of a record on, an index must be .csi: tabix's own cannot reach further.
TBI_REACH = 1 << 29


def index_suffix(longest_record: int) -> str:
    """Return `.tbi`, or `.csi` where a record is too long for it."""
    return ".csi" if longest_record >= TBI_REACH else ".tbi"


def index_names(path: str | os.PathLike[str], longest_record: int) -> list[str]:
    """Return the names of a file's indices: its .tbi, and .csi where a record is too long for it.

    The .tbi is then a copy of the other one, which samtools' library reads by content.
    """
    return [os.fspath(path) + end for end in sorted({".tbi", index_suffix(longest_record)})]


def write_index(path: Path, preset: Literal["bed", "gff"], places: list[Path]) -> None:
    """Index a file of sorted lines.

    Parameters
    ----------
    path : Path
        A BGZF file.
    preset : {"bed", "gff"}
    places : list of Path
        Where the files that `index_names` names are to lie, in that order.
    """
    import pysam

    first = places[0]
    csi = first.suffix == ".csi"
    pysam.tabix_index(os.fspath(path), preset=preset, index=os.fspath(first), csi=csi, force=True)
    for copy in places[1:]:
        shutil.copyfile(first, copy)
