"""Figures of efficiencies."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tasks.efficiency.audit import AuditEfficiency
from tasks.efficiency.events import EfficiencyTask
from tasks.efficiency.networks import (
    TrainEfficiency,
    TrainEfficiencyComparisons,
)
from tasks.plots import PlotTask

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class PlotEfficiency(PlotTask, EfficiencyTask):
    """Draws efficiencies, closures with one and two tags, transfer, correlations, gains, reliability, trainings."""

    def config_keys(self) -> tuple[str, ...]:
        """Leave out the luminosity for the toy, which has none."""
        keys = ("plots", "flavours", "efficiency.toy", "efficiency.comparisons", "efficiency.ensemble.model")
        return keys if self.is_toy() else (*keys, "campaign")

    def requires(self) -> Any:
        required = {"audit": AuditEfficiency.req(self), "members": TrainEfficiency.req(self)}
        if self.plan_cfg("efficiency.comparisons"):
            required["comparisons"] = TrainEfficiencyComparisons.req(self)
        return required

    def stems(self) -> list[str]:
        from deepsf.plots.efficiency.names import stems

        return stems(self.plan_cfg("efficiency"), tuple(self.flavours()))

    def figures(self) -> Iterable[tuple[str, Figure]]:
        from deepsf.audit.summary import members_note
        from deepsf.efficiency.audit.results import EfficiencyClosure
        from deepsf.plots.efficiency.figures import figures
        from deepsf.plots.style import Style

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
