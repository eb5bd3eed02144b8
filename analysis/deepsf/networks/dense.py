"""The fully connected network, in fp32 or with its hidden layers in bf16, written for one CPU thread.

The whole network is one `torch.autograd.Function` that works through blocks of rows small enough for the second-level
cache. Bias and LeakyReLU are fused into the matrix product where oneDNN offers it; the derivative of LeakyReLU is read
off the sign of its output, so pre-activations are not kept. Weights are stored as (inputs, outputs), the layout in
which neither pass transposes anything. In bf16, parameters, sums over blocks and the first and last layer stay fp32.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from deepsf.networks.cpu import Precision

NEGATIVE_SLOPE = 0.01

BUMPS_OF_UNITS = 3
"""A network starts with one bump in as many units."""
BUMPS_BEYOND = 0.01
"""Fraction of the points on either side of the centres of the first and of the last bump."""

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
# Rows of a block: measured at 128 units. Shorter blocks stay in the cache, but pay more for starting each product.
_BLOCK_ROWS = {"fp32": 1024, "bf16": 4096}


class _Parameters(NamedTuple):
    """Weights as (inputs, outputs), and biases; those of the hidden-to-hidden layers are stacked along a first axis."""

    first_weight: Tensor
    first_bias: Tensor
    hidden_weight: Tensor
    hidden_bias: Tensor
    last_weight: Tensor
    last_bias: Tensor


class DenseNetwork(nn.Module):
    """Fully connected network: ``layers`` hidden layers of ``units`` with LeakyReLU, and a linear output.

    Weights start as normal numbers of the variance that keeps the signal's size (He et al., arXiv:1502.01852, eq. 15),
    biases as zero. Only first derivatives exist; a second one raises RuntimeError.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Columns of the input and of the output.
    layers, units : int
        Number of hidden layers, and units of each.
    generator : torch.Generator
        The only source of the initial weights.
    precision : "fp32" or "bf16"
        "bf16" rounds what enters the products between hidden layers; parameters, their gradients, the first and the
        last layer are fp32 all the same. `deepsf.networks.cpu.resolve_precision` chooses.
    zero_output : bool
        Start with a last layer of zeros, so that the output is exactly 0.

    Raises
    ------
    ValueError
        If a size is below 1 or the precision unknown.
    """

    def __init__(
        self,
        n_inputs: int,
        *,
        layers: int,
        units: int,
        generator: torch.Generator,
        n_outputs: int = 1,
        precision: Precision = "fp32",
        zero_output: bool = False,
    ) -> None:
        super().__init__()
        for name, value in {"n_inputs": n_inputs, "layers": layers, "units": units, "n_outputs": n_outputs}.items():
            if not value >= 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if precision not in _DTYPES:
            raise ValueError(f"precision must be one of {list(_DTYPES)}, got {precision!r}: resolve_precision chooses")
        self.precision = precision
        self.first_weight = nn.Parameter(_he_normal((n_inputs, units), generator))
        self.first_bias = nn.Parameter(torch.zeros(units))
        self.hidden_weight = nn.Parameter(_he_normal((layers - 1, units, units), generator))
        self.hidden_bias = nn.Parameter(torch.zeros(layers - 1, units))
        last = torch.zeros(units, n_outputs) if zero_output else _he_normal((units, n_outputs), generator)
        self.last_weight = nn.Parameter(last)
        self.last_bias = nn.Parameter(torch.zeros(n_outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, float32 of shape (n,) for one output, else (n, n_outputs).

        Parameters
        ----------
        x : Tensor
            Inputs, float32 of shape (n, n_inputs).

        Raises
        ------
        ValueError
            If ``x`` has another shape or type.
        """
        n_inputs, n_outputs = len(self.first_weight), len(self.last_bias)
        if x.dim() != 2 or x.shape[1] != n_inputs or x.dtype != torch.float32:
            raise ValueError(f"the network takes float32 of shape (n, {n_inputs}), got {x.dtype} of {tuple(x.shape)}")
        parameters = _Parameters(*(getattr(self, name) for name in _Parameters._fields))
        output: Tensor
        if torch.is_grad_enabled():
            output = _Dense.apply(x, self.precision, *parameters)  # type: ignore[no-untyped-call]
        else:
            output = _forward(x, self.precision, parameters, activations=None)
        return output[:, 0] if n_outputs == 1 else output

    @torch.no_grad()
    def start_at(self, points: Tensor, generator: torch.Generator, along: int | None = None) -> None:
        """Start anew: as a sum of hinges at random points and of bumps along one input, which hidden layers pass on.

        Where all biases are zero, all kinks lie at the origin, and a few hundred steps of Adam hardly move them: the
        network begins as a cone and stays stiff. Here each unit of the first layer has its kink at a random point, and
        hidden layers are identities, so that depth is learnt on top. A weight of 1 also keeps its size where the last
        layer is zero and coupled weight decay is the only gradient, which Adam makes as large as any other: random
        matrices of a deep network shrink in that time until nothing gets through.

        Hinges are broad: what is narrow in one input is a small difference of many, which takes thousands of steps.
        Bumps have it in one weight of the last layer each.

        Parameters
        ----------
        points
            Inputs to draw from, float32 of shape (n, n_inputs).
        generator
            The only source of the choice.
        along
            Column of the bumps; none by default.
        """
        units = self.first_weight.shape[1]
        at = points[torch.randint(len(points), (units,), generator=generator)]
        self.first_bias.copy_(-(at * self.first_weight.t()).sum(1))
        self.hidden_weight.copy_(torch.eye(units).expand_as(self.hidden_weight))
        if along is not None and len(self.hidden_weight):
            self._start_bumps(along, points[:, along])

    def _start_bumps(self, column: int, values: Tensor) -> None:
        """Make a third of the second layer bumps, side by side over the range of the values.

        Each is 1 - |x - centre| / width where that is positive, of a rising and a falling unit of the first layer. Both
        are zero at the centre: a difference of far hinges would be lost in the rounding of bf16. As many units of the
        second layer are left without input, for the training to use.
        """
        n = self.first_weight.shape[1] // BUMPS_OF_UNITS
        low, high = np.quantile(values.numpy(), [BUMPS_BEYOND, 1 - BUMPS_BEYOND])
        if n < 2 or not low < high:
            return
        centres, width = torch.linspace(float(low), float(high), n), float(high - low) / (n - 1)
        rising, falling = slice(-2 * n, -n), slice(-n, None)
        for units, sign in ((rising, 1.0), (falling, -1.0)):
            self.first_weight[:, units] = 0.0
            self.first_weight[column, units] = sign / width
            self.first_bias[units] = -sign * centres / width
            self.hidden_weight[0, :, units] = 0.0
        self.hidden_weight[0, rising, rising] = self.hidden_weight[0, falling, rising] = -torch.eye(n)
        self.hidden_bias[0, rising] = 1.0

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """Return the outputs as `forward` does, without a graph; rows go through in blocks, so memory stays small."""
        return self.forward(x)


def _he_normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    weight = torch.empty(shape)
    if weight.numel():  # no hidden-to-hidden layers otherwise
        # (inputs, outputs of all layers): inputs lie where torch looks for outputs
        rows = weight.view(shape[-2], -1)
        nn.init.kaiming_normal_(rows, a=NEGATIVE_SLOPE, mode="fan_out", generator=generator)
    return weight


class _Dense(torch.autograd.Function):
    """The network as one node of the graph. What it saves belongs to that node: networks may be used in any order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, precision: Precision, *parameters: Tensor) -> Tensor:
        activations: list[list[Tensor]] = []
        output = _forward(x, precision, _Parameters(*parameters), activations)
        ctx.precision, ctx.layers = precision, 1 + len(parameters[2])
        ctx.save_for_backward(x, *parameters, *(h for block in activations for h in block))
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, *saved = ctx.saved_tensors
        parameters, flat = _Parameters(*saved[:6]), saved[6:]
        activations = [flat[i : i + ctx.layers] for i in range(0, len(flat), ctx.layers)]
        to_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        return to_x, None, *_backward(x, gradient, ctx.precision, parameters, activations, to_x)


def _forward(x: Tensor, precision: Precision, p: _Parameters, activations: list[list[Tensor]] | None) -> Tensor:
    """Return the outputs (n, n_outputs); append each block's hidden activations to ``activations``."""
    weights, biases = p.hidden_weight.to(_DTYPES[precision]), p.hidden_bias.to(_DTYPES[precision])
    output = x.new_empty(len(x), len(p.last_bias))
    for begin in range(0, len(x), _BLOCK_ROWS[precision]):
        rows = slice(begin, begin + _BLOCK_ROWS[precision])
        h = torch.addmm(p.first_bias, x[rows], p.first_weight)
        block = [functional.leaky_relu_(h, NEGATIVE_SLOPE).to(weights.dtype)]
        for weight, bias in zip(weights, biases, strict=True):
            h = _linear_leaky(block[-1], weight, bias)
            block = [h] if activations is None else [*block, h]
        torch.addmm(p.last_bias, block[-1].float(), p.last_weight, out=output[rows])
        if activations is not None:
            activations.append(block)
    return output


def _backward(
    x: Tensor,
    gradient: Tensor,
    precision: Precision,
    p: _Parameters,
    activations: list[list[Tensor]],
    to_x: Tensor | None,
) -> _Parameters:
    """Return the parameters' gradients, given those of the outputs (n, n_outputs); fill ``to_x`` with those of x."""
    weights = p.hidden_weight.to(_DTYPES[precision])
    total = _Parameters(*(torch.zeros_like(parameter) for parameter in p))
    to_weights, to_biases = torch.empty_like(weights), torch.empty_like(p.hidden_bias, dtype=weights.dtype)
    hidden = [(w.t(), to_w, to_b) for w, to_w, to_b in zip(weights, to_weights, to_biases, strict=True)]
    for k, block in enumerate(activations):
        rows = slice(k * _BLOCK_ROWS[precision], (k + 1) * _BLOCK_ROWS[precision])
        total.last_weight.addmm_(block[-1].float().t(), gradient[rows])
        total.last_bias.add_(gradient[rows].sum(0))
        above = torch.mm(gradient[rows], p.last_weight.t()).to(weights.dtype)
        below = torch.empty_like(above)
        for i in range(len(hidden) - 1, -1, -1):
            weight_t, to_weight, to_bias = hidden[i]
            _leaky_backward(above, block[i + 1], out=below)
            torch.mm(block[i].t(), below, out=to_weight)
            torch.sum(below, 0, out=to_bias)
            torch.mm(below, weight_t, out=above)
        total.hidden_weight.add_(to_weights)
        total.hidden_bias.add_(to_biases)
        _leaky_backward(above, block[0], out=below)
        first = below.float()
        total.first_weight.addmm_(x[rows].t(), first)
        total.first_bias.add_(first.sum(0))
        if to_x is not None:
            torch.mm(first, p.first_weight.t(), out=to_x[rows])
    return total


def _leaky_backward(gradient: Tensor, activation: Tensor, out: Tensor) -> None:
    # True: the sign is taken from the output of LeakyReLU, which has that of its input.
    torch.ops.aten.leaky_relu_backward.grad_input(gradient, activation, NEGATIVE_SLOPE, True, grad_input=out)


def _linear_leaky(h: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    if h.dtype == torch.bfloat16 and _has_fused_linear():
        return _fused_linear_leaky(h, weight, bias)
    return functional.leaky_relu_(torch.addmm(bias, h, weight), NEGATIVE_SLOPE)


def _fused_linear_leaky(h: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    output: Tensor = torch.ops.mkldnn._linear_pointwise(h, weight.t(), bias, "leaky_relu", [NEGATIVE_SLOPE], "")
    return output


@functools.cache
def _has_fused_linear() -> bool:
    """Tell whether this build of torch has the fused bf16 product, which is not public, with the meaning assumed."""
    h, weight, bias = (torch.ones(shape, dtype=torch.bfloat16) for shape in ((2, 4), (4, 3), (3,)))
    try:
        output = _fused_linear_leaky(h, -weight, bias)
    except (AttributeError, RuntimeError):
        return False
    return output.shape == (2, 3) and bool(torch.allclose(output.float(), torch.tensor(-0.03), rtol=0.01))
