"""Section of the audit of efficiencies: bins, sizes, and the limits of its rows."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from pydantic import Field

from deepsf.config.base import Count, Edges, Positive, Section, Seed

Limit = float | tuple[float | None, float | None] | None


class EfficiencyAudit(Section):
    """Checks of all models, and the limits of each row."""

    seed: Seed = 1
    delta_r: Edges = Field(
        default=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.2),
        description="edges in DeltaR of the two leading jets",
    )
    pt_gev: Edges = Field(
        default=(20, 60, 100, 150, 200, 250, 300, 400, 500, 700, 1000), description="edges in pT [GeV]"
    )
    eta: Edges = Field(default=tuple(-2.5 + 0.5 * k for k in range(11)), description="edges in eta")
    mass_gev: Edges = Field(
        default=(0, 30, 60, 100, 150, 200, 300, 400, 600, 900),
        description="edges in the mass of the two leading jets [GeV]",
    )
    low_pt_gev: Positive = Field(
        default=60.0, description="jets below this pT [GeV] have a calibration row of their own"
    )
    non_closure_pt_gev: Edges = Field(
        default=(20, 60, 100, 200, 400, 1000),
        description="edges in pT [GeV] of the cells of the non-closure systematic",
    )
    non_closure_delta_r: Edges = Field(
        default=(0.0, 0.4, 0.8, 1.5, 3.2), description="edges of these cells in DeltaR to the closest jet"
    )
    n_replicas: int = Field(default=200, ge=2, description="samples of the coverage test with maps")
    n_replica_events: Count = Field(default=20_000, description="events of each of these samples")
    limits: dict[str, Limit] | None = Field(
        default_factory=dict,
        description="by row: the largest value, or an interval with null for an open end; null: the row has no limit. "
        "Rows that are not named have their default limit, if there is one. null for all: no row has one",
    )


def limit_problems(audit: EfficiencyAudit, rows: Collection[str], possible: Collection[str]) -> Iterator[str]:
    """Yield limits that no row can have or meet.

    Parameters
    ----------
    rows, possible
        Names of the rows that this campaign's audit makes, and of those that another one's could.
    """
    for key, limit in (audit.limits or {}).items():
        where = f"efficiency.audit.limits.{key}"
        if key not in possible:
            yield f"{where}: no row is called that; {row_hint(key, possible)}"
        elif key not in rows and limit is not None:
            yield (
                f"{where}: this campaign has no such row; leave the limit out, or set it to null where an extended "
                "file has it"
            )
        if not isinstance(limit, tuple):
            continue
        low, high = limit
        if low is None and high is None:
            yield f"{where} = [null, null]: an interval that is open at both ends is none; write null"
        elif low is not None and high is not None and low > high:
            yield f"{where} = [{low:g}, {high:g}]: no value can pass; the lower end comes first"


def row_hint(key: str, rows: Collection[str]) -> str:
    """Return which row may be meant, in words."""
    close = difflib.get_close_matches(key, rows, n=1)
    checks = sorted({name.split(".")[0] for name in rows})
    return f"did you mean {close[0]!r}?" if close else f"names begin with {', '.join(checks)}, see docs/options.md"
