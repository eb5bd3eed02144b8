"""The files that analyses download."""

from __future__ import annotations

from typing import Any

from tasks.binned import MeasureBinnedSF
from tasks.deepsf import AggregateDeepSF
from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged
from tasks.inputs import SampleInclusiveJets, load_inclusive, skimmed
from tasks.skim import SkimNtuples


class ExportScaleFactors(ConfigTask):
    """correctionlib JSON (strict, safe, DeepSF), BTV CSV and normalisation maps."""

    config_keys = (
        "tagger.name",
        "tagger.branch",
        "campaign.era",
        "flavours",
        "selection.jet.abseta_max",
        "training.precision",
        "exports",
    )
    keeps_replaced = True

    def requires(self) -> Any:
        needed = {"skims": SkimNtuples.req(self), "binned": MeasureBinnedSF.req(self)}
        if "deepsf" in self.cfg("exports").forms:
            needed |= {"deepsf": AggregateDeepSF.req(self), "inclusive": SampleInclusiveJets.req(self)}
        return needed

    def output(self) -> Any:
        return {form: self.target(name) for form, name in self.cfg("exports").files(self.cfg("tagger.name")).items()}

    def run(self) -> None:
        from deepsf.binned.scale_factor import BinnedScaleFactor
        from deepsf.exports.correctionlib_json import Label
        from deepsf.exports.write import write_exports
        from deepsf.networks.cpu import prepare_process
        from deepsf.networks.scale_factor import EnsembleScaleFactor

        prepare_process()
        settings, tagger, inputs = self.cfg("exports"), self.cfg("tagger.name"), self.input()
        label = Label(
            settings.shape_name(tagger),
            tagger,
            self.cfg("tagger.branch"),
            settings.era or self.cfg("campaign.era"),
            settings.description,
            settings.correlated,
        )
        ensemble = inclusive = None
        if "deepsf" in inputs:
            ensemble = EnsembleScaleFactor.load(inputs["deepsf"]["ensemble"].file, self.cfg("training.precision"))
            inclusive = load_inclusive(inputs["inclusive"])
        outputs = self.output()
        with staged(*outputs.values()) as parts:
            lines = write_exports(
                dict(zip(outputs, parts, strict=True)),
                binned=BinnedScaleFactor.from_json(inputs["binned"].file.read_text()),
                flavours=self.cfg("flavours"),
                label=label,
                settings=settings,
                jet_tables=skimmed(inputs["skims"], "jets"),
                ensemble=ensemble,
                inclusive=inclusive,
                abseta_max=self.cfg("selection.jet.abseta_max"),
            )
        for line in lines:
            self.publish_message(line)
