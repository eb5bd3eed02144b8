"""Generated input: ttbar, Z+jets and Z + cc in NanoAOD format, pseudo-data with an injected scale factor, its truth.

`plan.plan` plans a campaign's files, `tuning.tune` finds the composition of events with the configured purities, and
`files.write_file` writes one file. `truth.load` is for the audit alone.

Nothing is imported here: every start of a task plans files, which needs little of the rest.
"""
