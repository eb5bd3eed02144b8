"""Efficiency networks for use: a file of one member, and the ensemble with mean and spread.

>>> ensemble = EfficiencyEnsemble.load("gnn.safetensors")    # doctest: +SKIP
>>> ensemble.evaluate(events).mean                                 # doctest: +SKIP
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save

from deepsf.efficiency.events.events import Bools, Floats32, JetEvents
from deepsf.efficiency.networks.jet_tensors import JetScaling
from deepsf.efficiency.networks.network import EfficiencyNetwork, build

_FORMAT = "deepsf-efficiency-1"


class Efficiencies(NamedTuple):
    """What an ensemble says of each jet.

    Attributes
    ----------
    mean, spread
        float32, (n_jets, K): mean and standard deviation over members of the probability to pass each working point.
        With members trained on bootstraps the standard deviation, not divided by the root of their number, is the
        statistical error of the mean. It has no part from the shape that networks cannot follow.
    out_of_range
        bool, (n_jets,): beyond what the networks were trained on; the nearest values inside were taken.
    """

    mean: Floats32
    spread: Floats32
    out_of_range: Bools


@dataclass(frozen=True)
class EfficiencyEnsemble:
    """Members of one network, trained on the same flavours and working points."""

    networks: tuple[EfficiencyNetwork, ...]

    @classmethod
    def of(cls, networks: Sequence[EfficiencyNetwork]) -> EfficiencyEnsemble:
        """Return the ensemble of some networks.

        Raises
        ------
        ValueError
            If there are none, or they differ in network, sizes, flavours or working points.
        """
        if not networks:
            raise ValueError("an ensemble needs at least one network, got none")
        for name in ("model", "sizes", "flavours", "working_points", "untagged_weight"):
            found = [getattr(network, name) for network in networks]
            if any(value != found[0] for value in found):
                other = next(value for value in found if value != found[0])
                raise ValueError(f"members of an ensemble must have the same {name}, got {found[0]} and {other}")
        return cls(tuple(networks))

    @classmethod
    def load(cls, path: str | Path) -> EfficiencyEnsemble:
        """Return the ensemble of a file written by `save`.

        Raises
        ------
        ValueError
            If the file is not one of ours.
        """
        return cls.of(_read(Path(path)))

    def save(self, path: Path) -> None:
        """Write weights and all that belongs to them to a safetensors file; equal content gives equal bytes."""
        _write(path, self.networks)

    @property
    def n_members(self) -> int:
        """Number of networks."""
        return len(self.networks)

    @property
    def n_parameters(self) -> int:
        """Number of trained numbers of one member."""
        return sum(parameter.numel() for parameter in self.networks[0].module.parameters())

    @property
    def flavours(self) -> tuple[str, ...]:
        """Flavours that the networks were trained on."""
        return self.networks[0].flavours

    @property
    def working_points(self) -> tuple[str, ...]:
        """Working points, from the loosest to the tightest."""
        return self.networks[0].working_points

    def members(self, events: JetEvents) -> Iterator[Floats32]:
        """Return what each member says, float32, ``(n_jets, K)``; see `EfficiencyNetwork.evaluate`."""
        for network in self.networks:
            yield network.evaluate(events)

    def evaluate(self, events: JetEvents) -> Efficiencies:
        """Return mean and spread over members, and which jets are out of range; a single member has spread NaN.

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
        """Return which jets lie beyond what any member was trained on, ``(n_jets,)``."""
        found = np.zeros(len(events.pt_gev), bool)
        for scaling in dict.fromkeys(network.scaling for network in self.networks):
            found |= scaling.out_of_range(events)
        return found


def save_member(path: Path, network: EfficiencyNetwork) -> None:
    """Write one network in the ensemble's file format."""
    _write(path, (network,))


def load_member(path: Path) -> EfficiencyNetwork:
    """Return the only network of a file.

    Raises
    ------
    ValueError
        If the file is not one of ours, or holds several.
    """
    networks = _read(path)
    if len(networks) != 1:
        raise ValueError(f"{path}: holds {len(networks)} members, not one; load it as an ensemble")
    return networks[0]


def _write(path: Path, networks: Sequence[EfficiencyNetwork]) -> None:
    tensors = {
        f"{number}/{name}": tensor.contiguous()
        for number, network in enumerate(networks)
        for name, tensor in network.module.state_dict().items()
    }
    first = networks[0]
    content = {
        "format": _FORMAT,
        "model": first.model,
        "sizes": dict(first.sizes),
        "flavours": first.flavours,
        "working_points": first.working_points,
        "untagged_weight": first.untagged_weight,
        "scalings": [network.scaling.to_json() for network in networks],
    }
    # not save_file: its files are their owner's alone, and its error of a full disk is not the system's
    path.write_bytes(save(tensors, metadata={"deepsf": json.dumps(content)}))


def _read(path: Path) -> list[EfficiencyNetwork]:
    try:
        with safe_open(path, framework="pt") as stored:
            content = json.loads((stored.metadata() or {}).get("deepsf", "{}"))
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a mapping
    except Exception as error:
        raise ValueError(f"{path}: not a readable safetensors file ({error})") from None
    if content.get("format") != _FORMAT:
        raise ValueError(
            f"{path}: format {content.get('format')!r} is not {_FORMAT!r}; not a file of efficiency networks, or of "
            "another version"
        )
    return [_network(content, tensors, number) for number in range(len(content["scalings"]))]


def _network(content: dict[str, Any], tensors: dict[str, torch.Tensor], number: int) -> EfficiencyNetwork:
    flavours, working_points = tuple(content["flavours"]), tuple(content["working_points"])
    generator = torch.Generator().manual_seed(0)
    module = build(content["model"], content["sizes"], len(flavours), len(working_points), generator)
    prefix = f"{number}/"
    module.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
    return EfficiencyNetwork(
        model=content["model"],
        sizes=content["sizes"],
        flavours=flavours,
        working_points=working_points,
        scaling=JetScaling.from_json(content["scalings"][number]),
        untagged_weight=tuple(content["untagged_weight"]),
        module=module,
    )
