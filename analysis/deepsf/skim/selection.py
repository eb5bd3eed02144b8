"""Dilepton preselection, compiled; `deepsf.skim.dileptons` has its results.

One pass over the events selects leptons, and one for each shift of the jets' energy selects jets.

The compiled code is cached by numba in ``__pycache__`` beside this module, or, where that cannot be written, in the
user's cache folder (``NUMBA_CACHE_DIR`` moves it); the first call on a machine compiles for some seconds.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from deepsf.arrays import Array
from deepsf.config.selection import CHANNELS, Selection
from deepsf.nanoaod.columns import Collection
from deepsf.nanoaod.events import Events
from deepsf.skim.cut_flow import LEPTON_STEPS
from deepsf.skim.dileptons import Dileptons, LeptonPairs, by_channel
from deepsf.skim.jet_id import JetIdentification, identification_of

N_STEPS = len(LEPTON_STEPS)
N_CHANNELS = len(CHANNELS)


class _Cuts(NamedTuple):
    """Thresholds in the form that the kernel takes: plain numbers; a missing crack is an empty interval."""

    electron_pt: float
    electron_abseta: float
    crack_low: float
    crack_high: float
    cut_based: int
    muon_pt: float
    muon_abseta: float
    muon_iso: float
    lead_pt: float
    mll: float
    delta_r_ll_squared: float
    jet_pt: float
    jet_abseta: float
    pu_id_pt: float
    jet_delta_r_squared: float


def select(events: Events, selection: Selection) -> Dileptons:
    """Return the events of a chunk that pass the dilepton preselection; `tests.oracles` has it in awkward arrays."""
    leptons = select_leptons(events, selection)
    jets = with_identification(events.jets, leptons, selection, identification_of(selection.jet))
    return with_jets(leptons, jets, selection)


def select_leptons(events: Events, selection: Selection) -> LeptonPairs:
    """Return the events of a chunk that pass the cuts before those on jets."""
    n_filtered, cut_flow, position, channel, leptons = _select_leptons(
        events.passes_filters,
        events.fired,
        _columns(events.electrons, "pt", "eta", "phi", "charge", "cutBased", "sc_eta"),
        _columns(events.muons, "pt", "eta", "phi", "charge", "tightId", "pfRelIso04_all"),
        _cuts(selection),
    )
    steps = dict(zip(LEPTON_STEPS, cut_flow, strict=True))
    return LeptonPairs(position, channel, leptons[0], leptons[1], leptons[2], n_filtered, steps)


def with_identification(
    jets: Collection, leptons: LeptonPairs, selection: Selection, identification: JetIdentification
) -> Collection:
    """Return the jets with columns that say which are identified, and which pass the pile-up identification.

    Both hold for the jets of events with a pair of leptons; others are looked at where that is quicker. Without a
    branch of the pile-up identification (PUPPI jets) all pass it.
    """
    n, columns = len(jets.columns["pt"]), jets.columns
    if identification.is_quick:
        identified = identification.passes(columns)
    else:
        index, _ = jets.of_events(leptons.position)
        identified = np.zeros(n, np.bool_)
        identified[index] = identification.passes(
            {name: columns[name][index] for name in ("eta", *identification.content)}
        )
    passes_pu_id = columns["puId"] & selection.jet.pu_id_bit != 0 if "puId" in columns else np.ones(n, np.bool_)
    return Collection(jets.offsets, {**columns, "identified": identified, "passes_pu_id": passes_pu_id})


def with_jets(leptons: LeptonPairs, jets: Collection, selection: Selection) -> Dileptons:
    """Return the events with at least two selected jets; ``jets`` are those of the chunk, stored or shifted."""
    kept, jet_offsets, jet_index = _select_jets(
        leptons.position,
        leptons.lepton_eta,
        leptons.lepton_phi,
        _columns(jets, "pt", "eta", "phi", "identified", "passes_pu_id"),
        _cuts(selection),
    )
    return Dileptons(
        position=leptons.position[kept],
        channel=leptons.channel[kept],
        lepton_pt_gev=leptons.lepton_pt_gev[kept],
        lepton_eta=leptons.lepton_eta[kept],
        lepton_phi=leptons.lepton_phi[kept],
        jet_offsets=jet_offsets,
        jet_index=jet_index,
        n_filtered=leptons.n_filtered,
        cut_flow={**leptons.cut_flow, "two_jets": by_channel(leptons.channel[kept])},
    )


def _columns(collection: Collection, *names: str) -> tuple[Array, ...]:
    return (collection.offsets, *(collection.columns[name] for name in names))


def _cuts(selection: Selection) -> _Cuts:
    electron, muon, jet = selection.electron, selection.muon, selection.jet
    crack_low, crack_high = electron.crack_abseta if electron.crack_abseta is not None else (math.inf, -math.inf)
    return _Cuts(
        electron_pt=electron.pt_min_gev,
        electron_abseta=electron.abseta_max,
        crack_low=crack_low,
        crack_high=crack_high,
        cut_based=electron.cut_based_min,
        muon_pt=muon.pt_min_gev,
        muon_abseta=muon.abseta_max,
        muon_iso=muon.rel_iso_max,
        lead_pt=selection.lead_lepton_pt_min_gev,
        mll=selection.mll_min_gev,
        delta_r_ll_squared=selection.delta_r_ll_min**2,
        jet_pt=jet.pt_min_gev,
        jet_abseta=jet.abseta_max,
        pu_id_pt=jet.pu_id_pt_max_gev,
        jet_delta_r_squared=jet.lepton_delta_r_min**2,
    )


@njit(cache=True)
def _delta_r_squared(eta_1: float, phi_1: float, eta_2: float, phi_2: float) -> float:
    delta_phi = abs(phi_1 - phi_2)
    delta_phi = min(delta_phi, 2.0 * math.pi - delta_phi)
    return (eta_1 - eta_2) ** 2 + delta_phi**2


@njit(cache=True)
def _leptons(k: int, electrons: Any, muons: Any, cuts: _Cuts, pair: Array) -> tuple[int, int]:
    """Write (pt, eta, phi, charge) of the first two good leptons of event k; return counts of electrons and all."""
    offsets, pt, eta, phi, charge, cut_based, sc_eta = electrons
    n_electrons = 0
    for i in range(offsets[k], offsets[k + 1]):
        if pt[i] > cuts.electron_pt and abs(eta[i]) < cuts.electron_abseta and cut_based[i] >= cuts.cut_based:
            if cuts.crack_low <= abs(sc_eta[i]) <= cuts.crack_high:
                continue
            if n_electrons < 2:
                pair[n_electrons, 0], pair[n_electrons, 1] = pt[i], eta[i]
                pair[n_electrons, 2], pair[n_electrons, 3] = phi[i], charge[i]
            n_electrons += 1
    offsets, pt, eta, phi, charge, tight, iso = muons
    n = n_electrons
    for i in range(offsets[k], offsets[k + 1]):
        if pt[i] > cuts.muon_pt and abs(eta[i]) < cuts.muon_abseta and tight[i] and iso[i] < cuts.muon_iso:
            if n < 2:
                pair[n, 0], pair[n, 1], pair[n, 2], pair[n, 3] = pt[i], eta[i], phi[i], charge[i]
            n += 1
    if n == 2 and pair[1, 0] > pair[0, 0]:
        for field in range(4):
            pair[0, field], pair[1, field] = pair[1, field], pair[0, field]
    return n_electrons, n


@njit(cache=True)
def _is_heavier(pair: Array, mass: float) -> bool:
    """Return whether two leptons have an invariant mass above the given one."""
    delta_eta, delta_phi = pair[0, 1] - pair[1, 1], abs(pair[0, 2] - pair[1, 2])
    delta_phi = min(delta_phi, 2.0 * math.pi - delta_phi)
    products = 2.0 * pair[0, 0] * pair[1, 0]
    # cosh x - cos y is at least this, which tells for most pairs, and is quicker
    at_least = 0.5 * delta_eta**2 + 0.5 * delta_phi**2 - delta_phi**4 / 24.0
    if products * at_least > mass**2 * (1.0 + 1e-9):
        return True
    return math.sqrt(products * (math.cosh(delta_eta) - math.cos(delta_phi))) > mass


@njit(cache=True)
def _n_steps(channel: int, fired: Array, pair: Array, cuts: _Cuts) -> int:
    """Return how many steps of the cut flow an event with two leptons passes."""
    if pair[0, 3] * pair[1, 3] >= 0:
        return 1
    if not pair[0, 0] > cuts.lead_pt:
        return 2
    if not fired[channel]:
        return 3
    if not _is_heavier(pair, cuts.mll):
        return 4
    if not _delta_r_squared(pair[0, 1], pair[0, 2], pair[1, 1], pair[1, 2]) > cuts.delta_r_ll_squared:
        return 5
    return 6


@njit(cache=True)
def _select_leptons(passes_filters: Array, fired: Array, electrons: Any, muons: Any, cuts: _Cuts) -> Any:
    n_events = len(passes_filters)
    positions = np.empty(n_events, np.int64)
    channels = np.empty(n_events, np.int8)
    leptons = np.empty((3, n_events, 2), np.float64)
    cut_flow = np.zeros((N_STEPS, N_CHANNELS), np.int64)
    pair = np.empty((2, 4), np.float64)
    n_filtered = 0
    n = 0
    for k in range(n_events):
        if not passes_filters[k]:
            continue
        n_filtered += 1
        n_electrons, n_leptons = _leptons(k, electrons, muons, cuts, pair)
        if n_leptons != 2:
            continue
        channel = 2 - n_electrons
        n_steps = _n_steps(channel, fired[k], pair, cuts)
        for step in range(n_steps):
            cut_flow[step, channel] += 1
        if n_steps < N_STEPS:
            continue
        positions[n], channels[n] = k, channel
        for lepton in range(2):
            for field in range(3):
                leptons[field, n, lepton] = pair[lepton, field]
        n += 1
    return n_filtered, cut_flow, positions[:n].copy(), channels[:n].copy(), leptons[:, :n].copy()


@njit(cache=True)
def _jets(k: int, jets: Any, eta: Array, phi: Array, cuts: _Cuts, jet_index: Array, start: int) -> int:
    """Write the positions of the selected jets of event k by falling pT from ``start`` on; return where they end.

    ``eta`` and ``phi`` are those of both leptons.
    """
    offsets, pt, jet_eta, jet_phi, identified, passes_pu_id = jets
    stop = start
    for i in range(offsets[k], offsets[k + 1]):
        if not (pt[i] > cuts.jet_pt and abs(jet_eta[i]) < cuts.jet_abseta and identified[i]):
            continue
        if pt[i] < cuts.pu_id_pt and not passes_pu_id[i]:
            continue
        if not _delta_r_squared(jet_eta[i], jet_phi[i], eta[0], phi[0]) > cuts.jet_delta_r_squared:
            continue
        if not _delta_r_squared(jet_eta[i], jet_phi[i], eta[1], phi[1]) > cuts.jet_delta_r_squared:
            continue
        place = stop
        while place > start and pt[i] > pt[jet_index[place - 1]]:
            jet_index[place] = jet_index[place - 1]
            place -= 1
        jet_index[place] = i
        stop += 1
    return stop


@njit(cache=True)
def _select_jets(position: Array, lepton_eta: Array, lepton_phi: Array, jets: Any, cuts: _Cuts) -> Any:
    kept = np.empty(len(position), np.int64)
    jet_offsets = np.zeros(len(position) + 1, np.int64)
    jet_index = np.empty(len(jets[1]), np.int64)
    n = 0
    for row in range(len(position)):
        start = jet_offsets[n]
        stop = _jets(position[row], jets, lepton_eta[row], lepton_phi[row], cuts, jet_index, start)
        if stop - start >= 2:
            kept[n] = row
            n += 1
            jet_offsets[n] = stop
    return kept[:n].copy(), jet_offsets[: n + 1].copy(), jet_index[: jet_offsets[n]].copy()
