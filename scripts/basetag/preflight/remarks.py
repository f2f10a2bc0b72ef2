"""What to say of a dataset's or genome's counts: what is few, rare, uneven or left out.

Nothing here is wrong; it is what somebody would rather know before a run than after it. Shares are
of what was looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from basetag.corpus import NEXT_TOKEN, NEXT_VALUE, REGRESS, TAG, is_of_records
from basetag.left_out import MASKED, UNKNOWN
from basetag.preflight.findings import Finding
from basetag.splits.table import SPLITS

_MUCH_UNKNOWN = 0.1  # share of bases that nobody knows, from which on it is a warning
_RARE = 0.001  # share of labelled bases below which a state is rare
_FEW = 1000  # bases of a state below which measures of it say little
_LOPSIDED = 0.95  # share of the commonest state from which on matches say little
_UNSURE = 0.5  # share of unlabelled bases from which on it is a warning
_FEW_PIECES = 10  # of a split, below which intervals are wide: benchmarks/interval_coverage.md
_OFF = 0.05  # by how much of all bases a split may miss its fraction
_CODES = {"bases": " (N and other codes)", "residues": " (X and other codes)"}
_UNLIKE = 0.1  # share of labels that would have to change for two splits to be alike


def on_sequences(
    where: str, about: Mapping[str, Any], leave_out: Collection[str] | None
) -> Iterator[Finding]:
    """Yield what there is to say of records and letters.

    Parameters
    ----------
    where : str
        The dataset or genome.
    about : mapping
        As `sequences.about_sequences`.
    leave_out : collection of str or None
        Kinds of bases that get no label; None where that is not for the config to say.
    """
    looked_at, many = about["letters_of"], about.get("unit", "bases")
    if looked_at < about["bases"]:
        yield Finding(
            "note", where, "letters", f"those of the first {looked_at:,} {many} were looked at",
            advice=f"there are {about['bases']:,}; names and lengths were read of all",
        )  # fmt: skip
    if about["empty_records"]:
        yield Finding(
            "note", where, "empty records",
            f"{about['empty_records']:,} of {about['records']:,} records have no {many}",
            advice="they are kept, and nothing comes of them",
        )  # fmt: skip
    if about["unknown"]:
        much = about["unknown"] / looked_at >= _MUCH_UNKNOWN
        kept = leave_out is not None and UNKNOWN not in leave_out
        yield Finding(
            "warning" if much and kept else "note", where, f"unknown {many}{_CODES.get(many, '')}",
            _share(about["unknown"], looked_at, many),
            f"below {_percent(_MUCH_UNKNOWN)}" if much else "",
            "leave_out: [unknown] keeps them from being trained on and scored" if kept else "",
        )  # fmt: skip
    if about["lower_case"]:
        kept = leave_out is not None and MASKED not in leave_out
        yield Finding(
            "note", where, "lower-case (masked) letters",
            _share(about["lower_case"], looked_at, many),
            advice="case says nothing to a tagger"
            + ("; leave_out: [masked] keeps them from being trained on and scored" if kept else ""),
        )  # fmt: skip


def on_labels(where: str, about: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what there is to say of the balance of labels."""
    labelled = sum(about["states"].values())
    classes = is_of_records(about.get("task", TAG))
    of = about.get("unit", "bases")
    thing, one, many = ("state", of.removesuffix("s"), of)
    if classes:
        thing, one, many = "class", "sequence", "sequences"
    if about["labels_of"] < about["bases"] and not classes:
        yield Finding(
            "note", where, "labels", f"those of the first {about['labels_of']:,} {of} were counted"
        )
    # Behind a last letter or number nothing is told, nor where the next one is not known.
    told_next = about.get("task") in (NEXT_TOKEN, NEXT_VALUE)
    of_numbers = about.get("task") == REGRESS
    if about["unlabelled"] and not told_next:
        much = about["unlabelled"] / about["labels_of"] >= _UNSURE
        yield Finding(
            "warning" if much else "note", where, f"unlabelled {of}",
            _share(about["unlabelled"], about["labels_of"], of),
            f"below {_percent(_UNSURE)}" if much else "",
            "they are neither trained on nor scored; name a background if they are known to be "
            "something else",
        )  # fmt: skip
    for state, n in about["states"].items():
        if n == 0:
            yield Finding(
                "warning", where, f"the {thing} {state}", f"no {one} has it",
                f"{many} of each {thing}",
                "look at the threshold: all numbers lie on one side of it"
                if of_numbers
                else f"no tagger can learn it; correct the labels, or leave the {thing} out",
            )  # fmt: skip
        elif n < _RARE * labelled or n < _FEW:
            yield Finding(
                "warning", where, f"the {thing} {state}", f"{_share(n, labelled, many)} have it",
                f"{_FEW:,} at least, and {_percent(_RARE)}",
                f"figures of this {thing} will be unsure"
                + ("" if told_next or of_numbers else "; training: class_weights can help"),
            )  # fmt: skip
    for state, n in about["states"].items():
        if labelled and n >= _LOPSIDED * labelled:
            yield Finding(
                "note", where, f"the {thing} {state}", f"{_share(n, labelled, many)} have it",
                advice="calling it everywhere already matches as many: look at MCC and the F1 of "
                f"the other {thing}{'es' if classes else 's'} rather than at accuracy",
            )  # fmt: skip


def on_generated(name: str, about: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what there is to say of sequences that are to be drawn from a network.

    Parameters
    ----------
    name : str
        Of what is generated.
    about : mapping
        Its `dataset`, `tagger`, `length` and `window`.
    """
    if about["length"] > about["window"]:
        yield Finding(
            "warning", f"generate {name}", "length", f"{about['length']:,} letters",
            f"{about['window']:,} at most, as in the windows that {about['tagger']} learns from",
            "what it says of letters further on is not learnt, and frequencies can drift; draw "
            "more sequences in place of longer ones, or train on longer windows",
        )  # fmt: skip


def on_splits(
    where: str, about: Mapping[str, Any], fractions: Mapping[str, float] | None
) -> Iterator[Finding]:
    """Yield what there is to say of the splits.

    Parameters
    ----------
    where : str
    about : mapping
        As `datasets.look_at_dataset`: `splits`, `in_no_split`, `copies`, `near_copies`.
    fractions : mapping of str to float, or None
        What each split was to get; None where somebody gave it.
    """
    splits = about["splits"]
    if splits is None:
        return
    whole = is_of_records(about.get("task", TAG))
    many = "sequences" if whole else about.get("unit", "bases")
    one, thing = many.removesuffix("s"), "class" if whole else "state"
    finer = "give more records" if whole else "split into shorter blocks"
    bases = sum(splits[name]["bases"] for name in SPLITS)
    pieces = {name: splits[name]["pieces"] for name in ("validation", "test")}
    yield from on_few_pieces(where, pieces, whole=whole)
    for name, fraction in (fractions or {}).items():
        got = splits[name]["bases"] / bases
        if abs(got - fraction) > _OFF and not whole:
            yield Finding(
                "warning", where, f"the {name} split", f"{_percent(got)} of the {many}",
                _percent(fraction), "records differ much in length; split by block",
            )  # fmt: skip
    for name in SPLITS:
        for state, n in splits[name]["states"].items():
            if n == 0 and about["states"][state]:
                yield Finding(
                    "warning", where, f"the {name} split", f"no {one} of the {thing} {state}",
                    f"some {many} of each {thing}", f"take another seed, or {finer}",
                )  # fmt: skip
    distance = _distance(splits["train"]["states"], splits["test"]["states"])
    if distance is not None and distance >= _UNLIKE:
        yield Finding(
            "warning", where, "the test split", f"{_percent(distance)} of its labels would have to "
            f"change for it to have the {'classes' if whole else 'states'} of the training split",
            f"below {_percent(_UNLIKE)}",
            f"another seed, or {'more records' if whole else 'shorter blocks'}, make the two more "
            "alike",
        )  # fmt: skip
    if copies := about["copies"] + about["near_copies"]:
        yield Finding(
            "note", where, "copies", f"{copies:,} pieces are copies or near copies of others, or "
            "of their reverse complements", advice="they were kept in one split with them",
        )  # fmt: skip


def on_few_pieces(
    where: str, pieces: Mapping[str, int], *, whole: bool = False
) -> Iterator[Finding]:
    """Yield which splits have few pieces, by their numbers; `whole` where records are not cut."""
    for name, n in pieces.items():
        if n < _FEW_PIECES:
            yield Finding(
                "warning", where, f"the {name} split", f"{n} {'piece' if n == 1 else 'pieces'}",
                f"{_FEW_PIECES} at least", "intervals will be wide, or missing; give more records"
                + ("" if whole else ", or split into shorter blocks"),
            )  # fmt: skip


def _distance(one: Mapping[str, int], other: Mapping[str, int]) -> float | None:
    """Return the total variation distance of two sets of counts; None where one is empty."""
    n, m = sum(one.values()), sum(other.values())
    if not (n and m):
        return None
    return sum(abs(one[state] / n - other[state] / m) for state in one) / 2


def _share(n: int, of: int, many: str) -> str:
    return f"{n:,} {many} ({_percent(n / of)})"


def _percent(share: float) -> str:
    """Return a share as percent, as many digits as say something."""
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.3g} %"
