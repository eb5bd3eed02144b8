"""Dilepton preselection in awkward arrays: what the compiled `deepsf.skim.selection` must reproduce.

All comparisons are strict and in float64: an object at a threshold fails.
"""

from __future__ import annotations

import awkward as ak
import numpy as np

from deepsf.arrays import Array
from deepsf.config.selection import Electron, Jet, Muon, Selection
from deepsf.nanoaod.columns import Collection
from deepsf.nanoaod.events import Events
from deepsf.skim.cut_flow import LEPTON_STEPS
from deepsf.skim.dileptons import Dileptons, LeptonPairs, by_channel, delta_r_squared, dilepton_mass


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
        cut_flow={step: by_channel(channel[mask]) for step, mask in zip(LEPTON_STEPS, passes, strict=True)},
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
        cut_flow={**leptons.cut_flow, "two_jets": by_channel(leptons.channel[kept])},
    )


def jagged(collection: Collection) -> ak.Array:
    """Return the objects as an awkward array of records, one list an event."""
    contents = [ak.contents.NumpyArray(column) for column in collection.columns.values()]
    layout = ak.contents.RecordArray(contents, list(collection.columns))
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(collection.offsets), layout))


def _in_float64(collection: Collection) -> ak.Array:
    columns = {
        name: column.astype(np.float64) if column.dtype == np.float32 else column
        for name, column in collection.columns.items()
    }
    return jagged(Collection(collection.offsets, columns))


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
