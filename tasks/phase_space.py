"""Closure in breadth: all jets of all dilepton events and a validation region; what the regions consist of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from deepsf.config.flavours import measured_flavours
from tasks.audit import AuditScaleFactors
from tasks.binned import MeasureBinnedSF
from tasks.deepsf import AggregateDeepSF
from tasks.direct import direct_if_wanted, load_direct
from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.machine import made_on
from tasks.framework.targets import staged
from tasks.inputs import skimmed
from tasks.plots import STYLE_KEYS, PlotTask
from tasks.skim import SkimNtuples

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class AuditPhaseSpace(ConfigTask):
    """``phase_space.json``: rates, yields, tests in the validation region; the histograms that plots draw."""

    config_keys = (
        "samples",
        "flavours",
        "campaign.luminosity_ifb",
        "selection.jet_columns",
        "selection.jet.abseta_max",
        "training.precision",
        "validation",
    )
    keeps_replaced = True

    def requires(self) -> Any:
        needed = {
            "skims": SkimNtuples.req(self),
            "binned": MeasureBinnedSF.req(self),
            "deepsf": AggregateDeepSF.req(self),
        }
        return needed | direct_if_wanted(self)

    def output(self) -> Any:
        return {name: self.target(f"{name}.json") for name in ("phase_space", "histograms")}

    def run(self) -> None:
        from deepsf.audit.methods import DIRECT
        from deepsf.audit.phase_space.report import audit_phase_spaces
        from deepsf.binned.scale_factor import BinnedScaleFactor
        from deepsf.networks.cpu import prepare_process
        from deepsf.networks.scale_factor import EnsembleScaleFactor

        prepare_process()
        inputs = self.input()
        result = audit_phase_spaces(
            skimmed(inputs["skims"], "jets"),
            provenance={**made_on(), "config": settings.config_path(self.config).stem},
            samples=self.cfg("samples"),
            flavours=self.cfg("flavours"),
            luminosity_ifb=self.cfg("campaign.luminosity_ifb"),
            binned=BinnedScaleFactor.from_json(inputs["binned"].file.read_text()),
            deepsf=EnsembleScaleFactor.load(inputs["deepsf"]["ensemble"].file, self.cfg("training.precision")),
            abseta_max=self.cfg("selection.jet.abseta_max"),
            settings=self.cfg("validation"),
            jet_columns=self.cfg("selection.jet_columns"),
            further={DIRECT: load_direct(inputs["direct"])} if "direct" in inputs else {},
        )
        with staged(*self.output().values()) as (report, histograms):
            report.write_text(result.report)
            histograms.write_text(result.histograms)


class PlotPhaseSpace(PlotTask):
    """Discriminants of all jets, number of jets and HT by channel: data over simulation, before and after."""

    config_keys = (*STYLE_KEYS, "validation")

    def requires(self) -> Any:
        return {"phase_space": AuditPhaseSpace.req(self), "audit": AuditScaleFactors.req(self)}

    def stems(self) -> list[str]:
        from deepsf.plots.scale_factors.names import phase_space_stems

        return phase_space_stems()

    def figures(self) -> Iterable[tuple[str, Figure]]:
        from deepsf.audit.phase_space.histograms import histograms_from_json
        from deepsf.plots.scale_factors.phase_space import figures

        inputs = self.input()
        histograms = histograms_from_json(inputs["phase_space"]["histograms"].file.read_text())
        tests = json.loads(inputs["phase_space"]["phase_space"].file.read_text())["validation"]["tests"]
        style = self.style(inputs["audit"]["audit"])
        return figures(histograms["jets"], histograms["events"], tests, self.cfg("validation"), style)


class PlotPurity(PlotTask):
    """Fraction of every flavour in each region, and the condition number of the system that is solved for them."""

    config_keys = (*STYLE_KEYS, "regions")

    def requires(self) -> Any:
        return MeasureBinnedSF.req(self)

    def stems(self) -> list[str]:
        from deepsf.plots.scale_factors.names import purity_stems

        measured = measured_flavours(self.cfg("flavours"))
        return purity_stems([n for n, region in self.cfg("regions").items() if region.enriched_flavour in measured])

    def figures(self) -> Iterable[tuple[str, Figure]]:
        from deepsf.binned.scale_factor import BinnedScaleFactor
        from deepsf.plots.scale_factors.purity import figures
        from deepsf.plots.style import Style

        binned = BinnedScaleFactor.from_json(self.input().file.read_text())
        style = Style.of(self.cfg("plots"), self.cfg("campaign"), tuple(self.cfg("flavours")))
        return figures(binned.system, style)
