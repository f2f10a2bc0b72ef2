"""Print the tables of an example's page from its run, and draw its picture.

    make example NAME=ecoli
    python benchmarks/examples.py runs/ecoli --tagger codons --picture docs/example_ecoli.svg

The tables hold what the run's metrics.json and differences.tsv say, and what each tagger is worth
on the validation split, as it calls states and by its most probable state base by base: a decoding
is chosen there, and not on the test split. The picture shows what is annotated and what the taggers
call where, of all test sequence, most is annotated.
"""

import argparse
import csv
import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Colours of the report: Okabe & Ito's, and grey for what is not looked for.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7")
REST, UNLABELLED = "#e6e6e6", "#ffffff"
WIDTH, LEFT, TOP, ROW = 760, 150, 26, 22

Figure = dict[str, float | None]


def shown(figure: Figure) -> str:
    """Return a figure with its interval."""
    if figure["value"] is None:
        return ""
    if figure.get("low") is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def table(metrics: list[dict[str, Any]]) -> None:
    """Print a row of figures for each tagger, the best accuracy first."""
    names = metrics[0]["state_names"]
    heads = [f"F1 of {names[state]}" for state in metrics[0]["states"]]
    print("| tagger |", " | ".join(["accuracy", "MCC", *heads, "segment F1", "nats a base"]), "|")
    print("|---" * (len(heads) + 5) + "|")
    for one in sorted(metrics, key=lambda found: -found["mcc"]["value"]):
        cells = [shown(one["accuracy"]), shown(one["mcc"])]
        cells += [shown(one["classes"][state]["f1"]) for state in one["states"]]
        cells += [shown(one["segments"]["f1"]), f"{one['cross_entropy']['value']:.4f}"]
        print(f"| `{one['tagger']}` |", " | ".join(cells), "|")


def differences(path: Path, tagger: str | None) -> None:
    """Print what is told of the pairs of taggers, or of those with `tagger`, on the test bases."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    rows = [row for row in rows if tagger in (None, row["tagger"], row["other"])]
    print("\n| tagger | other | measure | difference | 95 % interval |\n|---|---|---|---|---|")
    for row in rows:
        low, high = (f"{float(row[key]):+.4f}" if row[key] else "" for key in ("low", "high"))
        print(
            f"| `{row['tagger']}` | `{row['other']}` | {row['measure']} "
            f"| {float(row['difference']):+.4f} | {low} to {high} |"
        )


def labels_of(folder: Path, split: str) -> Iterator[tuple[str, int, NDArray[np.uint8]]]:
    """Yield the record, the start and the labels of each segment of a split, in its order."""
    with (folder / "split.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["split"] == split]
    with (folder / "corpus/records.tsv").open(encoding="utf-8") as file:
        offsets = {row["record"]: int(row["start"]) for row in csv.DictReader(file, delimiter="\t")}
    labels = np.load(folder / "corpus/labels.npy", mmap_mode="r")
    for row in rows:
        start, end, offset = int(row["start"]), int(row["end"]), offsets[row["record"]]
        yield row["record"], start, np.asarray(labels[offset + start : offset + end])


def f1(truth: NDArray[np.uint8], called: NDArray[np.uint8], state: int) -> float:
    """Return the F1 of the bases of a state; 0 where there are none."""
    both = np.count_nonzero((truth == state) & (called == state))
    either = np.count_nonzero(truth == state) + np.count_nonzero((called == state) & (truth != 255))
    return 2 * both / either if either else 0.0


def decodings(folder: Path, metrics: list[dict[str, Any]]) -> None:
    """Print what the called and the most probable states are worth on the validation split."""
    truth = np.concatenate([labels for *_, labels in labels_of(folder, "validation")])
    names = [metrics[0]["state_names"][state] for state in metrics[0]["states"]]
    heads = [f"F1 of {name}, {how}" for how in ("as called", "argmax") for name in names]
    print("\nOn the validation split:\n\n| tagger |", " | ".join(heads), "|")
    print("|---" * (len(heads) + 1) + "|")
    for one in metrics:
        run = folder / one["tagger"] / f"seed{one['seed']}"
        posteriors = np.load(run / "posteriors.validation.npy", mmap_mode="r")
        ways = np.load(run / "calls.validation.npy"), posteriors.argmax(axis=1).astype(np.uint8)
        cells = [f"{f1(truth, way, state):.3f}" for way in ways for state in range(len(names))]
        print(f"| `{one['tagger']}` |", " | ".join(cells), "|")


def runs_of(values: NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    """Return start, end and value of each run."""
    borders = np.flatnonzero(np.diff(values)) + 1
    starts, ends = np.r_[0, borders], np.r_[borders, len(values)]
    return [(int(a), int(b), int(values[a])) for a, b in zip(starts, ends, strict=True)]


def picture(
    path: Path, rows: dict[str, NDArray[np.uint8]], names: list[str], record: str, start: int
) -> None:
    """Draw runs of states, a row for each tagger."""
    length = len(next(iter(rows.values())))
    height = TOP + ROW * len(rows) + 34
    colours = [REST if index == len(names) - 1 else COLOURS[index] for index in range(len(names))]

    def place(at: float) -> float:
        return LEFT + at / length * (WIDTH - LEFT - 20)

    title = f"Called states of {record}, {start + 1:,} to {start + length:,}, a row for each tagger"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12" role="img">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for index, name in enumerate(names):
        x = LEFT + 120 * index
        lines.append(
            f'<rect x="{x}" y="6" width="12" height="12" fill="{colours[index]}"/>'
            f'<text x="{x + 17}" y="16">{html.escape(name)}</text>'
        )
    for number, (name, values) in enumerate(rows.items()):
        y = TOP + ROW * number
        lines.append(f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{name}</text>')
        for a, b, state in runs_of(values):
            colour = UNLABELLED if state == 255 else colours[state]
            lines.append(
                f'<rect x="{place(a):.1f}" y="{y + 2}" width="{max(place(b) - place(a), 0.3):.1f}" '
                f'height="{ROW - 5}" fill="{colour}"/>'
            )
    y = TOP + ROW * len(rows) + 4
    lines.append(f'<path d="M{LEFT} {y}H{WIDTH - 20}" stroke="#555"/>')
    step = 10 ** int(np.log10(length / 2))
    for at in range(-start % step, length + 1, step):
        lines.append(
            f'<path d="M{place(at):.1f} {y}v4" stroke="#555"/><text x="{place(at):.1f}" '
            f'y="{y + 17}" text-anchor="middle">{(start + at) / 1000:g} kb</text>'
        )
    path.write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")


def main() -> None:
    """Print the tables, and draw the picture if asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of the run, such as runs/ecoli")
    parser.add_argument("--tagger", help="tell only how this one differs from others")
    parser.add_argument("--picture", type=Path, help="where the SVG goes")
    parser.add_argument("--bases", type=int, default=20_000, help="how much of a test block")
    given = parser.parse_args()
    (dataset,) = {path.parent.name for path in given.run.glob("results/*/corpus")}
    folder = given.run / "results" / dataset
    metrics = [json.loads(path.read_text()) for path in sorted(folder.glob("*/*/metrics.json"))]
    table(metrics)
    differences(given.run / "results/differences.tsv", given.tagger)
    decodings(folder, metrics)
    if given.picture is None:
        return
    windows, passed = [], 0
    for name, first, own in labels_of(folder, "test"):
        for at in range(0, len(own) - given.bases + 1, given.bases // 4):
            truth = own[at : at + given.bases]
            borders = int(np.count_nonzero(np.diff(truth)))
            windows.append((borders, name, first + at, passed + at, truth))
        passed += len(own)
    _, record, start, row, truth = max(windows, key=lambda window: window[0])
    rows = {"annotated": truth}
    for one in sorted(metrics, key=lambda found: -found["mcc"]["value"]):
        if one["kind"] == "constant":
            continue
        run = folder / one["tagger"] / f"seed{one['seed']}"
        calls = np.load(run / "calls.npy", mmap_mode="r")
        rows[one["tagger"]] = np.asarray(calls[row : row + given.bases])
    names = [metrics[0]["state_names"][state] for state in metrics[0]["states"]]
    picture(given.picture, rows, names, record, start)


if __name__ == "__main__":
    main()
