"""Energy of jets: corrections, smearing to the resolution of data, and the shifts of both, with the missing pT.

Raw jets are corrected level by level (CMS, arXiv:1607.03663) and smeared (`deepsf.skim.jet_resolution`). Sources of
uncertainty of the energy scale multiply the smeared pT by 1 +- u(eta, pT). The changes of all jets are subtracted from
the missing pT (type-1 correction).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from deepsf.arrays import Floats
from deepsf.config.jet_corrections import JetCorrections, Resolution, Smearing
from deepsf.corrections.sets import open_set
from deepsf.nanoaod.branches import CorrectionBranches
from deepsf.nanoaod.columns import Collection
from deepsf.nanoaod.events import Events
from deepsf.skim.dileptons import LeptonPairs
from deepsf.skim.jet_inputs import Correction, JetCorrectionError, JetInputs, evaluate, jets_of
from deepsf.skim.jet_resolution import JetResolution
from deepsf.skim.shifts import NOMINAL

INPUTS = ("JetPt", "JetEta", "JetPhi", "JetA", "Rho", "run", "systematic")
"""Inputs that a correction may take, by their names in the files of CMS."""
SMEARING_INPUTS = ("JetPt", "JetEta", "JetPhi", "GenPt", "Rho", "run", "EventID", "JER", "JERSF", "JERsf")
"""The same for the smearing; public recipes write JERSF or JERsf."""
FEW = 0.2


@dataclass(frozen=True)
class JetEnergy:
    """What is done to the jets of one sample, by default nothing; made by `load_jet_energy`."""

    settings: JetCorrections | None = None
    levels: tuple[Correction, ...] = ()
    resolution: JetResolution | None = None
    sources: Mapping[str, Correction] | None = None

    @property
    def shifts(self) -> tuple[str, ...]:
        """Names of the kinematic shifts, ``nominal`` first."""
        return (NOMINAL,) if self.settings is None or self.sources is None else self.settings.shifts

    @property
    def branches(self) -> CorrectionBranches:
        """Which branches the corrections need."""
        corrections = [*self.levels, *(() if self.resolution is None else self.resolution.corrections)]
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
        jets = jets_of(events, leptons, lepton_delta_r_min)
        pt = self._corrected(jets)
        phi = jets.inputs["JetPhi"]
        pull = np.stack([np.cos(phi), np.sin(phi)]) * (pt > self.settings.met_pt_min_gev)
        resolution = self.resolution
        smeared = {NOMINAL: pt} if resolution is None else resolution.smeared(events, leptons, jets, pt)
        for shift, shifted in self._shifted(jets, smeared):
            yield shift, _replaced(events, leptons, jets, shifted, pull)

    @property
    def origins(self) -> dict[str, str]:
        """By shift, the key and the correction that it comes from, for messages."""
        of_source = {}
        if self.resolution is not None:
            jer = self.resolution.settings
            of_source["jer"] = f"jet_corrections.jer: {jer.scale_factor_uncertainty or jer.scale_factor}"
        for source, correction in (self.sources or {}).items():
            of_source[f"jes{source}"] = f"jet_corrections.jes_sources.{source}: {correction.name}"
        return {shift: of_source[shift.rpartition("_")[0]] for shift in self.shifts[1:]}

    def acts_on_few(self, shift: str, abseta_max: float) -> bool:
        """Return whether a shift of the energy scale changes jets, but less than a fifth of those below an |eta|.

        Such are the sources of forward jets, which move the missing pT alone.
        """
        correction = (self.sources or {}).get(shift.removeprefix("jes").rpartition("_")[0])
        if correction is None:
            return False
        # at these pT no jet has more energy than the beams; beyond, some sources of CMS are NaN
        eta, pt = (grid.ravel() for grid in np.meshgrid(np.linspace(-5.15, 5.15, 104), [20.0, 50.0]))
        jets = {"JetEta": eta, "JetPhi": 0.0 * eta, "JetA": 0.0 * eta + 0.5, "Rho": 0.0 * eta + 20.0, "run": 0.0 * eta}
        try:
            changed = np.abs(evaluate(correction, jets, pt)) > 0.0
        except JetCorrectionError:  # what it does where it is not defined is no excuse
            return False
        return bool(changed.any() and changed[np.abs(eta) < abseta_max].mean() < FEW)

    def _corrected(self, jets: JetInputs) -> Floats:
        if not self.levels:
            return jets.stored_pt
        pt = jets.stored_pt * (1.0 - jets.inputs["rawFactor"])
        for level in self.levels:
            pt = pt * evaluate(level, jets.inputs, pt, above=0.0)
        return pt

    def _shifted(self, jets: JetInputs, smeared: dict[str, Floats]) -> Iterator[tuple[str, Floats]]:
        nominal = smeared[NOMINAL]
        yield from smeared.items()
        for source, correction in (self.sources or {}).items():
            uncertainty = evaluate(correction, jets.inputs, nominal)
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
        resolution = None if settings.jer is None else _resolution(file, settings.jer)
        sources = {source: file.take(f"jes_sources.{source}", name) for source, name in settings.jes_sources.items()}
        energy = JetEnergy(settings, levels, resolution, sources)
    file.raise_problems()
    return energy


def _resolution(file: _CorrectionFile, jer: Resolution) -> JetResolution:
    scale_factor, uncertainty = file.take("jer.scale_factor", jer.scale_factor), None
    if jer.scale_factor_uncertainty is not None:
        uncertainty = file.take("jer.scale_factor_uncertainty", jer.scale_factor_uncertainty)
    elif scale_factor is not None and "systematic" not in _inputs(scale_factor):
        names = [name for name in file.names if "SFUncertainty" in name]
        file.problems.append(
            f"jer.scale_factor: {jer.scale_factor!r} takes no systematic, so that jer_up and jer_down cannot be "
            "expressed by it; name the correction of its uncertainty in jet_corrections.jer.scale_factor_uncertainty"
            f" ({', '.join(sorted(names)[:8]) or 'the file has no SFUncertainty'})"
        )
    return JetResolution(
        settings=jer,
        resolution=file.take("jer.resolution", jer.resolution),
        scale_factor=scale_factor,
        uncertainty=uncertainty,
        smearing=None if jer.smearing is None else _smearing(jer.smearing),
    )


def _smearing(settings: Smearing) -> Correction:
    file = _CorrectionFile.open(settings.file, "jer.smearing.file")
    smearing: Correction = file.take("jer.smearing.name", settings.name, SMEARING_INPUTS)
    if smearing is not None and not _inputs(smearing) & {"JERSF", "JERsf"}:
        file.problems.append(
            f"jer.smearing.name: {settings.name!r} takes no JERSF, so that jer_up and jer_down cannot be expressed by "
            "it; name a correction that does, or drop jer.smearing"
        )
    file.raise_problems()
    return smearing


def _inputs(correction: Correction) -> set[str]:
    return {variable.name for variable in correction.inputs}


class _CorrectionFile(NamedTuple):
    """A correctionlib file, and everything that is wrong with what was taken from it."""

    path: str
    corrections: Any
    problems: list[str]

    @classmethod
    def open(cls, path: str, key: str = "file") -> _CorrectionFile:
        return cls(path, open_set(path, JetCorrectionError, f"correct jet_corrections.{key}"), [])

    @property
    def names(self) -> list[str]:
        return [*self.corrections, *self.corrections.compound]

    def take(self, key: str, name: str, known: tuple[str, ...] = INPUTS) -> Any:
        """Return the correction that a key of ``jet_corrections`` names, None with a problem more if there is none."""
        for corrections in (self.corrections, self.corrections.compound):
            if name in list(corrections):
                self._check_inputs(key, corrections[name], known)
                return corrections[name]
        close = [other for other in self.names if other.split("_")[-2:] == name.split("_")[-2:]] or self.names
        self.problems.append(f"{key}: the file has no correction {name!r}; it has {', '.join(sorted(close)[:8])}")
        return None

    def _check_inputs(self, key: str, correction: Correction, known: tuple[str, ...]) -> None:
        unknown = [variable.name for variable in correction.inputs if variable.name not in known]
        if unknown:
            self.problems.append(
                f"{key}: {correction.name!r} takes {', '.join(unknown)}; known inputs are {', '.join(known)}"
            )

    def raise_problems(self) -> None:
        if self.problems:
            lines = "\n".join(f"  jet_corrections.{problem}" for problem in self.problems)
            raise JetCorrectionError(f"{self.path}: {len(self.problems)} problem(s)\n{lines}")


def _replaced(events: Events, leptons: LeptonPairs, jets: JetInputs, pt: Floats, pull: Floats) -> Events:
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
