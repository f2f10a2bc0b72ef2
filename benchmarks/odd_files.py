"""What becomes of each file of real data, as a Markdown table: read, or refused in one line.

    BASETAG_DATA=folder PYTHONPATH=scripts:. python benchmarks/odd_files.py

Needs samtools beside the library. tests/test_real_files.py holds the same against other tools.
"""

import os
from pathlib import Path

from tests.real_files import files_of, outcome


def main(data: Path) -> None:
    """Print a row for each file below a folder."""
    print("| file | read as | outcome | other tools |")
    print("|---|---|---|---|")
    for path in files_of(data):
        found = outcome(path)
        if found is not None:
            told = f"error: {found.found}" if found.is_error else found.found
            cells = (str(path.relative_to(data)), found.kind, told, found.others)
            print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")


if __name__ == "__main__":
    main(Path(os.environ["BASETAG_DATA"]))
