"""The training loop: one-cycle AdamW on cross-entropy over labelled bases.

Read top to bottom: draw the windows of a step, one forward and one backward pass, a clipped
update; now and then the cross-entropy of the validation split, by the same prediction code that
the test split meets later. The weights with the lowest validation cross-entropy are kept. Every
minute a checkpoint: a run that was cut off goes on from it, to the same bits.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from torch import Tensor

from basetag.checkpoints import CheckpointFolder
from basetag.corpus import UNLABELLED, Corpus
from basetag.errors import ConfigError, InputError
from basetag.inference import network_posterior
from basetag.networks import TaggerNetwork
from basetag.splits import Segments
from basetag.training_run import TrainingRun
from basetag.windows import WindowSampler, read_windows, step_generator

log = logging.getLogger(__name__)

#: Longest stretch that is looked at as a whole when the validation split is, in bases.
PIECE = 10_000

#: Time after which a checkpoint is due: what a killed job loses at most.
CHECKPOINT_SECONDS = 60.0


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
    checkpoints: CheckpointFolder,
) -> TrainingRun:
    """Train `network` in place, from its last checkpoint on where there is one.

    A run that was cut off and resumed ends in the same bits as one that was not (on one device
    and one set of library versions). On SIGTERM a checkpoint is written and the process ends.

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
    checkpoints : CheckpointFolder
        Where this run's checkpoints lie.

    Returns
    -------
    TrainingRun
        Finished: its `history` and the `seconds` that it took, interruptions apart.
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

    run = TrainingRun(network, optimiser)
    last = checkpoints.read_last()
    if last is not None:
        run.restore(last)
        log.info("resumed after step %d of %d", run.step, steps)
    written = time.perf_counter()
    began = written - run.seconds
    with _progress() as progress, stop_signal() as stopped:
        task = progress.add_task("training", total=steps, completed=run.step, rate="")
        while run.step < steps:
            run.step += 1
            rate = one_cycle(run.step - 1, steps, settings["learning_rate"], settings["warmup"])
            for group in optimiser.param_groups:
                group["lr"] = rate

            generator = step_generator(seed, run.step)
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

            network.train()
            loss = mean_cross_entropy(network(tokens, lengths), labels)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), settings["clip"])
            optimiser.step()

            # Losses stay on the device: reading one would make the device wait at every step.
            run.losses.append(loss.detach())
            run.bases += int(windows.lengths.sum())
            progress.advance(task)
            if run.step in looks:
                row = run.look(split_cross_entropy(network, corpus, watched, device), rate)
                speed = run.bases / (time.perf_counter() - began)
                progress.update(task, rate=f"{speed / 1e3:,.0f} kb/s, CE {row.validation_loss:.4f}")
                log.info(
                    "step %d of %d: train %.5f, validation %.5f nats a base, %.1f Mb, %.0f kb/s",
                    run.step, steps, row.train_loss, row.validation_loss, run.bases / 1e6,
                    speed / 1e3,
                )  # fmt: skip
            run.seconds = time.perf_counter() - began
            if stopped.is_set() or time.perf_counter() - written > CHECKPOINT_SECONDS:
                checkpoints.write(run.checkpoint())
                written = time.perf_counter()
            if stopped.is_set():
                log.warning(
                    "stopped by SIGTERM after step %d of %d; run again to go on", run.step, steps
                )
                sys.exit(128 + signal.SIGTERM)
    if not run.best_weights:
        raise ConfigError(
            "the validation loss was never a number",
            advice="lower training.learning_rate or training.clip",
        )
    network.load_state_dict(run.best_weights)
    return run


@contextlib.contextmanager
def stop_signal() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM sets while the block runs, so that a step can end in peace."""
    stopped = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGTERM, before)


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
