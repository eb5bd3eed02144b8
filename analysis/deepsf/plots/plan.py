"""What a planned figure is: its name is known before anything that takes time is loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from deepsf.plots.style import Style

Results = TypeVar("Results")


class PlannedFigure(NamedTuple, Generic[Results]):
    """The name of a figure's files, and the function that draws it from results."""

    stem: str
    draw: Callable[[Results, Style], Figure]
