"""Which state a feature of an annotation gives to its bases, and what follows of the states.

The config has made out the states and their order; here features meet rules, and states have
numbers (labels), ranks where they overlap, counterparts on the other strand and, where they code,
finer states: the three positions in a codon, of start and stop codons apart where that is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basetag.labelling.genome_feature import GenomeFeature
from basetag.letters import UNLABELLED

#: What a rule gives in place of a state: no label, nor the background.
NO_STATE = "unlabelled"

#: Kinds of codons that can be told apart, as names of finer states have them: the body of a coding
#: sequence first, which bears no name.
CODONS = ("", "start", "stop")

_OTHER = {"+": "-", "-": "+"}


@dataclass(frozen=True)
class Rule:
    """Which features a rule is for, and the state that it gives.

    Parameters
    ----------
    state : str
        Without strand; `NO_STATE` for none.
    type : str or None
        Kind of the features; None for all.
    attributes : mapping of str to sequence of str
        Attributes that a feature has, each with one of these values.
    without : sequence of str
        Attributes that it has not.
    strand : str or None
        Its strand; None for any.
    """

    state: str
    type: str | None = None
    attributes: Mapping[str, Sequence[str]] | None = None
    without: Sequence[str] = ()
    strand: str | None = None

    def meets(self, feature: GenomeFeature) -> bool:
        """Whether the rule is for `feature`; an attribute without a value is `true`."""
        if self.type is not None and feature.kind != self.type:
            return False
        if self.strand is not None and feature.strand != self.strand:
            return False
        if any(name in feature.attributes for name in self.without):
            return False
        return all(
            any((value or "true") in values for value in feature.attributes.get(name, ()))
            for name, values in (self.attributes or {}).items()
        )

    def __str__(self) -> str:
        words = [repr(self.type) if self.type is not None else "all types"]
        words += [f"{name}={'/'.join(v)}" for name, v in (self.attributes or {}).items()]
        words += [f"without {name}" for name in self.without]
        words += [f"strand {self.strand}"] if self.strand else []
        return " ".join(words)


@dataclass(frozen=True)
class StateRules:
    """The states of an annotated dataset, and the rules that lead to them.

    Parameters
    ----------
    states : tuple of str
        Name of each state, with its strand where it has one, in the order of the labels.
    rules : tuple of Rule
        In the order in which they are tried.
    stranded : frozenset of str
        States, without strand, of which there is one on each strand.
    coding : frozenset of str
        Those of them whose bases have a position in a codon.
    ends : bool
        Whether start and stop codons of those have states of their own.
    background : str or None
        State of bases to which no feature gives one.
    priority : tuple of tuple of str
        Groups of states that win over all that come later, or in no group.
    """

    states: tuple[str, ...]
    rules: tuple[Rule, ...]
    stranded: frozenset[str] = frozenset()
    coding: frozenset[str] = frozenset()
    ends: bool = False
    background: str | None = None
    priority: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of_settings(cls, states: Sequence[str], scheme: Mapping[str, Any]) -> StateRules:
        """Return what the config's settings of rule encode_fasta say (`scheme`)."""
        return cls(
            states=tuple(states),
            rules=tuple(Rule(**rule) for rule in scheme["rules"]),
            stranded=frozenset(scheme["stranded"]),
            coding=frozenset(scheme["codons"]),
            ends=scheme["ends"],
            background=scheme["background"],
            priority=tuple(tuple(group) for group in scheme["priority"]),
        )

    def rule_of(self, feature: GenomeFeature) -> int | None:
        """Return the number of the first rule that `feature` meets; None where it meets none."""
        return next((i for i, rule in enumerate(self.rules) if rule.meets(feature)), None)

    def label_of(self, rule: int, strand: str) -> int:
        """Return the label that a rule gives to a feature on `strand`; `UNLABELLED` for none.

        Raises
        ------
        ValueError
            Where the state has strands and the feature has none.
        """
        state = self.rules[rule].state
        if state == NO_STATE:
            return UNLABELLED
        if state in self.stranded:
            if strand not in _OTHER:
                raise ValueError(f"{state} is a state of each strand")
            state += strand
        return self.states.index(state)

    @cached_property
    def background_label(self) -> int:
        """Label of bases to which no feature gives one."""
        return UNLABELLED if self.background is None else self.states.index(self.background)

    @cached_property
    def ranks(self) -> NDArray[np.int64]:
        """Place of each label where features overlap, (labels,): the lowest wins."""
        rank_of = {name: rank for rank, group in enumerate(self.priority) for name in group}
        return np.array([rank_of.get(name, len(self.priority)) for name in self.states])

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """The label that each label is on the other strand."""
        return tuple(self.states.index(self._mirrored(name)) for name in self.states)

    def _mirrored(self, name: str) -> str:
        return name[:-1] + _OTHER[name[-1]] if name[:-1] in self.stranded else name

    @cached_property
    def codon_strands(self) -> dict[int, str]:
        """Strand of each label whose bases have a position in a codon."""
        return {
            label: name[-1] for label, name in enumerate(self.states) if name[:-1] in self.coding
        }

    @cached_property
    def codon_parts(self) -> tuple[str, ...]:
        """What names of substates of a coding state add to its name, in their order."""
        kinds = CODONS if self.ends else CODONS[:1]
        return tuple(kind + position for kind in kinds for position in "123")

    @cached_property
    def first_substates(self) -> NDArray[np.uint8]:
        """The first substate of each label, (256,); `UNLABELLED` for what is no label."""
        first = np.full(256, UNLABELLED, dtype=np.uint8)
        n = len(self.codon_parts)
        widths = [n if label in self.codon_strands else 1 for label in range(len(self.states))]
        first[: len(self.states)] = np.cumsum([0, *widths])[:-1]
        return first

    @cached_property
    def substates(self) -> dict[str, Any] | None:
        """Names, labels and mirrors of the substates, as corpus.json has them; None without any."""
        if not self.coding:
            return None
        names, label_of, mirror = [], [], []
        for label, name in enumerate(self.states):
            parts = self.codon_parts if label in self.codon_strands else ("",)
            other = int(self.first_substates[self.mirror[label]])
            for number, part in enumerate(parts):
                names.append(name + part)
                label_of.append(label)
                mirror.append(other + number)
        return {"names": names, "label_of": label_of, "mirror": mirror}
