"""Classes of tasks that are only inherited from."""

from __future__ import annotations

from typing import Any, TypeVar

TaskClass = TypeVar("TaskClass", bound=Any)


def only_inherited(cls: TaskClass) -> TaskClass:
    """Mark a class that is no task to run, but holds what tasks have in common.

    law leaves it out of its index. luigi forgets it, and the bases that law gives it: at each start luigi makes options
    of the parameters of every class that it knows, several times.
    """
    cls.exclude_index = True
    for base in cls.__mro__:
        if base.__dict__.get("exclude_index"):
            base.deregister()
    return cls
