"""Truth tagging."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsf.config import ConfigError
from deepsf.config.efficiency.truth_tagging import TaggedScaleFactors
from deepsf.config.flavours import hadron_flavours
from tasks.efficiency.events import EfficiencyTask, SampleWorkflow
from tasks.efficiency.networks import EvaluateEfficiency
from tasks.efficiency.non_closure import MeasureNonClosure
from tasks.framework import settings
from tasks.framework.targets import leaves, staged

if TYPE_CHECKING:
    from deepsf.efficiency.truth_tagging.correction_files import ShapeInBins, WorkingPointScaleFactors


class ApplyTruthTagging(SampleWorkflow):
    """Applies truth tagging in place of cuts, one sample per branch: a table of events.

    It has weights, drawn tags, weights of replicas, what the non-closure does to weights, and the direct tags to
    compare with.
    """

    code_version = 4
    config_keys = (
        "flavours",
        "efficiency.truth_tagging",
        "efficiency.ensemble.model",
    )

    def check(self) -> None:
        """Refuse scale factors that are of no use before all trainings, not after them."""
        super().check()
        for path in self.external_files():
            place = settings.local(path)
            if not place.is_file():
                raise ConfigError(
                    f"efficiency.truth_tagging.scale_factors.file: {path} is not there; give a path that is absolute, "
                    "begins with a variable or is relative to the repository, or leave out scale_factors"
                )
            if problem := _problem(str(self.config), place, place.stat().st_mtime_ns):
                raise ConfigError(problem)

    def workflow_requires(self) -> dict[str, Any]:
        events = [self.req_events(sample) for sample in self.samples()]
        return {
            **super().workflow_requires(),
            "efficiencies": EvaluateEfficiency.req(self, branch=-1),
            "events": events,
            "non_closure": MeasureNonClosure.req(self, branch=-1),
        }

    def requires(self) -> Any:
        return {
            "efficiencies": EvaluateEfficiency.req(self, branch=self.branch),
            "events": self.req_events(self.branch_data),
            "non_closure": MeasureNonClosure.of(self, self.branch_data),
        }

    def external_files(self) -> tuple[Path, ...]:
        scale_factors = self.cfg("efficiency.truth_tagging").scale_factors
        return () if scale_factors is None else (settings.resolve(scale_factors.file),)

    def output(self) -> Any:
        return self.target(f"truth_tagged_{self.branch_data}.parquet")

    def run(self) -> None:
        from deepsf.efficiency import evaluation
        from deepsf.efficiency.non_closure.cells import NonClosures
        from deepsf.efficiency.truth_tagging.table import tag_events

        models = evaluation.read(self.input()["efficiencies"].file)
        events = self.load_events(self.branch_data)
        given = self.cfg("efficiency.truth_tagging")
        non_closure = self.input()["non_closure"].read_json(NonClosures.from_json)
        source = None
        for path in self.external_files():
            source = _read(settings.local(path), given.scale_factors, events.working_points)
        model = models[self.cfg("efficiency.ensemble.model")]
        tagged = tag_events(events, model, given, self.hadron_flavours(), source, non_closure)
        for remark in tagged.remarks():
            self.publish_message(f"sample {self.branch_data}: {remark}")
        with staged(self.output()) as (path,):
            tagged.write(path)


def truth_tagged(task: EfficiencyTask) -> dict[str, Path]:
    """Return the files of `ApplyTruthTagging` by sample."""
    workflow = ApplyTruthTagging.req(task, branch=-1)
    return dict(zip(task.samples(), (target.file for target in leaves(workflow.output())), strict=True))


def _read(
    path: Path, given: TaggedScaleFactors, working_points: tuple[str, ...]
) -> ShapeInBins | WorkingPointScaleFactors:
    from deepsf.efficiency.truth_tagging.correction_files import read_scale_factors

    return read_scale_factors(path, given.names, working_points, given.systematics)


@functools.cache
def _problem(config: str, path: Path, changed: int) -> str | None:
    """Return what is wrong with the scale factors of a campaign, None if nothing is.

    ``changed`` is when the file was: in a long process another file may take its place.
    """
    from deepsf.efficiency.truth_tagging.correction_files import ShapeInBins, check_range

    campaign = settings.config(config)
    efficiency = campaign.efficiency
    assert efficiency is not None
    given, taggable = efficiency.truth_tagging.scale_factors, efficiency.truth_tagging.taggable
    assert given is not None
    try:
        source = _read(path, given, efficiency.wp_names)
    except ValueError as error:
        return f"efficiency.truth_tagging.scale_factors: {error}"
    if isinstance(source, ShapeInBins) and efficiency.toy is not None:
        return (
            f"efficiency.truth_tagging.scale_factors.names: {given.names[0]} depends on the discriminant, which jets "
            "of efficiency.toy do not have; take scale factors of working points, or a campaign of skims"
        )
    files = efficiency.events
    if isinstance(source, ShapeInBins) and files is not None and files.columns is not None and not files.columns.score:
        return (
            f"efficiency.truth_tagging.scale_factors.names: {given.names[0]} depends on the discriminant, which "
            "efficiency.events.columns lacks; give score in place of tag_bin, or take scale factors of working points"
        )
    codes = [flavour[0] for flavour in hadron_flavours(campaign.flavours).values()]
    try:
        check_range(source, codes, taggable.pt_min_gev, taggable.abseta_max)
    except ValueError as error:
        cuts = f"pt_min_gev {taggable.pt_min_gev:g}, abseta_max {taggable.abseta_max:g}"
        return f"efficiency.truth_tagging.taggable ({cuts}): {error}"
    return None
