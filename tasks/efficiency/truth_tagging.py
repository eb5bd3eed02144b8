"""Truth tagging."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsf.config import ConfigError
from tasks.efficiency.events import SampleWorkflow
from tasks.efficiency.networks import EvaluateEfficiency
from tasks.framework import settings
from tasks.framework.targets import staged

if TYPE_CHECKING:
    from deepsf.efficiency.truth_tagging.scale_factors import BinScaleFactors


class ApplyTruthTagging(SampleWorkflow):
    """Applies truth tagging in place of cuts, one sample per branch: a table of events.

    It has weights, drawn tags, weights of replicas, and the direct tags to compare with.
    """

    code_version = 4

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Declare the cuts of the tagger for skims and files: only scale factors need them, and toys have none."""
        keys = ("flavours", "efficiency.truth_tagging", "efficiency.ensemble.model")
        if self.is_of_files():
            return (*keys, "efficiency.events.working_points")
        return keys if self.is_toy() else (*keys, "efficiency.working_points", "tagger.working_points")

    def check(self) -> None:
        """Refuse scale factors whose file is not there: it is read only after all trainings."""
        super().check()
        for path in self.external_files():
            if not settings.local(path).is_file():
                raise ConfigError(
                    f"efficiency.truth_tagging.scale_factors.file: {path} is not there; give a path that is absolute, "
                    "begins with a variable or is relative to the repository, or leave out scale_factors"
                )

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

    def external_files(self) -> tuple[Path, ...]:
        scale_factors = self.cfg("efficiency.truth_tagging").scale_factors
        return () if scale_factors is None else (settings.resolve(scale_factors.file),)

    def output(self) -> Any:
        return self.target(f"truth_tagged_{self.branch_data}.parquet")

    def run(self) -> None:
        from deepsf.efficiency import evaluation
        from deepsf.efficiency.truth_tagging.table import tag_events

        models = evaluation.read(self.input()["efficiencies"].file)
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
        from deepsf.efficiency.truth_tagging.scale_factors import read_scale_factors

        given = self.cfg("efficiency.truth_tagging").scale_factors
        if given is None:
            return None
        (path,) = self.external_files()
        if self.is_of_files():
            cuts = self.cfg("efficiency.events.working_points") or {}
        else:
            cuts = {} if self.is_toy() else self.cfg("tagger.working_points")
        points = {name: cuts.get(name) for name in names}
        return read_scale_factors(settings.local(path), given.names, points, given.systematic)
