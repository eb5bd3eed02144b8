"""Energy of jets: corrections, smearing to the resolution of data, and the shifts of both, with the missing pT.

Raw jets are corrected level by level (CMS, arXiv:1607.03663). Simulated jets are smeared by the hybrid method, with the
resolution sigma and its scale factor s. A jet that matches a jet of the generator is multiplied by

    c = 1 + (s - 1) (pT - pT_gen) / pT,

any other by c = 1 + sigma N(0, 1) sqrt(max(s^2 - 1, 0)). Sources of uncertainty of the energy scale multiply the
smeared pT by 1 +- u(eta, pT). The changes of all jets are subtracted from the missing pT (type-1 correction).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import correctionlib
import numpy as np
from scipy.special import ndtri

from deepsf.arrays import Array, Floats
from deepsf.config.jet_corrections import JetCorrections, Resolution
from deepsf.nanoaod.branches import CorrectionBranches
from deepsf.nanoaod.events import Collection, Events
from deepsf.seeds import GAMMA, mixed, uniform
from deepsf.skim.dileptons import LeptonPairs, delta_r_squared
from deepsf.skim.shifts import NOMINAL

Correction = correctionlib.highlevel.Correction | correctionlib.highlevel.CompoundCorrection

INPUTS = ("JetPt", "JetEta", "JetPhi", "JetA", "Rho", "run", "systematic")
"""Inputs that a correction may take, by their names in the files of CMS."""
SMALLEST_FACTOR = 0.01
"""Smearing leaves jets at least this fraction of their pT."""


class JetCorrectionError(ValueError):
    """A correction of jets cannot be used; the message names file, correction, rule and way out."""


class _Jets(NamedTuple):
    """The m jets away from both leptons: position in the chunk, row of the lepton pair, inputs by name."""

    position: Array
    row: Array
    stored_pt: Floats
    inputs: dict[str, Array]


@dataclass(frozen=True)
class JetEnergy:
    """What is done to the jets of one sample, by default nothing; made by `load_jet_energy`."""

    settings: JetCorrections | None = None
    levels: tuple[Correction, ...] = ()
    resolution: Correction | None = None
    scale_factor: Correction | None = None
    sources: Mapping[str, Correction] | None = None

    @property
    def shifts(self) -> tuple[str, ...]:
        """Names of the kinematic shifts, ``nominal`` first."""
        return (NOMINAL,) if self.settings is None or self.sources is None else self.settings.shifts

    @property
    def branches(self) -> CorrectionBranches:
        """Which branches the corrections need."""
        corrections = [*self.levels, *(c for c in (self.resolution, self.scale_factor) if c is not None)]
        corrections += [] if self.sources is None else self.sources.values()
        inputs = {variable.name for correction in corrections for variable in correction.inputs}
        return CorrectionBranches(
            raw=bool(self.levels),
            area="JetA" in inputs,
            rho="Rho" in inputs,
            generator=self.resolution is not None,
            met_phi=bool(corrections),
        )

    def vary(self, events: Events, leptons: LeptonPairs, lepton_delta_r_min: float) -> Iterator[tuple[str, Events]]:
        """Yield the chunk with jets and missing pT of each shift, nominal first.

        Events without a pair of leptons keep their jets: the tables have no rows of them. So do jets closer to a lepton
        than ``lepton_delta_r_min``: they measure the lepton, and none is selected.
        """
        if self.settings is None or not any(self.branches):
            yield NOMINAL, events
            return
        jets = _jets_of(events, leptons, lepton_delta_r_min)
        pt = self._corrected(jets)
        phi = jets.inputs["JetPhi"]
        pull = np.stack([np.cos(phi), np.sin(phi)]) * (pt > self.settings.met_pt_min_gev)
        smeared = self._smeared(events, leptons, jets, pt)
        for shift, shifted in self._shifted(jets, smeared):
            yield shift, _replaced(events, leptons, jets, shifted, pull)

    def _corrected(self, jets: _Jets) -> Floats:
        if not self.levels:
            return jets.stored_pt
        pt = jets.stored_pt * (1.0 - jets.inputs["rawFactor"])
        for level in self.levels:
            pt = pt * _evaluate(level, jets, pt, above=0.0)
        return pt

    def _smeared(self, events: Events, leptons: LeptonPairs, jets: _Jets, pt: Floats) -> dict[str, Floats]:
        """Return the pT by shift of the resolution's scale factor."""
        if self.settings is None or self.settings.jer is None or self.resolution is None or self.scale_factor is None:
            return {NOMINAL: pt}
        resolution = _evaluate(self.resolution, jets, pt, above=0.0)
        difference = _to_generator(events, leptons, jets, pt, resolution, self.settings.jer)
        matched = np.isfinite(difference)
        noise = np.zeros(len(pt))
        noise[~matched] = resolution[~matched] * _normal(events, leptons, jets)[~matched]
        smeared = {}
        for shift, key in ((NOMINAL, "nom"), ("jer_up", "up"), ("jer_down", "down")):
            scale = _evaluate(self.scale_factor, jets, pt, key, above=0.0)
            stochastic = 1.0 + noise * np.sqrt(np.maximum(scale**2 - 1.0, 0.0))
            factor = np.where(matched, 1.0 + (scale - 1.0) * np.nan_to_num(difference), stochastic)
            smeared[shift] = pt * np.maximum(factor, SMALLEST_FACTOR)
        return smeared

    def _shifted(self, jets: _Jets, smeared: dict[str, Floats]) -> Iterator[tuple[str, Floats]]:
        nominal = smeared[NOMINAL]
        yield from smeared.items()
        for source, correction in (self.sources or {}).items():
            uncertainty = _evaluate(correction, jets, nominal)
            yield f"jes{source}_up", nominal * (1.0 + uncertainty)
            yield f"jes{source}_down", nominal * (1.0 - uncertainty)


def load_jet_energy(settings: JetCorrections | None, sample: str, kind: Literal["data", "simulation"]) -> JetEnergy:
    """Return the corrections of the jets of a sample; data are neither smeared nor shifted.

    Raises
    ------
    JetCorrectionError
        If the file cannot be read, lacks corrections (all are named at once), or they take unknown inputs.
    """
    if settings is None:
        return JetEnergy()
    file = _CorrectionFile.open(settings.file)
    stored = settings.jec.simulation if kind == "simulation" else settings.jec.data
    levels = tuple(file.take(f"jec.{kind}", name) for name in settings.jec.samples.get(sample, stored or ()))
    energy = JetEnergy(settings, levels)
    if kind == "simulation":
        jer = settings.jer
        energy = JetEnergy(
            settings,
            levels,
            None if jer is None else file.take("jer.resolution", jer.resolution),
            None if jer is None else file.take("jer.scale_factor", jer.scale_factor),
            {source: file.take(f"jes_sources.{source}", name) for source, name in settings.jes_sources.items()},
        )
    file.raise_problems()
    return energy


class _CorrectionFile(NamedTuple):
    """A correctionlib file, and everything that is wrong with what was taken from it."""

    path: str
    corrections: Any
    problems: list[str]

    @classmethod
    def open(cls, path: str) -> _CorrectionFile:
        try:
            return cls(path, correctionlib.CorrectionSet.from_file(path), [])
        except Exception as error:  # correctionlib raises many types on files that are missing or malformed
            raise JetCorrectionError(
                f"{path}: not a readable correctionlib file ({error}); correct jet_corrections.file"
            ) from error

    def take(self, key: str, name: str) -> Any:
        """Return the correction that a key of ``jet_corrections`` names, None with a problem more if there is none."""
        for corrections in (self.corrections, self.corrections.compound):
            if name in list(corrections):
                self._check_inputs(key, corrections[name])
                return corrections[name]
        names = [*self.corrections, *self.corrections.compound]
        close = [other for other in names if other.split("_")[-2:] == name.split("_")[-2:]] or names
        self.problems.append(f"{key}: the file has no correction {name!r}; it has {', '.join(sorted(close)[:8])}")
        return None

    def _check_inputs(self, key: str, correction: Correction) -> None:
        unknown = [variable.name for variable in correction.inputs if variable.name not in INPUTS]
        if unknown:
            self.problems.append(
                f"{key}: {correction.name!r} takes {', '.join(unknown)}; known inputs are {', '.join(INPUTS)}"
            )

    def raise_problems(self) -> None:
        if self.problems:
            lines = "\n".join(f"  jet_corrections.{problem}" for problem in self.problems)
            raise JetCorrectionError(f"{self.path}: {len(self.problems)} problem(s)\n{lines}")


def _jets_of(events: Events, leptons: LeptonPairs, lepton_delta_r_min: float) -> _Jets:
    (offsets, columns), position = events.jets, leptons.position
    count = offsets[position + 1] - offsets[position]
    start = offsets[position] - (np.cumsum(count) - count)
    index = np.repeat(start, count) + np.arange(count.sum())
    row = np.repeat(np.arange(len(position)), count)
    far = np.ones(len(index), np.bool_)
    eta, phi = (columns[name][index].astype(np.float64) for name in ("eta", "phi"))
    for lepton in (0, 1):
        lepton_eta, lepton_phi = (c[row, lepton] for c in (leptons.lepton_eta, leptons.lepton_phi))
        far &= delta_r_squared(eta, phi, lepton_eta, lepton_phi) > lepton_delta_r_min**2
    index, row = index[far], row[far]
    of_jet = {"JetEta": "eta", "JetPhi": "phi", "JetA": "area", "rawFactor": "rawFactor"}
    inputs = {name: columns[column][index].astype(np.float64) for name, column in of_jet.items() if column in columns}
    of_event = {"run": events.run} | ({} if events.rho is None else {"Rho": events.rho})
    inputs |= {name: column[position][row].astype(np.float64) for name, column in of_event.items()}
    return _Jets(index, row, columns["pt"][index].astype(np.float64), inputs)


def _evaluate(
    correction: Correction, jets: _Jets, pt: Floats, systematic: str = "nom", above: float = -np.inf
) -> Floats:
    """Return a correction at all jets.

    Raises
    ------
    JetCorrectionError
        If it is not defined somewhere, not finite, or not above a limit.
    """
    if not len(pt):
        return np.zeros(0)
    values = {**jets.inputs, "JetPt": pt, "systematic": systematic}
    arguments = [_typed(values[variable.name], variable.type) for variable in correction.inputs]
    try:
        result = np.broadcast_to(np.asarray(correction.evaluate(*arguments), np.float64), pt.shape)
    except (IndexError, RuntimeError, ValueError) as error:
        eta = jets.inputs["JetEta"]
        raise JetCorrectionError(
            f"correction {correction.name!r} is not defined for all jets, with pT from {pt.min():g} to {pt.max():g} "
            f"GeV and eta from {eta.min():g} to {eta.max():g} ({error}); name another one in jet_corrections"
        ) from error
    bad = ~(np.isfinite(result) & (result > above))
    if np.any(bad):
        raise JetCorrectionError(
            f"correction {correction.name!r} is {result[bad][0]:g} at pT = {pt[bad][0]:g} GeV, eta = "
            f"{jets.inputs['JetEta'][bad][0]:g} ({np.count_nonzero(bad)} of {len(bad)} jets); it must be finite"
            f"{'' if above == -np.inf else f' and above {above:g}'}; name another one in jet_corrections"
        )
    return result


def _typed(value: Any, kind: str) -> Any:
    return value.astype(np.int64) if kind == "int" else value


def _to_generator(
    events: Events, leptons: LeptonPairs, jets: _Jets, pt: Floats, resolution: Floats, settings: Resolution
) -> Floats:
    """Return (pT - pT_gen) / pT; NaN for jets that no jet of the generator matches in angle and pT."""
    assert events.gen_jets is not None
    offsets, columns = events.gen_jets
    start = offsets[leptons.position][jets.row]
    in_event = events.jets.columns["genJetIdx"][jets.position]
    # genJetIdx may point at a jet that is below the threshold and not stored
    exists = np.flatnonzero((in_event >= 0) & (start + in_event < offsets[leptons.position + 1][jets.row]))
    partner = (start + in_event)[exists]
    gen_pt, gen_eta, gen_phi = (columns[name][partner].astype(np.float64) for name in ("pt", "eta", "phi"))
    difference = (pt[exists] - gen_pt) / pt[exists]
    eta, phi = jets.inputs["JetEta"][exists], jets.inputs["JetPhi"][exists]
    near = delta_r_squared(eta, phi, gen_eta, gen_phi) < settings.match_delta_r_max**2
    near &= np.abs(difference) < settings.match_sigmas_max * resolution[exists]
    result = np.full(len(pt), np.nan)
    result[exists[near]] = difference[near]
    return result


def _normal(events: Events, leptons: LeptonPairs, jets: _Jets) -> Floats:
    """Return a normal random number for each jet, fixed by run, luminosity block, event and position in the event.

    A jet has the same number in every chunk, file, shift and program.
    """
    state = np.zeros(len(leptons.position), np.uint64)
    for column in (events.run, events.luminosity_block, events.event):
        state = mixed(state ^ column[leptons.position].astype(np.uint64))
    place = jets.position - events.jets.offsets[leptons.position][jets.row]
    bits = mixed(state[jets.row] + place.astype(np.uint64) * GAMMA)
    return np.asarray(ndtri(uniform(bits)))


def _replaced(events: Events, leptons: LeptonPairs, jets: _Jets, pt: Floats, pull: Floats) -> Events:
    stored, changed = events.jets.columns["pt"], events.jets.columns["pt"].copy()
    changed[jets.position] = pt
    if np.array_equal(changed, stored):
        return events
    assert events.met_phi is not None
    n = len(leptons.position)
    x, y = (np.bincount(jets.row, weights=(pt - jets.stored_pt) * component, minlength=n) for component in pull)
    met, phi = (column[leptons.position].astype(np.float64) for column in (events.met_gev, events.met_phi))
    met_gev = events.met_gev.copy()
    met_gev[leptons.position] = np.hypot(met * np.cos(phi) - x, met * np.sin(phi) - y)
    return events._replace(
        jets=Collection(events.jets.offsets, {**events.jets.columns, "pt": changed}), met_gev=met_gev
    )
