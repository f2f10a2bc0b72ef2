"""The gene finder Pyrodigal (Larralde 2022, JOSS 7:4296) as one of the programs that call states.

Pyrodigal is Prodigal (Hyatt et al. 2010, BMC Bioinformatics 11:119) as a library. It is imported
where it is used: nothing else here needs it. What it learnt is kept as the numbers that they are,
from which it is built again, so that no file runs code of a stranger.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from basetag.errors import InputError

#: The numbers that Pyrodigal learns, as its `TrainingInfo` names them, and their shapes.
_LEARNT = {
    "gc": (),
    "translation_table": (),
    "start_weight": (),
    "bias": (3,),
    "type_weights": (3,),
    "uses_sd": (),
    "rbs_weights": (28,),
    "upstream_compositions": (32, 4),
    "motif_weights": (4, 4, 4096),
    "missing_motif_weight": (),
    "coding_statistics": (4096,),
}
# What is chosen beforehand.
_GIVEN = ("translation_table", "start_weight")
_WHOLE = ("translation_table", "uses_sd")

log = logging.getLogger(__name__)


class Pyrodigal:
    """Genes on both strands; those that an end of a sequence cuts off are called, too.

    Where genes of both strands overlap, the base is of the one with the higher score.

    Parameters
    ----------
    learnt : mapping of str to ndarray of float64, optional
        What `trained` learnt; without it, each sequence is read with the best of Prodigal's ready
        profiles (metagenomic mode).

    Raises
    ------
    InputError
        Where Pyrodigal is not installed.
    """

    roles: ClassVar[tuple[str, ...]] = ("background", "forward", "reverse")
    #: Prodigal itself takes no more.
    most_training_bases: ClassVar[int] = 32_000_000
    # A base costs some 25 bytes; the longest bacterial genome is as long, and so read as a whole.
    longest: ClassVar[int] = 1 << 24
    #: Longer than genes are.
    margin: ClassVar[int] = 1 << 17

    def __init__(self, learnt: Mapping[str, NDArray[Any]] | None = None) -> None:
        pyrodigal = _pyrodigal()
        self.learnt = None if learnt is None else {name: learnt[name] for name in _LEARNT}
        if self.learnt is None:
            self._finder = pyrodigal.GeneFinder(meta=True)
            return
        values = {
            name: np.reshape(self.learnt[name], shape).tolist() for name, shape in _LEARNT.items()
        }
        values |= {name: int(values[name]) for name in _WHOLE}
        self._finder = pyrodigal.GeneFinder(pyrodigal.TrainingInfo(values.pop("gc"), **values))

    @classmethod
    def trained(cls, parameters: Mapping[str, Any], sequences: Sequence[bytes]) -> Pyrodigal:
        """Return the program, trained on sequences of one organism.

        Parameters
        ----------
        parameters : mapping
            `meta`; and `translation_table`, if anything is trained.
        sequences : sequence of bytes
            In letters.

        Raises
        ------
        InputError
            For fewer bases than it can be trained on.
        """
        if parameters["meta"]:
            return cls()
        pyrodigal = _pyrodigal()
        bases = sum(map(len, sequences))
        least, ideal = pyrodigal.MIN_SINGLE_GENOME, pyrodigal.IDEAL_SINGLE_GENOME
        if bases < least:
            raise InputError(
                f"Pyrodigal trains on {least:,} bases or more, and the training split has "
                f"{bases:,}",
                advice="take `meta: true`, which needs no training",
            )
        if bases < ideal:
            log.warning("Pyrodigal should be trained on %d bases; there are %d", ideal, bases)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fewer bases than ideal: said above
            info = pyrodigal.GeneFinder().train(
                *sequences, translation_table=parameters["translation_table"]
            )
        return cls({name: np.array(getattr(info, name), dtype=np.float64) for name in _LEARNT})

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Pyrodigal:
        """Return the program that `tensors` gave."""
        return cls(tensors if "coding_statistics" in tensors else None)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return what it learnt."""
        return dict(self.learnt or {})

    @property
    def description(self) -> str:
        """One line in words."""
        how = (
            "with the best of its ready profiles for each sequence"
            if self.learnt is None
            else "trained on the letters of the training split"
        )
        return f"gene finder Pyrodigal {_pyrodigal().__version__}, {how}"

    @property
    def n_parameters(self) -> int:
        """Number of fitted numbers."""
        return sum(array.size for name, array in self.tensors().items() if name not in _GIVEN)

    def groups(self, sequence: bytes) -> NDArray[np.uint8]:
        """Return the role of each base, an index of `roles`, (bases,)."""
        roles = np.zeros(len(sequence), dtype=np.uint8)
        genes = self._finder.find_genes(sequence)
        for gene in sorted(genes, key=lambda gene: (gene.score, gene.strand)):
            roles[gene.begin - 1 : gene.end] = 1 if gene.strand == 1 else 2
        return roles


def _pyrodigal() -> Any:
    try:
        import pyrodigal
    except ImportError:
        raise InputError(
            "the tagger runs Pyrodigal, which is not installed",
            advice="install the package pyrodigal, as in requirements.lock",
        ) from None
    return pyrodigal
