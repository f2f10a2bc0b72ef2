"""Folds of the records: each is the test split once, and what is left trains (Stone 1974).

Stone, J R Stat Soc B 36:111-147. Copies of a record, on either strand, are in its fold, and records
of one class are dealt out evenly, so that folds are alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.record_classes import judged_corpus
from basetag.segments import whole_records
from basetag.splits.copies import groups_of_copies
from basetag.splits.near_copies import groups_of_near_copies
from basetag.splits.table import SPLITS, Split


def split_by_fold(
    corpus: Corpus,
    *,
    folds: int | None,
    fold: int,
    validation: float,
    seed: int,
    near_copies: float | None = None,
) -> Split:
    """Return the split in which one fold of the records is the test split.

    Parameters
    ----------
    corpus : Corpus
    folds : int or None
        Their number; None makes one for each record, its copies with it.
    fold : int
        Which one is the test split, from 0.
    validation : float
        Share of the other groups of copies that are the validation split, at least one; drawn
        anew for each fold.
    seed : int
        Of the folds, and of what is drawn for validation.
    near_copies : float, optional
        Share of k-mers from which on records are in one fold (`groups_of_near_copies`).

    Raises
    ------
    InputError
        Where there is no such fold, or nothing is left for training and validation.
    """
    records = whole_records(corpus)
    groups = groups_of_copies(corpus, records.offset, records.lengths)
    copied = np.bincount(groups)[groups] > 1
    if near_copies is not None:
        groups = groups_of_near_copies(corpus, records, groups, near_copies)
    together = np.bincount(groups)[groups] > 1
    n_groups = int(groups.max(initial=-1)) + 1
    n_folds = n_groups if folds is None else folds
    if n_folds > n_groups or fold >= n_folds:
        raise InputError(
            f"{n_groups} records of different content have no fold {fold} of {n_folds}",
            advice="take fewer folds" if folds is not None else f"the last is {n_groups - 1}",
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(n_groups)
    if corpus.of_records:
        classes = judged_corpus(corpus).known_labels[records.record]
        first = np.unique(groups, return_index=True)[1]
        order = order[np.argsort(classes[first][order], kind="stable")]
    fold_of: NDArray[np.int64] = np.empty(n_groups, dtype=np.int64)
    fold_of[order] = np.arange(n_groups) % n_folds
    others = np.flatnonzero(fold_of != fold)
    n_validation = max(1, round(validation * others.size))
    if n_validation >= others.size:
        raise InputError(
            f"of {n_groups} records of different content, fold {fold} leaves {others.size}: too few"
            " for training and validation",
            advice="give more records, or take more folds",
        )
    assignment = np.full(n_groups, SPLITS.index("train"), dtype=np.int64)
    assignment[fold_of == fold] = SPLITS.index("test")
    chosen = np.random.default_rng([seed, fold]).choice(others, n_validation, replace=False)
    assignment[chosen] = SPLITS.index("validation")
    return Split(
        records,
        assignment[groups],
        duplicates=int(copied.sum()),
        near_copies=int((together & ~copied).sum()),
    )
