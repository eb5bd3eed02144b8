"""The trainings that a result is made of: how many there are of those configured, and which have not converged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from deepsf.training.convergence import not_converged


class Members(NamedTuple):
    """The numbers, or names, of trainings, how many were configured, and which have not converged, with the reasons.

    The reasons are those of `deepsf.training.convergence.not_converged`.
    """

    used: tuple[int | str, ...]
    configured: int
    not_converged: Mapping[int | str, Sequence[str]] = MappingProxyType({})

    @classmethod
    def of(cls, records: Mapping[Any, Mapping[str, Sequence[float]]], configured: int | None = None) -> Self:
        """Return the members with these records of their trainings, by number or name; all by default."""
        reasons = {name: not_converged(record) for name, record in records.items()}
        lagging = {name: of_member for name, of_member in reasons.items() if of_member}
        return cls(tuple(records), len(records) if configured is None else configured, lagging)

    def warnings(self, what: str) -> list[str]:
        """Return a line for each member that has not converged; ``what`` it is, "member" for example."""
        return [
            f"{what} {name} has not converged, and counts all the same: {'; '.join(reasons)}"
            for name, reasons in self.not_converged.items()
        ]

    def to_json(self) -> dict[str, Any]:
        """Return how many are used and configured, and the reasons by number, as reports have them."""
        reasons = {str(name): list(of_member) for name, of_member in self.not_converged.items()}
        return {"used": len(self.used), "configured": self.configured, "not_converged": reasons}
