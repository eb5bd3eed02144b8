"""Section of the audit of efficiencies: bins, sizes, and the limits of its rows."""

from __future__ import annotations

import difflib

from pydantic import Field

from deepsf.config.base import Count, Edges, Positive, Section, Seed
from deepsf.efficiency.audit.rows import DEFAULT_LIMITS

PAPER_FEATURE = "6b"
"""Rows of the publication's network have no default limits."""


class EfficiencyAudit(Section):
    """Checks of all models, and the limits of each row."""

    seed: Seed = 1
    delta_r: Edges = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.2)
    pt_gev: Edges = (20, 60, 100, 150, 200, 250, 300, 400, 500, 700, 1000)
    eta: Edges = tuple(-2.5 + 0.5 * k for k in range(11))
    mass_gev: Edges = (0, 30, 60, 100, 150, 200, 300, 400, 600, 900)
    low_pt_gev: Positive = Field(default=60.0, description="jets below have a row of their own")
    non_closure_pt_gev: Edges = Field(
        default=(20, 60, 100, 200, 400, 1000), description="cells in which the non-closure is given as a systematic"
    )
    non_closure_delta_r: Edges = (0.0, 0.4, 0.8, 1.5, 3.2)
    n_replicas: int = Field(default=200, ge=2, description="of the coverage test with maps")
    n_replica_events: Count = 20_000
    default_limits: bool = Field(
        default=True,
        description="limits of the shipped toy, and by default for toys alone; false: only rows in `limits` have one",
    )
    limits: dict[str, float | tuple[float | None, float | None] | None] = Field(
        default_factory=dict,
        description="upper limit, or interval that null leaves open, by row, such as 5.b; null: no limit",
    )

    def problems(self) -> list[str]:
        """Return limits that no row can have or meet, in words; which rows there are is known once they are made."""
        features = {key.split(".")[0] for key in DEFAULT_LIMITS} | {PAPER_FEATURE}
        found = []
        for key, limit in self.limits.items():
            where = f"efficiency.audit.limits.{key}"
            feature, _, rest = key.partition(".")
            if feature not in features or not rest:
                close = difflib.get_close_matches(key, DEFAULT_LIMITS, n=1)
                hint = f"did you mean {close[0]!r}?" if close else "such as 5.b or 9.chi2_1tag, see audit.json"
                found.append(f"{where}: no row is called that, they begin with a feature's number and a dot; {hint}")
            if not isinstance(limit, tuple):
                continue
            low, high = limit
            if low is None and high is None:
                found.append(f"{where} = [null, null]: an interval that is open at both ends is none; write null")
            elif low is not None and high is not None and low > high:
                found.append(f"{where} = [{low:g}, {high:g}]: no value can pass; the lower end comes first")
        return found
