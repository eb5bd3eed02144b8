"""Find the branches that the selection needs in a NanoAOD file of any version and year.

Versions differ in the branches that exist (no ``Jet_puId`` for PUPPI jets, trigger paths by year) and in names
(``genEventSumw_`` in v6). All required branches that are missing are reported at once, with close names and a way out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from deepsf.config.flavours import Tagger
from deepsf.config.samples import Sample
from deepsf.config.selection import Channel, Selection, Triggers, WeightBranches
from deepsf.nanoaod.event_weights import LISTED, sum_of_weights
from deepsf.nanoaod.root_file import NtupleError, events_tree, open_root
from deepsf.nanoaod.triggers import NO_PATHS, Paths, of_file, with_close_names

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
JET_BRANCHES = {"pt": np.float32, "eta": np.float32, "phi": np.float32}
JET_INTEGERS = ("jetId", "puId", "genJetIdx", "chMultiplicity", "neMultiplicity")
GEN_JET_BRANCHES = {"pt": np.float32, "eta": np.float32, "phi": np.float32}
SC_ETA_BRANCHES = ("Electron_deltaEtaSC", "Electron_superclusterEta")  # the second from NanoAOD v15 on
RHO_BRANCHES = ("fixedGridRhoFastjetAll", "Rho_fixedGridRhoFastjetAll")  # the second from NanoAOD v10 on
_NO_CORRECTIONS = "drop the jet_corrections section of the config, or take files that have the branch"
_NO_JET_ID = "set selection.jet.id to one from what the file has, or selection.jet.jet_id_bit to null for none"
_NO_CONTENT = "set selection.jet.id and jet_veto to what the file's version of NanoAOD has"
WAYS_OUT = {
    "Jet_rawFactor": _NO_CORRECTIONS,
    "Jet_area": _NO_CORRECTIONS,
    "Jet_jetId": _NO_JET_ID,
    **dict.fromkeys((f"Jet_{n}" for n in ("chHEF", "neHEF", "chEmEF", "neEmEF", "muEF")), _NO_CONTENT),
    **dict.fromkeys(("Jet_chMultiplicity", "Jet_neMultiplicity"), _NO_CONTENT),
    "Jet_genJetIdx": "drop jet_corrections.jer, or take files that have the branch",
    **dict.fromkeys((f"GenJet_{name}" for name in GEN_JET_BRANCHES), "drop jet_corrections.jer"),
    "Electron_deltaEtaSC": "set selection.electron.crack_abseta to null to select without the crack veto",
    "Pileup_nTrueInt": "drop the pileup section of the config, or take files that have the branch",
    "genWeight": "if this is data, the sample must say kind: data",
    "Jet_hadronFlavour": "if this is data, the sample must say kind: data",
}


class CorrectionBranches(NamedTuple):
    """Which branches corrections need; by default none: jets as stored, no pile-up weights.

    Of the jets their raw energy, area, partner among the generator's jets and what they consist of; of the event rho,
    the azimuth of the missing pT, and the true number of interactions.
    """

    raw: bool = False
    area: bool = False
    rho: bool = False
    generator: bool = False
    met_phi: bool = False
    pileup: bool = False
    jet_content: tuple[str, ...] = ()


NO_CORRECTIONS = CorrectionBranches()


class Ntuple(NamedTuple):
    """What `inspect` learns about a file: sums, and the branches to read by meaning.

    ``stored_as`` gives branches of custom files their names there. A file without events has no branches.
    """

    path: str
    n_events: int
    sum_weights: float
    is_data: bool
    uses_signs: bool
    triggers: Paths
    filters: tuple[str, ...]
    met: str
    has_pv: bool
    has_pu_id: bool
    sc_eta: str
    discriminant: str
    jet_columns: dict[str, str]
    jet_acceptance: tuple[float, float]
    corrections: CorrectionBranches
    rho: str
    listed_sources: tuple[str, ...]
    weights: dict[str, WeightBranches]
    stored_as: dict[str, str]

    def first(self, n_events: int | None) -> Ntuple:
        """Return the file as if it held only its first events; None: all."""
        return self if n_events is None else self._replace(n_events=min(n_events, self.n_events))

    @property
    def weight_shifts(self) -> tuple[str, ...]:
        """Shifts of the event weight that the file may hold."""
        sources = [*self.listed_sources, *(name for name, branches in self.weights.items() if branches.up)]
        return tuple(f"{source}_{direction}" for source in sources for direction in ("up", "down"))

    @property
    def jet_branches(self) -> dict[str, Any]:
        """Types of the branches of jets by name, without discriminant, flavour and further columns."""
        needed = self.corrections
        names = [*(["puId"] if self.has_pu_id else []), *needed.jet_content]
        names += [*(["rawFactor"] if needed.raw else []), *(["area"] if needed.area else [])]
        names += ["genJetIdx"] if needed.generator else []
        types = {name: np.int32 if name in JET_INTEGERS else np.float32 for name in names}
        return {**JET_BRANCHES, **types}

    @property
    def resolved(self) -> dict[str, str]:
        """What was chosen among alternatives, by quantity: the same in all files that are compared."""
        if not self.n_events:
            return {}
        return {
            "missing pT": self.met,
            "pile-up id": "Jet_puId" if self.has_pu_id else "none",
            "number of vertices": "PV_npvsGood" if self.has_pv else "none",
            "rho": self.rho if self.corrections.rho else "not used",
        }

    @property
    def branches(self) -> tuple[str, ...]:
        """All branches that are read, each once, by their standard names."""
        if not self.n_events:
            return ()
        needed = self.corrections
        names = [*EVENT_BRANCHES, *self.filters, *self.triggers.branches]
        names += [f"{self.met}_pt", *(["PV_npvsGood"] if self.has_pv else [])]
        names += [] if self.is_data else ["genWeight", "Jet_hadronFlavour"]
        names += ["Pileup_nTrueInt"] if needed.pileup else []
        names += [f"Electron_{name}" for name in ELECTRON_BRANCHES] + ([self.sc_eta] if self.sc_eta else [])
        names += [f"Muon_{name}" for name in MUON_BRANCHES] + [f"Jet_{name}" for name in self.jet_branches]
        names += [self.discriminant, *self.jet_columns.values()]
        names += [LISTED[source].branch for source in self.listed_sources]
        names += [branch for weight in self.weights.values() for branch in _branches_of(weight)]
        names += [*([self.rho] if needed.rho else []), *([f"{self.met}_phi"] if needed.met_phi else [])]
        names += [f"GenJet_{name}" for name in GEN_JET_BRANCHES] if needed.generator else []
        return tuple(dict.fromkeys(names))


def inspect(  # noqa: PLR0913 - what a file must have comes from all parts of the config
    path: str | Path,
    sample: Sample,
    tagger: Tagger,
    selection: Selection,
    corrections: CorrectionBranches | None = None,
    sources: Collection[str] | None = None,
    earlier: Mapping[Channel, Triggers] = MappingProxyType({}),
    *,
    file: Any = None,
) -> Ntuple:
    """Return which branches of a NanoAOD file to read, its number of events and its sum of generator weights.

    The sum of weights is ``Runs/genEventSumw``, which counts the events before any skim; with ``sum_weights: events``
    of the sample, the sum of ``genWeight`` of the stored events, right only for a file that holds every generated
    event; 0 if the sample gives it as a number. Data: the number of events.

    Parameters
    ----------
    corrections
        What corrections need; by default the identification of jets alone.
    sources
        Sources of weight shifts to read, where the file has them; None: all but those that the sample does not have.
    earlier
        Trigger paths by channel of the data sets before the sample in ``campaign.data_order``.
    file
        The file itself, where it is open already (`deepsf.nanoaod.root_file.opened`).

    Raises
    ------
    NtupleError
        If the file cannot be read, has no ``Events``, is data for a simulated sample or the other way round, lacks
        branches (all are named at once), every trigger path of a channel, or the sum of weights.
    """
    name = str(path)
    needed = stored_jet_content(selection) if corrections is None else corrections
    with open_root(name, file) as file:
        tree = events_tree(file, name)
        known = _known_branches(tree, selection.branches)
        if tree.num_entries:
            _check_kind(name, known, sample.kind == "data")
        ntuple = _resolved(name, known, int(tree.num_entries), sample, tagger, selection, needed)
        if ntuple.n_events:
            ntuple = ntuple._replace(
                triggers=of_file(name, known, sample, selection, earlier), met=_met(name, known, selection)
            )
        if not ntuple.is_data:
            weights = _further_weights(selection, sources, sample)
            ntuple = ntuple._replace(listed_sources=_listed_sources(known, sources, sample), weights=weights)
        _check_branches(ntuple, known)
        if ntuple.is_data:
            return ntuple
        stored = selection.branches.get("genWeight", "genWeight")
        total = sum_of_weights(name, file, tree, sample.sum_weights, stored, ntuple.uses_signs)
        return ntuple._replace(sum_weights=total)


def _resolved(
    path: str, known: Collection[str], n_events: int, sample: Sample, tagger: Tagger, selection: Selection,
    needed: CorrectionBranches,
) -> Ntuple:  # fmt: skip
    """Return what a file has, without missing pT, triggers and weights."""
    is_data = sample.kind == "data"
    return Ntuple(
        path=path,
        n_events=n_events,
        sum_weights=float(n_events),
        is_data=is_data,
        uses_signs=sample.generator_weight == "sign",
        triggers=NO_PATHS,
        filters=selection.event_filters,
        met="",
        has_pv="PV_npvsGood" in known,
        has_pu_id="Jet_puId" in known and selection.jet.pu_id_bit is not None,
        sc_eta="" if selection.electron.crack_abseta is None else _first(SC_ETA_BRANCHES, known),
        discriminant=f"Jet_{tagger.branch}",
        jet_columns={column: f"Jet_{branch}" for column, branch in selection.jet_columns.items()},
        jet_acceptance=(selection.jet.pt_min_gev, selection.jet.abseta_max),
        corrections=needed._replace(pileup=needed.pileup and not is_data),
        rho=_first(RHO_BRANCHES, known),
        listed_sources=(),
        weights={},
        stored_as=selection.branches,
    )


def stored_jet_content(selection: Selection) -> CorrectionBranches:
    """Return the branches of an identification by the stored bit."""
    needs_bit = selection.jet.id is None and selection.jet.jet_id_bit is not None
    return CorrectionBranches(jet_content=("jetId",) if needs_bit else ())


def _first(branches: tuple[str, ...], known: Collection[str]) -> str:
    """Return the first of alternative branches that a file has, or that it should have."""
    return next((branch for branch in branches if branch in known), branches[0])


def _known_branches(tree: Any, stored_as: Mapping[str, str]) -> frozenset[str]:
    stored = frozenset(tree.keys(recursive=False))
    return stored - stored_as.keys() | {standard for standard, branch in stored_as.items() if branch in stored}


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


def _listed_sources(known: Collection[str], sources: Collection[str] | None, sample: Sample) -> tuple[str, ...]:
    return tuple(
        source
        for source, listed in LISTED.items()
        if listed.branch in known and (sources is None or source in sources) and source not in sample.missing_shifts
    )


def _further_weights(
    selection: Selection, sources: Collection[str] | None, sample: Sample
) -> dict[str, WeightBranches]:
    """Return the further weights of a sample; without shifts those that are not asked for."""
    return {
        source: weight if sources is None or source in sources else weight.model_copy(update={"up": None, "down": None})
        for source, weight in selection.weights.items()
        if source not in sample.missing_shifts
    }


def _branches_of(weight: WeightBranches) -> tuple[str, ...]:
    return tuple(branch for branch in (weight.nominal, weight.up, weight.down) if branch is not None)


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
        if branch in ntuple.stored_as:
            way_out = f"correct or drop its entry in selection.branches, {ntuple.stored_as[branch]}"
        elif branch == ntuple.discriminant:
            tags = sorted(name for name in known if name.startswith("Jet_btag"))
            way_out = f"set tagger.branch to one that the file has: {', '.join(tags) or 'none is there'}"
        elif branch in ntuple.filters:
            way_out = "take it off selection.event_filters if this data-taking period has no such filter"
        elif branch in ntuple.jet_columns.values():
            way_out = "correct or drop its entry in selection.jet_columns"
        elif any(branch in _branches_of(weight) for weight in ntuple.weights.values()):
            way_out = "correct or drop its entry in selection.weights, or name it in missing_shifts of the sample"
        lines.append(f"  branch {with_close_names(branch, known)} is missing and required; {way_out}")
    if lines:
        raise NtupleError(f"{ntuple.path}: {len(lines)} required branch(es) missing\n" + "\n".join(lines))
