"""The files that analyses download."""

from __future__ import annotations

from typing import Any

from tasks.binned import MeasureBinnedSF, load_binned
from tasks.deepsf import AggregateDeepSF, load_ensemble
from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged
from tasks.inputs import SampleInclusiveJets, load_inclusive
from tasks.skim import SkimNtuples, skimmed


class ExportScaleFactors(ConfigTask):
    """Writes scale factors for analyses: correctionlib JSON (strict, safe, DeepSF), BTV CSV, normalisation maps."""

    code_version = 3
    keeps_replaced = True
    uses_networks = True
    config_keys = (
        "tagger.name",
        "tagger.branch",
        "campaign.era",
        "flavours",
        "selection.jet.abseta_max",
        "training.precision",
        "exports",
    )

    def requires(self) -> Any:
        needed = {
            "skims": SkimNtuples.req(self),
            "binned": MeasureBinnedSF.req(self),
            "inclusive": SampleInclusiveJets.req(self),
        }
        if "deepsf" in self.cfg("exports").forms:
            needed |= {"deepsf": AggregateDeepSF.req(self)}
        return needed

    def output(self) -> Any:
        return {form: self.target(name) for form, name in self.cfg("exports").files(self.cfg("tagger.name")).items()}

    def run(self) -> None:
        from deepsf.exports.corrections import Label
        from deepsf.exports.write import ExportedResults, write_exports

        settings, tagger, inputs = self.cfg("exports"), self.cfg("tagger.name"), self.input()
        label = Label(
            settings.shape_name(tagger),
            tagger,
            self.cfg("tagger.branch"),
            settings.era or self.cfg("campaign.era"),
            settings.description,
            settings.correlated,
        )
        results = ExportedResults(
            load_binned(inputs["binned"]),
            self.cfg("flavours"),
            load_inclusive(inputs["inclusive"]),
            self.cfg("selection.jet.abseta_max"),
            load_ensemble(self, inputs["deepsf"]) if "deepsf" in inputs else None,
        )
        outputs = self.output()
        with staged(*outputs.values()) as parts:
            places = dict(zip(outputs, parts, strict=True))
            notes = write_exports(places, results, label, settings, skimmed(inputs["skims"], "jets"))
        for note in notes:
            self.publish_message(note)
