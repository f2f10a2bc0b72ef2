"""The one place that decides on which devices a job computes, and what its memory errors are."""

from __future__ import annotations

import ctypes
import os
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import torch

from basetag.cards import claim_cards
from basetag.errors import DeviceError

#: What RuntimeErrors say that are no OutOfMemoryError and mean one: those of torch's allocator on
#: the CPU, of the CUDA driver, and of cuBLAS and cuDNN (by two names, of versions 8 and 9).
_MEMORY_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "status_alloc_failed",
    "allocation_failed",
)


#: M_MMAP_MAX, M_TRIM_THRESHOLD and M_TOP_PAD of malloc.h.
_MALLOC_OPTIONS = {-4: 0, -1: 2**31 - 1, -2: 2**26}


@dataclass(frozen=True)
class Devices:
    """What a job computes on.

    Attributes
    ----------
    kind : {"cpu", "cuda"}
        The CPU, or NVIDIA GPUs.
    cards : tuple of int
        Indices of the GPUs in torch's numbering; empty on the CPU.
    """

    kind: Literal["cpu", "cuda"]
    cards: tuple[int, ...] = ()

    @property
    def first(self) -> torch.device:
        """The CPU, or the first of the GPUs."""
        return torch.device(self.kind, self.cards[0]) if self.cards else torch.device(self.kind)


def choose_devices(gpus: int) -> Devices:
    """Return the devices that a job was granted: the CPU for none, else as many GPUs.

    There is no silent fall-back: a job that asks for a GPU and finds none stops at once. GPUs are
    claimed until the process ends (`basetag.cards`); where other jobs hold too many, it waits.
    Processes that the job starts are told their card: they do not choose again.

    Parameters
    ----------
    gpus : int
        Number of GPUs of the job (`resources: gpu`).

    Returns
    -------
    Devices

    Raises
    ------
    DeviceError
        If GPUs were asked for and CUDA is not there, or more than it shows, or if they cannot be
        claimed.
    """
    if gpus == 0:
        keep_freed_memory()
        return Devices("cpu")
    asked = f"the job asks for {gpus} {'GPU' if gpus == 1 else 'GPUs'}"
    if not torch.cuda.is_available():
        built = torch.version.cuda or "none: this torch was built for the CPU alone"
        raise DeviceError(
            f"{asked} but torch {torch.__version__} sees no CUDA device"
            f" (CUDA of this build: {built})",
            advice="check `nvidia-smi -L`, or run on the CPU with `--workflow-profile"
            " profiles/default`, which asks for gpu=0",
        )
    seen = torch.cuda.device_count()
    if gpus > seen:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        where = "" if visible is None else f" (CUDA_VISIBLE_DEVICES is {visible!r})"
        raise DeviceError(
            f"{asked} but torch sees {seen}{where}",
            advice=f"set the resource gpu to {seen} at most",
        )
    compute_in_full()
    return Devices("cuda", claim_cards([_identity(card) for card in range(seen)], gpus))


def keep_freed_memory() -> None:
    """Have the C library hand freed memory out again, where it is glibc.

    By default it gives large arrays back to the system and takes new ones from there, a page at a
    time: with arrays of tens of megabytes in every step that is a third to a half of a CPU's time
    (benchmarks/training.md).
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in _MALLOC_OPTIONS.items():
            mallopt(option, value)


def compute_in_full() -> None:
    """Have this process compute products of float32 in float32 on a GPU.

    TF32 rounds them to 10 bits: the CPU's numbers would not be met to 1e-5.
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def choose_device(gpus: int) -> torch.device:
    """Return the one device of a job that predicts: the CPU, or a GPU claimed for it.

    Parameters
    ----------
    gpus : int
        Number of GPUs of the job, 0 or 1.

    Returns
    -------
    torch.device

    Raises
    ------
    DeviceError
        As `choose_devices` does, and if more than one GPU was asked for.
    """
    if gpus > 1:
        raise DeviceError(
            f"the job asks for {gpus} GPUs; a tagger predicts on one",
            advice="set the resource gpu to 1",
        )
    return choose_devices(gpus).first


def peak_gpu_memory(device: torch.device) -> int | None:
    """Return the most bytes of arrays that lay on a GPU at once; None on the CPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def describe_devices(devices: Devices, threads: int) -> str:
    """Return the devices in words, for logs and timing tables."""
    if devices.kind == "cpu":
        return f"CPU, {threads} {'thread' if threads == 1 else 'threads'}"
    names = Counter(torch.cuda.get_device_name(card) for card in devices.cards)
    return " + ".join(name if n == 1 else f"{n} x {name}" for name, n in names.items())


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that the memory of a device, or of the machine, is used up."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _MEMORY_WORDS)


def _identity(card: int) -> str:
    """Return what names a card, or a slice of one, for all processes of the machine."""
    uuid = str(torch.cuda.get_device_properties(card).uuid)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    # Slices of one card (MIG) can all bear the card's UUID: they are told apart by this name.
    if card < len(visible) and visible[card].startswith("MIG-"):
        return f"{uuid} {visible[card]}"
    return uuid
