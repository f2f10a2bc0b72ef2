"""Names of an annotation's records held against those of the sequences.

One chromosome is chr1, 1, Chr01 or NC_000001.11, according to who wrote the file. No name is
ever taken for another on its own: an unknown one is an error that says which name it may mean, and
an explicit map mends it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from basetag.errors import InputError, nearest
from basetag.labelling.genome_feature import GenomeFeature

_MOST_NAMES = 10_000  # among which a name like a wrong one is looked for
_MOST_PAIRS = 3  # of the map that an error proposes

_PREFIX = re.compile(r"^(chromosome|chrom|chr)[_ -]?(?!$|om|osome)|^ch(?=\d)")
_VERSION = re.compile(r"^([a-z]+_?\d+)\.\d+$")
# UCSC's names of unplaced sequences: chrUn_KI270302v1, chr1_KI270706v1_random.
_UCSC_CONTIG = re.compile(r"^chr[a-z0-9]+_([a-z]+\d+)v\d+(_random|_alt|_fix)?$")
_MITOCHONDRIAL = {"m", "mt", "mito", "mitochondrion", "chrm", "mtdna"}


def _refseq_chromosomes() -> dict[str, str]:
    """Return the chromosome of each RefSeq accession of human (GRCh) and mouse (GRCm)."""
    found: dict[str, str] = {}
    for first, autosomes in ((1, 22), (67, 19)):
        names = [*map(str, range(1, autosomes + 1)), "x", "y"]
        found |= {f"nc_{number:06d}": name for number, name in enumerate(names, first)}
    return found | {"nc_012920": "mt", "nc_005089": "mt"}


_REFSEQ = _refseq_chromosomes()


def common_name(name: str) -> str:
    """Return what names of one record have in common, whoever gave them.

    Examples
    --------
    >>> {common_name(name) for name in ("chr1", "1", "Chr01", "NC_000001.11")}
    {'1'}
    >>> {common_name(name) for name in ("chrM", "MT", "NC_012920.1")}
    {'mt'}
    """
    word = name.strip().lower()
    if "|" in word:  # gi|556503834|ref|NC_000913.3|
        word = max(word.split("|"), key=lambda part: bool(_VERSION.match(part)))
    if contig := _UCSC_CONTIG.match(word):
        return contig[1]
    if version := _VERSION.match(word):
        word = version[1]
    word = _REFSEQ.get(word, word)
    word = _PREFIX.sub("", word)
    return "mt" if word in _MITOCHONDRIAL else word.lstrip("0") or word


def like_record(name: str, known: Sequence[str]) -> str | None:
    """Return the record of `known` that `name` may mean, or None.

    First comes one that differs in spelling only (`common_name`), then one that is near it, then
    the only one there is.
    """
    alike = [other for other in known if common_name(other) == common_name(name)]
    if alike:
        return alike[0]
    return nearest(name, known[:_MOST_NAMES]) or (known[0] if len(known) == 1 else None)


def on_known_records(
    features: Iterable[GenomeFeature],
    known: Sequence[str],
    path: str | os.PathLike[str],
    rename: Mapping[str, str | None] | None = None,
    *,
    leave_out_others: bool = False,
) -> Iterator[GenomeFeature]:
    """Yield features under the names of the sequences' records, in their order.

    Parameters
    ----------
    features : iterable of GenomeFeature
    known : sequence of str
        Names of the sequences' records.
    path : path-like
        The annotation file, for the error.
    rename : mapping of str to str or None, optional
        From the annotation's names to those of the sequences. None leaves a record's features out.
    leave_out_others : bool
        Whether features of unknown records are left out, where others are on known ones.

    Raises
    ------
    InputError
        At the end of all features, where one is of an unknown record and not left out: the first
        unknown name, its line, and how many others there are; or where the map leads to no record.
    """
    rename = rename or {}
    check_rename(rename, known, path)
    members = frozenset(known)
    unknown: dict[str, int | None] = {}
    some = False
    for feature in features:
        name = feature.record
        target = rename.get(name, name)
        if target is not None and target not in members:
            unknown.setdefault(name, feature.line)
            continue
        some = True
        if target is None or (unknown and not leave_out_others):
            continue
        yield feature if target == name else replace(feature, record=target)
    if unknown and not (leave_out_others and some):
        raise unknown_records(unknown, known, path)


def resolved_names(
    names: Iterable[str],
    known: Sequence[str],
    path: str | os.PathLike[str],
    rename: Mapping[str, str | None] | None = None,
    *,
    leave_out_others: bool = False,
) -> dict[str, str]:
    """Return the sequences' record for each of a file's names, those left out apart.

    It is `on_known_records` for a file that names its records without lines, as bigWig does.

    Raises
    ------
    InputError
        As there; and where two names lead to one record.
    """
    rename = rename or {}
    check_rename(rename, known, path)
    members = frozenset(known)
    found: dict[str, str] = {}
    unknown: dict[str, int | None] = {}
    name_of: dict[str, str] = {}
    for name in names:
        target = rename.get(name, name)
        if target is None:
            continue
        if target not in members:
            unknown[name] = None
            continue
        if target in name_of:
            raise InputError(
                f"{name_of[target]!r} and {name!r} both stand for the record {target!r}",
                file=Path(path), advice="correct the map rename",
            )  # fmt: skip
        found[name], name_of[target] = target, name
    if unknown and not (leave_out_others and found):
        raise unknown_records(unknown, known, path)
    return found


def check_rename(
    rename: Mapping[str, str | None], known: Sequence[str], path: str | os.PathLike[str]
) -> None:
    """Refuse a map that leads to a record that the sequences do not have."""
    members = frozenset(known)
    for name, target in rename.items():
        if target is not None and target not in members:
            like = like_record(target, known)
            raise InputError(
                f"rename takes {name!r} to {target!r}, and the sequences have no such record",
                file=Path(path), advice=f"did you mean {like!r}?" if like else _first(known),
            )  # fmt: skip


def unknown_records(
    unknown: Mapping[str, int | None], known: Sequence[str], path: str | os.PathLike[str]
) -> InputError:
    """Return the one error for all names that the sequences do not have.

    Parameters
    ----------
    unknown : mapping of str to int or None
        Each such name, and the first line that has it. The first is the one that is told.
    known : sequence of str
        Names of the sequences' records.
    path : path-like
        The annotation file.
    """
    (name, line), *_ = unknown.items()
    like = like_record(name, known)
    more = len(unknown) - 1
    others = f" (nor {more:,} other{'s' if more > 1 else ''} of this file)" if more else ""
    if like is None:
        advice = f"{_first(known)}; are both of one genome? Else map names by rename"
    else:
        alike = {common_name(other): other for other in reversed(known)}
        pairs = [
            (each, alike[common_name(each)]) for each in unknown if common_name(each) in alike
        ][:_MOST_PAIRS] or [(name, like)]
        text = ", ".join(f"{_quoted(each)}: {_quoted(target)}" for each, target in pairs)
        rest = ", …" if more and len(unknown) > len(pairs) else ""
        advice = f"did you mean {like!r}? Then write rename: {{{text}{rest}}} beside the file"
    return InputError(
        f"the sequences have no record {name!r}{others}", file=Path(path), line=line, advice=advice
    )


def _first(known: Sequence[str]) -> str:
    return f"the first of them is {known[0]!r}" if known else "there are no sequences"


def _quoted(name: str) -> str:
    """Return a name as YAML reads it as text: 1 and on would be none."""
    return name if re.fullmatch(r"[A-Za-z_]\w*[\w.]*", name) and len(name) > 3 else f'"{name}"'
