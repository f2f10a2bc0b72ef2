"""The charts of the page as SVG files, for papers and for Snakemake's own report.

Each holds its caption and its description in words, as title and desc, so that the file says what
it shows wherever it goes. Letters are letters: a viewer draws them in its own sans-serif, of which
the most common ones have the widths that the layout was made for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path

from basetag.files import folder_written_whole
from basetag.report.drawing import svg_of
from basetag.report.page import Figure


def write_figures(figures: Mapping[str, Figure], folder: str | Path) -> None:
    """Write ``{name}.svg`` of each figure into `folder`, all or none.

    Parameters
    ----------
    figures : mapping of str to Figure
        By name: dataset or genome, a dot, and what the figure is.
    folder : path
        The target; what lay there before is gone.
    """
    with folder_written_whole(folder) as place:
        for name, figure in figures.items():
            svg = _told(_named(svg_of(figure.spec), name), figure)
            (place / f"{name}.svg").write_text(svg, encoding="utf-8")


def _named(svg: str, name: str) -> str:
    """Return an SVG whose parts are numbered anew, after its own name.

    The runtime counts on from one drawing to the next; and in one page two drawings must not have
    parts of one name.
    """
    parts = re.findall(r' id="([^"]+)"', svg)
    new = {part: f"{name}-{number}" for number, part in enumerate(parts, start=1)}
    return re.sub(
        r'( id="|url\(#)([^")]+)', lambda found: found[1] + new.get(found[2], found[2]), svg
    )


def _told(svg: str, figure: Figure) -> str:
    """Return an SVG with the words of its figure in it."""
    words = f"<title>{escape(figure.caption)}</title><desc>{escape(figure.description)}</desc>"
    return re.sub(r"^(<svg\b[^>]*)>", lambda found: f'{found[1]} role="img">{words}', svg, count=1)
