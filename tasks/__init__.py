"""The workflow: one task per artefact. Tasks say what exists and from what; the work is done in ``deepsf``."""

import gc

from tasks.framework import messages

messages.install()
# law and luigi stay: the collector need not look through them again and again, nor write to them after a fork. That is
# a sixth of the CPU time of a `law run` with nothing to do
gc.freeze()
