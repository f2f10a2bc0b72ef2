"""The regions of annotated genomes that the report shows base by base, as it reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from basetag.region import Region


class ShownTrack(NamedTuple):
    """What one tagger says of a region.

    Attributes
    ----------
    tagger : str
    states : list of str
        Names, by label.
    posterior : ndarray of uint16, (bases, states)
        In thousandths.
    segments : ndarray of int64, (segments, 4)
        Start and end within the region, label, and mean posterior in thousandths.
    """

    tagger: str
    states: list[str]
    posterior: NDArray[np.uint16]
    segments: NDArray[np.int64]


@dataclass(frozen=True)
class ShownRegion:
    """A region of a genome, and what each of its annotations says of it."""

    genome: str
    region: Region
    tracks: list[ShownTrack]


def read_regions(path: Path) -> list[ShownRegion]:
    """Read ``…/{genome}/regions.npz``, as `basetag.tracks.regions.write_regions` writes it."""
    genome = path.absolute().parent.name
    with np.load(path, allow_pickle=False) as arrays:
        names = [str(name) for name in arrays["annotations"]]
        places = zip(arrays["records"], arrays["starts"], arrays["ends"], strict=True)
        return [
            ShownRegion(
                genome,
                Region(str(record), int(start), int(end)),
                [
                    ShownTrack(
                        name,
                        [str(state) for state in arrays[f"states.{number}"]],
                        arrays[f"posterior.{place}.{number}"],
                        arrays[f"segments.{place}.{number}"],
                    )
                    for number, name in enumerate(names)
                ],
            )
            for place, (record, start, end) in enumerate(places)
        ]
