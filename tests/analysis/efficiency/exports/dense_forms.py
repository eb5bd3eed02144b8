"""Every network of efficiencies once more, dense: pairs of padded events as (B, n, n), and no code of the product's.

Weights are those of the trained module. Written for torch's exporter and for readers, neither for speed nor for memory.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
from deepsf.efficiency.networks.jet_tensors import Range
from tests.analysis.efficiency.exports.ensembles import CODES


class Jets(NamedTuple):
    """Inputs of padded events: ``is_pair`` (B, n, n) tells where there are two different jets."""

    x: Tensor
    flavour: Tensor
    angles: Tensor
    delta_r: Tensor
    is_pair: Tensor
    separations: tuple[Tensor, Tensor]


def closest_jet(net: nn.Module, jets: Jets, delta_r: Range) -> Tensor:
    distance, place = torch.where(jets.is_pair, jets.delta_r, math.inf).min(2)
    lone = ~jets.is_pair.any(2)
    n_flavours = net.flavour.weight.shape[0]
    flavour = torch.where(lone, n_flavours, jets.flavour.gather(1, place))
    distance = torch.where(lone, delta_r.high, distance.clamp(delta_r.low, delta_r.high))[..., None]
    h = torch.cat([jets.x, distance, net.flavour.weight[jets.flavour], net.closest_flavour.weight[flavour]], 2)
    for layer in net.hidden:
        h = torch.relu(h @ layer.weight + layer.bias)
    return h @ net.output.weight + net.output.bias + net.bias.weight[jets.flavour]


def features(jets: Jets, delta_r: Range) -> list[Tensor]:
    """Of pairs, with DeltaR."""
    d = jets.delta_r.clamp(delta_r.low, delta_r.high)
    return [d, d**2 / 2, torch.log(d + 0.05)]


def features_without_delta_r(jets: Jets, delta_r: Range) -> list[Tensor]:
    scale = jets.delta_r.clamp(delta_r.low, delta_r.high) / torch.where(jets.is_pair, jets.delta_r, 1.0)
    delta_eta, delta_phi = (scale * delta for delta in jets.separations)
    return [delta_eta, delta_phi, torch.zeros_like(scale)]


def messages(layer: nn.Module, h: Tensor, jets: Jets, of_pairs: list[Tensor]) -> Tensor:
    """Sum over j != i of relu(W [h_i, h_j, e_ij] + b)."""
    n = h.shape[1]
    h_i, h_j = (part.expand(-1, n, n, -1) for part in (h[:, :, None], h[:, None]))
    ratio = h_j[..., :1] - h_i[..., :1]
    both = torch.cat([h_i, h_j, *(feature[..., None] for feature in of_pairs), ratio], 3)
    weight = torch.cat([*layer.node.weight.chunk(2, 1), layer.edge])
    message = torch.relu(both @ weight + sum(layer.node.bias.chunk(2)))
    return (message * jets.is_pair[..., None]).sum(2)


def gnn(net: nn.Module, jets: Jets, delta_r: Range, of_pairs: Callable[..., list[Tensor]] = features) -> Tensor:
    h = x = torch.cat([jets.x, net.flavour.weight[jets.flavour]], 2)
    for message, update in zip(net.messages, net.updates, strict=True):
        new = torch.relu(
            torch.cat([h, messages(message, h, jets, of_pairs(jets, delta_r))], 2) @ update.weight + update.bias
        )
        h = torch.cat([x, new], 2)
    hidden = torch.relu(h @ net.hidden.weight + net.hidden.bias)
    return hidden @ net.output.weight + net.output.bias + net.bias.weight[jets.flavour]


def pairwise(net: nn.Module, jets: Jets, delta_r: Range) -> Tensor:
    h = x = torch.cat([jets.x, net.flavour.weight[jets.flavour]], 2)
    for layer in net.hidden:
        h = torch.relu(h @ layer.weight + layer.bias)
    log_alone = torch.nn.functional.logsigmoid(h @ net.output.weight + net.output.bias + net.bias.weight[jets.flavour])
    log_factor = messages(net.pair, x, jets, features(jets, delta_r)) @ net.log_factor.weight
    passing = torch.exp(torch.cumsum(torch.clamp(log_alone + log_factor, max=-1e-3), 2))
    # probabilities of the bins: that of passing a point less that of passing the next one
    bins = passing - torch.cat([passing[..., 1:], torch.zeros_like(passing[..., :1])], 2)
    return torch.log(bins / (1 - passing[..., :1]))


def gnn_eta_phi(net: nn.Module, jets: Jets, delta_r: Range) -> Tensor:
    return gnn(net, jets, delta_r, features_without_delta_r)


def gnn_2004_02665(net: nn.Module, jets: Jets, _: Range) -> Tensor:
    h = x = torch.cat([jets.x, jets.angles, net.flavour.weight[jets.flavour]], 2)
    n = h.shape[1]
    for block in net.blocks:
        both = torch.cat([h[:, :, None].expand(-1, n, n, -1), h[:, None].expand(-1, n, n, -1)], 3)
        total = (torch.tanh(block.message(both)) * jets.is_pair[..., None]).sum(2)
        halves = torch.cat([torch.tanh(block.own(h)), torch.tanh(block.collect(total))], 2)
        h = torch.cat([halves / (torch.sqrt((halves**2).sum(2, keepdim=True)) + 1e-6), x], 2)
    return net.head(h) + net.bias.weight[jets.flavour]


FORMS = {
    "closest_jet": closest_jet,
    "pairwise": pairwise,
    "gnn": gnn,
    "gnn_eta_phi": gnn_eta_phi,
    "gnn_2004_02665": gnn_2004_02665,
}


class DenseEnsemble(nn.Module):
    """Mean of the members' efficiencies, (B, n, K), zero at empty places.

    Of pT [GeV], eta, phi, flavour as the networks count them, and whether there is a jet: (B, n).
    """

    def __init__(self, ensemble: EfficiencyEnsemble) -> None:
        super().__init__()
        first = ensemble.networks[0]
        self.form, self.scaling = FORMS[first.model], first.scaling
        self.members = nn.ModuleList(network.module for network in ensemble.networks)
        self.register_buffer("log_mu", torch.log(torch.tensor(first.untagged_weight)))

    def forward(self, pt_gev: Tensor, eta: Tensor, phi: Tensor, flavour: Tensor, mask: Tensor) -> Tensor:
        jets = self.jets(pt_gev, eta, phi, flavour * mask, mask)
        total = 0.0
        for member in self.members:
            logits = self.form(member, jets, self.scaling.delta_r) + self.log_mu[jets.flavour][..., None]
            bins = torch.softmax(torch.cat([torch.zeros_like(logits[..., :1]), logits], 2), 2)
            total = total + bins[..., 1:].flip(2).cumsum(2).flip(2)
        return torch.where(mask[..., None], total / len(self.members), 0.0)

    def jets(self, pt_gev: Tensor, eta: Tensor, phi: Tensor, flavour: Tensor, mask: Tensor) -> Jets:
        scaling, n = self.scaling, mask.shape[1]
        pt = torch.where(mask, pt_gev, scaling.pt_gev.low).clamp(scaling.pt_gev.low, scaling.pt_gev.high)
        eta, phi = torch.where(mask, eta, 0.0), torch.where(mask, phi, 0.0)
        abseta = eta.abs().clamp(scaling.abseta.low, scaling.abseta.high)
        x = (torch.stack([pt.log(), pt, abseta], 2) - torch.tensor(scaling.mean)) / torch.tensor(scaling.width)
        delta_eta, delta_phi = (v.double()[:, :, None] - v.double()[:, None] for v in (eta, phi))
        delta_phi = torch.minimum(delta_phi.abs(), 2 * math.pi - delta_phi.abs())
        delta_r = torch.sqrt(delta_eta**2 + delta_phi**2).float()
        separations = delta_eta.abs().float(), delta_phi.float()
        is_pair = mask[:, :, None] & mask[:, None] & ~torch.eye(n, dtype=torch.bool)
        return Jets(x, flavour, torch.stack([torch.sign(eta) * abseta, phi / 1.8], 2), delta_r, is_pair, separations)


def dense_inputs(inputs) -> tuple[Tensor, ...]:
    """Arguments of `DenseEnsemble.forward` from those of the files by hand."""
    flavour = np.zeros(inputs["mask"].shape, np.int64)
    for number, codes in enumerate(CODES.values()):
        flavour[np.isin(inputs["hadron_flavour"], codes)] = number
    columns = inputs["pt_gev"], inputs["eta"], inputs["phi"], flavour, inputs["mask"]
    return tuple(torch.from_numpy(np.ascontiguousarray(column)) for column in columns)


def torch_export(module: nn.Module, arguments: tuple[Tensor, ...]) -> bytes:
    """An ONNX file by torch's exporter, for any numbers of events and jets."""
    sizes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    shapes = (sizes,) * len(arguments)
    # not optimised: what is compared is what the exporter wrote
    program = torch.onnx.export(module, arguments, dynamo=True, dynamic_shapes=shapes, optimize=False, verbose=False)
    content = io.BytesIO()
    program.save(content)
    return content.getvalue()
