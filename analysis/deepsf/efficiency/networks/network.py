"""One trained efficiency network: from events to the efficiencies of their jets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from deepsf.arrays import Bools, Floats, Singles
from deepsf.config.efficiency.networks import NETWORKS, NetworkName
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.folds import Fold
from deepsf.efficiency.networks.jet_tensors import JetScaling, JetTensors
from deepsf.efficiency.networks.module import EfficiencyModule

if TYPE_CHECKING:
    from deepsf.config.efficiency.networks import NetworkTraining

_BLOCK_EVENTS = 8192


def architecture(settings: NetworkTraining) -> dict[str, int]:
    """Return what is needed to rebuild a network from its weights: the numbers of its layers, blocks, units."""
    return {name: value for name, value in settings.model_dump().items() if name in ("layers", "blocks", "units")}


def network_class(model: NetworkName) -> type[EfficiencyModule]:
    """Return the class of a network; its module is imported here, torch-geometric alone takes seconds.

    Raises
    ------
    ValueError
        If there is no such network.
    """
    if model not in NETWORKS:
        raise ValueError(f"there is no network {model!r}, only {list(NETWORKS)}")
    module, name = NETWORKS[model].network.split(":")
    network: type[EfficiencyModule] = getattr(import_module(module), name)
    return network


def build(
    model: NetworkName, sizes: Mapping[str, int], n_flavours: int, n_points: int, generator: torch.Generator
) -> EfficiencyModule:
    """Return a network with random weights; raise as `network_class` does."""
    sizes_and_numbers: dict[str, Any] = {**sizes, "n_flavours": n_flavours, "n_points": n_points}
    return network_class(model)(**sizes_and_numbers, generator=generator)


@dataclass(frozen=True)
class EfficiencyNetwork:
    """A trained network and everything that its evaluation needs.

    Attributes
    ----------
    model, sizes
        Which network, and its sizes: see `build`.
    flavours, working_points
        Names in the order that the network counts them.
    scaling
        Of the inputs, with the ranges that the network was trained on.
    untagged_weight
        mu of each flavour, the weight of untagged jets in the loss. `evaluate` undoes it.
    module
        The network itself.
    fold
        Part of the events that it was trained on; None: not limited to one.
    """

    model: NetworkName
    sizes: Mapping[str, int]
    flavours: tuple[str, ...]
    working_points: tuple[str, ...]
    scaling: JetScaling
    untagged_weight: tuple[float, ...]
    module: EfficiencyModule
    fold: Fold | None = None

    def evaluate(self, events: JetEvents) -> Singles:
        """Return the probability of each jet to pass each working point, float32, ``(n_jets, K)``.

        Values beyond the range of the training are set to its ends, see `out_of_range`. The working points are those of
        the training; ``tag_bin`` of the events is not read. Other events change the result for an event by
        rounding alone, less than 1e-6.
        """
        known = {name: number for number, name in enumerate(self.flavours)}
        flavour = events.numbers(known, f"the network {self.model}")
        tensors = self.scaling.tensors(events, flavour, len(self.flavours), self.module.needs)
        logits = np.empty((len(flavour), len(self.working_points)), np.float32)
        for begin in range(0, len(events), _BLOCK_EVENTS):
            block, jets = tensors.take(np.arange(begin, min(begin + _BLOCK_EVENTS, len(events))))
            logits[jets.numpy()] = self.logits(block)
        log_mu = np.log(np.array(self.untagged_weight))[flavour]
        return _passing(logits + log_mu[:, None])

    def logits(self, jets: JetTensors) -> Singles:
        """Return the network's output as trained, relative to untagged jets that count as ``untagged_weight``.

        float32, ``(n_jets, K)``: logits of the tag bins.
        """
        with torch.no_grad():
            logits: Singles = self.module(jets).numpy()
        return logits

    def out_of_range(self, events: JetEvents) -> Bools:
        """Return which jets lie beyond what was trained on, ``(n_jets,)``: see `JetScaling.out_of_range`."""
        return self.scaling.out_of_range(events)


def _passing(logits: Floats) -> Singles:
    """Return cumulative efficiencies, which never rise from a working point to the next tighter one."""
    bins = np.pad(logits, ((0, 0), (1, 0)))  # untagged jets have logit 0
    bins = np.exp(bins - bins.max(axis=1, keepdims=True))
    above = np.cumsum(bins[:, ::-1], axis=1)[:, ::-1]
    passing: Singles = (above[:, 1:] / above[:, :1]).astype(np.float32)
    return passing
