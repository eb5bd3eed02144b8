"""`ConfigTask`, the base of all tasks: it knows what its outputs are made from, and runs only if they are stale."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import law
import luigi

from deepsf.config import Config
from deepsf.nanoaod.root_file import UnreachableError
from tasks.framework import remote_files, settings
from tasks.framework.abstract import only_inherited
from tasks.framework.configuration import ConfiguredTask, plain_value_of
from tasks.framework.provenance import differences, digest, file_digest, read_manifest, why_no_manifest
from tasks.framework.running import sealing
from tasks.framework.targets import ProvenanceTarget, leaves


@only_inherited
class ConfigTask(ConfiguredTask):
    """Base of all tasks.

    A task defines, in this order, what it may read (`config_keys`), what it requires, what it makes (`output`) and
    `run`. Its outputs count as complete only if they are up to date: see `why_stale`.
    """

    code_version: ClassVar[int] = 1
    """Raised by hand when the outputs get another content or meaning for the same inputs."""
    keeps_replaced: ClassVar[bool] = False
    """Whether outputs that a run replaces go into the store, from which they return with their inputs."""
    uses_networks: ClassVar[bool] = False
    """Whether `run` trains or evaluates networks: torch is set up before it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "run" in cls.__dict__:
            cls.run = sealing(cls.__dict__["run"])

    # --- what the outputs are made from, beside the configuration

    def own_parameters(self) -> dict[str, Any]:
        """Return the parameters that change what the task makes."""
        return {}

    def external_files(self) -> Iterable[Path | str]:
        """Return the files that no task makes but this one reads, paths or addresses; their content is an input."""
        return ()

    @property
    def skips_bad_files(self) -> bool:
        """Whether the run goes on without an external file that cannot be read."""
        return False

    def remarks(self) -> dict[str, str]:
        """Return what the run has to say about the outputs, for their manifests; it is no input."""
        return {}

    def used_output(self) -> Any:
        """Return the outputs that count as inputs of the tasks that require this one."""
        return self.output()

    def upstream(self) -> list[ProvenanceTarget]:
        """Return the outputs of other tasks that this one reads."""
        # where members may be missing, what is used depends on what exists
        if "_upstream_targets" not in self.__dict__ or self.accept_members:
            required = law.util.flatten(self.requires())
            self._upstream_targets = [target for task in required for target in _used(task)]
        return self._upstream_targets

    # --- whether they are up to date

    def own_inputs(self) -> dict[str, Any]:
        """Return the inputs that no other task makes: code version, parameters, configuration, external files."""
        config = settings.config(self.config)
        return {
            "code_version": self.code_version,
            **{f"parameter:{name}": value for name, value in self.own_parameters().items()},
            **{f"config:{key}": plain_value_of(config, key) for key in self.config_keys},
            **{f"file:{_name_of(file)}": self.digest_of(file) for file in self.external_files()},
        }

    def redirectors(self) -> tuple[str, ...]:
        """Return the servers that are asked for files after their own."""
        config = settings.config(self.config)
        return config.campaign.redirectors if isinstance(config, Config) else ()

    def digest_of(self, file: Path | str) -> str | None:
        """Return what stands for the content of a file that no task makes, None if it cannot be read."""
        if isinstance(file, Path):
            place = settings.local(file)
            return file_digest(place, settings.data() / ".digests") if place.is_file() else None
        try:
            return remote_files.identity(file, self.redirectors())
        except UnreachableError:
            return None

    def own_inputs_of_all(self) -> list[dict[str, Any]]:
        """Return the own inputs of the task, or of each branch of a workflow."""
        return [self.own_inputs()]

    def inputs_now(self) -> dict[str, Any]:
        """Return all inputs as they are now; None for one that is absent or stale itself."""
        inputs = self.own_inputs()
        root = f"{settings.data() / str(self.version)}/"
        with ProvenanceTarget.one_question() as question:
            for target in self.upstream():
                if target.place not in question.contents:
                    question.contents[target.place] = target.content() if target.exists() else None
                inputs[f"input:{target.place.removeprefix(root)}"] = question.contents[target.place]
        return inputs

    def why_stale(self, target: ProvenanceTarget) -> str | None:
        """Return in words why an output is not up to date, None if it is."""
        shipment = settings.shipped()
        if shipment is not None and (name := _output_name(target.file)) in shipment.files:
            # what it was made from did not travel with this job
            return None if target.content() == shipment.files[name] else "not what was sent"
        manifest = read_manifest(target.file)
        if manifest is None:
            return why_no_manifest(target.file)
        if manifest["task"] != self.task_family:
            return f"made by {manifest['task']}"
        if target.content() is None:
            return "changed after it was made" if target.file.stat().st_size else "an empty file"
        with ProvenanceTarget.one_question() as question:
            if self.task_id not in question.inputs:
                question.inputs[self.task_id] = self.inputs_now()
            now = question.inputs[self.task_id]
        return None if manifest["inputs"] == now else differences(manifest["inputs"], now) or None

    def configuration_key(self) -> str:
        """Return a digest of the configuration of this task and of all that it requires, known before anything ran."""
        if "_configuration_key" not in self.__dict__:
            required = (task for task in law.util.flatten(self.requires()) if isinstance(task, ConfigTask))
            above = sorted({task.configuration_key() for task in required})
            self._configuration_key = digest([self.task_family, self.own_inputs_of_all(), above])
        return self._configuration_key

    # --- around a run

    def target(self, *names: str) -> ProvenanceTarget:
        """Return an output of this task."""
        return ProvenanceTarget(self.folder().joinpath(*names), task=self)

    def record_file(self) -> Path:
        """Return the file that notes what the last run of the task, or of the branch, has cost."""
        name = f"branch_{self.branch}" if getattr(self, "branch", -1) >= 0 else "task"
        return self.folder() / ".resources" / f"{name}.json"

    def kept_between_attempts(self) -> Iterable[Path]:
        """Return files, other than outputs, from which another attempt goes on."""
        return ()

    def tolerates(self, error: Exception) -> bool:
        """Return whether the workflow goes on though this branch failed."""
        return False

    # --- what law and luigi work out again for each instance, here once

    @classmethod
    @functools.cache
    def get_params(cls) -> list[tuple[str, luigi.Parameter]]:
        """Return the parameters; luigi searches the class for them, several times for each instance."""
        return super().get_params()

    @classmethod
    def req(cls, inst: law.Task, **kwargs: Any) -> Any:
        """Return the task of this class that another one requires, found out once for each."""
        if kwargs.keys() - {"branch"}:
            return super().req(inst, **kwargs)
        known, key = inst.__dict__.setdefault("_required", {}), (cls, kwargs.get("branch"))
        if key not in known:
            known[key] = super().req(inst, **kwargs)
        return known[key]


def _used(task: law.Task) -> list[ProvenanceTarget]:
    if not isinstance(task, ConfigTask) or task.accept_members:
        return list(leaves(task.used_output() if isinstance(task, ConfigTask) else task.output()))
    # all branches of a workflow require the same
    if "_used_targets" not in task.__dict__:
        task._used_targets = list(leaves(task.used_output()))
    return task._used_targets


def _name_of(file: Path | str) -> str:
    return settings.name_of(file) if isinstance(file, Path) else file


def _output_name(path: Path) -> str:
    root = settings.data()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
