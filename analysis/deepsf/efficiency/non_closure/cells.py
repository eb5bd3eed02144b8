"""Non-closure of efficiencies in cells of flavour, pT and DeltaR: what it does to efficiencies and to yields.

Biases b of efficiencies, relative and by cell, have the second moment E[b b^T]: an error of the efficiencies beside the
spread of the ensemble. `deepsf.efficiency.non_closure.measure` measures it.

The probability of an event to be tagged changes by dP = sum_j (dP / dln eps_j) b_c(j), the sum over its jets. A yield
therefore has the variance G E[b b^T] G^T, where G_c is the sum of the changes of all jets in cell c.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from deepsf.arrays import Floats, Ints, Reals
from deepsf.efficiency.events.bin_sums import bin_index, sums
from deepsf.efficiency.events.closest import closest_jet
from deepsf.efficiency.events.events import JetEvents
from deepsf.json_text import json_text

_FORMAT = "deepsf-non-closure-1"


class Cells(NamedTuple):
    """Cells of flavour, pT [GeV] and DeltaR to the closest jet, numbered in this order; outer cells are open."""

    flavours: tuple[str, ...]
    pt_gev: Floats
    delta_r: Floats

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of cells along each axis."""
        return len(self.flavours), len(self.pt_gev) - 1, len(self.delta_r) - 1

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(np.prod(self.shape))

    def of_jets(self, events: JetEvents) -> Ints:
        """Return the cell of each jet, int64, ``(n_jets,)``.

        Raises
        ------
        ValueError
            If a jet has a flavour of which there are no cells.
        """
        flavour = events.numbers({name: k for k, name in enumerate(self.flavours)}, "the non-closure")
        # edges in single precision, as an ONNX graph has them
        places = [
            bin_index(values.astype(np.float64), edges.astype(np.float32).astype(np.float64))
            for values, edges in ((events.pt_gev, self.pt_gev), (closest_jet(events)[0], self.delta_r))
        ]
        return np.asarray(np.ravel_multi_index((flavour, *places), self.shape), np.int64)


class NonClosure(NamedTuple):
    """Non-closure at one working point; arrays by cell are ``(n_flavours, n_pt, n_delta_r)``.

    Attributes
    ----------
    deviation
        Predicted minus directly tagged jets, relative to predicted: (sum g w - sum g t) / sum g w. NaN without jets.
    statistical
        Its error from the tags, sqrt(sum g^2 w (1 - w)) / sum g w.
    spread
        Its error from the efficiencies: standard deviation over members of the predicted yield, relative.
    tau2, tau2_error, significance
        Common variance of the flavour's relative biases, its error and its significance in standard deviations,
        ``(n_flavours,)``; NaN for a flavour without jets.
    mean
        Bias of each cell, shrunk.
    second_moment
        Of the biases of each flavour, ``(n_flavours, n, n)`` for n = n_pt n_delta_r: a covariance of relative errors.
    """

    deviation: Floats
    statistical: Floats
    spread: Floats
    tau2: Floats
    tau2_error: Floats
    significance: Floats
    mean: Floats
    second_moment: Floats

    @property
    def systematic(self) -> Floats:
        """Return the relative error of efficiencies by cell, ``(n_flavours, n_pt, n_delta_r)``: the root of E[b^2]."""
        variance = np.diagonal(self.second_moment, axis1=1, axis2=2)
        return np.sqrt(np.maximum(variance, 0.0)).reshape(self.deviation.shape)

    @property
    def covariance(self) -> Floats:
        """Return the covariance of relative errors of all cells, ``(n_cells, n_cells)``: flavours are independent."""
        n_flavours, n, _ = self.second_moment.shape
        whole = np.zeros((n_flavours, n, n_flavours, n))
        for number, block in enumerate(self.second_moment):
            whole[number, :, number] = block
        return whole.reshape(n_flavours * n, -1)


class NonClosures(NamedTuple):
    """Non-closure by working point, in common cells."""

    cells: Cells
    points: Mapping[str, NonClosure]

    def of(self, working_point: str) -> NonClosure:
        """Return that at a working point.

        Raises
        ------
        ValueError
            If it has not been measured there.
        """
        if working_point not in self.points:
            raise ValueError(f"no non-closure at the working point {working_point!r}, only at {list(self.points)}")
        return self.points[working_point]

    def changes(self, events: JetEvents, change: Floats, working_point: str) -> EfficiencyChanges:
        """Return what the non-closure does to events.

        Parameters
        ----------
        change
            Of each event's probability with each of its jets' efficiencies, ``(n_jets,)``, from
            `deepsf.efficiency.truth_tagging.probabilities.changes`.
        """
        covariance = self.of(working_point).covariance
        return EfficiencyChanges(events.offsets, self.cells.of_jets(events), change, covariance)

    def errors(self, events: JetEvents, efficiency: Reals) -> Floats:
        """Return the error of each jet's efficiency, ``(n_jets, K)``, of efficiencies of that shape."""
        of_cells = np.stack([point.systematic.ravel() for point in self.points.values()], axis=1)
        return np.asarray(efficiency * of_cells[self.cells.of_jets(events)], np.float64)

    def to_json(self) -> str:
        """Return everything as text, what is not known as null."""
        points = {name: point._asdict() for name, point in self.points.items()}
        # a list, as the order of working points has a meaning
        content = {"format": _FORMAT, "cells": self.cells, "working_points": list(points), "points": points}
        return json_text(content)

    @classmethod
    def from_json(cls, text: str) -> NonClosures:
        """Return what `to_json` wrote.

        Raises
        ------
        ValueError
            If the text is something else.
        """
        return cls.of_content(json.loads(text))

    @classmethod
    def of_content(cls, content: Any) -> NonClosures:
        """Return what the JSON of `to_json` holds, as other files have it in their metadata; raise as `from_json`."""
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise ValueError(f"not a non-closure of efficiencies: its format must be {_FORMAT}")
        flavours, *edges = (content["cells"][name] for name in Cells._fields)
        points = {
            name: NonClosure(*(np.array(content["points"][name][key], np.float64) for key in NonClosure._fields))
            for name in content["working_points"]
        }
        return cls(Cells(tuple(flavours), *(np.array(values, np.float64) for values in edges)), points)


class EfficiencyChanges(NamedTuple):
    """How the probabilities of events follow the efficiencies of their jets, and the errors of these by cell.

    Attributes
    ----------
    offsets
        Index of the first jet of each event, ``(n_events + 1,)``.
    cell
        Of each jet, ``(n_jets,)``.
    change
        dP / dln eps of each jet's event and efficiency, ``(n_jets,)``.
    covariance
        Of relative errors of efficiencies, ``(n_cells, n_cells)``.
    """

    offsets: Ints
    cell: Ints
    change: Floats
    covariance: Floats

    def of_yields(self, weight: Floats, index: Ints, n_bins: int) -> Floats:
        """Return the covariance of yields in bins, ``(n_bins, n_bins)``.

        Parameters
        ----------
        weight
            Of each event besides its probability, ``(n_events,)``.
        index
            Bin of each event, negative for those that are left out.
        """
        n_jets, n_cells = np.diff(self.offsets), len(self.covariance)
        bins = np.repeat(index, n_jets)
        chosen = bins >= 0
        places = bins[chosen] * n_cells + self.cell[chosen]
        changes = (np.repeat(weight, n_jets) * self.change)[chosen]
        by_cell = sums(places, changes, n_bins * n_cells).reshape(n_bins, n_cells)
        # cells that no event is in must not spread the NaN of what is not measured
        used = np.any(by_cell != 0, axis=0)
        return np.asarray(by_cell[:, used] @ self.covariance[np.ix_(used, used)] @ by_cell[:, used].T)
