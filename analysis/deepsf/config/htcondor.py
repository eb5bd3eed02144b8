"""The section of the batch system: what jobs ask for, what the site wants, credentials. It never changes results."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from deepsf.config.base import NonNegative, Positive, Section

_OUR_COMMANDS = {
    *("queue", "universe", "executable", "arguments", "initialdir", "getenv", "notification", "batch_name"),
    *("input", "output", "error", "log", "should_transfer_files", "when_to_transfer_output", "transfer_executable"),
    *("transfer_input_files", "transfer_output_files", "transfer_output_remaps", "container_image", "x509userproxy"),
    *("request_cpus", "request_memory", "request_disk", "request_gpus", "requirements"),
    *("accounting_group", "accounting_group_user", "periodic_hold", "periodic_hold_reason", "periodic_hold_subcode"),
    *("include", "if", "elif", "else", "endif", "use", "warning"),
}
"""Words of the submit file that are written by us, depend on other keys, or are no commands (lower case)."""


def _one_line(text: str) -> str:
    text = text.strip().replace("\t", " ")
    if not text.isprintable():
        raise ValueError("a line break or control character ends the line of the submit file; use > for long texts")
    if text.endswith("\\"):
        raise ValueError("the submit file would go on with the next line after a backslash; take it off the end")
    return text


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("a name in the submit file has letters, digits and _, and does not begin with a digit")
    return text


def _free_command(text: str) -> str:
    if text.lower() in _OUR_COMMANDS:
        raise ValueError("this line of the submit file is written from other keys, or sets what jobs run; leave it out")
    return _word(text)


def _free_attribute(text: str) -> str:
    if text.lower().startswith("deepsf") or text.lower() == "maxruntime":
        raise ValueError("this class-ad attribute is written from other keys; leave it out")
    return _word(text)


Line = Annotated[str, AfterValidator(_one_line)]
"""What stands in one line of the submit file."""
Word = Annotated[str, AfterValidator(_word)]
Command = Annotated[str, AfterValidator(_free_command)]
Attribute = Annotated[str, AfterValidator(_free_attribute)]

Cpus = Annotated[int, Field(ge=1, description="CPU cores of a job")]
Memory = Annotated[int, Field(ge=1, description="memory of a job [MB]; raise it if jobs are held for using more")]
Disk = Annotated[int, Field(ge=1, description="disk space of a job [MB]")]
Gpus = Annotated[int, Field(ge=0, description="GPUs of a job")]
Hours = Annotated[float, Field(gt=0.0, description="run time after which a job is stopped [h]")]


class Resources(Section):
    """Requests of the jobs of one task; null: as in the section ``htcondor``."""

    request_cpus: Cpus | None = None
    request_memory_mb: Memory | None = None
    request_disk_mb: Disk | None = None
    request_gpus: Gpus | None = None
    max_runtime_hours: Hours | None = None


class Credential(Section):
    """A credential that jobs need, e.g. to read from EOS: checked before submission, shipped with the job."""

    kind: Literal["proxy", "kerberos"] = Field(description="grid proxy or Kerberos ticket")
    file: str = Field(
        default="",
        description="path of the proxy or ticket cache; empty: $X509_USER_PROXY, or klist's default cache",
    )
    hours_min: NonNegative = Field(default=12.0, description="lifetime that must be left at submission [h]")


class HTCondor(Section):
    """What batch jobs ask for, and what the site needs; nothing here changes a result."""

    request_cpus: Cpus = 1
    request_memory_mb: Memory = 2000
    request_disk_mb: Disk = 2000
    request_gpus: Gpus = 0
    max_runtime_hours: Hours = 3.0
    tasks: dict[str, Resources] = Field(default_factory=dict, description="other requests by name of the task")
    memory_factor_max: int = Field(
        default=4,
        ge=1,
        description="a job that exceeds its memory is retried with twice the request, up to this multiple",
    )
    universe: Line = Field(default="vanilla", description="HTCondor universe of the jobs")
    container_image: Line = Field(default="", description="image of the jobs in the universe container")
    requirements: Line = Field(default="", description="class-ad expression that machines must fulfil")
    accounting_group: Line = Field(default="", description="accounting group, where the site wants one")
    accounting_group_user: Line = Field(default="", description="user name for the accounting group")
    runtime_classes: dict[Line, Positive] = Field(
        default_factory=dict,
        description="hours by name of the site's run-time class; a job asks for the shortest that suffices",
    )
    runtime_class_attribute: Word = Field(default="JobFlavour", description="class-ad attribute that names the class")
    extra_classads: dict[Attribute, Line] = Field(
        default_factory=dict, description="more class-ad attributes of the jobs"
    )
    extra_commands: dict[Command, Line] = Field(default_factory=dict, description="more lines of the submit file")
    credential: Credential | None = None
    file_transfer: bool = Field(
        default=False, description="no shared file system: repository, environment and input travel with the job"
    )
    checkpoint_minutes: Positive = Field(default=3.0, description="time between two saved states of a training [min]")
    explain_idle_after_minutes: Positive = Field(
        default=5.0,
        description="time without a running job after which the pool is asked for the reason, which is printed [min]",
    )

    @model_validator(mode="after")
    def _runtime_class(self) -> HTCondor:
        longest = max(self.runtime_classes.values(), default=None)
        if longest is None:
            return self
        asked = {"max_runtime_hours": self.max_runtime_hours} | {
            f"tasks.{name}.max_runtime_hours": other.max_runtime_hours
            for name, other in self.tasks.items()
            if other.max_runtime_hours is not None
        }
        for key, hours in asked.items():
            if hours > longest:
                raise ValueError(
                    f"{key} = {hours:g} is longer than every class in runtime_classes (at most {longest:g})"
                )
        return self

    def resources(self, task: str) -> Resources:
        """Return the requests of the jobs of a task, with all values set."""
        defaults = {key: getattr(self, key) for key in Resources.model_fields}
        return Resources(**defaults | self.tasks.get(task, Resources()).model_dump(exclude_none=True))

    def runtime_class(self, hours: float) -> str | None:
        """Return the shortest run-time class that suffices, None if the site has none."""
        suffice = [(limit, name) for name, limit in self.runtime_classes.items() if limit >= hours]
        return min(suffice)[1] if suffice else None
