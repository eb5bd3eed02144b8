"""From particle level to detector level: resolutions, identification, pile-up jets, missing pT.

Columns that NanoAOD stores with reduced precision are rounded here, so that the discriminants and the injected scale
factor depend on the stored values.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deepsf.arrays import Bools, Ints, Reals
from deepsf.generator.generator_level import MASS_OVER_PT
from deepsf.generator.jagged import event_sums, order_by_event_and_pt, rounded
from deepsf.generator.kinematics import ParticleEvents

PT_MIN_STORED_GEV = 15.0
N_PILE_UP_JETS = 0.35
MET_RESOLUTION_GEV = 14.0
RESOLUTION = (3.0, 0.8, 0.05)
"""Relative resolution of jets, terms in 1 / pT, 1 / sqrt(pT) and constant, added in quadrature."""
_RESOLUTION = {11: 0.02, 13: 0.012}
_EFFICIENCY = {11: 0.92, 13: 0.96}
_MASS_GEV = {11: 0.000511, 13: 0.10566}


class RecoJets(NamedTuple):
    """Reconstructed jets above 15 GeV by event and falling pT, flat. ``survival`` and ``is_radiated`` are truth.

    ``particle`` is the source of a jet: the index of a particle-level jet, then of a lepton (two per event); larger
    numbers are pile-up.
    """

    event: Ints
    pt_gev: Reals
    eta: Reals
    phi: Reals
    mass_gev: Reals
    jet_id: Ints
    pu_id: Ints
    hadron_flavour: Ints
    is_radiated: Bools
    survival: Reals
    particle: Ints


class RecoLeptons(NamedTuple):
    """The two leptons by falling pT, shape ``(n, 2)``; ``is_stored`` marks those that were reconstructed."""

    pdg_id: Ints
    pt_gev: Reals
    eta: Reals
    phi: Reals
    mass_gev: Reals
    rel_iso: Reals
    is_identified: Bools
    is_stored: Bools


class RecoEvents(NamedTuple):
    """Reconstructed events, n of them."""

    leptons: RecoLeptons
    jets: RecoJets
    met_pt_gev: Reals
    met_phi: Reals
    weight: Reals


def reconstruct(rng: np.random.Generator, events: ParticleEvents) -> RecoEvents:
    """Reconstruct leptons, jets and missing pT of particle-level events.

    As in NanoAOD, leptons also appear as jets: an analysis has to remove them.
    """
    n = len(events.weight)
    leptons = _leptons(rng, events)
    jets, shift_x, shift_y = _jets(rng, events)
    x = events.met_x_gev - shift_x + rng.normal(0.0, MET_RESOLUTION_GEV, n)
    y = events.met_y_gev - shift_y + rng.normal(0.0, MET_RESOLUTION_GEV, n)
    return RecoEvents(leptons, jets, rounded(np.hypot(x, y)), rounded(np.arctan2(y, x)), events.weight)


def _leptons(rng: np.random.Generator, events: ParticleEvents) -> RecoLeptons:
    pdg_id = events.lepton_pdg_id
    is_electron = np.abs(pdg_id) == 11
    resolution = np.where(is_electron, _RESOLUTION[11], _RESOLUTION[13])
    pt = events.lepton_pt_gev * (1.0 + resolution * rng.standard_normal(pdg_id.shape))
    efficiency = np.where(is_electron, _EFFICIENCY[11], _EFFICIENCY[13])
    isolation = np.where(events.lepton_is_isolated, 0.0, 0.5) + rng.exponential(0.03, pdg_id.shape)
    identified = rng.random(pdg_id.shape) < np.where(is_electron, 0.96, 0.98)
    stored = (rng.random(pdg_id.shape) < efficiency) & (pt > 5.0) & (np.abs(events.lepton_eta) < 2.5)
    leptons = RecoLeptons(
        pdg_id=pdg_id,
        pt_gev=rounded(pt),
        eta=rounded(events.lepton_eta),
        phi=rounded(events.lepton_phi),
        mass_gev=rounded(np.where(is_electron, _MASS_GEV[11], _MASS_GEV[13])),
        rel_iso=rounded(isolation),
        is_identified=identified,
        is_stored=stored,
    )
    order = np.argsort(-pt, axis=1)
    return RecoLeptons._make(np.take_along_axis(column, order, axis=1) for column in leptons)


def _jets(rng: np.random.Generator, events: ParticleEvents) -> tuple[RecoJets, Reals, Reals]:
    n = len(events.weight)
    hard = events.jets
    n_hard, n_leptons = len(hard.event), 2 * n
    n_pile_up = rng.poisson(N_PILE_UP_JETS, n)
    total = int(n_pile_up.sum())
    event = np.concatenate([hard.event, np.repeat(np.arange(n), 2), np.repeat(np.arange(n), n_pile_up)])
    pile_up_pt = PT_MIN_STORED_GEV - 1.0 + rng.exponential(7.0, total)
    pt = np.concatenate([hard.pt_gev, events.lepton_pt_gev.ravel(), pile_up_pt])
    eta = np.concatenate([hard.eta, events.lepton_eta.ravel(), rng.uniform(-4.5, 4.5, total)])
    phi = np.concatenate([hard.phi, events.lepton_phi.ravel(), rng.uniform(-np.pi, np.pi, total)])
    noise, stochastic, constant = RESOLUTION
    resolution = np.sqrt((noise / pt) ** 2 + stochastic**2 / pt + constant**2)
    resolution[n_hard : n_hard + n_leptons] = 0.02
    response = np.clip(1.0 + resolution * rng.standard_normal(len(pt)), 0.2, 3.0)
    change = (pt * (response - 1.0))[:n_hard]
    shift_x, shift_y = (event_sums(hard.event, change * f(hard.phi), n) for f in (np.cos, np.sin))

    kept = np.flatnonzero((pt * response > PT_MIN_STORED_GEV) & (np.abs(eta) < 4.7))
    kept = kept[order_by_event_and_pt(event[kept], (pt * response)[kept])]
    soft = len(event) - n_hard
    flavour = np.concatenate([hard.hadron_flavour, np.zeros(soft, int)])[kept]
    radiated = np.concatenate([hard.is_radiated, np.zeros(soft, bool)])[kept]
    # Only jets of the hard process can be lost.
    survival = np.concatenate([hard.survival, np.full(soft, np.nan)])[kept]
    is_pile_up = kept >= n_hard + n_leptons
    pu_id = np.where(rng.random(len(kept)) < np.where(is_pile_up, 0.25, 0.97), 7, 0)
    jet_id = np.where(rng.random(len(kept)) < 0.995, 6, 0)
    pt = (pt * response)[kept]
    mass = np.where(is_pile_up, 5.0, MASS_OVER_PT * pt)
    jets = RecoJets(
        event[kept], rounded(pt), rounded(eta[kept]), rounded(phi[kept]), rounded(mass), jet_id, pu_id, flavour,
        radiated, survival, kept,
    )  # fmt: skip
    return jets, shift_x, shift_y
