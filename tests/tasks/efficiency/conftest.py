"""Tasks of a shipped configuration of efficiencies."""

from __future__ import annotations

import pytest


@pytest.fixture
def of(task_of):
    """Return a function that makes a task of a shipped configuration with other sections, of efficiencies or not."""

    def make(cls, base="efficiency_small", efficiency=None, **sections):
        return task_of(cls, base, **sections, **({"efficiency": efficiency} if efficiency else {}))

    return make


@pytest.fixture
def changed(changed):
    """Return a function that tells which inputs of a task an edit of the small toy changes."""
    return lambda cls, **sections: changed(cls, "efficiency_small", **sections)
