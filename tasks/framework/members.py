"""Ensembles: workflows of trainings that can go on without some of them, if asked to."""

from __future__ import annotations

import atexit
import multiprocessing
import traceback
from typing import Any, ClassVar

from deepsf.config import ConfigError
from tasks.framework.abstract import only_inherited
from tasks.framework.targets import BranchOutputs, ProvenanceTarget, leaves
from tasks.framework.workflows import Workflow


class _LocalRun:
    """What became of the members of a local workflow; shared with luigi's worker processes, forked from this one."""

    def __init__(self, n_members: int) -> None:
        context = multiprocessing.get_context("fork")
        self.started: Any = context.Value("b", 0)
        self.failed: Any = context.Array("b", n_members)


class _MemberOutputs(BranchOutputs):
    """Complete with as many members as are asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if (target := next(leaves(self), None)) is not None:
            member: Any = target.task
            if member.accept_members:
                self.threshold = member.as_workflow().branches_required()


@only_inherited
class EnsembleWorkflow(Workflow):
    """One training per branch. With ``--accept-members N`` it is complete with N of them, after all were tried.

    luigi runs nothing that requires a failed task, so a member that may be missing must not fail: its error is printed,
    and it counts as done in this run, though it does not exist.
    """

    output_collection_cls = _MemberOutputs
    members_key: ClassVar[str]
    """Key of the number of members in the configuration."""
    local_runs: ClassVar[dict[str, _LocalRun]] = {}
    """Local workflows of this process, by folder."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_workflow() and str(self.folder()) not in self.local_runs:
            run = self.local_runs[str(self.folder())] = _LocalRun(self.plan_cfg(self.members_key))
            atexit.register(self._name_missing, run)

    def check(self) -> None:
        super().check()
        n_members = self.plan_cfg(self.members_key)
        if self.accept_members and not 2 <= self.accept_members <= n_members:
            raise ConfigError(
                f"--accept-members {self.accept_members}: must be at least 2 and at most {self.members_key}, which is "
                f"{n_members}; or 0, if all members are needed"
            )

    def create_branch_map(self) -> dict[int, int]:
        return {number: number for number in range(self.plan_cfg(self.members_key))}

    def branches_required(self) -> int:
        n_members = super().branches_required()
        return min(self.accept_members, n_members) if self.accept_members else n_members

    def members(self) -> dict[int, Any]:
        """Return the outputs of the members to use, by number: all, or, if fewer are accepted, those that exist."""
        outputs: dict[int, Any] = self.output()["collection"].targets
        if not self.accept_members:
            return outputs
        there = {n: output for n, output in outputs.items() if all(target.exists() for target in output.values())}
        return there if len(there) >= self.branches_required() else outputs

    def used_output(self) -> Any:
        return self.output() if self.is_branch() else self.members()

    def complete(self) -> bool:
        run = self.local_runs.get(str(self.folder()))
        return bool(self.accept_members and run and run.failed[self.branch]) or super().complete()

    def tolerates(self, error: Exception) -> bool:
        """Return whether the workflow goes on without this member; one that was asked for alone has to be trained."""
        run = self.local_runs.get(str(self.folder()))
        if not self.accept_members or run is None or not run.started.value:
            return False
        traceback.print_exception(error)
        self.publish_message(f"member {self.branch} failed; the others go on")
        run.failed[self.branch] = 1
        return True

    def local_workflow_pre_run(self) -> None:
        """Refuse to go on with too few members; law calls this before they run, and again when all have run."""
        run = self.local_runs[str(self.folder())]
        run.started.value = 1
        if any(run.failed) and not self.complete():
            # luigi would start the workflow again and again: nothing that it waits for is left
            failed = ", ".join(str(number) for number, has_failed in enumerate(run.failed) if has_failed)
            raise RuntimeError(f"members that failed: {failed}; too many for --accept-members {self.accept_members}")

    def _name_missing(self, run: _LocalRun) -> None:
        """Name the members that a local run leaves missing, and the ways on, at the very end of the output."""
        if not run.started.value:
            return
        ProvenanceTarget.forget()
        outputs = self.output()["collection"]
        n_there, there = outputs.count(keys=True)
        missing = ", ".join(str(number) for number in self.branch_map if number not in there)
        if not missing:
            return
        if outputs.exists():
            way_on = f"--accept-members {self.accept_members} goes on without"
        else:
            way_on = "the same command trains just these"
            way_on += f", --accept-members {n_there} goes on without" if n_there > 1 else ""
        print(f"{self.task_family}: {n_there} of {len(outputs)} members are there, missing: {missing}; {way_on}")
