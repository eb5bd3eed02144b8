"""The files of efficiencies that analyses download."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tasks.efficiency.events import EfficiencyTask
from tasks.efficiency.maps import BuildEfficiencyMaps
from tasks.efficiency.networks import AggregateEfficiency, EvaluateEfficiency, evaluated
from tasks.efficiency.non_closure import TEST, MeasureNonClosure
from tasks.framework.machine import commit
from tasks.framework.settings import config_path
from tasks.framework.targets import ProvenanceTarget, staged

if TYPE_CHECKING:
    from deepsf.efficiency.maps.maps import EfficiencyMap


def exported_maps(outputs: dict[str, ProvenanceTarget]) -> dict[str, EfficiencyMap]:
    """Return the maps by the names of their corrections."""
    from deepsf.efficiency.maps.maps import EfficiencyMap

    names = {"map": "efficiency", "map_delta_r": "efficiency_delta_r"}
    return {names[name]: target.read_json(EfficiencyMap.from_json) for name, target in outputs.items()}


class ExportEfficiency(EfficiencyTask):
    """Writes efficiencies for analyses: maps as correctionlib JSON, the ensemble as ONNX, ratios of processes."""

    code_version = 5
    uses_networks = True

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Leave out tagger and era of campaigns of efficiencies alone, which have none."""
        keys: tuple[str, ...] = ("flavours", "efficiency.ensemble.model")
        if self.transfer_samples():
            keys = (*keys, "efficiency.audit.non_closure_pt_gev")
        described = ("tagger.name", "tagger.branch", "campaign.era", "exports.era", "exports.description")
        return keys if self.is_alone() else (*keys, *described)

    def requires(self) -> Any:
        required = {
            "aggregate": AggregateEfficiency.req(self),
            "maps": BuildEfficiencyMaps.req(self),
            "non_closure": MeasureNonClosure.of(self, TEST),
        }
        if self.transfer_samples():
            required["efficiencies"] = EvaluateEfficiency.req(self)
            required["events"] = [self.req_events(sample) for sample in self.samples()]
        return required

    def output(self) -> Any:
        files = {"maps": self.target("efficiency_maps.json.gz"), "network": self.target("efficiency.onnx")}
        if self.transfer_samples():
            files["processes"] = self.target("efficiency_processes.json.gz")
        return files

    def run(self) -> None:
        from deepsf.efficiency.exports.write import write_exports, write_process_ratios
        from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
        from deepsf.efficiency.non_closure.cells import NonClosures

        aggregate = self.input()["aggregate"]
        ensemble = EfficiencyEnsemble.load(aggregate[self.cfg("efficiency.ensemble.model")].file)
        maps = exported_maps(self.input()["maps"])
        with staged(*self.output().values()) as (maps_path, network_path, *processes):
            write_exports(
                maps_path,
                network_path,
                maps=maps,
                ensemble=ensemble,
                hadron_flavours=self.hadron_flavours(),
                head=self.head(),
                non_closure=self.input()["non_closure"].read_json(NonClosures.from_json),
            )
            for path in processes:
                ratios = self._process_ratios()
                write_process_ratios(path, ratios, hadron_flavours=self.hadron_flavours(), head=self.head())

    def _process_ratios(self) -> dict[str, Any]:
        from deepsf.efficiency import evaluation
        from deepsf.efficiency.process_ratios import process_ratios

        files, test = evaluated(self), self.load_events("test")
        model, pt_gev = self.cfg("efficiency.ensemble.model"), self.cfg("efficiency.audit.non_closure_pt_gev")
        return {
            name: process_ratios(self.load_events(name), evaluation.read(files[name])[model], test, pt_gev)
            for name in self.transfer_samples()
        }

    def head(self) -> str:
        """Return what the files are for and were made with, as of scale factors, and the text of exports."""
        from deepsf.exports.corrections import Label

        label = Label("", "", "", "", campaign=config_path(self.config).stem, commit=commit())
        if self.is_alone():
            return label.head()
        name, branch, era, text = (
            self.cfg(key) for key in ("tagger.name", "tagger.branch", "campaign.era", "exports.description")
        )
        label = replace(label, tagger=name, branch=branch, era=self.cfg("exports.era") or era)
        return f"{label.head()} {text}".rstrip()
