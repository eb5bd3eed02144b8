"""Generated input: ttbar and Z+jets events in NanoAOD format, pseudo-data with an injected scale factor, its truth.

A campaign's files are planned (`plan`), the composition of the events is tuned to the configured purities (`tune`),
each file is written on its own (`write_file`). `effective_truth` is for the audit alone.
"""

from analysis.generator.composition import Composition
from analysis.generator.files import write_file
from analysis.generator.plan import (
    GeneratedFile,
    NotEnoughDiskError,
    check_disk,
    cross_sections_pb,
    estimated_bytes,
    plan,
)
from analysis.generator.truth import EffectiveTruth
from analysis.generator.truth import load as effective_truth
from analysis.generator.tuning import tune

__all__ = [
    "Composition",
    "EffectiveTruth",
    "GeneratedFile",
    "NotEnoughDiskError",
    "check_disk",
    "cross_sections_pb",
    "effective_truth",
    "estimated_bytes",
    "plan",
    "tune",
    "write_file",
]
