"""The training loop: AdamW on the cross-entropy of labelled bases, or the error of numbers.

Read top to bottom: draw the windows of a step, one forward and one backward pass, a clipped
update; now and then the loss on the validation split, by the same prediction code that
the test split meets later. The weights with the lowest validation loss are kept. Every
minute a checkpoint: a run that was cut off goes on from it, to the same bits.

The batch is a setting of the science and no machine changes it. Several processes share its rows,
and where a device has too little memory it goes through in parts; the gradient is that of the
whole in either case.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from lightning_fabric import Fabric
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from torch import nn

from basetag.corpus import Corpus
from basetag.errors import ConfigError
from basetag.label_statistics import label_frequencies
from basetag.networks.tagger_network import TaggerNetwork
from basetag.segments import Segments
from basetag.training.checkpoints import CheckpointFolder
from basetag.training.label_paths import refuse_labels_without_a_path
from basetag.training.learning_rate import SCHEDULES
from basetag.training.loss import SharedBatch, state_weights, summed_over_processes
from basetag.training.run import TrainingRun
from basetag.training.validation import Validation
from basetag.training.windows import WindowReader, WindowSampler, step_generator

log = logging.getLogger(__name__)

#: Time after which a checkpoint is due: what a killed job loses at most.
CHECKPOINT_SECONDS = 60.0

#: Steps between two times that several processes ask one another whether to stop.
AGREED_STEPS = 8


def train(
    fabric: Fabric,
    network: TaggerNetwork,
    corpus: Corpus,
    training: Segments,
    validation: Segments,
    settings: Mapping[str, Any],
    *,
    seed: int,
    checkpoints: CheckpointFolder,
    both_strands: bool = False,
) -> TrainingRun:
    """Train `network` in place, from its last checkpoint on where there is one.

    A run that was cut off and resumed ends in the same bits as one that was not (on one device
    and one set of library versions). On SIGTERM a checkpoint is written and the process ends.

    Parameters
    ----------
    fabric : Fabric
        Launched; it says on which device this process computes, in what precision, and how many
        processes share the batch. Each of them calls this function with the same arguments.
    network : TaggerNetwork
        Already initialised, the same in every process; moved to the device. Parameters that need
        no gradient stay as they are.
    corpus : Corpus
        With labels, with the features that the network reads, with substates where its head has
        these, and with the labels of its further heads, in their order.
    training, validation : Segments
        Windows are drawn from the first; the second chooses the weights that are kept.
    settings : mapping
        The `training` section of the config (docs/config.md).
    seed : int
        Of the windows, their strands and the masking.
    checkpoints : CheckpointFolder
        Where this run's checkpoints lie.
    both_strands : bool
        Whether validation averages a record and its reverse complement.

    Returns
    -------
    TrainingRun
        Finished: its `history`, the `last_weights`, and the `seconds` that it took, interruptions
        apart. The network has the best weights.

    Raises
    ------
    ConfigError
        Where the loss on the validation split was never a number.
    InputError
        Where a split has no label, or a state of it no weight; where no path of the head's hidden
        states bears the labels.
    """
    label_frequencies(corpus, training)  # refuses a split without a label now, not at the end
    refuse_labels_without_a_path(network, corpus, training)
    network.to(fabric.device)
    parameters = [value for value in network.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, lr=settings["learning_rate"], weight_decay=settings["weight_decay"]
    )
    learning_rate = SCHEDULES[settings["schedule"]]
    # A class, or a number, is that of a whole record.
    whole = int(training.lengths.max(initial=1))
    sampler = WindowSampler(training, whole if corpus.of_records else settings["window"])
    reader = WindowReader(
        corpus.tokens, corpus.known_labels, corpus.alphabet.unknown, fabric.device,
        corpus.features, corpus.substates,
        corpus.alphabet.complement if settings["reverse_complement"] else None, corpus.mirror,
        None if corpus.targets is None or corpus.of_values else (corpus.starts, corpus.targets),
        [own.labels for own in corpus.further],
        corpus.targets if corpus.of_values else None,
    )  # fmt: skip
    weights = state_weights(settings["class_weights"], corpus, training)
    batch = SharedBatch(fabric, network, weights)
    bases = settings["bases"]
    if settings["epochs"] is not None:
        bases = settings["epochs"] * training.bases
    steps = max(1, round(bases / (settings["batch"] * sampler.expected_bases)))
    n_looks = settings["validations"]
    looks = {round(steps * look / n_looks) for look in range(1, n_looks + 1)}
    watched = Validation(
        fabric, network, corpus, validation, settings["validation_bases"], weights, both_strands
    )

    unit = "nats a base" if corpus.targets is None else "of the targets' variance"

    run = TrainingRun(network, optimiser)
    last = checkpoints.read_last()
    if last is not None:
        run.restore(last)
        log.info("resumed after step %d of %d", run.step, steps)
    written = time.perf_counter()
    began = written - run.seconds
    with _progress(fabric) as progress, stop_signal() as stopped:
        task = progress.add_task("training", total=steps, completed=run.step, rate="")
        while run.step < steps and not run.is_stale(settings["patience"]):
            run.step += 1
            rate = learning_rate(run.step - 1, steps, settings["learning_rate"], settings["warmup"])
            for group in optimiser.param_groups:
                group["lr"] = rate

            generator = step_generator(seed, run.step)
            drawn = sampler.draw(settings["batch"], generator)
            windows = reader.read(*drawn, settings["mask"], generator)
            kept = network.dropout_masks(len(windows.lengths), generator)
            windows = replace(windows, kept=tuple(mask.to(fabric.device) for mask in kept))

            network.train()
            loss = batch.backward(windows)
            nn.utils.clip_grad_norm_(parameters, settings["clip"])
            optimiser.step()

            # Losses stay on the device: reading one would make the device wait at every step.
            run.losses.append(loss)
            run.bases += int(windows.lengths.sum())
            progress.advance(task)
            if run.step in looks:
                row = run.look(watched.mean_loss(), rate)
                speed = run.bases / (time.perf_counter() - began)
                progress.update(
                    task, rate=f"{speed / 1e3:,.0f} kb/s, loss {row.validation_loss:.4f}"
                )
                log.info(
                    "step %d of %d: train %.5f, validation %.5f %s, %.1f Mb, %.0f kb/s",
                    run.step, steps, row.train_loss, row.validation_loss, unit, run.bases / 1e6,
                    speed / 1e3,
                )  # fmt: skip
            run.seconds = time.perf_counter() - began
            stop = _agreed(fabric, run.step, stopped)
            if fabric.is_global_zero and (
                stop or time.perf_counter() - written > CHECKPOINT_SECONDS
            ):
                checkpoints.write(run.checkpoint())
                written = time.perf_counter()
            if stop:
                log.warning(
                    "stopped by SIGTERM after step %d of %d; run again to go on", run.step, steps
                )
                fabric.barrier()
                sys.exit(128 + signal.SIGTERM)
    if run.step < steps:
        log.info("ended after step %d of %d: validation gained nothing more", run.step, steps)
    if not run.best_weights:
        raise ConfigError(
            "the validation loss was never a number",
            advice="lower training.learning_rate or training.clip",
        )
    run.finish()
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


def _agreed(fabric: Fabric, step: int, stopped: threading.Event) -> bool:
    """Whether to stop after this step; several processes must all stop after the same."""
    if fabric.world_size == 1:
        return stopped.is_set()
    if step % AGREED_STEPS:
        return False
    return bool(summed_over_processes(fabric, torch.tensor([float(stopped.is_set())])).item())


def _progress(fabric: Fabric) -> Progress:
    """A bar for somebody at a terminal; nothing elsewhere (the log has it)."""
    return Progress(
        SpinnerColumn(),
        *Progress.get_default_columns()[:2],
        TimeRemainingColumn(),
        TextColumn("{task.fields[rate]}"),
        disable=not (sys.stderr.isatty() and fabric.is_global_zero),
        transient=True,
    )
