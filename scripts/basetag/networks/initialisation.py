"""How weights are drawn before training."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def draw_glorot(weight: Tensor, generator: torch.Generator) -> None:
    """Draw from the uniform distribution of Glorot & Bengio (2010).

    Parameters
    ----------
    weight : Tensor, (outputs, inputs) or (outputs, inputs, kernel width)
        Written in place.
    generator : torch.Generator
    """
    field = weight[0, 0].numel()
    bound = math.sqrt(6 / (field * (weight.shape[0] + weight.shape[1])))
    weight.data.uniform_(-bound, bound, generator=generator)


def chrono_bias(longest: int, units: int, generator: torch.Generator) -> Tensor:
    """Return biases with which gates keep something for up to `longest` bases, (units,).

    log U(1, longest - 1): a gate that keeps 1 - 1/T of the state at each base has the bias
    log(T - 1), and T is as likely short as long (Tallec & Ollivier 2018, arXiv:1804.11188).
    """
    return torch.empty(units).uniform_(1, longest - 1, generator=generator).log_()
