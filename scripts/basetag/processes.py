"""One process per device of a job, by lightning-fabric: they compute as one.

A job on one device runs where it is. One on several GPUs starts a process for each, hands SIGTERM
on to them, and says what the first of them logs; an error in them is the job's own.
"""

from __future__ import annotations

import logging
import logging.handlers
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from torch.multiprocessing.spawn import ProcessExitedException

from basetag.devices import Devices, compute_in_full
from basetag.errors import BasetagError, DeviceError

log = logging.getLogger("basetag")

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
    count = len(devices.cards) or processes
    fabric = Fabric(
        accelerator=devices.kind,
        devices=list(devices.cards) or processes,
        strategy="ddp_spawn" if count > 1 else "auto",
        precision=_PRECISIONS[precision],
        # Not what it would read off Slurm's variables: these processes are of one machine.
        plugins=[LightningEnvironment()],
    )
    if count == 1:
        fabric.launch()
        function(fabric, *arguments)
        return
    context = multiprocessing.get_context("spawn")
    records = context.Queue()
    listener = logging.handlers.QueueListener(records, *log.handlers)
    listener.start()
    try:
        with _handing_on_the_stop_signal() as stopped:
            try:
                failure = fabric.launch(_run, records, log.level, function, arguments)  # type: ignore[arg-type]
            except ProcessExitedException as error:
                if not stopped:
                    raise
                sys.exit(error.exit_code if error.exit_code > 0 else 128 + signal.SIGTERM)
    finally:
        listener.stop()
    if failure is not None:
        raise failure


def _run(
    fabric: Fabric,
    records: Any,
    level: int,
    function: Callable[..., None],
    arguments: tuple[Any, ...],
) -> BasetagError | None:
    """Run the function in a process of its own, and return the user's error, if it is one."""
    if fabric.is_global_zero:
        log.addHandler(logging.handlers.QueueHandler(records))
        log.setLevel(level)
    compute_in_full()
    try:
        function(fabric, *arguments)
    except BasetagError as error:
        # All processes do the same, so each one ends here.
        return BasetagError(str(error))
    return None


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
