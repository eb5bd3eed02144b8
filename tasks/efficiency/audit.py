"""The audit of efficiencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.efficiency.events import TRAIN, EfficiencyTask, truth_targets
from tasks.efficiency.experiments import MeasureEfficiencySF, RunCoverageReplicas, RunEfficiencyExperiments
from tasks.efficiency.exports import ExportEfficiency, exported_maps
from tasks.efficiency.maps import BuildEfficiencyMaps
from tasks.efficiency.networks import (
    AggregateEfficiency,
    EvaluateEfficiency,
    TrainEfficiency,
    TrainEfficiencyComparisons,
    evaluated,
)
from tasks.efficiency.non_closure import TEST, MeasureNonClosure
from tasks.efficiency.truth_tagging import ApplyTruthTagging, truth_tagged
from tasks.framework import settings
from tasks.framework.machine import made_on
from tasks.framework.targets import ProvenanceTarget, leaves, staged

if TYPE_CHECKING:
    from deepsf.efficiency.audit.report import AuditedSample
    from deepsf.efficiency.audit.rows import Rows
    from deepsf.efficiency.events.events import JetEvents
    from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble


class AuditEfficiency(EfficiencyTask):
    """Tests efficiencies, truth tagging and exports: ``audit.json``, row by row, and what figures need.

    No other task reads the true efficiencies of the toy.
    """

    code_version = 6
    keeps_replaced = True
    uses_networks = True
    config_keys = (
        "flavours",
        "efficiency.toy",
        "efficiency.audit",
        "efficiency.ensemble",
        "efficiency.comparisons",
        "efficiency.truth_tagging.working_point",
    )

    def requires(self) -> Any:
        required = {
            "events": [self.req_events(sample) for sample in self.samples()],
            "aggregate": AggregateEfficiency.req(self),
            "maps": BuildEfficiencyMaps.req(self),
            "efficiencies": EvaluateEfficiency.req(self),
            "exports": ExportEfficiency.req(self),
            "non_closure": MeasureNonClosure.of(self, TEST),
            "members": TrainEfficiency.req(self),
        }
        if self.plan_cfg("efficiency.comparisons"):
            required["comparisons"] = TrainEfficiencyComparisons.req(self)
        if self.is_toy():
            required["coverage"] = RunCoverageReplicas.req(self)
        if self.plan_cfg("efficiency.truth_tagging.scale_factors") is not None:
            required["tagged"] = ApplyTruthTagging.req(self)
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
        from deepsf.efficiency.audit.report import AuditedCampaign, EfficiencyResults, audit_efficiencies
        from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble

        nominal, toy, inputs = self.cfg("efficiency.ensemble"), self.cfg("efficiency.toy"), self.input()
        ensemble = EfficiencyEnsemble.load(inputs["aggregate"][nominal.model].file)
        samples, audit = self._samples(), self.cfg("efficiency.audit")
        seeds = {"ensemble": nominal.seed} | ({} if toy is None else {"toy": toy.seed}) | {"audit": audit.seed}
        result = audit_efficiencies(
            EfficiencyResults(
                samples,
                ensemble,
                ensemble.n_members,
                self._other_rows(ensemble, samples["test"].events),
                self.requires()["aggregate"].histories(),
            ),
            AuditedCampaign(nominal, self.hadron_flavours(), self.cfg("efficiency.truth_tagging.working_point"), toy),
            audit,
            head={**made_on(), "config": settings.config_path(self.config).stem, "seeds": seeds},
        )
        with staged(*self.output().values()) as (audit_path, closure_path):
            audit_path.write_text(result.audit)
            closure_path.write_text(result.closure)

    def _other_rows(self, ensemble: EfficiencyEnsemble, events: JetEvents) -> Rows:
        """Return rows on exports, sizes of networks, coverage, and of experiments."""
        from deepsf.efficiency.audit.export_rows import agreement_rows
        from deepsf.efficiency.audit.ratio_rows import ratio_rows
        from deepsf.efficiency.audit.rows import Row, row
        from deepsf.efficiency.audit.sample_rows import coverage_rows
        from deepsf.efficiency.audit.scale_factor_rows import scale_factor_rows
        from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
        from deepsf.efficiency.non_closure.cells import NonClosures

        inputs = self.input()
        rows = agreement_rows(
            inputs["exports"]["maps"].file,
            inputs["exports"]["network"].file,
            maps=exported_maps(inputs["maps"]),
            ensemble=ensemble,
            hadron_flavours=self.hadron_flavours(),
            events=events,
            non_closure=inputs["non_closure"].read_json(NonClosures.from_json),
        )
        for network in self.requires()["aggregate"].networks():
            number = EfficiencyEnsemble.load(inputs["aggregate"][network].file).n_parameters
            rows |= row("ensemble.parameters.{network}", number, network=network)
        if "coverage" in inputs:
            rows |= coverage_rows(inputs["coverage"].read_json())
        if "tagged" in inputs:
            rows |= scale_factor_rows(truth_tagged(self)["test"])
        if "scale_factors" in inputs:
            rows |= ratio_rows(inputs["scale_factors"].read_json())
        for target in leaves(inputs.get("experiments", {})):
            rows |= {name: Row(**figure) for name, figure in target.read_json().items()}
        return rows

    def _samples(self) -> dict[str, AuditedSample]:
        from deepsf.efficiency import evaluation
        from deepsf.efficiency.audit.report import AuditedSample
        from deepsf.efficiency.events.from_skims import shares_of_luminosity
        from deepsf.efficiency.toy import Truth

        truth = {name: Truth.read(target.file) for name, target in truth_targets(self, self.samples()).items()}
        events = {sample: self.load_events(sample) for sample in self.samples()}
        # generated events have no luminosity; those of skims are divided into two samples
        shares = {} if self.is_alone() else shares_of_luminosity({name: events[name] for name in (TRAIN, "test")})
        return {
            sample: AuditedSample(
                events[sample],
                truth[sample].efficiency if sample in truth else None,
                evaluation.read(path),
                shares.get(sample, 1.0),
            )
            for sample, path in evaluated(self).items()
        }
