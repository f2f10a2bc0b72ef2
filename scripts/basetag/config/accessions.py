"""NCBI's accessions, as datasets and genomes name them."""

from __future__ import annotations

from typing import TypeVar

from basetag.config.section import mistake

#: The forms of nucleotide accessions; those of assemblies are told apart by `check_accession`.
ACCESSION = r"^[A-Za-z]+_?[A-Za-z]*[0-9]+(\.[0-9]+)?$"

_Maybe = TypeVar("_Maybe", str, str | None)


def check_accession(accession: _Maybe) -> _Maybe:
    """Refuse an assembly, which is many records."""
    if accession is not None and accession.upper().startswith(("GCA_", "GCF_")):
        raise mistake(
            f"{accession} is an assembly, not a nucleotide record",
            "name one of its sequences (NC_..., NZ_...), or give a local file with fasta",
        )
    return accession
