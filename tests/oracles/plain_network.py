"""The fully connected network as torch has it."""

from __future__ import annotations

from torch import nn

from deepsf.networks.dense import NEGATIVE_SLOPE, DenseNetwork


def sequential(network: DenseNetwork) -> nn.Sequential:
    """Return the same function as plain fp32 modules with a copy of the weights."""
    weights = [network.first_weight, *network.hidden_weight, network.last_weight]
    biases = [network.first_bias, *network.hidden_bias, network.last_bias]
    modules: list[nn.Module] = []
    for weight, bias in zip(weights, biases, strict=True):
        linear = nn.Linear(*weight.shape)
        linear.load_state_dict({"weight": weight.detach().t(), "bias": bias.detach()})
        modules += [linear, nn.LeakyReLU(NEGATIVE_SLOPE)]
    return nn.Sequential(*modules[:-1])
