"""Generated input: ttbar, Z+jets and Z + cc in NanoAOD format, pseudo-data with an injected scale factor, its truth.

A campaign's files are planned (`plan.plan`), the composition of the events is tuned to the configured purities
(`tuning.tune`), each file is written on its own (`files.write_file`). `truth.load` is for the audit alone.

Nothing is imported here: planning, which every start of a task needs, takes a fraction of the time of the rest.
"""
