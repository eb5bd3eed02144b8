"""Figures of efficiencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deepsf.config.efficiency.truth_tagging import tag_point
from tasks.efficiency.audit import AuditEfficiency
from tasks.efficiency.events import EfficiencyTask
from tasks.efficiency.networks import TrainEfficiency, TrainEfficiencyComparisons
from tasks.plots import PlotTask

if TYPE_CHECKING:
    from deepsf.plots.efficiency.plan import EfficiencyResults
    from deepsf.plots.plan import PlannedFigure
    from tasks.framework.targets import ProvenanceTarget


class PlotEfficiency(PlotTask, EfficiencyTask):
    """Draws efficiencies, closures with one and two tags, transfer, correlations, gains, reliability, trainings."""

    code_version = 2

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Leave out the luminosity of campaigns of efficiencies alone, which have none."""
        keys = ("plots", "flavours", "efficiency.toy", "efficiency.comparisons", "efficiency.ensemble.model")
        return keys if self.is_alone() else (*keys, "campaign")

    def requires(self) -> Any:
        required = {"audit": AuditEfficiency.req(self), "members": TrainEfficiency.req(self)}
        if self.plan_cfg("efficiency.comparisons"):
            required["comparisons"] = TrainEfficiencyComparisons.req(self)
        return required

    def flavour_names(self) -> tuple[str, ...]:
        return tuple(self.flavours())

    def plan(self) -> Sequence[PlannedFigure[EfficiencyResults]]:
        from deepsf.plots.efficiency.plan import efficiency_figures

        points = self.plan_cfg("efficiency").wp_names
        of_tags = tag_point(points, self.plan_cfg("efficiency.truth_tagging.working_point"))
        others = [point for point in points if point != of_tags]
        processes = self.transfer_samples()
        return efficiency_figures(self.flavour_names(), is_toy=self.is_toy(), other_points=others, processes=processes)

    def audit(self) -> ProvenanceTarget:
        return self.input()["audit"]["audit"]

    def results(self) -> EfficiencyResults:
        from deepsf.efficiency.audit.results import EfficiencyClosure
        from deepsf.plots.efficiency.plan import EfficiencyResults

        closure = self.input()["audit"]["closure"].read_json(EfficiencyClosure.from_json)
        return EfficiencyResults(closure, self._histories())

    def _histories(self) -> dict[str, list[Any]]:
        """Return the records of all trainings by network, the ensemble's first."""
        required = self.requires()
        outputs = {self.cfg("efficiency.ensemble.model"): list(required["members"].members().values())}
        if "comparisons" in required:
            for task in required["comparisons"].get_branch_tasks().values():
                outputs.setdefault(task.member().model, []).append(task.output())
        return {name: [output["history"].read_json() for output in of_network] for name, of_network in outputs.items()}
