"""`ConfigTask`: reads declared configuration only, knows what its outputs are made from, runs only if it must."""

from __future__ import annotations

import functools
import resource
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import law
import luigi
from pydantic import BaseModel

from deepsf.config import Config, ConfigError, EfficiencyConfig
from tasks.framework import settings, store
from tasks.framework.processes import end_with_parent
from tasks.framework.provenance import (
    differences,
    digest,
    file_digest,
    read_manifest,
    why_no_manifest,
    write_json,
    write_manifest,
)
from tasks.framework.targets import ProvenanceTarget, leaves

law.contrib.load("htcondor")


class ConfigTask(law.Task):
    """Base of all tasks.

    ``config_keys`` lists the configuration that `run` may read, as ``section`` or ``section.key``; `cfg` refuses
    everything else, so that nothing that matters can miss in the manifest. ``code_version`` is raised by hand when the
    meaning of the output changes. ``keeps_replaced``: outputs that a run with other inputs replaces go into the store,
    and come back when the inputs do (`tasks.framework.store`).
    """

    version = luigi.Parameter(description="name of this set of outputs; part of every path")
    config = luigi.Parameter(default="toy", description="campaign: a name in configs/ or a path to a YAML file")

    # options of workflows: known to every task, so that the one on the command line hands them on to all above it
    workflow = luigi.ChoiceParameter(
        choices=("local", "htcondor"), default="local", significant=False, description="where branches of workflows run"
    )
    retries = luigi.IntParameter(default=2, significant=False, description="resubmissions of a failed job")
    tolerance = luigi.FloatParameter(
        default=1.0, significant=False, description="part of the jobs that may fail before the others are given up"
    )
    poll_interval = law.DurationParameter(
        default=0.5, unit="m", significant=False, description="time between two polls"
    )
    patience = law.DurationParameter(
        default=15.0, unit="m", significant=False, description="how long a batch system may not answer"
    )
    transfer_logs = luigi.BoolParameter(default=True, significant=False, description="bring logs of jobs back")
    tasks_per_job = law.htcondor.HTCondorWorkflow.tasks_per_job
    parallel_jobs = law.htcondor.HTCondorWorkflow.parallel_jobs
    accept_members = luigi.IntParameter(
        default=0, significant=False, description="go on if at least this many members are trained; 0: all are needed"
    )

    config_keys: ClassVar[tuple[str, ...]] = ()
    code_version: ClassVar[int] = 1
    keeps_replaced: ClassVar[bool] = False
    exclude_index = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _hide_bases()
        if "run" in cls.__dict__:
            cls.run = _if_needed(cls.__dict__["run"])

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings.config(self.config)  # what is wrong with it is said here, once, and not by every task

    # --- configuration

    def cfg(self, key: str) -> Any:
        """Return a section or value of the configuration.

        Raises
        ------
        KeyError
            If ``key`` is not covered by ``config_keys``: an undeclared read would escape the manifest.
        """
        if not any(key == known or key.startswith(f"{known}.") for known in self.config_keys):
            raise KeyError(f"{self.task_family} reads {key!r}, which is not in its config_keys {self.config_keys}")
        return self.plan_cfg(key)

    def plan_cfg(self, key: str) -> Any:
        """Return configuration that decides which outputs there are, not what is in them; never for `run`."""
        return _value(settings.config(self.config), key)

    # --- places

    def folder(self) -> Path:
        """Return the folder of this task's outputs."""
        return settings.data() / str(self.version) / settings.config_path(self.config).stem / self.task_family

    def record_file(self) -> Path:
        """Return the file that says what the task, or the branch, has cost when it last ran."""
        name = f"branch_{self.branch}" if getattr(self, "branch", -1) >= 0 else "task"
        return self.folder() / ".resources" / f"{name}.json"

    def target(self, *names: str) -> ProvenanceTarget:
        """Return an output of this task."""
        return ProvenanceTarget(self.folder().joinpath(*names), task=self)

    # --- provenance

    def external_files(self) -> Iterable[Path]:
        """Return the files that no task makes but this one reads; their content is an input."""
        return ()

    def own_inputs(self) -> dict[str, Any]:
        """Return the inputs that no other task makes: code version, parameters, configuration, external files."""
        inputs: dict[str, Any] = {"code_version": self.code_version}
        inputs |= {f"parameter:{name}": value for name, value in self.own_parameters().items()}
        inputs |= {f"config:{key}": _plain_section(settings.config(self.config), key) for key in self.config_keys}
        for path in self.external_files():
            inputs[f"file:{_name_of(path, settings.base())}"] = _digest_of(settings.local(path))
        return inputs

    def own_inputs_of_all(self) -> list[dict[str, Any]]:
        """Return the own inputs of the task, or of each branch of a workflow."""
        return [self.own_inputs()]

    def own_parameters(self) -> dict[str, Any]:
        """Return the parameters that change what the task makes."""
        return {}

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
        given = settings.shipped()
        if given is not None and (name := _name_of(target.file, settings.data())) in given.files:
            # what it was made from did not travel with this job
            return None if target.content() == given.files[name] else "not what was sent"
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
        """Return a digest of what the configuration says about this task and all above: known before anything ran."""
        if "_configuration_key" not in self.__dict__:
            above = sorted(
                {t.configuration_key() for t in law.util.flatten(self.requires()) if isinstance(t, ConfigTask)}
            )
            self._configuration_key = digest([self.task_family, self.own_inputs_of_all(), above])
        return self._configuration_key

    def used_output(self) -> Any:
        """Return the outputs that count as inputs of the tasks that require this one."""
        return self.output()

    def tolerates(self, error: Exception) -> bool:
        """Return whether the run may go on though this task failed."""
        return False

    def kept_between_attempts(self) -> Iterable[Path]:
        """Return files that are no outputs, but with which another attempt goes on."""
        return ()

    def upstream(self) -> list[ProvenanceTarget]:
        """Return the outputs of other tasks that this one reads."""
        # with members to do without, what is used depends on what there is
        if "_upstream_targets" not in self.__dict__ or self.accept_members:
            required = law.util.flatten(self.requires())
            self._upstream_targets = [target for task in required for target in _used(task)]
        return self._upstream_targets


def _hide_bases() -> None:
    """Take classes that are no tasks to run from luigi's list: of their parameters it makes options, at each start."""
    known = luigi.task_register.Register._reg
    known[:] = [cls for cls in known if issubclass(cls, luigi.Config) or not getattr(cls, "exclude_index", True)]


def _if_needed(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap ``run``: do without if nothing changed upstream or the store has the outputs; else seal them, note costs."""

    @functools.wraps(run)
    def wrapped(self: ConfigTask) -> Any:
        if isinstance(self, law.BaseWorkflow) and self.is_workflow():
            return run(self)
        end_with_parent()
        ProvenanceTarget.forget()
        outputs = list(leaves(self.output()))
        if not outputs:
            return run(self)
        if all(target.exists() for target in outputs):
            self.publish_message(f"{self.task_family}: inputs did not change, nothing to do")
            return None
        settings.claim_stem(str(self.version), self.config)
        if store.restore(self):
            self.publish_message(f"{self.task_family}: restored from the store: {_names(outputs)}")
            return None
        store.keep(self)
        before = self.inputs_now()
        start = time.perf_counter(), time.process_time()
        try:
            run(self)
        except Exception as error:
            if not self.tolerates(error):
                raise
            return None
        ProvenanceTarget.forget()
        if self.inputs_now() != before:
            words = differences(before, self.inputs_now())
            raise RuntimeError(f"{self.task_family}: inputs changed while the task ran ({words}); run it again")
        for target in outputs:
            write_manifest(target.file, self.task_family, before)
        ProvenanceTarget.forget()
        _record(self, *start)
        return None

    return wrapped


def _used(task: law.Task) -> list[ProvenanceTarget]:
    if not isinstance(task, ConfigTask) or task.accept_members:
        return list(leaves(task.used_output() if isinstance(task, ConfigTask) else task.output()))
    # all branches of a workflow require the same
    if "_used_targets" not in task.__dict__:
        task._used_targets = list(leaves(task.used_output()))
    return task._used_targets


def _names(targets: Iterable[ProvenanceTarget]) -> str:
    return ", ".join(target.file.name for target in targets)


def _record(task: ConfigTask, wall: float, cpu: float) -> None:
    """Write what the run cost, for the summary at the end; not an artefact."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    record = {
        "wall_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "peak_rss_mb": usage.ru_maxrss // 1024,
    }
    write_json(task.record_file(), record)


def _digest_of(path: Path) -> str | None:
    return file_digest(path, settings.data() / ".digests") if path.is_file() else None


_sections: dict[tuple[int, str], tuple[Any, Any]] = {}


def _plain_section(config: Config | EfficiencyConfig, key: str) -> Any:
    """Return a value of the configuration as JSON has it; once for all branches."""
    known = _sections.get((id(config), key))
    if known is None or known[0] is not config:
        known = _sections[id(config), key] = (config, _plain(_value(config, key)))
    return known[1]


def _value(config: Config | EfficiencyConfig, key: str) -> Any:
    value, parts = config, key.split(".")
    for number, part in enumerate(parts):
        if value is None or (value is config and part not in type(config).model_fields):
            raise ConfigError(f"the configuration has no {key}: {_why_absent(config, '.'.join(parts[:number]))}")
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


def _why_absent(config: Config | EfficiencyConfig, section: str) -> str:
    """Return in words what a configuration without a section is, and the way out; "" stands for the whole file."""
    if section not in ("", "efficiency"):
        return f"it has no section {section}; write that, or choose another with --config"
    kind = "of efficiencies alone" if isinstance(config, EfficiencyConfig) else "without efficiencies"
    return f"it is one {kind}; choose another with --config"


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _name_of(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
