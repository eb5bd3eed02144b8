"""The machinery of tasks: provenance, store, batch systems; nothing of physics."""
