"""Functions between the layers of networks, by the names that settings have for them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def elu(values: torch.Tensor) -> torch.Tensor:
    """Exponential linear unit of Clevert et al. 2016 with alpha 1: x above 0 and exp(x) - 1 below it.

    The larger of x and exp(min(x, 0)) - 1, since exp(x) - 1 >= x. PyTorch's own takes `expm1`, which is exact in the
    last bits of values next to 0, where this one is within 6e-8, and which can take longer than the layer's product.

    Args:
        values: of any shape; gradients do not pass.

    Returns:
        A new tensor of that shape.
    """
    below = values.clamp(max=0.0).exp_().sub_(1.0)
    return torch.maximum(values, below, out=below)


class _Elu(torch.autograd.Function):
    """`elu` with PyTorch's own gradient, which needs the result alone."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor) -> torch.Tensor:
        result = elu(values)
        context.save_for_backward(result)
        return result

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        (result,) = context.saved_tensors
        return torch.ops.aten.elu_backward(gradient, 1.0, 1.0, 1.0, True, result)


class ELU(nn.Module):
    """A layer of `elu`."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return `elu` of a tensor, through which gradients pass."""
        return _Elu.apply(values) if torch.is_grad_enabled() and values.requires_grad else elu(values)


ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "elu": ELU, "silu": nn.SiLU}
