"""The workflow: one task an artefact. Tasks say what exists and from what; the work is done in ``analysis``."""
