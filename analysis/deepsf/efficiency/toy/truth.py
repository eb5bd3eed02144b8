"""True efficiencies of the toy: a function of each jet and of all others in its event (arXiv:2004.02665, eq. 3.1)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from deepsf import parquet_files
from deepsf.arrays import Floats
from deepsf.config.efficiency.toy import BaseEfficiency, EfficiencyToy
from deepsf.efficiency.events.events import JetEvents


@dataclass(frozen=True)
class Truth:
    """True efficiencies of a sample; for the audit, never for training.

    Attributes
    ----------
    efficiency
        float64, (n_jets, K): the probability to pass each working point, given flavour and kinematics of all jets of
        the event; averaged over the hidden variable and, like every efficiency here, not conditioned on other tags.
    working_points
        K names, from the loosest to the tightest.
    n_clipped
        Jets whose efficiency was moved up to ``efficiency_min``, and down to ``efficiency_max``.
    """

    efficiency: Floats
    working_points: tuple[str, ...]
    n_clipped: tuple[int, int] = (0, 0)

    def write(self, path: Path) -> None:
        """Write one row a jet, one column a working point."""
        table = pa.table([pa.array(column) for column in self.efficiency.T], names=list(self.working_points))
        facts = {"true_efficiency_of": self.working_points, "n_clipped": self.n_clipped}
        parquet_files.write(path, table.replace_schema_metadata({"deepsf": json.dumps(facts, allow_nan=False)}))

    @classmethod
    def read(cls, path: Path) -> Truth:
        """Read what `write` wrote.

        Raises
        ------
        ValueError
            If the file is not one of true efficiencies.
        """
        table = parquet_files.read(path)
        facts = json.loads((table.schema.metadata or {}).get(b"deepsf", "{}"))
        names = facts.get("true_efficiency_of")
        if names is None or names != table.column_names:
            raise ValueError(f"{path}: not a file of true efficiencies; its columns are {table.column_names}")
        low, high = facts["n_clipped"]
        columns = [table[name].to_numpy() for name in names]
        return cls(np.stack(columns, axis=1), tuple(names), (low, high))


class ClippedEfficiency(NamedTuple):
    """Efficiencies (n_jets, K), and how many jets were below and above the allowed range."""

    efficiency: Floats
    n_clipped: tuple[int, int]


def true_efficiency(toy: EfficiencyToy, events: JetEvents) -> Floats:
    """Return the toy's efficiencies for any events, float64 of shape (n_jets, K).

    Raises
    ------
    ValueError
        If a flavour of the events is none of the toy's.
    """
    return clipped_efficiency(toy, events).efficiency


def clipped_efficiency(toy: EfficiencyToy, events: JetEvents) -> ClippedEfficiency:
    """Return efficiencies as `true_efficiency` does, with the numbers of jets that were clipped.

    The efficiency of a jet alone, times a factor for each neighbour, is clipped; working points are parts of the
    result, so they stay nested.
    """
    if unknown := [name for name in events.flavours if name not in toy.base]:
        raise ValueError(f"the toy knows no efficiency of the flavours {unknown}, only of {list(toy.base)}")
    raw = base_efficiency(toy, events) * neighbour_factor(toy, events)
    n_clipped = (int(np.sum(raw < toy.efficiency_min)), int(np.sum(raw > toy.efficiency_max)))
    loosest = np.clip(raw, toy.efficiency_min, toy.efficiency_max)
    factors = [[row.get(flavour, 1.0) for row in toy.nested_points.values()] for flavour in events.flavours]
    return ClippedEfficiency(loosest[:, None] * np.array(factors)[events.flavour], n_clipped)


def base_efficiency(toy: EfficiencyToy, events: JetEvents) -> Floats:
    """Return the efficiency that each jet would have alone in its event, (n_jets,)."""
    efficiency = np.empty(len(events.pt_gev))
    for index, flavour in enumerate(events.flavours):
        chosen = events.flavour == index
        efficiency[chosen] = _alone(toy.base[flavour], events.pt_gev[chosen], events.eta[chosen])
    return efficiency


def _alone(law: BaseEfficiency, pt_gev: npt.NDArray[Any], eta: npt.NDArray[Any]) -> Floats:
    x, a = pt_gev.astype(np.float64) / 100.0, eta.astype(np.float64) / 2.5
    rise = 1.0 if law.tanh is None else np.tanh(law.tanh[0] + law.tanh[1] * x)
    return np.asarray(law.scale * rise * np.exp(-law.falling * x) * (1.0 + law.rising * x) * (1.0 + law.eta * a**2))


def neighbour_factor(toy: EfficiencyToy, events: JetEvents) -> Floats:
    """Return the product over all other jets of an event of 1 - A exp(-(DeltaR/L)^2), (n_jets,)."""
    width = np.array([toy.neighbours.width[flavour] for flavour in events.flavours])
    amplitude = np.array(
        [[toy.neighbours.amplitude[own][other] for other in events.flavours] for own in events.flavours]
    )
    return np.asarray(
        _neighbour_factor(events.offsets, events.eta, events.phi, events.flavour, width**-2, amplitude), np.float64
    )


@njit(cache=True)
def _neighbour_factor(offsets: Any, eta: Any, phi: Any, flavour: Any, inverse_area: Any, amplitude: Any) -> Any:
    factor = np.ones(len(eta))
    for event in range(len(offsets) - 1):
        for i in range(offsets[event], offsets[event + 1]):
            for j in range(offsets[event], offsets[event + 1]):
                if i == j:
                    continue
                # in double precision: stored are single-precision numbers, the truth is exact for them
                delta_eta = np.float64(eta[i]) - np.float64(eta[j])
                delta_phi = abs(np.float64(phi[i]) - np.float64(phi[j]))
                delta_phi = min(delta_phi, 2 * np.pi - delta_phi)
                distance = (delta_eta**2 + delta_phi**2) * inverse_area[flavour[j]]
                factor[i] *= 1.0 - amplitude[flavour[i], flavour[j]] * np.exp(-distance)
    return factor
