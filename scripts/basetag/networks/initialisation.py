"""How weights are drawn before a training, each from a generator that is handed in."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def draw_glorot(weight: Tensor, generator: torch.Generator) -> None:
    """Fill a matrix or kernels from the uniform distribution of Glorot & Bengio (2010).

    Parameters
    ----------
    weight : Tensor, (outputs, inputs) or (outputs, inputs, bases)
        Overwritten.
    generator : torch.Generator
    """
    bases = weight[0, 0].numel()
    bound = math.sqrt(6 / (bases * (weight.shape[0] + weight.shape[1])))
    weight.data.uniform_(-bound, bound, generator=generator)


def chrono_bias(longest: int, units: int, generator: torch.Generator) -> Tensor:
    """Draw the biases of gates that keep, so that units remember from 2 to `longest` bases.

    A gate whose input is log(u) keeps u / (1 + u) of the state at each base, so for 1 + u bases.
    Tallec & Ollivier (2018, arXiv:1804.11188) draw u uniformly from 1 to longest - 1.

    Parameters
    ----------
    longest : int
        The longest dependence expected, in bases; at least 3.
    units : int
    generator : torch.Generator

    Returns
    -------
    Tensor of float32, (units,)
        For a gate that keeps, as an LSTM's forget gate and torch's update gate of a GRU; its
        negative is for one that lets in, as the z of minGRU.

    Raises
    ------
    ValueError
        If `longest` is below 3: there is nothing to draw from.
    """
    if longest < 3:
        raise ValueError(f"a memory of {longest} bases leaves nothing to draw: 3 is the least")
    return torch.empty(units).uniform_(1, longest - 1, generator=generator).log_()
