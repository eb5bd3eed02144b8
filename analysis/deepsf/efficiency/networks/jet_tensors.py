"""Jets of events as networks take them: inputs of jets and pairs, flat, with offsets; no padding and no masks."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from deepsf.arrays import Bools, Ints, Singles
from deepsf.efficiency.events.closest import closest_jet
from deepsf.efficiency.events.events import JetEvents, offsets_of
from deepsf.efficiency.networks.pairs import (
    N_FEATURES,
    edges,
    pair_delta_r,
    pair_features,
    pair_offsets,
    pair_separations,
)

N_INPUTS = 3
"""Scaled log(pT), pT and |eta| of each jet."""
N_EDGE_INPUTS = N_FEATURES + 1
"""Features of the pair, and log(pT_source / pT_target) in units of the width of log(pT)."""
N_ANGLES = 2
"""Eta and phi, about [-2, 2] both."""
PHI_WIDTH = 1.8  # of a uniform phi


@dataclass(frozen=True)
class JetTensors:
    """Inputs of the jets of some events, in the order of the events; a part that was not asked for is None.

    Attributes
    ----------
    offsets
        int64 array, (n_events + 1,).
    x
        float32, (n_jets, N_INPUTS).
    flavour
        int32, (n_jets,).
    pairs
        float32, (n_pairs, N_FEATURES), in the order of `deepsf.efficiency.networks.pairs`.
    separations
        The same without DeltaR, see `deepsf.efficiency.networks.pairs.pair_separations`.
    closest
        Distance to and flavour of the closest jet, float32 and int32, (n_jets,); for a lone jet the largest distance
        and the number of flavours.
    angles
        float32, (n_jets, N_ANGLES).
    """

    offsets: Ints
    x: Tensor
    flavour: Tensor
    pairs: Tensor | None = None
    closest: tuple[Tensor, Tensor] | None = None
    angles: Tensor | None = None
    separations: Tensor | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of(self, part: str) -> Any:
        """Return a part that must be there.

        Raises
        ------
        ValueError
            If these inputs were made without it.
        """
        if (inputs := getattr(self, part)) is None:
            raise ValueError(f"these inputs were made without {part!r}: name it to JetScaling.tensors")
        return inputs

    def take(self, events: Ints) -> tuple[JetTensors, Tensor]:
        """Return the inputs of some events, and their jets' places here, int64, ``(n_taken_jets,)``."""
        offsets, rows = _ragged(self.offsets, events)
        closest = angles = None
        pairs, separations = (self._taken_pairs(values, events) for values in (self.pairs, self.separations))
        if self.closest is not None:
            closest = self.closest[0].index_select(0, rows), self.closest[1].index_select(0, rows)
        if self.angles is not None:
            angles = self.angles.index_select(0, rows)
        x, flavour = self.x.index_select(0, rows), self.flavour.index_select(0, rows)
        return JetTensors(offsets, x, flavour, pairs, closest, angles, separations), rows

    def edge_index(self) -> Tensor:
        """Return source and target of each edge, int64, ``(2, n_edges)``, in torch-geometric's order."""
        directed = edges(self.offsets)
        return torch.from_numpy(np.stack([directed.source, directed.target]))

    def _taken_pairs(self, values: Tensor | None, events: Ints) -> Tensor | None:
        return None if values is None else torch.from_numpy(_taken(values.numpy(), self._pair_offsets, events))

    @functools.cached_property
    def _pair_offsets(self) -> Ints:
        return pair_offsets(self.offsets)


@dataclass(frozen=True)
class Range:
    """Lowest and highest value that a network was trained on."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Any) -> Range:
        """Return the range of values; 0 to 0 if there are none."""
        return cls(float(np.min(values)), float(np.max(values))) if len(values) else cls(0.0, 0.0)

    def clip(self, values: Any) -> Any:
        """Return the values, those outside set to the end that is closer; float32."""
        return np.clip(values, np.float32(self.low), np.float32(self.high))

    def excludes(self, values: Any) -> Bools:
        """Return which values are outside."""
        outside: Bools = (values < np.float32(self.low)) | (values > np.float32(self.high))
        return outside


@dataclass(frozen=True)
class JetScaling:
    """From columns of jets to inputs: mean and width of log(pT/GeV), pT [GeV], |eta|; and the ranges trained on."""

    mean: tuple[float, float, float]
    width: tuple[float, float, float]
    pt_gev: Range
    abseta: Range
    delta_r: Range
    n_jets: Range

    @classmethod
    def fit(cls, events: JetEvents) -> JetScaling:
        """Return the scaling to zero mean and unit width on these events, and their ranges.

        Raises
        ------
        ValueError
            If there are no jets, or all have the same pT or absolute eta.
        """
        if not len(events.pt_gev):
            raise ValueError(f"none of the {len(events)} events has a jet")
        pt, abseta = events.pt_gev.astype(np.float64), np.abs(events.eta).astype(np.float64)
        columns = {"log pT": np.log(pt), "pT": pt, "|eta|": abseta}
        for name, values in columns.items():
            if values.std() == 0:
                raise ValueError(f"{name} is {values[0]:g} for all {len(values)} jets: nothing depends on it")
        mean, width = (tuple(float(f(values)) for values in columns.values()) for f in (np.mean, np.std))
        delta_r = pair_delta_r(events.offsets, events.eta, events.phi)
        n_jets = events.n_jets
        ranges = Range.of(events.pt_gev), Range.of(np.abs(events.eta)), Range.of(delta_r), Range.of(n_jets[n_jets > 0])
        return cls(mean, width, *ranges)  # type: ignore[arg-type]

    def tensors(self, events: JetEvents, flavour: Ints, n_flavours: int, needs: Collection[str]) -> JetTensors:
        """Return the inputs of all events' jets, values beyond the ranges set to their ends.

        Parameters
        ----------
        flavour
            Index of each jet's flavour as the network counts them, ``(n_jets,)``.
        needs
            Parts of `JetTensors` besides ``x`` and ``flavour``.
        """
        pt, abseta = self.pt_gev.clip(events.pt_gev), self.abseta.clip(np.abs(events.eta))
        x = np.empty((len(pt), N_INPUTS), np.float32)
        for column, values in enumerate((np.log(pt), pt, abseta)):
            x[:, column] = (values - np.float32(self.mean[column])) / np.float32(self.width[column])
        pairs = closest = angles = separations = None
        if {"pairs", "separations"} & set(needs):
            where = events.offsets, events.eta, events.phi
            delta_r = self.delta_r.clip(pair_delta_r(*where))
            if "pairs" in needs:
                pairs = torch.from_numpy(pair_features(delta_r))
            if "separations" in needs:
                separations = torch.from_numpy(pair_separations(*where, delta_r))
        if "closest" in needs:
            distance, index = closest_jet(events)
            of_closest = np.where(index >= 0, flavour[index], n_flavours).astype(np.int32)
            closest = torch.from_numpy(self.delta_r.clip(distance)), torch.from_numpy(of_closest)
        if "angles" in needs:
            eta = np.copysign(abseta, events.eta)
            angles = torch.from_numpy(np.stack([eta, events.phi / np.float32(PHI_WIDTH)], axis=1))
        flavours = torch.from_numpy(flavour.astype(np.int32))
        return JetTensors(events.offsets, torch.from_numpy(x), flavours, pairs, closest, angles, separations)

    def out_of_range(self, events: JetEvents) -> Bools:
        """Return which jets lie beyond the ranges: by pT, absolute eta, distance to another jet, or their number."""
        outside = self.pt_gev.excludes(events.pt_gev) | self.abseta.excludes(np.abs(events.eta))
        outside |= np.repeat(self.n_jets.excludes(events.n_jets), events.n_jets)
        far = self.delta_r.excludes(pair_delta_r(events.offsets, events.eta, events.phi))
        if far.any():
            directed = edges(events.offsets)
            outside[directed.target[far[directed.pair]]] = True
        return outside

    def to_json(self) -> dict[str, Any]:
        """Return the scaling as plain lists."""
        ranges = {name: [getattr(self, name).low, getattr(self, name).high] for name in _RANGES}
        return {"mean": list(self.mean), "width": list(self.width), **ranges}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> JetScaling:
        """Return the scaling of `to_json`.

        Raises
        ------
        ValueError
            If it lacks a number, a width is not above 0, or a range ends before it begins.
        """
        scaling = cls(tuple(stored["mean"]), tuple(stored["width"]), **{name: Range(*stored[name]) for name in _RANGES})
        if not len(scaling.mean) == len(scaling.width) == N_INPUTS or not all(width > 0 for width in scaling.width):
            raise ValueError(f"the scaling has not {N_INPUTS} means and widths above 0")
        ranges = {name: getattr(scaling, name) for name in _RANGES}
        if empty := [name for name, of in ranges.items() if not of.low <= of.high]:
            raise ValueError(f"the scaling has an empty range of {', '.join(empty)}")
        return scaling


_RANGES = ("pt_gev", "abseta", "delta_r", "n_jets")


def _ragged(offsets: Ints, events: Ints) -> tuple[Ints, Tensor]:
    """Return the offsets of some events' elements if these follow one another, and their places."""
    of_chosen = offsets_of(offsets[events + 1] - offsets[events])
    places = np.empty(of_chosen[-1], np.int64)
    _fill_places(offsets, events, places)
    return of_chosen, torch.from_numpy(places)


def _taken(values: Singles, offsets: Ints, events: Ints) -> Singles:
    """Return the rows of some events."""
    taken = np.empty((int(np.sum(offsets[events + 1] - offsets[events])), values.shape[1]), np.float32)
    _fill_rows(values, offsets, events, taken)
    return taken


@njit(cache=True)
def _fill_places(offsets: Ints, events: Ints, places: Ints) -> None:
    number = 0
    for event in events:
        for place in range(offsets[event], offsets[event + 1]):
            places[number] = place
            number += 1


@njit(cache=True)
def _fill_rows(values: Singles, offsets: Ints, events: Ints, taken: Singles) -> None:
    number = 0
    for event in events:
        for place in range(offsets[event], offsets[event + 1]):
            for column in range(values.shape[1]):
                taken[number, column] = values[place, column]
            number += 1
