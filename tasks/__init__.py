"""The workflow: one task an artefact. Tasks say what exists and from what; the work is done in ``analysis``."""

import gc

# law and luigi stay: the collector need not look through them again and again, nor write to them after a fork
gc.freeze()
