"""A configuration that tests edit, and tasks in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import luigi
import pytest
import yaml

from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.targets import ProvenanceTarget
from tests.tasks.framework.chain import ROOT, Campaign


@pytest.fixture
def campaign(tmp_path, monkeypatch) -> Iterator[Campaign]:
    monkeypatch.setenv("DEEPSF_DATA", str(tmp_path / "data"))
    monkeypatch.delenv(settings.SNAPSHOT_VARIABLE, raising=False)
    yield Campaign(tmp_path)
    settings.config.cache_clear()
    luigi.task_register.Register.clear_instance_cache()
    ProvenanceTarget.forget()


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """What tasks print."""
    messages: list[str] = []
    monkeypatch.setattr(ConfigTask, "publish_message", lambda _, message: messages.append(message))
    return messages


@pytest.fixture
def task_of(campaign, tmp_path) -> Callable[..., Any]:
    """Return a function that makes a task of a shipped configuration with other sections."""

    def make(cls: type[ConfigTask], base: str = "toy_small", **sections: Any) -> Any:
        path = tmp_path / f"mine_{base}.yaml"
        path.write_text(yaml.safe_dump({"extends": str(ROOT / "configs" / f"{base}.yaml"), **sections}))
        campaign.new_process()
        return cls(version="v1", config=str(path))

    return make


@pytest.fixture
def changed(task_of) -> Callable[..., set[str]]:
    """Return a function that tells which inputs of a task, or of its branches, an edit of the configuration changes."""

    def compare(cls: type[ConfigTask], base: str = "toy_small", **sections: Any) -> set[str]:
        before, after = (task_of(cls, base, **edit).own_inputs_of_all() for edit in ({}, sections))
        assert len(before) == len(after)
        pairs = [(old, new) for old, new in zip(before, after, strict=True)]
        return {key for old, new in pairs for key in {*old, *new} if old.get(key) != new.get(key)}

    return compare


def names(task: ConfigTask) -> list[str]:
    """Return the outputs of a task, relative to its folder."""
    from tasks.framework.targets import leaves

    return sorted(str(target.file.relative_to(task.folder())) for target in leaves(task.output()))
