"""The section of the batch system: what jobs ask for, what the site wants, credentials. It never changes results."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deepsf.config.base import Count, NonNegative, Positive, Section


class Resources(Section):
    """What one job asks for; a value that is not given is taken from the section ``htcondor`` itself."""

    request_cpus: Count | None = None
    request_memory_mb: Count | None = None
    request_disk_mb: Count | None = None
    request_gpus: int | None = Field(default=None, ge=0)
    max_runtime_hours: Positive | None = None


class Credential(Section):
    """A credential that jobs need, e.g. to read input over XRootD: checked before submission, shipped with the job."""

    kind: Literal["proxy", "kerberos"]
    file: str = Field(
        default="",
        description="proxy: its file (default: $X509_USER_PROXY); kerberos: the ticket cache (default: klist's)",
    )
    hours_min: NonNegative = Field(default=12.0, description="life time that must be left when jobs are submitted")


class HTCondor(Section):
    """Requests and settings of the site; nothing here changes results, nothing about a site is in code."""

    request_cpus: Count = 1
    request_memory_mb: Count = 2000
    request_disk_mb: Count = 2000
    request_gpus: int = Field(default=0, ge=0)
    max_runtime_hours: Positive = 3.0
    tasks: dict[str, Resources] = Field(default_factory=dict, description="other requests, by the name of a task")
    memory_factor_max: Count = Field(default=4, description="a job above its memory is retried with twice the request")
    universe: str = "vanilla"
    container_image: str = Field(default="", description="for universe: container")
    requirements: str = ""
    accounting_group: str = ""
    accounting_group_user: str = ""
    runtime_classes: dict[str, Positive] = Field(
        default_factory=dict,
        description="hours by the site's name of the class; the shortest that suffices is asked for",
    )
    runtime_class_attribute: str = Field(default="JobFlavour", description="class-ad attribute that names the class")
    extra_classads: dict[str, str] = Field(default_factory=dict)
    extra_commands: dict[str, str] = Field(default_factory=dict, description="further lines of the submit file")
    credential: Credential | None = None
    file_transfer: bool = Field(
        default=False, description="no shared file system: repository, environment and input travel with the job"
    )
    checkpoint_minutes: Positive = Field(default=3.0, description="a training saves its state this often")
    explain_idle_after_minutes: Positive = Field(default=5.0, description="then the pool is asked why jobs stay idle")

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
        """Return what a job of a task asks for, with no value left open."""
        own = {key: getattr(self, key) for key in Resources.model_fields}
        return Resources(**own | self.tasks.get(task, Resources()).model_dump(exclude_none=True))

    def runtime_class(self, hours: float) -> str | None:
        """Return the shortest run-time class that suffices, None if the site has none."""
        suffice = [(limit, name) for name, limit in self.runtime_classes.items() if limit >= hours]
        return min(suffice)[1] if suffice else None
