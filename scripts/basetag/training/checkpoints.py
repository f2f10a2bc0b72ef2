"""Checkpoints of a training run: whole or absent, tied to what they continue, the last two kept.

A checkpoint holds all that the next step depends on: weights, the optimiser's moments, the best
weights so far, the history. Windows and masks need no state, since they are a function of seed and
step. The folder's name is a digest of data, settings and code, so a changed run never continues
an old one's. Nothing is pickled: arrays and one JSON text in a safetensors file.
"""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from basetag.files import canonical_json, written_whole

log = logging.getLogger(__name__)

_KEY = "checkpoint"
_KEPT = 2


def checkpoint_digest(*parts: str) -> str:
    """Return the name under which a run's checkpoints lie: equal for equal parts alone."""
    text = canonical_json(list(parts))
    return blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after a step.

    Attributes
    ----------
    step : int
        The last step that was taken.
    tensors : dict of str to Tensor
        On the CPU.
    values : dict
        Plain JSON.
    """

    step: int
    tensors: dict[str, Tensor]
    values: dict[str, Any]


@dataclass(frozen=True)
class CheckpointFolder:
    """Where a run's checkpoints lie: ``checkpoints/{digest}/`` beside its outputs.

    Attributes
    ----------
    root : Path
        The folder ``checkpoints``.
    digest : str
        Of data, settings and code: see `checkpoint_digest`.
    """

    root: Path
    digest: str

    @property
    def path(self) -> Path:
        """The folder of this very run."""
        return self.root / self.digest

    def write(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint whole or not at all, then drop all but the last two.

        Raises
        ------
        OSError
            Where the disk is full, say; earlier checkpoints stay as they are.
        """
        content = canonical_json({"step": checkpoint.step, **checkpoint.values})
        tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
        with written_whole(self.path / f"step{checkpoint.step:012d}.safetensors") as (place,):
            place.write_bytes(save(tensors, metadata={_KEY: content}))
        for old in self._files()[:-_KEPT]:
            old.unlink()

    def read_last(self) -> Checkpoint | None:
        """Return the newest checkpoint that can be read, None where there is none."""
        for path in reversed(self._files()):
            try:
                return _read(path)
            except (OSError, ValueError, KeyError, SafetensorError) as error:
                log.warning("%s cannot be read (%s); the one before it is taken", path, error)
        return None

    def remove(self) -> None:
        """Remove this run's checkpoints, and those of earlier settings beside them."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _files(self) -> list[Path]:
        return sorted(self.path.glob("step*.safetensors"))


def _read(path: Path) -> Checkpoint:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    values = json.loads(json.loads(data[8 : 8 + size])["__metadata__"][_KEY])
    return Checkpoint(values.pop("step"), load(data), values)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's moments by parameter and name, on the CPU."""
    return {
        f"optimiser.{index}.{name}": value.detach().cpu()
        for index, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give an optimiser the moments that `optimiser_tensors` returned."""
    whole = optimiser.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = value
    whole["state"] = state
    optimiser.load_state_dict(whole)
