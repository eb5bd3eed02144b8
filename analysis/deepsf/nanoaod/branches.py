"""Find the branches that the selection needs in a NanoAOD file of any version and year.

Versions differ in the branches that exist (no ``Jet_puId`` for PUPPI jets, trigger paths by year) and in names
(``genEventSumw_`` in v6). All required branches that are missing are reported at once, with close names and a way out.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepsf.config.flavours import Tagger
from deepsf.config.samples import Sample
from deepsf.config.selection import CHANNELS, Channel, Selection
from deepsf.nanoaod.root_file import NtupleError, events_tree, open_root, unreadable

log = logging.getLogger(__name__)

EVENT_BRANCHES = {"run": np.uint32, "luminosityBlock": np.uint32, "event": np.uint64}
ELECTRON_BRANCHES = {"pt": np.float32, "eta": np.float32, "phi": np.float32, "charge": np.int32, "cutBased": np.int32}
MUON_BRANCHES = {
    "pt": np.float32,
    "eta": np.float32,
    "phi": np.float32,
    "charge": np.int32,
    "tightId": np.bool_,
    "pfRelIso04_all": np.float32,
}
JET_BRANCHES = {"pt": np.float32, "eta": np.float32, "phi": np.float32, "jetId": np.int32}
GEN_JET_BRANCHES = {"pt": np.float32, "eta": np.float32, "phi": np.float32}
RHO_BRANCHES = ("fixedGridRhoFastjetAll", "Rho_fixedGridRhoFastjetAll")  # the second from NanoAOD v10 on
WEIGHT_LISTS = {
    # (muR, muF) = (0.5, 0.5) comes first and (2, 2) last; of nine or, without the nominal one, of eight.
    "LHEScaleWeight": {"genscale_up": -1, "genscale_down": 0},
    # CMS stores more (isrDefHi, fsrDefHi), then less radiation; titles of versions disagree, the order does not.
    "PSWeight": {"psisr_up": 0, "psfsr_up": 1, "psisr_down": 2, "psfsr_down": 3},
}
"""Position in each event's list of weights, by shift."""
WEIGHT_LIST_LENGTHS = {"LHEScaleWeight": (8, 9), "PSWeight": (4,)}
_NO_CORRECTIONS = "drop the jet_corrections section of the config, or take files that have the branch"
WAYS_OUT = {
    "Jet_rawFactor": _NO_CORRECTIONS,
    "Jet_area": _NO_CORRECTIONS,
    "Jet_genJetIdx": "drop jet_corrections.jer, or take files that have the branch",
    **dict.fromkeys((f"GenJet_{name}" for name in GEN_JET_BRANCHES), "drop jet_corrections.jer"),
    "Electron_deltaEtaSC": "set selection.electron.crack_abseta to null to select without the crack veto",
    "Pileup_nTrueInt": "drop the pileup section of the config, or take files that have the branch",
    "genWeight": "if this is data, the sample must say kind: data",
    "Jet_hadronFlavour": "if this is data, the sample must say kind: data",
}


class CorrectionBranches(NamedTuple):
    """Which branches corrections need; by default none: jets as stored, no pile-up weights.

    Of the jets their raw energy, area and partner among the generator's jets; of the event rho, the azimuth of the
    missing pT, and the true number of interactions.
    """

    raw: bool = False
    area: bool = False
    rho: bool = False
    generator: bool = False
    met_phi: bool = False
    pileup: bool = False


NO_CORRECTIONS = CorrectionBranches()


class Ntuple(NamedTuple):
    """What `inspect` learns about a file: sums, and the branches to read by meaning."""

    path: str
    n_events: int
    sum_weights: float
    is_data: bool
    triggers: dict[Channel, tuple[str, ...]]
    missing_triggers: tuple[str, ...]
    filters: tuple[str, ...]
    met: str
    has_pv: bool
    has_pu_id: bool
    sc_eta: bool
    discriminant: str
    jet_columns: dict[str, str]
    jet_acceptance: tuple[float, float]
    corrections: CorrectionBranches
    rho: str
    weight_lists: tuple[str, ...]

    @property
    def weight_shifts(self) -> tuple[str, ...]:
        """Shifts of the event weight that the file holds."""
        return tuple(shift for name in self.weight_lists for shift in WEIGHT_LISTS[name])

    @property
    def jet_branches(self) -> dict[str, Any]:
        """Types of the branches of jets by name, without discriminant, flavour and further columns."""
        needed = self.corrections
        return {
            **JET_BRANCHES,
            **({"puId": np.int32} if self.has_pu_id else {}),
            **({"rawFactor": np.float32} if needed.raw else {}),
            **({"area": np.float32} if needed.area else {}),
            **({"genJetIdx": np.int32} if needed.generator else {}),
        }

    @property
    def branches(self) -> tuple[str, ...]:
        """All branches that `iterate` reads, each once."""
        needed = self.corrections
        names = [*EVENT_BRANCHES, *self.filters, *(path for paths in self.triggers.values() for path in paths)]
        names += [f"{self.met}_pt", *(["PV_npvsGood"] if self.has_pv else [])]
        names += [] if self.is_data else ["genWeight", "Jet_hadronFlavour"]
        names += ["Pileup_nTrueInt"] if needed.pileup else []
        names += [f"Electron_{name}" for name in ELECTRON_BRANCHES] + (["Electron_deltaEtaSC"] if self.sc_eta else [])
        names += [f"Muon_{name}" for name in MUON_BRANCHES] + [f"Jet_{name}" for name in self.jet_branches]
        names += [self.discriminant, *self.jet_columns.values(), *self.weight_lists]
        names += [*([self.rho] if needed.rho else []), *([f"{self.met}_phi"] if needed.met_phi else [])]
        names += [f"GenJet_{name}" for name in GEN_JET_BRANCHES] if needed.generator else []
        return tuple(dict.fromkeys(names))


def inspect(
    path: str | Path,
    sample: Sample,
    tagger: Tagger,
    selection: Selection,
    corrections: CorrectionBranches = NO_CORRECTIONS,
) -> Ntuple:
    """Return which branches of a NanoAOD file to read, its number of events and its sum of generator weights.

    The sum of weights is ``Runs/genEventSumw``, which counts the events before any skim; with ``sum_weights: events``
    of the sample, the sum of ``genWeight`` of the stored events, right only for a file that holds every generated
    event. Data: the number of events.

    Raises
    ------
    NtupleError
        If the file cannot be read, has no ``Events`` tree, is data for a simulated sample or the other way round,
        lacks branches (all are named at once), every trigger path, or the sum of weights.
    """
    name = str(path)
    with open_root(name) as file:
        tree = events_tree(file, name)
        known = set(tree.keys(recursive=False))
        is_data = sample.kind == "data"
        _check_kind(name, known, is_data)
        present, absent = _triggers(name, known, sample, selection)
        ntuple = Ntuple(
            path=name,
            n_events=int(tree.num_entries),
            sum_weights=0.0,
            is_data=is_data,
            triggers=present,
            missing_triggers=absent,
            filters=selection.event_filters,
            met=_met(name, known, selection),
            has_pv="PV_npvsGood" in known,
            has_pu_id="Jet_puId" in known,
            sc_eta=selection.electron.crack_abseta is not None,
            discriminant=f"Jet_{tagger.branch}",
            jet_columns={column: f"Jet_{branch}" for column, branch in selection.jet_columns.items()},
            jet_acceptance=(selection.jet.pt_min_gev, selection.jet.abseta_max),
            corrections=corrections._replace(pileup=corrections.pileup and not is_data),
            rho=next((branch for branch in RHO_BRANCHES if branch in known), RHO_BRANCHES[0]),
            weight_lists=() if is_data else _weight_lists(tree, known, name),
        )
        _check_branches(ntuple, known)
        return ntuple._replace(sum_weights=_sum_weights(file, tree, ntuple, sample.sum_weights))


def _check_kind(path: str, known: Collection[str], is_data: bool) -> None:
    if is_data:
        simulated = [branch for branch in ("genWeight", "Jet_hadronFlavour") if branch in known]
        if simulated:
            raise NtupleError(
                f"{path}: branch {simulated[0]} exists only in simulation, but the sample is data; "
                "set kind: simulation or take the file off the sample"
            )
    elif "genWeight" not in known:
        raise NtupleError(
            f"{path}: branch genWeight is missing, so this is data, but the sample is simulation; "
            "set kind: data or take the file off the sample"
        )


def _triggers(
    path: str, known: Collection[str], sample: Sample, selection: Selection
) -> tuple[dict[Channel, tuple[str, ...]], tuple[str, ...]]:
    """Return the existing paths by channel, of the channels that the sample may fill, and the missing ones."""
    wanted = {channel: selection.triggers.get(channel, ()) for channel in CHANNELS if channel in sample.channels}
    present = {channel: tuple(p for p in paths if p in known) for channel, paths in wanted.items()}
    missing = tuple(dict.fromkeys(p for paths in wanted.values() for p in paths if p not in known))
    if not any(present.values()):
        hlt = [branch for branch in known if branch.startswith("HLT_")]
        raise NtupleError(
            f"{path}: none of the trigger paths of the channels {', '.join(wanted)} exists "
            f"({'; '.join(_with_close_names(p, hlt) for p in missing)}); "
            f"set selection.triggers to paths of this data-taking period ({len(hlt)} HLT branches in the file)"
        )
    if missing:
        log.warning("%s: trigger paths that the file lacks count as not fired: %s", path, ", ".join(missing))
    return present, missing


def _weight_lists(tree: Any, known: Collection[str], path: str) -> tuple[str, ...]:
    """Return the lists of weights that have the expected length; the first event decides."""
    usable = []
    for branch, lengths in WEIGHT_LIST_LENGTHS.items():
        if branch not in known:
            continue
        try:
            first = tree[branch].array(entry_stop=1)
        except Exception as error:  # uproot and the codecs raise many types on corrupt baskets
            raise unreadable(path, error, f"reading {branch}") from error
        if len(first) and len(first[0]) in lengths:
            usable.append(branch)
    return tuple(usable)


def _met(path: str, known: Collection[str], selection: Selection) -> str:
    for met in selection.met_branches:
        if f"{met}_pt" in known and f"{met}_phi" in known:
            return met
    tried = ", ".join(f"{met}_pt" for met in selection.met_branches)
    present = ", ".join(sorted(branch for branch in known if branch.lower().endswith("met_pt"))) or "none"
    raise NtupleError(
        f"{path}: no branch of missing transverse momentum (tried {tried} with their _phi; the file has {present}); "
        "name one in selection.met_branches"
    )


def _check_branches(ntuple: Ntuple, known: Collection[str]) -> None:
    lines = []
    for branch in ntuple.branches:
        if branch in known:
            continue
        way_out = WAYS_OUT.get(branch, "take a NanoAOD file that has it")
        if branch == ntuple.discriminant:
            tags = sorted(name for name in known if name.startswith("Jet_btag"))
            way_out = f"set tagger.branch to one that the file has: {', '.join(tags) or 'none is there'}"
        elif branch in ntuple.filters:
            way_out = "take it off selection.event_filters if this data-taking period has no such filter"
        elif branch in ntuple.jet_columns.values():
            way_out = "correct or drop its entry in selection.jet_columns"
        lines.append(f"  branch {_with_close_names(branch, known)} is missing and required; {way_out}")
    if lines:
        raise NtupleError(f"{ntuple.path}: {len(lines)} required branch(es) missing\n" + "\n".join(lines))


def _with_close_names(branch: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(branch, known, n=2, cutoff=0.8)
    return f"{branch} (close: {', '.join(close)})" if close else branch


def _sum_weights(file: Any, tree: Any, ntuple: Ntuple, source: str) -> float:
    if ntuple.is_data:
        return float(ntuple.n_events)
    try:
        if source == "events":
            return float(np.sum(tree["genWeight"].array(library="np"), dtype=np.float64))
        runs = file.get("Runs")
        for branch in ("genEventSumw", "genEventSumw_"):  # the second in NanoAOD v6
            if runs is not None and branch in runs:
                return float(np.sum(runs[branch].array(library="np"), dtype=np.float64))
    except Exception as error:  # uproot and the codecs raise many types on corrupt baskets
        raise unreadable(ntuple.path, error, "summing the generator weights") from error
    raise NtupleError(
        f"{ntuple.path}: branch Runs/genEventSumw is missing: without the sum of generator weights the sample cannot "
        "be scaled to its cross section; take files with a Runs tree, or set sum_weights: events for the sample if the "
        "file holds every generated event"
    )
