"""Base by base: the records that the report shows, with posteriors and hidden states."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage

from basetag.corpus import UNLABELLED
from basetag.report.counted import counted, unit_of
from basetag.report.data import DatasetResult, TaggerResult, Tracks
from basetag.report.drawing import state_colours
from basetag.report.page import Page
from basetag.report.sequence_charts import hidden_spec, tracks_spec

#: Columns and rows of a map of hidden states, at most.
COLUMNS = 250
ROWS = 64
# The share of all values beyond which they are drawn in the last colour.
_OUTLIERS = 0.005


def explore_view(
    page: Page,
    dataset: DatasetResult,
    named: Mapping[str, TaggerResult],
    networks: Mapping[str, TaggerResult],
) -> dict[str, Any] | None:
    """Put the shown records into the page's data and return the choices that there are."""
    tracked = {label: r for label, r in named.items() if r.tracks is not None}
    if not tracked:
        return None
    tracks = next(iter(tracked.values())).tracks
    assert tracks is not None  # noqa: S101 (narrowed above)
    records = [
        {
            "name": name,
            "start": start,
            "bases": sequence,
            "truth": "".join(
                dataset.states[k] if k != UNLABELLED else " " for k in labels.tolist()
            ),
        }
        for name, start, sequence, labels in zip(
            tracks.names, tracks.starts, tracks.sequences, tracks.labels, strict=True
        )
    ]
    references = {of: dataset.reference(of) for of in ("exact", "filtered")}
    label_of = {id(result): label for label, result in named.items()}
    taggers = []
    for label, result in tracked.items():
        assert result.tracks is not None  # noqa: S101 (narrowed above)
        ceiling = result.metrics["ceiling"]
        reference = references[ceiling["of"]] if ceiling is not None else None
        taggers.append(
            {
                "hidden": hidden_view(result.tracks),
                "label": label,
                "reference": None if reference is None else label_of[id(reference)],
                "posterior": [
                    np.rint(posterior * 1e4).astype(int).ravel().tolist()
                    for posterior in result.tracks.posteriors
                ],
                "called": [
                    "".join(dataset.states[call] for call in calls.tolist())
                    for calls in result.tracks.calls
                ],
            }
        )
    metrics = dataset.results[0].metrics
    words, unit = counted(metrics), unit_of(metrics)
    page.explore[dataset.name] = {
        "states": dataset.states,
        "state_names": dataset.state_names,
        "colours": state_colours(dataset.states),
        "records": records,
        "taggers": taggers,
        "first": next((label for label in networks if label in tracked), taggers[0]["label"]),
        "one": words.one,
        "many": words.many,
        "unit": unit,
        "spec": tracks_spec(dataset.states, unit),
        "hidden_spec": hidden_spec(dataset.states, unit),
    }
    return {
        "dataset": dataset.name,
        "labels": list(tracked),
        "records": [r["name"] for r in records],
    }


def hidden_view(tracks: Tracks) -> dict[str, Any] | None:
    """Return the hidden states of the shown records as the page draws them, small.

    Parameters
    ----------
    tracks : Tracks

    Returns
    -------
    dict or None
        `units`, the number of each row's unit, from 1; `of`, how many there are; `most`, the size
        at which colours end; and for each record in `records` its `bin` (bases in a column, the
        last one may have fewer), the `norm` of a base in each column, and `values`: bytes, row by
        row, base64, 0 to 254 for -most to +most. Columns are means over their bases. None where
        the tagger has no hidden states.
    """
    if tracks.hidden is None:
        return None
    binned = []
    for hidden in tracks.hidden:
        width = -(-len(hidden) // COLUMNS)
        norm = np.sqrt((hidden**2).sum(axis=1, keepdims=True))
        binned.append((width, _means(hidden, width), _means(norm, width)))
    posterior = np.concatenate(
        [_means(p, w) for p, (w, _, _) in zip(tracks.posteriors, binned, strict=True)]
    )
    units = ordered_units(np.concatenate([values for _, values, _ in binned]), posterior[:, 0])
    shown = np.concatenate([values[:, units] for _, values, _ in binned])
    most = float(np.quantile(np.abs(shown), 1 - _OUTLIERS)) or 1.0
    return {
        "units": (units + 1).tolist(),
        "of": tracks.hidden[0].shape[1],
        "most": float(f"{most:.3g}"),
        "records": [
            {
                "bin": width,
                "norm": [float(f"{value:.3g}") for value in norm[:, 0]],
                "values": _quantised(values[:, units].T, most),
            }
            for width, values, norm in binned
        ],
    }


def ordered_units(
    values: NDArray[np.float64], probability: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return which units are shown, alike ones side by side.

    Parameters
    ----------
    values : ndarray of float64, (columns, units)
    probability : ndarray of float64, (columns,)
        Of the first state; units that rise with it come first.

    Returns
    -------
    ndarray of int64, (shown,)
        The units that vary most, at most `ROWS`. Hierarchical clustering by correlation, the
        leaves in the order that brings the most alike together (Bar-Joseph et al. 2001,
        Bioinformatics 17:S22); units that never vary stand last.
    """
    spread = values.std(axis=0)
    chosen = np.sort(np.argsort(-spread, kind="stable")[:ROWS])
    varying = chosen[spread[chosen] > 1e-6]
    if varying.size > 2:
        correlation = np.asarray(np.corrcoef(values[:, varying].T))
        distances = 1 - correlation[np.triu_indices(varying.size, 1)]
        tree = linkage(np.maximum(distances, 0), "average", optimal_ordering=True)
        varying = varying[leaves_list(tree)]
    centred = values[:, varying] - values[:, varying].mean(axis=0)
    rising = (centred / spread[varying] * (probability - probability.mean())[:, None]).sum(axis=0)
    half = varying.size // 2
    if rising[:half].sum() < rising[varying.size - half :].sum():
        varying = varying[::-1]
    return np.concatenate([varying, chosen[spread[chosen] <= 1e-6]]).astype(np.int64)


def _means(values: NDArray[np.floating[Any]], width: int) -> NDArray[np.float64]:
    """Return the means of every `width` neighbouring rows; the last may be of fewer."""
    starts = np.arange(0, len(values), width)
    sums = np.add.reduceat(values.astype(np.float64), starts, axis=0)
    means: NDArray[np.float64] = sums / np.diff([*starts, len(values)])[:, None]
    return means


def _quantised(values: NDArray[np.float64], most: float) -> str:
    levels = np.rint(np.clip(values / most, -1, 1) * 127 + 127).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode("ascii")
