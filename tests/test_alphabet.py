"""Letters and tokens."""

from __future__ import annotations

import numpy as np
import pytest
from Bio.Seq import Seq
from hypothesis import given
from hypothesis import strategies as st

from basetag.alphabet import DNA, PROTEIN, Alphabet
from basetag.errors import InputError

IUPAC = "ACGTRYSWKMBDHVN"


@given(st.text(alphabet=IUPAC + IUPAC.lower() + "Uu"))
def test_decoding_gives_back_the_sequence_upper_cased_with_u_as_t(sequence):
    assert DNA.decode(DNA.encode(sequence)) == sequence.upper().replace("U", "T")


@given(st.text(alphabet=IUPAC, min_size=1))
def test_complements_are_those_of_biopython(sequence):
    complement = DNA.complement[DNA.encode(sequence)]
    assert DNA.decode(complement) == str(Seq(sequence).complement())


def test_every_code_stands_for_the_bases_of_biopython():
    from Bio.Data.IUPACData import ambiguous_dna_values

    for token, symbol in enumerate(DNA.symbols):
        bases = {DNA.letters[i] for i in np.flatnonzero(DNA.membership[token])}
        assert bases == set(ambiguous_dna_values[symbol])


def test_an_ambiguous_code_is_the_even_mixture_of_its_bases():
    assert DNA.mixture[DNA.encode("Y")[0]].tolist() == [0, 0.5, 0, 0.5]
    assert DNA.mixture[DNA.unknown].tolist() == [0.25] * 4
    assert DNA.decode(np.array([DNA.unknown])) == "N"


def test_a_letter_outside_the_alphabet_is_named_with_its_position():
    with pytest.raises(InputError, match=r"record 'a', position 4: 'X' is no letter .*ACGTRYSWKM"):
        DNA.encode("ACGXT", record="a")


def test_positions_count_letters_and_not_their_bytes():
    with pytest.raises(InputError, match="position 2: 'é'"):
        DNA.encode("Aé")


def test_tokens_outside_the_alphabet_do_not_decode():
    with pytest.raises(ValueError, match="0 to 14"):
        DNA.decode(np.array([15]))


def test_an_alphabet_of_letters_minds_their_case_and_has_no_strand():
    alphabet = Alphabet.named("Hh")
    assert alphabet.encode("Hh?").tolist() == [0, 1, 2]
    assert alphabet.complement is None
    assert Alphabet.named("dna") is DNA


def test_an_alphabet_with_a_question_mark_has_another_unknown():
    alphabet = Alphabet.of_letters("ab?")
    assert alphabet.decode(np.array([alphabet.unknown])) == "*"


RESIDUES = "".join(sorted("ACDEFGHIKLMNPQRSTVWYBJOUXZ"))


@given(st.text(alphabet=RESIDUES + RESIDUES.lower()))
def test_decoding_gives_back_a_protein_upper_cased_and_its_rare_residues(sequence):
    assert PROTEIN.decode(PROTEIN.encode(sequence)) == sequence.upper()


def test_residues_and_their_codes_are_those_of_biopython():
    from Bio.Data import IUPACData

    assert PROTEIN.letters == IUPACData.protein_letters
    assert set(PROTEIN.symbols) == set(IUPACData.extended_protein_letters)
    for code, residues in IUPACData.extended_protein_values.items():
        meant = {PROTEIN.letters[i] for i in np.flatnonzero(PROTEIN.membership[at(code)])}
        if code not in "UO":  # which Biopython takes for nothing but themselves
            assert meant == set(residues.replace("U", "").replace("O", ""))


def test_rare_residues_are_read_as_what_they_are_made_of_and_stand_for_nothing_else():
    for rare, read_as in (("U", "C"), ("O", "K")):
        assert PROTEIN.mixture[at(rare)].tolist() == PROTEIN.mixture[at(read_as)].tolist()
        assert not PROTEIN.is_ambiguous[at(rare)]
    assert {s for s in PROTEIN.symbols if PROTEIN.is_ambiguous[at(s)]} == set("BJXZ")
    assert PROTEIN.symbols[PROTEIN.unknown] == "X"


def test_proteins_have_no_second_strand():
    assert Alphabet.named("protein") is PROTEIN
    assert PROTEIN.complement is None


def at(symbol):
    """Return the token of a letter or code."""
    return int(PROTEIN.encode(symbol)[0])
