"""`Workflow`: a `ConfigTask` with branches, run in local processes or as HTCondor jobs."""

from __future__ import annotations

from typing import Any

import law

from tasks.framework.abstract import only_inherited
from tasks.framework.htcondor.workflow import HTCondorTask
from tasks.framework.targets import BranchOutputs


@only_inherited
class Workflow(HTCondorTask, law.LocalWorkflow):
    """A task with a branch for each of its outputs; ``--workflow`` says where the branches run."""

    output_collection_cls = BranchOutputs
    # a selection of branches (--branches) concerns this workflow alone: all branches of what it requires are needed
    exclude_params_req = {"branches"}  # noqa: RUF012 - law's form

    def shared_requirements(self) -> dict[str, Any]:
        """Return what each branch requires, where that is the same for all; nothing by default.

        The workflow asks once, for all of its branches. Branches that differ override `requires` and
        `workflow_requires`.
        """
        return {}

    def workflow_requires(self) -> dict[str, Any]:
        return {**super().workflow_requires(), **self._shared}

    def requires(self) -> Any:
        return self._shared

    @law.workflow_property(setter=False, cache=True)
    def _shared(self) -> dict[str, Any]:
        return self.shared_requirements()

    def own_inputs_of_all(self) -> list[dict[str, Any]]:
        if self.is_branch():
            return [self.own_inputs()]
        return [task.own_inputs() for task in self.get_branch_tasks().values()]

    def branches_required(self) -> int:
        """Return how many branches must be complete for the workflow to be."""
        return len(self.branch_map)

    @classmethod
    def req_params(cls, inst: law.Task, **kwargs: Any) -> dict[str, Any]:
        """Return the parameters of a required task; what branches share is found out once, law would do it for each."""
        if kwargs.get("branch", -1) == -1:
            return super().req_params(inst, **kwargs)
        branch, excluded = kwargs["branch"], kwargs.get("_exclude", ())
        key = (cls, frozenset(excluded), *((name, kwargs[name]) for name in kwargs.keys() - {"branch", "_exclude"}))
        known = inst.__dict__.setdefault("_params_of_branches", {})
        if key not in known:
            known[key] = cls(**super().req_params(inst, **kwargs)).param_kwargs
        return {**known[key], "branch": branch}
