"""The state of a training between two steps: what its history says and a checkpoint holds."""

from __future__ import annotations

import copy
import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from basetag.networks.tagger_network import TaggerNetwork
from basetag.training.checkpoints import Checkpoint, optimiser_tensors, restore_optimiser


@dataclass(frozen=True)
class HistoryRow:
    """One row of history.tsv: what was known when the validation split was looked at."""

    step: int
    train_loss: float
    validation_loss: float
    bases: int
    learning_rate: float


class TrainingRun:
    """All that changes from step to step, and goes into a checkpoint.

    Parameters
    ----------
    network : TaggerNetwork
        On its device.
    optimiser : torch.optim.Optimizer
        Of the network's parameters.
    """

    def __init__(self, network: TaggerNetwork, optimiser: torch.optim.Optimizer) -> None:
        self.network = network
        self.optimiser = optimiser
        self.step = 0
        self.bases = 0
        self.seconds = 0.0
        self.losses: list[Tensor] = []
        self.history: list[HistoryRow] = []
        self.best_loss = float("inf")
        self.looks_since_best = 0
        self.best_weights: dict[str, Tensor] = {}
        self.last_weights: dict[str, Tensor] = {}

    def look(self, validation_loss: float, learning_rate: float) -> HistoryRow:
        """Add a row to the history, and keep the weights where they are the best so far."""
        row = HistoryRow(
            step=self.step,
            train_loss=float(torch.stack(self.losses).mean()),
            validation_loss=validation_loss,
            bases=self.bases,
            learning_rate=learning_rate,
        )
        self.losses.clear()
        self.history.append(row)
        if self._count(row):
            self.best_weights = copy.deepcopy(self.network.state_dict())
        return row

    def _count(self, row: HistoryRow) -> bool:
        """Return whether a look, after all those before it, is the best; NaN never is."""
        self.looks_since_best += 1
        if not row.validation_loss < self.best_loss:
            return False
        self.best_loss, self.looks_since_best = row.validation_loss, 0
        return True

    def is_stale(self, patience: int | None) -> bool:
        """Whether the last `patience` looks, if any are a limit, found nothing better."""
        return patience is not None and self.looks_since_best >= patience

    def finish(self) -> None:
        """Give the network the best weights; the last ones are kept in `last_weights`."""
        self.last_weights = copy.deepcopy(self.network.state_dict())
        self.network.load_state_dict(self.best_weights)

    def checkpoint(self) -> Checkpoint:
        """Return the state after the last step, on the CPU."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best_weights.items()}
        tensors["losses"] = torch.stack(self.losses) if self.losses else torch.zeros(0)
        return Checkpoint(
            step=self.step,
            tensors={name: value.detach().cpu() for name, value in tensors.items()}
            | optimiser_tensors(self.optimiser),
            values={
                "bases": self.bases,
                "seconds": self.seconds,
                "history": [_as_json(row) for row in self.history],
            },
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint`."""

        def part(prefix: str) -> dict[str, Tensor]:
            named = checkpoint.tensors.items()
            return {k.removeprefix(prefix): v for k, v in named if k.startswith(prefix)}

        self.network.load_state_dict(part("network."))
        restore_optimiser(self.optimiser, checkpoint.tensors)
        device = next(self.network.parameters()).device
        self.best_weights = {name: value.to(device) for name, value in part("best.").items()}
        self.losses = list(checkpoint.tensors["losses"].to(device))
        self.step = checkpoint.step
        self.bases = checkpoint.values["bases"]
        self.seconds = checkpoint.values["seconds"]
        self.history = [_from_json(row) for row in checkpoint.values["history"]]
        self.best_loss, self.looks_since_best = float("inf"), 0
        for row in self.history:
            self._count(row)


def _as_json(row: HistoryRow) -> dict[str, float | str]:
    """Return a row by field; what JSON cannot hold (NaN, infinity) as text."""
    fields = dataclasses.asdict(row).items()
    return {name: value if math.isfinite(value) else str(value) for name, value in fields}


def _from_json(row: dict[str, float | str]) -> HistoryRow:
    fields = {
        name: float(value) if isinstance(value, str) else value for name, value in row.items()
    }
    return HistoryRow(**fields)  # type: ignore[arg-type]
