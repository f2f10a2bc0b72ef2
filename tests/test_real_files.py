"""Real files of every kind read as other tools read them, or are refused in one clear line."""

import os
from pathlib import Path

import pytest

from tests.real_files import files_of, outcome

DATA = os.environ.get("BASETAG_DATA")
FILES = files_of(Path(DATA)) if DATA else []

#: Files that are refused, and why.
REFUSED = {
    # Proteins, where bases are expected; two begin with an X.
    "bp_f001": "is it a protein file?",
    "bp_f003.fa": "is it a protein file?",
    "bp_protein_lib.fa": "is it a protein file?",
    "seqkit_titin.fas": "is it a protein file?",
    "NC_000932.faa": "is it a protein file?",
    "bp_flowers.pro.gz": "'X' is no letter of the alphabet 'dna'",
    "bedtools_test.iupac.fa": "'X' is no letter of the alphabet 'dna'",
    # Other tools make records without a name of these.
    "htslib_faidx.fa": "the header has no name",
    "seqkit_empty_id_and_seq2.fa": "the header has no name",
    # Text ahead of the first header, or none.
    "bp_README": "before any header",
    "bp_aster_blast.pro": "before any header",
    "bp_aster_pearson.pro": "before any header",
    # No formats that anything here reads.
    "promoters.data": "has no column 'dna'",
    "reference_segments_2state.tsv": "'end' is no position",
}


@pytest.mark.skipif(not DATA, reason="BASETAG_DATA names no data folder")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_real_file_reads_as_other_tools_read_it_or_is_refused_in_one_line(path):
    found = outcome(path)
    if found is None:
        return
    assert "differ" not in found.others
    assert found.is_error == (path.name in REFUSED)
    if found.is_error:
        assert found.found.startswith(f"{path.name}, line ")
        assert REFUSED[path.name] in found.found
    else:
        assert "agree" in found.others
