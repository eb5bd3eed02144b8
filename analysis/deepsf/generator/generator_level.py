"""Generator content of NanoAOD: jets of particles, and weights of other scales and parton showers.

The weights are leading-order guesses: each radiated jet carries the strong coupling once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deepsf.arrays import Array, Ints, Reals
from deepsf.generator.jagged import event_sums, order_by_event_and_pt, rounded
from deepsf.generator.kinematics import ParticleEvents

GEN_JET_PT_MIN_GEV = 10.0
MASS_OVER_PT = 0.13
_COUPLING_STEP = 0.118 * 23.0 / (12.0 * np.pi) * np.log(4.0)  # alpha_s b0 ln(2^2), five flavours
_MEAN_RADIATION = 1.5
_FACTORS = (0.5, 1.0, 2.0)


class GenJets(NamedTuple):
    """Jets of particles above 10 GeV by event and falling pT, flat; as in NanoAOD they include the leptons."""

    event: Ints
    pt_gev: Reals
    eta: Reals
    phi: Reals
    mass_gev: Reals


def gen_jets(particles: ParticleEvents) -> tuple[GenJets, Array]:
    """Return the generator's jets, and the position of every particle-level jet in its event's list.

    Returns
    -------
    jets
        Flat columns.
    place
        Shape ``(n_jets + 2 n_events,)``: first the jets, then both leptons of every event; -1 if not stored.
    """
    n, hard = len(particles.weight), particles.jets
    event = np.concatenate([hard.event, np.repeat(np.arange(n), 2)])
    pt = np.concatenate([hard.pt_gev, particles.lepton_pt_gev.ravel()])
    eta = np.concatenate([hard.eta, particles.lepton_eta.ravel()])
    phi = np.concatenate([hard.phi, particles.lepton_phi.ravel()])
    stored = np.flatnonzero((pt > GEN_JET_PT_MIN_GEV) & (np.abs(eta) < 5.0))
    stored = stored[order_by_event_and_pt(event[stored], pt[stored])]
    count = np.bincount(event[stored], minlength=n)
    place = np.full(len(event), -1, np.int32)
    place[stored] = np.arange(len(stored)) - (np.cumsum(count) - count)[event[stored]]
    mass = np.where(stored < len(hard.event), MASS_OVER_PT * pt[stored], 0.0)
    return GenJets(event[stored], *(rounded(column) for column in (pt[stored], eta[stored], phi[stored], mass))), place


def scale_weights(particles: ParticleEvents) -> Reals:
    """Return weights of other renormalisation and factorisation scales over the nominal, shape ``(n, 9)``.

    In NanoAOD's order: (muR, muF) = (0.5, 0.5), (0.5, 1), (0.5, 2), (1, 0.5), ... (2, 2).
    """
    n_radiated, log_ht = _radiation(particles), _log_ht(particles)
    columns = [
        _coupling(mu_r) ** n_radiated * mu_f ** (-0.04 * (log_ht - np.log(2.0)))
        for mu_r in _FACTORS
        for mu_f in _FACTORS
    ]
    return rounded(np.stack(columns, axis=1))


def shower_weights(particles: ParticleEvents) -> Reals:
    """Return weights of other parton showers over the nominal, shape ``(n, 4)``.

    In NanoAOD's order: more radiation from the initial, from the final state (half the scale), less from the initial,
    from the final state (twice the scale). Radiation leaves cross sections alone: the mean weight is about 1.
    """
    n_radiated, log_ht = _radiation(particles), _log_ht(particles)
    columns = []
    for scale in (0.5, 2.0):
        coupling = _coupling(scale)
        columns.append(coupling**n_radiated * np.exp(_MEAN_RADIATION * (1.0 - coupling)))
        columns.append(scale ** (0.06 * (log_ht - np.log(1.5))))
    return rounded(np.stack(columns, axis=1))


def _coupling(scale: float) -> float:
    """Return the strong coupling at a multiple of the scale, over that at the scale (one loop)."""
    return float(1.0 / (1.0 + _COUPLING_STEP * np.log2(scale)))


def _radiation(particles: ParticleEvents) -> Ints:
    return np.bincount(particles.jets.event[particles.jets.is_radiated], minlength=len(particles.weight))


def _log_ht(particles: ParticleEvents) -> Reals:
    """Return the logarithm of the jets' scalar sum of pT over 100 GeV, between 30 and 1000 GeV."""
    ht = event_sums(particles.jets.event, particles.jets.pt_gev, len(particles.weight))
    return np.asarray(np.log(np.clip(ht, 30.0, 1000.0) / 100.0))
