"""Closure beyond the probe jets: all jets of all dilepton events, and a validation region. Purities of the regions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsf.config.flavours import measured_flavours
from tasks.audit import (
    TRUTH_KEYS,
    AuditScaleFactors,
    load_results,
    load_truth,
    method_inputs,
    refuse_unknown_truth,
    true_sf_files,
)
from tasks.binned import MeasureBinnedSF, load_binned
from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.machine import made_on
from tasks.framework.targets import staged
from tasks.inputs import MEASUREMENT_KEYS, load_measurement, measurement_inputs, skim_tables
from tasks.plots import STYLE_KEYS, PlotTask

if TYPE_CHECKING:
    from deepsf.binned.scale_factor import BinnedScaleFactor
    from deepsf.plots.plan import PlannedFigure
    from deepsf.plots.scale_factors.plan import PhaseSpaceResults
    from tasks.framework.targets import ProvenanceTarget


class AuditPhaseSpace(ConfigTask):
    """Compares data and weighted simulation over all jets of all events: ``phase_space.json``.

    The report has rates by channel, yields, and tests in the validation region. Beside it lie histograms for plots.
    """

    code_version = 2
    keeps_replaced = True
    uses_networks = True
    config_keys = (*MEASUREMENT_KEYS, *TRUTH_KEYS, "selection.jet.abseta_max", "training.precision", "validation")

    def check(self) -> None:
        super().check()
        refuse_unknown_truth(self)

    def requires(self) -> Any:
        return measurement_inputs(self) | method_inputs(self)

    def external_files(self) -> tuple[Path, ...]:
        return true_sf_files(self)

    def output(self) -> Any:
        return {name: self.target(f"{name}.json") for name in ("phase_space", "histograms")}

    def run(self) -> None:
        from deepsf.audit.methods import true_method
        from deepsf.audit.phase_space.report import audit_phase_spaces

        truth = load_truth(self)
        result = audit_phase_spaces(
            skim_tables(self, self.input()["skims"], "jets"),
            load_results(self),
            self.cfg("validation"),
            abseta_max=self.cfg("selection.jet.abseta_max"),
            truth=None if truth is None else true_method(truth, load_measurement(self)),
            head={**made_on(), "config": settings.config_path(self.config).stem},
        )
        with staged(*self.output().values()) as (report, histograms):
            report.write_text(result.report)
            histograms.write_text(result.histograms)


class PlotPhaseSpace(PlotTask):
    """Draws discriminants of all jets, number of jets and HT by channel, before and after scale factors."""

    code_version = 2
    config_keys = (*STYLE_KEYS, "validation")

    def requires(self) -> Any:
        return {"phase_space": AuditPhaseSpace.req(self), "audit": AuditScaleFactors.req(self)}

    def plan(self) -> Sequence[PlannedFigure[PhaseSpaceResults]]:
        from deepsf.plots.scale_factors.plan import phase_space_figures

        return phase_space_figures()

    def audit(self) -> ProvenanceTarget:
        return self.input()["audit"]["audit"]

    def results(self) -> PhaseSpaceResults:
        from deepsf.audit.phase_space.histograms import histograms_from_json
        from deepsf.plots.scale_factors.plan import PhaseSpaceResults

        inputs = self.input()["phase_space"]
        histograms = inputs["histograms"].read_json(histograms_from_json)
        tests = inputs["phase_space"].read_json()["validation"]["tests"]
        return PhaseSpaceResults(histograms, self.cfg("validation"), tests)


class PlotPurity(PlotTask):
    """Draws the fraction of each flavour in each region, and the condition number of the equations for the flavours."""

    code_version = 2
    config_keys = (*STYLE_KEYS, "regions")

    def requires(self) -> Any:
        return MeasureBinnedSF.req(self)

    def plan(self) -> Sequence[PlannedFigure[BinnedScaleFactor]]:
        from deepsf.plots.scale_factors.plan import purity_figures

        measured = measured_flavours(self.cfg("flavours"))
        return purity_figures([n for n, region in self.cfg("regions").items() if region.enriched_flavour in measured])

    def results(self) -> BinnedScaleFactor:
        return load_binned(self.input())
