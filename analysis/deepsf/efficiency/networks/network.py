"""One trained efficiency network: from events to the efficiencies of their jets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from numba import njit

from deepsf.config.efficiency.networks import NETWORKS, NetworkName
from deepsf.efficiency.events.events import Bools, Floats32, Ints, JetEvents
from deepsf.efficiency.networks.jet_tensors import JetScaling, JetTensors
from deepsf.efficiency.networks.linear import row_by_row
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
    """Weights of one training and all that belongs to them.

    Attributes
    ----------
    model, sizes
        Which network, and its sizes: see `build`.
    flavours, working_points
        Names in the order that the network counts them.
    scaling
        Of the inputs, with the ranges that the network was trained on.
    untagged_weight
        mu of each flavour in the loss: untagged jets counted as so many. Undone in `evaluate`.
    module
        The network itself.
    """

    model: NetworkName
    sizes: Mapping[str, int]
    flavours: tuple[str, ...]
    working_points: tuple[str, ...]
    scaling: JetScaling
    untagged_weight: tuple[float, ...]
    module: EfficiencyModule

    def evaluate(self, events: JetEvents) -> Floats32:
        """Return the probability of each jet to pass each working point, float32, ``(n_jets, K)``.

        Values beyond the range of the training are set to its ends, see `out_of_range`. The working points are those of
        the training; ``tag_bin`` of the events is not read. The result for an event depends, to the last bit, on no
        other event; that of ``gnn_2004_02665``, whose sums are those of torch-geometric, to 1e-6.

        Raises
        ------
        ValueError
            If a jet has a flavour that the network was not trained on.
        """
        flavour = self._flavour_index(events)
        passing = np.empty((len(events.pt_gev), len(self.working_points)), np.float32)
        log_mu = np.log(np.array(self.untagged_weight))
        for begin in range(0, len(events), _BLOCK_EVENTS):
            chosen = slice(begin, begin + _BLOCK_EVENTS)
            block, jets = _cut(events, chosen)
            tensors = self.scaling.tensors(block, flavour[jets], len(self.flavours), self.module.needs)
            _fill_passing(self.logits(tensors), log_mu[flavour[jets]], passing[jets])
        return passing

    def logits(self, jets: JetTensors) -> Floats32:
        """Return the network's output as trained, relative to untagged jets that count as ``untagged_weight``.

        float32, ``(n_jets, K)``: logits of the tag bins.
        """
        if not len(jets.x):
            return np.empty((0, len(self.working_points)), np.float32)
        with torch.no_grad(), row_by_row():
            found: Floats32 = self.module(jets).numpy()
        return found

    def out_of_range(self, events: JetEvents) -> Bools:
        """Return which jets lie beyond what was trained on, ``(n_jets,)``: see `JetScaling.out_of_range`."""
        return self.scaling.out_of_range(events)

    def _flavour_index(self, events: JetEvents) -> Ints:
        """Return the flavour of each jet as the network counts them."""
        known = {name: number for number, name in enumerate(self.flavours)}
        used = np.flatnonzero(np.bincount(events.flavour, minlength=len(events.flavours)))
        if unknown := [events.flavours[number] for number in used if events.flavours[number] not in known]:
            raise ValueError(
                f"jets of flavour {', '.join(unknown)}: the network {self.model} was trained on "
                f"{', '.join(self.flavours)}; train it on these too, or leave such jets out of the events"
            )
        table = np.array([known.get(name, -1) for name in events.flavours], np.int64)
        return table[events.flavour]


def _cut(events: JetEvents, chosen: slice) -> tuple[JetEvents, slice]:
    """Return consecutive events and their jets' places."""
    from dataclasses import replace

    offsets = events.offsets[chosen.start : chosen.stop + 1]
    jets = slice(int(offsets[0]), int(offsets[-1]))
    columns: dict[str, Any] = {
        name: getattr(events, name)[jets] for name in ("pt_gev", "eta", "phi", "flavour", "tag_bin")
    }
    columns |= {name: getattr(events, name)[chosen] for name in ("weight", "event")}
    return replace(events, offsets=offsets - offsets[0], **columns), jets


# One jet after the other in double precision: vectors of functions round differently at the end of an array.
@njit(cache=True)
def _fill_passing(logits: Floats32, log_mu: npt.NDArray[np.float64], passing: Floats32) -> None:
    """Fill the cumulative efficiencies, which never rise from a working point to the next tighter one."""
    n_points = logits.shape[1]
    for jet in range(len(logits)):
        highest = 0.0
        for k in range(n_points):
            highest = max(highest, logits[jet, k] + log_mu[jet])
        total = math.exp(-highest)
        for k in range(n_points):
            total += math.exp(logits[jet, k] + log_mu[jet] - highest)
        above = 0.0
        for k in range(n_points - 1, -1, -1):
            above += math.exp(logits[jet, k] + log_mu[jet] - highest)
            passing[jet, k] = above / total
