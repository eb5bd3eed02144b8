"""Figures: their PDF and PNG files are the outputs."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsf.config.flavours import hadron_flavours, measured_flavours
from tasks.audit import AuditScaleFactors
from tasks.binned import MeasureBinnedSF
from tasks.deepsf import AggregateDeepSF, TrainDeepSF
from tasks.framework import settings
from tasks.framework.abstract import only_inherited
from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepsf.plots.scale_factors.panels import Reference
    from tasks.framework.targets import ProvenanceTarget

STYLE_KEYS = ("plots", "campaign", "flavours")


@only_inherited
class PlotTask(ConfigTask):
    """Draws figures; the configuration decides which there are."""

    @abstractmethod
    def stems(self) -> list[str]:
        """Return the names of all figures."""

    @abstractmethod
    def figures(self) -> Iterable[tuple[str, Figure]]:
        """Yield name and figure."""

    def output(self) -> Any:
        return {stem: [self.target(f"{stem}.pdf"), self.target(f"{stem}.png")] for stem in self.stems()}

    def run(self) -> None:
        from deepsf.plots.style import save

        outputs, dpi = self.output(), self.cfg("plots").dpi
        for stem, figure in self.figures():
            with staged(*outputs.pop(stem)) as (pdf, _):
                save(figure, pdf.with_suffix(""), dpi)
        if outputs:
            raise RuntimeError(f"{self.task_family}: figures {sorted(outputs)} were not made")
        self.publish_message(f"figures in {self.folder()}")

    def style(self, audit: ProvenanceTarget) -> Any:
        """Return labels and colours of the configuration; the audit knows whether the ensemble lacks members."""
        from deepsf.audit.summary import members_note
        from deepsf.plots.style import Style

        members = members_note(json.loads(audit.file.read_text()))
        return Style.of(self.cfg("plots"), self.cfg("campaign"), tuple(self.cfg("flavours")), members)


class PlotScaleFactors(PlotTask):
    """Draws DeepSF over binned scale factors in every (pT, |eta|) bin; overviews, maps, truth, training curves."""

    def config_keys(self) -> tuple[str, ...]:
        return (*STYLE_KEYS, "binned.bins", "generator")

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

    def stems(self) -> list[str]:
        from deepsf.plots.scale_factors.names import scale_factor_stems

        measured = measured_flavours(self.cfg("flavours"))
        return scale_factor_stems(self.cfg("binned.bins"), measured, with_truth=self.cfg("generator") is not None)

    def figures(self) -> Iterable[tuple[str, Figure]]:
        from deepsf.audit.bin_means import bin_means_from_json
        from deepsf.audit.truth import overlay_from_json
        from deepsf.binned.scale_factor import BinnedScaleFactor
        from deepsf.networks.ensemble import summaries_from_json
        from deepsf.plots.scale_factors.campaign import ScaleFactorResults, scale_factor_figures

        inputs = self.input()
        histories = [member["history"].file for member in self.requires()["members"].members().values()]
        results = ScaleFactorResults(
            BinnedScaleFactor.from_json(inputs["binned"].file.read_text()),
            summaries_from_json(inputs["deepsf"]["bins"].file.read_text()),
            json.loads(inputs["deepsf"]["grid"].file.read_text()),
            overlay_from_json(inputs["audit"]["truth_overlay"].file.read_text()),
            [json.loads(path.read_text()) for path in histories],
            bin_means_from_json(inputs["audit"]["bin_means"].file.read_text()),
        )
        return scale_factor_figures(results, self.style(inputs["audit"]["audit"]), self._reference())

    def _reference(self) -> Reference | None:
        import correctionlib

        from deepsf.plots.scale_factors.panels import Reference

        wanted = self.cfg("plots").reference
        if wanted is None:
            return None
        correction = correctionlib.CorrectionSet.from_file(str(settings.resolve(wanted.file)))[wanted.name]
        codes = hadron_flavours(self.cfg("flavours"))
        return Reference.of_correction(correction, wanted.label, wanted.systematic, codes)


class PlotClosure(PlotTask):
    """Draws probe discriminants by region: simulation by flavour against data, before and after scale factors."""

    def config_keys(self) -> tuple[str, ...]:
        return (*STYLE_KEYS, "regions")

    def requires(self) -> Any:
        return AuditScaleFactors.req(self)

    def stems(self) -> list[str]:
        from deepsf.plots.scale_factors.names import closure_stems

        measured = measured_flavours(self.cfg("flavours"))
        return closure_stems([n for n, region in self.cfg("regions").items() if region.enriched_flavour in measured])

    def figures(self) -> Iterable[tuple[str, Figure]]:
        from deepsf.audit.closure import closure_from_json
        from deepsf.plots.scale_factors.campaign import agreement_of, closure_figures

        closures = closure_from_json(self.input()["closure"].file.read_text())
        agreement = agreement_of(self.input()["audit"].file.read_text())
        return closure_figures(closures, agreement, self.style(self.input()["audit"]))
