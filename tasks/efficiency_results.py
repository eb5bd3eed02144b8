"""What efficiencies are for, and whether they are right: truth tagging, audit, exports, figures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.config import ConfigError
from tasks import settings
from tasks.costs import print_costs
from tasks.efficiency import (
    AggregateEfficiency,
    BuildEfficiencyMaps,
    EfficiencyTask,
    EvaluateEfficiency,
    TrainEfficiency,
    TrainEfficiencyComparisons,
    evaluated,
    truth_targets,
)
from tasks.efficiency_experiments import MeasureEfficiencySF, RunCoverageReplicas, RunEfficiencyExperiments
from tasks.machine import made_on
from tasks.plots import PlotTask
from tasks.targets import ProvenanceTarget, leaves, staged
from tasks.workflows import Workflow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.efficiency.audit import AuditedSample
    from analysis.efficiency.audit_rows import Row
    from analysis.efficiency.ensemble import EfficiencyEnsemble
    from analysis.efficiency.events import JetEvents
    from analysis.efficiency.maps import EfficiencyMap
    from analysis.efficiency.tagged_scale_factors import BinScaleFactors


class ApplyTruthTagging(EfficiencyTask, Workflow):
    """Weights, drawn tags and replica weights of events in place of cuts, a branch a sample; direct tags too."""

    code_version = 2

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._require_scale_factors()

    @property
    def config_keys(self) -> tuple[str, ...]:  # type: ignore[override]
        """Scores of the cuts enter by scale factors of shapes alone, and toys have none."""
        keys = ("flavours", "efficiency.truth_tagging", "efficiency.ensemble.model")
        return keys if self.is_toy() else (*keys, "efficiency.working_points", "tagger.working_points")

    def create_branch_map(self) -> dict[int, str]:
        return dict(enumerate(self.samples()))

    def workflow_requires(self) -> dict[str, Any]:
        events = [self.req_events(sample) for sample in self.samples()]
        return {
            **super().workflow_requires(),
            "efficiencies": EvaluateEfficiency.req(self, branch=-1),
            "events": events,
        }

    def requires(self) -> Any:
        return {
            "efficiencies": EvaluateEfficiency.req(self, branch=self.branch),
            "events": self.req_events(self.branch_data),
        }

    def own_parameters(self) -> dict[str, Any]:
        return {"sample": self.branch_data}

    def external_files(self) -> tuple[Path, ...]:
        scale_factors = self.cfg("efficiency.truth_tagging").scale_factors
        return () if scale_factors is None else (settings.resolve(scale_factors.file),)

    def _require_scale_factors(self) -> None:
        """Refuse a file that is not there as soon as the task is asked for: it is read after all trainings alone."""
        for path in self.external_files():
            if not settings.local(path).is_file():
                raise ConfigError(
                    f"efficiency.truth_tagging.scale_factors.file: {path} is not there; give a path that is absolute, "
                    "begins with a variable or is relative to the repository, or leave out scale_factors"
                )

    def output(self) -> Any:
        return self.target(f"truth_tagged_{self.branch_data}.parquet")

    def run(self) -> None:
        from analysis.efficiency import aggregate
        from analysis.efficiency.tagged_events import tag_events

        models = aggregate.read(self.input()["efficiencies"].file)
        events = self.load_events(self.branch_data)
        tagged = tag_events(
            events,
            models[self.cfg("efficiency.ensemble.model")],
            self.cfg("efficiency.truth_tagging"),
            self.hadron_flavours(),
            self._scale_factors(events.working_points),
        )
        with staged(self.output()) as (path,):
            tagged.write(path)

    def _scale_factors(self, names: tuple[str, ...]) -> BinScaleFactors | None:
        from analysis.efficiency.tagged_scale_factors import read_scale_factors

        given = self.cfg("efficiency.truth_tagging").scale_factors
        if given is None:
            return None
        (path,) = self.external_files()
        cuts = {} if self.is_toy() else self.cfg("tagger.working_points")
        points = {name: cuts.get(name) for name in names}
        return read_scale_factors(settings.local(path), given.names, points, given.systematic)


def exported_maps(outputs: dict[str, ProvenanceTarget]) -> dict[str, EfficiencyMap]:
    """Return the maps by the names of their corrections."""
    from analysis.efficiency.maps import EfficiencyMap

    names = {"map": "efficiency", "map_delta_r": "efficiency_delta_r"}
    return {names[name]: EfficiencyMap.from_json(target.file.read_text()) for name, target in outputs.items()}


class ExportEfficiency(EfficiencyTask):
    """What analyses take: maps as correctionlib JSON, the ensemble as ONNX."""

    code_version = 2

    @property
    def config_keys(self) -> tuple[str, ...]:  # type: ignore[override]
        """A toy has no tagger and no era to write into the files."""
        keys = ("flavours", "efficiency.ensemble.model")
        described = ("tagger.name", "tagger.branch", "campaign.era", "exports.era", "exports.description")
        return keys if self.is_toy() else (*keys, *described)

    def requires(self) -> Any:
        return {"aggregate": AggregateEfficiency.req(self), "maps": BuildEfficiencyMaps.req(self)}

    def output(self) -> Any:
        return {"maps": self.target("efficiency_maps.json.gz"), "network": self.target("efficiency.onnx")}

    def run(self) -> None:
        from analysis.efficiency.ensemble import EfficiencyEnsemble
        from analysis.efficiency.exports.bundle import write_exports

        aggregate = self.input()["aggregate"]
        ensemble = EfficiencyEnsemble.load(aggregate[self.cfg("efficiency.ensemble.model")].file)
        maps = exported_maps(self.input()["maps"])
        with staged(*self.output().values()) as (maps_path, network_path):
            write_exports(
                maps_path,
                network_path,
                maps=maps,
                ensemble=ensemble,
                hadron_flavours=self.hadron_flavours(),
                head=self._head(),
            )

    def _head(self) -> str:
        """Return tagger, branch of the discriminant and era, as scale factors have them, and the text of exports."""
        from analysis.exports.correctionlib_json import Label

        if self.is_toy():
            return ""
        name, branch, era, text = (
            self.cfg(key) for key in ("tagger.name", "tagger.branch", "campaign.era", "exports.description")
        )
        return f"{Label('', name, branch, self.cfg('exports.era') or era).head()} {text}".rstrip()


class AuditEfficiency(EfficiencyTask):
    """``audit.json``, row by row, and all that figures draw. The only task that reads true efficiencies."""

    config_keys = (
        "flavours",
        "efficiency.toy",
        "efficiency.audit",
        "efficiency.ensemble",
        "efficiency.truth_tagging.working_point",
    )
    code_version = 2
    keeps_replaced = True

    def requires(self) -> Any:
        required = {
            "events": [self.req_events(sample) for sample in self.samples()],
            "aggregate": AggregateEfficiency.req(self),
            "maps": BuildEfficiencyMaps.req(self),
            "efficiencies": EvaluateEfficiency.req(self),
            "exports": ExportEfficiency.req(self),
        }
        if self.is_toy():
            required["coverage"] = RunCoverageReplicas.req(self)
        if self.plan_cfg("efficiency.ratio") is not None:
            required["scale_factors"] = MeasureEfficiencySF.req(self)
        if self.plan_cfg("efficiency.experiments") is not None:
            required["experiments"] = RunEfficiencyExperiments.req(self)
        return required

    def upstream(self) -> list[ProvenanceTarget]:
        return [*super().upstream(), *truth_targets(self, self.samples()).values()]

    def output(self) -> Any:
        return {name: self.target(f"{name}.json") for name in ("audit", "closure")}

    def run(self) -> None:
        from analysis.cpu import prepare_process
        from analysis.efficiency.audit import audit_efficiencies
        from analysis.efficiency.ensemble import EfficiencyEnsemble

        prepare_process()
        nominal, toy, inputs = self.cfg("efficiency.ensemble"), self.cfg("efficiency.toy"), self.input()
        ensemble = EfficiencyEnsemble.load(inputs["aggregate"][nominal.model].file)
        samples = self._samples()
        result = audit_efficiencies(
            provenance=made_on(),
            config_name=settings.config_path(self.config).stem,
            seeds={"ensemble": nominal.seed} | ({} if toy is None else {"toy": toy.seed}),
            samples=samples,
            settings=self.cfg("efficiency.audit"),
            nominal=nominal,
            working_point=self.cfg("efficiency.truth_tagging.working_point"),
            coverage=json.loads(inputs["coverage"].file.read_text()) if toy is not None else None,
            ensemble=ensemble,
            n_members_used=ensemble.n_members,
            toy=toy,
            hadron_flavours=self.hadron_flavours(),
            further=self._further(ensemble, samples["test"].events),
        )
        with staged(*self.output().values()) as (audit_path, closure_path):
            audit_path.write_text(result.audit)
            closure_path.write_text(result.closure)

    def _further(self, ensemble: EfficiencyEnsemble, events: JetEvents) -> dict[str, Row]:
        """Return rows on exports, sizes of networks, and of experiments."""
        from analysis.efficiency.audit_rows import Row
        from analysis.efficiency.ensemble import EfficiencyEnsemble
        from analysis.efficiency.exports.agreement import agreement_rows
        from analysis.efficiency.ratio_toy import ratio_rows

        inputs = self.input()
        rows = agreement_rows(
            inputs["exports"]["maps"].file,
            inputs["exports"]["network"].file,
            maps=exported_maps(inputs["maps"]),
            ensemble=ensemble,
            hadron_flavours=self.hadron_flavours(),
            events=events,
        )
        if (product := inputs["aggregate"].get("product")) is not None:
            number = EfficiencyEnsemble.load(product.file).n_parameters
            rows["6.parameters"] = Row(number, "parameters of a member of product")
        if "scale_factors" in inputs:
            rows |= ratio_rows(json.loads(inputs["scale_factors"].file.read_text()))
        for target in leaves(inputs.get("experiments", {})):
            rows |= {key: Row(**row) for key, row in json.loads(target.file.read_text()).items()}
        return rows

    def _samples(self) -> dict[str, AuditedSample]:
        from analysis.efficiency import aggregate
        from analysis.efficiency.audit import AuditedSample
        from analysis.efficiency.toy import Truth

        truth = {name: Truth.read(target.file) for name, target in truth_targets(self, self.samples()).items()}
        return {
            sample: AuditedSample(
                self.load_events(sample),
                truth[sample].efficiency if sample in truth else None,
                aggregate.read(path),
            )
            for sample, path in evaluated(self).items()
        }


class PlotEfficiency(PlotTask, EfficiencyTask):
    """Efficiencies, closures in regions of one and two tags, transfer, correlations, gains, reliability, trainings."""

    @property
    def config_keys(self) -> tuple[str, ...]:  # type: ignore[override]
        """A toy has no luminosity to write into the corner."""
        keys = ("plots", "flavours", "efficiency.toy", "efficiency.comparisons", "efficiency.ensemble.model")
        return keys if self.is_toy() else (*keys, "campaign")

    def requires(self) -> Any:
        required = {"audit": AuditEfficiency.req(self), "members": TrainEfficiency.req(self)}
        if self.plan_cfg("efficiency.comparisons"):
            required["comparisons"] = TrainEfficiencyComparisons.req(self)
        return required

    def stems(self) -> list[str]:
        from analysis.plots.efficiency.names import stems

        return stems(self.plan_cfg("efficiency"), tuple(self.flavours()))

    def figures(self) -> Iterable[tuple[str, Figure]]:
        from analysis.audit.summary import members_note
        from analysis.efficiency.closure_results import EfficiencyClosure
        from analysis.plots.efficiency.figures import figures
        from analysis.plots.style import Style

        audit = self.input()["audit"]
        campaign = None if self.is_toy() else self.cfg("campaign")
        members = members_note(json.loads(audit["audit"].file.read_text()))
        style = Style.of(self.cfg("plots"), campaign, tuple(self.flavours()), members)
        return figures(EfficiencyClosure.from_json(audit["closure"].file.read_text()), self._histories(), style)

    def _histories(self) -> dict[str, list[Any]]:
        """Return the records of all trainings by network, the ensemble's first."""
        required = self.requires()
        outputs = {self.cfg("efficiency.ensemble.model"): list(required["members"].members().values())}
        if "comparisons" in required:
            for task in required["comparisons"].get_branch_tasks().values():
                outputs.setdefault(task.member().model, []).append(task.output())
        return {
            name: [json.loads(output["history"].file.read_text()) for output in of_network]
            for name, of_network in outputs.items()
        }


class ProduceEfficiencyEnsemble(EfficiencyTask):
    """The main job of efficiencies: requires everything, and ends with the rows of the audit and what it has cost."""

    def requires(self) -> Any:
        return {
            "audit": AuditEfficiency.req(self),
            "tagged": ApplyTruthTagging.req(self),
            "exports": ExportEfficiency.req(self),
            "plots": PlotEfficiency.req(self),
        }

    def output(self) -> Any:
        return self.target("summary.txt")

    def run(self) -> None:
        from analysis.efficiency.summary import summary

        text = summary(json.loads(self.input()["audit"]["audit"].file.read_text()))
        with staged(self.output()) as (path,):
            path.write_text(text)
        self.publish_message(text)
        print_costs(self)
