"""Branches of generated events, named and typed as in NanoAOD."""

from __future__ import annotations

from typing import Any, NamedTuple

import awkward as ak
import numpy as np

from deepsf.arrays import Array, Bools, Ints, Reals
from deepsf.config.selection import WeightBranches
from deepsf.generator.detector import RecoEvents, RecoJets, RecoLeptons
from deepsf.generator.generator_level import gen_jets, scale_weights, shower_weights
from deepsf.generator.jagged import event_sums, rounded
from deepsf.generator.jet_content import content
from deepsf.generator.jet_response import MEAN_AREA, raw_factor
from deepsf.generator.kinematics import ParticleEvents
from deepsf.generator.luminosity_blocks import Blocks, in_one_run
from deepsf.generator.schema import PLAIN, Schema
from deepsf.generator.trigger_paths import fired
from deepsf.generator.versions import WRONG_JET_ID_ABSETA, Version

RUN_NUMBER = {"simulation": 1, "data": 300001}
TRUE_INTERACTIONS = (32.0, 9.0)
"""Mean and width of the pile-up profile."""
TRIGGERS = (
    "HLT_Ele23_Ele12_CaloIdL_TrackIdL_IsoVL", "HLT_Mu17_TrkIsoVVL_Mu8_TrkIsoVVL_DZ_Mass3p8",
    "HLT_Mu23_TrkIsoVVL_Ele12_CaloIdL_TrackIdL_IsoVL_DZ", "HLT_Mu8_TrkIsoVVL_Ele23_CaloIdL_TrackIdL_IsoVL_DZ",
    "HLT_Ele35_WPTight_Gsf", "HLT_IsoMu27",
)  # fmt: skip
FLAGS = (
    "Flag_goodVertices", "Flag_globalSuperTightHalo2016Filter", "Flag_HBHENoiseFilter", "Flag_HBHENoiseIsoFilter",
    "Flag_EcalDeadCellTriggerPrimitiveFilter", "Flag_BadPFMuonFilter", "Flag_eeBadScFilter", "Flag_ecalBadCalibFilter",
)  # fmt: skip
"""Paths and filters of every file, whatever the configuration names."""

Branches = dict[str, Any]


class _Objects(NamedTuple):
    """Objects of all events: number by event, and columns."""

    counts: Ints
    columns: dict[str, Any]


def branches(
    rng: np.random.Generator, particles: ParticleEvents, events: RecoEvents, discriminants: dict[str, Reals],
    first_event: int, is_data: bool, schema: Schema = PLAIN,
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
    n, jets = len(events.weight), events.jets
    (further_rng,) = rng.spawn(1)  # what a configuration asks for besides leaves the usual columns alone
    jet_columns = _jets(rng, events, discriminants)
    columns: Branches = {
        "Electron": _electrons(rng, events.leptons),
        "Muon": _muons(rng, events.leptons),
        "MET_pt": events.met_pt_gev,
        "MET_phi": events.met_phi,
        "PuppiMET_pt": rounded(events.met_pt_gev * np.maximum(1.0 + rng.normal(0.0, 0.1, n), 0.1)),
        "PuppiMET_phi": rounded(np.remainder(events.met_phi + rng.normal(0.0, 0.05, n) + np.pi, 2 * np.pi) - np.pi),
    }
    columns |= _numbers(first_event + np.arange(n, dtype=np.uint64), is_data, schema.blocks)
    columns |= _vertices(rng, n, is_data)
    columns |= fired((*TRIGGERS, *schema.triggers), events.leptons)
    columns |= {name: rng.random(n) < 0.9995 for name in FLAGS}
    columns |= {name: further_rng.random(n) < 0.9995 for name in schema.filters if name not in columns}
    rho = columns["fixedGridRhoFastjetAll"][jets.event]
    jet_columns["rawFactor"] = rounded(raw_factor(jets.pt_gev, jets.eta, jet_columns["area"], rho, is_data))
    if schema.has_jet_content:
        jet_columns |= content(further_rng, jets, _leptons_among(particles, jets))
    if schema.version == "v12":
        jet_columns["jetId"] = np.where(np.abs(jets.eta) > WRONG_JET_ID_ABSETA, 6, jet_columns["jetId"])
    if not is_data:
        columns |= _of_generator(particles, events)
        jet_columns |= {"hadronFlavour": jets.hadron_flavour.astype(np.int32), "genJetIdx": columns.pop("genJetIdx")}
        columns |= {name: column for weight in schema.weights for name, column in _weights(weight, jets, n).items()}
    columns["Jet"] = _Objects(np.bincount(jets.event, minlength=n), jet_columns)
    return _in_version(columns, schema.facts)


def _numbers(number: Array, is_data: bool, blocks: Blocks | None) -> Branches:
    if is_data and blocks is not None:
        run, block = blocks.of_events(number)
    else:
        run, block = in_one_run(number, RUN_NUMBER["data" if is_data else "simulation"])
    return {"run": run, "luminosityBlock": block, "event": number}


def _in_version(columns: Branches, version: Version) -> Branches:
    """Return the branches that the version has, with its names and types."""
    result: Branches = {}
    for name, column in columns.items():
        if isinstance(column, _Objects):
            kept = {
                part: values.astype(version.types.get(f"{name}_{part}", values.dtype), copy=False)
                for part, values in column.columns.items()
                if f"{name}_{part}" not in version.left_out
            }
            result[name] = _collection(column.counts, kept)
        elif isinstance(column, ak.Array):
            result[name] = column
        else:
            kind = version.types.get(name, column.dtype)
            result[version.renamed.get(name, name)] = column.astype(kind, copy=False)
    return result


def _leptons_among(particles: ParticleEvents, jets: RecoJets) -> Ints:
    """Return the code of the lepton that each jet is, 0 for others."""
    codes = particles.lepton_pdg_id.ravel()
    place = jets.particle - len(particles.jets.event)
    is_lepton = (place >= 0) & (place < len(codes))
    return np.where(is_lepton, codes[np.where(is_lepton, place, 0)], 0)


def _weights(branches: WeightBranches, jets: RecoJets, n_events: int) -> Branches:
    """Return a weight that is lost to forward jets, as by prefiring of the trigger, and its shifts by a fifth."""
    loses = (np.abs(jets.eta) > 2.0) & (np.abs(jets.eta) < 3.0)
    lost = 1.0 - 0.95 ** event_sums(jets.event, loses.astype(float), n_events)
    shifts = {branches.nominal: 1.0, branches.up: 0.8, branches.down: 1.2}
    return {name: rounded(1.0 - size * lost) for name, size in shifts.items() if name is not None}


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
        "puIdDisc": rounded(np.where(jets.pu_id > 0, 0.9, -0.6)),
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
        "GenJet": _Objects(np.bincount(jets.event, minlength=n), kinematics),
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


def _electrons(rng: np.random.Generator, leptons: RecoLeptons) -> _Objects:
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
    columns["superclusterEta"] = rounded(columns["eta"] + columns["deltaEtaSC"])
    return _Objects(mask.sum(axis=1), columns)


def _muons(rng: np.random.Generator, leptons: RecoLeptons) -> _Objects:
    mask = leptons.is_stored & (np.abs(leptons.pdg_id) == 13)
    n = int(mask.sum())
    columns = _kinematics(leptons, mask) | {
        "tightId": leptons.is_identified[mask],
        "mediumId": leptons.is_identified[mask] | (rng.random(n) < 0.5),
        "pfRelIso04_all": leptons.rel_iso[mask],
        "dxy": rounded(rng.normal(0.0, 0.002, n)),
        "dz": rounded(rng.normal(0.0, 0.005, n)),
    }
    return _Objects(mask.sum(axis=1), columns)


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
