"""NanoAOD ROOT file -> chunks of arrays that no longer depend on the NanoAOD version or the year.

`deepsf.nanoaod.branches.inspect` resolves which branches of a file to read; `iterate` reads them chunk by chunk.
Types differ by version (``Jet_jetId`` is int32, from v13 uint8): every branch is cast to one type here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import awkward as ak
import numpy as np

from deepsf.arrays import Array
from deepsf.nanoaod.branches import ELECTRON_BRANCHES, EVENT_BRANCHES, GEN_JET_BRANCHES, MUON_BRANCHES, Ntuple
from deepsf.nanoaod.columns import (
    Collection,
    collection,
    per_event,
    require_azimuths,
    require_between,
    require_finite,
)
from deepsf.nanoaod.event_weights import LISTED, listed_ratios
from deepsf.nanoaod.root_file import NtupleError, UnreadableError, events_tree, open_root, unreadable

NOT_RUN_BELOW = -900.0


class Events(NamedTuple):
    """A chunk of n events.

    Attributes
    ----------
    first_index
        Index in the file of the chunk's first event.
    run, luminosity_block, event
        Shape (n,), uint32, uint32, uint64.
    passes_filters
        Shape (n,): all of ``selection.event_filters``.
    fired
        Shape (n, 3), by `CHANNELS`: any trigger path of the channel; never for a channel the sample may not fill.
    fired_earlier
        Shape (n, 3), by `CHANNELS`: a path of the channel in an earlier data set, in which the event counts.
    met_gev, n_pv
        Shape (n,), float32 and int16; ``n_pv`` is -1 where the file has no ``PV_npvsGood``.
    weight
        Shape (n,), float64: generator weight, or its sign, times the further weights of the configuration; 1 in data.
    n_true_interactions
        Shape (n,), float32, or None without pile-up weights.
    electrons, muons
        pt, eta, phi, charge; cutBased and sc_eta; tightId and pfRelIso04_all.
    jets
        pt, eta, phi, puId (where the file has it), discriminant (as stored), hadron_flavour (int8, -1 in data); what
        identification and corrections need of jetId, energy fractions, multiplicities, rawFactor, area, genJetIdx.
    jet_columns
        Flat columns of all jets for ``selection.jet_columns``, float32.
    met_phi, rho
        Shape (n,), float32, or None where corrections of jets do not need them.
    gen_jets
        pt, eta, phi of the generator's jets, or None.
    weight_ratios
        Shape (n,), float32, by shift of the event weight: weight of the shift over the nominal one, 1 for events
        without; ``genscale`` (both scales doubled or halved), ``psisr`` and ``psfsr`` (more or less radiation).
    n_without
        Number of events without weights, by source of weight shifts.
    """

    first_index: int
    run: Array
    luminosity_block: Array
    event: Array
    passes_filters: Array
    fired: Array
    fired_earlier: Array
    met_gev: Array
    n_pv: Array
    weight: Array
    n_true_interactions: Array | None
    electrons: Collection
    muons: Collection
    jets: Collection
    jet_columns: dict[str, Array]
    met_phi: Array | None = None
    rho: Array | None = None
    gen_jets: Collection | None = None
    weight_ratios: Mapping[str, Array] = MappingProxyType({})
    n_without: Mapping[str, int] = MappingProxyType({})

    @property
    def n_events(self) -> int:
        """Number of events of the chunk."""
        return len(self.run)


def iterate(ntuple: Ntuple, events_per_chunk: int = 50_000, *, file: Any = None) -> Iterator[Events]:
    """Yield the file's events in chunks of ``events_per_chunk``; every basket is decompressed once.

    Parameters
    ----------
    file
        The file itself, where it is open already (`deepsf.nanoaod.root_file.opened`).

    Raises
    ------
    NtupleError
        If the file is corrupt, holds numbers that cannot be, or the tagger was not run on a jet in the acceptance.
    """
    if not ntuple.n_events:
        return
    first = 0
    stored_as = {branch: ntuple.stored_as.get(branch, branch) for branch in ntuple.branches}
    with open_root(ntuple.path, file) as file:
        tree = events_tree(file, ntuple.path)
        chunks = tree.iterate(
            list(dict.fromkeys(stored_as.values())),
            step_size=events_per_chunk,
            entry_stop=ntuple.n_events,
            library="ak",
            how=dict,
        )
        while True:
            try:
                arrays = next(chunks, None)
            except Exception as error:  # uproot and the codecs raise many types on corrupt baskets
                raise unreadable(ntuple.path, error, f"reading events from number {first} on") from error
            if arrays is None:
                break
            events = _events(_Chunk(ntuple, {name: arrays[stored] for name, stored in stored_as.items()}), first)
            _check_tagger_ran(ntuple, events.jets)
            yield events
            first += events.n_events
    if first != ntuple.n_events:
        raise UnreadableError(f"{ntuple.path}: {first} of {ntuple.n_events} events could be read; copy the file again")


class _Chunk(NamedTuple):
    """The arrays of a chunk by branch, as they were read."""

    ntuple: Ntuple
    arrays: Mapping[str, ak.Array]

    def flat(self, branch: str, dtype: Any) -> Array:
        return per_event(self.ntuple.path, branch, self.arrays[branch], dtype)

    def finite(self, branch: str, dtype: Any, way_out: str = "take the file off the sample") -> Array:
        values = self.flat(branch, dtype)
        require_finite(self.ntuple.path, branch, values, way_out)
        return values

    def masks(self, branches: tuple[str, ...]) -> dict[str, Array]:
        return {branch: self.flat(branch, np.bool_) for branch in branches}

    def collection(
        self, name: str, types: Mapping[str, Any], unchecked: Mapping[str, tuple[str, Any]] = MappingProxyType({})
    ) -> Collection:
        """Return a collection with the branches of the given types as columns, all finite.

        Further columns, by branch and type, may hold anything: what reads them counts or refuses what it cannot use.
        """
        branches = {column: (f"{name}_{column}", dtype) for column, dtype in types.items()}
        found = {c: (branch, self.arrays[branch], dtype) for c, (branch, dtype) in {**branches, **unchecked}.items()}
        objects = collection(self.ntuple.path, name, found)
        for column, (branch, _) in branches.items():
            require_finite(self.ntuple.path, branch, objects.columns[column])
        require_azimuths(self.ntuple.path, f"{name}_phi", objects.columns["phi"])
        return objects


def _events(chunk: _Chunk, first: int) -> Events:
    ntuple = chunk.ntuple
    needed, n = ntuple.corrections, len(chunk.arrays["run"])
    run, luminosity_block, event = (chunk.flat(branch, dtype) for branch, dtype in EVENT_BRANCHES.items())
    triggers = chunk.masks(ntuple.triggers.branches)
    jets, jet_columns = _jets(chunk)
    weight, ratios, n_without = _weights(chunk, n)
    return Events(
        first_index=first,
        run=run,
        luminosity_block=luminosity_block,
        event=event,
        passes_filters=np.logical_and.reduce([np.ones(n, np.bool_), *chunk.masks(ntuple.filters).values()]),
        fired=ntuple.triggers.fired(triggers, run),
        fired_earlier=ntuple.triggers.fired_earlier(triggers, run),
        met_gev=_met(chunk),
        n_pv=chunk.flat("PV_npvsGood", np.int16) if ntuple.has_pv else np.full(n, -1, np.int16),
        weight=weight,
        n_true_interactions=chunk.finite("Pileup_nTrueInt", np.float32) if needed.pileup else None,
        electrons=_electrons(chunk),
        muons=chunk.collection("Muon", MUON_BRANCHES),
        jets=jets,
        jet_columns=jet_columns,
        met_phi=chunk.finite(f"{ntuple.met}_phi", np.float32) if needed.met_phi else None,
        rho=chunk.finite(ntuple.rho, np.float32) if needed.rho else None,
        gen_jets=chunk.collection("GenJet", GEN_JET_BRANCHES) if needed.generator else None,
        weight_ratios=ratios,
        n_without=n_without,
    )


def _met(chunk: _Chunk) -> Array:
    branch = f"{chunk.ntuple.met}_pt"
    met_gev = chunk.finite(branch, np.float32)
    require_between(chunk.ntuple.path, branch, met_gev, (0.0, np.inf), "it cannot be negative")
    return met_gev


def _electrons(chunk: _Chunk) -> Collection:
    stored = chunk.ntuple.sc_eta.removeprefix("Electron_")
    electrons = chunk.collection("Electron", {**ELECTRON_BRANCHES, **({stored: np.float32} if stored else {})})
    columns = electrons.columns
    if stored == "superclusterEta":
        columns["sc_eta"] = columns.pop(stored)
    else:
        columns["sc_eta"] = columns["eta"] + columns.pop(stored, np.float32(0.0))
    return electrons


def _jets(chunk: _Chunk) -> tuple[Collection, dict[str, Array]]:
    """Return the jets, and their columns of the configuration."""
    ntuple = chunk.ntuple
    unchecked: dict[str, tuple[str, Any]] = {
        f"column {name}": (branch, np.float32) for name, branch in ntuple.jet_columns.items()
    }
    unchecked["discriminant"] = (ntuple.discriminant, np.float32)
    if not ntuple.is_data:
        unchecked["hadron_flavour"] = ("Jet_hadronFlavour", np.int8)
    jets = chunk.collection("Jet", ntuple.jet_branches, unchecked)
    columns = jets.columns
    if ntuple.is_data:
        columns["hadron_flavour"] = np.full(len(columns["pt"]), -1, np.int8)
    return jets, {name: columns.pop(f"column {name}") for name in ntuple.jet_columns}


def _weights(chunk: _Chunk, n: int) -> tuple[Array, dict[str, Array], dict[str, int]]:
    """Return nominal weights, ratios by shift, and the number of events without weights by source."""
    ntuple = chunk.ntuple
    if ntuple.is_data:
        return np.ones(n), {}, {}
    weight = chunk.finite("genWeight", np.float64)
    weight = np.sign(weight) if ntuple.uses_signs else weight
    ratios: dict[str, Array] = {}
    n_without: dict[str, int] = {}
    for source in ntuple.listed_sources:
        up, down, has = listed_ratios(ntuple.path, source, chunk.arrays[LISTED[source].branch])
        ratios |= {f"{source}_up": up, f"{source}_down": down}
        n_without[source] = int(np.count_nonzero(~has))
    for source, branches in ntuple.weights.items():
        way_out = f"drop selection.weights.{source}"
        nominal = chunk.finite(branches.nominal, np.float64, way_out)
        weight = weight * nominal
        shifts = {"up": branches.up, "down": branches.down}
        for direction, shifted in (
            (d, chunk.finite(b, np.float64, way_out)) for d, b in shifts.items() if b is not None
        ):
            ratio = np.divide(shifted, nominal, out=np.ones(n), where=nominal != 0.0).astype(np.float32)
            ratios[f"{source}_{direction}"] = ratio
            lost = np.count_nonzero((nominal == 0.0) & (shifted != 0.0))  # a shift is a factor on the nominal weight
            n_without[source] = max(n_without.get(source, 0), int(lost))
    return weight, ratios, n_without


def _check_tagger_ran(ntuple: Ntuple, jets: Collection) -> None:
    score, pt_min_gev, abseta_max = jets.columns["discriminant"], *ntuple.jet_acceptance
    if not np.any(score <= NOT_RUN_BELOW):
        return
    accepted = (jets.columns["pt"] > pt_min_gev) & (np.abs(jets.columns["eta"]) < abseta_max)
    not_run = accepted & (score <= NOT_RUN_BELOW)
    if np.any(not_run):
        raise NtupleError(
            f"{ntuple.path}: branch {ntuple.discriminant} is {score[not_run][0]:g} for {np.count_nonzero(not_run)} of "
            f"{np.count_nonzero(accepted)} jets in the acceptance: the tagger was not run when the file was produced; "
            "set tagger.branch to another tagger or take the file off the sample"
        )
