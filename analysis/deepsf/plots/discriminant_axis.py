"""The discriminant's axis: bins of very different width and invalid scores, all legible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from deepsf.arrays import Floats

_UNEVEN = 1.5
"""Bins are drawn with equal width if the widest is wider than the narrowest by more than this factor."""
_USUAL_LABEL, _DIGIT_WIDTH = 5, 0.64
"""Characters of a label that fit below a figure, and the width of one in units of the font size."""


def drawn_edges(edges: Floats) -> Floats:
    """Return discriminant edges for drawing: a last bin that reaches beyond 1 ends there, as scores do."""
    drawn = np.array(edges, np.float64)
    if drawn[-2] < 1.0 < drawn[-1]:
        drawn[-1] = 1.0
    return drawn


@dataclass(frozen=True)
class DiscriminantAxis:
    """How the discriminant is drawn: uneven bins with equal widths, invalid scores in a slot of their own."""

    edges: Floats
    show_invalid: bool

    @property
    def has_invalid(self) -> bool:
        """Whether the first bin holds the invalid scores."""
        return bool(self.edges[0] < 0)

    @property
    def first_shown(self) -> int:
        """Index of the first bin that is drawn."""
        return 1 if self.has_invalid and not self.show_invalid else 0

    @property
    def positions(self) -> Floats:
        """Return where the edges lie, in units of the mean bin width."""
        first = 1 if self.has_invalid else 0
        valid = self.drawn[first:]
        slots = (valid - valid[0]) / np.diff(valid).mean() if self._linear else np.arange(len(valid), dtype=float)
        slot_of_invalid = max(1.0, 0.07 * slots[-1])
        return np.concatenate([[slots[0] - slot_of_invalid], slots]) if first else slots

    @property
    def _linear(self) -> bool:
        width = np.diff(self.drawn[1 if self.has_invalid else 0 :])
        return bool(width.max() < _UNEVEN * width.min())

    @property
    def drawn(self) -> Floats:
        """Return the edges as drawn, see `drawn_edges`."""
        return drawn_edges(self.edges)

    def room_for_labels(self, *, max_labels: int = 20, size: str = "small") -> float:
        """Return by how many inches upright labels are longer than usual, for the margin below; options as `apply`."""
        ticks, rotation = self._ticks(max_labels)
        longest = max(len(text) for text in _texts(ticks)) if rotation else 0
        points = float(FontProperties(size=size).get_size_in_points())
        return max(0, longest - _USUAL_LABEL) * _DIGIT_WIDTH * points / 72.0

    def _ticks(self, max_labels: int) -> tuple[Floats, int]:
        """Return where labels stand, and how they are rotated [degree]."""
        valid = self.drawn[1 if self.has_invalid else 0 :]
        if self._linear and len(valid) - 1 > max_labels:
            return np.linspace(0.0, 1.0, 6), 0
        step = -(-(len(valid) - 1) // max_labels)
        return np.append(valid[: len(valid) - step : step], valid[-1]), 90

    def apply(self, axes: Axes, *, labels: bool = True, max_labels: int = 20, size: str = "small") -> None:
        """Set scale, limits and ticks of the horizontal axis; ``size`` is that of the labels."""
        drawn, positions = self.drawn, self.positions
        axes.set_xscale(
            "function",
            functions=(lambda x: np.interp(x, drawn, positions), lambda u: np.interp(u, positions, drawn)),
        )
        axes.set_xlim(drawn[self.first_shown], drawn[-1])
        ticks, rotation = self._ticks(max_labels)
        valid = drawn[1 if self.has_invalid else 0 :]
        axes.xaxis.set_minor_locator(FixedLocator(valid.tolist()) if rotation else NullLocator())
        axes.xaxis.set_major_locator(FixedLocator(ticks.tolist()))
        axes.xaxis.set_major_formatter(FixedFormatter(_texts(ticks) if labels else []))
        axes.tick_params(axis="x", labelrotation=rotation, labelbottom=labels, labelsize=size)
        if self.show_invalid and self.has_invalid:
            axes.axvline(drawn[1], ymax=0.6, color="0.6", linewidth=1.0, linestyle=":")
            if labels:
                centre = 0.5 * (positions[1] - positions[0]) / (positions[-1] - positions[0])
                place: dict[str, Any] = {"transform": axes.transAxes, "rotation": 90, "ha": "center", "va": "top"}
                axes.text(centre, -0.03, "invalid", fontsize=size, **place)

    def name(self, axes: Axes, text: str, **options: Any) -> None:
        """Write the axis label; below it that uneven bins, all drawn with equal width, are not to scale."""
        axes.set_xlabel(text, **options)
        if not self._linear:
            place: dict[str, Any] = {"xycoords": axes.xaxis.label, "ha": "right", "va": "top", "fontsize": "x-small"}
            axes.annotate("(bins not to scale)", (1.0, 0.0), **place)

    def fine(self, per_bin: int) -> Floats:
        """Return ``per_bin`` discriminants inside each bin of valid scores."""
        valid = self.drawn[1 if self.has_invalid else 0 :]
        inside = (np.arange(per_bin) + 0.5) / per_bin
        return np.asarray((valid[:-1, None] + np.diff(valid)[:, None] * inside).ravel())


def _texts(ticks: Floats) -> list[str]:
    return [f"{tick:.6g}" for tick in ticks]
