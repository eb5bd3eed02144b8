"""Branches of generated events, named and typed as in NanoAOD (v9, 2017)."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

from deepsf.arrays import Bools, Ints, Reals
from deepsf.generator.detector import RecoEvents, RecoLeptons
from deepsf.generator.generator_level import gen_jets, scale_weights, shower_weights
from deepsf.generator.jagged import rounded
from deepsf.generator.jet_response import MEAN_AREA, raw_factor
from deepsf.generator.kinematics import ParticleEvents

RUN_NUMBER = {"simulation": 1, "data": 300001}
EVENTS_PER_LUMINOSITY_BLOCK = 1000
TRUE_INTERACTIONS = (32.0, 9.0)
"""Mean and width of the pile-up profile."""
FLAGS = (
    "goodVertices", "globalSuperTightHalo2016Filter", "HBHENoiseFilter", "HBHENoiseIsoFilter",
    "EcalDeadCellTriggerPrimitiveFilter", "BadPFMuonFilter", "eeBadScFilter", "ecalBadCalibFilter",
)  # fmt: skip

Branches = dict[str, Any]


def branches(
    rng: np.random.Generator, particles: ParticleEvents, events: RecoEvents, discriminants: dict[str, Reals],
    first_event: int, is_data: bool,
) -> Branches:  # fmt: skip
    """Return the branches of one batch: awkward records for the collections, numpy arrays for the rest.

    Parameters
    ----------
    rng
        Random numbers of the columns that carry no physics here (vertices, impact parameters, flags).
    particles, events
        Generated events, and the same reconstructed.
    discriminants
        By branch name, one value per jet of ``events``.
    is_data
        Data have no branches of the generator.
    """
    n = len(events.weight)
    jets = _jets(rng, events, discriminants)
    columns: Branches = {
        "Electron": _electrons(rng, events.leptons),
        "Muon": _muons(rng, events.leptons),
        "MET_pt": events.met_pt_gev,
        "MET_phi": events.met_phi,
        "PuppiMET_pt": rounded(events.met_pt_gev * np.maximum(1.0 + rng.normal(0.0, 0.1, n), 0.1)),
        "PuppiMET_phi": rounded(np.remainder(events.met_phi + rng.normal(0.0, 0.05, n) + np.pi, 2 * np.pi) - np.pi),
    }
    number = first_event + np.arange(n, dtype=np.uint64)
    columns["run"] = np.full(n, RUN_NUMBER["data" if is_data else "simulation"], np.uint32)
    columns["luminosityBlock"] = (number // EVENTS_PER_LUMINOSITY_BLOCK + 1).astype(np.uint32)
    columns["event"] = number
    columns |= _vertices(rng, n, is_data)
    columns |= _triggers(events.leptons)
    columns |= {f"Flag_{name}": rng.random(n) < 0.9995 for name in FLAGS}
    rho = columns["fixedGridRhoFastjetAll"][events.jets.event]
    jets["rawFactor"] = rounded(raw_factor(events.jets.pt_gev, events.jets.eta, jets["area"], rho, is_data))
    if not is_data:
        columns |= _of_generator(particles, events)
        jets |= {"hadronFlavour": events.jets.hadron_flavour.astype(np.int32)}
        jets |= {"genJetIdx": columns.pop("genJetIdx")}
    columns["Jet"] = _collection(np.bincount(events.jets.event, minlength=n), jets)
    return columns


def branch_types(columns: Branches) -> dict[str, Any]:
    """Return the types of the branches, as ``uproot``'s ``mktree`` takes them."""
    return {name: c.type.content if isinstance(c, ak.Array) else c.dtype for name, c in columns.items()}


def _collection(counts: Ints, columns: dict[str, Any]) -> ak.Array:
    offsets = ak.index.Index64(np.concatenate([[0], np.cumsum(counts)]))
    contents = [ak.contents.NumpyArray(np.ascontiguousarray(column)) for column in columns.values()]
    return ak.Array(ak.contents.ListOffsetArray(offsets, ak.contents.RecordArray(contents, list(columns))))


def _jets(rng: np.random.Generator, events: RecoEvents, discriminants: dict[str, Reals]) -> dict[str, Any]:
    jets = events.jets
    return {
        "pt": jets.pt_gev, "eta": jets.eta, "phi": jets.phi, "mass": jets.mass_gev,
        "jetId": jets.jet_id.astype(np.int32), "puId": jets.pu_id.astype(np.int32),
        "area": rounded(MEAN_AREA * (0.95 + 0.1 * rng.random(len(jets.event)))), **discriminants,
    }  # fmt: skip


def _of_generator(particles: ParticleEvents, events: RecoEvents) -> Branches:
    n = len(events.weight)
    jets, place = gen_jets(particles)
    place = np.append(place, np.int32(-1))  # for pile-up
    kinematics = {"pt": jets.pt_gev, "eta": jets.eta, "phi": jets.phi, "mass": jets.mass_gev}
    return {
        "genWeight": events.weight.astype(np.float32),
        "Generator_weight": events.weight.astype(np.float32),
        "GenJet": _collection(np.bincount(jets.event, minlength=n), kinematics),
        "genJetIdx": place[np.minimum(events.jets.particle, len(place) - 1)],
        "LHEScaleWeight": _lists(scale_weights(particles)),
        "PSWeight": _lists(shower_weights(particles)),
    }


def _lists(values: Reals) -> ak.Array:
    """Return the rows of a matrix as lists of variable length, which NanoAOD's weights are."""
    offsets = ak.index.Index64(values.shape[1] * np.arange(len(values) + 1))
    return ak.Array(ak.contents.ListOffsetArray(offsets, ak.contents.NumpyArray(values.ravel())))


def _kinematics(leptons: RecoLeptons, mask: Bools) -> dict[str, Any]:
    return {
        "pt": leptons.pt_gev[mask], "eta": leptons.eta[mask], "phi": leptons.phi[mask], "mass": leptons.mass_gev[mask],
        "charge": -np.sign(leptons.pdg_id[mask]).astype(np.int32),
    }  # fmt: skip


def _electrons(rng: np.random.Generator, leptons: RecoLeptons) -> ak.Array:
    mask = leptons.is_stored & (np.abs(leptons.pdg_id) == 11)
    n = int(mask.sum())
    tight = leptons.is_identified[mask] & (leptons.rel_iso[mask] < 0.15)
    columns = _kinematics(leptons, mask) | {
        "deltaEtaSC": rounded(rng.normal(0.0, 0.01, n)),
        "cutBased": np.where(tight, 4, 1).astype(np.int32),
        "pfRelIso03_all": leptons.rel_iso[mask],
        "dxy": rounded(rng.normal(0.0, 0.004, n)),
        "dz": rounded(rng.normal(0.0, 0.01, n)),
    }
    return _collection(mask.sum(axis=1), columns)


def _muons(rng: np.random.Generator, leptons: RecoLeptons) -> ak.Array:
    mask = leptons.is_stored & (np.abs(leptons.pdg_id) == 13)
    n = int(mask.sum())
    columns = _kinematics(leptons, mask) | {
        "tightId": leptons.is_identified[mask],
        "mediumId": leptons.is_identified[mask] | (rng.random(n) < 0.5),
        "pfRelIso04_all": leptons.rel_iso[mask],
        "dxy": rounded(rng.normal(0.0, 0.002, n)),
        "dz": rounded(rng.normal(0.0, 0.005, n)),
    }
    return _collection(mask.sum(axis=1), columns)


def _vertices(rng: np.random.Generator, n: int, is_data: bool) -> Branches:
    mean = np.maximum(rng.normal(*TRUE_INTERACTIONS, n), 5.0)
    good = rng.poisson(0.7 * mean)
    columns: Branches = {
        "PV_npvs": np.maximum(good + rng.poisson(0.05 * mean), 1).astype(np.int32),
        "PV_npvsGood": np.maximum(good, 1).astype(np.int32),
        "PV_x": rounded(rng.normal(0.0, 0.01, n)),
        "PV_y": rounded(rng.normal(0.0, 0.01, n)),
        "PV_z": rounded(np.clip(rng.normal(0.0, 3.5, n), -20.0, 20.0)),
        "PV_ndof": rounded(20.0 + rng.gamma(4.0, 30.0, n)),
        "fixedGridRhoFastjetAll": rounded(0.65 * mean),
    }
    if not is_data:
        columns["Pileup_nTrueInt"] = rounded(mean)
    return columns


def _triggers(leptons: RecoLeptons) -> dict[str, Bools]:
    def n_above(pdg_id: int, pt_gev: float) -> Ints:
        fires = leptons.is_stored & (np.abs(leptons.pdg_id) == pdg_id) & (leptons.pt_gev > pt_gev)
        return np.asarray(fires.sum(axis=1))

    return {
        "HLT_Ele23_Ele12_CaloIdL_TrackIdL_IsoVL": (n_above(11, 24.0) > 0) & (n_above(11, 13.0) > 1),
        "HLT_Mu17_TrkIsoVVL_Mu8_TrkIsoVVL_DZ_Mass3p8": (n_above(13, 18.0) > 0) & (n_above(13, 9.0) > 1),
        "HLT_Mu23_TrkIsoVVL_Ele12_CaloIdL_TrackIdL_IsoVL_DZ": (n_above(13, 24.0) > 0) & (n_above(11, 13.0) > 0),
        "HLT_Mu8_TrkIsoVVL_Ele23_CaloIdL_TrackIdL_IsoVL_DZ": (n_above(11, 24.0) > 0) & (n_above(13, 9.0) > 0),
        "HLT_Ele35_WPTight_Gsf": n_above(11, 36.0) > 0,
        "HLT_IsoMu27": n_above(13, 28.0) > 0,
    }
