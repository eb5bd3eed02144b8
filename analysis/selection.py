"""Dilepton preselection in awkward arrays: the reference form, which `analysis.selection_kernel` must reproduce.

Two leptons of opposite charge and at least two jets, as in the scale-factor measurement of CMS (arXiv:1712.07158).
All comparisons are strict and in float64: an object at a threshold fails.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt

from analysis.config.events import CHANNELS, Electron, Jet, Muon, Selection
from analysis.ntuple import Collection, Events

Array = npt.NDArray[Any]

LEPTON_STEPS = (
    "two_leptons",
    "opposite_charge",
    "lead_lepton_pt",
    "trigger",
    "mll",
    "delta_r_ll",
)
DILEPTON_STEPS = (*LEPTON_STEPS, "two_jets")


class LeptonPairs(NamedTuple):
    """The n events of a chunk that pass all of the preselection but its cuts on jets, in the order of the file.

    The fields are those of `Dileptons`; ``cut_flow`` has the shape (len(LEPTON_STEPS), len(CHANNELS)).
    """

    position: Array
    channel: Array
    lepton_pt_gev: Array
    lepton_eta: Array
    lepton_phi: Array
    n_filtered: int
    cut_flow: Array


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
        Shape (len(DILEPTON_STEPS), len(CHANNELS)), int64: events left after each step.
    """

    position: Array
    channel: Array
    lepton_pt_gev: Array
    lepton_eta: Array
    lepton_phi: Array
    jet_offsets: Array
    jet_index: Array
    n_filtered: int
    cut_flow: Array

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
    px_ll, py_ll = (pt * np.cos(phi)).sum(axis=1), (pt * np.sin(phi)).sum(axis=1)
    jet_pt, jet_phi = (jets.columns[name][dileptons.jet_index].astype(np.float64) for name in ("pt", "phi"))
    starts = dileptons.jet_offsets[:-1]
    if len(starts):  # every event has jets, so that no slice of reduceat is empty
        px_jets, py_jets, ht = (
            np.add.reduceat(terms, starts) for terms in (jet_pt * np.cos(jet_phi), jet_pt * np.sin(jet_phi), jet_pt)
        )
    else:
        px_jets = py_jets = ht = np.zeros(0)
    return EventVariables(
        mll_gev=dilepton_mass(pt, eta, phi),
        pt_ll_gev=np.hypot(px_ll, py_ll),
        mht_gev=np.hypot(px_ll + px_jets, py_ll + py_jets),
        ht_gev=ht,
    )


def select(events: Events, selection: Selection) -> Dileptons:
    """Return the events of a chunk that pass the dilepton preselection with at least two jets.

    In this order: event filters; exactly two electrons or muons of the configured quality, any third one vetoes;
    opposite charge; leading lepton pT; a trigger path of the event's channel; dilepton mass; distance of the leptons;
    at least two jets of the configured quality away from both leptons.
    """
    return with_jets(select_leptons(events, selection), events.jets, selection)


def select_leptons(events: Events, selection: Selection) -> LeptonPairs:
    """Return the events of a chunk that pass the cuts before those on jets."""
    index = np.flatnonzero(events.passes_filters)
    n_filtered = len(index)
    electrons = _good_electrons(_in_float64(events.electrons)[index], selection.electron)
    muons = _good_muons(_in_float64(events.muons)[index], selection.muon)
    two = ak.to_numpy(ak.num(electrons) + ak.num(muons)) == 2
    index, electrons, muons = index[two], electrons[two], muons[two]
    channel = np.select([ak.to_numpy(ak.num(electrons)) == n for n in (2, 1, 0)], [0, 1, 2]).astype(np.int8)
    fields = ["pt", "eta", "phi", "charge"]
    leptons = ak.concatenate([electrons[fields], muons[fields]], axis=1)
    order = ak.argsort(leptons.pt, axis=1, ascending=False, stable=True)
    pt, eta, phi, charge = (ak.to_numpy(leptons[field][order]).reshape(-1, 2) for field in fields)

    steps = [
        np.ones(len(index), np.bool_),
        charge[:, 0] * charge[:, 1] < 0,
        pt[:, 0] > selection.lead_lepton_pt_min_gev,
        events.fired[index, channel],
        dilepton_mass(pt, eta, phi) > selection.mll_min_gev,
        delta_r_squared(eta[:, 0], phi[:, 0], eta[:, 1], phi[:, 1]) > selection.delta_r_ll_min**2,
    ]
    passes = np.logical_and.accumulate(steps)
    kept = passes[-1]
    return LeptonPairs(
        position=index[kept],
        channel=channel[kept],
        lepton_pt_gev=pt[kept],
        lepton_eta=eta[kept],
        lepton_phi=phi[kept],
        n_filtered=n_filtered,
        cut_flow=np.stack([by_channel(channel[mask]) for mask in passes]),
    )


def with_jets(leptons: LeptonPairs, jets: Collection, selection: Selection) -> Dileptons:
    """Return the events with at least two selected jets; ``jets`` are those of the chunk, stored or shifted."""
    offsets, jet_index = _selected_jets(jets, leptons.position, leptons.lepton_eta, leptons.lepton_phi, selection.jet)
    n_jets = np.diff(offsets)
    kept = n_jets >= 2
    return Dileptons(
        position=leptons.position[kept],
        channel=leptons.channel[kept],
        lepton_pt_gev=leptons.lepton_pt_gev[kept],
        lepton_eta=leptons.lepton_eta[kept],
        lepton_phi=leptons.lepton_phi[kept],
        jet_offsets=np.concatenate([[0], np.cumsum(n_jets[kept])]).astype(np.int64),
        jet_index=jet_index[np.repeat(kept, n_jets)],
        n_filtered=leptons.n_filtered,
        cut_flow=np.concatenate([leptons.cut_flow, by_channel(leptons.channel[kept])[None]]),
    )


def by_channel(channel: Array, weights: Array | None = None) -> Array:
    """Return number or sum of weights of events by channel, shape (len(CHANNELS),)."""
    return np.bincount(channel, weights, minlength=len(CHANNELS))


def _in_float64(collection: Collection) -> ak.Array:
    columns = {
        name: column.astype(np.float64) if column.dtype == np.float32 else column
        for name, column in collection.columns.items()
    }
    return Collection(collection.offsets, columns).jagged()


def _good_electrons(electrons: ak.Array, cuts: Electron) -> ak.Array:
    good = (electrons.pt > cuts.pt_min_gev) & (abs(electrons.eta) < cuts.abseta_max)
    good = good & (electrons.cutBased >= cuts.cut_based_min)
    if cuts.crack_abseta is not None:
        low, high = cuts.crack_abseta
        good = good & ((abs(electrons.sc_eta) < low) | (abs(electrons.sc_eta) > high))
    return electrons[good]


def _good_muons(muons: ak.Array, cuts: Muon) -> ak.Array:
    good = (muons.pt > cuts.pt_min_gev) & (abs(muons.eta) < cuts.abseta_max)
    return muons[good & muons.tightId & (muons.pfRelIso04_all < cuts.rel_iso_max)]


def _selected_jets(
    jets: Collection, index: Array, lepton_eta: Array, lepton_phi: Array, cuts: Jet
) -> tuple[Array, Array]:
    """Return offsets and positions of the selected jets of the events ``index``, by falling pT."""
    numbered = _in_float64(jets)
    numbered["position"] = ak.unflatten(np.arange(len(jets.columns["pt"])), np.diff(jets.offsets))
    chosen = numbered[index]
    good = (chosen.pt > cuts.pt_min_gev) & (abs(chosen.eta) < cuts.abseta_max)
    good = good & ((chosen.jetId & cuts.jet_id_bit) != 0)
    if "puId" in jets.columns:
        good = good & (((chosen.puId & cuts.pu_id_bit) != 0) | (chosen.pt >= cuts.pu_id_pt_max_gev))
    for lepton in (0, 1):
        distance = delta_r_squared(chosen.eta, chosen.phi, lepton_eta[:, lepton], lepton_phi[:, lepton])
        good = good & (distance > cuts.lepton_delta_r_min**2)
    chosen = chosen[good]
    chosen = chosen[ak.argsort(chosen.pt, axis=1, ascending=False, stable=True)]
    offsets = np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(chosen)))]).astype(np.int64)
    return offsets, ak.to_numpy(ak.flatten(chosen.position)).astype(np.int64)
