"""`HTCondorTask`: a workflow as jobs of HTCondor, started with ``--workflow htcondor``."""

from __future__ import annotations

import difflib
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import law

from deepsf.config import ConfigError
from deepsf.config.htcondor import HTCondor
from tasks.framework import remote_files, settings
from tasks.framework.abstract import only_inherited
from tasks.framework.base import ConfigTask
from tasks.framework.htcondor import queue, shipping
from tasks.framework.htcondor.adoption import Adoption, adopt, only_driver
from tasks.framework.htcondor.credentials import require_credential
from tasks.framework.htcondor.driver import Driver
from tasks.framework.htcondor.job_manager import JobManager
from tasks.framework.htcondor.submit_file import each_its_own, kernel_choices, plain_path, submit_lines
from tasks.framework.processes import end_with_parent
from tasks.framework.provenance import digest, write_json
from tasks.framework.registry import task_classes
from tasks.framework.sample_files import names_for_jobs
from tasks.framework.store import restore_branches

HERE = Path(__file__).parent


@only_inherited
class HTCondorTask(ConfigTask, law.htcondor.HTCondorWorkflow):
    """A workflow whose branches may run as HTCondor jobs.

    A job runs ``law run`` for its branches, with the configuration as it was when the job was submitted. Methods whose
    names begin with ``htcondor_`` are called by law.
    """

    workflow_proxy_cls = Driver

    # --- one driver, which goes on with the jobs that are there

    @contextmanager
    def htcondor_workflow_run_context(self) -> Iterator[None]:
        """Hold the folder's lock; take over what is in the queue, and what an earlier run has left in the store."""
        end_with_parent()
        self._check_task_names()
        _places()
        with only_driver(self.folder() / "htcondor", self.task_family):
            if not self.is_controlling_remote_jobs():
                shipping.receive(self.folder())
                restore_branches(self)
                self._ask_servers(list(self.get_branch_tasks().values()))
                self._adopt()
            yield
            shipping.remove_shipments(self.folder())  # not after an error: jobs may wait for theirs

    def _ask_servers(self, branches: Sequence[ConfigTask], *, anew: bool = False) -> None:
        """Find out size and UUID of all files on servers at once, before each branch asks for its own."""
        files = {
            file: task.skips_bad_files for task in branches for file in task.external_files() if isinstance(file, str)
        }
        remote_files.find_out(files, self.redirectors(), anew=anew)

    def _adopt(self) -> None:
        """Write law's file of jobs anew, from the queue: what is there goes on, what nobody works for is submitted."""
        jobs = queue.patiently(
            lambda: queue.live_jobs(self.job_label()), self._patience_s(), self._poll_s(), self.publish_message
        )
        complete = [number for number, task in self.get_branch_tasks().items() if task.complete()]
        adoption = adopt(jobs, self.jobs_key, self.branch_map, complete)
        for what, job_ids in (
            ("of an older configuration", adoption.outdated),
            ("that are held", adoption.held),
            ("that do what others do", adoption.doubled),
        ):
            if job_ids:
                self.publish_message(f"{self.task_family}: removing {len(job_ids)} jobs {what}")
                queue.remove_jobs(job_ids)
        if adoption.adopted:
            self.publish_message(f"{self.task_family}: {len(adoption.adopted)} jobs are in the queue already and go on")
        write_json(Path(self.workflow_proxy.output()["jobs"].abspath), self._job_data(adoption))

    def _job_data(self, adoption: Adoption) -> dict[str, Any]:
        """Return the content of law's file of jobs."""
        make = self.workflow_proxy.job_data_cls.job_data
        size = max(self.tasks_per_job, 1)
        chunks = [adoption.missing[start : start + size] for start in range(0, len(adoption.missing), size)]
        jobs = {
            str(number): make(job_id=job_id, branches=list(branches))
            for number, (job_id, branches) in enumerate(adoption.adopted.items(), 1)
        }
        return {
            "jobs": jobs,
            "unsubmitted_jobs": {str(number): chunk for number, chunk in enumerate(chunks, len(jobs) + 1)},
            "attempts": {},
            "tasks_per_job": size,
            "dashboard_config": {},
        }

    def job_label(self) -> str:
        """Return the label of this folder's jobs in the queue."""
        return str(self.folder())

    def jobs_key(self, branches: Sequence[int]) -> str:
        """Return a digest of the present configuration of branches, whichever others exist or are asked for."""
        everything = type(self).req(self, branches=())
        keys = [everything.as_branch(n).configuration_key() if n in everything.branch_map else "" for n in branches]
        return digest(keys)

    # --- before and between submissions

    def _check_task_names(self) -> None:
        """Refuse requests for a task that never has jobs: they would be without effect, in silence."""
        if not (asked := self._site().tasks):
            return
        known = sorted(name for name, cls in task_classes().items() if issubclass(cls, HTCondorTask))
        for name in asked:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
                raise ConfigError(f"htcondor.tasks.{name}: no task of this name has jobs; {hint}")

    def check_credential(self) -> None:
        """Refuse to submit with a credential that is missing or expires too soon."""
        if (credential := self._site().credential) is not None:
            require_credential(credential)

    def memory_factor_max(self) -> int:
        """Return by how much the memory request of a job may grow."""
        return int(self._site().memory_factor_max)

    @property
    def poll_fails(self) -> int:
        """Failed polls in a row that law bears: as many as fit into the patience."""
        return max(1, round(self._patience_s() / max(self._poll_s(), 1.0)))

    def modify_polling_status_line(self, status_line: str) -> str:
        """Add to the line of a poll why jobs stay idle, if they do for long."""
        why = self.workflow_proxy.explain_idle(60.0 * self._site().explain_idle_after_minutes)
        return status_line if why is None else f"{status_line}\nno job runs; the pool says:\n{why}"

    def htcondor_check_job_completeness(self) -> bool:
        """Count a job that ended well but without its output as failed; before that, take in what jobs returned."""
        if self._site().file_transfer:
            shipping.receive(self.folder())
        return True

    def htcondor_create_job_manager(self, **kwargs: Any) -> Any:
        """Return the job manager, which waits as long as this task's options say."""
        return JobManager(patience_s=self._patience_s(), interval_s=self._poll_s(), say=self.publish_message, **kwargs)

    def _site(self) -> HTCondor:
        return settings.config(self.config).htcondor

    def _patience_s(self) -> float:
        return float(self.patience) * 60.0

    def _poll_s(self) -> float:
        return float(self.poll_interval) * 60.0

    # --- what is submitted

    def htcondor_output_directory(self) -> Any:
        """Return where job bookkeeping and logs go."""
        return law.LocalDirectoryTarget(str(self.folder() / "htcondor"))

    def htcondor_bootstrap_file(self) -> Any:
        """Return the script that prepares a job's environment."""
        return law.JobInputFile(str(HERE / "bootstrap.sh"), share=True, render_job=True)

    def htcondor_stageout_file(self) -> Any:
        """Return the script that packs a job's outputs where they have to travel."""
        return law.JobInputFile(str(HERE / "stageout.sh"), share=True, render_job=True)

    def htcondor_group_wrapper_file(self) -> Any:
        """Return what HTCondor starts: law's wrapper, or what starts that one and packs when the job is evicted."""
        return shipping.job_starter() if self._site().file_transfer else super().htcondor_group_wrapper_file()

    def htcondor_job_config(self, config: Any, job_num: Sequence[int], branches: Sequence[list[int]]) -> Any:
        """Return the submit description: requests from the configuration, nothing inherited from the environment.

        One file serves all jobs of a submission: ``job_num`` has their numbers, ``branches`` what each works for.
        """
        site, snapshot = self._site(), self.config_snapshot()
        config.render_variables |= {
            **_places(),
            "deepsf_snapshot": snapshot.name,
            "deepsf_kernels": kernel_choices(os.environ),
            "deepsf_outputs": str(self.folder().relative_to(settings.data())) if site.file_transfer else "",
        }
        config.universe = site.universe
        config.postfix = [queue.branches_text(numbers) for numbers in branches]
        config.custom_log_file = f"submission{self._submission()}.txt"
        memory_factors = [self.workflow_proxy.memory_factor(number) for number in job_num]
        config.custom_content += submit_lines(site, self.task_family, memory_factors)
        config.custom_content += [
            ("batch_name", f"{self.task_family}/{self.version}"),
            ("MY.DeepSFTask", queue.quoted(self.job_label())),
            ("MY.DeepSFKey", queue.quoted(each_its_own([self.jobs_key(numbers) for numbers in branches]))),
            ("MY.DeepSFBranches", '"$(law_job_postfix)"'),
            ("MY.DeepSFSubmission", queue.quoted(secrets.token_hex(8))),
        ]
        if site.file_transfer:
            config.input_files["law_wrapper"] = super().htcondor_group_wrapper_file()
            jobs = [[self.as_branch(number) for number in numbers] for numbers in branches]
            # jobs cannot tell us if a file has become another one
            self._ask_servers([task for tasks in jobs for task in tasks], anew=True)
            shipping.ship(self.folder(), jobs, config, snapshot)
        return config

    def config_snapshot(self) -> Path:
        """Return a file with the configuration and its files as they are now, for the jobs: no later edit reaches them.

        Keys keep their order: networks get their inputs, and tables their rows, in the order of the configuration.
        """
        config = settings.config(self.config).model_dump(mode="json")
        paths = settings.expanded_texts(config)
        content = settings.Snapshot(config, paths, names_for_jobs(self.config))._asdict()
        name = f"{settings.config_path(self.config).stem}-{digest(json.dumps(content, allow_nan=False))}.json"
        path = settings.data() / ".configs" / name
        if not path.exists():
            write_json(path, content, sort_keys=False)
        return path

    def _submission(self) -> int:
        """Return a number for the logs of a submission, so that no attempt overwrites the log of another."""
        logs = (self.folder() / "htcondor").glob("submission*.txt")
        numbers = (path.stem.split("_")[0].removeprefix("submission") for path in logs)
        used = max((int(number) for number in numbers if number.isdigit()), default=0)
        self._last_submission = max(used, getattr(self, "_last_submission", 0)) + 1
        return self._last_submission


def _places() -> dict[str, str]:
    """Return the folders that scripts of jobs name; refuses those that cannot stand there."""
    return {
        "deepsf_base": plain_path(settings.base(), "the repository"),
        "deepsf_data": plain_path(settings.data(), "DEEPSF_DATA"),
        "deepsf_software": plain_path(settings.software(), "DEEPSF_SOFTWARE"),
    }
