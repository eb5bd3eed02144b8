"""Generated input: the composition of the events, and the files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deepsf.config.samples import Sample
from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.configuration import local_file
from tasks.framework.targets import staged
from tasks.framework.workflows import Workflow

OF_DATA = ("certified", "runs")
"""Keys of the campaign that a data sample may have instead."""
_BRANCHES = ("selection.triggers", "selection.event_filters", "selection.weights", "selection.jet.id")
"""What names branches that a file must have."""


class TuneGenerator(ConfigTask):
    """Finds the composition of generated events that gives the configured purities: ``composition.json``."""

    config_keys = ("samples", "generator")

    def output(self) -> Any:
        return self.target("composition.json")

    def run(self) -> None:
        from deepsf.generator.plan import cross_sections_pb
        from deepsf.generator.tuning import tune

        composition = tune(self.cfg("generator"), cross_sections_pb(self.cfg("samples")))
        with staged(self.output()) as (path,):
            path.write_text(composition.to_json())


class GenerateNtuples(Workflow):
    """Generates NanoAOD files of simulation and pseudo-data, one file per branch."""

    code_version = 5

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Besides the generator, what the files must hold so that the configuration can read them."""
        sample = f"samples.{self.branch_data.sample}"
        names = [*_BRANCHES, "jet_veto", f"{sample}.jet_veto", *(f"campaign.{key}" for key in OF_DATA)]
        of_samples = [f"samples.{name}.triggers" for name in self.plan_cfg("samples")]
        return ("generator", *names, *of_samples, *(f"{sample}.{key}" for key in OF_DATA))

    def create_branch_map(self) -> dict[int, Any]:
        from deepsf.generator.plan import plan

        return dict(enumerate(plan(*(self.plan_cfg(key) for key in ("campaign", "samples", "generator")))))

    def workflow_requires(self) -> dict[str, Any]:
        return {**super().workflow_requires(), "composition": TuneGenerator.req(self)}

    def requires(self) -> Any:
        return TuneGenerator.req(self)

    def own_parameters(self) -> dict[str, Any]:
        parameters = asdict(self.branch_data)
        part = parameters.pop("part")
        # without certified blocks to share, a file does not depend on how many others there are
        return parameters | ({"part": list(part)} if self._of_data("certified") else {})

    def external_files(self) -> tuple[Path, ...]:
        certified = self._of_data("certified")
        files = (self.cfg("generator").true_sf.file, *([certified] if certified else []))
        return tuple(settings.resolve(file) for file in files)

    def output(self) -> Any:
        return self.target(f"{self.branch_data.stem}.root")

    def run(self) -> None:
        from deepsf.generator.composition import Composition
        from deepsf.generator.files import write_file

        composition, generator = self.input().read_json(Composition.from_json), self.cfg("generator")
        true_sf = Path(local_file(generator.true_sf.file))
        with staged(self.output()) as (path,):
            write_file(self.branch_data, composition, generator, true_sf, path, self._schema())

    def _schema(self) -> Any:
        """Return the form of the file."""
        from deepsf.generator.luminosity_blocks import Blocks
        from deepsf.generator.schema import Schema, paths_of
        from deepsf.nanoaod.luminosity_blocks import LuminosityBlocks

        certified, runs = (self._of_data(key) for key in OF_DATA)
        blocks = Blocks.of_runs(runs) if runs else None
        if certified:
            blocks = Blocks.of_certified(LuminosityBlocks.load(local_file(certified)).ranges, runs)
        of_samples = (self.cfg(f"samples.{name}.triggers") for name in self.plan_cfg("samples"))
        of_content = ("selection.jet.id", "jet_veto", f"samples.{self.branch_data.sample}.jet_veto")
        return Schema(
            version=self.cfg("generator").nanoaod,
            triggers=paths_of(self.cfg("selection.triggers"), *of_samples),
            filters=self.cfg("selection.event_filters"),
            weights=tuple(self.cfg("selection.weights").values()),
            jet_content=any(self.cfg(key) is not None for key in of_content),
            blocks=blocks,
        )

    def _of_data(self, key: str) -> Any:
        """Return what the sample, or else the campaign, says about its runs."""
        return of_data(self.plan_cfg("samples")[self.branch_data.sample], self.cfg(f"campaign.{key}"), key)

    def local_workflow_pre_run(self) -> None:
        self._check_disk()

    @contextmanager
    def htcondor_workflow_run_context(self) -> Iterator[None]:
        """Refuse before anything is submitted if the disk is too small."""
        self._check_disk()
        with super().htcondor_workflow_run_context():
            yield

    def _check_disk(self) -> None:
        from deepsf.generator.plan import check_disk

        missing = [task.branch_data for task in self.get_branch_tasks().values() if not task.complete()]
        check_disk(missing, self.plan_cfg("generator"), self.folder())


def of_data(sample: Sample, of_campaign: Any, key: str) -> Any:
    """Return what a data sample, or else its campaign, says about its runs; of simulation nothing."""
    if sample.kind != "data":
        return Sample.model_fields[key].default
    return getattr(sample, key) or of_campaign
