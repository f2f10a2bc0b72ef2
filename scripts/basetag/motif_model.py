"""Random sequences with a motif in some of them, and the exact probability that one has it.

A record has the motif with probability `share`. Letters are drawn independently, G and C together
with probability `gc`; those of a motif are its own, each replaced by one of the three others with
probability `noise`. At the `start` of a record it lies there or nowhere: records without it never
begin with exactly its letters. `anywhere`, each place is as likely, and the others have it by
chance.

By Bayes' theorem the probability of a motif follows from the likelihoods of a record under both
classes, in which all letters outside the motif cancel; over places it is their mean, as in the
model of one occurrence per sequence of Lawrence & Reilly (1990, Proteins 7:41-51).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import DNA
from basetag.fasta import write_fasta
from basetag.files import written_whole
from basetag.simulation import draw_lengths

Tokens = NDArray[np.uint8]
Lengths = NDArray[np.int64]

#: What of the settings the model is.
MOTIF_KEYS = ("motif", "place", "noise", "share", "gc")

_BASES_AT_ONCE = 1 << 22
_COLUMNS = ("record", "class")
#: Values in the table of classes.
WITH, WITHOUT = "with", "without"


@dataclass(frozen=True)
class MotifModel:
    """The model of records with and without a motif.

    Parameters
    ----------
    motif : str
        Plain letters of DNA.
    place : str
        `start` or `anywhere`.
    noise : float
        Probability that a letter of the motif is another one.
    share : float
        Probability that a record has the motif.
    gc : float
        Probability of G or C elsewhere.
    """

    motif: str
    place: str
    noise: float
    share: float
    gc: float

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> MotifModel:
        """Return the model of `Config.motif_settings`."""
        return cls(**{key: settings[key] for key in MOTIF_KEYS})

    @cached_property
    def background(self) -> NDArray[np.float64]:
        """Probability of each letter outside the motif, (letters,)."""
        return np.array([1 - self.gc, self.gc, self.gc, 1 - self.gc]) / 2

    @cached_property
    def emission(self) -> NDArray[np.float64]:
        """Probability of each letter at each place of the motif, (motif, letters)."""
        tokens = DNA.encode(self.motif)
        emission = np.full((tokens.size, DNA.n_letters), self.noise / (DNA.n_letters - 1))
        emission[np.arange(tokens.size), tokens] = 1 - self.noise
        return emission

    def sample(
        self, lengths: Lengths, rng: np.random.Generator
    ) -> tuple[Tokens, NDArray[np.bool_]]:
        """Draw records.

        Parameters
        ----------
        lengths : ndarray of int64, (records,)
            None shorter than the motif.
        rng : numpy.random.Generator

        Returns
        -------
        tokens : ndarray of uint8, (bases,)
            One record behind the other.
        has_motif : ndarray of bool, (records,)
        """
        size = len(self.motif)
        has_motif = rng.random(lengths.size) < self.share
        tokens = _drawn(self.background, int(lengths.sum()), rng)
        starts = np.cumsum(lengths) - lengths
        if self.place == "start":
            first = starts[~has_motif][:, None] + np.arange(size)
            while len(first := first[(tokens[first] == DNA.encode(self.motif)).all(axis=1)]):
                tokens[first] = _drawn(self.background, first.size, rng).reshape(first.shape)
            at = starts[has_motif]
        else:
            at = starts[has_motif] + rng.integers(lengths[has_motif] - size + 1)
        for offset, row in enumerate(self.emission):
            tokens[at + offset] = _drawn(row, at.size, rng)
        return tokens, has_motif

    def posterior(self, tokens: Tokens, lengths: Lengths) -> NDArray[np.float64]:
        """Return the probability that each record has the motif, (records,).

        A letter that may be several, such as N, is as likely as these together. A record shorter
        than the motif has none.

        Parameters
        ----------
        tokens : ndarray of uint8, (bases,)
            One record behind the other.
        lengths : ndarray of int64, (records,)
        """
        size = len(self.motif)
        fits = lengths >= size
        result = np.zeros(lengths.size)
        starts = (np.cumsum(lengths) - lengths)[fits]
        with np.errstate(divide="ignore"):
            log_ratio = np.log(self.emission @ DNA.membership.T)
            log_ratio -= np.log(DNA.membership @ self.background)
            prior = np.log(self.share) - np.log1p(-self.share)
        if self.place == "start":
            first = tokens[starts[:, None] + np.arange(size)]
            with_motif = log_ratio[np.arange(size), first].sum(axis=1)
            # What else a record could begin with is so much more likely.
            probability = self.background[DNA.encode(self.motif)].prod()
            exact = (first == DNA.encode(self.motif)).all(axis=1)
            without = np.where(exact, -np.inf, -np.log1p(-probability))
        else:
            places = lengths[fits] - size + 1
            index = np.repeat(starts - (np.cumsum(places) - places), places)
            index += np.arange(index.size)
            at_place = np.zeros(index.size)
            for offset in range(size):
                at_place += log_ratio[offset, tokens[index + offset]]
            first_place = np.cumsum(places) - places
            total = np.logaddexp.reduceat(at_place, first_place) if places.size else at_place
            with_motif, without = total - np.log(places), np.zeros(places.size)
        odds = prior + with_motif - without
        result[fits] = 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
        result[fits] = np.where(odds == -np.inf, 0.0, np.where(odds == np.inf, 1.0, result[fits]))
        return result


def simulate_motif_records(
    settings: Mapping[str, Any],
    sequences: str | os.PathLike[str],
    classes: str | os.PathLike[str],
) -> None:
    """Draw records and write them, FASTA in BGZF, and a table of their classes.

    Parameters
    ----------
    settings : mapping
        `Config.motif_settings`.
    sequences, classes : path-like
        The targets, written whole or not at all; `classes` has the columns record and class, the
        latter `with` or `without`.
    """
    model = MotifModel.from_settings(settings)
    rng = np.random.default_rng([settings["seed"], settings["records"]])
    lengths = draw_lengths(settings["length"], settings["records"], rng)

    def records(file: Any) -> Iterator[tuple[str, bytes]]:
        ends = np.cumsum(lengths)
        first = 0
        while first < lengths.size:
            done = ends[first] - lengths[first]
            last = max(first + 1, int(np.searchsorted(ends, done + _BASES_AT_ONCE, side="right")))
            own = lengths[first:last]
            tokens, has_motif = model.sample(own, rng)
            cuts = np.cumsum(own)[:-1]
            for index, (part, with_it) in enumerate(
                zip(np.split(tokens, cuts), has_motif.tolist(), strict=True), start=first + 1
            ):
                file.write(f"record{index}\t{WITH if with_it else WITHOUT}\n")
                yield f"record{index}", DNA.decode(part).encode("ascii")
            first = last

    with (
        written_whole(sequences, classes) as (sequence_place, class_place),
        class_place.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.write("\t".join(_COLUMNS) + "\n")
        write_fasta(sequence_place, records(file))


def _drawn(probabilities: NDArray[np.float64], count: int, rng: np.random.Generator) -> Tokens:
    """Draw tokens independently, (count,)."""
    thresholds = np.cumsum(probabilities)[:-1]
    return np.searchsorted(thresholds, rng.random(count), side="right").astype(np.uint8)
