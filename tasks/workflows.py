"""`Workflow`: a `ConfigTask` with branches, run in local processes or as HTCondor jobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import law

from tasks import settings
from tasks.base import ConfigTask
from tasks.provenance import digest, write_json
from tasks.targets import BranchOutputs


class Workflow(ConfigTask, law.LocalWorkflow, law.htcondor.HTCondorWorkflow):
    """One branch an output. A batch job runs `law run` for its branches with the submitting side's configuration."""

    output_collection_cls = BranchOutputs
    workflow = ConfigTask.workflow

    def htcondor_output_directory(self) -> Any:
        """Return where job bookkeeping and logs go."""
        return law.LocalDirectoryTarget(str(self.folder() / "htcondor"))

    def own_inputs_of_all(self) -> list[dict[str, Any]]:
        if self.is_branch():
            return [self.own_inputs()]
        return [task.own_inputs() for task in self.get_branch_tasks().values()]

    def htcondor_output_postfix(self) -> str:
        """Return a suffix for the bookkeeping: jobs of another configuration are never adopted."""
        return self.configuration_key()[:8] if self.is_workflow() else ""

    def htcondor_bootstrap_file(self) -> Any:
        """Return the script that prepares a job's environment."""
        return law.JobInputFile(str(Path(__file__).with_name("bootstrap.sh")), share=True, render_job=True)

    def htcondor_job_config(self, config: Any, job_num: Any, branches: Any) -> Any:
        """Return the submit description: requests from the configuration, nothing inherited from the environment."""
        site = settings.config(self.config).htcondor
        config.render_variables |= {
            "deepsf_base": str(settings.base()),
            "deepsf_data": str(settings.data()),
            "deepsf_software": _software(),
            "deepsf_config_snapshot": str(self._snapshot()),
        }
        config.custom_content += [
            ("request_cpus", site.request_cpus),
            ("request_memory", f"{site.request_memory_mb} MB"),
            ("request_disk", f"{site.request_disk_mb} MB"),
            ("+MaxRuntime", int(site.max_runtime_hours * 3600)),
            ("batch_name", f"{self.task_family}/{self.version}"),
        ]
        if site.requirements:
            config.custom_content.append(("requirements", site.requirements))
        if site.accounting_group:
            config.custom_content.append(("accounting_group", site.accounting_group))
        config.custom_content += [(f"+{name}", value) for name, value in site.extra_classads.items()]
        return config

    def htcondor_check_job_completeness(self) -> bool:
        """Say that a job that ends with exit code 0 but without its output has failed."""
        return True

    def _snapshot(self) -> Path:
        """Return a file with the configuration as it is now, for the jobs.

        Keys keep their order: networks get their inputs, and tables their rows, in the order of the configuration.
        """
        content = settings.config(self.config).model_dump(mode="json")
        name = f"{settings.config_path(self.config).stem}-{digest(json.dumps(content))}.json"
        path = settings.data() / ".configs" / name
        if not path.exists():
            write_json(path, content, sort_keys=False)
        return path


def _software() -> str:
    import sys

    # <software>/venv/bin/python
    return str(Path(sys.prefix).parent)
