"""Figures: their files are the outputs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsf.config.flavours import hadron_flavours, measured_flavours
from tasks.audit import AuditScaleFactors
from tasks.binned import MeasureBinnedSF, load_binned
from tasks.deepsf import AggregateDeepSF, TrainDeepSF
from tasks.framework import settings
from tasks.framework.abstract import only_inherited
from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged

if TYPE_CHECKING:
    from deepsf.plots.plan import PlannedFigure
    from deepsf.plots.scale_factors.plan import ClosureResults, ScaleFactorResults
    from deepsf.plots.scale_factors.reference import Reference
    from deepsf.plots.style import Style
    from tasks.framework.targets import ProvenanceTarget

STYLE_KEYS = ("plots", "campaign", "flavours")


@only_inherited
class PlotTask(ConfigTask):
    """Draws figures; the configuration decides which there are."""

    @abstractmethod
    def plan(self) -> Sequence[PlannedFigure[Any]]:
        """Return all figures."""

    @abstractmethod
    def results(self) -> Any:
        """Return what the figures show."""

    def audit(self) -> ProvenanceTarget | None:
        """Return the audit, which knows whether the ensemble lacks members; None if the figures show no ensemble."""
        return None

    def flavour_names(self) -> tuple[str, ...]:
        """Return the flavours in the order of their default colours."""
        return tuple(self.cfg("flavours"))

    def style(self) -> Style:
        """Return labels and colours."""
        from deepsf.audit.summary import members_notes
        from deepsf.plots.style import Style

        audit = self.audit()
        report = {} if audit is None else audit.read_json()
        notes = members_notes(report) if report else {}
        lacking = report.get("errors_lacking", {}).get("deepsf", ())
        # a toy of efficiencies has no data, and so no luminosity to write into the corner
        campaign = self.cfg("campaign") if "campaign" in self.config_keys else None
        style = Style.of(self.cfg("plots"), campaign, self.flavour_names(), notes)
        return replace(style, errors_lacking=lacking)

    def output(self) -> Any:
        formats = self.plan_cfg("plots").formats
        return {stem: [self.target(f"{stem}.{kind}") for kind in formats] for stem, _ in self.plan()}

    def run(self) -> None:
        from deepsf.plots.style import save

        outputs, results, style, plots = self.output(), self.results(), self.style(), self.cfg("plots")
        for stem, draw in self.plan():
            with staged(*outputs[stem]) as (first, *_):
                save(draw(results, style), first.with_suffix(""), plots.dpi, plots.formats)
        self.publish_message(f"figures in {self.folder()}")


class PlotScaleFactors(PlotTask):
    """Draws DeepSF over binned scale factors in every (pT, |eta|) bin; overviews, maps, truth, training curves."""

    code_version = 3
    config_keys = (*STYLE_KEYS, "binned.bins", "generator")

    def requires(self) -> Any:
        return {
            "binned": MeasureBinnedSF.req(self),
            "members": TrainDeepSF.req(self),
            "deepsf": AggregateDeepSF.req(self),
            "audit": AuditScaleFactors.req(self),
        }

    def external_files(self) -> tuple[Path, ...]:
        reference = self.cfg("plots").reference
        return () if reference is None else (settings.resolve(reference.file),)

    def plan(self) -> Sequence[PlannedFigure[ScaleFactorResults]]:
        from deepsf.plots.scale_factors.plan import scale_factor_figures

        measured = measured_flavours(self.cfg("flavours"))
        return scale_factor_figures(self.cfg("binned.bins"), measured, with_truth=self.cfg("generator") is not None)

    def audit(self) -> ProvenanceTarget:
        return self.input()["audit"]["audit"]

    def results(self) -> ScaleFactorResults:
        from deepsf.audit.truth import overlay_from_json
        from deepsf.networks.ensemble import summaries_from_json
        from deepsf.plots.scale_factors.panels import FlavourResults
        from deepsf.plots.scale_factors.plan import ScaleFactorResults
        from deepsf.probes.histograms import from_json

        inputs, reference = self.input(), self._reference()
        summaries = inputs["deepsf"]["bins"].read_json(summaries_from_json)
        grids = inputs["deepsf"]["grid"].read_json()
        in_bins = inputs["audit"]["bin_means"].read_json(from_json)
        means, errors = in_bins["means"], in_bins["errors"]
        truth = inputs["audit"]["truth_overlay"].read_json(overlay_from_json)
        flavours = {
            name: FlavourResults(
                name, table, summaries[name], grids[name], means[name], errors[name], truth.get(name), reference
            )
            for name, table in load_binned(inputs["binned"]).flavours.items()
        }
        histories = [member["history"].read_json() for member in self.requires()["members"].members().values()]
        return ScaleFactorResults(flavours, histories)

    def _reference(self) -> Reference | None:
        from deepsf.corrections.correction import Correction
        from deepsf.plots.scale_factors.reference import Reference

        wanted = self.cfg("plots").reference
        if wanted is None:
            return None
        correction = Correction.load(settings.resolve(wanted.file), wanted.name)
        codes = hadron_flavours(self.cfg("flavours"))
        return Reference.of_correction(correction, wanted.label, wanted.systematic, codes)


class PlotClosure(PlotTask):
    """Draws probe discriminants by region: simulation by flavour against data, before and after scale factors."""

    code_version = 3
    config_keys = (*STYLE_KEYS, "regions")

    def requires(self) -> Any:
        return AuditScaleFactors.req(self)

    def plan(self) -> Sequence[PlannedFigure[ClosureResults]]:
        from deepsf.plots.scale_factors.plan import closure_figures

        measured = measured_flavours(self.cfg("flavours"))
        return closure_figures([n for n, region in self.cfg("regions").items() if region.enriched_flavour in measured])

    def audit(self) -> ProvenanceTarget:
        return self.input()["audit"]

    def results(self) -> ClosureResults:
        from deepsf.audit.closure import closure_from_json
        from deepsf.plots.scale_factors.plan import ClosureResults

        audit = self.audit().read_json()
        tests = audit["closure_chi2"], audit.get("closure_out_of_fold", {})
        return ClosureResults(self.input()["closure"].read_json(closure_from_json), *tests)
