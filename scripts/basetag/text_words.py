"""Texts as words, or as characters: what is told apart in them, and by which numbers.

A word is a run of letters and digits of any script, with the marks that stand on them (vowel signs,
points, accents that have no letter of their own) and the apostrophes inside it: `don't` is one,
`well-made` are two. All other signs part words, and are dropped. Of characters nothing is dropped,
but every run of blanks is one blank.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

#: What a text can be split into.
Kind = Literal["words", "characters"]

#: Words that a vocabulary can have: as many as there are symbols for them, and numbers of 16 bits.
MOST_WORDS = 65_000

# Within a word, these say how its letters are joined.
_JOINERS = "\u200c\u200d"
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


def split_text(text: str, of: Kind, *, fold_case: bool) -> list[str]:
    """Return the words, or the characters, of a text in their order.

    Parameters
    ----------
    text : str
        Composed (Unicode's NFC), so that an accent typed by itself makes no other word; a
        typographic apostrophe is read as a plain one.
    of : {"words", "characters"}
    fold_case : bool
        Whether upper and lower case are one.
    """
    text = unicodedata.normalize("NFC", text).replace("\u2019", "'")
    if fold_case:
        # Folding takes some letters apart.
        text = unicodedata.normalize("NFC", text.casefold())
    if of == "words":
        marks = {letter for letter in set(text) if unicodedata.category(letter).startswith("M")}
        return _word_with("".join(sorted(marks))).findall(text)
    return list(_BLANKS.sub(" ", text).strip())


@lru_cache(maxsize=256)
def _word_with(marks: str) -> re.Pattern[str]:
    """Return the expression of a word whose letters can have some marks."""
    run = rf"[^\W_](?:[^\W_]|[{re.escape(marks + _JOINERS)}])*"
    return re.compile(rf"{run}(?:'{run})*")


def word_digest(word: str) -> int:
    """Return a number of 64 bits that stands for a word, never 0; it depends on nothing else."""
    digest = blake2b(word.encode("utf-8", errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1
