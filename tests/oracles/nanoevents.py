"""The selection as an analyst writes it in coffea's NanoEvents, from the file to the entries of the regions."""

from __future__ import annotations

import awkward as ak
import numpy as np
from coffea.nanoevents import NanoAODSchema, NanoEventsFactory

from deepsf.config.selection import CHANNELS, Selection

Z_MASS_GEV = 91.1876


def counts(path, selection: Selection, tagger) -> dict[str, list[int]]:
    """Return numbers of leptons, pairs, jets and entries of both regions of arXiv:1712.07158, by channel."""
    events = NanoEventsFactory.from_root({str(path): "Events"}, schemaclass=NanoAODSchema, mode="virtual").events()
    events = events[_all(events, [f"Flag.{name.removeprefix('Flag_')}" for name in selection.event_filters])]
    electrons, muons = _electrons(events.Electron, selection.electron), _muons(events.Muon, selection.muon)
    two = ak.num(electrons) + ak.num(muons) == 2
    events, electrons, muons = events[two], electrons[two], muons[two]
    channel = ak.to_numpy(2 - ak.num(electrons))
    fields = ("pt", "eta", "phi", "mass", "charge")
    leptons = ak.concatenate([ak.zip({name: c[name] for name in fields}) for c in (electrons, muons)], axis=1)
    leptons = ak.with_name(leptons, "PtEtaPhiMCandidate", behavior=events.behavior)
    leptons = leptons[ak.argsort(leptons.pt, ascending=False)]
    found = {"two_leptons": _by_channel(channel)}
    first, second = leptons[:, 0], leptons[:, 1]
    pair = first + second
    passes = (first.charge + second.charge == 0) & (first.pt > selection.lead_lepton_pt_min_gev)
    passes = passes & _fired(events, channel, selection)
    passes = passes & (pair.mass > selection.mll_min_gev) & (first.delta_r(second) > selection.delta_r_ll_min)
    events, pair, first, second, channel = events[passes], pair[passes], first[passes], second[passes], channel[passes]
    found["delta_r_ll"] = _by_channel(channel)
    jets = _jets(events.Jet, first, second, selection.jet)
    found["jets"] = _by_channel(channel, ak.where(ak.num(jets) >= 2, ak.num(jets), 0))
    found["two_jets"] = _by_channel(channel[ak.num(jets) >= 2])
    two = ak.num(jets) == 2
    met = next(events[name] for name in selection.met_branches if name in events.fields)
    return found | _entries(channel[two], pair[two], jets[two], met.pt[two], tagger)


def _all(events, names):
    passes = np.ones(len(events), bool)
    for name in names:
        group, flag = name.split(".")
        passes = passes & ak.to_numpy(events[group][flag])
    return passes


def _electrons(electrons, cuts):
    low, high = cuts.crack_abseta
    has_sc_eta = "superclusterEta" in electrons.fields  # from NanoAOD v15 on
    abseta_sc = abs(electrons.superclusterEta if has_sc_eta else electrons.eta + electrons.deltaEtaSC)
    good = (electrons.pt > cuts.pt_min_gev) & (abs(electrons.eta) < cuts.abseta_max)
    return electrons[good & (electrons.cutBased >= cuts.cut_based_min) & ((abseta_sc < low) | (abseta_sc > high))]


def _muons(muons, cuts):
    good = (muons.pt > cuts.pt_min_gev) & (abs(muons.eta) < cuts.abseta_max) & muons.tightId
    return muons[good & (muons.pfRelIso04_all < cuts.rel_iso_max)]


def _fired(events, channel, selection):
    fired = np.zeros(len(events), bool)
    for number, name in enumerate(CHANNELS):
        for path in selection.triggers[name]:
            if path.removeprefix("HLT_") in events.HLT.fields:
                fired |= (channel == number) & ak.to_numpy(events.HLT[path.removeprefix("HLT_")])
    return fired


def _jets(jets, first, second, cuts):
    good = (jets.pt > cuts.pt_min_gev) & (abs(jets.eta) < cuts.abseta_max)
    # the bit of v12 is wrong at |eta| > 2.7 alone
    by_bit = cuts.jet_id_bit if cuts.id is None else 2 if cuts.id.cuts == "v12" else None
    good = good & (_tight_of_run_3(jets) if by_bit is None else (jets.jetId & by_bit > 0))
    if "puId" in jets.fields and cuts.pu_id_bit is not None:
        good = good & ((jets.puId & cuts.pu_id_bit > 0) | (jets.pt >= cuts.pu_id_pt_max_gev))
    away = (jets.delta_r(first) > cuts.lepton_delta_r_min) & (jets.delta_r(second) > cuts.lepton_delta_r_min)
    jets = jets[good & away]
    return jets[ak.argsort(jets.pt, ascending=False)]


def _tight_of_run_3(jets):
    """Return the tight identification of PUPPI jets at |eta| < 2.6, where all selected ones lie."""
    constituents = jets.chMultiplicity + jets.neMultiplicity
    neutral = (jets.neHEF < 0.99) & (jets.neEmEF < 0.90)
    return neutral & (constituents > 1) & (jets.chHEF > 0.01) & (jets.chMultiplicity > 0)


def _entries(channel, pair, jets, met_gev, tagger):
    """Return the numbers of entries, a pair of a tag and a probe jet each, in the regions hf and lf."""
    if not len(channel):
        return {"entries_hf": [0, 0, 0], "entries_lf": [0, 0, 0]}
    mll, same_flavour = pair.mass, channel != CHANNELS.index("emu")
    mht = (pair + jets.sum(axis=1)).pt
    near = abs(mll - Z_MASS_GEV) < 10
    outside = (mll < 65.5 + 3 / 8 * mht) | (mll > 108 - mht / 4) | (mll < 79 - 3 / 4 * mht) | (mll > 99 + mht / 2)
    in_hf = ~same_flavour | (~near & (met_gev > 30))
    in_lf = same_flavour & near & (met_gev < 30) & (pair.pt > 10) & ~outside
    score = jets[tagger.branch]
    tags = {"hf": (in_hf, score > tagger.working_points["M"]), "lf": (in_lf, score < tagger.working_points["L"])}
    return {
        f"entries_{name}": _by_channel(channel, ak.where(in_region, ak.sum(tag, axis=1), 0))
        for name, (in_region, tag) in tags.items()
    }


def _by_channel(channel, weights=None):
    weights = None if weights is None else ak.to_numpy(weights)
    return np.bincount(ak.to_numpy(channel), weights, minlength=len(CHANNELS)).astype(int).tolist()
