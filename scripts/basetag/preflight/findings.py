"""What a preflight says: findings, each with what was found, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from basetag.files import write_table

Level = Literal["warning", "note"]

#: From what needs looking at to what is good to know. An error ends the run, and is no finding.
LEVELS: tuple[Level, ...] = ("warning", "note")

_COLUMNS = ("level", "where", "subject", "found", "expected", "advice")


@dataclass(frozen=True)
class Finding:
    """One thing that somebody should know before a run.

    Parameters
    ----------
    level : {"warning", "note"}
        A warning says that results may not be what one thinks they are, or that the run may not
        come to its end.
    where : str
        The dataset or genome, as in ``dataset toy``; ``the run`` for all of it.
    subject : str
        What was looked at.
    found : str
    expected : str
        Empty where there is nothing to expect.
    advice : str
        What to do about it; may be empty.
    """

    level: Level
    where: str
    subject: str
    found: str
    expected: str = ""
    advice: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.subject}: {self.found}"
        if self.expected:
            text += f" (expected: {self.expected})"
        return f"{text}; {self.advice}" if self.advice else text

    def as_json(self) -> dict[str, Any]:
        """Return the finding as preflight.json has it."""
        return asdict(self)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return warnings first, each level in the order in which its findings came."""
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    """Write findings as a table at `path` itself: one line each, under the names of the columns."""
    rows = [tuple(" ".join(str(getattr(f, c)).split()) for c in _COLUMNS) for f in findings]
    write_table(path, _COLUMNS, rows)
