"""Measuring the non-closure: how far predicted and tagged jets differ beyond what tags and spread explain.

Cells are those of flavour, pT and DeltaR to the closest jet. In cell c, P predicted and T tagged jets give the
deviation d_c = (P - T) / P. Its covariance is that of the tags, sum g^2 w (1 - w) / P^2, plus that of the predictions
over the members of the ensemble, which share their training events. The biases of a flavour's cells scatter around 0
with one variance tau^2, which is fitted (`deepsf.efficiency.non_closure.shrinkage`); with it, each cell has a bias and
its error. Nothing is corrected: the second moment of the biases is an error beside the spread. Cells with so few tags
that their error is above `STATISTICAL_MAX` are not used: their counts are not Gaussian, and would fake scatter. They
have the variance of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepsf.arrays import Bools, Floats, Ints, Reals
from deepsf.efficiency.events.bin_sums import sums
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.non_closure.cells import Cells, NonClosure, NonClosures
from deepsf.efficiency.non_closure.shrinkage import random_effects

if TYPE_CHECKING:
    from deepsf.efficiency.evaluation import ModelEfficiencies

STATISTICAL_MAX = 0.5
"""Relative error from the tags: that of 4 tags."""


def measure(events: JetEvents, model: ModelEfficiencies, pt_gev: Floats, delta_r: Floats) -> NonClosures:
    """Return the non-closure of efficiencies at every working point.

    Parameters
    ----------
    events
        Tagged events that the efficiencies were not made from.
    model
        Efficiencies at the jets of these events, with the members of an ensemble if there are any.
    pt_gev, delta_r
        Edges of the cells.

    Raises
    ------
    ValueError
        If the efficiencies do not belong to the events.
    """
    shape = len(events.pt_gev), len(events.working_points)
    if model.mean.shape != shape:
        raise ValueError(
            f"efficiencies of shape {model.mean.shape}, the events have {shape[0]} jets and {shape[1]} working points; "
            "evaluate the model on these events"
        )
    cells = Cells(events.flavours, np.asarray(pt_gev, np.float64), np.asarray(delta_r, np.float64))
    index = cells.of_jets(events)
    return NonClosures(
        cells, {name: _at(events, model, cells, index, k) for k, name in enumerate(events.working_points)}
    )


def yields_by_cell(events: JetEvents, cells: Cells, index: Ints, efficiency: Reals) -> Floats:
    """Return the weighted sum of a quantity ``(n_jets,)`` over the jets of each cell, of the shape of cells."""
    generator = np.repeat(events.weight.astype(np.float64), events.n_jets)
    return sums(index, generator * efficiency, cells.size).reshape(cells.shape)


def _at(events: JetEvents, model: ModelEfficiencies, cells: Cells, index: Ints, point: int) -> NonClosure:
    generator = np.repeat(events.weight.astype(np.float64), events.n_jets)

    def filled(values: Any) -> Floats:
        return sums(index, values, cells.size).reshape(cells.shape)

    weight = model.mean[:, point].astype(np.float64)
    predicted, variance = filled(generator * weight), filled(generator**2 * weight * (1 - weight))
    scale = np.where((predicted > 0) & (variance > 0), predicted, np.nan)
    deviation = (predicted - filled(generator * (events.tag_bin > point))) / scale
    statistical = np.sqrt(variance) / scale
    measured: Bools = statistical <= STATISTICAL_MAX
    members = np.zeros((0, *cells.shape))
    if model.members is not None and len(model.members) > 1:
        members = np.stack([filled(generator * member[:, point]) for member in model.members]) / scale
    n_flavours, n = len(cells.flavours), cells.size // len(cells.flavours)
    found = []
    for number in range(n_flavours):
        of_members = members[:, number].reshape(len(members), n)
        shared = np.cov(of_members, rowvar=False).reshape(n, n) if len(members) else 0.0
        covariance = np.diag(statistical[number].ravel() ** 2) + shared
        found.append(random_effects(deviation[number].ravel(), covariance, measured[number].ravel()))
    return NonClosure(
        deviation=deviation,
        statistical=statistical,
        spread=members.std(axis=0, ddof=1) if len(members) else np.zeros(cells.shape),
        tau2=np.array([one.variance for one in found]),
        tau2_error=np.array([one.error for one in found]),
        significance=np.array([one.significance for one in found]),
        mean=np.stack([one.mean for one in found]).reshape(cells.shape),
        second_moment=np.stack([one.second_moment for one in found]),
    )
