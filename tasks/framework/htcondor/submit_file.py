"""The lines of a submit file that the site's section of the configuration (``htcondor``) asks for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepsf.config import ConfigError
from deepsf.config.htcondor import HTCondor
from tasks.framework.htcondor.credentials import credential_file
from tasks.framework.htcondor.queue import quoted

KERNELS = (
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
)
"""Variables that choose the kernels of numerical libraries, and with them how results round."""

_MEANT_OTHERWISE = set(',;=$`"\\')
"""Characters with a meaning in submit files or in the shell of jobs."""


def kernel_choices(environment: Mapping[str, str]) -> str:
    """Return the shell command by which a job takes over `KERNELS` from an environment."""
    chosen = [f"{name}={shlex.quote(environment[name])}" for name in KERNELS if name in environment]
    return " ".join(["export", *chosen]) if chosen else ":"


def plain_path(path: Path, what: str) -> str:
    """Return a path that stands in submit files and scripts of jobs as it is.

    Raises
    ------
    ConfigError
        If a character in it would have a meaning there, such as ``$``, which calls commands.
    """
    text = str(path)
    bad = sorted({character for character in text if character in _MEANT_OTHERWISE or not character.isprintable()})
    if bad:
        named = " ".join(map(repr, bad))
        raise ConfigError(f"{what} {text!r}: jobs of HTCondor cannot use a path with {named}; move it")
    return text


def each_its_own(values: Sequence[Any]) -> str:
    """Return one value for all jobs of a submission, or, if they differ, an expression that picks that of each job."""
    texts = [str(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else f"$CHOICE(Process,{','.join(texts)})"


def submit_lines(site: HTCondor, task: str, memory_factors: Sequence[int] = (1,)) -> list[tuple[str, Any]]:
    """Return the lines for jobs of a task; ``memory_factors`` has by how much each job's memory request has grown."""
    asked = site.resources(task)
    hours = asked.max_runtime_hours or site.max_runtime_hours
    runtime_class = site.runtime_class(hours)
    lines = [
        ("request_cpus", asked.request_cpus),
        ("request_memory", f"{each_its_own([(asked.request_memory_mb or 0) * n for n in memory_factors])} MB"),
        ("request_disk", f"{asked.request_disk_mb} MB"),
        ("request_gpus", asked.request_gpus or ""),
        ("+MaxRuntime", int(hours * 3600)),
        (f"+{site.runtime_class_attribute}", quoted(runtime_class) if runtime_class else ""),
        ("requirements", site.requirements),
        ("accounting_group", site.accounting_group),
        ("accounting_group_user", site.accounting_group_user),
        ("container_image", site.container_image),
        *_credential_lines(site),
        *_hold_lines(int(hours * 3600)),
        *((f"+{name}", value) for name, value in site.extra_classads.items()),
        *site.extra_commands.items(),
    ]
    return [(key, value) for key, value in lines if value not in ("", None)]


def _credential_lines(site: HTCondor) -> list[tuple[str, Any]]:
    if site.credential is None:
        return []
    if site.credential.kind == "proxy":
        return [("x509userproxy", plain_path(credential_file(site.credential) or Path(), "htcondor.credential.file"))]
    return [("MY.SendCredential", "True")]


def _hold_lines(runtime_s: int) -> list[tuple[str, Any]]:
    """Return lines that hold a job above its requests: few sites enforce them, and the reason shall have a name."""
    memory = "(MemoryUsage =!= undefined && MemoryUsage > RequestMemory)"
    proxy = "(x509UserProxyExpiration =!= undefined && time() > x509UserProxyExpiration)"
    runtime = f"(JobCurrentStartDate =!= undefined && time() - JobCurrentStartDate > {runtime_s})"
    above = 'strcat("memory ", MemoryUsage, " MB above request ", RequestMemory, " MB")'
    late = f'"ran longer than max_runtime_hours ({runtime_s} s)"'
    return [
        ("periodic_hold", f"JobStatus == 2 && ({memory} || {proxy} || {runtime})"),
        (
            "periodic_hold_reason",
            f'ifThenElse({memory}, {above}, ifThenElse({proxy}, "the proxy of the job has expired", {late}))',
        ),
        ("periodic_hold_subcode", 102),
    ]
