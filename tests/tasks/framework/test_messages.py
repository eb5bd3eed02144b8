"""What users see of errors: the message of ours, the traceback of all others."""

from __future__ import annotations

import logging
import sys

import pytest

from deepsf.config import ConfigError
from tasks.framework.messages import MessagesOnly


@pytest.fixture
def shown(monkeypatch):
    """Return a function that logs as luigi does, and returns what is shown."""
    monkeypatch.delenv("DEEPSF_DEBUG", raising=False)
    logger = logging.Logger("luigi-interface")
    logger.addFilter(MessagesOnly())
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    logger.addHandler(Lines())

    def show(error: Exception, *, as_text: bool = False) -> list[str]:
        lines.clear()
        try:
            raise error
        except type(error):
            if as_text:
                text = logging.Formatter().formatException(sys.exc_info())
                logger.warning(f"Will not run Task or any dependencies due to error in deps() method:\n{text}")
            else:
                logger.exception("Uncaught exception in luigi")
        return list(lines)

    return show


@pytest.mark.parametrize("as_text", [False, True])
def test_our_errors_are_their_message_and_shown_once(shown, as_text):
    error = ConfigError("mine.yaml: 2 problem(s)\n  line 2: a\n  line 3: b")
    assert shown(error, as_text=as_text) == [str(error)]
    assert shown(error, as_text=not as_text) == []
    assert shown(ConfigError("another"), as_text=as_text) == ["another"]


@pytest.mark.parametrize("as_text", [False, True])
def test_other_errors_keep_their_traceback(shown, as_text):
    (text,) = shown(KeyError("weight"), as_text=as_text)
    assert "Traceback (most recent call last)" in text
    assert text.endswith("KeyError: 'weight'")


@pytest.mark.parametrize("variable", ["DEEPSF_DEBUG", "DEEPSF_CONFIG_SNAPSHOT"])
def test_tracebacks_stay_on_request_and_in_jobs(shown, monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    (text,) = shown(ConfigError("mine.yaml: wrong"))
    assert text.endswith("deepsf.config.yaml_file.ConfigError: mine.yaml: wrong")
    assert "Traceback (most recent call last)" in text
