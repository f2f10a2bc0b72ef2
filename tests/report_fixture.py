"""A small, consistent set of result files for the report: sampled and scored in plain numpy.

Nothing of the library is used here, so that what the report reads is not made by what it tests.
The labels come from two-state HMMs whose posterior is computed by a plain loop; the taggers are
that posterior with noise on its log odds, or rules. Figures and counts agree by construction.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.special import logsumexp
from scipy.stats import binom

from basetag.composition import training_composition
from basetag.segments import whole_records
from basetag.tracks.regions import AnnotationFiles, write_regions
from tests.overlap_oracle import section
from tests.tracks_fixture import genome_of, write_tracks

STATES = ("H", "L")
EMISSION = np.array([[0.2, 0.3, 0.3, 0.2], [0.3, 0.2, 0.2, 0.3]])
TRANSITION = {
    "toy": np.array([[0.5, 0.5], [0.4, 0.6]]),
    "blocks": np.array([[0.99, 0.01], [0.01, 0.99]]),
    "mine": np.array([[0.98, 0.02], [0.03, 0.97]]),
}
LENGTH = {"toy": 500, "blocks": 2000, "mine": 1500}
COLUMNS = (
    "dataset",
    "tagger",
    "seed",
    "kind",
    "decoding",
    "parameters",
    "test_bases",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "mcc",
    "cross_entropy",
    "brier",
    "ece",
    "kl_exact",
    "attained",
    "attained_filtered",
    "segment_f1",
    "chance_accuracy",
    "p_chance",
    "p_shift",
    "p_resimulated",
    "effective_sample_size",
    "false_segments_per_mb_homogeneous",
    "false_segments_per_mb_shuffled",
    "flagged",
    "train_seconds",
    "train_bases_per_second",
    "predict_bases_per_second",
    "auroc",
    "train_peak_mb",
    "train_peak_gpu_mb",
    "predict_peak_mb",
    "predict_peak_gpu_mb",
    "device",
    "accuracy_low",
    "accuracy_high",
    "segment_f1_low",
    "segment_f1_high",
    "of_another_version",
    "matched_bases",
    "unmatched_accuracy",
    "unmatched_segment_f1",
    "unmatched_accuracy_low",
    "unmatched_accuracy_high",
)
#: What of metrics.json is measured again on the bases that training does not have.
OF_UNMATCHED = (
    *("test", "units", "confusion", "label_counts", "accuracy", "balanced_accuracy", "macro_f1"),
    *("mcc", "cross_entropy", "brier", "ece", "majority_accuracy", "auroc", "auprc", "classes"),
    *("scores", "sums", "kl_exact", "kl_filtered", "attained", "attained_filtered", "excess"),
    *("ceiling", "reliability", "calibration", "segments", "certainty", "confusion_shares"),
    "groups",
)
#: The names of the states in an annotation.
CALLED = ("GC-rich", "GC-poor")

DESCRIPTION = {
    "gru": "GRU of 16 units, one direction",
    "bilstm": "LSTM of 32 units, both directions",
    "exact": "smoothed posterior of the simulating HMM",
    "filtered": "filtered posterior of the simulating HMM",
    "hmm_em": "HMM fitted by EM without labels",
    "hmm_counts": "HMM fitted from the labels",
    "base_table": "label frequency of each base",
    "gc_window": "GC content in a window of 101 bases",
    "majority": "the commonest label of the training split",
    "uniform": "every state equally likely",
}
KIND = {"gru": "network", "bilstm": "network", "majority": "constant", "uniform": "constant"}
KIND |= {"base_table": "rule", "gc_window": "rule"}
#: Network: units, whether it reads one way, distance at which what is farther is not used.
NETWORKS = {"gru": (16, True, 32), "bilstm": (64, False, None)}
PARAMETERS = {"gru": 1266, "bilstm": 9858, "hmm_em": 9, "hmm_counts": 9, "base_table": 4}
#: Further networks, for a page with many.
MORE_NETWORKS = tuple(f"gru_{number}" for number in range(8, 18))
for of_gru in (DESCRIPTION, KIND, NETWORKS, PARAMETERS):
    of_gru |= dict.fromkeys(MORE_NETWORKS, of_gru["gru"])


#: What was known before the run.
PREFLIGHT = {
    "findings": [
        {"level": "warning", "where": "dataset mine", "subject": "the test split",
         "found": "3 pieces", "expected": "10 at least", "advice": "give more records"},
        {"level": "note", "where": "genome phage", "subject": "empty records",
         "found": "1 of 2 records <have> no bases", "expected": "", "advice": ""},
    ],
    "datasets": {
        "mine": {
            "simulated": False, "records": 12, "empty_records": 0, "bases": 1000,
            "letters": {"A": 600, "C": 390, "N": 10}, "letters_of": 1000, "unknown": 10,
            "lower_case": 0, "states": {"GC-rich": 250, "GC-poor": 700}, "unlabelled": 50,
            "labels_of": 1000, "copies": 0, "near_copies": 0, "in_no_split": 20,
            "splits": {
                name: {"pieces": pieces, "bases": bases, "states": {"GC-rich": 1, "GC-poor": 1}}
                for name, pieces, bases in (
                    ("test", 3, 100), ("train", 6, 780), ("validation", 3, 100)
                )
            },
        },
        "toy": {"simulated": True, "records": 12, "bases": 6000},
    },
    "genomes": {
        "phage": {
            "fetched": False, "records": 2, "empty_records": 1, "bases": 7,
            "letters": {"A": 7}, "letters_of": 7, "unknown": 0, "lower_case": 7,
        },
        "later": {"fetched": True},
    },
    "estimates": [
        {"rule": "encode_fasta", "jobs": 2, "seconds": 3.0, "memory": 150_000_000, "disk": 14_000},
        {"rule": "train_tagger", "jobs": 1234, "seconds": 7200.0, "memory": 2_500_000_000,
         "disk": 0},
    ],
}  # fmt: skip


@dataclass(frozen=True)
class ResultFiles:
    """Where the files lie, in the order in which the workflow hands them to the report."""

    comparison: Path
    metrics: list[Path]
    histories: list[Path]
    tracks: list[Path]
    annotations: list[Path]
    agreements: list[Path]
    regions: list[Path]
    differences: Path
    variance: Path
    sweeps: list[Path] = field(default_factory=list)

    @property
    def preflight(self) -> Path:
        """What was known before the run."""
        return self.comparison.with_name("preflight.json")


def _stationary(transition: np.ndarray) -> np.ndarray:
    away, back = transition[0, 1], transition[1, 0]
    return np.array([back, away]) / (away + back)


def _sample(transition, length, rng):
    draws = rng.random(length)
    states = np.empty(length, dtype=np.uint8)
    states[0] = draws[0] >= _stationary(transition)[0]
    for i in range(1, length):
        states[i] = draws[i] >= transition[states[i - 1], 0]
    cumulative = EMISSION.cumsum(axis=1)[states]
    tokens = (rng.random(length)[:, None] >= cumulative[:, :3]).sum(axis=1)
    return states, tokens.astype(np.uint8)


def _posteriors(transition, tokens):
    """Return the filtered and the smoothed posterior of one record, (length, 2) each."""
    likelihood = EMISSION.T[tokens]
    filtered = np.empty((len(tokens), 2))
    ahead = _stationary(transition)
    for i in range(len(tokens)):
        joint = ahead * likelihood[i]
        filtered[i] = joint / joint.sum()
        ahead = filtered[i] @ transition
    backward = np.ones(2)
    smoothed = filtered.copy()
    for i in range(len(tokens) - 2, -1, -1):
        backward = transition @ (likelihood[i + 1] * backward)
        backward /= backward.sum()
        smoothed[i] = filtered[i] * backward / (filtered[i] * backward).sum()
    return filtered, smoothed


def _noisy(posterior, noise, rng):
    odds = np.log(posterior[:, 0] / posterior[:, 1]) + noise * rng.standard_normal(len(posterior))
    high = 1 / (1 + np.exp(-odds))
    return np.stack([high, 1 - high], axis=1)


def _window(tokens, width=101):
    gc = np.isin(tokens, (1, 2)).astype(float)
    share = np.convolve(gc, np.ones(width) / width, mode="same")
    high = np.clip(0.5 + 4 * (share - 0.5), 0.05, 0.95)
    return np.stack([high, 1 - high], axis=1)


def _area(own, others):
    """Return the area under the ROC curve and the average precision of two histograms."""
    order = slice(None, None, -1)
    hits, misses = np.cumsum(own[order]), np.cumsum(others[order])
    ahead = np.concatenate([[0], misses[:-1]])
    lost = (own[order] * (ahead + others[order] / 2)).sum() / (own.sum() * others.sum())
    precision = (own[order] * hits / np.maximum(hits + misses, 1)).sum() / own.sum()
    return 1 - float(lost), float(precision)


def _reliability(confidence, right):
    """Return the reliability table and the expected calibration error."""
    bins = np.minimum((confidence * 10).astype(int), 9)
    counts = np.bincount(bins, minlength=10)
    filled = np.maximum(counts, 1)
    sure = np.bincount(bins, confidence, minlength=10) / filled
    found = np.bincount(bins, right, minlength=10) / filled
    table = {
        "edges": np.linspace(0, 1, 11).tolist(),
        "counts": counts.tolist(),
        "confidence": [float(v) if c else None for v, c in zip(sure, counts, strict=True)],
        "accuracy": [float(v) if c else None for v, c in zip(found, counts, strict=True)],
    }
    return table, float((counts * np.abs(sure - found)).sum() / len(confidence))


def _runs(path, length):
    """Return start, end and state of each run of a path of records of one length."""
    inside = np.arange(len(path)) % length > 0
    starts = np.flatnonzero(~(np.concatenate([[False], path[1:] == path[:-1]]) & inside))
    return starts, np.append(starts[1:], len(path)), path[starts]


def _overlap(matched, true, called):
    """Return precision, recall and F1 without intervals."""
    parts = {"precision": (matched, called), "recall": (matched, true)}
    parts["f1"] = 2 * matched, true + called
    return {
        name: {"value": float(a / b), "low": None, "high": None} if b else None
        for name, (a, b) in parts.items()
    }


def _grouped(metrics):
    """Return one of the part `groups`, whose groups are the states under other names."""
    groups = dict(zip(("rich", "poor"), [[state] for state in metrics["states"]], strict=True))
    overlap = metrics["segments"]["overlap"]
    names = ("confusion", "label_counts", "accuracy", "balanced_accuracy", "macro_f1", "mcc")
    names += ("cross_entropy", "brier", "majority_accuracy")
    return {
        "groups": list(groups),
        "members": groups,
        "called_by": "state",
        **{name: metrics[name] for name in names},
        "classes": {
            group: {name: metrics["classes"][state][name] for name in ("precision", "recall", "f1")}
            for group, (state,) in groups.items()
        },
        "overlap": overlap
        | {"classes": dict(zip(groups, overlap["classes"].values(), strict=True))},
        "sums": {name: metrics["sums"][name] for name in ("cross_entropy", "brier")},
    }


def _segments(labels, called, length):
    """Return the part `segments`: matched one with the other where IoU is at least a half."""
    true, found = _runs(labels, length), _runs(called, length)
    matched = np.zeros(2, dtype=int)
    for start, end, state in zip(*true, strict=True):
        near = (found[0] < end) & (found[1] > start) & (found[2] == state)
        common = np.minimum(found[1][near], end) - np.maximum(found[0][near], start)
        union = found[1][near] - found[0][near] + end - start - common
        matched[state] += (2 * common >= union).any()
    counts = [np.bincount(runs[2], minlength=2) for runs in (true, found)]
    powers = [np.log2(runs[1] - runs[0]).astype(int) for runs in (true, found)]
    n_bins = max(int(own.max()) for own in powers) + 1
    lengths = {
        side: {
            state: np.bincount(own[runs[2] == k], minlength=n_bins).tolist()
            for k, state in enumerate(STATES)
        }
        for side, own, runs in zip(("true", "called"), powers, (true, found), strict=True)
    }
    ends = [set((runs[0][runs[0] % length > 0] * 2 + runs[2][runs[0] % length > 0]).tolist())
            for runs in (true, found)]  # fmt: skip
    exact = len(ends[0] & ends[1])
    sides = [int(own.sum()) for own in (matched, *counts)]
    return {
        "bases": len(labels),
        **_overlap(*sides),
        **dict(zip(("matched", "true", "called"), sides, strict=True)),
        "overlap": section(labels, called, np.arange(len(labels)) // length, STATES),
        "per_mb": {
            side: {"value": 1e6 * n / len(labels), "low": None, "high": None}
            for side, n in zip(("true", "called"), sides[1:], strict=True)
        },
        "classes": {
            state: {"matched": int(m), "true": int(t), "called": int(c)}
            for state, m, t, c in zip(STATES, matched, *counts, strict=True)
        },
        "lengths": {"edges": [2**i for i in range(n_bins + 1)], **lengths},
        "boundaries": {
            "true": len(ends[0]),
            "called": len(ends[1]),
            "tolerances": [0],
            "matched": [exact],
            "f1": [_overlap(exact, len(ends[0]), len(ends[1]))["f1"]],
            "distances": {
                "edges": [0, 1, 1000],
                "counts": [exact, 0],
                "farther": len(ends[0]) - exact,
            },
        },
    }


def _kl(reference, posterior):
    return (reference * np.log(reference / posterior)).sum(axis=1)


def _interval(value_of, records, rng):
    """Return a figure with its percentile bootstrap over records."""
    drawn = [value_of(rng.choice(records, len(records))) for _ in range(100)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"value": float(value_of(records)), "low": float(low), "high": float(high)}


def _log_tail(observed, n, probability):
    return logsumexp(binom.logpmf(np.arange(observed, n + 1), n, probability))


def _null(draws, mean, sd, observed, n, probability=None, shifts=None, source=None):
    """Return one null distribution of matches as metrics.json has it."""
    pairs, at_least = len(draws), int((draws >= observed).sum())
    p = (at_least + 1) / (pairs + 1)
    counts, edges = np.histogram(draws, bins=25)
    constant = sd == 0
    return {
        "accuracy": mean / n,
        "pairs": pairs,
        "length": n,
        "mean_matches": mean,
        "sd_matches": sd,
        "counts": counts.tolist(),
        "edges": edges.tolist(),
        "observed_matches": observed,
        "at_least_observed": at_least,
        "p": None if constant else p,
        "p_text": None if constant else f"< 1/{pairs}" if at_least == 0 else f"{p:.3f}",
        "smallest_p": 1 / (pairs + 1),
        "binomial_log10_p": None
        if probability is None
        else float(_log_tail(observed, n, probability) / np.log(10)),
        "z": None if constant else (observed - mean) / sd,
        "effect": (observed - mean) / (n - mean),
        "effective_sample_size": None if constant else mean * (n - mean) / sd**2,
        "log10_effective_shifts": shifts,
        "seam_share": None if shifts is None else 0.04,
        "too_short": False,
        "constant": constant,
        "source": source,
    }


def _chance(confusion, labels, called, fresh, seed):
    """Return the four nulls; `fresh`, (draws, bases), are labels that know nothing of the calls."""
    rng = np.random.default_rng(seed)
    n, observed = len(labels), int(np.trace(confusion))
    nulls = {}
    frequencies = float(confusion.sum(axis=1) @ confusion.sum(axis=0)) / n**2
    for name, p, pairs in (("uniform", 0.5, 1000), ("frequencies", frequencies, 1000)):
        sd = np.sqrt(n * p * (1 - p))
        nulls[name] = _null(rng.binomial(n, p, pairs), n * p, float(sd), observed, n, p)
    # All records one circle: they are long enough for that here.
    spectra = (np.fft.rfft(2.0 * states - 1) for states in (labels, called))
    product = next(spectra) * np.conj(next(spectra))
    shifts = np.rint((np.fft.irfft(product, n) + n) / 2)
    draws = rng.choice(shifts, 1000)
    nulls["shift"] = _null(
        draws, float(shifts.mean()), float(shifts.std()), observed, n, shifts=60.0
    )  # fmt: skip
    draws = (fresh == called).sum(axis=1)
    nulls["resimulated"] = _null(
        draws, float(draws.mean()), float(draws.std()), observed, n, source="hmm"
    )
    return nulls


def _fresh_labels(transition, length, records, rng, draws=200):
    """Return label paths of the chain, (draws, records * length)."""
    paths = np.empty((length, draws * records), dtype=np.uint8)
    uniform = rng.random((length, draws * records))
    paths[0] = uniform[0] >= _stationary(transition)[0]
    for i in range(1, length):
        paths[i] = uniform[i] >= transition[paths[i - 1], 0]
    return np.ascontiguousarray(paths.T).reshape(draws, records * length)


def _score(dataset, tagger, seed, posterior, references, prior, labels, length, fresh, rng):
    """Return the metrics.json of one tagger on one dataset."""
    n = len(labels)
    records = np.arange(n // length)
    posterior = np.maximum(posterior, 1e-6)
    posterior = posterior / posterior.sum(axis=1, keepdims=True)
    called = posterior.argmax(axis=1)
    match = called == labels
    loss = -np.log(posterior[np.arange(n), labels])
    brier = ((posterior - np.eye(2)[labels]) ** 2).sum(axis=1)
    confusion = np.bincount(labels * 2 + called, minlength=4).reshape(2, 2)

    def per_record(values):
        return values.reshape(-1, length).sum(axis=1)

    def mean_of(values):
        sums = per_record(values)
        return _interval(lambda chosen: sums[chosen].sum() / (len(chosen) * length), records, rng)

    sums = {"cross_entropy": float(loss.sum()), "brier": float(brier.sum())}
    figures = {}
    excess = {}
    for name in ("exact", "filtered"):
        sums[f"kl_{name}"] = sums[f"kl_{name}_prior"] = None
        figures[f"kl_{name}"] = figures["attained" if name == "exact" else "attained_filtered"] = (
            None
        )
        if references is None:
            continue
        reference = references[name]
        kl = _kl(reference, posterior)
        kl_prior = _kl(reference, np.broadcast_to(prior, reference.shape))
        sums[f"kl_{name}"], sums[f"kl_{name}_prior"] = float(kl.sum()), float(kl_prior.sum())
        figures[f"kl_{name}"] = mean_of(kl)
        above, below = per_record(kl), per_record(kl_prior)
        figures["attained" if name == "exact" else "attained_filtered"] = _interval(
            lambda chosen, a=above, b=below: 1 - a[chosen].sum() / b[chosen].sum(),
            records,
            rng,
        )
        excess[name] = mean_of(loss + np.log(reference[np.arange(n), labels]))
    ceiling = None
    if references is not None:
        of = "filtered" if tagger in ("gru", *MORE_NETWORKS, "filtered") else "exact"
        best = references[of]
        ceiling = {
            "accuracy": float((best.argmax(axis=1) == labels).mean()),
            "cross_entropy": float(-np.log(best[np.arange(n), labels]).mean()),
            "of": of,
        }
    reliability, ece = _reliability(posterior.max(axis=1), match)
    if ceiling is not None:
        table, own_ece = _reliability(best.max(axis=1), best.argmax(axis=1) == labels)
        own_brier = ((best - np.eye(2)[labels]) ** 2).sum(axis=1).mean()
        ceiling |= {"reliability": table, "ece": own_ece, "brier": float(own_brier)}
    bare = {"low": None, "high": None}
    levels = np.unique(posterior[:, 1].round(3), return_inverse=True)[1]
    own, others = (np.bincount(levels[labels == k], minlength=levels.max() + 1) for k in (1, 0))
    areas = {"L": _area(own, others), "H": _area(others[::-1], own[::-1])}
    scores = {"L": (own, others), "H": (others[::-1], own[::-1])}
    recall = np.diag(confusion) / confusion.sum(axis=1)
    called_counts = confusion.sum(axis=0)
    f1 = 2 * np.diag(confusion) / np.maximum(confusion.sum(axis=1) + called_counts, 1)
    spread = np.sqrt(float(np.prod(called_counts) * np.prod(confusion.sum(axis=1))))
    determinant = confusion[0, 0] * confusion[1, 1] - confusion[0, 1] * confusion[1, 0]
    # One draw alone, of the stream that the rest of this file is made from.
    chance = _chance(confusion, labels, called, fresh, rng.integers(1 << 30))
    return {
        "dataset": dataset,
        "tagger": tagger,
        "seed": seed,
        "kind": KIND.get(tagger, "hmm"),
        "description": DESCRIPTION[tagger],
        "decoding": "argmax",
        "learnt_labels": 100_000,
        "task": "tag",
        "alphabet": "dna",
        "next_token": None,
        "regression": None,
        "parameters": PARAMETERS.get(tagger, 0),
        "network": _card(tagger) if tagger in NETWORKS else None,
        # The validation split is the test split here.
        "validation": {
            "bases": n,
            "pieces": len(records),
            "cut": False,
            "cross_entropy": float(loss.mean()),
            "references": {
                name: {
                    "cross_entropy": float(-np.log(of[np.arange(n), labels]).mean()),
                    "excess_error": 0.0004,
                }
                for name, of in (references or {}).items()
            },
        },
        "states": list(STATES),
        "state_names": {"H": "GC-rich", "L": "GC-poor"},
        "test": {"bases": n, "segments": len(records)},
        "confusion": confusion.tolist(),
        "confusion_shares": (confusion / confusion.sum(axis=1, keepdims=True)).tolist(),
        "label_counts": confusion.sum(axis=1).tolist(),
        "accuracy": mean_of(match.astype(float)),
        "units": {
            "count": len(records),
            "kind": "record",
            "bases": float(length),
            "correlation_length": 20.0,
        },
        "balanced_accuracy": {"value": float(recall.mean()), **bare},
        "macro_f1": {"value": float(f1.mean()), **bare},
        "mcc": {"value": float(determinant / spread) if spread else 0.0, **bare},
        "auroc": {"value": float(np.mean([areas[state][0] for state in STATES])), **bare},
        "auprc": {"value": float(np.mean([areas[state][1] for state in STATES])), **bare},
        "classes": {
            state: {
                **_overlap(confusion[k, k], confusion[k].sum(), called_counts[k]),
                "auroc": {"value": areas[state][0], **bare},
                "auprc": {"value": areas[state][1], **bare},
            }
            for k, state in enumerate(STATES)
        },
        "scores": {
            state: {
                name: " ".join(map(str, counts.tolist()))
                for name, counts in zip(("own", "others"), scores[state], strict=True)
            }
            for state in STATES
        },
        "calibration": {
            "temperature": 1.0,
            "fitted_on_bases": n,
            "cross_entropy": {"value": float(loss.mean()), **bare},
            "cross_entropy_sum": float(loss.sum()),
            "ece": {"value": ece, **bare},
            "reliability": reliability,
        },
        "segments": _segments(labels, called, length),
        "groups": {},
        "majority_accuracy": float(confusion.sum(axis=1)[prior.argmax()] / n),
        "cross_entropy": mean_of(loss),
        "brier": {"value": float(brier.mean()), **bare},
        "ece": {"value": ece, **bare},
        "sums": sums,
        **figures,
        "excess": excess or None,
        "ceiling": ceiling,
        "reliability": reliability,
        "certainty": _certainty(posterior[np.arange(n), called], match, length),
        "chance": chance,
        "controls": {
            name: control_of(tagger, name, references is not None)
            for name in ("homogeneous", "shuffled")
        },
    }


def _certainty(sure, match, length):
    """Return the part `certainty`, with intervals of the records' jackknife."""
    records = np.arange(len(sure)) // length
    parts = np.stack(
        [np.bincount(records, w) for w in (sure * match, match, sure * ~match, ~match)]
    )  # (sums and counts, records)

    def figures(sums):
        matches, mismatches = sums[0] / sums[1], sums[2] / sums[3]
        return {
            "on_matches": matches,
            "on_mismatches": mismatches,
            "difference": matches - mismatches,
        }

    whole, left = figures(parts.sum(axis=1)), figures(parts.sum(axis=1)[:, None] - parts)
    half = {
        name: 1.96 * float(np.std(values) * np.sqrt(parts.shape[1] - 1))
        for name, values in left.items()
    }
    return {
        **{
            name: {"value": float(v), "low": float(v - half[name]), "high": float(v + half[name])}
            for name, v in whole.items()
        },
        "sums": {"matches": float(parts[0].sum()), "mismatches": float(parts[2].sum())},
    }


def control_of(tagger, name, known):
    """Return what a tagger calls in a control; the window sees structure everywhere."""
    n, records = 500_000, 50
    false = {"gc_window": 12_000, "majority": 0, "uniform": 0, "bilstm": 2650}.get(tagger, 2600)
    of_reference = 2600

    def rate(count):
        half = 2 * np.sqrt(count + 1)
        low, high = max(count - half, 0), count + half
        return {"value": count / n * 1e6, "low": low / n * 1e6, "high": high / n * 1e6}

    ratio, spread = false / of_reference, 0.06
    called = [n // 3, n - n // 3] if false else [0, n]
    return {
        "bases": n,
        "records": records,
        "segments": records + false,
        "false_segments": false,
        "per_mb": rate(false),
        "called": called,
        "other_share": 1 - max(called) / n,
        "reference": "exact" if known else "hmm_counts",
        "reference_false_segments": of_reference,
        "reference_per_mb": rate(of_reference),
        "ratio": {"value": ratio, "low": ratio - spread * ratio, "high": ratio + spread * ratio},
        "flagged": bool(ratio - spread * ratio > 1),
    }


def _card(tagger):
    """Return what the card of a network says of its parts, its cost and its context."""
    units, one_way, reach = NETWORKS[tagger]
    distances = [0, 1, 2, 4, 8, 16, 32]
    parts = [
        ("embedding", "each letter a 1 in its own one of 4 places", 0, 0),
        ("recurrence", f"of {units} units", PARAMETERS[tagger] - 2 * units - 2, 40 * units),
        ("head", "softmax over 2 labels, each base for itself", 2 * units + 2, 2 * units),
    ]
    keys = ("name", "description", "parameters", "operations")
    return {
        "parts": [dict(zip(keys, part, strict=True)) for part in parts],
        "operations_per_base": 42 * units,
        "context": {
            "bases": 176,
            "seed": 0,
            "sides": "left" if one_way else "both",
            "distances": distances,
            "kl": [0.4 / (1 + d) ** (2 if one_way else 1) for d in distances],
            "error": [0.01 / (1 + d) for d in distances],
            "threshold": 0.001,
            "reach": reach,
        },
    }


def _hidden(tagger, posterior):
    """Return hidden states that go with the posterior, each unit a little later than the last."""
    units = NETWORKS[tagger][0]
    odds = 2 * posterior[:, 0] - 1
    return np.stack([np.roll(odds, i) * (1 if i % 3 else -1) for i in range(units)], axis=1).astype(
        np.float16
    )


def _write_table(path: Path, header, rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(header)]
    lines += ["\t".join("" if value is None else str(value) for value in row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_dataset(folder, dataset, records, shown, seeds, rng, more_networks):
    """Write all files of one dataset; return the rows of the comparison and the paths."""
    transition, length = TRANSITION[dataset], LENGTH[dataset]
    known = dataset != "mine"
    parts = [_sample(transition, length, rng) for _ in range(records)]
    labels = np.concatenate([part[0] for part in parts])
    tokens = np.concatenate([part[1] for part in parts])
    both = [_posteriors(transition, part[1]) for part in parts]
    filtered = np.concatenate([pair[0] for pair in both])
    smoothed = np.concatenate([pair[1] for pair in both])
    prior = np.bincount(labels, minlength=2) / len(labels)
    table = np.stack([np.bincount(tokens[labels == k], minlength=4) for k in (0, 1)], axis=1)
    posteriors = {
        "gru": _noisy(filtered, 0.05, rng),
        "bilstm": _noisy(smoothed, 0.12, rng),
        "exact": smoothed,
        "filtered": filtered,
        "hmm_em": _noisy(smoothed, 0.3, rng),
        "hmm_counts": _noisy(smoothed, 0.02, rng),
        "base_table": (table / table.sum(axis=1, keepdims=True))[tokens],
        "gc_window": _window(tokens),
        "majority": np.broadcast_to(prior, smoothed.shape),
        "uniform": np.full(smoothed.shape, 0.5),
    }
    if not known:
        del posteriors["exact"], posteriors["filtered"]
    if more_networks:
        posteriors |= {name: _noisy(filtered, 0.1 * int(name[4:]), rng) for name in MORE_NETWORKS}
    references = {"exact": smoothed, "filtered": filtered} if known else None
    fresh = _fresh_labels(transition, length, records, np.random.default_rng(3))
    rows, paths = [], {"metrics": [], "histories": [], "tracks": []}
    for tagger, posterior in posteriors.items():
        network = KIND.get(tagger) == "network"
        for seed in seeds if network else (0,):
            if seed > 1:
                posterior = _noisy(posterior, 0.05, rng)
            place = folder / dataset / tagger / f"seed{seed}"
            place.mkdir(parents=True)
            metrics = _score(
                dataset, tagger, seed, posterior, references, prior, labels, length, fresh, rng
            )
            if not known:
                metrics["groups"] = {"GC": _grouped(metrics)}
            # The last records of `mine` are copies of training, all of them.
            matched = 0 if known else records // 4 * length
            metrics["test"] |= {"matched_bases": matched, "match_letters": 31, "match_strands": 2}
            metrics["unmatched"] = {"same": not matched}
            if matched:
                rest = slice(len(labels) - matched)
                own = _score(
                    dataset, tagger, seed, posterior[rest], None, prior, labels[rest], length,
                    fresh[:, rest], np.random.default_rng(5),
                )  # fmt: skip
                own["groups"] = {"GC": _grouped(own)}
                metrics["unmatched"] |= {name: own[name] for name in OF_UNMATCHED}
            (place / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
            paths["metrics"].append(place / "metrics.json")
            keep = np.concatenate([np.arange(shown[1]) + i * length for i in range(shown[0])])
            shown_labels = labels[keep].copy()
            if not known:
                shown_labels[40:52] = 255
            np.savez(
                place / "tracks.npz",
                alphabet=np.array("dna"),
                names=np.array([f"{dataset}{i + 1}" for i in range(shown[0])]),
                segment_start=np.zeros(shown[0], dtype=np.int64),
                lengths=np.full(shown[0], shown[1], dtype=np.int64),
                tokens=tokens[keep],
                labels=shown_labels,
                posterior=posterior[keep].astype(np.float32),
                calls=posterior[keep].argmax(axis=1).astype(np.uint8),
                **({"hidden": _hidden(tagger, posterior[keep])} if network else {}),
            )
            paths["tracks"].append(place / "tracks.npz")
            if network:
                paths["histories"].append(place / "history.tsv")
                start, end = 0.72, metrics["cross_entropy"]["value"]
                steps = np.arange(1, 21)
                fall = end + (start - end) * np.exp(-steps / 3)
                _write_table(
                    place / "history.tsv",
                    ("step", "train_loss", "validation_loss", "bases", "learning_rate"),
                    [
                        (10 * s, f + 0.003, f, 600_000 * s, 0.01 * (1 - s / 21))
                        for s, f in zip(steps.tolist(), fall.tolist(), strict=True)
                    ],
                )
            values = {
                "dataset": dataset,
                "tagger": tagger,
                "seed": seed,
                "test_bases": len(labels),
                "chance_accuracy": 0.5,
                "p_chance": metrics["chance"]["uniform"]["p"],
                "p_shift": metrics["chance"]["shift"]["p"],
                "p_resimulated": metrics["chance"]["resimulated"]["p"],
                "effective_sample_size": metrics["chance"]["shift"]["effective_sample_size"],
                **{
                    f"false_segments_per_mb_{name}": judged["per_mb"]["value"]
                    for name, judged in metrics["controls"].items()
                },
                "flagged": ",".join(
                    name for name, judged in metrics["controls"].items() if judged["flagged"]
                ),
                "train_seconds": (41.25 if network else 0.02) * seed if seed else 0.015,
                "train_bases_per_second": 290_000.0,
                "predict_bases_per_second": 2_400_000.0,
                "train_peak_mb": 612.4 if network else 151.2,
                "predict_peak_mb": 1430.0 if network else 166.0,
                "device": "CPU, 1 thread" if network else "CPU",
            }
            figures = metrics | {"segment_f1": metrics["segments"]["f1"]}
            elsewhere = metrics if not matched else metrics["unmatched"]
            figures |= {
                "unmatched_accuracy": elsewhere["accuracy"],
                "unmatched_segment_f1": elsewhere["segments"]["f1"],
            }
            values["matched_bases"] = matched
            values["of_another_version"] = 0.123456
            for column in COLUMNS:
                name, _, end = column.rpartition("_")
                if column not in values and column in figures:
                    figure = figures[column]
                    values[column] = figure["value"] if isinstance(figure, dict) else figure
                elif end in ("low", "high"):
                    values[column] = figures[name][end]
            rows.append([values.get(column) for column in COLUMNS])
    return rows, paths


def _write_annotation(folder, genome):
    """Write a lambda-like genome: six segments by Viterbi calls, many more by a window."""
    ends = [20_130, 22_480, 27_830, 38_004, 46_500, 48_502]
    cuts = {
        "blocks/exact/seed0": ends,
        "blocks/bilstm/seed1": [20_240, 22_510, 27_760, 38_010, 46_430, 48_502],
        "blocks/gc_window/seed0": sorted({*range(900, 48_502, 900), 48_502}),
    }
    paths = []
    calls = {}
    for name, bounds in cuts.items():
        place = folder / "annotations" / genome / name
        starts = [0, *bounds[:-1]]
        calls[name] = np.concatenate(
            [np.full(e - s, i % 2) for i, (s, e) in enumerate(zip(starts, bounds, strict=True))]
        )
        # The further from a border, the surer.
        at = np.arange(48_502)
        near = np.abs(at[:, None] - np.array(bounds)[None, :]).min(axis=1)
        sure = (0.55 + 0.44 * (1 - np.exp(-near / 150))).astype(np.float32)
        posterior = np.where(calls[name][:, None] == [0, 1], sure[:, None], 1 - sure[:, None])
        # Of the same kind as the training data, which are random letters, too.
        trained = genome_of({f"r{number}": 500 for number in range(400)}, seed=2)
        training = training_composition(trained, whole_records(trained))
        letters = genome_of({"NC_001416.1": 48_502})
        write_tracks(place, letters, calls[name], CALLED, posterior, training=training)
        paths.append(place)
    names = list(cuts)
    rows = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            agreeing = int((calls[first] == calls[second]).sum())
            rows.append(
                (
                    genome,
                    first,
                    second,
                    48_502,
                    agreeing,
                    agreeing / 48_502,
                    len(cuts[first]),
                    len(cuts[second]),
                )
            )
    agreement = folder / "annotations" / genome / "agreement.tsv"
    header = ("genome", "first", "second", "bases", "agreeing", "fraction")
    header += ("segments_first", "segments_second")
    _write_table(agreement, header, rows)
    return paths, agreement


def _write_regions(folder, annotations):
    """Write what the annotations of a genome say around their first change of state."""
    names = ["/".join(place.parts[-3:]) for place in annotations]
    tracks = [
        AnnotationFiles(name, place / "segments.bed.gz", place / "posteriors", CALLED)
        for name, place in zip(names, annotations, strict=True)
    ]
    write_regions(folder / "regions.npz", (), genome_of({"NC_001416.1": 48_502}), tracks)
    return folder / "regions.npz"


def write_sweep(path: Path, seeds=(1, 2), intervals=True, known=True) -> Path:
    """Write the table of a sweep of mean length and contrast by the bases of training.

    The network gains by bases, and by contrast where blocks are short; `hmm_counts` does not
    train. Cross-entropy has intervals of 0.0015 to each side.
    """
    header = [
        "dataset", "tagger", "seed", "dataset_base", "tagger_base",
        "dataset.simulate.mean_length", "dataset.simulate.contrast", "tagger.training.bases",
        "kind", "cross_entropy", "kl_exact", "kl_filtered",
        *(f"{name}_{end}" for name in ("cross_entropy", "kl_exact") for end in ("low", "high")),
    ]  # fmt: skip
    rows = []
    for length in (30, 100, 300):
        for contrast in (0.5, 1):
            dataset = f"blocks-mean_length{length}-contrast{contrast}".replace(".", "p")
            best = 0.6 - 0.1 * contrast - 0.0005 * length
            taggers = [("bilstm", bases, seed) for bases in (200_000, 4_000_000) for seed in seeds]
            for tagger, bases, seed in [*taggers, ("hmm_counts", "", 0), ("exact", "", 0)]:
                kl = {"hmm_counts": 0.006, "exact": 0.0}.get(tagger)
                if kl is None:
                    kl = 4000 / bases * contrast * (30 / length) + 0.0005 * seed
                entropy = best + kl
                ends = [entropy - 0.0015, entropy + 0.0015, kl * 0.9, kl * 1.1]
                rows.append([
                    dataset, f"{tagger}-bases{bases}" if bases else tagger, seed, "blocks", tagger,
                    length, contrast, bases, "network" if bases else "hmm", round(entropy, 8),
                    kl if known else None, (kl + 0.1) if known else None,
                    *(ends if intervals else [None] * 4),
                ])  # fmt: skip
    _write_table(path, header, rows)
    return path


def _write_differences(files):
    """Write how taggers differ, with intervals of a hundredth, and where variance comes from."""
    measures = {
        "accuracy": lambda m: m["accuracy"],
        "cross_entropy": lambda m: m["cross_entropy"],
        "kl_exact": lambda m: m["kl_exact"],
        "segment_f1": lambda m: m["segments"]["f1"],
    }
    found = {}
    for path in files.metrics:
        own = json.loads(path.read_text(encoding="utf-8"))
        found.setdefault(own["dataset"], {}).setdefault(own["tagger"], []).append(own)
    differences, variances = [], []
    for dataset, taggers in found.items():
        for name, of in measures.items():
            means = {
                tagger: np.mean([of(own)["value"] for own in seeds])
                for tagger, seeds in taggers.items()
                if all(of(own) is not None for own in seeds)
            }
            for i, first in enumerate(means):
                for second in list(means)[i + 1 :]:
                    value = float(means[first] - means[second])
                    ends = value - 0.01, value + 0.01
                    differences.append((dataset, first, second, name, value, *ends, 12))
            for tagger in means:
                several = len(taggers[tagger]) > 1
                parts = 4e-6, 12e-6 if several else None, None
                variances.append((dataset, tagger, name, *parts, 1, len(taggers[tagger])))
    header = ("dataset", "tagger", "other", "measure", "difference", "low", "high", "units")
    _write_table(files.differences, header, differences)
    header = ("datasets", "tagger", "measure", "test_sampling", "initialisation", "data")
    _write_table(files.variance, (*header, "n_datasets", "n_seeds"), variances)


def write_results(
    folder: Path,
    datasets=("toy", "blocks", "mine"),
    records=12,
    shown=(2, 240),
    seeds=(1,),
    annotate=True,
    more_networks=False,
) -> ResultFiles:
    """Write result files under `folder` and return their paths.

    `shown` is the number of records that the tracks hold, and the bases of each. With
    `more_networks` there are ten of them beside `gru` and `bilstm`.
    """
    rng = np.random.default_rng(7)
    rows = []
    tables = folder / "differences.tsv", folder / "variance.tsv"
    files = ResultFiles(folder / "comparison.tsv", [], [], [], [], [], [], *tables)
    for dataset in datasets:
        more, paths = _write_dataset(folder, dataset, records, shown, seeds, rng, more_networks)
        rows += more
        files.metrics.extend(paths["metrics"])
        files.histories.extend(paths["histories"])
        files.tracks.extend(paths["tracks"])
    _write_table(files.comparison, COLUMNS, rows)
    _write_differences(files)
    files.preflight.write_text(json.dumps(PREFLIGHT))
    if annotate:
        folders, agreement = _write_annotation(folder, "phage")
        files.annotations.extend(folders)
        files.agreements.append(agreement)
        files.regions.append(_write_regions(folder / "annotations/phage", folders))
        files.sweeps.append(write_sweep(folder / "sweeps" / "wrong_model.tsv"))
    return files
