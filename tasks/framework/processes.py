"""luigi's worker processes end with the process that the user started."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """End this worker process when the one that forked it ends, however that happens.

    luigi runs tasks in forked processes, which survive when law is killed. Then a member would be trained twice once
    the same command runs again, and a driver of jobs would lock out the next one. Does nothing in the process that the
    user started, and on systems other than Linux.
    """
    parent = multiprocessing.parent_process()
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent.pid:  # it had ended before
        os.kill(os.getpid(), signal.SIGKILL)
