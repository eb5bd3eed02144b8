"""What is known of a training: where it is, and its record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Progress(NamedTuple):
    """Where a training is; ``losses`` by network name."""

    step: int
    n_steps: int
    losses: dict[str, float]


@dataclass
class History:
    """What was recorded once a pass, lists of equal length by name; written beside the weights."""

    columns: dict[str, list[float]] = field(default_factory=dict)

    @property
    def n_passes(self) -> int:
        """Complete passes."""
        return len(self.columns.get("pass", []))

    def add(self, **values: float) -> None:
        """Append one value to each named column."""
        for name, value in values.items():
            self.columns.setdefault(name, []).append(float(value))

    def to_json(self) -> dict[str, list[float]]:
        """Return the record as plain lists."""
        return dict(sorted(self.columns.items()))
