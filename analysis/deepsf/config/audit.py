"""Section of the audit."""

from __future__ import annotations

from pydantic import Field

from deepsf.config.base import Count, Positive, Section, Seed


class Audit(Section):
    """Checks of every method on the same entries."""

    seed: Seed = 1
    n_jets: Count = Field(default=100_000, description="jets of a flavour at which scale factors meet the truth")
    classifier_passes: Positive = 4.0
    n_bootstrap: int = Field(default=100, ge=2, description="event bootstraps behind the error of AUC differences")
