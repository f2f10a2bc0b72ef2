"""The one place that decides on which device a network runs, and with how many threads."""

from __future__ import annotations

import torch

from basetag.errors import DeviceError


def choose_device(gpus: int) -> torch.device:
    """Return the device that a job was granted: the CPU for none, CUDA for one or more.

    There is no silent fall-back: a job that asks for a GPU and finds none stops at once.

    Parameters
    ----------
    gpus : int
        Number of GPUs of the job (`resources: gpu`).

    Returns
    -------
    torch.device

    Raises
    ------
    DeviceError
        If a GPU was asked for and CUDA is not there, or more than one was.
    """
    if gpus == 0:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        built = torch.version.cuda or "none: this torch was built for the CPU alone"
        raise DeviceError(
            f"the job asks for {gpus} GPU but torch {torch.__version__} sees no CUDA device"
            f" (CUDA of this build: {built})",
            advice="check `nvidia-smi -L`, or run on the CPU with `--workflow-profile"
            " profiles/default`, which asks for gpu=0",
        )
    if gpus > 1:
        raise DeviceError(
            f"the job asks for {gpus} GPUs; a tagger trains on one",
            advice="set the resource gpu to 1",
        )
    # TF32 rounds products to 10 bits: the CPU's numbers would not be met to 1e-5.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda")


def describe_device(device: torch.device, threads: int) -> str:
    """Return the device in words, for logs and timing tables."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {threads} {'thread' if threads == 1 else 'threads'}"
