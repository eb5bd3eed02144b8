"""Non-closure of efficiencies."""

from __future__ import annotations

from typing import Any, Self

from tasks.efficiency.events import TRAIN, EfficiencyTask, SampleWorkflow
from tasks.efficiency.networks import EvaluateEfficiency
from tasks.framework.targets import staged

TEST = "test"


class MeasureNonClosure(SampleWorkflow):
    """Measures how far predicted and tagged jets differ beyond statistics and spread: an error of the efficiencies.

    On test events for the ensemble, one branch; on those trained on for the cross-fit, the other.
    """

    config_keys = (
        "efficiency.ensemble.model",
        "efficiency.audit.non_closure_pt_gev",
        "efficiency.audit.non_closure_delta_r",
    )

    @classmethod
    def of(cls, task: EfficiencyTask, sample: str) -> Self:
        """Return the task that measures it for the efficiencies of a sample: of the cross-fit, or of the ensemble."""
        return cls.req(task, branch=0 if sample == TRAIN else 1)

    def create_branch_map(self) -> dict[int, str]:
        return {0: TRAIN, 1: TEST}

    def workflow_requires(self) -> dict[str, Any]:
        return {
            **super().workflow_requires(),
            "efficiencies": EvaluateEfficiency.req(self, branch=-1),
            "events": [self.req_events(sample) for sample in (TRAIN, TEST)],
        }

    def requires(self) -> Any:
        sample = self.branch_data
        return {
            "efficiencies": EvaluateEfficiency.req(self, branch=self.samples().index(sample)),
            "events": self.req_events(sample),
        }

    def output(self) -> Any:
        return self.target(f"non_closure_{self.branch_data}.json")

    def run(self) -> None:
        from deepsf.efficiency import evaluation
        from deepsf.efficiency.non_closure.measure import measure

        model = evaluation.read(self.input()["efficiencies"].file)[self.cfg("efficiency.ensemble.model")]
        edges = (self.cfg(f"efficiency.audit.non_closure_{axis}") for axis in ("pt_gev", "delta_r"))
        found = measure(self.load_events(self.branch_data), model, *edges)
        with staged(self.output()) as (path,):
            path.write_text(found.to_json())
