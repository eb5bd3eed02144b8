"""Section of the errors of the networks' scale factors."""

from __future__ import annotations

from pydantic import Field

from deepsf.config.base import Count, Section, Seed


class Errors(Section):
    """Repetitions of the direct density ratio, which give the errors of DeepSF and of the density ratio itself.

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
    shift_jobs: Count = Field(default=2, description="number of jobs that share the shifts")
