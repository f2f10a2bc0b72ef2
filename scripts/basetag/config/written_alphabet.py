"""The key `alphabet` of a user's own datasets."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from basetag.config.section import mistake
from basetag.letters import alphabet_problem


def _check_alphabet(alphabet: str) -> str:
    found = alphabet_problem(alphabet)
    if found is not None:
        raise mistake(found.problem, found.advice)
    return alphabet


WrittenAlphabet = Annotated[
    Annotated[str, AfterValidator(_check_alphabet)],
    Field(
        min_length=2,
        description="`dna` (with U read as T and all IUPAC codes), `protein` (20 residues with B, "
        "J, X and Z, U read as C and O as K), or the letters of your own alphabet as one word.",
    ),
]
