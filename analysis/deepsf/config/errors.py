"""Section of the errors of the networks' scale factors."""

from __future__ import annotations

from pydantic import Field

from deepsf.config.base import Count, LearningRate, Positive, Section, Seed


class Errors(Section):
    """Repetitions of fits, which give the errors: bootstraps of the direct density ratio, and both under shifts.

    With ``direct: null`` there are none: errors are then those that the binned scale factor gives, without shifts.
    """

    n_bootstrap: int = Field(
        default=25, ge=2, description="bootstraps by event of data and simulation; 25 give the error to 14 %"
    )
    seed: Seed = 1
    shifts: bool = Field(
        default=True,
        description="repeat the fit for every systematic shift of the section shifts; false: errors lack them, and "
        "results say so",
    )
    shift_jobs: Count = Field(default=2, description="number of jobs that share the shifts of a method")
    deepsf_shift_passes: Positive = Field(
        default=2.0,
        description="passes of DeepSF under a systematic shift, from the first direct density ratio on",
    )
    deepsf_shift_learning_rate: LearningRate = 1e-3
