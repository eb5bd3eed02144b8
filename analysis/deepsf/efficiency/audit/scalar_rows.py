"""Rows on the sample of the decaying scalar: its mass, and whether its efficiencies are those of the training."""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Floats
from deepsf.config.efficiency.toy import EfficiencyToy
from deepsf.efficiency.audit.rows import Rows, row
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.observables import pair_mass_gev
from deepsf.efficiency.toy.scalar import decays
from deepsf.efficiency.toy.truth import true_efficiency
from deepsf.seeds import seed_sequence

_N_DECAYS = 100_000


def scalar_rows(toy: EfficiencyToy, events: JetEvents, truth: Floats) -> Rows:
    """Return the rows on the scalar's sample.

    Parameters
    ----------
    events, truth
        The sample as it is stored, and its true efficiencies, ``(n_jets, K)``.
    """
    rng = np.random.default_rng(seed_sequence(toy.seed, "efficiency toy", "audit of the scalar"))
    quarks = decays(rng, _N_DECAYS, toy.scalar, toy.kinematics, len(events.flavours))
    a, b = quarks
    mass = pair_mass_gev(a.pt_gev, b.pt_gev, a.eta - b.eta, a.phi - b.phi)
    # the two jets of an event are the scalar's; events of more jets hold others
    first = events.offsets[:-1][events.n_jets == 2]
    pt, eta, phi = (values.astype(np.float64) for values in (events.pt_gev, events.eta, events.phi))
    stored = pair_mass_gev(pt[first], pt[first + 1], eta[first] - eta[first + 1], phi[first] - phi[first + 1])
    unequal = np.abs(true_efficiency(toy, events) - truth)

    def deviation(masses: Floats) -> float | None:
        return float(np.abs(masses / toy.scalar.mass_gev - 1.0).max()) if len(masses) else None

    return {
        **row("toy.scalar.mass", deviation(mass)),
        **row("toy.scalar.mass_stored", deviation(stored)),
        **row("toy.scalar.same_function", unequal.max(initial=0.0)),
    }
