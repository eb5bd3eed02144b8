"""Which branches of a NanoAOD file stand for what the selection needs, whatever its version and year.

Versions differ in branches that exist (no ``Jet_puId`` for PUPPI jets, trigger paths by year) and in names
(``genEventSumw_`` in v6). What is required and missing is reported at once, with close names and a way out.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import uproot

from deepsf.config.flavours import Tagger
from deepsf.config.samples import Sample
from deepsf.config.selection import CHANNELS, Channel, Selection

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
"""Place in the list of each event's weights, by shift."""
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


class NtupleError(ValueError):
    """An input file cannot be used; the message names file, branch, rule and way out."""


class JetEnergyBranches(NamedTuple):
    """What correcting jets needs besides the jets: raw energy, area, rho, the generator's jets, the missing pT's angle.

    Nothing by default: jets are as stored.
    """

    raw: bool = False
    area: bool = False
    rho: bool = False
    generator: bool = False
    met_phi: bool = False


JETS_AS_STORED = JetEnergyBranches()


class Ntuple(NamedTuple):
    """What `inspect` found out about a file: sums, and the branches to read by meaning."""

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
    pileup: bool
    discriminant: str
    jet_columns: dict[str, str]
    jet_acceptance: tuple[float, float]
    jet_energy: JetEnergyBranches
    rho: str
    weight_lists: tuple[str, ...]

    @property
    def weight_shifts(self) -> tuple[str, ...]:
        """Shifts of the event weight that the file holds."""
        return tuple(shift for name in self.weight_lists for shift in WEIGHT_LISTS[name])

    @property
    def branches(self) -> tuple[str, ...]:
        """All branches that `iterate` reads, each once."""
        names = [*EVENT_BRANCHES, *self.filters, *(path for paths in self.triggers.values() for path in paths)]
        names += [f"{self.met}_pt", *(["PV_npvsGood"] if self.has_pv else [])]
        names += [] if self.is_data else ["genWeight", "Jet_hadronFlavour"]
        names += ["Pileup_nTrueInt"] if self.pileup else []
        names += [f"Electron_{name}" for name in ELECTRON_BRANCHES] + (["Electron_deltaEtaSC"] if self.sc_eta else [])
        names += [f"Muon_{name}" for name in MUON_BRANCHES] + [f"Jet_{name}" for name in JET_BRANCHES]
        names += [*(["Jet_puId"] if self.has_pu_id else []), self.discriminant, *self.jet_columns.values()]
        return tuple(dict.fromkeys([*names, *self._jet_energy_branches, *self.weight_lists]))

    @property
    def _jet_energy_branches(self) -> list[str]:
        needed = self.jet_energy
        names = [*(["Jet_rawFactor"] if needed.raw else []), *(["Jet_area"] if needed.area else [])]
        names += [*([self.rho] if needed.rho else []), *([f"{self.met}_phi"] if needed.met_phi else [])]
        if needed.generator:
            names += ["Jet_genJetIdx", *(f"GenJet_{name}" for name in GEN_JET_BRANCHES)]
        return names


def inspect(
    path: str | Path,
    sample: Sample,
    *,
    tagger: Tagger,
    selection: Selection,
    pileup: bool = False,
    jet_energy: JetEnergyBranches = JETS_AS_STORED,
) -> Ntuple:
    """Return which branches of a NanoAOD file to read, its number of events and sum of generator weights.

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
            pileup=pileup and not is_data,
            discriminant=f"Jet_{tagger.branch}",
            jet_columns={column: f"Jet_{branch}" for column, branch in selection.jet_columns.items()},
            jet_acceptance=(selection.jet.pt_min_gev, selection.jet.abseta_max),
            jet_energy=jet_energy,
            rho=next((branch for branch in RHO_BRANCHES if branch in known), RHO_BRANCHES[0]),
            weight_lists=() if is_data else _weight_lists(tree, known, name),
        )
        _check_branches(ntuple, known)
        return ntuple._replace(sum_weights=_sum_weights(file, tree, ntuple, sample.sum_weights))


def open_root(path: str) -> Any:
    """Open a ROOT file; anything wrong with it is an `NtupleError`."""
    try:
        return uproot.open({path: None}, array_cache=None)
    except FileNotFoundError:
        raise NtupleError(f"{path}: no such file; check the sample's files in the config") from None
    except Exception as error:  # uproot raises many types on files that are truncated or not ROOT
        raise unreadable(path, error, "opening it") from error


def unreadable(path: str, error: Exception, doing: str) -> NtupleError:
    """Return the error for a file that cannot be read; ``doing`` says what was tried."""
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return NtupleError(
        f"{path}: not a readable ROOT file, truncated or corrupt ({type(error).__name__} while {doing}: "
        f"{reason[:200]}); copy the file again or take it off the sample's files"
    )


def events_tree(file: Any, path: str) -> Any:
    """Return the file's ``Events`` tree."""
    try:
        kinds = file.classnames(recursive=False, cycle=False)
        if kinds.get("Events") == "TTree":
            return file["Events"]
    except Exception as error:  # the directory opens, but the tree's own record is cut off
        raise unreadable(path, error, "opening the Events tree") from error
    found = ", ".join(f"{name} ({kind})" for name, kind in kinds.items()) or "nothing"
    raise NtupleError(f"{path}: no Events tree (the file holds {found}); give NanoAOD files with a TTree named Events")


def _check_kind(path: str, known: Collection[str], is_data: bool) -> None:
    if is_data:
        found = [branch for branch in ("genWeight", "Jet_hadronFlavour") if branch in known]
        if found:
            raise NtupleError(
                f"{path}: branch {found[0]} exists only in simulation, but the sample is data; "
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
    """Return the branches of weights that hold what their name says; the first event decides."""
    found = []
    for branch, lengths in WEIGHT_LIST_LENGTHS.items():
        if branch not in known:
            continue
        try:
            first = tree[branch].array(entry_stop=1)
        except Exception as error:  # uproot and the codecs raise many types on corrupt baskets
            raise unreadable(path, error, f"reading {branch}") from error
        if len(first) and len(first[0]) in lengths:
            found.append(branch)
    return tuple(found)


def _met(path: str, known: Collection[str], selection: Selection) -> str:
    for met in selection.met_branches:
        if f"{met}_pt" in known and f"{met}_phi" in known:
            return met
    tried = ", ".join(f"{met}_pt" for met in selection.met_branches)
    found = ", ".join(sorted(branch for branch in known if branch.lower().endswith("met_pt"))) or "none"
    raise NtupleError(
        f"{path}: no branch of missing transverse momentum (tried {tried} with their _phi; the file has {found}); "
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
