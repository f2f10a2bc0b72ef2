"""Negative controls: sequences in which no state ever changes, so every called border is false.

Two of them, made of as many pieces of the test split as hold some number of bases. `homogeneous`
has the pieces' lengths and nothing else of them: each letter is drawn by itself, at the composition
of the training split. `shuffled` has the pieces' own letters, in a random order that keeps how
often each follows each other one, which is most of what a tagger could mistake for structure.

Each is a corpus without labels. What else a tagger reads of a base, its features, is that of the
piece from which a record was made; `segments.tsv` says which that is. How calls on the controls
are judged lies in `basetag.judgement.control_rates`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from basetag.corpus import Corpus
from basetag.corpus_encoding import write_tokens
from basetag.errors import InputError
from basetag.euler_shuffle import euler_shuffle
from basetag.features import FeatureColumns
from basetag.files import written_whole
from basetag.segments import Segments

#: The controls, in the order in which predictions of them lie one behind the other.
CONTROLS = ("homogeneous", "shuffled")

SEGMENTS = "segments.tsv"

_COLUMNS = ("record", "start", "end")
# As many records as carry an interval well, as long as that leaves them long; pieces of genomes
# are thus not held in memory as wholes.
_WANTED_RECORDS = 50
_SHORTEST_PIECE, _LONGEST_PIECE = 10_000, 100_000

AnyPath = str | os.PathLike[str]


def control_pieces(test: Segments, bases: int) -> Segments:
    """Return the pieces of the test split that controls are made of.

    Parameters
    ----------
    test : Segments
        Cut into pieces of at most 10 kb, or of a fiftieth of `bases` up to 100 kb where that is
        more.
    bases : int
        About this many are taken, in whole pieces spread evenly over the split; where that holds
        fewer, each piece comes several times. 0 takes none.

    Returns
    -------
    Segments
        In the order of the split; none where it is empty.
    """
    longest = min(max(bases // _WANTED_RECORDS, _SHORTEST_PIECE), _LONGEST_PIECE)
    pieces = test.cut(longest)
    n_pieces = len(pieces.offset)
    if not bases or not n_pieces:
        return pieces.chosen(np.zeros(0, dtype=np.int64))
    count = max(1, round(n_pieces * bases / pieces.bases))
    return pieces.chosen(np.arange(count) * n_pieces // count)


def letter_counts(corpus: Corpus, segments: Segments) -> NDArray[np.int64]:
    """Return how often each plain letter occurs in the segments, (letters,)."""
    counts = np.zeros(256, dtype=np.int64)
    for part in segments.batches():
        counts += np.bincount(part.gathered(corpus.tokens), minlength=256)
    return counts[: corpus.alphabet.n_letters]


def homogeneous_tokens(
    counts: NDArray[np.int64], length: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Draw a sequence whose letters are independent of one another.

    Parameters
    ----------
    counts : ndarray of int64, (letters,)
        Weight of each letter.
    length : int
        In bases.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, (length,)
    """
    # Sums of whole numbers: a letter of weight 0 has a threshold that nothing lies below.
    thresholds = np.cumsum(counts)[:-1] / counts.sum()
    return np.searchsorted(thresholds, rng.random(length), side="right").astype(np.uint8)


def write_controls(
    folder: AnyPath, corpus: Corpus, split: Mapping[str, Segments], *, bases: int, seed: int
) -> Segments:
    """Write the corpora of the controls, each in a folder of its name, and `segments.tsv`.

    Parameters
    ----------
    folder : path-like
        Where they shall lie.
    corpus : Corpus
    split : mapping of str to Segments
        `train` gives the composition, `test` the pieces.
    bases : int
        About this many in each control; 0 writes controls without records.
    seed : int
        Each record has random numbers of its own, by the seed, the control and its number.

    Returns
    -------
    Segments
        The pieces of which the records are made.

    Raises
    ------
    InputError
        Where the training split has no plain letter.
    """
    folder = Path(folder)
    pieces = control_pieces(split["test"], bases)
    counts = letter_counts(corpus, split["train"])
    if len(pieces.offset) and not counts.sum():
        raise InputError(
            "the training split holds ambiguous letters alone, so controls have no composition",
            advice="draw another split, or set evaluation.controls.bases to 0",
        )

    def records(control: str) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        for number, (offset, length) in enumerate(zip(pieces.offset, pieces.lengths, strict=True)):
            key = (CONTROLS.index(control), number)
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
            if control == "homogeneous":
                tokens = homogeneous_tokens(counts, int(length), rng)
            else:
                own = corpus.tokens[offset : offset + length]
                tokens = euler_shuffle(own, corpus.alphabet.n_letters, rng)
            yield f"{control}{number + 1}", tokens

    for control in CONTROLS:
        write_tokens(folder / control, corpus.alphabet, records(control))
    lines = ["\t".join(_COLUMNS)]
    for record, start, end in zip(pieces.record, pieces.start, pieces.end, strict=True):
        lines.append(f"{corpus.names[record]}\t{start}\t{end}")
    with written_whole(folder / SEGMENTS) as (place,):
        place.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return pieces


def open_controls(folder: AnyPath, corpus: Corpus) -> dict[str, Corpus]:
    """Open the corpora that `write_controls` wrote, by name, in the order of `CONTROLS`.

    They have the features that `corpus` is opened with: those of the pieces that their records
    were made of.
    """
    controls = {control: Corpus.open(Path(folder) / control) for control in CONTROLS}
    if corpus.features is None:
        return controls
    values = np.asarray(read_pieces(folder, corpus).gathered_features(corpus))
    features = FeatureColumns(values, np.arange(values.shape[1]))
    return {
        name: replace(control, features=features, feature_names=corpus.feature_names)
        for name, control in controls.items()
    }


def read_pieces(folder: AnyPath, corpus: Corpus) -> Segments:
    """Return the piece of `corpus` that each record of a control was made of.

    Raises
    ------
    InputError
        Where `segments.tsv` cannot be read, or is of another corpus.
    """
    path = Path(folder) / SEGMENTS
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")[1:]
        record_of_name = {name: index for index, name in enumerate(corpus.names)}
        fields = [line.split("\t") for line in lines]
        rows = [(record_of_name[name], int(start), int(end)) for name, start, end in fields]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"does not name pieces of the corpus ({error})",
            file=path,
            advice="make the controls again",
        ) from error
    record, start, end = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Segments(record, start, end, corpus.starts[record] + start)
