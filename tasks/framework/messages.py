"""What users see of an error: our own say in their message what is wrong, and luigi's tracebacks add pages to it."""

from __future__ import annotations

import logging
import math
import re
import time

from tasks.framework import settings

_OWN = re.compile(r"^(?:deepsf|tasks)\.[\w.]+: ", re.MULTILINE)
"""Where the message of an error of ours begins in the text of a traceback."""


_SAME_S = 60.0
"""The same message within this time is about the same error."""


class MessagesOnly(logging.Filter):
    """Lets errors whose classes are defined in `deepsf` or `tasks` pass as their message, each once.

    luigi reports one from each place that it reaches: planning, completeness, run. With ``DEEPSF_DEBUG=1``, and in
    batch jobs, the tracebacks stay.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is logged; take the traceback off it where it tells nothing."""
        message = None if settings.debugging() else _message(record)
        if message is None:
            return True
        before, self._said[message] = self._said.get(message, -math.inf), time.monotonic()
        if self._said[message] - before < _SAME_S:
            return False
        record.name, record.levelno, record.levelname = "deepsf", logging.ERROR, logging.getLevelName(logging.ERROR)
        record.msg, record.args, record.exc_info = message, (), None
        return True


def _message(record: logging.LogRecord) -> str | None:
    """Return what an error of ours says; None for records of other errors, or of none."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        is_own = type(error).__module__.split(".")[0] in ("deepsf", "tasks")
        return str(error) if is_own else None
    text = record.getMessage()  # what went wrong in planning has become a part of the text
    starts = list(_OWN.finditer(text)) if "Traceback (most recent call last)" in text else []
    return text[starts[-1].end() :].rstrip() if starts else None


def install() -> None:
    """Show messages only, from now on, in this process and those that it forks."""
    logger = logging.getLogger("luigi-interface")
    if not any(isinstance(known, MessagesOnly) for known in logger.filters):
        logger.addFilter(MessagesOnly())
