"""The standard tag-and-probe regions of arXiv:1712.07158 on generated events.

They define ``purity_hf`` and ``purity_lf``. They are fixed and independent of the configured regions: editing a cut
there must not change the generated events.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deepsf.arrays import Bools, Ints, Reals
from deepsf.generator.detector import RecoEvents, RecoJets, RecoLeptons
from deepsf.generator.jagged import rows
from deepsf.generator.kinematics import M_Z

TAG_ABOVE_HF, TAG_BELOW_LF = 0.3040, 0.0532


class JetPairs(NamedTuple):
    """Two-jet events: the jets' indices, shape ``(n, 2)``, and the regions without their tag."""

    jets: Ints
    in_hf: Bools
    in_lf: Bools


def jet_pairs(events: RecoEvents, jet_exists: Bools) -> JetPairs:
    """Select events in the standard regions, without the requirement on the tag jet.

    Parameters
    ----------
    jet_exists
        Mask over ``events.jets``: others are ignored.
    """
    jets, leptons = events.jets, events.leptons
    good = np.flatnonzero(_good_jets(jets, leptons) & jet_exists)
    count = np.bincount(jets.event[good], minlength=len(events.weight))
    selected = np.flatnonzero((count == 2) & _good_dilepton(leptons))
    first = (np.cumsum(count) - count)[selected]
    pairs = good[np.stack([first, first + 1], axis=1)]
    in_hf, in_lf = _regions(events, selected, pairs)
    return JetPairs(pairs, in_hf, in_lf)


def _good_dilepton(leptons: RecoLeptons) -> Bools:
    abseta = np.abs(leptons.eta)
    is_electron = np.abs(leptons.pdg_id) == 11
    in_crack = is_electron & (abseta > 1.4442) & (abseta < 1.5660)
    good = leptons.is_stored & leptons.is_identified & (leptons.rel_iso < 0.15) & ~in_crack
    good &= (leptons.pt_gev > 15.0) & (abseta < 2.4)
    delta_phi = _delta_phi(leptons.phi[:, 0], leptons.phi[:, 1])
    delta_r = np.hypot(leptons.eta[:, 0] - leptons.eta[:, 1], delta_phi)
    mass = _dilepton_mass(leptons)
    return np.asarray(good.all(axis=1) & (leptons.pt_gev[:, 0] > 25.0) & (mass > 12.0) & (delta_r > 0.2))


def _good_jets(jets: RecoJets, leptons: RecoLeptons) -> Bools:
    good = (jets.pt_gev > 20.0) & (np.abs(jets.eta) < 2.5) & ((jets.jet_id & 2) > 0)
    good &= ((jets.pu_id & 4) > 0) | (jets.pt_gev >= 50.0)
    for which in (0, 1):
        eta, phi = leptons.eta[jets.event, which], leptons.phi[jets.event, which]
        good &= np.hypot(jets.eta - eta, _delta_phi(jets.phi, phi)) > 0.4
    return np.asarray(good)


def _regions(events: RecoEvents, selected: Ints, pairs: Ints) -> tuple[Bools, Bools]:
    leptons = rows(events.leptons, selected)
    jets, met = events.jets, events.met_pt_gev[selected]
    same_flavour = np.abs(leptons.pdg_id[:, 0]) == np.abs(leptons.pdg_id[:, 1])
    mass = _dilepton_mass(leptons)
    on_z = np.abs(mass - M_Z) < 10.0
    x, y = ((leptons.pt_gev * f(leptons.phi)).sum(axis=1) for f in (np.cos, np.sin))
    jet_x, jet_y = ((jets.pt_gev[pairs] * f(jets.phi[pairs])).sum(axis=1) for f in (np.cos, np.sin))
    mht = np.hypot(x + jet_x, y + jet_y)
    diamond = mass > np.maximum(65.5 + 0.375 * mht, 79.0 - 0.75 * mht)
    diamond &= mass < np.minimum(108.0 - 0.25 * mht, 99.0 + 0.5 * mht)
    in_hf = ~same_flavour | (~on_z & (met > 30.0))
    in_lf = same_flavour & on_z & (met < 30.0) & (np.hypot(x, y) > 10.0) & diamond
    return np.asarray(in_hf), np.asarray(in_lf)


def _dilepton_mass(leptons: RecoLeptons) -> Reals:
    pt, eta, phi = (column.astype(float) for column in (leptons.pt_gev, leptons.eta, leptons.phi))
    angle = np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1])
    return np.asarray(np.sqrt(2.0 * pt[:, 0] * pt[:, 1] * angle))


def _delta_phi(a: Reals, b: Reals) -> Reals:
    return np.asarray(np.remainder(a - b + np.pi, 2 * np.pi) - np.pi)
