"""Whether networks have learned what there is to learn, without any truth: rows of the audit, and words on members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from deepsf.efficiency.audit.jet_closure import Values
from deepsf.efficiency.audit.rows import Rows, row
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.networks.convergence import History, last_half
from deepsf.efficiency.truth_tagging.scale_factors import bin_probabilities

if TYPE_CHECKING:
    from deepsf.efficiency.evaluation import ModelEfficiencies

_MAP = "map"
_PROBABILITY_MIN = 1e-6
"""Floor of probabilities of tag bins: a map may hold empty bins."""


def training_rows(histories: Mapping[str, Mapping[int, History]]) -> Rows:
    """Return by network how much members still learn in the last half of their steps, on average [%]."""
    rows: Rows = {}
    for network, of_members in histories.items():
        share = float(np.mean([last_half(history) for history in of_members.values()]))
        rows |= row("convergence.{network}.last_half", 100 * share, network=network)
    return rows


def over_map_rows(events: JetEvents, models: Mapping[str, ModelEfficiencies], networks: Sequence[str]) -> Rows:
    """Return by network by how many errors its cross-entropy of the tags is below that of the map."""
    rows: Rows = {}
    if _MAP not in models:
        return rows
    of_map = tag_losses(events, models[_MAP].mean)
    for network in networks:
        gain = of_map - tag_losses(events, models[network].mean)
        error = float(np.sqrt(np.sum(gain**2)))
        rows |= row("convergence.{network}.over_map", float(gain.sum()) / error if error > 0 else None, network=network)
    return rows


def tag_losses(events: JetEvents, efficiency: Values) -> Values:
    """Return the weighted cross-entropy of each event's tags, ``(n_events,)``; efficiencies are ``(n_jets, K)``."""
    probability = np.take_along_axis(bin_probabilities(efficiency), events.tag_bin[:, None].astype(np.int64), axis=1)
    loss = -np.log(np.maximum(probability[:, 0], _PROBABILITY_MIN))
    before = np.concatenate([[0.0], np.cumsum(loss)])
    return np.asarray(events.weight * np.diff(before[events.offsets]), np.float64)
