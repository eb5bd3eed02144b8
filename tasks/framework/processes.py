"""What luigi's worker processes owe to the one that the user started."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """End this worker process when the one that forked it ends, however that happens.

    luigi runs tasks in forked processes, which survive when law is killed: a member that goes on is trained twice once
    the same command runs again, and a driver of jobs that goes on keeps the next one out. Does nothing in the process
    that the user started, and on systems other than Linux.
    """
    parent = multiprocessing.parent_process()
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent.pid:  # it ended before it could be told
        os.kill(os.getpid(), signal.SIGKILL)
