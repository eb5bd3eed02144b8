"""A configuration that tests edit, and tasks in one process."""

from __future__ import annotations

from collections.abc import Iterator

import luigi
import pytest

from tasks.framework import settings
from tasks.framework.base import ConfigTask
from tasks.framework.targets import ProvenanceTarget
from tests.tasks.framework.chain import Campaign


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
