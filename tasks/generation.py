"""Generated input: the composition of the events, and the files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.targets import staged
from tasks.framework.workflows import Workflow


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

    code_version = 3
    config_keys = ("generator", "selection.triggers", "selection.event_filters")

    def create_branch_map(self) -> dict[int, Any]:
        from deepsf.generator.plan import plan

        return dict(enumerate(plan(*(self.plan_cfg(key) for key in ("campaign", "samples", "generator")))))

    def workflow_requires(self) -> dict[str, Any]:
        return {**super().workflow_requires(), "composition": TuneGenerator.req(self)}

    def requires(self) -> Any:
        return TuneGenerator.req(self)

    def own_parameters(self) -> dict[str, Any]:
        return asdict(self.branch_data)

    def external_files(self) -> tuple[Path, ...]:
        return (settings.resolve(self.cfg("generator").true_sf.file),)

    def output(self) -> Any:
        return self.target(f"{self.branch_data.stem}.root")

    def run(self) -> None:
        from deepsf.generator.composition import Composition
        from deepsf.generator.files import write_file
        from deepsf.generator.schema import schema_of

        generator = self.cfg("generator")
        schema = schema_of(generator, self.cfg("selection.triggers"), self.cfg("selection.event_filters"))
        composition = self.input().read_json(Composition.from_json)
        (true_sf,) = self.external_files()
        with staged(self.output()) as (path,):
            write_file(self.branch_data, composition, generator, settings.local(true_sf), path, schema)

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
        check_disk(missing, self.cfg("generator"), self.folder())
