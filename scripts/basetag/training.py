"""The training loop: AdamW on the cross-entropy of labelled bases.

Read top to bottom: draw the windows of a step, one forward and one backward pass, a clipped
update; now and then the cross-entropy of the validation split, by the same prediction code that
the test split meets later. The weights with the lowest validation cross-entropy are kept. Every
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
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from basetag.checkpoints import CheckpointFolder
from basetag.corpus import UNLABELLED, Corpus
from basetag.devices import is_out_of_memory
from basetag.errors import ConfigError
from basetag.inference import ROWS, Predictor
from basetag.learning_rate import SCHEDULES
from basetag.networks import TaggerNetwork
from basetag.splits import Segments, label_frequencies
from basetag.training_run import TrainingRun
from basetag.validation import spread_pieces, summed_cross_entropy
from basetag.windows import WindowReader, Windows, WindowSampler, step_generator

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
        With labels.
    training, validation : Segments
        Windows are drawn from the first; the second chooses the weights that are kept.
    settings : mapping
        The `training` section of the config (docs/config.md).
    seed : int
        Of the windows and of the masking.
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
        Where a split has no label, or a state of it no weight.
    """
    label_frequencies(corpus, training)  # refuses a split without a label now, not at the end
    network.to(fabric.device)
    parameters = [value for value in network.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, lr=settings["learning_rate"], weight_decay=settings["weight_decay"]
    )
    learning_rate = SCHEDULES[settings["schedule"]]
    sampler = WindowSampler(training, settings["window"])
    reader = WindowReader(
        corpus.tokens, corpus.known_labels, corpus.alphabet.unknown, fabric.device
    )
    weights = state_weights(settings["class_weights"], corpus, training)
    batch = SharedBatch(fabric, network, weights)
    steps = max(1, round(settings["bases"] / (settings["batch"] * sampler.expected_bases)))
    n_looks = settings["validations"]
    looks = {round(steps * look / n_looks) for look in range(1, n_looks + 1)}
    watched = spread_pieces(validation, corpus.known_labels, settings["validation_bases"])
    complement = corpus.alphabet.complement if both_strands else None
    # Rows by measurement would differ from run to run, and last bits of the losses with them.
    predictor = Predictor(network, fabric.device, complement=complement, rows=ROWS)

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

            network.train()
            loss = batch.backward(windows)
            nn.utils.clip_grad_norm_(parameters, settings["clip"])
            optimiser.step()

            # Losses stay on the device: reading one would make the device wait at every step.
            run.losses.append(loss)
            run.bases += int(windows.lengths.sum())
            progress.advance(task)
            if run.step in looks:
                part = np.arange(fabric.global_rank, len(watched.start), fabric.world_size)
                sums = summed_cross_entropy(predictor, corpus, watched.chosen(part), weights)
                total, weight = _summed(fabric, torch.tensor(sums, dtype=torch.float64)).tolist()
                row = run.look(total / max(weight, 1e-12), rate)
                speed = run.bases / (time.perf_counter() - began)
                progress.update(task, rate=f"{speed / 1e3:,.0f} kb/s, CE {row.validation_loss:.4f}")
                log.info(
                    "step %d of %d: train %.5f, validation %.5f nats a base, %.1f Mb, %.0f kb/s",
                    run.step, steps, row.train_loss, row.validation_loss, run.bases / 1e6,
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


class SharedBatch:
    """The gradient of a batch, whoever computes it and in however many parts.

    Parameters
    ----------
    fabric : Fabric
    network : TaggerNetwork
    weights : ndarray of float64, (states,), optional
        What a base of each state counts; 1 without them.
    """

    def __init__(
        self, fabric: Fabric, network: TaggerNetwork, weights: NDArray[np.float64] | None
    ) -> None:
        self.fabric = fabric
        self.network = network
        self.weights = None
        if weights is not None:
            self.weights = torch.tensor(weights, dtype=torch.float32, device=fabric.device)
        #: In how many parts this process computes its share.
        self.parts = 1

    def backward(self, windows: Windows) -> Tensor:
        """Leave the gradient of the batch's mean cross-entropy in the network, and return that.

        Every process is given the whole batch and computes every n-th row of it. Where memory
        does not suffice, it starts again with twice as many parts, and stays with these.
        """
        weight = summed_weight(windows.labels, self.weights).clamp(min=1e-12)
        own = windows.part(self.fabric.global_rank, self.fabric.world_size)
        while True:
            loss = self._in_parts(own, weight)
            if loss is not None:
                break
            self.parts *= 2
            log.warning("out of memory: each batch goes through in %d parts", self.parts)
            if self.fabric.device.type == "cuda":
                torch.cuda.empty_cache()
        if self.fabric.world_size > 1:
            # One sum for all: networks of this size gain nothing from several that overlap.
            gradients = [v.grad for v in self.network.parameters() if v.grad is not None]
            flat = nn.utils.parameters_to_vector([*gradients, loss])
            nn.utils.vector_to_parameters(_summed(self.fabric, flat), [*gradients, loss])
            # A view would keep the gradients of every step whose loss is not yet looked at.
            loss = loss.clone()
        return loss

    def _in_parts(self, own: Windows, weight: Tensor) -> Tensor | None:
        """Return this process's share of the loss; None where memory did not suffice."""
        for value in self.network.parameters():
            # Zeros, not nothing: a process without rows has a gradient, too.
            value.grad = torch.zeros_like(value) if value.requires_grad else None
        total = torch.zeros((), device=self.fabric.device)
        try:
            for index in range(min(self.parts, own.lengths.size)):
                part = own.part(index, self.parts)
                with self.fabric.autocast():
                    logits = self.network(part.tokens, part.lengths)
                loss = summed_cross_entropy_of(logits, part.labels, self.weights) / weight
                self.fabric.backward(loss)
                total += loss.detach()
        except Exception as error:
            if not is_out_of_memory(error) or self.parts >= own.lengths.size:
                raise
            return None
        return total


def summed_cross_entropy_of(logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    """Return the summed cross-entropy over labelled bases, nats.

    Parameters
    ----------
    logits : Tensor, (rows, length, states)
    labels : Tensor of uint8, (rows, length)
    weights : Tensor, (states,), optional
        What a base of each state counts.
    """
    # The logits lie time first: seen so, flattening copies nothing.
    return nn.functional.cross_entropy(
        logits.transpose(0, 1).flatten(0, 1).float(),
        labels.T.flatten().long(),
        weight=weights,
        ignore_index=UNLABELLED,
        reduction="sum",
    )


def summed_weight(labels: Tensor, weights: Tensor | None) -> Tensor:
    """Return what the labelled bases of `labels` count together."""
    known = labels[labels != UNLABELLED]
    if weights is None:
        return torch.tensor(float(known.numel()), device=labels.device)
    return weights[known.long()].sum()


def state_weights(
    choice: str | Mapping[str, float] | None, corpus: Corpus, training: Segments
) -> NDArray[np.float64] | None:
    """Return what a base of each state counts in the loss, (states,); None for all alike.

    `balanced` weights a state by bases / (states * its bases), as scikit-learn does: weighted,
    all states are equally frequent.

    Raises
    ------
    InputError
        Where no base of the training split has a label.
    """
    if choice is None:
        return None
    if isinstance(choice, str):
        frequencies = label_frequencies(corpus, training)
        # A state that the training split lacks counts nothing, and is never predicted.
        return np.divide(
            1 / len(corpus.states), frequencies, out=np.zeros_like(frequencies),
            where=frequencies > 0,
        )  # fmt: skip
    return np.array([choice[state] for state in corpus.states])


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
    return bool(_summed(fabric, torch.tensor([float(stopped.is_set())])).item())


def _summed(fabric: Fabric, values: Tensor) -> Tensor:
    """Return the sum of `values` over all processes."""
    if fabric.world_size == 1:
        return values
    summed = fabric.all_reduce(values.to(fabric.device), reduce_op="sum")
    assert isinstance(summed, Tensor)  # noqa: S101 - of one tensor it is one
    return summed


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
