"""Results of the dilepton preselection (`deepsf.skim.selection`), and the variables of its events.

Two leptons of opposite charge and at least two jets, as in the scale-factor measurement of CMS (arXiv:1712.07158).
All comparisons are strict and in float64: an object at a threshold fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from deepsf.arrays import Array
from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.columns import Collection


class LeptonPairs(NamedTuple):
    """The n events of a chunk that pass the preselection before its cuts on jets; fields as of `Dileptons`."""

    position: Array
    channel: Array
    lepton_pt_gev: Array
    lepton_eta: Array
    lepton_phi: Array
    n_filtered: int
    cut_flow: Mapping[str, Array]

    def that_pass(self, step: str, passes: Array) -> LeptonPairs:
        """Return the pairs that pass a further step, by a mask of shape (n,)."""
        columns = ("position", "channel", "lepton_pt_gev", "lepton_eta", "lepton_phi")
        kept = self._replace(**{name: getattr(self, name)[passes] for name in columns})
        return kept._replace(cut_flow={**self.cut_flow, step: by_channel(kept.channel)})


class Dileptons(NamedTuple):
    """The n events of a chunk that pass the preselection, in the order of the file.

    Attributes
    ----------
    position
        Shape (n,), int64: position in the chunk.
    channel
        Shape (n,), int8: index into ``CHANNELS``.
    lepton_pt_gev, lepton_eta, lepton_phi
        Shape (n, 2), float64: leading and sub-leading lepton.
    jet_offsets, jet_index
        Shapes (n + 1,) and (sum of jets,), int64: the selected jets of each event, by falling pT, as positions in the
        chunk's jet columns.
    n_filtered
        Number of events that pass the event filters.
    cut_flow
        By step, shape (len(CHANNELS),), int64: events left after it.
    """

    position: Array
    channel: Array
    lepton_pt_gev: Array
    lepton_eta: Array
    lepton_phi: Array
    jet_offsets: Array
    jet_index: Array
    n_filtered: int
    cut_flow: Mapping[str, Array]

    @property
    def n_jets(self) -> Array:
        """Number of selected jets of each event."""
        return np.diff(self.jet_offsets)


class EventVariables(NamedTuple):
    """Variables of preselected events, each of shape (n,), float64, GeV."""

    mll_gev: Array
    pt_ll_gev: Array
    mht_gev: Array
    ht_gev: Array


def delta_r_squared(eta_1: Any, phi_1: Any, eta_2: Any, phi_2: Any) -> Any:
    """Return the squared distance in pseudorapidity and azimuth; azimuths between -pi and pi."""
    delta_phi = np.abs(phi_1 - phi_2)
    delta_phi = np.minimum(delta_phi, 2.0 * np.pi - delta_phi)
    return (eta_1 - eta_2) ** 2 + delta_phi**2


def dilepton_mass(pt_gev: Array, eta: Array, phi: Array) -> Array:
    """Return the invariant mass of lepton pairs, lepton masses neglected (below 1e-3 GeV on a 12 GeV pair).

    Parameters
    ----------
    pt_gev, eta, phi
        Shape (n, 2).
    """
    angles = np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1])
    return np.asarray(np.sqrt(2.0 * pt_gev[:, 0] * pt_gev[:, 1] * angles))


def event_variables(dileptons: Dileptons, jets: Collection) -> EventVariables:
    """Return mass and pT of the lepton pair, missing HT (leptons and selected jets) and HT (selected jets)."""
    pt, eta, phi = dileptons.lepton_pt_gev, dileptons.lepton_eta, dileptons.lepton_phi
    jet_pt, jet_phi = (jets.columns[name][dileptons.jet_index] for name in ("pt", "phi"))
    starts = dileptons.jet_offsets[:-1]
    px_ll, py_ll = (of_leptons[:, 0] + of_leptons[:, 1] for of_leptons in _transverse(pt, phi))
    # every event has jets, so that no slice of reduceat is empty
    px_jets, py_jets, ht = (
        np.add.reduceat(terms, starts) if len(starts) else np.zeros(0)
        for terms in (*_transverse(jet_pt, jet_phi), jet_pt.astype(np.float64))
    )
    return EventVariables(
        mll_gev=dilepton_mass(pt, eta, phi),
        pt_ll_gev=np.sqrt(px_ll**2 + py_ll**2),
        mht_gev=np.sqrt((px_ll + px_jets) ** 2 + (py_ll + py_jets) ** 2),
        ht_gev=ht,
    )


def _transverse(pt_gev: Array, phi: Array) -> tuple[Array, Array]:
    """Return px and py, float64, from the azimuth in float32, as NanoAOD stores it: good to 1e-7, 20 times faster."""
    stored = phi.astype(np.float32)
    return pt_gev * np.cos(stored).astype(np.float64), pt_gev * np.sin(stored).astype(np.float64)


def by_channel(channel: Array, weights: Array | None = None) -> Array:
    """Return number or sum of weights of events by channel, shape (len(CHANNELS),)."""
    return np.bincount(channel, weights, minlength=len(CHANNELS))
