"""Variables in which closure is shown: the two leading jets, their flavour pair, and each jet's surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats, Ints
from deepsf.efficiency.events.closest import closest_jet
from deepsf.efficiency.events.events import JetEvents

VARIABLES = ("delta_r", "pt_gev", "eta", "mass_gev", "n_jets", "closest_flavour")
"""Variables of a tag region; see `EventObservables`."""
JET_VARIABLES = ("pt_gev", "eta", "delta_r")
"""Variables of single jets: pT, eta, and DeltaR to the closest jet."""
N_JETS_LAST = 8
"""Events with at least this many jets share a bin."""


class EventObservables(NamedTuple):
    """Events with at least one jet, arrays ``(n,)``; NaN or -1 where there is no second jet.

    Attributes
    ----------
    first, second
        Index of the leading and the second jet among all jets; ``second`` is -1 for a lone jet.
    pair
        Place of the flavours of the two leading jets in `flavour_pairs`, -1 for a lone jet.
    weight
        Generator weight.
    variables
        By name of `VARIABLES`: DeltaR and invariant mass [GeV] of the two leading jets, taken as massless; pT [GeV] and
        eta of the leading jet; number of jets; flavour of the jet closest to the leading one.
    """

    first: Ints
    second: Ints
    pair: Ints
    weight: Floats
    variables: dict[str, Floats]

    def choose(self, chosen: npt.NDArray[np.bool_]) -> EventObservables:
        """Return some of the events."""
        return EventObservables(
            self.first[chosen],
            self.second[chosen],
            self.pair[chosen],
            self.weight[chosen],
            {name: values[chosen] for name, values in self.variables.items()},
        )


def flavour_pairs(flavours: Sequence[str]) -> tuple[str, ...]:
    """Return the names of unordered pairs of flavours, such as ``b_b``, ``b_c``, in the order of the flavours."""
    return tuple("_".join(pair) for pair in combinations_with_replacement(flavours, 2))


def pair_index(one: Ints, other: Ints, n_flavours: int) -> Ints:
    """Return the place in `flavour_pairs` of two flavour indices, arrays of one shape."""
    low, high = np.minimum(one, other), np.maximum(one, other)
    return np.asarray(low * n_flavours - low * (low - 1) // 2 + high - low, np.int64)


def event_observables(events: JetEvents) -> EventObservables:
    """Return the observables of all events that have a jet."""
    kept = np.flatnonzero(events.n_jets)
    first = events.offsets[:-1][kept]
    n_jets = events.n_jets[kept]
    paired = n_jets > 1
    # a lone jet stands in for its missing partner, and what comes of it is dropped
    second = np.where(paired, first + 1, first)
    pt, eta, phi = (values.astype(np.float64) for values in (events.pt_gev, events.eta, events.phi))
    delta_eta = eta[first] - eta[second]
    delta_phi = np.mod(phi[first] - phi[second] + np.pi, 2 * np.pi) - np.pi
    mass = pair_mass_gev(pt[first], pt[second], delta_eta, delta_phi)
    flavour = events.flavour.astype(np.int64)
    closest = closest_jet(events)[1][first]
    variables = {
        "delta_r": np.where(paired, np.hypot(delta_eta, delta_phi), np.nan),
        "pt_gev": pt[first],
        "eta": eta[first],
        "mass_gev": np.where(paired, mass, np.nan),
        "n_jets": n_jets.astype(np.float64),
        "closest_flavour": np.where(closest >= 0, flavour[closest], np.nan),
    }
    pair = np.where(paired, pair_index(flavour[first], flavour[second], len(events.flavours)), -1)
    return EventObservables(
        first, np.where(paired, second, -1), pair, events.weight[kept].astype(np.float64), variables
    )


def pair_mass_gev(pt_one_gev: Floats, pt_other_gev: Floats, delta_eta: Floats, delta_phi: Floats) -> Floats:
    """Return the invariant mass of pairs of massless jets, also of close ones, arrays of one shape.

    m^2 = 2 pT1 pT2 (cosh x - cos y), and cosh x - cos y = 2 (sinh^2 x/2 + sin^2 y/2) without the cancellation.
    """
    distance = np.sinh(delta_eta / 2) ** 2 + np.sin(delta_phi / 2) ** 2
    return np.asarray(2.0 * np.sqrt(pt_one_gev * pt_other_gev * distance))


def n_jets_edges(n_jets: Ints) -> Floats:
    """Return edges of a bin for every number of jets, from the lowest one above 0; the last bin is open."""
    present = n_jets[n_jets > 0]
    low = int(present.min()) if len(present) else 1
    high = min(int(present.max()) if len(present) else 1, max(N_JETS_LAST, low))
    return np.arange(low, high + 2, dtype=np.float64) - 0.5
