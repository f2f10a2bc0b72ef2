"""One process per device of a job, by lightning-fabric: they compute as one.

A job on one device runs where it is. One on several GPUs starts a process for each and hands
SIGTERM on to them. The first of them goes on in the job's log, and an error in any of them is the
job's own.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from torch.multiprocessing.spawn import ProcessException

from basetag.devices import Devices, compute_in_full
from basetag.errors import BasetagError, DeviceError
from basetag.training.nodes import this_node

log = logging.getLogger("basetag")

#: By which processes find one another, at lightning-fabric.
_RENDEZVOUS = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "GROUP_RANK", "LOCAL_RANK")
#: What `training.precision` is called by lightning-fabric.
_PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {
    "float32": "32-true",
    "bfloat16": "bf16-mixed",
}


def launch(
    devices: Devices,
    precision: str,
    function: Callable[..., None],
    *arguments: Any,
    processes: int = 1,
) -> None:
    """Call ``function(fabric, *arguments)`` in one process per device.

    Parameters
    ----------
    devices : Devices
        The job's own.
    precision : {"float32", "bfloat16"}
    function : callable
        Of a module, so that a process can import it.
    arguments
        Handed on to it.
    processes : int
        Processes that share the CPU, where that is the device.

    Raises
    ------
    DeviceError
        If bfloat16 was asked for without a GPU.
    BasetagError
        What a process raised.
    """
    if precision != "float32" and devices.kind == "cpu":
        raise DeviceError(
            f"training.precision: {precision} is for GPUs, and this job has none",
            advice="set training.precision to float32, or run on a GPU (--workflow-profile"
            " profiles/gpu)",
        )
    nodes = this_node().count
    count = nodes * (len(devices.cards) or processes)
    if nodes == 1:
        for name in _RENDEZVOUS:
            # Another job's, where the shell exports them: a free port is found for this one.
            os.environ.pop(name, None)
    fabric = Fabric(
        accelerator=devices.kind,
        devices=list(devices.cards) or processes,
        num_nodes=nodes,
        strategy="ddp_spawn" if count > 1 else "auto",
        precision=_PRECISIONS[precision],
        # Not what it would read off Slurm's variables: each node starts its own processes.
        plugins=[LightningEnvironment()],
    )
    if count == 1:
        fabric.launch()
        function(fabric, *arguments)
        return
    failures = multiprocessing.get_context("spawn").SimpleQueue()
    with _handing_on_the_stop_signal() as stopped:
        try:
            fabric.launch(_run, _log_files(), failures, function, arguments)  # type: ignore[arg-type]
        except ProcessException:
            if stopped:
                sys.exit(128 + signal.SIGTERM)
            if failures.empty():
                raise
            raise BasetagError(failures.get()) from None


def _run(
    fabric: Fabric,
    log_files: list[tuple[str, logging.Formatter | None]],
    failures: Any,
    function: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    """Run the function in a process of its own; hand on the user's error, if it is one."""
    if fabric.is_global_zero:
        handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
        for file, formatter in log_files:
            handlers.append(logging.FileHandler(file, mode="a", encoding="utf-8"))
            for handler in handlers:
                handler.setFormatter(formatter)
        for handler in handlers:
            log.addHandler(handler)
        log.setLevel(logging.INFO)
    compute_in_full()
    try:
        function(fabric, *arguments)
    except BasetagError as error:
        failures.put(str(error))
        sys.exit(1)


def _log_files() -> list[tuple[str, logging.Formatter | None]]:
    """Return the files that this process logs to: the first of the others goes on in them."""
    return [
        (handler.baseFilename, handler.formatter)
        for handler in log.handlers
        if isinstance(handler, logging.FileHandler)
    ]


@contextmanager
def _handing_on_the_stop_signal() -> Iterator[list[int]]:
    """Yield a list that SIGTERM fills while the block runs, being handed on to all processes."""
    stopped: list[int] = []

    def hand_on(number: int, _: Any) -> None:
        stopped.append(number)
        for process in multiprocessing.active_children():
            process.terminate()

    before = signal.signal(signal.SIGTERM, hand_on)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGTERM, before)
