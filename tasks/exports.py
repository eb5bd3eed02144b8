"""The files that analyses download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepsf.config.exports import METHOD_OF, Form
from tasks.binned import MeasureBinnedSF, load_binned
from tasks.deepsf import AggregateDeepSF, load_ensemble
from tasks.direct import TrainDirectSF, load_direct
from tasks.errors import MeasureErrors, load_errors
from tasks.framework.base import ConfigTask
from tasks.framework.machine import commit
from tasks.framework.settings import config_path
from tasks.framework.targets import staged
from tasks.inputs import SampleInclusiveJets, load_inclusive
from tasks.skim import SkimNtuples, skimmed

if TYPE_CHECKING:
    from deepsf.errors.method_errors import MethodErrors
    from deepsf.networks.scale_factor import EnsembleScaleFactor


class ExportScaleFactors(ConfigTask):
    """Writes scale factors for analyses: correctionlib JSON (strict, safe, tables and networks), CSV, ONNX, maps."""

    code_version = 7
    keeps_replaced = True
    uses_networks = True
    config_keys = (
        "tagger.name",
        "tagger.branch",
        "campaign.era",
        "campaign.luminosity_ifb",
        "flavours",
        "selection.jet.abseta_max",
        "training.precision",
        "extrapolation",
        "exports",
    )

    def requires(self) -> Any:
        needed = {
            "skims": SkimNtuples.req(self),
            "binned": MeasureBinnedSF.req(self),
            "inclusive": SampleInclusiveJets.req(self),
        }
        methods = {METHOD_OF[form] for form in self._network_forms()}
        if "deepsf" in methods:
            needed["deepsf"] = AggregateDeepSF.req(self)
        if "direct" in methods:
            needed["direct"] = TrainDirectSF.req(self)
        return needed | ({"errors": MeasureErrors.req(self)} if methods else {})

    def output(self) -> Any:
        files = self.cfg("exports").files(self.cfg("tagger.name"))
        left_out = set(METHOD_OF) - set(self._network_forms())
        return {form: self.target(name) for form, name in files.items() if form not in left_out}

    def _network_forms(self) -> tuple[Form, ...]:
        """Return the forms that need networks, as far as there are any."""
        has_direct = self.plan_cfg("direct") is not None
        wanted = self.cfg("exports").forms
        return tuple(form for form in METHOD_OF if form in wanted and (form != "direct" or has_direct))

    def run(self) -> None:
        from deepsf.exports.corrections import Label
        from deepsf.exports.write import ExportedResults, write_exports

        settings, tagger, inputs = self.cfg("exports"), self.cfg("tagger.name"), self.input()
        label = Label(
            settings.shape_name(tagger),
            tagger,
            self.cfg("tagger.branch"),
            settings.era or self.cfg("campaign.era"),
            f"{settings.description} Luminosity {self.cfg('campaign.luminosity_ifb'):g} /fb.".lstrip(),
            settings.correlated,
            campaign=config_path(self.config).stem,
            commit=commit(),
        )
        results = ExportedResults(
            load_binned(inputs["binned"]),
            self.cfg("flavours"),
            load_inclusive(inputs["inclusive"]),
            self.cfg("selection.jet.abseta_max"),
            self._networks(),
        )
        outputs = self.output()
        with staged(*outputs.values()) as parts:
            places = dict(zip(outputs, parts, strict=True))
            notes = write_exports(places, results, label, settings, skimmed(inputs["skims"], "jets"))
        for note in notes:
            self.publish_message(note)

    def _networks(self) -> dict[str, MethodErrors]:
        inputs = self.input()
        ensembles: dict[str, EnsembleScaleFactor] = {}
        if "deepsf" in inputs:
            ensembles["deepsf"] = load_ensemble(self, inputs["deepsf"])
        if "direct" in inputs:
            ensembles["direct"] = load_direct(inputs["direct"])
        return load_errors(self, inputs["errors"], ensembles) if ensembles else {}
