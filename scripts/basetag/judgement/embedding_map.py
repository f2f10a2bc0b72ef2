"""Where the vectors that a network learnt for letters or words lie: their principal components.

The two directions along which vectors differ most (principal components: Pearson 1901, Phil Mag
2:559), found by a singular value decomposition of the centred vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.vocabulary import alphabet_of

#: Vectors that a map shows at most; of more, those farthest from the mean.
MOST = 300
_WEIGHT = "embedding.weight"


def embedding_map(vectors: NDArray[Any], labels: Sequence[str]) -> dict[str, Any]:
    """Return where vectors lie on their first two principal components.

    Parameters
    ----------
    vectors : ndarray, (labels, dimensions)
    labels : sequence of str
        What each is of: any text.

    Returns
    -------
    dict
        Plain JSON: `labels` and `places`, [first, second] of each that is shown, in the order
        given; `vectors` and `dimensions`, their numbers; `shares`, the part of the variance along
        each of the two, 0 where there is none. The sign of a component is that in which its
        largest loading (the first of equals) is positive.
    """
    if len(labels) != len(vectors):
        raise ValueError(f"{len(labels)} labels of {len(vectors)} vectors")
    centred = np.asarray(vectors, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    _, sizes, loadings = np.linalg.svd(centred, full_matrices=False)
    loadings = loadings[:2]
    largest = np.abs(loadings).argmax(axis=1)
    loadings = (
        loadings * np.where(loadings[np.arange(len(loadings)), largest] < 0, -1.0, 1.0)[:, None]
    )
    places = np.zeros((len(vectors), 2))
    places[:, : len(loadings)] = centred @ loadings.T
    variances = sizes**2
    shares = np.zeros(2)
    if variances.sum() > 0:
        shares[: len(loadings)] = variances[:2] / variances.sum()
    shown = np.arange(len(vectors))
    if len(shown) > MOST:
        far = np.argsort(-(centred**2).sum(axis=1), kind="stable")
        shown = np.sort(far[:MOST])
    return {
        "labels": [labels[i] for i in shown.tolist()],
        "places": places[shown].tolist(),
        "vectors": len(vectors),
        "dimensions": int(centred.shape[1]),
        "shares": shares.tolist(),
    }


def embedding_of(
    tensors: Mapping[str, NDArray[Any]], card: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the map of a tagger's learned vectors; None where it has none, or they have no names.

    Parameters
    ----------
    tensors, card
        Of the tagger's file.
    """
    vectors = tensors.get(_WEIGHT)
    if card["kind"] != "network" or vectors is None or len(vectors) < 2:
        return None
    k = (card["architecture"].get("embedding") or {}).get("k", 1)
    letters = alphabet_of(card).letter_names
    if len(letters) ** k != len(vectors):
        return None
    return embedding_map(vectors, ["".join(word) for word in product(letters, repeat=k)])
