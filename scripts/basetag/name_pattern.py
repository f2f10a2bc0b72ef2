"""A regular expression that certain names meet and no others, short where the names are a grid.

A workflow matches every path against the names that may stand in it. Those of a sweep are many and
alike: ``bilstm-bases1000-hidden8`` differs from the next in one part alone. Written one after the
other, a thousand of them are 30 kB, which are compiled for every rule and copied for every job;
written as ``bilstm-bases(?:1000|2000)-hidden(?:8|16)`` they are a few hundred letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: What parts of a point's name are joined by (`config.points.point_name`).
JOINT = "-"
_NOTHING = "(?!)"


def name_pattern(names: Iterable[str]) -> str:
    """Return a regular expression without named groups that matches `names`, each as a whole.

    Parameters
    ----------
    names : iterable of str
        With none, nothing matches.

    Examples
    --------
    >>> name_pattern(["gru-hidden2-layers1", "gru-hidden2-layers2", "lstm"])
    '(?:gru-hidden2-(?:layers1|layers2)|lstm)'
    """
    parts = dict.fromkeys(tuple(name.split(JOINT)) for name in names)
    return _of_parts(list(parts)) if parts else _NOTHING


def _of_parts(names: list[tuple[str, ...]]) -> str:
    """Return the pattern of names in their parts: those that go on alike stand together."""
    following: dict[str, list[tuple[str, ...]]] = {}
    for first, *rest in names:
        following.setdefault(first, []).append(tuple(rest))
    alike: dict[frozenset[tuple[str, ...]], list[str]] = {}
    for first, rests in following.items():
        alike.setdefault(frozenset(rests), []).append(first)
    choices = []
    for heads in alike.values():
        rests = following[heads[0]]
        longer = [rest for rest in rests if rest]
        tail = JOINT + _of_parts(longer) if longer else ""
        if longer and len(longer) < len(rests):
            tail = f"(?:{tail})?"
        choices.append(_choice([re.escape(head) for head in heads]) + tail)
    return _choice(choices)


def _choice(patterns: list[str]) -> str:
    return patterns[0] if len(patterns) == 1 else f"(?:{'|'.join(patterns)})"
