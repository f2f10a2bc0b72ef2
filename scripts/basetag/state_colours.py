"""The colour of each state, the same in the report and in a genome browser."""

from __future__ import annotations

#: Okabe & Ito (2008), Color universal design, and Tol (2021), Colour schemes: they stay apart for
#: colour-blind eyes. Beyond twelve states, colours come again.
STATE_COLOURS = (
    "#D55E00",
    "#56B4E9",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#0072B2",
    "#F0E442",
    "#882255",
    "#999933",
    "#332288",
    "#44AA99",
    "#DDDDDD",
)


def colour_of(label: int) -> str:
    """Return the colour of a state, by its place among the states, as #RRGGBB."""
    return STATE_COLOURS[label % len(STATE_COLOURS)]


def rgb_of(label: int) -> str:
    """Return the same as BED files write it: red, green and blue, 0 to 255, parted by commas."""
    return ",".join(str(part) for part in bytes.fromhex(colour_of(label)[1:]))
