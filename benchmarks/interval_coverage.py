"""How often the intervals of the judgement hold the truth.

``PYTHONPATH=scripts:. python benchmarks/interval_coverage.py [repeats]``, from the root folder.
In each repeat units are drawn from a population whose figure is known, or a record is simulated
anew, and the library gives the 95 % interval of the figure.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, fields, replace
from typing import Any

import numpy as np
from benchmarks.machine import describe_machine

from basetag.alphabet import DNA
from basetag.exact_inference import smoothed_posterior
from basetag.hmm import HMM
from basetag.judgement.confusion_measures import (
    balanced_accuracy,
    confusion_sums,
    macro_f1,
    matthews_correlation,
)
from basetag.judgement.differences import differences
from basetag.judgement.figure_places import FEWEST_UNITS
from basetag.judgement.figures import calibration_error
from basetag.judgement.intervals import (
    Figure,
    SmoothMeasure,
    ratio_figures,
    smooth_figures,
)
from basetag.judgement.ranking import ScoreHistograms, auprc, auroc
from basetag.judgement.segment_measures import SegmentScan
from basetag.judgement.unit_sums import UnitSums
from basetag.judgement.units import choose_units
from basetag.segments import Segments
from basetag.simulation import sample_emissions, sample_paths

#: Low end, truth, high end.
Case = tuple[float, float, float]

LAWS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(1, 0.3, n),
    "uniform": lambda rng, n: rng.uniform(0.2, 1.8, n),
    "gamma, shape 4": lambda rng, n: rng.gamma(4, 1 / 4, n),
    "exponential": lambda rng, n: rng.exponential(1, n),
    "lognormal, sigma 0.5": lambda rng, n: rng.lognormal(-0.125, 0.5, n),
    "lognormal, sigma 1": lambda rng, n: rng.lognormal(-0.5, 1, n),
}


def ratio_cases(law: str, n: int, repeats: int) -> Iterator[Case]:
    """Yield the interval of a ratio whose units follow a law of mean 1.

    Units differ in their bases, as records do.
    """
    rng = np.random.default_rng([n, list(LAWS).index(law)])
    for repeat in range(repeats):
        bases = rng.integers(500, 1500, n).astype(float)
        figure = ratio_figures({"x": (bases * LAWS[law](rng, n), bases)}, seed=repeat)["x"]
        yield figure.low, 1.0, figure.high


def sums_of_units(bases: np.ndarray, **known: np.ndarray) -> UnitSums:
    """Return the sums of units of one state, zero where they are not told."""
    units = len(bases)
    shapes = {
        "confusion": (units, 1, 1),
        "segments_true": (units, 1),
        "segments_called": (units, 1),
        "segments_matched": (units, 1),
        "boundaries_matched": (units, 1),
    }
    zeros: dict[str, Any] = {
        field.name: np.zeros(shapes.get(field.name, units))
        for field in fields(UnitSums)
        if field.default is MISSING
    }
    return UnitSums(**zeros | {"bases": bases} | known)


def difference_cases(law: str, n: int, repeats: int) -> Iterator[Case]:
    """Yield the interval of the paired difference of two taggers' cross-entropies.

    Both find the same units hard; what else each makes of a unit follows the law.
    """
    rng = np.random.default_rng([n, list(LAWS).index(law), 1])
    segments = {
        "segments_true": np.ones((n, 1)),
        "segments_called": np.ones((n, 1)),
    }
    for repeat in range(repeats):
        bases = rng.integers(500, 1500, n).astype(float)
        common = rng.gamma(4, 1 / 4, n)
        sums = [
            sums_of_units(
                bases,
                cross_entropy=bases * (common + size * LAWS[law](rng, n)),
                **segments,
            )
            for size in (0.3, 0.1)
        ]
        figure = differences(*sums, seed=repeat)["cross_entropy"]
        yield figure.low, 0.2, figure.high


class Population:
    """Records of a two-state chain, a posterior that knows something of it, and a second tagger.

    Some records are harder than others: the noise of the posterior differs between them, evenly
    or, where it is skewed, in a few of them much.
    """

    def __init__(self, *, skewed: bool, records: int = 8000, length: int = 200) -> None:
        rng = np.random.default_rng(5)
        shape = records, length
        self.labels = (np.cumsum(rng.random(shape) < 1 / 20, axis=1) % 2).astype(np.uint8)
        self.labels ^= rng.integers(0, 2, (records, 1), dtype=np.uint8)
        noise = rng.exponential(1, records) if skewed else rng.uniform(0.5, 1.5, records)
        evidence = np.where(self.labels == 1, 1.5, -1.5)
        evidence = evidence + rng.normal(size=shape) * 2 * noise[:, None]
        # Of state 1; too sure where the noise is large.
        self.posterior = np.clip(1 / (1 + np.exp(-evidence)), 1e-6, 1 - 1e-6)
        self.bases = np.full(records, float(length))
        first = self._sums((self.posterior > 0.5).astype(np.uint8))
        # The second calls only what it is surer of, and leaves the last call as it was.
        smooth = np.cumsum(evidence, axis=1)
        smooth[:, 5:] -= smooth[:, :-5].copy()
        second = self._sums((smooth > 0).astype(np.uint8))
        sure = np.maximum(self.posterior, 1 - self.posterior)
        right = (self.posterior > 0.5) == self.labels
        bins = np.minimum((sure * 10).astype(int), 9) + 10 * np.arange(records)[:, None]
        gaps = np.bincount(bins.ravel(), (right - sure).ravel(), 10 * records)
        calibration = np.concatenate([gaps.reshape(records, 10), self.bases[:, None]], axis=1)
        rows = confusion_sums(first.confusion)
        self.smooth = {
            "balanced accuracy": SmoothMeasure(rows, balanced_accuracy, (0, 1)),
            "macro F1": SmoothMeasure(rows, macro_f1, (0, 1)),
            "MCC": SmoothMeasure(rows, matthews_correlation, (-1, 1)),
            "ECE": SmoothMeasure(calibration, calibration_error),
        }
        found = first.segments_true + first.segments_called
        self.ratios = {
            "accuracy": (first.correct, self.bases),
            "segment F1": (2 * first.segments_matched.sum(axis=1), found.sum(axis=1)),
        }
        self.taggers = first, second
        self.truth = {name: a.sum() / b.sum() for name, (a, b) in self.ratios.items()}
        self.truth |= {
            name: float(measure.function(measure.rows.sum(axis=0)[None])[0][0])
            for name, measure in self.smooth.items()
        }
        whole = self._histograms(np.arange(records))
        self.truth["AUROC"], self.truth["AUPRC"] = (
            measure(whole.others, whole.own) for measure in (auroc, auprc)
        )
        of_all = differences(first, second, seed=1)
        for name in ("accuracy", "segment_f1"):
            self.truth[f"difference in {name.replace('_f1', ' F1')}"] = of_all[name].value

    def _sums(self, calls: np.ndarray) -> UnitSums:
        records, length = self.labels.shape
        unit = np.repeat(np.arange(records), length)
        scan = SegmentScan(records, 2)
        scan.add(self.labels.ravel(), calls.ravel(), unit, unit)
        counts = scan.counts()
        pair = (np.arange(records)[:, None] * 2 + self.labels) * 2 + calls
        confusion = np.bincount(pair.ravel(), minlength=4 * records).reshape(records, 2, 2)
        return sums_of_units(
            self.bases,
            confusion=confusion,
            correct=(calls == self.labels).sum(axis=1).astype(float),
            segments_true=counts.true.astype(float),
            segments_called=counts.called.astype(float),
            segments_matched=counts.matched.astype(float),
        )

    def _histograms(self, chosen: np.ndarray):
        histograms = ScoreHistograms(2, len(chosen))
        p = self.posterior[chosen].ravel()
        unit = np.repeat(np.arange(len(chosen)), self.labels.shape[1])
        histograms.add(np.stack([1 - p, p]), self.labels[chosen].ravel(), unit)
        return histograms.rankings()[0][1]

    def cases(self, n: int, repeats: int, *, rankings: bool = True) -> Iterator[dict[str, Case]]:
        """Yield the intervals of all measures on n records."""
        rng = np.random.default_rng(n)
        for repeat in range(repeats):
            chosen = rng.choice(len(self.labels), n, replace=False)
            smooth = {k: replace(own, rows=own.rows[chosen]) for k, own in self.smooth.items()}
            ratios = {k: (a[chosen], b[chosen]) for k, (a, b) in self.ratios.items()}
            figures: dict[str, Figure | None] = {}
            shares = dict.fromkeys(ratios, (0.0, 1.0))
            figures |= ratio_figures(ratios, seed=repeat, bounds=shares)
            figures |= smooth_figures(smooth, seed=repeat)
            if rankings:
                ranking = self._histograms(chosen)
                figures |= {"AUROC": ranking.auroc, "AUPRC": ranking.auprc}
            two = [
                UnitSums(**{k: v if v is None else v[chosen] for k, v in vars(own).items()})
                for own in self.taggers
            ]
            of_two = differences(*two, seed=repeat)
            figures["difference in accuracy"] = of_two["accuracy"]
            figures["difference in segment F1"] = of_two["segment_f1"]
            yield {name: (own.low, self.truth[name], own.high) for name, own in figures.items()}


def classified_cases(n: int, share: float, repeats: int) -> Iterator[dict[str, Any]]:
    """Yield the intervals of records of two classes, of which so large a share is called rightly.

    Both ends are None where no interval can be given: without a mistake.
    """
    rng = np.random.default_rng([n, round(1000 * share)])
    law = np.array([[share, 1 - share], [1 - share, share]]) / 2
    measures: dict[str, tuple[Any, tuple[float, float]]] = {
        "balanced accuracy": (balanced_accuracy, (0, 1)),
        "macro F1": (macro_f1, (0, 1)),
        "MCC": (matthews_correlation, (-1, 1)),
    }
    truth = {"accuracy": share}
    for name, (measure, _) in measures.items():
        truth[name] = float(measure(confusion_sums(law[None]).sum(axis=0)[None])[0][0])
    for repeat in range(repeats):
        confusion = rng.multinomial(1, law.ravel(), size=n).reshape(n, 2, 2).astype(float)
        right = confusion[:, [0, 1], [0, 1]].sum(axis=1)
        rows = confusion_sums(confusion)
        figures: dict[str, Figure | None] = {}
        figures |= ratio_figures(
            {"accuracy": (right, np.ones(n))}, seed=repeat, bounds={"accuracy": (0, 1)}
        )
        figures |= smooth_figures(
            {name: SmoothMeasure(rows, *own) for name, own in measures.items()}, seed=repeat
        )
        yield {
            name: (own.low, truth[name], own.high) if own else (None, truth[name], None)
            for name, own in figures.items()
        }


def block_cases(bases: int, repeats: int) -> Iterator[dict[str, Case]]:
    """Yield the intervals on one record of a chain of mean length 50, which is cut into blocks.

    The tagger is the exact posterior, whose mistakes lie together at the borders of segments.
    """
    stay = 0.98
    emission = np.array([[0.2, 0.3, 0.3, 0.2], [0.3, 0.2, 0.2, 0.3]])
    model = HMM(
        DNA,
        ("H", "L"),
        np.array([0.5, 0.5]),
        np.array([[stay, 1 - stay], [1 - stay, stay]]),
        emission,
    )
    truth = {}
    for repeat in range(-1, repeats):
        length = np.array([4_000_000 if repeat < 0 else bases])
        rng = np.random.default_rng([repeat + 1, bases])
        labels = sample_paths(model, length, rng)
        posterior = smoothed_posterior(model, sample_emissions(model, labels, rng), length)
        own = {
            "accuracy": posterior.argmax(axis=1) == labels,
            "cross-entropy": -np.log(posterior[np.arange(len(labels)), labels]),
            "share of state 1": labels.astype(float),
        }
        if repeat < 0:
            truth = {name: values.mean() for name, values in own.items()}
            truth["share of state 1"] = 0.5
            continue
        zero = np.zeros(1, dtype=np.int64)
        units = choose_units(Segments(zero, zero, length, zero), labels, 2)
        unit = np.repeat(units.unit, units.pieces.lengths)
        sizes = np.bincount(unit).astype(float)
        figures = ratio_figures(
            {name: (np.bincount(unit, values), sizes) for name, values in own.items()}, seed=repeat
        )
        if len(sizes) < FEWEST_UNITS:
            continue  # no interval is given
        yield {name: (figure.low, truth[name], figure.high) for name, figure in figures.items()}


def coverage(cases: Iterable[Case]) -> tuple[float, float, float]:
    """Return the shares of intervals that hold the truth, lie above it, and lie below it."""
    found = [(low <= truth <= high, truth < low, high < truth) for low, truth, high in cases]
    held, above, below = np.mean(found, axis=0).tolist()
    return held, above, below


def _line(name: str, results: Iterable[tuple[float, float, float]]) -> str:
    cells = (f"{100 * held:.1f} ({100 * a:.1f}, {100 * b:.1f})" for held, a, b in results)
    return f"| {name} | {' | '.join(cells)} |"


def main(repeats: int) -> None:
    """Print the share of intervals that hold the truth, lie above and lie below it, per cent."""
    units = (10, 20, 100)
    print(describe_machine("numpy", "numba"), f"{repeats} repeats.")
    header = "\n| {} | " + " | ".join(f"{n} units" for n in units) + " |\n|---|---|---|---|"
    for words, cases in (("a ratio", ratio_cases), ("a paired difference", difference_cases)):
        print(header.format(f"{words}, units that are"))
        for law in LAWS:
            print(_line(law, [coverage(cases(law, n, repeats)) for n in units]), flush=True)
    for skewed in (False, True):
        population = Population(skewed=skewed)
        found = [list(population.cases(n, repeats)) for n in units]
        print(header.format(f"records, {'a few of them hard' if skewed else 'of all kinds'}"))
        for name in population.truth:
            print(_line(name, [coverage(case[name] for case in cases) for cases in found]))
    for share in (0.8, 0.95, 0.98):
        cases = [list(classified_cases(n, share, repeats)) for n in (20, 50, 200)]
        print(f"\n| records, {share:.0%} called rightly | 20 records | 50 records | 200 records |")
        print("|---|---|---|---|")
        for name in cases[0][0]:
            own = [[case[name] for case in of_n if case[name][0] is not None] for of_n in cases]
            print(_line(name, map(coverage, own)), flush=True)
    sizes = (20_000, 50_000, 200_000)
    print("\n| one record in blocks | " + " | ".join(f"{n:,} bases" for n in sizes) + " |")
    print("|---|---|---|---|")
    found = [list(block_cases(bases, repeats)) for bases in sizes]
    for name in found[0][0]:
        print(_line(name, [coverage(case[name] for case in cases) for cases in found]))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
