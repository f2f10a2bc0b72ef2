"""The training loop: one-cycle AdamW on cross-entropy over labelled bases.

Read top to bottom: draw the windows of a step, one forward and one backward pass, a clipped
update; now and then the cross-entropy of the validation split, by the same prediction code that
the test split meets later. The weights with the lowest validation cross-entropy are kept.
"""

from __future__ import annotations

import copy
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from torch import Tensor

from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import ConfigError, InputError
from basetag.inference import network_posterior
from basetag.networks import TaggerNetwork
from basetag.splits import Segments
from basetag.windows import WindowSampler, read_windows, step_generator

log = logging.getLogger(__name__)

#: Longest stretch that is looked at as a whole when the validation split is, in bases.
PIECE = 10_000


@dataclass(frozen=True)
class HistoryRow:
    """One row of history.tsv: what was known when the validation split was looked at."""

    step: int
    train_loss: float
    validation_loss: float
    bases: int
    learning_rate: float


def one_cycle(step: int, steps: int, peak: float, warmup: float) -> float:
    """Return the learning rate of `step` (Smith & Topin 2019): up and down again by cosines.

    It starts at a 25th of `peak`, reaches it after the fraction `warmup` of all steps and ends at
    a 10,000th of it.
    """
    rise = max(1.0, warmup * steps)
    if step < rise:
        low, high, along = peak / 25, peak, step / rise
    else:
        low, high, along = peak / 1e4, peak, 1 - (step - rise) / max(1.0, steps - rise)
    return float(low + (high - low) * (1 - np.cos(np.pi * along)) / 2)


def train(
    network: TaggerNetwork,
    corpus: Corpus,
    training: Segments,
    validation: Segments,
    settings: Mapping[str, Any],
    *,
    seed: int,
    device: torch.device,
) -> list[HistoryRow]:
    """Train `network` in place and return its history.

    Parameters
    ----------
    network : TaggerNetwork
        Already initialised; moved to `device`.
    corpus : Corpus
        With labels.
    training, validation : Segments
        Windows are drawn from the first; the second chooses the weights that are kept.
    settings : mapping
        The `training` section of the config (docs/config.md): bases, batch, window,
        learning_rate, warmup, weight_decay, clip, mask, validations, validation_bases.
    seed : int
        Of the windows and of the masking.
    device : torch.device

    Returns
    -------
    list of HistoryRow
    """
    network.to(device)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings["learning_rate"], weight_decay=settings["weight_decay"]
    )
    sampler = WindowSampler(training, settings["window"])
    steps = max(1, round(settings["bases"] / (settings["batch"] * sampler.expected_bases)))
    n_looks = settings["validations"]
    looks = {round(steps * look / n_looks) for look in range(1, n_looks + 1)}
    watched = spread_pieces(validation, corpus.known_labels, settings["validation_bases"])

    history: list[HistoryRow] = []
    best = float("inf")
    best_weights: dict[str, Tensor] = {}
    bases = 0
    losses: list[Tensor] = []
    began = time.perf_counter()
    with _progress() as progress:
        task = progress.add_task("training", total=steps, rate="")
        for step in range(1, steps + 1):
            rate = one_cycle(step - 1, steps, settings["learning_rate"], settings["warmup"])
            for group in optimiser.param_groups:
                group["lr"] = rate

            generator = step_generator(seed, step)
            windows = read_windows(
                *sampler.draw(settings["batch"], generator),
                corpus.tokens,
                corpus.known_labels,
                mask=settings["mask"],
                unknown=corpus.alphabet.unknown,
                generator=generator,
            )
            tokens = torch.from_numpy(windows.tokens).to(device, non_blocking=True)
            labels = torch.from_numpy(windows.labels).to(device, non_blocking=True)
            lengths = torch.from_numpy(windows.lengths).to(device, non_blocking=True)

            loss = mean_cross_entropy(network(tokens, lengths), labels)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), settings["clip"])
            optimiser.step()

            # Losses stay on the device: reading one would make the device wait at every step.
            losses.append(loss.detach())
            bases += int(windows.lengths.sum())
            progress.advance(task)
            if step not in looks:
                continue
            row = HistoryRow(
                step=step,
                train_loss=float(torch.stack(losses).mean()),
                validation_loss=split_cross_entropy(network, corpus, watched, device),
                bases=bases,
                learning_rate=rate,
            )
            losses.clear()
            network.train()
            history.append(row)
            if row.validation_loss < best:
                best = row.validation_loss
                best_weights = copy.deepcopy(network.state_dict())
            speed = bases / (time.perf_counter() - began)
            progress.update(task, rate=f"{speed / 1e3:,.0f} kb/s, CE {row.validation_loss:.4f}")
            log.info(
                "step %d of %d: train %.5f, validation %.5f nats a base, %.1f Mb, %.0f kb/s",
                step, steps, row.train_loss, row.validation_loss, bases / 1e6, speed / 1e3,
            )  # fmt: skip
    if not best_weights:
        raise ConfigError(
            "the validation loss was never a number",
            advice="lower training.learning_rate or training.clip",
        )
    network.load_state_dict(best_weights)
    return history


def mean_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy over labelled bases, nats; 0 where there is none.

    Parameters
    ----------
    logits : Tensor, (rows, length, states)
    labels : Tensor of uint8, (rows, length)
    """
    flat = labels.flatten().long()
    total = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), flat, ignore_index=UNLABELLED, reduction="sum"
    )
    return total / (flat != UNLABELLED).sum().clamp(min=1)


def split_cross_entropy(
    network: TaggerNetwork, corpus: Corpus, segments: Segments, device: torch.device
) -> float:
    """Return the mean cross-entropy over the labelled bases of `segments`, nats."""
    total, count = 0.0, 0
    for part in segments.batches():
        tokens, labels = part.gathered(corpus.tokens), part.gathered(corpus.known_labels)
        posterior = network_posterior(network, tokens, part.lengths, device=device)
        scored = labels != UNLABELLED
        own = posterior[scored, labels[scored]].astype(np.float64)
        total -= float(np.log(np.maximum(own, 1e-6)).sum())
        count += int(scored.sum())
    return total / max(count, 1)


def spread_pieces(segments: Segments, labels: NDArray[np.uint8], bases: int) -> Segments:
    """Return labelled pieces of `segments`, spread evenly over them, that hold about `bases`.

    Parameters
    ----------
    segments : Segments
        The validation split.
    labels : ndarray of uint8, (bases,)
        Of the corpus.
    bases : int
        All pieces are taken where they hold no more.

    Raises
    ------
    InputError
        Where no base of the split has a label.
    """
    pieces = segments.cut(PIECE)
    labelled = [
        bool((labels[at : at + size] != UNLABELLED).any())
        for at, size in zip(pieces.offset, pieces.lengths, strict=True)
    ]
    pieces = pieces.chosen(np.array(labelled, dtype=bool))
    if not pieces.bases:
        raise InputError(
            "no base of the validation split has a label",
            advice="label some of its records, or draw the split with another seed",
        )
    share = min(1.0, bases / pieces.bases)
    count = max(1, round(share * len(pieces.start)))
    return pieces.chosen(np.linspace(0, len(pieces.start) - 1, count).astype(np.int64))


def _progress() -> Progress:
    """A bar for somebody at a terminal; nothing elsewhere (the log has it)."""
    return Progress(
        SpinnerColumn(),
        *Progress.get_default_columns()[:2],
        TimeRemainingColumn(),
        TextColumn("{task.fields[rate]}"),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
