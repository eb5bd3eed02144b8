"""NanoAOD ROOT file -> chunks of arrays that no longer depend on the NanoAOD version or the year.

`deepsf.nanoaod.branches.inspect` resolves which branches of a file to read; `iterate` reads them chunk by chunk.
Types differ by version (``Jet_jetId`` is int32, from v13 uint8): every branch is cast to one type here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import awkward as ak
import numpy as np

from deepsf.arrays import Array
from deepsf.config.selection import CHANNELS
from deepsf.nanoaod.branches import (
    ELECTRON_BRANCHES,
    EVENT_BRANCHES,
    GEN_JET_BRANCHES,
    MUON_BRANCHES,
    WEIGHT_LIST_LENGTHS,
    WEIGHT_LISTS,
    Ntuple,
)
from deepsf.nanoaod.root_file import NtupleError, events_tree, open_root, unreadable

NOT_RUN_BELOW = -900.0


class Collection(NamedTuple):
    """Objects of all events of a chunk in a row; event i owns ``offsets[i]:offsets[i + 1]`` of every column."""

    offsets: Array
    columns: dict[str, Array]


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
    met_gev, n_pv
        Shape (n,), float32 and int16; ``n_pv`` is -1 where the file has no ``PV_npvsGood``.
    generator_weight
        Shape (n,), float64; 1 in data.
    n_true_interactions
        Shape (n,), float32, or None without pile-up weights.
    electrons, muons
        pt, eta, phi, charge; cutBased and sc_eta; tightId and pfRelIso04_all.
    jets
        pt, eta, phi, jetId, puId (where the file has it), discriminant (as stored), hadron_flavour (int8, -1 in data);
        for corrections rawFactor, area and genJetIdx.
    jet_columns
        Flat columns of all jets for ``selection.jet_columns``, float32.
    met_phi, rho
        Shape (n,), float32, or None where corrections of jets do not need them.
    gen_jets
        pt, eta, phi of the generator's jets, or None.
    weight_ratios
        Shape (n,), float32, by shift of the event weight: weight of the shift over the nominal one, 1 for events
        without; ``genscale`` (both scales doubled or halved), ``psisr`` and ``psfsr`` (more or less radiation).
    """

    first_index: int
    run: Array
    luminosity_block: Array
    event: Array
    passes_filters: Array
    fired: Array
    met_gev: Array
    n_pv: Array
    generator_weight: Array
    n_true_interactions: Array | None
    electrons: Collection
    muons: Collection
    jets: Collection
    jet_columns: dict[str, Array]
    met_phi: Array | None = None
    rho: Array | None = None
    gen_jets: Collection | None = None
    weight_ratios: Mapping[str, Array] = MappingProxyType({})

    @property
    def n_events(self) -> int:
        """Number of events of the chunk."""
        return len(self.run)


def iterate(ntuple: Ntuple, events_per_chunk: int = 100_000) -> Iterator[Events]:
    """Yield the file's events in chunks of ``events_per_chunk``; every basket is decompressed once.

    Raises
    ------
    NtupleError
        If the file is corrupt, or the tagger was not run on a jet in the acceptance.
    """
    first = 0
    with open_root(ntuple.path) as file:
        tree = events_tree(file, ntuple.path)
        chunks = tree.iterate(list(ntuple.branches), step_size=events_per_chunk, library="ak", how=dict)
        while True:
            try:
                arrays = next(chunks, None)
            except Exception as error:  # uproot and the codecs raise many types on corrupt baskets
                raise unreadable(ntuple.path, error, f"reading events from number {first} on") from error
            if arrays is None:
                break
            events = _events(ntuple, arrays, first)
            _check_tagger_ran(ntuple, events.jets)
            yield events
            first += events.n_events
    if first != ntuple.n_events:
        raise NtupleError(f"{ntuple.path}: {first} of {ntuple.n_events} events could be read; copy the file again")


def _events(ntuple: Ntuple, arrays: Mapping[str, ak.Array], first: int) -> Events:
    n = len(arrays["run"])
    electrons = _collection(ntuple, arrays, "Electron", ELECTRON_BRANCHES)
    electrons.columns["sc_eta"] = electrons.columns["eta"]
    if ntuple.sc_eta:
        electrons.columns["sc_eta"] = electrons.columns["eta"] + _flat(arrays["Electron_deltaEtaSC"], np.float32)
    jets = _collection(ntuple, arrays, "Jet", ntuple.jet_branches)
    n_jets = len(jets.columns["pt"])
    jets.columns["discriminant"] = _flat(arrays[ntuple.discriminant], np.float32)
    jets.columns["hadron_flavour"] = (
        np.full(n_jets, -1, np.int8) if ntuple.is_data else _flat(arrays["Jet_hadronFlavour"], np.int8)
    )
    jet_columns = {name: _flat(arrays[branch], np.float32) for name, branch in ntuple.jet_columns.items()}
    _check_lengths(ntuple, n_jets, jets.columns["discriminant"], *jet_columns.values())
    return Events(
        first_index=first,
        **{
            name: _flat(arrays[branch], EVENT_BRANCHES[branch])
            for name, branch in (("run", "run"), ("luminosity_block", "luminosityBlock"), ("event", "event"))
        },
        passes_filters=np.logical_and.reduce([np.ones(n, np.bool_), *_masks(arrays, ntuple.filters)]),
        fired=np.stack(
            [
                np.logical_or.reduce([np.zeros(n, np.bool_), *_masks(arrays, ntuple.triggers.get(channel, ()))])
                for channel in CHANNELS
            ],
            axis=1,
        ),
        met_gev=_flat(arrays[f"{ntuple.met}_pt"], np.float32),
        n_pv=_flat(arrays["PV_npvsGood"], np.int16) if ntuple.has_pv else np.full(n, -1, np.int16),
        generator_weight=np.ones(n) if ntuple.is_data else _flat(arrays["genWeight"], np.float64),
        n_true_interactions=_flat(arrays["Pileup_nTrueInt"], np.float32) if ntuple.corrections.pileup else None,
        electrons=electrons,
        muons=_collection(ntuple, arrays, "Muon", MUON_BRANCHES),
        jets=jets,
        jet_columns=jet_columns,
        met_phi=_flat(arrays[f"{ntuple.met}_phi"], np.float32) if ntuple.corrections.met_phi else None,
        rho=_flat(arrays[ntuple.rho], np.float32) if ntuple.corrections.rho else None,
        gen_jets=_collection(ntuple, arrays, "GenJet", GEN_JET_BRANCHES) if ntuple.corrections.generator else None,
        weight_ratios={
            shift: ratio
            for branch in ntuple.weight_lists
            for shift, ratio in _weight_ratios(ntuple, branch, arrays[branch]).items()
        },
    )


def _weight_ratios(ntuple: Ntuple, branch: str, lists: ak.Array) -> dict[str, Array]:
    offsets = np.asarray(lists.layout.offsets.data, np.int64) - int(lists.layout.offsets[0])
    values = _flat(lists, np.float32)
    complete = np.flatnonzero(np.isin(np.diff(offsets), WEIGHT_LIST_LENGTHS[branch]))
    ratios = {}
    for shift, place in WEIGHT_LISTS[branch].items():
        ratio = np.ones(len(offsets) - 1, np.float32)
        ratio[complete] = values[offsets[complete] + place if place >= 0 else offsets[complete + 1] + place]
        if not np.isfinite(ratio).all():
            n_bad = np.count_nonzero(~np.isfinite(ratio))
            raise NtupleError(
                f"{ntuple.path}: branch {branch} is not finite for {n_bad} of {len(ratio)} events ({shift}); take the "
                "file off the sample, or produce it without the branch"
            )
        ratios[shift] = ratio
    return ratios


def _collection(ntuple: Ntuple, arrays: Mapping[str, ak.Array], name: str, branches: Mapping[str, Any]) -> Collection:
    columns = {branch: _flat(arrays[f"{name}_{branch}"], dtype) for branch, dtype in branches.items()}
    layout = arrays[f"{name}_pt"].layout
    offsets = np.asarray(layout.offsets.data, np.int64) - int(layout.offsets[0])
    _check_lengths(ntuple, len(columns["pt"]), *columns.values())
    return Collection(offsets, columns)


def _check_lengths(ntuple: Ntuple, n: int, *columns: Array) -> None:
    if any(len(column) != n for column in columns):
        raise NtupleError(
            f"{ntuple.path}: branches of one collection differ in length, the file is corrupt or a jet branch is not "
            "one value a jet; copy the file again or correct tagger.branch and selection.jet_columns"
        )


def _flat(array: ak.Array, dtype: Any) -> Array:
    """Return the content of a branch without its list structure, as ``dtype``."""
    layout = array.layout
    if layout.is_list:
        start, stop = int(layout.offsets[0]), int(layout.offsets[-1])
        layout = layout.content[start:stop]
    return np.ascontiguousarray(layout.data, dtype=dtype)


def _masks(arrays: Mapping[str, ak.Array], branches: Iterable[str]) -> list[Array]:
    return [_flat(arrays[branch], np.bool_) for branch in branches]


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
