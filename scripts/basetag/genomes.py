"""Records fetched from NCBI by accession, with Biopython's Entrez, as FASTA or GenBank.

What comes is checked against the length that NCBI's summary states, and kept whole or not at all.
Failures that pass (too many requests, a server's error, a cut connection) are tried again with
growing pauses. Nothing here knows what a genome is for, or looks for one already there.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from basetag.errors import InputError
from basetag.fasta import LetterTable, encode_fasta
from basetag.files import written_whole
from basetag.labelling.genbank import read_genbank_sequences

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")

# The forms of nucleotide accessions: one to six letters, digits, perhaps a version.
_ACCESSION = re.compile(r"[A-Z]{1,6}_?[A-Z]{0,6}\d{5,}(\.\d+)?", re.IGNORECASE)
_ATTEMPTS = 6
_LONGEST_PAUSE = 60.0
_TIMEOUT = 60.0
_LOCAL = "or give a local file with 'fasta:'"


class _PassingError(Exception):
    """A failure that may not come again."""


@dataclass(frozen=True)
class FetchedGenome:
    """What was fetched, for the log.

    Parameters
    ----------
    accession : str
        With its version.
    title : str
        What NCBI calls it.
    bases : int
        Letters in the file; what the summary states.
    """

    accession: str
    title: str
    bases: int


@dataclass(frozen=True)
class _Form:
    """A format in which NCBI hands out records: what to ask for, and how a file of it begins."""

    name: str
    rettype: str
    start: bytes
    bases: Callable[[Path], int]  # letters in a file of it


def _letters_of_fasta(place: Path) -> int:
    # Any byte passes as a letter but '>', which must not stand within a sequence.
    any_letter = LetterTable(bytes(range(256)), ord(">"), "a sequence", "all but >")
    return sum(len(block.values) for block in encode_fasta(place, any_letter))


def _letters_of_genbank(place: Path) -> int:
    return sum(len(letters) for _, _, letters in read_genbank_sequences(place))


_FORMS = {
    "fasta": _Form("FASTA", "fasta", b">", _letters_of_fasta),
    "genbank": _Form("GenBank", "gbwithparts", b"LOCUS", _letters_of_genbank),
}


def fetch_genome(
    accession: str,
    path: str | os.PathLike[str],
    *,
    form: Literal["fasta", "genbank"] = "fasta",
    base_url: str | None = None,
    first_pause: float = 1.0,
) -> FetchedGenome:
    """Fetch a nucleotide record as a BGZF file, whole or not at all.

    The environment's NCBI_EMAIL and NCBI_API_KEY go with the requests where they are set.

    Parameters
    ----------
    accession : str
        Of one nucleotide record, with or without version (NC_001416.1).
    path : path-like
        Where the file goes.
    form : str
        `fasta`, its letters; `genbank`, these and its annotated features.
    base_url : str, optional
        Another server of the E-utilities than NCBI's.
    first_pause : float
        Seconds before the second attempt; each further pause is twice as long, 60 s at most.

    Returns
    -------
    FetchedGenome

    Raises
    ------
    InputError
        For what is no accession or is unknown to NCBI, and where the sixth attempt failed.
    OSError
        Where the file cannot be written.
    """
    if re.match(r"GC[AF]_", accession, re.IGNORECASE):
        raise InputError(
            f"{accession!r} is an assembly, not a nucleotide record",
            advice=f"name one of its sequences (NC_..., NZ_...) {_LOCAL}",
        )
    if not _ACCESSION.fullmatch(accession):
        raise InputError(
            f"{accession!r} is no nucleotide accession",
            advice=f"NC_001416.1 would be one; {_LOCAL.removeprefix('or ')}",
        )
    with _entrez(base_url) as request, written_whole(path) as (place,):
        summary = _tried_again(lambda: _summary(request, accession), accession, first_pause)
        _tried_again(
            lambda: _sequence(request, accession, summary.bases, place, _FORMS[form]),
            accession,
            first_pause,
        )
    return summary


def _summary(request: Callable[..., Any], accession: str) -> FetchedGenome:
    """Return what NCBI's summary says of a record."""
    with (
        _over_the_network(),
        request("esummary", db="nuccore", id=accession, retmode="json") as answer,
    ):
        text = answer.read()
    try:
        result = json.loads(text).get("result", {})
        about = result[result["uids"][0]]
        return FetchedGenome(about["accessionversion"], about["title"], int(about["slen"]))
    except json.JSONDecodeError as error:
        raise _PassingError("the server's summary is no JSON") from error
    except (KeyError, IndexError) as error:
        raise _unknown(accession) from error


def _sequence(
    request: Callable[..., Any], accession: str, bases: int, place: Path, form: _Form
) -> None:
    """Fetch a record into `place` and hold its letters against its length."""
    import pysam

    with _over_the_network():
        answer = request("efetch", db="nuccore", id=accession, rettype=form.rettype, retmode="text")
    with answer, pysam.BGZFile(os.fspath(place), "wb", None) as file:
        start = True
        while text := _read(answer):
            part = text.encode() if isinstance(text, str) else text
            if start and not part.lstrip().startswith(form.start):
                raise _PassingError(f"the server answered with something other than {form.name}")
            file.write(part)
            start = False
        if start:
            raise _PassingError("the server's answer was empty")
    try:
        found = form.bases(place)
    except InputError as error:
        raise _PassingError(f"the server's answer is no sound {form.name}") from error
    if found != bases:
        raise _PassingError(f"{found} bases came where the summary states {bases}")


@contextmanager
def _over_the_network() -> Iterator[None]:
    """Tell what the connection does from what the disk does: both raise OSError."""
    try:
        yield
    except (urllib.error.URLError, http.client.HTTPException):
        raise
    except OSError as error:
        raise _PassingError(str(error) or type(error).__name__) from error


def _read(answer: Any) -> Any:
    with _over_the_network():
        return answer.read(1 << 18)


def _tried_again(attempt: Callable[[], _T], accession: str, pause: float) -> _T:
    """Return what `attempt` returns, after up to `_ATTEMPTS` of them."""
    for number in range(1, _ATTEMPTS + 1):
        try:
            return attempt()
        except urllib.error.HTTPError as error:
            if error.code in (400, 404):
                raise _unknown(accession) from error
            if error.code < 500 and error.code != 429:
                raise InputError(
                    f"NCBI refused the request for {accession} ({error.code} {error.reason})",
                    advice=f"check NCBI_API_KEY, {_LOCAL}",
                ) from error
            reason = f"{error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        except _PassingError as error:
            reason = str(error)
        if number < _ATTEMPTS:
            _LOG.warning(
                "%s: attempt %d of %d failed (%s); the next in %.3g s",
                accession,
                number,
                _ATTEMPTS,
                reason,
                pause,
            )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
    raise InputError(
        f"{accession} could not be fetched from NCBI in {_ATTEMPTS} attempts ({reason})",
        advice=f"check the connection and run again, {_LOCAL}",
    )


def _unknown(accession: str) -> InputError:
    return InputError(
        f"NCBI knows no nucleotide record {accession!r}", advice=f"check its spelling, {_LOCAL}"
    )


@contextmanager
def _entrez(base_url: str | None) -> Iterator[Callable[..., Any]]:
    """Yield a function that asks one of the E-utilities, by Biopython's Entrez.

    Biopython has no argument for a server, for a time limit, or for retries with back-off; while
    the block lasts, its opener is one that has.
    """
    from Bio import Entrez

    entrez: Any = Entrez

    def opened(request: urllib.request.Request) -> Any:
        if base_url is not None:
            asked = urlsplit(request.full_url)
            tool = asked.path.rsplit("/", 1)[-1]
            request.full_url = f"{base_url.rstrip('/')}/{tool}?{asked.query}"
        return urllib.request.urlopen(request, timeout=_TIMEOUT)  # noqa: S310 the scheme is Biopython's

    def request(tool: str, **settings: str) -> Any:
        who = {
            "email": os.environ.get("NCBI_EMAIL"),
            "api_key": os.environ.get("NCBI_API_KEY"),
            "tool": "basetag",
        }
        given = {key: value for key, value in who.items() if value}
        return getattr(entrez, tool)(**settings, **given)

    kept = entrez.urlopen, entrez.max_tries
    entrez.urlopen, entrez.max_tries = opened, 1
    try:
        yield request
    finally:
        entrez.urlopen, entrez.max_tries = kept
