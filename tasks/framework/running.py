"""What happens around the `run` of every task: it is left out if nothing changed, and its outputs are sealed."""

from __future__ import annotations

import functools
import resource
import time
from collections.abc import Callable
from typing import Any

import law

from tasks.framework import settings, store
from tasks.framework.processes import end_with_parent
from tasks.framework.provenance import differences, require_sound, write_json, write_manifest
from tasks.framework.targets import ProvenanceTarget, leaves

Run = Callable[[Any], Any]


def sealing(run: Run) -> Run:
    """Wrap the `run` of a task.

    If nothing changed upstream, or the store has the outputs, nothing runs. Otherwise the outputs that are about to be
    replaced go into the store; after the run, manifests are written beside the new ones, and the costs are noted.
    """

    @functools.wraps(run)
    def wrapped(self: Any) -> Any:
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
            names = ", ".join(target.file.name for target in outputs)
            self.publish_message(f"{self.task_family}: restored from the store: {names}")
            return None
        store.keep(self)
        _run_and_seal(self, run, outputs)
        return None

    return wrapped


def _run_and_seal(task: Any, run: Run, outputs: list[ProvenanceTarget]) -> None:
    inputs = task.inputs_now()
    for target in task.upstream():
        require_sound(target.file)
    wall, cpu = time.perf_counter(), time.process_time()
    if task.uses_networks:
        _prepare_for_networks()
    try:
        run(task)
    except Exception as error:
        if not task.tolerates(error):
            raise
        return
    ProvenanceTarget.forget()
    if task.inputs_now() != inputs:
        words = differences(inputs, task.inputs_now())
        raise RuntimeError(f"{task.task_family}: inputs changed while the task ran ({words}); run it again")
    for target in outputs:
        write_manifest(target.file, task.task_family, inputs, task.remarks())
    ProvenanceTarget.forget()
    costs = {
        "wall_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    write_json(task.record_file(), costs)


def _prepare_for_networks() -> None:
    """Set up the process for torch, which is imported here: planning must not wait for it."""
    from deepsf.networks.cpu import prepare_process

    prepare_process()
