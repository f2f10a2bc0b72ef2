"""Corpora of texts: words, or characters, as tokens of a vocabulary that training alone makes.

A table is read once, and each word becomes a digest that depends on nothing but the word
(`words.npy`). By these the split is drawn, as the rule that splits draws it again: it asks for
lengths, names and copies, and for no vocabulary. Then the words of the training split are counted,
and the most frequent are the vocabulary. A word that only the test split has is never a token.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.classified_corpus import FILES, finish_records, told_by
from basetag.corpus import Corpus
from basetag.corpus_files import (
    TOKENS,
    VOCABULARY,
    WORDS,
    CorpusCounts,
    Encoded,
    growing_array,
)
from basetag.errors import InputError
from basetag.files import written_whole
from basetag.labelling.sequence_table import read_sequence_table
from basetag.letters import UNLABELLED
from basetag.segments import Segments
from basetag.splits.choice import split_by_settings
from basetag.text_words import split_text, word_digest
from basetag.vocabulary import UNKNOWN, UNKNOWN_WORD, Vocabulary, WordDigests

_AT_ONCE = 1 << 22

AnyPath = str | os.PathLike[str]
Digests = NDArray[np.uint64]


def as_words(corpus: Corpus, folder: AnyPath) -> Corpus:
    """Return a corpus as splits see it: of texts, with the digests of their words as tokens.

    Parameters
    ----------
    corpus : Corpus
        Any; one of letters is returned as it is.
    folder : path-like
        Where it lies.

    Raises
    ------
    InputError
        Where words.npy is missing, or of another corpus.
    """
    if not isinstance(corpus.alphabet, Vocabulary):
        return corpus
    try:
        words = np.asarray(np.load(Path(folder) / WORDS, mmap_mode="r"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be read ({error})", file=Path(folder) / WORDS, advice="encode it again"
        ) from error
    if words.shape != corpus.tokens.shape:
        raise InputError(
            f"holds {words.size} words, {TOKENS} {corpus.tokens.size}",
            file=Path(folder) / WORDS, advice="encode it again",
        )  # fmt: skip
    return dataclasses.replace(corpus, alphabet=WordDigests(corpus.alphabet.of), tokens=words)


def write_text_corpus(
    folder: AnyPath,
    path: AnyPath,
    states: Mapping[str, str],
    scheme: Mapping[str, Any],
    vocabulary: Mapping[str, Any],
    split_table: Path | None = None,
) -> tuple[CorpusCounts, list[str]]:
    """Encode a table with a text and its class, or number, on each row.

    Parameters
    ----------
    folder : path-like
        Where the corpus shall lie; written whole or not at all. Beside the files of every corpus
        of records there are `vocabulary.tsv` (token, word, and how often training has it) and
        `words.npy`, uint64 (words,), the digests that `as_words` reads.
    path : path-like
        What `sequence_table.read_sequence_table` reads.
    states, scheme
        As for `classified_corpus.write_classified_table`, without contexts.
    vocabulary : mapping
        `of` and `fold_case`, see `text_words.split_text`; `most`, words at most; `least`, how often
        the training split must have each; `split`, the settings of the split.
    split_table : Path, optional
        The table that gives it, where the settings say so.

    Returns
    -------
    counts : CorpusCounts
    notes : list of str
        What there is to say of the vocabulary.

    Raises
    ------
    InputError
        What is wrong in the table: also a text without words, a class that is not named, and what
        is no finite number; what is wrong with the split; where no word is frequent enough.
    """
    path, of = Path(path), vocabulary["of"]
    told = told_by(scheme)
    names: list[str] = []
    lengths: list[int] = []
    values: list[float] = []
    word_of: dict[int, str] = {}
    digest_of: dict[str, int] = {}
    files = (*FILES, *told.files, WORDS, VOCABULARY)
    with written_whole(*(Path(folder) / name for name in files)) as places:
        place = dict(zip(files, places, strict=True))
        rows = read_sequence_table(
            path,
            sequence=scheme["sequence"],
            states=None,
            name=scheme["name"],
            others=(scheme["target" if "target" in scheme else "label"],),
        )
        with growing_array(place[WORDS], "<u8") as file:
            for row in rows:
                words = split_text(row.sequence, of, fold_case=vocabulary["fold_case"])
                if not words:
                    raise InputError(
                        f"column {scheme['sequence']!r} has no {of}, and {told.nothing}",
                        file=path, line=row.line, record=row.name, advice="remove the row",
                    )  # fmt: skip
                values.append(told.value(row.others[0], path, row))
                for word in words:
                    if word not in digest_of:
                        digest_of[word] = word_digest(word)
                        word_of[digest_of[word]] = word
                names.append(row.name)
                lengths.append(len(words))
                file.write(np.array([digest_of[word] for word in words], dtype="<u8").tobytes())
        if len(word_of) < len(digest_of):
            raise RuntimeError("two words have one digest of 64 bits")
        words_read = np.asarray(np.load(place[WORDS], mmap_mode="r"))
        told.check(np.array(values), path)
        labels = told.labels(np.array(values))
        training = _training(
            words_read, names, lengths, labels, states, told.task, vocabulary, split_table
        )
        chosen, counts, known, all_of_training = _chosen(words_read, training, word_of, vocabulary)
        if not chosen.size:
            raise InputError(
                f"no {of[:-1]} stands {vocabulary['least']} times in the training split, and the "
                "vocabulary would be empty",
                file=path,
                advice="set vocabulary: {least: 1}, or give more texts",
            )
        alphabet = Vocabulary([word_of[d] for d in chosen.tolist()], of,
                              fold_case=vocabulary["fold_case"])  # fmt: skip
        order = np.argsort(chosen)
        token_counts = np.zeros(alphabet.n_tokens, dtype=np.int64)
        with growing_array(place[TOKENS], alphabet.dtype.newbyteorder("<").str) as file:
            for start in range(0, words_read.size, _AT_ONCE):
                tokens = _tokens(words_read[start : start + _AT_ONCE], chosen, order)
                token_counts += np.bincount(tokens, minlength=alphabet.n_tokens)
                file.write(tokens.astype(alphabet.dtype).tobytes())
        _write_vocabulary(place[VOCABULARY], alphabet, counts, all_of_training)
        encoded = Encoded(names, lengths, token_counts)
        result = finish_records(place, alphabet, states, encoded, told, np.array(values))
    rare = all_of_training - int(counts.sum())
    notes = [
        f"the vocabulary is {chosen.size:,} of the {known:,} different {of} of the training split; "
        f"{rare:,} of its {all_of_training:,} {of} are unknown, as are "
        f"{result.symbols['unknown']:,} of {words_read.size:,} in all splits"
    ]
    if not rare:
        notes.append(
            f"no {of[:-1]} of the training split is unknown: what unknown ones say is learnt from "
            "hidden ones alone (training: {mask: …}); a larger `least`, or a smaller `most`, would "
            "teach it"
        )
    return result, notes


def _training(
    words: Any,
    names: list[str],
    lengths: list[int],
    labels: NDArray[np.uint8],
    states: Mapping[str, str],
    task: str,
    vocabulary: Mapping[str, Any],
    split_table: Path | None,
) -> Segments:
    """Return the training split, drawn as the rule draws it that splits the finished corpus.

    `words` are digests, where other corpora have tokens of fewer bits.
    """
    sizes = np.array(lengths, dtype=np.int64)
    ends = np.cumsum(sizes)
    last = np.full(words.size, UNLABELLED, dtype=np.uint8)
    last[ends - 1] = labels
    corpus = Corpus(
        alphabet=WordDigests(vocabulary["of"]),
        states=tuple(states),
        state_names=dict(states),
        names=names,
        starts=ends - sizes,
        lengths=sizes,
        tokens=words,
        labels=last,
        task=task,
    )
    return split_by_settings(corpus, vocabulary["split"], split_table).of("train")


def _chosen(
    words: Digests, training: Segments, word_of: Mapping[int, str], vocabulary: Mapping[str, Any]
) -> tuple[Digests, NDArray[np.int64], int, int]:
    """Return the words of the vocabulary, the most frequent first, and how often each stands.

    Equally frequent ones by their letters. And how many different words training has, and words.
    """
    found: dict[int, int] = {}
    for part in training.cut(_AT_ONCE).batches(_AT_ONCE):
        own, times = np.unique(part.gathered(words), return_counts=True)
        for digest, n in zip(own.tolist(), times.tolist(), strict=True):
            found[digest] = found.get(digest, 0) + n
    frequent = [digest for digest, n in found.items() if n >= vocabulary["least"]]
    frequent.sort(key=lambda digest: (-found[digest], word_of[digest]))
    frequent = frequent[: vocabulary["most"]]
    return (
        np.array(frequent, dtype=np.uint64),
        np.array([found[digest] for digest in frequent], dtype=np.int64),
        len(found),
        sum(found.values()),
    )


def _tokens(words: Digests, chosen: Digests, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the token of each word, (words,); `order` sorts the words of the vocabulary."""
    ranks = np.searchsorted(chosen, words, sorter=order)
    places = order[np.minimum(ranks, chosen.size - 1)]
    return np.where(chosen[places] == words, places + 1, UNKNOWN)


def _write_vocabulary(
    path: Path, alphabet: Vocabulary, counts: NDArray[np.int64], all_of_training: int
) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("token\tword\ttraining_count\n")
        file.write(f"{UNKNOWN}\t{UNKNOWN_WORD}\t{all_of_training - int(counts.sum())}\n")
        for token, (word, n) in enumerate(zip(alphabet.words, counts.tolist(), strict=True), 1):
            file.write(f"{token}\t{word}\t{n}\n")
