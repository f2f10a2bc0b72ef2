"""How many GPUs a job has asked for: by the resource `gpu`, or by `gres` as Slurm writes it."""

from __future__ import annotations

_KIND = "gpu"


def gpus_asked(gpu: int, gres: str | None = None) -> int:
    """Return how many GPUs a job's resources ask for.

    Parameters
    ----------
    gpu : int
        The resource `gpu`. Where it is 0, `gres` says it.
    gres : str, optional
        A generic resource, such as ``gpu:2`` or ``gpu:a100:2``; ``gpu`` alone is one. Of any other
        kind it asks for no GPU.

    Returns
    -------
    int

    Examples
    --------
    >>> gpus_asked(0, "gpu:a100:2"), gpus_asked(1), gpus_asked(0, "nvme:1")
    (2, 1, 0)
    """
    if gpu or not gres:
        return gpu
    kind, *rest = gres.strip("'\"").split(":")
    if kind != _KIND:
        return 0
    return int(rest[-1]) if rest and rest[-1].isdigit() else 1
