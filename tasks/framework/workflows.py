"""`Workflow`: a `ConfigTask` with branches, run in local processes or as HTCondor jobs."""

from __future__ import annotations

import difflib
import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import law

from deepsf.config import ConfigError
from tasks.framework import cluster, settings, shipping
from tasks.framework.base import ConfigTask
from tasks.framework.credentials import require_credential
from tasks.framework.processes import end_with_parent
from tasks.framework.provenance import digest, write_json
from tasks.framework.store import restore_branches
from tasks.framework.targets import BranchOutputs


class Workflow(ConfigTask, law.LocalWorkflow, law.htcondor.HTCondorWorkflow):
    """One branch an output. A batch job runs `law run` for its branches with the submitting side's configuration."""

    class workflow_proxy_cls(cluster.Proxy):  # noqa: N801 - law's name
        """law looks for the class of the HTCondor proxy here; the local one is law's own."""

    exclude_index = True
    output_collection_cls = BranchOutputs
    # a selection of branches is one of this workflow's: what it requires is whole
    exclude_params_req = {"branches"}  # noqa: RUF012 - law's form
    workflow = ConfigTask.workflow

    def own_inputs_of_all(self) -> list[dict[str, Any]]:
        if self.is_branch():
            return [self.own_inputs()]
        return [task.own_inputs() for task in self.get_branch_tasks().values()]

    def req_branch(self, branch: int, **kwargs: Any) -> Any:
        """Return a branch; what it shares with the others is found out once, law would do it for each."""
        if kwargs or self.is_branch():
            return super().req_branch(branch, **kwargs)
        if "_shared_parameters" not in self.__dict__:
            self._shared_parameters = super().req_branch(branch).param_kwargs
        task = type(self)(**{**self._shared_parameters, "branch": branch})
        task._workflow_task = task._workflow_task or self
        return task

    def branches_required(self) -> int:
        """Return how many branches must be complete for the workflow to be."""
        return len(self.branch_map)

    # --- HTCondor: one driver, jobs that are labelled, a submit file

    @contextmanager
    def htcondor_workflow_run_context(self) -> Iterator[None]:
        """Hold the folder's lock; take over what is in the queue, and what an earlier run has left in the store."""
        end_with_parent()
        self._check_task_names()
        folder = self.folder() / "htcondor"
        with cluster.only_driver(folder, self.task_family):
            if not self.is_controlling_remote_jobs():
                shipping.receive(self)
                restore_branches(self)
                self._adopt()
            yield
            shipping.remove_shipments(self)  # not after an error: jobs may wait for theirs

    def _adopt(self) -> None:
        """Write law's file of jobs anew, from the queue: what is there goes on, what nobody works for is submitted."""
        jobs = cluster.patiently(
            lambda: cluster.live_jobs(self.job_label()), self._patience_s(), self._poll_s(), self.publish_message
        )
        complete = [number for number, task in self.get_branch_tasks().items() if task.complete()]
        found = cluster.adopt(jobs, self._jobs_key, self.branch_map, complete)
        for what, job_ids in (
            ("of an older configuration", found.outdated),
            ("that are held", found.held),
            ("that do what others do", found.doubled),
        ):
            if job_ids:
                self.publish_message(f"{self.task_family}: removing {len(job_ids)} jobs {what}")
                cluster.remove_jobs(job_ids)
        if found.adopted:
            self.publish_message(f"{self.task_family}: {len(found.adopted)} jobs are in the queue already and go on")
        write_json(Path(self.workflow_proxy.output()["jobs"].abspath), self._job_data(found))

    def _job_data(self, found: cluster.Adoption) -> dict[str, Any]:
        make = self.workflow_proxy.job_data_cls.job_data
        size = max(self.tasks_per_job, 1)
        chunks = [found.missing[start : start + size] for start in range(0, len(found.missing), size)]
        jobs = {
            str(number): make(job_id=job_id, branches=list(branches))
            for number, (job_id, branches) in enumerate(found.adopted.items(), 1)
        }
        return {
            "jobs": jobs,
            "unsubmitted_jobs": {str(number): chunk for number, chunk in enumerate(chunks, len(jobs) + 1)},
            "attempts": {},
            "tasks_per_job": size,
            "dashboard_config": {},
        }

    def _jobs_key(self, branches: Sequence[int]) -> str:
        """Return what the configuration says about branches now, whichever others there are or are asked for."""
        everything = type(self).req(self, branches=())
        keys = [everything.as_branch(n).configuration_key() if n in everything.branch_map else "" for n in branches]
        return digest(keys)

    def job_label(self) -> str:
        """Return what tells this folder's jobs from all others in the queue."""
        return str(self.folder())

    @property
    def poll_fails(self) -> int:
        """Failed polls in a row that law bears: as many as fit into the patience."""
        return max(1, round(self._patience_s() / max(self._poll_s(), 1.0)))

    def _patience_s(self) -> float:
        return float(self.patience) * 60.0

    def _poll_s(self) -> float:
        return float(self.poll_interval) * 60.0

    def memory_factor_max(self) -> int:
        """Return by how much the memory request of a job may grow."""
        return int(self._site().memory_factor_max)

    def check_credential(self) -> None:
        """Refuse to submit with a credential that is missing or expires too soon."""
        if (credential := self._site().credential) is not None:
            require_credential(credential)

    def _check_task_names(self) -> None:
        """Refuse requests for a task that never has jobs: they would be without effect, in silence."""
        from tasks.framework.registry import task_classes

        if not (asked := self._site().tasks):
            return
        known = sorted(name for name, cls in task_classes().items() if issubclass(cls, Workflow))
        for name in asked:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
                raise ConfigError(f"htcondor.tasks.{name}: no task of this name has jobs; {hint}")

    def _site(self) -> Any:
        return settings.config(self.config).htcondor

    def htcondor_output_directory(self) -> Any:
        """Return where job bookkeeping and logs go."""
        return law.LocalDirectoryTarget(str(self.folder() / "htcondor"))

    def htcondor_bootstrap_file(self) -> Any:
        """Return the script that prepares a job's environment."""
        return law.JobInputFile(str(Path(__file__).with_name("bootstrap.sh")), share=True, render_job=True)

    def htcondor_create_job_manager(self, **kwargs: Any) -> Any:
        """Return the job manager, which waits as long as this task's options say."""
        return cluster.JobManager(
            patience_s=self._patience_s(), interval_s=self._poll_s(), say=self.publish_message, **kwargs
        )

    def htcondor_check_job_completeness(self) -> bool:
        """Say that a job that ends with exit code 0 but without its output has failed; take in what jobs returned."""
        if self._site().file_transfer:
            shipping.receive(self)
        return True

    def modify_polling_status_line(self, status_line: str) -> str:
        """Add to the line of a poll why jobs stay idle, if they do for long."""
        why = self.workflow_proxy.explain_idle(60.0 * self._site().explain_idle_after_minutes)
        return status_line if why is None else f"{status_line}\nno job runs; the pool says:\n{why}"

    def htcondor_job_config(self, config: Any, job_num: Any, branches: Any) -> Any:
        """Return the submit description: requests from the configuration, nothing inherited from the environment."""
        site, snapshot = self._site(), self._snapshot()
        config.render_variables |= {
            "deepsf_base": str(settings.base()),
            "deepsf_data": str(settings.data()),
            "deepsf_software": str(settings.software()),
            "deepsf_snapshot": snapshot.name,
            "deepsf_outputs": str(self.folder().relative_to(settings.data())) if site.file_transfer else "",
        }
        config.universe = site.universe
        config.postfix = [cluster.branches_text(numbers) for numbers in branches]
        config.custom_log_file = f"submission{self._submission()}.txt"
        factor = self.workflow_proxy.memory_factor(job_num[0])
        config.custom_content += cluster.submit_lines(site, self.task_family, factor)
        config.custom_content += [
            ("batch_name", f"{self.task_family}/{self.version}"),
            ("MY.DeepSFTask", cluster.quoted(self.job_label())),
            ("MY.DeepSFKey", cluster.choice([self._jobs_key(numbers) for numbers in branches])),
            ("MY.DeepSFBranches", '"$(law_job_postfix)"'),
            ("MY.DeepSFSubmission", cluster.quoted(secrets.token_hex(8))),
        ]
        if site.file_transfer:
            config.input_files["law_wrapper"] = super().htcondor_group_wrapper_file()
            shipping.ship(self, config, branches, snapshot)
        return config

    def htcondor_group_wrapper_file(self) -> Any:
        """Return what HTCondor starts: law's wrapper, or what starts that one and packs when the job is evicted."""
        return shipping.job_starter() if self._site().file_transfer else super().htcondor_group_wrapper_file()

    def htcondor_stageout_file(self) -> Any:
        """Return the script that packs a job's outputs where they have to travel."""
        return law.JobInputFile(str(Path(__file__).with_name("stageout.sh")), share=True, render_job=True)

    def _submission(self) -> int:
        """Return a number for the logs of a submission, so that no attempt overwrites the log of another."""
        logs = (self.folder() / "htcondor").glob("submission*.txt")
        numbers = (path.stem.split("_")[0].removeprefix("submission") for path in logs)
        used = max((int(number) for number in numbers if number.isdigit()), default=0)
        self._last_submission = max(used, getattr(self, "_last_submission", 0)) + 1
        return self._last_submission

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
