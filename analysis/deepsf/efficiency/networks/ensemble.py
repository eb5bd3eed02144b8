"""Efficiency networks for use: a file of one member, and the ensemble with mean and spread.

>>> ensemble = EfficiencyEnsemble.load("gnn.safetensors")    # doctest: +SKIP
>>> ensemble.evaluate(events).mean                           # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from deepsf import __version__, tensor_files
from deepsf.arrays import Bools, Singles
from deepsf.efficiency.efficiencies import Efficiencies
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.folds import Fold
from deepsf.efficiency.networks.jet_tensors import JetScaling
from deepsf.efficiency.networks.network import EfficiencyNetwork, build
from deepsf.tensor_files import Header, Tensors

_FORMAT = "deepsf-efficiency-1"


@dataclass(frozen=True)
class EfficiencyEnsemble:
    """Efficiencies by an ensemble: several trainings of one network, for the same flavours and working points."""

    networks: tuple[EfficiencyNetwork, ...]

    @classmethod
    def of(cls, networks: Sequence[EfficiencyNetwork]) -> EfficiencyEnsemble:
        """Return the ensemble that has these networks as its members.

        Raises
        ------
        ValueError
            If there are none, or they differ in model, sizes, flavours, working points, weight of untagged jets or
            the fold of events that they were trained on.
        """
        if not networks:
            raise ValueError("an ensemble needs at least one network, got none")
        for name in ("model", "sizes", "flavours", "working_points", "untagged_weight", "fold"):
            first, *others = [getattr(network, name) for network in networks]
            if different := [value for value in others if value != first]:
                raise ValueError(f"members of an ensemble must have the same {name}, got {first} and {different[0]}")
        return cls(tuple(networks))

    @classmethod
    def load(cls, path: str | Path) -> EfficiencyEnsemble:
        """Return the ensemble in a file written by `save`.

        Raises
        ------
        deepsf.tensor_files.TensorFileError
            If the file is not an ensemble of efficiencies.
        """
        return tensor_files.read(Path(path), _FORMAT, _ensemble)

    def save(self, path: Path) -> None:
        """Write all members to a safetensors file, with everything needed to evaluate them."""
        _write(path, self.networks, deepsf_version=__version__)

    @property
    def n_members(self) -> int:
        """Number of members."""
        return len(self.networks)

    @property
    def n_parameters(self) -> int:
        """Number of parameters of one member."""
        return sum(parameter.numel() for parameter in self.networks[0].module.parameters())

    @property
    def flavours(self) -> tuple[str, ...]:
        """Flavours that the networks were trained on."""
        return self.networks[0].flavours

    @property
    def working_points(self) -> tuple[str, ...]:
        """Working points, from the loosest to the tightest."""
        return self.networks[0].working_points

    @property
    def fold(self) -> Fold | None:
        """Part of the events that the networks were trained on; None: not limited to one."""
        return self.networks[0].fold

    def members(self, events: JetEvents) -> Iterator[Singles]:
        """Yield the efficiencies of each member, float32, ``(n_jets, K)``: replicas for the variance of yields."""
        for network in self.networks:
            yield network.evaluate(events)

    def evaluate(self, events: JetEvents) -> Efficiencies:
        """Return mean and spread over members, and which jets are out of range.

        Returns
        -------
        Efficiencies
            ``mean`` and ``spread``, ``(n_jets, K)``, and ``out_of_range``, ``(n_jets,)``. The spread of a single member
            is NaN.

        Raises
        ------
        ValueError
            If a jet has a flavour that the networks were not trained on.
        """
        shape = len(events.pt_gev), len(self.working_points)
        # Welford's recursion: no difference of large sums, and one member at a time in memory
        mean, squares = np.zeros(shape), np.zeros(shape)
        for number, member in enumerate(self.members(events), start=1):
            difference = member - mean
            mean += difference / number
            squares += difference * (member - mean)
        with np.errstate(invalid="ignore"):
            spread = np.sqrt(squares / np.float64(self.n_members - 1)) if self.n_members > 1 else squares + np.nan
        return Efficiencies(mean.astype(np.float32), spread.astype(np.float32), self.out_of_range(events))

    def out_of_range(self, events: JetEvents) -> Bools:
        """Return which jets are beyond the training sample of some member, ``(n_jets,)``.

        By pT, |eta|, distance to another jet, or number of jets in the event.
        """
        outside = np.zeros(len(events.pt_gev), bool)
        for scaling in dict.fromkeys(network.scaling for network in self.networks):
            outside |= scaling.out_of_range(events)
        return outside


def save_member(path: Path, network: EfficiencyNetwork) -> None:
    """Write one network in the ensemble's file format."""
    _write(path, (network,))


def load_member(path: Path) -> EfficiencyNetwork:
    """Return the only network of a file.

    Raises
    ------
    ValueError
        If it holds several.
    """
    networks = EfficiencyEnsemble.load(path).networks
    if len(networks) != 1:
        raise ValueError(f"{path}: holds {len(networks)} members, not one; load it as an ensemble")
    return networks[0]


def _write(path: Path, networks: Sequence[EfficiencyNetwork], **about: str) -> None:
    first = networks[0]
    header = {
        "format": _FORMAT,
        **about,
        "model": first.model,
        "sizes": dict(first.sizes),
        "flavours": first.flavours,
        "working_points": first.working_points,
        "untagged_weight": first.untagged_weight,
        "scalings": [network.scaling.to_json() for network in networks],
        **({} if first.fold is None else {"fold": first.fold._asdict()}),
    }
    tensor_files.write(path, header, tensor_files.weights_of(_by_name(networks)))


def _by_name(networks: Sequence[EfficiencyNetwork]) -> dict[str, torch.nn.Module]:
    return {str(number): network.module for number, network in enumerate(networks)}


def _ensemble(header: Header, tensors: Tensors) -> EfficiencyEnsemble:
    tensor_files.check_sizes(header["sizes"], tensors)
    networks = tensor_files.with_weights(
        lambda: [_network(header, JetScaling.from_json(scaling)) for scaling in header["scalings"]], _by_name, tensors
    )
    return EfficiencyEnsemble.of(networks)


def _network(header: Header, scaling: JetScaling) -> EfficiencyNetwork:
    """Return a network that still lacks its weights."""
    flavours, working_points = tuple(header["flavours"]), tuple(header["working_points"])
    untagged_weight = tuple(header["untagged_weight"])
    if len(untagged_weight) != len(flavours):
        raise ValueError(f"its header has {len(untagged_weight)} weights of untagged jets for {len(flavours)} flavours")
    if not all(weight > 0 for weight in untagged_weight):
        raise ValueError(f"its header has the weights of untagged jets {list(untagged_weight)}, not all above 0")
    return EfficiencyNetwork(
        model=header["model"],
        sizes=header["sizes"],
        flavours=flavours,
        working_points=working_points,
        scaling=scaling,
        untagged_weight=untagged_weight,
        fold=Fold(**header["fold"]) if "fold" in header else None,
        module=build(header["model"], header["sizes"], len(flavours), len(working_points), torch.Generator()),
    )
