"""Section of the audit."""

from __future__ import annotations

from pydantic import Field

from deepsf.config.base import Count, Positive, Section, Seed


class Audit(Section):
    """Checks of every method on the same entries."""

    seed: Seed = 1
    n_jets: Count = Field(default=100_000, description="jets of each flavour at which scale factors meet the truth")
    classifier_passes: Positive = Field(
        default=4.0, description="passes of the classifiers of data against simulation over their training events"
    )
    n_bootstrap: int = Field(default=100, ge=2, description="event bootstraps for the errors of AUC differences")
