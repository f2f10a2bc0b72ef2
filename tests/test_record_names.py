"""Names of records: what is told where the annotation's and the sequences' differ."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from basetag.errors import InputError
from basetag.labelling.genome_feature import GenomeFeature
from basetag.labelling.record_names import (
    common_name,
    like_record,
    on_known_records,
    resolved_names,
)

PATH = Path("x.gff")


def features(*names: str) -> list[GenomeFeature]:
    return [
        GenomeFeature(name, 0, 9, "+", "CDS", 0, {}, line, None)
        for line, name in enumerate(names, 1)
    ]


def error_of(names, known, **how) -> str:
    with pytest.raises(InputError) as caught:
        list(on_known_records(features(*names), known, PATH, **how))
    return str(caught.value)


@pytest.mark.parametrize(
    "names",
    [
        ("chr1", "1", "CHR01", "chromosome1", "Chromosome_1", "NC_000001.11", "NC_000067.7"),
        ("chrX", "X", "x", "NC_000023.11", "NC_000086.8"),
        ("chrM", "MT", "chrMT", "M", "Mito", "NC_012920.1", "NC_005089.1"),
        ("NC_000913.3", "NC_000913.2", "NC_000913", "nc_000913.3", "gi|556503834|ref|NC_000913.3|"),
        ("KI270302.1", "KI270302", "chrUn_KI270302v1", "chr1_KI270302v1_random"),
    ],
)  # fmt: skip
def test_names_of_one_record_have_something_in_common(names):
    assert len({common_name(name) for name in names}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("chr1", "chr11"), ("chr1", "contig_1"), ("X", "Y"), ("chr10", "chr1"), ("0", ""),
     ("NC_000001.11", "NC_000002.12"), ("chromosome", "1"), ("chr", "c"), ("ctg1.1", "ctg1.2.1")],
)  # fmt: skip
def test_names_of_different_records_do_not(one, other):
    assert common_name(one) != common_name(other)


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("chr1", ["10", "1", "11"], "1"),
        ("1", ["chr10", "chr1", "chr11"], "chr1"),
        ("NC_000001", ["chr11", "chr1"], "chr1"),
        ("chrM", ["1", "MT"], "MT"),
        ("NC_000913.2", ["NC_000913.3"], "NC_000913.3"),
        ("scafold_7", ["scaffold_7", "scaffold_12"], "scaffold_7"),
        ("Chromosome", ["NC_000913.3"], "NC_000913.3"),
        ("zzz", ["chr1", "chr2"], None),
    ],
)
def test_the_record_that_a_name_may_mean_is_found(name, known, expected):
    assert like_record(name, known) == expected


def test_features_on_known_records_pass_in_their_order():
    given = features("b", "a", "b")
    assert list(on_known_records(given, ["a", "b"], PATH)) == given


def test_all_unknown_names_are_one_error_with_the_first_line_and_a_map():
    assert error_of(["1", "chr2", "2", "3", "1", "MT", "4"], ["chr1", "chr2", "chr3"]) == (
        "x.gff, line 1: the sequences have no record '1' (nor 4 others of this file);"
        " did you mean 'chr1'? Then write"
        ' rename: {"1": chr1, "2": chr2, "3": chr3, …} beside the file'
    )
    assert error_of(["zz"], ["chr1", "chr2"]) == (
        "x.gff, line 1: the sequences have no record 'zz'; the first of them is 'chr1';"
        " are both of one genome? Else map names by rename"
    )


def test_the_map_that_an_error_proposes_is_yaml_and_mends_it():
    names, known = ["1", "X", "MT"], ["chr1", "chrX", "chrM"]
    message = error_of(names, known)
    text = message[message.index("rename") : message.index("}") + 1]
    rename = yaml.safe_load(text)["rename"]
    found = on_known_records(features(*names), known, PATH, rename)
    assert [f.record for f in found] == known


def test_a_map_renames_and_leaves_out():
    rename = {"1": "chr1", "junk": None}
    found = on_known_records(features("1", "junk", "chr2"), ["chr1", "chr2"], PATH, rename)
    assert [(f.record, f.line) for f in found] == [("chr1", 1), ("chr2", 3)]


def test_a_map_to_no_record_is_an_error_with_the_nearest():
    message = error_of(["1"], ["chr1", "chr2"], rename={"1": "ch1"})
    assert message == (
        "x.gff: rename takes '1' to 'ch1', and the sequences have no such record;"
        " did you mean 'chr1'?"
    )


def test_features_of_other_records_may_be_left_out_but_not_all():
    how = {"leave_out_others": True}
    found = on_known_records(features("chr9", "chr1", "chr8", "chr1"), ["chr1"], PATH, **how)
    assert [f.line for f in found] == [2, 4]
    assert "have no record '9' (nor 1 other of" in error_of(["9", "8"], ["chr1"], **how)


def test_names_without_lines_are_resolved_alike():
    known = ["chr1", "chr2"]
    assert resolved_names(["chr1"], known, PATH) == {"chr1": "chr1"}
    assert resolved_names(["1", "x"], known, PATH, {"1": "chr1", "x": None}) == {"1": "chr1"}
    assert resolved_names(["chr1", "9"], known, PATH, leave_out_others=True) == {"chr1": "chr1"}
    with pytest.raises(InputError, match=r"x\.gff: the sequences have no record '1'; did you mean"):
        resolved_names(["1"], known, PATH)
    with pytest.raises(InputError, match="'chr1' and '1' both stand for the record 'chr1'"):
        resolved_names(["chr1", "1"], known, PATH, {"1": "chr1"})
