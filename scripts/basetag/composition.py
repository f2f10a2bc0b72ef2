"""What sequences are made of: how often each word of five letters occurs, on either strand.

A tagger knows sequences like those that it was trained on. Its file carries their composition,
and how far pieces of them differ from the rest of them, by length: the shorter a piece, the more
it differs by chance alone. A genome that differs more than such pieces do is of another kind.

Differences are Jensen-Shannon divergences (Lin 1991, IEEE Trans Inf Theory 37:145), in nats: 0
for equal compositions, log 2 for those without a word in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.alphabet import DNA, Alphabet
from basetag.corpus import Corpus
from basetag.segments import Segments
from basetag.vocabulary import Vocabulary
from basetag.word_kernels import count_words

#: Longest word, and the most words that there may be of it: 5 of DNA, 2 of proteins.
LONGEST_WORD, MOST_WORDS = 5, 1024
#: Bases of the pieces that training data are held against, as long as there are four times as many.
PIECE_LENGTHS = (2**9, 2**11, 2**13, 2**15, 2**17)
#: Pieces of each length, and the shares of them of which the divergence is kept.
PIECES = 199
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
#: A genome is told to differ when it does so more than this share of the pieces.
BEYOND = 0.99

Counts = NDArray[np.int64]

_AT_ONCE = 1 << 22


def word_length(alphabet: Alphabet) -> int:
    """Return how long the words of an alphabet are that are counted."""
    lengths = range(1, LONGEST_WORD + 1)
    return max((k for k in lengths if alphabet.n_letters**k <= MOST_WORDS), default=1)


@cache
def words_of(alphabet: Alphabet) -> tuple[list[str], NDArray[np.int64]]:
    """Return the words that are told apart, and which of them each word counts as.

    A word and its reverse complement are one, called by the first of the two in alphabetical
    order, since nobody knows from which strand a sequence was read.

    Returns
    -------
    list of str
        The words.
    ndarray of int64, (letters ** k,)
        Place of each word in that list, the words in the order of their letters' tokens.
    """
    k, n = word_length(alphabet), alphabet.n_letters
    places = n ** np.arange(k)[::-1]
    letters = np.arange(n**k)[:, np.newaxis] // places % n  # (words, k)
    first = np.arange(n**k)
    if alphabet.complement is not None:
        other = alphabet.complement[:n].astype(np.int64)[letters[:, ::-1]] @ places
        first = np.minimum(first, other)
    kept, place = np.unique(first, return_inverse=True)
    return ["".join(alphabet.letters[i] for i in letters[word]) for word in kept], place


def count_composition(
    tokens: NDArray[np.uint8], lengths: NDArray[np.int64], alphabet: Alphabet
) -> Counts:
    """Return how often each word of `words_of` occurs, (words,).

    Parameters
    ----------
    tokens : ndarray of uint8, (bases,)
        Sequences, one behind the other.
    lengths : ndarray of int64, (sequences,)
    alphabet : Alphabet
    """
    k = word_length(alphabet)
    counts = np.zeros(alphabet.n_letters**k, dtype=np.int64)
    count_words(tokens, np.cumsum(lengths), alphabet.n_letters, k, counts)
    words, place = words_of(alphabet)
    return np.bincount(place, weights=counts, minlength=len(words)).astype(np.int64)


def divergence(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the Jensen-Shannon divergence of two compositions, in nats.

    Parameters
    ----------
    one, other : ndarray, (words,)
        Counts; neither is empty.
    """
    shares = [counts / counts.sum() for counts in (one, other)]
    apart = (_entropy(shares[0]) + _entropy(shares[1])) / 2
    return max(0.0, _entropy((shares[0] + shares[1]) / 2) - apart)


def training_composition(corpus: Corpus, training: Segments) -> dict[str, Any]:
    """Return what a tagger's file says of its training data's composition.

    Parameters
    ----------
    corpus : Corpus
    training : Segments
        The training split.

    Returns
    -------
    dict
        `k`; `counts` of the words of `words_of`; and of `pieces` the `lengths`, and for each of
        these the `divergences` that the `shares` of the pieces do not pass, each piece held
        against the training data without it. Pieces run over the ends of segments. Empty for texts,
        which annotate no genome.
    """
    alphabet = corpus.alphabet
    if isinstance(alphabet, Vocabulary):
        return {}
    whole = np.zeros(len(words_of(alphabet)[0]), dtype=np.int64)
    for part in training.cut(_AT_ONCE).batches(_AT_ONCE):
        whole += count_composition(part.gathered(corpus.tokens), part.lengths, alphabet)
    lengths = [n for n in PIECE_LENGTHS if 4 * n <= training.bases]
    kept = []
    for length in list(lengths):
        found = []
        for start in np.linspace(0, training.bases - length, PIECES).astype(np.int64).tolist():
            piece = stretch(training, start, start + length)
            own = count_composition(piece.gathered(corpus.tokens), piece.lengths, alphabet)
            # Where there is a gap of N, the piece is a shorter one.
            room = np.maximum(piece.lengths - word_length(alphabet) + 1, 0).sum()
            if own.sum() >= 0.9 * max(room, 1) and (whole - own).any():
                found.append(divergence(own, whole - own))
        if found:
            kept.append([float(f"{q:.6g}") for q in np.quantile(found, SHARES)])
        else:
            lengths.remove(length)
    return {
        "k": word_length(alphabet),
        "counts": whole.tolist(),
        "pieces": {"lengths": lengths, "shares": list(SHARES), "divergences": kept},
    }


def stretch(segments: Segments, start: int, end: int) -> Segments:
    """Return the bases `start` to `end` of segments, counted through all of them in their order."""
    ends = np.cumsum(segments.lengths)
    first, last = np.searchsorted(ends, [start, end - 1], side="right")
    part = segments.chosen(np.arange(first, last + 1))
    begins = (ends - segments.lengths)[first : last + 1]
    skipped = np.maximum(start - begins, 0)
    stops = np.minimum(end - begins, part.lengths)
    return Segments(part.record, part.start + skipped, part.start + stops, part.offset + skipped)


def compare_composition(
    training: Mapping[str, Any] | None, genome: Corpus, n_words: int = 10
) -> dict[str, Any]:
    """Return how far a genome's composition is from that of a tagger's training data.

    Parameters
    ----------
    training : mapping or None
        What `training_composition` returned; None where a tagger's file is of an earlier version.
    genome : Corpus
    n_words : int
        The words that differ most are named, so many of them.

    Returns
    -------
    dict
        `known`, whether the tagger's file has a composition, and then: `k`; `words`, how many the
        genome has; `divergence` in nats, None where it has none; `length` of the pieces it is held
        against, the genome's own or that of the longest pieces; `threshold`, which 99 % of those
        do not pass, between lengths interpolated on a log scale, None where it is shorter than all;
        `differs`, whether it is passed, or None; `pieces` as in the tagger's file; `gc` and
        `training_gc`, None of another alphabet than DNA; and `most` (word, share of the genome's
        words, share in training).
    """
    if not training:
        return {"known": False}
    own = count_composition(genome.tokens, genome.lengths, genome.alphabet)
    trained = np.array(training["counts"], dtype=np.int64)
    n = int(own.sum())
    pieces = training["pieces"]
    lengths = pieces["lengths"]
    found = {
        "known": True,
        "k": training["k"],
        "words": n,
        "divergence": None,
        "length": None,
        "threshold": None,
        "differs": None,
        "pieces": dict(pieces),
        "gc": gc_share(own, genome.alphabet),
        "training_gc": gc_share(trained, genome.alphabet),
        "most": [],
    }
    if not n or not trained.sum():
        return found
    found["divergence"] = float(f"{divergence(own, trained):.6g}")
    found["most"] = _most_different(own, trained, genome.alphabet, n_words)
    if lengths and n >= lengths[0]:
        # Pieces of a repeat can be equal, and 0 has no logarithm.
        limits = [max(row[pieces["shares"].index(BEYOND)], 1e-9) for row in pieces["divergences"]]
        found["length"] = min(n, lengths[-1])
        at = np.interp(np.log(found["length"]), np.log(lengths), np.log(limits))
        found["threshold"] = float(f"{np.exp(at):.6g}")
        found["differs"] = found["divergence"] > found["threshold"]
    return found


def warning(found: Mapping[str, Any]) -> str | None:
    """Return in words that a genome is of another kind than the training data; None if not."""
    if not found.get("differs"):
        return None
    gc = ""
    if found["gc"] is not None:
        gc = f"; its GC is {100 * found['gc']:.1f} %, and theirs {100 * found['training_gc']:.1f} %"
    return (
        f"the genome is unlike the training data: its words of {found['k']} letters differ by"
        f" {found['divergence']:.2g} nats, and 99 % of pieces of {found['length']:,} training bases"
        f" by less than {found['threshold']:.2g}{gc}; posteriors may be wrong there, however sure"
    )


def gc_share(counts: Counts, alphabet: Alphabet) -> float | None:
    """Return the share of G and C in counted words; None of another alphabet than DNA."""
    if alphabet != DNA or not counts.sum():
        return None
    words, _ = words_of(alphabet)
    strong = np.array([sum(letter in "GC" for letter in word) / len(word) for word in words])
    return float(f"{counts @ strong / counts.sum():.6g}")


def _most_different(
    own: Counts, trained: Counts, alphabet: Alphabet, n_words: int
) -> list[list[Any]]:
    """Return the words that add most to the divergence, and their shares in either."""
    p, q = own / own.sum(), trained / trained.sum()
    m = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(p > 0, p * np.log(p / m), 0) + np.where(q > 0, q * np.log(q / m), 0)
    words, _ = words_of(alphabet)
    return [
        [words[i], float(f"{p[i]:.4g}"), float(f"{q[i]:.4g}")]
        for i in np.argsort(-parts, kind="stable")[:n_words].tolist()
        if parts[i] > 0
    ]


def _entropy(shares: NDArray[np.float64]) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())
